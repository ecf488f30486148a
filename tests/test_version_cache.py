"""Answers shared per version and question."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from itertools import count

import pytest

from cmetrics.version_cache import VersionCache

PATIENCE = 20


def test_once_per_version() -> None:
    """A question is computed once per version, another question beside it."""
    cache, version, numbers = VersionCache[int](9), 1, count()
    ask = lambda question: cache.get(lambda: version, question, lambda: next(numbers))  # noqa: E731
    assert [ask("a"), ask("a"), ask("b"), ask("a")] == [0, 0, 1, 0]
    version = 2
    assert [ask("a"), ask("b")] == [2, 3]


def test_without_version() -> None:
    """A store that does not tell its version is read for every question."""
    cache, numbers = VersionCache[int](9), count()
    assert [cache.get(lambda: None, "a", lambda: next(numbers)) for _ in range(2)] == [0, 1]


def test_same_question_at_once() -> None:
    """Those who ask while an answer is computed wait for that answer."""
    cache, numbers, go = VersionCache[int](9), count(), threading.Event()

    def compute() -> int:
        assert go.wait(PATIENCE)
        return next(numbers)

    with ThreadPoolExecutor(8) as pool:
        asked = [pool.submit(cache.get, lambda: 1, "a", compute) for _ in range(8)]
        go.set()
        assert [one.result(PATIENCE) for one in asked] == [0] * 8


def test_other_question_meanwhile() -> None:
    """A question is answered while a slow one is computed, also after a write."""
    cache, go, version = VersionCache[str](9), threading.Event(), 1
    with ThreadPoolExecutor(1) as pool:
        slow = pool.submit(cache.get, lambda: version, "slow", lambda: str(go.wait(PATIENCE)))
        assert cache.get(lambda: version, "quick", lambda: "one") == "one"
        version = 2
        assert cache.get(lambda: version, "quick", lambda: "two") == "two"
        go.set()
        assert slow.result(PATIENCE) == "True"
    # What was computed for an older version is not the answer to a newer question.
    assert cache.get(lambda: version, "slow", lambda: "new") == "new"


def test_late_reader() -> None:
    """A thread that read an older version before it waited does not bring that version back."""
    cache, versions = VersionCache[str](9), iter([1, 2])
    assert cache.get(lambda: 2, "a", lambda: "two") == "two"
    assert cache.get(lambda: next(versions), "a", lambda: "one") == "two"


def test_failure() -> None:
    """A failure reaches who asked, and the next question is computed again."""
    cache = VersionCache[int](9)
    with pytest.raises(ZeroDivisionError):
        cache.get(lambda: 1, "a", lambda: 1 // 0)
    assert cache.get(lambda: 1, "a", lambda: 5) == 5


def test_size() -> None:
    """No more answers are kept than asked for."""
    cache, numbers = VersionCache[int](2), count()
    for question in "abc":
        cache.get(lambda: 1, question, lambda: next(numbers))
    assert len(cache._answers) <= 2
