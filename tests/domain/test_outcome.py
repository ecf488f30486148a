from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from cmetrics.domain.days import DAY, Span
from cmetrics.domain.outcome import Failure, Outcome, OutcomeLog
from cmetrics.domain.run import MetricStatus, Run, RunStatus
from cmetrics.store.schema import OUTCOMES, encode
from tests.depth import deep
from tests.samples import an_outcome

TODAY = date(2026, 11, 23)
NIGHT = datetime(2, 11, 10, 4, tzinfo=UTC)
METRIC, OTHER = "downloads:p:nodejs", "downloads:q:nodejs"


def a_run(days_ago: int, status: RunStatus = RunStatus.SUCCESS, job: str = "refresh") -> Run:
    at = datetime(2026, 11, 23, 4, tzinfo=UTC) - timedelta(days=days_ago)
    return Run(f"{job}-{days_ago}", job, status, at, at)


def test_an_error_stays_until_the_next_success():
    """An error after the last success is current; skipped runs and other metrics do not end it."""
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


def test_the_newest_error_counts_in_any_order():
    """The order of rows does not matter."""
    runs = [a_run(n, RunStatus.FAILED) for n in (1, 3, 2)]
    log = OutcomeLog(runs, [an_outcome(run, METRIC, run.ingestion_run_id) for run in runs])
    assert log.last_error(METRIC) == Failure("refresh-1", runs[0].started_at)


def test_windows_are_merged_and_end_before_their_run():
    """A successful run proves nothing about its own day."""
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


def test_runs_without_outcomes_count_by_their_status():
    """In stores of earlier versions, only a successful refresh counts, for all metrics."""
    success = a_run(3)
    others = [a_run(1, RunStatus.PARTIAL), a_run(2, RunStatus.FAILED), a_run(0, job="backfill")]
    log = OutcomeLog([*others, success], [])
    assert log.last_answer(METRIC) == log.last_refresh(METRIC) == success.started_at
    assert log.answered_windows(METRIC) == (Span(date.min, TODAY - 4 * DAY),)
    assert log.last_error(METRIC) is None
    assert [log.has_answer(run, METRIC) for run in (success, others[0], others[1])] == [True, False, False]


def test_a_run_with_outcomes_counts_for_its_metrics_only():
    """A refresh of some metrics does not count for others."""
    run = a_run(0)
    log = OutcomeLog([run], [an_outcome(run, METRIC)])
    assert log.last_answer(OTHER) is None
    assert not log.has_answer(run, OTHER)
    assert log.has_answer(run, METRIC)
    assert log.failures(run) == {}


def test_three_hundred_failures_are_all_known():
    """They are not limited by the length of a text."""
    run = a_run(0, RunStatus.FAILED)
    log = OutcomeLog([run], [an_outcome(run, f"m{n}", "x" * 400) for n in range(300)])
    assert len(log.failures(run)) == 300
    assert all(log.last_error(f"m{n}") is not None for n in range(300))


class SlowLog:
    """The same log, computed from all outcomes for each call."""

    def __init__(self, runs: list[Run], outcomes: list[Outcome]) -> None:
        self.outcomes = outcomes
        self.known = {outcome.ingestion_run_id for outcome in outcomes}
        self.refreshes = [run for run in runs if run.job_name == "refresh"]

    def answers(self, metric_id: str) -> list[tuple[datetime, date, date, bool]]:
        """Return time, first day, last day, and whether it was a refresh, for each success."""
        found = []
        for o in self.outcomes:
            is_answer = o.status in (MetricStatus.OK, MetricStatus.PENDING)
            if o.metric_id == metric_id and is_answer and o.requested_from and o.requested_to:
                last = min(o.requested_to, o.observed_at.date() - DAY)
                is_refresh = o.ingestion_run_id in {run.ingestion_run_id for run in self.refreshes}
                found.append((o.observed_at, o.requested_from, last, is_refresh))
        assumed = (
            (run.started_at, date.min, run.started_at.date() - DAY, True)
            for run in self.refreshes
            if run.status == RunStatus.SUCCESS and run.ingestion_run_id not in self.known
        )
        return [*found, *assumed]

    def last_error(self, metric_id: str) -> Failure | None:
        failures = [o for o in self.outcomes if o.metric_id == metric_id and o.status is MetricStatus.FAILED]
        if not failures:
            return None
        newest = max(failures, key=lambda o: o.observed_at)
        answer = max((at for at, *_ in self.answers(metric_id)), default=None)
        if answer is not None and answer >= newest.observed_at:
            return None
        return Failure(newest.error or "no reason given", newest.observed_at)

    def answered_days(self, metric_id: str, by: date) -> set[int]:
        return {
            day
            for at, first, last, _ in self.answers(metric_id)
            if at.date() <= by
            for day in range(first.toordinal(), last.toordinal() + 1)
        }


RUN_LISTS = st.lists(
    st.builds(
        lambda n, status, job: Run(f"{job}-{n}", job, status, *[NIGHT + n * DAY] * 2),
        st.integers(0, 9),
        st.sampled_from([RunStatus.SUCCESS, RunStatus.PARTIAL]),
        st.sampled_from(["refresh", "backfill"]),
    ),
    max_size=6,
    unique_by=lambda run: run.ingestion_run_id,
)


@st.composite
def logs(draw: st.DrawFn) -> tuple[list[Run], list[Outcome]]:
    """Return runs of ten nights, and outcomes of some of them, one per run and metric."""
    runs = draw(RUN_LISTS)
    outcomes = []
    for run in runs:
        for metric_id in draw(st.sets(st.sampled_from(["a", "b", "é"]))):
            first = run.started_at.date() - draw(st.integers(1, 30)) * DAY
            period = (first, first + draw(st.integers(0, 30)) * DAY) if draw(st.booleans()) else (None, None)
            status = draw(st.sampled_from(list(MetricStatus)))
            error = draw(st.sampled_from([None, "down"])) if status is MetricStatus.FAILED else None
            outcomes.append(Outcome(run.ingestion_run_id, metric_id, status, *period, 0, 0, error, run.started_at))
    return runs, outcomes


@settings(max_examples=deep(150), deadline=None)
@given(log=logs(), by=st.integers(-1, 11))
def test_outcome_log(log, by):
    """Built from objects or columns, the log equals the slow reference."""
    runs, outcomes = log
    slow, day = SlowLog(runs, outcomes), NIGHT.date() + by * DAY
    for found in (OutcomeLog(runs, outcomes), OutcomeLog(runs, encode(outcomes, OUTCOMES))):
        for metric_id in ("a", "b", "é", "unknown"):
            answers = slow.answers(metric_id)
            assert found.last_answer(metric_id) == max((at for at, *_ in answers), default=None)
            refreshed = (at for at, _, _, is_refresh in answers if is_refresh)
            assert found.last_refresh(metric_id) == max(refreshed, default=None)
            assert found.last_error(metric_id) == slow.last_error(metric_id)
            windows = found.answered_windows(metric_id, by=day)
            covered = [n for first, last in windows for n in range(first.toordinal(), last.toordinal() + 1)]
            assert len(covered) == len(set(covered))
            assert set(covered) == slow.answered_days(metric_id, day)
            for run in runs:
                mine = [o for o in outcomes if o.ingestion_run_id == run.ingestion_run_id]
                expected = any(o.metric_id == metric_id and o.status is not MetricStatus.FAILED for o in mine)
                assert found.has_answer(run, metric_id) is (expected if mine else run.status == RunStatus.SUCCESS)
                failed = {o.metric_id: o.error or "" for o in mine if o.status is MetricStatus.FAILED}
                assert found.failures(run) == failed
