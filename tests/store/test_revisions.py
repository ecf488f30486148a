"""Replaced values: an optional table, created by the first run that replaces one."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import lancedb
import pyarrow as pa
import pytest

from cmetrics.domain.days import DAY
from cmetrics.domain.errors import ExportError, StoreError
from cmetrics.domain.revision import Revision
from cmetrics.export.tables import export_store, read_export
from cmetrics.ingest.quality import check_quality, save_revisions
from cmetrics.store.schema import REVISIONS, STATS, encode
from tests.rules import always, value_differs
from tests.samples import a_metric, a_row
from tests.store.conftest import Place

DAY_0 = date(2026, 11, 2)
AT = datetime(2026, 11, 22, 6, tzinfo=UTC)
ONE = Revision("m", DAY_0, DAY_0 + 2 * DAY, 12, 11, "r1", AT)
TWO = replace(ONE, ingestion_run_id="r2", observed_at=AT + timedelta(days=1), old_value=11, new_value=13)


def test_a_new_store_has_no_revisions(place: Place):
    store = place.create()
    assert store.revisions() == []
    store.save_revisions([])
    store.optimize()
    assert place.tables() == {"metrics", "stats", "history"}


def test_revisions_are_read_newest_first(place: Place):
    place.create().save_revisions([ONE])
    assert place.raw("revisions").schema.names == REVISIONS.schema.names
    assert place.raw("revisions").schema.types == REVISIONS.schema.types
    place.open().save_revisions([TWO])
    place.open().save_revisions([TWO])
    place.open().optimize()
    assert place.open().revisions() == [TWO, ONE]
    assert place.open().revisions(AT + timedelta(hours=1)) == [TWO]
    if place.cluster:
        assert place.cluster.unbounded_queries == 0


def test_drop_tables_removes_revisions(place: Place):
    store = place.create()
    assert store.is_empty()
    store.save_revisions([ONE])
    assert not store.is_empty()
    store.drop_tables()
    assert place.tables() == set()
    assert place.create().revisions() == []


def test_replaced_rows_are_passed_on_with_the_new_ones(place: Place):
    store, metric = place.create(), a_metric("npm")
    seen: list[tuple[int, int]] = []

    def see(old: pa.Table, new: pa.Table) -> None:
        seen.extend(zip(old["value"].to_pylist(), new["value"].to_pylist(), strict=True))

    rows = [a_row(metric, DAY_0 + n * DAY, 10) for n in range(3)]
    store.upsert_observations(rows, always, see)
    assert seen == []
    again = [replace(rows[0], value=12), rows[1], replace(rows[2], value=7)]
    store.upsert_observations(again, value_differs, see)
    assert seen == [(10, 12), (10, 7)]


def test_a_rejected_table_is_a_warning(place: Place):
    store = place.create()
    place.forbid("revisions")
    with pytest.raises(StoreError):
        store.save_revisions([ONE])
    (warning,) = save_revisions(store, [ONE])
    assert warning.startswith("1 revisions were not stored: ")
    assert save_revisions(store, []) == []


def test_revisions_are_exported_and_restored(place: Place, tmp_path):
    store = place.create()
    export_store(store, tmp_path / "without")
    assert not (tmp_path / "without" / "revisions.csv").exists()
    assert read_export(tmp_path / "without").revisions == []
    store.save_revisions([TWO, ONE])
    export_store(store, tmp_path / "with")
    file = tmp_path / "with" / "revisions.csv"
    assert file.read_text().splitlines() == [
        "metric_id,first_day,last_day,old_value,new_value,ingestion_run_id,observed_at",
        "m,2026-11-02,2026-11-04,12,11,r1,2026-11-22T06:00:00.000000+00:00",
        "m,2026-11-02,2026-11-04,11,13,r2,2026-11-23T06:00:00.000000+00:00",
    ]
    assert read_export(tmp_path / "with").revisions == [ONE, TWO]
    file.write_text(file.read_text().replace("2026-11-02,2026-11-04", "2026-11-05,2026-11-04", 1))
    with pytest.raises(ExportError, match="line 2"):
        read_export(tmp_path / "with")


def test_values_that_cannot_be_read_again_are_a_warning(place: Place):
    store, metric = place.create(), a_metric("npm")
    replaced = [tuple(encode([a_row(metric, DAY_0, value)], STATS) for value in (1000, 10))]
    lancedb.connect(str(place.root)).drop_table("stats")
    seen = check_quality(store, [metric], replaced, "r1", AT, DAY_0)
    assert [revision.new_value for revision in seen.revisions] == [10]
    assert store.revisions() == list(seen.revisions)
    assert seen.warnings[0].startswith(f"unusual revision of {metric.metric_id}: 1 settled day")
    assert seen.warnings[1].startswith("the new values could not be compared with their neighbours: ")
