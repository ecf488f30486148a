"""Static figures of metrics that are part of no total.

A counter has its count as a line and, below it, what was counted between readings: a bar per day, and one
flat, pale bar for an interval of several days, as high as its average day and labelled with its whole count.
A rolling window, a stock and a daily count have one panel. Units are the coordinates of the picture.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import pairwise
from math import ceil

from cmetrics.analytics.intervals import Interval
from cmetrics.analytics.model import CountItem, DayPoint
from cmetrics.charts import count_words
from cmetrics.charts.scale import levels, steps_between
from cmetrics.charts.svg import Line, Tick, compact
from cmetrics.domain import formats
from cmetrics.domain.days import DAY, Month, months, window
from cmetrics.domain.kind import Kind, Measure
from cmetrics.domain.sanitize import isolate

#: The number of days that a figure shows: a day must be wide enough to be seen.
DAYS_WIDE, DAYS_NARROW = 180, 90
#: Rows of the table.
ROWS_SHOWN = 180
#: Room above a panel for its title, between two panels for a row of labels too, and the width of a character.
_TITLE, _BETWEEN, _CHARACTER = 14.0, 40.0, 6.2
#: The distance of labels and titles from the top of their panel.
_LABELS_AT, _TITLE_AT = 6.0, 22.0
#: Margins, and the width of a label on the time axis.
LEFT, RIGHT, TOP, BOTTOM = 46.0, 10.0, 12.0, 26.0
LABEL_WIDTH = 62.0


@dataclass(frozen=True, slots=True)
class CountMark:
    """A single value: a reading between two gaps, or an interval without a known count."""

    x: float
    y: float
    tone: str
    hollow: bool
    title: str


@dataclass(frozen=True, slots=True)
class FlowBar:
    """What was counted in a day or, faint, in several days."""

    x: float
    y: float
    width: float
    height: float
    faint: bool
    title: str


@dataclass(frozen=True, slots=True)
class Label:
    """A text above a bar."""

    x: float
    y: float
    text: str


@dataclass(frozen=True, slots=True)
class Panel:
    """One pair of axes."""

    title: str
    #: The baseline of the title.
    title_at: float
    top: float
    bottom: float
    y_ticks: tuple[Tick, ...]
    lines: tuple[Line, ...] = ()
    marks: tuple[CountMark, ...] = ()
    bars: tuple[FlowBar, ...] = ()
    labels: tuple[Label, ...] = ()


@dataclass(frozen=True, slots=True)
class CountDrawing:
    """The geometry of one picture."""

    width: float
    height: float
    left: float
    right: float
    bottom: float
    x_ticks: tuple[Tick, ...]
    panels: tuple[Panel, ...]
    #: The day at the left edge.
    first: date


@dataclass(frozen=True, slots=True)
class CountRow:
    """One row of the table of a figure."""

    when: str
    value: str
    #: What was counted up to this value; empty for all but counters.
    flow: str


@dataclass(frozen=True, slots=True)
class CountFigure:
    """One metric as a picture in two sizes, in words, and as a table."""

    key: str
    title: str
    caption: str
    tone: str
    alternative: str
    wide: CountDrawing
    narrow: CountDrawing
    rows: tuple[CountRow, ...]
    #: Headings of the columns of the table.
    value_heading: str
    has_flows: bool
    is_empty: bool
    #: Whether it has the whole width of the page.
    is_whole: bool
    #: The name of its files.
    name: str = ""


def build_count_figure(
    item: CountItem, as_of: date, *, wide: tuple[float, float], narrow: tuple[float, float], is_whole: bool = False
) -> CountFigure:
    """Return the figure of one metric, in the sizes ``wide`` and ``narrow``."""
    metric, measure = item.metric, item.metric.measure
    return CountFigure(
        key=metric.slug,
        title=count_title(item),
        caption=_caption(item),
        tone=item.tone,
        alternative=count_alternative(item),
        wide=draw_count(item, as_of, DAYS_WIDE, *wide),
        narrow=draw_count(item, as_of, DAYS_NARROW, *narrow),
        rows=tuple(_rows(item)),
        value_heading=_heading(measure),
        has_flows=measure.is_counter,
        is_empty=not item.points,
        is_whole=is_whole,
    )


def _caption(item: CountItem) -> str:
    measure = item.metric.measure
    if measure.is_counter:
        return (
            "The count, read once a night, and its increase between readings. Pale bars: one increase over several "
            "days, drawn as a daily average. Dashed: nights without a reading."
        )
    if measure.is_rolling:
        return f"Each point covers the {measure.window_days} days up to it, as published by {item.source_title}."
    return "Daily counts." if measure.is_flow else "The count, read once a night."


def count_title(item: CountItem) -> str:
    """Return the title of the figure of a metric."""
    return f"{_heading(item.metric.measure)} of {item.metric.subject} ({isolate(item.metric.display_name)})"


def _heading(measure: Measure) -> str:
    return measure.noun[:1].upper() + measure.noun[1:]


def count_alternative(item: CountItem) -> str:
    """Return the figure of a metric in words."""
    if item.latest is None:
        return "No data yet."
    first, last = item.points[0] if item.points else item.latest, item.latest
    noun, recent = item.metric.measure.noun, count_words.recent(item)
    text = (
        f"From {formats.number(first.value)} {noun} ({formats.long_day(first.day)}) "
        f"to {formats.number(last.value)} ({formats.long_day(last.day)})."
    )
    return f"{text} {recent[:1].upper()}{recent[1:]}." if recent else text


def _rows(item: CountItem) -> Iterator[CountRow]:
    flows = {interval.end_day: count_words.flow(interval, item.metric.measure) for interval in item.intervals}
    days = item.metric.measure.window_days
    for point in reversed(item.points[-ROWS_SHOWN:]):
        day = formats.long_day(point.day)
        yield CountRow(f"{days} days to {day}" if days else day, formats.number(point.value), flows.get(point.day, ""))


def draw_count(item: CountItem, as_of: date, days: int, width: float, height: float) -> CountDrawing:
    """Return the picture of the last ``days`` in the given size."""
    first = max(window(as_of, days), min((point.day for point in item.points[:1]), default=as_of))
    # A short series is not stretched over the whole width.
    first = min(first, window(as_of, days // 3))
    frame = _Frame(first, as_of, width)
    bottom = height - BOTTOM
    points = [point for point in item.points if point.day >= first]
    measure = item.metric.measure
    panels: list[Panel] = []
    if measure.is_counter:
        top = TOP + _TITLE
        middle = top + (bottom - top) * 0.6
        panels.append(_line_panel(item, points, frame, (top, middle - _BETWEEN), from_zero=False))
        panels.append(_interval_panel(item, frame, (middle, bottom)))
    elif measure.is_flow:
        panels.append(_day_panel(item, points, frame, (TOP, bottom)))
    else:
        panels.append(_line_panel(item, points, frame, (TOP, bottom), from_zero=measure.kind is Kind.ROLLING))
    return CountDrawing(width, height, LEFT, width - RIGHT, bottom, tuple(frame.x_ticks()), tuple(panels), first)


@dataclass(frozen=True, slots=True)
class _Frame:
    """Converts days to coordinates; the day ``first`` begins at the left edge."""

    first: date
    last: date
    width: float

    def x(self, day: date) -> float:
        share = (day - self.first).days / ((self.last - self.first).days + 1)
        return round(LEFT + share * (self.width - LEFT - RIGHT), 1)

    def middle(self, day: date) -> float:
        return round((self.x(day) + self.x(day + DAY)) / 2, 1)

    def x_ticks(self) -> Iterator[Tick]:
        shown = list(months(Month.of(self.first), Month.of(self.last)))
        fitting = (self.width - LEFT - RIGHT) / LABEL_WIDTH
        step = next((step for step in (1, 2, 3, 6) if len(shown) / step <= fitting), 12)
        for month in shown[::step]:
            at = self.x(month.first)
            if LEFT + LABEL_WIDTH / 2 <= at <= self.width - LABEL_WIDTH / 2:
                yield Tick(at, f"1 {formats.short_month(month.first)}")


@dataclass(frozen=True, slots=True)
class _Scale:
    """Converts values to coordinates."""

    steps: tuple[int, ...]
    top: float
    bottom: float

    def y(self, value: float) -> float:
        low, high = self.steps[0], self.steps[-1]
        return round(self.bottom - (self.bottom - self.top) * (value - low) / (high - low), 1)

    @property
    def ticks(self) -> tuple[Tick, ...]:
        texts = [compact(step) for step in self.steps]
        # Neighbouring levels of a large count look alike when they are shortened.
        if len(set(texts)) < len(texts):
            texts = [formats.number(step) for step in self.steps]
        return tuple(Tick(self.y(step), text) for step, text in zip(self.steps, texts, strict=True))


def _line_panel(
    item: CountItem, points: Sequence[DayPoint], frame: _Frame, place: tuple[float, float], *, from_zero: bool
) -> Panel:
    measure = item.metric.measure
    values = [point.value for point in points] or [0]
    scale = _Scale(levels(max(values)) if from_zero else steps_between(min(values), max(values)), *place)
    apart = (measure.window_days or 1) if measure.has_history else 1
    runs = list(_runs(points, apart))
    lines = [Line(_polyline(run, frame, scale), item.tone, dashed=False) for run in runs if len(run) > 1]
    if measure.is_counter:
        # The count between two readings is known to lie between them.
        ends = ((before[-1], after[0]) for before, after in pairwise(runs))
        lines += [Line(_polyline(pair, frame, scale), item.tone, dashed=True) for pair in ends]
    marks = tuple(
        CountMark(
            frame.middle(run[0].day), scale.y(run[0].value), item.tone, hollow=False, title=_point_text(item, run[0])
        )
        for run in runs
        if len(run) == 1
    )
    return Panel(measure.card_label, place[0] - _LABELS_AT, *place, scale.ticks, tuple(lines), marks)


def _point_text(item: CountItem, point: DayPoint) -> str:
    measure = item.metric.measure
    when = f"{measure.window_days} days to" if measure.is_rolling else "on"
    return (
        f"{formats.number(point.value)} {measure.noun} of {item.metric.subject}, {when} {formats.long_day(point.day)}"
    )


def _polyline(points: Iterable[DayPoint], frame: _Frame, scale: _Scale) -> str:
    return " ".join(f"{frame.middle(point.day)},{scale.y(point.value)}" for point in points)


def _runs(points: Sequence[DayPoint], apart: int) -> Iterator[list[DayPoint]]:
    """Split points where more than ``apart`` days lie between two of them."""
    run: list[DayPoint] = []
    for point in points:
        if run and (point.day - run[-1].day).days > apart:
            yield run
            run = []
        run.append(point)
    if run:
        yield run


def _interval_panel(item: CountItem, frame: _Frame, place: tuple[float, float]) -> Panel:
    measure = item.metric.measure
    shown = [interval for interval in item.intervals if interval.end_day >= frame.first]
    averages = [_average(interval) for interval in shown]
    scale = _Scale(levels(ceil(max(averages, default=0))), *place)
    bars: list[FlowBar] = []
    labels: list[Label] = []
    marks: list[CountMark] = []
    for interval, average in zip(shown, averages, strict=True):
        title = f"{item.metric.subject}: {count_words.flow(interval, measure)}"
        left, right = frame.x(max(interval.start_day + DAY, frame.first)), frame.x(interval.end_day + DAY)
        if interval.flow is None:
            marks.append(CountMark(round((left + right) / 2, 1), place[1] - 5, item.tone, hollow=True, title=title))
            continue
        y = scale.y(average)
        wide = max(round((right - left) * (0.8 if interval.is_day else 1), 1), 0.5)
        bars.append(FlowBar(left, y, wide, round(place[1] - y, 1), not interval.is_day, title))
        if interval.days > 1:
            labels += _label(interval, (left + right) / 2, place[0] - _LABELS_AT, frame, labels)
    title = f"{measure.noun} between readings, per day"
    return Panel(
        title, place[0] - _TITLE_AT, *place, scale.ticks, marks=tuple(marks), bars=tuple(bars), labels=tuple(labels)
    )


def _average(interval: Interval) -> float:
    """Return the height of an interval: an average day of a long one, the whole count of a day or of some hours."""
    return (interval.flow or 0) / (1 if interval.is_day else interval.days)


def _label(interval: Interval, middle: float, y: float, frame: _Frame, before: Sequence[Label]) -> Iterator[Label]:
    """Yield the label of a long interval if there is room for it."""
    text = f"{formats.number(interval.flow or 0)} {interval.length_text}"
    half = len(text) * _CHARACTER / 2
    x = round(min(max(middle, LEFT + half), frame.width - RIGHT - half), 1)
    taken = before[-1].x + len(before[-1].text) * _CHARACTER / 2 if before else 0.0
    if x - half > taken:
        yield Label(x, y, text)


def _day_panel(item: CountItem, points: Sequence[DayPoint], frame: _Frame, place: tuple[float, float]) -> Panel:
    scale = _Scale(levels(max((point.value for point in points), default=0)), *place)
    noun, subject = item.metric.measure.noun, item.metric.subject
    bars = []
    for point in points:
        y, left = scale.y(point.value), frame.x(point.day)
        wide = max(round((frame.x(point.day + DAY) - left) * 0.8, 1), 0.5)
        title = f"{formats.number(point.value)} {noun} of {subject} on {formats.short_day(point.day)}"
        bars.append(FlowBar(left, y, wide, round(place[1] - y, 1), faint=False, title=title))
    return Panel(f"{noun} per day", place[0] - _LABELS_AT, *place, scale.ticks, bars=tuple(bars))
