"""A clean slate: tables anew, definitions, seeded snapshots."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path

from cmetrics.catalog import Catalog
from cmetrics.domain.days import Clock
from cmetrics.domain.errors import StoreError, StoreMissing
from cmetrics.domain.metric import definition
from cmetrics.domain.run import Job, MetricOutcome, MetricStatus, RunStatus, RunSummary
from cmetrics.ingest.reconcile import overwrite_rule
from cmetrics.ingest.run import Watcher
from cmetrics.ingest.session import session, wait_for_tables
from cmetrics.seed import load_seed
from cmetrics.settings import Settings
from cmetrics.sources import SPECS
from cmetrics.store.lance_store import LanceStore


@dataclass(frozen=True, slots=True)
class Backup:
    """What was exported, and which runs had written by then."""

    #: None when there was nothing to lose.
    folder: Path | None
    runs: frozenset[tuple[str, str]]


def bootstrap(settings: Settings, catalog: Catalog, backup: Backup, *, clock: Clock, watcher: Watcher) -> RunSummary:
    """Drop and recreate the tables, write the definitions, load the snapshots.

    The only command that deletes rows. The caller has backed them up and asked; raises StoreError,
    having dropped nothing, when another run has written since.
    """
    load_seed(catalog, "")

    def recreate(store: LanceStore) -> None:
        if load_run_states(store) != backup.runs:
            msg = f"{settings.store.label} was written to after its backup; nothing was dropped, run bootstrap again"
            raise StoreError(msg)
        store.drop_tables()
        store.create_tables()
        wait_for_tables(store, time.sleep)

    with session(
        settings.store,
        Job.BOOTSTRAP,
        clock=clock,
        on_wait=watcher.waiting,
        prepare=recreate,
    ) as (run, end):
        run.store.save_definitions([definition(metric, run.started_at) for metric in catalog.metrics])
        rows = load_seed(catalog, run.run_id)
        rule = overwrite_rule({metric.metric_id: metric for metric in catalog.metrics}, SPECS)
        counts = run.store.upsert_observations(rows, rule)
        outcomes = []
        for metric in catalog.metrics:
            days = [row.period_end for row in rows if row.metric_id == metric.metric_id]
            status = MetricStatus.OK if days else MetricStatus.SKIPPED
            outcomes.append(MetricOutcome(metric.metric_id, status, len(days), max(days, default=None)))
        summary = RunSummary(run.run_id, Job.BOOTSTRAP, RunStatus.SUCCESS, counts, tuple(outcomes), run.warnings)
        end(summary)
    return summary


def load_run_states(store: LanceStore) -> frozenset[tuple[str, str]]:
    """Every writing run leaves its row, so the same runs mean the same content."""
    try:
        return frozenset((run.ingestion_run_id, run.status) for run in store.runs())
    except StoreMissing:
        return frozenset()
