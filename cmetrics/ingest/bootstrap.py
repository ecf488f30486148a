"""Recreate the tables, with definitions and seeded snapshots."""

from __future__ import annotations

import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from cmetrics.domain.errors import StoreError, StoreMissing
from cmetrics.domain.metric import definition
from cmetrics.domain.run import Job, MetricOutcome, MetricStatus, RunStatus, RunSummary
from cmetrics.ingest.catalog_changes import match_stored_ids
from cmetrics.ingest.context import RunContext
from cmetrics.ingest.ingestion_run import IngestionRun, wait_for_tables
from cmetrics.ingest.reconcile import overwrite_rule
from cmetrics.seed import load_seed
from cmetrics.sources import SPECS
from cmetrics.store.lance_store import LanceStore


@dataclass(frozen=True, slots=True)
class Backup:
    """An export of the store, and the runs that it contains."""

    #: None if the store had no rows.
    folder: Path | None
    runs: frozenset[tuple[str, str]]


def bootstrap(context: RunContext, backup: Backup) -> RunSummary:
    """Drop and recreate the tables, write the definitions, load the snapshots.

    The only command that deletes rows. The caller has created ``backup`` and asked the user. Raises
    StoreError without dropping anything if another run has written since.
    """
    target, definitions = context.settings.store, []
    # A mistake in a seed file is found before anything is dropped.
    load_seed(context.catalog, "")
    with suppress(StoreMissing):
        # The ids must be those of the export, so that it can be restored.
        definitions = LanceStore.open(target).definitions()
    catalog = match_stored_ids(context, definitions).catalog

    def recreate_tables(store: LanceStore) -> None:
        if load_run_states(store) != backup.runs:
            msg = f"{target.label} was written to after its backup; nothing was dropped, run bootstrap again"
            raise StoreError(msg)
        store.drop_tables()
        store.create_tables()
        wait_for_tables(store, time.sleep)

    with IngestionRun(
        target,
        Job.BOOTSTRAP,
        now=context.now,
        progress=context.progress,
        clock=context.clock,
        prepare=recreate_tables,
    ) as run:
        run.store.save_definitions([definition(metric, run.started_at) for metric in catalog.metrics])
        rows = load_seed(catalog, run.run_id)
        overwrites = overwrite_rule({metric.metric_id: metric for metric in catalog.metrics}, SPECS)
        counts = run.store.upsert_observations(rows, overwrites)
        outcomes = []
        for metric in catalog.metrics:
            days = [row.period_end for row in rows if row.metric_id == metric.metric_id]
            status = MetricStatus.OK if days else MetricStatus.SKIPPED
            outcomes.append(MetricOutcome(metric.metric_id, status, len(days), max(days, default=None)))
        summary = RunSummary(run.run_id, Job.BOOTSTRAP, RunStatus.SUCCESS, counts, tuple(outcomes), run.warnings)
        run.finish(summary)
    return summary


def load_run_states(store: LanceStore) -> frozenset[tuple[str, str]]:
    """Return id and status of every run. Every run that writes adds a row, so equal sets mean equal stores."""
    try:
        return frozenset((run.ingestion_run_id, run.status) for run in store.runs())
    except StoreMissing:
        return frozenset()
