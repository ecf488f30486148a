"""Output of `status` and the summary of a run, by the installed command."""

from __future__ import annotations

from dataclasses import replace

from tests.conftest import Workspace, catalog_text
from tests.rules import always
from tests.world.truth import CRATES, DAY, World

RUST = "downloads:p:rust"


def with_one_revision(workspace: Workspace, world: World, factor: int) -> str:
    """Store one crate and revise a settled day of it. Return the day."""
    (workspace.folder / "cmetrics.toml").write_text(catalog_text(("cratesio", "lance")))
    workspace.run("refresh")
    day = world.today - 30 * DAY
    world.crates["lance"][day] = 100
    workspace.run("refresh")
    world.crates["lance"][day] *= factor
    return day.isoformat()


def test_a_run_reports_revised_days_and_the_largest_change(workspace: Workspace, world: World):
    day = with_one_revision(workspace, world, 3)
    summary = workspace.json("refresh")
    assert summary["revised_days"] == summary["metrics"][0]["revised_days"] == 1
    assert summary["metrics"][0]["largest_revision"] == {"day": day, "old_value": 100, "new_value": 300}
    assert any(text.startswith(f"unusual revision of {RUST}: 1 settled day changed") for text in summary["warnings"])
    world.crates["lance"][world.today - 29 * DAY] += 1
    done = workspace.run("refresh")
    assert "revised" in done.stdout
    assert "largest change" in done.stdout
    assert f"{world.today - 29 * DAY}: " in done.stdout
    assert workspace.json("refresh")["metrics"][0]["largest_revision"] is None


def test_status_lists_revisions_on_request_and_unusual_ones_always(workspace: Workspace, world: World):
    day = with_one_revision(workspace, world, 3)
    workspace.run("refresh")
    plain, listed = workspace.run("status").stdout, workspace.run("status", "--revisions").stdout
    assert f"unusual revision: {RUST} {day}: 100 → 300" in plain
    assert "old value" not in plain
    assert any(line.split()[:5] == [RUST, day, "1", "100", "300"] for line in listed.splitlines())
    document = workspace.json("status", "--revisions")
    newest = document["revisions"][0]
    assert (newest["metric_id"], newest["first_day"], newest["last_day"], newest["days"]) == (RUST, day, day, 1)
    assert (newest["old_value"], newest["new_value"]) == (100, 300)
    assert newest["run_id"].startswith("refresh-")
    assert document["unusual_revisions"][0] == newest
    assert "revisions" not in workspace.json("status")
    workspace.run("bootstrap", "--yes")
    assert workspace.json("status", "--revisions", code=1)["revisions"] == []
    assert "no value was revised" in workspace.run("status", "--revisions", code=1).stdout
    (backup,) = (workspace.folder / "data" / "backups").iterdir()
    workspace.run("restore", str(backup))
    assert workspace.json("status", "--revisions")["revisions"] == document["revisions"]


def test_status_lists_gaps_with_reasons(workspace: Workspace, world: World):
    (workspace.folder / "cmetrics.toml").write_text(catalog_text(("cratesio", "lance"), ("npm", "@lancedb/lancedb")))
    lost, known = world.today - 9 * DAY, min(world.npm["@lancedb/lancedb"])
    world.lost["api.npmjs.org"].add(lost)
    world.lag[CRATES] = 3
    workspace.run("refresh")
    document = workspace.json("status")
    rust, node = ([{**gap, "text": ""} for gap in metric["gaps"]] for metric in document["metrics"])
    late = {"first_day": str(world.today - 2 * DAY), "last_day": str(world.yesterday), "days": 2}
    assert rust == [late | {"reason": "not published yet", "text": ""}]
    assert node[0]["reason"] == "before the first publication"
    assert node[0]["last_day"] == str(known - DAY)
    hole = {"first_day": str(lost), "last_day": str(lost), "days": 1, "reason": "lost at the source", "text": ""}
    assert hole in node
    missing = [
        sum(gap["days"] for gap in gaps if gap["reason"] != "before the first publication") for gaps in (rust, node)
    ]
    assert [metric["missing_days"] for metric in document["metrics"]] == missing
    shown = workspace.run("status").stdout
    first_lines = [line.split() for line in shown.splitlines() if line.startswith("downloads:p:")][:2]
    assert [int(cells[4]) for cells in first_lines] == missing
    assert f"{world.today - 2 * DAY} – {world.yesterday}" in shown
    assert "Missing at npm; retried nightly" in shown
    assert workspace.run("status", "--quiet").stdout == ""


def test_status_reports_a_renamed_repository(workspace: Workspace, world: World):
    (workspace.folder / "cmetrics.toml").write_text(catalog_text(("github", "lance-format/lance")))
    repository = world.repositories["lance-format/lance"]
    repository.full_name = world.renamed["lance-format/lance"] = "lance-format/next"
    assert "is now lance-format/next" in workspace.run("refresh").stderr
    assert "is now" not in workspace.run("refresh").stderr
    assert 'write subject = "lance-format/next" in cmetrics.toml' in workspace.run("status").stdout
    assert workspace.json("status")["metrics"][0]["moved_to"] == "lance-format/next"


def test_a_doubtful_value_is_in_status_and_summary(workspace: Workspace, world: World):
    (workspace.folder / "cmetrics.toml").write_text(catalog_text(("cratesio", "lance")))
    world.crates["lance"] = dict.fromkeys(world.crates["lance"], 900)
    world.crates["lance"][world.yesterday] = 2
    assert f"doubtful: {RUST} has 2 on {world.yesterday} (usual: about 900)" in workspace.run("refresh").stderr
    doubtful = {"metric_id": RUST, "day": str(world.yesterday), "value": 2, "expected": 900}
    assert workspace.json("status")["doubtful"] == [doubtful]
    assert f"doubtful: {RUST} has 2" in workspace.run("status").stdout


def test_a_store_of_an_earlier_version_is_read_and_refreshed(workspace: Workspace, world: World):
    (workspace.folder / "cmetrics.toml").write_text(catalog_text(("github", "lance-format/lance")))
    workspace.run("refresh")
    store = workspace.store
    old = [replace(row, source_ref="github-stargazers:lance-format/lance") for row in workspace.rows()]
    store.upsert_observations(old, always)
    workspace.run("status")
    again = workspace.json("refresh")
    assert (again["rows_inserted"], again["rows_updated"], again["warnings"]) == (0, 0, [])
