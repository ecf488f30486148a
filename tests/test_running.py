"""What the pages under .github show can be run: the container's files are there, units and scripts are well formed."""

from __future__ import annotations

import configparser
import re
import shlex
import subprocess
from pathlib import Path

import pytest

from cmetrics.cli.app import app

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / ".github" / name for name in ("RUNNING.md", "MOVING.md")]
BLOCKS = re.findall(r"^```(\w*)\n(.*?)^```", PAGES[0].read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
COMMANDS = {command.name or command.callback.__name__ for command in app.registered_commands}


def test_everything_that_is_copied_into_the_image_is_in_the_repository():
    tracked = subprocess.run(["git", "ls-files"], cwd=ROOT, check=True, capture_output=True, text=True).stdout.split()
    text = (ROOT / ".github" / "Dockerfile").read_text()
    copied = [
        source for line in re.findall(r"^COPY (?!--from)(.+)$", text, re.MULTILINE) for source in shlex.split(line)[:-1]
    ]
    assert copied
    for source in copied:
        assert any(path == source or path.startswith(f"{source}/") for path in tracked), source
    instructions = {line.split()[0] for line in text.splitlines() if line and not line.startswith("#")}
    assert instructions == {"FROM", "WORKDIR", "COPY", "RUN", "ENV", "USER", "VOLUME", "ENTRYPOINT", "CMD"}
    project = (ROOT / "pyproject.toml").read_text()
    for needed in re.findall(r'^(?:readme|license-files) = \[?"(.+?)"', project, re.MULTILINE):
        assert needed in copied, "the build reads it"


@pytest.mark.parametrize("text", [text for kind, text in BLOCKS if kind == "ini"])
def test_units_are_well_formed(text: str):
    unit = configparser.ConfigParser(delimiters=("=",), interpolation=None)
    unit.optionxform = str  # type: ignore[method-assign,assignment]
    unit.read_string(text)
    assert "Unit" in unit.sections()
    assert {"Service", "Timer"} & set(unit.sections())


@pytest.mark.parametrize("text", [text for kind, text in BLOCKS if kind == "sh"])
def test_scripts_are_well_formed(text: str):
    subprocess.run(["sh", "-n"], input=text, text=True, check=True)


def test_the_nightly_script_builds_after_a_partial_run_and_not_after_a_failed_one(tmp_path: Path):
    (text,) = [text for kind, text in BLOCKS if text.startswith("#!/bin/sh")]
    stub = tmp_path / "venv" / "bin" / "cmetrics"
    stub.parent.mkdir(parents=True)
    stub.write_text('#!/bin/sh\necho "$1" >> calls\ntest "$1" = refresh && exit $CODE\nexit 0\n')
    stub.chmod(0o755)
    for code, calls in ((0, "refresh build-site"), (3, "refresh build-site"), (1, "refresh"), (2, "refresh")):
        (tmp_path / "calls").unlink(missing_ok=True)
        script = text.replace("/srv/cmetrics", str(tmp_path))
        done = subprocess.run(["sh", "-c", script], env={"CODE": str(code), "PATH": "/usr/bin:/bin"}, check=False)
        assert done.returncode == code
        assert (tmp_path / "calls").read_text().split() == calls.split()


def test_the_pages_name_only_commands_that_are_there():
    for page in PAGES:
        text = page.read_text(encoding="utf-8")
        named = set(
            re.findall(r"(?<!-u )cmetrics ([a-z]+(?:-[a-z]+)?)\b(?=[ `\n'])", " ".join(re.findall(r"`[^`]+`", text)))
        )
        assert named
        assert named <= COMMANDS, named - COMMANDS
        for link in re.findall(r"\]\(([^)#:]+)\)", text):
            assert (page.parent / link).exists(), link
