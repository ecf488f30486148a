"""Releases: an optional table, created by the first run with a release."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime

import pyarrow as pa

from cmetrics.domain.event import StoredEvent
from tests.store.conftest import Place

AT = datetime(2026, 11, 22, 6, tzinfo=UTC)
ONE = StoredEvent(
    "github:1", "p", date(2026, 10, 6), "v1", "https://github.com/o/r", "github", "v1", prerelease=False, observed_at=AT
)
LATER = replace(ONE, event_id="github:2", day=date(2026, 11, 1), prerelease=True)


def test_a_store_without_the_table_has_no_events(place: Place):
    """Stores of earlier versions keep working, and reading creates no table."""
    store = place.create()
    assert store.events() == []
    store.save_events([])
    assert place.tables() == {"metrics", "stats", "history"}


def test_columns_are_those_of_the_contract(place: Place):
    """Columns follow the fields of the dataclass; days are ISO text."""
    place.create().save_events([ONE])
    assert {field.name: field.type for field in place.raw("events").schema} == {
        "event_id": pa.string(),
        "product": pa.string(),
        "day": pa.string(),
        "label": pa.string(),
        "url": pa.string(),
        "source": pa.string(),
        "tag": pa.string(),
        "prerelease": pa.bool_(),
        "observed_at": pa.timestamp("us", tz="UTC"),
    }


def test_rows_are_read_by_day_and_written_over(place: Place):
    """There is one row per event and product."""
    other = replace(ONE, product="a")
    renamed = replace(ONE, label="v1: The first")
    place.create().save_events([LATER, ONE])
    place.open().save_events([renamed, other])
    assert place.open().events() == [other, renamed, LATER]
    if place.cluster:
        assert place.cluster.unbounded_queries == 0


def test_drop_tables_removes_them(place: Place):
    """Rows of any table count as content, and `bootstrap` removes them."""
    store = place.create()
    store.save_events([ONE])
    assert not store.is_empty()
    store.drop_tables()
    assert place.create().events() == []
