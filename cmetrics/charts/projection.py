"""The bar of the current month: the counted part, the projected rest, and the interval. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from cmetrics.analytics.insight_results import Projection

WIDTH, HEIGHT = 400.0, 24.0


@dataclass(frozen=True, slots=True)
class ProjectionBar:
    """A drawing of :data:`WIDTH` by :data:`HEIGHT`: the counted part, the projected rest, and the interval."""

    counted: float
    #: The start and the width of the projected rest; 0 if there is none.
    rest_at: float
    rest: float
    #: An SVG path.
    interval: str
    text: str
    width: float = WIDTH
    height: float = HEIGHT


def projection_bar(projection: Projection) -> ProjectionBar | None:
    """Return the bar of a projection; None if there is no projection."""
    value, low, high = projection.value, projection.low, projection.high
    if value is None or low is None or high is None or not high:
        return None
    most = max(value, high, projection.counted)

    def x(number: int) -> float:
        return round(1 + (WIDTH - 2) * number / most, 1)

    counted, first, last = x(projection.counted), x(low), x(high)
    return ProjectionBar(
        counted=round(counted - 1, 1),
        rest_at=counted,
        rest=round(max(x(value) - counted, 0), 1),
        interval=f"M{first} 1v22M{first} 12H{last}M{last} 1v22",
        text=projection.text,
    )
