from __future__ import annotations

from datetime import date
from itertools import pairwise

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from cmetrics.analytics.chart import ChartKind
from cmetrics.analytics.model import DayPoint, PointKind
from cmetrics.charts.svg import MONTHS_SHOWN, Drawing, Line, compact, draw, levels
from cmetrics.domain.days import DAY, Month, day_range
from tests.boards import AS_OF, a_chart, a_month, a_seed, a_series, an_event, points_of

FLOW, STOCK = ChartKind.FLOW, ChartKind.STOCK
OBSERVED, ESTIMATED, RECONSTRUCTED = PointKind.OBSERVED, PointKind.ESTIMATED, PointKind.RECONSTRUCTED
NOVEMBER = Month.of(AS_OF)
SIZES = ((360.0, 270.0), (560.0, 300.0), (1120.0, 320.0))
WIDE = SIZES[-1]
COUNTS = st.one_of(st.sampled_from([0, 1, 10**15]), st.integers(0, 10**15), st.integers(0, 3000))
AGO = st.integers(0, 35).map(lambda n: NOVEMBER.plus(-n))


def days_of(line: Line, drawing: Drawing, first: date) -> list[date]:
    """Back from coordinates to days; ``first`` is the day at the left edge, the month of AS_OF ends at the right."""
    wide = (NOVEMBER.last - first).days + 1
    share = [
        (float(x) - drawing.left) / (drawing.right - drawing.left)
        for x, _ in (point.split(",") for point in line.points.split())
    ]
    return [first + round(part * wide) * DAY for part in share]


def heights_of(line: Line) -> list[float]:
    return [float(point.split(",")[1]) for point in line.points.split()]


# -- the scale -----------------------------------------------------------------------------------


@given(COUNTS)
@example(0)
@example(5)
@example(6)
@example(50_000)
@example(50_001)
def test_levels_are_few_and_round_and_reach_just_over_the_most(most):
    found = levels(most)
    steps = {after - before for before, after in pairwise(found)}
    (step,) = steps
    assert found[0] == 0
    assert 2 <= len(found) <= 6
    assert str(step).rstrip("0") in {"1", "2", "5"}
    assert found[-1] >= most
    assert found[-2] < max(most, 1)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0, "0"),
        (999, "999"),
        (1000, "1k"),
        (1500, "1.5k"),
        (200_000, "200k"),
        (1_000_000, "1M"),
        (2_500_000, "2.5M"),
        (10_000_000_000, "10B"),
    ],
)
def test_labels_of_levels_are_short(value, text):
    assert compact(value) == text


@given(st.integers(0, 10**11))
def test_no_two_levels_of_a_scale_have_the_same_label(most):
    found = levels(most)
    assert len({compact(level) for level in found}) == len(found)


# -- everything is inside ------------------------------------------------------------------------


def inside(drawing: Drawing) -> bool:
    left, right, top, bottom = drawing.left, drawing.right, drawing.top, drawing.bottom
    assert 0 < left < right < drawing.width
    assert 0 < top < bottom < drawing.height
    spots = [(mark.x, mark.y) for mark in drawing.marks]
    spots += [(tick.at, top) for tick in drawing.x_ticks]
    spots += [(left, tick.at) for tick in drawing.y_ticks]
    spots += [(flag.x, top) for flag in drawing.flags]
    spots += [tuple(map(float, point.split(","))) for line in drawing.lines for point in line.points.split()]
    spots += [(bar.x, bar.y) for bar in drawing.bars]
    spots += [(round(bar.x + bar.width, 6), round(bar.y + bar.height, 6)) for bar in drawing.bars]
    return all(left <= x <= right and top <= y <= bottom for x, y in spots)


@settings(deadline=None)
@given(
    columns=st.lists(
        st.tuples(
            st.dictionaries(AGO, COUNTS, max_size=36),
            st.dictionaries(st.dates(NOVEMBER.plus(-35).first, AS_OF), COUNTS, max_size=3),
        ),
        max_size=8,
    ),
    size=st.sampled_from(SIZES),
)
def test_whatever_is_downloaded_the_drawing_stays_in_its_box(columns, size):
    series = []
    for sums, seeds in columns:
        points = [*(a_month(m, v, missing=v % 2) for m, v in sums.items()), *(a_seed(d, v) for d, v in seeds.items())]
        series.append(a_series(months=tuple(sorted(points, key=lambda p: (p.period_end, p.period_start)))))
    events = [an_event(AS_OF), an_event(NOVEMBER.plus(-30).first), an_event(NOVEMBER.first)]
    drawing = draw(a_chart(FLOW, *series, events=events), *size)
    assert inside(drawing)
    assert all(bar.height >= 0 and bar.width > 0 for bar in drawing.bars)
    first = NOVEMBER.plus(1 - MONTHS_SHOWN).first
    assert len(drawing.bars) == sum(month.first >= first for sums, _ in columns for month in sums)
    assert len(drawing.marks) == sum(day >= first for _, seeds in columns for day in seeds)


