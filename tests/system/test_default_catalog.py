"""The use of the default catalogue is announced, and it leaves no trace next to another catalogue."""

from __future__ import annotations

import csv
import io
import json

import pyarrow.parquet as pq

from tests.conftest import Workspace
from tests.world.truth import World

NOTICE = "using the default catalogue (Lance and LanceDB community metrics); create your own with `cmetrics init`"


def test_default_catalogue_is_announced(workspace: Workspace):
    """A run in the wrong folder prints what it collects, even with --quiet if there is no store."""
    first = workspace.run("refresh", "--quiet", "--only", "stars")
    assert f"warning: {NOTICE}" in first.stderr.splitlines()
    assert not first.stdout
    assert NOTICE not in workspace.run("refresh", "--quiet", "--only", "stars").stderr
    for command in (("refresh", "--only", "stars"), ("build-site",)):
        lines = workspace.run(*command).stderr.splitlines()
        assert lines.count(NOTICE) == 1, command
    assert NOTICE not in workspace.run("build-site", "--quiet").stderr
    assert workspace.run("status", code=None).stderr.count(NOTICE) == 0


def test_own_catalogue_is_not_announced(workspace: Workspace):
    workspace.run("init", "--repo", "lancedb/lancedb", "--quiet")
    assert "default catalogue" not in workspace.run("refresh").stderr


def test_no_trace_of_the_default(workspace: Workspace, world: World):
    """After a start with the default catalogue, a new catalogue in the same folder is the only one published.

    Subjects that both catalogues have keep their stored ids.
    """
    workspace.run("refresh", "--quiet")
    workspace.run("build-site", "--quiet")
    assert "downloads:lance:rust" in {row.metric_id for row in workspace.rows()}
    workspace.run("init", "--pypi", "pylance", "--crate", "lance", "--repo", "lance-format/lance", "--product", "rig")
    workspace.run("refresh", "--quiet")
    workspace.run("build-site", "--quiet")
    mine = {"downloads:lance:python", "downloads:lance:rust", "stars:lance:github"}
    site = workspace.folder / "site"
    assert set(pq.read_table(site / "data" / "stats.parquet")["metric_id"].to_pylist()) == mine
    rows = csv.DictReader(io.StringIO((site / "data" / "stats.csv").read_text()))
    assert {row["metric_id"] for row in rows} == mine
    definitions = json.loads((site / "api" / "v1" / "definitions.json").read_text())
    assert {row["metric_id"] for row in definitions} == mine
    series = {path.stem for path in (site / "api" / "v1" / "series").iterdir()}
    assert series == {metric_id.replace(":", "-") for metric_id in mine}
    everything = b"".join(
        path.read_bytes() for path in site.rglob("*") if path.suffix in {".html", ".json", ".svg", ".xml"}
    )
    for name in (b"lancedb", b"LanceDB"):
        assert name not in everything.replace(b"lancedb/cmetrics", b"")
    active = {row.metric_id for row in workspace.store.definitions() if row.is_active}
    assert active == mine
