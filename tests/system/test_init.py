"""`init` by the installed command: names checked at their services, a file that works."""

from __future__ import annotations

import tomllib

import pytest

from tests.conftest import Home
from tests.terminal import answer
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
    assert "no names given, and no terminal to ask for them" in home.run("init", code=2).stderr


def test_an_owner_s_most_starred_repositories_are_taken(home: Home, world: World):
    created = world.today - 100 * DAY
    for n in range(8):
        world.repositories[f"lancedb/r{n}"] = Repository(f"lancedb/r{n}", 800_000 + n, created, {created: n})
    world.project.others = {"lancedb/fork": (99, True, False), "lancedb/old": (99, False, True)}
    done = home.run("init", "--org", "lancedb", "--pypi", "lancedb")
    subjects = [m["subject"] for m in file(home)["metrics"]]
    assert subjects == ["lancedb", "lancedb/lancedb", "lancedb/r7", "lancedb/r6", "lancedb/r5", "lancedb/r4"]
    assert "lancedb has more repositories" in done.stderr
    assert "no such organisation or user on GitHub" in home.run("init", "--org", "nobody", "--force", code=2).stderr


def test_a_repository_that_has_moved_is_written_by_its_present_name(home: Home, world: World):
    world.renamed["lancedb/lance"] = "lance-format/lance"
    done = home.run("init", "--repo", "lancedb/lance")
    assert "lancedb/lance was renamed to lance-format/lance" in done.stderr
    assert [m["subject"] for m in file(home)["metrics"]] == ["lance-format/lance"]


@pytest.mark.parametrize(("typed", "code"), [("\nlancedb/lancedb\n\n\nlancedb\n", 0), ("\n\n\n\n\n", 2)])
def test_on_a_terminal_it_asks(home: Home, typed: str, code: int):
    found, out, err = answer(home, typed, "init")
    assert found == code, err
    assert "Packages on PyPI" in err
    if code == 0:
        assert [m["subject"] for m in file(home)["metrics"]] == ["lancedb", "lancedb/lancedb"]
    else:
        assert "no names given" in err
        assert not out.strip()


# -- addresses and contacts ----------------------------------------------------------------------


def test_addresses_are_taken_as_names(home: Home):
    """Addresses copied from a browser or from git, by option or alone."""
    home.run("init", "https://pypistats.org/packages/pylance", "--repo", "git@github.com:lance-format/lance.git")
    assert [m["subject"] for m in file(home)["metrics"]] == ["pylance", "lance-format/lance"]
    done = home.run("init", "--pypi", "https://crates.io/crates/lance", "--force", code=2)
    assert "--pypi 'https://crates.io/crates/lance' is an address for --crate; use --crate lance" in done.stderr
    assert "'pylance' is not an address" in home.run("init", "pylance", "--force", code=2).stderr


@pytest.mark.parametrize(
    ("contact", "reason"),
    [
        ("foo", "is neither an email address nor a URL"),
        ("a@b", "is neither an email address nor a URL"),
        ("https://example.com/curl", "crates.io refuses a User-Agent that contains 'curl'"),
    ],
)
def test_contact_that_nobody_can_use(home: Home, services, contact: str, reason: str):
    done = home.run("init", "--crate", "lance", "--contact", contact, code=2)
    assert f"error: --contact '{contact}'" in done.stderr
    assert reason in done.stderr
    assert not services.requests
    assert not list(home.folder.iterdir())


@pytest.mark.parametrize("contact", ["me@example.com", "https://example.com/curl"])
def test_contact(home: Home, contact: str):
    """What crates.io refuses is fine where no crate is counted."""
    home.run("init", "--pypi", "pylance", "--contact", contact)
    assert file(home)["contact"] == contact


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
def test_add(home: Home, end: str):
    """Blocks are appended; every byte of the file stays. What is there is skipped."""
    before = b"\xef\xbb\xbf" + MINE.replace("\n", end).encode()
    (home.folder / "cmetrics.toml").write_bytes(before)
    done = home.run("init", "--add", "--crate", "lancedb,LANCE", "--pypi", "pylance", "--repo", "lancedb/lancedb")
    after = (home.folder / "cmetrics.toml").read_bytes()
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
    again = home.json("init", "--add", "--crate", "lance")
    assert again["metrics"] == []
    assert (home.folder / "cmetrics.toml").read_bytes() == after
    assert home.json("refresh")["status"] == "success"


