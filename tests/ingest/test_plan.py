from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cmetrics.domain.day_set import DaySet
from cmetrics.domain.days import DAY, Span, day_range, window
from cmetrics.domain.kind import counter, rolling
from cmetrics.domain.metric import ArchiveSpec, KnownLoss, SourceSpec
from cmetrics.domain.observation import StarRef
from cmetrics.domain.state import MetricState, build_state
from cmetrics.ingest.plan import BackfillPlan, RefreshPlan, build_requests
from cmetrics.sources import SPECS
from tests.depth import deep
from tests.samples import a_metric

LAST = date(2026, 11, 22)
PYPI, CRATES, STARS = a_metric("pypistats"), a_metric("cratesio"), a_metric("github")
SMALL = replace(SPECS["npm"], served_days=60, first_days=40, settling_days=5)
FORGETS_NOTHING = replace(SMALL, served_days=None)


def ago(days: int) -> date:
    return LAST - days * DAY


def since(days: int) -> frozenset[date]:
    """Return every day from ``days`` days ago to the last one."""
    return frozenset(day_range(ago(days), LAST))


def last(days: int) -> set[date]:
    """Return the last ``days`` days."""
    return set(day_range(window(LAST, days), LAST))


# -- stored days ---------------------------------------------------------------------------------


def test_a_snapshot_before_daily_from_is_not_a_daily_value():
    metric = a_metric(daily_from=ago(10))
    daily, seeds = DaySet([ago(12), ago(3)]), DaySet([ago(40), ago(11), ago(10)])
    assert build_state(metric, daily, seeds) == MetricState(
        daily=frozenset({ago(12), ago(3)}), snapshots=frozenset({ago(40), ago(11)})
    )


def test_without_daily_from_a_snapshot_covers_no_day():
    assert build_state(a_metric(), DaySet([ago(3)]), DaySet([ago(40)])) == MetricState(daily=frozenset({ago(3)}))


# -- refresh -------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Case:
    plan: RefreshPlan
    spec: SourceSpec
    state: MetricState

    @property
    def oldest(self) -> date:
        return self.spec.oldest_served(LAST)

    @property
    def days(self) -> list[date]:
        return list(self.plan.days(self.spec, self.state))


@st.composite
def cases(draw: st.DrawFn) -> Case:
    spec = replace(
        SPECS["npm"],
        served_days=draw(st.none() | st.integers(1, 120)),
        first_days=draw(st.integers(1, 120)),
        settling_days=draw(st.integers(0, 60)),
    )
    kinds = draw(st.dictionaries(st.integers(0, 150).map(ago), st.sampled_from(["daily", "daily", "snapshot"])))
    free = st.sets(st.integers(0, 150).map(ago)).map(lambda days: days - kinds.keys())
    # Lost days are often consecutive, as in a bad week of a service.
    run = st.tuples(st.integers(0, 150), st.integers(0, 150)).map(
        lambda ends: set(day_range(ago(max(ends)), ago(min(ends))))
    )
    state = MetricState(
        frozenset(day for day, kind in kinds.items() if kind == "daily"),
        frozenset(day for day, kind in kinds.items() if kind == "snapshot"),
        lost=frozenset(draw(free | run.map(lambda days: days - kinds.keys()) | st.just(set()))),
        doubtful=frozenset(draw(st.sets(st.sampled_from(sorted(kinds))) if kinds else st.just(set()))),
    )
    return Case(RefreshPlan(LAST, draw(st.just(0) | st.integers(1, 120))), spec, state)


@settings(deadline=None, max_examples=deep(200))
@given(cases())
def test_every_available_missing_day_is_requested_once(case: Case):
    first = max(min(case.state.daily, default=LAST), case.oldest)
    holes = set(day_range(first, LAST)) - case.state.daily - case.state.snapshots
    requested = case.days
    assert holes - case.state.lost <= set(requested)
    assert len(requested) == len(set(requested))


