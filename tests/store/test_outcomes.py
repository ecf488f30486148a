"""Outcomes of metrics: an optional table, created by the first run with a row for it."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pyarrow as pa
import pytest

from cmetrics.domain.errors import StoreError
from cmetrics.domain.outcome import Outcome
from cmetrics.domain.run import MetricStatus
from cmetrics.settings import StoreKind
from cmetrics.store.inspect import inspect_tables
from tests.store.conftest import Place

AT = datetime(2026, 11, 22, 6, tzinfo=UTC)
ONE = Outcome("r1", "m", MetricStatus.OK, date(2026, 11, 8), date(2026, 11, 21), 14, 0, None, AT)
FAILED = replace(ONE, metric_id="n", status=MetricStatus.FAILED, days_stored=0, error="npm is down")
LATER = replace(ONE, ingestion_run_id="r2", observed_at=AT + timedelta(days=1))
SKIPPED = Outcome("r2", "n", MetricStatus.SKIPPED, None, None, 0, 0, None, AT + timedelta(days=1))


def test_a_store_without_the_table_has_no_outcomes(place: Place):
    """Stores of earlier versions keep working, and reading creates no table."""
    store = place.create()
    assert store.outcomes() == []
    assert store.outcomes(AT, ["m"]) == []
    store.save_outcomes([])
    assert place.tables() == {"metrics", "stats", "history"}


def test_columns_are_those_of_the_contract(place: Place):
    """Columns follow the fields of the dataclass; days are ISO text."""
    place.create().save_outcomes([ONE])
    assert {field.name: field.type for field in place.raw("outcomes").schema} == {
        "ingestion_run_id": pa.string(),
        "metric_id": pa.string(),
        "status": pa.string(),
        "requested_from": pa.string(),
        "requested_to": pa.string(),
        "days_stored": pa.int64(),
        "pending_days": pa.int64(),
        "error": pa.string(),
        "observed_at": pa.timestamp("us", tz="UTC"),
    }


def test_rows_are_read_newest_first_and_narrowed(place: Place):
    """There is one row per run and metric, however often it is written."""
    place.create().save_outcomes([ONE, FAILED])
    place.open().save_outcomes([LATER, SKIPPED])
    place.open().save_outcomes([LATER, SKIPPED])
    place.open().optimize()
    store = place.open()
    assert store.outcomes() == [LATER, SKIPPED, ONE, FAILED]
    assert store.outcomes(AT + timedelta(hours=1)) == [LATER, SKIPPED]
    assert store.outcomes(metric_ids=["n"]) == [SKIPPED, FAILED]
    assert store.outcomes(metric_ids=[]) == []
    if place.cluster:
        assert place.cluster.unbounded_queries == 0


def test_drop_tables_removes_them(place: Place):
    """Rows of any table count as content, and `bootstrap` removes them."""
    store = place.create()
    assert store.is_empty()
    store.save_outcomes([ONE])
    assert not store.is_empty()
    store.drop_tables()
    assert place.tables() == set()
    assert place.create().outcomes() == []


def test_inspection_calls_the_table_optional(place: Place):
    """`doctor` does not report a missing optional table."""
    place.create()
    if place.open().target.kind is StoreKind.EMBEDDED:
        (facts,) = (facts for facts in inspect_tables(place.open().target) if facts.name == "outcomes")
        assert (facts.exists, facts.is_optional) == (False, True)


def test_a_status_of_a_newer_version_is_an_error(place: Place):
    """The error names the table and the next step."""
    store = place.create()
    store.save_outcomes([ONE])
    changed = place.raw("outcomes").to_arrow().set_column(2, "status", pa.array(["postponed"]))
    place.raw("outcomes").merge_insert(["ingestion_run_id", "metric_id"]).when_matched_update_all().execute(changed)
    with pytest.raises(StoreError, match=r"table 'outcomes' contains a value.*update cmetrics"):
        place.open().outcomes()
