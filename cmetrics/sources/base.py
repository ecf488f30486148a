"""What the ingestion core asks of a source, and what it gets back."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Protocol

from cmetrics.domain.errors import SourceError
from cmetrics.domain.metric import Metric, SourceSpec
from cmetrics.domain.observation import DailyValue, StarRef


@dataclass(frozen=True, slots=True)
class FetchRequest:
    """The days of one metric that a run wants."""

    metric: Metric
    #: Ascending, none later than ``last_day``. Empty only where the archive of ``older`` is compared
    #: with what the source holds.
    days: tuple[date, ...]
    #: Those of ``days`` and ``older`` that the store does not hold.
    missing: frozenset[date]
    #: The last completed UTC day.
    last_day: date
    #: The oldest stored day: the subject existed by then, so a later day without downloads is a true 0.
    known_since: date | None = None
    #: Stars: the present count stands for ``last_day``, the one day that is missing.
    take_current: bool = False
    #: Stars: the repository that was counted last.
    repository: StarRef | None = None
    #: Days before those that the source answers for; its archive is asked. Ascending.
    older: tuple[date, ...] = ()


@dataclass(frozen=True, slots=True)
class FetchResult:
    """What a source said about an :class:`FetchRequest`. Days without a statement are in neither list."""

    values: tuple[DailyValue, ...] = ()
    #: Days that the source is known not to have published (or to have lost).
    pending: frozenset[date] = frozenset()
    #: Part of the question failed; the values stand.
    error: str | None = None
    warnings: tuple[str, ...] = field(default=())
    #: Warnings that are told once: not again while `history` remembers them.
    news: tuple[str, ...] = ()
    #: What a reader of the run's summary should know; nothing is wrong.
    notes: tuple[str, ...] = ()
    #: Whole days as the source states them, asked for or not: what an archive is compared with.
    stated: Mapping[date, int] = field(default_factory=dict)
    #: A part; further answers to the same ask follow.
    more: bool = False


FetchOutcome = tuple[FetchRequest, FetchResult | SourceError]


class Source(Protocol):
    """One service. Made for one run; :meth:`answers` is called once.

    A failure that concerns one metric is a value in the answers, not an exception, so that it
    cannot stop the metrics after it.
    """

    spec: SourceSpec

    def fetch(self, asks: Sequence[FetchRequest]) -> AsyncIterator[FetchOutcome]:
        """One answer per ask, in any order."""
        ...


class Archive(Protocol):
    """The days that a source no longer answers for. Made for one run; :meth:`answers` is called once."""

    def fetch(
        self, asks: Sequence[FetchRequest], near: Mapping[str, Mapping[date, int]]
    ) -> AsyncIterator[FetchOutcome]:
        """One answer or more per ask, as the days of its ``older`` come in; a failure is a value.

        ``near`` is what the source itself states, by metric id; a metric that it failed for is not
        there.
        """
        ...


def merge_answers(answers: Sequence[FetchOutcome]) -> FetchOutcome:
    """The parts of what one ask was answered, as one: a part that failed does not undo the others."""
    ask, first = answers[0]
    if len(answers) == 1:
        return ask, first
    parts = [fetched for _, fetched in answers if isinstance(fetched, FetchResult)]
    failures = [fetched for _, fetched in answers if isinstance(fetched, SourceError)]
    if not parts:
        return ask, failures[0]
    errors = [*(part.error for part in parts if part.error), *map(str, failures)]
    return ask, FetchResult(
        tuple(value for part in parts for value in part.values),
        frozenset(day for part in parts for day in part.pending),
        "; ".join(dict.fromkeys(errors)) or None,
        warnings=tuple(text for part in parts for text in part.warnings),
        news=tuple(text for part in parts for text in part.news),
        notes=tuple(text for part in parts for text in part.notes),
    )


async def each(
    asks: Sequence[FetchRequest], fetch: Callable[[FetchRequest], Awaitable[FetchResult]]
) -> AsyncIterator[FetchOutcome]:
    """The answers of a source that treats one metric after the other."""
    for ask in asks:
        try:
            yield ask, await fetch(ask)
        except SourceError as error:
            yield ask, error
