"""No command shows a secret, wherever it comes from, and whatever a service or a library returns."""

from __future__ import annotations

import base64
import subprocess
from pathlib import Path

import pytest

from tests.conftest import Workspace, catalog_text
from tests.rules import always
from tests.samples import a_metric, a_row
from tests.world.bucket import KEY, NAME, SECRET, running
from tests.world.services import Services, as_text
from tests.world.truth import GITHUB, HOSTS, World

TOKEN = "ghp_0123456789abcdefghijABCDEFGHIJ012345"
PASSWORD = "hunter2-of-the-proxy"


@pytest.fixture
def echoing(workspace: Workspace, world: World) -> Workspace:
    """Return a workspace with a stale metric, and services that return the headers of every request."""
    (workspace.folder / "cmetrics.toml").write_text(
        catalog_text(("cratesio", "lancedb"), ("github", "lancedb/lancedb"))
    )
    (workspace.folder / "data" / "lancedb").mkdir(parents=True)
    workspace.store.create_tables()
    fresh = a_metric("cratesio", subject="lancedb")
    workspace.store.upsert_observations([a_row(fresh, world.yesterday, 9)], always)

    def echo(request, _):
        basic = base64.b64encode(f"x-access-token:{TOKEN}".encode()).decode()
        bearer = request.headers.get("authorization", "")
        return as_text(f"refused: {bearer}; {bearer!r} {PASSWORD} Basic {basic}", 403, "text/plain")

    world.faults = dict.fromkeys(HOSTS, echo)
    workspace.env |= {
        "GITHUB_TOKEN": TOKEN,
        "GITHUB_REPOSITORY": world.project.name,
        "GITHUB_ACTIONS": "true",
        "GITHUB_STEP_SUMMARY": str(workspace.folder / "summary.md"),
        "ALL_PROXY": f"http://user:{PASSWORD}@127.0.0.1:9",
    }
    return workspace


def everything(folder: Path) -> str:
    return "".join(path.read_bytes().decode(errors="replace") for path in folder.rglob("*") if path.is_file())


@pytest.mark.parametrize("flags", [(), ("--json",)])
def test_a_service_that_echoes_the_request(echoing: Workspace, services: Services, flags: tuple[str, ...]):
    """Output, job summary, tables, site and export contain neither the token nor the proxy's password."""
    commands = (
        ("init", "--org", "lancedb", "--out", "new.toml"),
        ("init", "--repo", "lancedb/lancedb", "--out", "new.toml"),
        ("alert",),
        ("refresh",),
        ("doctor",),
        ("status",),
        ("build-site",),
        ("export",),
    )
    shown = ""
    for command in commands:
        done = echoing.run(*command, *flags, code=None)
        shown += done.stdout + done.stderr
    assert any(request.headers.get("authorization") == f"Bearer {TOKEN}" for request in services.requests_to(GITHUB))
    assert "refused: ***" in shown or "refused: Bearer ***" in shown
    shown += everything(echoing.folder)
    basic = base64.b64encode(f"x-access-token:{TOKEN}".encode()).decode()
    for secret in (TOKEN, TOKEN[:20], PASSWORD, basic, basic[30:50]):
        assert secret not in shown


@pytest.mark.parametrize("inside", ["\n", "\r", "\v", "\u200b"])
def test_a_token_that_cannot_be_sent(workspace: Workspace, world: World, inside: str):
    """Stars are read without it, and no part of it is in output, job summary, tables, site or data branch."""
    (workspace.folder / "cmetrics.toml").write_text(
        catalog_text(("cratesio", "lancedb"), ("github", "lancedb/lancedb"))
    )
    first, second = TOKEN[:20], TOKEN[20:]
    remote = workspace.folder.with_name("remote.git")
    subprocess.run(["git", "init", "-q", "--bare", str(remote)], check=True)
    workspace.env |= {
        "GITHUB_TOKEN": f"{first}{inside}{second}",
        "GITHUB_ACTIONS": "true",
        "GITHUB_STEP_SUMMARY": str(workspace.folder / "summary.md"),
    }
    shown = ""
    refreshed = workspace.run("refresh")
    assert "GITHUB_TOKEN is ignored" in refreshed.stderr
    doctor = workspace.run("doctor", code=None)
    assert "GITHUB_TOKEN is ignored" in doctor.stdout
    for command in (("pull-data", "--remote", str(remote)), ("push-data",), ("build-site",), ("status", "--json")):
        done = workspace.run(*command)
        shown += done.stdout + done.stderr
    shown += refreshed.stdout + refreshed.stderr + doctor.stdout + doctor.stderr + everything(workspace.folder)
    assert first not in shown
    assert second not in shown
    assert set(workspace.daily()) == {"downloads:p:rust", "stars:p:github"}


def test_a_proxy_with_a_special_character_in_its_password(workspace: Workspace):
    """The exit code is 2, the error names variable and correction, and the run is recorded in `history`."""
    workspace.env |= {"HTTPS_PROXY": f"http://user:{PASSWORD}#x@host:3128", "https_proxy": ""}
    done = workspace.run("refresh", code=2)
    assert "HTTPS_PROXY is not a valid proxy URL" in done.stderr
    assert "percent-encode" in done.stderr
    assert PASSWORD not in done.stdout + done.stderr + str(workspace.runs)
    assert "HTTPS_PROXY is not a valid proxy URL" in workspace.run("doctor", code=1).stdout


@pytest.mark.parametrize("entries", ["[::1]", "10.0.0.0/8,fd00::/8", "[::1],, localhost"])
def test_networks_in_no_proxy(workspace: Workspace, entries: str):
    """Such entries are common, affect no service, and stop no run."""
    workspace.env |= {"NO_PROXY": entries, "no_proxy": entries}
    assert workspace.json("refresh", "--only", "stars")["status"] == "success"


def test_proxy_and_authority_in_a_dotenv_file(workspace: Workspace, services: Services):
    """The documented variables are also read from the file."""
    (workspace.folder / ".env").write_text("".join(f"{name}={value}\n" for name, value in services.env().items()))
    workspace.env = {}
    assert workspace.json("refresh", "--only", "stars")["status"] == "success"
    assert services.requests_to(GITHUB)


def test_the_key_of_a_bucket_in_a_dotenv_file(workspace: Workspace):
    """Commands use the bucket, and show no key."""
    (workspace.folder / "cmetrics.toml").write_text(catalog_text(("npm", "@lancedb/lancedb")))
    with running() as bucket:
        values = {**bucket.env(), "CMETRICS_DB": f"s3://{NAME}/dotenv"}
        (workspace.folder / ".env").write_text("".join(f"{name}={value}\n" for name, value in values.items()))
        shown = workspace.run("bootstrap", "--yes").stderr
        refreshed = workspace.run("refresh")
        bucket.gate = lambda _: (403, "SignatureDoesNotMatch")
        shown += refreshed.stdout + refreshed.stderr + workspace.run("status", code=1).stderr
    assert SECRET not in shown
    assert KEY not in shown


def test_without_a_folder_for_temporary_files(workspace: Workspace, tmp_path: Path):
    """A refresh succeeds and is recorded, nothing is reported as damaged, and `doctor` names the variable."""
    workspace.env["TMPDIR"] = str(tmp_path / "absent")
    refreshed = workspace.run("refresh", "--only", "stars")
    assert "damaged" not in refreshed.stderr
    assert [run.status for run in workspace.runs] == ["success"]
    doctor = workspace.run("doctor", code=1).stdout
    assert "TMPDIR names" in doctor
    assert "Set TMPDIR to a writable folder" in doctor
