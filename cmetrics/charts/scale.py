"""The geometry of a chart's default view: time, levels, labels and margins. Pure.

The static picture, the published figure and the live chart use it. Positions are shares of the plot box, from 0 at
its left or top to 1, so that a picture can have any width; margins are CSS pixels around the box. The script of the
page implements the same rules for other views (`templates/app/ticks.js`).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from enum import StrEnum
from functools import lru_cache
from itertools import chain
from typing import TypeAlias

from cmetrics.analytics.chart import Chart, ChartKind
from cmetrics.analytics.model import PeriodPoint, PointKind
from cmetrics.domain import formats
from cmetrics.domain.days import DAY, Month, months

#: The default range of the page in months, including the current one.
MONTHS_SHOWN = 24
#: The minimum number of bars that the range leaves space for. The bar of a single month would fill the plot.
LEAST_BARS = 6
MOST_LEVELS = 5
#: The maximum number of levels of a scale that does not start at zero.
_MOST_STEPS = 4
#: Lines may start above zero if all values are close to each other: above this share of the largest.
_CLOSE = 0.7
#: The maximum number of days for which labels name days instead of months.
_DAYS_NAMED = 62
#: The lowest top level for each unit, the size of the unit, and its name.
_UNITS = ((10**9, 10**9, "billion"), (10**6, 10**6, "million"), (10**4, 10**3, "thousand"))
_MONTH_STEPS = (1, 2, 3, 6, 12, 24, 60, 120)
_DAY_STEPS = (1, 2, 7, 14)
_YEAR = 12
#: A time, its day, and its text without and with the year.
_Label: TypeAlias = tuple[datetime, date, str, str]
#: The share of a period that its bar fills, and that all bars of a period fill side by side.
STACK_SHARE = 0.84


class Room(StrEnum):
    """The size class of a chart."""

    LARGE = "large"
    WIDE = "wide"
    NARROW = "narrow"


#: The width of a chart in CSS pixels from which it is wide, or large. The stylesheet uses the same numbers.
WIDE_FROM = {Room.LARGE: 700, Room.WIDE: 510, Room.NARROW: 0}
#: The maximum number of labels of the time axis, and the minimum width of the plot box for which labels are chosen.
MOST_LABELS = {Room.LARGE: 8, Room.WIDE: 8, Room.NARROW: 4}
LEAST_WIDTH = {Room.LARGE: 516, Room.WIDE: 370, Room.NARROW: 246}
#: The width of a character of 12 px: usual, and of wide ones, such as Chinese ones and emoji, from a code point on.
CHARACTER, WIDE_CHARACTER, _WIDE_FROM = 6.8, 13, 0x2E80
#: The minimum space between two labels.
LABEL_GAP = 6


@dataclass(frozen=True, slots=True)
class Margins:
    """CSS pixels around a plot box."""

    left: int
    right: int
    top: int
    bottom: int


#: The width of the names at the end of series: usual, and maximum for long names in a large chart, where they take
#: the given share of the width.
NAMES_WIDTH, LONG_NAMES_WIDTH, _LONG_NAMES_SHARE = 104, 224, 21
#: The width of a chart from which its names have nearly their maximum width. The stylesheet uses the same number.
_LONGER_NAMES_FROM = 1000
#: The space above the plot for the top label, and for the lane of events above it.
TOP, LANE = 26, 30
BOTTOM = 26
SIDE = 6
#: The space for the labels of levels, so that they are next to the marks. The top label, which may be longer, is
#: above the marks.
GUTTER = 36


def margins(room: Room, *, has_names: bool, has_long_names: bool, has_events: bool) -> Margins:
    """Return the margins of a chart."""
    right = SIDE
    if has_long_names:
        # In a smaller chart, they are below the picture.
        right = LONG_NAMES_WIDTH if room is Room.LARGE else SIDE
    elif has_names and room is not Room.NARROW:
        right = NAMES_WIDTH
    return Margins(GUTTER, right, TOP + LANE if has_events else TOP, BOTTOM)


def stylesheet() -> str:
    """Return the margins of charts as a part of the stylesheet, and the positions of names in percent."""
    large, wide = (f"@container chart (min-width: {WIDE_FROM[room]}px)" for room in (Room.LARGE, Room.WIDE))
    long_names = f"min({_LONG_NAMES_SHARE}cqi, {LONG_NAMES_WIDTH}px)"
    larger = f"@container chart (min-width: {_LONGER_NAMES_FROM}px)"
    lines = [
        f".picture {{ --left: {GUTTER}px; --right: {SIDE}px; --top: {TOP}px; --bottom: {BOTTOM}px; }}",
        f".dated .picture {{ --top: {TOP + LANE}px; }}",
        f"{wide} {{ .named:not(.long-names) .picture {{ --right: {NAMES_WIDTH}px; }} }}",
        f"{large} {{ .long-names:not(.longer-names) .picture {{ --right: {long_names}; }} }}",
        f"{larger} {{ .longer-names .picture {{ --right: {long_names}; }} }}",
        *(f".at-{at} {{ --at: {at}%; }}" for at in range(101)),
    ]
    return "\n".join(lines) + "\n"


@dataclass(frozen=True, slots=True)
class TimeTick:
    """A label of the time axis."""

    at: datetime
    text: str


@dataclass(frozen=True, slots=True)
class Level:
    """A label of the axis of values; the text is empty on the zero line."""

    value: int
    text: str


@dataclass(frozen=True, slots=True)
class Scale:
    """The axes of one view."""

    #: The left and the right edge.
    start: datetime
    end: datetime
    levels: tuple[Level, ...]
    #: Whether labels are in the middle of their period.
    is_centred: bool

    @property
    def low(self) -> int:
        """The value at the bottom."""
        return self.levels[0].value

    @property
    def high(self) -> int:
        """The value at the top."""
        return self.levels[-1].value

    def x(self, at: date) -> float:
        """Return the share of the width at a time; a day is its beginning."""
        return (moment(at) - self.start) / (self.end - self.start)

    def y(self, value: float) -> float:
        """Return the share of the height at a value, 0 at the top."""
        return 1 - (value - self.low) / (self.high - self.low)

    def ticks(self, room: Room, gutter: int = GUTTER) -> tuple[TimeTick, ...]:
        """Return the labels of the time axis; ``gutter`` is the space to the left of the plot box."""
        return _ticks_in(formats.current(), self.start, self.end, room, gutter, self.is_centred)


def moment(day: date) -> datetime:
    """Return the beginning of a day; a time as it is."""
    return day if isinstance(day, datetime) else datetime.combine(day, time())


def middle(first: date, last: date) -> datetime:
    """Return the middle of the days from ``first`` to ``last``."""
    return moment(first) + (last - first + DAY) / 2


def scale_of(chart: Chart) -> Scale:
    """Return the axes of the default view of a chart."""
    start, end = domain(chart)
    if chart.kind is ChartKind.FLOW:
        return Scale(moment(start), moment(end + DAY), flow_levels(_sums(chart, start)), is_centred=True)
    values = [p.value for series in chart.shown for p in series.days.since(start)]
    first, last = moment(start), moment(end)
    if first == last:
        first, last = first - DAY, last + DAY
    return Scale(first, last, stock_levels(values), is_centred=False)


def domain(chart: Chart) -> tuple[date, date]:
    """Return the first and the last day of the default view: whole months of downloads, days of stars."""
    month = Month.of(chart.as_of)
    earliest = month.plus(1 - MONTHS_SHOWN).first
    if chart.kind is ChartKind.FLOW:
        return max(min(first_bar(chart), month.plus(1 - LEAST_BARS).first), earliest), month.last
    days = [series.days for series in chart.shown if series.days]
    if not days:
        return month.first, chart.as_of
    first, last = min(points[0].day for points in days), max(points[-1].day for points in days)
    return max(first, earliest), last if last >= earliest else chart.as_of


def first_bar(chart: Chart) -> date:
    """Return the first day of the month of the first bar; without any, of the newest month."""
    starts = [month for series in chart.shown for _, month in stacked_months(series.months)]
    return Month.of(min(starts, default=chart.as_of)).first


def _sums(chart: Chart, first: date) -> list[int]:
    """Return the heights of all bars of a chart."""
    sums: dict[date, int] = {}
    for series in chart.shown:
        for point, month in stacked_months([p for p in series.months if p.period_end >= first]):
            sums[month] = sums.get(month, 0) + point.value
    return list(sums.values())


def stacked_months(points: Sequence[PeriodPoint]) -> Iterator[tuple[PeriodPoint, date]]:
    """Yield the points of a stacked chart with the first day of their month.

    A published total is assigned to the month that has most of its days, unless that month has daily data. If two are
    assigned to the same month, the later one is used.
    """
    taken = {p.period_start for p in points if p.kind is not PointKind.SEEDED}
    seeds = {month: p for p in points if p.kind is PointKind.SEEDED and (month := seed_month(p)) not in taken}
    counted = ((p, p.period_start) for p in points if p.kind is not PointKind.SEEDED)
    yield from sorted(chain(((p, month) for month, p in seeds.items()), counted), key=lambda pair: pair[1])


def seed_month(point: PeriodPoint) -> date:
    """Return the first day of the month that has most of the 30 days of a published total."""
    return Month.of(point.period_end - 15 * DAY).first


# -- values -----------------------------------------------------------------------------------------


def levels(most: int, count: int = MOST_LEVELS) -> tuple[int, ...]:
    """Return round numbers from 0 up to the first one that is not below ``most``; at most ``count`` of them above 0."""
    size = 1
    while True:
        for digit in (1, 2, 5):
            if digit * size * count >= most:
                step = digit * size
                return tuple(range(0, -(-most // step) * step + 1, step)) if most else (0, step)
        size *= 10


def steps_between(low: int, high: int) -> tuple[int, ...]:
    """Return round numbers from at most ``low`` to at least ``high``, a few of them."""
    size = 1
    while True:
        for digit in (1, 2, 5):
            step = digit * size
            first, last = low // step, -(-high // step)
            if last - first <= _MOST_STEPS:
                return tuple(range(first * step, max(last, first + 1) * step + 1, step))
        size *= 10


def flow_levels(values: Iterable[int], count: int = MOST_LEVELS) -> tuple[Level, ...]:
    """Return the levels of bars, which start at zero."""
    return named_levels(levels(max(values, default=0), count))


def stock_levels(values: Sequence[int]) -> tuple[Level, ...]:
    """Return the levels of lines, which start above zero if their values are close to each other."""
    low, high = min(values, default=0), max(values, default=0)
    return named_levels(steps_between(low, high) if low > _CLOSE * high else levels(high))


def named_levels(values: Sequence[int]) -> tuple[Level, ...]:
    """Return levels with their texts: the unit is on the top one only, and the zero line has no text."""
    most = max(map(abs, values))
    size, unit = next(((size, unit) for least, size, unit in _UNITS if most >= least), (1, ""))
    texts = [_plain(value / size) if size > 1 else formats.number(value) for value in values]
    if values[0] == 0:
        texts[0] = ""
    texts[-1] = f"{texts[-1]} {unit}".strip()
    return tuple(map(Level, values, texts))


def _plain(value: float) -> str:
    """Return a number with the decimals that it needs, such as ``2.5``."""
    digits = next(digits for digits in range(7) if abs(round(value, digits) - value) < 1e-9 or digits == 6)  # noqa: PLR2004
    return formats.decimal(value, digits)


# -- time -------------------------------------------------------------------------------------------


# Cached, because most charts of a site show the same months.
@lru_cache(maxsize=100)
def _ticks_in(
    _language: formats.Formats,
    start: datetime,
    end: datetime,
    room: Room,
    gutter: int,
    is_centred: bool,  # noqa: FBT001
) -> tuple[TimeTick, ...]:
    # Large charts have the labels of wide ones.
    width = min(LEAST_WIDTH[room], LEAST_WIDTH[Room.WIDE])
    return time_ticks(start, end, MOST_LABELS[room], width, is_centred=is_centred, sides=(gutter, SIDE))


def time_ticks(
    start: datetime,
    end: datetime,
    most: int,
    width: float,
    *,
    is_centred: bool,
    sides: tuple[int, int] = (GUTTER, SIDE),
) -> tuple[TimeTick, ...]:
    """Return at most about ``most`` labels between two times: of months, or of days if there are few.

    With ``is_centred``, a label is in the middle of its month, else at its beginning. The first label and those of
    January include the year. A label that does not fit in a plot box of ``width`` with the space at its ``sides`` is
    left out. These are CSS pixels for labels of 12 px.
    """
    by_day = not is_centred and (end - start).days <= _DAYS_NAMED
    found = _days_named(start, end, most) if by_day else _months_named(start, end, most, is_centred=is_centred)
    ticks, year, taken = list[TimeTick](), None, 0.0
    for at, day, short, long in found:
        text, x = short if day.year == year else long, (at - start) / (end - start) * width
        half = label_width(text) / 2
        if not half - sides[0] <= x <= width + sides[1] - half:
            continue
        # The first label and that of January, which have the year, may be next to each other.
        if ticks and x - half < taken + LABEL_GAP:
            ticks.pop()
        ticks.append(TimeTick(at, text))
        year, taken = day.year, x + half
    return tuple(ticks)


def label_width(text: str) -> float:
    """Return an upper estimate of the width of a text of 12 px, which the script of the page computes too."""
    return sum(WIDE_CHARACTER if ord(char) >= _WIDE_FROM else CHARACTER for char in text)


def _days_named(start: datetime, end: datetime, most: int) -> Iterator[_Label]:
    count = (end - start).days
    step = next((step for step in _DAY_STEPS if count / step <= most), _DAY_STEPS[-1])
    for number in range(count + 1):
        day = start.date() + timedelta(days=number)
        # Steps of weeks begin on Mondays.
        if (day.toordinal() - 1) % step == 0:
            yield moment(day), day, formats.day_month(day), formats.short_day(day)


def _months_named(start: datetime, end: datetime, most: int, *, is_centred: bool) -> Iterator[_Label]:
    shown = list(months(Month.of(start.date()), Month.of((end - timedelta(microseconds=1)).date())))
    step = next((step for step in _MONTH_STEPS if len(shown) / step <= most), _MONTH_STEPS[-1])
    for month in shown:
        if (month.year * _YEAR + month.month - 1) % step == 0:
            at = middle(month.first, month.last) if is_centred else moment(month.first)
            day = month.first
            if step >= _YEAR:
                yield at, day, f"{day.year}", f"{day.year}"
            else:
                yield at, day, formats.short_month_name(day), formats.short_month(day)
