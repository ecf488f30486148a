"""Carry out a recorded `rename` or `forget`: move or remove the rows of an id.

The intent is stored first, then the rows under the new id; the old rows are removed last. Every step can be repeated,
so the next run that writes completes one that was killed.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import date, datetime
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from cmetrics.domain.days import Span
from cmetrics.domain.metric import Definition
from cmetrics.domain.plural import plural
from cmetrics.domain.removal import REMOVAL_JOBS, Removal, find_removals, is_removal, unfinished
from cmetrics.domain.run import Counts, Run, RunStatus
from cmetrics.ingest.reconcile import newer_wins
from cmetrics.store.lance_store import LanceStore

ALWAYS = Span(date(1, 1, 1), date(9999, 12, 31))


def record_removal(store: LanceStore, removal: Removal) -> None:
    """Store the intent. Raises StoreError, also if a cluster does not allow the table ``outcomes``."""
    store.save_outcomes(removal.outcomes)


def apply_removal(store: LanceStore, removal: Removal, *, until: datetime | None = None) -> tuple[int, Counts]:
    """Move the rows of the old id to its successor, or remove them; return their number and the counts of the move.

    If both ids have a value for the same day, the newer one is used. With ``until``, the time of a removal in another
    store, later rows are not moved or removed, unless they continue the renamed series.
    """
    (row,) = store.definitions(removal.metric_id) or (None,)
    rows = store.read_observations([removal.metric_id], ALWAYS)
    going = rows.filter(is_meant(rows, removal, row, until))
    counts = _copy(store, removal.metric_id, removal.successor, going, row) if removal.successor else Counts()
    is_whole = len(going) == len(rows)
    store.remove_metric(removal.metric_id, until=None if is_whole else until, is_whole=is_whole)
    return len(going), counts


def is_meant(rows: pa.Table, removal: Removal, row: Definition | None, until: datetime | None) -> Any:
    """Return which of ``rows`` belong to the renamed or forgotten metric, at or before ``until``.

    ``row`` is the definition of the old id in the same store. If it is older than the rename, all its rows belong to
    the renamed metric; if it is newer, it is another metric with that id.
    """
    is_old = pc.equal(rows["metric_id"], pa.scalar(removal.metric_id))
    is_renamed = removal.successor is not None and row is not None and until is not None and row.created_at <= until
    if until is None or is_renamed:
        return is_old
    return pc.and_(is_old, pc.less_equal(rows["observed_at"], pa.scalar(until, rows["observed_at"].type)))


def is_record(outcomes: pa.Table) -> Any:
    """Return which rows of ``outcomes`` record a rename or a forget."""
    jobs = "|".join(REMOVAL_JOBS)
    return pc.match_substring_regex(outcomes["ingestion_run_id"], f"^(?:{jobs})-")


def with_id(rows: pa.Table, metric_id: str) -> pa.Table:
    """Return ``rows`` as those of another metric."""
    place = rows.schema.get_field_index("metric_id")
    return rows.set_column(place, rows.schema.field(place), pa.repeat(pa.scalar(metric_id), len(rows)))


def resume_removals(store: LanceStore, at: datetime) -> tuple[str, ...]:
    """Complete the removals of runs that were killed; return a warning for each."""
    failed = [run for run in store.runs(status=RunStatus.FAILED) if is_removal(run.ingestion_run_id)]
    if not failed:
        return ()
    warnings = []
    for removal in unfinished(find_removals(store.outcomes(jobs=REMOVAL_JOBS)), failed):
        count, _ = apply_removal(store, removal)
        run = next(run for run in failed if run.ingestion_run_id == removal.run_id)
        text = describe(removal, count)
        store.save_run(replace(run, status=RunStatus.SUCCESS, finished_at=at, error_summary=text))
        warnings.append(f"{removal.run_id} had been interrupted and was completed: {text}")
    return tuple(warnings)


def carry_over(store: LanceStore, moves: Iterable[tuple[str, str]], run_ids: Iterable[str], at: datetime) -> list[str]:
    """Move rows to ids that the catalogue states; each is a run of its own in `history`. Return descriptions."""
    texts = []
    for (old, new), run_id in zip(moves, run_ids, strict=False):
        removal = Removal(run_id, old, new, at)
        run = Run(run_id, run_id.split("-", 1)[0], RunStatus.RUNNING, at, None)
        store.save_run(run)
        record_removal(store, removal)
        count, counts = apply_removal(store, removal)
        text = describe(removal, count)
        store.save_run(
            replace(
                run,
                status=RunStatus.SUCCESS,
                finished_at=at,
                rows_inserted=counts.inserted,
                rows_updated=counts.updated,
                error_summary=text,
            )
        )
        texts.append(text)
    return texts


def describe(removal: Removal, count: int) -> str:
    """Return a sentence about a removal of ``count`` values."""
    if removal.successor is None:
        return f"{removal.metric_id} forgotten: {plural(count, 'value')} removed"
    return f"{removal.metric_id} renamed to {removal.successor}: {plural(count, 'value')} moved"


def _copy(store: LanceStore, old: str, new: str, rows: pa.Table, definition: Definition | None) -> Counts:
    if definition is not None and not store.definitions(new):
        store.save_definitions([replace(definition, metric_id=new)])
    counts = store.upsert_observations(with_id(rows, new), newer_wins)
    store.save_revisions([replace(row, metric_id=new) for row in store.revisions() if row.metric_id == old])
    store.save_readings([replace(row, metric_id=new) for row in store.readings([old])])
    outcomes = store.read_outcomes(metric_ids=[old])
    store.save_outcomes(with_id(outcomes.filter(pc.invert(is_record(outcomes))), new))
    return counts
