"""Export formats: the previous version is read and replaced, and a newer one is rejected."""

from __future__ import annotations

import shutil
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pyarrow as pa
import pytest

from cmetrics.domain.days import DAY
from cmetrics.domain.errors import ExportError
from cmetrics.domain.metric import definition
from cmetrics.domain.outcome import Outcome
from cmetrics.domain.revision import Revision
from cmetrics.domain.run import MetricStatus, Run, RunStatus
from cmetrics.export.codec import EVERYTHING
from cmetrics.export.restore import restore
from cmetrics.export.tables import export_store, read_export
from cmetrics.ingest.progress import NoProgress
from cmetrics.settings import Settings, StoreKind, StoreTarget
from cmetrics.store.connect import connect
from cmetrics.store.lance_store import LanceStore
from cmetrics.store.schema import OUTCOMES as OUTCOMES_TABLE
from cmetrics.store.schema import decode, decode_observations
from tests.rules import always
from tests.samples import a_metric, a_row, a_snapshot

#: An export of the rows below by the version before `manifest.csv`.
FORMAT_1 = Path(__file__).parent / "format_1"
AT = datetime(2026, 11, 20, 6, 1, 2, 345678, tzinfo=UTC)
DAY_0 = date(2026, 11, 1)
NPM, CRATE, STARS = a_metric("npm"), a_metric("cratesio"), a_metric("github")
DEFINITIONS = [
    definition(NPM, AT),
    definition(CRATE, AT),
    replace(definition(STARS, AT), display_name='Stars ⭐ "all", both', is_active=False),
]
ROWS = [
    *(a_row(NPM, DAY_0 + n * DAY, 100 + n) for n in range(4)),
    a_snapshot(CRATE, date(2025, 11, 30), 123456789),
    a_row(CRATE, DAY_0, 0, source_ref=""),
    a_row(STARS, DAY_0, 9, source_ref="github:owner/name#1; gained 12"),
    a_row(STARS, DAY_0 + DAY, 10, source_ref='=1+1, "quoted"\nsecond line 🚀'),
]
REVISIONS = [
    Revision(NPM.metric_id, DAY_0, DAY_0 + DAY, 50, 100, "refresh-1", AT),
    Revision(STARS.metric_id, DAY_0, DAY_0, 11, 9, "refresh-2", AT + DAY),
]
OUTCOMES = [
    Outcome("refresh-1", NPM.metric_id, MetricStatus.OK, DAY_0, DAY_0 + 3 * DAY, 4, 0, None, AT),
    Outcome("refresh-2", NPM.metric_id, MetricStatus.FAILED, DAY_0, DAY_0, 0, 0, 'said "no", then\nnothing', AT + DAY),
    Outcome("refresh-2", STARS.metric_id, MetricStatus.SKIPPED, None, None, 0, 0, None, AT + DAY),
]


def a_run(n: int, status: RunStatus, error: str | None = None) -> Run:
    at = AT + n * DAY
    return Run(f"refresh-{n}", "refresh", status, at, at + timedelta(seconds=9.5), 1, 2, error)


RUNS = [
    a_run(1, RunStatus.SUCCESS),
    a_run(2, RunStatus.PARTIAL, 'downloads:p:nodejs: said "no", then\r\nnothing\rat all | crlf'),
    a_run(3, RunStatus.FAILED, "no answer, é日本"),
]


def a_store(folder: Path) -> LanceStore:
    folder.mkdir()
    store = LanceStore.open(StoreTarget(StoreKind.EMBEDDED, str(folder)))
    store.create_tables()
    return store


@pytest.fixture
def old(tmp_path) -> Path:
    return shutil.copytree(FORMAT_1, tmp_path / "old")


@pytest.fixture
def restored(tmp_path, old) -> LanceStore:
    target = StoreTarget(StoreKind.EMBEDDED, str(tmp_path / "store"))
    restore(Settings(target, None), old, now=AT + 9 * DAY, progress=NoProgress())
    return LanceStore.open(target)


@pytest.fixture
def exported(tmp_path, restored) -> Path:
    restored.save_outcomes(OUTCOMES)
    export_store(restored, tmp_path / "new")
    return tmp_path / "new"


def test_format_1_restores_unchanged(restored):
    """Every row of an export of the previous version is restored unchanged."""
    assert restored.definitions() == DEFINITIONS
    assert restored.observations(sorted(restored.metric_ids()), EVERYTHING) == sorted(ROWS, key=lambda row: row.key)
    assert [run for run in restored.runs()[::-1] if run.job_name == "refresh"] == RUNS
    assert restored.revisions()[::-1] == REVISIONS
    assert restored.outcomes() == []


