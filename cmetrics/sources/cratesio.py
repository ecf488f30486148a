"""crates.io: downloads per day, the last 90 days, one request per crate.

Facts from the service's own source (rust-lang/crates.io): the five highest versions are listed
one by one and all others summed in ``meta.extra_downloads``, so a day is the sum over both; days
without downloads have no row; the day that is still running is included.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator, Sequence
from datetime import date, timedelta
from urllib.parse import quote

from pydantic import TypeAdapter

from cmetrics.domain.days import last_completed_day, window
from cmetrics.domain.errors import SourceError
from cmetrics.domain.metric import ArchiveSpec, Family, SourceSpec
from cmetrics.domain.observation import DailyValue
from cmetrics.http.rate_limit import Rate
from cmetrics.http.service import Policy, Service
from cmetrics.http.validation import Count, Day, Shape, by_day, parse
from cmetrics.sources.availability import first_evidence
from cmetrics.sources.base import FetchRequest, FetchResult

ARCHIVE = ArchiveSpec("crates-archive", "static.crates.io", first_day=date(2014, 11, 1))

SPEC = SourceSpec(
    name="cratesio",
    title="crates.io",
    family=Family.DOWNLOADS,
    sdk="rust",
    display_name="Rust",
    subject_pattern=r"[A-Za-z][A-Za-z0-9_-]{0,63}",
    subject_hint="a name that crates.io allows",
    page="https://crates.io/crates/{subject}",
    counts="Downloads by cargo, all versions, by UTC day. The counting changed on 2024-02-16 (a step up) "
    "and about 2025-10-29 (a step down: other clients than cargo no longer count).",
    # 90 dates with today, which is not over.
    held_days=89,
    first_days=89,
    settling_days=89,
    # Counts come from log files as these arrive; a smaller read within a week is an older one.
    growing_days=7,
    canonical=lambda crate: crate.lower().replace("_", "-"),
    archive=ARCHIVE,
)

#: https://crates.io/data-access: at most one request a second, and who is refused stops.
POLICY = Policy(SPEC.title, "https://crates.io/api/v1", rates=(Rate(1, 1.0),), limit_waits=(30.0, 60.0))

#: A day's log files keep arriving for some hours after it; a day is taken as landed at 06:00 UTC.
LOGS_ARRIVE_WITHIN = timedelta(hours=6)
#: Logs of a day are long worked off after so many days, also for a crate that nobody downloads.
SETTLED_AFTER = 7


class _VersionDay(Shape):
    version: int
    date: Day
    downloads: Count


class _ExtraDay(Shape):
    date: Day
    downloads: Count


class _Meta(Shape):
    extra_downloads: list[_ExtraDay]


class _Downloads(Shape):
    version_downloads: list[_VersionDay]
    meta: _Meta


_DOWNLOADS = TypeAdapter(_Downloads)


def parse_downloads(body: bytes, crate: str) -> dict[date, int]:
    """Downloads of all versions per day, ascending."""
    where = f"crates.io, crate {crate}"
    answer = parse(_DOWNLOADS, body, where)
    seen: set[tuple[int, date]] = set()
    total: Counter[date] = Counter()
    for row in answer.version_downloads:
        if (row.version, row.date) in seen:
            # Let the one place that refuses a day stated twice say so.
            by_day([(row.date, 0), (row.date, 0)], f"{where}, version {row.version},")
        seen.add((row.version, row.date))
        total[row.date] += row.downloads
    for day, downloads in by_day(
        ((row.date, row.downloads) for row in answer.meta.extra_downloads), f"{where}, extra_downloads,"
    ).items():
        total[day] += downloads
    return dict(sorted(total.items()))


class Cratesio:
    """See :class:`cmetrics.sources.base.Source`."""

    spec = SPEC

    def __init__(self, client: Service) -> None:
        self._client = client

    async def fetch(self, requests: Sequence[FetchRequest]) -> AsyncIterator[FetchResult]:
        """One request per crate.

        There is no total of everything here. That a day has landed shows in any crate that has a
        row for it or for a later day; a crate that needs another one's sign waits for the end.
        """
        sure = last_completed_day(self._client.now() - LOGS_ARRIVE_WITHIN)
        waiting: list[tuple[FetchRequest, dict[date, int]]] = []
        newest = date.min
        for request in requests:
            try:
                stated = await self._stated(request)
            except SourceError as error:
                yield FetchResult(request, error=error)
                continue
            newest = max([newest, *stated])
            if newest >= request.days[-1]:
                yield decide(request, stated, min(newest, sure))
            else:
                waiting.append((request, stated))
        for request, stated in waiting:
            yield decide(request, stated, min(newest, sure))

    async def _stated(self, request: FetchRequest) -> dict[date, int]:
        crate = request.metric.subject
        answer = await self._client.get(f"/crates/{quote(crate, safe='')}/downloads")
        return parse_downloads(answer.body, crate)


def decide(request: FetchRequest, stated: dict[date, int], newest: date) -> FetchResult:
    """The days that can be stored: stated ones, and 0 for others that are known to have landed."""
    landed = max(newest, window(request.last_day, SETTLED_AFTER))
    existed = first_evidence(request, stated)
    values: list[DailyValue] = []
    pending: set[date] = set()
    for day in request.days:
        value = stated.get(day, 0)
        if value == 0 and (existed is None or day < existed):
            continue
        if value > 0 or day <= landed:
            values.append(DailyValue(day, value, f"cratesio:{request.metric.subject}"))
        else:
            pending.add(day)
    return FetchResult(request, tuple(values), frozenset(pending))
