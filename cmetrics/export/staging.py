"""Replace files of a folder together: write them to temporary files, then rename all."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Self

from cmetrics.domain.errors import ExportError
from cmetrics.domain.sanitize import sanitize

#: The suffix of temporary files. An existing one is left from an interrupted export.
PART = ".part"


class StagedFiles:
    """Collects the changed files of an export. Without `commit`, the folder does not change.

    Only one file is in memory at a time, and unchanged files are not written.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._names: list[str] = []

    def __enter__(self) -> Self:
        for pattern in (f"*.csv{PART}", f"stats/*.csv{PART}"):
            for path in self._folder.glob(pattern):
                _remove(path)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for name in self._names:
            # A file that could not be written may be in a folder that could not be created.
            with suppress(OSError):
                _part(self._folder / name).unlink(missing_ok=True)

    def add(self, name: str, data: bytes) -> bool:
        """Stage a file unless it is there already; return whether it is staged. Raises ExportError if that fails."""
        if _has_content(self._folder / name, data):
            return False
        self._names.append(name)
        _write(_part(self._folder / name), data)
        return True

    def commit(self, manifest: Path, data: bytes, *, old_manifest: Path, stale: Iterable[Path]) -> None:
        """Replace the staged files, remove the stale ones and write the manifest.

        An interrupted commit leaves a mix of complete old and new files without a manifest.
        """
        stale = [path for path in (old_manifest, *stale) if path.exists() or path.is_symlink()]
        if not self._names and not stale and _has_content(manifest, data):
            return
        _write(_part(manifest), data)
        _remove(manifest)
        _remove(old_manifest)
        while self._names:
            path = self._folder / self._names[-1]
            _replace(_part(path), path)
            self._names.pop()
        for path in stale:
            _remove(path)
        _replace(_part(manifest), manifest)


def _part(path: Path) -> Path:
    return path.with_name(path.name + PART)


def _has_content(path: Path, data: bytes) -> bool:
    try:
        return path.is_file() and not path.is_symlink() and path.read_bytes() == data
    except OSError:
        return False


def _write(path: Path, data: bytes) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    except OSError as error:
        msg = f"cannot write {path}: {sanitize(str(error), limit=120)}"
        raise ExportError(msg) from error


def _replace(part: Path, path: Path) -> None:
    try:
        part.replace(path)
    except OSError as error:
        msg = f"cannot write {path}: {sanitize(str(error), limit=120)}"
        raise ExportError(msg) from error


def _remove(path: Path) -> None:
    try:
        path.unlink(missing_ok=True)
    except OSError as error:
        msg = f"cannot remove {path}: {sanitize(str(error), limit=120)}"
        raise ExportError(msg) from error
