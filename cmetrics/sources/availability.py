"""Decide whether a source has published a day, from a total that is never 0: all of npm, all of PyPI."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from enum import Enum
from statistics import median

from cmetrics.domain.days import DAY
from cmetrics.domain.errors import SourceError
from cmetrics.domain.observation import DailyValue
from cmetrics.sources.base import FetchRequest, FetchResult, reword

#: A day whose total is below this share of its neighbours' median is incomplete or lost. At npm, whose
#: dips are the deepest, weekends and Christmas stay above 0.3.
FAR_BELOW = 0.2
#: Days on either side.
NEIGHBOURS = 7


class Availability(Enum):
    """The state of a day at the source, according to the total."""

    PUBLISHED = "published"
    #: The total is far below its neighbours, so the counts of packages are incomplete too.
    PARTIAL = "partial"
    ABSENT = "absent"
    #: Before the first day that the source still serves.
    NO_LONGER_SERVED = "no longer served"
    #: The total could not be fetched.
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class RegistryTotals:
    """The availability of each day of a source."""

    #: None if the total could not be fetched; ``error`` has the reason.
    days: Mapping[date, Availability] | None
    error: SourceError | None = None
    #: The first day with a total.
    first: date = date.min

    def availability(self, day: date) -> Availability:
        """Return the availability of ``day``."""
        if self.days is None:
            return Availability.UNKNOWN
        if day in self.days:
            return self.days[day]
        return Availability.NO_LONGER_SERVED if day < self.first else Availability.ABSENT


def build_registry_totals(totals: Mapping[date, int]) -> RegistryTotals:
    """Return the availability of every day that has a total."""
    days = {day: _availability(day, total, totals) for day, total in totals.items()}
    return RegistryTotals(days, first=min(days, default=date.min))


def _availability(day: date, total: int, totals: Mapping[date, int]) -> Availability:
    if total == 0:
        return Availability.ABSENT
    neighbours = [
        value
        for offset in range(-NEIGHBOURS, NEIGHBOURS + 1)
        if offset and (value := totals.get(day + offset * DAY, 0))
    ]
    return Availability.PARTIAL if neighbours and total < FAR_BELOW * median(neighbours) else Availability.PUBLISHED


def resolve_days(
    request: FetchRequest, counts: Mapping[date, int], registry_totals: RegistryTotals, source_ref: str
) -> FetchResult:
    """Return the days of ``request`` that can be stored, given the counts of the source and its availability.

    A positive count is stored unless the day is only partly published. A 0, or a missing count, is
    stored as 0 only on a published day on which the package is known to have existed.
    """
    values: list[DailyValue] = []
    pending: set[date] = set()
    undecided = 0
    existed = first_evidence(request, counts)
    for day in request.days:
        value, availability = counts.get(day, 0), registry_totals.availability(day)
        if value > 0 and availability is not Availability.PARTIAL:
            values.append(DailyValue(day, value, source_ref))
        elif existed is None or day < existed or availability is Availability.NO_LONGER_SERVED:
            continue
        elif value == 0 and availability is Availability.PUBLISHED:
            values.append(DailyValue(day, 0, source_ref))
        else:
            pending.add(day)
            undecided += availability is Availability.UNKNOWN and day in request.missing
    error = None
    if undecided and registry_totals.error is not None:
        error = reword(
            registry_totals.error,
            f"{undecided} {'day' if undecided == 1 else 'days'} without downloads left open: "
            f"{registry_totals.error.message}",
        )
    return FetchResult(request, tuple(values), frozenset(pending), error)


async def resolve_by_busy_subject(
    requests: Sequence[FetchRequest],
    fetch_counts: Callable[[FetchRequest], Awaitable[dict[date, int]]],
    fetch_totals: Callable[[Sequence[FetchRequest]], Awaitable[RegistryTotals]],
    source_ref: Callable[[FetchRequest], str],
) -> AsyncIterator[FetchResult]:
    """Yield one result per request of a source that has no totals of its registry.

    A day without downloads may be a real 0, lost, or not counted yet. The counts of a busy subject distinguish these
    cases: ``fetch_totals`` is called once, with the requests that need it, and only if there are any.
    """
    undecided: list[tuple[FetchRequest, dict[date, int]]] = []
    for request in requests:
        try:
            counts = await fetch_counts(request)
        except SourceError as error:
            yield FetchResult(request, error=error)
            continue
        if has_absent_day(request, counts):
            undecided.append((request, counts))
        else:
            yield resolve_days(request, counts, RegistryTotals({}), source_ref(request))
    if undecided:
        totals = await fetch_totals([request for request, _ in undecided])
        for request, counts in undecided:
            yield resolve_days(request, counts, totals, source_ref(request))


def has_absent_day(request: FetchRequest, counts: Mapping[date, int]) -> bool:
    """Return whether a requested day has no downloads although the subject existed."""
    existed = first_evidence(request, counts)
    return existed is not None and any(day >= existed and not counts.get(day) for day in request.days)


def first_evidence(request: FetchRequest, counts: Mapping[date, int]) -> date | None:
    """Return the first day on which the package is known to have existed; None if no day is known."""
    signs: Iterable[date] = (day for day, value in counts.items() if value > 0)
    known = [request.known_since] if request.known_since else []
    return min([*known, *signs], default=None)
