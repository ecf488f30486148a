"""Charts of metrics that are not part of a total.

The chart of a counter has its count as a line and, below it, the increases between readings: a bar per day, and one
pale bar for an interval of several days, as high as its average day and labelled with the whole increase. A rolling
window, a stock and a daily count have one panel.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date
from itertools import pairwise
from math import ceil

from cmetrics.analytics.intervals import Interval
from cmetrics.analytics.model import CountItem, DayPoint
from cmetrics.charts import count_words
from cmetrics.charts.panels import Column, Panel, PanelChart, Part, Row, Run, Span, Stop
from cmetrics.charts.scale import Level, flow_levels, stock_levels
from cmetrics.charts.svg import precise
from cmetrics.domain import formats
from cmetrics.domain.days import DAY, window
from cmetrics.domain.kind import Measure
from cmetrics.domain.plural import plural
from cmetrics.domain.sanitize import isolate

#: The name of the increase of a counter.
_FLOW_HEADING = "Since previous reading"
#: The number of days that a chart shows, so that a day is wide enough to be visible.
DAYS_SHOWN = 180
#: The minimum number of days, so that a short series does not fill the whole width.
_FEWEST_DAYS = DAYS_SHOWN // 3
#: The maximum number of rows of the table.
ROWS_SHOWN = 180
#: The positions of the two panels of a counter, as shares of the height, with space for a row of labels between them.
_COUNTS, _FLOWS = (0.0, 0.52), (0.64, 1.0)
#: The maximum number of levels of the lower panel, which has little height.
_FEW_LEVELS = 3


def build_count_chart(item: CountItem, as_of: date) -> PanelChart:
    """Return the chart of one metric, of the last :data:`DAYS_SHOWN` days."""
    metric, measure = item.metric, item.metric.measure
    first = max(window(as_of, DAYS_SHOWN), min((point.day for point in item.points[:1]), default=as_of))
    first = min(first, window(as_of, _FEWEST_DAYS))
    points = [point for point in item.points if point.day >= first]
    panels = tuple(_panels(item, points, first))
    value = Part(_heading(measure), item.tone)
    return PanelChart(
        key=metric.slug,
        title=count_title(item),
        subtitle=_subtitle(item, first, as_of),
        alternative=count_alternative(item),
        source=item.source_title,
        notes=tuple(_notes(item, panels)),
        as_of=as_of,
        first=first,
        last=as_of,
        panels=panels,
        parts=(value, Part(_FLOW_HEADING, item.tone)) if measure.is_counter else (value,),
        stops=tuple(_counter_stops(item, points, first) if measure.is_counter else _stops(measure, points)),
        headings=((value.name, True), (_FLOW_HEADING, False)) if measure.is_counter else ((value.name, True),),
        rows=tuple(_rows(item)),
        unit=measure.noun,
        extra={
            "kind": "count",
            "sums": _sums(measure),
            "days": measure.window_days,
        },
    )


def _sums(measure: Measure) -> bool | None:
    """Return whether a window has a sum; None for daily counts that cannot be summed."""
    if measure.is_flow and not measure.adds_up:
        return None
    return measure.is_counter or measure.is_flow


def _subtitle(item: CountItem, first: date, as_of: date) -> str:
    is_full = first == window(as_of, DAYS_SHOWN)
    begin = item.points[0].day if item.points else first
    since = f"last {DAYS_SHOWN} days" if is_full else f"since {formats.short_day(begin)}"
    return f"{item.source_title}, {since}"


def _notes(item: CountItem, panels: Sequence[Panel]) -> Iterator[str]:
    measure = item.metric.measure
    columns = [column for panel in panels for column in panel.columns]
    if measure.is_counter:
        yield "The count, read once a night, and its increase between readings."
        if any(column.is_pale for column in columns):
            yield "Pale bars: one increase over several days, drawn as a daily average."
        if any(run.is_dashed for panel in panels for run in panel.runs):
            yield "Dashed: nights without a reading."
        if any(panel.unknown for panel in panels):
            yield "◇ Increase unknown."
    elif measure.is_rolling:
        yield f"Each point covers the {measure.window_days} days up to it."
    else:
        yield "Daily counts." if measure.is_flow else "The count, read once a night."
    low = panels[0].levels[0].value
    if low:
        yield f"The axis starts at {formats.number(low)}."


def count_title(item: CountItem) -> str:
    """Return the title of the chart of a metric."""
    return f"{_heading(item.metric.measure)} of {item.metric.subject} ({isolate(item.metric.display_name)})"


def _heading(measure: Measure) -> str:
    return measure.noun[:1].upper() + measure.noun[1:]


def count_alternative(item: CountItem) -> str:
    """Return the alternative text of a metric's chart."""
    if item.latest is None:
        return "No data yet."
    first, last = item.points[0] if item.points else item.latest, item.latest
    noun, recent = item.metric.measure.noun, count_words.recent(item)
    text = (
        f"From {formats.number(first.value)} {noun} ({formats.long_day(first.day)}) "
        f"to {formats.number(last.value)} ({formats.long_day(last.day)})."
    )
    return f"{text} {recent[:1].upper()}{recent[1:]}." if recent else text


def _rows(item: CountItem) -> Iterator[Row]:
    measure = item.metric.measure
    flows = {interval.end_day: count_words.flow(interval, measure) for interval in item.intervals}
    days = measure.window_days
    for point in reversed(item.points[-ROWS_SHOWN:]):
        day, value = formats.long_day(point.day), formats.number(point.value)
        cells = (value, flows.get(point.day) or "–") if measure.is_counter else (value,)
        yield Row(f"{days} days to {day}" if days else day, cells)


