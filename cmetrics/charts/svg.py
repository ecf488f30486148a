"""Compute the geometry of static charts. A template renders it as SVG.

Units are the coordinates of the picture, which the page scales. A static chart shows the default view of
the page: downloads by month as grouped bars, stars by day as lines.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import groupby

from cmetrics.analytics.chart import TOTAL, Chart, ChartKind, Series
from cmetrics.analytics.model import DayPoint, PeriodPoint, PointKind
from cmetrics.charts.words import coverage_text, day_text, period_text, provenance_text
from cmetrics.domain import formats
from cmetrics.domain.days import DAY, Month, months

#: The default range of the page.
MONTHS_SHOWN = 24
LEFT, RIGHT, TOP, BOTTOM = 46.0, 10.0, 12.0, 26.0
#: The width of a label on the time axis.
LABEL_WIDTH = 62.0
BAR_SHARE = 0.78
#: Of bars that stand on each other.
STACK_SHARE = 0.84
MOST_LEVELS = 5
#: A point of a line for so many units; more could not be seen, and make most of the weight of a page.
POINT_WIDTH = 4


@dataclass(frozen=True, slots=True)
class Tick:
    """A label on an axis."""

    at: float
    text: str


@dataclass(frozen=True, slots=True)
class Bar:
    """A sum; faint if days are missing."""

    x: float
    y: float
    width: float
    height: float
    tone: str
    faint: bool
    title: str


@dataclass(frozen=True, slots=True)
class Line:
    """Consecutive points without a gap; dashed for estimates."""

    points: str
    tone: str
    dashed: bool


@dataclass(frozen=True, slots=True)
class Mark:
    """A single value: a seeded snapshot, or a day between two gaps."""

    x: float
    y: float
    tone: str
    hollow: bool
    title: str


@dataclass(frozen=True, slots=True)
class Flag:
    """An event."""

    x: float
    title: str
    url: str | None


@dataclass(frozen=True, slots=True)
class Drawing:
    """The geometry of a static chart."""

    width: float
    height: float
    left: float
    right: float
    top: float
    bottom: float
    x_ticks: tuple[Tick, ...]
    y_ticks: tuple[Tick, ...]
    bars: tuple[Bar, ...]
    lines: tuple[Line, ...]
    marks: tuple[Mark, ...]
    flags: tuple[Flag, ...]
    #: The value of the last full month, above its bar; only of a stack.
    last: Mark | None = None
    #: The days at the left and at the right edge.
    first_day: date = date.min
    last_day: date = date.min

    @property
    def faint_tones(self) -> tuple[str, ...]:
        """The tones of sums that lack days, each of which needs a pattern of its own."""
        return tuple(dict.fromkeys(bar.tone for bar in self.bars if bar.faint))

    @property
    def fall(self) -> float:
        """The height of the grid."""
        return self.bottom - self.top


def draw(chart: Chart, width: float, height: float) -> Drawing:
    """Return the static chart in the given size."""
    last = Month.of(chart.as_of).last
    first = max(_first_day(chart, last), Month.of(last).plus(1 - MONTHS_SHOWN).first)
    frame = _Frame(first, last, _ceiling(chart, first), width, height)
    bars: list[Bar] = []
    lines: list[Line] = []
    marks: list[Mark] = []
    below: dict[date, int] | None = {} if chart.is_stacked else None
    for index, series in enumerate(chart.shown):
        if chart.kind is ChartKind.FLOW:
            shown = [p for p in series.months if p.period_end >= first]
            if below is not None:
                bars += frame.stacked(shown, series, below)
                continue
            bars += frame.bars([p for p in shown if p.kind is not PointKind.SEEDED], series, index, len(chart.series))
            marks += (frame.snapshot(p, series) for p in shown if p.kind is PointKind.SEEDED)
        else:
            shown_days = [p for p in series.days if p.day >= first]
            lines += frame.lines(shown_days, series)
            marks += frame.lonely(shown_days, series)
    flags = tuple(
        Flag(frame.x(event.day), f"{day_text(event.day)}: {event.label}", event.url)
        for event in chart.events
        if first <= event.day <= last
    )
    return Drawing(
        width=width,
        height=height,
        left=LEFT,
        right=width - RIGHT,
        top=TOP,
        bottom=height - BOTTOM,
        x_ticks=tuple(frame.x_ticks()),
        y_ticks=tuple(Tick(frame.y(level), compact(level)) for level in levels(frame.most)),
        bars=tuple(bars),
        lines=tuple(lines),
        marks=tuple(marks),
        flags=flags,
        last=frame.last_total(chart, below) if below else None,
        first_day=first,
        last_day=last,
    )


def levels(most: int) -> tuple[int, ...]:
    """Return round numbers from 0 up to the first one that is not below ``most``; at most six of them."""
    size = 1
    while True:
        for digit in (1, 2, 5):
            if digit * size * MOST_LEVELS >= most:
                step = digit * size
                return tuple(range(0, -(-most // step) * step + 1, step)) if most else (0, step)
        size *= 10


def compact(value: int) -> str:
    """Return ``1,200,000`` as ``1.2M``."""
    return formats.compact(value, trim=True)


def precise(value: int) -> str:
    """Return ``7,624,793`` as ``7.62M``."""
    return formats.compact(value, 2) if value >= 999_950 else compact(value)  # noqa: PLR2004


def _first_day(chart: Chart, last: date) -> date:
    days = [point.day for series in chart.series for point in series.days[:1]]
    days += [point.period_start for series in chart.series for point in series.months[:1]]
    return Month.of(min(days, default=last)).first


def _ceiling(chart: Chart, first: date) -> int:
    if chart.is_stacked:
        sums: dict[date, int] = {}
        for series in chart.shown:
            for point in series.months:
                sums[point.period_end] = sums.get(point.period_end, 0) + point.value
        values = [value for end, value in sums.items() if end >= first]
    elif chart.kind is ChartKind.FLOW:
        values = [p.value for series in chart.series for p in series.months if p.period_end >= first]
    else:
        values = [p.value for series in chart.series for p in series.days if p.day >= first]
    return levels(max(values, default=0))[-1]


@dataclass(frozen=True, slots=True)
class _Frame:
    """Converts days and values to coordinates."""

    first: date
    last: date
    most: int
    width: float
    height: float

    def x(self, day: date) -> float:
        share = (day - self.first).days / ((self.last - self.first).days + 1)
        return round(LEFT + share * (self.width - LEFT - RIGHT), 1)

    def y(self, value: int) -> float:
        room = self.height - TOP - BOTTOM
        return round(self.height - BOTTOM - room * value / self.most, 1)

    def x_ticks(self) -> Iterator[Tick]:
        shown = list(months(Month.of(self.first), Month.of(self.last)))
        fitting = (self.width - LEFT - RIGHT) / LABEL_WIDTH
        step = next((step for step in (1, 2, 3, 6) if len(shown) / step <= fitting), 12)
        for month in shown:
            if (month.month - 1) % step == 0:
                middle = self.x(month.first + (month.days // 2) * DAY)
                # Labels centred at the edge must not be clipped.
                if middle <= self.width - LABEL_WIDTH / 2:
                    yield Tick(middle, formats.short_month(month.first))

    def bars(self, points: Iterable[PeriodPoint], series: Series, index: int, count: int) -> Iterator[Bar]:
        for point in points:
            left, right = self.x(point.period_start), self.x(point.period_end + DAY)
            room = (right - left) * BAR_SHARE
            each = room / count
            x = left + (right - left - room) / 2 + index * each
            y = self.y(point.value)
            title = _sentence(series, point, coverage_text(point))
            yield Bar(
                round(x, 1), y, round(each, 1), round(self.y(0) - y, 1), series.tone, not point.is_complete, title
            )

    def stacked(self, points: Iterable[PeriodPoint], series: Series, below: dict[date, int]) -> Iterator[Bar]:
        """Return bars on top of those before; ``below`` has the sums so far by the first day of the period."""
        for point in points:
            left, right = self.x(point.period_start), self.x(point.period_end + DAY)
            room = (right - left) * STACK_SHARE
            ground = below.get(point.period_start, 0)
            below[point.period_start] = ground + point.value
            y = self.y(ground + point.value)
            yield Bar(
                round(left + (right - left - room) / 2, 1),
                y,
                round(room, 1),
                round(self.y(ground) - y, 1),
                series.tone,
                not point.is_complete,
                _sentence(series, point, coverage_text(point)),
            )

    def last_total(self, chart: Chart, sums: Mapping[date, int]) -> Mark | None:
        month = Month.of(chart.as_of)
        month = month if chart.as_of == month.last else month.plus(-1)
        value = sums.get(month.first)
        if not value:
            return None
        middle = (self.x(month.first) + self.x(month.last + DAY)) / 2
        return Mark(round(middle, 1), self.y(value), TOTAL, hollow=False, title=precise(value))

    def snapshot(self, point: PeriodPoint, series: Series) -> Mark:
        title = _sentence(series, point, provenance_text(point.kind, point.provenance))
        return Mark(self.x(point.period_end), self.y(point.value), series.tone, hollow=True, title=title)

    def lines(self, points: Sequence[DayPoint], series: Series) -> Iterator[Line]:
        """Return one line per run of days without a gap. Dashed lines of estimates connect to their neighbours."""
        for run in _rows(points):
            if len(run) > 1:
                dashed = any(p.kind is PointKind.ESTIMATED for p in run)
                thinned = _thinned(run, int(self.width / POINT_WIDTH))
                yield Line(" ".join(f"{self.x(p.day)},{self.y(p.value)}" for p in thinned), series.tone, dashed)

    def lonely(self, points: Sequence[DayPoint], series: Series) -> Iterator[Mark]:
        for run in _rows(points):
            if len(run) == 1:
                point = run[0]
                title = f"{formats.number(point.value)} stars of {series.subject} on {day_text(point.day)}"
                yield Mark(self.x(point.day), self.y(point.value), series.tone, hollow=False, title=title)


def _rows(points: Sequence[DayPoint]) -> Iterator[list[DayPoint]]:
    """Split points at gaps, and where estimates begin and end.

    Estimates include the counts before and after them, so that the line is continuous.
    """
    runs: list[list[DayPoint]] = []
    for _, found in groupby(enumerate(points), lambda pair: pair[1].day.toordinal() - pair[0]):
        days = [point for _, point in found]
        runs += (list(part) for _, part in groupby(days, lambda p: p.kind is PointKind.ESTIMATED))
    for before, run, after in zip([[], *runs], runs, [*runs[1:], []], strict=False):
        if run[0].kind is PointKind.ESTIMATED:
            left = [p for p in before[-1:] if run[0].day - p.day == DAY]
            right = [p for p in after[:1] if p.day - run[-1].day == DAY]
            yield [*left, *run, *right]
        else:
            yield run


def _thinned(points: Sequence[DayPoint], most: int) -> list[DayPoint]:
    step = max(1, -(-len(points) // most))
    return [*points[:-1:step], points[-1]]


def _sentence(series: Series, point: PeriodPoint, note: str) -> str:
    text = f"{formats.number(point.value)} downloads of {series.name} {period_text(point, ChartKind.FLOW)}"
    return f"{text} ({note})" if note else text
