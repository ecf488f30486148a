from __future__ import annotations

import json
from datetime import date
from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from cmetrics.analytics.chart import ChartKind
from cmetrics.analytics.model import DayPoint, DayPoints, PointKind
from cmetrics.analytics.periods import WEEKS, flow_periods, stock_periods
from cmetrics.charts.data import chart_document
from cmetrics.charts.words import provenance_text
from cmetrics.domain.days import DAY, Month
from tests.boards import AS_OF, a_chart, a_month, a_seed, a_series, an_event, points_of

FLOW, STOCK = ChartKind.FLOW, ChartKind.STOCK
COUNTED = st.tuples(
    st.integers(0, 10**15),
    st.sampled_from([PointKind.OBSERVED, PointKind.RECONSTRUCTED, PointKind.ESTIMATED]),
    st.sampled_from(["api_daily", "recomputed", "csv_seed", ""]),
)
DAYS = st.dictionaries(st.dates(date(2026, 8, 1), AS_OF), COUNTED, min_size=1, max_size=60)


def series_of(kind, **changes):
    (series,) = chart_document(a_chart(kind, a_series(**changes)))["series"]
    return series


@settings(deadline=None)
@given(DAYS)
def test_values_by_day_are_the_points_and_null_where_there_is_none(values):
    points = DayPoints.of(DayPoint(day, *values[day]) for day in sorted(values))
    days = series_of(STOCK, days=points)["day"]
    start = date.fromisoformat(days["start"])
    found = {start + n * DAY: value for n, value in enumerate(days["values"]) if value is not None}
    assert found == {point.day: point.value for point in points}
    assert days["values"][0] is not None
    assert days["values"][-1] is not None


@settings(deadline=None)
@given(DAYS)
def test_notes_run_over_all_values_and_say_of_each_how_it_came_about(values):
    points = {day: DayPoint(day, *values[day]) for day in sorted(values)}
    days = series_of(STOCK, days=DayPoints.of(points.values()))["day"]
    start = date.fromisoformat(days["start"])
    assert sum(count for count, _, _ in days["notes"]) == len(days["values"])
    assert all(before[1:] != after[1:] for before, after in pairwise(days["notes"]))
    unrolled = [(kind, text) for count, kind, text in days["notes"] for _ in range(count)]
    for n, note in enumerate(unrolled):
        point = points.get(start + n * DAY)
        assert note == ((point.kind.value, provenance_text(point.kind, point.provenance)) if point else ("", ""))


def test_a_series_without_days_has_none():
    series = series_of(FLOW)
    assert (series["day"], series["week"], series["month"]) == (None, [], [])


def test_periods_tell_whether_they_are_whole_and_what_is_missing():
    october, november = Month(2026, 10), Month(2026, 11)
    months = (
        a_seed(date(2026, 9, 30), 400),
        a_month(october, 310),
        a_month(october, 290, missing=2),
        a_month(november, 220, missing=8, is_running=True),
    )
    snapshot = "a snapshot published before daily collection began"
    assert series_of(FLOW, months=months)["month"] == [
        ["2026-09-30", "2026-09-30", 400, 1, "seeded", "in about 30 days up to 30 September 2026", "", snapshot],
        ["2026-10-01", "2026-10-31", 310, 1, "observed", "in October 2026", "", "read by the nightly run"],
        [
            "2026-10-01",
            "2026-10-31",
            290,
            0,
            "observed",
            "in October 2026",
            "29 of 31 days, 2 missing",
            "read by the nightly run",
        ],
        [
            "2026-11-01",
            "2026-11-30",
            220,
            0,
            "observed",
            "in November 2026",
            "22 of 30 days so far",
            "read by the nightly run",
        ],
    ]


def test_weeks_of_downloads_and_of_stars_read_differently():
    points = points_of({date(2026, 11, 9) + n * DAY: 5 for n in range(7)})
    downloads = series_of(FLOW, weeks=flow_periods(points, WEEKS, AS_OF))
    stars = series_of(STOCK, weeks=stock_periods(points, WEEKS, AS_OF))
    assert downloads["week"][0][2:7] == [35, 1, "observed", "in the week from 9 November 2026", ""]
    assert stars["week"][0][2:7] == [5, 1, "observed", "at the end of 15 November 2026", ""]


def test_a_running_period_of_stars_is_so_far():
    points = points_of({date(2026, 11, 17): 5})
    (week,) = series_of(STOCK, weeks=stock_periods(points, WEEKS, date(2026, 11, 18)))["week"]
    assert week[2:7] == [5, 0, "observed", "so far", ""]


def test_a_document_says_what_the_chart_is_and_of_which_series():
    events = [an_event(date(2026, 11, 1), label="a <b>"), an_event(date(2026, 11, 2), url=None)]
    total = a_series("All", metric_id=None, tone="total")
    document = chart_document(a_chart(STOCK, total, a_series("x"), events=events))
    assert (document["key"], document["title"], document["kind"]) == ("key", "Title", "stock")
    assert document["asOf"] == "2026-11-22"
    assert document["events"] == [
        {"day": "2026-11-01", "label": "a <b>"},
        {"day": "2026-11-02", "label": "Release 1.0"},
    ]
    named = [(one["key"], one["id"], one["name"], one["tone"]) for one in document["series"]]
    assert named == [("All", None, "All", "total"), ("x", "downloads:p:x", "x", "python")]
    assert {(one["subject"], one["source"]) for one in document["series"]} == {("lance", "pypistats.org")}


@settings(deadline=None)
@given(DAYS)
def test_a_document_is_json(values):
    points = DayPoints.of(DayPoint(day, *values[day]) for day in sorted(values))
    document = chart_document(
        a_chart(STOCK, a_series(days=points, weeks=stock_periods(points, WEEKS, AS_OF)), events=[an_event()])
    )
    assert json.loads(json.dumps(document, allow_nan=False)) == document
