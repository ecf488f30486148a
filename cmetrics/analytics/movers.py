"""The largest rises and falls among the roll-ups of 7 and 30 days."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from math import sqrt

from cmetrics.analytics.insight_results import Direction, Mover, Rollup, Scope, Unit, Window
from cmetrics.analytics.phrases import moved, name_of, number, period
from cmetrics.domain.metric import Metric

WINDOWS = (Window.DAYS_7, Window.DAYS_30)
#: Metrics with fewer downloads in both periods are left out.
FLOOR = 500
#: Rises and falls of each window that are listed.
LISTED = 6
#: Added to the earlier value, so that a rise from almost nothing does not lead the list.
DAMPING = 100


def build_movers(rollups: Iterable[Rollup], metrics: Mapping[str, Metric]) -> Iterator[Mover]:
    """Yield the movers by window, rises first, each list by the size of its damped velocity.

    The velocity is (now − before) / √(before + 100): a rise of a large package counts for more than the same
    percentage of a small one, and for less than the same number.
    """
    candidates = [
        rollup
        for rollup in rollups
        if rollup.scope is Scope.METRIC and rollup.unit is Unit.DOWNLOADS and rollup.window in WINDOWS and rollup.change
    ]
    for window in WINDOWS:
        of_window = [rollup for rollup in candidates if rollup.window is window and _is_large(rollup)]
        for direction, sign in ((Direction.RISING, 1), (Direction.FALLING, -1)):
            moving = [rollup for rollup in of_window if sign * (rollup.change or 0) > 0]
            moving.sort(key=lambda rollup: (-abs(velocity(rollup)), rollup.metric_id or ""))
            for rank, rollup in enumerate(moving[:LISTED], 1):
                yield _mover(rollup, direction, rank, metrics)


def velocity(rollup: Rollup) -> float:
    """Return the damped velocity of a comparable roll-up."""
    before = rollup.previous.value if rollup.previous and rollup.previous.value else 0
    return (rollup.change or 0) / sqrt(before + DAMPING)


def _is_large(rollup: Rollup) -> bool:
    before = rollup.previous.value if rollup.previous else None
    return max(rollup.compared_value or 0, before or 0) >= FLOOR


def _mover(rollup: Rollup, direction: Direction, rank: int, metrics: Mapping[str, Metric]) -> Mover:
    assert rollup.metric_id is not None
    assert rollup.start is not None
    assert rollup.end is not None
    assert rollup.previous is not None
    now, before, change = rollup.compared_value or 0, rollup.previous.value or 0, rollup.change or 0
    text = (
        f"{name_of(metrics[rollup.metric_id])}: {number(now)} downloads in {period(rollup.start, rollup.end)}, "
        f"{moved(now, before)} against {number(before)} in {period(rollup.previous.start, rollup.previous.end)}."
    )
    return Mover(
        window=rollup.window,
        direction=direction,
        rank=rank,
        metric_id=rollup.metric_id,
        start=rollup.start,
        end=rollup.end,
        value=now,
        previous_value=before,
        change=change,
        change_percent=rollup.change_percent,
        velocity=round(velocity(rollup), 3),
        text=text,
    )
