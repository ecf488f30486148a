"""Rows of ``stats`` as columns: complete cells, each key once, sorted by metric and day.

All of it is pyarrow.compute and NumPy, which LanceDB imports anyway; a data frame library would add
its import to every start and express nothing here in fewer lines.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from cmetrics.domain.errors import StoreError
from cmetrics.domain.sanitize import sanitize
from cmetrics.store.schema import STATS, UNKNOWN_TIME

Ints = npt.NDArray[np.int64]

#: Of two rows with one key the last in this order counts: the row observed last, and of equal ones always the same.
NEWEST_LAST = ("observed_at", "ingestion_run_id", "value")
#: Length of a day as ISO text.
_DAY_LENGTH = 10
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


def key_numbers(data: pa.Table, metric_ids: Sequence[str]) -> Ints:
    """Return one number per row that orders and equals like its key.

    ``metric_ids`` are ascending and hold every metric of ``data``.
    """
    metrics = pc.index_in(data["metric_id"], pa.array(metric_ids, pa.string())).to_numpy().astype(np.int64)
    days = data["period_end"].cast(pa.date32()).cast(pa.int32()).to_numpy()
    numbers: Ints = (metrics << 32) + days
    return numbers


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
