"""The way of a run's rows into the store: one merge, or one every few seconds of a long run."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

from cmetrics.domain.observation import Observation
from cmetrics.domain.revision import Replaced
from cmetrics.domain.run import Counts
from cmetrics.ingest.reconcile import Overwrite
from cmetrics.store.lance_store import LanceStore


class BatchWriter:
    """Rows that wait for the next merge, and what the merges so far have done.

    ``every`` is the seconds from one merge to the next; with None there is none before
    :meth:`flush`, so that a night is stored as a whole or not at all. ``on_merge`` hears the sums
    after every merge but the last.
    """

    def __init__(
        self, store: LanceStore, rule: Overwrite, *, every: float | None, on_merge: Callable[[Counts], None]
    ) -> None:
        self._store = store
        self._rule = rule
        self._every = every
        self._on_merge = on_merge
        self._rows: list[Observation] = []
        self._last = time.monotonic()
        self.counts = Counts()
        #: What was written over, with what took its place.
        self.replaced: list[Replaced] = []

    def add(self, rows: Sequence[Observation]) -> None:
        """Take rows; raises StoreError when it is time for a merge and that fails."""
        self._rows += rows
        if self._every is not None and self._rows and time.monotonic() - self._last >= self._every:
            self.flush()
            self._on_merge(self.counts)

    def flush(self) -> None:
        """Merge what waits."""
        rows, self._rows = self._rows, []
        done = self._store.upsert_observations(rows, self._rule, lambda old, new: self.replaced.append((old, new)))
        self.counts = Counts(
            self.counts.inserted + done.inserted,
            self.counts.updated + done.updated,
            self.counts.unchanged + done.unchanged,
        )
        self._last = time.monotonic()
