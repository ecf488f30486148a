"""The cache of responses per version of the store."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from itertools import count

import pytest

from cmetrics.version_cache import VersionCache

PATIENCE = 20


def test_once_per_version() -> None:
    """The value of a key is computed once per version."""
    cache, version, numbers = VersionCache[int](9), 1, count()
    get = lambda key: cache.get(lambda: version, key, lambda: next(numbers))  # noqa: E731
    assert [get("a"), get("a"), get("b"), get("a")] == [0, 0, 1, 0]
    version = 2
    assert [get("a"), get("b")] == [2, 3]


def test_without_version() -> None:
    """Without a version, the value is computed for every request."""
    cache, numbers = VersionCache[int](9), count()
    assert [cache.get(lambda: None, "a", lambda: next(numbers)) for _ in range(2)] == [0, 1]


def test_concurrent_requests() -> None:
    """Concurrent requests for one key wait for one computation."""
    cache, numbers, go = VersionCache[int](9), count(), threading.Event()

    def compute() -> int:
        assert go.wait(PATIENCE)
        return next(numbers)

    with ThreadPoolExecutor(8) as pool:
        futures = [pool.submit(cache.get, lambda: 1, "a", compute) for _ in range(8)]
        go.set()
        assert [one.result(PATIENCE) for one in futures] == [0] * 8


def test_other_keys_during_a_slow_computation() -> None:
    """A slow computation delays neither other keys nor newer versions."""
    cache, go, version = VersionCache[str](9), threading.Event(), 1
    with ThreadPoolExecutor(1) as pool:
        slow = pool.submit(cache.get, lambda: version, "slow", lambda: str(go.wait(PATIENCE)))
        assert cache.get(lambda: version, "quick", lambda: "one") == "one"
        version = 2
        assert cache.get(lambda: version, "quick", lambda: "two") == "two"
        go.set()
        assert slow.result(PATIENCE) == "True"
    # A value computed for an older version is not returned for a newer one.
    assert cache.get(lambda: version, "slow", lambda: "new") == "new"


def test_late_reader() -> None:
    """A thread that read an older version before it waited gets the value of the newer version."""
    cache, versions = VersionCache[str](9), iter([1, 2])
    assert cache.get(lambda: 2, "a", lambda: "two") == "two"
    assert cache.get(lambda: next(versions), "a", lambda: "one") == "two"


def test_failure() -> None:
    """An exception reaches the caller and is not cached."""
    cache = VersionCache[int](9)
    with pytest.raises(ZeroDivisionError):
        cache.get(lambda: 1, "a", lambda: 1 // 0)
    assert cache.get(lambda: 1, "a", lambda: 5) == 5


def test_size() -> None:
    """The cache has at most the given number of entries."""
    cache, numbers = VersionCache[int](2), count()
    for key in "abc":
        cache.get(lambda: 1, key, lambda: next(numbers))
    assert len(cache._results) <= 2
