from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from fastapi.testclient import TestClient
from hypothesis import given
from hypothesis import strategies as st

from cmetrics.analytics.columns import to_dates
from cmetrics.api.app import create_app
from cmetrics.catalog import load_catalog
from cmetrics.domain.days import DAY, last_full_month, window
from cmetrics.domain.metric import definition
from cmetrics.queries import Queries, reading
from cmetrics.settings import StoreKind, StoreTarget
from cmetrics.sources import SPECS
from cmetrics.store.lance_store import LanceStore
from tests.rules import value_differs
from tests.samples import a_row

BEFORE = datetime(2026, 11, 22, 23, 59, 59, tzinfo=UTC)
AFTER = BEFORE + timedelta(seconds=2)


def queries_of(folder: Path) -> Queries:
    store = LanceStore.open(StoreTarget(StoreKind.EMBEDDED, str(folder)))
    store.create_tables()
    return Queries(store, load_catalog(None, SPECS), SPECS, now=BEFORE)


def test_the_day_of_queries_changes_only_on_request(tmp_path: Path):
    """All reads of one command are of the same day; a server opens new queries for each request."""
    queries = queries_of(tmp_path)
    later = queries.at(AFTER)
    assert (queries.as_of, later.as_of) == (date(2026, 11, 21), date(2026, 11, 22))
    assert queries.dashboard().generated_at == BEFORE


def test_a_request_around_midnight_describes_one_day(tmp_path: Path):
    """The clock is read once per request, so that `generated_at` and the days of a document agree."""
    queries, moments = queries_of(tmp_path), iter([BEFORE, AFTER])
    client = TestClient(create_app(lambda: queries.at(next(moments))))
    documents = [client.get("/api/v1/dashboard/daily").json() for _ in range(2)]
    assert [d["generated_at"][:10] for d in documents] == ["2026-11-22", "2026-11-23"]
    assert [d["last_30d_download_totals"]["window_end"] for d in documents] == ["2026-11-21", "2026-11-22"]


@given(st.dates(date(2020, 1, 1), date(2030, 12, 31)), st.integers(1, 730))
def test_windows_of_up_to_a_year_read_the_same_span(as_of: date, days: int):
    """The span covers the window, the compared months and twice the longest change, and little more."""
    span = reading(as_of, days)
    assert span.last == as_of
    assert span.first <= min(window(as_of, days), last_full_month(as_of).plus(-12).first, window(as_of, 2 * 90 + 30))
    assert span.days <= max(days + 31, 13 * 31 + 31)
    if days <= 360:
        assert span == reading(as_of, 1)


def test_series_asked_at_once_are_those_asked_one_by_one(tmp_path: Path):
    """However many are answered by one read, each has the rows of its own metric and window."""
    queries, metrics = queries_of(tmp_path), load_catalog(None, SPECS).metrics
    store = LanceStore.open(StoreTarget(StoreKind.EMBEDDED, str(tmp_path)))
    store.save_definitions([definition(metric, BEFORE) for metric in metrics])
    first = window(queries.as_of, 20)
    rows = [a_row(metric, first + n * DAY, 100 * k + n) for k, metric in enumerate(metrics) for n in range(20 - k)]
    store.upsert_observations(rows, value_differs)
    requests = [(metric.metric_id, days) for metric in metrics for days in (1, 5, 19, 40)]
    with ThreadPoolExecutor(16) as pool:
        found = list(pool.map(lambda one: queries.series(*one), [*requests, ("unknown", 5)]))
    assert found.pop() is None
    for (metric_id, days), table in zip(requests, found, strict=True):
        assert table is not None
        since = window(queries.as_of, days)
        expected = [row for row in rows if row.metric_id == metric_id and row.period_end >= since]
        assert to_dates(table.days) == [row.period_end for row in expected]
        assert table.values.tolist() == [row.value for row in expected]
