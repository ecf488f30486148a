"""api.npmjs.org: downloads per day since 2015-01-10.

From npm/registry's documentation and issues: a day that is not published yet has the count 0, and so
has a day that the whole registry lost; a period that is too long is silently cut at its old end; days
before a package's first publication have the count 0.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from statistics import median
from urllib.parse import quote

from pydantic import JsonValue, TypeAdapter

from cmetrics.domain.days import Span, day_range, spans
from cmetrics.domain.errors import InvalidResponse, NotFound, SourceError
from cmetrics.domain.kind import DOWNLOADS
from cmetrics.domain.metric import KnownLoss, SourceSpec
from cmetrics.http.rate_limit import Rate
from cmetrics.http.service import Policy, Service
from cmetrics.http.validation import Count, Day, Shape, by_day, parse
from cmetrics.sources.availability import Availability, RegistryTotals, build_registry_totals, resolve_days
from cmetrics.sources.base import FetchRequest, FetchResult
from cmetrics.sources.registration import Registration

#: Days with the count 0 for the whole registry: npm/download-counts#21 and #43, pvorb/npm-stat.com#119,
#: npm/documentation#1366, and later issues. For outages without a known end, only the first day is listed.
KNOWN_LOSSES = tuple(
    KnownLoss(first, last, "api.npmjs.org states 0 downloads for the whole registry")
    for first, last in (
        (date(2015, 3, 11), date(2015, 3, 11)),
        (date(2018, 5, 27), date(2018, 6, 4)),
        (date(2022, 7, 21), date(2022, 7, 22)),
        (date(2024, 8, 28), date(2024, 8, 28)),
        (date(2024, 11, 6), date(2024, 11, 6)),
        (date(2026, 2, 16), date(2026, 2, 16)),
        (date(2026, 7, 12), date(2026, 7, 12)),
        (date(2026, 8, 14), date(2026, 8, 14)),
    )
)

SPEC = SourceSpec(
    name="npm",
    title="api.npmjs.org",
    measures={"downloads": DOWNLOADS},
    service_name="npm",
    sdk="nodejs",
    display_name="NodeJS",
    subject_pattern=r"@[A-Za-z0-9~-][A-Za-z0-9._~-]*/(?!\.{1,2}$)[A-Za-z0-9._~-]+|[A-Za-z0-9~-][A-Za-z0-9._~-]*",
    subject_hint="a name that npm allows, such as react or @scope/name",
    page="https://www.npmjs.com/package/{subject}",
    terms="https://docs.npmjs.com/policies/open-source-terms",
    counts="Package files that npm served, by UTC day, usually a day or two late. CI runs, mirrors and scanners count.",
    served_days=None,
    first_days=730,
    # npm has filled gaps of the whole registry weeks later, and three months fit into the same request.
    settling_days=90,
    known_losses=KNOWN_LOSSES,
)

#: Undocumented, and strict since November 2025: one request per second soon led to 429.
POLICY = Policy(SPEC.title, "https://api.npmjs.org", rates=(Rate(1, 2.0),), limit_waits=(30.0,))

FIRST_DAY = date(2015, 1, 10)
#: Up to 18 months are returned in full; the documented limit for all kinds of requests is 365 days.
LONGEST_PERIOD = 365


#: npm's documented limit for one request. Scoped names are not allowed in it.
PACKAGES_PER_REQUEST = 128
#: See `cached_zeros`: the number of newest days that are checked, the number of earlier days required
#: as evidence, and the downloads per day from which a package is busy.
NEWEST_DAYS, DAYS_OF_EVIDENCE, BUSY = 2, 28, 10


class _DayCount(Shape):
    downloads: Count
    day: Day


class _Range(Shape):
    start: Day
    end: Day
    downloads: list[_DayCount]
    #: Absent in the response for the whole registry.
    package: str | None = None


_RANGE = TypeAdapter(_Range)


def parse_range(body: bytes, span: Span, package: str | None) -> dict[date, int]:
    """Return the downloads per day of ``span``, ascending; ``package`` None is the whole registry.

    Raises InvalidResponse if the response is for another package or another period.
    """
    where = f"api.npmjs.org, package {package}" if package else "api.npmjs.org, whole registry"
    answer = parse(_RANGE, body, where)
    if answer.package != package:
        msg = f"{where}, returned another package"
        raise InvalidResponse(msg)
    if (answer.start, answer.end) != span:
        msg = f"{where}, returned {answer.start} to {answer.end} instead of {span.first} to {span.last}"
        raise InvalidResponse(msg)
    days = by_day(((row.day, row.downloads) for row in answer.downloads), where)
    return {day: value for day, value in days.items() if span.first <= day <= span.last}


_BULK = TypeAdapter(dict[str, JsonValue])


def parse_bulk(body: bytes, span: Span, packages: Sequence[str]) -> dict[str, dict[date, int] | SourceError]:
    """Return the downloads per day of ``span`` for each package, or the error of a package.

    The entry of a package is null if npm does not know it. An invalid entry does not affect the
    others. Raises InvalidResponse if the response as a whole is invalid.
    """
    answer = parse(_BULK, body, "api.npmjs.org, several packages")
    if not answer.keys() & set(packages):
        msg = "api.npmjs.org, several packages, returned none of them"
        raise InvalidResponse(msg, service=SPEC.title)
    found: dict[str, dict[date, int] | SourceError] = {}
    for package in packages:
        try:
            if answer.get(package) is None:
                found[package] = NotFound(f"api.npmjs.org, package {package}: not found", service=SPEC.title)
            else:
                found[package] = parse_range(json.dumps(answer[package]).encode(), span, package)
        except SourceError as error:
            found[package] = error
    return found


def cached_zeros(counts: Mapping[date, int], totals: RegistryTotals) -> frozenset[date]:
    """Return the newest days whose 0 is probably a response cached before the day was counted.

    npm's responses are cached per URL, so the total of the registry does not prove that the response for a package is
    current. On the two newest counted days, a 0 is not trusted if the package has at least :data:`BUSY` downloads a
    day and never had a 0 before.
    """
    counted = [day for day in sorted(counts) if totals.availability(day) is Availability.PUBLISHED]
    newest, earlier = counted[-NEWEST_DAYS:], counted[:-NEWEST_DAYS]
    first = next((number for number, day in enumerate(earlier) if counts[day]), len(earlier))
    values = [counts[day] for day in earlier[first:]]
    if len(values) < DAYS_OF_EVIDENCE or min(values) == 0 or median(values) < BUSY:
        return frozenset()
    return frozenset(day for day in newest if counts[day] == 0)


@dataclass(slots=True)
class _Package:
    """A request and the counts fetched for it."""

    request: FetchRequest
    #: The periods that are not fetched yet, oldest first.
    spans: list[Span]
    counts: dict[date, int] = field(default_factory=dict)
    #: The oldest day that was fetched.
    first: date = FIRST_DAY
    error: SourceError | None = None

    @property
    def name(self) -> str:
        return self.request.metric.subject

    def take(self, span: Span, found: dict[date, int] | SourceError) -> None:
        """Add the counts or the error of ``span``, the newest remaining period."""
        self.spans.remove(span)
        if isinstance(found, SourceError):
            self.error = found
            self.spans.clear()
            return
        self.counts |= found
        self.first = span.first
        if _precedes_publication(span, found, self.request.known_since):
            self.spans.clear()


class Npm:
    """See :class:`cmetrics.sources.base.Source`."""

    spec = SPEC

    def __init__(self, client: Service) -> None:
        self._client = client
        #: Totals of the whole registry, for the days that were requested for any package so far.
        self._totals: dict[date, int] = {}
        self._covered: set[date] = set()
        self._error: SourceError | None = None

    async def fetch(self, requests: Sequence[FetchRequest]) -> AsyncIterator[FetchResult]:
        """Yield one result per package, and fetch the totals of the registry for the same days.

        Up to :data:`PACKAGES_PER_REQUEST` packages share a request. npm does not allow scoped packages
        there, so each of them has its own requests. The longest periods come first, so that the totals
        fetched for them cover the others.
        """
        packages = [
            _Package(request, spans((day for day in request.days if day >= FIRST_DAY), LONGEST_PERIOD))
            for request in sorted(requests, key=lambda request: request.days[0])
        ]
        # Packages with the same periods share requests.
        together: dict[tuple[str | Span, ...], list[_Package]] = {}
        for package in packages:
            scoped = package.name if "/" in package.name else ""
            together.setdefault((scoped, *package.spans), []).append(package)
        for group in together.values():
            for number in range(0, len(group), PACKAGES_PER_REQUEST):
                batch = group[number : number + PACKAGES_PER_REQUEST]
                await self._read(batch)
                for package in batch:
                    yield await self._resolve(package)

    async def _read(self, batch: Sequence[_Package]) -> None:
        """Fetch all periods of a batch of packages with the same periods, newest first."""
        periods = list(reversed(batch[0].spans))
        for number, span in enumerate(periods):
            wanting = [package for package in batch if span in package.spans]
            if wanting:
                self._client.step("years of downloads", number, len(periods))
                await self._read_span(wanting, span)

    async def _read_span(self, packages: Sequence[_Package], span: Span) -> None:
        if len(packages) > 1:
            try:
                found = await self._fetch_bulk(span, [package.name for package in packages])
            except SourceError:
                # One name may have caused the failure. In an outage, the first single request fails as well.
                pass
            else:
                for package in packages:
                    package.take(span, found[package.name])
                return
        for package in packages:
            try:
                package.take(span, await self._fetch_range(span, package.name))
            except SourceError as error:
                package.take(span, error)

    async def _resolve(self, package: _Package) -> FetchResult:
        request = package.request
        if package.error is not None:
            return FetchResult(request, error=package.error)
        totals = await self._registry_totals([day for day in request.days if day >= package.first])
        result = resolve_days(request, package.counts, totals, f"npm:{package.name}")
        doubted = cached_zeros(package.counts, totals)
        return replace(
            result,
            values=tuple(value for value in result.values if value.day not in doubted),
            pending=result.pending | (doubted & set(request.days)),
        )

    async def _registry_totals(self, days: Sequence[date]) -> RegistryTotals:
        """Return the availability of ``days``. Each day is requested once, and none after a failure."""
        try:
            if self._error is None:
                for span in reversed(spans(set(days) - self._covered, LONGEST_PERIOD)):
                    self._totals |= await self._fetch_range(span, None)
                    self._covered.update(day_range(*span))
        except SourceError as error:
            self._error = error
        return RegistryTotals(None, self._error) if self._error else build_registry_totals(self._totals)

    async def _fetch_range(self, span: Span, package: str | None) -> dict[date, int]:
        path = f"/downloads/range/{span.first}:{span.last}"
        if package:
            path += f"/{quote(package, safe='@/')}"
        return parse_range((await self._client.get(path)).body, span, package)

    async def _fetch_bulk(self, span: Span, packages: Sequence[str]) -> dict[str, dict[date, int] | SourceError]:
        names = ",".join(quote(package, safe="") for package in packages)
        response = await self._client.get(f"/downloads/range/{span.first}:{span.last}/{names}")
        return parse_bulk(response.body, span, packages)


def _precedes_publication(span: Span, found: Mapping[date, int], known_since: date | None) -> bool:
    """Return whether older periods can be skipped: a year without downloads precedes the publication.

    Days before the publication have the count 0, and published packages are downloaded by bots every day.
    """
    is_known = known_since is not None and known_since < span.first
    return span.days == LONGEST_PERIOD and not is_known and not any(found.values())


REGISTRATION = Registration(SPEC, lambda _: POLICY, Npm)
