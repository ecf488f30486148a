from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from cmetrics import documents
from cmetrics.analytics.chart import group_charts
from cmetrics.analytics.dashboard import (
    NUMBERED_TONES,
    build_dashboard,
    build_freshness,
    build_health,
    build_tones,
)
from cmetrics.analytics.model import Change, PointKind
from cmetrics.catalog import Catalog
from cmetrics.domain.days import DAY, day_range
from cmetrics.domain.metric import Event, Metric, Product
from cmetrics.domain.outcome import OutcomeLog
from cmetrics.domain.run import Run, RunStatus
from tests.samples import a_metric, a_row, a_snapshot, a_table, an_outcome

AS_OF = date(2026, 11, 22)
NOW = datetime(2026, 11, 23, 6, tzinfo=UTC)
TITLES = {"npm": "api.npmjs.org", "pypistats": "pypistats.org", "github": "api.github.com"}
NODE = a_metric("npm", metric_id="downloads:one:nodejs", product="one", daily_from=date(2026, 8, 1))
PYTHON = a_metric("pypistats", metric_id="downloads:one:python", product="one")
STARS_ONE = a_metric("github", metric_id="stars:one:github", product="one")
STARS_TWO = a_metric("github", metric_id="stars:two:github", product="two")
CATALOG = Catalog(
    path=Path("cmetrics.toml"),
    title="Everything",
    contact="https://example.com/",
    products=(Product("two", "Two"), Product("one", "One")),
    metrics=(STARS_ONE, NODE, STARS_TWO, PYTHON),
    seeds={},
)


def dashboard(rows=(), runs=(), *, as_of: date = AS_OF, days: int = 400, log: OutcomeLog | None = None):
    return build_dashboard(CATALOG, TITLES, a_table(rows), runs, as_of=as_of, days=days, generated_at=NOW, log=log)


def daily(metric: Metric, first: date, last: date, value: int = 10):
    return [a_row(metric, day, value) for day in day_range(first, last)]


def growing(metric: Metric, first: date, last: date, value: int):
    """Return counts that grow by one star per day."""
    return [a_row(metric, day, value + n) for n, day in enumerate(day_range(first, last))]


def item(found, metric: Metric):
    return next(item for item in found.items if item.metric is metric)


def a_run(hours_ago: int, status: RunStatus, error: str | None = None) -> Run:
    at = NOW - timedelta(hours=hours_ago)
    return Run(f"refresh-{hours_ago}", "refresh", status, at, at + timedelta(minutes=1), error_summary=error)


# -- the whole dashboard -------------------------------------------------------------------------


def test_groups_follow_the_catalogue_and_downloads_come_before_stars():
    found = dashboard()
    assert [group.product for group in found.groups] == ["two", "one"]
    assert [item.metric for item in found.groups[1].items] == [NODE, PYTHON, STARS_ONE]
    assert [item.source_title for item in found.items] == [TITLES[item.metric.source] for item in found.items]
    assert (found.title, found.as_of, found.days, found.generated_at) == ("Everything", AS_OF, 400, NOW)


def test_an_empty_store_has_a_dashboard_without_values():
    found = dashboard()
    node, stars = item(found, NODE), item(found, STARS_ONE)
    assert (node.month, node.month_on_month, node.year_on_year, node.points) == (None, None, None, ())
    assert (node.last_30_days, node.last_30_days_observed, node.month_end) == (None, 0, date(2026, 10, 31))
    assert (stars.latest, stars.change_7, stars.change_30, stars.change_90, stars.points) == (
        None,
        None,
        None,
        None,
        (),
    )
    assert (found.month_total, found.month_total_change) == (None, None)
    assert (found.total_stars, found.total_stars_change_30, found.total_stars_points) == (None, None, ())
    assert (stars.freshness.latest_day, stars.freshness.age_days) == (None, None)
    assert (node.freshness.latest_day, node.freshness.age_days) == (None, None)


def test_rows_after_the_described_day_are_ignored():
    later = [*daily(NODE, AS_OF + DAY, AS_OF + 9 * DAY, 1000), *daily(STARS_ONE, AS_OF + DAY, AS_OF + 9 * DAY)]
    rows = [*daily(NODE, date(2026, 9, 1), AS_OF), *growing(STARS_ONE, date(2026, 9, 1), AS_OF, 50)]
    assert dashboard([*rows, *later]) == dashboard(rows)
    assert item(dashboard(rows), NODE).freshness.age_days == 0


