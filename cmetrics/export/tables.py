"""Export the store as CSV files, one per metric, in a stable order.

::

    DIR/manifest.csv             the format version; rows and digest of each file
    DIR/metrics.csv              the definitions
    DIR/history.csv              the runs
    DIR/stats/<metric>.csv       the values of one metric, by day
    DIR/revisions.csv            replaced values; only if there are any
    DIR/outcomes.csv             the outcome of each metric in each run; only if there are any
    DIR/events.csv               releases of the repositories; only if there are any
    DIR/readings.csv             counts of the parts of a subject; only if there are any

Files in ``stats`` are named by `file_names`; the metric of a file is read from its rows. Texts are written
unchanged, even those that a spreadsheet would interpret as a formula, because they must be restored
exactly. All texts except error messages are names validated by the catalogue.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa

from cmetrics.domain.errors import ExportError, StoreMissing, UsageError
from cmetrics.domain.event import StoredEvent
from cmetrics.domain.metric import Definition, file_names
from cmetrics.domain.reading import StoredReading
from cmetrics.domain.revision import Revision
from cmetrics.domain.run import Run
from cmetrics.domain.sanitize import sanitize
from cmetrics.export.codec import EVERYTHING, encode_csv, read_csv
from cmetrics.export.loss import comparable, count_changes, describe_loss
from cmetrics.export.manifest import INDEX, MANIFEST, build_entry, check_files, encode_manifest, read_manifest
from cmetrics.export.staging import StagedFiles
from cmetrics.store.lance_store import LanceStore
from cmetrics.store.schema import (
    EVENTS,
    HISTORY,
    METRICS,
    OPTIONAL_TABLES,
    OUTCOMES,
    READINGS,
    REVISIONS,
    STATS,
    TABLES,
    Table,
    decode,
    encode,
)

STATS_FOLDER = "stats"
#: The tables with a single file each.
FILES: Mapping[str, Table[Any]] = {
    f"{table.name}.csv": table for table in (METRICS, HISTORY, REVISIONS, OUTCOMES, EVENTS, READINGS)
}
#: Files that exist only when their table has rows.
_OPTIONAL_FILES = frozenset(f"{table.name}.csv" for table in OPTIONAL_TABLES)


#: The number of rows of `stats` that are in memory as text. 65,536 of them are a tenth of the memory of a build.
_ROWS_OF_A_PART = 16_384
_NO_STATS = comparable(STATS.schema.empty_table(), STATS)


@dataclass(frozen=True, slots=True)
class ExportedFile:
    """The rows of one file, in file order."""

    name: str
    table: Table[Any]
    rows: pa.Table


@dataclass(frozen=True, slots=True)
class ExportedTables:
    """The content of an export."""

    definitions: Sequence[Definition]
    runs: Sequence[Run]
    #: Rows by column, in file order; one table per metric.
    stats: pa.Table
    revisions: Sequence[Revision]
    #: By column.
    outcomes: pa.Table
    events: Sequence[StoredEvent] = ()
    readings: Sequence[StoredReading] = ()


@dataclass(frozen=True, slots=True)
class ExportSummary:
    """The files of an export, and the difference to the replaced one."""

    #: All files of the export, including unchanged ones.
    files: list[Path]
    #: The number of values whose key was not in the replaced export.
    new: int
    #: The number of values that differ from the replaced export.
    revised: int


def export_store(store: LanceStore, folder: Path, *, allow_loss: bool = False) -> ExportSummary:
    """Write the store to ``folder``. Deterministic; unchanged files are not rewritten.

    Raises ExportError without changing anything if the folder cannot be written. Unless ``allow_loss``, also
    raises it if the existing export has rows that the store lacks or cannot be read, or if a table of the
    store has a column unknown to this version.
    """
    if not allow_loss:
        _check_columns(store)
    return write_export(_load(store), folder, allow_loss=allow_loss)


def write_export(files: Iterable[ExportedFile], folder: Path, *, allow_loss: bool = False) -> ExportSummary:
    """Write the files to ``folder``, replacing the existing export; see `export_store`."""
    if folder.exists() and not folder.is_dir():
        msg = f"cannot write the export: {folder} is a file"
        raise UsageError(msg, hint="choose a folder")
    parts: dict[str, list[pa.Table]] = {}
    changed: list[pa.Table] = []
    unchanged: set[Path] = set()
    entries = []
    with StagedFiles(folder) as staged:
        for file in files:
            data = encode_csv(file.rows, file.table)
            entries.append(build_entry(file.name, data, file.rows.num_rows))
            rows = comparable(file.rows, file.table)
            parts.setdefault(file.table.name, []).append(rows)
            if not staged.add(file.name, data):
                unchanged.add(folder / file.name)
            elif file.table is STATS:
                changed.append(rows)
        after = {name: pa.concat_tables(tables) for name, tables in parts.items()}
        after.setdefault(STATS.name, _NO_STATS)
        # Equal files have equal rows, so only changed files are read. Reading takes longer than writing.
        before = _read_previous(folder, unchanged, is_lenient=allow_loss)
        if not allow_loss and (lost := describe_loss(before, after)):
            msg = f"{folder} has rows that this store lacks: {lost}. Nothing was written"
            raise ExportError(msg, hint="use --allow-loss to drop them")
        stale = {*_stats_files(folder), *(folder / name for name in _OPTIONAL_FILES)}
        stale -= {folder / entry.file for entry in entries}
        staged.commit(folder / MANIFEST, encode_manifest(entries), old_manifest=folder / INDEX, stale=sorted(stale))
    if STATS.name in before:
        after[STATS.name] = pa.concat_tables([_NO_STATS, *changed])
    new, revised = count_changes(before, after)
    return ExportSummary([folder / name for name in (*(entry.file for entry in entries), MANIFEST)], new, revised)


def stats_csv(rows: pa.Table) -> Iterator[bytes]:
    """Yield the rows of `stats` as one CSV file, in parts, because the whole file may be large."""
    for start in range(0, max(len(rows), 1), _ROWS_OF_A_PART):
        part = encode_csv(rows.slice(start, _ROWS_OF_A_PART), STATS)
        yield part if start == 0 else part.partition(b"\n")[2]


def is_export(names: Iterable[str]) -> bool:
    """Return whether a folder with these top-level names contains an export, even an incomplete one."""
    return not {MANIFEST, INDEX, STATS_FOLDER, *FILES}.isdisjoint(names)


def read_export(folder: Path) -> ExportedTables:
    """Return the content of an export. Raises ExportError with file and line."""
    if not folder.is_dir():
        reason = "it is a file, not a folder" if folder.exists() else "the folder does not exist"
        msg = f"cannot read the export {folder}: {reason}"
        raise ExportError(msg)
    entries = read_manifest(folder, FILES)
    tables = ExportedTables(
        definitions=decode(read_csv(folder / "metrics.csv", METRICS), METRICS),
        runs=decode(read_csv(folder / "history.csv", HISTORY), HISTORY),
        stats=pa.concat_tables([STATS.schema.empty_table(), *(read_csv(path, STATS) for path in _stats_files(folder))]),
        revisions=decode(_read_optional(folder, REVISIONS), REVISIONS),
        outcomes=_read_optional(folder, OUTCOMES),
        events=decode(_read_optional(folder, EVENTS), EVENTS),
        readings=decode(_read_optional(folder, READINGS), READINGS),
    )
    check_files(folder, entries)
    return tables


def _read_optional(folder: Path, table: Table[Any]) -> pa.Table:
    path = folder / f"{table.name}.csv"
    return read_csv(path, table) if path.is_file() else table.schema.empty_table()


def _read_previous(folder: Path, unchanged: Collection[Path], *, is_lenient: bool) -> dict[str, pa.Table]:
    """Read the parts of the existing export that a comparison needs; empty if there is none.

    Files of ``stats`` that are ``unchanged`` are left out. Digests are not checked, because an interrupted export
    has no manifest.
    """
    if not (folder / "metrics.csv").is_file() and not _stats_files(folder):
        return {}
    try:
        read_manifest(folder, FILES)
        files = _stats_files(folder)
        stats = [comparable(read_csv(path, STATS), STATS) for path in files if path not in unchanged]
        tables = {
            table.name: comparable(
                _read_optional(folder, table) if name in _OPTIONAL_FILES else read_csv(folder / name, table), table
            )
            for name, table in FILES.items()
        }
    except ExportError as error:
        if is_lenient:
            return {}
        msg = f"{error}. Nothing was written"
        raise ExportError(msg, hint="repair it, or use --allow-loss to overwrite it", damaged=error.damaged) from error
    return tables | ({STATS.name: pa.concat_tables([_NO_STATS, *stats])} if files else {})


def _check_columns(store: LanceStore) -> None:
    """Raise ExportError for a column of the store that the export would lack."""
    for table in (*TABLES, *OPTIONAL_TABLES):
        with suppress(StoreMissing):
            unknown = [name for name in store.columns(table) if name not in table.schema.names]
            if unknown:
                shown = ", ".join(sanitize(repr(name), limit=60) for name in unknown[:3])
                msg = (
                    f"table {table.name!r} has a column unknown to this version ({shown}), "
                    "so the export would lack it. Nothing was written"
                )
                raise ExportError(msg, hint="update cmetrics, or omit the column with --allow-loss")


def _load(store: LanceStore) -> Iterator[ExportedFile]:
    """Iterate over the files of a store, a few metrics at a time."""
    definitions = store.definitions()
    runs = sorted(store.runs(), key=lambda run: (run.started_at, run.ingestion_run_id))
    revisions = sorted(store.revisions(), key=lambda r: (r.observed_at, r.ingestion_run_id, r.metric_id, r.last_day))
    outcomes = store.read_outcomes().sort_by(
        [(name, "ascending") for name in ("observed_at", "ingestion_run_id", "metric_id")]
    )
    events = store.events()
    readings = store.readings()
    yield ExportedFile("metrics.csv", METRICS, encode(definitions, METRICS))
    yield ExportedFile("history.csv", HISTORY, encode(runs, HISTORY))
    if revisions:
        yield ExportedFile("revisions.csv", REVISIONS, encode(revisions, REVISIONS))
    if outcomes.num_rows:
        yield ExportedFile("outcomes.csv", OUTCOMES, outcomes)
    if events:
        yield ExportedFile("events.csv", EVENTS, encode(events, EVENTS))
    if readings:
        yield ExportedFile("readings.csv", READINGS, encode(readings, READINGS))
    metric_ids = sorted(store.metric_ids())
    names = file_names(metric_ids, definitions)
    without_rows = set(metric_ids)
    for data in store.observation_tables(metric_ids, EVERYTHING):
        for file in split_stats(data, names):
            without_rows.discard(file.rows["metric_id"][0].as_py())
            yield file
    for metric_id in sorted(without_rows):
        yield ExportedFile(f"{STATS_FOLDER}/{names[metric_id]}.csv", STATS, STATS.schema.empty_table())


def split_stats(data: pa.Table, names: Mapping[str, str]) -> Iterator[ExportedFile]:
    """Yield the file of each metric. ``rows`` of ``stats`` must be sorted by metric and day."""
    start = 0
    groups = data.group_by("metric_id").aggregate([("metric_id", "count")]).to_pylist()
    # Groups have no defined order. Strings sort the same in Arrow and Python.
    for metric_id, count in sorted((group["metric_id"], group["metric_id_count"]) for group in groups):
        yield ExportedFile(f"{STATS_FOLDER}/{names[metric_id]}.csv", STATS, data.slice(start, count))
        start += count


def _stats_files(folder: Path) -> list[Path]:
    return sorted((folder / STATS_FOLDER).glob("*.csv"))