def test_the_next_export_rewrites_no_rows(restored, old):
    """After an update, the next export changes only new lines."""
    before = {path: path.read_bytes() for path in old.rglob("*.csv")}
    summary = export_store(restored, old)
    assert (summary.new, summary.revised) == (0, 0)
    changed = {path.name for path, data in before.items() if not path.exists() or path.read_bytes() != data}
    # The restore adds a run, and the unfinished run is not restored.
    assert changed == {"index.csv", "history.csv"}
    old_lines = (FORMAT_1 / "history.csv").read_bytes().splitlines(keepends=True)
    assert (old / "history.csv").read_bytes().startswith(b"".join(old_lines[:-1]))
    assert (old / "manifest.csv").read_text().startswith("format,file,rows,digest\n2,history.csv,4,")


def test_an_export_by_the_previous_version_is_read_by_its_own_index(exported):
    """A downgrade writes `index.csv` next to an outdated manifest."""
    lines = (exported / "manifest.csv").read_text().splitlines()
    (exported / "manifest.csv").write_text("format,file,rows,digest\n2,metrics.csv,9,0000000000000000\n")
    (exported / "index.csv").write_text(
        "".join(f"{line.split(',', 1)[1]}\n" for line in lines if "outcomes" not in line)
    )
    assert len(read_export(exported).definitions) == len(DEFINITIONS)


def test_outcomes_are_restored_unchanged(exported):
    """Outcomes without days and errors with quotes and line breaks are restored unchanged."""
    assert decode(read_export(exported).outcomes, OUTCOMES_TABLE) == OUTCOMES


def test_a_newer_format_is_rejected_before_its_files_are_read(exported):
    """A newer format is rejected with the same message whatever has changed."""
    (exported / "manifest.csv").write_text("format,path,kind\n3,metrics.parquet,x\n")
    (exported / "metrics.csv").write_text("unreadable")
    with pytest.raises(
        ExportError, match=r"written by a newer cmetrics \(format 3; .* up to 2\); update cmetrics"
    ) as refused:
        read_export(exported)
    assert refused.value.damaged is None


def test_an_unknown_column_is_named(exported):
    """An additional column is reported as a newer format, not as damage."""
    file = exported / "metrics.csv"
    file.write_text(
        "".join(f"{line},{'note' if n == 0 else 'x'}\n" for n, line in enumerate(file.read_text().splitlines()))
    )
    with pytest.raises(ExportError, match=r"metrics\.csv, line 1: unknown column 'note'.*; update cmetrics") as refused:
        read_export(exported)
    assert refused.value.damaged is None


def test_an_unknown_file_is_named(exported):
    """An unknown file is an error, because the next export would lose its rows."""
    with (exported / "manifest.csv").open("a") as manifest:
        manifest.write("2,causes.csv,1,0000000000000000\n")
    with pytest.raises(ExportError, match=r"lists causes\.csv, a file unknown to this version"):
        read_export(exported)


def test_a_missing_optional_column_is_read_as_empty(exported):
    """A column added by a later version may be missing in exports of earlier versions."""
    (exported / "manifest.csv").unlink()
    runs = exported / "history.csv"
    runs.write_text(
        "ingestion_run_id,job_name,status,started_at,finished_at,rows_inserted,rows_updated\nr,refresh,success,2026-11-20T06:00:00+00:00,,1,2\n"
    )
    (run,) = read_export(exported).runs
    assert (run.ingestion_run_id, run.finished_at, run.error_summary) == ("r", None, None)
    runs.write_text("ingestion_run_id,job_name,started_at,finished_at,rows_inserted,rows_updated\n")
    with pytest.raises(ExportError, match="line 1: the header must be"):
        read_export(exported)


def test_a_store_with_an_unknown_column_is_not_exported(tmp_path, restored):
    """A column that has no place in the files is an error."""
    connect(restored.target).open_table("metrics").add_columns(pa.field("note", pa.string()))
    with pytest.raises(ExportError, match=r"table 'metrics' has a column unknown to this version \('note'\)"):
        export_store(restored, tmp_path / "out")
    assert not (tmp_path / "out").exists()
    export_store(restored, tmp_path / "out", allow_loss=True)
    assert read_export(tmp_path / "out").definitions == DEFINITIONS


def test_two_ids_with_the_same_slug_have_separate_files(tmp_path):
    """Two ids that have the same slug after a rename have separate files."""
    store = a_store(tmp_path / "store")
    old_rows = [replace(a_row(NPM, DAY_0, 5), metric_id="a-b:x")]
    new_rows = [replace(a_row(NPM, DAY_0, 6), metric_id="a:b-x")]
    store.upsert_observations(old_rows, always)
    folder = tmp_path / "out"
    export_store(store, folder)
    store.save_definitions([replace(definition(NPM, AT), metric_id="a:b-x")])
    store.upsert_observations(new_rows, always)
    assert export_store(store, folder).new == 1
    assert sorted(decode_observations(read_export(folder).stats), key=lambda row: row.key) == old_rows + new_rows
    store.upsert_observations([replace(new_rows[0], value=7)], always)
    assert export_store(store, folder).revised == 1


