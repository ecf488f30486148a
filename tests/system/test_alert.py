"""The issue in the repository that runs cmetrics, by the installed command."""

from __future__ import annotations

import shutil

import pytest

from tests.conftest import Workspace, catalog_text
from tests.rules import always
from tests.samples import a_metric, a_row
from tests.world.truth import GITHUB, World


@pytest.fixture
def stale(workspace: Workspace, world: World) -> Workspace:
    """A store with one fresh metric, and one that has never had a day."""
    (workspace.folder / "cmetrics.toml").write_text(catalog_text(("cratesio", "lancedb"), ("npm", "gone")))
    (workspace.folder / "data" / "lancedb").mkdir(parents=True)
    workspace.store.create_tables()
    fresh = a_metric("cratesio", subject="lancedb")
    workspace.store.upsert_observations([a_row(fresh, world.yesterday, 9)], always)
    workspace.env |= {"GITHUB_TOKEN": "ghs_0123456789", "GITHUB_REPOSITORY": world.project.name}
    return workspace


def test_an_issue_is_opened_and_closed_when_all_is_well(stale: Workspace, world: World):
    opened = stale.json("alert")
    assert (opened["action"], opened["issue"]) == ("opened", 1)
    (issue,) = world.project.issues
    assert issue["title"] == "cmetrics: 1 metric is stale"
    assert [label["name"] for label in issue["labels"]] == ["cmetrics"]
    assert "`downloads:p:nodejs`, no data yet" in issue["body"]
    (stale.folder / "cmetrics.toml").write_text(catalog_text(("cratesio", "lancedb")))
    assert "issue #1 closed" in stale.run("alert").stdout
    assert (issue["state"], issue["state_reason"]) == ("closed", "completed")


def test_it_can_be_switched_off(stale: Workspace, services):
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


def test_what_it_may_not_do_is_said_with_what_to_do(stale: Workspace, world: World):
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


def test_a_store_that_could_not_be_pulled_is_an_issue_with_the_reason(stale: Workspace, world: World):
    """The store of the runner is empty then: its metrics are not called stale."""
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


def test_a_store_that_could_not_be_pushed_is_reported_beside_what_is_stale(stale: Workspace, world: World):
    """The night has collected days that the next night begins without."""
    (stale.folder / "push.json").write_text('{"error": {"message": "GH006: protected", "hint": null, "exit_code": 1}}')
    stale.run("alert", "--push-result", "push.json")
    (issue,) = world.project.issues
    assert issue["title"] == ("cmetrics: the store could not be pushed to the data branch and 1 metric is stale")
    assert "`GH006: protected`" in issue["body"]


def test_a_configuration_that_lets_no_run_begin_is_an_issue(stale: Workspace, world: World):
    """Wrong catalogue, wrong variable, wrong address; closed once it is right again."""
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
    assert "cmetrics.toml" in stale.run("alert", code=2).stderr, "without a token it is an error as elsewhere"


def test_a_store_that_cannot_be_read_is_an_issue(stale: Workspace, world: World):
    """Nothing else tells that the store is gone."""
    shutil.rmtree(stale.folder / "data")
    stale.run("alert")
    (issue,) = world.project.issues
    assert issue["title"] == "cmetrics: the store cannot be read"
