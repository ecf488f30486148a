"""Ways in which a service misbehaves."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any

from tests.world.services import Fault, Reply, Request, as_json, as_text
from tests.world.truth import CRATES, GITHUB, NPM, PYPI

Usual = Callable[[], Reply]
#: The keys of lists of days in responses.
LISTS = ("data", "version_downloads", "extra_downloads", "downloads")
COUNTS = {"downloads", "stargazers_count", "days", "total"}


def server_error(_: Request, __: Usual) -> Reply:
    return as_text("500", 500)


def html(_: Request, __: Usual) -> Reply:
    return as_text("<!DOCTYPE html><html><body>Just a moment...</body></html>", 200)


def reset(_: Request, __: Usual) -> Reply:
    return Reply(200, b"", reset=True)


def truncate(_: Request, usual: Usual) -> Reply:
    reply = usual()
    reply.cut_at = len(reply.body) // 2
    return reply


def hang(_: Request, usual: Usual) -> Reply:
    reply = usual()
    reply.hold = 300.0
    return reply


def wrong_types(_: Request, usual: Usual) -> Reply:
    """Turn every number into text, which a careless parser would concatenate instead of adding."""

    def modify(value: object) -> object:
        if isinstance(value, dict):
            return {k: modify(v) for k, v in value.items()}
        if isinstance(value, list):
            return [modify(v) for v in value]
        return str(value) if isinstance(value, int) else value

    reply = usual()
    reply.body = json.dumps(modify(json.loads(reply.body))).encode()
    return reply


def bare_number(_: Request, __: Usual) -> Reply:
    return as_json(404)


def negative(_: Request, usual: Usual) -> Reply:
    def modify(value: object, key: str = "") -> object:
        if isinstance(value, dict):
            return {k: modify(v, k) for k, v in value.items()}
        if isinstance(value, list):
            return [modify(v, key) for v in value]
        return -value if isinstance(value, int) and key in {"downloads", "stargazers_count", "days"} else value

    reply = usual()
    reply.body = json.dumps(modify(json.loads(reply.body))).encode()
    return reply


def counts_as(literal: str) -> Fault:
    """Replace every count by this JSON text."""
    mark = "the count"

    def modify(value: Any, key: str = "") -> Any:
        if isinstance(value, dict):
            return {k: modify(v, k) for k, v in value.items()}
        if isinstance(value, list):
            return [modify(v, key) for v in value]
        return mark if isinstance(value, int) and key in COUNTS else value

    def fault(_: Request, usual: Usual) -> Reply:
        reply = usual()
        reply.body = json.dumps(modify(json.loads(reply.body))).replace(f'"{mark}"', literal).encode()
        return reply

    return fault


def responds_with(body: bytes | str, status: int = 200, kind: str = "application/json", **headers: str) -> Fault:
    """Return the same response to every request."""
    content = body.encode() if isinstance(body, str) else body
    sent = {"Content-Type": kind, **{name.replace("_", "-"): value for name, value in headers.items()}}
    return lambda _, __: Reply(status, content, dict(sent))


def with_lists(change: Callable[[list[Any], date], list[Any]]) -> Fault:
    """Change every list of days with ``change``, which also gets the newest day in it."""

    def within(value: Any) -> Any:
        if not isinstance(value, dict):
            return value
        return {k: changed(v) if k in LISTS and isinstance(v, list) else within(v) for k, v in value.items()}

    def changed(rows: list[Any]) -> list[Any]:
        return change(rows, max((day_of(row) for row in rows), default=date.min))

    def fault(_: Request, usual: Usual) -> Reply:
        reply = usual()
        answer = json.loads(reply.body)
        reply.body = json.dumps(changed(answer) if isinstance(answer, list) else within(answer)).encode()
        return reply

    return fault


def day_of(row: dict[str, Any]) -> date:
    """Return the day of a row, or the first day of its week."""
    if "week" in row:
        return datetime.fromtimestamp(row["week"], UTC).date()
    return date.fromisoformat(row.get("date") or row["day"])


def moved_to(row: dict[str, Any], day: date) -> dict[str, Any]:
    """Return the row with another day."""
    if "week" in row:
        return row | {"week": int(datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp())}
    return row | {"date" if "date" in row else "day": day.isoformat()}


def _of_next_week(rows: list[Any], newest: date) -> list[Any]:
    ahead = [moved_to(row, newest + timedelta(days=7)) for row in rows if day_of(row) == newest]
    if not ahead or "week" not in ahead[0]:
        return [*rows, *ahead]
    return [row | {"days": [5] * 7, "total": 35} for row in ahead] + rows


duplicate_days = with_lists(lambda rows, _: [*rows, *rows[:1]])
future_days = with_lists(_of_next_week)
no_days = with_lists(lambda rows, _: [])
gaps = with_lists(lambda rows, _: [row for row in rows if day_of(row).toordinal() // 7 % 2])


def other_subject(_: Request, usual: Usual) -> Reply:
    """Return a response about another subject: another name and other numbers."""
    reply = usual()
    answer = json.loads(reply.body)
    if isinstance(answer, dict) and "full_name" in answer:
        answer |= {"full_name": "somebody/else", "id": 1, "stargazers_count": 31}
    elif isinstance(answer, dict) and "version_downloads" in answer:
        # A response of crates.io does not contain the name of the crate.
        for row in answer["version_downloads"]:
            row["downloads"] //= 10
    elif isinstance(answer, dict):
        answer["package"] = "somebody-else"
    reply.body = json.dumps(answer).encode()
    return reply


def redirects_to(target: str) -> Fault:
    """Return a redirect."""
    return lambda _, __: Reply(302, b"", {"Location": target})


def redirect_loop(request: Request, _: Usual) -> Reply:
    return Reply(302, b"", {"Location": request.path})


def invalid_utf8(_: Request, usual: Usual) -> Reply:
    """Put invalid UTF-8 in an otherwise valid response."""
    reply = usual()
    reply.body = reply.body.replace(b'"', b'"\xc3\x28', 1)
    return reply


def half_body(_: Request, usual: Usual) -> Reply:
    """Return half of the body with a matching Content-Length."""
    reply = usual()
    reply.body = reply.body[: len(reply.body) // 2]
    return reply


def trickle(_: Request, usual: Usual) -> Reply:
    reply = usual()
    # A star count, the shortest response, arrives before the client's timeout; the others do not.
    reply.drip = 0.003
    return reply


#: 64 KB that decompress to 64 MB.
BOMB = gzip.compress(b" " * (64 * 1024 * 1024))
bomb = responds_with(BOMB, Content_Encoding="gzip")

#: Another documented response of the same host.
SHAPES = {PYPI: {"data": {"last_day": 1}}, CRATES: {"crate": {"id": 1}}, NPM: {"downloads": 7}, GITHUB: {"items": []}}


def other_shape(request: Request, _: Usual) -> Reply:
    return as_json(SHAPES[request.host])


def slow_down_for_an_hour(_: Request, __: Usual) -> Reply:
    reply = as_text("error code: 1015", 429, "text/plain")
    reply.headers["Retry-After"] = "3600"
    return reply


def endless(_: Request, __: Usual) -> Reply:
    return Reply(200, b" " * (9 * 1024 * 1024), {"Content-Type": "application/json"})


def redirects_elsewhere(_: Request, __: Usual) -> Reply:
    return Reply(301, b"", {"Location": "https://example.com/elsewhere"})


def first_times(count: int, fault: Fault) -> Fault:
    """Apply the fault to the first ``count`` requests only."""
    seen = 0

    def limited(request: Request, usual: Usual) -> Reply:
        nonlocal seen
        seen += 1
        return fault(request, usual) if seen <= count else usual()

    return limited


def for_path(path_part: str, fault: Fault) -> Fault:
    """Apply the fault to requests whose path contains ``path_part``."""
    return lambda request, usual: fault(request, usual) if path_part in request.path else usual()
