"""Every option has help text, and the repository has no forbidden files."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest
from typer.testing import CliRunner

from cmetrics.cli.app import app
from tests.docs.commands import COMMANDS

ROOT = Path(__file__).parents[1]
FILES = [
    path
    for path in subprocess.run(["git", "ls-files"], cwd=ROOT, check=True, capture_output=True, text=True).stdout.split()
    if Path(ROOT / path).is_file()
]


@pytest.mark.parametrize("name", COMMANDS)
def test_every_option_has_help(name: str):
    text = CliRunner().invoke(app, [name, "--help"], terminal_width=200).output
    options = re.findall(r"^  (?:-\w, )?(--[a-z-]+)(.*)$", text, re.MULTILINE)
    assert options
    for option, rest in options:
        assert re.search(r"[A-Za-z]{3,}.*[.;]|Show this message", rest.strip()), f"{name} {option} has no help"


def test_the_repository_contains_no_forbidden_files():
    assert "README.md" in FILES
    hosts = ["pypi" + ".org", "files.python" + "hosted.org", "registry.npm" + "js.org", "deb.debian" + ".org"]
    for path in FILES:
        text = (ROOT / path).read_text(encoding="utf-8", errors="replace")
        for host in hosts:
            assert not re.search(rf"(^|[^\w.]){re.escape(host)}", text), f"{path} contains {host}"
    assert not [path for path in FILES if re.search(r"(uv|package-lock|poetry)\.(lock|json)$", path)]
