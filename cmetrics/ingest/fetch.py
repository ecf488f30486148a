"""Fetch from all services at once, each in its own paced lane: first the source, then its archive."""

from __future__ import annotations

import asyncio
from collections.abc import Generator, Mapping, Sequence
from dataclasses import replace
from datetime import date
from functools import partial

from cmetrics.http.client import Http, ServiceClient, Timeouts, open_http
from cmetrics.http.service import Policy, ProgressStep
from cmetrics.ingest.context import RunContext
from cmetrics.sources import REGISTRY
from cmetrics.sources.base import FetchRequest, FetchResult


def fetch(requests: Sequence[FetchRequest], context: RunContext) -> Generator[FetchResult]:
    """Yield the results of all requests as they arrive; one or more per request, the last one final.

    While the caller handles a result, every lane stands still. Closing the iterator cancels the lanes
    and closes their connections; wrap it in `contextlib.closing`, so that an exception in the loop
    does so at once. Raises UsageError when the proxy or certificate settings cannot be used. Any
    other exception of a lane is a bug and is raised as it is.
    """
    lanes = _Lanes(context)
    # Leaving the runner, by whatever way, cancels what is under way and waits until it has ended.
    with asyncio.Runner() as runner:
        runner.run(lanes.start(requests))
        while (result := runner.run(lanes.next_result())) is not None:
            yield result


class _Lanes:
    """One lane per source, all concurrent; their results come out of one queue."""

    def __init__(self, context: RunContext) -> None:
        self._context = context
        self._timeouts = Timeouts()
        self._clients: dict[str, ServiceClient] = {}
        #: None follows the last result.
        self._results: asyncio.Queue[FetchResult | None] = asyncio.Queue()
        self._running: asyncio.Task[None] | None = None

    async def start(self, requests: Sequence[FetchRequest]) -> None:
        """Begin to fetch."""
        self._running = asyncio.create_task(self._run(requests))

    async def next_result(self) -> FetchResult | None:
        """Return the next result, None after the last one. Raises what a lane has raised."""
        assert self._running is not None  # it was started
        result = await self._results.get()
        if result is None:
            await asyncio.wait([self._running])
            if (error := self._running.exception()) is not None:
                raise _first_leaf(error)
        return result

    async def _run(self, requests: Sequence[FetchRequest]) -> None:
        by_source: dict[str, list[FetchRequest]] = {}
        for request in requests:
            by_source.setdefault(request.metric.source, []).append(request)
        contact, network = self._context.catalog.contact, self._context.settings.network
        try:
            async with open_http(contact, self._timeouts, network) as http, asyncio.TaskGroup() as lanes:
                for source in sorted(by_source):
                    lanes.create_task(self._fetch_from(source, by_source[source], http))
        finally:
            self._context.requests_sent.update({name: client.requests for name, client in self._clients.items()})
            self._results.put_nowait(None)

    async def _fetch_from(self, source: str, requests: Sequence[FetchRequest], http: Http) -> None:
        entry = REGISTRY[source]
        archive = entry.spec.archive
        service = self._open_client(http, source, source, entry.policy(self._context.settings.github_token))
        stated: dict[str, Mapping[date, int]] = {}
        from_source = [request for request in requests if request.days or (archive and archive.overlaps)]
        async for result in entry.open(service).fetch(from_source):
            stated[result.request.metric.metric_id] = result.stated
            self._results.put_nowait(replace(result, is_final=not result.request.archive_days))
        from_archive = [request for request in requests if request.archive_days]
        if from_archive and archive and entry.archive:
            files = self._open_client(http, archive.name, source, entry.archive.policy)
            reader = entry.archive.open(service, files, self._context.settings.cache)
            async for result in reader.fetch(from_archive, stated):
                self._results.put_nowait(result)

    def _open_client(self, http: Http, name: str, source: str, policy: Policy) -> ServiceClient:
        context = self._context
        self._clients[name] = ServiceClient(
            http,
            policy,
            timeouts=self._timeouts,
            clock=context.clock,
            sleep=context.sleep,
            listener=partial(self._report, source),
        )
        return self._clients[name]

    def _report(self, source: str, event: ProgressStep | str) -> None:
        if isinstance(event, str):
            self._context.progress.message(source, event)
        else:
            self._context.progress.step(source, event)


def _first_leaf(error: BaseException) -> BaseException:
    """Return the exception itself where a task group has wrapped it."""
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error
