"""The folder for temporary files, which lance needs for every merge."""

from __future__ import annotations

import os
import tempfile
from dataclasses import dataclass
from pathlib import Path

from cmetrics.domain.errors import StoreError
from cmetrics.domain.sanitize import sanitize

#: Where lance looks, the first that is set; without any, in /tmp. Windows has its own.
_VARIABLES = ("TMPDIR",) if os.name == "posix" else ("TMP", "TEMP", "USERPROFILE")


@dataclass(frozen=True, slots=True)
class TemporaryFolder:
    """The folder that lance uses, and why it cannot."""

    folder: str
    #: The variable that names it; None for the system's own.
    variable: str | None
    #: None when a file could be made and removed.
    refusal: str | None


def inspect_temporary_folder() -> TemporaryFolder:
    """Look at the folder that lance uses; a file is made in it and removed."""
    variable = next((name for name in _VARIABLES if os.environ.get(name)), None)
    folder = os.environ[variable] if variable else "/tmp" if os.name == "posix" else tempfile.gettempdir()  # noqa: S108
    return TemporaryFolder(folder, variable, _refusal(folder))


def ensure_temporary_folder(beside: Path) -> None:
    """Let lance use another folder when its own is missing or read-only: the system's, else ``beside``.

    The variable of this process is changed, because lance has no other way to be told. Raises
    StoreError when no folder can be written.
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
