"""The issue of `cmetrics alert`, by the installed command."""

from __future__ import annotations

import shutil

import pytest

from tests.conftest import Workspace, catalog_text
from tests.rules import always
from tests.samples import a_metric, a_row
from tests.world.truth import GITHUB, World


@pytest.fixture
def stale(workspace: Workspace, world: World) -> Workspace:
    """Return a store with one fresh metric, and one without any day."""
    (workspace.folder / "cmetrics.toml").write_text(catalog_text(("cratesio", "lancedb"), ("npm", "gone")))
    (workspace.folder / "data" / "lancedb").mkdir(parents=True)
    workspace.store.create_tables()
    fresh = a_metric("cratesio", subject="lancedb")
    workspace.store.upsert_observations([a_row(fresh, world.yesterday, 9)], always)
    workspace.env |= {"GITHUB_TOKEN": "ghs_0123456789", "GITHUB_REPOSITORY": world.project.name}
    return workspace


def test_an_issue_is_opened_and_closed(stale: Workspace, world: World):
    opened = stale.json("alert")
    assert (opened["action"], opened["issue"]) == ("opened", 1)
    (issue,) = world.project.issues
    assert issue["title"] == "cmetrics: 1 metric is stale"
    assert [label["name"] for label in issue["labels"]] == ["cmetrics"]
    assert "`downloads:p:nodejs`, no data yet" in issue["body"]
    (stale.folder / "cmetrics.toml").write_text(catalog_text(("cratesio", "lancedb")))
    assert "issue #1 closed" in stale.run("alert").stdout
    assert (issue["state"], issue["state_reason"]) == ("closed", "completed")


def test_alerts_can_be_disabled(stale: Workspace, services):
    before = len(services.requests_to(GITHUB))
    assert "alerts are disabled" in stale.run("alert", "--off").stdout
    stale.env["CMETRICS_ALERTS"] = "off"
    switched_off = stale.json("alert")
    assert (switched_off["action"], switched_off["reason"]) == ("none", "off")
    stale.env["CMETRICS_ALERTS"] = "perhaps"
    assert "CMETRICS_ALERTS is 'perhaps'" in stale.run("alert", code=2).stderr
    stale.env["CMETRICS_ALERTS"] = "on"
    for name in ("GITHUB_TOKEN", "GITHUB_REPOSITORY"):
        value = stale.env.pop(name)
        assert f"{name} is not set" in stale.run("alert").stdout
        stale.env[name] = value
    assert len(services.requests_to(GITHUB)) == before


def test_missing_permissions_are_reported(stale: Workspace, world: World):
    world.project.may_write_issues = False
    done = stale.run("alert", code=1)
    assert "permissions: issues: write" in done.stderr
    assert "ghs_0123456789" not in done.stdout + done.stderr
    world.project.has_issues = False
    done = stale.run("alert")
    assert f"https://github.com/{world.project.name}/settings" in done.stderr
    disabled = stale.json("alert")
    assert (disabled["action"], disabled["reason"]) == ("none", "issues-disabled")
    assert not world.project.issues


def test_a_failed_pull_opens_an_issue(stale: Workspace, world: World):
    """The store of the runner is empty then, and its metrics are not reported as stale."""
    failed = stale.run("pull-data", "data/ledger", "--remote", str(stale.folder / "nowhere"), "--json", code=1)
    (stale.folder / "pull.json").write_text(failed.stdout)
    shutil.rmtree(stale.folder / "data")
    done = stale.run("alert", "--pull-result", "pull.json")
    assert "issue #1 opened" in done.stdout
    assert "warning: the store could not be pulled from the data branch: git ls-remote" in done.stderr
    (issue,) = world.project.issues
    assert issue["title"] == "cmetrics: the store could not be pulled from the data branch"
    assert "nowhere" in issue["body"]
    assert stale.json("alert", "--pull-result", "pull.json")["reason"] == "unchanged"


def test_a_failed_push_is_reported_with_stale_metrics(stale: Workspace, world: World):
    """The next night starts without the days that this one has collected."""
    (stale.folder / "push.json").write_text('{"error": {"message": "GH006: protected", "hint": null, "exit_code": 1}}')
    stale.run("alert", "--push-result", "push.json")
    (issue,) = world.project.issues
    assert issue["title"] == ("cmetrics: the store could not be pushed to the data branch and 1 metric is stale")
    assert "`GH006: protected`" in issue["body"]


def test_a_wrong_configuration_opens_an_issue(stale: Workspace, world: World):
    """A wrong catalogue or variable opens an issue, which is closed once it is correct."""
    right = catalog_text(("cratesio", "lancedb"))
    (stale.folder / "cmetrics.toml").write_text("nonsense = 1\n")
    assert stale.json("alert")["action"] == "opened"
    (issue,) = world.project.issues
    assert issue["title"] == "cmetrics: the configuration is wrong"
    assert "cmetrics.toml" in issue["body"]
    (stale.folder / "cmetrics.toml").write_text(right)
    stale.env["LANCEDB_API_KEY"] = "sk-0123456789"
    assert stale.json("alert")["action"] == "updated"
    assert "LANCEDB_HOST_OVERRIDE is not set" in issue["body"]
    assert "sk-0123456789" not in issue["body"]
    del stale.env["LANCEDB_API_KEY"]
    stale.env["CMETRICS_SITE_URL"] = "here"
    assert stale.json("alert")["action"] == "updated"
    del stale.env["CMETRICS_SITE_URL"]
    assert stale.json("alert")["action"] == "closed"
    del stale.env["GITHUB_TOKEN"]
    (stale.folder / "cmetrics.toml").write_text("nonsense = 1\n")
    assert "cmetrics.toml" in stale.run("alert", code=2).stderr, "without a token, it is a usage error"


def test_an_unreadable_store_opens_an_issue(stale: Workspace, world: World):
    """No other command reports that the store is missing."""
    shutil.rmtree(stale.folder / "data")
    stale.run("alert")
    (issue,) = world.project.issues
    assert issue["title"] == "cmetrics: the store cannot be read"
