"""The result of a run: its row in ``history``, and the summary that is printed."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from datetime import date, datetime
from enum import StrEnum

from cmetrics.domain.event import StoredEvent
from cmetrics.domain.revision import Revision

#: Separates the messages of several metrics in one ``error_summary``.
ERROR_SEPARATOR = " | "


class Job(StrEnum):
    """The commands that write to the store."""

    BOOTSTRAP = "bootstrap"
    REFRESH = "refresh"
    BACKFILL = "backfill"
    RESTORE = "restore"
    RENAME = "rename"
    FORGET = "forget"


class RunStatus(StrEnum):
    """``history.status``."""

    RUNNING = "running"
    SUCCESS = "success"
    PARTIAL = "partial"
    FAILED = "failed"


_RUN_ID = re.compile(rf"(?:{'|'.join(Job)})-[0-9]{{8}}T[0-9]{{6}}Z-[0-9a-f]{{6}}")


def is_run_id(text: str) -> bool:
    """Return whether ``text`` is the id of a run of this program, of any version."""
    return _RUN_ID.fullmatch(text) is not None


class MetricStatus(StrEnum):
    """The status of one metric in a run."""

    OK = "ok"
    #: The source has not published all completed days yet.
    PENDING = "pending"
    FAILED = "failed"
    #: No day had to be requested.
    SKIPPED = "skipped"


@dataclass(frozen=True, slots=True)
class Run:
    """One row of ``history``."""

    ingestion_run_id: str
    job_name: str
    status: str
    started_at: datetime
    finished_at: datetime | None
    rows_inserted: int = 0
    rows_updated: int = 0
    #: Errors and warnings as text for people; ``outcomes`` has the errors as data.
    error_summary: str | None = None

    def failed(self, at: datetime, reason: str) -> Run:
        """Return the run as failed at ``at`` because of ``reason``."""
        return replace(self, status=RunStatus.FAILED, finished_at=at, error_summary=reason)


@dataclass(frozen=True, slots=True)
class Counts:
    """The number of rows that a write inserted, updated and left unchanged."""

    inserted: int = 0
    updated: int = 0
    unchanged: int = 0


@dataclass(frozen=True, slots=True)
class MetricOutcome:
    """The outcome of one metric in a run. ``days_stored`` counts fetched days that are now in the store."""

    metric_id: str
    status: MetricStatus
    days_stored: int = 0
    latest_day: date | None = None
    pending_days: int = 0
    error: str | None = None
    #: The number of days whose stored value changed, and the largest of these changes.
    revised_days: int = 0
    largest_revision: Revision | None = None
    #: The number of filled gaps: days between the oldest and the newest stored day that were missing.
    healed_days: int = 0
    #: Name of the source.
    source: str = ""


@dataclass(frozen=True, slots=True)
class Highlights:
    """The state of the whole store after a refresh."""

    #: The number of active signals.
    signals: int
    #: Signals and final reports that no run has announced before.
    announced: tuple[StoredEvent, ...]
    #: Daily downloads of all metrics in the last 30 days; None if days are missing.
    downloads_30d: int | None
    #: Stars of all repositories on the newest day that all of them have.
    stars: int | None
    #: Stars gained and lost on that day; None if unknown.
    new_stars: int | None
    lost_stars: int | None


@dataclass(frozen=True, slots=True)
class RunSummary:
    """The result of a run, as printed at its end and with ``--json``."""

    run_id: str
    job: Job
    status: RunStatus
    counts: Counts
    metrics: tuple[MetricOutcome, ...]
    warnings: tuple[str, ...] = ()
    #: Implausible values of this run. Unlike warnings, they are not part of `history`.
    anomalies: tuple[str, ...] = ()
    #: Information that requires no action, such as which service the days came from.
    notes: tuple[str, ...] = ()
    #: HTTP requests sent, by source name.
    requests: tuple[tuple[str, int], ...] = ()
    #: Of a refresh.
    highlights: Highlights | None = None


def overall(outcomes: tuple[MetricOutcome, ...]) -> RunStatus:
    """Return success if no metric failed, failed if nothing usable is stored of any, else partial.

    A metric that was skipped counts only if it has stored days: its source may be off.
    """
    failed = [outcome for outcome in outcomes if outcome.status is MetricStatus.FAILED]
    if not failed:
        return RunStatus.SUCCESS
    empty = [outcome for outcome in outcomes if outcome.status is MetricStatus.SKIPPED and outcome.latest_day is None]
    lost = len(failed) + len(empty) == len(outcomes) and not any(outcome.days_stored for outcome in failed)
    return RunStatus.FAILED if lost else RunStatus.PARTIAL


def error_summary(outcomes: tuple[MetricOutcome, ...], warnings: tuple[str, ...] = ()) -> str | None:
    """Join the errors of all metrics, each with its metric id, and the warnings. Returns None if there are none."""
    texts = [f"{o.metric_id}: {o.error}" for o in outcomes if o.error]
    return ERROR_SEPARATOR.join(text.replace(ERROR_SEPARATOR, " / ") for text in (*texts, *warnings)) or None
