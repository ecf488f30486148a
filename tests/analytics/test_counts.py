"""Counters, stocks, rolling windows and other flows: dashboard, document and texts."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, date, datetime, time
from pathlib import Path

import pytest

from cmetrics import documents
from cmetrics.analytics.calendar import DayState, build_calendar
from cmetrics.analytics.dashboard import build_dashboard
from cmetrics.analytics.intervals import build_intervals
from cmetrics.analytics.model import Change, CountItem, Dashboard
from cmetrics.analytics.news import build_news
from cmetrics.catalog import Catalog
from cmetrics.charts import count_words
from cmetrics.domain.days import DAY
from cmetrics.domain.kind import Measure, counter, flow, rolling, stock
from cmetrics.domain.metric import Metric, Product
from cmetrics.domain.observation import Observation
from cmetrics.site.badges import badge_labels, build_badge
from cmetrics.site.chart_picture import build_count_picture
from cmetrics.sources import SPECS
from tests.samples import a_metric, a_row, a_table

AS_OF = date(2026, 11, 24)
NOW = datetime(2026, 11, 25, 6, tzinfo=UTC)


def counted(metric_id: str, measure: Measure, display_name: str) -> Metric:
    return a_metric("npm", metric_id=metric_id, measure=measure, display_name=display_name, subject="acme/db", sdk=None)


PULLS = counted("pulls:p:hub", counter("pulls"), "Docker Hub")
LIKES = counted("likes:p:hf", stock("likes"), "Hugging Face Likes")
INSTALLS = counted("installs:p:brew:30d", rolling("installs", 30), "Homebrew")
WEEKLY = counted("downloads:p:duckdb:7d", rolling("downloads", 7, has_history=True), "DuckDB downloads")
VIEWS = counted("views:p:traffic", flow("views"), "GitHub Traffic")
FILES = counted("downloads:p:files", counter("downloads"), "GitHub Releases")
NPM = a_metric("npm")
ALL = (NPM, PULLS, LIKES, INSTALLS, WEEKLY, VIEWS, FILES)


def rows_of(metric: Metric, values: dict[int, int]) -> list[Observation]:
    """Return rows with the values of this many days ago."""
    rows = []
    for ago, value in values.items():
        day = AS_OF - ago * DAY
        start = day - ((metric.measure.window_days or 1) - 1) * DAY
        window = metric.measure.source_window
        at = datetime.combine(day + DAY, time(3), UTC)
        rows.append(a_row(metric, day, value, period_start=start, source_window=window, observed_at=at))
    return rows


def board_of(rows: Iterable[Observation], metrics: tuple[Metric, ...] = ALL, days: int = 180) -> Dashboard:
    catalog = Catalog(Path("c"), "All", "https://example.com", (Product("p", "P"),), metrics, {})
    rows = list(rows)
    counters = {metric.metric_id for metric in metrics if metric.measure.is_counter}
    intervals = build_intervals(a_table([row for row in rows if row.metric_id in counters]))
    titles = {name: spec.public_name for name, spec in SPECS.items()}
    table = a_table(rows)
    return build_dashboard(catalog, titles, table, [], as_of=AS_OF, days=days, generated_at=NOW, intervals=intervals)


def item_of(metric: Metric, values: dict[int, int], days: int = 180) -> CountItem:
    (item,) = board_of(rows_of(metric, values), (metric,), days).groups[0].counts
    return item


def test_totals_exclude_counts():
    """A counter and a window of downloads are not part of the total downloads."""
    values = dict.fromkeys(range(60), 100)
    rows = [row for metric in ALL for row in rows_of(metric, values)]
    alone, board = board_of(rows, (NPM,)), board_of(rows)
    assert [item.metric.metric_id for item in board.groups[0].downloads] == [NPM.metric_id]
    assert [item.metric for item in board.groups[0].counts] == list(ALL[1:])
    assert board.month_total == alone.month_total
    assert board.last_30_days == alone.last_30_days
    assert board.total_stars is None
    assert board.groups[0].stars == ()


def test_a_counter_has_flows():
    """The last 30 days are the sum of the known flows; a missed night is part of one of them."""
    item = item_of(PULLS, {31: 1000, 30: 1010, 20: 1100, 2: 1300, 1: 1290, 0: 1300})
    assert (item.latest.value, item.change_30) == (1300, None)
    assert [(i.flow, i.days) for i in item.intervals] == [(10, 1), (90, 10), (200, 18), (None, 1), (10, 1)]
    assert (item.last_30_days, item.last_30_days_observed) == (300, 29)
    assert count_words.recent(item) == "300 in the last 30 days (29 of 30 days known)"
    assert count_words.period(item) == "to 24 Nov 2026"


def test_a_short_window_omits_only_old_intervals():
    """The count of the last 30 days does not depend on the window."""
    values = {31: 1000, 30: 1010, 20: 1100, 2: 1300, 0: 1310}
    item = item_of(PULLS, values, days=5)
    assert [i.flow for i in item.intervals] == [200, 10]
    assert item.last_30_days == item_of(PULLS, values).last_30_days == 300
    assert len(item.points) == 2


def test_a_rolling_window_is_neither_summed_nor_differenced():
    item = item_of(INSTALLS, {30: 5000, 1: 208, 0: 187})
    assert (item.change_7, item.change_30, item.change_90) == (None, None, None)
    assert (item.last_30_days, item.intervals) == (None, ())
    assert item.window_start == date(2026, 10, 26)
    assert count_words.period(item) == "30 days to 24 Nov 2026"
    assert count_words.recent(item) == ""


def test_a_stock_has_changes_and_may_fall():
    item = item_of(LIKES, {30: 12, 7: 11, 0: 10})
    assert item.change_30 == Change(-2, -16.7)
    assert item.change_7 == Change(-1, -9.1)
    assert count_words.period(item) == "on 24 Nov 2026"


def test_unique_visitors_have_no_sum():
    """The number of visitors of two days is not their sum, because one may visit on both."""
    unique = counted("unique_visitors:p:traffic", replace(flow("unique_visitors"), adds_up=False), "Unique Visitors")
    item = item_of(unique, {1: 5, 0: 6})
    assert (item.last_30_days, item.last_30_days_observed) == (None, 0)


def test_another_flow_has_a_sum():
    item = item_of(VIEWS, dict.fromkeys(range(14), 7))
    assert (item.last_30_days, item.last_30_days_observed) == (98, 14)


@pytest.mark.parametrize(
    ("metric", "label"),
    [
        (PULLS, "Docker Hub pulls"),
        (LIKES, "Hugging Face Likes"),
        (INSTALLS, "Homebrew installs / 30 days"),
        (WEEKLY, "DuckDB downloads / 7 days"),
        (FILES, "GitHub Releases downloads"),
    ],
)
def test_badge(metric, label):
    """The label names the measure, and never says "a month" for a window."""
    item = item_of(metric, {0: 12_345})
    badge = build_badge(item, badge_labels([item])[metric.metric_id])
    assert (badge.label, badge.message) == (f"{metric.subject} {label}", "12.3k")
    assert build_badge(item_of(metric, {}), "x").message == "no data"


def test_an_old_badge_names_its_day():
    """A weekly value of the week before is not old."""
    assert build_badge(item_of(PULLS, {9: 5}), "x").message == "5 on 15 Nov 2026"
    assert build_badge(item_of(WEEKLY, {7: 5}), "x").message == "5"


def test_picture():
    """A picture shows the value, its period, the source and the day of the data."""
    board = board_of(rows_of(INSTALLS, {1: 208, 0: 187}), (INSTALLS,))
    picture = build_count_picture(board.groups[0].counts[0], board, "https://example.org/metrics/")
    (name,) = picture.names
    assert (name.text, name.value) == ("187", "30 days to 24 Nov 2026")
    assert picture.subtitle == "By day, 23 Nov 2026 to 24 Nov 2026 · npm"
    assert (picture.note, picture.address) == ("Data through 24 Nov 2026 (UTC).", "example.org/metrics")


def test_document():
    """The item of a counter of downloads differs from one of daily downloads."""
    board = board_of([*rows_of(FILES, {3: 100, 0: 160}), *rows_of(INSTALLS, {0: 187})], (FILES, INSTALLS))
    body = documents.encode(documents.build_daily(board))
    files, installs = documents.orjson.loads(body)["groups"][0]["items"]
    assert (files["kind"], files["value_kind"], files["metric_family"]) == (
        "counter",
        "cumulative_downloads",
        "downloads",
    )
    assert files["latest_value"] == 160
    assert files["intervals"] == [
        {
            "start_day": "2026-11-21",
            "end_day": "2026-11-24",
            "start_at": "2026-11-22T03:00:00Z",
            "end_at": "2026-11-25T03:00:00Z",
            "days": 3,
            "is_day": False,
            "flow": 60,
            "reason": "",
        }
    ]
    assert (installs["label"], installs["window_days"]) == ("installs in 30 days", 30)
    assert installs["sparkline"] == [{"period_start": "2026-10-26", "period_end": "2026-11-24", "value": 187}]


def test_calendar():
    """A weekly window covers its seven days."""
    board = board_of(rows_of(WEEKLY, {14: 10, 7: 12, 0: 11}), (WEEKLY,))
    (row,) = build_calendar(board, board.items).rows
    assert [(s.state, s.days) for s in row.stretches] == [(DayState.BEFORE, 344), (DayState.OBSERVED, 21)]


def test_news():
    """A counter reaches milestones; a rolling window does not."""
    pulls, installs = rows_of(PULLS, {2: 1_900, 1: 1_990, 0: 2_010}), rows_of(INSTALLS, {2: 1_900, 0: 2_010})
    found = build_news(board_of([*pulls, *installs], (PULLS, INSTALLS)), [])
    assert [(item.title, item.text) for item in found] == [
        ("acme/db: 2,000 pulls", "acme/db had 2,010 pulls on 24 November 2026.")
    ]
