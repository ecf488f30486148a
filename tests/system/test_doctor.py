"""`doctor`, by the installed command: its findings, and that it changes nothing and shows no secrets."""

from __future__ import annotations

import subprocess
from email.utils import formatdate
from pathlib import Path
from time import time

import pyarrow as pa
import pytest

from tests.conftest import Workspace, catalog_text
from tests.world.cluster import Cluster
from tests.world.counters import DOCKER
from tests.world.services import Reply, Request
from tests.world.truth import CRATES, DAY, GITHUB, HOSTS, World


def levels(document: dict) -> dict[str, str]:
    """Return the worst level of each area."""
    order = ("ok", "warning", "problem")
    found: dict[str, str] = {}
    for check in document["checks"]:
        found[check["area"]] = max(found.get(check["area"], "ok"), check["level"], key=order.index)
    return found


def files(folder: Path) -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_a_healthy_installation_is_ok_and_unchanged(workspace: Workspace, world: World):
    (workspace.folder / "cmetrics.toml").write_text(
        catalog_text(("cratesio", "lancedb"), ("github", "lancedb/lancedb"))
    )
    workspace.run("refresh")
    workspace.env |= {"GITHUB_TOKEN": "ghs_0123456789", "GITHUB_REPOSITORY": world.project.name}
    before = files(workspace.folder)
    document = workspace.json("doctor")
    assert document["status"] == "ok", document
    assert set(levels(document)) == {
        *("versions", "configuration", "catalogue", "storage", "temporary files", "tables", "runs", "metrics", "clock"),
        *("service cratesio", "service github", "github token", "schedule", "pages", "data branch"),
    }
    assert files(workspace.folder) == before
    shown = workspace.run("doctor")
    assert "ghs_" not in shown.stdout + shown.stderr
    assert "token of a workflow or an app" in shown.stdout
    assert workspace.run("doctor", "--quiet").stdout == ""


def test_without_network_and_before_the_first_run(offline: Workspace):
    (offline.folder / "cmetrics.toml").write_text(catalog_text(("cratesio", "lancedb"), ("github", "lancedb/lancedb")))
    document = offline.json("doctor", code=1)
    found = levels(document)
    assert found["service cratesio"] == found["service github"] == "problem"
    assert found["storage"] == "warning"
    assert found["clock"] == "ok"
    assert all(check["advice"] for check in document["checks"] if check["level"] != "ok")
    assert [path.name for path in offline.folder.iterdir()] == ["cmetrics.toml"], "nothing was created"
    assert "unreachable: cannot connect to crates.io" in offline.run("doctor", code=1).stdout


def test_a_rejected_token_and_a_failing_service_are_warnings(workspace: Workspace, world: World):
    (workspace.folder / "cmetrics.toml").write_text(catalog_text(("github", "lancedb/lancedb")))
    workspace.run("refresh")
    workspace.env["GITHUB_TOKEN"] = "ghp_secret0123"
    world.project.token_headers = {
        "X-OAuth-Scopes": "repo",
        "github-authentication-token-expiration": "2020-01-01 00:00:00 UTC",
    }
    document = workspace.json("doctor", code=1)
    assert [c["level"] for c in document["checks"] if c["area"] == "github token"] == ["warning", "problem"]
    world.rejected_tokens.add("ghp_secret0123")
    done = workspace.run("doctor")
    assert "Renew GITHUB_TOKEN" in done.stdout
    assert "ghp_secret" not in done.stdout + done.stderr


@pytest.mark.parametrize("hours", [1, 30])
def test_a_wrong_clock_is_a_warning(workspace: Workspace, world: World, hours: int):
    """This includes a clock that is a day off, with which a run would store nothing."""
    (workspace.folder / "cmetrics.toml").write_text(
        catalog_text(("cratesio", "lancedb"), ("github", "lancedb/lancedb"))
    )

    def ahead(_: Request, usual) -> Reply:
        reply = usual()
        reply.headers["Date"] = formatdate(time() + hours * 3600, usegmt=True)
        return reply

    world.faults |= dict.fromkeys(HOSTS, ahead)
    document = workspace.json("doctor")
    clock = next(check for check in document["checks"] if check["area"] == "clock")
    assert clock["level"] == "warning"
    assert f"{hours * 60} minutes behind" in clock["text"]
    assert levels(document)["service cratesio"] == "ok"


