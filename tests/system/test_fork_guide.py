"""The tutorial "Nightly on GitHub" in a fork: from a clone and a catalogue to a published site."""

from __future__ import annotations

import os
import shlex
import subprocess
from pathlib import Path

import pytest

from tests.conftest import INHERITED_VARIABLES, Workspace
from tests.docs.code import blocks
from tests.docs.project import DOCS, ROOT
from tests.world import fork_server
from tests.world.actions import JobResult, job, run_job
from tests.world.example import example_world
from tests.world.services import Services

SKIPPED = frozenset({"Install cmetrics", "Install plotly.js"})
AUTHOR = ("-c", "user.name=Ada", "-c", "user.email=ada@example.com")
SITE = "https://owner.example.com/name"


def git(folder: Path, *args: str) -> str:
    done = subprocess.run(["git", "-C", folder, *args], check=True, capture_output=True, text=True)
    return done.stdout.strip()


def copy_repository(fork: Path) -> None:
    """Write the committed files of this repository as one commit of a new one, because a clone in CI is shallow."""
    fork.mkdir()
    archive = subprocess.run(["git", "-C", ROOT, "archive", "HEAD"], check=True, capture_output=True).stdout
    subprocess.run(["tar", "-x", "-C", fork], input=archive, check=True)
    git(fork, "init", "--quiet", "--initial-branch=main")
    git(fork, "add", "--all")
    git(fork, *AUTHOR, "commit", "--quiet", "-m", "Copy")


def create_command() -> list[str]:
    """Return the first command of the page to which step 2 of the tutorial links."""
    block = next(block for block in blocks(DOCS / "tutorial" / "first-catalogue.md") if block.language == "sh")
    return shlex.split(block.text)[1:]


def night(remote: Path, folder: Path, env: dict[str, str]) -> JobResult:
    """Run the job that collects in a fresh checkout of the fork."""
    subprocess.run(["git", "clone", "--quiet", remote, folder / "work"], check=True)
    temp = folder / "temp"
    temp.mkdir()
    return run_job(
        job("collect", folder / "work" / ".github" / "workflows" / "nightly.yml"),
        folder / "work",
        temp=temp,
        env=env,
        uses={"pages": {"base_url": SITE}},
        skip=SKIPPED,
    )


@pytest.mark.skipif(not (ROOT / ".git").exists(), reason="the tests are not in a clone")
def test_a_fork_publishes(tmp_path: Path):
    """The fork changes only the catalogue, and the second night continues the store of the first."""
    remote, fork = tmp_path / "remotes" / "owner" / "name", tmp_path / "fork"
    copy_repository(fork)
    subprocess.run(["git", "init", "--quiet", "--bare", "--initial-branch=main", remote], check=True)
    with Services(example_world(), tmp_path) as services:
        Workspace(fork, services.env()).run(*create_command())
        git(fork, "add", "--all")
        assert git(fork, "diff", "--cached", "--name-only") == "cmetrics.toml"
        git(fork, *AUTHOR, "commit", "--quiet", "-m", "Add metrics")
        git(fork, "push", "--quiet", remote, "main")
        fork_server.install(tmp_path / "bin")
        (tmp_path / "home").mkdir()
        env = {name: os.environ[name] for name in INHERITED_VARIABLES if name in os.environ} | {
            "PATH": f"{tmp_path / 'bin'}:{os.environ['PATH']}",
            "HOME": str(tmp_path / "home"),
            "GIT_CONFIG_NOSYSTEM": "1",
            "GITHUB_SERVER_URL": f"file://{tmp_path / 'remotes'}",
            "GITHUB_REPOSITORY": "owner/name",
            "CMETRICS_CACHE": str(tmp_path / "cache"),
            **services.env(),
        }
        first, second = (night(remote, tmp_path / name, env) for name in ("first", "second"))
    for ran, folder in ((first, "first"), (second, "second")):
        assert ran.ok, ran.log
        assert (ran.outcomes["Build site"], ran.outputs["exit-code"]) == ("success", "0"), ran.log
        page = (tmp_path / folder / "work" / "site" / "index.html").read_text(encoding="utf-8")
        assert f'<link rel="canonical" href="{SITE}/">' in page
        assert "example/example" in page
    files = git(remote, "ls-tree", "-r", "--name-only", "data").splitlines()
    assert {"README.md", "manifest.csv", "metrics.csv", "stats/downloads-example-python.csv"} <= set(files)
    assert git(remote, "rev-list", "--count", "data") == "2"
