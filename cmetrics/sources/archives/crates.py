"""crates.io beyond its 90 days: by version while the service still has the rows, else from daily files."""

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
    VersionQuestion,
    fetch_versions,
    hole,
    version_questions,
)
from cmetrics.sources.base import FetchRequest, FetchResult, reword
from cmetrics.sources.cratesio import ARCHIVE

#: https://crates.io/data-access prefers these files to the API and names no limit for them; one
#: after the other is enough.
POLICY = Policy(
    ARCHIVE.title,
    "https://static.crates.io/archive/version-downloads",
    rates=(Rate(1, 0.05),),
    limit_waits=(30.0,),
    # Object stores say 403 of a file that is not there.
    refusal_ends=False,
    headers={"Accept": "*/*"},
)

#: For the estimate: what a request takes beside the pace, and what a file's bytes take.
SECONDS_PER_REQUEST = 0.2
BYTES_PER_SECOND = 4_000_000
#: A day of 2026 has some 10 MB.
MAX_FILE_BYTES = 256 * 2**20
SECONDS_PER_FILE = 900.0
#: Days read from files are handed on in parts of so many, so that they are stored as they come.
DAYS_PER_PART = 20
#: So many files in a row that cannot be used: it is not the files.
FAILURES_IN_A_ROW = 5


@dataclass(slots=True)
class _Crate:
    """A question, and how far it is answered."""

    request: FetchRequest
    versions: Sequence[Version]
    #: Days without a value yet; none before the first publication.
    open: set[date]
    values: list[DailyValue] = field(default_factory=list)

    @property
    def name(self) -> str:
        """Of the crate."""
        return self.request.metric.subject

    def answer(self, day: date, value: int, ref: str) -> None:
        """Settle a day."""
        self.open.discard(day)
        self.values.append(DailyValue(day, value, ref))

    def take(self, by_version: ByVersion) -> FetchResult:
        """The open days that the answers by version settle."""
        for day in sorted(self.open):
            value = by_version.stated(self.name, day)
            if value is not None:
                self.answer(day, value, f"cratesio:{self.name}; by version")
        return self.part()

    def part(self) -> FetchResult:
        """The values since the last part."""
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
        stated_by_source: Mapping[str, Mapping[date, int]],  # noqa: ARG002
    ) -> AsyncIterator[FetchResult]:
        """Versions of each crate, then the day between API and archive, then whichever costs less time."""
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
        between = hole(requests[0].last_day)
        # Stored by an earlier run, it has been read while the API still answered for it.
        probed = [crate for crate in crates if between in crate.open & crate.request.missing]
        questions = version_questions(_named(probed), [between])
        if questions:
            self._choose(
                f"crates.io, {between}: read from {len(questions)} requests by version; "
                "the day is in neither the crate's answer nor the archive"
            )
        await self._ask_versions(by_version, questions)
        for crate in crates:
            yield crate.take(by_version)
        older = {day for crate in crates for day in crate.open if day < between}
        if older:
            forgets = any(day > between - DAYS_PER_ANSWER * DAY for crate in probed for day in crate.open - {between})
            async for result in self._older(by_version, crates, sorted(older), forgets=forgets):
                yield result
        for crate in crates:
            yield self._last_words(crate)

    async def _older(
        self, by_version: ByVersion, crates: list[_Crate], days: list[date], *, forgets: bool
    ) -> AsyncIterator[FetchResult]:
        """``days`` by the way that takes less time; ``forgets``: crates.io has shown that it lacks them."""
        index: dict[date, int] = {}
        try:
            index = parse_index((await self._files.get("/index.json")).body)
        except SourceError as error:
            self._problems.append(error)
        absent = [day for day in days if day in index and _needed(crates, day) - self._cache.load(day).keys()]
        size = sum(index[day] for day in absent)
        questions = version_questions(_named(crates), days)
        file_seconds = (
            len(absent) * (self._files.policy.seconds_per_request + SECONDS_PER_REQUEST) + size / BYTES_PER_SECOND
        )
        version_seconds = len(questions) * (self._api.policy.seconds_per_request + SECONDS_PER_REQUEST)
        by_file = f"{len(absent)} archive files ({size / 1e6:.1f} MB, {_words(file_seconds)})"
        by_version_words = f"{len(questions)} requests by version ({_words(version_seconds)})"
        span = f"crates.io, {days[0]} to {days[-1]}: read from"
        if index and (forgets or file_seconds <= version_seconds):
            why = "because crates.io no longer has these days" if forgets else "which would take longer"
            self._choose(f"{span} {by_file}, not by {by_version_words}, {why}")
        elif not forgets:
            why = "which would take longer" if index else "whose index could not be read"
            self._choose(f"{span} {by_version_words}, not from {by_file}, {why}")
            await self._ask_versions(by_version, questions)
            for crate in crates:
                yield crate.take(by_version)
        async for result in self._read_files(crates, index, len(absent)):
            yield result

    def _choose(self, text: str) -> None:
        self._api.log(text)
        self._notes.append(text)

    async def _ask_versions(self, by_version: ByVersion, questions: Sequence[VersionQuestion]) -> None:
        for number, question in enumerate(questions):
            self._api.step("requests by version", number, len(questions))
            try:
                by_version.add(question, await question.fetch(self._api))
            except SourceError as error:
                by_version.failed(question)
                self._problems.append(error)
                if self._api.has_ended:
                    for left in questions[number:]:
                        by_version.failed(left)
                    return

    async def _read_files(
        self, crates: list[_Crate], index: Mapping[date, int], absent: int
    ) -> AsyncIterator[FetchResult]:
        """The open days that the archive has, newest first, each file once for all crates.

        ``absent`` of them, at most, are not in the cache.
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

    def _last_words(self, crate: _Crate) -> FetchResult:
        """What is left to say of a crate: notes once, and why days of it are still open."""
        notes, self._notes = tuple(self._notes), []
        if not crate.open:
            return FetchResult(crate.request, notes=notes)
        open_days = f"{crate.request.metric.metric_id}: {_days(crate.open)}"
        if self._problems:
            more = f" and {len(self._problems) - 1} more" if len(self._problems) > 1 else ""
            message = f"{_days(crate.open)} could not be read: {self._problems[0].message}{more}"
            return FetchResult(crate.request, error=reword(self._problems[0], message), notes=notes)
        return FetchResult(crate.request, notes=(*notes, f"{open_days} in neither crates.io's API nor its archive"))


def _named(crates: Sequence[_Crate]) -> dict[str, Sequence[Version]]:
    return {crate.name: crate.versions for crate in crates}


def _needed(crates: Sequence[_Crate], day: date) -> set[int]:
    """Ids of all versions that can have downloads on that day."""
    return {version.id for crate in crates for version in crate.versions if version.created <= day}


def _days(days: set[date]) -> str:
    if len(days) == 1:
        return f"{min(days)} is"
    return f"{len(days)} days ({min(days)} to {max(days)}) are"


def _words(seconds: float) -> str:
    return f"about {seconds:.0f} s" if seconds < 100 else f"about {seconds / 60:.0f} min"  # noqa: PLR2004
