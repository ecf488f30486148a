"""Daily values of several metrics in one grid."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cmetrics.analytics.columns import Mask, Places
from cmetrics.domain.metric import Metric


@dataclass(frozen=True, slots=True, eq=False)
class Grid:
    """Daily values: one row per metric, ascending by id; one column per day, up to the day of the dashboard."""

    metrics: tuple[Metric, ...]
    #: The day of the first column as an ordinal (`date.toordinal`).
    first: int
    known: Mask
    #: The column of each metric's newest day; -1 if there is none.
    ends: Places

    @property
    def days(self) -> int:
        """The number of columns."""
        return int(self.known.shape[1])

    def day(self, column: int) -> date:
        """Return the day of a column."""
        return date.fromordinal(self.first + int(column))

    def column(self, day: date) -> int:
        """Return the column of a day, which may be outside the grid."""
        return day.toordinal() - self.first

    def rows_by_product(self) -> dict[str, Places]:
        """Return the rows of each product's metrics; the products in the order of their ids."""
        return group_rows(metric.product for metric in self.metrics)


def group_rows(names: Iterable[str | None]) -> dict[Any, Places]:
    """Return the indices of each name, with the names sorted (None first)."""
    groups: dict[str | None, list[int]] = {}
    for row, name in enumerate(names):
        groups.setdefault(name, []).append(row)
    return {name: np.array(groups[name], np.intp) for name in sorted(groups, key=lambda name: name or "")}


def newest_columns(known: Mask) -> Places:
    """Return the newest known column of each row; -1 if there is none."""
    return np.where(known.any(axis=1), known.shape[1] - 1 - np.argmax(known[:, ::-1], axis=1), -1)


def first_columns(numbers: NDArray[Any], days: int, blank: int = 0) -> NDArray[Any]:
    """Return a copy of the first ``days`` columns; one column of ``blank`` if there are none."""
    return numbers[:, :days].copy() if days > 0 else np.full((len(numbers), 1), blank, numbers.dtype)
