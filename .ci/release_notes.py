"""Print the section of CHANGELOG.md for a version or a tag; fail if there is none."""

from __future__ import annotations

import re
import sys
from pathlib import Path


def release_notes(changelog: str, version: str) -> str | None:
    """Return the text below ``## VERSION``, with or without a date; None if there is no such section or text."""
    pattern = rf"^## \[?{re.escape(version)}\]?(?: [^\n]*)?\n(.*?)(?=^## |\Z)"
    match = re.search(pattern, changelog, re.MULTILINE | re.DOTALL)
    return match[1].strip() or None if match else None


if __name__ == "__main__":
    wanted = sys.argv[1].removeprefix("v")
    notes = release_notes(Path("CHANGELOG.md").read_text(encoding="utf-8"), wanted)
    if notes is None:
        sys.exit(f"CHANGELOG.md has no section `## {wanted}`. Rename `## Unreleased`, and add an empty one above it.")
    sys.stdout.write(f"{notes}\n")