# -- panels ------------------------------------------------------------------------------------------


def _panels(item: CountItem, points: Sequence[DayPoint], first: date) -> Iterator[Panel]:
    measure = item.metric.measure
    if measure.is_counter:
        yield _line_panel(item, points, _COUNTS)
        yield _interval_panel(item, first)
    elif measure.is_flow:
        levels = flow_levels([point.value for point in points])
        columns = tuple(Column(point.day, point.day, point.value, item.tone) for point in points)
        yield Panel(item.tone, levels, f"{measure.noun} per day", columns=columns)
    else:
        yield _line_panel(item, points, (0.0, 1.0))


def _line_panel(item: CountItem, points: Sequence[DayPoint], place: tuple[float, float]) -> Panel:
    measure = item.metric.measure
    runs = list(_runs(points, _apart(measure)))
    lines = [Run(_pairs(run)) for run in runs if len(run) > 1]
    if measure.is_counter:
        # Between two readings, the count is known to be between theirs.
        lines += [Run(_pairs((before[-1], after[0])), is_dashed=True) for before, after in pairwise(runs)]
    last = points[-1] if points else None
    newest = None if last is None else (last.day, last.value, precise(last.value))
    return Panel(
        item.tone,
        _line_levels(measure, [point.value for point in points]),
        measure.card_label,
        *place,
        runs=tuple(lines),
        dots=_pairs(run[-1] for run in runs if len(run) == 1 or run is runs[-1]),
        newest=newest,
    )


def _line_levels(measure: Measure, values: Sequence[int]) -> tuple[Level, ...]:
    return flow_levels(values) if measure.is_rolling else stock_levels(values)


def _apart(measure: Measure) -> int:
    """Return the number of days between consecutive values without a gap."""
    return (measure.window_days or 1) if measure.has_history else measure.every_days


def _pairs(points: Iterator[DayPoint] | Sequence[DayPoint]) -> tuple[tuple[date, int], ...]:
    return tuple((point.day, point.value) for point in points)


def _runs(points: Sequence[DayPoint], apart: int) -> Iterator[list[DayPoint]]:
    """Split points at gaps of more than ``apart`` days."""
    run: list[DayPoint] = []
    for point in points:
        if run and (point.day - run[-1].day).days > apart:
            yield run
            run = []
        run.append(point)
    if run:
        yield run


def _interval_panel(item: CountItem, first: date) -> Panel:
    shown = [interval for interval in item.intervals if interval.end_day >= first]
    known = [interval for interval in shown if interval.flow is not None]
    columns = tuple(
        Column(_start(interval, first), interval.end_day, _average(interval), item.tone, not interval.is_day)
        for interval in known
    )
    levels = flow_levels([ceil(column.value) for column in columns], _FEW_LEVELS)
    return Panel(
        item.tone,
        levels,
        "per day",
        *_FLOWS,
        columns=columns,
        unknown=tuple(Span(_start(one, first), one.end_day) for one in shown if one.flow is None),
        labels=tuple(
            Span(_start(one, first), one.end_day, f"{formats.number(one.flow or 0)} {one.length_text}")
            for one in known
            if one.days > 1
        ),
    )


def _start(interval: Interval, first: date) -> date:
    return max(interval.start_day + DAY, first)


def _average(interval: Interval) -> float:
    """Return the height of an interval: its average day if it is long, else its whole increase."""
    return (interval.flow or 0) / (1 if interval.is_day else interval.days)


# -- the cursor --------------------------------------------------------------------------------------


def _counter_stops(item: CountItem, points: Sequence[DayPoint], first: date) -> Iterator[Stop]:
    """Yield the first reading, then every interval with the count at its end."""
    read = {point.day: point.value for point in points}
    intervals = [interval for interval in item.intervals if interval.end_day >= first]
    begin = points[0].day if points else first
    if points and all(interval.end_day > begin for interval in intervals):
        yield Stop(begin, begin, (points[0].value, "no earlier reading"))
    for interval in intervals:
        start = _start(interval, first)
        nights = (interval.end_day - start).days + 1
        found = sum(start <= day <= interval.end_day for day in read)
        coverage = f"{found} of {plural(nights, 'night')} read" if nights > 1 else ""
        values = (read.get(interval.end_day), _increase(interval))
        # The increase of an interval that begins before the chart includes days that are not shown.
        amount = interval.flow if start == interval.start_day + DAY else None
        yield Stop(start, interval.end_day, values, coverage, amount)


def _increase(interval: Interval) -> int | str:
    if interval.flow is None:
        return f"unknown: {interval.reason}"
    if interval.is_day:
        return interval.flow
    text = f"{formats.number(interval.flow)} {interval.length_text}"
    return f"{text} ({interval.reason})" if interval.reason else text


def _stops(measure: Measure, points: Sequence[DayPoint]) -> Iterator[Stop]:
    """Yield every value, and the days without a value between them."""
    apart = _apart(measure)
    before: date | None = None
    for point in points:
        if before and (missing := (point.day - before).days - 1) >= apart:
            yield Stop(before + DAY, point.day - DAY, (None,), f"0 of {plural(missing, 'day')}")
        yield Stop(point.day, point.day, (point.value,), amount=point.value)
        before = point.day
