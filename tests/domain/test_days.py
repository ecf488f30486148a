from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cmetrics.domain.days import DAY, Month, Span, day_range, last_completed_day, months, spans, week_of, window

DAY_0 = date(2026, 1, 1)
DAYS = st.sets(st.integers(0, 900).map(lambda n: DAY_0 + n * DAY), max_size=40)


def fewest(days: set[date], longest: int) -> int:
    """Return the smallest number of spans, counted from the oldest day."""
    count, covered = 0, date.min
    for day in sorted(days):
        if day > covered:
            count, covered = count + 1, day + (longest - 1) * DAY
    return count


@settings(deadline=None)
@given(days=DAYS, longest=st.integers(1, 400))
def test_spans_cover_every_day_with_the_fewest_short_spans(days, longest):
    found = spans(days, longest)
    assert all(any(span.first <= day <= span.last for span in found) for day in days)
    assert all(1 <= span.days <= longest for span in found)
    assert all(span.first in days and span.last in days for span in found)
    assert all(earlier.last < later.first for earlier, later in pairwise(found))
    assert len(found) == fewest(days, longest)


def test_spans_are_cut_from_the_newest_day_back():
    year = list(day_range(DAY_0, DAY_0 + 9 * DAY))
    assert spans([*year, *year], 4) == [
        Span(DAY_0, DAY_0 + DAY),
        Span(DAY_0 + 2 * DAY, DAY_0 + 5 * DAY),
        Span(DAY_0 + 6 * DAY, DAY_0 + 9 * DAY),
    ]


def test_no_days_need_no_span():
    assert spans([], 365) == []


@pytest.mark.parametrize(
    ("now", "day"),
    [
        (datetime(2026, 3, 1, 0, 0, tzinfo=UTC), date(2026, 2, 28)),
        (datetime(2024, 3, 1, 23, 59, 59, tzinfo=UTC), date(2024, 2, 29)),
        (datetime(2026, 1, 1, 12, tzinfo=UTC), date(2025, 12, 31)),
        (datetime(2026, 3, 2, 1, tzinfo=timezone(timedelta(hours=2))), date(2026, 2, 28)),
        (datetime(2026, 3, 1, 23, tzinfo=timezone(timedelta(hours=-5))), date(2026, 3, 1)),
    ],
)
def test_the_last_completed_day_is_utc_s_yesterday(now, day):
    assert last_completed_day(now) == day


def test_a_window_ends_on_its_last_day():
    assert window(date(2026, 3, 1), 1) == date(2026, 3, 1)
    assert window(date(2026, 3, 1), 30) == date(2026, 1, 31)
    assert len(list(day_range(window(DAY_0, 90), DAY_0))) == 90


def test_a_reversed_range_is_empty():
    assert list(day_range(DAY_0, DAY_0 - DAY)) == []


@pytest.mark.parametrize(
    ("month", "last", "days"),
    [
        (Month(2026, 2), date(2026, 2, 28), 28),
        (Month(2024, 2), date(2024, 2, 29), 29),
        (Month(2026, 12), date(2026, 12, 31), 31),
    ],
)
def test_a_month_has_its_days(month, last, days):
    assert (month.first, month.last, month.days) == (last.replace(day=1), last, days)
    assert {Month.of(day) for day in day_range(month.first, month.last)} == {month}


@given(day=st.dates(date(1, 1, 1), date(9999, 12, 20)))
def test_a_week_runs_from_monday_to_sunday(day):
    week = week_of(day)
    assert day in week
    assert (week.days, week.first.isoweekday(), week.last.isoweekday()) == (7, 1, 7)
    assert {week_of(other) for other in day_range(*week)} == {week}
    assert {other.isocalendar()[:2] for other in day_range(*week)} == {day.isocalendar()[:2]}


def test_a_week_may_belong_to_two_years():
    assert week_of(date(2027, 1, 1)) == Span(date(2026, 12, 28), date(2027, 1, 3))
    assert week_of(date(2026, 11, 23)).first == date(2026, 11, 23)
    assert week_of(date(2026, 11, 22)).last == date(2026, 11, 22)


@given(year=st.integers(1000, 3000), month=st.integers(1, 12), by=st.integers(-5000, 5000))
def test_months_add_up_over_the_years(year, month, by):
    start = Month(year, month)
    moved = start.plus(by)
    assert (moved.year - start.year) * 12 + moved.month - start.month == by
    assert moved.plus(-by) == start


def test_months_cross_the_end_of_a_year():
    assert [str(month) for month in months(Month(2025, 11), Month(2026, 2))] == [
        "2025-11",
        "2025-12",
        "2026-01",
        "2026-02",
    ]
    assert list(months(Month(2026, 2), Month(2026, 1))) == []
