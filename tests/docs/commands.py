"""The commands that the documentation shows, checked against the command line."""

from __future__ import annotations

import re
import shlex
from typing import Any

import typer

from cmetrics.cli.app import app

_GROUP: Any = typer.main.get_command(app)
#: Name → command.
COMMANDS: dict[str, Any] = dict(_GROUP.commands)
_GLOBAL = {"--help", "-h", "--version", "--install-completion", "--show-completion"}


def mistake_in(line: str) -> str | None:
    """Return the mistake in a ``cmetrics …`` command line, or None if command and options exist."""
    words = shlex.split(line)
    if len(words) < 2 or words[1] in _GLOBAL:
        return None
    command = COMMANDS.get(words[1])
    if command is None:
        return f"no command {words[1]}"
    known = {name for option in command.params for name in (*option.opts, *option.secondary_opts)} | _GLOBAL
    unknown = [word for word in words[2:] if word.startswith("-") and word.partition("=")[0] not in known]
    return f"{words[1]} has no option {unknown[0]}" if unknown else None


def command_lines(script: str) -> list[str]:
    """Return the ``cmetrics …`` commands of a shell script."""
    joined = script.replace("\\\n", " ")
    return [match[0].strip() for match in re.finditer(r"(?<![\w/.@-])(?<!-u )cmetrics [a-z-]+[^\n;|&>'$]*", joined)]