def test_rows_of_removed_metrics_are_ignored():
    gone = a_metric("npm", metric_id="downloads:gone:nodejs", product="one")
    assert dashboard(daily(gone, date(2026, 9, 1), AS_OF)) == dashboard()


def test_the_order_of_the_rows_does_not_matter():
    rows = [*growing(STARS_ONE, date(2026, 9, 1), AS_OF, 50), *daily(NODE, date(2026, 9, 1), AS_OF)]
    assert dashboard(rows[::-1]) == dashboard(rows)


# -- downloads -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("as_of", "month_end"),
    [
        (AS_OF, date(2026, 10, 31)),
        (date(2026, 10, 31), date(2026, 10, 31)),
        (date(2026, 10, 30), date(2026, 9, 30)),
        (date(2027, 1, 1), date(2026, 12, 31)),
        (date(2028, 2, 29), date(2028, 2, 29)),
    ],
)
def test_a_card_shows_the_last_full_month(as_of, month_end):
    first = month_end.replace(day=1)
    card = item(dashboard(daily(NODE, first, as_of), as_of=as_of), NODE)
    assert (card.month_end, card.month.period_end, card.month.value) == (month_end, month_end, month_end.day * 10)
    assert card.month.is_complete


def test_changes_of_a_card_are_between_full_months():
    months = [*daily(NODE, date(2026, 9, 1), date(2026, 9, 30), 10), *daily(NODE, date(2026, 10, 1), AS_OF, 20)]
    card = item(dashboard(months), NODE)
    assert card.month_on_month == Change(320, 106.7)
    assert card.year_on_year is None
    assert item(dashboard(months[1:]), NODE).month_on_month is None


def test_a_year_on_year_change_needs_the_same_month_of_the_year_before():
    rows = [*daily(PYTHON, date(2025, 10, 1), date(2025, 10, 31), 5), *daily(PYTHON, date(2026, 10, 1), AS_OF, 10)]
    assert item(dashboard(rows, days=730), PYTHON).year_on_year == Change(155, 100.0)


def test_the_last_thirty_days_have_a_number_of_observed_days():
    rows = [row for row in daily(NODE, date(2026, 9, 1), AS_OF) if row.period_end != AS_OF - DAY]
    found = dashboard([*rows, *daily(PYTHON, AS_OF, AS_OF, 7)])
    assert (item(found, NODE).last_30_days, item(found, NODE).last_30_days_observed) == (290, 29)
    assert found.groups[1].last_30_days == 297
    assert found.last_30_days["window_start"] == date(2026, 10, 24)


def test_the_total_of_the_month_is_complete_only_when_every_part_is():
    node, python = daily(NODE, date(2026, 9, 1), AS_OF), daily(PYTHON, date(2026, 9, 1), AS_OF, 5)
    whole = dashboard([*node, *python])
    assert (whole.month_total.value, whole.month_total.is_complete) == (465, True)
    assert whole.month_total_change == Change(15, 3.3)
    holed = dashboard([*node, *(row for row in python if row.period_end != date(2026, 10, 5))])
    assert (holed.month_total.value, holed.month_total.is_complete) == (460, False)
    assert holed.month_total_change is None
    alone = dashboard(node)
    assert (alone.month_total.value, alone.month_total.is_complete) == (310, False)
    assert alone.month_total_change == Change(10, 3.3), "a package without values is not compared"


def test_month_like_for_like():
    """Metrics with missing days are not compared, but named; if they are over a tenth, there is no change."""
    first, last = date(2026, 9, 1), date(2026, 10, 31)
    node = daily(NODE, first, last, 90)
    for size, expected in ((9, Change(90, 3.3)), (11, None)):
        python = [row for row in daily(PYTHON, first, last, size) if row.period_end != date(2026, 9, 7)]
        found = dashboard([*node, *python])
        assert found.month_total_change == expected
        assert found.month_comparison.left_out == (PYTHON.metric_id,)
        assert [metric.subject for metric in found.month_left_out] == [PYTHON.subject]
    # In October, it is as incomplete as in September.
    python = [row for row in daily(PYTHON, first, last, 9) if row.period_end != date(2026, 10, 7)]
    assert dashboard([*node, *python]).month_total_change == Change(90, 3.3)
    both = dashboard([*node, *daily(PYTHON, first, last, 9)])
    assert (both.month_total_change, both.month_left_out) == (Change(99, 3.3), ())
    assert dashboard([row for row in node if row.period_end != first]).month_total_change is None


