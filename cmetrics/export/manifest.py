"""The manifest of an export: the format version, and the rows and digest of each file.

It detects files that were truncated at the end of a line; other damage results in an invalid row.
Exports of format 1 have an ``index.csv`` without a format version instead; older ones have neither, and
are not checked.
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

#: The format of this version. Increased when older versions cannot read the files.
FORMAT = 2
MANIFEST = "manifest.csv"
#: The name in format 1. Each export removes it, so if both exist, an older cmetrics wrote last.
INDEX = "index.csv"
#: Hex digits of the SHA-256: enough to detect accidents. Short, because digests do not compress in commits.
DIGITS = 16


@dataclass(frozen=True, slots=True)
class ManifestEntry:
    """One line of the manifest."""

    #: None in format 1.
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
    """Return the manifest file, sorted by name."""
    return encode_csv(encode(sorted(entries, key=lambda entry: entry.file), _TABLE), _TABLE)


def read_manifest(folder: Path, known_files: Iterable[str] = ()) -> list[ManifestEntry]:
    """Return the lines of the manifest; empty if there is none.

    Must be called before the files are read. Raises ExportError for a newer format, and for a file that is
    neither in ``stats`` nor in ``known_files``.
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
            msg = f"{path} lists {shown}, a file unknown to this version: a newer cmetrics may have written it"
            raise ExportError(msg, hint="update cmetrics")
    return entries


def _check_format(path: Path) -> None:
    """Raise ExportError for a newer format, ignoring unknown columns."""
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
    """Raise ExportError for a file that does not match the manifest.

    Must be called after the files are read, because an invalid row gives a better message.
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
        # Quoted cells may contain line breaks, so there are at least as many lines as rows.
        if lines <= entry.rows:
            what = f"{path}, line {lines}: the file ends here; it was exported with {entry.rows} rows"
        else:
            what = f"{path}, lines 2 to {lines}: these are not the {entry.rows} rows that were exported"
        name = MANIFEST if entry.format is not None else INDEX
        hint = (
            f"take the file from a backup or an earlier commit, or delete its line in {name} if the change is intended"
        )
        raise ExportError(what, hint=hint, damaged=path)


def _digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()[:DIGITS]
