"""The lifecycle of a run that writes: the lock, the tables, and exactly one row in `history`."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from contextlib import ExitStack, suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from types import TracebackType
from typing import Self

from cmetrics.domain.days import Clock, utc_now
from cmetrics.domain.errors import CmetricsError, StoreError, StoreMissing
from cmetrics.domain.interrupts import hold_interrupts
from cmetrics.domain.run import Counts, Job, Run, RunStatus, RunSummary, error_summary
from cmetrics.domain.sanitize import sanitize
from cmetrics.ingest.progress import Progress
from cmetrics.ingest.removals import resume_removals
from cmetrics.settings import StoreKind, StoreTarget
from cmetrics.store.lance_store import LanceStore
from cmetrics.store.lock import writing

#: GitHub Actions ends a job after six hours, so an older run on another machine is dead.
STALE_AFTER = timedelta(hours=6)
#: The age of the oldest unfinished run that a later run looks for.
STALE_WITHIN = timedelta(days=30)


def create_missing_tables(store: LanceStore) -> None:
    """Create the missing tables of an embedded store.

    In other stores, missing tables are an error, so that a mistyped address does not create any.
    """
    if store.target.kind is StoreKind.EMBEDDED:
        store.create_tables()


class IngestionRun:
    """One run that writes to a store, recorded in `history`. A context manager.

    Entering it locks the store, calls ``prepare`` with it, checks its tables and writes the row with
    status `running`. The body calls :meth:`finish` once, as its last step. If the body raises instead
    (KeyboardInterrupt included), the run is recorded as failed, with the reason. Entering raises
    StoreError if the store is busy, cannot be reached or lacks tables.
    """

    store: LanceStore
    #: Warnings about the previous run on this store.
    warnings: tuple[str, ...] = ()

    def __init__(
        self,
        target: StoreTarget,
        job: Job,
        *,
        now: datetime,
        progress: Progress,
        clock: Clock = utc_now,
        prepare: Callable[[LanceStore], None] = create_missing_tables,
    ) -> None:
        self.run_id = make_run_id(job, now)
        self.started_at = now
        self._target = target
        self._progress = progress
        self._clock = clock
        self._prepare = prepare
        self._row = Run(self.run_id, job.value, RunStatus.RUNNING, now, None)
        self._is_finished = False
        self._lock = ExitStack()

    def __enter__(self) -> Self:
        with ExitStack() as stack:
            dead_run_id = stack.enter_context(writing(self._target, self.run_id, self._progress.waiting))
            self.store = LanceStore.open(self._target)
            self._prepare(self.store)
            self.store.check()
            self.warnings = warn_of_killed_bootstrap(self.store, dead_run_id)
            _close_dead_runs(self.store, dead_run_id, self.started_at)
            self.warnings += resume_removals(self.store, self.started_at)
            self.store.save_run(self._row)
            self._lock = stack.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        with self._lock:
            if not self._is_finished:
                reason = _reason(error) if error is not None else "internal error: ended without a result"
                # An error while recording must not hide the exception that ended the run, and a second
                # interrupt must not prevent the record.
                with suppress(StoreError), hold_interrupts():
                    self.store.save_run(self._row.failed(self._clock(), sanitize(reason, limit=2000)))

    def checkpoint(self, counts: Counts) -> None:
        """Record the counts so far, for a run that stores in several merges."""
        self.count(counts)
        self.store.save_run(self._row)

    def count(self, counts: Counts) -> None:
        """Set the counts for the row that is written if the run fails later."""
        self._row = replace(self._row, rows_inserted=counts.inserted, rows_updated=counts.updated)

    def finish(self, summary: RunSummary, *, remark: str | None = None) -> None:
        """Record the result of the run and optimize the store. Must be the last call. Raises StoreError.

        ``remark`` is recorded in `history` with the warnings.
        """
        remarks = () if remark is None else (remark,)
        errors = error_summary(summary.metrics, (*remarks, *summary.warnings))
        result = replace(
            self._row,
            status=summary.status,
            finished_at=self._clock(),
            rows_inserted=summary.counts.inserted,
            rows_updated=summary.counts.updated,
            error_summary=sanitize(errors, limit=20_000) if errors else None,
        )
        # An interrupt between these two lines would record a finished run as failed.
        with hold_interrupts():
            self.store.save_run(result)
            self._is_finished = True
        # The rows are stored. If the optimization fails, the next run repeats it.
        with suppress(StoreError):
            self.store.optimize()


def make_run_id(job: Job, now: datetime) -> str:
    """Return an id that sorts by time and is unique within a second."""
    return f"{job.value}-{now.astimezone(UTC):%Y%m%dT%H%M%SZ}-{secrets.token_hex(3)}"


def _reason(error: BaseException) -> str:
    if isinstance(error, CmetricsError):
        return str(error)
    if isinstance(error, KeyboardInterrupt):
        return "interrupted"
    return f"internal error: {type(error).__name__}: {error}".rstrip(": ")


def _close_dead_runs(store: LanceStore, dead_run_id: str | None, now: datetime) -> None:
    """Mark runs as failed that are recorded as `running` although this run has the lock."""
    for run in store.runs(now - STALE_WITHIN, RunStatus.RUNNING):
        if run.ingestion_run_id == dead_run_id or run.started_at < now - STALE_AFTER or _has_one_writer(store):
            store.save_run(run.failed(now, "ended without a result: the process was killed or the machine stopped"))


def warn_of_killed_bootstrap(store: LanceStore, dead_run_id: str | None) -> tuple[str, ...]:
    """Return a warning if the run that was killed is a bootstrap, which may have dropped rows."""
    if dead_run_id is None or not dead_run_id.startswith(f"{Job.BOOTSTRAP.value}-"):
        return ()
    if any(run.ingestion_run_id == dead_run_id and run.status == RunStatus.SUCCESS for run in store.runs()):
        return ()
    run_id = sanitize(dead_run_id, limit=60)
    return (f"{run_id} was killed; if rows are missing, restore its backup in data/backups with `cmetrics restore`",)


def _has_one_writer(store: LanceStore) -> bool:
    """Return whether only the holder of the lock can write: true for an embedded store."""
    return store.target.kind is StoreKind.EMBEDDED


def wait_for_tables(store: LanceStore, sleep: Callable[[float], None], tries: int = 60) -> None:
    """Wait until new tables are visible, which can take a moment on a cluster. Raises StoreError."""
    for _ in range(tries):
        try:
            store.check()
        except StoreMissing:
            sleep(0.5)
        else:
            return
    store.check()
