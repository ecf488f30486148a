"""A measured figure, and the table of all figures."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

#: The heading of the table, and the alignment of its columns.
HEADING = ("operation", "size", "time", "memory", "details", "growth")
RULE = ("---", "---", "---:", "---:", "---", "---")


@dataclass(frozen=True, slots=True)
class Figure:
    """A measurement. Figures with the same ``what`` differ in the amount of work."""

    #: The operation: "upsert of new rows".
    what: str
    #: The amount of work in words: "1,000 metrics x 730 days".
    size: str
    #: The time in seconds; the median if it was measured more than once.
    seconds: float
    #: The amount as a number, if the cost is expected to grow with it. Only operations that are measured in several
    #: sizes have one.
    work: float | None = None
    #: The peak memory of the process in bytes.
    memory: int | None = None
    #: More details: requests, bytes on disk, a ratio to an operation that was measured in the same run.
    details: str = ""


def render_table(figures: Iterable[Figure]) -> str:
    """Return the figures as a Markdown table, in the given order."""
    lines = [_line(HEADING), _line(RULE)]
    earlier: dict[str, Figure] = {}
    for figure in figures:
        lines.append(_line(_cells(figure, earlier.get(figure.what))))
        earlier[figure.what] = figure
    return "\n".join(lines) + "\n"


def merge_tables(old: str, new: str) -> str:
    """Replace the rows of ``old`` that ``new`` has too, and append the other rows of ``new``."""
    new_rows = {_subject(line): line for line in new.splitlines(keepends=True) if line.startswith("| ")}
    merged = [new_rows.pop(_subject(line), line) for line in old.splitlines(keepends=True) if line.startswith("| ")]
    return "".join([*merged, *new_rows.values()])


def _subject(line: str) -> str:
    return " | ".join(line.split(" | ")[:2])


def growth(less: Figure, more: Figure) -> tuple[float, float] | None:
    """Return the ratios of time and work of two figures, or None if one of them has no amount of work."""
    if less.work is None or more.work is None:
        return None
    return more.seconds / less.seconds, more.work / less.work


def _cells(figure: Figure, smaller: Figure | None) -> tuple[str, ...]:
    grown = growth(smaller, figure) if smaller else None
    return (
        figure.what,
        figure.size,
        in_seconds(figure.seconds),
        in_bytes(figure.memory) if figure.memory is not None else "",
        figure.details,
        f"{factor(grown[0])} for {factor(grown[1])}" if grown else "",
    )


def _line(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"


def in_seconds(value: float) -> str:
    """Format a time with two significant digits."""
    if value < 1:
        return f"{value * 1e3:.3g} ms" if value < 0.01 else f"{value * 1e3:.0f} ms"
    return f"{value:.1f} s" if value < 100 else f"{value:.0f} s"


def in_bytes(value: float) -> str:
    """Format a number of bytes with a suitable unit."""
    for unit, scale in (("GB", 1e9), ("MB", 1e6), ("kB", 1e3)):
        if value >= scale:
            return f"{value / scale:.3g} {unit}" if value < 100 * scale else f"{value / scale:.0f} {unit}"
    return f"{value:.0f} B"


def factor(value: float) -> str:
    """Format a ratio: "x 9.8", "x 100"."""
    return f"x {value:.2g}" if value < 10 else f"x {value:.0f}"
