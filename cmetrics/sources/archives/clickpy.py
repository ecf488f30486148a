"""ClickPy: PyPI downloads per day since 2016, in public ClickHouse tables, queried with SQL over HTTP.

From ClickHouse/clickpy (`ClickHouse.md`, `scripts/`): counts are in SummingMergeTree tables, so the count of a day is
always ``sum(count)``. Days can be weeks late, and wrong days are deleted and loaded again.

It counts every download in the BigQuery data set and does not filter by Python version, so its counts are close to
those of pypistats.org but not equal. The difference is reported; values of both are never combined.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date

from pydantic import TypeAdapter

from cmetrics.domain.errors import InvalidResponse, SourceError
from cmetrics.domain.observation import STAND_IN_REF, DailyValue
from cmetrics.http.service import Service
from cmetrics.http.validation import Day, Shape, by_day
from cmetrics.sources.availability import Availability, build_registry_totals, resolve_days
from cmetrics.sources.base import FetchRequest, FetchResult
from cmetrics.sources.clickhouse import CUT_AT, DAY_COUNT, Number, day_params, parse_rows, policy, quote_names
from cmetrics.sources.overlap import compare_overlap
from cmetrics.sources.pypistats import ARCHIVE, normalize
from cmetrics.sources.registration import ArchiveRegistration

POLICY = policy(ARCHIVE.title)

#: Projects with downloads on every day. A day without rows for them is not in the tables.
ALWAYS_THERE = ("pip", "setuptools", "requests", "urllib3")

_ALL = "pypi.pypi_downloads_per_day"
_BY_INSTALLER = "pypi.pypi_downloads_per_day_by_version_by_installer_by_type"
_OUTLINE = "toYear(date) AS year, min(date) AS oldest, max(date) AS newest, uniqExact(date) AS days"
#: The filter of pypistats.org's `without_mirrors`. In these tables, an unknown installer (NULL) is an empty text.
_NO_MIRRORS = "AND installer NOT IN ('bandersnatch', 'z3c.pypimirror', 'Artifactory', 'devpi', '')"


class Year(Shape):
    """The days of one year in a table."""

    year: Number
    oldest: Day
    newest: Day
    days: Number
    #: The project; empty for the sum of all projects.
    project: str = ""


_YEAR = TypeAdapter(Year)


@dataclass(frozen=True, slots=True)
class Series:
    """The projects whose downloads are queried, and the table."""

    projects: tuple[str, ...]
    mirrors: bool = True

    @property
    def where(self) -> str:
        """The name for messages."""
        if self.projects == ALWAYS_THERE:
            return "ClickPy, all of PyPI"
        return f"ClickPy, {'project ' + self.projects[0] if len(self.projects) == 1 else 'several projects'}"

    def _sql(self, select: str, group: str) -> bytes:
        table, installers = (_ALL, "") if self.mirrors else (_BY_INSTALLER, _NO_MIRRORS)
        # Every part is a constant of this module; values are parameters.
        return (
            f"SELECT {select} FROM {table} "  # noqa: S608
            "WHERE project IN {projects:Array(String)} AND date BETWEEN {first:Date} AND {last:Date} "
            f"{installers} GROUP BY {group} ORDER BY {group}"
        ).encode()

    def outline(self) -> bytes:
        """Return SQL for one row per year: the number of days, the oldest and the newest one."""
        return self._sql(_OUTLINE, "year")

    def outlines(self) -> bytes:
        """Return SQL for one row per project and year, as `outline`."""
        return self._sql(f"project, {_OUTLINE}", "project, year")

    def days(self) -> bytes:
        """Return SQL for the downloads per day. Summed, because rows of one day may not be merged yet."""
        return self._sql("date, sum(count) AS downloads", "date")

    def params(self, first: date, last: date) -> dict[str, str]:
        """Return the values of the placeholders; the names are PEP 503's, which need no escaping."""
        return {**day_params(first, last), "param_projects": quote_names(self.projects)}


def parse_outline(body: bytes, where: str) -> list[Year]:
    """Return the years that have rows, ascending. Raises InvalidResponse for a list that may be truncated."""
    return parse_rows(_YEAR, body, where, ARCHIVE.title)


def parse_days(body: bytes, year: Year, where: str) -> dict[date, int]:
    """Return the downloads per day of one year. Raises InvalidResponse unless it has every day of its outline."""
    rows = parse_rows(DAY_COUNT, body, where, ARCHIVE.title)
    if len(rows) != year.days:
        msg = f"{where}, returned {len(rows)} of its {year.days} days of {year.year}: truncated, or being reloaded"
        raise InvalidResponse(msg)
    return by_day(((row.date, row.downloads) for row in rows), where)


@dataclass(frozen=True, slots=True)
class _Wanted:
    """A request, and the days to fetch for it."""

    request: FetchRequest
    #: The counts of pypistats.org.
    own: Mapping[date, int]
    #: Ascending.
    days: tuple[date, ...]

    @property
    def series(self) -> Series:
        return Series((normalize(self.request.metric.subject),), mirrors=self.request.metric.mirrors)

    @property
    def compared(self) -> set[date]:
        """The days to fetch, and those to compare."""
        return {*self.days, *self.own}


def days_to_take(request: FetchRequest, own: Mapping[date, int]) -> tuple[date, ...]:
    """Return the archive days of ``request`` for which pypistats.org has no counts.

    A day that it should serve counts as lost only between two days that it has (``own``): a newer day may be late,
    and after a failure, nothing is known.
    """
    served = set(request.days)
    return tuple(
        day
        for day in request.archive_days
        if day not in served or (day not in own and bool(own) and min(own) < day < max(own))
    )


