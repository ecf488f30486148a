"""The README is short, its commands exist, and its links lead to files of the repository."""

from __future__ import annotations

import re
import subprocess
import sys

from tests.docs.commands import COMMANDS
from tests.docs.project import ROOT

README = (ROOT / "README.md").read_text(encoding="utf-8")
BLOB = "https://github.com/lancedb/cmetrics/blob/main/"
RAW = "https://raw.githubusercontent.com/lancedb/cmetrics/main/"


def test_the_readme_is_short():
    assert len(README.splitlines()) <= 160


def test_the_readme_lists_every_command():
    table = README.partition("## Commands")[2].partition("## ")[0]
    rows = "".join(line for line in table.splitlines() if line.startswith("| ") and "`" in line)
    assert sorted(re.findall(r"`([a-z-]+)`", rows)) == sorted(COMMANDS)


def test_links_of_the_readme_exist():
    """They are absolute, because relative ones do not work on PyPI."""
    links = re.findall(r"\]\(([^)\s]+)\)", README)
    assert [link for link in links if not link.startswith("https://")] == []
    paths = [link.removeprefix(BLOB).removeprefix(RAW) for link in links if link.startswith((BLOB, RAW))]
    assert len(paths) > 10
    assert [path for path in paths if not (ROOT / path.partition("#")[0]).is_file()] == []


def test_ci_runs_the_test_command_of_the_readme():
    command = subprocess.run(
        [sys.executable, ".ci/readme_command.py", "test"], cwd=ROOT, check=True, capture_output=True, text=True
    ).stdout
    assert "uv run --group dev pytest" in command
    assert "readme_command.py test" in (ROOT / ".ci" / "run").read_text()
    assert "bash .ci/run" in (ROOT / ".github" / "workflows" / "ci.yml").read_text()
