"""counts.example.com: the installs of an app so far, one request per app."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from urllib.parse import quote

from pydantic import TypeAdapter

from cmetrics.domain.kind import counter
from cmetrics.domain.metric import SourceSpec
from cmetrics.http.rate_limit import Rate
from cmetrics.http.service import Policy, Service
from cmetrics.http.validation import Count, Shape, parse
from cmetrics.sources import Registration
from cmetrics.sources.base import FetchRequest, FetchResult, counter_value, fetch_each

SPEC = SourceSpec(
    name="example",
    title="counts.example.com",
    measures={"installs": counter("installs")},
    sdk=None,
    display_name="Example",
    subject_pattern=r"[a-z][a-z0-9-]*",
    subject_hint="an app in lower-case letters, digits and '-'",
    page="https://counts.example.com/apps/{subject}",
    counts="Installs of an app since it was published. Read once a night.",
)

POLICY = Policy(SPEC.title, "https://counts.example.com/v1", rates=(Rate(1, 1.0),))


class _App(Shape):
    installs: Count


_APP = TypeAdapter(_App)


class Example:
    spec = SPEC

    def __init__(self, client: Service) -> None:
        self._client = client

    async def fetch(self, requests: Sequence[FetchRequest]) -> AsyncIterator[FetchResult]:
        async for result in fetch_each(requests, self._fetch):
            yield result

    async def _fetch(self, request: FetchRequest) -> FetchResult:
        app = request.metric.subject
        response = await self._client.get(f"/apps/{quote(app)}")
        installs = parse(_APP, response.body, f"counts.example.com, app {app}").installs
        return FetchResult(request, (counter_value(request, installs, self._client.now()),))


REGISTRATION = Registration(SPEC, lambda token: POLICY, Example)
