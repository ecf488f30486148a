"""A static chart in a picture of a fixed size: the marks of `cmetrics.charts.svg` in its coordinates. Pure."""

from __future__ import annotations

from dataclasses import dataclass, replace

from cmetrics.analytics.chart import Chart
from cmetrics.charts.scale import Room
from cmetrics.charts.svg import UNITS, Bar, Drawing, Label, Line, Mark, Tick, compact

#: Around the plot, in the units of the picture.
LEFT, RIGHT, TOP, BOTTOM = 46.0, 10.0, 12.0, 26.0


@dataclass(frozen=True, slots=True)
class PlacedDrawing:
    """The marks and labels of a chart in the coordinates of a picture; labels of values are to its left."""

    left: float
    right: float
    top: float
    bottom: float
    x_ticks: tuple[Tick, ...]
    y_ticks: tuple[Tick, ...]
    bars: tuple[Bar, ...]
    lines: tuple[Line, ...]
    marks: tuple[Mark, ...]
    last: Label | None
    #: The current period in words; empty if there is none.
    running: str


def place(chart: Chart, drawing: Drawing, width: float, height: float) -> PlacedDrawing:
    """Return the static chart of `draw` in a picture of the given size."""
    wide, tall = width - LEFT - RIGHT, height - TOP - BOTTOM

    def x(units: float) -> float:
        return round(LEFT + units / UNITS * wide, 1)

    def y(units: float) -> float:
        return round(TOP + units / UNITS * tall, 1)

    def bar(one: Bar) -> Bar:
        top = y(one.y)
        bottom = y(one.y + one.height)
        width, height = round(one.width / UNITS * wide, 1), round(bottom - top, 1)
        return Bar(x(one.x), top, width, height, one.tone, one.state)

    def line(one: Line) -> Line:
        points = (map(float, point.split(",")) for point in one.points.split())
        return replace(one, points=" ".join(f"{x(left)},{y(top)}" for left, top in points))

    percent = UNITS / 100
    # The last value of a line is next to its name.
    label = (drawing.last.get("") or drawing.last.get(Room.WIDE)) if chart.is_flow else None
    return PlacedDrawing(
        left=LEFT,
        right=width - RIGHT,
        top=TOP,
        bottom=height - BOTTOM,
        x_ticks=tuple(Tick(x(percent * tick.at), tick.text) for tick in drawing.x_ticks[Room.WIDE]),
        y_ticks=tuple(
            Tick(y(UNITS * drawing.scale.y(level.value)), compact(level.value)) for level in drawing.scale.levels
        ),
        bars=tuple(map(bar, drawing.bars)),
        lines=tuple(map(line, drawing.lines)),
        marks=tuple(replace(one, x=x(percent * one.x), y=y(percent * one.y)) for one in drawing.marks),
        last=label
        and Label(
            x(percent * label.x),
            y(percent * label.y),
            label.text,
            None if label.ground is None else y(percent * label.ground),
        ),
        running=drawing.running,
    )
