"""Figures of counters, windows, stocks and daily counts: geometry, captions, tables."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cmetrics.charts.count_figure import CountFigure, build_count_figure, steps_between
from tests.analytics.test_counts import AS_OF, INSTALLS, LIKES, PULLS, VIEWS, WEEKLY, item_of

WIDE, NARROW = (560.0, 300.0), (360.0, 270.0)


def figure_of(metric, values: dict[int, int]) -> CountFigure:
    return build_count_figure(item_of(metric, values), AS_OF, wide=WIDE, narrow=NARROW)


def test_counter():
    """The count is a line; what was counted stands between readings, long intervals flat, pale and labelled."""
    figure = figure_of(PULLS, {6: 1000, 5: 1010, 2: 1070, 1: 1060, 0: 1065})
    count, flows = figure.wide.panels
    assert [line.dashed for line in count.lines] == [False, False, True]
    assert [(bar.faint, bar.title) for bar in flows.bars] == [
        (False, "acme/db: 10 pulls on 19 Nov 2026"),
        (True, "acme/db: 60 pulls over 3 days"),
        (False, "acme/db: 5 pulls on 24 Nov 2026"),
    ]
    one, three, _ = flows.bars
    assert three.width == pytest.approx(3 * one.width / 0.8, rel=0.02)
    assert three.height == pytest.approx(2 * one.height, rel=0.02)
    assert [label.text for label in flows.labels] == ["60 over 3 days"]
    assert [mark.title for mark in flows.marks] == ["acme/db: unknown on 23 Nov 2026: the count fell"]
    assert [(row.when, row.value, row.flow) for row in figure.rows] == [
        ("24 November 2026", "1,065", "5 pulls on 24 Nov 2026"),
        ("23 November 2026", "1,060", "unknown on 23 Nov 2026: the count fell"),
        ("22 November 2026", "1,070", "60 pulls over 3 days"),
        ("19 November 2026", "1,010", "10 pulls on 19 Nov 2026"),
        ("18 November 2026", "1,000", ""),
    ]


def test_window():
    """It is one line with its own words, from zero, and has no bars."""
    figure = figure_of(INSTALLS, {3: 200, 2: 208, 0: 187})
    (panel,) = figure.wide.panels
    assert panel.bars == ()
    assert panel.y_ticks[0].text == "0"
    assert len(panel.lines) == 1
    assert panel.marks[0].title == "187 installs of acme/db, 30 days to 24 November 2026"
    assert figure.rows[0].when == "30 days to 24 November 2026"
    assert figure.caption == "Each point covers the 30 days up to it, as published by npm."
    assert not figure.has_flows


def test_weekly_windows_are_one_line():
    (panel,) = figure_of(WEEKLY, {28: 9, 21: 10, 7: 12, 0: 11}).wide.panels
    assert [len(line.points.split()) for line in panel.lines] == [2, 2]


def test_stock_and_daily_count():
    (likes,) = figure_of(LIKES, {2: 12, 1: 11, 0: 10}).wide.panels
    assert (len(likes.lines), likes.bars) == (1, ())
    (views,) = figure_of(VIEWS, {2: 12, 0: 10}).wide.panels
    assert (views.lines, [bar.faint for bar in views.bars]) == ((), [False, False])
    assert views.bars[0].title == "12 views of acme/db on 22 Nov 2026"


@pytest.mark.parametrize("metric", [PULLS, LIKES, INSTALLS, WEEKLY, VIEWS])
@pytest.mark.parametrize("values", [{}, {0: 0}, {0: 5}, {170: 5}, {500: 1, 0: 10**12}])
def test_any_series_stays_inside(metric, values):
    """Nothing is drawn outside of the picture, also for one value, none, or a huge one."""
    figure = figure_of(metric, values)
    for drawing in (figure.wide, figure.narrow):
        for panel in drawing.panels:
            places = [place.split(",") for line in panel.lines for place in line.points.split()]
            places += [(mark.x, mark.y) for mark in panel.marks]
            places += [(bar.x, bar.y) for bar in panel.bars] + [(bar.x + bar.width, bar.y) for bar in panel.bars]
            assert all(drawing.left - 1 <= float(x) <= drawing.right + 1 for x, _ in places)
            assert all(0 <= float(y) <= drawing.height for _, y in places)
    assert figure.is_empty is not bool(figure.rows)


def test_alternative():
    """The figure in words, for those who cannot see it."""
    text = figure_of(PULLS, {1: 1000, 0: 1010}).alternative
    assert text == (
        "From 1,000 pulls (23 November 2026) to 1,010 (24 November 2026). 10 in the last 30 days (1 of 30 days known)."
    )
    assert figure_of(PULLS, {}).alternative == "No data yet."


@given(st.integers(0, 10**13), st.integers(0, 10**13))
def test_steps(low, more):
    """Few round steps that include both ends."""
    steps = steps_between(low, low + more)
    assert steps[0] <= low <= low + more <= steps[-1]
    assert 2 <= len(steps) <= 6
    assert len({after - before for before, after in pairwise(steps)}) == 1
