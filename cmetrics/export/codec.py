"""One CSV file of the ledger and its rows: days are ISO dates, moments are UTC with microseconds, absent is empty."""

from __future__ import annotations

import csv
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from datetime import UTC, date, datetime
from functools import lru_cache
from io import BytesIO, StringIO, TextIOWrapper
from operator import attrgetter
from pathlib import Path
from typing import Literal, TypeVar

from cmetrics.domain.days import Span, parse_day
from cmetrics.domain.errors import ExportError
from cmetrics.domain.metric import Definition
from cmetrics.domain.observation import Observation, parse_count
from cmetrics.domain.revision import Revision
from cmetrics.domain.run import Run
from cmetrics.domain.sanitize import sanitize

#: Wider than anything that is ever stored, and a bound all the same.
EVERYTHING = Span(date(1990, 1, 1), date(2199, 12, 31))
#: The fields that hold moments.
MOMENTS = frozenset({"observed_at", "started_at", "finished_at", "created_at"})
#: Of a moment; tables of other programs may not tell one, which is read as 1970.
EARLIEST_YEAR = 1970


@dataclass(frozen=True, slots=True)
class ManifestEntry:
    """One line of ``index.csv``: how many rows a file was written with, and which bytes."""

    file: str
    rows: int
    digest: str


R = TypeVar("R", Definition, Run, Observation, Revision, ManifestEntry)


def encode_rows(kind: type[R], rows: Sequence[R]) -> bytes:
    """The file of these rows, with its heading. Same rows, same bytes."""
    data = _encode(kind, rows, csv.QUOTE_MINIMAL)
    # Python up to 3.12 quotes a carriage return only where it is part of the line's end.
    return data if b"\r" not in data else _encode(kind, rows, csv.QUOTE_ALL)


def _encode(kind: type[R], rows: Sequence[R], quoting: Literal[0, 1]) -> bytes:
    names = [field.name for field in fields(kind)]
    moments = [n for n, name in enumerate(names) if name in MOMENTS]
    data = BytesIO()
    text = TextIOWrapper(data, encoding="utf-8", newline="")
    writer = csv.writer(text, lineterminator="\n", quoting=quoting)
    writer.writerow(names)
    # What is no text the writer itself makes one: days and counts as `str` does, None empty.
    for row in map(attrgetter(*names), rows):
        cells = list(row)
        for n in moments:
            cells[n] = _moment_text(cells[n])
        writer.writerow(cells)
    text.detach()
    return data.getvalue()


@lru_cache(maxsize=4096)
def _moment_text(moment: datetime | None) -> str:
    """A run's rows share a moment or a few."""
    return "" if moment is None else moment.astimezone(UTC).isoformat(timespec="microseconds")


def read_rows(path: Path, kind: type[R], decode: Callable[[Sequence[str]], R]) -> list[R]:
    """The rows of a file; LedgerError naming the file, and the line where there is one."""
    if path.is_symlink() or (path.exists() and not path.is_file()):
        msg = f"{path} is no plain file; an export holds nothing else"
        raise ExportError(msg)
    names = [field.name for field in fields(kind)]
    rows: list[R] = []
    lines = csv.reader(StringIO(_read_text(path), newline=""), strict=True)
    number = 1
    try:
        if next(lines, None) != names:
            msg = f"{path}, line 1: the heading must be {','.join(names)}"
            raise ExportError(msg)
        number = lines.line_num + 1
        for line in lines:
            if len(line) != len(names):
                raise ValueError(line)  # noqa: TRY301  # one message for all mistakes of a line
            rows.append(decode(line))
            number = lines.line_num + 1
    except ValueError:
        shown = sanitize(",".join(line), limit=100)
        msg = f"{path}, line {number}: {shown!r} is no row of {','.join(names)}"
        raise ExportError(msg) from None
    except csv.Error as error:
        msg = f"{path}, line {number}: {sanitize(str(error), limit=120)}"
        raise ExportError(msg) from error
    return rows


def _read_text(path: Path) -> str:
    try:
        data = path.read_bytes()
    except OSError as error:
        msg = f"{path} cannot be read ({sanitize(str(error), limit=120)})"
        raise ExportError(msg) from error
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        msg = f"{path}, line {line}: bytes that are no UTF-8"
        raise ExportError(msg) from None


def to_observation(line: Sequence[str]) -> Observation:
    """The row of ``stats`` in a line; ValueError for a line that is none."""
    metric_id, start, end, observed, value, *texts = line
    return Observation(metric_id, _day(start), _day(end), _moment(observed), parse_count(value), *texts)


def to_run(line: Sequence[str]) -> Run:
    """The same for ``history``."""
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


def to_revision(line: Sequence[str]) -> Revision:
    """The same for ``revisions``."""
    metric_id, first, last, old, new, run_id, observed = line
    days = Span(_day(first), _day(last))
    if days.first > days.last:
        raise ValueError(line)
    return Revision(metric_id, *days, parse_count(old), parse_count(new), run_id, _moment(observed))


def to_definition(line: Sequence[str]) -> Definition:
    """The same for ``metrics``."""
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


def to_entry(line: Sequence[str]) -> ManifestEntry:
    """The same for the index."""
    file, rows, digest = line
    return ManifestEntry(file, parse_count(rows), digest)


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
