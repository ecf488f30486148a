"""Charts of panels above each other on one axis of days: their values, and their geometry in any box. Pure.

Charts of counts and of net stars are made of panels. The page draws them in percent of the plot box, a
picture in its own coordinates, and `cmetrics.charts.panel_figure` publishes them as Plotly figures.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from typing import Any

from cmetrics.charts.scale import GUTTER, LEAST_WIDTH, STACK_SHARE, Level, Room, Scale, middle, moment
from cmetrics.charts.svg import LAST_CHARACTER, Bar, BarState, Label, Line, Mark, Tick, raised
from cmetrics.charts.text_width import text_width
from cmetrics.domain.days import DAY

#: The size of labels in CSS pixels, and the space between two of them.
_LABEL_SIZE, _LABEL_GAP = 12, 8
#: The minimum height of a bar as a share of its panel, so that a sum of zero does not look like a missing one.
_LEAST_BAR = 0.01


@dataclass(frozen=True, slots=True)
class Column:
    """A bar from its first to its last day."""

    first: date
    last: date
    value: float
    tone: str
    #: Whether the bar is the average day of a sum over several days.
    is_pale: bool = False


@dataclass(frozen=True, slots=True)
class Run:
    """A line through values at the middle of their days."""

    points: tuple[tuple[date, int], ...]
    #: Whether it spans days without a value.
    is_dashed: bool = False


@dataclass(frozen=True, slots=True)
class Span:
    """Days, with a text if they have a label."""

    first: date
    last: date
    text: str = ""


@dataclass(frozen=True, slots=True)
class Panel:
    """One pair of axes."""

    tone: str
    levels: tuple[Level, ...]
    #: The unit, next to the top level.
    unit: str
    #: The position of the panel, as shares of the height of the plot box.
    top: float = 0.0
    bottom: float = 1.0
    columns: tuple[Column, ...] = ()
    runs: tuple[Run, ...] = ()
    #: Values that are not part of a line, and the last value of a line.
    dots: tuple[tuple[date, int], ...] = ()
    #: Sums that are unknown.
    unknown: tuple[Span, ...] = ()
    labels: tuple[Span, ...] = ()
    #: The last value of a line, which has a label.
    newest: tuple[date, int, str] | None = None

    @property
    def named_levels(self) -> tuple[Level, ...]:
        """The levels with the unit on the top one."""
        return (*self.levels[:-1], replace(self.levels[-1], text=f"{self.levels[-1].text} {self.unit}"))


@dataclass(frozen=True, slots=True)
class Part:
    """A row of the card at the cursor."""

    name: str
    tone: str


@dataclass(frozen=True, slots=True)
class Stop:
    """A position of the cursor: one day or several."""

    first: date
    last: date
    #: One per part: a number, a text, or None without a value.
    values: tuple[int | str | None, ...]
    coverage: str = ""
    #: The count of these days, or the value at their end; None if it is unknown.
    amount: int | None = None


@dataclass(frozen=True, slots=True)
class Row:
    """One row of the table: the period, and a text per column."""

    when: str
    cells: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class PanelChart:
    """What one figure shows, in values and in words."""

    key: str
    title: str
    #: The subtitle: scope and range.
    subtitle: str
    alternative: str
    source: str
    #: Explanations of the signs in the picture, one sentence each.
    notes: tuple[str, ...]
    as_of: date
    #: The days at the edges.
    first: date
    last: date
    panels: tuple[Panel, ...]
    parts: tuple[Part, ...]
    stops: tuple[Stop, ...]
    #: The columns of the table after the first one. Numbers are aligned at the right.
    headings: tuple[tuple[str, bool], ...]
    rows: tuple[Row, ...]
    #: What is counted, in the plural.
    unit: str
    #: Further data for the script.
    extra: Mapping[str, Any] = field(default_factory=dict)

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to draw."""
        return not self.stops

    def scale(self, panel: Panel) -> Scale:
        """Return the axes of one of its panels."""
        return Scale(moment(self.first), moment(self.last + DAY), panel.levels, is_centred=False)


@dataclass(frozen=True, slots=True)
class Box:
    """The area in which a chart is drawn; by default, percent of the plot box."""

    left: float = 0.0
    top: float = 0.0
    width: float = 100.0
    height: float = 100.0
    digits: int = 2
    #: The space to the left of the area for labels of the time axis, in CSS pixels.
    gutter: int = GUTTER

    def x(self, share: float) -> float:
        """Return the coordinate of a share of the width."""
        return round(self.left + share * self.width, self.digits)

    def y(self, share: float) -> float:
        """Return the coordinate of a share of the height."""
        return round(self.top + share * self.height, self.digits)


@dataclass(frozen=True, slots=True)
class PanelDrawing:
    """The marks and labels of one panel."""

    tone: str
    y_ticks: tuple[Tick, ...]
    #: The height of zero, if it is between the lowest and the highest level.
    zero: float | None
    bars: tuple[Bar, ...]
    lines: tuple[Line, ...]
    marks: tuple[Mark, ...]
    #: Labels of long sums that fit in a row above the panel, by the width of the chart.
    labels: Mapping[Room, tuple[Label, ...]]
    last: Label | None

    @property
    def solid(self) -> Mapping[str, str]:
        """The bars of single sums as one path by tone."""
        return _paths(bar for bar in self.bars if not bar.faint)

    @property
    def pale(self) -> tuple[Bar, ...]:
        """The bars of averages."""
        return tuple(bar for bar in self.bars if bar.faint)


