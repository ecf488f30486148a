"""The largest rises and falls among the roll-ups of 7 and 30 days."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from math import sqrt

import numpy as np

from cmetrics.analytics.daily import DailyGrid
from cmetrics.analytics.insight_results import Direction, Mover, Rollup, Scope, Unit, Window
from cmetrics.analytics.phrases import moved, name_of, number, period, rounded
from cmetrics.analytics.rollups import LENGTHS
from cmetrics.analytics.signals import LEAST_DEVIATION, MAD
from cmetrics.domain.metric import Metric

WINDOWS = (Window.DAYS_7, Window.DAYS_30)
#: Metrics with fewer downloads in both periods are left out.
FLOOR = 500
#: Rises and falls of each window that are listed.
LISTED = 6
#: Added to the earlier value, so that a rise from almost nothing does not lead the list.
DAMPING = 100
#: Weeks that a change is compared with.
SCORE_WEEKS = 26


def build_movers(rollups: Iterable[Rollup], grid: DailyGrid) -> Iterator[Mover]:
    """Yield the movers by window, rises first, each list by the size of its damped velocity.

    The velocity is (now − before) / √(before + 100): a rise of a large package counts for more than the same
    percentage of a small one, and for less than the same number.
    """
    metrics = {metric.metric_id: (metric, row) for row, metric in enumerate(grid.metrics)}
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
                metric, row = metrics[rollup.metric_id or ""]
                yield _mover(rollup, direction, rank, metric, score(grid, row, LENGTHS[window]))


def velocity(rollup: Rollup) -> float:
    """Return the damped velocity of a comparable roll-up."""
    before = rollup.previous.value if rollup.previous and rollup.previous.value else 0
    return (rollup.change or 0) / sqrt(before + DAMPING)


def score(grid: DailyGrid, row: int, days: int) -> float | None:
    """Return how unusual the change of the newest ``days`` days of a row is, in robust deviations.

    Compared with the changes at the ends of the :data:`SCORE_WEEKS` weeks before; None with fewer than half of them.
    """
    ends = grid.ends[row] - 7 * np.arange(SCORE_WEEKS + 1)
    place = np.array([row])
    sums = [grid.sums(grid.total, last - days + 1, last, place) for last in (ends, ends - days)]
    usable = grid.sums(grid.usable, ends - 2 * days + 1, ends, place) == 2 * days
    usable &= grid.sums(grid.steps, np.maximum(ends - 2 * days + 2, 0), ends, place) == 0
    changes = np.log(np.maximum(sums[0], 1)) - np.log(np.maximum(sums[1], 1))
    before = changes[1:][usable[1:]]
    if not usable[0] or len(before) < SCORE_WEEKS / 2:
        return None
    usual = float(np.median(before))
    spread = max(MAD * float(np.median(np.abs(before - usual))), LEAST_DEVIATION)
    return rounded(abs(float(changes[0]) - usual) / spread, 2)


def _is_large(rollup: Rollup) -> bool:
    before = rollup.previous.value if rollup.previous else None
    return max(rollup.compared_value or 0, before or 0) >= FLOOR


def _mover(rollup: Rollup, direction: Direction, rank: int, metric: Metric, score: float | None) -> Mover:
    assert rollup.metric_id is not None
    assert rollup.start is not None
    assert rollup.end is not None
    assert rollup.previous is not None
    now, before, change = rollup.compared_value or 0, rollup.previous.value or 0, rollup.change or 0
    text = (
        f"{name_of(metric)}: {number(now)} downloads in {period(rollup.start, rollup.end)}, "
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
        score=score,
    )
