"""Runtimes for `cmetrics.cli.main` with which commands do not wait."""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

from cmetrics.cli.runtime import Runtime
from cmetrics.domain.days import utc_now

#: The factor by which accelerated time is faster: a timeout of 30 s takes two.
SPEED_UP = 16


async def skip_sleep(_: float) -> None:
    """Yield to the event loop instead of sleeping."""
    await asyncio.sleep(0)


class FastLoop(asyncio.SelectorEventLoop):
    """An event loop with accelerated time, in which long timeouts can be tested."""

    def __init__(self) -> None:
        super().__init__(_FastSelector())

    def time(self) -> float:
        return super().time() * SPEED_UP


class _FastSelector(selectors.DefaultSelector):  # type: ignore[misc,valid-type]
    def select(self, timeout: float | None = None) -> list:
        return super().select(timeout if timeout is None else timeout / SPEED_UP)


class _FastPolicy(asyncio.DefaultEventLoopPolicy):
    _loop_factory = FastLoop


@contextmanager
def fast_clock(*, is_enabled: bool = True) -> Iterator[None]:
    """Accelerate asyncio's time within the context."""
    if is_enabled:
        asyncio.set_event_loop_policy(_FastPolicy())
    try:
        yield
    finally:
        asyncio.set_event_loop_policy(None)


def build(options: Mapping[str, Any]) -> Runtime:
    """Return a runtime with the options ``pace`` (make real pauses) and ``now`` (an ISO time).

    With ``fast_clock``, asyncio's time in this process is accelerated from now on.
    """
    if options.get("fast_clock"):
        asyncio.set_event_loop_policy(_FastPolicy())
    now = datetime.fromisoformat(options["now"]).astimezone(UTC) if "now" in options else None
    clock = (lambda: now) if now else utc_now
    return Runtime(clock) if options.get("pace") else Runtime(clock, skip_sleep)
