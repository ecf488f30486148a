"""`init` by the installed command: names checked at their services, a file that works."""

from __future__ import annotations

import os
import pty
import subprocess
import tomllib

import pytest

from tests.conftest import COMMAND, Home
from tests.world.truth import CRATES, DAY, GITHUB, NPM, PYPI, Repository, World

NAMES = ("--pypi", "pylance", "--npm", "@lancedb/lancedb", "--crate", "lance", "--repo", "lance-format/lance")


def file(home: Home, name: str = "cmetrics.toml") -> dict:
    return tomllib.loads((home.folder / name).read_text())


def test_the_file_that_is_written_can_be_refreshed_from(home: Home, services):
    written = home.json("init", *NAMES, "--title", 'Our "own" metrics')
    assert written["checked"] is True
    assert [m["metric_id"] for m in written["metrics"]] == [
        "downloads:lance:python",
        "downloads:lance:nodejs",
        "downloads:lance:rust",
        "stars:lance:github",
    ]
    assert file(home)["title"] == 'Our "own" metrics'
    assert {request.host for request in services.requests} == {PYPI, CRATES, NPM, GITHUB}
    assert len(services.to(CRATES)) == 1
    assert home.json("refresh")["status"] == "success"


def test_a_file_that_is_there_is_not_overwritten(home: Home, services):
    (home.folder / "cmetrics.toml").write_text("# mine")
    assert "already exists" in home.run("init", *NAMES, code=2).stderr
    assert (home.folder / "cmetrics.toml").read_text() == "# mine"
    assert not services.requests
    home.env["CMETRICS_CONFIG"] = "other.toml"
    home.run("init", "--repo", "lancedb/lancedb", "--out", "other.toml")
    home.run("init", "--repo", "lancedb/lancedb", "--force")
    assert file(home) == file(home, "other.toml")


def test_what_does_not_exist_is_named_and_nothing_is_written(home: Home):
    done = home.run("init", "--crate", "lance", "--crate", "lanse", "--repo", "lance-format/lanse", code=2)
    assert "not found: lanse (crates.io), lance-format/lanse (api.github.com); nothing was written" in done.stderr
    assert not list(home.folder.iterdir())


def test_without_network_nothing_is_written_unless_unchecked(offline: Home):
    done = offline.run("init", "--crate", "lance", "--repo", "o/lance", code=1)
    assert "2 of 2 names could not be checked" in done.stderr
    assert not list(offline.folder.iterdir())
    offline.run("init", "--crate", "lance", "--repo", "o/lance", "--no-check")
    assert [m["subject"] for m in file(offline)["metrics"]] == ["lance", "o/lance"]
    assert "--no-check" in offline.run("init", "--org", "lancedb", "--no-check", "--force", code=2).stderr


def test_without_a_terminal_and_without_names_nothing_is_asked(home: Home):
    assert "no names given, and no terminal to ask on" in home.run("init", code=2).stderr


def test_an_owner_s_most_starred_repositories_are_taken(home: Home, world: World):
    created = world.today - 100 * DAY
    for n in range(8):
        world.repositories[f"lancedb/r{n}"] = Repository(f"lancedb/r{n}", 800_000 + n, created, {created: n})
    world.project.others = {"lancedb/fork": (99, True, False), "lancedb/old": (99, False, True)}
    done = home.run("init", "--org", "lancedb", "--pypi", "lancedb")
    subjects = [m["subject"] for m in file(home)["metrics"]]
    assert subjects == ["lancedb", "lancedb/lancedb", "lancedb/r7", "lancedb/r6", "lancedb/r5", "lancedb/r4"]
    assert "lancedb has more repositories" in done.stderr
    assert "has no organisation" in home.run("init", "--org", "nobody", "--force", code=2).stderr


def test_a_repository_that_has_moved_is_written_by_its_present_name(home: Home, world: World):
    world.renamed["lancedb/lance"] = "lance-format/lance"
    done = home.run("init", "--repo", "lancedb/lance")
    assert "lancedb/lance is now called lance-format/lance" in done.stderr
    assert [m["subject"] for m in file(home)["metrics"]] == ["lance-format/lance"]


@pytest.mark.parametrize(("typed", "code"), [("\nlancedb/lancedb\n\n\nlancedb\n", 0), ("\n\n\n\n\n", 2)])
def test_on_a_terminal_it_asks(home: Home, typed: str, code: int):
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [str(COMMAND), "init"],
        cwd=home.folder,
        env=home.environment,
        stdin=theirs,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    os.write(ours, typed.encode())
    out, err = process.communicate(timeout=60)
    os.close(ours)
    os.close(theirs)
    assert process.returncode == code, err
    assert "Packages on PyPI" in err
    if code == 0:
        assert [m["subject"] for m in file(home)["metrics"]] == ["lancedb", "lancedb/lancedb"]
    else:
        assert "no names given" in err
        assert not out.strip()
