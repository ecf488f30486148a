"""The sums of several packages, by month and by day. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

import numpy as np

from cmetrics.analytics.model import NO_POINTS, OBSERVED, DayPoints, DownloadItem, PeriodPoint, PointKind
from cmetrics.analytics.month_total import month_total
from cmetrics.domain.days import Month, months


def month_points(items: Sequence[DownloadItem], as_of: date) -> tuple[PeriodPoint, ...]:
    """Return the sums of several packages by month. Published totals replace months before daily data."""
    firsts = [item.points[0].period_start for item in items if item.points]
    if not firsts:
        return ()
    points: list[PeriodPoint] = []
    for month in months(Month.of(min(firsts)), Month.of(as_of)):
        total = month_total(items, month)
        if not total.known:
            continue
        is_daily = not total.snapshots
        expected = total.expected + month.days * len(total.lost)
        points.append(
            PeriodPoint(
                period_start=month.first,
                period_end=month.last,
                value=total.value,
                kind=PointKind.OBSERVED,
                provenance="",
                days_observed=total.observed if is_daily else None,
                days_expected=expected if is_daily else None,
                is_running=month.last > as_of,
            )
        )
    return tuple(points)


def complete_days(items: Sequence[DownloadItem]) -> DayPoints:
    """Return the sums of several packages by day, for days on which all packages have a value since their first one."""
    series = [item.days for item in items if item.days]
    if not series:
        return NO_POINTS
    first = min(int(points.days[0]) for points in series)
    last = max(int(points.days[-1]) for points in series)
    values, present = np.zeros(last - first + 1, np.int64), np.zeros(last - first + 1, np.int64)
    begun = np.zeros(last - first + 1, np.int64)
    for points in series:
        values[points.days - first] += points.values
        present[points.days - first] += 1
        begun[int(points.days[0]) - first :] += 1
    places = np.flatnonzero(present == begun)
    zeros = np.zeros(len(places), np.int32)
    return DayPoints(
        (places + first).astype(np.int32), values[places], np.full(len(places), OBSERVED, np.int8), zeros, ("",)
    )
