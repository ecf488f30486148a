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

from cmetrics.domain.metric import Definition, slug
from cmetrics.domain.observation import Observation
from cmetrics.domain.revision import Revision
from cmetrics.domain.run import Run
from cmetrics.errors import LedgerError
from cmetrics.ledger.codec import (
    EVERYTHING,
    Listed,
    encode_rows,
    read_rows,
    to_definition,
    to_observation,
    to_revision,
    to_run,
)
from cmetrics.ledger.index import INDEX, check_files, list_file
from cmetrics.ledger.loss import Ledger, describe_loss
from cmetrics.printable import printable
from cmetrics.store.lance_store import LanceStore

METRICS, HISTORY, REVISIONS, STATS = "metrics.csv", "history.csv", "revisions.csv", "stats"


@dataclass(frozen=True, slots=True)
class Exported:
    """What an export wrote, and how it differs from the one that was there."""

    files: list[Path]
    #: Values of days that were not there.
    new: int
    #: Values that were there and are another number now.
    revised: int


def export_store(store: LanceStore, folder: Path, *, allow_loss: bool = False) -> Exported:
    """Write the store to ``folder``. Same rows, same bytes.

    Raises LedgerError, having written nothing, when the folder holds an export with rows that the
    store does not have, unless ``allow_loss``; and when the folder cannot be written.
    """
    after = _load(store)
    before = _held(folder, lenient=allow_loss)
    if not allow_loss and (lost := describe_loss(before, after)):
        msg = f"{folder} holds rows that this store does not: {lost}. Nothing was written; --allow-loss drops them"
        raise LedgerError(msg)
    return write_ledger(before, after, folder)


def write_ledger(before: Ledger, after: Ledger, folder: Path) -> Exported:
    """Write ``after`` over an export of ``before``. Raises LedgerError when the folder cannot be written."""
    contents = _files(after)
    index = [list_file(name, data, rows) for name, (data, rows) in sorted(contents.items())]
    _remove(folder / INDEX)  # an export that is interrupted here leaves whole files and no index
    files = [_write(folder / name, data) for name, (data, _) in contents.items()]
    for path in [*_stats_files(folder), folder / REVISIONS]:
        if path.relative_to(folder).as_posix() not in contents:
            _remove(path)
    files.append(_write(folder / INDEX, encode_rows(Listed, index)))
    old = {row.key: row.value for row in before.observations}
    return Exported(
        files,
        new=sum(row.key not in old for row in after.observations),
        revised=sum(old.get(row.key, row.value) != row.value for row in after.observations),
    )


def stats_csv(rows: Sequence[Observation]) -> bytes:
    """All values in one flat file, for whoever wants the whole series."""
    return encode_rows(Observation, rows)


def read_ledger(folder: Path) -> Ledger:
    """Everything in an export. Raises LedgerError naming file and line."""
    if not folder.is_dir():
        msg = f"there is no folder {folder}"
        raise LedgerError(msg)
    found = _read(folder)
    check_files(folder)
    return found


def _read(folder: Path) -> Ledger:
    return Ledger(
        read_rows(folder / METRICS, Definition, to_definition),
        read_rows(folder / HISTORY, Run, to_run),
        [row for path in _stats_files(folder) for row in read_rows(path, Observation, to_observation)],
        read_rows(folder / REVISIONS, Revision, to_revision) if (folder / REVISIONS).is_file() else [],
    )


def _held(folder: Path, *, lenient: bool) -> Ledger:
    """What the export that is going to be replaced holds; nothing where there is none.

    The index is not asked: it is missing where an export was interrupted.
    """
    if not (folder / METRICS).is_file() and not _stats_files(folder):
        return Ledger([], [], [], [])
    try:
        return _read(folder)
    except LedgerError as error:
        if lenient:
            return Ledger([], [], [], [])
        msg = f"{error}. Nothing was written; put it right, or --allow-loss writes over it"
        raise LedgerError(msg) from error


def _load(store: LanceStore) -> Ledger:
    """All rows, in the order of the files."""
    metric_ids = sorted(store.metric_ids())
    return Ledger(
        store.definitions(),
        sorted(store.runs(), key=lambda run: (run.started_at, run.ingestion_run_id)),
        store.observations(metric_ids, EVERYTHING),
        sorted(store.revisions(), key=lambda r: (r.observed_at, r.ingestion_run_id, r.metric_id, r.last_day)),
        tuple(metric_ids),
    )


def _files(ledger: Ledger) -> dict[str, tuple[bytes, int]]:
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
            raise LedgerError(msg)
        contents[name] = encode_rows(Observation, rows), len(rows)
    return contents


def _stats_files(folder: Path) -> list[Path]:
    return sorted((folder / STATS).glob("*.csv"))


def _remove(path: Path) -> None:
    try:
        path.unlink(missing_ok=True)
    except OSError as error:
        msg = f"{path} cannot be removed ({printable(str(error), limit=120)})"
        raise LedgerError(msg) from error


def _write(path: Path, data: bytes) -> Path:
    """Replace a file at once, so that an interrupted export leaves whole files."""
    part = path.with_name(path.name + ".part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        part.write_bytes(data)
        part.replace(path)
    except OSError as error:
        msg = f"{path} cannot be written ({printable(str(error), limit=120)})"
        raise LedgerError(msg) from error
    return path
