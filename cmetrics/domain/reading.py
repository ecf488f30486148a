"""The counts of the parts of a subject, such as the assets of a repository's releases: the rows of ``readings``. Pure.

A part that is missing from a response, or was deleted, keeps its last count, so that the sum over all parts that were
ever read does not fall.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime

from cmetrics.domain.observation import Reading


@dataclass(frozen=True, slots=True)
class StoredReading:
    """One row of ``readings``; its key is ``(metric_id, identity, period_end)``. Only changed counts have a row."""

    metric_id: str
    #: The id that the service gives to the part.
    identity: str
    name: str
    #: The last completed day at the time of the reading, as in ``stats``.
    period_end: date
    value: int
    observed_at: datetime
    #: When the part became available, with a count of 0; None if the service does not state it.
    created_at: datetime | None
    ingestion_run_id: str

    @property
    def key(self) -> tuple[str, str, date]:
        """The unique key in the store."""
        return self.metric_id, self.identity, self.period_end


def newest_counts(rows: Iterable[StoredReading]) -> dict[str, int]:
    """Return the last count of each part of one metric by identity."""
    return {row.identity: row.value for row in sorted(rows, key=lambda row: (row.period_end, row.observed_at))}


def changed_readings(known: Mapping[str, int], readings: Iterable[Reading]) -> list[Reading]:
    """Return the readings of new parts and of parts whose count differs from the ``known`` one."""
    return [reading for reading in readings if known.get(reading.identity) != reading.value]


def newer_readings(stored: Iterable[StoredReading], rows: Iterable[StoredReading]) -> list[StoredReading]:
    """Return the ``rows`` of another store that are not in ``stored``, or are there with an earlier time."""
    known = {row.key: row for row in stored}
    return [row for row in rows if (old := known.get(row.key)) is None or old.observed_at < row.observed_at]
