"""hub.docker.com: the pulls of an image since it was created, one request per image.

The endpoint is not part of Docker's documented API, and its response gained fields over three years, so only the
count is read, and the names if present. Facts from docker/hub-feedback and from public recordings of nightly reads:

- The count is cumulative and covers all tags; there is no history and no count per tag (#1047, #2447).
- It counts pull attempts, also of images that were cached (#514, #942), and is approximate (#1638).
- An unknown repository is a 404, ``{"message": "object not found"}``. For an unknown namespace, Docker Hub
  has answered 200 with an empty list and ``count`` 0 (#2357).
- 2 of 4,942 recorded answers were empty.
- 180 requests a minute and IP address (``x-ratelimit-limit``, measured by others). A 429 is plain text with
  ``Retry-After: 60`` (#1907).

Docker's terms of service (docker.com/legal) apply. One request per image and night is far below the limits.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from urllib.parse import quote

from pydantic import TypeAdapter

from cmetrics.domain.errors import InvalidResponse, NotFound
from cmetrics.domain.kind import counter
from cmetrics.domain.metric import SourceSpec
from cmetrics.http.rate_limit import Rate
from cmetrics.http.service import Policy, Service
from cmetrics.http.validation import Count, Shape, parse
from cmetrics.sources.base import FetchRequest, FetchResult, counter_value, fetch_each
from cmetrics.sources.registration import Registration

SPEC = SourceSpec(
    name="dockerhub",
    title="hub.docker.com",
    service_name="Docker Hub",
    measures={"pulls": counter("pulls")},
    sdk=None,
    display_name="Docker Hub",
    subject_pattern=r"[a-z0-9][a-z0-9_-]{0,62}/[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*",
    subject_hint="an image written namespace/name; official images are in the namespace library",
    page="https://hub.docker.com/r/{subject}",
    counts="Pulls of an image from Docker Hub, all tags, since it was created. Attempts to pull count too, and so do "
    "pulls by CI runs and mirrors. Read once a night.",
    terms="https://www.docker.com/legal/docker-terms-service/",
)

POLICY = Policy(SPEC.title, "https://hub.docker.com/v2", rates=(Rate(1, 1.0),), limit_waits=(60.0,))


class _Repository(Shape):
    pull_count: Count | None = None
    namespace: str | None = None
    name: str | None = None
    #: Of a list of repositories.
    count: Count | None = None


_REPOSITORY = TypeAdapter(_Repository)


def parse_pulls(body: bytes, subject: str) -> int:
    """Return the pulls of the image ``subject`` so far.

    Raises NotFound for the empty list that Docker Hub sends for an unknown namespace.
    """
    where = f"hub.docker.com, image {subject}"
    answer = parse(_REPOSITORY, body, where)
    namespace, _, name = subject.partition("/")
    if answer.pull_count is None:
        if answer.count == 0:
            msg = f"{where}: not found (an empty list, which is the response for an unknown namespace)"
            raise NotFound(msg, service=SPEC.title)
        msg = f"{where} sent an unexpected response (no pull_count)"
        raise InvalidResponse(msg, service=SPEC.title)
    if (answer.namespace or namespace, answer.name or name) != (namespace, name):
        msg = f"{where}, returned another image"
        raise InvalidResponse(msg, service=SPEC.title)
    return answer.pull_count


class DockerHub:
    """See :class:`cmetrics.sources.base.Source`."""

    spec = SPEC

    def __init__(self, client: Service) -> None:
        self._client = client

    async def fetch(self, requests: Sequence[FetchRequest]) -> AsyncIterator[FetchResult]:
        """Yield one result per image, each from one request, or from two if the first response is empty."""
        async for result in fetch_each(requests, self._fetch):
            yield result

    async def _fetch(self, request: FetchRequest) -> FetchResult:
        subject = request.metric.subject
        # Without the final slash, Docker Hub redirects.
        path = f"/repositories/{quote(subject, safe='/')}/"
        response = await self._client.get(path)
        if not response.body.strip():
            response = await self._client.get(path)
        value = parse_pulls(response.body, subject)
        return FetchResult(request, (counter_value(request, value, self._client.now()),))


REGISTRATION = Registration(SPEC, lambda _: POLICY, DockerHub)
