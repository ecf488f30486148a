"""The data files of the site: tables as Parquet, for analysts.

Rows and columns have a fixed order, so equal data give equal bytes. Days are dates, texts are plain strings. Only
metrics of the catalogue are in them, and only days up to the described one.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from io import BytesIO
from operator import attrgetter
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet

from cmetrics.analytics.insight_results import Rollup
from cmetrics.analytics.model import ESTIMATED, RECONSTRUCTED, Publication, Records, StarFlows, StarItem
from cmetrics.domain.metric import Definition, Event
from cmetrics.domain.observation import SourceWindow
from cmetrics.memory import release_memory
from cmetrics.store.schema import HISTORY, METRICS, OUTCOMES, READINGS, REVISIONS, STATS, R, Table, encode

_DAY: pa.DataType = pa.date32()
_TEXT: pa.DataType = pa.string()
_COUNT: pa.DataType = pa.int64()
_NUMBER: pa.DataType = pa.float64()
_FLAG: pa.DataType = pa.bool_()
#: The ordinal (`date.toordinal`) of 1 January 1970.
_EPOCH = date(1970, 1, 1).toordinal()
#: Not published, because it may name metrics outside the catalogue. ``outcomes`` has the errors of each metric.
_PRIVATE = "error_summary"

DAILY = pa.schema(
    [
        ("metric_id", _TEXT),
        ("metric_family", _TEXT),
        ("product", _TEXT),
        ("source", _TEXT),
        ("subject", _TEXT),
        ("sdk", _TEXT),
        ("day", _DAY),
        ("value", _COUNT),
    ]
)
STARS = pa.schema(
    [
        ("metric_id", _TEXT),
        ("product", _TEXT),
        ("subject", _TEXT),
        ("day", _DAY),
        ("value", _COUNT),
        ("is_reconstructed", _FLAG),
        ("gained", _COUNT),
        ("lost", _COUNT),
        ("net", _COUNT),
    ]
)
GAPS = pa.schema(
    [
        ("metric_id", _TEXT),
        ("first_day", _DAY),
        ("last_day", _DAY),
        ("days", _COUNT),
        ("reason", _TEXT),
        ("text", _TEXT),
    ]
)
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


@dataclass(frozen=True, slots=True)
class DataTable:
    """The rows of one table, as they are published."""

    #: The name of its file, without folder and suffix.
    name: str
    rows: pa.Table
    #: The columns that identify a row; none if no columns do.
    key: tuple[str, ...] = ()


def build_tables(publication: Publication) -> Iterator[DataTable]:
    """Yield the tables of a publication, except `stats`, one after the other."""
    definitions = publication.definitions
    yield DataTable("metrics", _from_rows(sorted(definitions, key=attrgetter("metric_id")), METRICS), METRICS.key)
    yield DataTable("daily", build_daily(publication.rows.to_arrow(), definitions), ("metric_id", "day"))
    stars = [item for item in publication.dashboard.items if isinstance(item, StarItem)]
    yield DataTable("stars", build_stars(stars), ("metric_id", "day"))
    gaps = [
        {"metric_id": metric_id, **{name: getattr(gap, name) for name in GAPS.names[1:]}}
        for metric_id, found in sorted(publication.quality.gaps.items())
        for gap in found
    ]
    yield DataTable("gaps", _from_dicts(gaps, GAPS), ("metric_id", "first_day"))
    if (found := publication.findings) is not None:
        yield DataTable("rollups", build_rollups(found.insights.rollups))
        yield DataTable("events", build_events(found.events), ("event_id", "product"))
    if publication.records is not None:
        yield from _build_records(publication.records)


def _build_records(records: Records) -> Iterator[DataTable]:
    yield DataTable("history", _from_rows(records.runs, HISTORY).drop_columns([_PRIVATE]), HISTORY.key)
    outcomes = OUTCOMES.schema.empty_table() if records.outcomes is None else records.outcomes
    order: Any = [(name, "ascending") for name in ("observed_at", *OUTCOMES.key)]
    yield DataTable("outcomes", _publish(outcomes.sort_by(order), OUTCOMES), OUTCOMES.key)
    yield DataTable("revisions", _from_rows(records.revisions, REVISIONS), REVISIONS.key)
    yield DataTable("readings", _from_rows(records.readings, READINGS), READINGS.key)


def build_stats(data: pa.Table) -> DataTable:
    """Return the rows of ``stats`` as they are published."""
    return DataTable(STATS.name, _publish(data, STATS), STATS.key)


def split_years(table: DataTable, day: str) -> Iterator[tuple[int, pa.Table]]:
    """Yield the rows of each year with the year, by the column ``day``; nothing if all are of one year."""
    years: Any = pc.year(table.rows[day])
    found = sorted(years.unique().to_pylist())
    if len(found) > 1:
        for year in found:
            yield year, table.rows.filter(pc.equal(years, pa.scalar(year, pa.int64())))


def build_daily(data: pa.Table, definitions: Sequence[Definition]) -> pa.Table:
    """Return the daily values among the rows of ``stats``, with what each metric counts.

    Texts are dictionaries: a text of every row would take 80 MB with 1,000 metrics over two years.
    """
    by_id = {row.metric_id: row for row in definitions}
    codes, ids = _encoded(data["metric_id"])
    windows, window_names = _encoded(data["source_window"])
    is_known = np.array([metric_id in by_id for metric_id in ids], bool)[codes] if ids else np.zeros(0, bool)
    is_day = np.array([window == SourceWindow.DAY for window in window_names], bool)[windows]
    rows, chosen = data.select(["period_end", "value"]), is_known & is_day
    if not chosen.all():
        rows, codes = rows.filter(pa.array(chosen)), codes[chosen]
    places: Any = pa.array(codes)
    columns: dict[str, Any] = {
        name: pa.array([getattr(by_id.get(metric_id), name, None) for metric_id in ids], _TEXT)
        .dictionary_encode()
        .take(places)
        for name in DAILY.names[:-2]
    }
    columns |= {"day": _as_dates(rows["period_end"]), "value": rows["value"]}
    return pa.table({name: columns[name] for name in DAILY.names})


def build_stars(items: Iterable[StarItem]) -> pa.Table:
    """Return the counts of repositories by day, with the stars gained and lost where they are known."""
    return pa.concat_tables(
        [STARS.empty_table(), *map(_stars_of, sorted(items, key=lambda item: item.metric.metric_id))]
    ).combine_chunks()


def _stars_of(item: StarItem) -> pa.Table:
    points, flows = item.points, item.flows
    places = np.minimum(np.searchsorted(flows.days, points.days), max(len(flows) - 1, 0))
    has_flow = flows.days[places] == points.days if len(flows) else np.zeros(len(points), bool)

    def known(numbers: npt.NDArray[np.int64]) -> Any:
        values = numbers[places] if len(flows) else np.zeros(len(points), np.int64)
        return pa.array(values, _COUNT, mask=~has_flow | (values == StarFlows.UNKNOWN))

    columns: dict[str, Any] = {
        name: pa.array([getattr(item.metric, name)] * len(points), _TEXT)
        for name in ("metric_id", "product", "subject")
    }
    columns |= {
        "day": pa.array(points.days.astype(np.int32) - np.int32(_EPOCH), pa.int32()).cast(_DAY),
        "value": pa.array(points.values, _COUNT),
        "is_reconstructed": pa.array(points.kinds == RECONSTRUCTED),
        "gained": known(flows.gained),
        "lost": known(flows.lost),
        "net": known(flows.net),
    }
    rows = pa.table({name: columns[name] for name in STARS.names}, schema=STARS)
    return rows.filter(pa.array(points.kinds != ESTIMATED))


def build_rollups(rollups: Iterable[Rollup]) -> pa.Table:
    """Return the roll-ups: the period before each is in columns of its own."""
    names = [name for name in ROLLUPS.names if not name.startswith("previous_") or name == "previous_share"]
    rows = [
        {name: getattr(row, name) for name in names}
        | {f"previous_{name}": getattr(row.previous, name, None) for name in ("start", "end", "value")}
        for row in rollups
    ]
    return _from_dicts(rows, ROLLUPS)


def build_events(events: Iterable[Event]) -> pa.Table:
    """Return the events by day, one row per event and product."""
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
    return _from_dicts(rows, EVENTS)


def encode_parquet(rows: pa.Table) -> bytes:
    """Return the rows as a Parquet file, without the metadata of the store."""
    out = BytesIO()
    # Dictionary-encoded texts are written as such. Without Arrow's schema, readers get plain texts.
    pyarrow.parquet.write_table(rows, out, compression="zstd", store_schema=False)
    # Its buffers are hundreds of megabytes for many metrics.
    release_memory()
    return out.getvalue()


def _from_rows(rows: Sequence[R], table: Table[R]) -> pa.Table:
    return _publish(encode(rows, table), table)


def _publish(data: pa.Table, table: Table[Any]) -> pa.Table:
    """Return the rows of a table of the store with days as dates, and without metadata of fields."""
    days = {column.name for column in table.columns if column.type is date}
    columns = {name: _as_dates(data[name]) if name in days else data[name] for name in table.schema.names}
    fields = [pa.field(name, columns[name].type, nullable=True) for name in columns]
    return pa.table(columns, schema=pa.schema(fields))


def _as_dates(days: pa.ChunkedArray[Any]) -> Any:
    """Return days, which the store has as ISO text, as dates. Each distinct text is parsed once."""
    codes: Any = days.combine_chunks()
    if not pa.types.is_dictionary(codes.type):
        codes = codes.dictionary_encode()
    return codes.dictionary.cast(_DAY).take(codes.indices)


def _encoded(column: pa.ChunkedArray[Any]) -> tuple[npt.NDArray[np.int32], list[str]]:
    whole: Any = column.combine_chunks()
    if not pa.types.is_dictionary(whole.type):
        whole = whole.dictionary_encode()
    return whole.indices.to_numpy(), whole.dictionary.to_pylist()


def _from_dicts(rows: Sequence[Mapping[str, Any]], schema: pa.Schema) -> pa.Table:
    return pa.table({name: [row[name] for row in rows] for name in schema.names}, schema=schema)