@settings(deadline=None, max_examples=deep(200))
@given(cases())
def test_missing_days_are_requested_every_night_and_lost_ones_once_a_week(case: Case):
    nights = [set(RefreshPlan(LAST + n * DAY, case.plan.lookback_days).days(case.spec, case.state)) for n in range(7)]
    first = max(min(case.state.daily, default=LAST + DAY), case.spec.oldest_served(LAST + 6 * DAY))
    holes = set(day_range(first, LAST)) - case.state.daily - case.state.snapshots
    holes -= {day for day in case.state.lost if case.spec.known_loss(day)}
    assert holes <= set().union(*nights)
    assert all(holes - case.state.lost <= days for days in nights)


@settings(deadline=None, max_examples=deep(200))
@given(cases())
def test_unavailable_days_and_snapshots_are_not_requested(case: Case):
    requested = set(case.days)
    assert all(case.oldest <= day <= LAST for day in requested)
    assert not requested & case.state.snapshots


@settings(deadline=None, max_examples=deep(200))
@given(cases())
def test_stored_days_are_requested_again_within_settling_time_and_lookback(case: Case):
    reread = last(max(case.spec.settling_days, case.plan.lookback_days))
    expected = {day for day in reread - case.state.snapshots if day >= case.oldest}
    assert expected <= set(case.days)
    doubtful_days = {day for day in case.state.doubtful if day >= case.oldest}
    assert set(case.days) & case.state.daily == (expected | doubtful_days) & case.state.daily


def test_an_empty_store_requests_all_first_days():
    assert set(RefreshPlan(LAST).days(SMALL, MetricState())) == last(40)


def test_first_days_are_limited_by_the_retention_of_the_source():
    assert set(RefreshPlan(LAST).days(replace(SMALL, served_days=30), MetricState())) == last(30)


def test_first_days_are_requested_again_if_only_recent_ones_were_stored():
    assert set(RefreshPlan(LAST).days(SMALL, MetricState(frozenset(last(4)) - {LAST}))) == last(40)


def test_stored_settling_days_do_not_prove_a_complete_first_run():
    assert set(RefreshPlan(LAST).days(SMALL, MetricState(frozenset(last(5))))) == last(40)


def test_days_before_the_oldest_stored_one_are_not_requested():
    assert min(RefreshPlan(LAST).days(SMALL, MetricState(since(5)))) == ago(4)
    assert min(RefreshPlan(LAST).days(SMALL, MetricState(since(5) - {ago(5)} | {ago(20)}))) == ago(19)


def test_a_missing_day_is_requested_while_the_source_retains_it():
    state = MetricState(since(200) - {ago(59), ago(60)})
    assert set(RefreshPlan(LAST).days(SMALL, state)) == last(5) | {ago(59)}
    assert set(RefreshPlan(LAST).days(FORGETS_NOTHING, state)) == last(5) | {ago(59), ago(60)}


def test_only_new_days_are_requested_from_a_source_that_never_revises():
    final = replace(SMALL, settling_days=0)
    assert set(RefreshPlan(LAST).days(final, MetricState(since(9)))) == set()
    assert set(RefreshPlan(LAST).days(final, MetricState(since(9) - {LAST}))) == {LAST}


# -- the present count of stars ------------------------------------------------------------------


@pytest.mark.parametrize(
    ("plan", "metric", "missing", "takes"),
    [
        (RefreshPlan(LAST), STARS, {LAST}, True),
        (RefreshPlan(LAST), STARS, {LAST, ago(1)}, False),
        (RefreshPlan(LAST), STARS, {ago(1)}, False),
        (RefreshPlan(LAST), STARS, set(), False),
        (RefreshPlan(LAST, 1), STARS, {LAST}, False),
        (RefreshPlan(LAST), PYPI, {LAST}, False),
        (BackfillPlan(LAST, Span(LAST, LAST)), STARS, {LAST}, False),
    ],
)
def test_the_current_count_is_used_for_one_missing_day_of_a_plain_refresh(plan, metric, missing, takes):
    for known_days in (400, 40):
        # A young repository has no days before it was created; those are not missing.
        daily = frozenset(day_range(ago(known_days), LAST)) - missing
        assert plan.takes_current(metric, MetricState(daily)) is takes


def test_the_current_count_is_not_used_for_a_new_metric():
    assert RefreshPlan(LAST).takes_current(STARS, MetricState()) is False