def test_the_total_of_the_month_is_compared_with_the_same_month_of_the_year_before():
    years = [(date(2025, 10, 1), date(2025, 10, 31), 5), (date(2026, 10, 1), date(2026, 10, 31), 10)]
    node, python = ([row for year in years for row in daily(metric, *year)] for metric in (NODE, PYTHON))
    found = dashboard([*node, *python])
    assert found.month_total_year_change == Change(310, 100.0)
    assert found.month_total_change is None
    assert dashboard([*node, *python], days=7).month_total_year_change == Change(310, 100.0)
    assert dashboard([*node, *python[1:]]).month_total_year_change is None
    assert dashboard([*node, *daily(PYTHON, *years[1])]).month_total_year_change is None


def test_days_of_downloads_exclude_snapshots():
    rows = [a_snapshot(NODE, date(2026, 7, 31), 900), *daily(NODE, date(2026, 7, 20), date(2026, 7, 30))]
    found = item(dashboard([*rows, *daily(NODE, date(2026, 8, 3), AS_OF, 7)]), NODE).days
    assert [point.day for point in found] == [
        *day_range(date(2026, 7, 20), date(2026, 7, 30)),
        *day_range(date(2026, 8, 3), AS_OF),
    ]
    assert {(point.value, point.kind, point.provenance) for point in found} == {
        (10, PointKind.OBSERVED, "api_daily"),
        (7, PointKind.OBSERVED, "api_daily"),
    }
    short = item(dashboard(daily(NODE, date(2026, 8, 1), AS_OF), days=7), NODE).days
    assert [point.day for point in short] == list(day_range(AS_OF - 6 * DAY, AS_OF))


def test_snapshots_are_shown_before_daily_from_and_days_after_it():
    rows = [a_snapshot(NODE, date(2026, 7, 31), 900), *daily(NODE, date(2026, 7, 20), AS_OF)]
    card = item(dashboard(rows), NODE)
    kinds = [(point.period_end.month, point.value, point.kind) for point in card.points]
    assert kinds == [
        (7, 900, PointKind.SEEDED),
        (8, 310, PointKind.OBSERVED),
        (9, 300, PointKind.OBSERVED),
        (10, 310, PointKind.OBSERVED),
        (11, 220, PointKind.OBSERVED),
    ]
    assert [point.is_running for point in card.points] == [False, False, False, False, True]


def test_points_are_limited_to_the_window():
    found = dashboard([*daily(NODE, date(2026, 8, 1), AS_OF), *growing(STARS_ONE, date(2026, 8, 1), AS_OF, 5)], days=60)
    assert item(found, NODE).points[0].period_end == date(2026, 9, 30)
    assert item(found, STARS_ONE).points[0].day == date(2026, 9, 24)


# -- stars ---------------------------------------------------------------------------------------


def test_stars_show_the_newest_count_and_its_changes():
    card = item(dashboard(growing(STARS_ONE, date(2026, 8, 1), AS_OF, 100)), STARS_ONE)
    assert (card.latest.day, card.latest.value) == (AS_OF, 213)
    assert (card.change_7, card.change_30) == (Change(7, 3.4), Change(30, 16.4))
    assert card.change_90.absolute == 90


def test_a_total_of_stars_needs_every_repository():
    one, two = growing(STARS_ONE, date(2026, 9, 1), AS_OF, 100), growing(STARS_TWO, date(2026, 9, 1), AS_OF, 50)
    both = dashboard([*one, *two])
    assert (both.total_stars.value, both.total_stars.day) == (182 + 132, AS_OF)
    assert both.total_stars_change_30 == Change(60, 23.6)
    assert both.total_stars_points[-1] == both.total_stars
    assert {point.kind for point in both.total_stars_points} == {PointKind.OBSERVED}
    assert (dashboard(one).total_stars, dashboard(one).total_stars_points) == (None, ())


def test_a_total_of_stars_is_of_the_newest_common_day():
    one = growing(STARS_ONE, date(2026, 9, 1), AS_OF, 100)
    two = growing(STARS_TWO, date(2026, 9, 1), AS_OF - 3 * DAY, 50)
    found = dashboard([*one, *two])
    assert found.total_stars.day == AS_OF - 3 * DAY
    gap = AS_OF - 33 * DAY
    holed = dashboard([*one, *(row for row in two if row.period_end != gap)])
    assert found.total_stars_change_30 is not None
    assert holed.total_stars_change_30 is None


def test_a_short_window_limits_points_but_not_changes():
    rows = [*growing(STARS_ONE, date(2026, 9, 1), AS_OF, 100), *growing(STARS_TWO, date(2026, 9, 1), AS_OF, 50)]
    found = dashboard(rows, days=7)
    assert found.total_stars_change_30 == Change(60, 23.6)
    assert [point.day for point in found.total_stars_points] == list(day_range(AS_OF - 6 * DAY, AS_OF))


