"""Rows of ``stats`` as columns: complete cells, each key once, sorted by metric and day.

All of it is pyarrow.compute and NumPy, which LanceDB imports anyway; a data frame library would add
its import to every start and express nothing here in fewer lines.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

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
#: From stored rows and new ones of the same keys, row by row: whether the new one is written over the stored one.
Overwrite: TypeAlias = Callable[[pa.Table, pa.Table], Mask]

#: Of two rows with one key the last in this order counts: the row observed last, and of equal ones always the same.
NEWEST_LAST = ("observed_at", "ingestion_run_id", "value")
#: Length of a day as ISO text.
_DAY_LENGTH = 10
#: 1 January 1970 as `date.toordinal` counts it.
_EPOCH = date(1970, 1, 1).toordinal()
_DAYS = tuple(column.name for column in STATS.columns if column.type is date)


def select_schema(names: Iterable[str]) -> pa.Schema:
    """Return the schema of ``stats`` restricted to these columns, in the order of the table."""
    wanted = set(names)
    return pa.schema([field for field in STATS.schema if field.name in wanted])


def complete(data: pa.Table) -> pa.Table:
    """Return the rows with every empty cell filled, as columns of contiguous memory.

    Tables of other programs may leave cells empty. Without ``period_start`` a row covers its day, without
    ``observed_at`` it was observed in 1970. Raises StoreError naming a row whose day is none.
    """
    columns = []
    schema = select_schema(data.column_names)
    for field in schema:
        values = data[field.name].combine_chunks()
        if values.null_count:
            # The key is not null: rows are selected by it.
            default = data["period_end"].combine_chunks() if field.name == "period_start" else _default(field)
            values = pc.fill_null(values, default)
        if field.name in _DAYS:
            values = _days_as_texts(values, data)
        columns.append(values)
    return pa.table(columns, schema=schema)


def _default(field: pa.Field[Any]) -> Any:
    if pa.types.is_timestamp(field.type):
        return pa.scalar(UNKNOWN_TIME, field.type)
    return pa.scalar("" if pa.types.is_string(field.type) else 0, field.type)


def _days_as_texts(days: Any, data: pa.Table) -> Any:
    """Return days as ISO text of ten characters. Raises StoreError for what is no day."""
    try:
        days.cast(pa.date32())
    except pa.ArrowInvalid:
        days = pc.if_else(pc.equal(days, pa.scalar("")), data["period_end"].combine_chunks(), days)
        days = pc.utf8_slice_codeunits(days, 0, _DAY_LENGTH)
        texts = days.unique().to_pylist()
        if wrong := {text for text in texts if not _is_day(text)}:
            at = pc.index_in(days, pa.array(sorted(wrong))).is_valid().index(True).as_py()
            shown = sanitize(f"{data['metric_id'][at]} {data['period_end'][at]}", limit=120)
            msg = f"table 'stats' holds a row without a day or a value: {shown}"
            raise StoreError(msg) from None
    return days


def _is_day(text: str) -> bool:
    try:
        pa.scalar(text).cast(pa.date32())
    except pa.ArrowInvalid:
        return False
    return True


def days(values: pa.ChunkedArray[Any] | pa.Array[Any]) -> Ints:
    """Return days, stored as ISO text, as `date.toordinal` counts them."""
    numbers: Ints = values.cast(pa.date32()).cast(pa.int32()).to_numpy().astype(np.int64) + _EPOCH
    return numbers


def is_seed(data: pa.Table) -> Mask:
    """Return `Observation.is_seed` of every row."""
    seeded = pc.equal(data["provenance"], pa.scalar(Provenance.CSV_SEED.value))
    other = pc.not_equal(data["source_window"], pa.scalar(SourceWindow.CUMULATIVE_SNAPSHOT.value))
    return _mask(pc.and_(seeded, other))


def is_reconstructed(data: pa.Table) -> Mask:
    """Return `Observation.is_reconstructed` of every row."""
    masks = [_mask(pc.starts_with(data["source_ref"], beginning)) for beginning in RECONSTRUCTED_REFS]
    return any_of(masks)


def is_stand_in(data: pa.Table) -> Mask:
    """Return `Observation.is_stand_in` of every row."""
    return _mask(pc.starts_with(data["source_ref"], STAND_IN_REF))


def differ(one: pa.Table, other: pa.Table, column: str) -> Mask:
    """Return whether a column of two tables differs, row by row."""
    return _mask(pc.not_equal(one[column], other[column]))


def any_of(masks: Sequence[Mask]) -> Mask:
    """Return where any of several masks is true."""
    found: Mask = np.logical_or.reduce(masks)
    return found


def _mask(values: Any) -> Mask:
    mask: Mask = values.to_numpy().astype(np.bool_)
    return mask


def values(data: pa.Table) -> Ints:
    """Return the values of all rows."""
    numbers: Ints = data["value"].to_numpy()
    return numbers


def key_numbers(data: pa.Table, metric_ids: Sequence[str]) -> Ints:
    """Return one number per row that orders and equals like its key.

    ``metric_ids`` are ascending and hold every metric of ``data``. The upper half of a number is the index
    of the metric, the lower half the day.
    """
    metrics = pc.index_in(data["metric_id"], pa.array(metric_ids, pa.string())).to_numpy().astype(np.int64)
    return (metrics << 32) + days(data["period_end"])


def repeated_keys(data: pa.Table, metric_ids: Sequence[str]) -> list[tuple[str, date]]:
    """Return the keys that come more than once, ascending."""
    numbers, counts = np.unique(key_numbers(data, metric_ids), return_counts=True)
    repeated = numbers[counts > 1].tolist()
    return [(metric_ids[number >> 32], date.fromordinal(number & 0xFFFFFFFF)) for number in repeated]


def sort_unique(data: pa.Table, metric_ids: Sequence[str]) -> pa.Table:
    """Return the rows sorted by metric and day, each key once; see :data:`NEWEST_LAST`.

    ``metric_ids`` are ascending and hold every metric of ``data``.
    """
    numbers = key_numbers(data, metric_ids)
    if _is_ascending(numbers):
        return data
    order = np.argsort(numbers, kind="stable")
    if _is_ascending(numbers[order]):
        return data.take(order)
    data = data.sort_by([(name, "ascending") for name in (*STATS.key, *NEWEST_LAST)])
    numbers = key_numbers(data, metric_ids)
    return data.take(np.flatnonzero(np.append(np.diff(numbers) > 0, True)))


def _is_ascending(numbers: Ints) -> bool:
    """Whether each number is larger than the one before it."""
    return bool((np.diff(numbers) > 0).all())


@dataclass(frozen=True, slots=True)
class Part:
    """New rows of some metrics that reach about equally far back."""

    #: Ascending.
    metric_ids: list[str]
    #: Sorted by key; a key may come more than once, in the order of the rows that came in.
    rows: pa.Table
    span: Span


def split(rows: pa.Table, size: int) -> Iterator[Part]:
    """Yield the rows in parts of at most ``size`` metrics.

    Metrics that reach equally far back come together, so that one new metric does not have all read as deep.
    """
    metric_ids: list[str] = sorted(map(str, rows["metric_id"].unique().to_pylist()))
    numbers = key_numbers(rows, metric_ids)
    order = np.argsort(numbers, kind="stable")
    ends = np.searchsorted(numbers[order], np.arange(len(metric_ids) + 1) << 32)
    day_of = numbers[order] & 0xFFFFFFFF
    first, last = day_of[ends[:-1]], day_of[ends[1:] - 1]
    by_depth = np.argsort(first, kind="stable")
    for start in range(0, len(metric_ids), size):
        members = np.sort(by_depth[start : start + size])
        yield Part(
            [metric_ids[member] for member in members],
            # The rest of the rows is never copied: a night of many metrics has most of the memory here.
            complete(_take(rows, np.concatenate([order[ends[member] : ends[member + 1]] for member in members]))),
            Span(date.fromordinal(int(first[members].min())), date.fromordinal(int(last[members].max()))),
        )


@dataclass(frozen=True, slots=True)
class Comparison:
    """New rows against what is stored."""

    #: New rows to be written.
    written: pa.Table
    #: Those of ``written`` that replace a stored row, and the stored rows, in the same order.
    replacing: pa.Table
    replaced: pa.Table
    #: How many keys are not written.
    unchanged: int


def compare(part: Part, stored: pa.Table, overwrites: Overwrite) -> Comparison:
    """Decide which rows of ``part`` are written; ``stored`` has each key once, sorted.

    Of rows with one key, each is written over the one before it only when ``overwrites`` says so.
    """
    new, numbers = _fold(part.rows, key_numbers(part.rows, part.metric_ids), overwrites)
    known = key_numbers(stored, part.metric_ids)
    places = np.searchsorted(known, numbers)
    is_known = np.append(known, -1)[places] == numbers
    candidates = np.flatnonzero(is_known)
    old = _take(stored, places[candidates])
    wins = overwrites(old, _take(new, candidates))
    is_written = ~is_known
    is_written[candidates[wins]] = True
    return Comparison(
        written=_take(new, np.flatnonzero(is_written)),
        replacing=_take(new, candidates[wins]),
        replaced=_take(old, np.flatnonzero(wins)),
        unchanged=len(numbers) - int(is_written.sum()),
    )


def _take(data: pa.Table, rows: Ints) -> pa.Table:
    """Return these rows; without a copy where they follow each other."""
    if len(rows) and (np.diff(rows) == 1).all():
        return data.slice(int(rows[0]), len(rows))
    return data.take(rows)


def _fold(rows: pa.Table, numbers: Ints, overwrites: Overwrite) -> tuple[pa.Table, Ints]:
    """Return the last word of rows sorted by key, each key once, and their key numbers."""
    kept = np.arange(len(numbers))
    # Each round compares the first two rows of every key that has several.
    while (is_repeated := np.diff(numbers[kept]) == 0).any():
        second = np.flatnonzero(is_repeated & np.append(True, ~is_repeated[:-1])) + 1
        wins = overwrites(rows.take(kept[second - 1]), rows.take(kept[second]))
        kept = np.delete(kept, np.where(wins, second - 1, second))
    return (rows, numbers) if len(kept) == len(numbers) else (rows.take(kept), numbers[kept])
