"""The bar of the running month: what is counted, the projected rest, and its interval. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from cmetrics.analytics.insights import Projection

WIDTH, HEIGHT = 400.0, 24.0


@dataclass(frozen=True, slots=True)
class ProjectionBar:
    """Positions from the left in a drawing of :data:`WIDTH` by :data:`HEIGHT`."""

    counted: float
    projected: float
    low: float
    high: float
    text: str
    width: float = WIDTH
    height: float = HEIGHT


def projection_bar(projection: Projection) -> ProjectionBar | None:
    """Return the bar of a projection; None if it is refused."""
    value, low, high = projection.value, projection.low, projection.high
    if value is None or low is None or high is None or not high:
        return None
    most = max(value, high, projection.counted)

    def x(number: int) -> float:
        return round((WIDTH - 2) * number / most, 1)

    return ProjectionBar(x(projection.counted), x(value), x(low), x(high), projection.text)
