"""Encode rows as a CSV file of an export, and read them back as Arrow.

Days are ISO dates, times are UTC with microseconds, booleans are ``True`` and ``False``; a missing value
is an empty cell.

pyarrow reads and writes the files. Python's csv module is used in two cases: to write a file with a cell
that needs quotes (pyarrow would quote every text), and to find the line of an error in a file that
pyarrow, or a later check, has rejected.
"""

from __future__ import annotations

import csv
from collections.abc import Sequence
from datetime import date, datetime
from enum import StrEnum
from io import BytesIO, StringIO, TextIOWrapper
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv

from cmetrics.domain.days import Span, parse_day
from cmetrics.domain.errors import ExportError
from cmetrics.domain.observation import LONGEST_COUNT, parse_count
from cmetrics.domain.sanitize import sanitize
from cmetrics.store.schema import UNKNOWN_TIME, Column, Table

#: The bounds for dates; wider than any stored value.
EVERYTHING = Span(date(1990, 1, 1), date(2199, 12, 31))
#: Default for a missing time; other programs may have written rows without one.
EARLIEST_YEAR = UNKNOWN_TIME.year
#: Pairs of date columns of which the first must not be later than the second.
_ORDERED = (("first_day", "last_day"), ("requested_from", "requested_to"))
_COUNT = f"^[0-9]{{1,{LONGEST_COUNT}}}$"

#: The number of rows that are converted to text at a time.
ROWS_AT_ONCE = 65_536


def encode_csv(data: pa.Table, table: Table[Any]) -> bytes:
    """Return the CSV file for the rows, with header. Deterministic."""
    names = [column.name for column in table.columns]
    out = BytesIO()
    out.write((",".join(names) + "\n").encode())
    options = pyarrow.csv.WriteOptions(include_header=False, quoting_style="none")
    try:
        # Some rows at a time, because rows are several times larger as text.
        for start in range(0, len(data), ROWS_AT_ONCE):
            pyarrow.csv.write_csv(_cells(data.slice(start, ROWS_AT_ONCE), table), out, options)
    except pa.ArrowInvalid:
        return _encode_quoted(_cells(data, table))
    return out.getvalue()


def _cells(data: pa.Table, table: Table[Any]) -> pa.Table:
    return pa.table({column.name: _texts(data[column.name], column) for column in table.columns})


def _texts(values: pa.ChunkedArray[Any], column: Column) -> Any:
    """Return the cells of a column as text; null for empty cells."""
    if column.type is datetime:
        # `strftime` would take ten times as long.
        texts: Any = values.cast(pa.timestamp("us")).cast(pa.string())
        return pc.binary_join_element_wise(pc.binary_replace_slice(texts, 10, 11, "T"), "+00:00", "")
    if column.type is bool:
        return pc.if_else(values, "True", "False")
    return values.cast(pa.string())


def _encode_quoted(cells: pa.Table) -> bytes:
    """Encode rows with a comma, a quote or a line break in a cell.

    Python up to 3.12 quotes a carriage return only where it is part of the line terminator, so a file
    with one is quoted throughout.
    """
    has_return = any(pc.any(pc.match_substring(column, "\r")).as_py() for column in cells.columns)
    out = BytesIO()
    text = TextIOWrapper(out, encoding="utf-8", newline="")
    writer = csv.writer(text, lineterminator="\n", quoting=csv.QUOTE_ALL if has_return else csv.QUOTE_MINIMAL)
    writer.writerow(cells.column_names)
    for batch in cells.to_batches(max_chunksize=10_000):
        writer.writerows(zip(*(column.to_pylist() for column in batch.columns), strict=True))
    text.detach()
    return out.getvalue()


def read_csv(path: Path, table: Table[Any]) -> pa.Table:
    """Return the rows of a file, with the schema of ``table``. Nullable columns may be missing.

    Raises ExportError with the file and, if known, the line.
    """
    data = _read_bytes(path)
    columns = _parse_heading(path, data, table)
    rows = _parse(data, columns, table)
    return _parse_lines(path, data, columns, table) if rows is None else rows


def _read_bytes(path: Path) -> bytes:
    if path.is_symlink() or (path.exists() and not path.is_file()):
        msg = f"{path} is not a regular file"
        raise ExportError(msg)
    try:
        return path.read_bytes()
    except OSError as error:
        msg = f"cannot read {path}: {sanitize(str(error), limit=120)}"
        raise ExportError(msg, damaged=path) from error


def _parse_heading(path: Path, data: bytes, table: Table[Any]) -> list[Column]:
    """Return the columns in the order of the file."""
    line = data.split(b"\n", 1)[0].rstrip(b"\r").decode(errors="replace")
    names = line.replace('"', "").split(",")
    known = {column.name: column for column in table.columns}
    found = [known[name] for name in names if name in known]
    if len(found) == len(names) and found == [
        column for column in table.columns if column in found or not column.is_optional
    ]:
        return found
    unknown = [name for name in names if name not in known]
    if unknown and set(known) <= {*names, *(column.name for column in table.columns if column.is_optional)}:
        shown = ", ".join(sanitize(repr(name), limit=60) for name in unknown[:3])
        msg = f"{path}, line 1: unknown column {shown}: a newer cmetrics may have written it"
        raise ExportError(msg, hint="update cmetrics, or remove the column from the file")
    msg = f"{path}, line 1: the header must be {','.join(known)}"
    raise ExportError(msg, damaged=path)


