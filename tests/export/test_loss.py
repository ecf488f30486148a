"""What an export refuses to lose, and what is noticed when it is read back."""

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


def test_an_export_says_how_many_values_are_new_and_how_many_were_revised(tmp_path):
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


def test_an_export_that_would_lose_rows_is_refused_and_names_them(tmp_path):
    export_store(a_store(tmp_path / "whole", *ROWS), tmp_path / "out")
    held = {path: path.read_bytes() for path in (tmp_path / "out").rglob("*.csv")}
    poorer = a_store(tmp_path / "poorer", *ROWS[2:5])
    with pytest.raises(ExportError, match=r"downloads:p:nodejs: 2 days \(2026-11-01, 2026-11-02\)") as refused:
        export_store(poorer, tmp_path / "out")
    assert "downloads:p:rust: 1 day (2026-11-01)" in str(refused.value)
    assert "--allow-loss" in str(refused.value)
    assert {path: path.read_bytes() for path in (tmp_path / "out").rglob("*.csv")} == held
    export_store(poorer, tmp_path / "out", allow_loss=True)
    assert decode_observations(read_export(tmp_path / "out").stats) == ROWS[2:5]


def test_runs_and_definitions_are_rows_too(tmp_path):
    store = a_store(tmp_path / "store", *ROWS)
    store.save_run(Run("refresh-2", "refresh", RunStatus.SUCCESS, AT, AT))
    store.save_run(Run("refresh-3", "refresh", RunStatus.RUNNING, AT, None))
    export_store(store, tmp_path / "out")
    other = a_store(tmp_path / "other", *ROWS)
    # A run that was under way is not restored, so it is no loss.
    with pytest.raises(ExportError, match=r"history: 1 run \(refresh-2\)"):
        export_store(other, tmp_path / "out")


def test_the_file_of_a_metric_that_is_gone_goes_only_with_allow_loss(tmp_path):
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
    ("spoil", "says"),
    [
        (lambda data: data[:-20], r"downloads-p-nodejs\.csv, line 6: .* is not a row"),
        (lambda data: data.replace(b",102,", b",1O2,"), "line 4: "),
        (lambda data: data.replace(b"refresh-1", b'"refresh-1', 1), "line 2: "),
        (lambda data: data.replace(b"npm:", b"\xff\xfe:", 1), "line 2: bytes that are not UTF-8"),
        (lambda data: b"", "line 1: the header"),
        # Cut off at the end of a line, or a digit that is another one: only the index tells.
        (lambda data: b"".join(data.splitlines(keepends=True)[:-2]), "line 4: the file ends here.* 5 rows"),
        (lambda data: data.replace(b",102,", b",103,"), "lines 2 to 6: these are not the 5 rows that were exported"),
    ],
)
def test_a_damaged_file_is_refused_with_its_name_and_line(tmp_path, spoil, says):
    export_store(a_store(tmp_path / "store", *ROWS), tmp_path / "out")
    file = tmp_path / "out" / "stats" / "downloads-p-nodejs.csv"
    file.write_bytes(spoil(file.read_bytes()))
    with pytest.raises(ExportError, match=says) as refused:
        read_export(tmp_path / "out")
    assert str(file) in str(refused.value)


def test_a_missing_file_is_noticed_and_an_export_without_an_index_is_read_as_it_is(tmp_path):
    export_store(a_store(tmp_path / "store", *ROWS), tmp_path / "out")
    file = tmp_path / "out" / "stats" / "downloads-p-nodejs.csv"
    file.unlink()
    with pytest.raises(ExportError, match="is missing"):
        read_export(tmp_path / "out")
    (tmp_path / "out" / MANIFEST).unlink()
    assert decode_observations(read_export(tmp_path / "out").stats) == ROWS[5:]


def test_an_export_is_not_written_over_a_damaged_one_unless_loss_is_allowed(tmp_path):
    store = a_store(tmp_path / "store", *ROWS)
    export_store(store, tmp_path / "out")
    file = tmp_path / "out" / "stats" / "downloads-p-rust.csv"
    file.write_text("<<<<<<< HEAD\n")
    with pytest.raises(ExportError, match="line 1"):
        export_store(store, tmp_path / "out")
    export_store(store, tmp_path / "out", allow_loss=True)
    assert decode_observations(read_export(tmp_path / "out").stats) == ROWS


def test_of_two_stores_values_the_newer_stays_but_never_a_worse_kind():
    old, new = a_row(NPM, DAY_0, 5), a_row(NPM, DAY_0, 6, observed_at=AT)
    assert decide(newer_wins, old, new)
    assert not decide(newer_wins, new, old)
    assert not decide(newer_wins, old, old)
    stars = a_metric("github")
    counted = a_row(stars, DAY_0, 9, source_ref="github:owner/name#1")
    worked_out = a_row(stars, DAY_0, 8, source_ref="github-history:owner/name#1", observed_at=AT)
    assert not decide(newer_wins, counted, worked_out)
    assert decide(newer_wins, worked_out, counted)
    stand_in = a_row(NPM, DAY_0, 8, source_ref="clickpy:x", observed_at=AT)
    assert not decide(newer_wins, old, stand_in)
    # A total order: whichever store merges the other, both end with the same row.
    same_time = a_row(NPM, DAY_0, 7)
    assert decide(newer_wins, old, same_time) != decide(newer_wins, same_time, old)
