"""Requests that are served by one read."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Collection
from concurrent.futures import Future, ThreadPoolExecutor

import pytest

from cmetrics.domain.errors import StoreError
from cmetrics.read_batch import ReadBatch

PATIENCE = 20


class Store:
    """Reads are recorded; the first one waits until ``go`` is set, and odd numbers cannot be read."""

    def __init__(self) -> None:
        self.go, self.started = threading.Event(), threading.Event()
        self.reads: list[set[int]] = []

    def read(self, keys: Collection[int]) -> dict[int, str]:
        self.reads.append(set(keys))
        self.started.set()
        assert self.go.wait(PATIENCE)
        if wrong := sorted(key for key in keys if key % 2):
            raise StoreError(str(wrong))
        return {key: str(key) for key in keys}


def request_during_a_read(store: Store, keys: Collection[int]) -> list[Callable[[], str]]:
    """Request 0, then ``keys``, which are distinct, during its read. Return functions that wait for the results."""
    batch: ReadBatch[int, str] = ReadBatch()
    with ThreadPoolExecutor(20) as pool:
        first: Future[str] = pool.submit(batch.get, 0, store.read)
        assert store.started.wait(PATIENCE)
        others = [pool.submit(batch.get, key, store.read) for key in keys]
        deadline = time.monotonic() + PATIENCE
        while batch._next.keys != set(keys):
            assert time.monotonic() < deadline
            time.sleep(0.001)
        store.go.set()
    return [first.result, *(one.result for one in others)]


def test_together():
    """Requests during a read are served together by the next read."""
    store = Store()
    results = request_during_a_read(store, [2, 4, 0])
    assert [result() for result in results] == ["0", "2", "4", "0"]
    assert store.reads == [{0}, {0, 2, 4}]


def test_one_fails():
    """A failed request does not affect the others of the same read."""
    store = Store()
    zero, two, three = request_during_a_read(store, [2, 3])
    assert [zero(), two()] == ["0", "2"]
    with pytest.raises(StoreError, match=r"\[3\]"):
        three()


def test_alone():
    """A single request is read once, also if it fails, and the next one is read again."""
    store, batch = Store(), ReadBatch[int, str]()
    store.go.set()
    with pytest.raises(StoreError):
        batch.get(1, store.read)
    assert [batch.get(2, store.read), batch.get(2, store.read)] == ["2", "2"]
    assert store.reads == [{1}, {2}, {2}]
