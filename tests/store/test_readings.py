"""Counts of the parts of a subject: an optional table, created by the first run with a part."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime

import pyarrow as pa

from cmetrics.domain.days import DAY
from cmetrics.domain.reading import StoredReading
from tests.store.conftest import Place

AT = datetime(2026, 11, 23, 6, tzinfo=UTC)
ONE = StoredReading("downloads:p:files", "44421", "app.tar.gz", date(2026, 11, 22), 5, AT, AT - 40 * DAY, "refresh-1")
LATER = replace(ONE, period_end=date(2026, 11, 23), value=9, observed_at=AT + DAY, created_at=None)
OTHER = replace(ONE, metric_id="downloads:q:files")


def test_a_store_without_the_table_has_no_readings(place: Place):
    """Stores of earlier versions keep working, and reading creates no table."""
    store = place.create()
    assert store.readings() == []
    assert store.readings(["x"]) == []
    store.save_readings([])
    assert place.tables() == {"metrics", "stats", "history"}


def test_columns(place: Place):
    """Columns follow the fields of the dataclass; days are ISO text."""
    place.create().save_readings([ONE])
    assert {field.name: field.type for field in place.raw("readings").schema} == {
        "metric_id": pa.string(),
        "identity": pa.string(),
        "name": pa.string(),
        "period_end": pa.string(),
        "value": pa.int64(),
        "observed_at": pa.timestamp("us", tz="UTC"),
        "created_at": pa.timestamp("us", tz="UTC"),
        "ingestion_run_id": pa.string(),
    }


def test_rows_are_read_by_metric_and_day_and_written_over(place: Place):
    """There is one row per metric, part and day."""
    place.create().save_readings([LATER, ONE, OTHER])
    revised = replace(LATER, value=10)
    place.open().save_readings([revised])
    assert place.open().readings() == [ONE, revised, OTHER]
    assert place.open().readings([OTHER.metric_id, "x"]) == [OTHER]
    if place.cluster:
        assert place.cluster.unbounded_queries == 0


def test_removal(place: Place):
    """`forget` and `rename` remove them together with other rows of the metric."""
    store = place.create()
    store.save_readings([ONE, LATER, OTHER])
    store.remove_metric(ONE.metric_id)
    assert store.readings() == [OTHER]