@settings(deadline=None)
@given(
    columns=st.lists(
        st.dictionaries(st.dates(NOVEMBER.plus(-35).first, AS_OF), COUNTS, min_size=1, max_size=40), max_size=7
    ),
    size=st.sampled_from(SIZES),
)
def test_whatever_is_starred_the_drawing_stays_in_its_box(columns, size):
    chart = a_chart(STOCK, *(a_series(days=points_of(values)) for values in columns), events=[an_event(AS_OF)])
    assert inside(draw(chart, *size))


@pytest.mark.parametrize("kind", list(ChartKind))
@pytest.mark.parametrize("series", [(), (a_series(),)], ids=["no series", "an empty one"])
def test_nothing_to_draw_is_an_empty_grid(kind, series):
    drawing = draw(a_chart(kind, *series), *WIDE)
    assert inside(drawing)
    assert (drawing.bars, drawing.lines, drawing.marks) == ((), (), ())
    assert [tick.text for tick in drawing.y_ticks] == ["0", "1"]
    assert [tick.text for tick in drawing.x_ticks] == ["Nov 2026"]


# -- axes ----------------------------------------------------------------------------------------


def test_the_grid_reaches_from_the_ground_to_the_top():
    drawing = draw(a_chart(FLOW, a_series(months=(a_month(NOVEMBER, 900),))), *WIDE)
    assert [tick.text for tick in drawing.y_ticks] == ["0", "200", "400", "600", "800", "1k"]
    assert (drawing.y_ticks[0].at, drawing.y_ticks[-1].at) == (drawing.bottom, drawing.top)
    (bar,) = drawing.bars
    assert bar.y + bar.height == drawing.bottom
    assert bar.height == pytest.approx(0.9 * drawing.fall, abs=0.06)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("months", range(1, 37))
def test_months_are_labelled_without_labels_on_each_other(months, size):
    sums = tuple(a_month(NOVEMBER.plus(-n), 5) for n in range(months))[::-1]
    drawing = draw(a_chart(FLOW, a_series(months=sums)), *size)
    assert drawing.x_ticks
    assert all(after.at - before.at >= 55 for before, after in pairwise(drawing.x_ticks))
    assert len({tick.text for tick in drawing.x_ticks}) == len(drawing.x_ticks)


