"""Revisions: stored values that a service changed later."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from cmetrics.domain import formats

#: Late log files and repeated loads arrive within a week, also at crates.io, which is the slowest. A
#: day that changes later had been considered final.
SETTLED_AFTER = timedelta(days=7)
#: Smaller differences are not unusual: a single user's CI can cause them.
FEW = 10


@dataclass(frozen=True, slots=True)
class Revision:
    """One row of ``revisions``: consecutive days that changed by the same difference.

    An unstar lowers many reconstructed days by one, which is recorded as one row.
    """

    metric_id: str
    first_day: date
    last_day: date
    #: The values of ``last_day``. The other days changed by the same difference.
    old_value: int
    new_value: int
    ingestion_run_id: str
    observed_at: datetime

    @property
    def days(self) -> int:
        """The number of revised days."""
        return (self.last_day - self.first_day).days + 1

    @property
    def difference(self) -> int:
        """The change of each day; negative for a decrease."""
        return self.new_value - self.old_value

    @property
    def text(self) -> str:
        """The revision as text, with the metric's id."""
        return self.describe(self.metric_id, str)

    def describe(self, name: str, day: Callable[[date], str]) -> str:
        """Return the revision as text, with that name of the metric and days as ``day`` writes them."""
        days = day(self.last_day) if self.days == 1 else f"{day(self.first_day)} – {day(self.last_day)}"
        return f"{name} {days}: {formats.number(self.old_value)} → {formats.number(self.new_value)}"

    @property
    def is_unusual(self) -> bool:
        """Whether a settled day changed by more than half of its value. For downloads only.

        Reconstructed star counts change with every later unstar.
        """
        settled = self.observed_at.date() - self.last_day > SETTLED_AFTER
        return settled and abs(self.difference) >= FEW and 2 * abs(self.difference) > self.old_value


def largest(revisions: Iterable[Revision]) -> Revision | None:
    """Return the revision with the largest difference, the newest of equal ones; None if there are none."""
    return max(revisions, key=lambda revision: (abs(revision.difference), revision.last_day), default=None)
