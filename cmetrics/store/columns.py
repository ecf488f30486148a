"""Rows of ``stats`` as columns: complete cells, each key once, sorted by metric and day.

It uses pyarrow.compute and NumPy, which LanceDB imports anyway. A data frame library would slow down every start and
make nothing here shorter.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from cmetrics.domain.day_set import DaySet, build_day_sets
from cmetrics.domain.days import Span
from cmetrics.domain.errors import StoreError
from cmetrics.domain.observation import (
    RECONSTRUCTED_REFS,
    STAND_IN_REF,
    Provenance,
    SourceWindow,
)
from cmetrics.domain.sanitize import sanitize
from cmetrics.store.schema import STATS, UNKNOWN_TIME

Ints: TypeAlias = npt.NDArray[np.int64]
Mask: TypeAlias = npt.NDArray[np.bool_]
#: Given stored rows and new rows of the same keys, returns for each row whether the new one replaces the stored one.
Overwrite: TypeAlias = Callable[[pa.Table, pa.Table], Mask]

#: Of several rows with one key, the last in this order is used: the newest one, and a fixed one of equally new ones.
NEWEST_LAST = ("observed_at", "ingestion_run_id", "value")
#: For at least this number of consecutive rows, a chunk of their own is cheaper than a copy.
LONG_RUN = 365
#: Length of a day as ISO text.
_DAY_LENGTH = 10
#: The ordinal (`date.toordinal`) of 1 January 1970.
_EPOCH = date(1970, 1, 1).toordinal()
_DAYS = tuple(column.name for column in STATS.columns if column.type is date)


def select_schema(names: Iterable[str]) -> pa.Schema:
    """Return the schema of ``stats`` restricted to these columns, in the order of the table."""
    wanted = set(names)
    return pa.schema([field for field in STATS.schema if field.name in wanted])


def complete(data: pa.Table) -> pa.Table:
    """Return the rows as `encode_texts` does, with every empty cell filled.

    Other programs may have left cells empty. A row without ``period_start`` covers its day; one without
    ``observed_at`` counts as observed in 1970. Raises StoreError, naming the row, for an invalid day.
    """
    columns: dict[str, Any] = {}
    for field in select_schema(data.column_names):
        values = _encoded(data[field.name])
        if values.null_count:
            # Keys are never null, because rows are selected by them.
            default = data["period_end"].combine_chunks() if field.name == "period_start" else _default(field)
            values = _encoded(pc.fill_null(data[field.name].combine_chunks(), default))
        columns[field.name] = _days_as_texts(values, data) if field.name in _DAYS else values
    return pa.table(columns)


def _default(field: pa.Field[Any]) -> Any:
    if pa.types.is_timestamp(field.type):
        return pa.scalar(UNKNOWN_TIME, field.type)
    return pa.scalar("" if pa.types.is_string(field.type) else 0, field.type)


def _days_as_texts(days: Any, data: pa.Table) -> Any:
    """Return days as ISO text of ten characters. Raises StoreError for an invalid day."""
    try:
        days.dictionary.cast(pa.date32())
    except pa.ArrowInvalid:
        plain = days.cast(pa.string())
        plain = pc.if_else(pc.equal(plain, pa.scalar("")), data["period_end"].combine_chunks(), plain)
        plain = pc.utf8_slice_codeunits(plain, 0, _DAY_LENGTH)
        days = _encoded(plain)
        if wrong := [text for text in days.dictionary.to_pylist() if not _is_day(text)]:
            at = pc.index_in(plain, pa.array(wrong)).is_valid().index(True).as_py()
            shown = sanitize(f"{data['metric_id'][at]} {data['period_end'][at]}", limit=120)
            msg = f"table 'stats' contains a row without a day or a value: {shown}"
            raise StoreError(msg) from None
    return days


def _is_day(text: str) -> bool:
    try:
        pa.scalar(text).cast(pa.date32())
    except pa.ArrowInvalid:
        return False
    return True


def encode_texts(data: pa.Table) -> pa.Table:
    """Return the rows with each distinct text stored once, which takes a quarter of the memory and compares fast."""
    return pa.table([_encoded(column) for column in data.columns], names=data.column_names)


def _encoded(column: Any) -> Any:
    whole: Any = column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column
    return whole.dictionary_encode() if pa.types.is_string(whole.type) else whole


def of_metrics(data: pa.Table, metric_ids: Sequence[str]) -> pa.Table:
    """Return the rows of `encode_texts` that are of these metrics."""
    stored = _encoded(data["metric_id"])
    if not stored.null_count and set(stored.dictionary.to_pylist()) <= set(metric_ids):
        return data
    return data.filter(pc.is_in(stored, pa.array(metric_ids, pa.string())))


def in_row_order(data: pa.Table) -> pa.Table:
    """Return the rows of `encode_texts` with the distinct texts in the order of their first rows."""
    columns = (column.combine_chunks() for column in data.columns)
    return pa.table(
        [_in_row_order(c) if pa.types.is_dictionary(c.type) else c for c in columns], names=data.column_names
    )


def _in_row_order(column: Any) -> Any:
    codes, size = column.indices.to_numpy(), len(column.dictionary)
    if np.array_equal(codes[:size], np.arange(size)):
        return column  # as it is with days, which most metrics have all of
    first = np.full(size, len(codes))
    # If a text occurs several times, the last assignment stays: in reverse order, that of its first row.
    first[codes[::-1]] = np.arange(len(codes))[::-1]
    order = np.argsort(first, kind="stable")[: int((first < len(codes)).sum())]
    places = np.zeros(size, np.int32)
    places[order] = np.arange(len(order))
    return pa.DictionaryArray.from_arrays(pa.array(places[codes]), column.dictionary.take(pa.array(order)))


def of_texts(column: pa.ChunkedArray[Any], convert: Callable[[Any], npt.NDArray[Any]]) -> npt.NDArray[Any]:
    """Return ``convert`` of every text, computed once per distinct one."""
    encoded = _encoded(column)
    found: npt.NDArray[Any] = convert(encoded.dictionary)[encoded.indices.to_numpy()]
    return found


def days(column: pa.ChunkedArray[Any]) -> Ints:
    """Return days, stored as ISO text, as ordinals (`date.toordinal`)."""
    return of_texts(column, lambda texts: texts.cast(pa.date32()).cast(pa.int32()).to_numpy().astype(np.int64) + _EPOCH)


def is_seed(data: pa.Table) -> Mask:
    """Return `Observation.is_seed` of every row."""
    seed, count = pa.scalar(Provenance.CSV_SEED.value), pa.scalar(SourceWindow.CUMULATIVE_SNAPSHOT.value)
    is_seeded = of_texts(data["provenance"], lambda texts: _mask(pc.equal(texts, seed)))
    is_seeded &= of_texts(data["source_window"], lambda texts: _mask(pc.not_equal(texts, count)))
    return is_seeded


def is_reconstructed(data: pa.Table) -> Mask:
    """Return `Observation.is_reconstructed` of every row."""
    return any_of([_starts_with(data["source_ref"], beginning) for beginning in RECONSTRUCTED_REFS])


def is_stand_in(data: pa.Table) -> Mask:
    """Return `Observation.is_stand_in` of every row."""
    return _starts_with(data["source_ref"], STAND_IN_REF)


def _starts_with(column: pa.ChunkedArray[Any], beginning: str) -> Mask:
    return of_texts(column, lambda texts: _mask(pc.starts_with(texts, beginning)))


def differ(one: pa.Table, other: pa.Table, column: str) -> Mask:
    """Return whether a column of two tables differs, row by row."""
    if not pa.types.is_string(STATS.schema.field(column).type):
        return _mask(pc.not_equal(one[column], other[column]))
    left, right = _encoded(one[column]), _encoded(other[column])
    same = pc.index_in(right.dictionary, left.dictionary).fill_null(-1).to_numpy()
    differs: Mask = left.indices.to_numpy() != same[right.indices.to_numpy()]
    return differs


def any_of(masks: Sequence[Mask]) -> Mask:
    """Return where any of several masks is true."""
    found: Mask = np.logical_or.reduce(masks)
    return found


def _mask(values: Any) -> Mask:
    mask: Mask = values.to_numpy(zero_copy_only=False).astype(np.bool_)
    return mask


def values(data: pa.Table) -> Ints:
    """Return the values of all rows."""
    numbers: Ints = data["value"].to_numpy()
    return numbers


def key_numbers(data: pa.Table, metric_ids: Sequence[str]) -> Ints:
    """Return one number per row that sorts and compares like its key.

    ``metric_ids`` are ascending and include every metric of ``data``. The upper half of a number is the index
    of the metric, the lower half the day.
    """
    known = pa.array(metric_ids, pa.string())
    # The dictionary of a part of a table may contain the ids of other rows.
    metrics: Ints = of_texts(data["metric_id"], lambda ids: pc.index_in(ids, known).fill_null(-1).to_numpy())
    return (metrics.astype(np.int64) << 32) + days(data["period_end"])


def repeated_keys(data: pa.Table, metric_ids: Sequence[str]) -> list[tuple[str, date]]:
    """Return the keys that occur more than once, ascending."""
    numbers = np.sort(key_numbers(data, metric_ids))
    repeated = np.unique(numbers[1:][np.diff(numbers) == 0]).tolist()
    return [(metric_ids[number >> 32], date.fromordinal(number & 0xFFFFFFFF)) for number in repeated]


class StoredDays(NamedTuple):
    """The stored days of one metric."""

    #: Days with a daily value.
    daily: DaySet
    #: Days with a seeded snapshot.
    seeds: DaySet


def split_days(data: pa.Table, metric_ids: Sequence[str]) -> dict[str, StoredDays]:
    """Return the days of each of ``metric_ids``, which are ascending and include every metric of ``data``."""
    numbers, seeds = key_numbers(data, metric_ids), is_seed(data)
    keys = [np.sort(numbers[rows]) for rows in (~seeds, seeds)]
    both = [build_day_sets(sorted_ >> 32, sorted_ & 0xFFFFFFFF, len(metric_ids)) for sorted_ in keys]
    return dict(zip(metric_ids, map(StoredDays, *both), strict=True))


def sort_rows(data: pa.Table, metric_ids: Sequence[str]) -> pa.Table | None:
    """Return the rows sorted by metric and day; None if any key occurs more than once.

    ``metric_ids`` as for `key_numbers`.
    """
    numbers = key_numbers(data, metric_ids)
    order = _order(numbers)
    numbers = numbers[order]
    return _take_all(data, order) if (numbers[1:] > numbers[:-1]).all() else None


def sort_unique(data: pa.Table, metric_ids: Sequence[str]) -> pa.Table:
    """Return the rows sorted by metric and day, each key once; see :data:`NEWEST_LAST`.

    ``metric_ids`` are ascending and include every metric of ``data``.
    """
    rows, _ = _index(data, metric_ids)
    return _take_all(data, rows)


def _take_all(data: pa.Table, rows: Ints) -> pa.Table:
    """Return these rows; ``data`` itself if they are all of its rows in their order."""
    return data if len(rows) == data.num_rows and (np.diff(rows) == 1).all() else data.take(rows)


def _index(data: pa.Table, metric_ids: Sequence[str]) -> tuple[Ints, Ints]:
    """Return the row of each key (see :data:`NEWEST_LAST`) and the numbers of the keys, ascending."""
    numbers = key_numbers(data, metric_ids)
    order = _order(numbers)
    if (np.diff(numbers[order]) > 0).all():
        return order, numbers[order]
    ages = data.select(select_schema(NEWEST_LAST).names).cast(select_schema(NEWEST_LAST))
    by_age = pc.sort_indices(ages, [(name, "ascending") for name in NEWEST_LAST]).to_numpy().astype(np.int64)
    order = by_age[_order(numbers[by_age])]
    order = order[np.append(np.diff(numbers[order]) > 0, True)]
    return order, numbers[order]


def _order(numbers: Ints) -> Ints:
    """Return the indices that sort ``numbers``, a stable sort."""
    is_sorted = (numbers[1:] >= numbers[:-1]).all()
    return np.arange(len(numbers)) if is_sorted else np.argsort(numbers, kind="stable")


def take(data: pa.Table, rows: Ints) -> pa.Table:
    """Return these rows. Long runs of consecutive rows become chunks of their own instead of copies."""
    starts = np.flatnonzero(np.append(True, np.diff(rows) != 1)) if len(rows) else rows
    if len(starts) * LONG_RUN > len(rows):
        return data.take(rows)
    lengths = np.diff(np.append(starts, len(rows)))
    runs = zip(rows[starts].tolist(), lengths.tolist(), strict=True)
    return pa.concat_tables([data.slice(0, 0), *(data.slice(start, length) for start, length in runs)])


class NewRows:
    """Rows to be merged, by key. Of several rows with one key, a later one is used only if it overwrites the earlier.

    No cell is null. Texts are plain, or encoded by `encode_texts`.
    """

    def __init__(self, rows: pa.Table, overwrites: Overwrite) -> None:
        # Selecting rows from many small chunks would cost more than this copy.
        self.rows = rows.combine_chunks()
        #: Ascending.
        self.metric_ids: list[str] = sorted(map(str, self.rows["metric_id"].unique().to_pylist()))
        self._overwrites = overwrites
        numbers = key_numbers(self.rows, self.metric_ids)
        places = _order(numbers)
        # Each round compares the first two rows of every key that has several.
        while (is_repeated := np.diff(numbers[places]) == 0).any():
            second = np.flatnonzero(is_repeated & np.append(True, ~is_repeated[:-1])) + 1
            wins = overwrites(take(self.rows, places[second - 1]), take(self.rows, places[second]))
            places = np.delete(places, np.where(wins, second - 1, second))
        #: The row of each key, and the numbers of the keys, ascending.
        self._places, self._numbers = places, numbers[places]

    def parts(self, size: int) -> Iterator[Part]:
        """Yield the keys of at most ``size`` metrics at a time.

        Metrics whose rows reach equally far back are in one part, so that a single new metric does not make all
        others read as far back.
        """
        ends = np.searchsorted(self._numbers, np.arange(len(self.metric_ids) + 1) << 32)
        day_of = self._numbers & 0xFFFFFFFF
        first, last = day_of[ends[:-1]], day_of[ends[1:] - 1]
        by_depth = np.argsort(first, kind="stable")
        for start in range(0, len(self.metric_ids), size):
            members = np.sort(by_depth[start : start + size])
            yield Part(
                [self.metric_ids[member] for member in members],
                Span(date.fromordinal(int(first[members].min())), date.fromordinal(int(last[members].max()))),
                np.concatenate([np.arange(ends[member], ends[member + 1]) for member in members]),
            )

    def compare(self, part: Part, stored: pa.Table) -> Comparison:
        """Decide which rows of ``part`` are written. ``stored`` are the stored rows of its span."""
        numbers, places = self._numbers[part.keys], self._places[part.keys]
        rows, known = _index(stored, self.metric_ids)
        found = np.searchsorted(known, numbers)
        is_known = np.append(known, -1)[found] == numbers
        old, new = stored.take(rows[found[is_known]]), encode_texts(take(self.rows, places[is_known]))
        wins = self._overwrites(old, new)
        is_written = ~is_known
        is_written[is_known] = wins
        replaced, replacing = (rows.filter(pa.array(wins)).cast(STATS.schema) for rows in (old, new))
        return Comparison(places[is_written], replaced, replacing)


@dataclass(frozen=True, slots=True)
class Part:
    """Some metrics of new rows, which reach about equally far back."""

    #: Ascending.
    metric_ids: list[str]
    span: Span
    #: The indices of its keys among those of the new rows.
    keys: Ints


@dataclass(frozen=True, slots=True)
class Comparison:
    """The result of comparing new rows with the stored ones."""

    #: The indices of the new rows that are written.
    written: Ints
    #: The stored rows that are replaced, and those that replace them, in the same order.
    replaced: pa.Table
    replacing: pa.Table
