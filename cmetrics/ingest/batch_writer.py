"""Buffered merges: one merge for all rows of a run, or a merge every few seconds in a long run."""

from __future__ import annotations

import time

import pyarrow as pa

from cmetrics.domain.run import Counts
from cmetrics.ingest.revisions import Replaced, select_revised
from cmetrics.store.columns import Overwrite, encode_texts
from cmetrics.store.lance_store import LanceStore
from cmetrics.store.schema import STATS

#: The number of results that are combined into one table in the buffer.
CHUNKS = 100


class BatchWriter:
    """Buffer rows and merge them into the store.

    ``interval`` is the number of seconds between two merges. With None, only :meth:`flush` merges, so
    that a run is stored as a whole or not at all.
    """

    def __init__(self, store: LanceStore, overwrites: Overwrite, *, interval: float | None = None) -> None:
        self._store = store
        self._overwrites = overwrites
        self._interval = interval
        self._rows: list[pa.Table] = []
        #: The number of tables at the end of the buffer that have not been combined yet.
        self._small = 0
        self._last_merge = time.monotonic()
        #: Sums over all merges so far.
        self.counts = Counts()
        #: The rows that were overwritten by another value, with the rows that replaced them.
        self.replaced: list[Replaced] = []

    def add(self, rows: pa.Table) -> bool:
        """Buffer ``rows``, and merge if the interval has passed. Return whether it merged. Raises StoreError."""
        if rows.num_rows:
            self._rows.append(rows)
            self._small += 1
        if self._small == CHUNKS:
            self._rows[-CHUNKS:] = [encode_texts(pa.concat_tables(self._rows[-CHUNKS:]))]
            self._small = 0
        if self._interval is None or not self._rows or time.monotonic() - self._last_merge < self._interval:
            return False
        self.flush()
        return True

    def flush(self) -> None:
        """Merge all buffered rows. Raises StoreError."""
        small = pa.concat_tables([STATS.schema.empty_table(), *self._rows[len(self._rows) - self._small :]])
        rows = pa.concat_tables([*self._rows[: len(self._rows) - self._small], encode_texts(small)]).combine_chunks()
        # Avoids a second copy of the rows in memory.
        self._rows, self._small = [], 0
        merged = self._store.upsert_observations(
            rows, self._overwrites, lambda old, new: self.replaced.append(select_revised(old, new))
        )
        self.counts = Counts(
            self.counts.inserted + merged.inserted,
            self.counts.updated + merged.updated,
            self.counts.unchanged + merged.unchanged,
        )
        self._last_merge = time.monotonic()
