"""Fetch from all services concurrently, one task per source: first the source, then its archive."""

from __future__ import annotations

import asyncio
from collections.abc import Generator, Sequence
from dataclasses import replace
from functools import partial

from cmetrics.http.client import Http, ServiceClient, Timeouts, open_http
from cmetrics.http.service import Policy, ProgressStep
from cmetrics.ingest.context import RunContext
from cmetrics.ingest.releases import RELEASES, ReleaseReader, is_at_github
from cmetrics.sources import REGISTRY
from cmetrics.sources.base import FetchRequest, FetchResult


def fetch(
    requests: Sequence[FetchRequest], context: RunContext, releases: ReleaseReader | None = None
) -> Generator[FetchResult]:
    """Yield the results of all requests as they arrive: one or more per request, the last one final.

    ``releases`` reads the releases of the repositories once GitHub's results are complete, while other services
    continue.

    All tasks pause while the caller handles a result. Closing the iterator cancels them and closes
    their connections; wrap it in `contextlib.closing`, so that an exception in the loop does so at
    once. Raises UsageError if the proxy or certificate settings cannot be used. Any other exception of
    a task is a bug and is raised unchanged.
    """
    lanes = _Lanes(context, releases)
    # Leaving the runner cancels all running tasks and waits for them, also after an exception.
    with asyncio.Runner() as runner:
        runner.run(lanes.start(requests))
        while (result := runner.run(lanes.next_result())) is not None:
            yield result


class _Lanes:
    """Concurrent tasks, one per source, that put their results into one queue."""

    def __init__(self, context: RunContext, releases: ReleaseReader | None) -> None:
        self._context = context
        self._releases = releases
        self._timeouts = Timeouts()
        #: With the name under which the requests of each are counted.
        self._clients: list[tuple[str, ServiceClient]] = []
        #: None follows the last result.
        self._results: asyncio.Queue[FetchResult | None] = asyncio.Queue()
        self._running: asyncio.Task[None] | None = None

    async def start(self, requests: Sequence[FetchRequest]) -> None:
        """Start the tasks."""
        self._running = asyncio.create_task(self._run(requests))

    async def next_result(self) -> FetchResult | None:
        """Return the next result; None after the last one. Raises the exception of a failed task."""
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
                running = {
                    source: lanes.create_task(self._fetch_from(source, by_source[source], http))
                    for source in sorted(by_source)
                }
                of_github = [task for source, task in running.items() if is_at_github(source)]
                if self._releases is not None and of_github:
                    found = [result for results in await asyncio.gather(*of_github) for result in results]
                    policy = REGISTRY[RELEASES].policy(self._context.settings.github_token)
                    await self._releases.read(found, self._open_client(http, RELEASES, RELEASES, policy))
        finally:
            for name, client in self._clients:
                self._context.requests_sent[name] += client.requests
            self._results.put_nowait(None)

    async def _fetch_from(self, source: str, requests: Sequence[FetchRequest], http: Http) -> list[FetchResult]:
        """Return the results of the source itself, after all of them and those of its archive are queued."""
        entry = REGISTRY[source]
        archive = entry.spec.archive
        service = self._open_client(
            http, source, source, entry.policy(self._context.settings.token(entry.spec.token_variable))
        )
        results: list[FetchResult] = []
        # A request without days for the source still needs its counts if the archive is compared with them.
        from_source = [request for request in requests if request.days or (archive and archive.overlaps)]
        async for result in entry.open(service).fetch(from_source):
            results.append(result)
            # The archive yields the final result of a request that has archive days.
            self._results.put_nowait(replace(result, is_final=not result.request.archive_days))
        from_archive = [request for request in requests if request.archive_days]
        if from_archive and archive and entry.archive:
            older = entry.archive()
            archive_client = self._open_client(http, archive.name, source, older.policy)
            archive_source = older.open(service, archive_client, self._context.settings.cache)
            source_counts = {result.request.metric.metric_id: result.source_counts for result in results}
            async for result in archive_source.fetch(from_archive, source_counts):
                self._results.put_nowait(result)
        return results

    def _open_client(self, http: Http, name: str, source: str, policy: Policy) -> ServiceClient:
        context = self._context
        client = ServiceClient(
            http,
            policy,
            timeouts=self._timeouts,
            clock=context.clock,
            sleep=context.sleep,
            listener=partial(self._report, source),
        )
        self._clients.append((name, client))
        return client

    def _report(self, source: str, event: ProgressStep | str) -> None:
        if isinstance(event, str):
            self._context.progress.message(source, event)
        else:
            self._context.progress.step(source, event)


def _first_leaf(error: BaseException) -> BaseException:
    """Return the exception that a task group has wrapped."""
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error
