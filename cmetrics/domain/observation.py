"""What was read: a day's value as a source states it, and the same as the store keeps it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum

from cmetrics.domain.metric import Family, Metric


class Provenance(StrEnum):
    """Which kind of run wrote a value."""

    API_DAILY = "api_daily"
    RECOMPUTED = "recomputed"
    CSV_SEED = "csv_seed"


class SourceWindow(StrEnum):
    """What a stored value covers."""

    DAY = "1d"
    CUMULATIVE_SNAPSHOT = "cumulative_snapshot"
    DISCRETE_SNAPSHOT = "discrete_snapshot"


#: Beginning of ``source_ref`` of a star count that was read when its day had just ended.
STAR_COUNT_REF = "github:"
#: Beginnings of ``source_ref`` of star counts that were worked out afterwards. The second one is
#: what the rows already in the maintainers' cluster carry.
STAR_HISTORY_REF = "github-history:"
RECONSTRUCTED_REFS = (STAR_HISTORY_REF, "github-stargazers:")


#: Beginning of ``source_ref`` of downloads that another service than the metric's own has counted.
STAND_IN_REF = "clickpy:"

#: Digits; what is longer fits no column and no reality.
LONGEST_COUNT = 15


def parse_count(text: str) -> int:
    """Digits only; ValueError for what `int` would also take: ``+1``, ``1_000``, other scripts."""
    if not (text.isascii() and text.isdigit() and len(text) <= LONGEST_COUNT):
        raise ValueError(text)
    return int(text)


@dataclass(frozen=True, slots=True)
class DailyValue:
    """One day as the source states it. A day without a statement has no DailyValue; it is not 0."""

    day: date
    value: int
    source_ref: str


#: As plain texts, which compare faster than members of an enumeration; every row is asked.
_SEEDED, _COUNT = Provenance.CSV_SEED.value, SourceWindow.CUMULATIVE_SNAPSHOT.value


def is_snapshot(provenance: str, source_window: str) -> bool:
    """Return whether a row with these two columns is a seeded total; a seeded star count is a day's value."""
    return provenance == _SEEDED and source_window != _COUNT


def is_reconstructed_ref(source_ref: str) -> bool:
    """Whether a ``source_ref`` is that of a star count worked out from the history of stars."""
    return source_ref.startswith(RECONSTRUCTED_REFS)


def is_stand_in_ref(source_ref: str) -> bool:
    """Whether a ``source_ref`` is that of downloads counted by another service than the metric's own."""
    return source_ref.startswith(STAND_IN_REF)


@dataclass(frozen=True, slots=True)
class Observation:
    """One row of ``stats``; its key is ``(metric_id, period_end)``."""

    metric_id: str
    period_start: date
    period_end: date
    observed_at: datetime
    value: int
    provenance: str
    source_window: str
    ingestion_run_id: str
    source_ref: str

    @property
    def key(self) -> tuple[str, date]:
        """What is unique in the store."""
        return self.metric_id, self.period_end

    @property
    def is_seed(self) -> bool:
        """A total published long ago that stands for more than its own day."""
        return is_snapshot(self.provenance, self.source_window)

    @property
    def is_reconstructed(self) -> bool:
        """A star count worked out from the history of stars, not counted on its day."""
        return is_reconstructed_ref(self.source_ref)

    @property
    def is_stand_in(self) -> bool:
        """Downloads counted by another service, for a day that the metric's own no longer holds."""
        return is_stand_in_ref(self.source_ref)


def observe(metric: Metric, value: DailyValue, *, provenance: Provenance, run_id: str, at: datetime) -> Observation:
    """Return the row of ``stats`` that stores ``value``."""
    stock = metric.family is Family.STARS
    return Observation(
        metric_id=metric.metric_id,
        period_start=value.day,
        period_end=value.day,
        observed_at=at,
        value=value.value,
        provenance=provenance,
        source_window=SourceWindow.CUMULATIVE_SNAPSHOT if stock else SourceWindow.DAY,
        ingestion_run_id=run_id,
        source_ref=value.source_ref,
    )


@dataclass(frozen=True, slots=True)
class StarRef:
    """What the ``source_ref`` of a star count says: ``github:owner/name#id; gained 12``.

    Rows of earlier versions, and of other programs, carry the name alone.
    """

    repository: str
    #: GitHub's number of the repository: it stays when the name changes.
    number: int | None = None
    #: Stars that GitHub's history showed as given on that day, read together with the count.
    gained: int | None = None

    def text(self, beginning: str) -> str:
        """Return the ``source_ref`` with the prefix ``beginning``, one of the constants above."""
        number = "" if self.number is None else f"#{self.number}"
        gained = "" if self.gained is None else f"; gained {self.gained}"
        return f"{beginning}{self.repository}{number}{gained}"


_STAR_REF = re.compile(
    rf"(?:{'|'.join(map(re.escape, (STAR_COUNT_REF, *RECONSTRUCTED_REFS)))})"
    r"(?P<repository>[^\s#;]+)(?:#(?P<number>[0-9]{1,15}))?(?:; gained (?P<gained>[0-9]{1,15}))?"
)


def parse_star_ref(source_ref: str) -> StarRef | None:
    """Parse the repository out of a ``source_ref``. Returns None where there is none."""
    match = _STAR_REF.fullmatch(source_ref)
    if match is None:
        return None
    number, gained = match["number"], match["gained"]
    return StarRef(match["repository"], int(number) if number else None, int(gained) if gained else None)
