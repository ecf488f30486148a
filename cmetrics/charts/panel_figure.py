"""Build the Plotly figure of a chart of panels. Pure; the package plotly is not imported.

The site publishes it like those of `cmetrics.charts.figure`, with the same axes as the picture of the page.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date

import orjson

from cmetrics.charts import theme
from cmetrics.charts.figure import (
    Document,
    color_of,
    faded,
    literal,
    milliseconds,
    surroundings,
    text_of,
    time_axis,
    value_axis,
)
from cmetrics.charts.panels import Panel, PanelChart, span_box
from cmetrics.charts.scale import Room, Scale, margins, middle, moment
from cmetrics.domain.notice import mark

#: The opacity of the bar of an average, whose outline has the full colour.
PALE = 0.35


def build_panel_figure(chart: PanelChart, *, notice: str = "", palette: theme.Palette = theme.DEFAULT) -> Document:
    """Return the figure as `plotly.io.from_json` reads it; ``notice`` precedes the title."""
    panels = [] if chart.is_empty else list(enumerate(chart.panels, 1))
    traces = [
        trace
        for number, panel in panels
        for trace in _traces(chart, panel, "" if number == 1 else f"{number}", palette)
    ]
    return {"data": traces, "layout": _layout(chart, notice)}


def render_panel_figure(chart: PanelChart, *, notice: str = "", palette: theme.Palette = theme.DEFAULT) -> bytes:
    """Return the figure as JSON."""
    return orjson.dumps(build_panel_figure(chart, notice=notice, palette=palette)) + b"\n"


def _traces(chart: PanelChart, panel: Panel, number: str, palette: theme.Palette) -> Iterator[Document]:
    scale, color = chart.scale(panel), color_of(panel.tone, palette)
    name = literal(chart.parts[-1 if panel.columns or panel.unknown else 0].name)
    place = {"name": name, "xaxis": "x", "yaxis": f"y{number}", "showlegend": False}
    if panel.columns:
        yield place | _bars(panel, scale, palette)
    for run in panel.runs:
        line = {"color": color, "width": 2.2, "dash": "dot" if run.is_dashed else "solid"}
        yield place | {"type": "scatter", "mode": "lines", "line": line, **_points(run.points)}
    if panel.dots:
        yield place | {
            "type": "scatter",
            "mode": "markers",
            "marker": {"color": color, "size": 6},
            **_points(panel.dots),
        }
    if panel.unknown:
        marker = {"color": color, "symbol": "diamond-open", "size": 8, "line": {"width": 2}}
        spans = [(max(middle(span.first, span.last), scale.start), max(0, scale.low)) for span in panel.unknown]
        places = {"x": [text_of(at) for at, _ in spans], "y": [low for _, low in spans]}
        yield place | {"type": "scatter", "mode": "markers", "marker": marker, **places}


def _points(points: Sequence[tuple[date, int]]) -> Document:
    return {"x": [text_of(middle(day, day)) for day, _ in points], "y": [value for _, value in points]}


def _bars(panel: Panel, scale: Scale, palette: theme.Palette) -> Document:
    """Return the bars, each from its first to its last day."""
    length = scale.end - scale.start
    boxes = [(column, *span_box(scale, column)) for column in panel.columns]
    colors = [color_of(column.tone, palette) for column in panel.columns]
    offsets = [scale.start + left * length - moment(column.first) for column, left, _ in boxes]
    return {
        "type": "bar",
        "x": [f"{column.first}" for column in panel.columns],
        "y": [column.value for column in panel.columns],
        "offset": [milliseconds(offset) for offset in offsets],
        "width": [milliseconds(width * length) for _, _, width in boxes],
        "marker": {
            "color": [
                faded(color, PALE) if column.is_pale else color
                for column, color in zip(panel.columns, colors, strict=True)
            ],
            "line": {"color": colors, "width": [int(column.is_pale) for column in panel.columns]},
        },
    }


def _layout(chart: PanelChart, notice: str) -> Document:
    box = margins(Room.LARGE, has_names=False, has_long_names=False, has_events=False)
    scale = chart.scale(chart.panels[0])
    # Below the last panel.
    anchor = "y" if len(chart.panels) == 1 else f"y{len(chart.panels)}"
    layout: Document = {
        "meta": {"chart": chart.key, "as_of": f"{chart.as_of}", "unit": chart.unit},
        "title": {"text": literal(mark(chart.title, notice)), "subtitle": {"text": literal(chart.subtitle)}},
        "barmode": "overlay",
        **surroundings(box),
        "showlegend": False,
        "xaxis": time_axis(scale, scale.ticks(Room.LARGE)) | {"anchor": anchor},
    }
    for number, panel in enumerate(chart.panels, 1):
        axes = chart.scale(panel)
        texts = [literal(level.text) for level in panel.named_levels]
        layout["yaxis" if number == 1 else f"yaxis{number}"] = value_axis(axes, texts, zeroline=axes.low < 0) | {
            "domain": [round(1 - panel.bottom, 4), round(1 - panel.top, 4)]
        }
    return layout
