"""The whole store as plain CSV files and back: one file per metric, in an order that never changes.

::

    DIR/metrics.csv              the definitions
    DIR/history.csv              the runs
    DIR/stats/<metric>.csv       the values of one metric, by day
    DIR/revisions.csv            values that were replaced; only when there are any

Days are ISO dates, moments are UTC with microseconds, an absent value is an empty field. Texts stand as
they are, also those that a spreadsheet would take for a formula: what is read back has to be what was
written, and all of them but error texts are names that the catalogue has checked.
"""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterable, Sequence
from dataclasses import fields
from datetime import UTC, date, datetime
from io import StringIO
from pathlib import Path
from typing import Any, TypeVar

from cmetrics.domain.days import Span, parse_day
from cmetrics.domain.metric import Definition, slug
from cmetrics.domain.observation import Observation, parse_count
from cmetrics.domain.revision import Revision
from cmetrics.domain.run import Run
from cmetrics.errors import LedgerError
from cmetrics.printable import printable
from cmetrics.store.lance_store import LanceStore
from cmetrics.store.schema import Row

R = TypeVar("R", Definition, Run, Observation, Revision)

#: Wider than anything that is ever stored, and a bound all the same.
EVERYTHING = Span(date(1990, 1, 1), date(2199, 12, 31))
#: Of a moment; tables of other programs may not tell one, which is read as 1970.
EARLIEST_YEAR = 1970


def export_store(store: LanceStore, folder: Path) -> list[Path]:
    """Write the store to ``folder``; the files written. Same rows, same bytes.

    Raises LedgerError when the folder cannot be written.
    """
    definitions = store.definitions()
    runs = sorted(store.runs(), key=lambda run: (run.started_at, run.ingestion_run_id))
    files: dict[str, str] = {"metrics.csv": _text(Definition, definitions), "history.csv": _text(Run, runs)}
    if revisions := store.revisions():
        order = sorted(revisions, key=lambda r: (r.observed_at, r.ingestion_run_id, r.metric_id, r.last_day))
        files["revisions.csv"] = _text(Revision, order)
    for metric_id in sorted(store.metric_ids()):
        name = f"stats/{slug(metric_id)}.csv"
        if name in files:
            msg = f"two metrics would share the file {name}; rename {metric_id}"
            raise LedgerError(msg)
        files[name] = _text(Observation, store.observations([metric_id], EVERYTHING))
    return [_write(folder / name, text) for name, text in files.items()]


def stats_csv(rows: Sequence[Observation]) -> bytes:
    """All values in one flat file, for whoever wants the whole series."""
    return _text(Observation, rows).encode()


def read_ledger(folder: Path) -> tuple[list[Definition], list[Run], list[Observation]]:
    """Everything in an export. Raises LedgerError naming file and line."""
    if not folder.is_dir():
        msg = f"there is no folder {folder}"
        raise LedgerError(msg)
    stats = sorted((folder / "stats").glob("*.csv"))
    rows = [row for path in stats for row in _read(path, Observation, _observation)]
    return (
        _read(folder / "metrics.csv", Definition, _definition),
        _read(folder / "history.csv", Run, _run),
        rows,
    )


def read_revisions(folder: Path) -> list[Revision]:
    """The revisions of an export; none where it has no such file. Raises LedgerError like `read_ledger`."""
    path = folder / "revisions.csv"
    return _read(path, Revision, _revision) if path.is_file() else []


def _text(kind: type[Row], rows: Iterable[Row]) -> str:
    names = [field.name for field in fields(kind)]
    out = StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(names)
    writer.writerows([_field(getattr(row, name)) for name in names] for row in rows)
    return out.getvalue()


def _field(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat(timespec="microseconds")
    return str(value)


def _write(path: Path, text: str) -> Path:
    """Replace a file at once, so that an interrupted export leaves whole files."""
    part = path.with_name(path.name + ".part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        part.write_text(text, encoding="utf-8", newline="")
        part.replace(path)
    except OSError as error:
        msg = f"{path} cannot be written ({printable(str(error), limit=120)})"
        raise LedgerError(msg) from error
    return path


def _read(path: Path, kind: type[R], decode: Callable[[Sequence[str]], R]) -> list[R]:
    names = [field.name for field in fields(kind)]
    rows: list[R] = []
    if path.is_symlink() or (path.exists() and not path.is_file()):
        msg = f"{path} is no plain file; an export holds nothing else"
        raise LedgerError(msg)
    try:
        with path.open(newline="", encoding="utf-8") as file:
            lines = csv.reader(file, strict=True)
            if next(lines, None) != names:
                msg = f"{path}, line 1: the heading must be {','.join(names)}"
                raise LedgerError(msg)
            for line in lines:
                try:
                    if len(line) != len(names):
                        raise ValueError(line)  # noqa: TRY301  # one message for all mistakes of a line
                    rows.append(decode(line))
                except ValueError:
                    shown = printable(",".join(line), limit=100)
                    msg = f"{path}, line {lines.line_num}: {shown!r} is no row of {','.join(names)}"
                    raise LedgerError(msg) from None
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        msg = f"{path} cannot be read ({printable(str(error), limit=120)})"
        raise LedgerError(msg) from error
    return rows


def _observation(line: Sequence[str]) -> Observation:
    metric_id, start, end, observed, value, *texts = line
    return Observation(metric_id, _day(start), _day(end), _moment(observed), parse_count(value), *texts)


def _run(line: Sequence[str]) -> Run:
    run_id, job, status, started, finished, inserted, updated, errors = line
    return Run(
        run_id,
        job,
        status,
        _moment(started),
        _moment(finished) if finished else None,
        parse_count(inserted),
        parse_count(updated),
        errors or None,
    )


def _revision(line: Sequence[str]) -> Revision:
    metric_id, first, last, old, new, run_id, observed = line
    days = Span(_day(first), _day(last))
    if days.first > days.last:
        raise ValueError(line)
    return Revision(metric_id, *days, parse_count(old), parse_count(new), run_id, _moment(observed))


def _definition(line: Sequence[str]) -> Definition:
    metric_id, family, product, subject, sdk, source, kind, unit, active, display, created = line
    if active not in ("True", "False"):
        raise ValueError(active)
    return Definition(
        metric_id,
        family,
        product,
        subject,
        sdk or None,
        source,
        kind,
        unit,
        active == "True",
        display,
        _moment(created),
    )


def _day(text: str) -> date:
    day = parse_day(text)
    if day not in EVERYTHING:
        raise ValueError(text)
    return day


def _moment(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None or not EARLIEST_YEAR <= moment.year <= EVERYTHING.last.year:
        raise ValueError(text)
    return moment
