"""Prints how often the insights are right: ``uv run python -m tests.simulations [SHARE]``.

SHARE is the part of the cases to simulate, 1 by default. Exits with 1 if a bound is broken.
"""

from __future__ import annotations

import sys

from tests.simulations.quality import Figure, measure


def line(figure: Figure) -> str:
    """Return a figure as one line of the table."""
    bound = f"{'at least' if figure.is_minimum else 'at most'} {100 * figure.bound:.0f}%"
    holds = "yes" if figure.holds else "NO"
    return f"| {figure.what} | {100 * figure.value:.2f}% | {bound} | {figure.cases:,} | {holds} |"


def main() -> int:
    """Print all figures as a table."""
    print("| figure | measured | bound | cases | holds |\n| --- | ---: | --- | ---: | --- |")
    holds = True
    for figure in measure(float(sys.argv[1]) if len(sys.argv) > 1 else 1.0):
        print(line(figure), flush=True)
        holds = holds and figure.holds
    return 0 if holds else 1


if __name__ == "__main__":
    sys.exit(main())
