"""huggingface.co: downloads and likes of a model, dataset or space, one request per repository.

From huggingface.co/docs/hub ("Hub API Endpoints", "Models Download Stats", "Hub Rate limits") and threads of
huggingface/hub-docs:

- ``downloadsAllTime`` is cumulative; corrections may lower it. ``downloads`` covers the last 30 days; repeatedly, it
  has lacked about two weeks' worth for one to three days (#154). ``likes`` may fall. Spaces have
  likes only.
- For a model, GET and HEAD requests of the query files of its library count, usually ``config.json``; downloads in
  the browser do not (#1605). For a dataset, all files that one IP address requests within five
  minutes count once, since September 2024.
- ``_id`` stays with a repository when it is renamed; a request for the old name is redirected.
- Unknown, private and gated repositories look alike: a 401 without a token (huggingface/datasets#4472).
- 500 requests in 5 minutes and IP address without a token. ``RateLimit`` has the seconds to the next window.

No token is sent: all counts are public. The terms are at huggingface.co/terms-of-service.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Annotated
from urllib.parse import quote

from pydantic import Field, StringConstraints, TypeAdapter

from cmetrics.domain.errors import AccessRefused, InvalidResponse, NotFound
from cmetrics.domain.kind import counter, rolling, stock
from cmetrics.domain.metric import SourceSpec
from cmetrics.domain.observation import DailyValue
from cmetrics.http.rate_limit import Rate
from cmetrics.http.service import Policy, Service
from cmetrics.http.validation import Count, Shape, parse
from cmetrics.sources.base import FetchRequest, FetchResult, counter_value, fetch_subjects, window_value
from cmetrics.sources.registration import Registration
from cmetrics.sources.renames import check_current_name

_NAME = r"[A-Za-z0-9](?:[A-Za-z0-9_.-]{0,94}[A-Za-z0-9_-])?"
_SPACES = "spaces/"

#: The field of the answer that has each count.
FIELDS = {"downloads": "downloadsAllTime", "downloads-30d": "downloads", "likes": "likes"}


def refuses_count(subject: str, count: str) -> str | None:
    """Return why ``subject`` does not have ``count``; None if it has."""
    if subject.lower().startswith(_SPACES) and count != "likes":
        return 'a space has likes only; write count = "likes"'
    return None


SPEC = SourceSpec(
    name="huggingface",
    title="huggingface.co",
    service_name="Hugging Face",
    measures={
        "downloads": counter("downloads"),
        "downloads-30d": replace(
            rolling("downloads", 30),
            counts="Downloads of a model or dataset in the last 30 days, as the Hub adds them up. Read once a night.",
        ),
        "likes": replace(
            stock("likes"),
            display_name="Hugging Face Likes",
            counts="Likes of a model, dataset or space at the Hub. Read once a night.",
        ),
    },
    sdk=None,
    display_name="Hugging Face",
    subject_pattern=rf"(?:models|datasets|spaces)/(?:{_NAME}/)?{_NAME}",
    subject_hint="a repository written models/owner/name, datasets/owner/name or spaces/owner/name",
    page="https://huggingface.co/{subject}",
    counts="Downloads of a model or dataset since it was created, as the Hub counts them: requests for certain files, "
    "with repeated requests of one address within five minutes counted once for datasets. Read once a night.",
    page_path=lambda subject: subject.removeprefix("models/"),
    refuses_count=refuses_count,
    terms="https://huggingface.co/terms-of-service",
)

POLICY = Policy(
    SPEC.title,
    "https://huggingface.co/api",
    rates=(Rate(1, 0.6), Rate(500, 300.0)),
    limit_waits=(60.0,),
    # A 401 applies to one repository only.
    refusal_ends=False,
)


class Repository(Shape):
    """The fields of a repository that are used. Each count is present if it was requested."""

    id: Annotated[str, StringConstraints(min_length=1, max_length=200, pattern=rf"^(?:{_NAME}/)?{_NAME}$")]
    #: Stays with the repository when it is renamed.
    number: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{1,40}$")] | None = Field(None, alias="_id")
    downloadsAllTime: Count | None = None  # noqa: N815
    downloads: Count | None = None
    likes: Count | None = None

    def count(self, name: str, subject: str) -> int:
        """Return the count ``name``. Raises InvalidResponse if the answer does not have it."""
        value: int | None = getattr(self, FIELDS[name])
        if value is None:
            msg = f"huggingface.co, {subject}, sent a response without {FIELDS[name]}"
            raise InvalidResponse(msg, service=SPEC.title)
        return value


_REPOSITORY = TypeAdapter(Repository)


def parse_repository(body: bytes, subject: str) -> Repository:
    """Return the name, id and requested counts of the repository ``subject``."""
    return parse(_REPOSITORY, body, f"huggingface.co, {subject}")


class HuggingFace:
    """See :class:`cmetrics.sources.base.Source`."""

    spec = SPEC

    def __init__(self, client: Service) -> None:
        self._client = client

    async def fetch(self, requests: Sequence[FetchRequest]) -> AsyncIterator[FetchResult]:
        """Yield one result per request; all counts of a repository come from one request to the service."""
        async for result in fetch_subjects(requests, SPEC.canonical, self._fetch):
            yield result

    async def _fetch(self, requests: Sequence[FetchRequest]) -> list[FetchResult]:
        subject = requests[0].metric.subject
        counts = list(dict.fromkeys(request.metric.count for request in requests))
        query = "&".join(f"expand%5B%5D={FIELDS[count]}" for count in counts)
        try:
            response = await self._client.get(f"/{quote(subject, safe='/')}?{query}")
        except AccessRefused as error:
            msg = f"huggingface.co, {subject}: not found ({error.status}: unknown, private or gated)"
            raise NotFound(msg, service=SPEC.title, status=error.status) from error
        repository = parse_repository(response.body, subject)
        return [self._build_result(request, repository, self._client.now()) for request in requests]

    @staticmethod
    def _build_result(request: FetchRequest, repository: Repository, at: datetime) -> FetchResult:
        subject = request.metric.subject
        name = f"{subject.partition('/')[0]}/{repository.id}"
        try:
            warnings = check_current_name(request, name, repository.number)
            value = repository.count(request.metric.count, subject)
        except InvalidResponse as error:
            return FetchResult(request, error=error)
        stored = _build_value(request, value, name, repository.number, at)
        return FetchResult(request, (stored,), warnings=warnings)


def _build_value(request: FetchRequest, value: int, name: str, number: str | None, at: datetime) -> DailyValue:
    """Return the value under the last completed day. The Hub does not state the days of its window."""
    if request.metric.measure.is_rolling:
        return window_value(request, value, request.last_day, at, identity=number, subject=name)
    return counter_value(request, value, at, identity=number, subject=name)


REGISTRATION = Registration(SPEC, lambda _: POLICY, HuggingFace)
