"""The largest rises and falls of 7 and 30 days."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from cmetrics.analytics.anomalies import median_of_known
from cmetrics.analytics.columns import Places
from cmetrics.analytics.daily import DailyGrid
from cmetrics.analytics.insight_results import Direction, Mover, Window
from cmetrics.analytics.phrases import change_percent, moved, name_of, rounded
from cmetrics.analytics.rollups import LENGTHS, Windows
from cmetrics.analytics.signals import LEAST_DEVIATION, MAD
from cmetrics.domain import formats

WINDOWS = (Window.DAYS_7, Window.DAYS_30)
#: The minimum number of downloads; metrics below it in both periods are left out.
FLOOR = 500
#: The number of rises and of falls listed for each window.
LISTED = 6
#: Added to the earlier value, so that a rise from almost nothing does not lead the list.
DAMPING = 100
#: The number of weeks that a change is compared with.
SCORE_WEEKS = 26


def build_movers(grid: DailyGrid, windows: Windows) -> Iterator[Mover]:
    """Yield the movers by window, rises first, each list by the size of its damped velocity.

    The velocity is (now − before) / √(before + 100): the same percentage counts for more in a large package than in a
    small one, and the same number for less.
    """
    for window in WINDOWS:
        compared = windows.own[window]
        change = compared.now - compared.before
        is_large = compared.is_comparable & (np.maximum(compared.now, compared.before) >= FLOOR)
        velocity = change / np.sqrt(compared.before + DAMPING)
        # The sort is stable, so equal ones are ordered by id.
        order = np.argsort(-np.abs(velocity), kind="stable")
        for direction, sign in ((Direction.RISING, 1), (Direction.FALLING, -1)):
            moving = order[(is_large & (sign * change > 0))[order]]
            rows = moving[:LISTED]
            for rank, (row, score) in enumerate(
                zip(rows.tolist(), scores(grid, rows, LENGTHS[window]), strict=True), 1
            ):
                metric, now, before = grid.metrics[row], int(compared.now[row]), int(compared.before[row])
                start, end, earlier, until = (
                    grid.day(int(columns[row]))
                    for columns in (compared.first, compared.last, compared.previous_first, compared.previous_last)
                )
                text = (
                    f"{name_of(metric)}: {formats.number(now)} downloads from {formats.period(start, end)}, "
                    f"{moved(now, before)} against {formats.number(before)} from {formats.period(earlier, until)}."
                )
                yield Mover(
                    window=window,
                    direction=direction,
                    rank=rank,
                    metric_id=metric.metric_id,
                    start=start,
                    end=end,
                    value=now,
                    previous_value=before,
                    change=now - before,
                    change_percent=change_percent(now, before),
                    velocity=round(float(velocity[row]), 3),
                    text=text,
                    score=score,
                )


def scores(grid: DailyGrid, rows: Places, days: int) -> list[float | None]:
    """Return how unusual the change of the newest ``days`` days of each row is, in robust deviations.

    Compared with the changes at the ends of the :data:`SCORE_WEEKS` weeks before; None with fewer than half of them.
    """
    ends, owners = grid.ends[rows, None] - 7 * np.arange(SCORE_WEEKS + 1), rows[:, None]
    sums = [grid.sums(grid.total, last - days + 1, last, owners) for last in (ends, ends - days)]
    usable = grid.sums(grid.usable, ends - 2 * days + 1, ends, owners) == 2 * days
    usable &= grid.sums(grid.steps, np.maximum(ends - 2 * days + 2, 0), ends, owners) == 0
    changes = np.where(usable, np.log(np.maximum(sums[0], 1)) - np.log(np.maximum(sums[1], 1)), np.nan)
    usual = median_of_known(changes[:, 1:].copy(), SCORE_WEEKS // 2)
    spread = MAD * median_of_known(np.abs(changes[:, 1:] - usual[:, None]))
    deviations = np.abs(changes[:, 0] - usual) / np.maximum(spread, LEAST_DEVIATION)
    return [None if np.isnan(deviation) else rounded(deviation, 2) for deviation in deviations.tolist()]
