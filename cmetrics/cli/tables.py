"""Print tables that fit narrow terminals without truncating a day, an id or a word.

Columns without any value are left out. The last column may be wrapped between words. If the table still does not fit,
each row becomes a list: its first cell, and the others below it.
"""

from __future__ import annotations

from collections.abc import Sequence
from textwrap import wrap
from typing import NamedTuple, TypeAlias

from rich.cells import cell_len
from rich.console import Console
from rich.text import Text

Cell: TypeAlias = str | Text

#: Blank columns between two cells.
GAP = 2
#: The minimum width of a wrapped column.
LEAST_WRAPPED = 24


class Column(NamedTuple):
    """The heading of a column, and how its cells are set."""

    title: str
    is_number: bool = False


def print_table(console: Console, columns: Sequence[Column], rows: Sequence[Sequence[Cell]]) -> None:
    """Print the rows below their headings."""
    shown = [place for place in range(len(columns)) if place == 0 or any(str(row[place]) for row in rows)]
    columns = [columns[place] for place in shown]
    texts = [[_text(row[place]) for place in shown] for row in rows]
    widths = [max([len(column.title), *(row[place].cell_len for row in texts)]) for place, column in enumerate(columns)]
    room = console.width - sum(widths[:-1]) - GAP * (len(widths) - 1)
    least = max(LEAST_WRAPPED, *(cell_len(word) for row in texts for word in row[-1].plain.split()), 0)
    if widths[-1] > room and (room < least or columns[-1].is_number):
        for row in texts:
            _print_stacked(console, columns, row)
        return
    widths[-1] = min(widths[-1], room)
    heading = [Text(column.title, style="bold") for column in columns]
    for row in (heading, *texts):
        _print_row(console, columns, row, widths)


def _text(cell: Cell) -> Text:
    return cell if isinstance(cell, Text) else Text(cell)


def _print_row(console: Console, columns: Sequence[Column], row: Sequence[Text], widths: Sequence[int]) -> None:
    *first, last = row
    lines = _wrapped(last, widths[-1])
    for number, line in enumerate(lines):
        cells = [*(first if number == 0 else [Text()] * len(first)), line]
        done = Text()
        for cell, column, width in zip(cells, columns, widths, strict=True):
            padding = " " * (width - cell.cell_len)
            done.append_text(Text.assemble(padding, cell) if column.is_number else Text.assemble(cell, padding))
            done.append(" " * GAP)
        done.rstrip()
        console.print(done, soft_wrap=True)


def _print_stacked(console: Console, columns: Sequence[Column], row: Sequence[Text]) -> None:
    console.print(row[0], soft_wrap=True)
    facts = [f"{column.title} {cell.plain}" for column, cell in zip(columns[1:], row[1:], strict=True) if cell.plain]
    for line in wrap_words(", ".join(facts), console.width - GAP):
        console.print(Text(" " * GAP + line), soft_wrap=True)


def _wrapped(text: Text, width: int) -> list[Text]:
    """Return the text in lines; a styled text of one line keeps its style."""
    return (
        [text] if text.cell_len <= width else [Text(line, style=text.style) for line in wrap_words(text.plain, width)]
    )


def wrap_words(text: str, width: int, indent: int = 0) -> list[str]:
    """Return the text in lines that are broken at spaces only; lines after the first are indented."""
    return wrap(
        text, max(width, 1), subsequent_indent=" " * indent, break_long_words=False, break_on_hyphens=False
    ) or [""]
