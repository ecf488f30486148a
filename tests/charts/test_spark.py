from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cmetrics.charts.spark import MONTHS_DRAWN, POINTS_DRAWN, month_sparkline, sparkline, star_sparkline
from cmetrics.domain.days import DAY, Month
from tests.boards import AS_OF, a_month, a_seed, points_of

JANUARY = Month(2026, 1)
COUNTS = st.one_of(st.sampled_from([0, 1, 10**15]), st.integers(0, 10**15))


def spots(spark) -> list[list[tuple[float, float]]]:
    return [[tuple(map(float, point.split(","))) for point in line.split()] for line in spark.lines]


def dots(spark) -> list[tuple[float, bool]]:
    """Return the positions of the dots from left to right and whether they are hollow."""
    return [(float(dot.x), dot.is_hollow) for dot in spark.dots]


@given(st.dictionaries(st.dates(date(2020, 1, 1), AS_OF), COUNTS, max_size=40), st.integers(1, 400))
def test_a_sparkline_is_within_its_box_and_goes_from_left_to_right(values, gap_days):
    spark = sparkline(sorted(values.items()), gap_days)
    assert all(0 <= float(dot.x) <= 120 and 2 <= float(dot.y) <= 30 for dot in spark.dots)
    assert bool(spark.dots) == bool(values)
    drawn = sum(len(line) for line in spots(spark)) + len(spark.dots)
    # Every value is on a line or has a dot, and the last one can have both.
    assert drawn - len(values) in (0, 1)
    for line in spots(spark):
        assert len(line) > 1
        assert all(0 <= x <= 120 and 2 <= y <= 30 for x, y in line)
        assert [x for x, _ in line] == sorted(x for x, _ in line)


def test_a_sparkline_uses_the_whole_box():
    ((low, high),) = spots(sparkline([(AS_OF - DAY, 3), (AS_OF, 9)], 1))
    assert (low, high) == ((0, 30), (120, 2))


@pytest.mark.parametrize("points", [[], [(AS_OF, 5)]])
def test_fewer_than_two_points_have_no_line(points):
    spark = sparkline(points, 1)
    assert spark.lines == ()
    assert dots(spark) == [(120, False)] * len(points)


def test_last_value_dot():
    """The newest value has a dot, also after a gap; an incomplete month has a hollow dot without a line."""
    months = [a_month(JANUARY.plus(n), 100 + n) for n in range(4)]
    assert dots(month_sparkline(months)) == [(120, False)]
    behind_gap = month_sparkline([*months[:2], a_month(JANUARY.plus(2), 7, missing=3), months[3]])
    assert (len(spots(behind_gap)), dots(behind_gap)) == (1, [(120, False)])
    holed = month_sparkline([*months[:3], a_month(JANUARY.plus(3), 90, missing=3)])
    assert [len(line) for line in spots(holed)] == [3]
    assert dots(holed) == [(120, True)]
    running = a_month(JANUARY.plus(4), 3, missing=20, is_running=True)
    assert month_sparkline([*months, running]) == month_sparkline(months)


def test_a_sparkline_breaks_at_longer_gaps_than_allowed():
    points = [(AS_OF + n * DAY, 5) for n in (0, 1, 3, 6, 7)]
    assert [len(line) for line in spots(sparkline(points, 2))] == [3, 2]
    assert [len(line) for line in spots(sparkline(points, 3))] == [5]
    assert [len(line) for line in spots(sparkline(points, 1))] == [2, 2]


def test_a_sparkline_of_months_leaves_out_incomplete_months():
    months = [a_month(JANUARY.plus(n), 100) for n in range(4)]
    running = a_month(JANUARY.plus(4), 3, missing=20, is_running=True)
    holed = a_month(JANUARY.plus(1), 7, missing=3)
    assert month_sparkline([*months, running]) == month_sparkline(months)
    ((first, last), (after, end)) = spots(
        month_sparkline([a_seed(date(2025, 12, 20), 60), months[0], holed, *months[2:]])
    )
    assert (first[1], last[1], after[1], end[1]) == (30, 2, 2, 2)


def test_a_sparkline_shows_only_the_newest_months():
    months = [a_month(JANUARY.plus(n - 99), n) for n in range(100)]
    (line,) = spots(month_sparkline(months))
    assert len(line) == MONTHS_DRAWN
    assert month_sparkline(months) == month_sparkline(months[-MONTHS_DRAWN:])


@pytest.mark.parametrize("days", [2, 119, 240, 800, 7300])
def test_a_long_sparkline_of_stars_is_thinned_without_gaps(days):
    points = points_of({AS_OF - n * DAY: 7 if n == 0 else 1 for n in range(days)})
    (line,) = spots(star_sparkline(points))
    assert (line[0], line[-1]) == ((0, 30), (120, 2))
    assert len(line) <= 2 * POINTS_DRAWN


def test_a_long_gap_between_star_counts_is_not_closed():
    points = points_of({AS_OF - n * DAY: 5 for n in (*range(100), *range(150, 250))})
    assert len(star_sparkline(points).lines) == 2
