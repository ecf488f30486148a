"""cranlogs.r-pkg.org: downloads of R packages per day since October 2012, from the mirror of RStudio (Posit).

From r-hub/cranlogs.app: several packages can share a request, but one unknown name makes it fail with 404, so every
package has its own request. Without a package, the response is for all of CRAN. No rate limit is stated.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from datetime import date
from urllib.parse import quote

from pydantic import TypeAdapter

from cmetrics.domain.days import Span, day_range
from cmetrics.domain.errors import InvalidResponse, SourceError
from cmetrics.domain.kind import DOWNLOADS
from cmetrics.domain.metric import SourceSpec
from cmetrics.http.rate_limit import Rate
from cmetrics.http.service import Policy, Service
from cmetrics.http.validation import Count, Day, Shape, by_day, parse
from cmetrics.sources.availability import RegistryTotals, build_registry_totals, resolve_days
from cmetrics.sources.base import FetchRequest, FetchResult, fetch_each
from cmetrics.sources.registration import Registration

FIRST_DAY = date(2012, 10, 1)

SPEC = SourceSpec(
    name="cran",
    title="cranlogs.r-pkg.org",
    measures={"downloads": DOWNLOADS},
    sdk="r",
    display_name="R",
    subject_pattern=r"[A-Za-z][A-Za-z0-9.]*[A-Za-z0-9]",
    subject_hint="a name that CRAN allows",
    page="https://cran.r-project.org/package={subject}",
    counts="Downloads of an R package from one of CRAN's mirrors (RStudio), all versions, by UTC day.",
    first_days=730,
    # The log file of a day is published on the next day, and replaced if it was incomplete.
    settling_days=14,
    # CRAN allows no two names that differ only in case, but the service knows only the exact one.
    canonical=str.lower,
)
POLICY = Policy(
    SPEC.title,
    "https://cranlogs.r-pkg.org",
    rates=(Rate(1, 1.0),),
    limit_waits=(30.0,),
)


class _DayCount(Shape):
    day: Day
    downloads: Count


class _Series(Shape):
    start: Day
    end: Day
    downloads: list[_DayCount]
    #: Absent in the response for all of CRAN.
    package: str | None = None


_SERIES = TypeAdapter(list[_Series])


def parse_daily(body: bytes, span: Span, package: str | None) -> dict[date, int]:
    """Return the downloads per day of ``span``, ascending; ``package`` None is all of CRAN.

    Raises InvalidResponse if the response is for another package or another period.
    """
    where = f"cranlogs.r-pkg.org, package {package}" if package else "cranlogs.r-pkg.org, all of CRAN"
    answers = parse(_SERIES, body, where)
    if len(answers) != 1 or answers[0].package != package:
        msg = f"{where}, returned another package"
        raise InvalidResponse(msg)
    (answer,) = answers
    if answer.start != span.first or answer.end > span.last:
        msg = f"{where}, returned {answer.start} to {answer.end} instead of {span.first} to {span.last}"
        raise InvalidResponse(msg)
    days = by_day(((row.day, row.downloads) for row in answer.downloads), where)
    return {day: value for day, value in days.items() if day in span}


class Cran:
    """See :class:`cmetrics.sources.base.Source`."""

    spec = SPEC

    def __init__(self, client: Service) -> None:
        self._client = client
        #: Downloads from all of CRAN, for the days that were requested for any package so far.
        self._totals: dict[date, int] = {}
        self._covered: set[date] = set()

    async def fetch(self, requests: Sequence[FetchRequest]) -> AsyncIterator[FetchResult]:
        """Yield one result per package, from one request each and one for all of CRAN. The longest period is first."""
        async for result in fetch_each(sorted(requests, key=lambda request: request.days[0]), self._fetch):
            yield result

    async def _fetch(self, request: FetchRequest) -> FetchResult:
        span = Span(max(request.days[0], FIRST_DAY), max(request.days[-1], FIRST_DAY))
        counts = await self._daily(span, request.metric.subject)
        return resolve_days(request, counts, await self._registry_totals(span), f"cran:{request.metric.subject}")

    async def _registry_totals(self, span: Span) -> RegistryTotals:
        """Return the availability of the days. Each day is requested once."""
        if not self._covered.issuperset(day_range(*span)):
            try:
                self._totals |= await self._daily(span, None)
            except SourceError as error:
                return RegistryTotals(None, error)
            self._covered.update(day_range(*span))
        return build_registry_totals(self._totals)

    async def _daily(self, span: Span, package: str | None) -> dict[date, int]:
        path = f"/downloads/daily/{span.first}:{span.last}"
        if package:
            path += f"/{quote(package, safe='')}"
        return parse_daily((await self._client.get(path)).body, span, package)


REGISTRATION = Registration(SPEC, lambda _: POLICY, Cran)
