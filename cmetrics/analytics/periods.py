"""Weeks and months out of days, for flows (days add up) and stocks (they do not)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date
from itertools import groupby
from typing import NamedTuple

from cmetrics.analytics.model import DayPoint, PeriodPoint
from cmetrics.domain.days import Month, Span, week_of


class Grain(NamedTuple):
    """A way to part time."""

    #: Equal for all days of a period; called for every day.
    key: Callable[[DayPoint], object]
    #: The period that holds a day.
    span: Callable[[date], Span]


def _month_span(day: date) -> Span:
    month = Month.of(day)
    return Span(month.first, month.last)


# Ordinal 1 was a Monday.
WEEKS = Grain(lambda point: (point.day.toordinal() - 1) // 7, week_of)
MONTHS = Grain(lambda point: (point.day.year, point.day.month), _month_span)


def flow_periods(points: Sequence[DayPoint], grain: Grain, as_of: date) -> tuple[PeriodPoint, ...]:
    """Sums by period, ascending; each says how many of its days are in it."""
    periods = (list(days) for _, days in groupby(points, grain.key))
    return tuple(_sum(grain.span(days[0].day), days, as_of) for days in periods)


def stock_periods(points: Sequence[DayPoint], grain: Grain, as_of: date) -> tuple[PeriodPoint, ...]:
    """The count on the last day of each period, ascending; of the running one the newest.

    A period whose last day has no count is left out: another day's count would be a different thing.
    """
    found: list[PeriodPoint] = []
    for _, days in groupby(points, grain.key):
        last = list(days)[-1]
        span = grain.span(last.day)
        running = span.last > as_of
        if last.day == span.last or running:
            counted = None if running else 1
            found.append(
                PeriodPoint(
                    span.first, span.last, last.value, last.kind, last.provenance, counted, 1, is_running=running
                )
            )
    return tuple(found)


def _sum(span: Span, days: Sequence[DayPoint], as_of: date) -> PeriodPoint:
    provenances = {day.provenance for day in days}
    return PeriodPoint(
        period_start=span.first,
        period_end=span.last,
        value=sum(day.value for day in days),
        kind=days[0].kind,
        provenance=provenances.pop() if len(provenances) == 1 else "",
        days_observed=len(days),
        days_expected=span.days,
        is_running=span.last > as_of,
    )
