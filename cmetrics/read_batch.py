"""Answer questions that wait at the same time with one read of the store."""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Hashable, Mapping
from typing import Generic, TypeVar

from cmetrics.domain.errors import StoreError

Q = TypeVar("Q", bound=Hashable)
T = TypeVar("T")


class _Batch(Generic[Q, T]):
    """Questions that are read together."""

    def __init__(self) -> None:
        self.questions: set[Q] = set()
        self.answers: Mapping[Q, T] = {}


class ReadBatch(Generic[Q, T]):
    """One read at a time: questions that arrive in the meantime wait, and are answered together by the next one.

    A read of seven metrics takes a third longer than a read of one. An answer is never older than its question.
    """

    def __init__(self) -> None:
        self._turn, self._lock = threading.Lock(), threading.Lock()
        self._next: _Batch[Q, T] = _Batch()

    def get(self, question: Q, read: Callable[[Collection[Q]], Mapping[Q, T]]) -> T:
        """Return the answer of ``read``, which answers all questions that it is given. Raises its StoreError.

        If several questions cannot be read together, each is read alone, so that only those fail that have to.
        """
        with self._lock:
            batch = self._next
            batch.questions.add(question)
        with self._turn:
            if batch is self._next:
                with self._lock:
                    self._next = _Batch()
                try:
                    batch.answers = read(batch.questions)
                except StoreError:
                    if len(batch.questions) == 1:
                        raise
        return batch.answers[question] if batch.answers else read({question})[question]
