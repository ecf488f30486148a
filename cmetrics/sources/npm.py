"""api.npmjs.org: downloads per day since 2015-01-10.

Facts from npm/registry's documentation and threads there: a day that has not landed reads 0, and
so does a day that the whole registry lost; a period that is too long is cut at its old end without
a word; the days before a package's first publication read 0.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import date
from urllib.parse import quote

from pydantic import TypeAdapter

from cmetrics.domain.days import Span, day_range, spans
from cmetrics.domain.errors import InvalidResponse, SourceError
from cmetrics.domain.metric import Family, SourceSpec
from cmetrics.http.rate_limit import Rate
from cmetrics.http.service import Policy, Service
from cmetrics.http.validation import Count, Day, Shape, by_day, parse
from cmetrics.sources.availability import RegistryTotals, build_registry_totals, resolve_days
from cmetrics.sources.base import FetchRequest, FetchResult, fetch_each

SPEC = SourceSpec(
    name="npm",
    title="api.npmjs.org",
    family=Family.DOWNLOADS,
    sdk="nodejs",
    display_name="NodeJS",
    subject_pattern=r"@[A-Za-z0-9~-][A-Za-z0-9._~-]*/(?!\.{1,2}$)[A-Za-z0-9._~-]+|[A-Za-z0-9~-][A-Za-z0-9._~-]*",
    subject_hint="a name that npm allows, such as react or @scope/name",
    page="https://www.npmjs.com/package/{subject}",
    counts="Package files that npm served, by UTC day, usually a day or two late. CI runs, mirrors and scanners count.",
    held_days=None,
    first_days=730,
    # Whole-registry holes have been filled in weeks later; three months fit into the same request.
    settling_days=90,
)

#: Undocumented and strict since November 2025: one request a second met 429 soon.
POLICY = Policy(SPEC.title, "https://api.npmjs.org", rates=(Rate(1, 2.0),), limit_waits=(30.0,))

FIRST_DAY = date(2015, 1, 10)
#: Up to 18 months are answered whole; the documented bound for every kind of question is 365 days.
LONGEST_PERIOD = 365


class _DayCount(Shape):
    downloads: Count
    day: Day


class _Range(Shape):
    start: Day
    end: Day
    downloads: list[_DayCount]
    #: Not there in the answer for the whole registry.
    package: str | None = None


_RANGE = TypeAdapter(_Range)


def parse_range(body: bytes, span: Span, package: str | None) -> dict[date, int]:
    """Downloads per day of ``span``, ascending; ``package`` None is the whole registry.

    Raises UnexpectedAnswer when the answer is for another package or another period.
    """
    where = f"api.npmjs.org, package {package}" if package else "api.npmjs.org, whole registry"
    answer = parse(_RANGE, body, where)
    if answer.package != package:
        msg = f"{where}, answered for another package"
        raise InvalidResponse(msg)
    if (answer.start, answer.end) != span:
        msg = f"{where}, answered {answer.start} to {answer.end} when asked {span.first} to {span.last}"
        raise InvalidResponse(msg)
    days = by_day(((row.day, row.downloads) for row in answer.downloads), where)
    return {day: value for day, value in days.items() if span.first <= day <= span.last}


class Npm:
    """See :class:`cmetrics.sources.base.Source`."""

    spec = SPEC

    def __init__(self, client: Service) -> None:
        self._client = client
        #: The whole registry, for the days that any package has been asked for so far.
        self._totals: dict[date, int] = {}
        self._covered: set[date] = set()
        self._error: SourceError | None = None

    async def fetch(self, requests: Sequence[FetchRequest]) -> AsyncIterator[FetchResult]:
        """Each package, and the whole registry for the same days.

        The longest question comes first: the others then need no more of the registry.
        """
        async for result in fetch_each(sorted(requests, key=lambda request: request.days[0]), self._fetch):
            yield result

    async def _fetch(self, request: FetchRequest) -> FetchResult:
        package = request.metric.subject
        slices = list(reversed(spans((day for day in request.days if day >= FIRST_DAY), LONGEST_PERIOD)))
        stated: dict[date, int] = {}
        for number, span in enumerate(slices):
            self._client.step("years of downloads", number, len(slices))
            found = await self._range(span, package)
            stated |= found
            if _precedes_publication(span, found, request.known_since):
                slices = slices[: number + 1]
                break
        first = min((span.first for span in slices), default=FIRST_DAY)
        registry_totals = await self._registry_totals([day for day in request.days if day >= first])
        return resolve_days(request, stated, registry_totals, f"npm:{package}")

    async def _registry_totals(self, days: Sequence[date]) -> RegistryTotals:
        """What has landed. A day that was asked for is not asked for again, nor is a total that failed."""
        try:
            if self._error is None:
                for span in reversed(spans(set(days) - self._covered, LONGEST_PERIOD)):
                    self._totals |= await self._range(span, None)
                    self._covered.update(day_range(*span))
        except SourceError as error:
            self._error = error
        return RegistryTotals(None, self._error) if self._error else build_registry_totals(self._totals)

    async def _range(self, span: Span, package: str | None) -> dict[date, int]:
        path = f"/downloads/range/{span.first}:{span.last}"
        if package:
            path += f"/{quote(package, safe='@/')}"
        return parse_range((await self._client.get(path)).body, span, package)


def _precedes_publication(span: Span, found: Mapping[date, int], known_since: date | None) -> bool:
    """Whether nothing older has to be asked for: a year without a download is before the first one.

    The days before a package's publication read 0, and a published one meets robots every day.
    """
    is_known = known_since is not None and known_since < span.first
    return span.days == LONGEST_PERIOD and not is_known and not any(found.values())