def _parse(data: bytes, columns: Sequence[Column], table: Table[Any]) -> pa.Table | None:
    """Parse the rows with pyarrow. Returns None if any cell is invalid."""
    names = [column.name for column in columns]
    is_quoted = b'"' in data
    if data.count(b"\n") == 1 and data.endswith(b"\n"):
        return table.schema.empty_table()
    try:
        cells = pyarrow.csv.read_csv(
            BytesIO(data),
            pyarrow.csv.ReadOptions(column_names=names, skip_rows=1, use_threads=False),
            pyarrow.csv.ParseOptions(newlines_in_values=is_quoted, ignore_empty_lines=False),
            pyarrow.csv.ConvertOptions(column_types=dict.fromkeys(names, pa.string()), strings_can_be_null=False),
        )
        rows = _to_table({column.name: _typed(cells[column.name], column) for column in columns}, table)
    except ValueError:
        return None
    for first, last in _ordered(columns):
        if pc.any(pc.greater(rows[first], rows[last])).as_py():
            return None
    # pyarrow accepts an unclosed quote, and text after a closing quote.
    return None if is_quoted and encode_csv(rows, table) != data else rows


def _to_table(values: dict[str, Any], table: Table[Any]) -> pa.Table:
    size = len(next(iter(values.values())))
    return pa.table(
        {
            field.name: values[field.name] if field.name in values else pa.nulls(size, field.type)
            for field in table.schema
        },
        schema=table.schema,
    )


def _ordered(columns: Sequence[Column]) -> list[tuple[str, str]]:
    names = {column.name for column in columns}
    return [pair for pair in _ORDERED if names.issuperset(pair)]


def _typed(cells: Any, column: Column) -> Any:
    """Convert a text column to its type. Raises ValueError for an invalid value."""
    if column.is_optional:
        cells = pc.if_else(pc.equal(cells, pa.scalar("")), pa.scalar(None, pa.string()), cells)
    if issubclass(column.type, StrEnum):
        _require(pc.is_in(cells.drop_null(), pa.array([member.value for member in column.type], pa.string())))
    elif column.type is int:
        _require(pc.match_substring_regex(cells, _COUNT))
        return cells.cast(pa.int64())
    elif column.type is bool:
        _require(pc.is_in(cells, pa.array(["True", "False"])))
        return pc.equal(cells, pa.scalar("True"))
    elif column.type is date:
        days = cells.cast(pa.date32())
        _require(_between(days, EVERYTHING.first, EVERYTHING.last))
    elif column.type is datetime:
        times = cells.cast(pa.timestamp("us", tz="UTC"))
        _require(_between(pc.year(times), EARLIEST_YEAR, EVERYTHING.last.year))
        return times
    return cells


def _between(values: Any, first: Any, last: Any) -> Any:
    return pc.and_(pc.greater_equal(values, first), pc.less_equal(values, last))


def _require(is_valid: Any) -> None:
    """Raise ValueError unless all values are true or null."""
    if pc.all(is_valid).as_py() is False:
        raise ValueError


def _parse_lines(path: Path, data: bytes, columns: Sequence[Column], table: Table[Any]) -> pa.Table:
    """Parse the rows one by one. Raises ExportError with the line of the first error."""
    names = [column.name for column in columns]
    lines = csv.reader(StringIO(_decode(path, data), newline=""), strict=True)
    rows: list[list[Any]] = []
    number = 1
    try:
        next(lines, None)
        number = lines.line_num + 1
        for line in lines:
            rows.append(_parse_row(line, columns))
            number = lines.line_num + 1
    except ValueError:
        shown = sanitize(",".join(line), limit=100)
        msg = f"{path}, line {number}: {shown!r} is not a row of {','.join(names)}"
        raise ExportError(msg, damaged=path) from None
    except csv.Error as error:
        msg = f"{path}, line {number}: {sanitize(str(error), limit=120)}"
        raise ExportError(msg, damaged=path) from error
    kinds = {column.name: column.arrow_type for column in columns}
    return _to_table(
        {name: pa.array([row[n] for row in rows], kinds[name]) for n, name in enumerate(names)},
        table,
    )


def _parse_row(line: Sequence[str], columns: Sequence[Column]) -> list[Any]:
    values = {column.name: _parse_cell(text, column) for text, column in zip(line, columns, strict=True)}
    for first, last in _ordered(columns):
        if values[first] and values[last] and values[first] > values[last]:
            raise ValueError(line)
    return list(values.values())


def _parse_cell(text: str, column: Column) -> Any:
    """Parse a cell. Raises ValueError for an invalid value."""
    if text == "" and column.is_optional:
        return None
    if issubclass(column.type, StrEnum):
        return column.type(text).value
    if column.type is int:
        return parse_count(text)
    if column.type is bool and text not in ("True", "False"):
        raise ValueError(text)
    if column.type is bool:
        return text == "True"
    if column.type is date and parse_day(text) not in EVERYTHING:
        raise ValueError(text)
    if column.type is datetime:
        time = datetime.fromisoformat(text)
        if time.tzinfo is None or not EARLIEST_YEAR <= time.year <= EVERYTHING.last.year:
            raise ValueError(text)
        return time
    return text


def _decode(path: Path, data: bytes) -> str:
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        msg = f"{path}, line {line}: bytes that are not UTF-8"
        raise ExportError(msg, damaged=path) from None
