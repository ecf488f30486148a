"""Convert days to weeks and months: flows (sums of days) and stocks (counts at the end)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from cmetrics.analytics.columns import Codes, Days, Values, run_starts
from cmetrics.analytics.model import KINDS, DayPoints, PeriodPoint
from cmetrics.domain.days import Month, Span, week_of

Keys = NDArray[np.int64]

#: The code of a sum whose days have different provenances.
MIXED = -1
_EPOCH = date(1970, 1, 1).toordinal()


class Grain(NamedTuple):
    """A division of time into periods."""

    #: Returns numbers that are equal for all days of a period and ascend with the days.
    keys: Callable[[Days], Keys]
    #: Returns the period that contains a day, given as an ordinal.
    span: Callable[[int], Span]


@lru_cache(maxsize=20_000)
def _week_span(day: int) -> Span:
    return week_of(date.fromordinal(day))


@lru_cache(maxsize=20_000)
def _month_span(day: int) -> Span:
    month = Month.of(date.fromordinal(day))
    return Span(month.first, month.last)


def _week_keys(days: Days) -> Keys:
    # Ordinal 1 was a Monday.
    return (days.astype(np.int64) - 1) // 7


def _month_keys(days: Days) -> Keys:
    return (days.astype(np.int64) - _EPOCH).astype("datetime64[D]").astype("datetime64[M]").astype(np.int64)


WEEKS = Grain(_week_keys, _week_span)
MONTHS = Grain(_month_keys, _month_span)


class Sums(NamedTuple):
    """Sums of runs of rows."""

    #: The first row of each run.
    firsts: NDArray[np.intp]
    values: Values
    counts: NDArray[np.intp]
    #: The common code of all rows of a run, else :data:`MIXED`.
    provenances: Codes


def sum_runs(keys: Keys, values: Values, provenances: Codes) -> Sums:
    """Return the sum of each run of rows with equal keys."""
    firsts = run_starts(keys)
    if not len(firsts):
        return Sums(firsts, np.zeros(0, np.int64), firsts, np.zeros(0, np.int32))
    low, high = np.minimum.reduceat(provenances, firsts), np.maximum.reduceat(provenances, firsts)
    counts = np.diff(firsts, append=len(keys))
    return Sums(firsts, np.add.reduceat(values, firsts), counts, np.where(low == high, low, MIXED).astype(np.int32))


def flow_periods(points: DayPoints, grain: Grain, as_of: date) -> tuple[PeriodPoint, ...]:
    """Return the sums by period, ascending, each with the number of days in it."""
    sums = sum_runs(grain.keys(points.days), points.values, points.provenances)
    names = (*points.provenance_names, "")
    columns = (points.days[sums.firsts], points.kinds[sums.firsts], sums.values, sums.counts, sums.provenances)
    return tuple(
        PeriodPoint(span.first, span.last, value, KINDS[kind], names[code], count, span.days, span.last > as_of)
        for day, kind, value, count, code in zip(*(column.tolist() for column in columns), strict=True)
        for span in [grain.span(day)]
    )


def stock_periods(points: DayPoints, grain: Grain, as_of: date) -> tuple[PeriodPoint, ...]:
    """Return the count on the last day of each period, ascending, and the newest count of the current one.

    A period whose last day has no count is left out, because the count of another day is not comparable.
    """
    keys = grain.keys(points.days)
    lasts = np.flatnonzero(np.concatenate([keys[1:] != keys[:-1], [True]])) if len(keys) else np.zeros(0, np.intp)
    columns = (points.days[lasts], points.values[lasts], points.kinds[lasts], points.provenances[lasts])
    found: list[PeriodPoint] = []
    for day, value, kind, code in zip(*(column.tolist() for column in columns), strict=True):
        span = grain.span(day)
        is_running = span.last > as_of
        if is_running or day == span.last.toordinal():
            counted = None if is_running else 1
            name = points.provenance_names[code]
            found.append(PeriodPoint(span.first, span.last, value, KINDS[kind], name, counted, 1, is_running))
    return tuple(found)