def test_tables_of_another_program_are_found(workspace: Workspace, world: World):
    (workspace.folder / "cmetrics.toml").write_text(catalog_text(("cratesio", "lancedb")))
    workspace.run("refresh")
    connection = workspace.store._connection
    connection.open_table("metrics").add_columns(pa.field("shiny", pa.string()))
    connection.open_table("stats").drop_columns(["source_ref"])
    texts = [check["text"] for check in workspace.json("doctor", code=1)["checks"] if check["area"] == "tables"]
    assert texts == ["metrics has columns unknown to this version: shiny", "stats lacks source_ref"]


@pytest.mark.parametrize(
    ("env", "parts"),
    [
        ({"LANCEDB_API_KEY": "sk-0123456789"}, ["LANCEDB_HOST_OVERRIDE is not set"]),
        (
            {
                "CMETRICS_WEBHOOK_URL": "http://example.com/s3cret",
                "CMETRICS_SITE_URL": "here",
                "GITHUB_REPOSITORY": "../..",
                "SSL_CERT_FILE": "/nowhere.pem",
            },
            [
                "CMETRICS_WEBHOOK_URL is not an https",
                "GITHUB_REPOSITORY is not in the form",
                "SSL_CERT_FILE",
                "problem catalogue",
            ],
        ),
    ],
)
def test_a_wrong_configuration_does_not_stop_other_checks(workspace: Workspace, env: dict[str, str], parts: list[str]):
    (workspace.folder / "cmetrics.toml").write_text("nonsense = 1\n")
    workspace.env |= env
    done = workspace.run("doctor", code=1)
    assert not [text for text in (*parts, "clock") if text not in done.stdout], done.stdout
    assert not [secret for secret in ("sk-0123456789", "s3cret") if secret in done.stdout + done.stderr]


def test_an_unwritable_store_is_a_problem(workspace: Workspace):
    (workspace.folder / "data").write_text("a file where a folder should be")
    storage = [c for c in workspace.json("doctor", code=1)["checks"] if c["area"] == "storage"]
    assert storage[0]["level"] == "problem"


def test_a_cluster_is_not_written(workspace: Workspace, tmp_path: Path):
    (workspace.folder / "cmetrics.toml").write_text(catalog_text(("cratesio", "lancedb")))
    root = tmp_path / "cluster"
    root.mkdir()
    with Cluster(root) as cluster:
        workspace.env |= cluster.env()
        assert "Create them with `cmetrics create-tables`" in workspace.run("doctor", code=1).stdout
        workspace.run("bootstrap")
        before = files(root)
        done = workspace.run("doctor", code=1)
        assert "is readable; write access is not checked" in done.stdout
        assert "metrics, stats, history: schema is current" in done.stdout
        assert cluster.api_key not in done.stdout + done.stderr
        assert files(root) == before
        workspace.env["LANCEDB_API_KEY"] = "sk-wrong-0123456789"
        refused = workspace.run("doctor", code=1)
        assert "refused the key" in refused.stdout
        assert "sk-wrong" not in refused.stdout + refused.stderr


def test_each_service_of_the_catalogue_is_requested_once(workspace: Workspace, services):
    (workspace.folder / "cmetrics.toml").write_text(catalog_text(("cratesio", "lancedb")))
    workspace.run("doctor")
    assert len(services.requests_to(CRATES)) == 1
    assert not services.requests_to(GITHUB)


