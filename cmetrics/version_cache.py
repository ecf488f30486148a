"""Cache results as long as the store does not change."""

from __future__ import annotations

import threading
from collections.abc import Callable, Hashable
from concurrent.futures import Future
from typing import Generic, TypeVar

T = TypeVar("T")


class VersionCache(Generic[T]):
    """Results by key, for one version of the store at a time.

    Each result is computed once per version. Concurrent calls with the same key wait for that computation; calls with
    other keys do not. A call never returns a result of an older version than an earlier call.
    """

    def __init__(self, size: int) -> None:
        self._size = size
        self._lock = threading.Lock()
        self._version: Hashable = None
        self._results: dict[Hashable, Future[T]] = {}

    def get(self, read_version: Callable[[], Hashable], key: Hashable, compute: Callable[[], T]) -> T:
        """Return the result for ``key``. Calls ``compute`` unless it is cached or being computed.

        ``read_version`` returns the current version of the store, or None if that is unknown without reading; then
        nothing is cached. An exception of ``compute`` is raised, and not cached.
        """
        version = read_version()
        if version is None:
            return compute()
        with self._lock:
            if version != self._version:
                # Another thread may have seen a newer version in the meantime; the older one must not come back.
                version = read_version()
            if version != self._version:
                self._version, self._results = version, {}
            results = self._results
            if (known := results.get(key)) is None:
                if len(results) >= self._size:
                    results.clear()
                ours = results[key] = Future[T]()
        if known is not None:
            return known.result()
        try:
            ours.set_result(compute())
        except BaseException as error:
            with self._lock:
                results.pop(key, None)
            ours.set_exception(error)
            raise
        return ours.result()
