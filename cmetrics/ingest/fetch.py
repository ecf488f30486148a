"""Asking all services at once, each in its own paced lane: first itself, then the archive of its older days."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import partial
from pathlib import Path

from cmetrics.domain.days import Clock
from cmetrics.domain.errors import CmetricsError
from cmetrics.http.client import Http, ServiceClient, Timeouts, open_http
from cmetrics.http.service import Policy, ProgressStep, Sleep
from cmetrics.sources import REGISTRY
from cmetrics.sources.base import FetchOutcome, FetchRequest, FetchResult


@dataclass(frozen=True, slots=True)
class Harvest:
    """What the services said, and how many requests that took by source and archive."""

    answers: tuple[FetchOutcome, ...]
    requests: tuple[tuple[str, int], ...]


def fetch(
    asks: Sequence[FetchRequest],
    *,
    contact: str,
    github_token: str | None,
    cache: Path | None,
    clock: Clock,
    on_answer: Callable[[FetchOutcome, bool], None],
    on_progress: Callable[[str, ProgressStep | str], None],
    sleep: Sleep = asyncio.sleep,
) -> Harvest:
    """Every answer; blocks until the slowest lane is done. Raises what ``on_answer`` raises.

    ``on_answer`` is also told whether this was the last one for its metric.
    """
    lanes = _Lanes(github_token, cache, clock, on_answer, on_progress, sleep)
    try:
        return asyncio.run(lanes.run(asks, contact))
    except* CmetricsError as group:
        # The store is written while lanes are under way; its error is told as it is elsewhere.
        raise _first(group) from None


class _Lanes:
    """One lane per source, all at once."""

    def __init__(
        self,
        github_token: str | None,
        cache: Path | None,
        clock: Clock,
        on_answer: Callable[[FetchOutcome, bool], None],
        on_progress: Callable[[str, ProgressStep | str], None],
        sleep: Sleep,
    ) -> None:
        self._github_token = github_token
        self._cache = cache
        self._clock = clock
        self._on_answer = on_answer
        self._on_progress = on_progress
        self._sleep = sleep
        self._timeouts = Timeouts()
        self._clients: dict[str, ServiceClient] = {}
        self._answers: list[FetchOutcome] = []

    async def run(self, asks: Sequence[FetchRequest], contact: str) -> Harvest:
        async with open_http(contact, self._timeouts) as http, asyncio.TaskGroup() as lanes:
            for name in sorted({ask.metric.source for ask in asks}):
                lanes.create_task(self._lane(http, name, [ask for ask in asks if ask.metric.source == name]))
        return Harvest(tuple(self._answers), tuple((name, c.requests) for name, c in sorted(self._clients.items())))

    async def _lane(self, http: Http, name: str, asks: Sequence[FetchRequest]) -> None:
        entry = REGISTRY[name]
        archive = entry.spec.archive
        service = self._client(http, name, name, entry.policy(self._github_token))
        near: dict[str, Mapping[date, int]] = {}
        first = [ask for ask in asks if ask.days or (archive and archive.overlaps)]
        async for ask, fetched in entry.open(service).fetch(first):
            if isinstance(fetched, FetchResult):
                near[ask.metric.metric_id] = fetched.stated
            self._take((ask, fetched), last=not ask.older)
        older = [ask for ask in asks if ask.older]
        if older and archive and entry.archive:
            other = self._client(http, archive.name, name, entry.archive.policy)
            async for ask, fetched in entry.archive.open(service, other, self._cache).fetch(older, near):
                self._take((ask, fetched), last=not (isinstance(fetched, FetchResult) and fetched.more))

    def _client(self, http: Http, name: str, source: str, policy: Policy) -> ServiceClient:
        listener = partial(self._on_progress, source)
        self._clients[name] = ServiceClient(
            http, policy, timeouts=self._timeouts, clock=self._clock, sleep=self._sleep, listener=listener
        )
        return self._clients[name]

    def _take(self, answered: FetchOutcome, *, last: bool) -> None:
        self._answers.append(answered)
        self._on_answer(answered, last)


def _first(error: BaseException) -> BaseException:
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error
