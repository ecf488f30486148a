from __future__ import annotations

import re
from datetime import date
from itertools import pairwise

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from cmetrics.analytics.chart import ChartKind
from cmetrics.analytics.model import DayPoint, DayPoints, PointKind
from cmetrics.charts.scale import MONTHS_SHOWN, NAMES_WIDTH, Room, levels, margins, stacked_months
from cmetrics.charts.svg import UNITS, BarState, Drawing, Line, compact, draw, has_long_names, spread_names
from cmetrics.domain import formats
from cmetrics.domain.days import DAY, Month, day_range
from cmetrics.locales import load_formats
from tests.boards import AS_OF, a_chart, a_month, a_seed, a_series, an_event, points_of

FLOW, STOCK = ChartKind.FLOW, ChartKind.STOCK
OBSERVED, ESTIMATED, RECONSTRUCTED = PointKind.OBSERVED, PointKind.ESTIMATED, PointKind.RECONSTRUCTED
NOVEMBER = Month.of(AS_OF)
COUNTS = st.one_of(st.sampled_from([0, 1, 10**15]), st.integers(0, 10**15), st.integers(0, 3000))
AGO = st.integers(0, 35).map(lambda n: NOVEMBER.plus(-n))


def days_of(line: Line, drawing: Drawing) -> list[date]:
    """Return the days of the points of a line."""
    start, end = drawing.scale.start, drawing.scale.end
    shares = [float(point.split(",")[0]) / UNITS for point in line.points.split()]
    return [(start + round(share * (end - start).days) * DAY).date() for share in shares]


def heights_of(line: Line) -> list[float]:
    return [float(point.split(",")[1]) for point in line.points.split()]


# -- the scale -----------------------------------------------------------------------------------


@given(COUNTS)
@example(0)
@example(5)
@example(6)
@example(50_000)
@example(50_001)
def test_levels_are_few_and_round_and_just_exceed_the_maximum(most):
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


# -- all drawings stay within their box ----------------------------------------------------------


def inside(drawing: Drawing) -> bool:
    percents = [(mark.x, mark.y) for mark in drawing.marks]
    percents += [(tick.at, 0) for ticks in drawing.x_ticks.values() for tick in ticks]
    percents += [(0, tick.at) for tick in drawing.y_ticks]
    percents += [(event.x, 0) for events in drawing.lane.values() for event in events]
    percents += [(label.x, label.y) for label in drawing.last.values()]
    percents += [(0, name.at) for name in drawing.names.values()]
    spots = [tuple(map(float, point.split(","))) for line in drawing.lines for point in line.points.split()]
    spots += [(bar.x, bar.y) for bar in drawing.bars]
    spots += [(bar.x + bar.width, bar.y + bar.height) for bar in drawing.bars]
    spots += [(10 * x, 10 * y) for x, y in percents]
    return all(-0.1 <= x <= UNITS + 0.1 and -0.1 <= y <= UNITS + 0.1 for x, y in spots)


@settings(deadline=None)
@given(
    columns=st.lists(
        st.tuples(
            st.dictionaries(AGO, COUNTS, max_size=36),
            st.dictionaries(st.dates(NOVEMBER.plus(-35).first, AS_OF), COUNTS, max_size=3),
        ),
        max_size=8,
    ),
)
def test_downloads_in_box(columns):
    """For any downloads, the drawing is within its box and has every month and published total."""
    series = []
    for number, (sums, seeds) in enumerate(columns):
        points = [*(a_month(m, v, missing=v % 2) for m, v in sums.items()), *(a_seed(d, v) for d, v in seeds.items())]
        ordered = tuple(sorted(points, key=lambda p: (p.period_end, p.period_start)))
        series.append(a_series(f"s{number}", months=ordered))
    events = [an_event(AS_OF), an_event(NOVEMBER.plus(-30).first), an_event(NOVEMBER.first)]
    drawing = draw(a_chart(FLOW, *series, events=events))
    assert inside(drawing)
    assert all(bar.height >= 0 and bar.width > 0 for bar in drawing.bars)
    first = drawing.scale.start.date()
    shown = [[p for p in one.months if p.period_end >= first] for one in series]
    assert len(drawing.bars) == sum(month >= first for points in shown for _, month in stacked_months(points))
    assert drawing.marks == ()


