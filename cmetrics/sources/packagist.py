"""Packagist: installs of PHP packages per day, the whole history, one request per package.

From packagist.org/apidoc: at most ten concurrent requests, a contact in the User-Agent, and no job that
starts on the full hour; statistics are updated once a day. The last day of an answer is partial or 0.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from datetime import date, datetime, timedelta
from urllib.parse import quote

from pydantic import TypeAdapter

from cmetrics.domain.days import last_completed_day
from cmetrics.domain.errors import InvalidResponse, SourceError
from cmetrics.domain.kind import DOWNLOADS
from cmetrics.domain.metric import SourceSpec
from cmetrics.http.rate_limit import Rate
from cmetrics.http.service import Policy, Service
from cmetrics.http.validation import Count, Day, Shape, by_day, parse
from cmetrics.sources.availability import Availability, RegistryTotals, resolve_by_busy_subject
from cmetrics.sources.base import FetchRequest, FetchResult
from cmetrics.sources.registration import Registration

_PART = r"[A-Za-z0-9][A-Za-z0-9_.-]{0,99}"
#: A package that is installed every minute. A day without installs of it has not been counted.
BUSY_PACKAGE = "psr/log"
#: The count of a day grows until the statistics of that day are written.
COUNTED_AFTER = timedelta(hours=6)

SPEC = SourceSpec(
    name="packagist",
    title="packagist.org",
    measures={"downloads": DOWNLOADS},
    sdk="php",
    display_name="PHP",
    subject_pattern=rf"{_PART}/{_PART}",
    subject_hint="a package written vendor/name",
    page="https://packagist.org/packages/{subject}",
    counts="Installs of a package by Composer, all versions, by UTC day.",
    first_days=730,
    settling_days=7,
    growing_days=3,
    terms="https://packagist.org/apidoc",
)
POLICY = Policy(
    SPEC.title,
    "https://packagist.org",
    rates=(Rate(1, 1.0),),
    limit_waits=(30.0,),
)


class _Stats(Shape):
    labels: list[Day]
    values: dict[str, list[Count]]
    average: str


_STATS = TypeAdapter(_Stats)


def parse_stats(body: bytes, package: str) -> dict[date, int]:
    """Return the installs per day, ascending. Raises InvalidResponse for another package or another resolution."""
    where = f"packagist.org, package {package}"
    answer = parse(_STATS, body, where)
    if answer.average != "daily" or {name.lower() for name in answer.values} != {package.lower()}:
        msg = f"{where}, returned another package, or no days"
        raise InvalidResponse(msg)
    (values,) = answer.values.values()
    if len(values) != len(answer.labels):
        msg = f"{where}, returned {len(values)} values for {len(answer.labels)} days"
        raise InvalidResponse(msg)
    return by_day(zip(answer.labels, values, strict=True), where)


class Packagist:
    """See :class:`cmetrics.sources.base.Source`."""

    spec = SPEC

    def __init__(self, client: Service) -> None:
        self._client = client

    async def fetch(self, requests: Sequence[FetchRequest]) -> AsyncIterator[FetchResult]:
        """Yield one result per package, each from one request, and a busy package's if one has a 0."""
        results = resolve_by_busy_subject(
            requests,
            lambda request: self._fetch_days(request.metric.subject, request.days[0], request.last_day),
            self._fetch_totals,
            lambda request: f"packagist:{request.metric.subject.lower()}",
        )
        async for result in results:
            yield result

    async def _fetch_totals(self, requests: Sequence[FetchRequest]) -> RegistryTotals:
        """Return the availability of the days according to the busy package."""
        first = min(request.days[0] for request in requests)
        try:
            counts = await self._fetch_days(BUSY_PACKAGE, first, requests[0].last_day)
        except SourceError as error:
            return RegistryTotals(None, error)
        return RegistryTotals({day: Availability.PUBLISHED for day, count in counts.items() if count})

    async def _fetch_days(self, package: str, first: date, last: date) -> dict[date, int]:
        """Return the installs per counted day."""
        path = f"/packages/{quote(package, safe='/')}/stats/all.json"
        params = {"average": "daily", "from": first.isoformat(), "to": last.isoformat()}
        counts = parse_stats((await self._client.get(path, params)).body, package)
        counted = newest_counted(self._client.now())
        return {day: count for day, count in counts.items() if day <= counted}


def newest_counted(now: datetime) -> date:
    """Return the newest day whose statistics are complete."""
    return last_completed_day(now - COUNTED_AFTER)


REGISTRATION = Registration(SPEC, lambda _: POLICY, Packagist)
