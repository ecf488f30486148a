"""Days and months. A day is a UTC day; every service counts in UTC (GitHub within a day of it)."""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, date, datetime, timedelta
from functools import cache
from typing import NamedTuple

#: Returns the current time. Passed as an argument, so that only entry points read the system clock.
Clock = Callable[[], datetime]

DAY = timedelta(days=1)


def utc_now() -> datetime:
    """Return the system time as an aware datetime in UTC."""
    return datetime.now(UTC)


def parse_day(text: str) -> date:
    """Parse a day written YYYY-MM-DD. Raises ValueError for every other form that `fromisoformat` accepts."""
    day = date.fromisoformat(text)
    if day.isoformat() != text:
        raise ValueError(text)
    return day


def last_completed_day(now: datetime) -> date:
    """Return the newest UTC day that has ended at ``now``."""
    return now.astimezone(UTC).date() - DAY


def day_range(first: date, last: date) -> Iterator[date]:
    """Iterate over the days from ``first`` to ``last``, both included; none when ``last`` is earlier."""
    return map(date.fromordinal, range(first.toordinal(), last.toordinal() + 1))


def window(last: date, days: int) -> date:
    """Return the first of the ``days`` days that end on ``last``."""
    return last - timedelta(days=days - 1)


class Span(NamedTuple):
    """Consecutive days, both ends included."""

    first: date
    last: date

    def __contains__(self, day: object) -> bool:
        """Return whether ``day`` lies in the span."""
        return isinstance(day, date) and self.first <= day <= self.last

    @property
    def days(self) -> int:
        """The number of days."""
        return (self.last - self.first).days + 1


def spans(days: Iterable[date], longest: int) -> list[Span]:
    """Return the fewest spans of at most ``longest`` days that cover ``days``, ascending.

    Spans are filled from the newest day backwards. They may also cover days between the given ones: one

    request for a year is cheaper for a service than two requests for a week each.
    """
    found: list[Span] = []
    last: date | None = None
    first: date | None = None
    for day in sorted(set(days), reverse=True):
        if last is None or first is None or (last - day).days >= longest:
            if last is not None and first is not None:
                found.append(Span(first, last))
            last = day
        first = day
    if last is not None and first is not None:
        found.append(Span(first, last))
    return found[::-1]


def week_of(day: date) -> Span:
    """Return the week of ``day``, Monday to Sunday (ISO 8601)."""
    first = day - timedelta(days=day.weekday())
    return Span(first, first + timedelta(days=6))


class Month(NamedTuple):
    """A calendar month."""

    year: int
    month: int

    @classmethod
    def of(cls, day: date) -> Month:
        """Return the month of ``day``."""
        return cls(day.year, day.month)

    @property
    def first(self) -> date:
        """The first day of the month."""
        return date(self.year, self.month, 1)

    @property
    def last(self) -> date:
        """The last day of the month."""
        return date(self.year, self.month, self.days)

    @property
    def days(self) -> int:
        """The number of days in the month."""
        return _days_of(self.year, self.month)

    def plus(self, months: int) -> Month:
        """Return the month ``months`` later, or earlier if negative."""
        index = self.year * 12 + self.month - 1 + months
        return Month(index // 12, index % 12 + 1)

    def __str__(self) -> str:
        return f"{self.year:04d}-{self.month:02d}"


@cache
def _days_of(year: int, month: int) -> int:
    return monthrange(year, month)[1]


def last_full_month(as_of: date) -> Month:
    """Return the newest calendar month whose last day is not after ``as_of``."""
    month = Month.of(as_of)
    return month if as_of == month.last else month.plus(-1)


def months(first: Month, last: Month) -> Iterator[Month]:
    """Iterate over the months from ``first`` to ``last``, both included."""
    month = first
    while month <= last:
        yield month
        month = month.plus(1)
