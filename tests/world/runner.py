"""Commands that GitHub's runner recognizes in output (actions/runner, ActionCommand.cs, read 2026-11)."""

from __future__ import annotations

import re

#: Characters without width, which .NET ignores when it compares text by culture.
IGNORED = re.compile(
    "[\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufe00-\ufe0f\ufeff]"
)
REGISTERED = frozenset(
    [
        *("add-mask", "add-matcher", "add-path", "debug", "echo", "endgroup", "error", "group", "notice"),
        *(
            "internal-set-repo-path",
            "remove-matcher",
            "save-state",
            "set-env",
            "set-output",
            "stop-commands",
            "warning",
        ),
    ]
)


def commands(output: str) -> list[tuple[str, str, str]]:
    """Return the commands in an output, each with name, properties and data."""
    parsed = (command(line) for line in re.split(r"\r\n|\r|\n", output))
    return [one for one in parsed if one is not None]


def command(line: str) -> tuple[str, str, str] | None:
    line = IGNORED.sub("", line)
    if line.lstrip().startswith("::"):
        info, found, data = line.lstrip()[2:].partition("::")
        name, _, properties = info.partition(" ")
        if found and name.lower() in REGISTERED:
            return name, properties, data.replace("%0D", "\r").replace("%0A", "\n").replace("%25", "%")
    if "##[" in line and "]" in line.split("##[", 1)[1]:
        info, _, data = line.split("##[", 1)[1].partition("]")
        if info.split(" ")[0].lower() in REGISTERED:
            return info.split(" ")[0], info, data
    return None
