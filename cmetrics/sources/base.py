"""What the ingestion core asks of a source, and what it gets back."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Protocol

from cmetrics.domain.metric import Metric, SourceSpec
from cmetrics.domain.observation import DailyValue, StarRef
from cmetrics.errors import SourceError


@dataclass(frozen=True, slots=True)
class Ask:
    """The days of one metric that a run wants."""

    metric: Metric
    #: Ascending, never empty, none later than ``last_day``.
    days: tuple[date, ...]
    #: Those of ``days`` that the store does not hold.
    missing: frozenset[date]
    #: The last completed UTC day.
    last_day: date
    #: The oldest stored day: the subject existed by then, so a later day without downloads is a true 0.
    known_since: date | None = None
    #: Stars: the present count stands for ``last_day``, the one day that is missing.
    take_current: bool = False
    #: Stars: the repository that was counted last.
    repository: StarRef | None = None


@dataclass(frozen=True, slots=True)
class Fetched:
    """What a source said about an :class:`Ask`. Days without a statement are in neither list."""

    values: tuple[DailyValue, ...] = ()
    #: Days that the source is known not to have published (or to have lost).
    pending: frozenset[date] = frozenset()
    #: Part of the question failed; the values stand.
    error: str | None = None
    warnings: tuple[str, ...] = field(default=())
    #: Warnings that are told once: not again while `history` remembers them.
    news: tuple[str, ...] = ()


Answered = tuple[Ask, Fetched | SourceError]


class Source(Protocol):
    """One service. Made for one run; :meth:`answers` is called once.

    A failure that concerns one metric is a value in the answers, not an exception, so that it
    cannot stop the metrics after it.
    """

    spec: SourceSpec

    def answers(self, asks: Sequence[Ask]) -> AsyncIterator[Answered]:
        """One answer per ask, in any order."""
        ...


async def each(asks: Sequence[Ask], fetch: Callable[[Ask], Awaitable[Fetched]]) -> AsyncIterator[Answered]:
    """The answers of a source that treats one metric after the other."""
    for ask in asks:
        try:
            yield ask, await fetch(ask)
        except SourceError as error:
            yield ask, error
