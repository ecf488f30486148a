"""`rename`, `forget` and `create-tables` as commands."""

from __future__ import annotations

import random
import signal
import subprocess
import time

from tests.conftest import Workspace, catalog_text
from tests.world.truth import DAY, World

RUST, STARS, NEW = "downloads:p:rust", "stars:p:github", "downloads:mine:it"


def prepare(workspace: Workspace) -> dict:
    (workspace.folder / "cmetrics.toml").write_text(
        catalog_text(("cratesio", "lance"), ("github", "lance-format/lance"))
    )
    workspace.run("refresh")
    return workspace.daily()


def test_without_a_terminal_nothing_is_changed(workspace: Workspace):
    before = prepare(workspace)
    runs = workspace.runs
    for args in (("rename", RUST, NEW), ("forget", RUST)):
        done = workspace.run(*args, code=2)
        assert "needs a terminal to ask for confirmation; nothing was changed; use --yes" in done.stderr
    assert workspace.daily() == before
    assert workspace.runs == runs
    # The backups were made, and are complete.
    backup = min((workspace.folder / "data" / "backups").iterdir())
    workspace.run("restore", str(backup), "--db", "elsewhere")


def test_rename_and_forget_are_recorded_as_runs(workspace: Workspace):
    before = prepare(workspace)
    done = workspace.run("rename", RUST, NEW, "--yes")
    assert f"{RUST} renamed to {NEW}: {len(before[RUST])} values moved\n" in done.stdout
    assert workspace.daily() == {NEW: before[RUST], STARS: before[STARS]}
    # The catalogue needs no edit.
    summary = workspace.json("refresh")
    assert [metric["metric_id"] for metric in summary["metrics"]] == [NEW, STARS]
    workspace.run("build-site")
    assert (workspace.folder / "site" / "api" / "v1" / "series" / "downloads-mine-it.json").is_file()
    done = workspace.run("forget", STARS, "--yes")
    assert "is still in" in done.stdout
    assert set(workspace.daily()) == {NEW}
    assert [run.job_name for run in workspace.runs] == ["forget", "refresh", "rename", "refresh"]
    assert workspace.run("forget", "downloads:no:such", "--yes", code=2).stderr.startswith(
        "error: downloads:no:such is not in"
    )


def test_a_killed_rename_loses_nothing(workspace: Workspace, world: World):
    before = prepare(workspace)[RUST]
    chance, old, new = random.Random(5), RUST, NEW
    for _ in range(5):
        process = workspace.start("rename", old, new, "--yes")
        with process:
            try:
                process.wait(timeout=chance.uniform(0.2, 2.0))
            except subprocess.TimeoutExpired:
                process.send_signal(signal.SIGKILL)
            process.communicate()
        stored = workspace.daily()
        assert before.items() <= (stored.get(old, {}) | stored.get(new, {})).items()
        workspace.run("refresh")
        stored = workspace.daily()
        (metric_id,) = set(stored) - {STARS}
        assert stored[metric_id] == before
        if metric_id == new:
            old, new = new, f"downloads:mine:n{time.monotonic_ns()}"


def test_create_tables_creates_only_missing_tables(workspace: Workspace):
    first = workspace.json("create-tables")
    assert first["created"] == ["metrics", "stats", "history"]
    before = prepare(workspace)
    runs = workspace.runs
    assert workspace.json("create-tables")["created"] == []
    assert "nothing was created" in workspace.run("create-tables").stdout
    assert workspace.daily() == before
    assert workspace.runs == runs


def test_the_page_follows_a_renamed_package(workspace: Workspace, world: World):
    """One id belongs to one package; the error names both, and the possible corrections."""
    prepare(workspace)
    (workspace.folder / "cmetrics.toml").write_text(
        catalog_text(("cratesio", "lancedb"), ("github", "lance-format/lance"))
    )
    done = workspace.run("refresh", code=3)
    assert f"cratesio: {RUST}: {RUST} contains values of cratesio package lance" in done.stderr
    world.today += DAY
    (workspace.folder / "cmetrics.toml").write_text(catalog_text(("cratesio", "lancedb"), continues='["lance"]'))
    workspace.run("refresh")
