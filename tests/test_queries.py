from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from fastapi.testclient import TestClient

from cmetrics.api.app import create_app
from cmetrics.catalog import load_catalog
from cmetrics.queries import Queries
from cmetrics.settings import StoreKind, StoreTarget
from cmetrics.sources import SPECS
from cmetrics.store.lance_store import LanceStore

BEFORE = datetime(2026, 11, 22, 23, 59, 59, tzinfo=UTC)
AFTER = BEFORE + timedelta(seconds=2)


def queries_of(folder: Path) -> Queries:
    store = LanceStore.open(StoreTarget(StoreKind.EMBEDDED, str(folder)))
    store.create_tables()
    return Queries(store, load_catalog(None, SPECS), SPECS, now=BEFORE)


def test_queries_describe_one_day_and_another_one_only_when_asked(tmp_path: Path):
    """Every read of one command is of the same day; a server opens new ones for each request."""
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
