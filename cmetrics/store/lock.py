"""One writing run at a time on a machine, and a trace of the run that died holding the lock."""

from __future__ import annotations

import hashlib
import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from filelock import FileLock, Timeout

from cmetrics.domain.errors import StoreBusy, StoreError
from cmetrics.domain.sanitize import sanitize
from cmetrics.settings import StoreKind, StoreTarget

#: Longer than a large backfill's write, shorter than a night.
WAIT_SECONDS = 900.0


def lock_path(target: StoreTarget) -> Path:
    """Beside the tables of an embedded store; for stores elsewhere, one file per user and store.

    Runs also keep to the services' pace only one at a time, hence a lock for remote stores too.
    """
    if target.kind is StoreKind.EMBEDDED:
        return Path(target.uri) / ".cmetrics.lock"
    name = hashlib.sha256(f"{target.uri} {target.host_override}".encode()).hexdigest()[:16]
    return Path(tempfile.gettempdir()) / f"cmetrics-{os.getuid()}" / f"{name}.lock"


@contextmanager
def writing(target: StoreTarget, run_id: str, on_wait: Callable[[], None]) -> Iterator[str | None]:
    """Hold the store for ``run_id``; yields the id of a run that died while it held the store.

    Raises StoreBusy when another run does not end within :data:`WAIT_SECONDS`, StoreError when the
    folder cannot be written.
    """
    path = lock_path(target)
    journal = path.with_suffix(".run")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
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
        msg = f"{path.parent} cannot be written ({sanitize(str(error), limit=120)}); check the folder and its rights"
        raise StoreError(msg) from error
    try:
        died = _begin(journal, run_id)
        yield died
    finally:
        # A killed process never comes here, which is what the journal is for.
        with suppress(OSError):
            journal.unlink(missing_ok=True)
        lock.release()


def _begin(journal: Path, run_id: str) -> str | None:
    """Note who holds the lock; the id of a run that left its note behind."""
    try:
        died = journal.read_text(encoding="utf-8", errors="replace").strip() if journal.exists() else None
        journal.write_text(run_id, encoding="utf-8")
    except OSError as error:
        msg = f"{journal} cannot be written ({sanitize(str(error), limit=120)}); check the folder and its rights"
        raise StoreError(msg) from error
    return died or None
