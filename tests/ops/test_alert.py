from __future__ import annotations

from datetime import UTC, datetime, timedelta

from cmetrics.analytics.model import MetricFreshness
from cmetrics.domain.run import Run
from cmetrics.ops.alert import MARKER, Failure, FailureKind, build_alert, failed_nights
from tests.boards import AS_OF
from tests.samples import a_metric

NOON = datetime(2026, 11, 23, 9, tzinfo=UTC)


def a_run(nights_ago: int, status: str, *, hour: int = 0, job: str = "refresh", error: str | None = None) -> Run:
    started = NOON - timedelta(days=nights_ago, hours=hour)
    return Run(f"{job}-{nights_ago}-{hour}", job, status, started, started, error_summary=error)


def a_state(age: int | None, error: str | None = None, **changes: object) -> MetricFreshness:
    latest = AS_OF - timedelta(days=age) if age is not None else None
    return MetricFreshness(a_metric("npm", **changes), latest, age, error, NOON if error else None)  # type: ignore[arg-type]


def test_three_consecutive_failed_nights_are_an_alert():
    failed = [a_run(n, "failed", error="the disk is full") for n in range(3)]
    assert failed_nights(failed, AS_OF) == tuple(failed)
    assert not failed_nights(failed[:2], AS_OF)
    assert not failed_nights([*failed[:2], a_run(2, "partial")], AS_OF)
    assert not failed_nights([a_run(0, "success"), *[a_run(n, "failed") for n in range(1, 4)]], AS_OF)
    alert = build_alert([a_state(1)], failed, max_age_days=3, as_of=AS_OF)
    assert alert is not None
    assert alert.title == "cmetrics: no successful run for 3 nights"
    assert "`the disk is full`" in alert.body


def test_a_night_counts_by_its_last_refresh():
    nights = [a_run(1, "failed"), a_run(2, "failed")]
    assert not failed_nights([a_run(0, "success"), a_run(0, "failed", hour=2), *nights], AS_OF)
    assert failed_nights([a_run(0, "failed"), a_run(0, "success", hour=2), *nights], AS_OF)
    assert not failed_nights([a_run(0, "failed", job="backfill"), *nights], AS_OF)
    assert not failed_nights([a_run(0, "running"), *nights], AS_OF)


def test_old_failures_are_ignored():
    assert not failed_nights([a_run(n, "failed") for n in range(30, 33)], AS_OF)


def test_a_metric_beyond_its_limit_is_an_alert():
    assert build_alert([a_state(3), a_state(0)], [], max_age_days=3, as_of=AS_OF) is None
    alert = build_alert([a_state(4, "no `answer` @someone"), a_state(None)], [], max_age_days=3, as_of=AS_OF)
    assert alert is not None
    assert alert.title == "cmetrics: 2 metrics are stale"
    assert alert.body.startswith(MARKER)
    assert f"newest day {AS_OF - timedelta(days=4)}: ``no `answer` @someone``" in alert.body
    assert "no data yet" in alert.body


def test_unchanged_problems_give_the_same_text():
    stale = a_state(4, "gone")
    older = MetricFreshness(stale.metric, stale.latest_day, 5, "gone", NOON)
    tomorrow = build_alert([older], [], max_age_days=3, as_of=AS_OF + timedelta(days=1))
    assert build_alert([stale], [], max_age_days=3, as_of=AS_OF) == tomorrow


def test_an_issue_respects_the_limit_of_github():
    many = [a_state(9, "e" * 400, metric_id=f"downloads:p:{n}") for n in range(500)]
    alert = build_alert(many, [], max_age_days=3, as_of=AS_OF)
    assert alert is not None
    assert len(alert.body) < 65_536
    assert "and 450 more" in alert.body


def test_a_failure_that_prevents_every_run_is_an_immediate_alert():
    """It precedes stale metrics, with its reason as code."""
    failure = Failure(FailureKind.PULL, "git fetch: @someone `x`")
    alert = build_alert([a_state(9)], [], max_age_days=3, as_of=AS_OF, failures=[failure])
    assert alert is not None
    assert alert.title == "cmetrics: the store could not be pulled from the data branch and 1 metric is stale"
    assert "The store could not be pulled from the data branch:\n\n`` git fetch: @someone `x` ``" in alert.body


def test_other_days_in_an_error_do_not_change_the_text():
    """An issue is not updated every night because an error contains the days of a request."""

    def alert(day: int):
        failed = f"api.npmjs.org /downloads/range/2026-10-{day}:2026-11-{day}/x: not found (404)"
        runs = [a_run(n, "failed", error=failed) for n in range(3)]
        return build_alert([a_state(None, failed)], runs, max_age_days=3, as_of=AS_OF)

    assert alert(20) == alert(21)
    assert "/downloads/range/DATE:DATE/x: not found (404)" in alert(20).body
