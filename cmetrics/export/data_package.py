"""The data files of the site: roll-ups and events as Parquet, and a description of all of them.

``datapackage.json`` follows Data Package 1.0 (specs.frictionlessdata.io), which pandas, Datasette and data
portals read. Rows and columns have a fixed order, so equal data give equal bytes.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from io import BytesIO
from typing import Any

import pyarrow as pa
import pyarrow.parquet

from cmetrics.analytics.insights import Rollup
from cmetrics.domain.metric import Event
from cmetrics.store.schema import STATS

DESCRIPTION_FILE = "data/datapackage.json"
STATS_CSV, STATS_PARQUET = "data/stats.csv", "data/stats.parquet"
ROLLUPS_FILE, EVENTS_FILE = "data/rollups.parquet", "data/events.parquet"

_DAY: pa.DataType = pa.date32()
_TEXT: pa.DataType = pa.string()
_COUNT: pa.DataType = pa.int64()
_NUMBER: pa.DataType = pa.float64()
_FLAG: pa.DataType = pa.bool_()

ROLLUPS = pa.schema(
    [
        ("scope", _TEXT),
        ("unit", _TEXT),
        ("metric_id", _TEXT),
        ("product", _TEXT),
        ("window", _TEXT),
        ("start", _DAY),
        ("end", _DAY),
        ("value", _COUNT),
        ("days_observed", _COUNT),
        ("days_expected", _COUNT),
        ("compared_value", _COUNT),
        ("previous_start", _DAY),
        ("previous_end", _DAY),
        ("previous_value", _COUNT),
        ("change", _COUNT),
        ("change_percent", _NUMBER),
        ("share", _NUMBER),
        ("previous_share", _NUMBER),
        ("share_change", _NUMBER),
        ("comparable", _FLAG),
        ("reason", _TEXT),
        ("is_new", _FLAG),
        ("gained", _COUNT),
        ("lost", _COUNT),
    ]
)
EVENTS = pa.schema(
    [
        ("event_id", _TEXT),
        ("product", _TEXT),
        ("day", _DAY),
        ("label", _TEXT),
        ("url", _TEXT),
        ("source", _TEXT),
        ("tag", _TEXT),
        ("prerelease", _FLAG),
    ]
)

_NOTES: Mapping[str, str] = {
    "metric_id": "The metric, as in api/v1/definitions.json",
    "period_start": "The first day of the value",
    "period_end": "The last day of the value (UTC)",
    "value": "Downloads of the period, or the count at its end",
    "provenance": "api_daily, recomputed or csv_seed",
    "source_window": "What the value covers: 1d, cumulative_snapshot, discrete_snapshot, 7d or 30d",
    "observed_at": "When the value was read",
    "source_ref": "The service and the subject that were read",
    "scope": "metric, product or all",
    "unit": "downloads or stars (the net gain of the window)",
    "window": "7d, 30d, 90d, 365d, month (the last full one) or month_to_date",
    "compared_value": "The part of the value that the period before is compared with",
    "change_percent": "Null from zero, and where nothing is compared",
    "share": "Percent of the product's downloads in the same window",
    "share_change": "Percentage points",
    "comparable": "Whether both periods are complete and counted in the same way",
    "reason": "Why they are not comparable",
    "is_new": "From zero to more",
    "day": "The UTC day",
    "source": "github for a release, else catalogue",
    "tag": "Empty for events that are not releases",
}


def rollups_parquet(rollups: Iterable[Rollup]) -> bytes:
    """Return the roll-ups as a Parquet file."""
    names = [name for name in ROLLUPS.names if not name.startswith("previous_") or name == "previous_share"]
    rows = [
        {name: getattr(row, name) for name in names}
        | {f"previous_{name}": getattr(row.previous, name, None) for name in ("start", "end", "value")}
        for row in rollups
    ]
    return _parquet(rows, ROLLUPS)


def events_parquet(events: Iterable[Event]) -> bytes:
    """Return the events as a Parquet file: one row per event and product, by day."""
    rows = [
        {
            "event_id": event.identifier,
            "product": product,
            "day": event.day,
            "label": event.label,
            "url": event.url,
            "source": event.source,
            "tag": event.tag,
            "prerelease": event.prerelease,
        }
        for event in events
        for product in event.products
    ]
    return _parquet(rows, EVENTS)


def data_package(title: str, description: str, url: str | None) -> bytes:
    """Return the description of the data files. ``url`` is the published address of the site."""
    days = {"period_start": "date", "period_end": "date"}
    stats = _fields(STATS.schema, days)
    resources = [
        _resource(STATS_CSV, "Every stored value", stats, STATS.key),
        _resource(STATS_PARQUET, "Every stored value", stats, STATS.key),
        _resource(ROLLUPS_FILE, "Windows of metrics and products, against the period before", _fields(ROLLUPS), ()),
        _resource(EVENTS_FILE, "Releases and events of the catalogue", _fields(EVENTS), ("event_id", "product")),
    ]
    document: dict[str, Any] = {
        "profile": "data-package",
        "name": "cmetrics",
        "title": title,
        "description": description,
        **({"homepage": url} if url else {}),
        "resources": resources,
    }
    return json.dumps(document, ensure_ascii=False, indent=1).encode() + b"\n"


def _resource(path: str, title: str, fields: Sequence[Mapping[str, str]], key: Sequence[str]) -> dict[str, Any]:
    stem, _, suffix = path.removeprefix("data/").partition(".")
    return {
        "name": f"{stem}-{suffix}" if stem == "stats" else stem,
        "path": path.removeprefix("data/"),
        "title": title,
        "format": suffix,
        "mediatype": {"csv": "text/csv", "parquet": "application/vnd.apache.parquet"}[suffix],
        **({"encoding": "utf-8"} if suffix == "csv" else {}),
        "schema": {"fields": list(fields), **({"primaryKey": list(key)} if key else {})},
    }


def _fields(schema: pa.Schema, types: Mapping[str, str] | None = None) -> list[dict[str, str]]:
    return [
        {
            "name": field.name,
            "type": (types or {}).get(field.name) or _type(field.type),
            **({"description": _NOTES[field.name]} if field.name in _NOTES else {}),
        }
        for field in schema
    ]


def _type(arrow: pa.DataType) -> str:
    if pa.types.is_timestamp(arrow):
        return "datetime"
    return {_DAY: "date", _TEXT: "string", _COUNT: "integer", _NUMBER: "number", _FLAG: "boolean"}[arrow]


def _parquet(rows: Sequence[Mapping[str, Any]], schema: pa.Schema) -> bytes:
    columns = {name: [row[name] for row in rows] for name in schema.names}
    out = BytesIO()
    pyarrow.parquet.write_table(pa.table(columns, schema=schema), out, compression="zstd")
    return out.getvalue()