def test_a_total_of_stars_on_a_day_that_one_repository_lacks_is_estimated():
    one, two = growing(STARS_ONE, date(2026, 11, 1), AS_OF, 100), growing(STARS_TWO, date(2026, 11, 1), AS_OF, 50)
    hole = date(2026, 11, 9)
    points = dashboard([*one, *(row for row in two if row.period_end != hole)]).total_stars_points
    assert [(point.day, point.value) for point in points if point.kind is PointKind.ESTIMATED] == [(hole, 166)]


# -- colours -------------------------------------------------------------------------------------


def test_an_sdk_has_its_own_colour_in_every_product():
    metrics = [a_metric("cratesio", metric_id=f"downloads:{p}:rust", product=p) for p in ("one", "two", "three")]
    assert set(build_tones([PYTHON, NODE, *metrics]).items()) == {
        (PYTHON.metric_id, "python"),
        (NODE.metric_id, "nodejs"),
        *((metric.metric_id, "rust") for metric in metrics),
    }


def test_of_two_metrics_of_one_sdk_the_second_has_another_colour():
    direct = replace(PYTHON, metric_id="downloads:one:python-direct")
    assert build_tones([PYTHON, direct]) == {PYTHON.metric_id: "python", direct.metric_id: "n0"}


def test_other_metrics_have_distinct_colours_while_available():
    others = [replace(NODE, metric_id=f"downloads:one:sdk{n}", sdk=f"sdk{n}") for n in range(NUMBERED_TONES)]
    stars = [replace(STARS_ONE, metric_id=f"stars:p{n}:github", product=f"p{n}") for n in range(NUMBERED_TONES)]
    numbered = [f"n{n}" for n in range(NUMBERED_TONES)]
    tones = build_tones([m for pair in zip(others, stars, strict=True) for m in pair])
    assert [tones[metric.metric_id] for metric in others] == numbered
    assert [tones[metric.metric_id] for metric in stars] == numbered


def test_metrics_of_one_chart_differ():
    """Metrics with missing days are named and not compared; if they are over a tenth, there is no change."""
    metrics = [a_metric("npm", metric_id=f"downloads:one:m{n:02}", product="one", sdk=None) for n in range(24)]
    metrics += [a_metric("github", metric_id=f"stars:one:r{n:02}", product="one") for n in range(24)]
    rows = [a_row(metric, AS_OF - n * DAY, 1 + number % 8) for number, metric in enumerate(metrics) for n in range(60)]
    catalog = replace(CATALOG, products=(Product("one", "One"),), metrics=tuple(metrics))
    board = build_dashboard(catalog, TITLES, a_table(rows), [], as_of=AS_OF, days=7300, generated_at=NOW)
    charts = group_charts(board, board.groups[0])
    assert [len(chart.series) for chart in charts] == [8, 8]
    for chart in charts:
        assert len({series.tone for series in chart.series}) == len(chart.series)


# -- sources and events --------------------------------------------------------------------------


def test_the_newest_day_of_a_source_is_that_of_its_oldest_metric():
    rows = [
        *growing(STARS_ONE, AS_OF - 9 * DAY, AS_OF, 5),
        *growing(STARS_TWO, AS_OF - 9 * DAY, AS_OF - 3 * DAY, 5),
        *daily(NODE, AS_OF, AS_OF),
    ]
    assert {state.title: (state.latest_day, state.age_days) for state in dashboard(rows).sources} == {
        "api.github.com": (AS_OF - 3 * DAY, 3),
        "api.npmjs.org": (AS_OF, 0),
        "pypistats.org": (None, None),
    }


def test_a_source_with_a_metric_that_was_never_read_has_no_newest_day():
    states = dashboard(growing(STARS_ONE, AS_OF, AS_OF, 5)).sources
    assert {(state.latest_day, state.age_days) for state in states} == {(None, None)}


def test_later_events_are_excluded():
    events = tuple(Event(day, f"on {day}", None, ("one",)) for day in (AS_OF - DAY, AS_OF, AS_OF + DAY))
    found = build_dashboard(
        replace(CATALOG, events=events), TITLES, a_table([]), [], as_of=AS_OF, days=7, generated_at=NOW
    )
    assert found.events == events[:2]
    assert dashboard().events == ()


# -- freshness and errors ------------------------------------------------------------------------


