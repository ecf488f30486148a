"""Series arithmetic: sums of months, changes, totals of stars. Absent days are never zeros."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from itertools import pairwise

from cmetrics.analytics.model import Change, DayPoint, PeriodPoint, PointKind, StarFlow
from cmetrics.domain.days import DAY, Month, day_range, window
from cmetrics.domain.metric import Metric
from cmetrics.domain.observation import Observation, Provenance, parse_star_ref


def last_full_month(as_of: date) -> Month:
    """The newest calendar month whose last day is not after ``as_of``."""
    month = Month.of(as_of)
    return month if as_of == month.last else month.plus(-1)


def month_points(metric: Metric, rows: Iterable[Observation], as_of: date) -> tuple[PeriodPoint, ...]:
    """Monthly totals, ascending, and before ``daily_from`` the seeded snapshots.

    A month before ``daily_from`` shows its snapshots where it has any, else the sum of its days. A
    metric without ``daily_from`` is daily throughout: its snapshots are not shown.
    """
    snapshots: list[Observation] = []
    days: dict[Month, list[Observation]] = {}
    for row in rows:
        if not row.is_seed:
            days.setdefault(Month.of(row.period_end), []).append(row)
        elif metric.daily_from is not None and row.period_end < metric.daily_from:
            snapshots.append(row)
    seeded = {Month.of(row.period_end) for row in snapshots}
    sums = [
        _month_point(month, found, as_of)
        for month, found in days.items()
        if month not in seeded or metric.daily_from is None or month.last >= metric.daily_from
    ]
    return tuple(sorted([*map(_snapshot_point, snapshots), *sums], key=lambda p: (p.period_end, p.period_start)))


def _snapshot_point(row: Observation) -> PeriodPoint:
    return PeriodPoint(row.period_start, row.period_end, row.value, PointKind.SEEDED, row.provenance, None, None)


def _month_point(month: Month, rows: Sequence[Observation], as_of: date) -> PeriodPoint:
    kinds = {row.provenance for row in rows}
    return PeriodPoint(
        period_start=month.first,
        period_end=month.last,
        value=sum(row.value for row in rows),
        kind=PointKind.OBSERVED,
        provenance=kinds.pop() if len(kinds) == 1 else Provenance.API_DAILY.value,
        days_observed=len(rows),
        days_expected=month.days,
        is_running=as_of < month.last,
    )


def month_of(points: Iterable[PeriodPoint], month: Month) -> PeriodPoint | None:
    """The sum of that month; None when no day of it is stored."""
    wanted = (month.first, month.last)
    return next((p for p in points if (p.period_start, p.period_end) == wanted), None)


def month_change(points: Sequence[PeriodPoint], month: Month, back: int) -> Change | None:
    """From the month ``back`` months earlier; None unless both months are complete."""
    earlier, later = month_of(points, month.plus(-back)), month_of(points, month)
    if earlier is None or later is None or not (earlier.is_complete and later.is_complete):
        return None
    return change(earlier.value, later.value)


def change(earlier: int, later: int) -> Change:
    """The difference, and the same in percent of the earlier value."""
    difference = later - earlier
    return Change(difference, round(100 * difference / earlier, 1) if earlier else None)


def total_of(points: Sequence[PeriodPoint | None], month: Month) -> PeriodPoint | None:
    """The sum of one month over several series.

    Its days are counted over all series, so that one missing day of one SDK shows. None without any.
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
    """Percent that ``point`` is of ``total``; None unless both are complete."""
    if point is None or total is None or not (point.is_complete and total.is_complete and total.value):
        return None
    return round(100 * point.value / total.value, 1)


def daily_total(rows: Iterable[Observation], first: date, last: date) -> tuple[int | None, int]:
    """The sum of the daily values from ``first`` to ``last``, None without any, and how many they are."""
    values = [row.value for row in rows if not row.is_seed and first <= row.period_end <= last]
    return sum(values) if values else None, len(values)


def period_changes(rows: Iterable[Observation], lengths: Iterable[int]) -> tuple[Change | None, ...]:
    """For each number of days: from so many days before to so many days up to the newest daily value.

    None unless every one of these days has a value.
    """
    values = {row.period_end: row.value for row in rows if not row.is_seed}
    return tuple(_period_change(values, days) for days in lengths)


