"""The picture of a chart for other pages: a self-contained SVG.

The geometry is that of the charts of the pages. Around it, the picture shows what a page has elsewhere: title, range
and sources, the name and the last value of every series, the day of the data, and the address. The light and the dark
picture differ only in colours.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date

from cmetrics.analytics.chart import Chart, Series, is_metric
from cmetrics.analytics.model import STALE_DAYS, CountItem, Dashboard, PointKind
from cmetrics.charts import count_words
from cmetrics.charts.count_figure import build_count_chart
from cmetrics.charts.panels import Box, PanelDrawing, draw_panels
from cmetrics.charts.placed import BOTTOM, RIGHT, TOP, PlacedDrawing, place
from cmetrics.charts.scale import MONTHS_SHOWN, Room
from cmetrics.charts.svg import BarState, Drawing, Label, Line, Mark, Tick, precise
from cmetrics.charts.text_width import fit, text_width
from cmetrics.charts.words import alternative
from cmetrics.domain import formats
from cmetrics.domain.days import Month, last_full_month
from cmetrics.site import format as fmt

#: In the coordinates of the picture: wide enough for a README, with text that is legible on a phone.
WIDTH, HEIGHT = 720.0, 420.0
TITLE_SIZE, TEXT_SIZE, NOTE_SIZE = 20, 14, 13
EDGE, _PLOT_TOP, _FOOT = 20.0, 74.0, 42.0
#: The distance of the plot from the line about outdated series.
_STALE_FOOT = 22.0
#: The width of the column of names at the right of the plot, and the height of a name with its value.
_NAMES_NARROW, _NAMES_WIDE, _NAME_HEIGHT = 64.0, 190.0, 34.0
#: The space between the plot and the names, for the squares with their colours.
_NAME_GAP, _SQUARE = 8.0, 16.0
#: The space above a panel for the label of its top level, and the distance of labels from their lines.
_LEVEL_ROW, _ABOVE = 14.0, 5.0
_PALE_NOTE = "Pale: average per day."


@dataclass(frozen=True, slots=True)
class Shape:
    """Bars of one colour, as one path."""

    tone: str
    path: str
    #: Sums with missing days.
    is_hatched: bool = False
    #: Counts over several days.
    is_pale: bool = False


@dataclass(frozen=True, slots=True)
class Dot:
    """The last point of a line."""

    x: float
    y: float
    tone: str


@dataclass(frozen=True, slots=True)
class Text:
    """A text in the plot."""

    x: float
    y: float
    text: str


@dataclass(frozen=True, slots=True)
class PicturePanel:
    """One pair of axes."""

    y_ticks: tuple[Tick, ...]
    shapes: tuple[Shape, ...]
    lines: tuple[Line, ...]
    marks: tuple[Mark, ...]
    #: Labels of long intervals.
    texts: tuple[Text, ...] = ()
    #: Labels of levels within the plot; those of `y_ticks` are to its left.
    levels: tuple[Text, ...] = ()


@dataclass(frozen=True, slots=True)
class Name:
    """A series next to the plot: its name, unless it is the only one, and its last value."""

    y: float
    text: str
    value: str
    tone: str


@dataclass(frozen=True, slots=True)
class Picture:
    """The content of a picture. Every text fits its place."""

    title: str
    subtitle: str
    #: The alternative text.
    description: str
    #: Such as "Sample data"; empty for none.
    notice: str
    #: The series without a recent value; empty if there are none.
    stale: str
    #: The day of the data, and explanations of the signs.
    note: str
    address: str
    left: float
    right: float
    bottom: float
    panels: tuple[PicturePanel, ...]
    x_ticks: tuple[Tick, ...]
    names: tuple[Name, ...]
    #: The last points of lines.
    dots: tuple[Dot, ...] = ()
    #: The total of the last full month, above its bar.
    last: Label | None = None
    width: float = WIDTH
    height: float = HEIGHT
    edge: float = EDGE
    plot_top: float = _PLOT_TOP

    @property
    def tones(self) -> tuple[str, ...]:
        """The tones in use."""
        drawn: list[Shape | Line | Mark | Name] = [*self.names]
        for panel in self.panels:
            drawn += [*panel.shapes, *panel.lines, *panel.marks]
        return tuple(sorted({one.tone for one in drawn}))

    @property
    def hatched_tones(self) -> tuple[str, ...]:
        """The tones that need a pattern."""
        shapes = (shape for panel in self.panels for shape in panel.shapes)
        return tuple(sorted({shape.tone for shape in shapes if shape.is_hatched}))


def build_chart_picture(chart: Chart, drawing: Drawing, board: Dashboard, url: str | None) -> Picture:
    """Return the picture of a chart with the marks of its static chart. ``url`` is the address of the site."""
    labels = [(series, *_last_value(series, chart)) for series in chart.shown if series.months or series.days]
    is_alone = len(chart.shown) == 1
    if is_metric(chart):
        # The title contains its name, and the last bar is labelled with its value.
        labels = [] if chart.is_flow else labels
        texts = [(value, when) for _, value, when in labels]
    else:
        texts = [(series.name, f"{value} {when}".strip()) for series, value, when in labels]
    column = _column(texts) if labels else EDGE / 2
    stale = _stale(((s.name, s.days[-1].day) for s in chart.shown if s.days), board.as_of, is_alone=is_alone)
    placed = place(chart, drawing, WIDTH - EDGE - column, _room(stale))
    names = [
        _named(_height(series, placed), text, value, series.tone, column)
        for (series, _, _), (text, value) in zip(labels, texts, strict=True)
    ]
    through = chart.newest_day
    sources = dict.fromkeys(source for series in chart.shown for source in series.source_title.split(", "))
    panel = PicturePanel(placed.y_ticks, tuple(_bars(placed)), placed.lines, placed.marks)
    return _fitted(
        Picture(
            title=chart.title,
            subtitle=_subtitle("By month" if chart.is_flow else "By day", _first_day(chart), through, sources),
            description=alternative(chart),
            notice=board.notice,
            stale=stale,
            note=_note([_through(through), *_signs(chart, placed)], _address(url)),
            address=_address(url),
            left=placed.left,
            right=placed.right,
            bottom=placed.bottom,
            panels=() if chart.is_empty else (panel,),
            x_ticks=() if chart.is_empty else placed.x_ticks,
            names=tuple(_spread(names, placed.top, placed.bottom)),
            dots=tuple(
                Dot(max(ends)[0], max(ends)[1], series.tone)
                for series in chart.shown
                if not chart.is_flow and (ends := list(_ends(placed, series.tone)))
            ),
            last=placed.last,
        )
    )


def build_count_picture(item: CountItem, board: Dashboard, url: str | None) -> Picture:
    """Return the picture of a metric that is not part of a total. ``url`` is the address of the site."""
    value, when = fmt.number(item.latest.value) if item.latest else "", count_words.period(item)
    column = _column([(value, when)])
    through = item.latest.day if item.latest else None
    late = (item.freshness.overdue_days or 0) >= STALE_DAYS and through is not None
    stale = f"No data since {fmt.short_day(through)}." if late else ""
    chart = build_count_chart(item, board.as_of)
    top = TOP + _LEVEL_ROW
    wide, tall = WIDTH - 2 * EDGE - column - RIGHT, _room(stale) - top - BOTTOM
    box = Box(EDGE, top, wide, tall, digits=1, gutter=int(EDGE))
    drawing = draw_panels(chart, box)
    first = max(item.points[0].day, chart.first) if item.points else None
    name = _named(box.top + 8, value, when, item.tone, column)
    return _fitted(
        Picture(
            title=chart.title,
            subtitle=_subtitle("By day", first, through, [item.source_title]),
            description=chart.alternative,
            notice=board.notice,
            stale=stale,
            note=f"{_through(through)} {_PALE_NOTE if any(panel.pale for panel in drawing.panels) else ''}".strip(),
            address=_address(url),
            left=box.left,
            right=box.left + box.width,
            bottom=box.top + box.height,
            panels=() if chart.is_empty else tuple(map(_panel, drawing.panels)),
            x_ticks=() if chart.is_empty else drawing.x_ticks[Room.WIDE],
            names=() if chart.is_empty else (name,),
        )
    )


def _panel(panel: PanelDrawing) -> PicturePanel:
    pale = _path((bar.x, bar.y, bar.width, bar.height) for bar in panel.pale)
    shapes = [Shape(tone, path) for tone, path in panel.solid.items()]
    if pale:
        shapes.append(Shape(panel.tone, pale, is_pale=True))
    return PicturePanel(
        tuple(Tick(tick.at, "") for tick in panel.y_ticks),
        tuple(shapes),
        panel.lines,
        panel.marks,
        tuple(Text(label.x, label.y - _ABOVE, label.text) for label in panel.labels[Room.LARGE]),
        tuple(Text(EDGE, tick.at - _ABOVE, tick.text) for tick in panel.y_ticks if tick.text),
    )


def _room(stale: str) -> float:
    """Return the height of the plot with its labels."""
    return HEIGHT - _PLOT_TOP - _FOOT - (_STALE_FOOT if stale else 0)


def _fitted(picture: Picture) -> Picture:
    room = WIDTH - 2 * EDGE
    notice = text_width(picture.notice, TEXT_SIZE, is_bold=True) + EDGE if picture.notice else 0
    address = text_width(picture.address, NOTE_SIZE) + EDGE if picture.address else 0
    return replace(
        picture,
        title=fit(picture.title, room - notice, TITLE_SIZE, is_bold=True),
        subtitle=fit(picture.subtitle, room, TEXT_SIZE),
        stale=fit(picture.stale, room, NOTE_SIZE, is_bold=True),
        note=fit(picture.note, room - address, NOTE_SIZE),
    )


def _note(sentences: Sequence[str], address: str) -> str:
    """Return the sentences that fit next to the address, most important first."""
    room = WIDTH - 2 * EDGE - (text_width(address, NOTE_SIZE) + EDGE if address else 0)
    texts = [" ".join(sentences[:count]) for count in range(len(sentences), 0, -1)]
    return next((text for text in texts if text_width(text, NOTE_SIZE) <= room), texts[-1])


def _column(texts: Iterable[tuple[str, str]]) -> float:
    """Return the width of the column of names."""
    widths = [max(text_width(text, TEXT_SIZE, is_bold=True), text_width(value, NOTE_SIZE)) for text, value in texts]
    return min(max([*widths, _NAMES_NARROW]) + 1, _NAMES_WIDE) + _NAME_GAP + _SQUARE


def _named(y: float, text: str, value: str, tone: str, column: float) -> Name:
    room = column - _NAME_GAP - _SQUARE
    return Name(y, fit(text, room, TEXT_SIZE, is_bold=True), fit(value, room, NOTE_SIZE), tone)


def _last_value(series: Series, chart: Chart) -> tuple[str, str]:
    """Return the last value of a full period and when that was."""
    if not chart.is_flow:
        point = series.days[-1]
        # The note below the plot states the newest day.
        return fmt.number(point.value), "" if point.day == chart.newest_day else f"on {fmt.short_day(point.day)}"
    ended = [point for point in series.months if not point.is_running]
    if not ended:
        running = series.months[-1]
        return precise(running.value), "so far"
    last = ended[-1]
    if last.kind is PointKind.SEEDED:
        return precise(last.value), f"to {fmt.short_day(last.period_end)}"
    recent = last_full_month(chart.as_of).last == last.period_end
    when = formats.short_month_name(last.period_start) if recent else formats.short_month(last.period_start)
    return precise(last.value), f"in {when}"


def _height(series: Series, drawing: PlacedDrawing) -> float:
    """Return the height of the last value of a series in the plot."""
    bars = [bar for bar in drawing.bars if bar.tone == series.tone]
    if bars:
        last = bars[-2] if len(bars) > 1 and series.months[-1].is_running else bars[-1]
        return last.y + last.height / 2
    return max(_ends(drawing, series.tone), default=(0.0, drawing.bottom))[1]


def _ends(drawing: PlacedDrawing, tone: str) -> Iterator[tuple[float, float]]:
    """Yield the last point of every line, and the single values."""
    for line in drawing.lines:
        if line.tone == tone:
            x, _, y = line.points.rpartition(" ")[2].partition(",")
            yield float(x), float(y)
    yield from ((one.x, one.y) for one in drawing.marks if one.tone == tone)


def _spread(names: Sequence[Name], top: float, bottom: float) -> Iterator[Name]:
    """Yield the names from top to bottom, without overlaps."""
    ranked = sorted(names, key=lambda name: name.y)
    heights: list[float] = []
    for name in ranked:
        heights.append(max(name.y, heights[-1] + _NAME_HEIGHT if heights else top + 8))
    limit = bottom - _NAME_HEIGHT / 2
    for number in reversed(range(len(heights))):
        heights[number] = min(heights[number], limit)
        limit = heights[number] - _NAME_HEIGHT
    for name, height in zip(ranked, heights, strict=True):
        yield replace(name, y=round(height, 1))


def _bars(drawing: PlacedDrawing) -> Iterator[Shape]:
    for tone in dict.fromkeys(bar.tone for bar in drawing.bars):
        for is_hatched in (False, True):
            shown = [bar for bar in drawing.bars if bar.tone == tone and bar.faint is is_hatched]
            if shown:
                yield Shape(tone, _path((bar.x, bar.y, bar.width, bar.height) for bar in shown), is_hatched)


def _path(bars: Iterable[tuple[float, float, float, float]]) -> str:
    return "".join(f"M{x:g} {y:g}h{wide:g}v{tall:g}h{-wide:g}z" for x, y, wide, tall in bars)


def _first_day(chart: Chart) -> date | None:
    """Return the first day with a value in the default range."""
    earliest = Month.of(chart.as_of).plus(1 - MONTHS_SHOWN).first
    if chart.is_flow:
        starts = [p.period_start for s in chart.shown for p in s.months if p.period_end >= earliest]
    else:
        starts = [max(s.days[0].day, earliest) for s in chart.shown if s.days]
    return min(starts, default=None)


def _subtitle(by: str, first: date | None, through: date | None, sources: Iterable[str]) -> str:
    span = f"{by}, {fmt.short_day(first)} to {fmt.short_day(through)}" if first and through else "No data yet"
    return f"{span} · {', '.join(sources)}"


def _through(day: date | None) -> str:
    return f"Data through {fmt.short_day(day)} (UTC)." if day else "No data yet."


def _signs(chart: Chart, drawing: PlacedDrawing) -> Iterator[str]:
    if chart.left_out:
        yield f"{fmt.number(chart.left_out)} more not shown."
    states = {bar.state for bar in drawing.bars}
    if states & {BarState.PARTIAL, BarState.PUBLISHED}:
        yield "Hatched: days missing." if BarState.PARTIAL in states else "Hatched: published 30-day totals."
    if any(line.dashed for line in drawing.lines):
        yield "Dotted: estimated."
    # Least important, because the day of the data says nearly the same.
    if drawing.running:
        yield f"{drawing.running}."


def _stale(newest: Iterable[tuple[str, date]], as_of: date, *, is_alone: bool) -> str:
    """Return which series have no recent value; empty if all have one."""
    days = list(newest)
    late = [(name, day) for name, day in days if (as_of - day).days >= STALE_DAYS]
    if not late:
        return ""
    since = f"no data since {fmt.short_day(max(day for _, day in late))}."
    if is_alone or len(late) == len(days):
        return since[0].upper() + since[1:]
    return f"{', '.join(name for name, _ in late)}: {since}"


def _address(url: str | None) -> str:
    return "" if url is None else url.partition("://")[2].rstrip("/")
