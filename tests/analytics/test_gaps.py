from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, date, datetime, time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cmetrics.analytics.gaps import Gap, Reason, count_missing_days, find_gaps
from cmetrics.domain.day_set import DaySet
from cmetrics.domain.days import DAY, day_range
from cmetrics.domain.kind import counter, rolling, stock
from cmetrics.domain.metric import KnownLoss
from cmetrics.domain.outcome import Outcome, OutcomeLog
from cmetrics.domain.run import MetricStatus, Run, RunStatus
from cmetrics.domain.state import MetricState, build_state
from cmetrics.sources import SPECS
from tests.depth import deep
from tests.samples import a_metric, an_outcome

AS_OF = date(2026, 11, 22)
METRIC = a_metric("npm")
#: Retains 60 days; a first refresh requests 40.
SPEC = replace(SPECS["npm"], served_days=60, first_days=40, settling_days=5)


def ago(days: int) -> date:
    return AS_OF - days * DAY


def since(days: int, *without: int) -> frozenset[date]:
    return frozenset(day_range(ago(days), AS_OF)) - {ago(day) for day in without}


def a_run(days_ago: int, status: RunStatus = RunStatus.SUCCESS, job: str = "refresh") -> Run:
    """Return a run of the night after that day."""
    at = datetime.combine(ago(days_ago) + DAY, time(4), UTC)
    return Run(f"{job}-{days_ago}", job, status, at, at)


NIGHTLY = [a_run(n) for n in range(60)]


def a_night(days_ago: int, error: str | None = None, job: str = "refresh", **changes) -> tuple[Run, Outcome]:
    """Return a run and its outcome for the metric."""
    run = a_run(days_ago, RunStatus.PARTIAL if error else RunStatus.SUCCESS, job)
    return run, an_outcome(run, METRIC.metric_id, error, **changes)


def a_log(runs: Iterable[Run | tuple[Run, Outcome]] = NIGHTLY) -> OutcomeLog:
    pairs = [one if isinstance(one, tuple) else (one, None) for one in runs]
    return OutcomeLog([run for run, _ in pairs], [outcome for _, outcome in pairs if outcome is not None])


def a_state(days: Iterable[date]) -> MetricState:
    return MetricState(frozenset(days))


def found(days: Iterable[date], runs=NIGHTLY, others: Iterable[Iterable[date]] = (), *, spec=SPEC, **metric):
    state = a_state(days)
    published = DaySet.union(each.daily for each in (state, *map(a_state, others)))
    return find_gaps(replace(METRIC, **metric), state, published, spec, a_log(runs), AS_OF)


def gaps(days: Iterable[date], runs=NIGHTLY, others: Iterable[Iterable[date]] = (), **options) -> list[tuple]:
    return [(gap.first_day, gap.last_day, gap.reason) for gap in found(days, runs, others, **options)]


def text(days: Iterable[date], runs) -> str:
    (gap,) = found(days, runs)
    return gap.text


def test_a_metric_without_missing_days_has_no_gap():
    assert gaps(since(39)) == []


def test_days_after_the_newest_of_the_source_are_not_published():
    assert gaps(since(39, 0, 1)) == [(ago(1), AS_OF, Reason.NOT_PUBLISHED)]


def test_a_gap_of_all_metrics_of_a_source_is_lost():
    assert gaps(since(39, 9, 8), others=[since(39, 9, 8)]) == [(ago(9), ago(8), Reason.LOST)]
    assert gaps(since(39, 9)) == [(ago(9), ago(9), Reason.LOST)]


def test_a_day_that_another_metric_has_is_not_lost():
    assert gaps(since(39, 9), others=[since(39)]) == [(ago(9), ago(9), Reason.FAILED)]
    assert gaps(since(39, 0), others=[since(39)]) == [(AS_OF, AS_OF, Reason.FAILED)]


def test_newer_days_of_another_metric_prove_publication():
    assert gaps(since(39, 0, 1), others=[since(39, 1)]) == [
        (ago(1), ago(1), Reason.LOST),
        (AS_OF, AS_OF, Reason.FAILED),
    ]


@pytest.mark.parametrize(
    "run",
    [
        a_run(0, RunStatus.FAILED),
        a_run(0, RunStatus.PARTIAL),
        a_run(0, RunStatus.RUNNING),
        a_run(0, job="backfill"),
        a_night(0, status=MetricStatus.SKIPPED, requested_from=None, requested_to=None),
        a_night(0, job="backfill", requested_from=ago(9), requested_to=ago(5)),
        (a_run(0), an_outcome(a_run(0), "downloads:other:nodejs")),
    ],
)
def test_a_day_without_an_outcome_is_not_collected(run):
    """Only an outcome whose window includes the day explains its absence."""
    runs = [run, *NIGHTLY[3:]]
    assert gaps(since(39, 0, 1, 2), runs) == [(ago(2), AS_OF, Reason.NOT_COLLECTED)]
    assert text(since(39, 0, 1, 2), runs) == "Not collected: no refresh has run since"


