"""`init`, by the installed command: names are checked at their services, and the file works."""

from __future__ import annotations

import tomllib

import pytest

from tests.conftest import Workspace
from tests.terminal import answer
from tests.world.truth import CRATES, DAY, GITHUB, NPM, PYPI, Repository, World

NAMES = ("--pypi", "pylance", "--npm", "@lancedb/lancedb", "--crate", "lance", "--repo", "lance-format/lance")


def file(workspace: Workspace, name: str = "cmetrics.toml") -> dict:
    return tomllib.loads((workspace.folder / name).read_text())


def test_the_written_file_works(workspace: Workspace, services):
    written = workspace.json("init", *NAMES, "--title", 'Our "own" metrics')
    assert written["checked"] is True
    assert [m["metric_id"] for m in written["metrics"]] == [
        "downloads:lance:python",
        "downloads:lance:nodejs",
        "downloads:lance:rust",
        "stars:lance:github",
    ]
    assert file(workspace)["title"] == 'Our "own" metrics'
    assert {request.host for request in services.requests} == {PYPI, CRATES, NPM, GITHUB}
    assert len(services.requests_to(CRATES)) == 1
    assert workspace.json("refresh")["status"] == "success"


def test_an_existing_file_is_not_overwritten(workspace: Workspace, services):
    (workspace.folder / "cmetrics.toml").write_text("# mine")
    assert "already exists" in workspace.run("init", *NAMES, code=2).stderr
    assert (workspace.folder / "cmetrics.toml").read_text() == "# mine"
    assert not services.requests
    workspace.env["CMETRICS_CONFIG"] = "other.toml"
    workspace.run("init", "--repo", "lancedb/lancedb", "--out", "other.toml")
    workspace.run("init", "--repo", "lancedb/lancedb", "--force")
    assert file(workspace) == file(workspace, "other.toml")


def test_unknown_names_are_reported_and_nothing_is_written(workspace: Workspace):
    done = workspace.run("init", "--crate", "lance", "--crate", "lanse", "--repo", "lance-format/lanse", code=2)
    assert "not found: lanse (crates.io), lance-format/lanse (api.github.com); nothing was written" in done.stderr
    assert not list(workspace.folder.iterdir())


def test_without_network_nothing_is_written_unless_unchecked(offline: Workspace):
    done = offline.run("init", "--crate", "lance", "--repo", "o/lance", code=1)
    assert "2 of 2 names could not be checked" in done.stderr
    assert not list(offline.folder.iterdir())
    offline.run("init", "--crate", "lance", "--repo", "o/lance", "--no-check")
    assert [m["subject"] for m in file(offline)["metrics"]] == ["lance", "o/lance"]
    assert "--no-check" in offline.run("init", "--org", "lancedb", "--no-check", "--force", code=2).stderr


def test_without_terminal_and_names_is_wrong_usage(workspace: Workspace):
    assert "no names given, and no terminal to ask for them" in workspace.run("init", code=2).stderr


def test_the_most_starred_repositories_of_an_owner_are_used(workspace: Workspace, world: World):
    created = world.today - 100 * DAY
    for n in range(8):
        world.repositories[f"lancedb/r{n}"] = Repository(f"lancedb/r{n}", 800_000 + n, created, {created: n})
    world.project.others = {"lancedb/fork": (99, True, False), "lancedb/old": (99, False, True)}
    done = workspace.run("init", "--org", "lancedb", "--pypi", "lancedb")
    subjects = [m["subject"] for m in file(workspace)["metrics"]]
    assert subjects == ["lancedb", "lancedb/lancedb", "lancedb/r7", "lancedb/r6", "lancedb/r5", "lancedb/r4"]
    assert "lancedb has more repositories" in done.stderr
    assert (
        "no such organisation or user on GitHub" in workspace.run("init", "--org", "nobody", "--force", code=2).stderr
    )


