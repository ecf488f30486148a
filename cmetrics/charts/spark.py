"""Sparklines: a series as polylines and dots in a box of 120 x 32."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from cmetrics.analytics.model import DayPoint, PeriodPoint
from cmetrics.domain.days import Month

#: The maximum number of points: a picture of this size cannot show more, and a list may contain hundreds of pictures.
POINTS_DRAWN = 40
MONTHS_DRAWN = 36
#: The number of months drawn as bars.
BARS_DRAWN = 24


@dataclass(frozen=True, slots=True)
class Dot:
    """The mark of a single value; hollow if days are missing."""

    x: str
    y: str
    is_hollow: bool = False


@dataclass(frozen=True, slots=True)
class Spark:
    """The geometry of a sparkline."""

    #: The points of SVG polylines.
    lines: tuple[str, ...] = ()
    #: Values without neighbours, which a line would not show, and the last value.
    dots: tuple[Dot, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.dots)


def sparkline(
    points: Sequence[tuple[date, int]], gap_days: int, width: int = 120, height: int = 32, *, is_partial: bool = False
) -> Spark:
    """Return a sparkline; its line breaks where more than ``gap_days`` lie between points.

    ``is_partial``: the last value has missing days, so the line does not connect to it.
    """
    if not points:
        return Spark()
    days, values = [day for day, _ in points], [value for _, value in points]
    wide, tall = (days[-1] - days[0]).days or 1, (max(values) - min(values)) or 1
    lowest, last = min(values), len(points) - 1
    lines: list[list[tuple[str, str]]] = [[]]
    for number, ((day, value), before) in enumerate(zip(points, [days[0], *days], strict=False)):
        if (day - before).days > gap_days or (is_partial and number == last):
            lines.append([])
        # A single value is placed at the end, where the newest value always is.
        x = (day - days[0]).days / wide * width if last else width
        y = height - 2 - (value - lowest) / tall * (height - 4)
        lines[-1].append((f"{x:.1f}", f"{y:.1f}"))
    runs = [run for run in lines if run]
    return Spark(
        tuple(" ".join(f"{x},{y}" for x, y in run) for run in runs if len(run) > 1),
        (*(Dot(*run[0]) for run in runs[:-1] if len(run) == 1), Dot(*runs[-1][-1], is_partial)),
    )


def month_sparkline(points: Sequence[PeriodPoint]) -> Spark:
    """Return a sparkline of complete months and snapshots, and of the last full month even if it lacks days.

    The current month would look like a decrease.
    """
    ended = [p for p in points if not p.is_running]
    shown = [p for p in ended if p.is_complete or p.days_expected is None or p is ended[-1]]
    is_partial = bool(shown) and not shown[-1].is_complete and shown[-1].days_expected is not None
    return sparkline([(p.period_end, p.value) for p in shown[-MONTHS_DRAWN:]], gap_days=45, is_partial=is_partial)


@dataclass(frozen=True, slots=True)
class MonthBars:
    """The bars of months as SVG paths in a box of 96 x 32; empty if there are none."""

    #: Complete months, without the last full one; the last full month if it is complete.
    earlier: str
    last: str
    #: Months with missing days, and the current one.
    partial: str

    def __bool__(self) -> bool:
        return bool(self.earlier or self.last or self.partial)


def month_bars(points: Sequence[PeriodPoint], as_of: date) -> MonthBars:
    """Return the bars of the 24 months up to that of ``as_of``; published totals replace months without days."""
    end = Month.of(as_of)
    last = end if as_of == end.last else end.plus(-1)
    by_month = {Month.of(point.period_end): point for point in points}
    shown = [by_month.get(end.plus(number - BARS_DRAWN + 1)) for number in range(BARS_DRAWN)]
    most = max((point.value for point in shown if point), default=0) or 1
    paths: dict[str, list[str]] = {"earlier": [], "last": [], "partial": []}
    for number, point in enumerate(shown):
        if point is None:
            continue
        kind = "partial" if not point.is_complete else "last" if Month.of(point.period_end) == last else "earlier"
        paths[kind].append(f"M{4 * number} 32v-{max(round(30 * point.value / most), 1)}h3V32")
    return MonthBars(*("".join(paths[kind]) for kind in ("earlier", "last", "partial")))


@dataclass(frozen=True, slots=True)
class NetBars:
    """Gains and losses as SVG paths in a box of 208 x 60."""

    gains: str
    losses: str
    #: Where zero is.
    zero: float


def net_bars(values: Sequence[int | None]) -> NetBars:
    """Return a bar for each value. Bars below zero hang from the same line."""
    known = [value for value in values if value is not None]
    highest, lowest = max([*known, 0]), min([*known, 0])
    scale = 58 / ((highest - lowest) or 1)
    zero = round(1 + highest * scale, 1)
    gains, losses = list[str](), list[str]()
    for number, value in enumerate(values):
        if value:
            height = max(round(abs(value) * scale, 1), 1)
            (gains if value > 0 else losses).append(f"M{4 * number} {zero}v{-height if value > 0 else height}h3V{zero}")
    return NetBars("".join(gains), "".join(losses), zero)


def star_sparkline(points: Sequence[DayPoint]) -> Spark:
    """Return a sparkline of stars, with a limited number of points."""
    step = max(1, len(points) // POINTS_DRAWN)
    return sparkline([(p.day, p.value) for p in [*points[:-1:step], *points[-1:]]], gap_days=max(step, 1) + 1)
