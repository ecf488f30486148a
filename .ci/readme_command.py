"""Prints a command of the README: what stands in the shell block behind `<!-- command: NAME -->`."""

import re
import sys
from pathlib import Path


def readme_command(name: str) -> str:
    """Return the command of that name. Raises LookupError when the README has none."""
    text = (Path(__file__).parents[1] / "README.md").read_text(encoding="utf-8")
    found = re.search(rf"<!-- command: {re.escape(name)} -->\n```sh\n(.+?)\n```", text, re.DOTALL)
    if found is None:
        raise LookupError(name)
    return found[1]


if __name__ == "__main__":
    print(readme_command(sys.argv[1]))  # noqa: T201
