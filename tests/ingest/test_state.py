from __future__ import annotations

from datetime import UTC, date, datetime, time

import pytest

from cmetrics.domain.days import DAY, day_range
from cmetrics.domain.observation import StarRef
from cmetrics.domain.outcome import Outcome, OutcomeLog
from cmetrics.domain.run import Run, RunStatus
from cmetrics.domain.state import MetricState
from cmetrics.ingest.plan import RefreshPlan
from cmetrics.ingest.state import RECENT_DAYS, find_lost_days, load_state, newest_repositories
from cmetrics.settings import StoreKind, StoreTarget
from cmetrics.sources import SPECS
from cmetrics.store.lance_store import LanceStore
from tests.rules import always
from tests.samples import a_metric, a_row, an_outcome

LAST = date(2026, 11, 22)
METRIC = "downloads:p:nodejs"


def ago(days: int) -> date:
    return LAST - days * DAY


def night(day: date, status: RunStatus = RunStatus.SUCCESS, job: str = "refresh") -> Run:
    """Return a run of that day."""
    at = datetime.combine(day, time(4), UTC)
    return Run(f"{job}-{day}", job, status, at, at)


def stored_except(*without: int) -> MetricState:
    return MetricState(frozenset(day_range(ago(60), LAST)) - {ago(day) for day in without})


def lost(known: MetricState, runs: list[Run], outcomes: list[Outcome] | None = None) -> set[date]:
    return set(find_lost_days(known, METRIC, OutcomeLog(runs, outcomes or []), LAST))


NIGHTLY = [night(ago(n)) for n in range(-1, 50)]


def test_a_day_missing_two_weeks_after_its_request_is_lost():
    assert lost(stored_except(30), NIGHTLY) == {ago(30)}
    assert lost(stored_except(15), NIGHTLY) == {ago(15)}
    assert lost(stored_except(14, 13, 1, 0), NIGHTLY) == set()


def test_a_day_that_was_never_requested_is_not_lost():
    assert lost(stored_except(30), []) == set()
    assert lost(stored_except(30), [night(LAST)]) == set()
    assert lost(stored_except(30), [night(ago(13)), night(ago(30)), night(ago(31))]) == set()
    assert lost(stored_except(30), [night(ago(29))]) == {ago(30)}


@pytest.mark.parametrize(
    ("status", "job"),
    [
        (RunStatus.PARTIAL, "refresh"),
        (RunStatus.FAILED, "refresh"),
        (RunStatus.RUNNING, "refresh"),
        (RunStatus.SUCCESS, "backfill"),
    ],
)
def test_a_run_without_outcomes_counts_only_as_a_successful_refresh(status, job):
    assert lost(stored_except(30), [night(ago(20), status, job)]) == set()


def test_only_the_outcome_of_the_metric_counts():
    """A refresh of some metrics has requested nothing for the others, whatever its status."""
    run = night(ago(20))
    assert lost(stored_except(30), [run], [an_outcome(run, "downloads:q:nodejs")]) == set()
    assert lost(stored_except(30), [run], [an_outcome(run, METRIC, "down")]) == set()
    assert lost(stored_except(30, 40), [run], [an_outcome(run, METRIC, requested_from=ago(35))]) == {ago(30)}
    assert lost(stored_except(30), [run], [an_outcome(run, METRIC)]) == {ago(30)}


def test_days_before_the_oldest_one_and_snapshots_are_not_lost():
    known = MetricState(frozenset({ago(20), LAST}), snapshots=frozenset({ago(17)}))
    assert lost(known, NIGHTLY) == {ago(19), ago(18), ago(16), ago(15)}
    assert lost(MetricState(), NIGHTLY) == set()


def test_the_newest_name_and_the_newest_number_of_a_repository_are_known():
    refs = [
        ("s", ago(1), "github:new/name"),
        ("s", ago(9), "github-history:old/name#5"),
        ("s", ago(20), "github:older/name#4; gained 2"),
        ("t", ago(1), "github-stargazers:other/name"),
        ("u", ago(1), "seed:stars.csv"),
    ]
    assert newest_repositories(refs) == {"s": StarRef("new/name", 5), "t": StarRef("other/name")}


@pytest.mark.parametrize("days", [1, RECENT_DAYS + 1, 2000])
def test_an_old_repository_number_is_known(days: int, tmp_path):
    metric = a_metric("github", subject="new/name")
    store = LanceStore.open(StoreTarget(StoreKind.EMBEDDED, str(tmp_path)))
    store.create_tables()
    numbered = a_row(metric, ago(days), 5, source_ref="github:old/name#7")
    rows = [numbered, a_row(metric, LAST, 6, source_ref="github:new/name")]
    store.upsert_observations(rows, always)
    known = load_state(store, [metric], SPECS, RefreshPlan(LAST), [], OutcomeLog([], []))
    assert known[metric.metric_id].repository == StarRef("new/name", 7)
