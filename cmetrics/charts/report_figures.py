"""The figures of a monthly report: positions of bars and labels. Pure; the markup is in a template."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from cmetrics.analytics.report import DownloadsRow, MonthBar
from cmetrics.charts.scale import levels
from cmetrics.charts.svg import Tick, compact
from cmetrics.domain import formats
from cmetrics.domain.days import Month

#: Sizes of the chart of all downloads.
WIDTH, HEIGHT = 1120.0, 400.0
LEFT, RIGHT, TOP, BOTTOM = 56.0, 12.0, 26.0, 34.0
#: Sizes of the bars beside a row.
ROW_WIDTH, ROW_HEIGHT = 132.0, 28.0
#: Sizes of the chart of net gains, without its labels.
NET_WIDTH, NET_HEIGHT = 1120.0, 150.0
_GAP = 0.24
#: Stands for a number that is not known.
NONE = "–"


@dataclass(frozen=True, slots=True)
class Block:
    """One rectangle, in the units of its drawing."""

    x: float
    y: float
    width: float
    height: float
    tone: str
    #: Days are missing, or a published total stands for them.
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
    width: float = WIDTH
    height: float = HEIGHT
    left: float = LEFT
    right: float = WIDTH - RIGHT
    bottom: float = HEIGHT - BOTTOM


@dataclass(frozen=True, slots=True)
class NetBar:
    """The net gain of a month: its bar if it is known, where its value is written, and its month."""

    block: Block | None
    at: float
    value_y: float
    value: str
    month: str


@dataclass(frozen=True, slots=True)
class Share:
    """One part of a bar of shares."""

    name: str
    tone: str
    #: Percent of the bar: where it begins, and how long it is.
    start: float
    percent: float


def month_chart(history: Sequence[MonthBar], tones: Sequence[str], names: Sequence[str]) -> MonthChart:
    """Return the chart of ``history``; ``tones`` and ``names`` are those of the products."""
    most = levels(max((bar.value for bar in history), default=0))
    ceiling = most[-1]
    step = (WIDTH - LEFT - RIGHT) / max(len(history), 1)

    def y(value: int) -> float:
        return round(HEIGHT - BOTTOM - (HEIGHT - BOTTOM - TOP) * value / ceiling, 1)

    blocks: list[Block] = []
    for number, bar in enumerate(history):
        below = 0
        for part, tone, name in zip(bar.parts, tones, names, strict=True):
            if part:
                title = f"{formats.month(bar.month.first)}, {name}: {formats.number(part)}"
                top = y(below + part)
                blocks.append(
                    Block(
                        x=round(LEFT + step * (number + _GAP / 2), 1),
                        y=top,
                        width=round(step * (1 - _GAP), 1),
                        height=round(y(below) - top, 1),
                        tone=tone,
                        is_partial=not bar.is_complete,
                        title=title,
                    )
                )
            below += part or 0
    first, last = history[0], history[-1]
    return MonthChart(
        blocks=tuple(blocks),
        x_ticks=tuple(
            Tick(round(LEFT + step * (number + 0.5), 1), _month_label(bar))
            for number, bar in enumerate(history)
            if (len(history) - 1 - number) % 3 == 0
        ),
        y_ticks=tuple(Tick(y(level), compact(level)) for level in most),
        last=Tick(round(LEFT + step * (len(history) - 0.5), 1), compact(last.value)),
        last_y=y(last.value) - 7,
        alternative=(
            f"Bars of all downloads by month, {formats.month(first.month.first)} to {formats.month(last.month.first)}; "
            f"the last one is {formats.number(last.value)}."
        ),
        has_partial=any(not bar.is_complete and bar.value for bar in history),
    )


def row_bars(history: Sequence[int | None], tone: str) -> tuple[Block, ...]:
    """Return the bars beside a row, without the months that are not known."""
    return tuple(block for block in _bars(history, tone, ROW_WIDTH, ROW_HEIGHT) if block is not None)


def net_chart(history: Sequence[int | None], month: Month) -> tuple[NetBar, ...]:
    """Return the chart of net gains up to ``month``, with a value and a label per month."""
    blocks = _bars(history, "total", NET_WIDTH, NET_HEIGHT)
    step = NET_WIDTH / max(len(history), 1)
    return tuple(
        NetBar(
            block=block,
            at=round(step * (number + 0.5), 1),
            value_y=round((block.y if block is not None else NET_HEIGHT) - 8, 1),
            value=NONE if value is None else formats.signed(value),
            month=formats.short_month_name(month.plus(number + 1 - len(history)).first),
        )
        for number, (block, value) in enumerate(zip(blocks, history, strict=True))
    )


def _bars(history: Sequence[int | None], tone: str, width: float, height: float) -> list[Block | None]:
    """Return a bar per value; those below zero hang from the same line."""
    known = [value for value in history if value is not None]
    highest, lowest = max([*known, 0]), min([*known, 0])
    span = (highest - lowest) or 1
    zero = height * highest / span
    step = width / max(len(history), 1)
    return [
        None
        if value is None
        else Block(
            x=round(step * (number + _GAP / 2), 1),
            y=round(zero - max(value, 0) * height / span, 1),
            width=round(step * (1 - _GAP), 1),
            height=max(round(abs(value) * height / span, 1), 0.5),
            tone=tone,
        )
        for number, value in enumerate(history)
    ]


def shares(rows: Sequence[DownloadsRow], tones: Sequence[str], *, before: bool = False) -> tuple[Share, ...]:
    """Return the parts of a bar of shares; empty unless every row has one."""
    percents = [row.previous_share if before else row.share for row in rows]
    known = [percent for percent in percents if percent is not None]
    whole = sum(known)
    if not whole or not rows:
        return ()
    found: list[Share] = []
    start = 0.0
    for row, percent, tone in zip(rows, percents, tones, strict=True):
        if percent:
            length = 100 * percent / whole
            found.append(Share(row.name, tone, round(start, 2), round(length, 2)))
            start += length
    return tuple(found)


def _month_label(bar: MonthBar) -> str:
    return formats.short_month(bar.month.first)
