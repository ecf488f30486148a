"""Compute sums of months, changes, and totals of stars. A missing day never counts as zero.

Functions that take a table work on all its metrics in one pass and return their results by metric id;
metrics without rows are left out.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from operator import attrgetter

import numpy as np

from cmetrics.analytics.columns import SeriesTable
from cmetrics.analytics.model import (
    ESTIMATED,
    NO_POINTS,
    OBSERVED,
    RECONSTRUCTED,
    STALE_DAYS,
    Change,
    DayPoint,
    DayPoints,
    PeriodPoint,
    PointKind,
    StarFlow,
    StarFlows,
)
from cmetrics.analytics.periods import MONTHS, sum_runs
from cmetrics.analytics.star_grid import UNKNOWN, gained_stars
from cmetrics.domain.days import Month, Span
from cmetrics.domain.metric import Metric
from cmetrics.domain.observation import Provenance

#: A factor larger than the number of a month.
_MONTH_NUMBERS = 1_000_000
#: The sort keys of points.
_PERIOD_END = attrgetter("period_end")
_PERIOD = attrgetter("period_end", "period_start")


def month_points(metrics: Iterable[Metric], table: SeriesTable, as_of: date) -> dict[str, tuple[PeriodPoint, ...]]:
    """Return the monthly totals of each metric, ascending, with the seeded snapshots before ``daily_from``.

    A month before ``daily_from`` has its snapshots if there are any, else the sum of its days. Without
    ``daily_from``, all months are sums of days, and snapshots are not shown.
    """
    daily_from = {metric.metric_id: metric.daily_from for metric in metrics}
    points = _snapshots(table, daily_from)
    months = {metric_id: {Month.of(p.period_end) for p in found} for metric_id, found in points.items()}
    daily = table.where(~table.is_seed)
    keys = daily.owners.astype(np.int64) * _MONTH_NUMBERS + MONTHS.keys(daily.days)
    sums = sum_runs(keys, daily.values, daily.provenances)
    names = (*daily.provenance_names, Provenance.API_DAILY.value)
    columns = (daily.owners[sums.firsts], daily.days[sums.firsts], sums.values, sums.counts, sums.provenances)
    for owner, day, value, count, code in zip(*(column.tolist() for column in columns), strict=True):
        metric_id, (first, last) = daily.metric_ids[owner], MONTHS.span(day)
        start = daily_from.get(metric_id)
        if metric_id in months and Month.of(last) in months[metric_id] and start is not None and last < start:
            continue
        points.setdefault(metric_id, []).append(
            PeriodPoint(first, last, value, PointKind.OBSERVED, names[code], count, last.day, as_of < last)
        )
    for metric_id in months:
        points[metric_id].sort(key=_PERIOD)
    return {metric_id: tuple(found) for metric_id, found in points.items()}


def _snapshots(table: SeriesTable, daily_from: Mapping[str, date | None]) -> dict[str, list[PeriodPoint]]:
    seeds = table.where(table.is_seed)
    points: dict[str, list[PeriodPoint]] = {}
    columns = (seeds.owners, seeds.starts, seeds.days, seeds.values, seeds.provenances)
    for owner, first, last, value, code in zip(*(column.tolist() for column in columns), strict=True):
        span, metric_id = Span(date.fromordinal(first), date.fromordinal(last)), seeds.metric_ids[owner]
        start = daily_from.get(metric_id)
        if start is not None and span.last < start:
            name = seeds.provenance_names[code]
            point = PeriodPoint(span.first, span.last, value, PointKind.SEEDED, name, None, None)
            points.setdefault(metric_id, []).append(point)
    return points


def points_ending(points: Sequence[PeriodPoint], day: date) -> Sequence[PeriodPoint]:
    """Return the points whose period ends on ``day``; ``points`` ascend."""
    first = last = bisect_left(points, day, key=_PERIOD_END)
    while last < len(points) and points[last].period_end == day:
        last += 1
    return points[first:last]


def month_of(points: Sequence[PeriodPoint], month: Month) -> PeriodPoint | None:
    """Return the sum of that month; None if none of its days is stored."""
    period = month.last, month.first
    place = bisect_left(points, period, key=_PERIOD)
    return points[place] if place < len(points) and _PERIOD(points[place]) == period else None


def month_change(points: Sequence[PeriodPoint], month: Month, back: int) -> Change | None:
    """Return the change from the month ``back`` months earlier; None unless both months are complete."""
    earlier, later = month_of(points, month.plus(-back)), month_of(points, month)
    if earlier is None or later is None or not (earlier.is_complete and later.is_complete):
        return None
    return change(earlier.value, later.value)


def change(earlier: int, later: int) -> Change:
    """Return the difference, also as a percentage of the earlier value."""
    difference = later - earlier
    return Change(difference, round(100 * difference / earlier, 1) if earlier else None)


def total_of(points: Sequence[PeriodPoint | None], month: Month) -> PeriodPoint | None:
    """Sum one month over several series.

    Days are counted over all series, so that a single missing day of one SDK is visible. None if there are no values.
    """
    found = [point for point in points if point is not None]
    if not found:
        return None
    return PeriodPoint(
        period_start=month.first,
        period_end=month.last,
        value=sum(point.value for point in found),
        kind=PointKind.OBSERVED,
        provenance=Provenance.API_DAILY.value,
        days_observed=sum(point.days_observed or 0 for point in found),
        days_expected=month.days * len(points),
    )


def share_of(point: PeriodPoint | None, total: PeriodPoint | None) -> float | None:
    """Return the share of ``point`` in ``total`` in percent; None unless both are complete."""
    if point is None or total is None or not (point.is_complete and total.is_complete and total.value):
        return None
    return round(100 * point.value / total.value, 1)


def daily_totals(table: SeriesTable, span: Span) -> dict[str, tuple[int, int]]:
    """Return the sum and the number of the daily values in ``span``."""
    mask = table.within(span) & ~table.is_seed
    totals = zip(table.sums(mask).tolist(), table.counts(mask).tolist(), strict=True)
    return dict(zip(table.metric_ids, totals, strict=True))


def period_changes(table: SeriesTable, lengths: Iterable[int]) -> dict[str, tuple[Change | None, ...]]:
    """Return, for each number n of days, the change from n days to the following n days, up to the newest daily value.

    None unless all of these days have a value.
    """
    daily = table.where(~table.is_seed)
    newest = daily.days[daily.bounds[1:] - 1]
    age = newest[daily.owners] - daily.days
    columns = []
    for days in lengths:
        later, earlier = age < days, (age >= days) & (age < 2 * days)
        is_whole = (daily.counts(later) == days) & (daily.counts(earlier) == days)
        sums = zip(is_whole.tolist(), daily.sums(earlier).tolist(), daily.sums(later).tolist(), strict=True)
        columns.append([change(before, after) if whole else None for whole, before, after in sums])
    return dict(zip(daily.metric_ids, zip(*columns, strict=True), strict=True))


def day_points(table: SeriesTable) -> dict[str, DayPoints]:
    """Return the values by day, ascending, without seeded snapshots. A day without a value has no point."""
    daily = table.where(~table.is_seed)
    kinds = np.where(daily.is_reconstructed, RECONSTRUCTED, OBSERVED).astype(np.int8)
    names = daily.provenance_names
    return {
        metric_id: DayPoints(daily.days[rows], daily.values[rows], kinds[rows], daily.provenances[rows], names)
        for metric_id, rows in daily.slices.items()
    }


def star_change(points: DayPoints, days: int) -> Change | None:
    """Return the change from the count ``days`` days earlier to the newest one; None if either is an estimate."""
    known = points.known
    if not known:
        return None
    wanted = known.days[-1] - days
    place = int(np.searchsorted(known.days, wanted))
    return change(int(known.values[place]), int(known.values[-1])) if known.days[place] == wanted else None


def latest_known(points: DayPoints) -> DayPoint | None:
    """Return the newest point that is not an estimate."""
    known = points.known
    return known[-1] if known else None


def is_stale(latest_day: date | None, as_of: date) -> bool:
    """Return whether a change up to ``latest_day`` is too old to be shown as current."""
    return latest_day is None or (as_of - latest_day).days > STALE_DAYS


def recent_change(points: DayPoints, days: int, as_of: date) -> Change | None:
    """Return the change in the ``days`` days up to the newest count; None if that count is stale."""
    newest = latest_known(points)
    return None if newest is None or is_stale(newest.day, as_of) else star_change(points, days)


def star_flows(table: SeriesTable) -> dict[str, StarFlows]:
    """Return the stars gained and lost by day, ascending; only days for which either is known."""
    counted = _counted(table)
    gained = gained_stars(counted)
    is_next, is_read = np.zeros(len(counted), bool), gained != UNKNOWN
    is_next[1:] = (np.diff(counted.owners) == 0) & (np.diff(counted.days) == 1)
    net = np.where(is_next, np.diff(counted.values, prepend=0), StarFlows.UNKNOWN)
    lost = np.where(is_next & is_read, np.maximum(gained - net, 0), StarFlows.UNKNOWN)
    gained = np.where(is_read, gained, StarFlows.UNKNOWN)
    flows = {}
    for metric_id, rows in counted.slices.items():
        known = is_next[rows] | is_read[rows]
        numbers = (column[rows][known] for column in (gained, lost, net))
        flows[metric_id] = StarFlows(counted.days[rows][known], *numbers)
    return flows


def star_flow(table: SeriesTable, days: int) -> dict[str, StarFlow]:
    """Return the stars gained and lost in the ``days`` days up to the newest count; all None without data."""
    counted = _counted(table)
    gained = gained_stars(counted)
    flows = {}
    for metric_id, rows in counted.slices.items():
        newest = int(counted.days[rows][-1])
        age = newest - counted.days[rows]
        before, given = counted.values[rows][age == days], gained[rows][age < days]
        net = int(counted.values[rows][-1] - before[0]) if len(before) else None
        total = int(given.sum()) if len(given) == days and (given != UNKNOWN).all() else None
        if net is not None or total is not None:
            lost = None if net is None or total is None else max(total - net, 0)
            first, last = date.fromordinal(newest - days + 1), date.fromordinal(newest)
            flows[metric_id] = StarFlow(first, last, total, lost, net)
    return flows


def _counted(table: SeriesTable) -> SeriesTable:
    """Return the counts taken at the end of their day."""
    return table.where(~table.is_seed & ~table.is_reconstructed)


def star_total(series: Sequence[DayPoints]) -> DayPoints:
    """Sum the stars of several repositories.

    The total covers the days from the first to the last one on which all have a count. Missing counts in between are
    interpolated linearly, and the day is marked as estimated.
    """
    if not series or not all(series):
        return NO_POINTS
    first = max(int(points.days[0]) for points in series)
    last = min(int(points.days[-1]) for points in series)
    days = np.arange(first, last + 1, dtype=np.int32)
    values, kinds = np.zeros(len(days), np.int64), np.full(len(days), OBSERVED, np.int8)
    for points in series if len(days) else ():
        left = np.searchsorted(points.days, days, side="right") - 1
        right = np.minimum(left + 1, len(points) - 1)
        step = days - points.days[left]
        gap = np.maximum(points.days[right] - points.days[left], 1)
        rise = points.values[right] - points.values[left]
        values += points.values[left] + np.rint(rise * step / gap).astype(np.int64)
        # The least reliable part determines the kind of the total.
        kinds = np.maximum(kinds, np.where(step > 0, ESTIMATED, points.kinds[left])).astype(np.int8)
    return DayPoints(days, values, kinds, np.zeros(len(days), np.int32), ("",))
