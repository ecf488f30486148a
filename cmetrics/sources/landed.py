"""Has a day landed? Answered from a total that is never 0: all of npm, all of PyPI."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from enum import Enum
from statistics import median

from cmetrics.domain.days import DAY
from cmetrics.domain.observation import DailyValue
from cmetrics.sources.base import Ask, Fetched

#: A total below this share of its neighbours' median is a day that is not there yet, or is lost.
#: Weekends and Christmas stay above 0.3 at npm, which has the deepest ones.
FAR_BELOW = 0.2
#: Days on either side.
NEIGHBOURS = 7


class Landing(Enum):
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
class Canary:
    """What the total of everything says, day by day."""

    #: None: the total could not be had, for the reason in ``error``.
    landings: Mapping[date, Landing] | None
    error: str | None = None
    #: The first day with a total.
    first: date = date.min

    def says(self, day: date) -> Landing:
        """What the total says about ``day``."""
        if self.landings is None:
            return Landing.UNKNOWN
        if day in self.landings:
            return self.landings[day]
        return Landing.FORGOTTEN if day < self.first else Landing.ABSENT


def build_canary(totals: Mapping[date, int]) -> Canary:
    """The verdict on every day that has a total."""
    landings = {day: _landing(day, total, totals) for day, total in totals.items()}
    return Canary(landings, first=min(landings, default=date.min))


def _landing(day: date, total: int, totals: Mapping[date, int]) -> Landing:
    if total == 0:
        return Landing.ABSENT
    near = [
        value
        for offset in range(-NEIGHBOURS, NEIGHBOURS + 1)
        if offset and (value := totals.get(day + offset * DAY, 0))
    ]
    return Landing.PARTIAL if near and total < FAR_BELOW * median(near) else Landing.LANDED


def judge(ask: Ask, stated: Mapping[date, int], canary: Canary, source_ref: str) -> Fetched:
    """The days of ``ask`` that can be stored, given what the source states and what has landed.

    A positive value stands unless only a part of that day has landed. A 0, or no statement, is a
    true 0 only on a landed day, and only after the package is known to have existed.
    """
    values: list[DailyValue] = []
    pending: set[date] = set()
    undecided = 0
    existed = first_sign(ask, stated)
    for day in ask.days:
        value, landing = stated.get(day, 0), canary.says(day)
        if value > 0 and landing is not Landing.PARTIAL:
            values.append(DailyValue(day, value, source_ref))
        elif existed is None or day < existed or landing is Landing.FORGOTTEN:
            continue
        elif value == 0 and landing is Landing.LANDED:
            values.append(DailyValue(day, 0, source_ref))
        else:
            pending.add(day)
            undecided += landing is Landing.UNKNOWN and day in ask.missing
    error = None
    if undecided:
        error = f"{undecided} days without downloads left open: {canary.error}"
    return Fetched(tuple(values), frozenset(pending), error)


def first_sign(ask: Ask, stated: Mapping[date, int]) -> date | None:
    """The first day on which the package is known to have existed; None when there is no sign of it."""
    signs: Iterable[date] = (day for day, value in stated.items() if value > 0)
    known = [ask.known_since] if ask.known_since else []
    return min([*known, *signs], default=None)
