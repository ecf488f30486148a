"""The figure of weekly gains: bars up, and bars down for losses. Pure; the markup is in a template."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from cmetrics.analytics.product import WeekNet
from cmetrics.charts.svg import Tick
from cmetrics.domain import formats

#: Width and height, on a page and on a phone.
WIDE, NARROW = (1120.0, 150.0), (360.0, 130.0)
LEFT, RIGHT, TOP, BOTTOM = 46.0, 10.0, 10.0, 24.0
_SHARE = 0.7
#: The width of a label of the time axis.
_LABEL = 66.0


@dataclass(frozen=True, slots=True)
class NetBar:
    """One week."""

    x: float
    y: float
    width: float
    height: float
    is_loss: bool
    title: str


@dataclass(frozen=True, slots=True)
class NetDrawing:
    """Bars around a line for zero."""

    bars: tuple[NetBar, ...]
    x_ticks: tuple[Tick, ...]
    #: The largest gain, zero, and the largest loss if there is room.
    y_ticks: tuple[Tick, ...]
    width: float
    height: float
    left: float
    right: float
    bottom: float


@dataclass(frozen=True, slots=True)
class NetFigure:
    """The drawings, and the same for those who cannot see them."""

    wide: NetDrawing
    narrow: NetDrawing
    alternative: str


def build_net_figure(weeks: Sequence[WeekNet], noun: str = "stars") -> NetFigure | None:
    """Return the figure; None if no week has a value other than zero."""
    known = [week for week in weeks if week.value]
    if not known:
        return None
    best, worst = max(known, key=lambda week: week.value or 0), min(known, key=lambda week: week.value or 0)
    text = (
        f"Net {noun} by week, {formats.period(weeks[0].start, weeks[-1].end)}. "
        f"Highest: {formats.signed(best.value or 0)} in the week from {formats.long_day(best.start)}. "
        f"Lowest: {formats.signed(worst.value or 0)} in the week from {formats.long_day(worst.start)}."
    )
    return NetFigure(_draw(weeks, noun, *WIDE), _draw(weeks, noun, *NARROW), text)


def _draw(weeks: Sequence[WeekNet], noun: str, width: float, height: float) -> NetDrawing:
    values = [week.value or 0 for week in weeks]
    highest, lowest = max([*values, 0]), min([*values, 0])
    scale = (height - TOP - BOTTOM) / (highest - lowest)
    step = (width - LEFT - RIGHT) / len(weeks)
    zero = TOP + highest * scale
    bars: list[NetBar] = []
    ticks: list[Tick] = []
    for number, week in enumerate(weeks):
        x = LEFT + step * number
        if week.value:
            tall = max(abs(week.value) * scale, 1)
            top = zero - tall if week.value > 0 else zero
            title = f"{formats.period(week.start, week.end)}: {formats.signed(week.value)} {noun}"
            share = round(step * _SHARE, 1)
            bars.append(NetBar(round(x, 1), round(top, 1), share, round(tall, 1), week.value < 0, title))
        # The first week of a month, if its name has room.
        if week.start.day <= 7 and x + _LABEL <= width and (not ticks or x - ticks[-1].at >= _LABEL * 1.5):  # noqa: PLR2004
            ticks.append(Tick(round(x, 1), formats.short_month(week.start)))
    levels = [(highest, highest > 0), (0, True), (lowest, -lowest * scale > TOP)]
    y_ticks = tuple(Tick(round(zero - value * scale, 1), formats.number(value)) for value, shown in levels if shown)
    return NetDrawing(tuple(bars), tuple(ticks), y_ticks, width, height, LEFT, width - RIGHT, height - 6)
