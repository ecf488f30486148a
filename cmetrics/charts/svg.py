"""Compute the marks of static charts. A template renders them as SVG.

A static chart shows the default view of the page: downloads by month as bars, stars by day as lines. Units are
thousandths of the plot box of `cmetrics.charts.scale`, so that the picture fills its container while texts keep their
size.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from enum import StrEnum
from itertools import groupby, pairwise

from cmetrics.analytics.chart import Chart, ChartKind, Series
from cmetrics.analytics.model import DayPoint, PeriodPoint, PointKind
from cmetrics.charts.lane import EventMark, lane_of
from cmetrics.charts.scale import (
    LEAST_WIDTH,
    STACK_SHARE,
    Room,
    Scale,
    levels,
    middle,
    scale_of,
    stacked_months,
)
from cmetrics.charts.text_width import text_width
from cmetrics.domain import formats
from cmetrics.domain.days import DAY, Month, last_full_month

__all__ = ["Bar", "BarState", "Drawing", "Line", "Mark", "Name", "Tick", "compact", "draw", "levels", "precise"]

UNITS = 1000
#: The maximum number of points of a line. More would not be visible, and would make up most of the page's size.
MOST_POINTS = 280
#: The height of the plot box for which names are spread, and the height of a name, in CSS pixels.
PLOT_HEIGHT, NAME_HEIGHT = 220, 36
#: With more names, they are below the chart.
MOST_NAMES = 7
#: With more names below it, a chart takes the whole width.
MOST_BELOW = 3
#: The width of a character of a label above a bar, in CSS pixels, and the height from which a line connects the label
#: with its bar, in percent of the plot.
LAST_CHARACTER, LEADER = 9, 3
LONGEST_MONTH = 31 * DAY
#: The key of the current month among the names of series.
RUNNING = "-running"
#: The font size of names at the end of series, and the maximum width of a name next to its sign, in CSS pixels: usual,
#: and of a long name in the narrowest chart that is large.
_NAME_SIZE, _USUAL_NAME, _USUAL_NOTE, _LONG_NAME = 13, 73, 108, 121


class BarState(StrEnum):
    """The reason why a bar is not solid."""

    WHOLE = ""
    #: Days are missing.
    PARTIAL = "partial"
    #: The month is not over.
    RUNNING = "running"
    #: A total published before daily data.
    PUBLISHED = "published"


@dataclass(frozen=True, slots=True)
class Tick:
    """A label on an axis, in percent of the plot box."""

    at: float
    text: str


@dataclass(frozen=True, slots=True)
class Bar:
    """A sum."""

    x: float
    y: float
    width: float
    height: float
    tone: str
    state: BarState

    @property
    def faint(self) -> bool:
        """Whether it is hatched."""
        return self.state is not BarState.WHOLE

    @property
    def percents(self) -> tuple[float, ...]:
        """Left, top, width and height in percent of the plot box."""
        return tuple(round(part / 10, 2) for part in (self.x, self.y, self.width, self.height))


@dataclass(frozen=True, slots=True)
class Line:
    """Consecutive points without a gap; dashed for estimates."""

    points: str
    tone: str
    dashed: bool

    @property
    def path(self) -> str:
        """The same line as a path of relative steps, which compress to a third of the size because they are similar."""
        places = [tuple(map(float, point.split(","))) for point in self.points.split()]
        steps = ((round(x - left, 2), round(y - top, 2)) for (left, top), (x, y) in pairwise(places))
        # A minus sign separates two numbers as well as a space does.
        return f"M{places[0][0]:g} {places[0][1]:g}l" + " ".join(f"{x:g} {y:g}" for x, y in steps).replace(" -", "-")


@dataclass(frozen=True, slots=True)
class Mark:
    """A single value: a published total, the last value, or a day between two gaps."""

    x: float
    y: float
    tone: str
    hollow: bool


@dataclass(frozen=True, slots=True)
class Name:
    """The name of a series at its end: its position in percent, and its last value."""

    key: str
    at: int
    value: str
    #: ``in Oct``, after a space; empty for the last day.
    when: str


@dataclass(frozen=True, slots=True)
class Label:
    """A text above a bar, in percent of the plot box."""

    x: float
    y: float
    text: str
    #: The top of the bar if the text is above a taller neighbour; a line connects both.
    ground: float | None = None


@dataclass(frozen=True, slots=True)
class Drawing:
    """The marks and texts of a static chart."""

    scale: Scale
    x_ticks: Mapping[Room, tuple[Tick, ...]]
    y_ticks: tuple[Tick, ...]
    bars: tuple[Bar, ...]
    lines: tuple[Line, ...]
    marks: tuple[Mark, ...]
    lane: Mapping[Room, tuple[EventMark, ...]]
    names: Mapping[str, Name]
    #: The last full value of all series together (above its bar), or of the only line: for all charts by "", or for
    #: wide and narrow ones if it is not equally high in both; empty if there is none.
    last: Mapping[str, Label]
    #: The current period in words; empty if there is none.
    running: str

    @property
    def solid(self) -> Mapping[str, str]:
        """The complete bars as one path by tone."""
        paths: dict[str, str] = {}
        for bar in self.bars:
            if not bar.faint and bar.height:
                box = f"M{bar.x:g} {bar.y:g}h{bar.width:g}v{bar.height:g}h-{bar.width:g}z"
                paths[bar.tone] = paths.get(bar.tone, "") + box
        return paths

    @property
    def hatched(self) -> tuple[Bar, ...]:
        """The other bars."""
        return tuple(bar for bar in self.bars if bar.faint)

    @property
    def hatches(self) -> tuple[tuple[str, BarState], ...]:
        """The patterns of the other bars."""
        return tuple(dict.fromkeys((bar.tone, bar.state) for bar in self.hatched))


def draw(chart: Chart) -> Drawing:
    """Return the static chart."""
    scale = scale_of(chart)
    pen = _Pen(scale)
    bars: list[Bar] = []
    lines: list[Line] = []
    marks: list[Mark] = []
    below: dict[date, int] = {}
    first = scale.start.date()
    for series in chart.shown:
        if chart.is_flow:
            bars += pen.stacked([p for p in series.months if p.period_end >= first], series, below)
        else:
            shown_days = series.days.since(first)
            lines += pen.lines(shown_days, series)
            marks += pen.lonely(shown_days, series)
    return Drawing(
        scale=scale,
        x_ticks={room: tuple(Tick(percent(scale.x(t.at)), t.text) for t in scale.ticks(room)) for room in Room},
        y_ticks=tuple(Tick(percent(scale.y(level.value)), level.text) for level in scale.levels),
        bars=tuple(bars),
        lines=tuple(lines),
        marks=tuple(marks),
        lane={room: lane_of(chart, scale, room) for room in Room},
        names=_names(chart, scale),
        last=_last_by_room(chart, scale, below),
        running=_running(chart),
    )


def percent(share: float) -> float:
    """Return a share in percent, with the visible digits."""
    return round(100 * share, 2)


def compact(value: int) -> str:
    """Return ``1,200,000`` as ``1.2M``."""
    return formats.compact(value, trim=True)


def precise(value: int) -> str:
    """Return ``7,624,793`` as ``7.62M``. Numbers of up to five digits are not shortened."""
    if value < 99_999.5:  # noqa: PLR2004
        return formats.number(value)
    return formats.compact(value, 2 if value >= 999_950 else 1)  # noqa: PLR2004


@dataclass(frozen=True, slots=True)
class _Pen:
    """Converts points to marks."""

    scale: Scale

    def x(self, day: date) -> float:
        return round(UNITS * self.scale.x(day), 1)

    def y(self, value: int) -> float:
        return round(UNITS * self.scale.y(value), 1)

    def height(self, value: int) -> int:
        """Return the height of a point of a line. Rounded, because fractions are not visible but add to the size."""
        return round(UNITS * self.scale.y(value))

    def stacked(self, points: Sequence[PeriodPoint], series: Series, below: dict[date, int]) -> Iterator[Bar]:
        """Return bars on top of those before; ``below`` has the sums so far by the first day of the month."""
        first = self.scale.start.date()
        for point, month in stacked_months(points):
            if month < first:
                continue
            left, right = self.x(month), self.x(Month.of(month).last + DAY)
            room = (right - left) * STACK_SHARE
            ground = below.get(month, 0)
            below[month] = ground + point.value
            x = left + (right - left - room) / 2
            yield self._bar(x, room, (ground, ground + point.value), series.tone, state_of(point))

    def _bar(self, x: float, width: float, values: tuple[int, int], tone: str, state: BarState) -> Bar:
        bottom, top = self.y(values[0]), self.y(values[1])
        return Bar(round(x, 1), top, round(width, 1), round(bottom - top, 1), tone, state)

    def lines(self, points: Sequence[DayPoint], series: Series) -> Iterator[Line]:
        """Return one line per run of days without a gap. Dashed lines of estimates connect to their neighbours."""
        for run in _rows(points):
            if len(run) > 1:
                dashed = any(p.kind is PointKind.ESTIMATED for p in run)
                thinned = _thinned(run, MOST_POINTS)
                yield Line(" ".join(f"{self.x(p.day):g},{self.height(p.value)}" for p in thinned), series.tone, dashed)

    def lonely(self, points: Sequence[DayPoint], series: Series) -> Iterator[Mark]:
        """Return marks for days that are not part of a line, and for the last day."""
        runs = list(_rows(points))
        for number, run in enumerate(runs):
            is_last = number == len(runs) - 1
            if len(run) == 1 or is_last:
                # Rounded like the ends of lines, so that a mark covers them.
                x, y = self.x(run[-1].day), self.height(run[-1].value)
                yield Mark(round(x / 10, 2), round(y / 10, 2), series.tone, hollow=False)


def bar_span(scale: Scale, month: date) -> tuple[float, float]:
    """Return where the bar of a month starts and ends, as shares of the width; ``month`` is its first day."""
    left, right = scale.x(month), scale.x(Month.of(month).last + DAY)
    gap = (right - left) * (1 - STACK_SHARE) / 2
    return left + gap, right - gap


def state_of(point: PeriodPoint) -> BarState:
    """Return why a sum is not complete."""
    if point.kind is PointKind.SEEDED:
        return BarState.PUBLISHED
    if point.is_complete:
        return BarState.WHOLE
    if point.is_running:
        return BarState.RUNNING
    return BarState.PUBLISHED if point.days_observed is None else BarState.PARTIAL


def last_month(chart: Chart) -> Month:
    """Return the last full month with data; if there is none, the last full month."""
    over = last_full_month(chart.as_of).last
    counted = (p for series in chart.shown for p in series.months if p.kind is not PointKind.SEEDED)
    ends = (p.period_end for p in counted if p.period_end <= over)
    return Month.of(max(ends, default=over))


def last_values(chart: Chart) -> dict[str, int]:
    """Return the value of each series in the last full month, for stars on the last day, by key."""
    if chart.kind is ChartKind.STOCK:
        return {series.key: series.days[-1].value for series in chart.shown if series.days}
    first = last_month(chart).first
    found: dict[str, int] = {}
    for series in chart.shown:
        for point in series.months:
            if point.period_start == first and point.kind is not PointKind.SEEDED:
                found[series.key] = point.value
    return found


def _last(chart: Chart, scale: Scale) -> Label | None:
    """Return the label of the last full value, of a stack or of the only series."""
    values = last_values(chart)
    if not values or not (chart.is_flow or len(chart.shown) == 1):
        return None
    value = sum(values.values())
    if chart.kind is ChartKind.STOCK:
        day = chart.shown[0].days[-1].day
        if day < scale.start.date():
            return None
        at = scale.x(day)
    else:
        month = last_month(chart)
        if month.first < scale.start.date():
            return None
        at = scale.x(middle(month.first, month.last))
    return Label(percent(at), percent(scale.y(value)), precise(value)) if value else None


def _last_by_room(chart: Chart, scale: Scale, sums: Mapping[date, int]) -> dict[str, Label]:
    """Return the label of the last full value by size class; ``sums`` are the heights of all bars by month."""
    last = _last(chart, scale)
    if last is None:
        return {}
    # Only the months around the label, which is widest in a narrow chart.
    reach = LAST_CHARACTER * len(last.text) / 2 / LEAST_WIDTH[Room.NARROW]
    first = (scale.start + (last.x / 100 - reach) * (scale.end - scale.start)).date() - LONGEST_MONTH
    tops = ((month, percent(scale.y(value))) for month, value in sums.items() if month >= first)
    higher = [(*bar_span(scale, month), top) for month, top in tops if top < last.y]
    if chart.is_flow and not higher:
        return {"": last}
    found: dict[str, Label] = {}
    for room in (Room.NARROW, Room.WIDE):
        half = LAST_CHARACTER * len(last.text) / 2 / LEAST_WIDTH[room]
        if chart.is_flow:
            left, right = last.x / 100 - half, last.x / 100 + half
            top = min((top for start, end, top in higher if start < right and end > left), default=last.y)
        else:
            # It ends at the end of the line.
            begin = scale.start + (last.x / 100 - 2 * half) * (scale.end - scale.start)
            top = percent(scale.y(int(chart.shown[0].days.since(begin.date()).values.max())))
        found[room] = raised(last, top)
        if found[room] == last:
            # In a wide chart, the label is above less.
            return {"": last} if room is Room.NARROW else found
    return {"": found[Room.WIDE]} if found[Room.WIDE] == found[Room.NARROW] else found


def raised(label: Label, top: float) -> Label:
    """Return a label above everything within its width, whose highest point is at ``top``."""
    if top >= label.y:
        return label
    return replace(label, y=top, ground=label.y if label.y - top >= LEADER else None)


def has_names(chart: Chart) -> bool:
    """Return whether the names of series are at their end: if there are several, but not too many."""
    splits = [series.split for series in chart.series]
    most = max((splits.count(split) for split in splits), default=0)
    return most > 1 and most + (chart.kind is ChartKind.FLOW) <= MOST_NAMES


def needs_width(chart: Chart) -> bool:
    """Return whether the names of series would take several lines below a chart of half the width of the page."""
    count = len(chart.shown)
    return count > MOST_BELOW and (not has_names(chart) or has_long_names(chart))


def short_names(chart: Chart) -> dict[str, str]:
    """Return the names of series by key, without the package in brackets if the rest identifies the series."""
    labels = {series.key: series.name.removesuffix(f" ({series.subject})") for series in chart.series}
    is_unique = len({(series.split, labels[series.key]) for series in chart.series}) == len(labels)
    return labels if is_unique else {series.key: series.name for series in chart.series}


def has_long_names(chart: Chart) -> bool:
    """Return whether a name at the end of its series, or the text below it, needs more than the usual width."""
    if not has_names(chart):
        return False
    end = _note(chart)
    notes = [precise(value) + end for value in last_values(chart).values()]
    return _widest_name(chart) > _USUAL_NAME or any(text_width(note, _NAME_SIZE) > _USUAL_NOTE for note in notes)


def has_longer_names(chart: Chart) -> bool:
    """Return whether a long name needs a chart of nearly the whole width of the page at the end of its series."""
    return has_names(chart) and _widest_name(chart) > _LONG_NAME


def _widest_name(chart: Chart) -> float:
    splits, names = [series.split for series in chart.series], short_names(chart)
    # The only series of a split is not named.
    named = [names[series.key] for series in chart.series if splits.count(series.split) > 1]
    return max((text_width(name, _NAME_SIZE, is_bold=True) for name in named), default=0.0)


def _note(chart: Chart) -> str:
    """Return the text after a value below a name, such as " in Oct"."""
    return "" if chart.kind is ChartKind.STOCK else f" in {formats.short_month_name(last_month(chart).first)}"


def _names(chart: Chart, scale: Scale) -> dict[str, Name]:
    """Return the positions of the names of series: next to their last values, without overlaps."""
    values, places, ground = last_values(chart), dict[str, float](), 0
    note = _note(chart)
    for series in chart.shown:
        value = values.get(series.key, 0)
        places[series.key] = scale.y(ground + value / 2 if chart.is_flow else value)
        ground += value if chart.is_flow else 0
    if _running(chart):
        places[RUNNING] = 1.0
    spread = spread_names(list(places.values()))
    return {
        key: Name(key, at, precise(values[key]) if key in values else "", note if key in values else "")
        for key, at in zip(places, spread, strict=True)
    }


def spread_names(places: Sequence[float]) -> list[int]:
    """Return positions in percent close to ``places`` (shares of the height), with space for a name each."""
    room = min(100 * NAME_HEIGHT / PLOT_HEIGHT, 100 / max(1, len(places)))
    found = dict[int, float]()
    taken = -room / 2
    for index in sorted(range(len(places)), key=lambda index: (places[index], index)):
        taken = max(100 * places[index], taken + room)
        found[index] = taken
    # Then from the bottom upwards, to move back names outside of the plot.
    limit = 100.0
    for index in reversed(list(found)):
        found[index] = limit = min(found[index], limit)
        limit -= room
    return [max(0, round(found[index])) for index in range(len(places))]


def _running(chart: Chart) -> str:
    """Return ``Nov so far, 23 of 30 days``."""
    month = Month.of(chart.as_of)
    if chart.kind is ChartKind.STOCK or chart.as_of == month.last or chart.newest_day is None:
        return ""
    if Month.of(chart.newest_day) != month:
        return ""
    return f"{formats.short_month_name(month.first)} so far, {chart.newest_day.day} of {month.days} days"


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
