"""A store of the previous version can be used without migration, also by that version again."""

from __future__ import annotations

import csv
from datetime import UTC, datetime, time
from pathlib import Path

import lancedb
import pyarrow as pa
import pytest

from cmetrics.domain.metric import definition
from cmetrics.domain.run import Run, RunStatus
from cmetrics.export.sync import pull, push
from cmetrics.export.tables import export_store
from cmetrics.ingest.progress import NoProgress
from cmetrics.settings import Settings
from cmetrics.store.schema import HISTORY, METRICS, STATS, encode
from tests.conftest import catalog_text
from tests.export.test_sync import git
from tests.samples import a_metric, a_row
from tests.world.nights import Nights
from tests.world.truth import DAY, World

TIME, KEY = pa.timestamp("us", tz="UTC"), {"lance-schema:unenforced-primary-key": "true"}
#: The tables as created by version 0.1.0 of 2026-11-25.
SCHEMAS = {
    "metrics": pa.schema(
        [
            pa.field("metric_id", pa.string(), nullable=False, metadata=KEY),
            *((name, pa.string()) for name in ("metric_family", "product", "subject", "sdk", "source", "value_kind")),
            ("unit", pa.string()),
            ("is_active", pa.bool_()),
            ("display_name", pa.string()),
            ("created_at", TIME),
        ]
    ),
    "stats": pa.schema(
        [
            pa.field("metric_id", pa.string(), nullable=False, metadata=KEY),
            ("period_start", pa.string()),
            pa.field("period_end", pa.string(), nullable=False, metadata=KEY),
            ("observed_at", TIME),
            ("value", pa.int64()),
            *((name, pa.string()) for name in ("provenance", "source_window", "ingestion_run_id", "source_ref")),
        ]
    ),
    "history": pa.schema(
        [
            pa.field("ingestion_run_id", pa.string(), nullable=False, metadata=KEY),
            ("job_name", pa.string()),
            ("started_at", TIME),
            ("finished_at", TIME),
            ("status", pa.string()),
            ("rows_inserted", pa.int64()),
            ("rows_updated", pa.int64()),
            ("error_summary", pa.string()),
        ]
    ),
}
#: An export of that version, whose restore accepts only these headings.
FORMAT_1 = Path(__file__).parents[1] / "export" / "format_1"
CRATE = a_metric("cratesio")


@pytest.fixture
def old(nights: Nights, world: World) -> Nights:
    """Return a store of the previous version: three tables, ten days of a crate that end a week ago, and a run."""
    nights.catalog = nights.folder / "cmetrics.toml"
    nights.catalog.write_text(catalog_text(("cratesio", "lance")))
    days = [world.today - n * DAY for n in range(17, 7, -1)]
    at = datetime.combine(days[-1] + DAY, time(6), UTC)
    connection = lancedb.connect(str(nights.folder / "lancedb"))
    rows = {
        "metrics": encode([definition(CRATE, at)], METRICS),
        "stats": encode([a_row(CRATE, day, world.crates["lance"][day]) for day in days], STATS),
        "history": encode([Run("refresh-1", "refresh", RunStatus.SUCCESS, at, at, 10, 0)], HISTORY),
    }
    for name, schema in SCHEMAS.items():
        table = connection.create_table(name, schema=schema)
        table.add(rows[name].select(schema.names).cast(schema))
    return nights


def schemas(folder: Path) -> dict[str, pa.Schema]:
    connection = lancedb.connect(str(folder / "lancedb"))
    return {name: connection.open_table(name).schema for name in SCHEMAS}


def heading(path: Path) -> list[str]:
    with path.open(newline="") as file:
        return next(csv.reader(file))


def test_a_store_of_the_previous_version_works(old: Nights, world: World):
    """It is read, refreshed and exported; its tables are unchanged, and a new table is added."""
    before = old.all_rows()
    assert [entry.latest_day for entry in old.state().metrics] == [world.today - 8 * DAY]
    assert [run.ingestion_run_id for run in old.store.runs()] == ["refresh-1"]
    summary = old.refresh()
    assert summary.status is RunStatus.SUCCESS
    stored = {row.period_end: row.value for row in old.rows()}
    assert stored == {
        day: value for day, value in world.crates["lance"].items() if world.today - 89 * DAY <= day < world.today
    }
    assert {row.period_end for row in before} <= stored.keys()
    found = schemas(old.folder)
    for name, schema in SCHEMAS.items():
        assert found[name].equals(schema, check_metadata=True), name
    assert old.store.outcomes()


def test_the_previous_version_can_read_an_export(old: Nights):
    """Files of an export that the previous version reads have its headings; it ignores the other files."""
    old.refresh()
    folder = old.folder / "export"
    export_store(old.store, folder)
    known = ("metrics.csv", "history.csv", "stats/downloads-p-rust.csv")
    for name in known:
        assert heading(folder / name) == heading(FORMAT_1 / name)
    others = {path.relative_to(folder).as_posix() for path in folder.rglob("*.csv")} - {*known}
    assert others == {"manifest.csv", "outcomes.csv"}


def test_a_data_branch_of_the_previous_version_works(old: Nights, tmp_path: Path):
    """It is pulled, refreshed and pushed: no stored line changes, and `manifest.csv` replaces `index.csv`."""
    remote, author = tmp_path / "remote.git", tmp_path / "author"
    for folder, *options in ((remote, "--bare"), (author,)):
        folder.mkdir()
        git(folder, "init", "--quiet", "--initial-branch=data", *options)
    # As written by the previous version: the same files, and an index without formats.
    export_store(old.store, author)
    lines = (author / "manifest.csv").read_text().splitlines()
    (author / "index.csv").write_text("".join(f"{line.partition(',')[2]}\n" for line in lines))
    (author / "manifest.csv").unlink()
    git(author, "add", "--all")
    git(author, "-c", "user.name=N", "-c", "user.email=n@example.com", "commit", "--quiet", "-m", "Night")
    git(author, "push", "--quiet", str(remote), "data")

    night = Nights(old.world, old.services, tmp_path / "runner", old.catalog)
    night.folder.mkdir()
    settings: Settings = night.context().settings
    clone = night.folder / "ledger"
    pulled = pull(settings, clone, remote=str(remote), branch=None, now=night.now(), progress=NoProgress())
    assert pulled.restored is not None
    assert night.all_rows() == old.all_rows()
    night.refresh()
    push(settings, clone, allow_loss=False, now=night.now(), progress=NoProgress(), sleep=lambda _: None)
    changes = git(remote, "diff", "--name-status", "--no-renames", "data~1", "data").splitlines()
    assert {"D\tindex.csv", "A\tmanifest.csv", "A\toutcomes.csv", "M\tstats/downloads-p-rust.csv"} <= set(changes)
    removed = git(remote, "diff", "data~1", "data", "--", "stats").splitlines()
    assert [line for line in removed if line.startswith("-") and not line.startswith("---")] == []