def test_freshness_is_measured_from_the_newest_daily_value():
    rows = [a_row(PYTHON, AS_OF - 9 * DAY, 1), a_row(PYTHON, AS_OF - 2 * DAY, 1), a_snapshot(PYTHON, AS_OF, 30)]
    fresh = item(dashboard(rows), PYTHON).freshness
    assert (fresh.metric, fresh.latest_day, fresh.age_days) == (PYTHON, AS_OF - 2 * DAY, 2)
    assert (fresh.last_error, fresh.last_error_at) == (None, None)
    assert item(dashboard(rows[2:]), PYTHON).freshness.latest_day is None


RUNS = (
    a_run(0, RunStatus.RUNNING),
    a_run(1, RunStatus.PARTIAL, "a text for people"),
    a_run(25, RunStatus.SUCCESS),
    a_run(49, RunStatus.FAILED, "a text for people"),
    a_run(73, RunStatus.FAILED, "interrupted | or so"),
)
OUTCOMES = (
    an_outcome(RUNS[1], NODE.metric_id, "api.npmjs.org: slow down (429)"),
    an_outcome(RUNS[2], PYTHON.metric_id),
    an_outcome(RUNS[3], NODE.metric_id, "older"),
    an_outcome(RUNS[3], PYTHON.metric_id, "gone"),
    an_outcome(RUNS[3], STARS_ONE.metric_id, "api.github.com: gone: really"),
)
LOG = OutcomeLog(RUNS, OUTCOMES)


def test_a_metric_has_its_last_error_until_the_next_success():
    found = dashboard(runs=RUNS, log=LOG)
    errors = {item.metric.metric_id: (item.freshness.last_error, item.freshness.last_error_at) for item in found.items}
    assert errors == {
        NODE.metric_id: ("api.npmjs.org: slow down (429)", RUNS[1].started_at),
        STARS_ONE.metric_id: ("api.github.com: gone: really", RUNS[3].started_at),
        PYTHON.metric_id: (None, None),
        STARS_TWO.metric_id: (None, None),
    }


def test_the_text_of_a_run_is_not_the_error_of_a_metric():
    """A run without outcomes has no effect on the error of a metric, whatever its text."""
    run = a_run(1, RunStatus.PARTIAL, f"{NODE.metric_id}: late")
    assert build_freshness(NODE, None, AS_OF, OutcomeLog([run], [])).last_error is None


def test_health_has_last_run_last_success_and_failures():
    health = build_health(RUNS, LOG)
    assert (health.last_run.run_id, health.last_run.status) == ("refresh-0", "running")
    assert health.last_success_at == RUNS[2].finished_at
    assert [(note.run_id, note.errors) for note in health.failures] == [
        ("refresh-1", ("downloads:one:nodejs: api.npmjs.org: slow down (429)",)),
        (
            "refresh-49",
            (
                "downloads:one:nodejs: older",
                "downloads:one:python: gone",
                "stars:one:github: api.github.com: gone: really",
            ),
        ),
        ("refresh-73", ("interrupted | or so",)),
    ]


def test_health_lists_no_more_than_the_newest_failures():
    health = build_health([a_run(n, RunStatus.FAILED, f"reason {n}") for n in range(30)], OutcomeLog([], []))
    assert [note.run_id for note in health.failures] == [f"refresh-{n}" for n in range(10)]
    assert health.last_success_at is None


def test_without_runs_health_is_empty():
    health = build_health([], OutcomeLog([], []))
    assert (health.last_run, health.last_success_at, health.failures) == (None, None, ())


def test_a_repository_has_gained_and_lost_stars_where_known():
    rows = [
        a_row(STARS_ONE, AS_OF - n * DAY, 130 - n, source_ref=f"github:owner/name#5; gained {2 if n else 4}")
        for n in range(60)
    ]
    found = item(dashboard(rows, days=10), STARS_ONE)
    assert [flow.last_day for flow in found.flows] == list(day_range(AS_OF - 9 * DAY, AS_OF))
    assert (found.flows[-1].gained, found.flows[-1].lost, found.flows[-1].net) == (4, 3, 1)
    assert (found.flow_30.gained, found.flow_30.lost, found.flow_30.net) == (62, 32, 30)
    shown = documents.build_daily(dashboard(rows, days=10)).groups[1].items[-1]
    assert isinstance(shown, documents.RepositoryItem)
    assert (shown.gained_30, shown.lost_30, shown.net_30) == (62, 32, 30)
    assert shown.flows[-1] == {"day": AS_OF, "gained": 4, "lost": 3, "net": 1}
    assert item(dashboard(), STARS_ONE).flow_30 is None