def test_a_renamed_repository_is_written_with_its_new_name(workspace: Workspace, world: World):
    world.renamed["lancedb/lance"] = "lance-format/lance"
    done = workspace.run("init", "--repo", "lancedb/lance")
    assert "lancedb/lance was renamed to lance-format/lance" in done.stderr
    assert [m["subject"] for m in file(workspace)["metrics"]] == ["lance-format/lance"]


@pytest.mark.parametrize(("typed", "code"), [("\nlancedb/lancedb\n\n\nlancedb\n", 0), ("\n\n\n\n\n", 2)])
def test_names_are_asked_for_in_a_terminal(workspace: Workspace, typed: str, code: int):
    found, out, err = answer(workspace, typed, "init")
    assert found == code, err
    assert "Packages on PyPI" in err
    if code == 0:
        assert [m["subject"] for m in file(workspace)["metrics"]] == ["lancedb", "lancedb/lancedb"]
    else:
        assert "no names given" in err
        assert not out.strip()


# -- addresses and contacts ----------------------------------------------------------------------


def test_addresses_are_accepted_as_names(workspace: Workspace):
    """Addresses from a browser or from git are accepted, with and without an option."""
    workspace.run("init", "https://pypistats.org/packages/pylance", "--repo", "git@github.com:lance-format/lance.git")
    assert [m["subject"] for m in file(workspace)["metrics"]] == ["pylance", "lance-format/lance"]
    done = workspace.run("init", "--pypi", "https://crates.io/crates/lance", "--force", code=2)
    assert "--pypi 'https://crates.io/crates/lance' is an address for --crate; use --crate lance" in done.stderr
    assert "'pylance' is not an address" in workspace.run("init", "pylance", "--force", code=2).stderr


@pytest.mark.parametrize(
    ("contact", "reason"),
    [
        ("foo", "is neither an email address nor a URL"),
        ("a@b", "is neither an email address nor a URL"),
        ("https://example.com/curl", "crates.io refuses a User-Agent that contains 'curl'"),
    ],
)
def test_invalid_contact(workspace: Workspace, services, contact: str, reason: str):
    done = workspace.run("init", "--crate", "lance", "--contact", contact, code=2)
    assert f"error: --contact '{contact}'" in done.stderr
    assert reason in done.stderr
    assert not services.requests
    assert not list(workspace.folder.iterdir())


@pytest.mark.parametrize("contact", ["me@example.com", "https://example.com/curl"])
def test_contact(workspace: Workspace, contact: str):
    """A contact that crates.io refuses is valid in a catalogue without crates."""
    workspace.run("init", "--pypi", "pylance", "--contact", contact)
    assert file(workspace)["contact"] == contact


# -- adding to a file ----------------------------------------------------------------------------

MINE = """\
# Mine.
title = "Mine"   # of the page
contact = "https://example.com/me"

[[products]]
id = "lance"
title = "Lance"

[[metrics]]
product = "lance"
source = "cratesio"
subject = "lance"
# the end"""


@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_add(workspace: Workspace, end: str):
    """New blocks are appended, existing entries are skipped, and no byte of the file changes."""
    before = b"\xef\xbb\xbf" + MINE.replace("\n", end).encode()
    (workspace.folder / "cmetrics.toml").write_bytes(before)
    done = workspace.run("init", "--add", "--crate", "lancedb,LANCE", "--pypi", "pylance", "--repo", "lancedb/lancedb")
    after = (workspace.folder / "cmetrics.toml").read_bytes()
    assert after.startswith(before)
    assert after.count(b"\r\n") == (after.count(b"\n") if end == "\r\n" else 0)
    added = tomllib.loads(after.decode("utf-8-sig"))
    assert [(m["product"], m["subject"]) for m in added["metrics"]] == [
        ("lance", "lance"),
        ("lance", "pylance"),
        ("lancedb", "lancedb"),
        ("lancedb", "lancedb/lancedb"),
    ]
    assert [product["id"] for product in added["products"]] == ["lance", "lancedb"]
    assert "LANCE (crates.io) is already in the file as downloads:lance:rust; skipped" in done.stderr
    assert "cmetrics.toml: 3 metrics added; 4 metrics of 2 products" in done.stdout
    again = workspace.json("init", "--add", "--crate", "lance")
    assert again["metrics"] == []
    assert (workspace.folder / "cmetrics.toml").read_bytes() == after
    assert workspace.json("refresh")["status"] == "success"


