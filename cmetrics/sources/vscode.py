"""marketplace.visualstudio.com: the installs of extensions since they were published, one request for all of them.

The query is that of Visual Studio Code for a list of extensions, and is not documented. Microsoft states that the
terms of use allow it to the Visual Studio family of products only (microsoft/vsmarketplace#238, January 2023), and
shields.io retired its badges of the marketplace in 2026 (#1776). Users who add this source must decide whether their
use is covered. Facts from microsoft/vsmarketplace:

- ``install`` is cumulative, without updates (#839), with installs by Codespaces and extension packs (#477).
  ``updateCount`` and ``downloadCount`` are other counts. Publishers see 180 days of history, others none (#14).
- Counts are written with a decimal point: ``11966368.0``.
- The response for an unknown extension has status 200 and does not list it.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from pydantic import ConfigDict, Field, JsonValue, TypeAdapter

from cmetrics.domain.errors import InvalidResponse, NotFound, SourceError
from cmetrics.domain.kind import counter
from cmetrics.domain.metric import SourceSpec
from cmetrics.http.rate_limit import Rate
from cmetrics.http.service import Policy, Service
from cmetrics.http.validation import Shape, WholeCount, parse
from cmetrics.sources.base import FetchRequest, FetchResult, counter_value
from cmetrics.sources.openvsx import EXTENSION_PATTERN
from cmetrics.sources.registration import Registration

SPEC = SourceSpec(
    name="vscode",
    title="marketplace.visualstudio.com",
    service_name="Visual Studio Marketplace",
    measures={"installs": counter("installs")},
    sdk=None,
    display_name="VS Code",
    subject_pattern=EXTENSION_PATTERN,
    subject_hint="an extension written publisher.name",
    page="https://marketplace.visualstudio.com/items?itemName={subject}",
    counts="Installs of an extension from the Visual Studio Marketplace since it was published, without updates. "
    "Installs by Codespaces and by extension packs count. Read once a night.",
    terms="Microsoft allows this API to the Visual Studio family of products only "
    "([microsoft/vsmarketplace#238](https://github.com/microsoft/vsmarketplace/issues/238)); decide whether your use "
    "is covered before you add it.",
)

POLICY = Policy(
    SPEC.title,
    "https://marketplace.visualstudio.com/_apis/public/gallery",
    rates=(Rate(1, 2.0),),
    limit_waits=(60.0,),
    headers={"Accept": "application/json;api-version=3.0-preview.1", "Content-Type": "application/json"},
)

#: The editor requests its installed extensions in pages of at most this size.
EXTENSIONS_PER_REQUEST = 50
_BY_NAME = 7
#: Statistics, and the newest version with its files, as in the recorded query.
_FLAGS = 914


class _Publisher(Shape):
    publisherName: str  # noqa: N815


class _Statistic(Shape):
    statisticName: str  # noqa: N815
    value: JsonValue = None


class _Name(Shape):
    publisher: _Publisher
    extensionName: str  # noqa: N815


class _Extension(_Name):
    extensionId: str | None = None  # noqa: N815
    statistics: list[_Statistic] = Field(default_factory=list)


class _Result(Shape):
    extensions: list[JsonValue]


class _Answer(Shape):
    results: list[_Result]


@dataclass(frozen=True, slots=True)
class Installs:
    """The installs of an extension so far."""

    value: int
    #: The id of the extension, which is not reused for another one with the same name.
    extension_id: str | None = None


_ANSWER, _NAME, _EXTENSION = TypeAdapter(_Answer), TypeAdapter(_Name), TypeAdapter(_Extension)
_COUNT = TypeAdapter(WholeCount, config=ConfigDict(strict=True))


def build_query(names: Sequence[str]) -> bytes:
    """Return the body of the request for the extensions ``names``."""
    criteria: list[dict[str, Any]] = [{"filterType": _BY_NAME, "value": name} for name in names]
    filters = [{"criteria": criteria, "pageNumber": 1, "pageSize": len(names)}]
    return json.dumps({"filters": filters, "flags": _FLAGS}).encode()


def parse_installs(body: bytes, names: Sequence[str]) -> dict[str, Installs | SourceError]:
    """Return the installs of each of ``names``, or its error.

    An invalid entry does not affect the others. Raises InvalidResponse if the response as a whole is invalid.
    """
    answer = parse(_ANSWER, body, f"{SPEC.title}, extensions")
    listed: dict[str, list[JsonValue]] = {}
    for entry in (entry for result in answer.results for entry in result.extensions):
        named = parse(_NAME, _encode(entry), f"{SPEC.title}, extensions")
        listed.setdefault(f"{named.publisher.publisherName}.{named.extensionName}".lower(), []).append(entry)
    found: dict[str, Installs | SourceError] = {}
    for name in names:
        try:
            found[name] = _parse_extension(listed.get(name.lower(), []), name)
        except SourceError as error:
            found[name] = error
    return found


def _parse_extension(entries: Sequence[JsonValue], name: str) -> Installs:
    where = f"{SPEC.title}, extension {name}"
    if not entries:
        msg = f"{where}: not found (the list does not contain it)"
        raise NotFound(msg, service=SPEC.title)
    extension = parse(_EXTENSION, _encode(entries[0]), where)
    values = [row.value for row in extension.statistics if row.statisticName == "install"]
    if len(values) != 1 or len(entries) != 1:
        msg = f"{where}, states {len(values) * len(entries)} install counts instead of one"
        raise InvalidResponse(msg, service=SPEC.title)
    return Installs(parse(_COUNT, _encode(values[0]), f"{where}, install count,"), extension.extensionId)


def _encode(value: JsonValue) -> bytes:
    return json.dumps(value).encode()


class VsCode:
    """See :class:`cmetrics.sources.base.Source`."""

    spec = SPEC

    def __init__(self, client: Service) -> None:
        self._client = client

    async def fetch(self, requests: Sequence[FetchRequest]) -> AsyncIterator[FetchResult]:
        """Yield one result per extension. :data:`EXTENSIONS_PER_REQUEST` of them share a request."""
        for first in range(0, len(requests), EXTENSIONS_PER_REQUEST):
            batch = requests[first : first + EXTENSIONS_PER_REQUEST]
            for result in await self._fetch(batch):
                yield result

    async def _fetch(self, batch: Sequence[FetchRequest]) -> list[FetchResult]:
        names = [request.metric.subject for request in batch]
        try:
            response = await self._client.post("/extensionquery", {}, build_query(names))
            found = parse_installs(response.body, names)
        except SourceError as error:
            return [FetchResult(request, error=error) for request in batch]
        now = self._client.now()
        return [self._build_result(request, found[request.metric.subject], now) for request in batch]

    @staticmethod
    def _build_result(request: FetchRequest, found: Installs | SourceError, at: datetime) -> FetchResult:
        if isinstance(found, SourceError):
            return FetchResult(request, error=found)
        return FetchResult(request, (counter_value(request, found.value, at, identity=found.extension_id),))


REGISTRATION = Registration(SPEC, lambda _: POLICY, VsCode)
