"""Asking all services at once, each in its own paced lane: first itself, then the archive of its older days."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from functools import partial
from pathlib import Path

from pydantic import SecretStr

from cmetrics.domain.days import Clock
from cmetrics.domain.errors import CmetricsError
from cmetrics.http.client import Http, ServiceClient, Timeouts, open_http
from cmetrics.http.service import Policy, ProgressStep, Sleep
from cmetrics.settings import NetworkSettings
from cmetrics.sources import REGISTRY
from cmetrics.sources.base import FetchRequest, FetchResult


@dataclass(frozen=True, slots=True)
class Harvest:
    """What the services said, and how many requests that took by source and archive."""

    results: tuple[FetchResult, ...]
    requests: tuple[tuple[str, int], ...]


def fetch(
    requests: Sequence[FetchRequest],
    *,
    contact: str,
    github_token: SecretStr | None,
    network: NetworkSettings,
    cache: Path | None,
    clock: Clock,
    on_result: Callable[[FetchResult], None],
    on_progress: Callable[[str, ProgressStep | str], None],
    sleep: Sleep = asyncio.sleep,
) -> Harvest:
    """Every answer; blocks until the slowest lane is done. Raises what ``on_result`` raises."""
    lanes = _Lanes(github_token, cache, clock, on_result, on_progress, sleep)
    try:
        return asyncio.run(lanes.run(requests, contact, network))
    except* CmetricsError as group:
        # The store is written while lanes are under way; its error is told as it is elsewhere.
        raise _first(group) from None


class _Lanes:
    """One lane per source, all at once."""

    def __init__(
        self,
        github_token: SecretStr | None,
        cache: Path | None,
        clock: Clock,
        on_result: Callable[[FetchResult], None],
        on_progress: Callable[[str, ProgressStep | str], None],
        sleep: Sleep,
    ) -> None:
        self._github_token = github_token
        self._cache = cache
        self._clock = clock
        self._on_result = on_result
        self._on_progress = on_progress
        self._sleep = sleep
        self._timeouts = Timeouts()
        self._clients: dict[str, ServiceClient] = {}
        self._results: list[FetchResult] = []

    async def run(self, requests: Sequence[FetchRequest], contact: str, network: NetworkSettings) -> Harvest:
        async with open_http(contact, self._timeouts, network) as http, asyncio.TaskGroup() as lanes:
            for name in sorted({request.metric.source for request in requests}):
                lanes.create_task(
                    self._lane(http, name, [request for request in requests if request.metric.source == name])
                )
        return Harvest(tuple(self._results), tuple((name, c.requests) for name, c in sorted(self._clients.items())))

    async def _lane(self, http: Http, name: str, requests: Sequence[FetchRequest]) -> None:
        entry = REGISTRY[name]
        archive = entry.spec.archive
        service = self._client(http, name, name, entry.policy(self._github_token))
        stated: dict[str, Mapping[date, int]] = {}
        from_source = [request for request in requests if request.days or (archive and archive.overlaps)]
        async for result in entry.open(service).fetch(from_source):
            stated[result.request.metric.metric_id] = result.stated
            self._take(replace(result, is_final=not result.request.archive_days))
        from_archive = [request for request in requests if request.archive_days]
        if from_archive and archive and entry.archive:
            other = self._client(http, archive.name, name, entry.archive.policy)
            async for result in entry.archive.open(service, other, self._cache).fetch(from_archive, stated):
                self._take(result)

    def _client(self, http: Http, name: str, source: str, policy: Policy) -> ServiceClient:
        listener = partial(self._on_progress, source)
        self._clients[name] = ServiceClient(
            http, policy, timeouts=self._timeouts, clock=self._clock, sleep=self._sleep, listener=listener
        )
        return self._clients[name]

    def _take(self, result: FetchResult) -> None:
        self._results.append(result)
        self._on_result(result)


def _first(error: BaseException) -> BaseException:
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error
