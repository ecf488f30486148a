"""An export read back into the store."""

from __future__ import annotations

from datetime import date, datetime
from pathlib import Path

from cmetrics.domain.observation import Observation
from cmetrics.domain.run import Job, MetricOutcome, MetricStatus, RunStatus, RunSummary
from cmetrics.export.tables import read_export
from cmetrics.ingest.ingestion_run import IngestionRun
from cmetrics.ingest.progress import Progress
from cmetrics.ingest.quality import save_revisions
from cmetrics.ingest.reconcile import newer_wins
from cmetrics.settings import Settings


def restore(settings: Settings, folder: Path, *, now: datetime, progress: Progress, merge: bool = False) -> RunSummary:
    """Add and update every row of the export; rows that only the store has stay.

    With ``merge`` the export is another store's of the same metrics: of two values `newer_wins`
    decides, and definitions that the store has stay as they are.

    What this changes is counted and kept nowhere else: an export holds no new statement of a source.
    Raises LedgerError before anything is written when any file cannot be read whole.
    """
    export = read_export(folder)
    rows = export.observations
    with IngestionRun(settings.store, Job.RESTORE, now=now, progress=progress) as run:
        held = {definition.metric_id for definition in run.store.definitions()} if merge else set()
        run.store.save_definitions([row for row in export.definitions if row.metric_id not in held])
        # A run that was under way when the export was made has ended since, or its store is gone.
        run.store.save_runs([past for past in export.runs if past.status != RunStatus.RUNNING])
        counts = run.store.upsert_observations(rows, newer_wins if merge else _differs)
        warnings = [*run.warnings, *save_revisions(run.store, export.revisions)]
        run.store.save_outcomes(export.outcomes)
        days: dict[str, list[date]] = {}
        for row in rows:
            days.setdefault(row.metric_id, []).append(row.period_end)
        outcomes = tuple(
            MetricOutcome(metric_id, MetricStatus.OK, len(found), max(found))
            for metric_id, found in sorted(days.items())
        )
        summary = RunSummary(run.run_id, Job.RESTORE, RunStatus.SUCCESS, counts, outcomes, tuple(warnings))
        run.finish(summary)
    return summary


def _differs(stored: Observation, new: Observation) -> bool:
    return stored != new
