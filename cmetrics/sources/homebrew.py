"""formulae.brew.sh: installs of formulae and casks in 30 days, as static JSON files.

Users can opt out of the analytics. A formula of a third-party tap has no counts since 2023 (Homebrew/brew#15528). The
counts change several times a day, and may fall, because a window of 30 days loses its oldest day. No history is
provided, and no rate limit is stated.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from datetime import date
from typing import Annotated
from urllib.parse import quote

from pydantic import Field, TypeAdapter

from cmetrics.domain.errors import InvalidResponse
from cmetrics.domain.kind import rolling
from cmetrics.domain.metric import SourceSpec
from cmetrics.http.rate_limit import Rate
from cmetrics.http.service import Policy, Service
from cmetrics.http.validation import Count, Day, Shape, parse
from cmetrics.sources.base import FetchRequest, FetchResult, fetch_subjects, window_value
from cmetrics.sources.registration import Registration

CASK = "cask/"
INSTALLS = "installs"
#: Excludes installs as a dependency of another formula. Casks do not have this count.
ON_REQUEST = "installs-on-request"

SPEC = SourceSpec(
    name="homebrew",
    title="formulae.brew.sh",
    measures={
        INSTALLS: rolling("installs", 30),
        ON_REQUEST: replace(
            rolling("installs_on_request", 30, noun="installs on request"), display_name="Homebrew, on request"
        ),
    },
    sdk=None,
    display_name="Homebrew",
    subject_pattern=rf"(?:{CASK})?[a-z0-9][a-z0-9@+._-]{{0,99}}",
    subject_hint="a formula, or a cask written cask/name",
    page="https://formulae.brew.sh/{subject}",
    counts="Installs of a formula or cask in 30 days, by users who have not opted out of Homebrew's analytics.",
    refuses_count=lambda subject, count: (
        "a cask has no installs on request" if subject.startswith(CASK) and count == ON_REQUEST else None
    ),
)
POLICY = Policy(
    SPEC.title,
    "https://formulae.brew.sh",
    rates=(Rate(1, 1.0),),
    limit_waits=(30.0,),
)

Window = Annotated[dict[str, Count], Field(alias="30d")]


class _Windows(Shape):
    days: Window


class _Analytics(Shape):
    install: _Windows
    install_on_request: _Windows | None = None


class _Package(Shape):
    #: A cask has its short name in ``token``; its ``name`` is a list of titles.
    name: str | list[str]
    token: str | None = None
    analytics: _Analytics
    generated_date: Day


_PACKAGE = TypeAdapter(_Package)


def parse_package(body: bytes, subject: str) -> tuple[date, dict[str, int]]:
    """Return the last day of the window, and the installs by count. Counts that are missing are left out.

    ``"name --HEAD"`` is an entry of its own for builds of the development version and is not included.
    """
    name = subject.removeprefix(CASK)
    where = f"formulae.brew.sh, {subject}"
    answer = parse(_PACKAGE, body, where)
    if name not in (answer.name, answer.token):
        msg = f"{where}, returned another package"
        raise InvalidResponse(msg)
    windows = {INSTALLS: answer.analytics.install, ON_REQUEST: answer.analytics.install_on_request}
    counts = {count: window.days.get(name) for count, window in windows.items() if window is not None}
    return answer.generated_date, {count: value for count, value in counts.items() if value is not None}


class Homebrew:
    """See :class:`cmetrics.sources.base.Source`."""

    spec = SPEC

    def __init__(self, client: Service) -> None:
        self._client = client

    async def fetch(self, requests: Sequence[FetchRequest]) -> AsyncIterator[FetchResult]:
        """Yield one result per request, from one request to the service per formula or cask."""
        async for result in fetch_subjects(requests, SPEC.canonical, self._fetch):
            yield result

    async def _fetch(self, group: Sequence[FetchRequest]) -> list[FetchResult]:
        subject = group[0].metric.subject
        path = subject if subject.startswith(CASK) else f"formula/{subject}"
        last_day, counts = parse_package((await self._client.get(f"/api/{quote(path)}.json")).body, subject)
        now = self._client.now()
        results: list[FetchResult] = []
        for request in group:
            count = request.metric.count or SPEC.default_count
            if count in counts:
                results.append(FetchResult(request, (window_value(request, counts[count], last_day, now),)))
            else:
                msg = f"formulae.brew.sh, {subject}: no count {count!r}"
                results.append(FetchResult(request, error=InvalidResponse(msg, service=SPEC.title)))
        return results


REGISTRATION = Registration(SPEC, lambda _: POLICY, Homebrew)
