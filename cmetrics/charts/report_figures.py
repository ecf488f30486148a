"""The figures of a monthly report: positions of bars and labels. Pure; the markup is in a template."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

from cmetrics.analytics.report import DownloadsRow, MonthBar
from cmetrics.charts.scale import levels, middle, moment, named_levels, time_ticks
from cmetrics.charts.svg import Tick, precise
from cmetrics.domain import formats
from cmetrics.domain.days import Month

#: Space above and below the plot.
TOP, BOTTOM = 30.0, 30.0
#: Sizes of the bars next to a row.
ROW_WIDTH, ROW_HEIGHT = 132.0, 28.0
_GAP = 0.24
#: The tone of stars, as on the overview.
STARS = "n0"
#: The text for an unknown number.
NONE = "–"


@dataclass(frozen=True, slots=True)
class Shape:
    """The sizes of the figures in one width: units are CSS pixels at the natural size of the drawing."""

    name: str
    width: float
    #: The height of the chart of all downloads, the width to the left of its bars for labels of levels, and the
    #: maximum number of labels of its time axis.
    height: float
    gutter: float
    most_labels: int
    #: The height of the bars of net gains without their labels, and the number of months.
    net_height: float
    net_months: int


#: A slide, and a phone.
SHAPES = (Shape("wide", 1120.0, 400.0, 48.0, 8, 150.0, 12), Shape("narrow", 360.0, 230.0, 28.0, 4, 110.0, 6))


class Block(NamedTuple):
    """One rectangle, in the units of its drawing."""

    x: float
    y: float
    width: float
    height: float
    tone: str
    #: Whether days are missing, or replaced by a published total.
    is_partial: bool = False
    title: str = ""


@dataclass(frozen=True, slots=True)
class MonthChart:
    """The chart of all downloads by month, stacked by product."""

    blocks: tuple[Block, ...]
    x_ticks: tuple[Tick, ...]
    y_ticks: tuple[Tick, ...]
    #: The label above the last bar.
    last: Tick
    last_y: float
    alternative: str
    has_partial: bool
    shape: Shape
    bottom: float


@dataclass(frozen=True, slots=True)
class NetBar:
    """The net gain of a month: its bar if it is known, the position of its value, and its month."""

    block: Block | None
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


def month_chart(history: Sequence[MonthBar], tones: Sequence[str], names: Sequence[str], shape: Shape) -> MonthChart:
    """Return the chart of ``history``; ``tones`` and ``names`` are those of the products.

    Its axes are like those of the site's charts: labels next to the bars, with the unit only on the top one, above
    the bars.
    """
    named = named_levels(levels(max((bar.value for bar in history), default=0)))
    ceiling, bottom = named[-1].value, shape.height - BOTTOM
    step = _step(history, shape)

    def y(value: int) -> float:
        return round(bottom - (bottom - TOP) * value / ceiling, 1)

    blocks: list[Block] = []
    lefts, width = _places(len(history), shape.width - shape.gutter)
    for left, bar in zip(lefts, history, strict=True):
        month, is_partial = formats.month(bar.month.first), not bar.is_complete
        below, ground = 0, y(0)
        for part, tone, name in zip(bar.parts, tones, names, strict=True):
            if part:
                below += part
                top = y(below)
                title = f"{month}, {name}: {formats.number(part)}"
                height = round(ground - top, 1)
                blocks.append(Block(round(shape.gutter + left, 1), top, width, height, tone, is_partial, title))
                ground = top
    first, last = history[0], history[-1]
    return MonthChart(
        blocks=tuple(blocks),
        x_ticks=tuple(_month_ticks(history, shape)),
        y_ticks=tuple(Tick(y(level.value), level.text) for level in named),
        last=Tick(round(shape.gutter + step * (len(history) - _GAP / 2), 1), precise(last.value)),
        last_y=y(last.value) - 7,
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
    texts = {tick.at: tick.text for tick in time_ticks(start, end, shape.most_labels, is_centred=True)}
    for number, bar in enumerate(history):
        if text := texts.get(middle(bar.month.first, bar.month.last)):
            yield Tick(round(shape.gutter + _step(history, shape) * (number + 0.5), 1), text)


def row_bars(history: Sequence[int | None], tone: str) -> tuple[Block, ...]:
    """Return the bars next to a row, without unknown months."""
    return tuple(block for block in _bars(history, tone, ROW_WIDTH, ROW_HEIGHT) if block is not None)


def net_chart(history: Sequence[int | None], month: Month, shape: Shape) -> tuple[NetBar, ...]:
    """Return the chart of net gains up to ``month``, with a value and a label per month."""
    history = history[-shape.net_months :]
    blocks = _bars(history, STARS, shape.width, shape.net_height)
    step = shape.width / max(len(history), 1)
    return tuple(
        NetBar(
            block=block,
            at=round(step * (number + 0.5), 1),
            value_y=round((block.y if block is not None else shape.net_height) - 8, 1),
            value=NONE if value is None else formats.signed(value),
            month=formats.short_month_name(month.plus(number + 1 - len(history)).first),
            is_loss=value is not None and value < 0,
        )
        for number, (block, value) in enumerate(zip(blocks, history, strict=True))
    )


def _bars(history: Sequence[int | None], tone: str, width: float, height: float) -> list[Block | None]:
    """Return a bar per value. Bars below zero hang from the same line."""
    known = [value for value in history if value is not None]
    highest, lowest = max([*known, 0]), min([*known, 0])
    span = (highest - lowest) or 1
    zero = height * highest / span
    lefts, wide = _places(len(history), width)
    return [
        None
        if value is None
        else Block(
            left,
            round(zero - max(value, 0) * height / span, 1),
            wide,
            max(round(abs(value) * height / span, 1), 0.5),
            tone,
        )
        for left, value in zip(lefts, history, strict=True)
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
