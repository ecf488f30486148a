"""The protocol between the ingestion and a source: requests in, a stream of results out."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from copy import copy
from dataclasses import dataclass, field
from datetime import date
from typing import Protocol

from cmetrics.domain.errors import SourceError
from cmetrics.domain.metric import Metric, SourceSpec
from cmetrics.domain.observation import DailyValue, StarRef


@dataclass(frozen=True, slots=True)
class FetchRequest:
    """The days of one metric that a run requests."""

    metric: Metric
    #: Ascending, none later than ``last_day``. Empty only where an archive is compared with the
    #: values of the source.
    days: tuple[date, ...]
    #: The days of ``days`` and ``archive_days`` that are not stored.
    missing: frozenset[date]
    #: The last completed UTC day.
    last_day: date
    #: The oldest stored day: the subject existed by then, so a later day without downloads is a true 0.
    known_since: date | None = None
    #: Stars: store the current count under ``last_day``, the only missing day.
    take_current: bool = False
    #: Stars: the repository of the newest stored count.
    repository: StarRef | None = None
    #: Days before those that the source serves; requested from its archive. Ascending.
    archive_days: tuple[date, ...] = ()


@dataclass(frozen=True, slots=True)
class FetchResult:
    """The values of one :class:`FetchRequest`, or the error that prevented all or some of them.

    A metric that could not be fetched is a result with an error, not an exception: it cannot stop
    the metrics after it. A day of the request that is neither in ``values`` nor in ``pending`` is
    a day about which the source said nothing.
    """

    request: FetchRequest
    values: tuple[DailyValue, ...] = ()
    #: Days that the source is known not to have published (or to have lost).
    pending: frozenset[date] = frozenset()
    #: Why nothing, or only a part, could be fetched; ``values`` are valid in both cases.
    error: SourceError | None = None
    warnings: tuple[str, ...] = ()
    #: Facts for the reader of the run's summary that need no action.
    notes: tuple[str, ...] = ()
    #: All complete days that the source states, requested or not; an archive is compared with them.
    stated: Mapping[date, int] = field(default_factory=dict)
    #: False when further results of the same request follow.
    is_final: bool = True


class Source(Protocol):
    """One service. Created for one run; :meth:`fetch` is called once."""

    spec: SourceSpec

    def fetch(self, requests: Sequence[FetchRequest]) -> AsyncIterator[FetchResult]:
        """Yield one result per request, in any order. Never raise a SourceError."""
        ...


class Archive(Protocol):
    """The days that a source no longer serves. Created for one run; :meth:`fetch` is called once."""

    def fetch(
        self, requests: Sequence[FetchRequest], stated_by_source: Mapping[str, Mapping[date, int]]
    ) -> AsyncIterator[FetchResult]:
        """Yield one result or more per request, as its ``archive_days`` come in. Never raise a SourceError.

        ``stated_by_source`` has the values of the source itself by metric id; empty or absent where
        the source failed.
        """
        ...


def merge_results(results: Sequence[FetchResult]) -> FetchResult:
    """Return all results of one request as one. A failed part does not remove the values of the others."""
    if len(results) == 1:
        return results[0]
    return FetchResult(
        results[0].request,
        tuple(value for result in results for value in result.values),
        frozenset(day for result in results for day in result.pending),
        _merge_errors([result.error for result in results if result.error is not None]),
        warnings=tuple(text for result in results for text in result.warnings),
        notes=tuple(text for result in results for text in result.notes),
    )


def _merge_errors(errors: Sequence[SourceError]) -> SourceError | None:
    """Return the first error with the messages of all, each once; None without any."""
    return reword(errors[0], "; ".join(dict.fromkeys(error.message for error in errors))) if errors else None


def reword(error: SourceError, message: str) -> SourceError:
    """Return a copy of ``error`` with another message; its type, hint and data stay."""
    reworded = copy(error)
    reworded.message = message
    return reworded


async def fetch_each(
    requests: Sequence[FetchRequest], fetch_one: Callable[[FetchRequest], Awaitable[FetchResult]]
) -> AsyncIterator[FetchResult]:
    """Yield the results of a source that fetches one metric after the other."""
    for request in requests:
        try:
            yield await fetch_one(request)
        except SourceError as error:
            yield FetchResult(request, error=error)
