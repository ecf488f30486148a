"""Change the id of a series, or remove it: the commands `rename` and `forget`."""

from __future__ import annotations

from collections.abc import Callable

from cmetrics.catalog import is_metric_id
from cmetrics.domain.day_set import DaySet
from cmetrics.domain.errors import StoreError, UsageError
from cmetrics.domain.metric import Definition
from cmetrics.domain.removal import REMOVAL_JOBS, Removal, find_removals
from cmetrics.domain.run import Counts, Job, MetricOutcome, MetricStatus, RunStatus, RunSummary
from cmetrics.domain.sanitize import sanitize
from cmetrics.identity import match_ids
from cmetrics.ingest.bootstrap import Backup, load_run_states
from cmetrics.ingest.context import RunContext
from cmetrics.ingest.ingestion_run import IngestionRun
from cmetrics.ingest.removals import ALWAYS, apply_removal, describe, record_removal
from cmetrics.sources import SPECS
from cmetrics.store.lance_store import LanceStore


def check_rename(store: LanceStore, context: RunContext, old: str, new: str) -> None:
    """Raise UsageError unless the rows of ``old`` can be moved to ``new``."""
    catalog = context.catalog
    if not is_metric_id(new) or old == new:
        msg = f"{sanitize(new, limit=80)!r} cannot be the new id; use another one, such as downloads:lance:python"
        raise UsageError(msg)
    if (removal := _find_removal(store, old)) is None or removal.successor != new:
        _check_known(store, old)
    if catalog.metric(old) is not None and old not in catalog.default_ids:
        msg = f"{catalog.path} states id = {old!r}, so the next run would rename it back"
        raise UsageError(msg, hint=f"write id = {new!r} there; the next refresh moves the rows")
    rows = {row.metric_id: row for row in store.definitions()}
    if old in rows and new in rows and not _is_one_thing(rows[old], rows[new], context):
        msg = (
            f"{new} contains values of {rows[new].source} {rows[new].subject}, and {old} those of {rows[old].source} "
            f"{rows[old].subject}; a series combines two packages only if the catalogue says so"
        )
        hint = f"if one continues the other, write continues = [{rows[old].subject!r}] in the entry of {new}"
        raise UsageError(msg, hint=hint)


def rename(context: RunContext, old: str, new: str, backup: Backup) -> RunSummary:
    """Move all rows of ``old`` to ``new``. Raises StoreError if another run has written since ``backup``."""
    with _run(context, Job.RENAME, backup) as run:
        removal = Removal(run.run_id, old, new, context.now)
        record_removal(run.store, removal)
        count, counts = apply_removal(run.store, removal)
        latest = DaySet.union(run.store.days([new], ALWAYS)[new]).last
        outcome = MetricOutcome(new, MetricStatus.OK, count, latest)
        return _finish(run, outcome, counts, describe(removal, count))


def check_forget(store: LanceStore, metric_id: str) -> None:
    """Raise UsageError unless the store has rows of ``metric_id``."""
    _check_known(store, metric_id)


def forget(context: RunContext, metric_id: str, backup: Backup) -> RunSummary:
    """Remove all rows of ``metric_id``. Raises StoreError if another run has written since ``backup``."""
    with _run(context, Job.FORGET, backup) as run:
        collected = match_ids(context.catalog, run.store.definitions(), SPECS).catalog.metric(metric_id)
        removal = Removal(run.run_id, metric_id, None, context.now)
        record_removal(run.store, removal)
        count, _ = apply_removal(run.store, removal)
        text = describe(removal, count)
        if collected is not None:
            text += f"; it is still in {context.catalog.path}, so the next refresh collects it again"
        return _finish(run, MetricOutcome(metric_id, MetricStatus.SKIPPED), Counts(), text)


def _run(context: RunContext, job: Job, backup: Backup) -> IngestionRun:
    return IngestionRun(
        context.settings.store,
        job,
        now=context.now,
        progress=context.progress,
        clock=context.clock,
        prepare=_unchanged_since(backup),
    )


def _unchanged_since(backup: Backup) -> Callable[[LanceStore], None]:
    def check(store: LanceStore) -> None:
        if load_run_states(store) != backup.runs:
            msg = f"{store.target.label} was written to after its backup; nothing was changed, run the command again"
            raise StoreError(msg)

    return check


def _finish(run: IngestionRun, outcome: MetricOutcome, counts: Counts, text: str) -> RunSummary:
    job = Job(run.run_id.split("-", 1)[0])
    summary = RunSummary(run.run_id, job, RunStatus.SUCCESS, counts, (outcome,), run.warnings, notes=(text,))
    run.finish(summary, remark=text)
    return summary


def _find_removal(store: LanceStore, metric_id: str) -> Removal | None:
    """Return the last rename or forget of the id."""
    removals = find_removals(store.outcomes(jobs=REMOVAL_JOBS))
    return next((removal for removal in reversed(removals) if removal.metric_id == metric_id), None)


def _check_known(store: LanceStore, metric_id: str) -> None:
    known = sorted(store.metric_ids())
    if metric_id in known:
        return
    shown = sanitize(metric_id, limit=80)
    if (removal := _find_removal(store, metric_id)) is not None:
        became = f"renamed to {removal.successor}" if removal.successor else "forgotten"
        msg = f"{shown} is not in the store: it was {became} on {removal.at:%Y-%m-%d}"
        raise UsageError(msg)
    msg = f"{shown} is not in the store; available: {', '.join(known[:20]) or 'no metrics'}"
    raise UsageError(msg)


def _is_one_thing(old: Definition, new: Definition, context: RunContext) -> bool:
    if old.source != new.source or old.source not in SPECS:
        return old.source == new.source and old.subject == new.subject
    canonical = SPECS[old.source].canonical
    matched = match_ids(context.catalog, [old, new], SPECS).catalog.metric(new.metric_id)
    continued = matched.continues if matched is not None else ()
    return canonical(old.subject) in (canonical(new.subject), *continued)
