"""Published figures of counts and net stars are valid for Plotly and match the drawing."""

from __future__ import annotations

from datetime import datetime, timedelta

import plotly.io
import pytest

from cmetrics.charts.count_figure import build_count_chart
from cmetrics.charts.panel_figure import render_panel_figure
from cmetrics.charts.panels import PanelChart, draw_panels
from tests.analytics.test_counts import AS_OF, INSTALLS, LIKES, PULLS, VIEWS, WEEKLY, item_of
from tests.charts.test_net_figure import chart_of

VALUES = {6: 1000, 5: 1010, 2: 1070, 1: 1060, 0: 1065}


def read(chart: PanelChart, notice: str = ""):
    """Return the figure as a notebook reads it, with every property checked by Plotly."""
    content = render_panel_figure(chart, notice=notice)
    assert content == render_panel_figure(chart, notice=notice)
    return plotly.io.from_json(content, skip_invalid=False)


def test_counter():
    """A counter has two pairs of axes, with the increases between readings on the lower one."""
    figure = read(build_count_chart(item_of(PULLS, VALUES), AS_OF))
    bars = next(trace for trace in figure.data if trace.type == "bar")
    assert (bars.yaxis, bars.name) == ("y2", "Since previous reading")
    assert list(bars.y) == [10, 20, 5]
    assert list(bars.x) == ["2026-11-19", "2026-11-20", "2026-11-24"]
    assert bars.width[1] == 3 * 86_400_000
    lines = [trace for trace in figure.data if trace.type == "scatter" and trace.mode == "lines"]
    assert [value for trace in lines[:2] for value in trace.y] == [1000, 1010, 1070, 1060, 1065]
    assert [trace.line.dash for trace in lines] == ["solid", "solid", "dot"]
    assert figure.layout.yaxis.domain[0] > figure.layout.yaxis2.domain[1]
    assert figure.layout.title.text == "Pulls of acme/db (Docker Hub)"
    assert figure.layout.meta == {"chart": "pulls-p-hub", "as_of": "2026-11-24", "unit": "pulls"}


@pytest.mark.parametrize("metric", [PULLS, LIKES, INSTALLS, WEEKLY, VIEWS])
def test_same_positions_as_the_drawing(metric):
    """Levels, time labels and bars of the figure have the positions of the drawing."""
    chart = build_count_chart(item_of(metric, VALUES), AS_OF)
    figure, drawing = read(chart), draw_panels(chart)
    start, end = (datetime.fromisoformat(text) for text in figure.layout.xaxis.range)
    assert (start, end) == (drawing.start, drawing.end)
    for number, panel in enumerate(drawing.panels, 1):
        axis = figure.layout["yaxis" if number == 1 else f"yaxis{number}"]
        assert list(axis.ticktext) == [tick.text for tick in panel.y_ticks]
        low, high = axis.range
        for value, tick in zip(axis.tickvals, panel.y_ticks, strict=True):
            share = axis.domain[0] + (axis.domain[1] - axis.domain[0]) * (value - low) / (high - low)
            assert tick.at == pytest.approx(100 * (1 - share), abs=0.02)
        traces = [
            trace for trace in figure.data if trace.type == "bar" and trace.yaxis == f"y{number if number > 1 else ''}"
        ]
        for trace in traces:
            for x, offset, width, bar in zip(trace.x, trace.offset, trace.width, panel.bars, strict=True):
                left = datetime.fromisoformat(x) + timedelta(milliseconds=offset)
                assert 100 * (left - start) / (end - start) == pytest.approx(bar.x, abs=0.02)
                assert 100 * timedelta(milliseconds=width) / (end - start) == pytest.approx(bar.width, abs=0.02)


def test_net_stars():
    """Gains and losses have their own colours, and a week without a count has a mark."""
    chart = chart_of(30, -10, None)
    assert chart is not None
    bars, unknown = read(chart, notice="Sample data").data
    assert list(bars.y) == [30, -10]
    assert bars.marker.color[0] != bars.marker.color[1]
    assert (unknown.mode, list(unknown.x)) == ("markers", ["2026-10-15 12:00"])


def test_no_stored_values():
    """A figure without data is valid."""
    figure = read(build_count_chart(item_of(PULLS, {}), AS_OF), notice="Sample data")
    assert figure.data == ()
    assert figure.layout.title.text.startswith("Sample data · Pulls")
