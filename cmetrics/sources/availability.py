"""Has a day landed? Answered from a total that is never 0: all of npm, all of PyPI."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from enum import Enum
from statistics import median

from cmetrics.domain.days import DAY
from cmetrics.domain.errors import SourceError
from cmetrics.domain.observation import DailyValue
from cmetrics.sources.base import FetchRequest, FetchResult, reword

#: A total below this share of its neighbours' median is a day that is not there yet, or is lost.
#: Weekends and Christmas stay above 0.3 at npm, which has the deepest ones.
FAR_BELOW = 0.2
#: Days on either side.
NEIGHBOURS = 7


class Availability(Enum):
    """What the total says about a day."""

    LANDED = "landed"
    #: There is a total, far below its neighbours: what a package shows is a part of the truth.
    PARTIAL = "partial"
    ABSENT = "absent"
    #: Before the first day that the source still answers for.
    FORGOTTEN = "forgotten"
    #: The total could not be had.
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class RegistryTotals:
    """What the total of everything says, day by day."""

    #: None: the total could not be had, for the reason in ``error``.
    landings: Mapping[date, Availability] | None
    error: SourceError | None = None
    #: The first day with a total.
    first: date = date.min

    def availability(self, day: date) -> Availability:
        """What the total says about ``day``."""
        if self.landings is None:
            return Availability.UNKNOWN
        if day in self.landings:
            return self.landings[day]
        return Availability.FORGOTTEN if day < self.first else Availability.ABSENT


def build_registry_totals(totals: Mapping[date, int]) -> RegistryTotals:
    """The verdict on every day that has a total."""
    landings = {day: _landing(day, total, totals) for day, total in totals.items()}
    return RegistryTotals(landings, first=min(landings, default=date.min))


def _landing(day: date, total: int, totals: Mapping[date, int]) -> Availability:
    if total == 0:
        return Availability.ABSENT
    near = [
        value
        for offset in range(-NEIGHBOURS, NEIGHBOURS + 1)
        if offset and (value := totals.get(day + offset * DAY, 0))
    ]
    return Availability.PARTIAL if near and total < FAR_BELOW * median(near) else Availability.LANDED


def resolve_days(
    request: FetchRequest, stated: Mapping[date, int], registry_totals: RegistryTotals, source_ref: str
) -> FetchResult:
    """The days of ``request`` that can be stored, given what the source states and what has landed.

    A positive value stands unless only a part of that day has landed. A 0, or no statement, is a
    true 0 only on a landed day, and only after the package is known to have existed.
    """
    values: list[DailyValue] = []
    pending: set[date] = set()
    undecided = 0
    existed = first_evidence(request, stated)
    for day in request.days:
        value, landing = stated.get(day, 0), registry_totals.availability(day)
        if value > 0 and landing is not Availability.PARTIAL:
            values.append(DailyValue(day, value, source_ref))
        elif existed is None or day < existed or landing is Availability.FORGOTTEN:
            continue
        elif value == 0 and landing is Availability.LANDED:
            values.append(DailyValue(day, 0, source_ref))
        else:
            pending.add(day)
            undecided += landing is Availability.UNKNOWN and day in request.missing
    error = None
    if undecided and registry_totals.error is not None:
        error = reword(
            registry_totals.error,
            f"{undecided} {'day' if undecided == 1 else 'days'} without downloads left open: "
            f"{registry_totals.error.message}",
        )
    return FetchResult(request, tuple(values), frozenset(pending), error)


def first_evidence(request: FetchRequest, stated: Mapping[date, int]) -> date | None:
    """The first day on which the package is known to have existed; None when there is no sign of it."""
    signs: Iterable[date] = (day for day, value in stated.items() if value > 0)
    known = [request.known_since] if request.known_since else []
    return min([*known, *signs], default=None)
