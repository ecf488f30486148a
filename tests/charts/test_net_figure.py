"""The chart of net stars: gains, losses and weeks without a count."""

from __future__ import annotations

from datetime import date, timedelta

from cmetrics.analytics.product import WeekNet
from cmetrics.charts.net_figure import build_net_chart
from cmetrics.charts.panels import PanelChart, draw_panels, panels_document

FIRST = date(2026, 9, 28)


def chart_of(*values: int | None) -> PanelChart | None:
    weeks = []
    for number, value in enumerate(values):
        start = FIRST + number * timedelta(days=7)
        weeks.append(WeekNet(start, start + timedelta(days=6), value, 1 if value is None else 2, 2))
    end = weeks[-1].end
    return build_net_chart(weeks, "net-x", as_of=end, scope="2 repositories", source="GitHub", members=["a", "b"])


def test_gains_and_losses():
    """Gains are above the zero line, losses below it, and a week of zero has a visible bar."""
    chart = chart_of(30, -10, 0)
    assert chart is not None
    (panel,) = draw_panels(chart).panels
    assert panel.y_ticks[-1].text == "30 stars"
    assert panel.zero is not None
    up, down, none = panel.bars
    assert (up.tone, down.tone) == ("n0", "loss")
    assert round(up.y + up.height, 1) == round(panel.zero, 1) == round(down.y, 1) == round(none.y + none.height, 1)
    assert up.height == 3 * down.height
    assert none.height > 0
    assert [(row.when, row.cells) for row in chart.rows] == [
        ("12 to 18 Oct 2026", ("0",)),
        ("5 to 11 Oct 2026", ("\N{MINUS SIGN}10",)),
        ("28 Sep to 4 Oct 2026", ("+30",)),
    ]
    assert chart.notes == ()


def test_week_without_a_count():
    """A week without a count has a mark but no bar, and the card names the repositories with a count."""
    chart = chart_of(30, None, 5)
    assert chart is not None
    (panel,) = draw_panels(chart).panels
    assert len(panel.bars) == 2
    assert [mark.hollow for mark in panel.marks] == [True]
    assert panels_document(chart)["stops"][1] == [7, 13, [None], "1 of 2 repositories", None]
    assert chart.notes == ("◇ No count at the start or end of the week.",)
    assert chart.rows[1].cells == ("–",)


def test_only_losses():
    """With losses only, the axis ends at zero."""
    chart = chart_of(-30, -1)
    assert chart is not None
    (panel,) = draw_panels(chart).panels
    assert chart.panels[0].levels[-1].value == 0
    assert panel.zero is None
    assert all(bar.y == 0 for bar in panel.bars)


def test_nothing_to_draw():
    assert chart_of(0, None) is None
