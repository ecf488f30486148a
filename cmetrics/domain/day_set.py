"""Sets of days, stored as spans: years of daily values take two numbers instead of an object per day."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator
from collections.abc import Set as AbstractSet
from datetime import date
from itertools import chain, pairwise
from typing import Final

import numpy as np
from numpy.typing import NDArray


class DaySet(AbstractSet[date]):
    """An immutable set of days, ascending. Equal to any other set of the same days."""

    __slots__ = ("_firsts", "_lasts")

    def __init__(self, days: Iterable[date] = ()) -> None:
        numbers = sorted({day.toordinal() for day in days})
        self._set_runs((number, number) for number in numbers)

    def _set_runs(self, runs: Iterable[tuple[int, int]]) -> None:
        self._firsts: list[int] = []
        self._lasts: list[int] = []
        for first, last in runs:
            if last < first:
                continue
            if self._lasts and first <= self._lasts[-1] + 1:
                self._lasts[-1] = max(last, self._lasts[-1])
            else:
                self._firsts.append(first)
                self._lasts.append(last)

    @classmethod
    def of_runs(cls, runs: Iterable[tuple[int, int]]) -> DaySet:
        """Return the days of spans, ascending by their first day; spans that touch or overlap are merged."""
        days = cls.__new__(cls)
        days._set_runs(runs)  # noqa: SLF001  # of the new set
        return days

    @classmethod
    def of(cls, days: Iterable[date]) -> DaySet:
        """Return ``days`` as a set of spans."""
        return days if isinstance(days, DaySet) else cls(days)

    @classmethod
    def between(cls, first: date, last: date) -> DaySet:
        """Return the days from ``first`` to ``last``, both included; none when ``last`` is earlier."""
        return cls.of_runs([(first.toordinal(), last.toordinal())])

    @classmethod
    def union(cls, sets: Iterable[DaySet]) -> DaySet:
        """Return the days that are in any of ``sets``."""
        return cls.of_runs(sorted(set(chain.from_iterable(days.runs() for days in sets))))

    @property
    def first(self) -> date | None:
        """The first day."""
        return date.fromordinal(self._firsts[0]) if self._firsts else None

    @property
    def last(self) -> date | None:
        """The last day."""
        return date.fromordinal(self._lasts[-1]) if self._lasts else None

    def __contains__(self, day: object) -> bool:
        """Return whether ``day`` is in the set."""
        if not isinstance(day, date):
            return False
        number = day.toordinal()
        place = bisect_right(self._firsts, number)
        return place > 0 and number <= self._lasts[place - 1]

    def __iter__(self) -> Iterator[date]:
        return (date.fromordinal(number) for first, last in self.runs() for number in range(first, last + 1))

    def __len__(self) -> int:
        return sum(last - first + 1 for first, last in self.runs())

    def __bool__(self) -> bool:
        return bool(self._firsts)

    def __or__(self, other: Iterable[date]) -> DaySet:  # type: ignore[override]  # only days can be added
        """Return the days that are in one of the sets."""
        return DaySet.union((self, DaySet.of(other)))

    __ror__ = __or__

    def __and__(self, other: Iterable[object]) -> DaySet:
        """Return the days that are in both sets."""
        return self - (self - _days_of(other))

    __rand__ = __and__

    def __sub__(self, other: Iterable[object]) -> DaySet:
        """Return the days that are not in ``other``."""
        return DaySet.of_runs(_without(self.runs(), _days_of(other).runs()))

    def __rsub__(self, other: Iterable[date]) -> DaySet:
        return DaySet.of(other) - self

    def __hash__(self) -> int:
        return self._hash()

    def __repr__(self) -> str:
        spans = (f"{date.fromordinal(first)}..{date.fromordinal(last)}" for first, last in self.runs())
        return f"DaySet({', '.join(spans)})"

    def runs(self) -> Iterator[tuple[int, int]]:
        """Return the first and the last day of each span as ordinals (`date.toordinal`)."""
        return zip(self._firsts, self._lasts, strict=True)


NO_DAYS: Final = DaySet()


def _days_of(days: Iterable[object]) -> DaySet:
    return days if isinstance(days, DaySet) else DaySet(day for day in days if isinstance(day, date))


def _without(runs: Iterable[tuple[int, int]], others: Iterable[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    """Yield ``runs`` without the others; both are ascending."""
    taken = list(others)
    place = 0
    for run_first, last in runs:
        first = run_first
        while place < len(taken) and taken[place][1] < first:
            place += 1
        following = place
        while following < len(taken) and taken[following][0] <= last:
            yield first, taken[following][0] - 1
            first = taken[following][1] + 1
            following += 1
        yield first, last


def build_day_sets(owners: NDArray[np.integer], days: NDArray[np.integer], count: int) -> list[DaySet]:
    """Return the days of each of ``count`` owners.

    ``owners`` are indexes and ``days`` ordinals; rows are ascending by both and may be repeated.
    """
    if not len(days):
        return [NO_DAYS] * count
    is_first = np.append(True, (np.diff(owners) != 0) | (np.diff(days) > 1))
    first_rows = np.flatnonzero(is_first)
    last_rows = np.append(first_rows[1:], len(days)) - 1
    runs = list(zip(days[first_rows].tolist(), days[last_rows].tolist(), strict=True))
    bounds = np.searchsorted(owners[first_rows], np.arange(count + 1)).tolist()
    return [DaySet.of_runs(runs[start:end]) for start, end in pairwise(bounds)]
