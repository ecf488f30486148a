"""An export preserves every row; anything else is rejected without showing its content."""

from __future__ import annotations

import csv
import os
from contextlib import suppress
from dataclasses import fields, replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from cmetrics.domain.errors import ExportError
from cmetrics.domain.metric import Definition
from cmetrics.domain.observation import Observation
from cmetrics.domain.run import Run
from cmetrics.export.restore import restore
from cmetrics.export.tables import export_store, read_export, stats_csv
from cmetrics.ingest.progress import NoProgress
from cmetrics.ingest.reconcile import differs
from cmetrics.settings import Settings, StoreKind, StoreTarget
from cmetrics.store.lance_store import LanceStore
from cmetrics.store.schema import STATS, decode_observations, encode
from tests.depth import deep
from tests.rules import always
from tests.samples import a_metric, a_row

AT = datetime(2026, 11, 23, 7, tzinfo=UTC)
DAY_0 = date(2026, 11, 2)
#: Prefixes that spreadsheets treat as formulas, and characters that CSV must quote.
FORMULAS = (
    "=1+1",
    "+1",
    "-1",
    "@SUM(A1)",
    "\t=1",
    '=HYPERLINK("http://example.com")',
    'a,"b"',
    "a\nb",
    "a\r\nb",
    "a\rb",
    " ",
)
TEXTS = st.sampled_from(FORMULAS) | st.text(
    st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), min_size=1, max_size=12
)
MOMENTS = st.integers(0, 7_000_000_000).map(lambda seconds: datetime.fromtimestamp(seconds, UTC))


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> LanceStore:
    made = LanceStore.open(StoreTarget(StoreKind.EMBEDDED, str(tmp_path_factory.mktemp("store"))))
    made.create_tables()
    return made


@settings(max_examples=deep(20), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@example(texts=list(FORMULAS[:5]), days={DAY_0}, value=0, at=AT)
@example(texts=list(FORMULAS[5:10]), days={DAY_0}, value=0, at=AT)
@example(texts=["a\rb"] * 5, days={DAY_0}, value=0, at=AT)
@given(
    texts=st.lists(TEXTS, min_size=5, max_size=5),
    days=st.sets(st.dates(date(1990, 1, 1), date(2199, 12, 31)), min_size=1, max_size=5),
    value=st.integers(0, 10**15 - 1),
    at=MOMENTS,
)
def test_any_rows_are_restored_unchanged(store, tmp_path_factory, texts, days, value, at):
    name, window, run_id, ref, error = texts
    rows = [Observation(name, day, day, at, value, "api_daily", window, run_id, ref) for day in sorted(days)]
    definition = Definition(
        name, "downloads", window, ref, None, "npm", "x", "count", is_active=True, display_name=error, created_at=at
    )
    run = Run(run_id, "refresh", "failed", at, at + timedelta(seconds=1), 1, 2, error)
    store.drop_tables()
    store.create_tables()
    store.upsert_observations(rows, differs)
    store.save_definitions([definition])
    store.save_run(run)
    folder = tmp_path_factory.mktemp("export")
    written = export_store(store, folder).files
    assert all(path.resolve().is_relative_to(folder.resolve()) for path in written)
    found = read_export(folder)
    assert (found.definitions, found.runs, decode_observations(found.stats)) == ([definition], [run], rows)


@settings(max_examples=deep(6), deadline=None)
@given(
    texts=st.lists(TEXTS, min_size=3, max_size=3),
    days=st.sets(st.dates(date(1990, 1, 1), date(2199, 12, 31)), min_size=1, max_size=5),
    at=MOMENTS,
)
def test_a_restored_export_is_exported_as_the_same_bytes(tmp_path_factory, texts, days, at):
    folder, (name, run_id, ref) = tmp_path_factory.mktemp("round"), texts
    one = LanceStore.open(_at(folder / "one"))
    one.create_tables()
    rows = [Observation(name, day, day, at, n, "api_daily", "1d", run_id, ref) for n, day in enumerate(sorted(days))]
    one.upsert_observations(rows, differs)
    one.save_run(Run(run_id, "refresh", "success", at, at, 1, 0, None))
    export_store(one, folder / "first")
    other = Settings(_at(folder / "other"), None)
    restore(other, folder / "first", now=AT, progress=NoProgress())
    export_store(LanceStore.open(other.store), folder / "second")
    for path in (folder / "first" / "stats").iterdir():
        assert (folder / "second" / "stats" / path.name).read_bytes() == path.read_bytes()
    again = read_export(folder / "second")
    assert decode_observations(again.stats) == rows
    assert {run.ingestion_run_id for run in again.runs} > {run_id}


@settings(deadline=None, max_examples=deep(150), suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(line=st.lists(TEXTS | st.sampled_from(["2026-01-01", "5", "2026-01-01T00:00:00+00:00"]), max_size=11))
def test_any_line_is_a_row_or_a_named_error(tmp_path_factory, line):
    folder = tmp_path_factory.getbasetemp() / "any-ledger"
    (folder / "stats").mkdir(parents=True, exist_ok=True)
    for kind, name in ((Definition, "metrics.csv"), (Run, "history.csv"), (Observation, "stats/m.csv")):
        with (folder / name).open("w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file)
            writer.writerow([field.name for field in fields(kind)])
            writer.writerow(line)
    with suppress(ExportError):
        read_export(folder)


def test_cells_that_look_like_formulas_are_exported_unchanged():
    """Formulas are escaped only in the CSV of the page; the ledger and stats.csv must round trip."""
    row = replace(a_row(a_metric("npm"), DAY_0, 5), source_ref="=1+1")
    assert b"".join(stats_csv(encode([row], STATS))).decode().endswith(",=1+1\n")


@pytest.mark.parametrize("metric_id", ["../../outside", "/etc/outside", "..", "a/../../b", "x\\..\\y", "-rf", "a:b"])
def test_a_metric_id_cannot_refer_to_a_path_outside_the_export(metric_id, tmp_path):
    store = LanceStore.open(_at(tmp_path / "store"))
    store.create_tables()
    store.upsert_observations([replace(a_row(a_metric(), DAY_0, 5), metric_id=metric_id)], always)
    export_store(store, tmp_path / "export")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["export", "store"]
    assert len(list((tmp_path / "export" / "stats").iterdir())) == 1
    assert [row.metric_id for row in decode_observations(read_export(tmp_path / "export").stats)] == [metric_id]


@pytest.mark.parametrize("name", ["metrics.csv", "history.csv", "stats/m.csv"])
@pytest.mark.parametrize("kind", ["link", "device", "pipe"])
def test_only_regular_files_are_read_and_no_foreign_text_is_shown(name, kind, tmp_path):
    store = LanceStore.open(_at(tmp_path / "store"))
    store.create_tables()
    store.upsert_observations([replace(a_row(a_metric(), DAY_0, 5), metric_id="m")], always)
    folder = tmp_path / "export"
    export_store(store, folder)
    secret = tmp_path / "secret"
    secret.write_text("GITHUB_TOKEN=hidden\n")
    path = folder / name
    path.unlink()
    if kind == "pipe":
        os.mkfifo(path)
    else:
        path.symlink_to(secret if kind == "link" else Path("/dev/zero"))
    with pytest.raises(ExportError, match="is not a regular file") as refused:
        read_export(folder)
    assert "hidden" not in str(refused.value)


def _at(folder: Path) -> StoreTarget:
    folder.mkdir()
    return StoreTarget(StoreKind.EMBEDDED, str(folder))
