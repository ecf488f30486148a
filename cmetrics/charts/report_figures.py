"""The figures of a monthly report: positions of bars and labels. Pure; the markup is in a template."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

import numpy as np

from cmetrics.analytics.report import ROW_MONTHS, DownloadsRow, MonthBar
from cmetrics.charts.scale import GUTTER, levels, middle, moment, named_levels, time_ticks
from cmetrics.charts.svg import LAST_CHARACTER, Tick, precise
from cmetrics.domain import formats
from cmetrics.domain.days import Month

#: Space above and below the plot.
TOP, BOTTOM = 30.0, 30.0
#: Sizes of the bars next to a row in tenths of pixels: of all, and the least height of one.
ROW_WIDTH, ROW_HEIGHT, ROW_LEAST = 1320.0, 280.0, 5.0
_GAP = 0.24
#: The font size of `time_ticks`, and the space to the right of the drawing in which a label may end.
_USUAL_LABEL, _SIDE = 12.0, 12
#: The height from which a line connects a label with its bar.
_LEADER = 10.0
#: The text for an unknown number.
NONE = "–"


@dataclass(frozen=True, slots=True)
class Shape:
    """The sizes of the figures in one width: units are CSS pixels at the natural size of the drawing."""

    name: str
    width: float
    #: The height of the chart of all downloads, the width to the left of its bars for labels of levels, and the
    #: maximum number of labels of its time axis, with their font size.
    height: float
    gutter: float
    most_labels: int
    label_size: float
    #: The height of the bars of net gains without their labels, and the number of months.
    net_height: float
    net_months: int


#: A slide, and a phone.
SHAPES = (
    Shape("wide", 1120.0, 400.0, 48.0, 8, 16.0, 150.0, 12),
    Shape("narrow", 360.0, 230.0, 28.0, 4, 12.0, 110.0, 6),
)


class Block(NamedTuple):
    """A part of a bar."""

    #: An SVG path.
    path: str
    tone: str
    #: Whether days are missing, or replaced by a published total.
    is_partial: bool
    title: str


@dataclass(frozen=True, slots=True)
class MonthChart:
    """The chart of all downloads by month, stacked by product."""

    blocks: tuple[Block, ...]
    x_ticks: tuple[Tick, ...]
    y_ticks: tuple[Tick, ...]
    #: The label above the last bar.
    last: Tick
    last_y: float
    #: The line that connects it with its bar if it is above a taller neighbour: x, upper and lower end.
    leader: tuple[float, float, float] | None
    alternative: str
    has_partial: bool
    shape: Shape
    bottom: float


@dataclass(frozen=True, slots=True)
class NetBar:
    """The net gain of a month: its bar if it is known, the position of its value, and its month."""

    #: An SVG path.
    path: str | None
    at: float
    value_y: float
    value: str
    month: str
    is_loss: bool


@dataclass(frozen=True, slots=True)
class Share:
    """One part of a bar of shares."""

    name: str
    tone: str
    #: Start and length in percent of the bar.
    start: float
    percent: float


def month_charts(history: Sequence[MonthBar], tones: Sequence[str], names: Sequence[str]) -> list[MonthChart]:
    """Return the chart of ``history`` in each shape; ``tones`` and ``names`` are those of the products.

    Its axes are like those of the site's charts: labels next to the bars, with the unit only on the top one, above
    the bars.
    """
    months = [formats.month(bar.month.first) for bar in history]
    titles = [
        [
            f"{month}, {name}: {formats.number(part)}" if part else ""
            for part, name in zip(bar.parts, names, strict=True)
        ]
        for month, bar in zip(months, history, strict=True)
    ]
    return [_month_chart(history, tones, titles, shape) for shape in SHAPES]


def _month_chart(
    history: Sequence[MonthBar], tones: Sequence[str], titles: Sequence[Sequence[str]], shape: Shape
) -> MonthChart:
    named = named_levels(levels(max((bar.value for bar in history), default=0)))
    ceiling, bottom = named[-1].value, shape.height - BOTTOM
    step = _step(history, shape)

    scale = (bottom - TOP) / ceiling

    def y(value: int) -> float:
        return round(bottom - value * scale, 1)

    blocks: list[Block] = []
    lefts, width = _places(len(history), shape.width - shape.gutter)
    for left, bar, of_bar in zip(lefts, history, titles, strict=True):
        is_partial, start = not bar.is_complete, f"{shape.gutter + left:.1f}"
        below, ground = 0, f"{bottom:.1f}"
        for part, tone, title in zip(bar.parts, tones, of_bar, strict=True):
            if part:
                below += part
                top = f"{bottom - below * scale:.1f}"
                blocks.append(Block(f"M{start} {top}h{width}V{ground}H{start}z", tone, is_partial, title))
                ground = top
    first, last = history[0], history[-1]
    text, end = precise(last.value), round(shape.gutter + step * (len(history) - _GAP / 2), 1)
    begin = end - LAST_CHARACTER * shape.label_size / _USUAL_LABEL * len(text)
    below_text = [bar for left, bar in zip(lefts, history, strict=True) if shape.gutter + left + width > begin]
    own, highest = y(last.value), min(y(bar.value) for bar in below_text)
    return MonthChart(
        blocks=tuple(blocks),
        x_ticks=tuple(_month_ticks(history, shape)),
        y_ticks=tuple(Tick(y(level.value), level.text) for level in named),
        last=Tick(end, text),
        last_y=highest - 7,
        leader=(round(end - width / 2, 1), highest, own) if own - highest >= _LEADER else None,
        alternative=(
            f"Bars of all downloads by month, {formats.month(first.month.first)} to {formats.month(last.month.first)}; "
            f"the last one is {formats.number(last.value)}."
        ),
        has_partial=any(not bar.is_complete and bar.value for bar in history),
        shape=shape,
        bottom=bottom,
    )


def _step(history: Sequence[MonthBar], shape: Shape) -> float:
    """Return the distance between the bars of months."""
    return (shape.width - shape.gutter) / max(len(history), 1)


def _month_ticks(history: Sequence[MonthBar], shape: Shape) -> Iterator[Tick]:
    """Yield the labels of some months, each in the middle of its bar."""
    start, end = moment(history[0].month.first), moment(history[-1].month.plus(1).first)
    width = (shape.width - shape.gutter) * _USUAL_LABEL / shape.label_size
    ticks = time_ticks(start, end, shape.most_labels, width, is_centred=True, sides=(GUTTER, _SIDE))
    texts = {tick.at: tick.text for tick in ticks}
    for number, bar in enumerate(history):
        if text := texts.get(middle(bar.month.first, bar.month.last)):
            yield Tick(round(shape.gutter + _step(history, shape) * (number + 0.5), 1), text)


def row_bars(histories: Sequence[Sequence[int | None]]) -> list[str]:
    """Return the bars next to each row as an SVG path, without unknown months.

    The unit is a tenth of a pixel. Bars below zero hang from the same line.
    """
    # An unknown value is NaN.
    values = np.array(histories, np.float64).reshape(len(histories), ROW_MONTHS)
    lefts, width = _places(ROW_MONTHS, ROW_WIDTH)
    highest = np.nanmax(values, axis=1, initial=0.0, keepdims=True)
    lowest = np.nanmin(values, axis=1, initial=0.0, keepdims=True)
    scale = ROW_HEIGHT / np.maximum(highest - lowest, 1.0)
    tops = np.rint((highest - np.maximum(np.nan_to_num(values), 0.0)) * scale).astype(np.int64)
    heights = np.maximum(np.rint(np.abs(np.nan_to_num(values)) * scale), ROW_LEAST).astype(np.int64)
    starts, wide = list(map(round, lefts)), round(width)
    return [
        "".join(
            _bar(left, top, wide, height)
            for left, top, height, is_known in zip(starts, *of_row, strict=True)
            if is_known
        )
        for of_row in zip(tops.tolist(), heights.tolist(), (~np.isnan(values)).tolist(), strict=True)
    ]


def net_chart(history: Sequence[int | None], month: Month, shape: Shape) -> tuple[NetBar, ...]:
    """Return the chart of net gains up to ``month``, with a value and a label per month."""
    history = history[-shape.net_months :]
    lefts, width = _places(len(history), shape.width)
    step = shape.width / max(len(history), 1)
    return tuple(
        NetBar(
            path=_bar(left, bar[0], width, bar[1]) if bar else None,
            at=round(step * (number + 0.5), 1),
            value_y=round((bar[0] if bar else shape.net_height) - 8, 1),
            value=NONE if value is None else formats.signed(value),
            month=formats.short_month_name(month.plus(number + 1 - len(history)).first),
            is_loss=value is not None and value < 0,
        )
        for number, (left, bar, value) in enumerate(zip(lefts, _bars(history, shape.net_height), history, strict=True))
    )


def _bar(left: float, top: float, width: float, height: float) -> str:
    """Return a bar as an SVG path, which is half as long as a rectangle."""
    return f"M{left} {top}h{width}v{height}h-{width}z"


def _bars(history: Sequence[int | None], height: float) -> list[tuple[float, float] | None]:
    """Return the top and the height of the bar of each value. Bars below zero hang from the same line."""
    known = [value for value in history if value is not None]
    highest, lowest = max([*known, 0]), min([*known, 0])
    span = (highest - lowest) or 1
    zero = height * highest / span
    return [
        None
        if value is None
        else (round(zero - max(value, 0) * height / span, 1), max(round(abs(value) * height / span, 1), 0.5))
        for value in history
    ]


# Cached, because the bars of all rows have the same positions.
@lru_cache(maxsize=16)
def _places(count: int, width: float) -> tuple[tuple[float, ...], float]:
    """Return the start of each of ``count`` bars, and their width."""
    step = width / max(count, 1)
    return tuple(round(step * (number + _GAP / 2), 1) for number in range(count)), round(step * (1 - _GAP), 1)


def shares(rows: Sequence[DownloadsRow], tones: Sequence[str], *, before: bool = False) -> tuple[Share, ...]:
    """Return the parts of a bar of shares.

    It is empty without any, and of the month before if a part of this month has none then: the two bars would not be
    made of the same parts.
    """
    percents = [row.previous_share if before else row.share for row in rows]
    known = [percent for percent in percents if percent is not None]
    whole = sum(known)
    if not whole or (before and any(row.share and row.previous_share is None for row in rows)):
        return ()
    found: list[Share] = []
    start = 0.0
    for row, percent, tone in zip(rows, percents, tones, strict=True):
        if percent:
            length = 100 * percent / whole
            found.append(Share(row.name, tone, round(start, 2), round(length, 2)))
            start += length
    return tuple(found)
