"""Build the Plotly figure of a chart's default view. Pure; the package plotly is not imported.

The site publishes it as ``charts/KEY.json``, and the live chart of the page draws the same traces on the same axes
(`templates/app/figure.js`). The colours are those of the light scheme.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date, datetime, timedelta
from functools import cache
from typing import Any

import orjson

from cmetrics.analytics.chart import Chart, ChartKind, Series
from cmetrics.analytics.model import DayPoint, PeriodPoint, PointKind
from cmetrics.charts import theme
from cmetrics.charts.lane import shown_events
from cmetrics.charts.scale import (
    STACK_SHARE,
    Margins,
    Room,
    Scale,
    TimeTick,
    margins,
    moment,
    stacked_months,
)
from cmetrics.charts.svg import BarState, has_long_names, has_names, state_of
from cmetrics.charts.words import subtitle
from cmetrics.domain.days import DAY, Month, day_range, months
from cmetrics.domain.notice import mark

#: A dict that becomes JSON.
Document = dict[str, Any]

#: The maximum number of points of a line with a mark for each.
MOST_MARKS = 60
_PATTERNS = {BarState.WHOLE: "", BarState.PARTIAL: "/", BarState.RUNNING: "/", BarState.PUBLISHED: "x"}
#: The background of the pattern by state; the current month has none.
_GROUND = {BarState.PARTIAL: 0.3, BarState.PUBLISHED: 0.15}
_CLEAR = "rgba(0,0,0,0)"


def build_figure(chart: Chart, scale: Scale, *, notice: str = "", palette: theme.Palette = theme.DEFAULT) -> Document:
    """Return the figure as `plotly.io.from_json` reads it, with the axes of `scale_of`.

    ``notice`` precedes the title.
    """
    traces = [
        trace for series in chart.shown for trace in _traces(chart, series, scale, color_of(series.tone, palette))
    ]
    return {"data": traces, "layout": _layout(chart, scale, notice)}


def render_figure(chart: Chart, scale: Scale, *, notice: str = "", palette: theme.Palette = theme.DEFAULT) -> bytes:
    """Return the figure as JSON."""
    return orjson.dumps(build_figure(chart, scale, notice=notice, palette=palette)) + b"\n"


def text_of(at: datetime) -> str:
    """Return a time in the format of Plotly."""
    return f"{at:%Y-%m-%d %H:%M}"


def _traces(chart: Chart, series: Series, scale: Scale, color: str) -> Iterator[Document]:
    first = scale.start.date()
    if chart.kind is ChartKind.STOCK:
        yield from _line_traces(series, series.days.since(first), color)
        return
    points = [p for p in series.months if p.period_end >= first]
    counted = [p for p in points if p.kind is not PointKind.SEEDED]
    if counted:
        yield _bar_trace(series, counted, color)
    if any(p.kind is PointKind.SEEDED for p in points):
        yield _published_trace(series, points, first, color)


def _trace(series: Series, x: Sequence[str], y: Sequence[int | None], **extra: object) -> Document:
    return {"name": literal(series.name), "meta": {"series": series.key}, "x": list(x), "y": list(y), **extra}


def _bar_trace(series: Series, points: Sequence[PeriodPoint], color: str) -> Document:
    """Return the months from the first to the last one as bars, null without a value."""
    by_month = {point.period_start: point for point in points}
    shown = list(months(Month.of(points[0].period_start), Month.of(points[-1].period_start)))
    found = [by_month.get(month.first) for month in shown]
    states = [BarState.WHOLE if point is None else state_of(point) for point in found]
    return _bars(series, shown, [point.value if point else None for point in found], states, color)


def _bars(
    series: Series, shown: Sequence[Month], values: Sequence[int | None], states: Sequence[BarState], color: str
) -> Document:
    marker = {
        "color": color,
        "line": {"color": color, "width": [0 if state is BarState.WHOLE else 1 for state in states]},
        "pattern": {
            "shape": [_PATTERNS[state] for state in states],
            "fgcolor": color,
            "bgcolor": [faded(color, _GROUND[state]) if state in _GROUND else _CLEAR for state in states],
            "fillmode": "replace",
            "size": 5,
            "solidity": 0.3,
        },
    }
    boxes = [_box(month) for month in shown]
    return _trace(
        series,
        [f"{day}" for day, _, _ in boxes],
        values,
        type="bar",
        width=[width for _, width, _ in boxes],
        offset=[offset for _, _, offset in boxes],
        marker=marker,
    )


@cache
def _box(month: Month) -> tuple[date, float, float]:
    """Return the day at which a bar is placed, and its width and offset in milliseconds."""
    at = month.first + (month.days - 1) // 2 * DAY
    width = month.days * DAY * STACK_SHARE
    offset = moment(month.first) + (month.days * DAY - width) / 2 - moment(at)
    return at, milliseconds(width), milliseconds(offset)


def milliseconds(span: timedelta) -> float:
    """Return a time span in milliseconds."""
    return round(span / timedelta(milliseconds=1))


def _published_trace(series: Series, points: Sequence[PeriodPoint], first: date, color: str) -> Document:
    """Return the published totals as bars of the months to which they are assigned."""
    found = [(p, m) for p, m in stacked_months(points) if p.kind is PointKind.SEEDED and m >= first]
    states = [BarState.PUBLISHED] * len(found)
    shown, values = [Month.of(month) for _, month in found], [point.value for point, _ in found]
    return _bars(series, shown, values, states, color)


def _line_traces(series: Series, points: Sequence[DayPoint], color: str) -> Iterator[Document]:
    """Return a solid line of known values, a dotted line of estimates, and marks for single values."""
    if not points:
        return
    by_day = {point.day: point for point in points}
    every = list(day_range(points[0].day, points[-1].day))
    days = [f"{day}" for day in every]
    found = [by_day.get(day) for day in every]
    estimated = [point is not None and point.kind is PointKind.ESTIMATED for point in found]
    values = [point.value if point else None for point in found]
    solid = [None if is_estimate else value for value, is_estimate in zip(values, estimated, strict=True)]
    few = len(every) <= MOST_MARKS
    yield _trace(
        series,
        days,
        solid,
        type="scatter",
        mode="lines+markers" if few else "lines",
        connectgaps=False,
        line={"color": color, "width": 2.2},
        marker={"color": color, "size": 5},
    )
    if True in estimated:
        beside = [any(estimated[max(0, n - 1) : n + 2]) for n in range(len(every))]
        dotted = [value if near else None for value, near in zip(values, beside, strict=True)]
        line = {"color": color, "width": 2, "dash": "dot"}
        yield _trace(series, days, dotted, type="scatter", mode="lines", connectgaps=False, line=line)
    if not few:
        alone = _alone(solid)
        marker = {"color": color, "size": 6, "symbol": "circle"}
        x, y = [days[n] for n in alone], [values[n] for n in alone]
        yield _trace(series, x, y, type="scatter", mode="markers", connectgaps=False, marker=marker)


def _alone(values: Sequence[int | None]) -> list[int]:
    """Return the positions of values without a neighbour, and of the last value."""
    padded = [None, *values, None]
    known = [n for n, value in enumerate(values) if value is not None]
    return [n for n in known if n == known[-1] or (padded[n] is None and padded[n + 2] is None)]


def _layout(chart: Chart, scale: Scale, notice: str) -> Document:
    room = Room.LARGE
    ticks, events = scale.ticks(room), shown_events(chart, scale)
    box = margins(room, has_names=has_names(chart), has_long_names=has_long_names(chart), has_events=bool(events))
    muted = theme.SURFACES["muted"].light
    return {
        "meta": {"chart": chart.key, "as_of": f"{chart.as_of}", "unit": _unit(chart)},
        "title": {"text": literal(mark(chart.title, notice)), "subtitle": {"text": literal(subtitle(chart, scale))}},
        "barmode": "relative",
        **surroundings(box),
        "showlegend": len(chart.shown) > 1,
        "xaxis": time_axis(scale, ticks),
        "yaxis": value_axis(scale, [level.text for level in scale.levels]),
        "shapes": [_event_line(event.day, muted) for event in events],
        "annotations": [
            {
                "x": f"{event.day}",
                "y": 1,
                "yref": "paper",
                "yanchor": "bottom",
                "showarrow": False,
                "text": str(number),
                "hovertext": literal(event.label),
                "font": {"size": 11, "color": muted},
            }
            for number, event in enumerate(events, 1)
        ],
    }


def surroundings(box: Margins) -> Document:
    """Return the common layout of all figures for the light scheme, without Plotly's own hover and drag."""
    surfaces = theme.SURFACES
    return {
        "font": {"color": surfaces["text"].light, "size": 12},
        "paper_bgcolor": surfaces["panel"].light,
        "plot_bgcolor": surfaces["panel"].light,
        "margin": {"l": box.left, "r": box.right, "t": box.top, "b": box.bottom},
        "hovermode": False,
        "dragmode": False,
    }


