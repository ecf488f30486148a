"""README, --help, workflow and behaviour say the same."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from typer.testing import CliRunner

from cmetrics.cli.app import app
from cmetrics.environment import known_variables
from cmetrics.sources import SPECS

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
COMMANDS = [command.name or command.callback.__name__ for command in app.registered_commands]
OURS = [
    path
    for path in subprocess.run(["git", "ls-files"], cwd=ROOT, check=True, capture_output=True, text=True).stdout.split()
    if Path(ROOT / path).is_file()
]


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_is_in_the_readme_and_has_help_for_every_option(name: str):
    assert f"| `cmetrics {name}` |" in README
    text = CliRunner().invoke(app, [name, "--help"], terminal_width=200).output
    options = re.findall(r"^  (?:-\w, )?(--[a-z-]+)(.*)$", text, re.MULTILINE)
    assert options
    for option, rest in options:
        assert re.search(r"[A-Za-z]{3,}.*[.;]|Show this message", rest.strip()), f"{name} {option} has no help"


def test_the_readme_names_no_command_and_no_option_that_is_not_there():
    assert set(re.findall(r"^\| `cmetrics ([a-z-]+)` \|", README, re.MULTILINE)) == set(COMMANDS)
    known = set()
    for name in COMMANDS:
        known |= set(re.findall(r"--[a-z-]+", CliRunner().invoke(app, [name, "--help"]).output))
    assert set(re.findall(r"`(--[a-z-]+)", README)) <= known


def test_figures_of_the_sources_in_the_readme_are_those_of_the_code():
    for spec in SPECS.values():
        line = next(line for line in README.splitlines() if line.startswith(f"| {spec.title} |"))
        assert [int(days) for days in re.findall(r"(\d+) days", line)] == [spec.first_days, spec.settling_days]
    # What Actions sets for every step is nobody's to set.
    for name in set(known_variables()) - {"GITHUB_WORKFLOW_REF"}:
        assert name in README
        assert name in (ROOT / ".env.example").read_text()


def test_ci_runs_the_readme_s_test_command():
    command = subprocess.run(
        [sys.executable, ".ci/readme_command.py", "test"], cwd=ROOT, check=True, capture_output=True, text=True
    ).stdout
    assert "uv run --group dev pytest" in command
    assert "readme_command.py test" in (ROOT / ".ci" / "run").read_text()
    assert "bash .ci/run" in (ROOT / ".github" / "workflows" / "ci.yml").read_text()


def test_users_get_no_development_tools():
    """`uv run cmetrics` installs the dependencies alone; whatever needs the group `dev` names it."""
    assert tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["uv"]["default-groups"] == []
    tools = re.compile(r"uv run (pytest|ruff|mypy|lint-imports|zizmor|python -m tests)")
    for path in OURS:
        assert not tools.search((ROOT / path).read_text(encoding="utf-8", errors="replace")), path


def test_the_repository_holds_nothing_that_must_not_be_in_it():
    assert "README.md" in OURS
    hosts = ["pypi" + ".org", "files.python" + "hosted.org", "registry.npm" + "js.org", "deb.debian" + ".org"]
    for path in OURS:
        text = (ROOT / path).read_text(encoding="utf-8", errors="replace")
        for host in hosts:
            assert not re.search(rf"(^|[^\w.]){re.escape(host)}", text), f"{path} names {host}"
    assert not [path for path in OURS if re.search(r"(uv|package-lock|poetry)\.(lock|json)$", path)]
