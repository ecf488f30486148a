"""Commands that do not wait: the runtime that tests bring to `cmetrics.cli.main`."""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

from cmetrics.cli.runtime import Runtime
from cmetrics.domain.days import utc_now

#: How many times faster time goes by where it is hurried: a patience of 30 s takes two.
HURRY = 16


async def at_once(_: float) -> None:
    """Pause without taking time."""
    await asyncio.sleep(0)


class Hurried(asyncio.SelectorEventLoop):
    """A loop in which time goes by faster than outside, so that timeouts of any length can be tried."""

    def __init__(self) -> None:
        super().__init__(_Impatient())

    def time(self) -> float:
        return super().time() * HURRY


class _Impatient(selectors.DefaultSelector):  # type: ignore[misc,valid-type]
    def select(self, timeout: float | None = None) -> list:
        return super().select(timeout if timeout is None else timeout / HURRY)


class _HurriedPolicy(asyncio.DefaultEventLoopPolicy):
    _loop_factory = Hurried


@contextmanager
def hurried(*, wanted: bool = True) -> Iterator[None]:
    """Let asyncio's time go by faster within."""
    if wanted:
        asyncio.set_event_loop_policy(_HurriedPolicy())
    try:
        yield
    finally:
        asyncio.set_event_loop_policy(None)


def build(options: Mapping[str, Any]) -> Runtime:
    """Return a runtime of ``pace`` (make real pauses) and ``now`` (an ISO time), both optional.

    With ``hurry``, asyncio's time goes by faster in this process from now on.
    """
    if options.get("hurry"):
        asyncio.set_event_loop_policy(_HurriedPolicy())
    now = datetime.fromisoformat(options["now"]).astimezone(UTC) if "now" in options else None
    clock = (lambda: now) if now else utc_now
    return Runtime(clock) if options.get("pace") else Runtime(clock, at_once)