def test_add_assigns_unused_ids(workspace: Workspace):
    (workspace.folder / "cmetrics.toml").write_text(MINE)
    written = workspace.json("init", "--add", "--crate", "lancedb", "--product", "Lance")
    assert [m["metric_id"] for m in written["metrics"]] == ["downloads:lance:rust:lancedb"]


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        (["--force"], "--add and --force cannot be combined"),
        (["--title", "x"], "--add changes neither --title nor --contact"),
        (["--out", "other.toml"], "there is no file other.toml; leave out --add to create it"),
    ],
)
def test_add_refused(workspace: Workspace, services, options: list[str], reason: str):
    (workspace.folder / "cmetrics.toml").write_text(MINE)
    assert reason in workspace.run("init", "--add", "--crate", "lancedb", *options, code=2).stderr
    assert (workspace.folder / "cmetrics.toml").read_text() == MINE
    assert not services.requests


def test_add_to_lists(workspace: Workspace, services):
    """An inline list cannot be extended, and a file with a mistake is not changed."""
    path = workspace.folder / "cmetrics.toml"
    text = (
        'contact = "https://example.com/me"\nproducts = [{id = "p", title = "P"}]\n'
        'metrics = [{product = "p", source = "npm", subject = "x"}]\n'
    )
    path.write_text(text)
    assert "are one inline list" in workspace.run("init", "--add", "--crate", "lance", code=2).stderr
    assert path.read_text() == text
    path.write_text(f"{MINE}\n[[metric]]\n")
    assert "did you mean 'metrics'?" in workspace.run("init", "--add", "--crate", "lancedb", code=2).stderr
    assert not services.requests


# -- packages of repositories --------------------------------------------------------------------


def with_packages(world: World) -> None:
    """Add manifests as in the repositories of Lance: a workspace of crates, a Python and a Node.js package."""
    world.project.files = {
        "lance-format/lance": {
            "README.md": "x",
            "Cargo.toml": '[workspace]\nmembers = ["rust/*", "tools"]\nexclude = ["rust/skipped"]',
            "rust/lance/Cargo.toml": '[package]\nname = "lance"',
            "rust/unpublished/Cargo.toml": '[package]\nname = "lance-unpublished"',
            "rust/skipped/Cargo.toml": '[package]\nname = "lancedb"',
            "tools/Cargo.toml": '[package]\nname = "lancedb"\npublish = false',
            "python/pyproject.toml": '[project]\nname = "pylance"',
        },
        "lancedb/lancedb": {
            "package.json": '{"name": "@lancedb/lancedb"}',
            "Cargo.toml": '[package]\nname = "lancedb"',
        },
    }
    world.project.registered = {
        "lance": "https://github.com/lance-format/Lance.git",
        "lancedb": "https://github.com/a/b",
    }


REPOSITORIES = ("--repo", "lance-format/lance", "--repo", "lancedb/lancedb")


def test_packages_are_offered(workspace: Workspace, world: World):
    """Without a terminal, the file has the given names, and the command that adds the packages is printed."""
    with_packages(world)
    done = workspace.run("init", *REPOSITORIES)
    assert [m["subject"] for m in file(workspace)["metrics"]] == ["lance-format/lance", "lancedb/lancedb"]
    lines = done.stderr.splitlines()
    assert "found: lance (crates.io), from rust/lance/Cargo.toml of lance-format/lance" in lines
    assert "found: pylance (pypistats.org), from python/pyproject.toml of lance-format/lance" in lines
    assert "found: @lancedb/lancedb (api.npmjs.org), from package.json of lancedb/lancedb" in lines
    assert (
        "found: lancedb (crates.io), from Cargo.toml of lancedb/lancedb; "
        "may belong to someone else: its registry entry names a/b" in lines
    )
    assert "in the repositories, but not published: lance-unpublished (crates.io)" in lines
    command = "cmetrics init --add --crate lance --pypi pylance --npm @lancedb/lancedb"
    assert f"add with: {command}" in lines
    workspace.run(*command.split()[1:])
    assert len(file(workspace)["metrics"]) == 5


