"""``datapackage.json``: the description of the data files, with columns, units, licence and sources.

It follows Data Package 1.0 (specs.frictionlessdata.io), which pandas, Datasette and data portals read.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import pyarrow as pa

from cmetrics.analytics.model import Publication
from cmetrics.domain.license import License
from cmetrics.domain.metric import SourceSpec
from cmetrics.export.data_dictionary import COLUMNS, TABLES
from cmetrics.version import __version__

DESCRIPTION_FILE = "data/datapackage.json"
NO_LICENSE = "No licence is stated for these data; the terms of the sources apply."

_TYPES: Mapping[pa.DataType, str] = {
    pa.date32(): "date",
    pa.string(): "string",
    pa.int64(): "integer",
    pa.float64(): "number",
    pa.bool_(): "boolean",
}
_MEDIA = {"csv": "text/csv", "parquet": "application/vnd.apache.parquet"}
#: Column → unit, in all tables, unless the name states it.
_UNITS = {
    "change_percent": "percent",
    "share": "percent",
    "previous_share": "percent",
    "share_change": "percentage points",
    "days": "days",
    "days_observed": "days",
    "days_expected": "days",
    "days_stored": "days",
    "pending_days": "days",
}
#: Table with counts → their unit.
_COUNTED = {
    "daily": "count; metric_family names what is counted",
    "stats": "count; metric_family in metrics.parquet names what is counted",
    "readings": "count; metric_family in metrics.parquet names what is counted",
    "revisions": "count; metric_family in metrics.parquet names what is counted",
    "rollups": "count; unit names what is counted",
    "stars": "stars",
}
_COUNTS = frozenset(
    {"value", "old_value", "new_value", "compared_value", "previous_value", "change", "gained", "lost", "net"}
)


@dataclass(frozen=True, slots=True)
class DataFile:
    """One written data file, or the parts of a table by year."""

    #: Relative to the folder of ``datapackage.json``.
    paths: Sequence[str]
    #: The table that it contains.
    table: str
    #: The schema of its rows.
    schema: pa.Schema
    #: The columns that identify a row; none if no columns do.
    key: Sequence[str]
    rows: int
    #: Size in bytes and SHA-256 of a single file; None for parts.
    size: int | None = None
    digest: str | None = None

    @property
    def name(self) -> str:
        """The name of the resource."""
        suffix = self.paths[0].rpartition(".")[2]
        if len(self.paths) > 1 or "/" in self.paths[0]:
            return f"{self.table}-by-year"
        return f"{self.table}-{suffix}" if self.table == "stats" else self.table


def data_package(publication: Publication, specs: Mapping[str, SourceSpec], files: Iterable[DataFile]) -> bytes:
    """Return the description of the data files."""
    board = publication.dashboard
    used = [specs[name] for name in dict.fromkeys(item.metric.source for item in board.items)]
    document: dict[str, Any] = {
        "profile": "data-package",
        "name": "cmetrics",
        "title": board.marked_title,
        "description": f"Data up to {board.as_of} (UTC).{'' if board.license else f' {NO_LICENSE}'}",
        **({"homepage": publication.url} if publication.url else {}),
        "as_of": board.as_of.isoformat(),
        "created": board.generated_at.isoformat().replace("+00:00", "Z"),
        "generator": f"cmetrics {__version__}",
        **({"licenses": [_license(board.license)]} if board.license else {}),
        "sources": list({(spec.public_name, spec.terms): _source(spec) for spec in used}.values()),
        "resources": [_resource(file) for file in files],
    }
    return json.dumps(document, ensure_ascii=False, indent=1).encode() + b"\n"


def _license(license: License) -> dict[str, str]:  # noqa: A002  # The word of the specification.
    identifier = {"name": license.identifier} if license.identifier else {}
    return {**identifier, "title": license.title, "path": license.url}


def _source(spec: SourceSpec) -> dict[str, str]:
    """Return the service with its terms, if known."""
    page = urlsplit(spec.page)
    address = {"path": f"{page.scheme}://{page.netloc}"} if page.netloc else {}
    return {"title": spec.public_name, **address, **({"terms": spec.terms} if spec.terms else {})}


def _resource(file: DataFile) -> dict[str, Any]:
    suffix = file.paths[0].rpartition(".")[2]
    digest = {} if file.size is None else {"bytes": file.size, "hash": f"sha256:{file.digest}"}
    return {
        "name": file.name,
        "path": file.paths[0] if len(file.paths) == 1 else list(file.paths),
        "title": TABLES[file.table].partition(". ")[0].rstrip("."),
        "description": TABLES[file.table],
        "format": suffix,
        "mediatype": _MEDIA[suffix],
        **({"encoding": "utf-8"} if suffix == "csv" else {}),
        "rows": file.rows,
        **digest,
        "schema": {
            "fields": [_field(file.table, field) for field in file.schema],
            **({"primaryKey": list(file.key)} if file.key else {}),
        },
    }


def _field(table: str, field: pa.Field[Any]) -> dict[str, str]:
    unit = _COUNTED[table] if field.name in _COUNTS and table in _COUNTED else _UNITS.get(field.name)
    return {
        "name": field.name,
        "type": _type(field.type),
        **({"unit": unit} if unit else {}),
        "description": COLUMNS[table][field.name],
    }


def _type(arrow: pa.DataType) -> str:
    if pa.types.is_timestamp(arrow):
        return "datetime"
    return _TYPES[arrow.value_type if isinstance(arrow, pa.DictionaryType) else arrow]
