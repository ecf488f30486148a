"""What an export was written with, so that a file cut off at the end of a line is noticed.

A ledger lives for years in places that lose the ends of files: disks, merges, editors. Every other
damage shows as a line that is no row. Exports of earlier versions have no index and are not checked.
"""

from __future__ import annotations

import hashlib
from pathlib import Path

from cmetrics.domain.errors import ExportError
from cmetrics.domain.sanitize import sanitize
from cmetrics.export.codec import ManifestEntry, read_rows, to_entry

INDEX = "index.csv"
#: Hex digits of the SHA-256 that are kept: accidents are to be noticed, and a digest is the one part
#: of a nightly commit that does not compress.
DIGITS = 16


def build_entry(name: str, data: bytes, rows: int) -> ManifestEntry:
    """The line for a file."""
    return ManifestEntry(name, rows, _digest(data))


def check_files(folder: Path) -> None:
    """Raises LedgerError for a file that is not the one the index lists; nothing without an index.

    To be called after the files were read: a line that is no row is the better message.
    """
    if not (folder / INDEX).is_file():
        return
    for listed in read_rows(folder / INDEX, ManifestEntry, to_entry):
        path = folder / listed.file
        if ".." in Path(listed.file).parts or Path(listed.file).is_absolute():
            msg = f"{folder / INDEX} lists {sanitize(listed.file, limit=80)}, which is outside of the export"
            raise ExportError(msg)
        if not path.is_file():
            msg = f"{path} is missing; {INDEX} lists it with {listed.rows} rows"
            raise ExportError(msg)
        data = path.read_bytes()
        if _digest(data) == listed.digest:
            continue
        lines = data.count(b"\n")
        # A quoted field may hold line ends, so there are at least as many lines as rows.
        if lines <= listed.rows:
            what = f"{path}, line {lines}: the file ends here; it was exported with {listed.rows} rows"
        else:
            what = f"{path}, lines 2 to {lines}: not the {listed.rows} rows that were exported"
        msg = f"{what}. Take the file from a backup or an earlier commit, or delete its line in {INDEX} if it is meant"
        raise ExportError(msg)


def _digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()[:DIGITS]
