"""nuget.org: the downloads of a package since it was published, one request per package.

From the documentation of the search service (learn.microsoft.com/nuget/api, "Search", "Rate limits") and
threads of NuGet/NuGetGallery:

- ``totalDownloads`` is cumulative, over all versions. Sometimes it does not change for days (#7823, #8634), and it
  has fallen
  (#7986: 821,000 to 789,000).
- The service index, ``api.nuget.org/v3/index.json``, lists several replicas of the search service, which have
  disagreed by up to 22 days (#9257, #9791). Readings of different replicas cannot be compared, so all of
  them come from one replica; the others are never used instead.
- Unknown and unlisted packages are an empty ``data`` with status 200. Ids are not case-sensitive.
- The search service has no rate limit. Other limits of nuget.org are a 429 without ``Retry-After`` and a 403,
  "Quota exceeded".

The terms of use are at nuget.org/policies/Terms.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence

from pydantic import TypeAdapter

from cmetrics.domain.errors import InvalidResponse, NotFound
from cmetrics.domain.kind import counter
from cmetrics.domain.metric import SourceSpec
from cmetrics.http.rate_limit import Rate
from cmetrics.http.service import Policy, Service
from cmetrics.http.validation import Count, Shape, parse
from cmetrics.sources.base import FetchRequest, FetchResult, counter_value, fetch_each
from cmetrics.sources.registration import Registration

#: The first replica of the service index, in the region US North Central.
REPLICA = "azuresearch-usnc.nuget.org"

SPEC = SourceSpec(
    name="nuget",
    title="nuget.org",
    service_name="NuGet",
    measures={"downloads": counter("downloads")},
    sdk=None,
    display_name="NuGet",
    subject_pattern=r"[A-Za-z0-9_]+(?:[.-][A-Za-z0-9_]+)*",
    subject_hint="a name that NuGet allows, such as Newtonsoft.Json",
    page="https://www.nuget.org/packages/{subject}",
    counts="Downloads of a package from nuget.org since it was published, all versions, CI runs included. The count "
    "is updated irregularly, and sometimes not for days. Read once a night.",
    terms="https://www.nuget.org/policies/Terms",
)

POLICY = Policy(SPEC.title, f"https://{REPLICA}", rates=(Rate(1, 1.0),), limit_waits=(60.0,))


class _Package(Shape):
    id: str
    totalDownloads: Count  # noqa: N815


class _Answer(Shape):
    data: list[_Package]


_ANSWER = TypeAdapter(_Answer)


def parse_downloads(body: bytes, package: str) -> int:
    """Return the downloads of ``package`` so far. Raises NotFound if the list is empty."""
    where = f"nuget.org, package {package}"
    found = parse(_ANSWER, body, where).data
    if not found:
        msg = f"{where}: not found (an empty list)"
        raise NotFound(msg, service=SPEC.title)
    counts = [row.totalDownloads for row in found if row.id.lower() == package.lower()]
    if len(counts) != 1:
        msg = f"{where}, lists it {len(counts)} times among {len(found)} packages"
        raise InvalidResponse(msg, service=SPEC.title)
    return counts[0]


class Nuget:
    """See :class:`cmetrics.sources.base.Source`."""

    spec = SPEC

    def __init__(self, client: Service) -> None:
        self._client = client

    async def fetch(self, requests: Sequence[FetchRequest]) -> AsyncIterator[FetchResult]:
        """Yield one result per package, each from one request."""
        async for result in fetch_each(requests, self._fetch):
            yield result

    async def _fetch(self, request: FetchRequest) -> FetchResult:
        package = request.metric.subject
        query = {"q": f"packageid:{package}", "prerelease": "true", "semVerLevel": "2.0.0"}
        value = parse_downloads((await self._client.get("/query", query)).body, package)
        return FetchResult(request, (counter_value(request, value, self._client.now()),))


REGISTRATION = Registration(SPEC, lambda _: POLICY, Nuget)
