"""Monthly totals of all metrics that allow for a lost day."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cmetrics.analytics.columns import Values
from cmetrics.analytics.daily import DailyGrid
from cmetrics.domain.days import Month, last_full_month, months

#: Registries lose a day now and then, and a year without any is rare: a month may lack so much of its days.
LACKING_SHARE = 0.1


@dataclass(frozen=True, slots=True, eq=False)
class MonthTable:
    """Full months by metric: one row per metric, one column per month, ascending."""

    months: tuple[Month, ...]
    #: What is counted.
    value: Values
    #: Days that may be compared, and all days.
    usable: Values
    days: Values
    #: Downloads a day, each weekday with its own mean, so that a lost Sunday does not read as a rise. NaN where
    #: a weekday has no value.
    rate: NDArray[np.float64]
    #: Steps up to and including the month.
    steps: Values

    @property
    def is_sound(self) -> NDArray[np.bool_]:
        """The months that lack at most a tenth of their days."""
        return ~np.isnan(self.rate) & (self.usable >= (1 - LACKING_SHARE) * self.days)

    @property
    def estimate(self) -> NDArray[np.float64]:
        """The total of each month as if all its days were counted; the sum itself where they are."""
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
