"""The system dependencies of a command: the clock, and the pauses between requests."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import typer

from cmetrics.domain.days import Clock, utc_now


async def _sleep(seconds: float) -> None:
    # Imported here to keep `cmetrics --help` fast.
    import asyncio

    await asyncio.sleep(seconds)


@dataclass(frozen=True, slots=True)
class Runtime:
    """The clock and the sleep function of a command. Callers of `main` may replace the real ones."""

    clock: Clock = utc_now
    #: Waits for a number of seconds, between requests and before retries.
    sleep: Callable[[float], Awaitable[None]] = _sleep


def get_runtime(context: typer.Context) -> Runtime:
    """Return the runtime that was passed to `main`."""
    return context.find_object(Runtime) or Runtime()
