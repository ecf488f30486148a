"""The code blocks of the documentation work: shell and Python blocks run against the local services."""

from __future__ import annotations

import configparser
import fnmatch
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from cmetrics.catalog import load_catalog
from cmetrics.sources import SPECS
from tests.conftest import Workspace
from tests.docs.code import README, Block, all_blocks, blocks, prose
from tests.docs.commands import command_lines, mistake_in
from tests.docs.project import DOCS, ROOT, pages
from tests.world import fork_server
from tests.world.example import example_world
from tests.world.services import Services

LANGUAGES = {"sh", "toml", "yaml", "python", "ini", "markdown", "html", "text", "json"}
RUN = [page for page in (README, *pages()) if any(b.language == "sh" and b.reason is None for b in blocks(page))]
#: Pages whose first command must work in an empty folder. The others start with a filled store and a site.
FROM_NOTHING = {README, *(DOCS / "tutorial").glob("*.md")}
#: Completes a fragment of a catalogue.
FRAME = """
contact = "https://example.com/contact"
{head}
[[products]]
id = "example"
title = "Example"
{metric}
{fragment}
"""
METRIC = '[[metrics]]\nproduct = "example"\nsource = "cratesio"\nsubject = "example"\n'


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workspace]:
    """Return a folder with a filled store and a site."""
    with Services(example_world(), tmp_path_factory.mktemp("authority")) as services:
        folder = tmp_path_factory.mktemp("docs") / "collected"
        folder.mkdir()
        collected = Workspace(folder, services.env())
        collected.run("refresh", "--quiet")
        collected.run("build-site", "--quiet")
        yield collected


@pytest.fixture(scope="module")
def programs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with the program `cmetrics`."""
    folder = tmp_path_factory.mktemp("programs") / "bin"
    fork_server.install(folder)
    return folder


@pytest.mark.parametrize("page", RUN, ids=[page.stem for page in RUN])
def test_shell_blocks_run(page: Path, workspace: Workspace, programs: Path, tmp_path: Path):
    """Blocks of a page run in order, in one shell."""
    folder = tmp_path / "reader"
    if page in FROM_NOTHING:
        folder.mkdir()
    else:
        shutil.copytree(workspace.folder, folder)
    run = [block for block in blocks(page) if block.language == "sh" and block.reason is None]
    script = "\n".join(f"echo '+ {block}' >&2\n{block.text}" for block in run)
    env = workspace.environment | {"PATH": f"{programs}:/usr/bin:/bin", "CMETRICS_CACHE": str(tmp_path / "cache")}
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", script],
        check=False,
        cwd=folder,
        env=env,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=240,
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("block", [block for block in all_blocks("python") if block.reason is None], ids=str)
def test_python_blocks_run(block: Block, workspace: Workspace):
    done = subprocess.run(
        [sys.executable, "-c", block.text],
        check=False,
        cwd=workspace.folder,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout


def test_a_chart_in_ten_lines(offline: Workspace):
    """At most ten lines draw a chart from the site that the page builds."""
    page = DOCS / "how-to" / "read-the-data.md"
    demo = next(block.text for block in blocks(page) if "cmetrics demo" in block.text)
    offline.run(*demo.split()[1:])
    block = next(block for block in blocks(page) if block.language == "python")
    assert len(block.text.splitlines()) <= 10
    done = subprocess.run(
        [sys.executable, "-c", block.text], check=True, cwd=offline.folder, capture_output=True, text=True
    )
    assert {"heron", "plover"} <= set(done.stdout.split())
    assert "plotly" in (offline.folder / "downloads.html").read_text(encoding="utf-8")


@pytest.mark.parametrize("block", [block for block in all_blocks("toml") if block.reason is None], ids=str)
def test_catalogues_are_valid(block: Block, tmp_path: Path):
    """Missing parts of a fragment are added first."""
    raw = tomllib.loads(block.text)
    text = block.text
    if "products" not in raw:
        # Fields of the top level precede the sections.
        head, bracket, rest = f"\n{block.text}".partition("\n[")
        metric = "" if "metrics" in raw else METRIC
        text = FRAME.format(head=head, metric=metric, fragment=bracket + rest)
    path = tmp_path / "cmetrics.toml"
    path.write_text(text, encoding="utf-8")
    load_catalog(path, SPECS)


@pytest.mark.parametrize("block", all_blocks("yaml", "ini"), ids=str)
def test_workflows_and_units_are_well_formed(block: Block):
    if block.language == "yaml":
        assert "jobs" in yaml.safe_load(block.text)
    else:
        parser = configparser.ConfigParser(delimiters=("=",), interpolation=None, strict=False)
        parser.read_string(block.text if "[" in block.text.splitlines()[0] else f"[variables]\n{block.text}")


@pytest.mark.parametrize("page", [README, *pages()], ids=lambda page: str(page.relative_to(ROOT)))
def test_commands_and_options_exist(page: Path):
    """This includes blocks that are not run, and the text."""
    for block in blocks(page):
        assert block.language in LANGUAGES, f"{block}: a block needs a language"
        if block.language == "sh":
            subprocess.run(["sh", "-n"], input=block.text, text=True, check=True)
            assert not re.search(r"cmetrics [^\n]* # ", block.text), f"{block}: an interactive zsh reads the comment"
    shown = [block.text for block in blocks(page) if block.language == "sh"]
    inline = re.findall(r"`([^`\n]+)`", prose(page))
    for text in (*shown, *inline):
        for line in command_lines(text):
            assert mistake_in(line) is None, f"{line}: {mistake_in(line)}"


def test_files_of_the_site_are_listed(workspace: Workspace):
    """The table of the reference lists exactly the files that a build writes."""
    page = (DOCS / "reference" / "api.md").read_text(encoding="utf-8")
    table = page.partition("## Files of the site")[2].partition("\n## ")[0]
    rows = [line.split(" | ")[0] for line in table.splitlines() if line.startswith("| `")]
    patterns = [re.findall(r"`([^`]+)`", row) for row in rows]
    site = workspace.folder / "site"
    files = [path.relative_to(site).as_posix() for path in site.rglob("*") if path.is_file()]
    files = [name for name in files if not name.rpartition("/")[2].startswith(".")]

    def matches(name: str, pattern: str) -> bool:
        return fnmatch.fnmatchcase(name, pattern.replace("…", "*"))

    unlisted = [name for name in files if not any(matches(name, one) for row in patterns for one in row)]
    assert unlisted == [], "describe these files in docs/reference/api.md"
    gone = [one for row in patterns for one in row if not any(matches(name, one) for name in files)]
    assert gone == [], "docs/reference/api.md describes files that no build writes"
