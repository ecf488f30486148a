"""Runs as a step of a workflow, by the installed command."""

from __future__ import annotations

import pytest

from tests.conftest import Workspace, catalog_text
from tests.world.runner import commands
from tests.world.services import Request, as_json
from tests.world.truth import CRATES, DAY, PYPI, World

EVIL = (
    "\n::error::owned\n ##[add-mask]x <b>@someone</b> | [x](https://e.example) ::stop-commands::t "
    + "::set-env name=A::b " * 9
)


@pytest.fixture
def step(workspace: Workspace) -> Workspace:
    workspace.env |= {"GITHUB_ACTIONS": "true", "GITHUB_STEP_SUMMARY": str(workspace.folder / "summary.md")}
    return workspace


def written(workspace: Workspace) -> str:
    path = workspace.folder / "summary.md"
    return path.read_text() if path.exists() else ""


def test_a_partial_run_has_annotations_and_a_summary(step: Workspace, world: World):
    (step.folder / "cmetrics.toml").write_text(
        'url = "https://example.github.io/m/"\n' + catalog_text(("cratesio", "lance"), ("pypistats", "pylance"))
    )
    hole = world.today - 5 * DAY
    world.lost[PYPI].add(hole)
    step.run("refresh")
    world.lost[PYPI].clear()
    del world.crates["lance"]
    (step.folder / "summary.md").unlink()
    done = step.run("refresh", code=3)
    (error,) = [c for c in commands(done.stderr) if c[0] == "error"]
    assert "downloads:p:rust" in error[2]
    assert error[1] == "title=cmetrics"
    text = written(step)
    assert "## cmetrics refresh: partial" in text
    assert "- `downloads:p:rust`: `" in text
    assert "### Filled gaps\n\n- `downloads:p:python`: 1 day\n" in text
    assert "<https://example.github.io/m/>" in text
    step.env["CMETRICS_SITE_URL"] = "https://metrics.example.com"
    step.run("refresh", code=3)
    assert "<https://metrics.example.com/>" in written(step)


def test_text_of_a_service_is_neither_command_nor_markdown(step: Workspace, world: World):
    (step.folder / "cmetrics.toml").write_text(catalog_text(("cratesio", "lance"), ("pypistats", "pylance")))

    def refuse(_: Request, __: object):
        return as_json({"errors": [{"detail": EVIL}]}, 404)

    world.faults[CRATES] = refuse
    codes = {"refresh": 3, "refresh --json": 3, "backfill": 3, "status": 1, "status --json": 1, "doctor": 1}
    for command, code in codes.items():
        done = step.run(*command.split(), code=code)
        found = [c for stream in (done.stdout, done.stderr) for c in commands(stream)]
        assert {c[0] for c in found} <= {"error", "warning"}, (command, found)
        assert {c[1] for c in found} <= {"title=cmetrics"}, (command, found)
        assert "owned" in done.stdout + done.stderr, command
    for line in written(step).splitlines():
        outside = "".join(line.split("`")[::2])
        assert not {"<b>", "@", "owned"} & set(outside.split()), line


def test_a_run_that_cannot_start_is_in_the_summary(step: Workspace):
    (step.folder / "data").write_text("no folder")
    done = step.run("refresh", code=1)
    assert written(step).startswith("## cmetrics refresh: failed\n\n`")
    assert [c[0] for c in commands(done.stderr)] == ["error"]
    step.env["CMETRICS_SITE_URL"] = "javascript:alert(1)"
    assert "CMETRICS_SITE_URL" in step.run("refresh", code=2).stderr
    assert "CMETRICS_SITE_URL" in written(step)
    (step.folder / "cmetrics.toml").write_text("nonsense = 1\n")
    step.run("backfill", code=2)
    assert "## cmetrics backfill: failed\n\n`" in written(step)
    step.run("pull-data", "ledger", "--remote", str(step.folder / "nowhere"), code=1)
    assert "## cmetrics pull-data: failed\n\n`" in written(step)


def test_disabled_settings_are_reported_with_their_page(step: Workspace, world: World):
    (step.folder / "cmetrics.toml").write_text(catalog_text(("cratesio", "lance")))
    step.env |= {"GITHUB_TOKEN": "ghs_0123456789", "GITHUB_REPOSITORY": world.project.name}
    step.run("refresh")
    assert "Repository settings" not in written(step)
    world.project.pages, world.project.workflow, world.project.has_issues = None, "disabled_fork", False
    step.run("refresh")
    for link in ("/settings/pages>", "/actions/workflows/nightly.yml>", "/settings>"):
        assert f"<https://github.com/{world.project.name}{link}" in written(step)


def test_outside_of_actions_there_are_no_commands(workspace: Workspace, world: World):
    (workspace.folder / "cmetrics.toml").write_text(catalog_text(("cratesio", "gone")))
    workspace.env["GITHUB_STEP_SUMMARY"] = str(workspace.folder / "summary.md")
    done = workspace.run("refresh", code=1)
    assert "error: cratesio:" in done.stderr
    assert not commands(done.stderr)
    assert not written(workspace)