def test_an_outcome_of_a_backfill_counts_for_its_window():
    """The window of a backfill counts as requested, too."""
    runs = [a_night(0, job="backfill", requested_from=ago(2), requested_to=ago(1)), *NIGHTLY[3:]]
    assert gaps(since(39, 0, 1, 2), runs, [since(39)]) == [
        (ago(2), ago(1), Reason.FAILED),
        (AS_OF, AS_OF, Reason.NOT_COLLECTED),
    ]


def test_a_failed_metric_names_its_error_and_the_day():
    """The reason contains the error of the metric with its date."""
    runs = [a_night(0, "npm is down"), *NIGHTLY[3:]]
    assert gaps(since(39, 0, 1, 2), runs) == [(ago(2), AS_OF, Reason.FAILED)]
    reason = f"the request failed or was not made ({AS_OF + DAY}: npm is down)"
    assert text(since(39, 0, 1, 2), runs) == f"Not collected: {reason}"


def test_an_error_ends_with_the_next_success():
    """An error before the last successful outcome is not a reason."""
    runs = [a_night(0), a_night(1, "npm is down")]
    assert gaps(since(39, 0), runs) == [(AS_OF, AS_OF, Reason.NOT_PUBLISHED)]
    assert a_log(runs).last_error(METRIC.metric_id) is None


def test_a_day_unpublished_at_the_last_success_has_failed():
    runs = [a_night(0, "down"), *NIGHTLY[1:]]
    assert gaps(since(39, 0, 1), runs) == [(ago(1), AS_OF, Reason.FAILED)]
    assert gaps(since(39, 1), runs) == [(ago(1), ago(1), Reason.LOST)]


def test_an_error_before_a_day_is_not_its_reason():
    assert text(since(39, 0), [a_night(9, "long ago")]) == "Not collected: no refresh has run since"


def test_days_before_the_first_published_one_are_not_missing():
    (gap,) = found(since(20))
    assert (gap.first_day, gap.last_day, gap.reason) == (ago(39), ago(21), Reason.BEFORE_FIRST)
    assert not gap.is_missing
    assert count_missing_days(found(since(20, 3))) == 1


def test_days_of_a_metric_without_success_are_failed_or_not_collected():
    assert gaps([], [a_night(0, "down")]) == [(ago(39), AS_OF, Reason.FAILED)]
    assert gaps([], []) == [(ago(39), AS_OF, Reason.NOT_COLLECTED)]
    assert gaps([]) == [(ago(39), AS_OF, Reason.BEFORE_FIRST)]


def test_days_beyond_a_refresh_are_not_collected_and_beyond_retention_unavailable():
    assert gaps(since(39), daily_from=ago(50)) == [(ago(50), ago(40), Reason.NOT_COLLECTED)]
    assert gaps(since(39), daily_from=ago(65)) == [
        (ago(65), ago(60), Reason.NO_LONGER_AVAILABLE),
        (ago(59), ago(40), Reason.NOT_COLLECTED),
    ]
    assert gaps(since(80, 70, 61)) == [(ago(n), ago(n), Reason.NO_LONGER_AVAILABLE) for n in (70, 61)]
    (gap,) = found(since(80, 70), spec=replace(SPEC, archive=SPECS["cratesio"].archive))
    assert gap.text.endswith("; `cmetrics backfill --full` may recover it")


def test_an_old_gap_of_a_source_with_full_history_is_lost():
    assert gaps(since(80, 70), spec=replace(SPEC, served_days=None)) == [(ago(70), ago(70), Reason.LOST)]


def test_seeded_snapshots_cover_their_days_before_daily_from():
    daily, seeds = DaySet(since(33)), DaySet([ago(35), ago(34)])
    for daily_from, expected in ((ago(30), []), (ago(34), [ago(34)]), (None, [ago(34)])):
        metric = replace(METRIC, daily_from=daily_from)
        state = build_state(metric, daily, seeds)
        gaps_of = find_gaps(metric, state, state.daily, SPEC, a_log(), AS_OF)
        assert [gap.last_day for gap in gaps_of] == expected


def test_a_gap_counts_its_days():
    assert Gap(ago(3), ago(1), Reason.LOST, "").days == 3