def test_the_oldest_of_what_is_shown_is_two_years_old():
    sums = tuple(a_month(NOVEMBER.plus(-n), 10 ** (n // 12)) for n in range(40))[::-1]
    days = points_of(dict.fromkeys(day_range(date(2020, 1, 1), AS_OF), 5) | {date(2020, 1, 1): 10**9})
    flow, stock = draw(a_chart(FLOW, a_series(months=sums)), *WIDE), draw(a_chart(STOCK, a_series(days=days)), *WIDE)
    assert len(flow.bars) == MONTHS_SHOWN == 24
    assert [drawing.y_ticks[-1].text for drawing in (flow, stock)] == ["10", "5"]
    assert stock.lines[0].points.startswith(f"{stock.left},")


# -- downloads -----------------------------------------------------------------------------------


def test_bars_of_a_month_stand_side_by_side_in_the_order_of_the_series():
    months = [NOVEMBER.plus(-1), NOVEMBER]
    chart = a_chart(
        FLOW, *(a_series(tone, tone=tone, months=tuple(a_month(m, 5) for m in months)) for tone in ("a", "b", "c"))
    )
    bars = sorted(draw(chart, *WIDE).bars, key=lambda bar: bar.x)
    assert [bar.tone for bar in bars] == ["a", "b", "c"] * 2
    assert all(before.x + before.width <= after.x + 0.11 for before, after in pairwise(bars))


@pytest.mark.parametrize("size", SIZES)
def test_a_month_stands_in_the_middle_of_its_days(size):
    drawing = draw(a_chart(FLOW, a_series(months=(a_month(NOVEMBER, 5),))), *size)
    (bar,) = drawing.bars
    assert bar.x - drawing.left == pytest.approx(drawing.right - bar.x - bar.width, abs=0.2)
    assert bar.width > (drawing.right - drawing.left) / 2


def test_a_month_that_lacks_days_is_faint_and_says_what_is_missing():
    whole, holed = a_month(NOVEMBER.plus(-2), 310), a_month(NOVEMBER.plus(-1), 290, missing=2)
    running = a_month(NOVEMBER, 220, missing=8, is_running=True)
    bars = draw(a_chart(FLOW, a_series(months=(whole, holed, running))), *WIDE).bars
    assert [bar.faint for bar in bars] == [False, True, True]
    assert [bar.title for bar in bars] == [
        "310 downloads of Python (lance) in September 2026",
        "290 downloads of Python (lance) in October 2026 (29 of 31 days, 2 missing)",
        "220 downloads of Python (lance) in November 2026 (22 of 30 days so far)",
    ]


def test_a_snapshot_is_an_open_mark_and_no_bar():
    drawing = draw(a_chart(FLOW, a_series(months=(a_seed(date(2026, 10, 15), 7000),))), *WIDE)
    (mark,) = drawing.marks
    assert drawing.bars == ()
    assert mark.hollow
    assert mark.title == (
        "7,000 downloads of Python (lance) in about 30 days up to 15 October 2026 (a total published before daily data)"
    )


# -- stars ---------------------------------------------------------------------------------------


@st.composite
def counted(draw):
    """Days in stretches with gaps between them; estimates have a count on both sides, as totals have them."""
    points, day = [], date(2026, 1, 1)
    for _ in range(draw(st.integers(1, 5))):
        kinds = draw(st.lists(st.sampled_from([OBSERVED, OBSERVED, ESTIMATED, RECONSTRUCTED]), max_size=25))
        ends = draw(st.tuples(*[st.sampled_from([OBSERVED, RECONSTRUCTED])] * 2))
        for kind in (ends[0], *kinds, *(ends[1:] if kinds else ())):
            points.append(DayPoint(day, draw(st.integers(0, 10**6)), kind))
            day += DAY
        day += draw(st.integers(1, 12)) * DAY
    return tuple(points)


@settings(deadline=None)
@given(counted())
def test_lines_break_exactly_at_gaps_and_are_dashed_exactly_where_days_are_estimated(points):
    drawing = draw(a_chart(STOCK, a_series(days=points)), *WIDE)
    first = Month.of(points[0].day).first
    drawn = [
        (before, after, line.dashed)
        for line in drawing.lines
        for before, after in pairwise(days_of(line, drawing, first))
    ]
    assert sorted(drawn) == [
        (before.day, after.day, ESTIMATED in (before.kind, after.kind))
        for before, after in pairwise(points)
        if after.day - before.day == DAY
    ]
    touched = {day for segment in drawn for day in segment[:2]}
    lonely = {point.day for point in points} - touched
    counted = {point.day for point in points if point.kind is not ESTIMATED}
    titles = {mark.title.rpartition(" on ")[2] for mark in drawing.marks}
    assert titles >= {f"{day.day} {day:%B %Y}" for day in lonely}
    assert titles <= {f"{day.day} {day:%B %Y}" for day in counted}
    assert not any(mark.hollow for mark in drawing.marks)


@given(counted())
def test_a_dashed_line_ends_in_the_very_points_where_its_neighbours_end(points):
    drawing = draw(a_chart(STOCK, a_series(days=points)), *WIDE)
    solid = [line.points.split() for line in drawing.lines if not line.dashed]
    ends = {end for line in solid for end in (line[0], line[-1])} | {f"{mark.x},{mark.y}" for mark in drawing.marks}
    for line in drawing.lines:
        if line.dashed:
            assert {line.points.split()[0], line.points.split()[-1]} <= ends


def test_heights_of_a_line_are_in_proportion_to_the_stars():
    values = {AS_OF - 2 * DAY: 0, AS_OF - DAY: 250, AS_OF: 1000}
    drawing = draw(a_chart(STOCK, a_series(days=points_of(values))), *WIDE)
    ground, quarter, top = heights_of(drawing.lines[0])
    assert (ground, top) == (drawing.bottom, drawing.top)
    assert quarter == pytest.approx(drawing.bottom - drawing.fall / 4, abs=0.06)


def test_a_day_between_two_gaps_is_a_mark_of_its_own():
    values = {AS_OF - 9 * DAY: 5, AS_OF - 5 * DAY: 6, AS_OF - 4 * DAY: 7}
    drawing = draw(a_chart(STOCK, a_series(days=points_of(values))), *WIDE)
    assert len(drawing.lines) == 1
    assert [mark.title for mark in drawing.marks] == ["5 stars of lance on 13 November 2026"]


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("days", [2, 170, 365, 700])
def test_a_long_line_is_thinned_and_keeps_its_ends(days, size):
    values = {AS_OF - n * DAY: 5 for n in range(days)}
    drawing = draw(a_chart(STOCK, a_series(days=points_of(values))), *size)
    (line,) = drawing.lines
    first = Month.of(min(values)).first
    drawn = days_of(line, drawing, first)
    assert abs(drawn[0] - min(values)) <= DAY
    assert abs(drawn[-1] - AS_OF) <= DAY
    assert 2 <= len(drawn) <= size[0] / 2 + 1
    assert drawn == sorted(drawn)


# -- events --------------------------------------------------------------------------------------


def test_events_of_the_time_shown_are_flags_with_their_day_and_their_words():
    sums = tuple(a_month(NOVEMBER.plus(-n), 5) for n in range(3))[::-1]
    events = [
        an_event(date(2026, 8, 31), label="too early"),
        an_event(date(2026, 9, 1), label="first"),
        an_event(AS_OF, label="last", url=None),
    ]
    drawing = draw(a_chart(FLOW, a_series(months=sums), events=events), *WIDE)
    assert [(flag.title, flag.url) for flag in drawing.flags] == [
        ("1 September 2026: first", "https://example.com/"),
        ("22 November 2026: last", None),
    ]
    assert drawing.flags[0].x == drawing.left
