"""api.npmjs.org: downloads per day since 2015-01-10.

Facts from npm/registry's documentation and threads there: a day that has not landed reads 0, and
so does a day that the whole registry lost; a period that is too long is cut at its old end without
a word; the days before a package's first publication read 0.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from datetime import date
from urllib.parse import quote

from pydantic import TypeAdapter

from cmetrics.domain.days import Span, spans
from cmetrics.domain.metric import Family, SourceSpec
from cmetrics.errors import SourceError, UnexpectedAnswer
from cmetrics.sources.base import Answered, Ask, Fetched, each
from cmetrics.sources.http import Policy, ServiceClient
from cmetrics.sources.landed import Canary, build_canary, judge
from cmetrics.sources.shape import Count, Day, Shape, by_day, parse

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
POLICY = Policy(SPEC.title, "https://api.npmjs.org", gap=2.0, limit_waits=(30.0,))

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
        raise UnexpectedAnswer(msg)
    if (answer.start, answer.end) != span:
        msg = f"{where}, answered {answer.start} to {answer.end} when asked {span.first} to {span.last}"
        raise UnexpectedAnswer(msg)
    days = by_day(((row.day, row.downloads) for row in answer.downloads), where)
    return {day: value for day, value in days.items() if span.first <= day <= span.last}


class Npm:
    """See :class:`cmetrics.sources.base.Source`."""

    spec = SPEC

    def __init__(self, client: ServiceClient) -> None:
        self._client = client
        self._canary = Canary(None)

    async def answers(self, asks: Sequence[Ask]) -> AsyncIterator[Answered]:
        """The whole registry for all days asked, then each package."""
        days = {day for ask in asks for day in ask.days}
        try:
            self._canary = build_canary(await self._days(days, None))
        except SourceError as error:
            self._canary = Canary(None, str(error))
        async for answered in each(asks, self._fetch):
            yield answered

    async def _fetch(self, ask: Ask) -> Fetched:
        package = ask.metric.subject
        return judge(ask, await self._days(ask.days, package), self._canary, f"npm:{package}")

    async def _days(self, days: Sequence[date] | set[date], package: str | None) -> dict[date, int]:
        found: dict[date, int] = {}
        for span in spans((day for day in days if day >= FIRST_DAY), LONGEST_PERIOD):
            path = f"/downloads/range/{span.first}:{span.last}"
            if package:
                path += f"/{quote(package, safe='@/')}"
            answer = await self._client.get(path)
            found |= parse_range(answer.body, span, package)
        return found
