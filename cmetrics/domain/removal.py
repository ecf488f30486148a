"""Renamed and forgotten metrics: the ids that were removed on purpose, and their successors.

A `rename` or `forget` records its intent in ``outcomes`` before it changes a row: one outcome for the removed id
(status `skipped`) and, for a rename, one for its successor (status `ok`). These rows are exported and restored like
all others, so that a killed run can be completed, an export can distinguish removed rows from lost ones, and other
stores with the same metrics apply the same change.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from cmetrics.domain.outcome import Outcome
from cmetrics.domain.run import Job, MetricStatus, Run


@dataclass(frozen=True, slots=True)
class Removal:
    """One id that a run has renamed or forgotten."""

    run_id: str
    metric_id: str
    #: The new id of the rows; None if they were forgotten.
    successor: str | None
    at: datetime

    @property
    def outcomes(self) -> tuple[Outcome, ...]:
        """The rows of ``outcomes`` that record it."""
        gone = _outcome(self, self.metric_id, MetricStatus.SKIPPED)
        return (gone,) if self.successor is None else (gone, _outcome(self, self.successor, MetricStatus.OK))


def _outcome(removal: Removal, metric_id: str, status: MetricStatus) -> Outcome:
    return Outcome(
        ingestion_run_id=removal.run_id,
        metric_id=metric_id,
        status=status,
        requested_from=None,
        requested_to=None,
        days_stored=0,
        pending_days=0,
        error=None,
        observed_at=removal.at,
    )


#: The jobs whose outcomes record removals.
REMOVAL_JOBS = (Job.RENAME, Job.FORGET)


def is_removal(run_id: str) -> bool:
    """Return whether ``run_id`` is the id of a `rename` or a `forget`."""
    return run_id.startswith(tuple(f"{job}-" for job in REMOVAL_JOBS))


def find_removals(outcomes: Iterable[Outcome]) -> tuple[Removal, ...]:
    """Return the removals that ``outcomes`` record, oldest first."""
    return build_removals((o.ingestion_run_id, o.metric_id, o.status, o.observed_at) for o in outcomes)


def build_removals(rows: Iterable[tuple[str, str, str, datetime]]) -> tuple[Removal, ...]:
    """Return the same from ``(ingestion_run_id, metric_id, status, observed_at)`` of each outcome."""
    gone: dict[str, tuple[str, datetime]] = {}
    stays: dict[str, str] = {}
    for run_id, metric_id, status, at in rows:
        if is_removal(run_id) and status == MetricStatus.SKIPPED:
            gone[run_id] = metric_id, at
        elif is_removal(run_id) and status == MetricStatus.OK:
            stays[run_id] = metric_id
    removals = [
        Removal(run_id, metric_id, stays.get(run_id), at)
        for run_id, (metric_id, at) in gone.items()
        # A rename of which only one row was restored is incomplete, and ignored.
        if run_id in stays or not run_id.startswith(f"{Job.RENAME}-")
    ]
    return tuple(sorted(removals, key=lambda removal: (removal.at, removal.run_id)))


def unfinished(removals: Iterable[Removal], runs: Iterable[Run]) -> tuple[Removal, ...]:
    """Return the removals of failed runs, which may have left rows under the old id."""
    failed = {run.ingestion_run_id for run in runs if run.status == "failed"}
    return tuple(removal for removal in removals if removal.run_id in failed)


def successors(removals: Iterable[Removal]) -> Mapping[str, str | None]:
    """Return the successor of each id after all ``removals``, which are oldest first."""
    chain: dict[str, str | None] = {}
    for removal in removals:
        chain = {old: removal.successor if new == removal.metric_id else new for old, new in chain.items()}
        chain[removal.metric_id] = removal.successor
    return chain