@settings(deadline=None)
@given(
    columns=st.lists(
        st.dictionaries(st.dates(NOVEMBER.plus(-35).first, AS_OF), COUNTS, min_size=1, max_size=40), max_size=7
    )
)
def test_stars_in_box(columns):
    """For any stars, the drawing is within its box."""
    series = [a_series(f"s{number}", days=points_of(values)) for number, values in enumerate(columns)]
    assert inside(draw(a_chart(STOCK, *series, events=[an_event(AS_OF)])))


@pytest.mark.parametrize("kind", list(ChartKind))
@pytest.mark.parametrize("series", [(), (a_series(),)], ids=["no series", "an empty one"])
def test_nothing_to_draw(kind, series):
    """Without data, the drawing is an empty grid."""
    drawing = draw(a_chart(kind, *series))
    assert inside(drawing)
    assert (drawing.bars, drawing.lines, drawing.marks, drawing.last) == ((), (), (), {})


# -- downloads -----------------------------------------------------------------------------------


def test_heights():
    """The grid extends from the bottom to the top, and heights are proportional to the values."""
    drawing = draw(a_chart(FLOW, a_series(months=(a_month(NOVEMBER, 900),))))
    assert [tick.text for tick in drawing.y_ticks] == ["", "200", "400", "600", "800", "1,000"]
    assert (drawing.y_ticks[0].at, drawing.y_ticks[-1].at) == (100, 0)
    (bar,) = drawing.bars
    assert (bar.y + bar.height, bar.height) == (UNITS, 900)


