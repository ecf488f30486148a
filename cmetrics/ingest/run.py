"""The core of `refresh` and `backfill`: plan, fetch, store, check. They differ only in the plan."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import closing, suppress
from dataclasses import dataclass
from datetime import date, datetime, timedelta

import pyarrow as pa

from cmetrics.catalog import Catalog
from cmetrics.domain.day_set import DaySet
from cmetrics.domain.days import Span
from cmetrics.domain.errors import StoreError, UsageError
from cmetrics.domain.interrupts import hold_interrupts
from cmetrics.domain.metric import PUBLISHED_WITHIN, Metric
from cmetrics.domain.observation import Observation, Provenance
from cmetrics.domain.outcome import OutcomeLog
from cmetrics.domain.run import Highlights, Job, MetricOutcome, MetricStatus, RunSummary, overall
from cmetrics.domain.sanitize import sanitize
from cmetrics.domain.state import MetricState
from cmetrics.ingest.batch_writer import BatchWriter
from cmetrics.ingest.catalog_changes import follow_catalog, match_stored_ids
from cmetrics.ingest.context import RunContext
from cmetrics.ingest.fetch import fetch
from cmetrics.ingest.highlights import find_highlights
from cmetrics.ingest.ingestion_run import IngestionRun
from cmetrics.ingest.observations import build_observations
from cmetrics.ingest.outcomes import build_outcomes, left_out_outcomes, save_outcomes
from cmetrics.ingest.plan import BackfillPlan, Plan, RefreshPlan, build_requests
from cmetrics.ingest.quality import check_quality
from cmetrics.ingest.readings import record_readings
from cmetrics.ingest.reconcile import overwrite_rule
from cmetrics.ingest.releases import ReleaseReader
from cmetrics.ingest.state import load_state
from cmetrics.seed import load_seed
from cmetrics.sources import SPECS
from cmetrics.sources.base import FetchResult, merge_results
from cmetrics.store.lance_store import LanceStore
from cmetrics.store.schema import STATS, encode

#: The age of the oldest run that the plan takes into account.
RUNS_WITHIN = timedelta(days=90)
#: Seconds between two merges of a deep backfill: long enough to keep the store small, short enough to
#: lose little when interrupted.
STORE_INTERVAL = 5.0


@dataclass(frozen=True, slots=True)
class Selection:
    """A selection of metrics from the catalogue; all of them by default."""

    #: What is counted: ``downloads``, ``stars``, ``pulls``.
    family: str | None = None
    metric_ids: tuple[str, ...] = ()

    def select(self, catalog: Catalog) -> tuple[Metric, ...]:
        """Return the selected metrics in catalogue order. Raises UsageError for an unknown id or an empty selection."""
        wanted = {i if catalog.metric(i) is not None else catalog.aliases.get(i, i) for i in self.metric_ids}
        for metric_id in self.metric_ids:
            if catalog.metric(metric_id) is None and metric_id not in catalog.aliases:
                known = ", ".join(metric.metric_id for metric in catalog.metrics[:20])
                msg = f"--metric {sanitize(metric_id, limit=80)}: not found in {catalog.path}; available: {known}"
                raise UsageError(msg)
        families = dict.fromkeys(metric.family for metric in catalog.metrics)
        if self.family is not None and self.family not in families:
            known = ", ".join(families)
            msg = f"--only: {sanitize(self.family, limit=40)!r} is not counted by {catalog.path}; available: {known}"
            raise UsageError(msg)
        metrics = tuple(
            metric
            for metric in catalog.metrics
            if (self.family in (None, metric.family)) and (not wanted or metric.metric_id in wanted)
        )
        if not metrics:
            msg = f"--only and --metric select no metric of {catalog.path}"
            raise UsageError(msg)
        return metrics


ALL_METRICS = Selection()


def refresh(context: RunContext, *, lookback_days: int = 0, selection: Selection = ALL_METRICS) -> RunSummary:
    """Collect new days, days that the sources still revise, and every gap that can be filled."""
    return _ingest(context, Job.REFRESH, RefreshPlan(context.last_day, lookback_days), selection)


def backfill(
    context: RunContext,
    span: Span,
    *,
    deep: bool = False,
    selection: Selection = ALL_METRICS,
    store_interval: float = STORE_INTERVAL,
) -> RunSummary:
    """Recompute all days of ``span`` that the sources serve and, with ``deep``, those of their archives.

    A deep backfill merges every ``store_interval`` seconds, so that an interrupted one loses little.
    """
    plan = BackfillPlan(context.last_day, span, deep)
    return _ingest(context, Job.BACKFILL, plan, selection, store_interval if deep else None)


def _ingest(
    context: RunContext, job: Job, plan: Plan, selection: Selection, store_interval: float | None = None
) -> RunSummary:
    _check_selection(selection, context)
    # A mistake in a seed file is found before the store is touched.
    load_seed(context.catalog, "")
    provenance = Provenance.RECOMPUTED if job is Job.BACKFILL else Provenance.API_DAILY
    with IngestionRun(
        context.settings.store, job, now=context.now, progress=context.progress, clock=context.clock
    ) as run:
        # Plan.
        changes = follow_catalog(run.store, context)
        metrics = selection.select(changes.catalog)
        overwrites = overwrite_rule({metric.metric_id: metric for metric in metrics}, SPECS)
        seeds = load_seed(changes.catalog, run.run_id)
        log = _load_log(run.store, metrics, context.now - RUNS_WITHIN)
        states = load_state(run.store, metrics, SPECS, plan, seeds, log)
        collected = [metric for metric in metrics if metric.metric_id not in changes.conflicts]
        requests = build_requests(plan, collected, SPECS, states)
        context.progress.planned(requests)

        # Fetch and store.
        writer = BatchWriter(run.store, overwrites, interval=store_interval)
        _add(encode(_missing_seeds(run.store, metrics, seeds), STATS), writer, run)
        parts: dict[str, list[FetchResult]] = {}
        results: dict[str, FetchResult] = {}
        outcomes: dict[str, MetricOutcome] = {}
        releases = ReleaseReader(metrics, context) if job is Job.REFRESH else None
        with closing(fetch(requests, context, releases)) as stream:
            # A request yields several parts if its archive is fetched too; the values of each part are
            # stored as they arrive, its outcome follows from all parts together.
            for fetched in stream:
                part = record_readings(run.store, fetched, run.run_id)
                metric = part.request.metric
                parts.setdefault(metric.metric_id, []).append(part)
                if part.is_final:
                    result = results[metric.metric_id] = merge_results(parts.pop(metric.metric_id))
                    outcome = outcomes[metric.metric_id] = _build_outcome(result, states[metric.metric_id])
                    context.progress.fetched(metric, outcome)
                rows = build_observations(metric, part.values, provenance=provenance, run_id=run.run_id, at=context.now)
                _add(rows, writer, run)
        context.progress.storing()
        with hold_interrupts():
            writer.flush()
            run.count(writer.counts)
        unread = releases.save(run.store) if releases else []

        # Check and record.
        quality = check_quality(run.store, metrics, writer.replaced, run.run_id, context.now, plan.last_day)
        checked = quality.add_revisions(
            outcomes.get(metric.metric_id)
            or _not_requested(metric, states[metric.metric_id], changes.conflicts.get(metric.metric_id))
            for metric in metrics
        )
        if selection == ALL_METRICS:
            checked += left_out_outcomes(changes.catalog.left_out, run.store.definitions())
        unsaved = save_outcomes(run.store, build_outcomes(run.run_id, checked, requests, context.now))
        highlights: Highlights | None = None
        silenced: list[str] = []
        if job is Job.REFRESH:
            highlights, silenced = find_highlights(run.store, changes.catalog, context)
        summary = RunSummary(
            run_id=run.run_id,
            job=job,
            status=overall(checked),
            counts=writer.counts,
            metrics=checked,
            warnings=(
                *run.warnings,
                *changes.warnings,
                *_merge_warnings(results.values(), [*quality.warnings, *unread, *unsaved, *silenced]),
            ),
            anomalies=quality.anomalies,
            notes=(*changes.notes, *_merge_notes(results.values())),
            requests=tuple(sorted(context.requests_sent.items())),
            highlights=highlights,
        )
        run.finish(summary)
    return summary


def _add(rows: pa.Table, writer: BatchWriter, run: IngestionRun) -> None:
    """Buffer ``rows``. The merged rows are counted even if the run is interrupted at this moment."""
    with hold_interrupts():
        if writer.add(rows):
            run.checkpoint(writer.counts)


def _check_selection(selection: Selection, context: RunContext) -> None:
    """Raise UsageError for a selection without a metric, before anything is written.

    An id may be the catalogue's, or the one that the store has for the same metric.
    """
    try:
        selection.select(context.catalog)
    except UsageError:
        if not selection.metric_ids:
            raise
        definitions = []
        with suppress(StoreError):
            definitions = LanceStore.open(context.settings.store).definitions()
        selection.select(match_stored_ids(context, definitions).catalog)


def _load_log(store: LanceStore, metrics: Iterable[Metric], since: datetime) -> OutcomeLog:
    return OutcomeLog(store.runs(since), store.read_outcomes(since, [metric.metric_id for metric in metrics]))


def _missing_seeds(store: LanceStore, metrics: Iterable[Metric], seeds: Iterable[Observation]) -> list[Observation]:
    """Return the seeded snapshots of these metrics whose keys are not stored yet."""
    ids = {metric.metric_id for metric in metrics}
    rows = [row for row in seeds if row.metric_id in ids]
    if not rows:
        return []
    days = [row.period_end for row in rows]
    span = Span(min(days), max(days))
    stored = store.days({row.metric_id for row in rows}, span)
    return [row for row in rows if row.period_end not in DaySet.union(stored[row.metric_id])]


def _build_outcome(result: FetchResult, state: MetricState) -> MetricOutcome:
    stored, days = state.daily, DaySet(value.day for value in result.values)
    pending = sum(day > result.request.last_day - PUBLISHED_WITHIN for day in result.pending)
    status = MetricStatus.SKIPPED if result.is_off else MetricStatus.PENDING if pending else MetricStatus.OK
    return MetricOutcome(
        result.request.metric.metric_id,
        MetricStatus.FAILED if result.error else status,
        days_stored=len(days),
        latest_day=(stored | days).last,
        pending_days=pending,
        error=sanitize(str(result.error)) if result.error else None,
        healed_days=len((days - stored) & DaySet.between(stored.first or date.max, stored.last or date.min)),
        source=result.request.metric.source,
    )


def _not_requested(metric: Metric, state: MetricState, conflict: str | None) -> MetricOutcome:
    return MetricOutcome(
        metric.metric_id,
        MetricStatus.FAILED if conflict else MetricStatus.SKIPPED,
        latest_day=state.latest_day,
        error=conflict,
        source=metric.source,
    )


def _merge_warnings(results: Iterable[FetchResult], more: Iterable[str]) -> tuple[str, ...]:
    """Return each warning once, in the order of the results."""
    warnings = [*(text for result in results for text in result.warnings), *more]
    return tuple(dict.fromkeys(map(sanitize, warnings)))


def _merge_notes(results: Iterable[FetchResult]) -> tuple[str, ...]:
    """Return each note once, in the order of the results."""
    return tuple(dict.fromkeys(sanitize(text) for result in results for text in result.notes))
