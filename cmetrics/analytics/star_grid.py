"""Star counts of all repositories in one grid."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cmetrics.analytics.columns import Mask, Places, SeriesTable, Values
from cmetrics.analytics.grid import Grid, first_columns, newest_columns
from cmetrics.domain.days import DAY
from cmetrics.domain.metric import Metric
from cmetrics.domain.observation import parse_star_ref

#: The code of an unknown number of gained stars.
UNKNOWN = -1


@dataclass(frozen=True, slots=True, eq=False)
class StarGrid(Grid):
    """Star counts."""

    #: At the end of each day; 0 if unknown.
    counts: Values
    #: Whether each count is reconstructed from the history of stars, which does not include removed stars.
    reconstructed: Mask
    #: Stars gained on each day; :data:`UNKNOWN` if they were not read.
    gained: Values

    def until(self, as_of: date) -> StarGrid:
        """Return the counts up to an earlier day."""
        days = as_of.toordinal() - self.first + 1
        if days == self.days:
            return self
        known = first_columns(self.known, days)
        return StarGrid(
            metrics=self.metrics,
            first=min(self.first, as_of.toordinal()),
            known=known,
            ends=newest_columns(known),
            counts=first_columns(self.counts, days),
            reconstructed=first_columns(self.reconstructed, days),
            gained=first_columns(self.gained, days, UNKNOWN),
        )

    def replaced(self, table: SeriesTable, first: date, last: date) -> StarGrid:
        """Return the counts up to ``last``, with those of ``table`` from ``first`` on."""
        rows = table.where(table.days >= first.toordinal())
        newer = build_star_grid(self.metrics, rows, last)
        column = first.toordinal() - self.first
        if column <= 0:
            return newer
        older = self.until(min(first - DAY, last))
        gap = ((0, 0), (0, newer.first - older.first - older.days))

        def join(old: NDArray[Any], new: NDArray[Any], blank: int) -> NDArray[Any]:
            return np.concatenate([np.pad(old, gap, constant_values=blank), new], axis=1)

        known = join(older.known, newer.known, 0)
        return StarGrid(
            metrics=self.metrics,
            first=self.first,
            counts=join(older.counts, newer.counts, 0),
            known=known,
            reconstructed=join(older.reconstructed, newer.reconstructed, 0),
            gained=join(older.gained, newer.gained, UNKNOWN),
            ends=newest_columns(known),
        )

    def at(self, rows: Places, columns: Sequence[int]) -> tuple[Mask, Values, Mask]:
        """Return counts in some columns, which may be outside the grid: known or not, values, reconstructed or not.

        One row for each of ``rows``.
        """
        marks = np.array(columns)
        places = np.ix_(rows, np.clip(marks, 0, self.days - 1))
        is_known = self.known[places] & (marks >= 0) & (marks < self.days)
        return is_known, self.counts[places], self.reconstructed[places]

    def gained_between(self, rows: Places, first: int, last: int) -> int | None:
        """Return the stars gained in the columns from ``first`` to ``last``; None unless all of them were read."""
        gained = self.gained[rows, max(first, 0) : max(last + 1, 0)]
        is_read = 0 < gained.size == len(rows) * (last - first + 1) and bool((gained != UNKNOWN).all())
        return int(gained.sum()) if is_read else None

    def nets(self) -> tuple[Values, Mask]:
        """Return the net gain of each day, and whether it is known.

        It needs two consecutive counts of the same kind: the difference of a reconstructed and an observed count
        would include removed stars.
        """
        is_known = np.zeros_like(self.known)
        is_known[:, 1:] = (
            self.known[:, 1:] & self.known[:, :-1] & (self.reconstructed[:, 1:] == self.reconstructed[:, :-1])
        )
        nets = np.zeros_like(self.counts)
        nets[:, 1:] = np.diff(self.counts, axis=1)
        return np.where(is_known, nets, 0), is_known


def build_star_grid(metrics: Iterable[Metric], table: SeriesTable, as_of: date) -> StarGrid:
    """Return the star counts of ``metrics`` up to ``as_of``. Metrics without rows have no count."""
    chosen = sorted((m for m in metrics if m.measure.is_stars), key=lambda metric: metric.metric_id)
    numbers = {metric.metric_id: number for number, metric in enumerate(chosen)}
    last = as_of.toordinal()
    table = table.where((table.days <= last) & ~table.is_seed & table.owned_by(numbers))
    first = min(int(table.days.min()) if len(table) else last, last)
    shape = (len(chosen), last - first + 1)
    owners = np.array([numbers[metric_id] for metric_id in table.metric_ids], np.intp)[table.owners]
    columns = table.days - first
    counts, gained = np.zeros(shape, np.int64), np.full(shape, UNKNOWN, np.int64)
    known, reconstructed = np.zeros(shape, np.bool_), np.zeros(shape, np.bool_)
    counts[owners, columns] = table.values
    known[owners, columns] = True
    reconstructed[owners, columns] = table.is_reconstructed
    gained[owners, columns] = gained_stars(table)
    return StarGrid(tuple(chosen), first, known, newest_columns(known), counts, reconstructed, gained)


def gained_stars(table: SeriesTable) -> Values:
    """Return by row the stars gained on its day; :data:`UNKNOWN` if they were not read with the count."""
    if "source_ref" not in table.data.column_names or not len(table):
        return np.full(len(table), UNKNOWN, np.int64)
    codes, names = table.encoded("source_ref")
    used = np.zeros(len(names), np.bool_)
    used[codes[~table.is_reconstructed]] = True
    refs = (parse_star_ref(name) if is_used else None for name, is_used in zip(names, used.tolist(), strict=True))
    by_code = [UNKNOWN if ref is None or ref.gained is None else ref.gained for ref in refs]
    return np.array(by_code, np.int64)[codes]
