"""One measured figure, and the table of all of them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

#: The heading of the table, and how its columns are set.
HEADING = ("operation", "size", "time", "memory", "details", "growth")
RULE = ("---", "---", "---:", "---:", "---", "---")


@dataclass(frozen=True, slots=True)
class Figure:
    """What was measured once; figures with the same ``what`` differ in how much is done."""

    #: What is done: "upsert of new rows".
    what: str
    #: Of how much, in words: "1,000 metrics x 730 days".
    size: str
    #: Seconds; the median where it was done more than once.
    seconds: float
    #: The amount as a number, where cost is expected to grow with it. Only a thing done in several
    #: sizes has one.
    work: float | None = None
    #: The most memory that the process held, in bytes.
    memory: int | None = None
    #: Requests, bytes on disk, a ratio to a peer that was measured in the same run.
    besides: str = ""


def render_table(figures: Iterable[Figure]) -> str:
    """The figures as a Markdown table, in their order."""
    lines = [_line(HEADING), _line(RULE)]
    earlier: dict[str, Figure] = {}
    for figure in figures:
        lines.append(_line(_cells(figure, earlier.get(figure.what))))
        earlier[figure.what] = figure
    return "\n".join(lines) + "\n"


def merge_tables(old: str, new: str) -> str:
    """The ``old`` table with those rows replaced that ``new`` has too; rows that are only in ``new`` follow."""
    fresh = {_subject(line): line for line in new.splitlines(keepends=True) if line.startswith("| ")}
    kept = [fresh.pop(_subject(line), line) for line in old.splitlines(keepends=True) if line.startswith("| ")]
    return "".join([*kept, *fresh.values()])


def _subject(line: str) -> str:
    return " | ".join(line.split(" | ")[:2])


def growth(less: Figure, more: Figure) -> tuple[float, float] | None:
    """How many times the time of ``less``, for how many times its work; None where work says nothing."""
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
        figure.besides,
        f"{factor(grown[0])} for {factor(grown[1])}" if grown else "",
    )


def _line(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"


def in_seconds(value: float) -> str:
    """A time with two digits that count."""
    if value < 1:
        return f"{value * 1e3:.3g} ms" if value < 0.01 else f"{value * 1e3:.0f} ms"
    return f"{value:.1f} s" if value < 100 else f"{value:.0f} s"


def in_bytes(value: float) -> str:
    """Bytes in the unit that suits them."""
    for unit, scale in (("GB", 1e9), ("MB", 1e6), ("kB", 1e3)):
        if value >= scale:
            return f"{value / scale:.3g} {unit}" if value < 100 * scale else f"{value / scale:.0f} {unit}"
    return f"{value:.0f} B"


def factor(value: float) -> str:
    """A ratio: "x 9.8", "x 100"."""
    return f"x {value:.2g}" if value < 10 else f"x {value:.0f}"
