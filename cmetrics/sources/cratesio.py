"""crates.io: downloads per day, the last 90 days, one request per crate.

Facts from the service's own source (rust-lang/crates.io): the five highest versions are listed
one by one and all others summed in ``meta.extra_downloads``, so a day is the sum over both; days
without downloads have no row; the day that is still running is included.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import date, timedelta
from urllib.parse import quote

from pydantic import TypeAdapter

from cmetrics.domain.days import last_completed_day
from cmetrics.domain.errors import SourceError
from cmetrics.domain.metric import ArchiveSpec, Family, KnownLoss, SourceSpec
from cmetrics.http.rate_limit import Rate
from cmetrics.http.service import Policy, Service
from cmetrics.http.validation import Count, Day, Shape, by_day, parse
from cmetrics.sources.availability import Availability, RegistryTotals, first_evidence, resolve_days
from cmetrics.sources.base import FetchRequest, FetchResult

ARCHIVE = ArchiveSpec("crates-archive", "static.crates.io", first_day=date(2014, 11, 1))

#: In a User-Agent, whatever else it says, crates.io answers each of these with 403 since April to July
#: 2026 (rust-lang/crates.io#13482, #13783, #14243); of ``wget`` only some forms.
REFUSED_IN_USER_AGENT = ("curl", "python-requests", "wget")


def refuses_contact(contact: str) -> str | None:
    """Return why crates.io would refuse a User-Agent with ``contact``; None when it would not."""
    word = next((word for word in REFUSED_IN_USER_AGENT if word in contact.lower()), None)
    if word is None:
        return None
    return f"crates.io refuses a User-Agent with {word!r}, and ours names the contact; use another address"


SPEC = SourceSpec(
    name="cratesio",
    title="crates.io",
    family=Family.DOWNLOADS,
    sdk="rust",
    display_name="Rust",
    subject_pattern=r"[A-Za-z][A-Za-z0-9_-]{0,63}",
    subject_hint="a name that crates.io allows",
    page="https://crates.io/crates/{subject}",
    counts="Downloads by cargo, all versions, by UTC day. The counting changed on 2024-02-16 (a step up: "
    "downloads from the CDN count too) and about 2025-10-29 (a step down: clients other than cargo no longer "
    "count, which mostly concerns rarely used crates).",
    # 90 dates with today, which is not over.
    held_days=89,
    first_days=89,
    settling_days=89,
    # Counts come from log files as these arrive; a smaller read within a week is an older one.
    growing_days=7,
    canonical=lambda crate: crate.lower().replace("_", "-"),
    archive=ARCHIVE,
    known_losses=(
        KnownLoss(date(2014, 11, 15), date(2014, 11, 15), "the archive of crates.io has no file of this day"),
    ),
    refuses_contact=refuses_contact,
)

#: https://crates.io/data-access: at most one request a second, and who is refused stops.
POLICY = Policy(SPEC.title, "https://crates.io/api/v1", rates=(Rate(1, 1.0),), limit_waits=(30.0, 60.0))

#: A day's log files keep arriving for some hours after it; a day is complete at 06:00 UTC.
LOGS_ARRIVE_WITHIN = timedelta(hours=6)
#: A crate that is downloaded every minute: without a row of it, a day has not been counted.
BUSY_CRATE = "serde"


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
    """Return the downloads of all versions per day, ascending."""
    where = f"crates.io, crate {crate}"
    answer = parse(_DOWNLOADS, body, where)
    seen: set[tuple[int, date]] = set()
    total: Counter[date] = Counter()
    for row in answer.version_downloads:
        if (row.version, row.date) in seen:
            # Raises: a day stated twice is refused in one place.
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
        """Yield one result per crate, each from one request.

        Days without downloads have no row, and neither have days that were lost or not counted yet. A
        busy crate tells them apart; it is requested once, and only when a crate lacks a day.
        """
        undecided: list[tuple[FetchRequest, dict[date, int]]] = []
        for request in requests:
            try:
                stated = await self._fetch_days(request.metric.subject)
            except SourceError as error:
                yield FetchResult(request, error=error)
                continue
            if has_absent_day(request, stated):
                undecided.append((request, stated))
            else:
                yield self._resolve(request, stated, RegistryTotals({}))
        if undecided:
            totals = await self._fetch_totals()
            for request, stated in undecided:
                yield self._resolve(request, stated, totals)

    @staticmethod
    def _resolve(request: FetchRequest, stated: dict[date, int], totals: RegistryTotals) -> FetchResult:
        return resolve_days(request, stated, totals, f"cratesio:{request.metric.subject}")

    async def _fetch_totals(self) -> RegistryTotals:
        """Return which days have been counted, as the busy crate shows it."""
        complete = last_completed_day(self._client.now() - LOGS_ARRIVE_WITHIN)
        try:
            rows = await self._fetch_days(BUSY_CRATE)
        except SourceError as error:
            return RegistryTotals(None, error)
        return RegistryTotals({day: Availability.PUBLISHED for day, count in rows.items() if count and day <= complete})

    async def _fetch_days(self, crate: str) -> dict[date, int]:
        response = await self._client.get(f"/crates/{quote(crate, safe='')}/downloads")
        return parse_downloads(response.body, crate)


def has_absent_day(request: FetchRequest, stated: Mapping[date, int]) -> bool:
    """Return whether the crate has no downloads on a requested day since it is known to exist."""
    existed = first_evidence(request, stated)
    return existed is not None and any(day >= existed and not stated.get(day) for day in request.days)
