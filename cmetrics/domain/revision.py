"""Stored values that a service has changed since: what they were, and what they are now."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta

#: Late log files and second loads come within a week (crates.io's, the slowest, are worked off by
#: then); a day that changes after that was thought to be final.
SETTLED_AFTER = timedelta(days=7)
#: Below so many downloads of difference, more than half of a value is what one person's CI does.
FEW = 10


@dataclass(frozen=True, slots=True)
class Revision:
    """One row of ``revisions``: days that follow each other and changed by the same difference.

    An unstar lowers a whole run of reconstructed days by one; as one row it stays readable.
    """

    metric_id: str
    first_day: date
    last_day: date
    #: The two values of ``last_day``; the other days have the same difference between theirs.
    old_value: int
    new_value: int
    ingestion_run_id: str
    observed_at: datetime

    @property
    def days(self) -> int:
        """How many days were revised."""
        return (self.last_day - self.first_day).days + 1

    @property
    def difference(self) -> int:
        """What each day gained, negative for a loss."""
        return self.new_value - self.old_value

    @property
    def text(self) -> str:
        """The revision in words."""
        days = str(self.last_day) if self.days == 1 else f"{self.first_day} – {self.last_day}"
        return f"{self.metric_id} {days}: {self.old_value:,} → {self.new_value:,}"

    @property
    def is_unusual(self) -> bool:
        """A settled day has changed by more than half of what it was. Asked of downloads only.

        Reconstructed star counts follow every later unstar: their changes are their nature.
        """
        settled = self.observed_at.date() - self.last_day > SETTLED_AFTER
        return settled and abs(self.difference) >= FEW and 2 * abs(self.difference) > self.old_value


def largest(revisions: Iterable[Revision]) -> Revision | None:
    """Return the revision with the largest difference, of equal ones the newest, or None."""
    return max(revisions, key=lambda revision: (abs(revision.difference), revision.last_day), default=None)