class ClickPy:
    """See :class:`cmetrics.sources.base.Archive`."""

    def __init__(self, client: Service) -> None:
        self._client = client
        #: The days in the tables, for the years that were requested for any package so far.
        self._everything = Series(ALWAYS_THERE)
        self._outline: list[Year] = []
        self._landed: dict[date, int] = {}
        self._covered: set[int] = set()
        self._steps = [0, 0]

    async def fetch(
        self, requests: Sequence[FetchRequest], counts_by_metric: Mapping[str, Mapping[date, int]]
    ) -> AsyncIterator[FetchResult]:
        """Yield one result per request.

        Fetches the range of the tables first, then the outlines of all packages together, then the days
        of each package, year by year.
        """
        wanted: list[_Wanted] = []
        for request in requests:
            own = counts_by_metric.get(request.metric.metric_id, {})
            if days := days_to_take(request, own):
                wanted.append(_Wanted(request, own, days))
            else:
                yield FetchResult(request)
        if not wanted:
            return
        try:
            first = min(min(entry.compared) for entry in wanted)
            self._outline = await self._fetch_outline(self._everything, first, wanted[0].request.last_day)
        except SourceError as error:
            for entry in wanted:
                yield FetchResult(entry.request, error=error)
            return
        outlines: dict[bool, dict[str, list[Year]] | SourceError] = {}
        for mirrors in {entry.series.mirrors for entry in wanted}:
            outlines[mirrors] = await self._fetch_outlines(
                [entry for entry in wanted if entry.series.mirrors is mirrors], mirrors=mirrors
            )
        for number, entry in enumerate(wanted):
            outline = outlines[entry.series.mirrors]
            try:
                if isinstance(outline, SourceError):
                    raise outline
                yield await self._fetch(entry, outline.get(entry.series.projects[0], []), len(wanted) - number)
            except SourceError as error:
                yield FetchResult(entry.request, error=error)

    async def _fetch(self, wanted: _Wanted, outline: Sequence[Year], left: int) -> FetchResult:
        request, package = wanted.request, wanted.series.projects[0]
        if not outline:
            # Even days that pypistats.org has are missing here, so a missing day does not mean 0 downloads.
            return FetchResult(
                request, notes=(f"{request.metric.metric_id}: ClickPy has no data for {package} in this window",)
            )
        first = min(year.oldest for year in outline)
        touched = {day.year for day in wanted.compared if day >= first}
        outline = [year for year in outline if year.year in touched]
        totals = [year for year in self._outline if year.year in touched - self._covered]
        self._steps[1] = self._steps[0] + len(totals) + left * len(outline)
        for year in totals:
            self._landed |= await self._days(self._everything, year)
            self._covered.add(year.year)
        found: dict[date, int] = {}
        for year in outline:
            found |= await self._days(wanted.series, year)
        return self._resolve(wanted, found)

    def _resolve(self, wanted: _Wanted, found: Mapping[date, int]) -> FetchResult:
        request, own, package = wanted.request, wanted.own, wanted.series.projects[0]
        registry_totals = build_registry_totals(self._landed)
        overlap = compare_overlap(
            {day: value for day, value in found.items() if registry_totals.availability(day) is Availability.PUBLISHED},
            own,
        )
        resolved = resolve_days(
            replace(request, days=wanted.days), found, registry_totals, f"{STAND_IN_REF}{package}; {overlap.ref}"
        )
        # pypistats.org may serve a day more than documented.
        values = tuple(
            DailyValue(value.day, own[value.day], f"pypistats:{package}") if value.day in own else value
            for value in resolved.values
        )
        notes = [f"{request.metric.metric_id}: {overlap.sentence}"]
        newest = max((year.newest for year in self._outline), default=None)
        if newest is None or newest < wanted.days[-1]:
            notes.append(f"{request.metric.metric_id}: ClickPy ends on {newest}; later days stay missing")
        return replace(resolved, request=request, values=values, notes=tuple(notes))

    async def _fetch_outline(self, series: Series, first: date, last: date) -> list[Year]:
        answer = await self._client.post("/", series.params(first, last), series.outline())
        return parse_outline(answer.body, series.where)

    async def _fetch_outlines(self, wanted: Sequence[_Wanted], *, mirrors: bool) -> dict[str, list[Year]] | SourceError:
        """Return the years of each package, with as few requests as the row limit allows."""
        first = min(min(entry.compared) for entry in wanted)
        last = max(max(entry.compared) for entry in wanted)
        packages = sorted({entry.series.projects[0] for entry in wanted})
        step = max(1, (CUT_AT - 1) // (last.year - first.year + 1))
        outlines: dict[str, list[Year]] = {}
        try:
            for number in range(0, len(packages), step):
                series = Series(tuple(packages[number : number + step]), mirrors=mirrors)
                answer = await self._client.post("/", series.params(first, last), series.outlines())
                for year in parse_outline(answer.body, series.where):
                    outlines.setdefault(year.project, []).append(year)
        except SourceError as error:
            return error
        return outlines

    async def _days(self, series: Series, year: Year) -> dict[date, int]:
        self._client.step("years of downloads", *self._steps)
        self._steps[0] += 1
        answer = await self._client.post("/", series.params(year.oldest, year.newest), series.days())
        return parse_days(answer.body, year, series.where)


REGISTRATION = ArchiveRegistration(POLICY, lambda _, client, __: ClickPy(client))
