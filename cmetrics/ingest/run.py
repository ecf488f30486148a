"""The one ingestion core: what `refresh` and `backfill` do."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Protocol

from cmetrics.catalog import Catalog
from cmetrics.domain.days import Clock, Span, last_completed_day
from cmetrics.domain.errors import UsageError
from cmetrics.domain.metric import PUBLISHED_WITHIN, Family, Metric, definition
from cmetrics.domain.observation import Observation, Provenance, observe
from cmetrics.domain.run import Job, MetricOutcome, MetricStatus, Run, RunSummary, overall
from cmetrics.domain.sanitize import sanitize
from cmetrics.http.service import ProgressStep, Sleep
from cmetrics.ingest.batch_writer import BatchWriter
from cmetrics.ingest.fetch import fetch
from cmetrics.ingest.plan import BackfillPlan, MetricState, Plan, RefreshPlan, build_requests, build_state, oldest_held
from cmetrics.ingest.quality import review
from cmetrics.ingest.reconcile import overwrite_rule
from cmetrics.ingest.session import Session, session
from cmetrics.ingest.state import remember
from cmetrics.seed import load_seed
from cmetrics.settings import Settings
from cmetrics.sources import SPECS
from cmetrics.sources.base import FetchRequest, FetchResult, merge_results
from cmetrics.store.lance_store import LanceStore

#: How far back the plan looks at earlier runs.
RUNS_WITHIN = timedelta(days=90)
#: Seconds between two merges of a deep backfill: seldom enough for the store, often enough for a
#: run that may be interrupted.
STORE_EVERY = 5.0
#: Before any package registry counted anything.
LONG_AGO = date(2005, 1, 1)


@dataclass(frozen=True, slots=True)
class Selection:
    """Which metrics of the catalogue a run is for; nothing named means all."""

    family: Family | None = None
    metric_ids: tuple[str, ...] = ()

    def of(self, catalog: Catalog) -> tuple[Metric, ...]:
        """The selected metrics in catalogue order; UsageError for an id that is not there."""
        for metric_id in self.metric_ids:
            if catalog.metric(metric_id) is None:
                known = ", ".join(metric.metric_id for metric in catalog.metrics[:20])
                msg = f"--metric {sanitize(metric_id, limit=80)}: not in {catalog.path}; there are {known}"
                raise UsageError(msg)
        found = tuple(
            metric
            for metric in catalog.metrics
            if (self.family in (None, metric.family)) and (not self.metric_ids or metric.metric_id in self.metric_ids)
        )
        if not found:
            msg = f"--only and --metric leave no metric of {catalog.path}"
            raise UsageError(msg)
        return found


class Watcher(Protocol):
    """Who is told how a run is getting on."""

    def waiting(self) -> None:
        """Another run holds the store."""

    def planned(self, requests: Sequence[FetchRequest]) -> None:
        """The questions of this run are known; asking begins."""

    def answered(self, metric: Metric, outcome: MetricOutcome) -> None:
        """All that a source has to say of one metric is known; it need not be stored yet."""

    def progress(self, source: str, step: ProgressStep | str) -> None:
        """How far a source has come with a long answer, or what it chose to do."""

    def storing(self) -> None:
        """All sources have answered."""


def refresh(
    settings: Settings,
    catalog: Catalog,
    *,
    lookback_days: int,
    selection: Selection,
    clock: Clock,
    watcher: Watcher,
    sleep: Sleep = asyncio.sleep,
) -> RunSummary:
    """The nightly job: what is missing, what still settles, and every hole that can be filled."""
    plan = RefreshPlan(last_completed_day(clock()), lookback_days)
    return _ingest(settings, catalog, Job.REFRESH, plan, selection, clock, watcher, sleep)


def backfill(
    settings: Settings,
    catalog: Catalog,
    *,
    span: Span,
    selection: Selection,
    clock: Clock,
    watcher: Watcher,
    deep: bool = False,
    store_every: float = STORE_EVERY,
    sleep: Sleep = asyncio.sleep,
) -> RunSummary:
    """Recompute a whole window, as far as the sources, with ``deep`` also their archives, answer for it.

    A deep one stores what it has read every ``store_every`` seconds: when it is interrupted and
    started again, little has been lost, and nothing half-written is left.
    """
    plan = BackfillPlan(last_completed_day(clock()), span, deep)
    return _ingest(
        settings, catalog, Job.BACKFILL, plan, selection, clock, watcher, sleep, store_every if deep else None
    )


def _ingest(
    settings: Settings,
    catalog: Catalog,
    job: Job,
    plan: Plan,
    selection: Selection,
    clock: Clock,
    watcher: Watcher,
    sleep: Sleep,
    store_every: float | None = None,
) -> RunSummary:
    metrics = selection.of(catalog)
    load_seed(catalog, "")  # a mistake in a seed file is found before the store is touched
    with session(settings.store, job, clock=clock, on_wait=watcher.waiting) as (run, end):
        run.store.save_definitions([definition(metric, run.started_at) for metric in catalog.metrics])
        seeds = load_seed(catalog, run.run_id)
        runs = run.store.runs(run.started_at - RUNS_WITHIN)
        is_deep = isinstance(plan, BackfillPlan) and plan.deep
        stored = load_states(run.store, metrics, plan.last_day, seeds, whole=is_deep)
        held = remember(run.store, metrics, stored, runs, plan.last_day)
        requests = build_requests(plan, metrics, SPECS, held)
        watcher.planned(requests)
        found: dict[str, MetricOutcome] = {}
        parts: dict[str, list[FetchResult]] = {}
        provenance = Provenance.RECOMPUTED if job is Job.BACKFILL else Provenance.API_DAILY
        rule = overwrite_rule({metric.metric_id: metric for metric in metrics}, SPECS)
        writer = BatchWriter(run.store, rule, every=store_every, on_merge=run.note_counts)
        writer.add(_missing_seeds(run.store, metrics, seeds))

        def answered(result: FetchResult) -> None:
            metric = result.request.metric
            parts.setdefault(metric.metric_id, []).append(result)
            if result.is_final:
                whole = _outcome(merge_results(parts[metric.metric_id]), held)
                found[metric.metric_id] = whole
                watcher.answered(metric, whole)
            writer.add(_observations(result, provenance, run, clock))

        harvest = fetch(
            requests,
            contact=catalog.contact,
            github_token=settings.github_token,
            network=settings.network,
            cache=settings.cache,
            clock=clock,
            sleep=sleep,
            on_result=answered,
            on_progress=watcher.progress,
        )
        watcher.storing()
        writer.flush()
        seen = review(run.store, metrics, writer.replaced, run.run_id, clock(), plan.last_day)
        outcomes = seen.told(found.get(metric.metric_id) or _skipped(metric, held) for metric in metrics)
        summary = RunSummary(
            run_id=run.run_id,
            job=job,
            status=overall(outcomes),
            counts=writer.counts,
            metrics=outcomes,
            warnings=(*run.warnings, *_warnings(harvest.results, seen.warnings, runs)),
            doubts=seen.doubts,
            notes=_notes(harvest.results),
            requests=harvest.requests,
        )
        end(summary)
    return summary


def load_states(
    store: LanceStore,
    metrics: Iterable[Metric],
    last_day: date,
    seeds: Iterable[Observation],
    *,
    whole: bool = False,
) -> dict[str, MetricState]:
    """What the store holds of each metric, as far back as its source answers; all of it if ``whole``.

    Seeded snapshots count as held, also those that this run is going to store.
    """
    by_reach: dict[date, list[Metric]] = {}
    for metric in metrics:
        first = LONG_AGO if whole else max(oldest_held(SPECS[metric.source], last_day), LONG_AGO)
        by_reach.setdefault(first, []).append(metric)
    days: dict[str, list[tuple[date, bool]]] = {metric.metric_id: [] for metric in metrics}
    for first, group in by_reach.items():
        for metric_id, day, is_seed in store.days([m.metric_id for m in group], Span(first, last_day)):
            days[metric_id].append((day, is_seed))
    for row in seeds:
        if row.metric_id in days:
            days[row.metric_id].append((row.period_end, True))
    return {metric.metric_id: build_state(metric, days[metric.metric_id]) for metric in metrics}


def _missing_seeds(store: LanceStore, metrics: Iterable[Metric], seeds: Iterable[Observation]) -> list[Observation]:
    """The snapshots of these metrics whose key the store does not hold: on a first run, all of them."""
    ids = {metric.metric_id for metric in metrics}
    rows = [row for row in seeds if row.metric_id in ids]
    if not rows:
        return []
    days = [row.period_end for row in rows]
    span = Span(min(days), max(days))
    stored = {(metric_id, day) for metric_id, day, _ in store.days(sorted({r.metric_id for r in rows}), span)}
    return [row for row in rows if row.key not in stored]


def _observations(result: FetchResult, provenance: Provenance, run: Session, clock: Clock) -> list[Observation]:
    at = clock()
    return [
        observe(result.request.metric, value, provenance=provenance, run_id=run.run_id, at=at)
        for value in result.values
    ]


def _outcome(result: FetchResult, held: Mapping[str, MetricState]) -> MetricOutcome:
    metric_id = result.request.metric.metric_id
    stored = held[metric_id].daily
    days = {value.day for value in result.values}
    pending = sum(day > result.request.last_day - PUBLISHED_WITHIN for day in result.pending)
    status = MetricStatus.PENDING if pending else MetricStatus.OK
    return MetricOutcome(
        metric_id,
        MetricStatus.FAILED if result.error else status,
        days_stored=len(days),
        latest_day=max(stored | days, default=None),
        pending_days=pending,
        error=sanitize(str(result.error)) if result.error else None,
        healed_days=sum(min(stored) < day < max(stored) for day in days - stored) if stored else 0,
    )


def _skipped(metric: Metric, held: Mapping[str, MetricState]) -> MetricOutcome:
    latest = max(held[metric.metric_id].daily, default=None)
    return MetricOutcome(metric.metric_id, MetricStatus.SKIPPED, latest_day=latest)


def _warnings(results: Iterable[FetchResult], more: Iterable[str], runs: Iterable[Run]) -> Iterable[str]:
    """Each warning once, in the order of the answers; news only when no earlier run has told them."""
    results = list(results)
    told = {text for run in runs for text in run.errors}
    news = (sanitize(text) for result in results for text in result.news)
    found = [*(text for result in results for text in result.warnings), *more]
    clean = dict.fromkeys(sanitize(text) for text in found)
    return [*clean, *(text for text in news if text not in told)]


def _notes(results: Iterable[FetchResult]) -> tuple[str, ...]:
    """Each note once, in the order of the answers."""
    notes = (text for result in results for text in result.notes)
    return tuple(dict.fromkeys(sanitize(text) for text in notes))