# -- backfill ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("span", "days"),
    [
        (Span(ago(9), ago(7)), {ago(9), ago(8), ago(7)}),
        (Span(ago(1), LAST + 3 * DAY), {ago(1), LAST}),
        (Span(ago(70), ago(58)), {ago(59), ago(58)}),
        (Span(ago(90), ago(70)), set()),
        (Span(LAST + DAY, LAST + DAY), set()),
    ],
)
def test_a_backfill_requests_its_window_within_the_retention(span, days):
    plan = BackfillPlan(LAST, span)
    assert plan.days(SMALL, MetricState()) == days
    assert plan.days(SMALL, MetricState(since(100))) == days


def test_a_backfill_skips_snapshots():
    plan = BackfillPlan(LAST, Span(ago(900), ago(898)))
    assert plan.days(FORGETS_NOTHING, MetricState(snapshots=frozenset({ago(899)}))) == {ago(900), ago(898)}


# -- requests ----------------------------------------------------------------------------------------


def test_a_request_has_sorted_days_and_the_missing_ones():
    state = {CRATES.metric_id: MetricState(since(200) - {ago(3), ago(70)})}
    (request,) = build_requests(RefreshPlan(LAST), [CRATES], SPECS, state)
    assert request.days == tuple(sorted(last(89)))
    assert request.missing == {ago(3), ago(70)}
    assert (request.metric, request.last_day, request.known_since, request.take_current) == (
        CRATES,
        LAST,
        ago(200),
        False,
    )


def test_a_new_metric_is_requested_completely():
    (request,) = build_requests(RefreshPlan(LAST), [STARS], SPECS, {})
    assert request.missing == set(request.days) == last(730)
    assert request.known_since is None
    assert not request.take_current


def test_stars_with_one_missing_day_use_the_current_count():
    state = {STARS.metric_id: MetricState(since(300) - {LAST})}
    (request,) = build_requests(RefreshPlan(LAST), [STARS], SPECS, state)
    assert request.take_current
    (request,) = build_requests(RefreshPlan(LAST, 7), [STARS], SPECS, state)
    assert not request.take_current


def test_a_snapshot_does_not_affect_known_since():
    state = {PYPI.metric_id: MetricState(since(20), snapshots=frozenset({ago(40)}))}
    (request,) = build_requests(RefreshPlan(LAST), [PYPI], SPECS, state)
    assert request.known_since == ago(20)
    assert ago(40) not in request.days


def test_metrics_without_days_have_no_request():
    requests = build_requests(BackfillPlan(LAST, Span(ago(150), ago(120))), [STARS, CRATES, PYPI], SPECS, {})
    assert [request.metric for request in requests] == [STARS, PYPI]


# -- days that a source has lost, doubtful values ----------------------------------------------------


def nights(plan_of: MetricState, spec: SourceSpec, count: int = 28) -> list[set[date]]:
    """Return the requested days of ``count`` successive nights from LAST on."""
    return [set(RefreshPlan(LAST + n * DAY).days(spec, plan_of)) for n in range(count)]


def test_a_lost_day_is_requested_once_a_week():
    hole = ago(30)
    requested = [
        hole in days for days in nights(MetricState(since(59) - {hole}, lost=frozenset({hole})), FORGETS_NOTHING)
    ]
    assert [sum(requested[n : n + 7]) for n in range(0, 28, 7)] == [1, 1, 1, 1]


def test_all_lost_days_of_a_metric_are_requested_in_the_same_night():
    holes = {ago(30), ago(29), ago(21), ago(12)}
    requested = [
        days & holes for days in nights(MetricState(since(59) - holes, lost=frozenset(holes)), FORGETS_NOTHING, 7)
    ]
    assert sorted(map(len, requested)) == [0] * 6 + [4]


def test_lost_days_near_the_end_of_retention_are_requested():
    """The oldest of these days differs every night."""
    holes = set(day_range(ago(59), ago(20)))
    requested = nights(MetricState(since(19) | {ago(90)}, lost=frozenset(holes)), SMALL)
    assert [any(days & holes for days in requested[n : n + 7]) for n in range(0, 28, 7)] == [True] * 4


