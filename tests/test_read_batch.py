"""Questions that are answered together."""

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

    def read(self, questions: Collection[int]) -> dict[int, str]:
        self.reads.append(set(questions))
        self.started.set()
        assert self.go.wait(PATIENCE)
        if wrong := sorted(q for q in questions if q % 2):
            raise StoreError(str(wrong))
        return {question: str(question) for question in questions}


def ask_during_a_read(store: Store, questions: Collection[int]) -> list[Callable[[], str]]:
    """Request 0, and then the others during its read."""
    batch: ReadBatch[int, str] = ReadBatch()
    with ThreadPoolExecutor(20) as pool:
        first: Future[str] = pool.submit(batch.get, 0, store.read)
        assert store.started.wait(PATIENCE)
        others = [pool.submit(batch.get, question, store.read) for question in questions]
        deadline = time.monotonic() + PATIENCE
        while batch._next.questions != set(questions):
            assert time.monotonic() < deadline
            time.sleep(0.001)
        store.go.set()
    return [first.result, *(one.result for one in others)]


def test_together():
    """Requests during a read are answered together by the next read."""
    store = Store()
    results = ask_during_a_read(store, [2, 4, 0, 4])
    assert [result() for result in results] == ["0", "2", "4", "0", "4"]
    assert store.reads == [{0}, {0, 2, 4}]


def test_one_fails():
    """A failed request does not affect the others of the same read."""
    store = Store()
    zero, two, three = ask_during_a_read(store, [2, 3])
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