@settings(deadline=None, max_examples=deep(200))
@given(
    st.sets(st.integers(0, 90)),
    st.sets(st.integers(0, 90)),
    st.sets(st.integers(0, 60)),
    st.none() | st.integers(0, 90),
)
def test_gaps_contain_every_missing_day_once_and_no_stored_day(days, others, nights, daily_from):
    metric = replace(METRIC, daily_from=None if daily_from is None else ago(daily_from))
    state = a_state(map(ago, days))
    published = DaySet.union([state.daily, a_state(map(ago, others)).daily])
    log = a_log(a_run(n) for n in sorted(nights))
    covered = [
        day
        for gap in find_gaps(metric, state, published, SPEC, log, AS_OF)
        for day in day_range(gap.first_day, gap.last_day)
    ]
    first = min([ago(39) if daily_from is None else ago(daily_from), *state.daily])
    assert covered == [day for day in day_range(first, AS_OF) if day not in state.daily]


def test_a_known_loss_is_named():
    """Days of a known loss state it, wherever they are, except before the first day of the metric."""
    losses = (KnownLoss(ago(90), ago(89), "lost in a migration"), KnownLoss(ago(20), ago(20), "lost in an outage"))
    spec = replace(SPEC, known_losses=losses)
    days = since(95, 90, 89, 20)
    assert [(gap.first_day, gap.last_day, gap.reason, gap.text) for gap in found(days, spec=spec)] == [
        (ago(90), ago(89), Reason.LOST, "Missing at the source: lost in a migration"),
        (ago(20), ago(20), Reason.LOST, "Missing at the source: lost in an outage"),
    ]
    assert not [gap for gap in found(since(30), spec=spec) if "lost in a migration" in gap.text]


# -- measures that are read once a night ---------------------------------------------------------

PULLS, LIKES = replace(METRIC, measure=counter("pulls")), replace(METRIC, measure=stock("likes"))
INSTALLS = replace(METRIC, measure=rolling("installs", 30))
WEEKLY = replace(METRIC, measure=rolling("downloads", 7, has_history=True))


def nightly_gaps(metric, daily: Iterable[date], log: OutcomeLog | None = None) -> list[tuple[int, int, Reason]]:
    """Return first and last day as days ago, and the reason."""
    state = MetricState(daily=frozenset(daily))
    found = find_gaps(metric, state, state.daily, SPEC, log or OutcomeLog((), ()), AS_OF)
    return [((AS_OF - gap.first_day).days, (AS_OF - gap.last_day).days, gap.reason) for gap in found]


def test_a_missed_night_of_a_counter_is_lost():
    """It cannot be filled, and the text states the effect on the flow."""
    state = MetricState(daily=since(9, 5, 4, 1))
    found = find_gaps(PULLS, state, state.daily, SPEC, OutcomeLog((), ()), AS_OF)
    assert [(gap.days, gap.reason) for gap in found] == [(2, Reason.MISSED), (1, Reason.MISSED)]
    assert found[0].text == "Lost: npm was not read that night; the next increase covers several days"
    assert nightly_gaps(LIKES, since(9, 5)) == [(5, 5, Reason.MISSED)]


@pytest.mark.parametrize("metric", [PULLS, LIKES])
def test_a_counter_has_no_gap_before_its_first_reading(metric):
    """This holds however many days a first refresh requests for other measures."""
    assert nightly_gaps(metric, since(3)) == []
    assert nightly_gaps(metric, []) == [(0, 0, Reason.NOT_COLLECTED)]


def test_the_current_night_can_still_be_read():
    """Earlier nights cannot."""
    assert nightly_gaps(PULLS, since(9, 1, 0)) == [(1, 1, Reason.MISSED), (0, 0, Reason.NOT_COLLECTED)]
    run = a_run(0, RunStatus.FAILED)
    log = OutcomeLog([run], [an_outcome(run, METRIC.metric_id, "down")])
    assert nightly_gaps(PULLS, since(9, 0), log) == [(0, 0, Reason.FAILED)]


def test_a_window_covers_its_days():
    """A missed reading of a 30-day window leaves no day uncovered."""
    assert nightly_gaps(INSTALLS, since(60, 7, 8, 20)) == []
    assert nightly_gaps(INSTALLS, [ago(50), ago(10), ago(0)]) == [(49, 40, Reason.MISSED)]
    assert nightly_gaps(INSTALLS, since(60, 0)) == [(0, 0, Reason.NOT_COLLECTED)]


def test_weekly_windows():
    """Missing windows may be filled, and the newest one may be a week old."""
    assert nightly_gaps(WEEKLY, [ago(28), ago(21), ago(7), ago(0)]) == [(20, 14, Reason.NOT_COLLECTED)]
    assert nightly_gaps(WEEKLY, [ago(28), ago(21), ago(14), ago(7)]) == []
    run = a_run(0)
    log = OutcomeLog([run], [an_outcome(run, METRIC.metric_id)])
    assert nightly_gaps(WEEKLY, [ago(22), ago(15), ago(8)], log) == [(7, 0, Reason.NOT_PUBLISHED)]