@dataclass(frozen=True, slots=True)
class PanelsDrawing:
    """The geometry of a chart."""

    #: The times at the edges.
    start: datetime
    end: datetime
    x_ticks: Mapping[Room, tuple[Tick, ...]]
    panels: tuple[PanelDrawing, ...]


def draw_panels(chart: PanelChart, box: Box | None = None) -> PanelsDrawing:
    """Return the geometry of a chart in a box."""
    box = box or Box()
    scale = chart.scale(chart.panels[0])
    ticks = {room: tuple(Tick(box.x(scale.x(t.at)), t.text) for t in scale.ticks(room, box.gutter)) for room in Room}
    panels = tuple(_draw(panel, chart.scale(panel), box) for panel in chart.panels)
    return PanelsDrawing(scale.start, scale.end, ticks, panels)


def span_box(scale: Scale, column: Column) -> tuple[float, float]:
    """Return the start and the width of a bar, as shares of the width of the plot box.

    The bar of an average fills its days, so that it does not look like one wide day.
    """
    left, right = max(0.0, scale.x(column.first)), scale.x(column.last + DAY)
    room = (right - left) * (1 if column.is_pale else STACK_SHARE)
    return left + (right - left - room) / 2, room


def _draw(panel: Panel, scale: Scale, box: Box) -> PanelDrawing:
    def share(value: float) -> float:
        return panel.top + (panel.bottom - panel.top) * scale.y(value)

    ground = share(max(0, scale.low))

    def at(day: date, value: float) -> tuple[float, float]:
        return box.x(scale.x(middle(day, day))), box.y(share(value))

    def mark(place: tuple[float, float], *, hollow: bool) -> Mark:
        return Mark(*place, panel.tone, hollow=hollow)

    def bar(column: Column) -> Bar:
        left, width = span_box(scale, column)
        least = _LEAST_BAR * (panel.bottom - panel.top)
        end = max(share(column.value), ground + least) if column.value < 0 else min(share(column.value), ground - least)
        top, height = box.y(min(ground, end)), abs(box.y(end) - box.y(ground))
        state = BarState.PARTIAL if column.is_pale else BarState.WHOLE
        x, wide = box.x(left), box.x(left + width) - box.x(left)
        return Bar(x, top, round(wide, box.digits), round(height, box.digits), column.tone, state)

    unknown = (
        (box.x(scale.x(max(middle(span.first, span.last), scale.start))), box.y(ground)) for span in panel.unknown
    )
    labels = {room: tuple(_labels(panel, scale, box, LEAST_WIDTH[room])) for room in Room}
    return PanelDrawing(
        tone=panel.tone,
        y_ticks=tuple(Tick(box.y(share(level.value)), level.text) for level in panel.named_levels),
        zero=box.y(share(0)) if scale.low < 0 < scale.high else None,
        bars=tuple(map(bar, panel.columns)),
        lines=tuple(
            Line(" ".join("{:g},{:g}".format(*at(*point)) for point in run.points), panel.tone, run.is_dashed)
            for run in panel.runs
        ),
        marks=(
            *(mark(place, hollow=True) for place in unknown),
            *(mark(at(*dot), hollow=False) for dot in panel.dots),
        ),
        labels=labels,
        last=panel.newest and _newest(panel, panel.newest, scale, at),
    )


def _newest(
    panel: Panel, newest: tuple[date, int, str], scale: Scale, at: Callable[[date, float], tuple[float, float]]
) -> Label:
    """Return the label of the last value of a line, which it ends at: above the part of the line in its width."""
    day, value, text = newest
    width = LAST_CHARACTER * len(text) / LEAST_WIDTH[Room.NARROW]
    first = (moment(day) - width * (scale.end - scale.start)).date()
    highest = max((amount for run in panel.runs for when, amount in run.points if when >= first), default=value)
    return raised(Label(*at(day, value), text), at(day, max(value, highest))[1])


def _labels(panel: Panel, scale: Scale, box: Box, width: float) -> Iterator[Label]:
    """Yield the labels that fit in a plot box of ``width`` CSS pixels, next to the text of the top level."""
    taken = text_width(panel.named_levels[-1].text, _LABEL_SIZE) + _LABEL_GAP
    for span in panel.labels:
        half = text_width(span.text, _LABEL_SIZE) / 2
        at = min(scale.x(max(middle(span.first, span.last), scale.start)) * width, width - half)
        if at - half >= taken:
            yield Label(box.x(at / width), box.y(panel.top), span.text)
            taken = at + half + _LABEL_GAP


def _paths(bars: Iterable[Bar]) -> Mapping[str, str]:
    paths: dict[str, str] = {}
    for bar in bars:
        box = f"M{bar.x:g} {bar.y:g}h{bar.width:g}v{bar.height:g}h-{bar.width:g}z"
        paths[bar.tone] = paths.get(bar.tone, "") + box
    return paths


def panels_document(chart: PanelChart) -> dict[str, Any]:
    """Return what the script of the page needs for the cursor of a chart.

    ``stops`` are ``[first day, last day, values, coverage, amount]``, days counted from ``start``.
    """
    return {
        "key": chart.key,
        "title": chart.title,
        "source": chart.source,
        "unit": chart.unit,
        "start": chart.first.isoformat(),
        "series": [{"name": part.name, "tone": part.tone} for part in chart.parts],
        "stops": [
            [(s.first - chart.first).days, (s.last - chart.first).days, list(s.values), s.coverage, s.amount]
            for s in chart.stops
        ],
        **chart.extra,
    }
