"""Items of metrics outside of totals: counters, stocks without history, rolling windows, other daily counts."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

import numpy as np

from cmetrics.analytics import series
from cmetrics.analytics.columns import Days, SeriesTable
from cmetrics.analytics.intervals import Interval, Intervals
from cmetrics.analytics.model import NO_POINTS, CountItem, DayPoints, MetricFreshness
from cmetrics.domain.days import DAY, Span, window
from cmetrics.domain.kind import Kind
from cmetrics.domain.metric import Metric

RECENT_DAYS = 30


class CountItems:
    """Builds the items of one dashboard. Numbers for all of them are computed in one pass."""

    def __init__(self, metrics: Sequence[Metric], table: SeriesTable, intervals: Intervals | None, as_of: date) -> None:
        counts = {metric.metric_id for metric in metrics if is_count(metric)}
        self._table = table.where(table.owned_by(counts) & ~table.is_seed)
        self._points = series.day_points(self._table)
        self._sums = series.daily_totals(self._table, Span(window(as_of, RECENT_DAYS), as_of))
        self._intervals = intervals
        self._as_of = as_of

    def item(self, metric: Metric, source_title: str, freshness: MetricFreshness) -> CountItem:
        """Return the item of one metric."""
        points = self._points.get(metric.metric_id, NO_POINTS)
        intervals = self._intervals.of(metric.metric_id) if self._intervals and metric.measure.is_counter else ()
        intervals = tuple(interval for interval in intervals if interval.end_day <= self._as_of)
        starts = self._starts(metric)
        recent, observed = self._recent(metric, points, intervals)
        # A counter has flows instead, and overlapping windows are not compared.
        changes = [
            series.recent_change(points, days, self._as_of) if metric.measure.kind is Kind.STOCK else None
            for days in (7, 30, 90)
        ]
        return CountItem(
            metric=metric,
            source_title=source_title,
            tone="",
            latest=points[-1] if points else None,
            window_start=date.fromordinal(int(starts[-1])) if len(starts) and metric.measure.is_rolling else None,
            change_7=changes[0],
            change_30=changes[1],
            change_90=changes[2],
            last_30_days=recent,
            last_30_days_observed=observed,
            points=points,
            starts=starts if metric.measure.is_rolling else starts[:0],
            intervals=intervals,
            freshness=freshness,
        )

    def _recent(self, metric: Metric, points: DayPoints, intervals: Sequence[Interval]) -> tuple[int | None, int]:
        """Return the count of the last 30 days, and the number of days for which it is known.

        Not for stocks, and not for unique people, who may be counted on several days.
        """
        if metric.measure.is_flow and metric.measure.adds_up:
            total, observed = self._sums.get(metric.metric_id, (0, 0))
        elif metric.measure.is_counter and points:
            first = window(self._as_of, RECENT_DAYS) - DAY
            known = [i for i in intervals if i.flow is not None and i.start_day >= first]
            total = sum(interval.flow or 0 for interval in known)
            observed = sum((interval.end_day - interval.start_day).days for interval in known)
        else:
            return None, 0
        return (total if observed else None), observed

    def _starts(self, metric: Metric) -> Days:
        """Return the first day of the period of each point."""
        return self._table.starts[self._table.slices.get(metric.metric_id, slice(0))]


def is_count(metric: Metric) -> bool:
    """Return whether the values are neither downloads of single days nor the stars of a repository."""
    return not (metric.measure.is_in_totals or metric.measure.is_stars)


def covered_days(item: CountItem) -> frozenset[date]:
    """Return the days that the values cover. A rolling window covers all days that it sums."""
    days = item.points.days
    length = item.metric.measure.window_days or 1
    covered = np.unique((days[:, None] - np.arange(length)[None, :]).ravel()) if len(days) else days
    return frozenset(map(date.fromordinal, covered.tolist()))
