"""An export read back into the store."""

from __future__ import annotations

from datetime import date
from pathlib import Path

from cmetrics.domain.days import Clock
from cmetrics.domain.run import Job, MetricOutcome, MetricStatus, RunStatus, RunSummary
from cmetrics.ingest.review import keep_revisions
from cmetrics.ingest.run import Watcher
from cmetrics.ingest.session import session
from cmetrics.ledger import read_ledger, read_revisions
from cmetrics.settings import Settings


def restore(settings: Settings, folder: Path, *, clock: Clock, watcher: Watcher) -> RunSummary:
    """Add and update every row of the export; rows that only the store has stay.

    What this changes is counted and kept nowhere else: an export holds no new statement of a source.
    Raises LedgerError before anything is written when any file cannot be read whole.
    """
    definitions, runs, rows = read_ledger(folder)
    revisions = read_revisions(folder)
    with session(settings.store, Job.RESTORE, clock=clock, hidden=settings.secrets, on_wait=watcher.waiting) as (
        run,
        end,
    ):
        run.store.save_definitions(definitions)
        # A run that was under way when the export was made has ended since, or its store is gone.
        run.store.save_runs([past for past in runs if past.status != RunStatus.RUNNING])
        counts = run.store.upsert_observations(rows, lambda stored, new: stored != new)
        warnings = keep_revisions(run.store, revisions)
        days: dict[str, list[date]] = {}
        for row in rows:
            days.setdefault(row.metric_id, []).append(row.period_end)
        outcomes = tuple(
            MetricOutcome(metric_id, MetricStatus.OK, len(found), max(found))
            for metric_id, found in sorted(days.items())
        )
        summary = RunSummary(run.run_id, Job.RESTORE, RunStatus.SUCCESS, counts, outcomes, tuple(warnings))
        end(summary)
    return summary
