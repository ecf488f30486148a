"""The whole store as plain CSV files and back: one file per metric, in an order that never changes.

::

    DIR/metrics.csv              the definitions
    DIR/history.csv              the runs
    DIR/stats/<metric>.csv       the values of one metric, by day
    DIR/revisions.csv            values that were replaced; only when there are any
    DIR/index.csv                how many rows each file has, and its digest

Texts stand as they are, also those that a spreadsheet would take for a formula: what is read back has
to be what was written, and all of them but error texts are names that the catalogue has checked.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from cmetrics.domain.errors import ExportError
from cmetrics.domain.metric import Definition, slug
from cmetrics.domain.observation import Observation
from cmetrics.domain.revision import Revision
from cmetrics.domain.run import Run
from cmetrics.domain.sanitize import sanitize
from cmetrics.export.codec import (
    EVERYTHING,
    ManifestEntry,
    encode_rows,
    read_rows,
    to_definition,
    to_observation,
    to_revision,
    to_run,
)
from cmetrics.export.loss import ExportedTables, describe_loss
from cmetrics.export.manifest import INDEX, build_entry, check_files
from cmetrics.store.lance_store import LanceStore

METRICS, HISTORY, REVISIONS, STATS = "metrics.csv", "history.csv", "revisions.csv", "stats"


@dataclass(frozen=True, slots=True)
class ExportSummary:
    """What an export wrote, and how it differs from the one that was there."""

    files: list[Path]
    #: Values of days that were not there.
    new: int
    #: Values that were there and are another number now.
    revised: int


def export_store(store: LanceStore, folder: Path, *, allow_loss: bool = False) -> ExportSummary:
    """Write the store to ``folder``. Same rows, same bytes.

    Raises LedgerError, having written nothing, when the folder holds an export with rows that the
    store does not have, unless ``allow_loss``; and when the folder cannot be written.
    """
    after = _load(store)
    before = _held(folder, lenient=allow_loss)
    if not allow_loss and (lost := describe_loss(before, after)):
        msg = f"{folder} holds rows that this store does not: {lost}. Nothing was written; --allow-loss drops them"
        raise ExportError(msg)
    return write_export(before, after, folder)


def write_export(before: ExportedTables, after: ExportedTables, folder: Path) -> ExportSummary:
    """Write ``after`` over an export of ``before``. Raises LedgerError when the folder cannot be written."""
    contents = _files(after)
    index = [build_entry(name, data, rows) for name, (data, rows) in sorted(contents.items())]
    _remove(folder / INDEX)  # an export that is interrupted here leaves whole files and no index
    files = [_write(folder / name, data) for name, (data, _) in contents.items()]
    for path in [*_stats_files(folder), folder / REVISIONS]:
        if path.relative_to(folder).as_posix() not in contents:
            _remove(path)
    files.append(_write(folder / INDEX, encode_rows(ManifestEntry, index)))
    old = {row.key: row.value for row in before.observations}
    return ExportSummary(
        files,
        new=sum(row.key not in old for row in after.observations),
        revised=sum(old.get(row.key, row.value) != row.value for row in after.observations),
    )


def stats_csv(rows: Sequence[Observation]) -> bytes:
    """All values in one flat file, for whoever wants the whole series."""
    return encode_rows(Observation, rows)


def read_export(folder: Path) -> ExportedTables:
    """Everything in an export. Raises LedgerError naming file and line."""
    if not folder.is_dir():
        msg = f"there is no folder {folder}"
        raise ExportError(msg)
    found = _read(folder)
    check_files(folder)
    return found


def _read(folder: Path) -> ExportedTables:
    return ExportedTables(
        read_rows(folder / METRICS, Definition, to_definition),
        read_rows(folder / HISTORY, Run, to_run),
        [row for path in _stats_files(folder) for row in read_rows(path, Observation, to_observation)],
        read_rows(folder / REVISIONS, Revision, to_revision) if (folder / REVISIONS).is_file() else [],
    )


def _held(folder: Path, *, lenient: bool) -> ExportedTables:
    """What the export that is going to be replaced holds; nothing where there is none.

    The index is not asked: it is missing where an export was interrupted.
    """
    if not (folder / METRICS).is_file() and not _stats_files(folder):
        return ExportedTables([], [], [], [])
    try:
        return _read(folder)
    except ExportError as error:
        if lenient:
            return ExportedTables([], [], [], [])
        msg = f"{error}. Nothing was written; put it right, or --allow-loss writes over it"
        raise ExportError(msg) from error


def _load(store: LanceStore) -> ExportedTables:
    """All rows, in the order of the files."""
    metric_ids = sorted(store.metric_ids())
    return ExportedTables(
        store.definitions(),
        sorted(store.runs(), key=lambda run: (run.started_at, run.ingestion_run_id)),
        store.observations(metric_ids, EVERYTHING),
        sorted(store.revisions(), key=lambda r: (r.observed_at, r.ingestion_run_id, r.metric_id, r.last_day)),
        tuple(metric_ids),
    )


def _files(ledger: ExportedTables) -> dict[str, tuple[bytes, int]]:
    """The bytes and the number of rows of every file, by name."""
    contents = {
        METRICS: (encode_rows(Definition, ledger.definitions), len(ledger.definitions)),
        HISTORY: (encode_rows(Run, ledger.runs), len(ledger.runs)),
    }
    if ledger.revisions:
        contents[REVISIONS] = encode_rows(Revision, ledger.revisions), len(ledger.revisions)
    by_metric: dict[str, list[Observation]] = {metric_id: [] for metric_id in ledger.metric_ids}
    for row in ledger.observations:
        by_metric[row.metric_id].append(row)
    for metric_id, rows in by_metric.items():
        name = f"{STATS}/{slug(metric_id)}.csv"
        if name in contents:
            msg = f"two metrics would share the file {name}; rename {metric_id}"
            raise ExportError(msg)
        contents[name] = encode_rows(Observation, rows), len(rows)
    return contents


def _stats_files(folder: Path) -> list[Path]:
    return sorted((folder / STATS).glob("*.csv"))


def _remove(path: Path) -> None:
    try:
        path.unlink(missing_ok=True)
    except OSError as error:
        msg = f"{path} cannot be removed ({sanitize(str(error), limit=120)})"
        raise ExportError(msg) from error


def _write(path: Path, data: bytes) -> Path:
    """Replace a file at once, so that an interrupted export leaves whole files."""
    part = path.with_name(path.name + ".part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        part.write_bytes(data)
        part.replace(path)
    except OSError as error:
        msg = f"{path} cannot be written ({sanitize(str(error), limit=120)})"
        raise ExportError(msg) from error
    return path