def test_a_lost_day_beyond_the_retention_is_not_requested():
    hole = ago(55)
    requested = [hole in days for days in nights(MetricState(since(80) - {hole}, lost=frozenset({hole})), SMALL, 14)]
    assert not any(requested[5:])


def test_a_lost_day_within_the_settling_time_is_requested_every_night():
    state = MetricState(since(59) - {ago(3)}, lost=frozenset({ago(3)}))
    assert all(ago(3) in RefreshPlan(LAST + n * DAY).days(SMALL, state) for n in range(2))


def test_a_missing_day_is_requested_every_night():
    hole = ago(30)
    assert all(hole in days for days in nights(MetricState(since(59) - {hole}), FORGETS_NOTHING))


def test_a_doubtful_day_is_requested_again():
    final = replace(SMALL, settling_days=0)
    assert set(RefreshPlan(LAST).days(final, MetricState(since(9), doubtful=frozenset({ago(2), ago(90)})))) == {ago(2)}


def test_a_request_contains_the_known_repository():
    known = StarRef("owner/name", 5)
    (request,) = build_requests(
        RefreshPlan(LAST), [STARS], SPECS, {STARS.metric_id: MetricState(since(300), repository=known)}
    )
    assert request.repository == known


# -- days that a source no longer provides -------------------------------------------------------

WITH_ARCHIVE = replace(SMALL, archive=ArchiveSpec("attic", "the attic", first_day=ago(150)))


@settings(deadline=None, max_examples=deep(200))
@given(first=st.integers(0, 200), length=st.integers(0, 200), snapshots=st.sets(st.integers(0, 200).map(ago)))
def test_a_deep_backfill_requests_every_day_of_its_window_once(first, length, snapshots):
    span = Span(ago(first), min(LAST, ago(first) + length * DAY))
    plan, state = BackfillPlan(LAST, span, deep=True), MetricState(snapshots=frozenset(snapshots))
    near, older = set(plan.days(WITH_ARCHIVE, state)), set(plan.archive_days(WITH_ARCHIVE, state))
    assert not near & older
    assert near | older == set(day_range(max(span.first, ago(150)), span.last)) - snapshots
    assert all(day < WITH_ARCHIVE.oldest_served(LAST) for day in older)


@pytest.mark.parametrize(
    ("plan", "spec"),
    [
        (RefreshPlan(LAST), WITH_ARCHIVE),
        (RefreshPlan(LAST, 140), WITH_ARCHIVE),
        (BackfillPlan(LAST, Span(ago(140), LAST)), WITH_ARCHIVE),
        (BackfillPlan(LAST, Span(ago(140), LAST), deep=True), SMALL),
        (BackfillPlan(LAST, Span(ago(140), LAST), deep=True), FORGETS_NOTHING),
        (BackfillPlan(LAST, Span(ago(59), LAST), deep=True), WITH_ARCHIVE),
    ],
)
def test_only_a_deep_backfill_uses_an_archive(plan, spec):
    assert not set(plan.archive_days(spec, MetricState()))


def test_a_request_may_contain_archive_days_only():
    plan = BackfillPlan(LAST, Span(ago(300), ago(290)), deep=True)
    state = {PYPI.metric_id: MetricState(frozenset({ago(295)}))}
    (request,) = build_requests(plan, [PYPI], SPECS, state)
    assert request.days == ()
    assert request.archive_days == tuple(day_range(ago(300), ago(290)))
    assert request.missing == set(request.archive_days) - {ago(295)}


# -- days that a source is known to have lost ----------------------------------------------------

LOSSY = replace(SMALL, known_losses=(KnownLoss(ago(40), ago(38), "lost for everybody"),))


def test_known_losses_are_not_requested_every_week():
    """A day that is known to be lost is requested until it was found missing, and never again."""
    daily = frozenset(day_range(ago(80), LAST)) - {ago(40), ago(30)}
    fresh = MetricState(daily)
    state = replace(fresh, lost=frozenset({ago(40), ago(30)}))
    nights = [set(RefreshPlan(LAST + n * DAY).days(LOSSY, state)) for n in range(7)]
    assert ago(30) in set().union(*nights)
    assert ago(40) not in set().union(*nights)
    assert ago(40) in set(RefreshPlan(LAST).days(LOSSY, fresh))