def time_axis(scale: Scale, ticks: Sequence[TimeTick]) -> Document:
    """Return the time axis with the same ticks as in the picture of the page."""
    return {
        "type": "date",
        "range": [text_of(scale.start), text_of(scale.end)],
        "tickmode": "array",
        "tickvals": [text_of(tick.at) for tick in ticks],
        "ticktext": [tick.text for tick in ticks],
        "showgrid": False,
        "fixedrange": True,
    }


def value_axis(scale: Scale, texts: Sequence[str], *, zeroline: bool = False) -> Document:
    """Return the axis of values; ``texts`` label its levels."""
    return {
        "type": "linear",
        "range": [scale.low, scale.high],
        "tickmode": "array",
        "tickvals": [level.value for level in scale.levels],
        "ticktext": list(texts),
        "ticklabelposition": "inside top",
        "gridcolor": theme.SURFACES["line"].light,
        "zeroline": zeroline,
        "fixedrange": True,
    }


def _event_line(day: date, color: str) -> Document:
    line = {"color": color, "width": 1, "dash": "dot"}
    return {"type": "line", "x0": f"{day}", "x1": f"{day}", "yref": "paper", "y0": 0, "y1": 1, "line": line}


def _unit(chart: Chart) -> str:
    return "downloads" if chart.kind is ChartKind.FLOW else "stars"


def color_of(tone: str, palette: theme.Palette) -> str:
    """Return the colour of a tone in the light scheme."""
    return palette.tones.get(tone, theme.TONES["n0"]).light


def faded(color: str, opacity: float) -> str:
    """Return a colour with an opacity."""
    red, green, blue = theme.channels(color)
    return f"rgba({red},{green},{blue},{opacity:g})"


def literal(text: str) -> str:
    """Return text that Plotly shows literally. Otherwise, it would interpret tags as formatting and links."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