def test_add_gives_ids_that_are_free(home: Home):
    (home.folder / "cmetrics.toml").write_text(MINE)
    written = home.json("init", "--add", "--crate", "lancedb", "--product", "Lance")
    assert [m["metric_id"] for m in written["metrics"]] == ["downloads:lance:rust:lancedb"]


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        (["--force"], "--add and --force cannot be combined"),
        (["--title", "x"], "--add changes neither --title nor --contact"),
        (["--out", "other.toml"], "there is no file other.toml; leave out --add to create it"),
    ],
)
def test_add_refused(home: Home, services, options: list[str], reason: str):
    (home.folder / "cmetrics.toml").write_text(MINE)
    assert reason in home.run("init", "--add", "--crate", "lancedb", *options, code=2).stderr
    assert (home.folder / "cmetrics.toml").read_text() == MINE
    assert not services.requests


def test_add_to_lists(home: Home, services):
    """Nothing can follow a list that is closed; the file with a mistake is not touched either."""
    path = home.folder / "cmetrics.toml"
    text = (
        'contact = "https://example.com/me"\nproducts = [{id = "p", title = "P"}]\n'
        'metrics = [{product = "p", source = "npm", subject = "x"}]\n'
    )
    path.write_text(text)
    assert "are one inline list" in home.run("init", "--add", "--crate", "lance", code=2).stderr
    assert path.read_text() == text
    path.write_text(f"{MINE}\n[[metric]]\n")
    assert "did you mean 'metrics'?" in home.run("init", "--add", "--crate", "lancedb", code=2).stderr
    assert not services.requests


# -- packages of repositories --------------------------------------------------------------------


def with_packages(world: World) -> None:
    """Manifests as in the repositories of Lance: a workspace of crates, a Python and a Node.js package."""
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


def test_packages_are_offered(home: Home, world: World):
    """Without a terminal the file has what was named, and the command that adds the rest is printed."""
    with_packages(world)
    done = home.run("init", *REPOSITORIES)
    assert [m["subject"] for m in file(home)["metrics"]] == ["lance-format/lance", "lancedb/lancedb"]
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
    home.run(*command.split()[1:])
    assert len(file(home)["metrics"]) == 5


def test_packages_are_added(home: Home, world: World):
    """`--packages` takes what belongs to the repositories."""
    with_packages(world)
    written = home.json("init", "--org", "lance-format", *REPOSITORIES[2:], "--packages")
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


def test_no_packages(home: Home, world: World, services):
    with_packages(world)
    assert home.json("init", *REPOSITORIES, "--no-packages")["packages"] == []
    assert not [request for request in services.to(GITHUB) if "/contents" in request.path]


def test_end_of_the_quota(home: Home, world: World):
    """The search stops before the quota does, and says what was not searched."""
    with_packages(world)
    world.github_quota = 16
    done = home.run("init", *REPOSITORIES)
    assert [m["subject"] for m in file(home)["metrics"]] == ["lance-format/lance", "lancedb/lancedb"]
    assert "not searched for packages: lance-format/lance, lancedb/lancedb; " in done.stderr
    assert "set GITHUB_TOKEN" in done.stderr


def test_bounded_search(home: Home, world: World, services):
    world.project.files = {
        "lancedb/lancedb": {"Cargo.toml": '[workspace]\nmembers = ["c/*"]'}
        | {f"c/x{n}/Cargo.toml": f'[package]\nname = "x{n}"' for n in range(40)}
    }
    done = home.run("init", "--repo", "lancedb/lancedb")
    assert "lancedb/lancedb: stopped after 25 requests; it may have more packages" in done.stderr
    assert len([request for request in services.to(GITHUB) if "/contents" in request.path]) == 25


@pytest.mark.parametrize(
    ("typed", "added"),
    [("", ["@lancedb/lancedb"]), ("none", []), ("2", ["lancedb"]), ("2, 1", ["@lancedb/lancedb", "lancedb"])],
)
def test_packages_on_a_terminal(home: Home, world: World, typed: str, added: list[str]):
    with_packages(world)
    code, _, err = answer(home, f"{typed}\n", "init", "--repo", "lancedb/lancedb")
    assert code == 0, err
    assert [m["subject"] for m in file(home)["metrics"]] == [*added, "lancedb/lancedb"]


def test_further_sources(home: Home):
    """Images, models, formulae, extensions and packages of other languages are checked and written."""
    named = ("--docker", "lance/db", "--hf", "models/lance/embed", "--brew", "lance", "--duckdb", "lance")
    more = ("--gem", "lance", "--cran", "lance", "--packagist", "lance/lance", "--vscode", "Lance.viewer")
    who = ("--contact", "https://example.com/x")
    written = home.json("init", *named, *more, *who, "--product", "Lance")
    sources = ["cran", "dockerhub", "duckdb", "homebrew", "huggingface", "packagist", "rubygems", "vscode"]
    assert sorted(row["source"] for row in written["metrics"]) == sources
    assert home.json("refresh")["status"] == "success"
    wrong = home.run("init", "--docker", "lance/dbb", *who, "--force", code=2)
    assert "not found: lance/dbb (hub.docker.com)" in wrong.stderr
