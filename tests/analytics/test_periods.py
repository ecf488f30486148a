from __future__ import annotations

from datetime import date
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cmetrics.analytics.model import NO_POINTS, DayPoint, DayPoints, PointKind
from cmetrics.analytics.periods import MONTHS, WEEKS, flow_periods, stock_periods
from cmetrics.domain.days import DAY, Span, day_range
from tests.boards import points_of

#: A Monday.
MONDAY = date(2026, 11, 16)
SUNDAY = MONDAY + 6 * DAY
FAR = date(2030, 1, 1)
VALUES = st.dictionaries(st.dates(date(2025, 11, 1), date(2026, 3, 15)), st.integers(0, 10**15), max_size=90)
DESCRIBED = st.dates(date(2026, 3, 15), date(2026, 4, 30))
GRAINS = pytest.mark.parametrize("grain", [WEEKS, MONTHS], ids=["weeks", "months"])


def values_of(points):
    return [(point.period_start, point.period_end, point.value) for point in points]


def span_of(grain, day):
    return grain.span(day.toordinal())


# -- flows ---------------------------------------------------------------------------------------


@GRAINS
@settings(deadline=None)
@given(values=VALUES, as_of=DESCRIBED)
def test_periods_of_a_flow_are_the_sums_of_their_days_and_count_them(grain, values, as_of):
    found = flow_periods(points_of(values), grain, as_of)
    for point in found:
        inside = [value for day, value in values.items() if point.period_start <= day <= point.period_end]
        assert (point.value, point.days_observed) == (sum(inside), len(inside))
        assert point.days_expected == len(list(day_range(point.period_start, point.period_end)))
        assert span_of(grain, point.period_start) == (point.period_start, point.period_end)
        assert point.is_running == (as_of < point.period_end)
        assert point.is_complete == (len(inside) == point.days_expected)
    assert sum(point.value for point in found) == sum(values.values())
    assert sum(point.days_observed for point in found) == len(values)
    assert all(earlier.period_end < later.period_start for earlier, later in pairwise(found))


def test_a_period_without_days_is_omitted():
    points = points_of({date(2026, 1, 5): 1, date(2026, 3, 5): 2})
    assert values_of(flow_periods(points, MONTHS, FAR)) == [
        (date(2026, 1, 1), date(2026, 1, 31), 1),
        (date(2026, 3, 1), date(2026, 3, 31), 2),
    ]
    assert flow_periods(NO_POINTS, WEEKS, FAR) == stock_periods(NO_POINTS, WEEKS, FAR) == ()


def test_a_week_is_running_until_its_sunday_is_over():
    points = points_of(dict.fromkeys(day_range(MONDAY, SUNDAY), 1))
    (whole,) = flow_periods(points, WEEKS, SUNDAY)
    assert (whole.value, whole.is_running, whole.is_complete) == (7, False, True)
    (running,) = flow_periods(points[:-1], WEEKS, SUNDAY - DAY)
    assert (running.value, running.is_running, running.is_complete) == (6, True, False)


def test_a_sum_has_a_provenance_only_if_its_days_agree():
    days = [DayPoint(MONDAY + n * DAY, 1, PointKind.OBSERVED, "recomputed") for n in range(2)]
    mixed = [*days, DayPoint(MONDAY + 2 * DAY, 1, PointKind.OBSERVED, "api_daily")]
    assert [point.provenance for point in flow_periods(DayPoints.of(days), WEEKS, FAR)] == ["recomputed"]
    assert [point.provenance for point in flow_periods(DayPoints.of(mixed), WEEKS, FAR)] == [""]


# -- stocks --------------------------------------------------------------------------------------


@GRAINS
@settings(deadline=None)
@given(values=VALUES, as_of=DESCRIBED)
def test_periods_of_a_stock_are_the_counts_of_their_last_days(grain, values, as_of):
    found = {point.period_end: point for point in stock_periods(points_of(values), grain, as_of)}
    ended = {day: value for day, value in values.items() if span_of(grain, day).last == day}
    assert {day: point.value for day, point in found.items() if not point.is_running} == ended
    running = [day for day in values if span_of(grain, day).last > as_of]
    assert [point.value for point in found.values() if point.is_running] == ([values[max(running)]] if running else [])
    assert list(found) == sorted(found)
    assert all(span_of(grain, point.period_start) == (point.period_start, day) for day, point in found.items())
    assert all(point.is_complete != point.is_running for point in found.values())


def test_a_period_without_a_count_of_its_last_day_is_omitted():
    points = points_of({SUNDAY - 7 * DAY: 1, SUNDAY - DAY: 2, SUNDAY + DAY: 3, SUNDAY + 7 * DAY: 4})
    assert values_of(stock_periods(points, WEEKS, FAR)) == [
        (MONDAY - 7 * DAY, SUNDAY - 7 * DAY, 1),
        (MONDAY + 7 * DAY, SUNDAY + 7 * DAY, 4),
    ]


def test_the_running_period_of_a_stock_is_its_newest_count_so_far():
    points = points_of({MONDAY: 1, MONDAY + 2 * DAY: 2})
    (running,) = stock_periods(points, WEEKS, SUNDAY - DAY)
    assert (running.value, running.is_running, running.is_complete) == (2, True, False)
    assert stock_periods(points, WEEKS, SUNDAY) == ()


def test_a_period_of_a_stock_has_the_kind_of_its_last_day():
    estimated = DayPoint(SUNDAY, 5, PointKind.ESTIMATED, "")
    (point,) = stock_periods(DayPoints.of([*points_of({MONDAY: 1}), estimated]), WEEKS, FAR)
    assert (point.value, point.kind, point.provenance) == (5, PointKind.ESTIMATED, "")


@pytest.mark.parametrize(("day", "days"), [(date(2024, 2, 29), 29), (date(2026, 2, 1), 28), (date(2026, 12, 31), 31)])
def test_a_month_contains_all_its_days(day, days):
    span = span_of(MONTHS, day)
    assert span == Span(day.replace(day=1), day.replace(day=days))
    assert span.days == days


@GRAINS
@given(day=st.dates(date(2020, 1, 1), date(2040, 12, 31)))
def test_days_of_one_period_have_one_key(grain, day):
    span, others = span_of(grain, day), list(day_range(day - 40 * DAY, day + 40 * DAY))
    keys = grain.keys(np.array([other.toordinal() for other in others], np.int32)).tolist()
    assert [key == keys[40] for key in keys] == [other in span for other in others]
