"""The code blocks of the pages, and whether they are run."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.docs.project import ROOT, pages

README = ROOT / "README.md"
#: A comment above a block states why it is not run; the commands of the README have a name instead.
_BLOCK = re.compile(
    r"(?:<!-- (?:not run: (?P<reason>[^\n]+?)|command: (?P<command>\w+)) -->\n)?"
    r"^```(?P<language>[\w-]*)\n(?P<text>.*?)^```$",
    re.MULTILINE | re.DOTALL,
)


@dataclass(frozen=True)
class Block:
    """A code block."""

    page: Path
    line: int
    language: str
    text: str
    #: Why it is not run, or None if it is.
    reason: str | None

    def __str__(self) -> str:
        return f"{self.page.relative_to(ROOT)}:{self.line}"


def blocks(page: Path) -> Iterator[Block]:
    """Yield the blocks of ``page``."""
    text = page.read_text(encoding="utf-8")
    for match in _BLOCK.finditer(text):
        reason = match["reason"] or (f"command {match['command']} of the README" if match["command"] else None)
        yield Block(page, text[: match.start()].count("\n") + 1, match["language"], match["text"], reason)


def all_blocks(*languages: str) -> list[Block]:
    """Return the blocks of the README and of all pages, in these languages or in all."""
    found = [block for page in (README, *pages()) for block in blocks(page)]
    return [block for block in found if not languages or block.language in languages]


def prose(page: Path) -> str:
    """Return ``page`` without its blocks."""
    return _BLOCK.sub("", page.read_text(encoding="utf-8"))
