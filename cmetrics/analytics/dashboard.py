"""Build the dashboard of a day from stored rows."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime
from typing import Any

import numpy as np

from cmetrics.analytics import series
from cmetrics.analytics.chart import largest
from cmetrics.analytics.columns import SeriesTable
from cmetrics.analytics.counts import CountItems, is_count
from cmetrics.analytics.intervals import Intervals
from cmetrics.analytics.model import (
    NO_FLOWS,
    NO_POINTS,
    Dashboard,
    DayPoints,
    DownloadItem,
    Group,
    Health,
    MetricFreshness,
    PeriodPoint,
    RunNote,
    SourceState,
    StarItem,
)
from cmetrics.analytics.month_total import compare_months
from cmetrics.catalog import Catalog
from cmetrics.domain.days import Span, last_full_month, window
from cmetrics.domain.metric import Event, Metric, Product
from cmetrics.domain.observation import parse_package
from cmetrics.domain.outcome import OutcomeLog
from cmetrics.domain.run import Run, RunStatus
from cmetrics.domain.sanitize import isolate

#: SDKs with colours of their own. All others get numbered colours.
KNOWN_TONES = ("python", "rust", "nodejs")
NUMBERED_TONES = 8
#: The changes in 7, 30 and 90 days if none is known.
NO_CHANGES: tuple[None, None, None] = (None, None, None)
#: The maximum number of failed or partial runs that are listed with their errors.
FAILURES_SHOWN = 10


def build_dashboard(
    catalog: Catalog,
    source_titles: Mapping[str, str],
    table: SeriesTable,
    runs: Sequence[Run],
    *,
    as_of: date,
    days: int,
    generated_at: datetime,
    log: OutcomeLog | None = None,
    events: Sequence[Event] | None = None,
    intervals: Intervals | None = None,
) -> Dashboard:
    """Return the dashboard of ``as_of`` from values up to that day (later ones are left out).

    ``runs`` are newest first; without ``log``, only their status is known. ``events`` are those of the catalogue and
    the releases; by default, only the former. ``intervals`` are those of all counters.
    """
    log = log or OutcomeLog(runs, ())
    table = table.where(table.days <= as_of.toordinal())
    counts = CountItems(catalog.metrics, table, intervals, as_of)
    builder = _Builder(catalog.metrics, source_titles, table, log, as_of, counts)
    by_product: dict[str, list[Metric]] = {}
    for metric in catalog.metrics:
        by_product.setdefault(metric.product, []).append(metric)
    groups = tuple(builder.group(product, by_product.get(product.product, ())) for product in catalog.products)
    groups = _with_tones(groups, catalog.metrics)
    # Totals are computed from whole series, so that a short window does not change them.
    downloads = {m.metric_id: builder.months(m) for m in catalog.metrics if m.measure.is_in_totals}
    stars = [builder.stars(m) for m in catalog.metrics if m.measure.is_stars]
    changes = find_package_changes(catalog.metrics, table)
    shown = catalog.events if events is None else events
    whole = Dashboard(
        title=catalog.title,
        as_of=as_of,
        generated_at=generated_at,
        days=days,
        groups=groups,
        **_totals(downloads, stars, as_of),
        sources=build_sources(groups),
        events=tuple(sorted((*(e for e in shown if e.day <= as_of), *changes), key=lambda e: e.day)),
        health=build_health(runs, log),
        notes=tuple(note for note in catalog.notes if note.day <= as_of),
        notice=catalog.notice,
        license=catalog.license,
        lang=catalog.lang,
        theme=catalog.theme,
    )
    # Counters have separate points; all other series have the length of the rows.
    is_longer = bool(len(table)) and int(table.days.min()) < window(as_of, days).toordinal()
    return narrow(whole, days) if is_longer or any(group.counts for group in groups) else whole


def _totals(downloads: Mapping[str, Sequence[PeriodPoint]], stars: Sequence[DayPoints], as_of: date) -> dict[str, Any]:
    """Return the fields of a dashboard that are computed from several series: months by metric, and days of stars."""
    month = last_full_month(as_of)
    before, total = (
        series.total_of([series.month_of(points, m) for points in downloads.values()], m)
        for m in (month.plus(-1), month)
    )
    days = series.star_total(stars)
    return {
        "month_total": total,
        "month_before": before,
        "month_comparison": compare_months(downloads, month, 1),
        "year_comparison": compare_months(downloads, month, 12),
        "total_stars": series.latest_known(days),
        "total_stars_change_30": series.recent_change(days, 30, as_of),
        "total_stars_points": days,
    }


def product_board(board: Dashboard, group: Group) -> Dashboard:
    """Return the dashboard of one product: its title, its totals, its sources and its events."""
    months = {item.metric.metric_id: item.points for item in group.downloads}
    return replace(
        board,
        title=group.title,
        groups=(group,),
        sources=build_sources((group,)),
        events=tuple(event for event in board.events if group.product in event.products),
        **_totals(months, [item.points for item in group.stars], board.as_of),
    )


def narrow(board: Dashboard, days: int) -> Dashboard:
    """Return the dashboard of the same day over its last ``days`` days. Only the series become shorter."""
    first = window(board.as_of, days)
    groups = (
        replace(
            group,
            downloads=tuple(
                replace(
                    item, points=tuple(p for p in item.points if p.period_end >= first), days=item.days.since(first)
                )
                for item in group.downloads
            ),
            stars=tuple(
                replace(item, points=item.points.since(first), flows=item.flows.since(first)) for item in group.stars
            ),
            counts=tuple(item.since(first) for item in group.counts),
        )
        for group in board.groups
    )
    return replace(board, days=days, groups=tuple(groups), total_stars_points=board.total_stars_points.since(first))


def build_tones(metrics: Sequence[Metric], drawn: Collection[str] = ()) -> Mapping[str, str]:
    """Return the colour of each metric by id: that of its SDK, else a numbered one in the order of the catalogue.

    If two metrics of a product have the same SDK, the first has the SDK's colour. The metrics in ``drawn``, which
    share a chart, get their colours before the others, so that all colours of a chart differ.
    """
    tones: dict[str, str] = {}
    taken: set[tuple[str, str | None]] = set()
    numbers: dict[str, int] = {}
    repositories = sum(metric.measure.is_stars for metric in metrics)
    for metric in sorted(metrics, key=lambda metric: metric.metric_id not in drawn):
        place = (metric.product, metric.sdk)
        if metric.sdk in KNOWN_TONES and place not in taken:
            taken.add(place)
            tones[metric.metric_id] = metric.sdk
            continue
        # A few repositories of all products share one chart; other charts are of one product.
        is_shared = metric.measure.is_stars and repositories <= NUMBERED_TONES
        row = "" if is_shared else f"{metric.product} {metric.family}"
        numbers[row] = numbers.get(row, -1) + 1
        tones[metric.metric_id] = f"n{numbers[row] % NUMBERED_TONES}"
    return tones


def _with_tones(groups: Sequence[Group], metrics: Sequence[Metric]) -> tuple[Group, ...]:
    """Return the groups with a colour for every item, different ones within each chart."""
    drawn = {
        item.metric.metric_id for group in groups for items in (group.downloads, group.stars) for item in largest(items)
    }
    tones = build_tones(metrics, drawn)
    return tuple(
        replace(
            group,
            downloads=tuple(replace(item, tone=tones[item.metric.metric_id]) for item in group.downloads),
            stars=tuple(replace(item, tone=tones[item.metric.metric_id]) for item in group.stars),
            counts=tuple(replace(item, tone=tones[item.metric.metric_id]) for item in group.counts),
        )
        for group in groups
    )


def find_package_changes(metrics: Sequence[Metric], table: SeriesTable) -> list[Event]:
    """Return an event for each day on which a series of downloads continues with another package."""
    downloads = {metric.metric_id: metric for metric in metrics if metric.measure.is_flow}
    refs, names = table.encoded("source_ref")
    sources = {metric.source for metric in downloads.values()}
    packages = [parse_package(name, sources) for name in names]
    spellings: dict[str, int] = {}
    codes = np.array([spellings.setdefault(_spelling(p), len(spellings)) if p else -1 for p in packages], np.int32)
    named = np.flatnonzero(codes[refs] >= 0) if len(names) else np.zeros(0, np.intp)
    code, owner = codes[refs[named]], table.owners[named]
    events = []
    for place in (np.flatnonzero((owner[1:] == owner[:-1]) & (code[1:] != code[:-1])) + 1).tolist():
        before, row = int(named[place - 1]), int(named[place])
        metric = downloads.get(table.metric_ids[table.owners[row]])
        if metric is not None:
            label = f"{isolate(metric.label)}: {packages[refs[before]]} until here, then {packages[refs[row]]}"
            events.append(Event(date.fromordinal(int(table.days[row])), label, None, (metric.product,)))
    return events


def _spelling(package: str) -> str:
    """Return a name without differences that registries ignore."""
    return package.lower().replace("_", "-").replace(".", "-")


def build_sources(groups: Iterable[Group]) -> tuple[SourceState, ...]:
    """Return the state of each service, determined by its oldest metric."""
    by_title: dict[str, list[MetricFreshness]] = {}
    for group in groups:
        for item in group.items:
            by_title.setdefault(item.source_title, []).append(item.freshness)
    states: list[SourceState] = []
    for title, found in by_title.items():
        days = [fresh.latest_day for fresh in found if fresh.latest_day is not None]
        ages = [fresh.overdue_days for fresh in found if fresh.overdue_days is not None]
        is_whole = len(days) == len(found)
        states.append(
            SourceState(
                title,
                min(days) if is_whole else None,
                max(ages) if is_whole else None,
                max(days, default=None),
                min(ages, default=None),
            )
        )
    return tuple(states)


def build_health(runs: Sequence[Run], log: OutcomeLog) -> Health:
    """Return the state of the collection, from runs newest first."""
    ended = [run for run in runs if run.status != RunStatus.RUNNING]
    success = next((run for run in ended if run.status == RunStatus.SUCCESS), None)
    failures = [run for run in ended if run.status in (RunStatus.FAILED, RunStatus.PARTIAL)]
    return Health(
        last_run=_note(runs[0], log) if runs else None,
        last_success_at=success.finished_at if success else None,
        failures=tuple(_note(run, log) for run in failures[:FAILURES_SHOWN]),
    )


def build_freshness(metric: Metric, latest_day: date | None, as_of: date, log: OutcomeLog) -> MetricFreshness:
    """Return the freshness of ``metric`` on ``as_of``, from its newest day with a daily value."""
    failure = log.last_error(metric.metric_id)
    return MetricFreshness(
        metric,
        latest_day,
        (as_of - latest_day).days if latest_day else None,
        failure.error if failure else None,
        failure.at if failure else None,
    )


class _Builder:
    """Builds the items of one dashboard. Each number is computed for all metrics in one pass."""

    def __init__(
        self,
        metrics: Sequence[Metric],
        source_titles: Mapping[str, str],
        table: SeriesTable,
        log: OutcomeLog,
        as_of: date,
        counts: CountItems,
    ) -> None:
        self._source_titles = source_titles
        self._log = log
        self._as_of = as_of
        self._counts = counts
        self._month = last_full_month(as_of)
        flows = [metric for metric in metrics if metric.measure.is_in_totals]
        downloads = table.where(table.owned_by({metric.metric_id for metric in flows}))
        stars = table.where(table.owned_by({metric.metric_id for metric in metrics if metric.measure.is_stars}))
        self._newest = table.where(~table.is_seed).newest
        self._months = series.month_points(flows, downloads, as_of)
        self._last_30 = series.daily_totals(downloads, Span(window(as_of, 30), as_of))
        self._changes = series.period_changes(downloads, (7, 30, 90))
        self._days = series.day_points(downloads)
        self._stars = series.day_points(stars)
        self._flows = series.star_flows(stars)
        self._flows_30 = series.star_flow(stars, 30)

    def months(self, metric: Metric) -> tuple[PeriodPoint, ...]:
        """Return all months of a metric."""
        return self._months.get(metric.metric_id, ())

    def stars(self, metric: Metric) -> DayPoints:
        """Return all days of a metric."""
        return self._stars.get(metric.metric_id, NO_POINTS)

    def group(self, product: Product, metrics: Sequence[Metric]) -> Group:
        flows = [metric for metric in metrics if metric.measure.is_in_totals]
        months = [series.month_of(self.months(metric), self._month) for metric in flows]
        total = series.total_of(months, self._month)
        downloads = tuple(self._item_of_downloads(*of_metric, total) for of_metric in zip(flows, months, strict=True))
        return Group(
            product=product.product,
            title=product.title,
            downloads=downloads,
            stars=tuple(self._item_of_stars(m) for m in metrics if m.measure.is_stars),
            last_30_days=_sum_of_known(item.last_30_days for item in downloads),
            counts=tuple(
                self._counts.item(m, self._source_titles[m.source], self._freshness(m)) for m in metrics if is_count(m)
            ),
        )

    def _item_of_downloads(self, metric: Metric, month: PeriodPoint | None, total: PeriodPoint | None) -> DownloadItem:
        """Return the item of a metric with its ``month``; ``total`` is that of the product."""
        points = self.months(metric)
        last_30, observed = self._last_30.get(metric.metric_id, (0, 0))
        change_7, change_30, change_90 = self._changes.get(metric.metric_id, NO_CHANGES)
        if series.is_stale(self._newest.get(metric.metric_id), self._as_of):
            change_7, change_30, change_90 = NO_CHANGES
        return DownloadItem(
            metric=metric,
            source_title=self._source_titles[metric.source],
            tone="",
            month=month,
            month_end=self._month.last,
            month_on_month=series.month_change(points, self._month, 1),
            year_on_year=series.month_change(points, self._month, 12),
            share=series.share_of(month, total),
            last_30_days=last_30 if observed else None,
            last_30_days_observed=observed,
            change_7=change_7,
            change_30=change_30,
            change_90=change_90,
            points=points,
            days=self._days.get(metric.metric_id, NO_POINTS),
            freshness=self._freshness(metric),
        )

    def _item_of_stars(self, metric: Metric) -> StarItem:
        points = self.stars(metric)
        return StarItem(
            metric=metric,
            source_title=self._source_titles[metric.source],
            tone="",
            latest=points[-1] if points else None,
            change_7=series.recent_change(points, 7, self._as_of),
            change_30=series.recent_change(points, 30, self._as_of),
            change_90=series.recent_change(points, 90, self._as_of),
            points=points,
            freshness=self._freshness(metric),
            flows=self._flows.get(metric.metric_id, NO_FLOWS),
            flow_30=self._flows_30.get(metric.metric_id),
        )

    def _freshness(self, metric: Metric) -> MetricFreshness:
        return build_freshness(metric, self._newest.get(metric.metric_id), self._as_of, self._log)


def _sum_of_known(values: Iterable[int | None]) -> int | None:
    known = [value for value in values if value is not None]
    return sum(known) if known else None


def _note(run: Run, log: OutcomeLog) -> RunNote:
    """Return a run with its errors: those of its metrics, or else its whole summary."""
    errors = tuple(f"{metric_id}: {error}" for metric_id, error in log.failures(run).items())
    if not errors and run.error_summary:
        errors = (run.error_summary,)
    return RunNote(run.ingestion_run_id, run.job_name, run.status, run.started_at, run.finished_at, errors)