def test_known_loss_of_a_day():
    """The declaration includes its first and its last day."""
    assert [bool(LOSSY.known_loss(ago(n))) for n in (41, 40, 38, 37)] == [False, True, True, False]


def test_an_overlapping_archive_fills_missing_recent_days():
    """A deep backfill also requests from the archive the days that are missing in the window of the source."""
    spec = replace(SMALL, archive=ArchiveSpec("attic", "the attic", first_day=ago(150), overlaps=True))
    oldest = spec.oldest_served(LAST)
    state = MetricState(frozenset(day_range(oldest, LAST)) - {ago(3)})
    plan = BackfillPlan(LAST, Span(ago(400), LAST), deep=True)
    inside = {day for day in plan.archive_days(spec, state) if day >= oldest}
    assert inside == {ago(3)}
    separate = replace(spec, archive=replace(spec.archive, overlaps=False))
    assert not {day for day in plan.archive_days(separate, state) if day >= oldest}


# -- counters, stocks without history, rolling windows -------------------------------------------

PULLS = replace(a_metric("npm"), measure=counter("pulls"))
INSTALLS = replace(a_metric("npm"), measure=rolling("installs", 30))
WEEKLY = replace(a_metric("npm"), measure=replace(rolling("downloads", 7, has_history=True), every_days=7))
NIGHTLY = replace(SMALL, settling_days=5, first_days=40)


def requested(metric, plan, daily: frozenset[date] = frozenset()) -> list[tuple[tuple[date, ...], bool]]:
    state = {metric.metric_id: MetricState(daily=daily)}
    return [(r.days, r.take_current) for r in build_requests(plan, [metric], {"npm": NIGHTLY}, state)]


@pytest.mark.parametrize("metric", [PULLS, INSTALLS])
@pytest.mark.parametrize("daily", [frozenset(), frozenset({ago(1)}), frozenset({ago(9), ago(3)})])
@pytest.mark.parametrize("lookback_days", [0, 30])
def test_a_counter_is_requested_for_the_last_day_only(metric, daily, lookback_days):
    """Past values are not available, so only the last day is requested."""
    assert requested(metric, RefreshPlan(LAST, lookback_days), daily) == [((LAST,), True)]


@pytest.mark.parametrize("metric", [PULLS, INSTALLS])
@pytest.mark.parametrize("lookback_days", [0, 30])
def test_a_counter_is_requested_once_a_night(metric, lookback_days):
    """A second run of the same night would replace a reading by one of another hour."""
    assert requested(metric, RefreshPlan(LAST, lookback_days), since(5)) == []


@pytest.mark.parametrize("deep", [False, True])
@pytest.mark.parametrize("metric", [PULLS, INSTALLS])
def test_a_backfill_requests_no_counter(metric, deep):
    """The current value would be stored for a past day."""
    assert requested(metric, BackfillPlan(LAST, Span(ago(30), LAST), deep=deep)) == []


@pytest.mark.parametrize(("newest", "is_requested"), [(0, False), (1, False), (6, False), (7, True), (8, True)])
def test_a_weekly_window_is_requested_once_a_week(newest, is_requested):
    days = tuple(day_range(ago(newest - 1), LAST))
    assert requested(WEEKLY, RefreshPlan(LAST), frozenset({ago(newest)})) == ([(days, True)] if is_requested else [])


def test_windows_with_history_are_requested_since_the_newest_one():
    """The first run, and one after a long break, request the days from `first_days` on."""
    first = tuple(day_range(window(LAST, 40), LAST))
    assert requested(WEEKLY, RefreshPlan(LAST)) == [(first, True)]
    assert requested(WEEKLY, RefreshPlan(LAST), frozenset({ago(300)})) == [(first, True)]


def test_a_backfill_requests_windows_with_history():
    days = tuple(day_range(ago(20), ago(3)))
    assert requested(WEEKLY, BackfillPlan(LAST, Span(ago(20), ago(3))), since(30)) == [(days, False)]
