"""The output of `--help` in a terminal of 80 columns."""

from __future__ import annotations

import subprocess
import sys

import pytest
from typer.testing import CliRunner

from cmetrics.cli.app import GROUPS, app

NAMES = [command.__name__.replace("_", "-") for commands in GROUPS.values() for command in commands]


def shown(*args: str) -> str:
    result = CliRunner().invoke(app, [*args, "--help"], env={"COLUMNS": "80", "NO_COLOR": "1"})
    assert result.exit_code == 0
    return result.output


def test_command_summaries_are_complete():
    """Each command has one line below the heading of its group."""
    lines = shown().splitlines()
    for title, commands in GROUPS.items():
        start = lines.index(f"{title}:")
        for line, command in zip(lines[start + 1 :], commands, strict=False):
            name, _, summary = line.strip().partition("  ")
            assert name == command.__name__.replace("_", "-")
            assert summary.strip().endswith(".")
            assert "..." not in summary
            assert len(summary.strip()) <= 39


@pytest.mark.parametrize("columns", [60, 80, 120])
def test_help_fits_the_terminal(columns: int):
    """No line is wider than the terminal, and no word is broken."""
    result = CliRunner().invoke(app, ["--help"], terminal_width=columns)
    assert result.exit_code == 0
    usage, *lines = result.output.strip().splitlines()
    assert usage == "Usage: cmetrics [OPTIONS] COMMAND [ARGS]..."
    assert [line for line in lines if len(line) > columns or "..." in line or "…" in line] == []


def test_exit_codes_and_variables_are_in_the_help():
    text = shown()
    for part in ("Exit codes:", "Environment variables", "GITHUB_TOKEN", "--install-completion"):
        assert part in text
    assert max(map(len, text.splitlines())) <= 80


@pytest.mark.parametrize("name", NAMES)
def test_options_have_metavars(name: str):
    """No Python types or intervals are shown."""
    text = shown(name)
    for part in ("<str>", "<int", "<list", "<=x"):
        assert part not in text
    assert max(map(len, text.splitlines())) <= 80


@pytest.mark.parametrize("name", [name for name in NAMES if name != "serve-api"])
def test_all_commands_have_json_and_quiet(name: str):
    text = shown(name)
    assert "--json" in text
    assert "--quiet" in text


def test_only_has_a_metavar():
    assert "--only COUNT" in shown("refresh")


def test_no_command_shows_the_help():
    done = subprocess.run([sys.executable, "-m", "cmetrics"], check=False, capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("Usage: ")
