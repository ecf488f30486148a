"""crates.io: downloads per day, the last 90 days, one request per crate.

From the service's own source (rust-lang/crates.io): the five highest versions are listed one by one
and all others are summed in ``meta.extra_downloads``, so the count of a day is the sum of both; days
without downloads have no row; the current, incomplete day is included.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator, Sequence
from datetime import date, timedelta
from urllib.parse import quote

from pydantic import TypeAdapter

from cmetrics.domain.days import last_completed_day
from cmetrics.domain.errors import SourceError
from cmetrics.domain.kind import DOWNLOADS
from cmetrics.domain.metric import ArchiveSpec, CountingStep, KnownLoss, SourceSpec
from cmetrics.http.rate_limit import Rate
from cmetrics.http.service import Policy, Service
from cmetrics.http.validation import Count, Day, Shape, by_day, parse
from cmetrics.sources.availability import Availability, RegistryTotals, resolve_by_busy_subject
from cmetrics.sources.base import FetchRequest, FetchResult
from cmetrics.sources.registration import ArchiveRegistration, Registration

ARCHIVE = ArchiveSpec("crates-archive", "static.crates.io", first_day=date(2014, 11, 1))

#: crates.io answers a User-Agent that contains one of these words with 403, since April to July 2026
#: (rust-lang/crates.io#13482, #13783, #14243). It refuses only some forms of ``wget``.
REFUSED_IN_USER_AGENT = ("curl", "python-requests", "wget")


def refuses_contact(contact: str) -> str | None:
    """Return why crates.io would refuse a User-Agent with ``contact``; None if it would accept it."""
    word = next((word for word in REFUSED_IN_USER_AGENT if word in contact.lower()), None)
    if word is None:
        return None
    return f"crates.io refuses a User-Agent that contains {word!r}, as this contact does; use another address"


SPEC = SourceSpec(
    name="cratesio",
    title="crates.io",
    measures={"downloads": DOWNLOADS},
    sdk="rust",
    display_name="Rust",
    subject_pattern=r"[A-Za-z][A-Za-z0-9_-]{0,63}",
    subject_hint="a name that crates.io allows",
    page="https://crates.io/crates/{subject}",
    terms="https://crates.io/data-access",
    counts="Downloads by cargo, all versions, by UTC day. The counting changed on 2024-02-16 (a step up: "
    "downloads from the CDN count too) and about 2025-10-29 (a step down: clients other than cargo no longer "
    "count, which mainly affects rarely used crates).",
    # 90 dates including today, which is not complete.
    served_days=89,
    first_days=89,
    settling_days=89,
    # Counts grow as log files arrive. Within a week, a smaller count is an outdated one.
    growing_days=7,
    canonical=lambda crate: crate.lower().replace("_", "-"),
    archive=ARCHIVE,
    known_losses=(
        KnownLoss(date(2014, 11, 15), date(2014, 11, 15), "the archive of crates.io has no file for this day"),
    ),
    # https://blog.rust-lang.org/2024/03/11/crates-io-download-changes and rust-lang/crates.io#12210.
    steps=(
        CountingStep(date(2024, 2, 16), "crates.io counts downloads from its CDN too"),
        CountingStep(date(2025, 10, 29), "crates.io counts only downloads by cargo"),
    ),
    refuses_contact=refuses_contact,
)

#: https://crates.io/data-access: at most one request per second; refused clients must stop.
POLICY = Policy(SPEC.title, "https://crates.io/api/v1", rates=(Rate(1, 1.0),), limit_waits=(30.0, 60.0))

#: Log files of a day arrive for some hours after its end; it is complete at 06:00 UTC.
LOGS_ARRIVE_WITHIN = timedelta(hours=6)
#: A crate that is downloaded every minute. A day without a row for it has not been counted.
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
            # Raises InvalidResponse for a duplicate day.
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
        """Yield one result per crate, each from one request, and a busy crate's if one lacks a day."""
        results = resolve_by_busy_subject(
            requests,
            lambda request: self._fetch_days(request.metric.subject),
            lambda _: self._fetch_totals(),
            lambda request: f"cratesio:{request.metric.subject}",
        )
        async for result in results:
            yield result

    async def _fetch_totals(self) -> RegistryTotals:
        """Return the availability of the days according to the busy crate."""
        complete = last_completed_day(self._client.now() - LOGS_ARRIVE_WITHIN)
        try:
            rows = await self._fetch_days(BUSY_CRATE)
        except SourceError as error:
            return RegistryTotals(None, error)
        return RegistryTotals({day: Availability.PUBLISHED for day, count in rows.items() if count and day <= complete})

    async def _fetch_days(self, crate: str) -> dict[date, int]:
        response = await self._client.get(f"/crates/{quote(crate, safe='')}/downloads")
        return parse_downloads(response.body, crate)


def _load_archive() -> ArchiveRegistration:
    # Imported when it is needed: the archive imports this module.
    from cmetrics.sources.archives import crates

    return crates.REGISTRATION


REGISTRATION = Registration(SPEC, lambda _: POLICY, Cratesio, _load_archive)
