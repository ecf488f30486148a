"""The frame of every writing run: the lock, the tables, and exactly one row in `history`."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from cmetrics.domain.days import Clock
from cmetrics.domain.errors import CmetricsError, StoreError, StoreMissing
from cmetrics.domain.run import Counts, Job, Run, RunStatus, RunSummary, error_summary
from cmetrics.domain.sanitize import sanitize
from cmetrics.settings import StoreKind, StoreTarget
from cmetrics.store.lance_store import LanceStore
from cmetrics.store.lock import writing

#: GitHub Actions ends a job after six hours; a run of another machine that is older is dead.
STALE_AFTER = timedelta(hours=6)
#: How far back a later run looks for runs that never ended.
STALE_WITHIN = timedelta(days=30)


@dataclass(frozen=True, slots=True)
class Session:
    """An open store, held by one run."""

    store: LanceStore
    run_id: str
    started_at: datetime
    #: Note in `history` what a run that stores in several merges has stored so far.
    note_counts: Callable[[Counts], None]
    #: What the run that held the store before has left to tell.
    warnings: tuple[str, ...] = ()


def make_run_id(job: Job, now: datetime) -> str:
    """Sortable by time, and different for two runs of the same second."""
    return f"{job.value}-{now.astimezone(UTC):%Y%m%dT%H%M%SZ}-{secrets.token_hex(3)}"


@contextmanager
def session(
    target: StoreTarget,
    job: Job,
    *,
    clock: Clock,
    on_wait: Callable[[], None],
    prepare: Callable[[LanceStore], None] | None = None,
) -> Iterator[tuple[Session, Callable[[RunSummary], None]]]:
    """Hold the store for one run and record it; yields the session and how to end it well.

    An embedded store gets the tables that it lacks; elsewhere missing tables are StoreMissing, so
    that a mistyped address grows none. ``prepare`` may do otherwise (`bootstrap`). A run that ends
    by an exception is recorded as failed.
    """
    started = clock()
    run_id = make_run_id(job, started)
    with writing(target, run_id, on_wait) as died:
        store = LanceStore.open(target)
        if prepare is not None:
            prepare(store)
        elif target.kind is StoreKind.EMBEDDED:
            store.create_tables()
        store.check()
        warnings = _killed_bootstrap(store, died)
        _close_dead_runs(store, died, started)
        run = Run(run_id, job.value, RunStatus.RUNNING, started, None)
        store.save_run(run)
        ended = False

        def note_counts(counts: Counts) -> None:
            nonlocal run
            run = replace(run, rows_inserted=counts.inserted, rows_updated=counts.updated)
            store.save_run(run)

        def end(summary: RunSummary) -> None:
            nonlocal ended
            errors = error_summary(summary.metrics, summary.warnings)
            store.save_run(
                replace(
                    run,
                    status=summary.status,
                    finished_at=clock(),
                    rows_inserted=summary.counts.inserted,
                    rows_updated=summary.counts.updated,
                    error_summary=sanitize(errors, limit=20_000) if errors else None,
                )
            )
            ended = True
            # The rows are stored; upkeep that fails tonight is done tomorrow.
            with suppress(StoreError):
                store.optimize()

        try:
            yield Session(store, run_id, started, note_counts, warnings), end
        except BaseException as error:
            if not ended:
                _record_failure(store, run.failed(clock(), sanitize(_reason(error), limit=2000)))
            raise


def _record_failure(store: LanceStore, run: Run) -> None:
    """Leave a trace of a run that is about to end by an exception; that exception matters more."""
    with suppress(StoreError):
        store.save_run(run)


def _reason(error: BaseException) -> str:
    if isinstance(error, CmetricsError):
        return str(error)
    if isinstance(error, KeyboardInterrupt):
        return "interrupted"
    return f"internal error: {type(error).__name__}: {error}"


def _close_dead_runs(store: LanceStore, died: str | None, now: datetime) -> None:
    """Mark runs as failed that are still `running` and cannot be: the lock is ours."""
    for run in store.runs(now - STALE_WITHIN, RunStatus.RUNNING):
        if run.ingestion_run_id == died or run.started_at < now - STALE_AFTER or _is_ours_alone(store):
            store.save_run(run.failed(now, "ended without a result: the process was killed or the machine stopped"))


def _killed_bootstrap(store: LanceStore, died: str | None) -> tuple[str, ...]:
    """A warning when the run that died may have dropped rows: nothing in the tables themselves tells."""
    if died is None or not died.startswith(f"{Job.BOOTSTRAP.value}-"):
        return ()
    if any(run.ingestion_run_id == died and run.status == RunStatus.SUCCESS for run in store.runs()):
        return ()
    said = sanitize(died, limit=60)
    return (f"{said} was killed; if rows are missing, `cmetrics restore` reads its export in data/backups back",)


def _is_ours_alone(store: LanceStore) -> bool:
    """An embedded store has no other writers than the one that holds its lock."""
    return store.target.kind is StoreKind.EMBEDDED


def wait_for_tables(store: LanceStore, sleep: Callable[[float], None], tries: int = 60) -> None:
    """A cluster may show new tables only a moment after it made them."""
    for _ in range(tries):
        try:
            store.check()
        except StoreMissing:
            sleep(0.5)
        else:
            return
    store.check()