def test_two_years():
    """The drawing shows the last two years."""
    sums = tuple(a_month(NOVEMBER.plus(-n), 10 ** (n // 12)) for n in range(40))[::-1]
    days = points_of(dict.fromkeys(day_range(date(2020, 1, 1), AS_OF), 5) | {date(2020, 1, 1): 10**9})
    flow, stock = draw(a_chart(FLOW, a_series(months=sums))), draw(a_chart(STOCK, a_series(days=days)))
    assert len(flow.bars) == MONTHS_SHOWN == 24
    assert flow.y_ticks[-1].text == "10"
    assert stock.lines[0].points.startswith("0,")


def test_months_are_centred():
    """A month is centred in its days."""
    drawing = draw(a_chart(FLOW, a_series(months=(a_month(NOVEMBER, 5),))))
    (bar,) = drawing.bars
    left, right = (UNITS * drawing.scale.x(day) for day in (NOVEMBER.first, NOVEMBER.last + DAY))
    assert bar.x - left == pytest.approx(right - bar.x - bar.width, abs=0.2)
    assert bar.width == pytest.approx(0.84 * (right - left), abs=0.1)


def test_patterns():
    """Incomplete months, the current month and published totals have different patterns."""
    whole, holed = a_month(NOVEMBER.plus(-2), 310), a_month(NOVEMBER.plus(-1), 290, missing=2)
    running = a_month(NOVEMBER, 220, missing=8, is_running=True)
    published = a_seed(NOVEMBER.plus(-3).last, 300)
    drawing = draw(a_chart(FLOW, a_series(months=(published, whole, holed, running))))
    states = [BarState.PUBLISHED, BarState.WHOLE, BarState.PARTIAL, BarState.RUNNING]
    assert [bar.state for bar in drawing.bars] == states
    assert list(drawing.solid) == ["python"]
    assert drawing.solid["python"].count("M") == 1
    assert [state for _, state in drawing.hatches] == [states[0], *states[2:]]


def test_current_month():
    """The current month is labelled with its days, and the last full month with its value."""
    sums = (a_month(NOVEMBER.plus(-1), 7_624_793), a_month(NOVEMBER, 220, missing=8, is_running=True))
    days = points_of({AS_OF - DAY: 1})
    drawing = draw(a_chart(FLOW, a_series(months=sums, days=days)))
    assert drawing.running == "Nov so far, 21 of 30 days"
    assert drawing.last[""].text == "7.62M"
    assert [(name.value, name.when) for name in drawing.names.values()] == [("7.62M", " in Oct"), ("", "")]


@pytest.mark.parametrize(
    ("before", "rooms"),
    [([100, 200], {""}), ([300, 200], {"wide", "narrow"}), ([200, 300], {""}), ([200, 201], {""})],
    ids=["rise", "two months ago", "month before", "a little"],
)
def test_label_above_higher_neighbours(before, rooms):
    """The label is above all bars in its width, with a line to its own; in a narrow chart it covers more bars."""
    history = [100] * 19 + before
    sums = [a_month(NOVEMBER.plus(n - len(history) - 1), value * 10**4) for n, value in enumerate(history)]
    sums.append(a_month(NOVEMBER.plus(-1), 200 * 10**4))
    drawing = draw(a_chart(FLOW, a_series(months=tuple(sums))))
    assert drawing.last.keys() == rooms
    for room, label in drawing.last.items():
        own = 100 * drawing.scale.y(200 * 10**4)
        is_raised = before[1] == 300 or (before[0] == 300 and room == "narrow")
        highest = 300 if is_raised else 201 if before[1] == 201 else 200
        assert label.y == pytest.approx(100 * drawing.scale.y(highest * 10**4), abs=0.01)
        assert label.ground == (pytest.approx(own, abs=0.01) if is_raised else None)


def test_label_above_a_falling_line():
    """The label of the last day is above a falling line."""
    days = points_of({AS_OF - n * DAY: 1000 + 4 * n for n in range(120)})
    drawing = draw(a_chart(STOCK, a_series(days=days)))
    label = drawing.last.get("wide") or drawing.last[""]
    assert label.text == "1,000"
    assert label.y < 100 * drawing.scale.y(1000) - 3
    assert label.ground == pytest.approx(100 * drawing.scale.y(1000), abs=0.01)


@given(st.lists(st.floats(0, 1), min_size=1, max_size=7))
def test_names_do_not_overlap(places):
    """Names are within the plot, in the order of their values, and do not overlap."""
    found = spread_names(places)
    assert all(0 <= at <= 100 for at in found)
    room = min(100 * 36 / 220, 100 / len(places))
    assert all(after - before >= room - 1.01 for before, after in pairwise(sorted(found)))
    order = sorted(range(len(places)), key=lambda index: (places[index], index))
    assert [found[index] for index in order] == sorted(found)


# -- stars ---------------------------------------------------------------------------------------


@st.composite
def counted(draw):
    """Return runs of days with gaps between them, in which estimates are between counts, as in totals."""
    points, day = [], date(2026, 1, 1)
    for _ in range(draw(st.integers(1, 5))):
        kinds = draw(st.lists(st.sampled_from([OBSERVED, OBSERVED, ESTIMATED, RECONSTRUCTED]), max_size=25))
        ends = draw(st.tuples(*[st.sampled_from([OBSERVED, RECONSTRUCTED])] * 2))
        for kind in (ends[0], *kinds, *(ends[1:] if kinds else ())):
            points.append(DayPoint(day, draw(st.integers(0, 10**6)), kind))
            day += DAY
        day += draw(st.integers(1, 12)) * DAY
    return DayPoints.of(points)


@settings(deadline=None)
@given(counted())
def test_lines_break_at_gaps_and_are_dashed_on_estimated_days(points):
    drawing = draw(a_chart(STOCK, a_series(days=points)))
    drawn = [
        (before, after, line.dashed) for line in drawing.lines for before, after in pairwise(days_of(line, drawing))
    ]
    assert sorted(drawn) == [
        (before.day, after.day, ESTIMATED in (before.kind, after.kind))
        for before, after in pairwise(points)
        if after.day - before.day == DAY
    ]
    assert not any(mark.hollow for mark in drawing.marks)
    touched = {day for segment in drawn for day in segment[:2]}
    lonely = {point.day for point in points} - touched
    assert {mark_day(mark, drawing) for mark in drawing.marks} >= {*lonely, points[-1].day}


def mark_day(mark, drawing: Drawing) -> date:
    start, end = drawing.scale.start, drawing.scale.end
    return (start + round(mark.x / 100 * (end - start).days) * DAY).date()


@given(counted())
def test_a_dashed_line_shares_its_end_points_with_its_neighbours(points):
    drawing = draw(a_chart(STOCK, a_series(days=points)))
    solid = [line.points.split() for line in drawing.lines if not line.dashed]
    ends = {end for line in solid for end in (line[0], line[-1])} | {
        f"{10 * mark.x:g},{10 * mark.y:g}" for mark in drawing.marks
    }
    for line in drawing.lines:
        if line.dashed:
            assert {line.points.split()[0], line.points.split()[-1]} <= ends


def test_heights_of_a_line():
    """The heights of a line are proportional to the stars."""
    values = {AS_OF - 2 * DAY: 0, AS_OF - DAY: 250, AS_OF: 1000}
    drawing = draw(a_chart(STOCK, a_series(days=points_of(values))))
    assert heights_of(drawing.lines[0]) == [UNITS, 750, 0]


def test_single_and_last_day():
    """A day between two gaps and the last day have marks."""
    values = {AS_OF - 9 * DAY: 5, AS_OF - 5 * DAY: 6, AS_OF - 4 * DAY: 7}
    drawing = draw(a_chart(STOCK, a_series(days=points_of(values))))
    assert len(drawing.lines) == 1
    assert [mark_day(mark, drawing) for mark in drawing.marks] == [AS_OF - 9 * DAY, AS_OF - 4 * DAY]


@pytest.mark.parametrize("days", [2, 170, 365, 700])
def test_thinned(days):
    """A long line is thinned and keeps its end points."""
    values = {AS_OF - n * DAY: 5 for n in range(days)}
    drawing = draw(a_chart(STOCK, a_series(days=points_of(values))))
    (line,) = drawing.lines
    drawn = days_of(line, drawing)
    assert (drawn[0], drawn[-1]) == (min(values), AS_OF)
    assert 2 <= len(drawn) <= 281
    assert drawn == sorted(drawn)


@pytest.mark.parametrize(("lang", "is_long"), [("en", False), ("de", False), ("ar", True), ("fa", True)])
def test_room_for_long_values(lang: str, *, is_long: bool) -> None:
    """A longer label of value and month in another language gets more room."""
    series = [a_series(f"{n}", months=[a_month(NOVEMBER.plus(-1), 154_000 + n)]) for n in range(3)]
    chart = a_chart(FLOW, *series)
    with formats.use(load_formats(lang)):
        assert has_long_names(chart) is is_long


@pytest.mark.parametrize(("name", "is_long"), [("lance", False), ("an-organisation/its-repository", True)])
def test_room_for_names(name: str, *, is_long: bool) -> None:
    """A long name gets more room, also in the figure."""
    chart = a_chart(STOCK, a_series(name), a_series("other"))
    assert has_long_names(chart) is is_long
    wide = margins(Room.LARGE, has_names=True, has_long_names=is_long, has_events=False)
    assert (wide.right > NAMES_WIDTH) is is_long


@given(st.lists(st.tuples(st.integers(0, 10_000), st.integers(0, 1000)), min_size=2, max_size=40))
def test_path_of_a_line(places):
    """The steps of the path end at the points."""
    points = [(x / 10, float(y)) for x, y in places]
    line = Line(" ".join(f"{x:g},{y:g}" for x, y in points), "n0", dashed=False)
    first, _, steps = line.path.partition("l")
    numbers = [float(number) for number in re.findall(r"-?\d+(?:\.\d+)?(?:e-\d+)?", steps)]
    x, y = map(float, first.removeprefix("M").split())
    found = [(x, y)]
    for right, down in zip(numbers[::2], numbers[1::2], strict=True):
        x, y = x + right, y + down
        found.append((x, y))
    assert found == [pytest.approx(point, abs=0.01) for point in points]
