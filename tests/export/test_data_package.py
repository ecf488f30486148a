"""Tests of the data files of the site and their description."""

from __future__ import annotations

import hashlib
import json
import os
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet
import pytest

from cmetrics.analytics.insight_results import Period, ReasonKind, Rollup, Scope, Unit, Window
from cmetrics.domain.license import LICENSES
from cmetrics.domain.metric import Event
from cmetrics.export.data_dictionary import COLUMNS, TABLES
from cmetrics.export.data_files import (
    DataTable,
    build_daily,
    build_events,
    build_rollups,
    build_stats,
    split_years,
)
from cmetrics.store.schema import OPTIONAL_TABLES, STATS, encode
from cmetrics.store.schema import TABLES as STORE_TABLES
from tests.conftest import Workspace
from tests.samples import a_metric, a_row

WEEK = Rollup(
    scope=Scope.METRIC,
    unit=Unit.DOWNLOADS,
    metric_id="downloads:p:python",
    product="p",
    window=Window.DAYS_7,
    start=date(2026, 11, 16),
    end=date(2026, 11, 22),
    value=120,
    days_observed=7,
    days_expected=7,
    compared_value=120,
    previous=Period(date(2026, 11, 9), date(2026, 11, 15), 100),
    change=20,
    change_percent=20.0,
    share=60.0,
    previous_share=50.0,
    share_change=10.0,
    comparable=True,
    reason=None,
    reason_kind=None,
)
EMPTY = Rollup(
    scope=Scope.ALL,
    unit=Unit.STARS,
    metric_id=None,
    product=None,
    window=Window.MONTH,
    start=None,
    end=None,
    value=None,
    days_observed=0,
    days_expected=31,
    compared_value=None,
    previous=None,
    change=None,
    change_percent=None,
    share=None,
    previous_share=None,
    share_change=None,
    comparable=False,
    reason="no day of it is stored",
    reason_kind=ReasonKind.NO_DATA,
)


def test_rollups_have_the_columns_of_the_document():
    """The previous period has three columns, and unknown values are null."""
    first, second = build_rollups([WEEK, EMPTY]).to_pylist()
    assert (first["scope"], first["window"], first["value"], first["change_percent"]) == ("metric", "7d", 120, 20.0)
    assert [first[f"previous_{name}"] for name in ("start", "end", "value")] == [
        date(2026, 11, 9),
        date(2026, 11, 15),
        100,
    ]
    assert (first["previous_share"], first["share_change"]) == (50.0, 10.0)
    assert (second["value"], second["previous_value"], second["reason"]) == (None, None, "no day of it is stored")


def test_events_have_a_row_per_product():
    """Events have a row per product, like the table of the store."""
    release = Event(date(2026, 11, 1), "v1", "https://x.example", ("a", "b"), "github", "v1", event_id="github:7")
    talk = Event(date(2026, 11, 2), "Talk", None, ("a",))
    rows = build_events([release, talk]).to_pylist()
    assert [(row["event_id"], row["product"], row["day"], row["url"]) for row in rows] == [
        ("github:7", "a", date(2026, 11, 1), "https://x.example"),
        ("github:7", "b", date(2026, 11, 1), "https://x.example"),
        ("catalogue:2026-11-02:Talk", "a", date(2026, 11, 2), None),
    ]


def stats_table(*days: str) -> pa.Table:
    """Return rows of ``stats`` of one metric, one per day."""
    return encode([a_row(a_metric(), date.fromisoformat(day), 5) for day in days], STATS)


def test_years():
    """There is a file per year if there are at least two years."""
    both = build_stats(stats_table("2025-12-30", "2025-12-31", "2026-01-01"))
    found = {year: rows["period_end"].to_pylist() for year, rows in split_years(both, "period_end")}
    assert found == {2025: [date(2025, 12, 30), date(2025, 12, 31)], 2026: [date(2026, 1, 1)]}
    assert list(split_years(build_stats(stats_table("2026-01-01", "2026-12-31")), "period_end")) == []
    assert list(split_years(DataTable("stats", build_stats(STATS.schema.empty_table()).rows), "period_end")) == []


def test_daily_without_its_definition():
    """Rows without a published metric are left out."""
    assert build_daily(stats_table("2026-01-01"), []).num_rows == 0


def test_every_column_is_described():
    """Every column of every store table has a description."""
    for table in (*STORE_TABLES, *OPTIONAL_TABLES):
        assert set(COLUMNS[table.name]) == set(table.schema.names), table.name
    assert set(COLUMNS) == set(TABLES)


# -- a whole site ----------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the site of the sample data, which has every table."""
    workspace = Workspace(tmp_path_factory.mktemp("sample"), {**os.environ, "SOURCE_DATE_EPOCH": "1795521600"})
    workspace.run("demo", "--quiet", "--store", "sample")
    return workspace.folder / "site-demo"


@pytest.fixture
def package(site: Path) -> dict[str, Any]:
    document: dict[str, Any] = json.loads((site / "data" / "datapackage.json").read_text())
    return document


def test_the_description_matches_the_files(site: Path, package: dict[str, Any]):
    """Every file is described with its columns, types, number of rows, size and digest."""
    folder = site / "data"
    listed = [path for resource in package["resources"] for path in _paths(resource)]
    files = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
    assert sorted(listed) == sorted(files - {"datapackage.json"})
    assert len({resource["name"] for resource in package["resources"]}) == len(package["resources"])
    for resource in package["resources"]:
        paths, fields = _paths(resource), resource["schema"]["fields"]
        assert all(field["description"] for field in fields)
        if resource["format"] == "parquet":
            tables = [pyarrow.parquet.read_table(folder / path) for path in paths]
            assert [field["name"] for field in fields] == tables[0].column_names
            assert [field["type"] for field in fields] == [KINDS[str(kind)] for kind in tables[0].schema.types]
            assert sum(table.num_rows for table in tables) == resource["rows"]
        if isinstance(resource["path"], str):
            content = (folder / resource["path"]).read_bytes()
            assert len(content) == resource["bytes"]
            assert f"sha256:{hashlib.sha256(content).hexdigest()}" == resource["hash"]
        assert set(resource["schema"].get("primaryKey", [])) <= {field["name"] for field in fields}


