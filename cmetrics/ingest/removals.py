"""Carry out what `rename` and `forget` record: move or remove the rows of an id.

The intent is stored first, the rows under the new id next, and the old ones go last. Every step may
be repeated, so a run that was killed at any moment is completed by the next one that writes.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import date, datetime

from cmetrics.domain.days import Span
from cmetrics.domain.metric import Definition
from cmetrics.domain.observation import Observation
from cmetrics.domain.plural import plural
from cmetrics.domain.removal import REMOVAL_JOBS, Removal, find_removals, is_removal, unfinished
from cmetrics.domain.run import Counts, Run, RunStatus
from cmetrics.ingest.reconcile import newer_wins
from cmetrics.store.lance_store import LanceStore

ALWAYS = Span(date(1, 1, 1), date(9999, 12, 31))


def record_removal(store: LanceStore, removal: Removal) -> None:
    """Store the intent. Raises StoreError, also where a cluster refuses the table ``outcomes``."""
    store.save_outcomes(removal.outcomes)


def apply_removal(store: LanceStore, removal: Removal, *, until: datetime | None = None) -> tuple[int, Counts]:
    """Move the rows of the old id to its successor, or remove them; return their number and what the move did.

    Of two values of one day the newer one stays. With ``until``, the time of a removal in another
    store, rows that were read later stay where they are, unless they continue the renamed series.
    """
    (row,) = store.definitions(removal.metric_id) or (None,)
    rows = store.observations([removal.metric_id], ALWAYS)
    going = [observation for observation in rows if is_meant(removal, observation.observed_at, row, until)]
    counts = _copy(store, removal.metric_id, removal.successor, going, row) if removal.successor else Counts()
    is_whole = len(going) == len(rows)
    store.remove_metric(removal.metric_id, until=None if is_whole else until, is_whole=is_whole)
    return len(going), counts


def is_meant(removal: Removal, read_at: datetime, row: Definition | None, until: datetime | None) -> bool:
    """Return whether a row that was read at ``read_at`` belongs to what was renamed or forgotten.

    ``row`` is the definition of the old id beside it. One from before a rename is the renamed metric;
    a later one is another metric of that id.
    """
    if until is None or read_at <= until:
        return True
    return removal.successor is not None and row is not None and row.created_at <= until


def resume_removals(store: LanceStore, at: datetime) -> tuple[str, ...]:
    """Complete the removals of runs that were killed; return a warning for each."""
    failed = [run for run in store.runs(status=RunStatus.FAILED) if is_removal(run.ingestion_run_id)]
    if not failed:
        return ()
    warnings = []
    for removal in unfinished(find_removals(store.outcomes(jobs=REMOVAL_JOBS)), failed):
        count, _ = apply_removal(store, removal)
        run = next(run for run in failed if run.ingestion_run_id == removal.run_id)
        text = describe(removal, count)
        store.save_run(replace(run, status=RunStatus.SUCCESS, finished_at=at, error_summary=text))
        warnings.append(f"{removal.run_id} had been interrupted and was completed: {text}")
    return tuple(warnings)


def carry_over(store: LanceStore, moves: Iterable[tuple[str, str]], run_ids: Iterable[str], at: datetime) -> list[str]:
    """Rename ids that the catalogue states anew; each is a run of its own in `history`. Return what was done."""
    texts = []
    for (old, new), run_id in zip(moves, run_ids, strict=False):
        removal = Removal(run_id, old, new, at)
        run = Run(run_id, run_id.split("-", 1)[0], RunStatus.RUNNING, at, None)
        store.save_run(run)
        record_removal(store, removal)
        count, counts = apply_removal(store, removal)
        text = describe(removal, count)
        store.save_run(
            replace(
                run,
                status=RunStatus.SUCCESS,
                finished_at=at,
                rows_inserted=counts.inserted,
                rows_updated=counts.updated,
                error_summary=text,
            )
        )
        texts.append(text)
    return texts


def describe(removal: Removal, count: int) -> str:
    """Return in words what the removal did with ``count`` values."""
    if removal.successor is None:
        return f"{removal.metric_id} forgotten: {plural(count, 'value')} removed"
    return f"{removal.metric_id} renamed to {removal.successor}: {plural(count, 'value')} carried over"


def _copy(store: LanceStore, old: str, new: str, rows: Sequence[Observation], definition: Definition | None) -> Counts:
    if definition is not None and not store.definitions(new):
        store.save_definitions([replace(definition, metric_id=new)])
    counts = store.upsert_observations([replace(row, metric_id=new) for row in rows], newer_wins)
    store.save_revisions([replace(row, metric_id=new) for row in store.revisions() if row.metric_id == old])
    store.save_readings([replace(row, metric_id=new) for row in store.readings([old])])
    outcomes = [row for row in store.outcomes(metric_ids=[old]) if not is_removal(row.ingestion_run_id)]
    store.save_outcomes([replace(row, metric_id=new) for row in outcomes])
    return counts
