"""Daily values of several metrics side by side."""

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
    """Daily values: one row per metric, ascending by id; one column per day, the last one is the described day."""

    metrics: tuple[Metric, ...]
    #: The day of the first column, as `date.toordinal` counts.
    first: int
    known: Mask
    #: By metric, the column of its newest day; -1 without any.
    ends: Places

    @property
    def days(self) -> int:
        """The number of columns."""
        return int(self.known.shape[1])

    def day(self, column: int) -> date:
        """Return the day of a column."""
        return date.fromordinal(self.first + int(column))

    def column(self, day: date) -> int:
        """Return the column of a day, which may lie outside."""
        return day.toordinal() - self.first

    def rows_by_product(self) -> dict[str, Places]:
        """Return the rows of each product's metrics; the products in the order of their ids."""
        return group_rows(metric.product for metric in self.metrics)


def group_rows(names: Iterable[str | None]) -> dict[Any, Places]:
    """Return the places of each name, the names in order (None first)."""
    groups: dict[str | None, list[int]] = {}
    for row, name in enumerate(names):
        groups.setdefault(name, []).append(row)
    return {name: np.array(groups[name], np.intp) for name in sorted(groups, key=lambda name: name or "")}


def newest_columns(known: Mask) -> Places:
    """Return by row the newest known column; -1 without any."""
    return np.where(known.any(axis=1), known.shape[1] - 1 - np.argmax(known[:, ::-1], axis=1), -1)


def first_columns(numbers: NDArray[Any], days: int, blank: int = 0) -> NDArray[Any]:
    """Return a copy of the first ``days`` columns; a column of ``blank`` if there are none."""
    return numbers[:, :days].copy() if days > 0 else np.full((len(numbers), 1), blank, numbers.dtype)
