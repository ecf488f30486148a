"""Measure how often the insights are right: ``uv run --group dev python -m tests.simulations [SHARE] [--write]``.

SHARE is the share of the cases to simulate, 1 by default. ``--write`` stores the table in
`docs/explanation/insights.md`. The exit code is 1 if a bound is missed.
"""

from __future__ import annotations

import sys
from argparse import ArgumentParser

from tests.docs.blocks import DOCS, replace_block
from tests.simulations.quality import Figure, measure

PAGE = DOCS / "explanation" / "insights.md"
HEAD = "| figure | measured | bound | cases |\n| --- | ---: | --- | ---: |"


def line(figure: Figure) -> str:
    """Return a figure as one line of the table."""
    bound = f"{'at least' if figure.is_minimum else 'at most'} {100 * figure.bound:.0f}%"
    return f"| {figure.what} | {100 * figure.value:.2f}% | {bound} | {figure.cases:,} |"


def main() -> int:
    """Print all figures as a table."""
    parser = ArgumentParser(prog="python -m tests.simulations", description=__doc__)
    parser.add_argument("share", nargs="?", type=float, default=1.0, metavar="SHARE")
    parser.add_argument("--write", action="store_true", help="store the table in docs/explanation/insights.md")
    options = parser.parse_args()
    print(HEAD)
    lines, broken = [HEAD], []
    for figure in measure(options.share):
        lines.append(line(figure))
        print(lines[-1], flush=True)
        if not figure.meets_bound:
            broken.append(figure.what)
    for what in broken:
        print(f"bound is broken: {what}", file=sys.stderr)
    if options.write:
        replace_block(PAGE, "figures", "\n".join(lines) + "\n")
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
