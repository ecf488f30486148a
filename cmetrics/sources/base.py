"""The protocol between the ingestion and a source: requests in, a stream of results out."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from copy import copy
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Protocol

from cmetrics.domain.days import DAY, window
from cmetrics.domain.errors import InvalidResponse, SourceError
from cmetrics.domain.metric import Metric, SourceSpec
from cmetrics.domain.observation import DailyValue, Reading, SourceRef, StarRef
from cmetrics.sources.release_list import Release


@dataclass(frozen=True, slots=True)
class FetchRequest:
    """The days of one metric that a run requests from its source and its archive."""

    metric: Metric
    #: Ascending, none later than ``last_day``. Empty if only the archive is requested and its counts
    #: have to be compared with those of the source.
    days: tuple[date, ...]
    #: The days in ``days`` and ``archive_days`` that are not stored yet.
    missing: AbstractSet[date]
    #: The last completed UTC day.
    last_day: date
    #: The oldest stored day. The subject existed by then, so a later day without downloads is a real 0.
    known_since: date | None = None
    #: Store the current value under ``last_day``. Always set for a counter, a stock without history and
    #: a rolling window in a refresh; for stars, if ``last_day`` is the only missing day.
    take_current: bool = False
    #: Stars: the repository of the newest stored count.
    repository: StarRef | None = None
    #: Counters and stocks: the subject in the newest stored value, with the newest identity in any row.
    known: SourceRef | None = None
    #: Days that the source no longer serves, requested from its archive. Ascending.
    archive_days: tuple[date, ...] = ()


@dataclass(frozen=True, slots=True)
class FetchResult:
    """The values for one :class:`FetchRequest`, or for a part of it, and the error that prevented the others.

    A metric that could not be fetched is a result with an error, not an exception, so that it cannot
    stop the metrics after it. For a requested day that is neither in ``values`` nor in ``pending``, the
    source returned no information.
    """

    request: FetchRequest
    values: tuple[DailyValue, ...] = ()
    #: Days that the source is known not to have published (or to have lost).
    pending: frozenset[date] = frozenset()
    #: The reason why all or some values are missing. ``values`` are valid in any case.
    error: SourceError | None = None
    warnings: tuple[str, ...] = ()
    #: Information for the summary of the run that requires no action.
    notes: tuple[str, ...] = ()
    #: The counts of all complete days that the source returned, requested or not. The archive's counts
    #: are compared with them.
    source_counts: Mapping[date, int] = field(default_factory=dict)
    #: The releases of the subject, newest first, from a source that reads them anyway; else None.
    releases: tuple[Release, ...] | None = None
    #: The counts of the parts of a subject. The ingestion stores them in `readings` and derives the value of
    #: ``last_day`` from them, so ``values`` stays empty.
    readings: tuple[Reading, ...] = ()
    #: The current name of the subject of ``readings``, if it may differ from that in the catalogue.
    subject: str | None = None
    #: Whether nothing was requested because the source is not configured.
    is_off: bool = False
    #: False if more results for the same request follow.
    is_final: bool = True


class Source(Protocol):
    """A metric source. Created for one run; :meth:`fetch` is called once."""

    spec: SourceSpec

    def fetch(self, requests: Sequence[FetchRequest]) -> AsyncIterator[FetchResult]:
        """Yield one result per request, in any order. Never raise a SourceError."""
        ...


class Archive(Protocol):
    """The archive of a source, for days that it no longer serves. Created for one run; :meth:`fetch` is called once."""

    def fetch(
        self, requests: Sequence[FetchRequest], counts_by_metric: Mapping[str, Mapping[date, int]]
    ) -> AsyncIterator[FetchResult]:
        """Yield one or more results per request, as its ``archive_days`` arrive. Never raise a SourceError.

        ``counts_by_metric`` has the counts of the source itself by metric id; empty or absent if the
        source failed.
        """
        ...


def merge_results(results: Sequence[FetchResult]) -> FetchResult:
    """Merge the results of one request. A failed part does not remove the values of the others."""
    if len(results) == 1:
        return results[0]
    return FetchResult(
        results[0].request,
        tuple(value for result in results for value in result.values),
        frozenset(day for result in results for day in result.pending),
        _merge_errors([result.error for result in results if result.error is not None]),
        warnings=tuple(text for result in results for text in result.warnings),
        notes=tuple(text for result in results for text in result.notes),
        readings=tuple(reading for result in results for reading in result.readings),
    )


def _merge_errors(errors: Sequence[SourceError]) -> SourceError | None:
    """Return the first error with the distinct messages of all errors; None if there are none."""
    return reword(errors[0], "; ".join(dict.fromkeys(error.message for error in errors))) if errors else None


def reword(error: SourceError, message: str) -> SourceError:
    """Return a copy of ``error`` with another message and the same type, hint and data."""
    reworded = copy(error)
    reworded.message = message
    return reworded


def counter_value(
    request: FetchRequest,
    value: int,
    observed_at: datetime,
    *,
    identity: str | None = None,
    subject: str | None = None,
    remark: str | None = None,
) -> DailyValue:
    """Return a current count, stored under the last completed day with the time at which it was read.

    ``identity`` is the service's id of the subject, if it has one; ``subject`` is the current name, if it may differ
    from that in the catalogue. For counters and for stocks without history.
    """
    metric = request.metric
    ref = SourceRef(metric.source, subject or metric.subject, identity, remark)
    return DailyValue(request.last_day, value, ref.text, observed_at=observed_at)


def window_value(
    request: FetchRequest,
    value: int,
    last_day: date,
    observed_at: datetime,
    *,
    first_day: date | None = None,
    identity: str | None = None,
    subject: str | None = None,
    remark: str | None = None,
) -> DailyValue:
    """Return the value of a rolling window that ends with ``last_day``, as the service states it.

    Without ``first_day``, the window has the length of the measure. A window that ends with the current day is stored
    under the last completed one, with a remark. ``identity`` and ``subject`` are those of `counter_value`. Raises
    InvalidResponse for a later end.
    """
    metric = request.metric
    days = metric.measure.window_days
    assert days is not None  # the measure is a rolling one
    first_day = first_day or window(last_day, days)
    if last_day > request.last_day + DAY or first_day > last_day:
        msg = f"{metric.source}, {metric.subject}, states a window from {first_day} to {last_day}"
        raise InvalidResponse(msg, service=metric.source)
    if last_day > request.last_day:
        remark = f"{remark}; window ends {last_day}" if remark else f"window ends {last_day}"
        last_day = request.last_day
    ref = SourceRef(metric.source, subject or metric.subject, identity, remark)
    return DailyValue(last_day, value, ref.text, period_start=first_day, observed_at=observed_at)


async def fetch_subjects(
    requests: Sequence[FetchRequest],
    canonical: Callable[[str], str],
    fetch_subject: Callable[[Sequence[FetchRequest]], Awaitable[Sequence[FetchResult]]],
) -> AsyncIterator[FetchResult]:
    """Yield the results of a source that fetches one subject at a time, with all its counts at once.

    ``fetch_subject`` gets all requests of one subject and returns a result for each of them. If it
    raises a SourceError, all of them have failed.
    """
    for group in group_by_subject(requests, canonical):
        try:
            results = await fetch_subject(group)
        except SourceError as error:
            results = [FetchResult(request, error=error) for request in group]
        for result in results:
            yield result


def group_by_subject(
    requests: Sequence[FetchRequest], canonical: Callable[[str], str]
) -> tuple[tuple[FetchRequest, ...], ...]:
    """Return the requests of each subject, in the order of the first of each."""
    groups: dict[str, list[FetchRequest]] = {}
    for request in requests:
        groups.setdefault(canonical(request.metric.subject), []).append(request)
    return tuple(tuple(group) for group in groups.values())


async def fetch_each(
    requests: Sequence[FetchRequest], fetch_one: Callable[[FetchRequest], Awaitable[FetchResult]]
) -> AsyncIterator[FetchResult]:
    """Yield the results of a source that fetches one metric at a time."""
    for request in requests:
        try:
            yield await fetch_one(request)
        except SourceError as error:
            yield FetchResult(request, error=error)
