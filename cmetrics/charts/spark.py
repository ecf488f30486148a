"""Sparklines: a series as polylines in a box of 120 x 32."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from cmetrics.analytics.model import DayPoint, PeriodPoint

#: The maximum number of points; a picture of this size cannot show more, and a list may have hundreds of them.
POINTS_DRAWN = 40
MONTHS_DRAWN = 36


def sparkline(points: Sequence[tuple[date, int]], gap_days: int, width: int = 120, height: int = 32) -> tuple[str, ...]:
    """Return SVG polylines in a box; a line breaks where more than ``gap_days`` lie between points."""
    if len(points) < 2:  # noqa: PLR2004
        return ()
    days, values = [day for day, _ in points], [value for _, value in points]
    wide, tall = (days[-1] - days[0]).days or 1, (max(values) - min(values)) or 1
    lines: list[list[str]] = [[]]
    for (day, value), before in zip(points, [days[0], *days], strict=False):
        if (day - before).days > gap_days:
            lines.append([])
        x = (day - days[0]).days / wide * width
        y = height - 2 - (value - min(values)) / tall * (height - 4)
        lines[-1].append(f"{x:.1f},{y:.1f}")
    return tuple(" ".join(line) for line in lines if len(line) > 1)


def month_sparkline(points: Sequence[PeriodPoint]) -> tuple[str, ...]:
    """Return a sparkline of complete months and snapshots. The current month would look like a decrease."""
    whole = [(p.period_end, p.value) for p in points if p.is_complete or p.days_expected is None]
    return sparkline(whole[-MONTHS_DRAWN:], gap_days=45)


def star_sparkline(points: Sequence[DayPoint]) -> tuple[str, ...]:
    """Return a sparkline of stars, with a limited number of points."""
    step = max(1, len(points) // POINTS_DRAWN)
    return sparkline([(p.day, p.value) for p in [*points[:-1:step], *points[-1:]]], gap_days=max(step, 1) + 1)
