"""Ways in which a service misbehaves."""

from __future__ import annotations

import json
from collections.abc import Callable

from tests.world.services import Fault, Reply, Request, as_json, as_text

Usual = Callable[[], Reply]


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
    """Every number as text: what a careless reader would add up without noticing."""

    def spoil(value: object) -> object:
        if isinstance(value, dict):
            return {k: spoil(v) for k, v in value.items()}
        if isinstance(value, list):
            return [spoil(v) for v in value]
        return str(value) if isinstance(value, int) else value

    reply = usual()
    reply.body = json.dumps(spoil(json.loads(reply.body))).encode()
    return reply


def bare_number(_: Request, __: Usual) -> Reply:
    return as_json(404)


def negative(_: Request, usual: Usual) -> Reply:
    def spoil(value: object, key: str = "") -> object:
        if isinstance(value, dict):
            return {k: spoil(v, k) for k, v in value.items()}
        if isinstance(value, list):
            return [spoil(v, key) for v in value]
        return -value if isinstance(value, int) and key in {"downloads", "stargazers_count", "days"} else value

    reply = usual()
    reply.body = json.dumps(spoil(json.loads(reply.body))).encode()
    return reply


def slow_down_for_an_hour(_: Request, __: Usual) -> Reply:
    reply = as_text("error code: 1015", 429, "text/plain")
    reply.headers["Retry-After"] = "3600"
    return reply


def endless(_: Request, __: Usual) -> Reply:
    return Reply(200, b" " * (9 * 1024 * 1024), {"Content-Type": "application/json"})


def elsewhere(_: Request, __: Usual) -> Reply:
    return Reply(301, b"", {"Location": "https://example.com/elsewhere"})


def first_times(count: int, fault: Fault) -> Fault:
    """The fault for the first ``count`` requests, then the usual answers."""
    seen = 0

    def limited(request: Request, usual: Usual) -> Reply:
        nonlocal seen
        seen += 1
        return fault(request, usual) if seen <= count else usual()

    return limited


def only(path_part: str, fault: Fault) -> Fault:
    """The fault for requests whose path holds ``path_part``."""
    return lambda request, usual: fault(request, usual) if path_part in request.path else usual()
