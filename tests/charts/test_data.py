from __future__ import annotations

import json
from collections import defaultdict
from datetime import date
from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from cmetrics.analytics.chart import ChartKind
from cmetrics.analytics.model import DayPoint, DayPoints, PointKind
from cmetrics.analytics.periods import MONTHS, WEEKS, flow_periods, stock_periods
from cmetrics.charts.data import Member, chart_document, days_script
from cmetrics.charts.words import provenance_text
from cmetrics.domain.days import DAY, Month
from tests.boards import AS_OF, a_chart, a_month, a_seed, a_series, an_event, points_of

NAMES = defaultdict(lambda: "other", {"downloads:p:x": "downloads-p-x", "downloads:p:python": "downloads-p-python"})
FLOW, STOCK = ChartKind.FLOW, ChartKind.STOCK
COUNTED = st.tuples(
    st.integers(0, 10**15),
    st.sampled_from([PointKind.OBSERVED, PointKind.RECONSTRUCTED, PointKind.ESTIMATED]),
    st.sampled_from(["api_daily", "recomputed", "csv_seed", ""]),
)
DAYS = st.dictionaries(st.dates(date(2026, 8, 1), AS_OF), COUNTED, min_size=1, max_size=60)


def series_of(kind, **changes):
    (series,) = chart_document(a_chart(kind, a_series(**changes)), NAMES)["series"]
    return series


def days_of(points, weeks=()) -> dict:
    """Return the document in the script of a series."""
    text = days_script("a-b", points, weeks).decode()
    assert text.startswith('cmetricsDays("a-b",{')
    assert text.endswith("});\n")
    return json.loads(text.removeprefix('cmetricsDays("a-b",').removesuffix(");\n"))


@settings(deadline=None)
@given(DAYS)
def test_values_by_day_are_the_points_or_null(values):
    points = DayPoints.of(DayPoint(day, *values[day]) for day in sorted(values))
    days = days_of(points)
    start = date.fromisoformat(days["start"])
    found = {start + n * DAY: value for n, value in enumerate(days["values"]) if value is not None}
    assert found == {point.day: point.value for point in points}
    assert days["values"][0] is not None
    assert days["values"][-1] is not None


@settings(deadline=None)
@given(DAYS)
def test_notes_cover_all_values_with_their_origin(values):
    points = {day: DayPoint(day, *values[day]) for day in sorted(values)}
    days = days_of(DayPoints.of(points.values()))
    start = date.fromisoformat(days["start"])
    assert sum(count for count, _, _ in days["notes"]) == len(days["values"])
    assert all(before[1:] != after[1:] for before, after in pairwise(days["notes"]))
    unrolled = [(kind, text) for count, kind, text in days["notes"] for _ in range(count)]
    for n, note in enumerate(unrolled):
        point = points.get(start + n * DAY)
        assert note == ((point.kind.value, provenance_text(point.kind, point.provenance)) if point else ("", ""))


def test_a_series_without_days_has_none():
    series = series_of(FLOW)
    assert (series["days"], series["week"], series["month"], series["seeds"]) == (None, None, None, None)
    assert "values" not in json.dumps(series)


def test_a_series_names_the_file_with_its_days():
    days = points_of({AS_OF: 5})
    assert series_of(FLOW, days=days, metric_id="downloads:p:x")["days"] == "downloads-p-x"
    assert series_of(STOCK, days=days, metric_id=None, key="all-stars")["days"] == "_all-stars"


def test_days_of_a_sum():
    """A sum has the days of all metrics, partial sums on the other days, and the missing days of each metric."""
    first = AS_OF - 4 * DAY
    one = points_of({first: 1, first + DAY: 2, first + 3 * DAY: 4, AS_OF: 5})
    two = points_of({first + DAY: 20, first + 2 * DAY: 30, first + 3 * DAY: 40})
    both = points_of({first: 1, first + DAY: 22, first + 3 * DAY: 44})
    script = days_script("_sum", both, members=[Member("one", "a", one), Member("two", "b", two)])
    document = json.loads(script.removeprefix(b'cmetricsDays("_sum",').removesuffix(b");\n"))
    assert document["values"] == [1, 22, None, 44]
    assert document["partial"] == [[2, 30], [4, 5]]
    assert document["members"] == [
        {"name": "one", "file": "a", "first": 0, "last": 4, "missing": [[2, 1]]},
        {"name": "two", "file": "b", "first": 1, "last": 3, "missing": []},
    ]


def test_periods_are_columns_with_missing_days():
    months = (
        a_seed(date(2026, 6, 30), 400),
        a_month(Month(2026, 7), 310),
        a_month(Month(2026, 9), 290, missing=2),
        a_month(Month(2026, 10), 300),
        a_month(Month(2026, 11), 220, missing=8, is_running=True),
    )
    series = series_of(FLOW, months=months)
    assert series["seeds"] == [["2026-06-30", "2026-06-30", 400, "a total published before daily data"]]
    note = ["observed", "collected by the nightly run"]
    assert series["month"] == {
        "start": "2026-07-01",
        "values": [310, None, 290, 300, 220],
        "notes": [[1, *note], [1, "", ""], [3, *note]],
        "partial": [[2, 28], [4, 22]],
    }


def test_weeks_are_consecutive():
    """A week without a value is included."""
    points = points_of({date(2026, 11, 2): 5, date(2026, 11, 18): 6})
    weeks = days_of(points, flow_periods(points, WEEKS, AS_OF))["week"]
    assert (weeks["start"], weeks["values"], weeks["partial"]) == ("2026-11-02", [5, None, 6], [[0, 1], [2, 1]])


def test_running_stock():
    """The current period of a stock is partial and has no number of days."""
    points = points_of({date(2026, 11, 15): 4, date(2026, 11, 17): 5})
    weeks = days_of(points, stock_periods(points, WEEKS, date(2026, 11, 18)))["week"]
    assert (weeks["values"], weeks["partial"]) == ([4, 5], [[1, None]])


def test_a_document_describes_the_chart_and_its_series():
    events = [an_event(date(2026, 11, 1), label="a <b>"), an_event(date(2026, 11, 2), url=None)]
    total = a_series("All", metric_id=None, tone="total")
    document = chart_document(a_chart(STOCK, total, a_series("x"), events=events), NAMES)
    assert (document["key"], document["title"], document["kind"]) == ("key", "Title", "stock")
    assert document["asOf"] == "2026-11-22"
    assert document["events"] == [
        {"day": "2026-11-01", "label": "a <b>", "url": "https://example.com/", "effect": None},
        {"day": "2026-11-02", "label": "Release 1.0", "url": None, "effect": None},
    ]
    named = [(one["key"], one["id"], one["name"], one["tone"]) for one in document["series"]]
    assert named == [("All", None, "All", "total"), ("x", "downloads:p:x", "x", "python")]
    assert {(one["subject"], one["source"]) for one in document["series"]} == {("lance", "pypistats.org")}


@settings(deadline=None)
@given(DAYS)
def test_a_document_is_json(values):
    points = DayPoints.of(DayPoint(day, *values[day]) for day in sorted(values))
    document = chart_document(
        a_chart(STOCK, a_series(days=points, months=stock_periods(points, MONTHS, AS_OF)), events=[an_event()]),
        NAMES,
    )
    assert json.loads(json.dumps(document, allow_nan=False)) == document
