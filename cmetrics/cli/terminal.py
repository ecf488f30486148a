"""What people and programs read: results on stdout, progress and diagnostics on stderr."""

from __future__ import annotations

import json
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from cmetrics.printable import printable

#: Where there is no terminal to ask for its width.
PLAIN_WIDTH = 160


def complain(text: str) -> None:
    """One line on stderr about what went wrong."""
    stderr().print(Text.assemble(("error: ", "bold red"), printable(text, limit=2000)), soft_wrap=True)


def warn(text: str) -> None:
    """One line on stderr about what a person should look at."""
    stderr().print(Text.assemble(("warning: ", "yellow"), printable(text, limit=2000)), soft_wrap=True)


def say(text: str) -> None:
    """One line of progress on stderr."""
    stderr().print(Text(printable(text, limit=2000)), soft_wrap=True)


def result(text: str) -> None:
    """One line of a result on stdout."""
    stdout().print(Text(text), soft_wrap=True)


def print_json(document: dict[str, Any]) -> None:
    """Exactly one object on stdout."""
    # `print` does nothing where there is no stdout at all.
    print(json.dumps(document, ensure_ascii=False))  # noqa: T201


def stdout() -> Console:
    """Where results go."""
    return _console(stderr=False)


def stderr() -> Console:
    """Where progress and diagnostics go."""
    return _console(stderr=True)


def _console(*, stderr: bool) -> Console:
    console = Console(stderr=stderr, highlight=False, markup=False, emoji=False)
    if not console.is_terminal:
        console.width = PLAIN_WIDTH
    return console


def table(*columns: str) -> Table:
    """A table without lines; the metric's column is never broken."""
    made = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    for column in columns:
        made.add_column(column, no_wrap=column == "metric")
    return made
