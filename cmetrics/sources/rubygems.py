"""RubyGems: downloads of gems per day since 2017, from the public ClickHouse tables that ClickPy uses too.

rubygems.org itself provides only a total: its API ignores ``from`` and ``to``. The table
``rubygems.downloads_per_day`` is up to date; ``daily_downloads`` ends in June 2025.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from datetime import date

from cmetrics.domain.days import Span, day_range, spans, window
from cmetrics.domain.errors import NotFound, SourceError
from cmetrics.domain.kind import DOWNLOADS
from cmetrics.domain.metric import SourceSpec
from cmetrics.http.service import Service
from cmetrics.http.validation import by_day
from cmetrics.sources.availability import RegistryTotals, build_registry_totals, resolve_days
from cmetrics.sources.base import FetchRequest, FetchResult, fetch_each
from cmetrics.sources.clickhouse import DAY_COUNT, day_params, parse_rows, policy, quote_names
from cmetrics.sources.registration import Registration

FIRST_DAY = date(2017, 1, 1)
#: A result of 1,000 rows may be truncated.
LONGEST_PERIOD = 900
#: A gem that was not downloaded once in this time is unknown, or its name is misspelled.
EXISTS_WITHIN = 90
#: Gems that are downloaded every minute. A day without rows for them is not in the table.
BUSY_GEMS = ("bundler", "rack", "rake", "json")

SPEC = SourceSpec(
    name="rubygems",
    title="RubyGems",
    measures={"downloads": DOWNLOADS},
    sdk="ruby",
    display_name="Ruby",
    subject_pattern=r"[A-Za-z0-9_][A-Za-z0-9._-]{0,99}",
    subject_hint="a name that RubyGems allows",
    page="https://rubygems.org/gems/{subject}",
    counts="Downloads of a gem, all versions, by UTC day, from the public ClickHouse tables of RubyGems.",
    first_days=730,
    # The tables are loaded some days late, and wrong days are loaded again.
    settling_days=30,
    growing_days=7,
    canonical=str,
)
POLICY = policy(SPEC.title)

# Every part is a constant; values are parameters.
_SQL = (
    b"SELECT date, sum(count) AS downloads FROM rubygems.downloads_per_day "
    b"WHERE gem IN {gems:Array(String)} AND date BETWEEN {first:Date} AND {last:Date} "
    b"GROUP BY date ORDER BY date"
)


def parse_days(body: bytes, where: str) -> dict[date, int]:
    """Return the downloads per day, ascending. Days without downloads have no row."""
    rows = parse_rows(DAY_COUNT, body, where, SPEC.title)
    return by_day(((row.date, row.downloads) for row in rows), where)


class Rubygems:
    """See :class:`cmetrics.sources.base.Source`."""

    spec = SPEC

    def __init__(self, client: Service) -> None:
        self._client = client
        #: Downloads of the busy gems, for the periods that were requested for any gem so far.
        self._totals: dict[Span, dict[date, int]] = {}

    async def fetch(self, requests: Sequence[FetchRequest]) -> AsyncIterator[FetchResult]:
        """Yield one result per gem, from one query per 900 days; the busy gems are queried once per period."""
        async for result in fetch_each(requests, self._fetch):
            yield result

    async def _fetch(self, request: FetchRequest) -> FetchResult:
        gem = request.metric.subject
        first = max(FIRST_DAY, min(request.days[0], window(request.last_day, EXISTS_WITHIN)))
        periods = spans(day_range(first, request.last_day), LONGEST_PERIOD)
        counts: dict[date, int] = {}
        for number, period in enumerate(periods):
            self._client.step("years of downloads", number, len(periods))
            counts |= await self._query((gem,), period, f"RubyGems, gem {gem}")
        if not any(counts.values()) and request.known_since is None:
            msg = f"RubyGems, gem {gem}: not found"
            raise NotFound(msg, service=SPEC.title)
        return resolve_days(request, counts, await self._registry_totals(periods), f"rubygems:{gem}")

    async def _registry_totals(self, periods: Sequence[Span]) -> RegistryTotals:
        try:
            for period in periods:
                if period not in self._totals:
                    self._totals[period] = await self._query(BUSY_GEMS, period, "RubyGems, busy gems")
        except SourceError as error:
            return RegistryTotals(None, error)
        return build_registry_totals({day: n for period in periods for day, n in self._totals[period].items()})

    async def _query(self, gems: tuple[str, ...], period: Span, where: str) -> dict[date, int]:
        params = {**day_params(*period), "param_gems": quote_names(gems)}
        return parse_days((await self._client.post("/", params, _SQL)).body, where)


REGISTRATION = Registration(SPEC, lambda _: POLICY, Rubygems)
