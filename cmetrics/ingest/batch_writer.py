"""Buffered merges: all rows of a run in one merge, or a merge every few seconds of a long run."""

from __future__ import annotations

import time
from collections.abc import Sequence

from cmetrics.domain.observation import Observation
from cmetrics.domain.revision import Replaced
from cmetrics.domain.run import Counts
from cmetrics.ingest.reconcile import Overwrite
from cmetrics.store.lance_store import LanceStore


class BatchWriter:
    """Buffer rows and merge them into the store.

    ``interval`` is the number of seconds between two merges; None merges only in :meth:`flush`, so
    that a run is stored as a whole or not at all.
    """

    def __init__(self, store: LanceStore, overwrites: Overwrite, *, interval: float | None = None) -> None:
        self._store = store
        self._overwrites = overwrites
        self._interval = interval
        self._rows: list[Observation] = []
        self._last_merge = time.monotonic()
        #: Sums over all merges so far.
        self.counts = Counts()
        #: Every row that was overwritten, with the row that replaced it.
        self.replaced: list[Replaced] = []

    def add(self, rows: Sequence[Observation]) -> bool:
        """Buffer ``rows`` and merge when the interval has passed; return whether that was now. Raises StoreError."""
        self._rows += rows
        if self._interval is None or not self._rows or time.monotonic() - self._last_merge < self._interval:
            return False
        self.flush()
        return True

    def flush(self) -> None:
        """Merge all buffered rows. Raises StoreError."""
        rows, self._rows = self._rows, []
        merged = self._store.upsert_observations(
            rows, self._overwrites, lambda old, new: self.replaced.append((old, new))
        )
        self.counts = Counts(
            self.counts.inserted + merged.inserted,
            self.counts.updated + merged.updated,
            self.counts.unchanged + merged.unchanged,
        )
        self._last_merge = time.monotonic()
