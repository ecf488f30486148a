"""Charts of counters, windows, stocks and daily counts: values, geometry, notes, cursor positions and tables."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cmetrics.charts.count_figure import build_count_chart
from cmetrics.charts.panels import PanelChart, draw_panels, panels_document
from cmetrics.charts.scale import Room, steps_between
from cmetrics.domain.days import DAY
from tests.analytics.test_counts import AS_OF, INSTALLS, LIKES, PULLS, VIEWS, WEEKLY, item_of


def chart_of(metric, values: dict[int, int]) -> PanelChart:
    return build_count_chart(item_of(metric, values), AS_OF)


def test_counter():
    """A line shows the count, and bars between readings the increases, pale and labelled for long intervals."""
    chart = chart_of(PULLS, {6: 1000, 5: 1010, 2: 1070, 1: 1060, 0: 1065})
    count, flows = chart.panels
    assert [run.is_dashed for run in count.runs] == [False, False, True]
    assert count.dots == ((AS_OF, 1065),)
    assert [(column.first, column.last, column.value, column.is_pale) for column in flows.columns] == [
        (AS_OF - 5 * DAY, AS_OF - 5 * DAY, 10, False),
        (AS_OF - 4 * DAY, AS_OF - 2 * DAY, 20, True),
        (AS_OF, AS_OF, 5, False),
    ]
    assert [(span.first, span.last) for span in flows.unknown] == [(AS_OF - DAY, AS_OF - DAY)]
    assert [(row.when, *row.cells) for row in chart.rows] == [
        ("24 November 2026", "1,065", "5 pulls on 24 Nov 2026"),
        ("23 November 2026", "1,060", "unknown on 23 Nov 2026: the count fell"),
        ("22 November 2026", "1,070", "60 pulls over 3 days"),
        ("19 November 2026", "1,010", "10 pulls on 19 Nov 2026"),
        ("18 November 2026", "1,000", "–"),
    ]
    assert chart.notes == (
        "The count, read once a night, and its increase between readings.",
        "Pale bars: one increase over several days, drawn as a daily average.",
        "Dashed: nights without a reading.",
        "◇ Increase unknown.",
        "The axis starts at 1,000.",
    )


def test_geometry_of_a_counter():
    """The panels do not overlap; a bar of three days has their width and the height of their daily average."""
    chart = chart_of(PULLS, {6: 1000, 5: 1010, 2: 1070, 1: 1060, 0: 1065})
    count, flows = draw_panels(chart).panels
    assert max(tick.at for tick in count.y_ticks) < min(tick.at for tick in flows.y_ticks) - 8
    assert count.y_ticks[-1].text == "1,080 pulls"
    assert flows.y_ticks[-1].text == "20 per day"
    day, three, _ = flows.bars
    assert three.width == pytest.approx(3 * day.width / 0.84, rel=0.01)
    assert three.height == pytest.approx(2 * day.height, rel=0.01)
    assert [label.text for label in flows.labels[Room.LARGE]] == ["60 over 3 days"]
    assert [mark.hollow for mark in flows.marks] == [True]
    assert count.last is not None
    assert count.last.text == "1,065"


def test_stops_of_a_counter():
    """The cursor selects whole intervals, with missed readings and unknown increases noted."""
    chart = chart_of(PULLS, {6: 1000, 5: 1010, 2: 1070, 1: 1060, 0: 1065})
    start = (AS_OF - chart.first).days
    assert panels_document(chart)["stops"] == [
        [start - 6, start - 6, [1000, "no earlier reading"], "", None],
        [start - 5, start - 5, [1010, 10], "", 10],
        [start - 4, start - 2, [1070, "60 over 3 days"], "1 of 3 nights read", 60],
        [start - 1, start - 1, [1060, "unknown: the count fell"], "", None],
        [start, start, [1065, 5], "", 5],
    ]


def test_window():
    """A rolling window is one line from zero, with its own labels and without bars."""
    chart = chart_of(INSTALLS, {3: 200, 2: 208, 0: 187})
    (panel,) = chart.panels
    assert panel.columns == ()
    assert panel.levels[0].value == 0
    assert panel.named_levels[-1].text == "250 installs in 30 days"
    assert len(panel.runs) == 1
    assert panel.dots == ((AS_OF - 2 * DAY, 208), (AS_OF, 187))[1:]
    assert chart.rows[0].when == "30 days to 24 November 2026"
    assert chart.notes == ("Each point covers the 30 days up to it.",)
    assert chart.headings == (("Installs", True),)


def test_missing_days_have_no_value():
    """Days without a value are not shown as zero."""
    chart = chart_of(VIEWS, {4: 3, 1: 12, 0: 0})
    assert [(stop.values, stop.coverage, stop.amount) for stop in chart.stops] == [
        ((3,), "", 3),
        ((None,), "0 of 2 days", None),
        ((12,), "", 12),
        ((0,), "", 0),
    ]


def test_weekly_windows_are_one_line():
    """A week between two values is not a gap."""
    chart = chart_of(WEEKLY, {28: 9, 21: 10, 7: 12, 0: 11})
    assert [len(run.points) for run in chart.panels[0].runs] == [2, 2]
    assert [stop.values for stop in chart.stops] == [(9,), (10,), (None,), (12,), (11,)]


def test_stock_and_daily_count():
    (likes,) = chart_of(LIKES, {2: 12, 1: 11, 0: 10}).panels
    assert (len(likes.runs), likes.columns) == (1, ())
    (views,) = chart_of(VIEWS, {2: 12, 0: 10}).panels
    assert views.runs == ()
    assert [(column.first, column.value, column.is_pale) for column in views.columns] == [
        (AS_OF - 2 * DAY, 12, False),
        (AS_OF, 10, False),
    ]


@pytest.mark.parametrize("metric", [PULLS, LIKES, INSTALLS, WEEKLY, VIEWS])
@pytest.mark.parametrize("values", [{}, {0: 0}, {0: 5}, {170: 5}, {500: 1, 0: 10**12}, {185: 1, 170: 40, 0: 41}])
def test_any_series_is_within_the_plot(metric, values):
    """Nothing is drawn outside the plot for any values."""
    chart = chart_of(metric, values)
    for panel in draw_panels(chart).panels:
        places = [tuple(map(float, place.split(","))) for line in panel.lines for place in line.points.split()]
        places += [(mark.x, mark.y) for mark in panel.marks]
        places += [(bar.x, bar.y) for bar in panel.bars]
        places += [(bar.x + bar.width, bar.y + bar.height) for bar in panel.bars]
        assert all(-0.1 <= x <= 100.1 for x, _ in places)
        assert all(-0.1 <= y <= 100.1 for _, y in places)
    assert chart.is_empty is not bool(chart.rows)
    assert all(before.last < after.first for before, after in pairwise(chart.stops))


def test_text_alternative():
    """The text alternative describes the chart."""
    text = chart_of(PULLS, {1: 1000, 0: 1010}).alternative
    assert text == (
        "From 1,000 pulls (23 November 2026) to 1,010 (24 November 2026). 10 in the last 30 days (1 of 30 days known)."
    )
    assert chart_of(PULLS, {}).alternative == "No data yet."


@given(st.integers(0, 10**13), st.integers(0, 10**13))
def test_round_steps(low, more):
    """Steps are few and round and include both ends."""
    steps = steps_between(low, low + more)
    assert steps[0] <= low <= low + more <= steps[-1]
    assert 2 <= len(steps) <= 6
    assert len({after - before for before, after in pairwise(steps)}) == 1
