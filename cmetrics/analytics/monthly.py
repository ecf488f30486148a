"""Monthly totals of all metrics, tolerant of lost days."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cmetrics.analytics.columns import Values
from cmetrics.analytics.daily import DailyGrid
from cmetrics.domain.days import Month, last_full_month, months

#: The share of days that a month may lack: registries lose a day now and then, and a year without any is rare.
LACKING_SHARE = 0.1


@dataclass(frozen=True, slots=True, eq=False)
class MonthTable:
    """Full months by metric: one row per metric, one column per month, ascending."""

    months: tuple[Month, ...]
    #: What is counted.
    value: Values
    #: The number of days that may be compared, and of all days.
    usable: Values
    days: Values
    #: Downloads per day, each weekday with its own mean, so that a lost Sunday does not look like a rise. NaN if a
    #: weekday has no value.
    rate: NDArray[np.float64]
    #: The number of steps up to and including the month.
    steps: Values

    @property
    def is_sound(self) -> NDArray[np.bool_]:
        """Whether at most a tenth of the month's days are missing."""
        return ~np.isnan(self.rate) & (self.usable >= (1 - LACKING_SHARE) * self.days)

    @property
    def estimate(self) -> NDArray[np.float64]:
        """The estimated total of each month if all its days were counted; the sum if they are."""
        return np.where(self.usable == self.days, self.value, self.rate * self.days)


def build_months(grid: DailyGrid, end: int) -> MonthTable:
    """Return all full months from the first column to ``end``, the newest column that all metrics have."""
    first = Month.of(grid.day(0))
    last = last_full_month(grid.day(max(end, 0)))
    chosen = tuple(months(first if grid.day(0) == first.first else first.plus(1), last))
    count = len(chosen)
    if not count:
        nothing = np.zeros((len(grid.metrics), 0), np.int64)
        return MonthTable((), nothing, nothing, np.zeros(0, np.int64), nothing.astype(np.float64), nothing)
    start = grid.column(chosen[0].first)
    days = np.array([month.days for month in chosen], np.int64)
    starts = start + np.concatenate([[0], np.cumsum(days)])
    ordinals = grid.first + np.arange(start, int(starts[-1]))
    keys = np.repeat(np.arange(count), days) * 7 + (ordinals - 1) % 7
    order = np.argsort(keys, kind="stable")
    bounds = np.searchsorted(keys[order], np.arange(count * 7))
    columns = start + order
    clean = grid.clean[:, columns]
    shape = (len(grid.metrics), count, 7)
    sums = np.add.reduceat(np.where(clean, grid.values[:, columns], 0), bounds, axis=1).reshape(shape)
    counts = np.add.reduceat(clean.astype(np.int64), bounds, axis=1).reshape(shape)
    weekdays = np.bincount(keys, minlength=count * 7).reshape(1, count, 7)
    with np.errstate(invalid="ignore", divide="ignore"):
        rate = ((sums / counts) * weekdays).sum(axis=2) / days
    total = grid.total[:, starts]
    return MonthTable(chosen, np.diff(total, axis=1), counts.sum(axis=2), days, rate, grid.steps[:, starts[1:]])