def test_packages_are_added(workspace: Workspace, world: World):
    """`--packages` adds packages of these repositories only."""
    with_packages(world)
    written = workspace.json("init", "--org", "lance-format", *REPOSITORIES[2:], "--packages")
    assert [(m["product"], m["subject"]) for m in written["metrics"]] == [
        ("lance", "pylance"),
        ("lance", "lance"),
        ("lance", "lance-format/lance"),
        ("lancedb", "@lancedb/lancedb"),
        ("lancedb", "lancedb/lancedb"),
    ]
    assert {p["subject"]: (p["added"], p["other_repository"]) for p in written["packages"]} == {
        "lance": (True, None),
        "pylance": (True, None),
        "@lancedb/lancedb": (True, None),
        "lancedb": (False, "a/b"),
    }


def test_no_packages(workspace: Workspace, world: World, services):
    with_packages(world)
    assert workspace.json("init", *REPOSITORIES, "--no-packages")["packages"] == []
    assert not [request for request in services.requests_to(GITHUB) if "/contents" in request.path]


def test_end_of_the_quota(workspace: Workspace, world: World):
    """The search stops before the quota is used up, and prints which repositories were not searched."""
    with_packages(world)
    world.github_quota = 16
    done = workspace.run("init", *REPOSITORIES)
    assert [m["subject"] for m in file(workspace)["metrics"]] == ["lance-format/lance", "lancedb/lancedb"]
    assert "not searched for packages: lance-format/lance, lancedb/lancedb; " in done.stderr
    assert "set GITHUB_TOKEN" in done.stderr


def test_bounded_search(workspace: Workspace, world: World, services):
    world.project.files = {
        "lancedb/lancedb": {"Cargo.toml": '[workspace]\nmembers = ["c/*"]'}
        | {f"c/x{n}/Cargo.toml": f'[package]\nname = "x{n}"' for n in range(40)}
    }
    done = workspace.run("init", "--repo", "lancedb/lancedb")
    assert "lancedb/lancedb: stopped after 25 requests; it may have more packages" in done.stderr
    assert len([request for request in services.requests_to(GITHUB) if "/contents" in request.path]) == 25


@pytest.mark.parametrize(
    ("typed", "added"),
    [("", ["@lancedb/lancedb"]), ("none", []), ("2", ["lancedb"]), ("2, 1", ["@lancedb/lancedb", "lancedb"])],
)
def test_packages_on_a_terminal(workspace: Workspace, world: World, typed: str, added: list[str]):
    with_packages(world)
    code, _, err = answer(workspace, f"{typed}\n", "init", "--repo", "lancedb/lancedb")
    assert code == 0, err
    assert [m["subject"] for m in file(workspace)["metrics"]] == [*added, "lancedb/lancedb"]


def test_further_sources(workspace: Workspace):
    """Images, models, formulae, extensions and packages of other languages are checked and written."""
    named = ("--docker", "lance/db", "--hf", "models/lance/embed", "--brew", "lance", "--duckdb", "lance")
    more = ("--gem", "lance", "--cran", "lance", "--packagist", "lance/lance", "--vscode", "Lance.viewer")
    who = ("--contact", "https://example.com/x")
    written = workspace.json("init", *named, *more, *who, "--product", "Lance")
    sources = ["cran", "dockerhub", "duckdb", "homebrew", "huggingface", "packagist", "rubygems", "vscode"]
    assert sorted(row["source"] for row in written["metrics"]) == sources
    assert workspace.json("refresh")["status"] == "success"
    wrong = workspace.run("init", "--docker", "lance/dbb", *who, "--force", code=2)
    assert "not found: lance/dbb (hub.docker.com)" in wrong.stderr
