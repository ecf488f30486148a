from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

from cmetrics.domain.days import DAY, Span
from cmetrics.domain.outcome import Failure, OutcomeLog
from cmetrics.domain.run import MetricStatus, Run, RunStatus
from tests.samples import an_outcome

TODAY = date(2026, 11, 23)
METRIC, OTHER = "downloads:p:nodejs", "downloads:q:nodejs"


def a_run(days_ago: int, status: RunStatus = RunStatus.SUCCESS, job: str = "refresh") -> Run:
    at = datetime(2026, 11, 23, 4, tzinfo=UTC) - timedelta(days=days_ago)
    return Run(f"{job}-{days_ago}", job, status, at, at)


def test_an_error_stays_until_the_next_answer():
    """A failure after the last answer is current; skipped metrics and other metrics end nothing."""
    ok, failed, later = a_run(9), a_run(5, RunStatus.PARTIAL), a_run(1)
    outcomes = [an_outcome(ok, METRIC), an_outcome(failed, METRIC, "down")]
    skipped = an_outcome(later, METRIC, status=MetricStatus.SKIPPED, requested_from=None, requested_to=None)
    for more in ([an_outcome(later, OTHER)], [skipped]):
        log = OutcomeLog([ok, failed, later], [*outcomes, *more])
        assert log.last_error(METRIC) == Failure("down", failed.started_at)
    for status in (MetricStatus.OK, MetricStatus.PENDING):
        log = OutcomeLog([ok, failed, later], [*outcomes, an_outcome(later, METRIC, status=status)])
        assert log.last_error(METRIC) is None
        assert log.last_answer(METRIC) == later.started_at


def test_the_newest_of_several_errors_counts_in_any_order():
    """Rows come as they come."""
    runs = [a_run(n, RunStatus.FAILED) for n in (1, 3, 2)]
    log = OutcomeLog(runs, [an_outcome(run, METRIC, run.ingestion_run_id) for run in runs])
    assert log.last_error(METRIC) == Failure("refresh-1", runs[0].started_at)


def test_windows_are_merged_and_end_before_their_run():
    """An answer says nothing of the day it was given on."""
    runs = [a_run(n) for n in (0, 1, 10)]
    windows = [(TODAY - 5 * DAY, TODAY), (TODAY - 9 * DAY, TODAY - 6 * DAY), (TODAY - 30 * DAY, TODAY - 20 * DAY)]
    outcomes = [
        an_outcome(run, METRIC, requested_from=first, requested_to=last)
        for run, (first, last) in zip(runs, windows, strict=True)
    ]
    log = OutcomeLog(runs, outcomes)
    recent = Span(TODAY - 9 * DAY, TODAY - DAY)
    assert log.answered_windows(METRIC) == (Span(TODAY - 30 * DAY, TODAY - 20 * DAY), recent)
    assert log.answered_windows(METRIC, by=TODAY - 2 * DAY) == (Span(TODAY - 30 * DAY, TODAY - 20 * DAY),)
    assert log.answered_windows(OTHER) == ()


def test_runs_without_outcomes_are_read_by_their_status():
    """Stores of earlier versions: only a successful refresh is an answer, for every metric."""
    success = a_run(3)
    others = [a_run(1, RunStatus.PARTIAL), a_run(2, RunStatus.FAILED), a_run(0, job="backfill")]
    log = OutcomeLog([*others, success], [])
    assert log.last_answer(METRIC) == log.last_refresh(METRIC) == success.started_at
    assert log.answered_windows(METRIC) == (Span(date.min, TODAY - 4 * DAY),)
    assert log.last_error(METRIC) is None
    assert [log.has_answer(run, METRIC) for run in (success, others[0], others[1])] == [True, False, False]


def test_a_run_with_outcomes_speaks_only_of_its_metrics():
    """A narrowed refresh does not count for the other metrics."""
    run = a_run(0)
    log = OutcomeLog([run], [an_outcome(run, METRIC)])
    assert log.last_answer(OTHER) is None
    assert not log.has_answer(run, OTHER)
    assert log.has_answer(run, METRIC)
    assert log.outcome(run, OTHER) is None
    assert log.failures(run) == {}


def test_three_hundred_failures_are_all_known():
    """No length of a text cuts them."""
    run = a_run(0, RunStatus.FAILED)
    log = OutcomeLog([run], [an_outcome(run, f"m{n}", "x" * 400) for n in range(300)])
    assert len(log.failures(run)) == 300
    assert all(log.last_error(f"m{n}") is not None for n in range(300))
