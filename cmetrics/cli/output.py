"""Print results on stdout, progress and diagnostics on stderr."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from typing import IO, Any, cast

from rich.console import Console
from rich.text import Text

from cmetrics.cli.tables import wrap_words
from cmetrics.domain.redaction import redact, redact_document
from cmetrics.domain.sanitize import sanitize
from cmetrics.ops import actions

#: The width of output without a terminal.
PLAIN_WIDTH = 160


def print_error(text: str) -> None:
    """Print an error as one line on stderr."""
    _note("error", "bold red", text)


def print_warning(text: str) -> None:
    """Print a warning as one line on stderr."""
    _note("warning", "yellow", text)


def _note(kind: str, style: str, text: str) -> None:
    text = sanitize(text, limit=2000)
    if actions.is_running():
        # GitHub Actions shows it in the log and on the page of the workflow run.
        print(actions.annotation(kind, text), file=sys.stderr)  # noqa: T201
    else:
        print_line(stderr(), Text.assemble((f"{kind}: ", style), text))


def print_progress(text: str) -> None:
    """Print one line of progress on stderr."""
    print_line(stderr(), Text(sanitize(text, limit=2000)))


def print_result(text: str) -> None:
    """Print one line of a result on stdout."""
    print_line(stdout(), Text(redact(text)))


def print_line(console: Console, line: Text, indent: int = 0) -> None:
    """Print one line. On a narrow terminal, it is wrapped at spaces, and further lines are indented."""
    if not console.is_terminal or line.cell_len <= console.width:
        console.print(line, soft_wrap=True)
        return
    first, *others = wrap_words(line.plain, console.width, indent)
    console.print(line[: len(first)], soft_wrap=True)
    for text in others:
        console.print(Text(text), soft_wrap=True)


def print_text(text: str) -> None:
    """Print a text of several lines on stdout unchanged, without adding a newline."""
    console = stdout()
    console.file.write(redact(text))
    console.file.flush()


def print_json(document: Mapping[str, Any]) -> None:
    """Print one JSON object on stdout. Every command prints exactly one."""
    line = json.dumps(redact_document(document), ensure_ascii=False)
    if actions.is_running():
        # GitHub Actions interprets `##[` anywhere in a line as a command; the escaped form is equal JSON.
        line = line.replace("#", r"\u0023")
    # `print` does nothing if the process has no stdout.
    print(line)  # noqa: T201


def stdout() -> Console:
    """Return the console of results."""
    return _console(stderr=False)


def stderr() -> Console:
    """Return the console of progress and diagnostics."""
    return _console(stderr=True)


def _console(*, stderr: bool) -> Console:
    console = Console(stderr=stderr, highlight=False, markup=False, emoji=False)
    if actions.is_running():
        console.file = cast("IO[str]", actions.Guarded(console.file))
    if not console.is_terminal:
        console.width = PLAIN_WIDTH
    return console
