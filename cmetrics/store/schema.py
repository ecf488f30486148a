"""Tables, their keys and types, and the way between rows and domain values.

Names and Arrow types are fixed: tables of these names exist in clusters and stay as they are.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import lru_cache
from io import BytesIO
from operator import attrgetter
from typing import Any

import pyarrow as pa
import pyarrow.parquet

from cmetrics.domain.errors import StoreError
from cmetrics.domain.metric import Definition
from cmetrics.domain.observation import Observation
from cmetrics.domain.revision import Revision
from cmetrics.domain.run import Run
from cmetrics.domain.sanitize import sanitize

#: Stands for a moment that a row does not tell.
UNKNOWN_TIME = datetime(1970, 1, 1, tzinfo=UTC)

_TIME = pa.timestamp("us", tz="UTC")

#: Without this declaration writers that insert the same new key at the same moment each insert
#: it; with it the later one meets a conflict and tries again (lance#4585, lance#8949). Key columns
#: must not be nullable. Seen with lancedb 0.40.
_KEY = {"lance-schema:unenforced-primary-key": "true"}


@dataclass(frozen=True, slots=True)
class Table:
    """One table: its name, its key, and its columns for a table that we create."""

    name: str
    key: tuple[str, ...]
    schema: pa.Schema


def _table(name: str, key: tuple[str, ...], columns: dict[str, pa.DataType]) -> Table:
    fields = [
        pa.field(column, kind, nullable=column not in key, metadata=_KEY if column in key else None)
        for column, kind in columns.items()
    ]
    return Table(name, key, pa.schema(fields))


METRICS = _table(
    "metrics",
    ("metric_id",),
    {
        "metric_id": pa.string(),
        "metric_family": pa.string(),
        "product": pa.string(),
        "subject": pa.string(),
        "sdk": pa.string(),
        "source": pa.string(),
        "value_kind": pa.string(),
        "unit": pa.string(),
        "is_active": pa.bool_(),
        "display_name": pa.string(),
        "created_at": _TIME,
    },
)

STATS = _table(
    "stats",
    ("metric_id", "period_end"),
    {
        "metric_id": pa.string(),
        "period_start": pa.string(),
        "period_end": pa.string(),
        "observed_at": _TIME,
        "value": pa.int64(),
        "provenance": pa.string(),
        "source_window": pa.string(),
        "ingestion_run_id": pa.string(),
        "source_ref": pa.string(),
    },
)

HISTORY = _table(
    "history",
    ("ingestion_run_id",),
    {
        "ingestion_run_id": pa.string(),
        "job_name": pa.string(),
        "started_at": _TIME,
        "finished_at": _TIME,
        "status": pa.string(),
        "rows_inserted": pa.int64(),
        "rows_updated": pa.int64(),
        "error_summary": pa.string(),
    },
)

TABLES = (METRICS, STATS, HISTORY)

#: Not one of :data:`TABLES`: it is made by the first run that has something to keep in it.
REVISIONS = _table(
    "revisions",
    ("metric_id", "last_day", "ingestion_run_id"),
    {
        "metric_id": pa.string(),
        "first_day": pa.string(),
        "last_day": pa.string(),
        "old_value": pa.int64(),
        "new_value": pa.int64(),
        "ingestion_run_id": pa.string(),
        "observed_at": _TIME,
    },
)

_DEFINITION_TEXTS = [f.name for f in METRICS.schema if f.type == pa.string() and f.name != "sdk"]


#: Columns that hold days, as texts.
DAYS = frozenset({"period_start", "period_end", "first_day", "last_day"})

Row = Observation | Run | Definition | Revision


def encode(rows: Sequence[Row], table: Table) -> pa.Table:
    """The rows as Arrow, in the order and with the types of ``table``."""
    columns = {field.name: list(map(attrgetter(field.name), rows)) for field in table.schema}
    for name in DAYS.intersection(columns):
        columns[name] = [_day_text(day) for day in columns[name]]
    return pa.table(columns, schema=table.schema)


def decode_observations(data: pa.Table) -> list[Observation]:
    """Rows of ``stats``; all columns are needed.

    What tables of other programs may leave empty is read as empty. Raises StoreError for a row
    without a key or a value.
    """
    columns = (_shared(data[field.name]) for field in STATS.schema)
    return list(map(_observation, *columns))


def _shared(column: pa.ChunkedArray[Any]) -> list[Any]:
    """The values of a column; equal texts and times are one object, for a table repeats most of them."""
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
    """One row, its columns in the order of the table."""
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
        msg = f"table 'stats' holds a row without a day or a value: {shown}"
        raise StoreError(msg) from error


def decode_runs(data: pa.Table) -> list[Run]:
    """Rows of ``history``; what tables of other programs leave empty is read as nothing."""
    return [
        Run(
            ingestion_run_id=row["ingestion_run_id"] or "",
            job_name=row["job_name"] or "",
            status=row["status"] or "",
            started_at=row["started_at"] or UNKNOWN_TIME,
            finished_at=row["finished_at"],
            rows_inserted=row["rows_inserted"] or 0,
            rows_updated=row["rows_updated"] or 0,
            error_summary=row["error_summary"] or None,
        )
        for row in _records(data, HISTORY)
    ]


def decode_definitions(data: pa.Table) -> list[Definition]:
    """Rows of ``metrics``; what tables of other programs leave empty is read as nothing."""
    return [
        Definition(
            sdk=row["sdk"],
            is_active=row["is_active"] is not False,
            created_at=row["created_at"] or UNKNOWN_TIME,
            **{name: row[name] or "" for name in _DEFINITION_TEXTS},
        )
        for row in _records(data, METRICS)
        if row["metric_id"]
    ]


def decode_revisions(data: pa.Table) -> list[Revision]:
    """Rows of ``revisions``."""
    return [
        Revision(**(row | {"first_day": _day(row["first_day"]), "last_day": _day(row["last_day"])}))
        for row in _records(data, REVISIONS)
    ]


def decode_days(data: pa.Table) -> Iterable[tuple[str, date, str, str]]:
    """``(metric_id, period_end, provenance, source_window)`` of every row."""
    names = ("metric_id", "period_end", "provenance", "source_window")
    for metric_id, day, provenance, source_window in zip(*(_shared(data[name]) for name in names), strict=True):
        yield metric_id, _day(day), provenance, source_window


def decode_source_refs(data: pa.Table) -> Iterable[tuple[str, date, str]]:
    """``(metric_id, period_end, source_ref)`` of every row."""
    names = ("metric_id", "period_end", "source_ref")
    for metric_id, day, ref in zip(*(_shared(data[name]) for name in names), strict=True):
        yield metric_id, _day(day), ref or ""


def to_parquet(rows: Sequence[Observation]) -> bytes:
    """The rows as a Parquet file with the columns of ``stats``."""
    out = BytesIO()
    pyarrow.parquet.write_table(encode(rows, STATS), out, compression="zstd")
    return out.getvalue()


def _records(data: pa.Table, table: Table) -> list[dict[str, Any]]:
    return data.select(table.schema.names).to_pylist()


@lru_cache(maxsize=20_000)
def _day_text(day: date) -> str:
    return day.isoformat()


@lru_cache(maxsize=20_000)
def _day(text: str) -> date:
    """A day of the store; the same few texts come for every metric."""
    return date.fromisoformat(text[:10])
