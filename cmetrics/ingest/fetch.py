"""Asking all services at once, each in its own paced lane."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from cmetrics.domain.days import Clock
from cmetrics.sources import REGISTRY
from cmetrics.sources.base import Answered, Ask
from cmetrics.sources.http import ServiceClient, Sleep, Timeouts, open_http


@dataclass(frozen=True, slots=True)
class Harvest:
    """What the services said, one answer per ask, and how many requests that took by source."""

    answers: tuple[Answered, ...]
    requests: tuple[tuple[str, int], ...]


def fetch(
    asks: Sequence[Ask],
    *,
    contact: str,
    github_token: str | None,
    clock: Clock,
    sleep: Sleep = asyncio.sleep,
    on_answer: Callable[[Answered], None],
) -> Harvest:
    """Every answer; blocks until the slowest lane is done."""
    return asyncio.run(_fetch(asks, contact, github_token, clock, sleep, on_answer))


async def _fetch(
    asks: Sequence[Ask],
    contact: str,
    github_token: str | None,
    clock: Clock,
    sleep: Sleep,
    on_answer: Callable[[Answered], None],
) -> Harvest:
    answers: list[Answered] = []
    timeouts = Timeouts()

    async def lane(name: str, client: ServiceClient) -> None:
        source = REGISTRY[name].open(client)
        async for answered in source.answers([ask for ask in asks if ask.metric.source == name]):
            answers.append(answered)
            on_answer(answered)

    async with open_http(contact, timeouts) as http:
        clients = {
            name: ServiceClient(http, REGISTRY[name].policy(github_token), timeouts=timeouts, clock=clock, sleep=sleep)
            for name in sorted({ask.metric.source for ask in asks})
        }
        async with asyncio.TaskGroup() as lanes:
            for name, client in clients.items():
                lanes.create_task(lane(name, client))
    return Harvest(tuple(answers), tuple((name, client.requests) for name, client in clients.items()))
