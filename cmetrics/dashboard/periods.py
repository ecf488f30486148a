"""Weeks and months out of days, for flows (days add up) and stocks (they do not)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date
from itertools import groupby

from cmetrics.dashboard.model import DayPoint, PeriodPoint
from cmetrics.domain.days import Month, Span, week_of

#: From a day to the period that holds it.
Period = Callable[[date], Span]


def month_span(day: date) -> Span:
    """The calendar month that holds ``day``."""
    month = Month.of(day)
    return Span(month.first, month.last)


def flow_periods(points: Sequence[DayPoint], period: Period, as_of: date) -> tuple[PeriodPoint, ...]:
    """Sums by period, ascending; each says how many of its days are in it."""
    return tuple(_sum(span, list(days), as_of) for span, days in groupby(points, lambda p: period(p.day)))


def stock_periods(points: Sequence[DayPoint], period: Period, as_of: date) -> tuple[PeriodPoint, ...]:
    """The count on the last day of each period, ascending; of the running one the newest.

    A period whose last day has no count is left out: another day's count would be a different thing.
    """
    found: list[PeriodPoint] = []
    for span, days in groupby(points, lambda p: period(p.day)):
        last = list(days)[-1]
        running = span.last > as_of
        if last.day == span.last or running:
            counted = None if running else 1
            found.append(
                PeriodPoint(
                    span.first, span.last, last.value, last.kind, last.provenance, counted, 1, is_running=running
                )
            )
    return tuple(found)


def weeks_of(points: Sequence[DayPoint], as_of: date, *, stock: bool) -> tuple[PeriodPoint, ...]:
    """By ISO week."""
    return (stock_periods if stock else flow_periods)(points, week_of, as_of)


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
