"""Carry what a command takes from the machine: the clock, and the pauses between requests."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import typer

from cmetrics.domain.days import Clock, utc_now


async def _sleep(seconds: float) -> None:
    # `cmetrics --help` need not wait for this import.
    import asyncio

    await asyncio.sleep(seconds)


@dataclass(frozen=True, slots=True)
class Runtime:
    """The clock and the pauses of a command: the real ones, unless the caller of `main` brings its own."""

    clock: Clock = utc_now
    #: Waits so many seconds, between two requests or before another try.
    sleep: Callable[[float], Awaitable[None]] = _sleep


def get_runtime(context: typer.Context) -> Runtime:
    """Return the runtime that the command line was started with."""
    return context.find_object(Runtime) or Runtime()
