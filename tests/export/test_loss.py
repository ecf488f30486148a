"""Protection against lost rows, and detection of damaged exports."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from cmetrics.domain.days import DAY
from cmetrics.domain.errors import ExportError
from cmetrics.domain.metric import definition
from cmetrics.domain.run import Run, RunStatus
from cmetrics.export.manifest import MANIFEST
from cmetrics.export.tables import export_store, read_export
from cmetrics.ingest.reconcile import differs, newer_wins
from cmetrics.settings import StoreKind, StoreTarget
from cmetrics.store.lance_store import LanceStore
from cmetrics.store.schema import decode_observations
from tests.rules import decide
from tests.samples import a_metric, a_row

DAY_0 = date(2026, 11, 1)
NPM = a_metric("npm")
CRATE = a_metric("cratesio")
AT = datetime(2026, 11, 20, 6, tzinfo=UTC)


def a_store(folder: Path, *rows) -> LanceStore:
    folder.mkdir()
    store = LanceStore.open(StoreTarget(StoreKind.EMBEDDED, str(folder)))
    store.create_tables()
    store.save_definitions([definition(metric, AT) for metric in (NPM, CRATE)])
    store.save_run(Run("refresh-1", "refresh", RunStatus.SUCCESS, AT, AT + timedelta(seconds=9)))
    store.upsert_observations(rows, differs)
    return store


ROWS = [a_row(NPM, DAY_0 + n * DAY, 100 + n) for n in range(5)] + [a_row(CRATE, DAY_0, 7)]


def test_an_export_counts_new_and_revised_values(tmp_path):
    store = a_store(tmp_path / "store", *ROWS)
    first = export_store(store, tmp_path / "out")
    assert (first.new, first.revised) == (6, 0)
    before = {path.name: path.read_bytes() for path in first.files}
    again = export_store(store, tmp_path / "out")
    assert (again.new, again.revised) == (0, 0)
    assert {path.name: path.read_bytes() for path in again.files} == before
    store.upsert_observations([a_row(NPM, DAY_0, 1), a_row(NPM, DAY_0 + 9 * DAY, 5)], differs)
    later = export_store(store, tmp_path / "out")
    assert (later.new, later.revised) == (1, 1)


def test_an_export_that_would_lose_rows_is_rejected_and_names_them(tmp_path):
    export_store(a_store(tmp_path / "whole", *ROWS), tmp_path / "out")
    before = {path: path.read_bytes() for path in (tmp_path / "out").rglob("*.csv")}
    poorer = a_store(tmp_path / "poorer", *ROWS[2:5])
    with pytest.raises(ExportError, match=r"downloads:p:nodejs: 2 days \(2026-11-01, 2026-11-02\)") as refused:
        export_store(poorer, tmp_path / "out")
    assert "downloads:p:rust: 1 day (2026-11-01)" in str(refused.value)
    assert "--allow-loss" in str(refused.value)
    assert {path: path.read_bytes() for path in (tmp_path / "out").rglob("*.csv")} == before
    export_store(poorer, tmp_path / "out", allow_loss=True)
    assert decode_observations(read_export(tmp_path / "out").stats) == ROWS[2:5]


def test_lost_runs_and_definitions_are_detected(tmp_path):
    store = a_store(tmp_path / "store", *ROWS)
    store.save_run(Run("refresh-2", "refresh", RunStatus.SUCCESS, AT, AT))
    store.save_run(Run("refresh-3", "refresh", RunStatus.RUNNING, AT, None))
    export_store(store, tmp_path / "out")
    other = a_store(tmp_path / "other", *ROWS)
    # An unfinished run is not restored and is not counted as lost.
    with pytest.raises(ExportError, match=r"history: 1 run \(refresh-2\)"):
        export_store(other, tmp_path / "out")


def test_the_file_of_a_removed_metric_is_deleted_only_with_allow_loss(tmp_path):
    export_store(a_store(tmp_path / "whole", *ROWS), tmp_path / "out")
    poorer = tmp_path / "poorer"
    poorer.mkdir()
    store = LanceStore.open(StoreTarget(StoreKind.EMBEDDED, str(poorer)))
    store.create_tables()
    store.upsert_observations(ROWS[:5], differs)
    export_store(store, tmp_path / "out", allow_loss=True)
    assert sorted(path.name for path in (tmp_path / "out" / "stats").iterdir()) == ["downloads-p-nodejs.csv"]
    read_export(tmp_path / "out")


@pytest.mark.parametrize(
    ("damage", "expected"),
    [
        (lambda data: data[:-20], r"downloads-p-nodejs\.csv, line 6: .* is not a row"),
        (lambda data: data.replace(b",102,", b",1O2,"), "line 4: "),
        (lambda data: data.replace(b"refresh-1", b'"refresh-1', 1), "line 2: "),
        (lambda data: data.replace(b"npm:", b"\xff\xfe:", 1), "line 2: bytes that are not UTF-8"),
        (lambda data: b"", "line 1: the header"),
        # A file truncated at a line end, or a changed digit, which only the index detects.
        (lambda data: b"".join(data.splitlines(keepends=True)[:-2]), "line 4: the file ends here.* 5 rows"),
        (lambda data: data.replace(b",102,", b",103,"), "lines 2 to 6: these are not the 5 rows that were exported"),
    ],
)
def test_a_damaged_file_is_rejected_with_its_name_and_line(tmp_path, damage, expected):
    export_store(a_store(tmp_path / "store", *ROWS), tmp_path / "out")
    file = tmp_path / "out" / "stats" / "downloads-p-nodejs.csv"
    file.write_bytes(damage(file.read_bytes()))
    with pytest.raises(ExportError, match=expected) as refused:
        read_export(tmp_path / "out")
    assert str(file) in str(refused.value)


def test_a_missing_file_is_detected_only_with_an_index(tmp_path):
    export_store(a_store(tmp_path / "store", *ROWS), tmp_path / "out")
    file = tmp_path / "out" / "stats" / "downloads-p-nodejs.csv"
    file.unlink()
    with pytest.raises(ExportError, match="is missing"):
        read_export(tmp_path / "out")
    (tmp_path / "out" / MANIFEST).unlink()
    assert decode_observations(read_export(tmp_path / "out").stats) == ROWS[5:]


def test_a_damaged_export_is_overwritten_only_if_loss_is_allowed(tmp_path):
    store = a_store(tmp_path / "store", *ROWS)
    export_store(store, tmp_path / "out")
    file = tmp_path / "out" / "stats" / "downloads-p-rust.csv"
    file.write_text("<<<<<<< HEAD\n")
    with pytest.raises(ExportError, match="line 1"):
        export_store(store, tmp_path / "out")
    export_store(store, tmp_path / "out", allow_loss=True)
    assert decode_observations(read_export(tmp_path / "out").stats) == ROWS


def test_the_newer_of_two_values_is_kept_unless_it_is_of_a_worse_kind():
    old, new = a_row(NPM, DAY_0, 5), a_row(NPM, DAY_0, 6, observed_at=AT)
    assert decide(newer_wins, old, new)
    assert not decide(newer_wins, new, old)
    assert not decide(newer_wins, old, old)
    stars = a_metric("github")
    counted = a_row(stars, DAY_0, 9, source_ref="github:owner/name#1")
    worked_out = a_row(stars, DAY_0, 8, source_ref="github-history:owner/name#1", observed_at=AT)
    assert not decide(newer_wins, counted, worked_out)
    assert decide(newer_wins, worked_out, counted)
    replacement = a_row(NPM, DAY_0, 8, source_ref="clickpy:x", observed_at=AT)
    assert not decide(newer_wins, old, replacement)
    # The order is total: a merge in either direction gives the same row.
    same_time = a_row(NPM, DAY_0, 7)
    assert decide(newer_wins, old, same_time) != decide(newer_wins, same_time, old)
