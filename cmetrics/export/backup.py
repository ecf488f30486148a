"""Back up a store before `bootstrap`, `rename` or `forget` removes rows."""

from __future__ import annotations

from datetime import datetime
from itertools import count
from pathlib import Path

from cmetrics.domain.errors import StoreMissing
from cmetrics.export.tables import export_store
from cmetrics.ingest.bootstrap import Backup, load_run_states
from cmetrics.settings import Settings
from cmetrics.store.lance_store import LanceStore

#: Relative to the working directory, as the embedded store is.
BACKUPS = Path("data") / "backups"


def backup_folder(now: datetime) -> Path:
    """Return the folder for a backup made at ``now``."""
    return BACKUPS / f"{now:%Y%m%dT%H%M%SZ}"


def back_up(settings: Settings, folder: Path) -> Backup:
    """Export all tables to ``folder``, or to one next to it if it exists; nothing if the store has no rows."""
    try:
        store = LanceStore.open(settings.store)
        if store.is_empty():
            return Backup(None, frozenset())
    except StoreMissing:
        return Backup(None, frozenset())
    # After an interrupted bootstrap, a table may be missing.
    store.create_tables()
    written = load_run_states(store)
    free = next(path for n in count(1) if not (path := folder if n == 1 else Path(f"{folder}-{n}")).exists())
    export_store(store, free)
    return Backup(free, written)
