"""static.crates.io: one file per day with the downloads of every version of every crate.

``version-downloads/YYYY-MM-DD.csv`` has the heading ``version_id,downloads`` and no crate names; it
is written once, when the day leaves the API, and is not changed afterwards. ``index.json`` names
the days that exist, newest first (rust-lang/crates.io, worker job `archive_version_downloads`).
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
#: A line is two numbers; more without a line end is no such file.
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
        # Other files may join the folder.
        if re.fullmatch(r"\d{4}-\d\d-\d\d\.csv", entry.name):
            try:
                days.append((date.fromisoformat(entry.name[:10]), entry.size))
            except ValueError:
                msg = f"{where}, names {entry.name}, which is no day"
                raise InvalidResponse(msg) from None
    return by_day(days, where)


class DayReader:
    """Reads one day's file as it comes in and keeps the rows of ``wanted`` versions alone.

    See :class:`cmetrics.http.service.Reader`. A wanted version without a row is stated with 0.
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
        """Take the next bytes of the file."""
        self._size += len(chunk)
        *lines, self._rest = (self._rest + chunk).split(b"\n")
        if len(self._rest) > LONGEST_LINE:
            self._refuse("is no list of versions and downloads")
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
                self._refuse("has another heading")
            self._is_headed = True
            lines = lines[1:]
        wanted = self._wanted
        for line in lines:
            version = wanted.get(line[: line.find(b",")])
            if version is not None:
                self._keep(version, line)

    def _keep(self, version: int, line: bytes) -> None:
        if version in self._found:
            self._refuse(f"states version {version} twice")
        try:
            self._found[version] = parse_count(line.rstrip(b"\r").partition(b",")[2].decode("ascii", "replace"))
        except ValueError:
            self._refuse(f"has no count for version {version}")

    def _refuse(self, why: str) -> None:
        msg = f"{self._where}, {why}"
        raise InvalidResponse(msg)


class Cache:
    """Stores what was read of the daily files, so that an interrupted run continues where it was.

    A file of a day holds the versions that were looked for, zeros included: a version that it does
    not name was not looked for, so a catalogue with another crate is never answered from it. With
    no folder, or one that cannot be written, nothing is stored.
    """

    def __init__(self, folder: Path | None) -> None:
        self._folder = folder / "crates-archive" if folder else None

    def load(self, day: date) -> dict[int, int]:
        """Return the downloads by version id; empty when nothing usable is stored of that day."""
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
        """Store a day: all of it or, when the process dies meanwhile, nothing."""
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
            # Without the cache a later run reads the file again, which costs time and nothing else.
            with suppress(OSError):
                spare.unlink(missing_ok=True)
            self._folder = None

    @staticmethod
    def _path(folder: Path, day: date) -> Path:
        return folder / f"{day:%Y}" / f"{day}.csv"
