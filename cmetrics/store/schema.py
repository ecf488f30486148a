"""Tables, their keys and types, and the way between rows and domain values.

Names and Arrow types are fixed: tables of these names exist in clusters and stay as they are.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import lru_cache
from io import BytesIO
from typing import Any

import pyarrow as pa
import pyarrow.parquet

from cmetrics.domain.metric import Definition
from cmetrics.domain.observation import Observation
from cmetrics.domain.run import Run

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
    #: Of two rows with one key the one with the larger value here stays.
    newest_by: str


def _table(name: str, key: tuple[str, ...], newest_by: str, columns: dict[str, pa.DataType]) -> Table:
    fields = [
        pa.field(column, kind, nullable=column not in key, metadata=_KEY if column in key else None)
        for column, kind in columns.items()
    ]
    return Table(name, key, pa.schema(fields), newest_by)


METRICS = _table(
    "metrics",
    ("metric_id",),
    "created_at",
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
    "observed_at",
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
    "finished_at",
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


Row = Observation | Run | Definition


def encode(rows: Sequence[Row], table: Table) -> pa.Table:
    """The rows as Arrow, in the order and with the types of ``table``."""
    return pa.table(
        {field.name: [_plain(getattr(row, field.name)) for row in rows] for field in table.schema},
        schema=table.schema,
    )


def _plain(value: Any) -> Any:
    if isinstance(value, date) and not isinstance(value, datetime):
        return value.isoformat()
    return value


def decode_observations(data: pa.Table) -> list[Observation]:
    """Rows of ``stats``; all columns are needed."""
    return [
        Observation(**{**row, "period_start": _day(row["period_start"]), "period_end": _day(row["period_end"])})
        for row in _records(data, STATS)
    ]


def decode_runs(data: pa.Table) -> list[Run]:
    """Rows of ``history``."""
    return [Run(**row) for row in _records(data, HISTORY)]


def decode_definitions(data: pa.Table) -> list[Definition]:
    """Rows of ``metrics``."""
    return [Definition(**row) for row in _records(data, METRICS)]


def decode_days(data: pa.Table) -> Iterable[tuple[str, date, str, str]]:
    """``(metric_id, period_end, provenance, source_window)`` of every row."""
    names = ("metric_id", "period_end", "provenance", "source_window")
    for metric_id, day, *rest in zip(*(data[name].to_pylist() for name in names), strict=True):
        yield metric_id, _day(day), rest[0], rest[1]


def to_parquet(rows: Sequence[Observation]) -> bytes:
    """The rows as a Parquet file with the columns of ``stats``."""
    out = BytesIO()
    pyarrow.parquet.write_table(encode(rows, STATS), out, compression="zstd")
    return out.getvalue()


def _records(data: pa.Table, table: Table) -> list[dict[str, Any]]:
    return data.select(table.schema.names).to_pylist()


@lru_cache(maxsize=20_000)
def _day(text: str) -> date:
    """A day of the store; the same few texts come for every metric."""
    return date.fromisoformat(text[:10])
