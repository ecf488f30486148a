"""Rows of `stats` by column, the input of all analytics."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from typing import Any, TypeAlias

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from cmetrics.domain.days import Span
from cmetrics.domain.observation import is_reconstructed_ref, is_snapshot

#: Days as ordinals (`date.toordinal`).
Days: TypeAlias = NDArray[np.int32]
Values: TypeAlias = NDArray[np.int64]
Mask: TypeAlias = NDArray[np.bool_]
Codes: TypeAlias = NDArray[np.int32]
Places: TypeAlias = NDArray[np.intp]

#: The columns that show which days are stored, those of a list of values, and those for a dashboard.
DAY_COLUMNS = ("metric_id", "period_end", "value", "provenance", "source_window")
POINT_COLUMNS = (*DAY_COLUMNS, "period_start")
COLUMNS = (*POINT_COLUMNS, "source_ref")


@dataclass(frozen=True, slots=True, eq=False)
class SeriesTable:
    """Rows of `stats` by column, by metric and day, each key once: row ``i`` of every array is one value."""

    #: The metrics that have rows, ascending.
    metric_ids: tuple[str, ...]
    #: Index in ``metric_ids`` by row.
    owners: Codes
    starts: Days
    #: ``period_end``.
    days: Days
    values: Values
    #: Whether the value is a seeded total of more than one day.
    is_seed: Mask
    #: Whether the value is a star count reconstructed from the history of stars.
    is_reconstructed: Mask
    #: Index in ``provenance_names`` by row.
    provenances: Codes
    provenance_names: tuple[str, ...]
    #: Index in ``window_names`` by row.
    windows: Codes
    window_names: tuple[str, ...]
    #: The table that was read, for texts of single rows, and the index of each row in it.
    data: pa.Table
    places: NDArray[np.intp]

    @classmethod
    def from_arrow(cls, data: pa.Table) -> SeriesTable:
        """Return the rows of ``data``, which are sorted by metric and day and contain each key once.

        ``period_start`` and ``source_ref`` may be missing if they are not used.
        """
        data = _compact(data)
        owners, metric_ids = _encoded(data["metric_id"])
        provenances, names = _encoded(data["provenance"])
        windows, window_names = _encoded(data["source_window"])
        refs, ref_names = _encoded(data["source_ref"]) if "source_ref" in data.column_names else (owners, metric_ids)
        seeds = [[is_snapshot(name, window) for window in window_names] for name in names]
        days = _days(data["period_end"])
        return cls(
            metric_ids=metric_ids,
            owners=owners,
            starts=_days(data["period_start"]) if "period_start" in data.column_names else days,
            days=days,
            values=data["value"].combine_chunks().to_numpy(zero_copy_only=False).astype(np.int64, copy=False),
            is_seed=np.array(seeds, bool).reshape(len(names), len(window_names))[provenances, windows],
            is_reconstructed=np.array([is_reconstructed_ref(name) for name in ref_names], bool)[refs],
            provenances=provenances,
            provenance_names=names,
            windows=windows,
            window_names=window_names,
            data=data,
            places=np.arange(len(data)),
        )

    def __reduce__(self) -> tuple[object, ...]:
        """Return how another process gets the rows: from the table, which is half as large as the arrays with it."""
        return SeriesTable.from_arrow, (self.to_arrow(),)

    def __len__(self) -> int:
        return len(self.days)

    @property
    def bounds(self) -> NDArray[np.intp]:
        """The first row of each metric, and the number of rows."""
        return np.searchsorted(self.owners, np.arange(len(self.metric_ids) + 1))

    @property
    def slices(self) -> dict[str, slice]:
        """The rows of each metric."""
        bounds = self.bounds.tolist()
        return dict(zip(self.metric_ids, map(slice, bounds, bounds[1:]), strict=False))

    @property
    def newest(self) -> dict[str, date]:
        """The last day of each metric."""
        days = self.days[self.bounds[1:] - 1].tolist()
        return dict(zip(self.metric_ids, map(date.fromordinal, days), strict=True))

    def where(self, mask: Mask) -> SeriesTable:
        """Return the rows for which ``mask`` is true."""
        if mask.all():
            return self
        owners = self.owners[mask]
        present, renumbered = np.unique(owners, return_inverse=True)
        return SeriesTable(
            metric_ids=tuple(self.metric_ids[owner] for owner in present),
            owners=renumbered.astype(np.int32),
            starts=self.starts[mask],
            days=self.days[mask],
            values=self.values[mask],
            is_seed=self.is_seed[mask],
            is_reconstructed=self.is_reconstructed[mask],
            provenances=self.provenances[mask],
            provenance_names=self.provenance_names,
            windows=self.windows[mask],
            window_names=self.window_names,
            data=self.data,
            places=self.places[mask],
        )

    def owned_by(self, metric_ids: Collection[str]) -> Mask:
        """Return which rows belong to these metrics."""
        return np.array([metric_id in metric_ids for metric_id in self.metric_ids], bool)[self.owners]

    def within(self, span: Span) -> Mask:
        """Return which rows end in ``span``."""
        return (self.days >= span.first.toordinal()) & (self.days <= span.last.toordinal())

    def sums(self, mask: Mask) -> Values:
        """Return the sum of each metric over the rows for which ``mask`` is true."""
        if not len(self):
            return np.zeros(0, np.int64)
        return np.add.reduceat(np.where(mask, self.values, 0), self.bounds[:-1])

    def counts(self, mask: Mask) -> Values:
        """Return the number of rows of each metric for which ``mask`` is true."""
        return np.bincount(self.owners[mask], minlength=len(self.metric_ids)).astype(np.int64)

    def texts(self, column: str, rows: NDArray[np.intp]) -> list[str]:
        """Return a column of text for some rows."""
        return [text or "" for text in self.data[column].take(self.places[rows]).to_pylist()]

    def encoded(self, column: str) -> tuple[Codes, tuple[str, ...]]:
        """Return a column of text as indices in the tuple of its distinct texts."""
        codes, names = _encoded(self.data[column])
        return codes[self.places], names

    def to_arrow(self) -> pa.Table:
        """Return the rows with all columns that were read; texts are dictionaries."""
        return self.data if len(self) == len(self.data) else _encode_again(self.data.take(self.places))


def run_starts(keys: NDArray[np.generic]) -> NDArray[np.intp]:
    """Return the first index of each run of equal keys."""
    return np.flatnonzero(np.concatenate([[True], keys[1:] != keys[:-1]])) if len(keys) else np.zeros(0, np.intp)


def to_dates(days: Days) -> list[date]:
    """Return days as dates. Equal days share one object, which makes sets of many metrics cheap."""
    if not len(days):
        return []
    first, last = int(days.min()) // _BLOCK, int(days.max()) // _BLOCK
    dates: list[date] = _calendar(first, last)[days - first * _BLOCK].tolist()
    return dates


#: The length of a calendar is a multiple of this number of days, so that metrics share few calendars.
_BLOCK = 2048


@lru_cache(maxsize=16)
def _calendar(first: int, last: int) -> NDArray[np.object_]:
    days = range(max(first * _BLOCK, 1), min((last + 1) * _BLOCK, date.max.toordinal() + 1))
    offset = [None] if first == 0 else []
    return np.array([*offset, *map(date.fromordinal, days)], object)


def _encoded(column: pa.ChunkedArray[Any]) -> tuple[Codes, tuple[str, ...]]:
    """Return the texts of a column as indices in the tuple of its distinct texts, in the order of their rows."""
    encoded: Any = column.combine_chunks()
    if not pa.types.is_dictionary(encoded.type):
        encoded = encoded.dictionary_encode("encode")
    names = tuple(text or "" for text in encoded.dictionary.to_pylist())
    return encoded.indices.to_numpy(zero_copy_only=False).astype(np.int32, copy=False), names


def _compact(data: pa.Table) -> pa.Table:
    """Return the same rows with each distinct text stored once, which takes a quarter of the memory."""
    for number, field in enumerate(data.schema):
        if pa.types.is_string(field.type):
            data = data.set_column(number, field.name, data.column(number).dictionary_encode())
    return data


def _encode_again(data: pa.Table) -> pa.Table:
    """Return the same rows with dictionaries that contain only their texts. Only one column is plain at a time."""
    for number, field in enumerate(data.schema):
        if pa.types.is_dictionary(field.type):
            texts = data.column(number).cast(field.type.value_type)
            data = data.set_column(number, field.name, texts.dictionary_encode())
    return data


def _days(column: pa.ChunkedArray[Any]) -> Days:
    codes, texts = _encoded(column)
    return np.array([date.fromisoformat(text[:10]).toordinal() for text in texts], np.int32)[codes]
