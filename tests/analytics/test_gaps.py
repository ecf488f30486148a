from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, date, datetime, time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cmetrics.analytics.gaps import Gap, Kept, Reason, build_kept, build_landed, explain
from cmetrics.domain.days import DAY, day_range
from cmetrics.domain.run import Run, RunStatus
from cmetrics.sources import SPECS
from tests.depth import deep
from tests.samples import a_metric

AS_OF = date(2026, 11, 22)
METRIC = a_metric("npm")
OTHER = a_metric("npm", metric_id="downloads:other:nodejs", subject="other")
#: Forgets after 60 days; a first refresh reaches 40 back.
SPEC = replace(SPECS["npm"], held_days=60, first_days=40, settling_days=5)


def ago(days: int) -> date:
    return AS_OF - days * DAY


def since(days: int, *without: int) -> frozenset[date]:
    return frozenset(day_range(ago(days), AS_OF)) - {ago(day) for day in without}


def a_run(days_ago: int, status: RunStatus = RunStatus.SUCCESS, error: str | None = None, job: str = "refresh") -> Run:
    """A run in the night after that day."""
    at = datetime.combine(ago(days_ago) + DAY, time(4), UTC)
    return Run(f"{job}-{days_ago}", job, status, at, at, error_summary=error)


NIGHTLY = [a_run(n) for n in range(60)]


def gaps(
    days: Iterable[date], runs=NIGHTLY, others: Iterable[Iterable[date]] = (), *, spec=SPEC, **metric
) -> list[tuple]:
    kept = Kept(replace(METRIC, **metric), frozenset(days))
    found = explain(kept, build_landed([kept, *(Kept(OTHER, frozenset(other)) for other in others)]), spec, runs, AS_OF)
    return [(gap.first_day, gap.last_day, gap.reason) for gap in found]


def told(days: Iterable[date], runs) -> str:
    kept = Kept(METRIC, frozenset(days))
    (gap,) = explain(kept, build_landed([kept]), SPEC, runs, AS_OF)
    return gap.text


def test_a_metric_without_missing_days_has_no_gap():
    assert gaps(since(39)) == []


def test_days_after_the_newest_of_the_source_have_not_landed():
    assert gaps(since(39, 0, 1)) == [(ago(1), AS_OF, Reason.NOT_LANDED)]


def test_a_hole_that_all_metrics_of_the_source_have_is_lost_at_the_source():
    assert gaps(since(39, 9, 8), others=[since(39, 9, 8)]) == [(ago(9), ago(8), Reason.LOST)]
    assert gaps(since(39, 9)) == [(ago(9), ago(9), Reason.LOST)]


def test_a_day_that_only_another_metric_has_is_not_the_source_s_loss():
    assert gaps(since(39, 9), others=[since(39)]) == [(ago(9), ago(9), Reason.FAILED)]
    assert gaps(since(39, 0), others=[since(39)]) == [(AS_OF, AS_OF, Reason.FAILED)]


def test_newer_days_of_another_metric_show_that_the_source_has_gone_on():
    assert gaps(since(39, 0, 1), others=[since(39, 1)]) == [
        (ago(1), ago(1), Reason.LOST),
        (AS_OF, AS_OF, Reason.FAILED),
    ]


@pytest.mark.parametrize(
    ("run", "says"),
    [
        (a_run(0, RunStatus.FAILED, "interrupted"), "no refresh since"),
        (a_run(0, RunStatus.PARTIAL, f"{METRIC.metric_id}: npm is down | x: y"), "npm is down"),
        (a_run(0, RunStatus.RUNNING), "no refresh since"),
        (a_run(0, job="backfill"), "no refresh since"),
    ],
)
def test_days_for_which_no_refresh_has_had_an_answer_have_failed_here(run, says):
    runs = [run, *NIGHTLY[3:]]
    assert gaps(since(39, 0, 1, 2), runs) == [(ago(2), AS_OF, Reason.FAILED)]
    assert says in told(since(39, 0, 1, 2), runs)