def _period_change(values: Mapping[date, int], days: int) -> Change | None:
    if not values:
        return None
    newest = max(values)
    later = [values.get(newest - n * DAY) for n in range(days)]
    earlier = [values.get(newest - n * DAY) for n in range(days, 2 * days)]
    if None in later or None in earlier:
        return None
    return change(sum(v for v in earlier if v), sum(v for v in later if v))


def day_points(rows: Iterable[Observation]) -> tuple[DayPoint, ...]:
    """Values by day, ascending; a day without a value is not there, and neither are seeded snapshots."""
    return tuple(
        DayPoint(
            row.period_end,
            row.value,
            PointKind.RECONSTRUCTED if row.is_reconstructed else PointKind.OBSERVED,
            row.provenance,
        )
        for row in sorted((row for row in rows if not row.is_seed), key=lambda row: row.period_end)
    )


def star_change(points: Sequence[DayPoint], days: int) -> Change | None:
    """From the count ``days`` days before to the newest one; None unless both are more than estimates."""
    known = {point.day: point.value for point in points if point.kind is not PointKind.ESTIMATED}
    if not known:
        return None
    newest = max(known)
    earlier = known.get(newest - days * DAY)
    return None if earlier is None else change(earlier, known[newest])


def star_flows(rows: Iterable[Observation]) -> tuple[StarFlow, ...]:
    """What each day brought and took, ascending; only days of which anything is known."""
    counts, gained = _counted(rows)
    flows = (_flow(day, day, counts, gained) for day in sorted(counts))
    return tuple(flow for flow in flows if flow is not None)


def star_flow(rows: Iterable[Observation], days: int) -> StarFlow | None:
    """The same for the ``days`` days up to the newest count; None when nothing is known of them."""
    counts, gained = _counted(rows)
    if not counts:
        return None
    newest = max(counts)
    return _flow(window(newest, days), newest, counts, gained)


def _counted(rows: Iterable[Observation]) -> tuple[Mapping[date, int], Mapping[date, int]]:
    """Counts taken at the end of their day, and the stars given on days on which that was read too."""
    counted = {row.period_end: row for row in rows if not row.is_reconstructed and not row.is_seed}
    refs = {day: parse_star_ref(row.source_ref) for day, row in counted.items()}
    gained = {day: ref.gained for day, ref in refs.items() if ref is not None and ref.gained is not None}
    return {day: row.value for day, row in counted.items()}, gained


def _flow(first: date, last: date, counts: Mapping[date, int], gained: Mapping[date, int]) -> StarFlow | None:
    before = counts.get(first - DAY)
    net = None if before is None else counts[last] - before
    given = [gained.get(day) for day in day_range(first, last)]
    total = None if None in given else sum(number for number in given if number)
    if net is None and total is None:
        return None
    lost = None if net is None or total is None else max(total - net, 0)
    return StarFlow(first, last, total, lost, net)


def latest_known(points: Sequence[DayPoint]) -> DayPoint | None:
    """The newest point that is more than an estimate."""
    return next((point for point in reversed(points) if point.kind is not PointKind.ESTIMATED), None)


def star_total(series: Sequence[Sequence[DayPoint]]) -> tuple[DayPoint, ...]:
    """The stars of several repositories together.

    From the first day on which all have a count to the last such day. A day on which one of them has
    no count is filled in on a straight line between its neighbours and marked as estimated.
    """
    if not series or not all(series):
        return ()
    first = max(points[0].day for points in series)
    last = min(points[-1].day for points in series)
    filled = [_fill(points) for points in series]
    total: list[DayPoint] = []
    for day in day_range(first, last):
        parts = [values[day] for values in filled]
        kinds = {kind for _, kind in parts}
        # The weakest part decides what the whole may claim.
        kind = next(k for k in (PointKind.ESTIMATED, PointKind.RECONSTRUCTED, PointKind.OBSERVED) if k in kinds)
        total.append(DayPoint(day, sum(value for value, _ in parts), kind))
    return tuple(total)


def _fill(points: Sequence[DayPoint]) -> Mapping[date, tuple[int, PointKind]]:
    filled = {point.day: (point.value, point.kind) for point in points}
    for left, right in pairwise(points):
        gap = (right.day - left.day).days
        for step in range(1, gap):
            value = left.value + round((right.value - left.value) * step / gap)
            filled[left.day + step * DAY] = (value, PointKind.ESTIMATED)
    return filled
