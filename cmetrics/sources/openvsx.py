"""open-vsx.org: the downloads of an extension since it was published, one request per extension.

From the service's own API and threads of EclipseFdn/open-vsx.org:

- The count is cumulative and comes from log files. Sometimes it did not change for days and then jumped: February
  2025 (#3473), 2025-11-27 (#6430), 2026-02-12 to 17 together with a new filter for bots (#8123, #8145),
  2026-05-31 (#10778). The jump is the sum of the days before it.
- Names of namespaces and extensions are not case-sensitive. An unknown one is a 404 with ``error``.
- Fewer than 3 requests a second and 10,800 an hour without a token; a 429 has a body as in RFC 9457 (the
  service's wiki, "Rate Limits and Usage Tiers", April 2026).

The terms of use are at open-vsx.org/terms-of-use.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from urllib.parse import quote

from pydantic import TypeAdapter

from cmetrics.domain.errors import InvalidResponse
from cmetrics.domain.kind import counter
from cmetrics.domain.metric import SourceSpec
from cmetrics.http.rate_limit import Rate
from cmetrics.http.service import Policy, Service
from cmetrics.http.validation import Count, Shape, parse
from cmetrics.sources.base import FetchRequest, FetchResult, counter_value, fetch_each
from cmetrics.sources.registration import Registration

#: Both registries of extensions name them in this form.
EXTENSION_PATTERN = r"[A-Za-z0-9_][A-Za-z0-9_~+$-]{0,127}\.[A-Za-z0-9_][A-Za-z0-9_~+$-]{0,127}"

SPEC = SourceSpec(
    name="openvsx",
    title="open-vsx.org",
    service_name="Open VSX",
    measures={"downloads": counter("downloads")},
    sdk=None,
    display_name="Open VSX",
    subject_pattern=EXTENSION_PATTERN,
    subject_hint="an extension written publisher.name",
    page="https://open-vsx.org/extension/{subject}",
    counts="Downloads of an extension from Open VSX since it was published, by editors such as VSCodium and by others. "
    "The count comes from log files; sometimes it does not change for days, and then jumps. Read once a night.",
    page_path=lambda subject: subject.replace(".", "/", 1),
    terms="https://open-vsx.org/terms-of-use",
)

POLICY = Policy(SPEC.title, "https://open-vsx.org/api", rates=(Rate(1, 1.0),), limit_waits=(30.0, 60.0))


class _Extension(Shape):
    namespace: str
    name: str
    downloadCount: Count  # noqa: N815


_EXTENSION = TypeAdapter(_Extension)


def parse_downloads(body: bytes, subject: str) -> int:
    """Return the downloads of the extension ``subject`` so far."""
    where = f"open-vsx.org, extension {subject}"
    answer = parse(_EXTENSION, body, where)
    if f"{answer.namespace}.{answer.name}".lower() != subject.lower():
        msg = f"{where}, returned another extension"
        raise InvalidResponse(msg, service=SPEC.title)
    return answer.downloadCount


class OpenVsx:
    """See :class:`cmetrics.sources.base.Source`."""

    spec = SPEC

    def __init__(self, client: Service) -> None:
        self._client = client

    async def fetch(self, requests: Sequence[FetchRequest]) -> AsyncIterator[FetchResult]:
        """Yield one result per extension, each from one request."""
        async for result in fetch_each(requests, self._fetch):
            yield result

    async def _fetch(self, request: FetchRequest) -> FetchResult:
        namespace, _, name = request.metric.subject.partition(".")
        response = await self._client.get(f"/{quote(namespace, safe='')}/{quote(name, safe='')}")
        value = parse_downloads(response.body, request.metric.subject)
        return FetchResult(request, (counter_value(request, value, self._client.now()),))


REGISTRATION = Registration(SPEC, lambda _: POLICY, OpenVsx)