def test_a_rule_that_rejects_the_data_branch_is_found(workspace: Workspace, world: World):
    """A ruleset for all branches of an organization also applies to a branch that does not exist yet."""
    (workspace.folder / "cmetrics.toml").write_text(catalog_text(("cratesio", "lancedb")))
    workspace.run("refresh")
    workspace.env |= {"GITHUB_TOKEN": "ghs_0123456789", "GITHUB_REPOSITORY": world.project.name}
    ruleset = {"ruleset_source_type": "Organization", "ruleset_source": "someone", "ruleset_id": 42}
    world.project.rules = [{"type": kind, **ruleset} for kind in ("pull_request", "deletion")]
    (check,) = [check for check in workspace.json("doctor")["checks"] if check["area"] == "data branch"]
    assert check["level"] == "warning"
    assert "organization (pull_request) applies to the branch data" in check["text"]
    assert check["link"] == "https://github.com/organizations/someone/settings/rules/42"
    world.project.rules = []
    world.project.branches["data"] = {
        "required_pull_request_reviews": {"url": "x"},
        "enforce_admins": {"enabled": True},
    }
    done = workspace.run("doctor")
    assert "the branch data is protected; push-data is refused" in done.stdout
    assert f"https://github.com/{world.project.name}/settings/branches" in done.stdout
    world.project.may_administer = True
    assert "the branch data is protected (required_pull_request_reviews)" in workspace.run("doctor").stdout


def test_the_data_branch_is_that_of_the_clone(workspace: Workspace, world: World, services):
    """The branch may have another name; object stores and clusters have none."""
    (workspace.folder / "cmetrics.toml").write_text(catalog_text(("cratesio", "lancedb")))
    workspace.env |= {"GITHUB_TOKEN": "ghs_0123456789", "GITHUB_REPOSITORY": world.project.name}
    remote = workspace.folder / "remote.git"
    subprocess.run(["git", "init", "--quiet", "--bare", remote], check=True)
    workspace.run("pull-data", "--remote", str(remote), "--branch", "numbers")
    assert "no rule blocks a push to numbers" in workspace.run("doctor").stdout
    before = len([request for request in services.requests_to(GITHUB) if "/rules/" in request.path])
    workspace.run("doctor", "--db", "s3://nowhere/metrics", code=None)
    assert len([request for request in services.requests_to(GITHUB) if "/rules/" in request.path]) == before == 1


def test_an_unknown_package_is_named(workspace: Workspace, world: World):
    """Only failed metrics are looked up again; once the package exists, there is no problem."""
    (workspace.folder / "cmetrics.toml").write_text(catalog_text(("cratesio", "lanse"), ("npm", "@lancedb/lancedb")))
    workspace.run("refresh", code=3)
    checks = [c for c in workspace.json("doctor", code=1)["checks"] if c["area"] == "catalogue" and c["level"] != "ok"]
    assert [check["text"] for check in checks] == ["not found: lanse (crates.io), of downloads:p:rust"]
    assert checks[0]["advice"].startswith("Correct the subject in ")
    world.crates["lanse"] = world.crates["lance"]
    assert levels(workspace.json("doctor", code=None))["catalogue"] == "ok"


#: A subject that exists in the world for each source that `doctor` checks by a subject.
COUNTED = (
    ("dockerhub", "lance/db"),
    ("huggingface", "models/lance/embed"),
    ("nuget", "Lance.Net"),
    ("openvsx", "Lance.viewer"),
    ("vscode", "Lance.viewer"),
    ("github-releases", "lancedb/lancedb"),
)


def test_sources_of_counts_are_checked_by_a_subject(workspace: Workspace, world: World):
    """One subject of each source is requested; an unknown subject and an unavailable service differ."""
    world.counters.release("lancedb/lancedb", world.today - 9 * DAY, world.today)
    file = workspace.folder / "cmetrics.toml"
    file.write_text(catalog_text(*COUNTED))
    found = levels(workspace.json("doctor", code=0))
    assert {f"service {source}": found[f"service {source}"] for source, _ in COUNTED} == {
        f"service {source}": "ok" for source, _ in COUNTED
    }
    world.faults[DOCKER] = lambda _, __: Reply(500, b"500")
    file.write_text(catalog_text(("dockerhub", "lance/db"), ("nuget", "Lance.Nothing")))
    document = workspace.json("doctor", code=1)
    found = levels(document)
    assert (found["service dockerhub"], found["service nuget"], found["catalogue"]) == ("warning", "ok", "problem")
    assert any("not found: Lance.Nothing (nuget.org)" in check["text"] for check in document["checks"])
