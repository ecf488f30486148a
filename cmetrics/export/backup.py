"""Back up everything that `bootstrap` would drop."""

from __future__ import annotations

from itertools import count
from pathlib import Path

from cmetrics.domain.errors import StoreMissing
from cmetrics.export.tables import export_store
from cmetrics.ingest.bootstrap import Backup, load_run_states
from cmetrics.settings import Settings
from cmetrics.store.lance_store import LanceStore


def back_up(settings: Settings, folder: Path) -> Backup:
    """Export everything that `bootstrap` would drop to ``folder``, or beside it if it exists."""
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
