"""pypistats.org: PyPI downloads per day, the last 180 days, one request per package.

From the service's own source (psf/pypistats.org) and its API page: days without downloads have no
row; a failed load leaves no row for any package; one response covers the whole window.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from datetime import date
from typing import Literal
from urllib.parse import quote

from pydantic import TypeAdapter

from cmetrics.domain.errors import InvalidResponse, SourceError
from cmetrics.domain.kind import DOWNLOADS
from cmetrics.domain.metric import ArchiveSpec, CountingStep, KnownLoss, SourceSpec
from cmetrics.http.rate_limit import Rate
from cmetrics.http.service import Policy, Service
from cmetrics.http.validation import Count, Day, Shape, by_day, parse
from cmetrics.sources.availability import Availability, RegistryTotals, build_registry_totals, resolve_days
from cmetrics.sources.base import FetchRequest, FetchResult, fetch_each
from cmetrics.sources.registration import ArchiveRegistration, Registration


def normalize(name: str) -> str:
    """Return the name in its PEP 503 form; the service does not normalize names."""
    return re.sub(r"[-_.]+", "-", name).lower()


ARCHIVE = ArchiveSpec("clickpy", "ClickPy", first_day=date(2016, 1, 1), overlaps=True)

#: Days without a row for any package, and days with only a small part of the usual counts. Sources: a
#: public recording of nightly reads, and psf/pypistats.org#29, #34, #67 and #68.
KNOWN_LOSSES = (
    KnownLoss(date(2020, 4, 8), date(2020, 4, 8), "pypistats.org has no counts for any package"),
    KnownLoss(date(2020, 7, 18), date(2020, 7, 19), "pypistats.org has no counts for any package"),
    KnownLoss(date(2021, 3, 22), date(2021, 3, 26), "pypistats.org has no counts for any package"),
    KnownLoss(date(2023, 1, 24), date(2023, 1, 24), "pypistats.org has no counts for any package"),
    KnownLoss(
        date(2024, 6, 18),
        date(2024, 6, 21),
        "pypistats.org counted only part of the downloads",
        is_damaged=True,
    ),
    KnownLoss(date(2024, 10, 25), date(2024, 10, 25), "pypistats.org has no counts for any package"),
    KnownLoss(date(2025, 2, 11), date(2025, 2, 11), "pypistats.org has no counts for any package"),
)

SPEC = SourceSpec(
    name="pypistats",
    title="pypistats.org",
    measures={"downloads": DOWNLOADS},
    service_name="PyPI",
    sdk="python",
    display_name="Python",
    subject_pattern=r"[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?",
    subject_hint="a name that PyPI allows",
    page="https://pypistats.org/packages/{subject}",
    counts="Files that PyPI served, by UTC day. CI runs count; mirrors are excluded unless noted.",
    # It deletes rows older than 180 days before the day just loaded: 181 dates at most.
    served_days=181,
    first_days=181,
    # Every response has the whole window, so a shorter one would save nothing.
    settling_days=181,
    canonical=normalize,
    options=frozenset({"mirrors"}),
    archive=ARCHIVE,
    known_losses=KNOWN_LOSSES,
    # pypistats.org, frequently asked questions: PyPI replaced the program that counts.
    steps=(CountingStep(date(2018, 7, 26), "PyPI replaced the program that counts downloads"),),
)

#: 30 requests a minute and 5 a second per IP address, not announced in any header. After a 429 on a
#: shared address, a retry some seconds later usually works.
POLICY = Policy(
    SPEC.title, "https://pypistats.org/api", rates=(Rate(5, 1.0), Rate(30, 60.0)), limit_waits=(5.0, 15.0, 30.0)
)

#: The pseudo-package with the sum over all of PyPI.
ALL_PACKAGES = "__all__"

Category = Literal["with_mirrors", "without_mirrors"]


class _Row(Shape):
    category: Category
    date: Day
    downloads: Count


class _Overall(Shape):
    data: list[_Row]
    package: str
    type: Literal["overall_downloads"]


_OVERALL = TypeAdapter(_Overall)


def parse_overall(body: bytes, package: str, category: Category) -> dict[date, int]:
    """Return the downloads per day of one category, ascending. The other category is ignored."""
    where = f"pypistats.org, package {package}"
    answer = parse(_OVERALL, body, where)
    if normalize(answer.package) != normalize(package):
        msg = f"{where}, returned another package"
        raise InvalidResponse(msg)
    days = by_day(((row.date, row.downloads) for row in answer.data if row.category == category), where)
    if not days:
        msg = f"{where}, returned no day {category.replace('_', ' ')}"
        raise InvalidResponse(msg)
    return days


class Pypistats:
    """See :class:`cmetrics.sources.base.Source`."""

    spec = SPEC

    def __init__(self, client: Service) -> None:
        self._client = client
        self._registry_totals = RegistryTotals(None)

    async def fetch(self, requests: Sequence[FetchRequest]) -> AsyncIterator[FetchResult]:
        """Yield one result per package. The first request is for the totals of all of PyPI."""
        try:
            self._registry_totals = build_registry_totals(await self._overall(ALL_PACKAGES, mirrors=True))
        except SourceError as error:
            self._registry_totals = RegistryTotals(None, error)
        async for result in fetch_each(requests, self._fetch):
            yield result

    async def _fetch(self, request: FetchRequest) -> FetchResult:
        counts = await self._overall(request.metric.subject, mirrors=request.metric.mirrors)
        ref = f"pypistats:{normalize(request.metric.subject)}"
        complete = {
            day: value
            for day, value in counts.items()
            if self._registry_totals.availability(day) is not Availability.PARTIAL
        }
        result = resolve_days(request, counts, self._registry_totals, ref)
        # Includes resolved zeros, because the archive fills only days for which this source has no information.
        zeros = {value.day: 0 for value in result.values if value.value == 0}
        return replace(result, source_counts=zeros | complete)

    async def _overall(self, package: str, *, mirrors: bool) -> dict[date, int]:
        # `mirrors=true` gives with_mirrors alone; any other spelling of true gives both.
        name = package if package == ALL_PACKAGES else normalize(package)
        answer = await self._client.get(
            f"/packages/{quote(name, safe='')}/overall", {"mirrors": "true" if mirrors else "false"}
        )
        return parse_overall(answer.body, package, "with_mirrors" if mirrors else "without_mirrors")


def _load_archive() -> ArchiveRegistration:
    # Imported when it is needed: the archive imports this module.
    from cmetrics.sources.archives import clickpy

    return clickpy.REGISTRATION


REGISTRATION = Registration(SPEC, lambda _: POLICY, Pypistats, _load_archive)