@pytest.mark.parametrize(
    "cell",
    ["2026-11-1", "2026-02-30", "20261101", "1989-12-31", "2200-01-01", "", "2026-11-01 "],
)
def test_a_day_in_another_form_is_rejected(exported, cell):
    """A day must be in ISO format and within the supported range."""
    check_rejection(exported, ",2026-11-04,2026-11-04,", f",2026-11-04,{cell},")


@pytest.mark.parametrize("cell", ["1_0", "+1", "1.0", " 1", "１", "", "1" * 16])
def test_a_count_has_only_digits(exported, cell):
    check_rejection(exported, ",103,", f",{cell},")


@pytest.mark.parametrize("cell", ["2026-11-05T06:00:00", "1969-12-31T00:00:00+00:00", "2026-11-05", ""])
def test_a_time_without_a_zone_is_rejected(exported, cell):
    check_rejection(exported, ",2026-11-05T06:00:00.000000+00:00,", f",{cell},")


@pytest.mark.parametrize("text", ['"never closed', '"closed"too early', "one,more"])
def test_a_stray_quote_or_comma_is_an_error(exported, text):
    check_rejection(exported, "103,api_daily", f"103,{text}")


def test_an_empty_line_is_an_error(exported):
    check_rejection(exported, "\ndownloads:p:nodejs,2026-11-04", "\n\ndownloads:p:nodejs,2026-11-04")


def check_rejection(folder: Path, old_text: str, new_text: str) -> None:
    """Check that an error in the fifth line of a file is rejected with its line number."""
    file = folder / "stats" / "downloads-p-nodejs.csv"
    text = file.read_text()
    assert old_text in text
    file.write_text(text.replace(old_text, new_text))
    with pytest.raises(ExportError, match=r"downloads-p-nodejs\.csv, line 5: ") as refused:
        read_export(folder)
    assert refused.value.damaged == file


@pytest.mark.parametrize("column", ["is_active", "created_at"])
def test_the_error_names_the_line_for_every_column_type(exported, column):
    file = exported / "metrics.csv"
    old_text = {"is_active": ",True,", "created_at": AT.isoformat()}[column]
    file.write_text(file.read_text().replace(old_text, ",true,", 1))
    with pytest.raises(ExportError, match=r"metrics\.csv, line 2: "):
        read_export(exported)


def test_an_unknown_status_is_named_with_its_line(exported):
    file = exported / "outcomes.csv"
    file.write_text(file.read_text().replace(",skipped,", ",postponed,"))
    with pytest.raises(ExportError, match=r"outcomes\.csv, line 5: "):
        read_export(exported)


def test_an_unchanged_file_is_not_rewritten(restored, exported):
    """Unchanged files keep their modification time."""
    times = {path: path.stat().st_mtime_ns for path in exported.rglob("*.csv")}
    restored.upsert_observations([a_row(NPM, DAY_0 + 4 * DAY, 104)], always)
    export_store(restored, exported)
    changed = {path.name for path, time in times.items() if path.stat().st_mtime_ns != time}
    assert changed == {"downloads-p-nodejs.csv", "manifest.csv"}
    assert not list(exported.rglob("*.part"))


def test_each_file_has_the_rows_of_its_metric(tmp_path):
    """Each file has the rows of its metric, also for metrics with one row or none."""
    store = a_store(tmp_path / "store")
    counts = {
        "downloads:lance:python": 15,
        "downloads:lance:rust": 15,
        "downloads:lancedb:nodejs": 15,
        "downloads:lancedb:python": 15,
        "downloads:lancedb:rust": 15,
        "stars:lance:github": 1,
        "stars:lancedb:github": 0,
    }
    store.save_definitions([replace(definition(NPM, AT), metric_id=metric_id) for metric_id in counts])
    rows = [
        replace(a_row(NPM, DAY_0 + day * DAY, day), metric_id=metric_id)
        for metric_id, count in counts.items()
        for day in range(count)
    ]
    store.upsert_observations(rows, always)
    summary = export_store(store, tmp_path / "out")
    assert len(summary.files) == len(set(summary.files)) == len(counts) + 3
    for metric_id, count in counts.items():
        lines = (tmp_path / "out" / "stats" / f"{metric_id.replace(':', '-')}.csv").read_text().splitlines()[1:]
        assert [line.split(",")[0] for line in lines] == [metric_id] * count
