"""Fixtures that run sources with the real HTTP client against the simulated services."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, time
from pathlib import Path

import pytest
from pydantic import SecretStr

from cmetrics.http.client import ServiceClient, Timeouts, open_http
from cmetrics.settings import load_settings
from cmetrics.sources import REGISTRY
from cmetrics.sources.base import FetchRequest, FetchResult
from tests.world.services import Services
from tests.world.truth import World

#: Takes the name of a source and its requests; returns its results, those of its archive last.
Fetch = Callable[..., list[FetchResult]]


@pytest.fixture
def services(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Services]:
    """Return the running services of the default catalogue, without rate limits."""
    world = World.default()
    world.limits = False
    with Services(world, tmp_path) as running:
        for name in ("http_proxy", "HTTP_PROXY", "ALL_PROXY", "all_proxy", "NO_PROXY", "no_proxy"):
            monkeypatch.delenv(name, raising=False)
        for name, value in running.env().items():
            monkeypatch.setenv(name, value)
        yield running


@pytest.fixture
def fetch(services: Services) -> Fetch:
    """Return a function that fetches from one source without waiting, by default at noon of the simulated day."""

    def run(
        source: str, requests: Sequence[FetchRequest], token: str | None = None, at: datetime | None = None
    ) -> list[FetchResult]:
        async def pause(_: float) -> None:
            return

        async def work() -> list[FetchResult]:
            entry, results = REGISTRY[source], []
            now = at or datetime.combine(services.world.today, time(12), UTC)
            secret = SecretStr(token) if token else None
            async with open_http("https://example.com/x", Timeouts(), load_settings().network) as http:
                client = ServiceClient(http, entry.policy(secret), clock=lambda: now, sleep=pause)
                results = [result async for result in entry.open(client).fetch(requests)]
                archived = [request for request in requests if request.archive_days]
                if archived and entry.archive:
                    stated = {result.request.metric.metric_id: result.source_counts for result in results}
                    older = entry.archive()
                    files = ServiceClient(http, older.policy, clock=lambda: now, sleep=pause)
                    archive = older.open(client, files, None)
                    results += [result async for result in archive.fetch(archived, stated)]
            return results

        return asyncio.run(work())

    return run
