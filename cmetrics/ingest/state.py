"""Load the stored state of each metric, as far as the plan needs it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import TypeVar

from cmetrics.analytics.anomalies import READ_DAYS, find_anomalies
from cmetrics.analytics.columns import SeriesTable
from cmetrics.domain.day_set import DaySet
from cmetrics.domain.days import Span, window
from cmetrics.domain.kind import Kind
from cmetrics.domain.metric import PUBLISHED_WITHIN, Metric, SourceSpec
from cmetrics.domain.observation import Observation, SourceRef, StarRef, parse_package, parse_source_ref, parse_star_ref
from cmetrics.domain.outcome import OutcomeLog
from cmetrics.domain.state import MetricState, build_state
from cmetrics.ingest.plan import Plan
from cmetrics.store.columns import StoredDays
from cmetrics.store.lance_store import LanceStore

T = TypeVar("T")

#: Days searched first for the id of a repository, which every observed count includes.
RECENT_DAYS = 60
#: Searched if recent days have no id, because a repository may have failed for years.
ALL_DAYS = 365 * 50


def load_state(
    store: LanceStore,
    metrics: Sequence[Metric],
    specs: Mapping[str, SourceSpec],
    plan: Plan,
    seeds: Iterable[Observation],
    log: OutcomeLog,
) -> dict[str, MetricState]:
    """Return the state of each metric, as far back as ``plan`` needs it.

    ``seeds`` count as stored, because the run will store them. ``log`` shows which days earlier runs
    requested without success. Every read is bounded. Raises StoreError.
    """
    days = _load_days(store, metrics, specs, plan)
    seeded: dict[str, set[date]] = {}
    for row in seeds:
        seeded.setdefault(row.metric_id, set()).add(row.period_end)
    outliers = _load_outliers(store, metrics, plan.last_day)
    stars = [metric.metric_id for metric in metrics if metric.measure.kind is Kind.STOCK]
    repositories = _load_refs(
        store, stars, plan.last_day, newest_repositories, lambda repository: repository.number is not None
    )
    nightly = [metric.metric_id for metric in metrics if metric.measure.is_read_nightly]
    known = _load_refs(store, nightly, plan.last_day, newest_refs, lambda _: True)
    packages = load_packages(store, [metric for metric in metrics if metric.continues], specs, plan.last_day)
    states: dict[str, MetricState] = {}
    for metric in metrics:
        daily, snapshots = days[metric.metric_id]
        state = build_state(metric, daily, snapshots | seeded.get(metric.metric_id, ()))
        states[metric.metric_id] = replace(
            state,
            lost=find_lost_days(state, metric.metric_id, log, plan.last_day),
            doubtful=DaySet(outliers.get(metric.metric_id, ())),
            repository=repositories.get(metric.metric_id),
            known=known.get(metric.metric_id),
            continued_until=packages.get(metric.metric_id, _NO_PACKAGE).continued_until,
        )
    return states


def _load_days(
    store: LanceStore, metrics: Iterable[Metric], specs: Mapping[str, SourceSpec], plan: Plan
) -> dict[str, StoredDays]:
    """Return the stored days of each metric."""
    by_first_day: dict[date, list[str]] = {}
    for metric in metrics:
        by_first_day.setdefault(plan.reads_from(specs[metric.source]), []).append(metric.metric_id)
    days: dict[str, StoredDays] = {}
    for first, metric_ids in by_first_day.items():
        days |= store.days(metric_ids, Span(first, plan.last_day))
    return days


def _load_outliers(store: LanceStore, metrics: Sequence[Metric], last_day: date) -> dict[str, set[date]]:
    """Return the days of each metric whose value is far from its neighbours."""
    span = Span(window(last_day, READ_DAYS), last_day)
    rows = store.read_observations([metric.metric_id for metric in metrics], span)
    outliers, _ = find_anomalies(metrics, SeriesTable.from_arrow(rows), last_day)
    days: dict[str, set[date]] = {}
    for outlier in outliers:
        days.setdefault(outlier.metric_id, set()).add(outlier.day)
    return days


@dataclass(frozen=True, slots=True)
class Packages:
    """The packages whose downloads a series contains."""

    #: The package of the newest row that names one.
    newest: str | None = None
    #: The last day of a package that the metric continues.
    continued_until: date | None = None


_NO_PACKAGE = Packages()


def load_packages(
    store: LanceStore, metrics: Iterable[Metric], specs: Mapping[str, SourceSpec], last_day: date
) -> dict[str, Packages]:
    """Return the packages of each download metric; old rows are read only if they matter."""
    downloads = {metric.metric_id: metric for metric in metrics if metric.measure.kind is not Kind.STOCK}
    found: dict[str, Packages] = {}
    for days in (RECENT_DAYS, ALL_DAYS):
        unknown = [i for i, m in downloads.items() if i not in found or (m.continues and days == ALL_DAYS)]
        rows: dict[str, list[tuple[date, str]]] = {}
        for metric_id, day, source_ref in store.source_refs(unknown, Span(window(last_day, days), last_day)):
            package = parse_package(source_ref, specs[downloads[metric_id].source].services)
            if package is not None:
                rows.setdefault(metric_id, []).append((day, package))
        for metric_id, named in rows.items():
            metric = downloads[metric_id]
            canonical = specs[metric.source].canonical
            continued = (day for day, package in named if canonical(package) in metric.continues)
            found[metric_id] = Packages(max(named)[1], max(continued, default=None))
    return found


def _load_refs(
    store: LanceStore,
    metric_ids: Sequence[str],
    last_day: date,
    newest: Callable[[Iterable[tuple[str, date, str]]], dict[str, T]],
    is_whole: Callable[[T], bool],
) -> dict[str, T]:
    """Return the subjects named in the rows of each metric. Old rows are read only if recent ones are incomplete."""
    found: dict[str, T] = {}
    for days in (RECENT_DAYS, ALL_DAYS):
        unknown = [i for i in metric_ids if i not in found or not is_whole(found[i])]
        found |= newest(store.source_refs(unknown, Span(window(last_day, days), last_day)))
    return found


def find_lost_days(state: MetricState, metric_id: str, log: OutcomeLog, last_day: date) -> DaySet:
    """Return the missing days that a source did not return although it answered two weeks later or more.

    Days before the oldest stored one are not included.
    """
    if state.oldest_day is None:
        return DaySet()
    missing = DaySet.between(state.oldest_day, last_day - PUBLISHED_WITHIN) - state.daily - state.snapshots
    if not missing:
        return missing
    windows = log.answered_windows(metric_id, by=last_day - PUBLISHED_WITHIN)
    return missing & DaySet.union(DaySet.between(*span) for span in windows)


def newest_refs(refs: Iterable[tuple[str, date, str]]) -> dict[str, SourceRef]:
    """Return the subject in the newest row of each metric, with the newest identity in any row."""
    newest: dict[str, SourceRef] = {}
    for metric_id, _, source_ref in sorted(refs):
        if (ref := parse_source_ref(source_ref)) is not None:
            earlier = newest.get(metric_id)
            identity = ref.identity if ref.identity is not None or earlier is None else earlier.identity
            newest[metric_id] = replace(ref, identity=identity, remark=None)
    return newest


def newest_repositories(refs: Iterable[tuple[str, date, str]]) -> dict[str, StarRef]:
    """Return the repository of each metric: the name in its newest row, and the newest id in any row."""
    newest = newest_refs(row for row in refs if parse_star_ref(row[2]) is not None)
    return {i: StarRef(ref.subject, int(ref.identity) if ref.identity else None) for i, ref in newest.items()}
