"""The tables: names, keys and columns, and the conversion between Arrow and dataclasses.

A table's columns are declared once, by the fields of its row's dataclass; the Arrow schema and the
CSV files follow from them. Names and Arrow types are fixed: tables of these names exist in clusters.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, fields
from datetime import UTC, date, datetime
from enum import StrEnum
from functools import lru_cache
from itertools import compress
from operator import attrgetter
from types import NoneType
from typing import Any, Generic, TypeVar, get_args, get_type_hints

import pyarrow as pa
import pyarrow.compute as pc

from cmetrics.domain.errors import StoreError
from cmetrics.domain.event import StoredEvent
from cmetrics.domain.metric import Definition
from cmetrics.domain.observation import Observation
from cmetrics.domain.outcome import Outcome
from cmetrics.domain.reading import StoredReading
from cmetrics.domain.revision import Revision
from cmetrics.domain.run import Run
from cmetrics.domain.sanitize import sanitize

#: The value for a missing time.
UNKNOWN_TIME = datetime(1970, 1, 1, tzinfo=UTC)

#: Without this declaration, two writers that insert the same new key at the same moment insert it twice. With it,
#: the later one detects a conflict and tries again (lance#4585, lance#8949). Key columns must not be nullable.
#: Observed with lancedb 0.40.
_KEY = {"lance-schema:unenforced-primary-key": "true"}


R = TypeVar("R")

#: The Arrow type of a column by the type of its field. Days are stored as ISO text.
_ARROW: dict[type, pa.DataType] = {
    str: pa.string(),
    int: pa.int64(),
    bool: pa.bool_(),
    date: pa.string(),
    datetime: pa.timestamp("us", tz="UTC"),
}
#: The value for a cell that another program left empty. By default, a metric is active.
_EMPTY: dict[type, Any] = {str: "", int: 0, bool: True, datetime: UNKNOWN_TIME}


@dataclass(frozen=True, slots=True)
class Column:
    """One column of a table, derived from a field of its row's dataclass."""

    name: str
    #: str, int, bool, date, datetime or a StrEnum.
    type: type
    #: Whether the field may be None.
    is_optional: bool

    @property
    def arrow_type(self) -> pa.DataType:
        """The Arrow type that stores :attr:`type`."""
        return _ARROW[str if issubclass(self.type, StrEnum) else self.type]


@dataclass(frozen=True, slots=True)
class Table(Generic[R]):
    """One table: its name, the dataclass of its rows, its key and its columns."""

    name: str
    row_type: type[R]
    key: tuple[str, ...]
    #: In the order of the fields of ``row_type``.
    columns: tuple[Column, ...]
    #: The columns as Arrow, for a table that this program creates.
    schema: pa.Schema


def _table(name: str, row_type: type[R], key: tuple[str, ...], *, first: tuple[str, ...] = ()) -> Table[R]:
    """Build the table whose rows are ``row_type``: to add a column, add a field to the dataclass.

    The columns are in the order of the fields, except that those named in ``first`` precede the
    others in Arrow.
    """
    hints = get_type_hints(row_type)
    columns = tuple(_column(field.name, hints[field.name]) for field in fields(row_type))  # type: ignore[arg-type]
    order = sorted(columns, key=lambda column: first.index(column.name) if column.name in first else len(first))
    arrow = pa.schema(
        pa.field(
            column.name,
            column.arrow_type,
            nullable=column.name not in key,
            metadata=_KEY if column.name in key else None,
        )
        for column in order
    )
    return Table(name, row_type, key, columns, arrow)


def _column(name: str, hint: Any) -> Column:
    types = [kind for kind in get_args(hint) or (hint,) if kind is not NoneType]
    return Column(name, types[0], is_optional=NoneType in get_args(hint))


METRICS = _table("metrics", Definition, ("metric_id",))
STATS = _table("stats", Observation, ("metric_id", "period_end"))
HISTORY = _table(
    "history", Run, ("ingestion_run_id",), first=("ingestion_run_id", "job_name", "started_at", "finished_at")
)

#: The tables that every store has.
TABLES: tuple[Table[Any], ...] = (METRICS, STATS, HISTORY)

REVISIONS = _table("revisions", Revision, ("metric_id", "last_day", "ingestion_run_id"))
OUTCOMES = _table("outcomes", Outcome, ("ingestion_run_id", "metric_id"))
EVENTS = _table("events", StoredEvent, ("event_id", "product"))
READINGS = _table("readings", StoredReading, ("metric_id", "identity", "period_end"))

#: Tables that a store may lack: each is created when its first row is written.
OPTIONAL_TABLES: tuple[Table[Any], ...] = (REVISIONS, OUTCOMES, EVENTS, READINGS)


def encode(rows: Sequence[R], table: Table[R]) -> pa.Table:
    """Return the rows as Arrow, in the order and with the types of ``table``."""
    encoded: dict[str, list[Any]] = {}
    for column in table.columns:
        values: Iterable[Any] = map(attrgetter(column.name), rows)
        if column.type is date:
            values = (None if day is None else _day_text(day) for day in values)
        encoded[column.name] = list(values)
    return pa.table({name: encoded[name] for name in table.schema.names}, schema=table.schema)


