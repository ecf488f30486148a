"""The manifest of an export: the version of its format, and each file with its rows and digest.

By it a file that was cut off at the end of a line is noticed; every other damage shows as a line that
is not a row. Exports of format 1 have an ``index.csv`` instead, which states no format; still older
ones have neither and are not checked.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa

from cmetrics.domain.errors import ExportError
from cmetrics.domain.sanitize import sanitize
from cmetrics.export.codec import encode_csv, read_csv
from cmetrics.store.schema import Column, Table, decode, encode

#: The format that this version writes; raised when an older cmetrics could not read the files.
FORMAT = 2
MANIFEST = "manifest.csv"
#: Its name in format 1. Each export replaces it: where both exist, an older cmetrics wrote last.
INDEX = "index.csv"
#: Hex digits of the SHA-256: enough to notice accidents, and a digest is the one part of a nightly
#: commit that does not compress.
DIGITS = 16


@dataclass(frozen=True, slots=True)
class ManifestEntry:
    """One line of the manifest."""

    #: None in an index of format 1.
    format: int | None
    file: str
    rows: int
    digest: str


_COLUMNS = (
    Column("format", int, is_optional=True),
    Column("file", str, is_optional=False),
    Column("rows", int, is_optional=False),
    Column("digest", str, is_optional=False),
)
_TABLE = Table(
    "manifest",
    ManifestEntry,
    ("file",),
    _COLUMNS,
    pa.schema([(column.name, column.arrow_type) for column in _COLUMNS]),
)


def build_entry(name: str, data: bytes, rows: int) -> ManifestEntry:
    """Return the line for a file."""
    return ManifestEntry(FORMAT, name, rows, _digest(data))


def encode_manifest(entries: Iterable[ManifestEntry]) -> bytes:
    """Return the file with these lines, by name."""
    return encode_csv(encode(sorted(entries, key=lambda entry: entry.file), _TABLE), _TABLE)


def read_manifest(folder: Path, known_files: Iterable[str] = ()) -> list[ManifestEntry]:
    """Return the lines of the manifest of an export; none where there is no manifest.

    To be called before the files are read. Raises ExportError for an export of a newer format, and
    for a file that is neither below ``stats`` nor among ``known_files``.
    """
    path = next((folder / name for name in (INDEX, MANIFEST) if (folder / name).is_file()), None)
    if path is None:
        return []
    if path.name == MANIFEST:
        _check_format(path)
    entries = decode(read_csv(path, _TABLE), _TABLE)
    for entry in entries:
        parts = Path(entry.file).parts
        if ".." in parts or Path(entry.file).is_absolute():
            msg = f"{path} lists {sanitize(entry.file, limit=80)}, which is outside of the export"
            raise ExportError(msg, damaged=path)
        if parts[0] != "stats" and entry.file not in known_files:
            shown = sanitize(entry.file, limit=80)
            msg = f"{path} lists {shown}, a file that this version does not know: a newer cmetrics may have written it"
            raise ExportError(msg, hint="update cmetrics")
    return entries


def _check_format(path: Path) -> None:
    """Raise ExportError for a newer format, whatever its further columns are."""
    try:
        with path.open(encoding="utf-8", errors="replace") as lines:
            first, second = next(lines, ""), next(lines, "")
    except OSError as error:
        msg = f"cannot read {path}: {sanitize(str(error), limit=120)}"
        raise ExportError(msg, damaged=path) from error
    stated = second.split(",")[0].strip()
    if first.startswith("format,") and stated.isdecimal() and int(stated) > FORMAT:
        msg = f"{path.parent} was written by a newer cmetrics (format {int(stated)}; this version reads up to {FORMAT})"
        raise ExportError(msg, hint="update cmetrics")


def check_files(folder: Path, entries: Iterable[ManifestEntry]) -> None:
    """Raise ExportError for a file that differs from its line in the manifest.

    To be called after the files were read: a line that is not a row is the better message.
    """
    for entry in entries:
        path = folder / entry.file
        if not path.is_file():
            msg = f"{path} is missing; the manifest lists it with {entry.rows} rows"
            raise ExportError(msg, damaged=path)
        data = path.read_bytes()
        if _digest(data) == entry.digest:
            continue
        lines = data.count(b"\n")
        # A quoted cell may hold line breaks, so there are at least as many lines as rows.
        if lines <= entry.rows:
            what = f"{path}, line {lines}: the file ends here; it was exported with {entry.rows} rows"
        else:
            what = f"{path}, lines 2 to {lines}: not the {entry.rows} rows that were exported"
        name = MANIFEST if entry.format is not None else INDEX
        hint = (
            f"take the file from a backup or an earlier commit, or delete its line in {name} if the change is intended"
        )
        raise ExportError(what, hint=hint, damaged=path)


def _digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()[:DIGITS]
