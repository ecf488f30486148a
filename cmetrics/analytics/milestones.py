"""Estimate when a repository reaches its next round number of stars, from its last 180 days.

2,000 paths are drawn from blocks of 7 consecutive days of net gains, with a fixed seed. Blocks preserve weekdays and
bursts. The dates are the 10th and 90th percentile of the days on which the paths reach the number.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta

import numpy as np
from numpy.typing import NDArray

from cmetrics.analytics.insight_results import Milestone, ReasonKind
from cmetrics.analytics.phrases import plain_percent
from cmetrics.analytics.star_grid import StarGrid
from cmetrics.domain import formats
from cmetrics.domain.metric import Metric
from cmetrics.domain.plural import plural

PATHS, BLOCK, SEED = 2_000, 7, 180
HISTORY_DAYS, FEWEST_DAYS = 180, 60
#: Three years.
HORIZON_DAYS = 3 * 365
FEWEST_REACHED = 0.5
EARLY, LATE = 0.1, 0.9
#: Below this number, every thousand is a milestone.
SMALL, THOUSAND = 20_000, 1_000
#: The number of blocks of all paths that are drawn at a time.
_BATCH = 16


def next_milestone(stars: int) -> int:
    """Return the next of 1, 2, 5 × 10ⁿ, and each 1,000 below 20,000."""
    powers = [int(10**power) for power in range(len(str(max(stars, 1))) + 1)]
    steps = [factor * power for power in powers for factor in (1, 2, 5)]
    following = min(step for step in steps if step > stars)
    if stars < SMALL and stars // THOUSAND < SMALL // THOUSAND:
        following = min(following, (stars // THOUSAND + 1) * THOUSAND)
    return following


def build_milestones(grid: StarGrid) -> Iterator[Milestone]:
    """Yield the next milestone of each repository that has a count."""
    nets, is_known = grid.nets()
    blocks = -(-HORIZON_DAYS // BLOCK)
    # The same random numbers for every repository, so that the order does not matter.
    draws = np.random.default_rng(SEED).random((blocks, PATHS))
    for row, metric in enumerate(grid.metrics):
        end = int(grid.ends[row])
        if end < 0:
            continue
        start = max(end - HISTORY_DAYS + 1, 0)
        gains = nets[row, start : end + 1][is_known[row, start : end + 1]]
        yield _milestone(metric, int(grid.counts[row, end]), grid.day(end), gains, draws)


def _milestone(
    metric: Metric, stars: int, day: date, gains: NDArray[np.int64], draws: NDArray[np.float64]
) -> Milestone:
    target = next_milestone(stars)

    def refused(kind: ReasonKind, reason: str, reached: float = 0.0) -> Milestone:
        text = f"{metric.subject}: no projected date for {formats.number(target)} stars; {reason}."
        return Milestone(metric.metric_id, stars, day, target, None, None, reached, reason, kind, text)

    if len(gains) < FEWEST_DAYS:
        return refused(
            ReasonKind.SHORT_HISTORY, f"gains are known for {plural(len(gains), 'day')}; {FEWEST_DAYS} are needed"
        )
    arrivals = simulate(gains, target - stars, draws)
    reached = float(np.isfinite(arrivals).mean())
    if reached < FEWEST_REACHED:
        share = plain_percent(100 * reached)
        reason = f"at the pace of the last {len(gains)} days, {share} of simulations reach it within 3 years"
        return refused(ReasonKind.OUT_OF_REACH, reason, round(reached, 3))
    early, late = np.quantile(arrivals, [EARLY, LATE], method="higher")
    earliest = day + timedelta(days=int(early))
    latest = day + timedelta(days=int(late)) if np.isfinite(late) else None
    when = (
        f"after {formats.short_day(earliest)}"
        if latest is None
        else f"between {formats.short_day(earliest)} and {formats.short_day(latest)}"
    )
    text = (
        f"{metric.subject}: {formats.number(target)} stars {when}, "
        f"at the pace of the last {len(gains)} days; {formats.number(stars)} on {formats.short_day(day)}."
    )
    return Milestone(metric.metric_id, stars, day, target, earliest, latest, round(reached, 3), None, None, text)


def simulate(gains: NDArray[np.int64], missing: int, draws: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the day, from 1, on which each path has gained ``missing`` stars; infinity if that is beyond the horizon.

    ``draws`` are numbers between 0 and 1: one row per block, one column per path.
    """
    sums = np.concatenate([[0], np.cumsum(gains)])
    windows = np.lib.stride_tricks.sliding_window_view(sums, BLOCK + 1)
    # The gains since the start of each block after each of its days.
    within = windows[:, 1:] - windows[:, :1]
    peaks, totals = within.max(axis=1), within[:, -1]
    arrivals = np.full(draws.shape[1], np.inf)
    level = np.zeros(draws.shape[1], np.int64)
    for first in range(0, len(draws), _BATCH):
        chosen = (draws[first : first + _BATCH] * len(within)).astype(np.intp)
        ends = level + np.cumsum(totals[chosen], axis=0)
        starts = np.concatenate([level[None], ends[:-1]])
        arrives = starts + peaks[chosen] >= missing
        is_new = arrives.any(axis=0) & ~np.isfinite(arrivals)
        paths = np.flatnonzero(is_new)
        blocks = np.argmax(arrives[:, paths], axis=0)
        steps = starts[blocks, paths][:, None] + within[chosen[blocks, paths]] >= missing
        days = (first + blocks) * BLOCK + np.argmax(steps, axis=1) + 1
        arrivals[paths] = np.where(days <= HORIZON_DAYS, days, np.inf)
        level = ends[-1]
        if np.isfinite(arrivals).all():
            break
    return arrivals
