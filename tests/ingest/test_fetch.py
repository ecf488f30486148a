from __future__ import annotations

import asyncio
from collections import Counter
from contextlib import closing
from dataclasses import replace

import pytest

from cmetrics.domain.errors import NotFound
from cmetrics.domain.run import RunStatus
from cmetrics.ingest.context import RunContext
from cmetrics.ingest.fetch import fetch
from cmetrics.ingest.run import refresh
from cmetrics.sources.base import FetchRequest
from tests.world.nights import Nights
from tests.world.services import Services
from tests.world.truth import CRATES, GITHUB, NPM, PYPI, World


def requests_of(context: RunContext, *sources: str) -> list[FetchRequest]:
    """Return a request of the last completed day for every metric of these sources."""
    last = context.last_day
    metrics = [metric for metric in context.catalog.metrics if not sources or metric.source in sources]
    return [FetchRequest(metric, (last,), frozenset({last}), last) for metric in metrics]


def test_every_request_gets_one_final_result_and_every_http_request_is_counted(nights: Nights, services: Services):
    """All sources are fetched completely; the counts equal the requests received by the services."""
    context = nights.context()
    with closing(fetch(requests_of(context), context)) as results:
        final = [result.request.metric.metric_id for result in results if result.is_final]
    assert sorted(final) == sorted(metric.metric_id for metric in context.catalog.metrics)
    seen = Counter(request.host for request in services.requests)
    assert context.requests_sent == {
        "pypistats": seen[PYPI],
        "cratesio": seen[CRATES],
        "npm": seen[NPM],
        "github": seen[GITHUB],
    }


def test_without_requests_nothing_is_sent(nights: Nights, services: Services):
    """Without requests, there are no results, and nothing is sent."""
    assert list(fetch([], nights.context())) == []
    assert services.requests == []


def test_a_metric_that_cannot_be_fetched_is_a_result_with_a_typed_error(nights: Nights, world: World):
    """Other metrics of the source are fetched."""
    del world.repositories["lance-format/lance"]
    context = nights.context()
    errors = {r.request.metric.subject: r.error for r in fetch(requests_of(context, "github"), context)}
    assert type(errors["lance-format/lance"]) is NotFound
    assert errors["lance-format/lance"].status == 404
    assert errors["lancedb/lancedb"] is None


def test_closing_the_stream_early_cancels_the_lanes(nights: Nights, services: Services):
    """A waiting source is cancelled and sends no more requests."""
    npm_waits, cancelled, pauses = asyncio.Event(), [], []

    async def sleep(seconds: float) -> None:
        pauses.append(seconds)
        if seconds > 0:
            # npm, before its second request.
            npm_waits.set()
            try:
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                cancelled.append(seconds)
                raise
        if len(pauses) > 2:
            # GitHub, before its second request: no result may arrive before npm waits.
            await npm_waits.wait()

    context = replace(nights.context(), sleep=sleep)
    with closing(fetch(requests_of(context, "npm", "github"), context)) as results:
        assert next(results).request.metric.source == "github"
        assert cancelled == []
    assert len(cancelled) == 1
    assert len(services.requests_to(NPM)) == 1
    assert list(results) == []


@pytest.mark.parametrize("sources", [("npm",), ("npm", "github", "cratesio")], ids=["alone", "beside others"])
def test_a_bug_is_raised_unchanged(nights: Nights, sources: tuple[str, ...]):
    """The exception is neither a result of a metric nor an exception group, and its cause is preserved."""
    cause = LookupError("why")

    async def broken(seconds: float) -> None:
        if seconds > 0:
            raise ZeroDivisionError from cause

    context = replace(nights.context(), sleep=broken)
    with pytest.raises(ZeroDivisionError) as caught:
        list(fetch(requests_of(context, *sources), context))
    assert caught.value.__cause__ is cause


def test_a_run_with_a_bug_stores_nothing_and_leaves_one_failed_row(nights: Nights):
    """A bug never leads to the status `partial`."""

    async def broken(_: float) -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        refresh(replace(nights.context(), sleep=broken))
    (run,) = nights.store.runs()
    assert (run.status, run.error_summary) == (RunStatus.FAILED, "internal error: ZeroDivisionError")
    assert nights.all_rows() == []