#: Arrow type → type of a field in the description.
KINDS = {
    "string": "string",
    "int64": "integer",
    "double": "number",
    "bool": "boolean",
    "date32[day]": "date",
    "timestamp[us, tz=UTC]": "datetime",
}


def _paths(resource: dict[str, Any]) -> list[str]:
    path = resource["path"]
    return [path] if isinstance(path, str) else path


def test_keys_are_unique(site: Path, package: dict[str, Any]):
    """The primary keys in the description are unique."""
    for resource in package["resources"]:
        if (key := resource["schema"].get("primaryKey")) and resource["format"] == "parquet":
            rows = pa.concat_tables([pyarrow.parquet.read_table(site / "data" / path) for path in _paths(resource)])
            assert rows.group_by(key).aggregate([]).num_rows == rows.num_rows, resource["name"]


def test_files_by_year_add_up_to_the_whole(site: Path):
    whole = pyarrow.parquet.read_table(site / "data" / "stats.parquet")
    parts = [pyarrow.parquet.read_table(path) for path in sorted((site / "data" / "stats").iterdir())]
    order: Any = [(name, "ascending") for name in STATS.key]
    assert len(parts) == 3
    assert pa.concat_tables(parts).sort_by(order).equals(whole)


def test_daily_values_can_be_summed(site: Path):
    """The daily file has only rows of one day, with the metadata of their metrics."""
    stats = pyarrow.parquet.read_table(site / "data" / "stats.parquet").to_pylist()
    daily = pyarrow.parquet.read_table(site / "data" / "daily.parquet").to_pylist()
    expected = [(row["metric_id"], row["period_end"], row["value"]) for row in stats if row["source_window"] == "1d"]
    assert [(row["metric_id"], row["day"], row["value"]) for row in daily] == expected
    heron = next(row for row in daily if row["metric_id"] == "downloads:heron:nodejs")
    names = ("metric_family", "product", "source", "subject", "sdk")
    assert [heron[name] for name in names] == ["downloads", "heron", "npm", "@cmetrics-sample/heron", "nodejs"]


def test_stars_have_net_gained_and_lost(site: Path):
    """Net is the difference to the previous day, and lost is gained minus net."""
    rows = pyarrow.parquet.read_table(site / "data" / "stars.parquet").to_pylist()
    by_key = {(row["metric_id"], row["day"]): row for row in rows}
    assert {row["metric_id"] for row in rows} == {"stars:heron:github", "stars:plover:github"}
    known = [row for row in rows if row["gained"] is not None and row["net"] is not None]
    assert len(known) > 300
    for row in known:
        before = by_key[row["metric_id"], date.fromordinal(row["day"].toordinal() - 1)]
        assert row["net"] == row["value"] - before["value"]
        assert row["lost"] == max(row["gained"] - row["net"], 0)


def test_runs_do_not_name_removed_metrics(site: Path):
    """Error summaries, which can name removed metrics, are not published; `outcomes` has the current metrics."""
    history = pyarrow.parquet.read_schema(site / "data" / "history.parquet")
    assert "error_summary" not in history.names
    outcomes = pyarrow.parquet.read_table(site / "data" / "outcomes.parquet").to_pylist()
    assert {row["status"] for row in outcomes} >= {"ok", "pending", "failed"}


def test_day_and_build_time_are_stated(package: dict[str, Any]):
    created = datetime.fromisoformat(package["created"])
    assert (package["as_of"], created) == ("2026-11-23", datetime(2026, 11, 24, 0, 6, 16, tzinfo=UTC))


# -- licence ---------------------------------------------------------------------------------------

CATALOGUE = """
contact = "https://example.com"
{license}
[[products]]
id = "p"
title = "P"
[[metrics]]
product = "p"
source = "dockerhub"
subject = "acme/db"
"""


@pytest.mark.parametrize(
    ("line", "expected", "address"),
    [
        ("", None, None),
        ('license = "cc-by-4.0"', "CC-BY-4.0", LICENSES["CC-BY-4.0"].url),
        (
            'license = { name = "House rules", url = "https://x.example/terms" }',
            "House rules",
            "https://x.example/terms",
        ),
    ],
)
def test_license(offline: Workspace, line: str, expected: str | None, address: str | None):
    """The licence is in the description and in the JSON-LD of the page."""
    (offline.folder / "cmetrics.toml").write_text(CATALOGUE.format(license=line))
    offline.run("create-tables", "--quiet")
    offline.run("build-site", "--quiet")
    package = json.loads((offline.folder / "site" / "data" / "datapackage.json").read_text())
    page = (offline.folder / "site" / "index.html").read_text()
    dataset = json.loads(page.partition('<script type="application/ld+json">')[2].partition("</script>")[0])
    found = package.get("licenses", [{}])[0]
    assert (found.get("name") or found.get("title"), found.get("path"), dataset.get("license")) == (
        expected, address, address,
    )  # fmt: skip
    assert ("No licence is stated" in package["description"]) is (expected is None)
    (source,) = package["sources"]
    assert source == {
        "title": "Docker Hub",
        "path": "https://hub.docker.com",
        "terms": "https://www.docker.com/legal/docker-terms-service/",
    }
