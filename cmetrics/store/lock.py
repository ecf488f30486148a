"""Lock a store, so that only one run per machine writes to it, and detect a run that was killed."""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from filelock import FileLock, Timeout

from cmetrics.domain.errors import StoreBusy, StoreError
from cmetrics.domain.sanitize import sanitize
from cmetrics.settings import StoreKind, StoreTarget
from cmetrics.store.temporary import ensure_temporary_folder

#: Seconds to wait for the lock: longer than a merge of a large backfill, shorter than a night.
WAIT_SECONDS = 900.0
_CACHE_STEP = "set CMETRICS_CACHE to a folder that only this user can write to"


def lock_path(target: StoreTarget) -> Path:
    """Return the lock file: beside the tables of an embedded store, in the user's cache folder for others.

    Remote stores are locked too, because several runs together would exceed the rate limits of the services.
    Raises StoreError if the user has no folder for it.
    """
    if target.kind is StoreKind.EMBEDDED:
        return Path(target.uri) / ".cmetrics.lock"
    if target.locks is None:
        msg = f"there is no folder for the lock of {target.label}: this user has no home folder; {_CACHE_STEP}"
        raise StoreError(msg)
    name = hashlib.sha256(f"{target.uri} {target.host_override}".encode()).hexdigest()[:16]
    return target.locks / f"{name}.lock"


@contextmanager
def writing(target: StoreTarget, run_id: str, on_wait: Callable[[], None]) -> Iterator[str | None]:
    """Lock the store for ``run_id``. Yields the id of the previous run if it was killed, else None.

    Raises StoreBusy if another run does not end within :data:`WAIT_SECONDS`, StoreError if the folder cannot be
    written or belongs to another user.
    """
    path = lock_path(target)
    journal = path.with_suffix(".run")
    try:
        if target.kind is StoreKind.EMBEDDED:
            path.parent.mkdir(parents=True, exist_ok=True)
        else:
            _make_private_folder(path.parent)
        _refuse_links(path, journal)
        lock = FileLock(path)
        try:
            lock.acquire(timeout=0)
        except Timeout:
            on_wait()
            lock.acquire(timeout=WAIT_SECONDS)
    except Timeout:
        msg = f"another run has been writing to {target.label} for {WAIT_SECONDS / 60:.0f} minutes; try again later"
        raise StoreBusy(msg) from None
    except OSError as error:
        step = "check the folder and its permissions" if target.kind is StoreKind.EMBEDDED else _CACHE_STEP
        msg = f"{path.parent} cannot be written ({sanitize(str(error), limit=120)}); {step}"
        raise StoreError(msg) from error
    try:
        died = _begin(journal, run_id)
        ensure_temporary_folder(path.parent)
        yield died
    finally:
        # A killed process does not reach this line, so its journal remains for the next run.
        with suppress(OSError):
            journal.unlink(missing_ok=True)
        lock.release()


def _make_private_folder(folder: Path) -> None:
    """Create ``folder`` for this user alone. Raises StoreError if others can write to it or replace it."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    folder.mkdir(mode=0o700, exist_ok=True)
    facts = folder.lstat()
    if not stat.S_ISDIR(facts.st_mode):
        msg = f"{folder} is a link or a file, not a folder; remove it, or {_CACHE_STEP}"
        raise StoreError(msg)
    if not hasattr(os, "getuid"):
        # Windows: other users have no access to the user's profile.
        return
    if facts.st_uid != os.getuid():
        msg = f"{folder} belongs to another user; {_CACHE_STEP}"
        raise StoreError(msg)
    if facts.st_mode & 0o077:
        folder.chmod(0o700)
    above = folder.parent.stat()
    if above.st_uid not in {0, os.getuid()} or (above.st_mode & stat.S_IWOTH and not above.st_mode & stat.S_ISVTX):
        msg = f"{folder.parent} can be changed by another user; {_CACHE_STEP}"
        raise StoreError(msg)


def _refuse_links(*paths: Path) -> None:
    """Raise StoreError for a symbolic link: a write would go to its target."""
    for path in paths:
        if path.is_symlink():
            msg = f"{path} is a symbolic link; remove it"
            raise StoreError(msg)


def _begin(journal: Path, run_id: str) -> str | None:
    """Record the run that has the lock. Return the id of the previous run if its record remains."""
    try:
        died = journal.read_text(encoding="utf-8", errors="replace").strip() if journal.exists() else None
        journal.write_text(run_id, encoding="utf-8")
    except OSError as error:
        msg = f"{journal} cannot be written ({sanitize(str(error), limit=120)}); check the folder and its permissions"
        raise StoreError(msg) from error
    return died or None
