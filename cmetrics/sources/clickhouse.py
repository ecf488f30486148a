"""ClickHouse over HTTP: rows as JSON, one object a line, from the public tables of sql.clickhouse.com.

From ClickHouse/clickpy (`ClickHouse.md`, `scripts/`): a result of more than 1,000 rows may be silently truncated; an
error may follow rows although the status is 200; a server setting decides whether counts are JSON numbers or strings.
It is a public demonstration server without a stated rate limit.
"""

from __future__ import annotations

from datetime import date
from typing import Annotated, TypeVar

from pydantic import BeforeValidator, TypeAdapter

from cmetrics.domain.errors import InvalidResponse
from cmetrics.domain.observation import parse_count
from cmetrics.domain.sanitize import sanitize
from cmetrics.http.rate_limit import Rate
from cmetrics.http.service import Policy
from cmetrics.http.validation import Count, Day, Shape, parse

#: `max_result_rows` of the public role, with overflow mode `break` (`scripts/create_user.sh`).
CUT_AT = 1000
#: The parameters of every request, besides the values of the placeholders.
PARAMS = {"user": "demo", "default_format": "JSONEachRow"}

T = TypeVar("T")


def policy(title: str) -> Policy:
    """Return the request policy for the tables with the public name ``title``."""
    return Policy(
        title,
        "https://sql-clickhouse.clickhouse.com",
        rates=(Rate(1, 1.0),),
        limit_waits=(5.0, 15.0, 30.0),
    )


def _number(value: object) -> object:
    """Accept counts as JSON numbers and as strings."""
    return parse_count(value) if isinstance(value, str) else value


Number = Annotated[Count, BeforeValidator(_number)]


class DayCount(Shape):
    """One row of a result by day."""

    date: Day
    downloads: Number


DAY_COUNT = TypeAdapter(DayCount)


def quote_names(names: tuple[str, ...]) -> str:
    """Return ``names`` as the value of a placeholder of type Array(String). They contain neither quotes nor slashes."""
    return "[" + ",".join(f"'{name}'" for name in names) + "]"


def day_params(first: date, last: date) -> dict[str, str]:
    """Return the parameters of a query with the placeholders ``first`` and ``last``."""
    return {**PARAMS, "param_first": first.isoformat(), "param_last": last.isoformat()}


def parse_rows(adapter: TypeAdapter[T], body: bytes, where: str, title: str) -> list[T]:
    """Return the rows of a result. Raises InvalidResponse for a result that may be truncated, and for an error."""
    rows = [parse(adapter, line, where) for line in _lines(body, where, title)]
    if len(rows) >= CUT_AT:
        msg = f"{where}, returned {len(rows)} rows, and may have truncated more"
        raise InvalidResponse(msg, service=title)
    return rows


def _lines(body: bytes, where: str, title: str) -> list[bytes]:
    """Return the rows, one JSON object a line.

    An error may replace or follow them, although the status is 200. ClickHouse writes it as a line
    ``Code: 241. DB::Exception: …``.
    """
    *lines, rest = body.split(b"\n")
    failure = next((line for line in (*lines, rest) if b"DB::Exception" in line or line.startswith(b"Code:")), None)
    if failure is not None:
        msg = f"{where}, broke off: {sanitize(failure.decode('utf-8', 'replace'), limit=160)}"
        raise InvalidResponse(msg, service=title)
    if rest:
        start = sanitize(rest[:40].decode("utf-8", "replace"))
        msg = f"{where}, returned something other than rows, or a truncated row ({start!r})"
        raise InvalidResponse(msg)
    return lines
