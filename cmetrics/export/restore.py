"""Restore an export into a store, and merge the export of another store."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from datetime import date, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from cmetrics.domain.errors import StoreMissing
from cmetrics.domain.event import newer_events
from cmetrics.domain.reading import newer_readings
from cmetrics.domain.removal import REMOVAL_JOBS, Removal, find_removals
from cmetrics.domain.run import Counts, Job, MetricOutcome, MetricStatus, Run, RunStatus, RunSummary
from cmetrics.export.loss import read_removals
from cmetrics.export.removals import apply_foreign_removal, without_removed
from cmetrics.export.tables import ExportedTables, read_export
from cmetrics.ingest.ingestion_run import IngestionRun, create_missing_tables, make_run_id
from cmetrics.ingest.progress import Progress
from cmetrics.ingest.quality import save_revisions
from cmetrics.ingest.reconcile import differs, newer_wins
from cmetrics.settings import Settings, StoreTarget
from cmetrics.store.columns import Overwrite
from cmetrics.store.lance_store import LanceStore
from cmetrics.store.lock import writing


def restore(settings: Settings, folder: Path, *, now: datetime, progress: Progress) -> RunSummary:
    """Add and update all rows of the export. Rows that only the store has are not changed.

    Changed values do not count as revisions, because they do not come from a source. Raises ExportError
    before writing anything if a file cannot be read completely.
    """
    export = read_export(folder)
    with suppress(StoreMissing):
        # A renamed id is the same metric. A forgotten one is restored on purpose.
        ours = find_removals(LanceStore.open(settings.store).outcomes(jobs=REMOVAL_JOBS))
        renamed = [removal for removal in ours if removal.successor is not None]
        export, _ = without_removed(export, [r for r in renamed if r not in read_removals(export.outcomes)])
    return _restore(settings, export, differs, now, progress)


def merge_export(settings: Settings, folder: Path, *, now: datetime, progress: Progress) -> RunSummary:
    """Merge the export of another store with the same metrics, as every pull does.

    `newer_wins` decides between two values, and definitions in the store do not change. An id that one of the stores
    has renamed or forgotten is renamed or forgotten in the other one too, with a warning. `history` gets a row only
    if a store with rows changes: not on a runner that starts with an empty disk every night, and not if the store is
    up to date. The ``run_id`` of the summary then has no row.
    """
    export = read_export(folder)
    store = _open_filled(settings.store)
    if store is None:
        return _fill(settings.store, export, now, progress)
    ours, theirs = find_removals(store.outcomes(jobs=REMOVAL_JOBS)), read_removals(export.outcomes)
    export, warnings = without_removed(export, [removal for removal in ours if removal not in theirs])
    definitions = {row.metric_id for row in store.definitions()}
    if _changes_nothing(store, export, definitions):
        return _summary(make_run_id(Job.RESTORE, now), export, Counts(unchanged=len(export.stats)), warnings)
    removals = [removal for removal in theirs if removal not in ours]
    return _restore(settings, export, newer_wins, now, progress, definitions, removals, warnings)


def _restore(
    settings: Settings,
    export: ExportedTables,
    overwrites: Overwrite,
    now: datetime,
    progress: Progress,
    known_ids: Iterable[str] = (),
    removals: Iterable[Removal] = (),
    warnings: Iterable[str] = (),
) -> RunSummary:
    with IngestionRun(settings.store, Job.RESTORE, now=now, progress=progress) as run:
        done = tuple(apply_foreign_removal(run.store, removal) for removal in removals)
        counts, unsaved = _write(run.store, export, overwrites, known_ids)
        summary = _summary(run.run_id, export, counts, (*run.warnings, *filter(None, done), *warnings, *unsaved))
        run.finish(summary)
    return summary


def _fill(target: StoreTarget, export: ExportedTables, now: datetime, progress: Progress) -> RunSummary:
    """Write the export to an empty store, without recording a run."""
    run_id = make_run_id(Job.RESTORE, now)
    # An empty store has no unfinished run to close.
    with writing(target, run_id, progress.waiting):
        store = LanceStore.open(target)
        create_missing_tables(store)
        store.check()
        counts, warnings = _write(store, export, newer_wins, ())
        store.optimize()
    return _summary(run_id, export, counts, tuple(warnings))


def _write(
    store: LanceStore, export: ExportedTables, overwrites: Overwrite, known_ids: Iterable[str]
) -> tuple[Counts, list[str]]:
    """Write all tables except the definitions of ``known_ids``. Return the counts of values, and warnings."""
    known = frozenset(known_ids)
    store.save_definitions([row for row in export.definitions if row.metric_id not in known])
    store.save_runs(_ended(export.runs))
    counts = store.upsert_observations(export.stats, overwrites)
    warnings = save_revisions(store, export.revisions)
    store.save_outcomes(export.outcomes)
    store.save_events(newer_events(store.events(), export.events))
    store.save_readings(newer_readings(store.readings(), export.readings))
    return counts, warnings


def _open_filled(target: StoreTarget) -> LanceStore | None:
    """Open the store. Returns None if it does not exist or has no rows."""
    try:
        store = LanceStore.open(target)
    except StoreMissing:
        return None
    return None if store.is_empty() else store


def _changes_nothing(store: LanceStore, export: ExportedTables, definitions: set[str]) -> bool:
    """Return whether a merge would write nothing. A concurrent run can only add rows."""
    if not definitions.issuperset(row.metric_id for row in export.definitions):
        return False
    if not set(store.runs()).issuperset(_ended(export.runs)):
        return False
    if not set(store.revisions()).issuperset(export.revisions):
        return False
    if not has_all(store.read_outcomes(), export.outcomes):
        return False
    if newer_events(store.events(), export.events) or newer_readings(store.readings(), export.readings):
        return False
    return not store.would_write(export.stats, newer_wins)


def has_all(ours: pa.Table, theirs: pa.Table) -> bool:
    """Return whether every row of ``theirs`` is in ``ours``."""
    missing = _without_nulls(theirs).join(
        _without_nulls(ours), theirs.column_names, join_type="left anti", use_threads=False
    )
    return missing.num_rows == 0


def _without_nulls(rows: pa.Table) -> pa.Table:
    """Return the rows with empty texts instead of nulls, which a join never treats as equal."""
    columns: list[Any] = [
        pc.fill_null(column, pa.scalar("")) if pa.types.is_string(column.type) else column for column in rows.columns
    ]
    return pa.table(columns, names=rows.column_names)


def _ended(runs: Iterable[Run]) -> list[Run]:
    """Return the finished runs. A run that was unfinished at the time of the export is no longer running."""
    return [run for run in runs if run.status != RunStatus.RUNNING]


def _summary(run_id: str, export: ExportedTables, counts: Counts, warnings: tuple[str, ...]) -> RunSummary:
    rows = export.stats.group_by("metric_id").aggregate([("period_end", "count"), ("period_end", "max")])
    columns = (rows[name].to_pylist() for name in ("metric_id", "period_end_count", "period_end_max"))
    outcomes = tuple(
        MetricOutcome(metric_id, MetricStatus.OK, count, date.fromisoformat(last))
        for metric_id, count, last in sorted(zip(*columns, strict=True))
    )
    return RunSummary(run_id, Job.RESTORE, RunStatus.SUCCESS, counts, outcomes, warnings)
