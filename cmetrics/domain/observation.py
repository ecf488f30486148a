"""The value of a day as fetched from a source, and as a row of the store."""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum


class Provenance(StrEnum):
    """The kind of run that wrote a value."""

    API_DAILY = "api_daily"
    RECOMPUTED = "recomputed"
    CSV_SEED = "csv_seed"


class SourceWindow(StrEnum):
    """The period that a stored value covers. A rolling window has its length: ``7d``, ``30d``."""

    DAY = "1d"
    CUMULATIVE_SNAPSHOT = "cumulative_snapshot"
    DISCRETE_SNAPSHOT = "discrete_snapshot"


#: Prefix of ``source_ref`` for a star count that was fetched right after its day ended.
STAR_COUNT_REF = "github:"
#: Prefixes of ``source_ref`` for reconstructed star counts. Rows of the maintainers' older cluster use
#: the second one.
STAR_HISTORY_REF = "github-history:"
RECONSTRUCTED_REFS = (STAR_HISTORY_REF, "github-stargazers:")


#: Prefix of ``source_ref`` for downloads counted by another service than the metric's source.
STAND_IN_REF = "clickpy:"

#: The maximum number of digits; a longer number does not fit the column.
LONGEST_COUNT = 15


def parse_count(text: str) -> int:
    """Parse ASCII digits. Raises ValueError for other forms that `int` accepts: ``+1``, ``1_000``, other scripts."""
    if not (text.isascii() and text.isdigit() and len(text) <= LONGEST_COUNT):
        raise ValueError(text)
    return int(text)


@dataclass(frozen=True, slots=True)
class DailyValue:
    """The value stored under one day as fetched from a source. A missing day has no DailyValue, and is never 0."""

    #: The ``period_end``: the day of a flow, the last completed day at the time of a reading, the last day of
    #: a rolling window.
    day: date
    value: int
    source_ref: str
    #: The first day of a rolling window as the service states it; ``day`` for all other kinds.
    period_start: date | None = None
    #: When the service gave this value; the start of the run if not set.
    observed_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Reading:
    """The cumulative count of one part of a subject, as read at one moment: one asset of a repository's releases."""

    #: The id of the part at the service, which is never reused, even after a deletion.
    identity: str
    #: The name of the part, for people.
    name: str
    value: int
    observed_at: datetime
    #: When the part was created, with a count of 0; None if the service does not state it.
    created_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class SourceRef:
    """The parsed ``source_ref`` of a reading: ``dockerhub:acme/db#42; remark``."""

    service: str
    subject: str
    #: The service's id of the subject, which does not change with its name. None if it has no id.
    identity: str | None = None
    remark: str | None = None

    @property
    def text(self) -> str:
        """The ``source_ref``."""
        identity = "" if self.identity is None else f"#{self.identity}"
        remark = "" if self.remark is None else f"; {self.remark}"
        return f"{self.service}:{self.subject}{identity}{remark}"


#: Plain strings, which compare faster than enum members; every row is compared.
_SEEDED, _COUNT = Provenance.CSV_SEED.value, SourceWindow.CUMULATIVE_SNAPSHOT.value


def is_snapshot(provenance: str, source_window: str) -> bool:
    """Return whether a row with these two columns is a seeded total. A seeded star count is a daily value."""
    return provenance == _SEEDED and source_window != _COUNT


def is_reconstructed_ref(source_ref: str) -> bool:
    """Return whether ``source_ref`` is that of a reconstructed star count."""
    return source_ref.startswith(RECONSTRUCTED_REFS)


def is_stand_in_ref(source_ref: str) -> bool:
    """Return whether ``source_ref`` is that of downloads counted by another service than the metric's source."""
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
        """The unique key in the store."""
        return self.metric_id, self.period_end

    @property
    def is_seed(self) -> bool:
        """Whether this is a seeded total that covers more than one day."""
        return is_snapshot(self.provenance, self.source_window)

    @property
    def is_reconstructed(self) -> bool:
        """Whether this is a star count reconstructed from the star history."""
        return is_reconstructed_ref(self.source_ref)

    @property
    def is_stand_in(self) -> bool:
        """Whether another service counted these downloads, because the metric's source no longer serves the day."""
        return is_stand_in_ref(self.source_ref)


@dataclass(frozen=True, slots=True)
class StarRef:
    """The parsed ``source_ref`` of a star count: ``github:owner/name#id; gained 12``.

    Rows of earlier versions and of other programs have only the name.
    """

    repository: str
    #: GitHub's id of the repository, which does not change with the name.
    number: int | None = None
    #: Stars given on that day according to GitHub's history, fetched together with the count.
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
    """Parse the repository from a ``source_ref``. Returns None if there is none."""
    match = _STAR_REF.fullmatch(source_ref)
    if match is None:
        return None
    number, gained = match["number"], match["gained"]
    return StarRef(match["repository"], int(number) if number else None, int(gained) if gained else None)


_SOURCE_REF = re.compile(
    r"(?P<service>[a-z][a-z0-9_-]*):(?P<subject>[^\s;#]+)(?:#(?P<identity>[^\s;#]+))?(?:; (?P<remark>.*))?"
)


def parse_source_ref(source_ref: str) -> SourceRef | None:
    """Parse a ``source_ref``. Returns None for one of another form."""
    match = _SOURCE_REF.fullmatch(source_ref)
    return SourceRef(match["service"], match["subject"], match["identity"], match["remark"]) if match else None


def parse_package(source_ref: str, services: Collection[str]) -> str | None:
    """Return the package that a ``source_ref`` of downloads names; None for one of other services than ``services``."""
    ref = parse_source_ref(source_ref)
    return ref.subject if ref is not None and ref.service in services else None