def decode(data: pa.Table, table: Table[R]) -> list[R]:
    """Return the rows of ``table``. Cells that another program left empty get default values.

    Rows without a value in the first key column are left out. Raises StoreError for a value that does not match
    the type of its column.
    """
    with _unknown_values(table):
        columns = [_decoded(column, data[column.name]) for column in table.columns]
    present = [bool(value) for value in columns[table.columns.index(_key_column(table))]]
    return [table.row_type(*values) for values in compress(zip(*columns, strict=True), present)]


def fill(data: pa.Table, table: Table[Any]) -> pa.Table:
    """Return the rows of ``table`` by column, with the same default values as `decode`."""
    is_present: Any = pc.not_equal(data[table.key[0]], pa.scalar(""))
    data = data.filter(is_present)  # a null is not true
    columns = {column.name: _filled(column, data[column.name], table) for column in table.columns}
    return pa.table({name: columns[name] for name in table.schema.names}, schema=table.schema)


def _filled(column: Column, values: Any, table: Table[Any]) -> Any:
    if column.is_optional and pa.types.is_string(values.type):
        values = pc.if_else(pc.equal(values, pa.scalar("")), pa.scalar(None, pa.string()), values)
    elif not column.is_optional and values.null_count and column.type in _EMPTY:
        values = pc.fill_null(values, pa.scalar(_EMPTY[column.type], values.type))
    if column.type is date:
        return pc.utf8_slice_codeunits(values, 0, 10)
    if issubclass(column.type, StrEnum):
        with _unknown_values(table):
            [column.type(value) for value in values.unique().to_pylist()]
    return values


def map_texts(data: pa.Table, name: str, convert: Callable[[str], str]) -> pa.Table:
    """Return the rows with the texts of one column converted. Each distinct text is converted once."""
    column: Any = data[name].combine_chunks().dictionary_encode()
    texts = pa.array([convert(text) for text in column.dictionary.to_pylist()], pa.string())
    return data.set_column(data.schema.get_field_index(name), data.schema.field(name), texts.take(column.indices))


@contextmanager
def _unknown_values(table: Table[Any]) -> Iterator[None]:
    """Raise StoreError for a value that is not a member of its enum, such as one from a newer version."""
    try:
        yield
    except ValueError as error:
        msg = (
            f"table {table.name!r} contains a value unknown to this version "
            f"({sanitize(str(error), limit=120)}); update cmetrics"
        )
        raise StoreError(msg) from error


def _key_column(table: Table[Any]) -> Column:
    return next(column for column in table.columns if column.name == table.key[0])


def _decoded(column: Column, data: pa.ChunkedArray[Any]) -> list[Any]:
    values = _shared(data)
    if column.type is date:
        return [_day(value) if value else None for value in values]
    if issubclass(column.type, StrEnum):
        return [column.type(value) for value in values]
    empty = None if column.is_optional else _EMPTY[column.type]
    return [empty if value is None or value == "" else value for value in values]


def decode_observations(data: pa.Table) -> list[Observation]:
    """Return the rows of ``stats``; all columns are needed.

    Cells that another program left empty get default values. Raises StoreError for a row without a key or a
    value.
    """
    columns = (_shared(data[column.name]) for column in STATS.columns)
    return list(map(_observation, *columns))


def _shared(column: pa.ChunkedArray[Any]) -> list[Any]:
    """Return the values of a column. Equal texts and times share one object, because most of them repeat."""
    if column.type == pa.int64():
        return column.to_pylist()
    encoded = column.combine_chunks().dictionary_encode()
    values = encoded.dictionary.to_pylist()
    return [None if index is None else values[index] for index in encoded.indices.to_pylist()]


def _observation(
    metric_id: str,
    period_start: str | None,
    period_end: str,
    observed_at: datetime | None,
    value: int,
    provenance: str | None,
    source_window: str | None,
    ingestion_run_id: str | None,
    source_ref: str | None,
) -> Observation:
    """Return one row from its cells in the order of the table."""
    try:
        return Observation(
            metric_id,
            _day(period_start or period_end),
            _day(period_end),
            observed_at or UNKNOWN_TIME,
            int(value),
            provenance or "",
            source_window or "",
            ingestion_run_id or "",
            source_ref or "",
        )
    except (TypeError, ValueError) as error:
        shown = sanitize(f"{metric_id} {period_end}", limit=120)
        msg = f"table 'stats' contains a row without a day or a value: {shown}"
        raise StoreError(msg) from error


def decode_source_refs(data: pa.Table) -> Iterable[tuple[str, date, str]]:
    """Yield ``(metric_id, period_end, source_ref)`` of every row."""
    names = ("metric_id", "period_end", "source_ref")
    for metric_id, day, ref in zip(*(_shared(data[name]) for name in names), strict=True):
        yield metric_id, _day(day), ref or ""


@lru_cache(maxsize=20_000)
def _day_text(day: date) -> str:
    return day.isoformat()


@lru_cache(maxsize=20_000)
def _day(text: str) -> date:
    """Parse a stored day. Cached, because all metrics have the same days."""
    return date.fromisoformat(text[:10])
