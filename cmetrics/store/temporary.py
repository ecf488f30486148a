"""Find a writable folder for temporary files, which lance needs for every merge."""

from __future__ import annotations

import os
import tempfile
from dataclasses import dataclass
from pathlib import Path

from cmetrics.domain.errors import StoreError
from cmetrics.domain.sanitize import sanitize

#: Variables that lance reads, in this order. Without any, it uses /tmp, or the folder of Windows.
_VARIABLES = ("TMPDIR",) if os.name == "posix" else ("TMP", "TEMP", "USERPROFILE")


@dataclass(frozen=True, slots=True)
class TemporaryFolder:
    """The folder that lance uses."""

    folder: str
    #: The variable that names it; None for the default of the system.
    variable: str | None
    #: Why no file can be created there; None if one could.
    refusal: str | None


def inspect_temporary_folder() -> TemporaryFolder:
    """Return the folder that lance uses. Creates a file in it, and removes it again."""
    variable = next((name for name in _VARIABLES if os.environ.get(name)), None)
    folder = os.environ[variable] if variable else "/tmp" if os.name == "posix" else tempfile.gettempdir()  # noqa: S108
    return TemporaryFolder(folder, variable, _refusal(folder))


def ensure_temporary_folder(beside: Path) -> None:
    """Make lance use a folder of the system, or else ``beside``, if its own is missing or read-only.

    Changes the variable of this process, because lance has no other setting. Raises StoreError if no folder
    can be written.
    """
    found = inspect_temporary_folder()
    if found.refusal is None:
        return
    for folder in ("/tmp", "/var/tmp", str(beside.absolute())):  # noqa: S108
        if _refusal(folder) is None:
            os.environ[_VARIABLES[0]] = folder
            tempfile.tempdir = None
            return
    msg = (
        f"there is no folder for temporary files: {sanitize(found.folder, limit=120)}: {found.refusal}. "
        f"Set {_VARIABLES[0]} to a folder that can be written"
    )
    raise StoreError(msg)


def _refusal(folder: str) -> str | None:
    try:
        handle, name = tempfile.mkstemp(prefix="cmetrics-", dir=folder)
        os.close(handle)
        Path(name).unlink()
    except OSError as error:
        return error.strerror or type(error).__name__
    return None
