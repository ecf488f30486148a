"""Every run that writes has exactly one row in `history`, however it ends."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from cmetrics.domain.errors import StoreError
from cmetrics.domain.run import Counts, Job, MetricOutcome, MetricStatus, Run, RunStatus, RunSummary
from cmetrics.ingest.ingestion_run import IngestionRun
from cmetrics.ingest.progress import NoProgress
from cmetrics.settings import StoreKind, StoreTarget
from cmetrics.store.lance_store import LanceStore

NOW = datetime(2026, 11, 22, 7, tzinfo=UTC)
LATER = NOW + timedelta(minutes=3)


@pytest.fixture
def target(tmp_path: Path) -> StoreTarget:
    return StoreTarget(StoreKind.EMBEDDED, str(tmp_path / "lancedb"))


def start(target: StoreTarget) -> IngestionRun:
    return IngestionRun(target, Job.REFRESH, now=NOW, progress=NoProgress(), clock=lambda: LATER)


def only_row(target: StoreTarget) -> Run:
    (row,) = LanceStore.open(target).runs()
    return row


def summary_of(run: IngestionRun, error: str | None = None) -> RunSummary:
    outcome = MetricOutcome("m", MetricStatus.FAILED if error else MetricStatus.OK, error=error)
    status = RunStatus.PARTIAL if error else RunStatus.SUCCESS
    return RunSummary(run.run_id, Job.REFRESH, status, Counts(4, 2, 1), (outcome,), ("a warning",))


def test_a_run_is_recorded_as_running_and_then_with_its_result(target: StoreTarget):
    """The row exists from the beginning, so that a killed run is visible, and is replaced at the end."""
    with start(target) as run:
        assert only_row(target) == Run(run.run_id, "refresh", RunStatus.RUNNING, NOW, None)
        run.finish(summary_of(run, error="gone"))
    row = only_row(target)
    assert row == Run(run.run_id, "refresh", RunStatus.PARTIAL, NOW, LATER, 4, 2, "m: gone | a warning")


def test_a_checkpoint_keeps_the_counts_of_a_run_that_fails_later(target: StoreTarget):
    """The row of an interrupted backfill counts what it has stored in parts."""
    with pytest.raises(KeyboardInterrupt), start(target) as run:
        run.checkpoint(Counts(10, 1, 0))
        assert (only_row(target).rows_inserted, only_row(target).status) == (10, RunStatus.RUNNING)
        raise KeyboardInterrupt
    row = only_row(target)
    assert (row.status, row.finished_at, row.rows_inserted, row.rows_updated) == (RunStatus.FAILED, LATER, 10, 1)


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (StoreError("the disk is full"), "the disk is full"),
        (KeyboardInterrupt(), "interrupted"),
        (ZeroDivisionError("oops"), "internal error: ZeroDivisionError: oops"),
    ],
)
def test_a_run_that_ends_by_an_exception_is_failed_with_the_reason(
    target: StoreTarget, error: BaseException, reason: str
):
    """The exception is raised again, and the next run is not blocked."""
    with pytest.raises(type(error)), start(target):
        raise error
    assert only_row(target).error_summary == reason
    assert only_row(target).status == RunStatus.FAILED
    with start(target) as run:
        run.finish(summary_of(run))
    assert [row.status for row in LanceStore.open(target).runs()].count(RunStatus.SUCCESS) == 1


def test_a_recorded_result_is_final(target: StoreTarget):
    """An exception after `finish` does not turn a recorded success into a failure."""
    with pytest.raises(KeyboardInterrupt), start(target) as run:
        run.finish(summary_of(run))
        raise KeyboardInterrupt
    assert only_row(target).status == RunStatus.SUCCESS


def test_a_run_without_a_result_is_failed(target: StoreTarget):
    """A body that does not call `finish` leaves a failed run, not a running one."""
    with start(target):
        pass
    assert only_row(target).error_summary == "internal error: ended without a result"
