"""Stored values that a service has changed since: what they were, and what they are now."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from cmetrics.domain.days import DAY
from cmetrics.domain.observation import Observation

#: A stored row and the one that was written over it.
Replaced = tuple[Observation, Observation]

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


def build_revisions(replaced: Iterable[Replaced], run_id: str, at: datetime) -> tuple[Revision, ...]:
    """Return the rows that record the values a run replaced, by metric and day.

    A snapshot that gives way to a daily value, and a row that changed in anything but its value,
    is no revision.
    """
    single = [
        Revision(old.metric_id, old.period_end, old.period_end, old.value, new.value, run_id, at)
        for old, new in replaced
        if old.value != new.value and not (old.is_seed or new.is_seed)
    ]
    found: list[Revision] = []
    for revision in sorted(single, key=lambda revision: (revision.metric_id, revision.last_day)):
        if found and _continues(found[-1], revision):
            found[-1] = _joined(found[-1], revision)
        else:
            found.append(revision)
    return tuple(found)


def largest(revisions: Iterable[Revision]) -> Revision | None:
    """Return the revision with the largest difference, of equal ones the newest, or None."""
    return max(revisions, key=lambda revision: (abs(revision.difference), revision.last_day), default=None)


def _continues(earlier: Revision, later: Revision) -> bool:
    return (
        earlier.metric_id == later.metric_id
        and earlier.last_day + DAY == later.first_day
        and earlier.difference == later.difference
        and earlier.is_unusual == later.is_unusual
    )


def _joined(earlier: Revision, later: Revision) -> Revision:
    return Revision(
        later.metric_id,
        earlier.first_day,
        later.last_day,
        later.old_value,
        later.new_value,
        later.ingestion_run_id,
        later.observed_at,
    )
