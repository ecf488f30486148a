"""crates.io: downloads of one version in the 90 days up to a given day.

``/crates/{crate}/{version}/downloads?before_date=D`` includes D despite its name. The service
returns only rows that it has not archived yet, so a missing row does not mean 0 downloads
(rust-lang/crates.io, `controllers/version/downloads.rs`).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date
from typing import Annotated, NamedTuple
from urllib.parse import quote

from pydantic import AwareDatetime, Field, TypeAdapter

from cmetrics.domain.days import DAY, spans, window
from cmetrics.http.service import Service
from cmetrics.http.validation import Count, Day, Shape, by_day, parse

#: The number of days in one response.
DAYS_PER_ANSWER = 90


class Version(NamedTuple):
    """A version of a crate."""

    id: int
    number: str
    #: The UTC day on which it was published.
    created: date


class _Version(Shape):
    id: Annotated[int, Field(ge=0)]
    num: Annotated[str, Field(min_length=1, max_length=200)]
    created_at: Annotated[AwareDatetime, Field(strict=False)]


class _Crate(Shape):
    versions: Annotated[list[_Version], Field(min_length=1)]


class _VersionDay(Shape):
    date: Day
    downloads: Count


class _Downloads(Shape):
    version_downloads: list[_VersionDay]


_CRATE = TypeAdapter(_Crate)
_DOWNLOADS = TypeAdapter(_Downloads)


def parse_versions(body: bytes, crate: str) -> tuple[Version, ...]:
    """Return all versions of a crate, yanked ones included, oldest first."""
    answer = parse(_CRATE, body, f"crates.io, versions of {crate}")
    found = (Version(row.id, row.num, row.created_at.astimezone(UTC).date()) for row in answer.versions)
    return tuple(sorted(found, key=lambda version: (version.created, version.id)))


def parse_version_downloads(body: bytes, crate: str, number: str) -> dict[date, int]:
    """Return the downloads of one version by day; days without any are absent."""
    where = f"crates.io, crate {crate} {number}"
    answer = parse(_DOWNLOADS, body, where)
    return by_day(((row.date, row.downloads) for row in answer.version_downloads), where)


async def fetch_versions(client: Service, crate: str) -> tuple[Version, ...]:
    """Fetch all versions of a crate, with one request."""
    answer = await client.get(f"/crates/{quote(crate, safe='')}", {"include": "versions"})
    return parse_versions(answer.body, crate)


@dataclass(frozen=True, slots=True)
class VersionRequest:
    """One request by version."""

    crate: str
    number: str
    before: date

    async def fetch(self, client: Service) -> dict[date, int]:
        """Fetch the downloads by day."""
        path = f"/crates/{quote(self.crate, safe='')}/{quote(self.number, safe='')}/downloads"
        answer = await client.get(path, {"before_date": self.before.isoformat()})
        return parse_version_downloads(answer.body, self.crate, self.number)


def version_requests(crates: Mapping[str, Sequence[Version]], days: Iterable[date]) -> list[VersionRequest]:
    """Return the requests that cover ``days`` of these crates, newest days first.

    Versions published after the days of a request are left out.
    """
    return [
        VersionRequest(crate, version.number, span.last)
        for span in reversed(spans(days, DAYS_PER_ANSWER))
        for crate, versions in crates.items()
        for version in versions
        if version.created <= span.last
    ]


class ByVersion:
    """Sums the downloads of all versions of each crate."""

    def __init__(self) -> None:
        self._totals: dict[tuple[str, date], Counter[date]] = {}
        self._failed: set[str] = set()
        #: The oldest day with a row for any version of any crate, by the last day of the request.
        self._oldest: dict[date, date] = {}

    def add(self, request: VersionRequest, rows: Mapping[date, int]) -> None:
        """Add the rows of one request."""
        self._totals.setdefault((request.crate, request.before), Counter()).update(rows)
        if rows:
            self._oldest[request.before] = min([self._oldest.get(request.before, date.max), *rows])

    def failed(self, request: VersionRequest) -> None:
        """Record a failed request. No day of its crate has a complete sum."""
        self._failed.add(request.crate)

    def total(self, crate: str, day: date) -> int | None:
        """Return the downloads of all versions of the crate; None if the service may have archived the day.

        The day is not archived if some version has a row that is at least as old.
        """
        for (asked, before), total in self._totals.items():
            if asked == crate and crate not in self._failed and self._oldest.get(before, date.max) <= day <= before:
                return total[day]
        return None


def day_between_api_and_archive(last_day: date) -> date:
    """Return the day that is in neither the API nor the archive: today - 90.

    The API serves the days after it, the archive has the days before it.
    """
    return window(last_day + DAY, DAYS_PER_ANSWER) - DAY