def test_an_error_of_another_metric_or_a_mere_warning_is_an_answer():
    for run in (
        a_run(0, RunStatus.PARTIAL, "downloads:other:nodejs: down"),
        a_run(0, RunStatus.SUCCESS, f"{METRIC.metric_id}: a/b is now c/d"),
    ):
        assert gaps(since(39, 0), [run]) == [(AS_OF, AS_OF, Reason.NOT_LANDED)]


def test_a_day_that_was_not_there_yet_at_the_last_answer_is_waited_for_in_vain_since():
    runs = [a_run(0, RunStatus.PARTIAL, f"{METRIC.metric_id}: down"), *NIGHTLY[1:]]
    assert gaps(since(39, 0, 1), runs) == [(ago(1), AS_OF, Reason.FAILED)]
    assert gaps(since(39, 1), runs) == [(ago(1), ago(1), Reason.LOST)]


def test_an_error_from_before_the_day_does_not_explain_it():
    old = a_run(9, RunStatus.PARTIAL, f"{METRIC.metric_id}: long ago")
    assert told(since(39, 0), [old]) == "no refresh since"


def test_before_the_first_day_that_the_source_knows_there_was_no_package():
    assert gaps(since(20)) == [(ago(39), ago(21), Reason.BEFORE)]


def test_a_metric_that_never_had_an_answer_has_failed_here_and_is_not_called_young():
    assert gaps([], [a_run(0, RunStatus.FAILED, f"{METRIC.metric_id}: down")]) == [(ago(39), AS_OF, Reason.FAILED)]
    assert gaps([], []) == [(ago(39), AS_OF, Reason.FAILED)]
    assert gaps([]) == [(ago(39), AS_OF, Reason.BEFORE)]


def test_days_that_a_refresh_does_not_reach_are_for_a_backfill():
    assert gaps(since(39), daily_from=ago(50)) == [(ago(50), ago(40), Reason.OUTSIDE)]
    assert gaps(since(80, 70, 61)) == [(ago(70), ago(70), Reason.OUTSIDE), (ago(61), ago(61), Reason.OUTSIDE)]
    kept = Kept(METRIC, since(80, 70))
    assert "backfill --full" in explain(kept, build_landed([kept]), SPEC, NIGHTLY, AS_OF)[0].text


def test_a_source_that_forgets_nothing_may_still_give_a_hole_of_any_age():
    assert gaps(since(80, 70), spec=replace(SPEC, held_days=None)) == [(ago(70), ago(70), Reason.LOST)]


def test_seeded_snapshots_stand_for_their_days_where_the_page_shows_them():
    stored = [(ago(35), True), (ago(34), True), *((day, False) for day in since(33))]
    kept = build_kept(replace(METRIC, daily_from=ago(30)), stored)
    assert explain(kept, build_landed([kept]), SPEC, NIGHTLY, AS_OF) == ()
    kept = build_kept(METRIC, stored)
    assert [gap.last_day for gap in explain(kept, build_landed([kept]), SPEC, NIGHTLY, AS_OF)] == [ago(34)]


def test_a_gap_counts_its_days():
    assert Gap(ago(3), ago(1), Reason.LOST, "").days == 3


@settings(deadline=None, max_examples=deep(200))
@given(
    st.sets(st.integers(0, 90)),
    st.sets(st.integers(0, 90)),
    st.sets(st.integers(0, 60)),
    st.none() | st.integers(0, 90),
)
def test_every_missing_day_is_in_exactly_one_gap_and_no_stored_one_in_any(days, others, nights, daily_from):
    metric = replace(METRIC, daily_from=None if daily_from is None else ago(daily_from))
    kept = Kept(metric, frozenset(map(ago, days)))
    runs = [a_run(n) for n in sorted(nights)]
    found = explain(kept, build_landed([kept, Kept(OTHER, frozenset(map(ago, others)))]), SPEC, runs, AS_OF)
    covered = [day for gap in found for day in day_range(gap.first_day, gap.last_day)]
    first = min([ago(39) if daily_from is None else ago(daily_from), *kept.days])
    assert covered == [day for day in day_range(first, AS_OF) if day not in kept.days]
