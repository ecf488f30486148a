"""static.crates.io: one file per day with the downloads of every version of every crate.

``version-downloads/YYYY-MM-DD.csv`` has the header ``version_id,downloads`` and no crate names. It is
written once, when the day leaves the API, and never changed. ``index.json`` lists the available days,
newest first (rust-lang/crates.io, worker job `archive_version_downloads`).
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping
from contextlib import suppress
from datetime import date
from pathlib import Path
from typing import Annotated

from pydantic import Field, TypeAdapter

from cmetrics.domain.errors import InvalidResponse
from cmetrics.domain.observation import parse_count
from cmetrics.http.validation import Shape, by_day, parse

HEADING = b"version_id,downloads"
#: A line has two numbers. Longer text without a line break is not in this format.
LONGEST_LINE = 64


class _Entry(Shape):
    name: str
    size: Annotated[int, Field(ge=0)]


_INDEX = TypeAdapter(list[_Entry])


def parse_index(body: bytes) -> dict[date, int]:
    """Return the days that the archive has, ascending, each with the size of its file in bytes."""
    where = "static.crates.io, archive index"
    days: list[tuple[date, int]] = []
    for entry in parse(_INDEX, body, where):
        # The folder may contain other files.
        if re.fullmatch(r"\d{4}-\d\d-\d\d\.csv", entry.name):
            try:
                days.append((date.fromisoformat(entry.name[:10]), entry.size))
            except ValueError:
                msg = f"{where}, lists {entry.name}, which is not a day"
                raise InvalidResponse(msg) from None
    return by_day(days, where)


class DayReader:
    """Parses the file of one day as it arrives, and stores only the rows of the ``wanted`` versions.

    See :class:`cmetrics.http.service.Reader`. A requested version without a row gets the count 0.
    """

    def __init__(self, where: str, wanted: Iterable[int], least_bytes: int) -> None:
        self._where = where
        self._wanted = {str(version).encode(): version for version in wanted}
        self._found: dict[int, int] = {}
        self._least_bytes = least_bytes
        self._size = 0
        self._rest = b""
        self._is_headed = False

    def feed(self, chunk: bytes) -> None:
        """Process the next bytes of the file."""
        self._size += len(chunk)
        *lines, self._rest = (self._rest + chunk).split(b"\n")
        if len(self._rest) > LONGEST_LINE:
            self._refuse("is not a list of versions and downloads")
        self._read(lines)

    def close(self) -> dict[int, int]:
        """Return the downloads by version id, for every wanted version."""
        self._read([self._rest] if self._rest else [])
        if not self._is_headed:
            self._refuse("is empty")
        if self._size < self._least_bytes:
            self._refuse(f"ends after {self._size} of {self._least_bytes} bytes")
        return {version: self._found.get(version, 0) for version in self._wanted.values()}

    def _read(self, lines: list[bytes]) -> None:
        if lines and not self._is_headed:
            if lines[0].rstrip(b"\r") != HEADING:
                self._refuse("has an unexpected header")
            self._is_headed = True
            lines = lines[1:]
        wanted = self._wanted
        for line in lines:
            version = wanted.get(line[: line.find(b",")])
            if version is not None:
                self._keep(version, line)

    def _keep(self, version: int, line: bytes) -> None:
        if version in self._found:
            self._refuse(f"lists version {version} twice")
        try:
            self._found[version] = parse_count(line.rstrip(b"\r").partition(b",")[2].decode("ascii", "replace"))
        except ValueError:
            self._refuse(f"has no count for version {version}")

    def _refuse(self, why: str) -> None:
        msg = f"{self._where}, {why}"
        raise InvalidResponse(msg)


class Cache:
    """Stores counts from the daily files, so that an interrupted run continues where it stopped.

    The file of a day has a count for every version that was looked up, zeros included. Versions without a count were
    not looked up, so they never count as zero. Without a writable folder, nothing is stored.
    """

    def __init__(self, folder: Path | None) -> None:
        self._folder = folder / "crates-archive" if folder else None

    def load(self, day: date) -> dict[int, int]:
        """Return the downloads by version id; empty if nothing usable is stored for that day."""
        found: dict[int, int] = {}
        if self._folder is None:
            return found
        try:
            heading, *lines = self._path(self._folder, day).read_bytes().split(b"\n")
            if heading != HEADING or lines.pop():
                return {}
            for line in lines:
                version, downloads = line.decode("ascii").split(",")
                found[parse_count(version)] = parse_count(downloads)
        except (OSError, ValueError, IndexError):
            return {}
        return found

    def save(self, day: date, downloads: Mapping[int, int]) -> None:
        """Store a day atomically."""
        if self._folder is None:
            return
        path = self._path(self._folder, day)
        rows = [f"{version},{count}" for version, count in sorted(downloads.items())]
        spare = path.with_suffix(f".{os.getpid()}.tmp")
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            spare.write_bytes(HEADING + b"\n" + "".join(f"{row}\n" for row in rows).encode())
            spare.replace(path)
        except OSError:
            # Without the cache, a later run only has to read the file again.
            with suppress(OSError):
                spare.unlink(missing_ok=True)
            self._folder = None

    @staticmethod
    def _path(folder: Path, day: date) -> Path:
        return folder / f"{day:%Y}" / f"{day}.csv"
