"""Read days of crates.io older than 90 days: by version while the service has the rows, else from daily files."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

from cmetrics.domain.days import DAY
from cmetrics.domain.errors import SourceError
from cmetrics.domain.observation import DailyValue
from cmetrics.http.rate_limit import Rate
from cmetrics.http.service import Policy, Service
from cmetrics.sources.archives.crates_files import Cache, DayReader, parse_index
from cmetrics.sources.archives.crates_versions import (
    DAYS_PER_ANSWER,
    ByVersion,
    Version,
    VersionRequest,
    day_between_api_and_archive,
    fetch_versions,
    version_requests,
)
from cmetrics.sources.base import FetchRequest, FetchResult, reword
from cmetrics.sources.cratesio import ARCHIVE
from cmetrics.sources.registration import ArchiveRegistration

#: https://crates.io/data-access recommends these files over the API and states no rate limit for them;
#: they are fetched one at a time.
POLICY = Policy(
    ARCHIVE.title,
    "https://static.crates.io/archive/version-downloads",
    rates=(Rate(1, 0.05),),
    limit_waits=(30.0,),
    # Object stores return 403 for a missing file.
    refusal_ends=False,
    headers={"Accept": "*/*"},
)

#: For time estimates: seconds per request in addition to the rate limit, and transfer rate of files.
SECONDS_PER_REQUEST = 0.2
BYTES_PER_SECOND = 4_000_000
#: A daily file of 2026 has about 10 MB.
MAX_FILE_BYTES = 256 * 2**20
SECONDS_PER_FILE = 900.0
#: Days read from files are yielded in parts of this size, so that they are stored as they arrive.
DAYS_PER_PART = 20
#: After this many consecutive unusable files, the archive itself is considered unavailable.
FAILURES_IN_A_ROW = 5


@dataclass(slots=True)
class _Crate:
    """A request and the counts fetched for it."""

    request: FetchRequest
    versions: Sequence[Version]
    #: Days without a value yet; none before the first publication.
    open: set[date]
    values: list[DailyValue] = field(default_factory=list)

    @property
    def name(self) -> str:
        """The name of the crate."""
        return self.request.metric.subject

    def answer(self, day: date, value: int, ref: str) -> None:
        """Add the count of a day."""
        self.open.discard(day)
        self.values.append(DailyValue(day, value, ref))

    def take(self, by_version: ByVersion) -> FetchResult:
        """Add the counts of all open days that the requests by version have covered, and return those days."""
        for day in sorted(self.open):
            value = by_version.total(self.name, day)
            if value is not None:
                self.answer(day, value, f"cratesio:{self.name}; by version")
        return self.part()

    def part(self) -> FetchResult:
        """Return the values added since the last part."""
        values, self.values = tuple(self.values), []
        return FetchResult(self.request, values, is_final=False)


class CratesArchive:
    """See :class:`cmetrics.sources.base.Archive`."""

    def __init__(self, api: Service, files: Service, cache: Path | None) -> None:
        self._api = api
        self._files = files
        self._cache = Cache(cache)
        self._problems: list[SourceError] = []
        self._notes: list[str] = []

    async def fetch(
        self,
        requests: Sequence[FetchRequest],
        counts_by_metric: Mapping[str, Mapping[date, int]],  # noqa: ARG002
    ) -> AsyncIterator[FetchResult]:
        """Yield one result or more per request.

        Fetches the versions of each crate first, then the day between API and archive, then older days by
        the faster method.
        """
        crates: list[_Crate] = []
        for request in requests:
            try:
                versions = await fetch_versions(self._api, request.metric.subject)
            except SourceError as error:
                yield FetchResult(request, error=error)
                continue
            first = versions[0].created
            crates.append(_Crate(request, versions, {day for day in request.archive_days if day >= first}))
        by_version = ByVersion()
        between = day_between_api_and_archive(requests[0].last_day)
        # Already stored by an earlier run, when the API still served it.
        probed = [crate for crate in crates if between in crate.open & crate.request.missing]
        by_version_requests = version_requests(_by_name(probed), [between])
        if by_version_requests:
            self._log_choice(
                f"crates.io, {between}: read from {len(by_version_requests)} requests by version; "
                "neither the download counts of the crate nor the archive include the day"
            )
        await self._fetch_by_version(by_version, by_version_requests)
        for crate in crates:
            yield crate.take(by_version)
        older = {day for crate in crates for day in crate.open if day < between}
        if older:
            is_archived = any(
                day > between - DAYS_PER_ANSWER * DAY for crate in probed for day in crate.open - {between}
            )
            async for result in self._older(by_version, crates, sorted(older), is_archived=is_archived):
                yield result
        for crate in crates:
            yield self._conclude(crate)

    async def _older(
        self, by_version: ByVersion, crates: list[_Crate], days: list[date], *, is_archived: bool
    ) -> AsyncIterator[FetchResult]:
        """Yield ``days`` by the faster method. ``is_archived`` means that crates.io no longer has them."""
        index: dict[date, int] = {}
        try:
            index = parse_index((await self._files.get("/index.json")).body)
        except SourceError as error:
            self._problems.append(error)
        absent = [day for day in days if day in index and _needed(crates, day) - self._cache.load(day).keys()]
        size = sum(index[day] for day in absent)
        by_version_requests = version_requests(_by_name(crates), days)
        file_seconds = (
            len(absent) * (self._files.policy.seconds_per_request + SECONDS_PER_REQUEST) + size / BYTES_PER_SECOND
        )
        version_seconds = len(by_version_requests) * (self._api.policy.seconds_per_request + SECONDS_PER_REQUEST)
        by_file = f"{len(absent)} archive files ({size / 1e6:.1f} MB, {_duration(file_seconds)})"
        by_version_words = f"{len(by_version_requests)} requests by version ({_duration(version_seconds)})"
        span = f"crates.io, {days[0]} to {days[-1]}: read from"
        if index and (is_archived or file_seconds <= version_seconds):
            why = "because crates.io no longer has these days" if is_archived else "which would take longer"
            self._log_choice(f"{span} {by_file}, not by {by_version_words}, {why}")
        elif not is_archived:
            why = "which would take longer" if index else "whose index could not be read"
            self._log_choice(f"{span} {by_version_words}, not from {by_file}, {why}")
            await self._fetch_by_version(by_version, by_version_requests)
            for crate in crates:
                yield crate.take(by_version)
        async for result in self._read_files(crates, index, len(absent)):
            yield result

    def _log_choice(self, text: str) -> None:
        self._api.log(text)
        self._notes.append(text)

    async def _fetch_by_version(self, by_version: ByVersion, by_version_requests: Sequence[VersionRequest]) -> None:
        for number, request in enumerate(by_version_requests):
            self._api.step("requests by version", number, len(by_version_requests))
            try:
                by_version.add(request, await request.fetch(self._api))
            except SourceError as error:
                by_version.failed(request)
                self._problems.append(error)
                if self._api.has_ended:
                    for left in by_version_requests[number:]:
                        by_version.failed(left)
                    return

    async def _read_files(
        self, crates: list[_Crate], index: Mapping[date, int], absent: int
    ) -> AsyncIterator[FetchResult]:
        """Yield the open days that the archive has, newest first. Each file is read once for all crates.

        At most ``absent`` of them are not in the cache.
        """
        days = sorted({day for crate in crates for day in crate.open if day in index}, reverse=True)
        read = failures = 0
        for number, day in enumerate(days):
            found, needed = self._cache.load(day), _needed(crates, day)
            if needed - found.keys():
                self._api.step("archive files", read, absent)
                read += 1
                try:
                    found = await self._read_file(day, needed | found.keys(), index[day])
                except SourceError as error:
                    failures += 1
                    self._problems.append(error)
                    if self._files.has_ended or failures == FAILURES_IN_A_ROW:
                        break
                    continue
                failures = 0
                self._cache.save(day, found)
            for crate in crates:
                if day in crate.open:
                    total = sum(found[version.id] for version in crate.versions if version.created <= day)
                    crate.answer(day, total, f"{ARCHIVE.name}:{crate.name}")
            if number % DAYS_PER_PART == DAYS_PER_PART - 1:
                for crate in crates:
                    yield crate.part()
        for crate in crates:
            yield crate.part()

    async def _read_file(self, day: date, wanted: set[int], size: int) -> dict[int, int]:
        where = f"{ARCHIVE.title}, archive of {day}"
        return await self._files.read(
            f"/{day}.csv", lambda: DayReader(where, wanted, size), max_bytes=MAX_FILE_BYTES, total=SECONDS_PER_FILE
        )

    def _conclude(self, crate: _Crate) -> FetchResult:
        """Return the final result of a crate, with the notes and the reason for days that are still open."""
        notes, self._notes = tuple(self._notes), []
        if not crate.open:
            return FetchResult(crate.request, notes=notes)
        open_days = f"{crate.request.metric.metric_id}: {_days(crate.open)}"
        if self._problems:
            more = f" and {len(self._problems) - 1} more" if len(self._problems) > 1 else ""
            message = f"{_days(crate.open)} could not be read: {self._problems[0].message}{more}"
            return FetchResult(crate.request, error=reword(self._problems[0], message), notes=notes)
        return FetchResult(crate.request, notes=(*notes, f"{open_days} in neither crates.io's API nor its archive"))


def _by_name(crates: Sequence[_Crate]) -> dict[str, Sequence[Version]]:
    return {crate.name: crate.versions for crate in crates}


def _needed(crates: Sequence[_Crate], day: date) -> set[int]:
    """Return the ids of all versions that were published by that day."""
    return {version.id for crate in crates for version in crate.versions if version.created <= day}


def _days(days: set[date]) -> str:
    if len(days) == 1:
        return f"{min(days)} is"
    return f"{len(days)} days ({min(days)} to {max(days)}) are"


def _duration(seconds: float) -> str:
    return f"about {seconds:.0f} s" if seconds < 100 else f"about {seconds / 60:.0f} min"  # noqa: PLR2004


REGISTRATION = ArchiveRegistration(POLICY, CratesArchive)
