"""Write the generated parts of the reference: ``python -m tests.docs --write``. Without it, name outdated pages."""

from __future__ import annotations

import sys

from tests.docs.blocks import read_block, replace_block
from tests.docs.reference import GENERATED


def outdated(*, write: bool) -> list[str]:
    """Return the pages with an outdated part, and write these parts if ``write``."""
    found = []
    for page, parts in GENERATED.items():
        for name, render in parts.items():
            text = render()
            if read_block(page, name) != text:
                found.append(f"{page.name}: {name}")
                if write:
                    replace_block(page, name, text)
    return found


if __name__ == "__main__":
    pages = outdated(write="--write" in sys.argv[1:])
    print("\n".join(pages) or "up to date")
    sys.exit(bool(pages) and "--write" not in sys.argv[1:])
