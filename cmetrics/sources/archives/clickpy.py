"""ClickPy: PyPI downloads per day since 2016, in public tables of ClickHouse, asked by SQL over HTTP.

From ClickHouse/clickpy (`ClickHouse.md`, `scripts/`): counts lie in SummingMergeTree tables, so a
day is always ``sum(count)``; a result of more than 1,000 rows may be cut there without a word; days
stall for weeks, and bad days are deleted and loaded again. It counts every download that the
BigQuery data set holds and applies no filter of Python versions, so it is near pypistats.org's
count and not equal to it: the difference is stated, and no value is a mixture of both.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Annotated

from pydantic import BeforeValidator, TypeAdapter

from cmetrics.domain.errors import InvalidResponse, SourceError
from cmetrics.domain.observation import STAND_IN_REF, DailyValue, parse_count
from cmetrics.domain.sanitize import sanitize
from cmetrics.http.rate_limit import Rate
from cmetrics.http.service import Policy, Service
from cmetrics.http.validation import Count, Day, Shape, by_day, parse
from cmetrics.sources.availability import Availability, build_registry_totals, resolve_days
from cmetrics.sources.base import FetchRequest, FetchResult
from cmetrics.sources.overlap import compare_overlap
from cmetrics.sources.pypistats import ARCHIVE, normalize

#: A public demonstration server without a stated limit.
POLICY = Policy(
    ARCHIVE.title, "https://sql-clickhouse.clickhouse.com", rates=(Rate(1, 1.0),), limit_waits=(5.0, 15.0, 30.0)
)

#: `max_result_rows` of the public role, with overflow mode `break` (`scripts/create_user.sh`).
CUT_AT = 1000
#: Projects that somebody downloads on every day: where they have no row, the day is not there.
ALWAYS_THERE = ("pip", "setuptools", "requests", "urllib3")

_ALL = "pypi.pypi_downloads_per_day"
_BY_INSTALLER = "pypi.pypi_downloads_per_day_by_version_by_installer_by_type"
#: pypistats.org's `without_mirrors`; the import made the unknown installer (NULL) an empty text.
_NO_MIRRORS = "AND installer NOT IN ('bandersnatch', 'z3c.pypimirror', 'Artifactory', 'devpi', '')"


def _number(value: object) -> object:
    """A server setting decides whether 64-bit integers are JSON numbers or texts."""
    return parse_count(value) if isinstance(value, str) else value


Number = Annotated[Count, BeforeValidator(_number)]


class Year(Shape):
    """What a table holds of one year."""

    year: Number
    oldest: Day
    newest: Day
    days: Number


class _DayCount(Shape):
    date: Day
    downloads: Number


_YEAR, _DAY_COUNT = TypeAdapter(Year), TypeAdapter(_DayCount)


@dataclass(frozen=True, slots=True)
class Series:
    """Whose downloads: the table, and the projects summed."""

    projects: tuple[str, ...]
    mirrors: bool = True

    @property
    def where(self) -> str:
        """For messages."""
        return f"ClickPy, {'project ' + self.projects[0] if len(self.projects) == 1 else 'all of PyPI'}"

    def _sql(self, select: str, group: str) -> bytes:
        table, installers = (_ALL, "") if self.mirrors else (_BY_INSTALLER, _NO_MIRRORS)
        # Every part is a constant of this module; values travel as parameters.
        return (
            f"SELECT {select} FROM {table} "  # noqa: S608
            "WHERE project IN {projects:Array(String)} AND date BETWEEN {first:Date} AND {last:Date} "
            f"{installers} GROUP BY {group} ORDER BY {group}"
        ).encode()

    def outline(self) -> bytes:
        """Per year: how many days there are, the oldest and the newest one."""
        return self._sql(
            "toYear(date) AS year, min(date) AS oldest, max(date) AS newest, uniqExact(date) AS days", "year"
        )

    def days(self) -> bytes:
        """Per day: downloads. Rows of one day may not be merged yet, hence the sum."""
        return self._sql("date, sum(count) AS downloads", "date")

    def params(self, first: date, last: date) -> dict[str, str]:
        """The values of the placeholders; the names are PEP 503's, which need no escaping."""
        names = ",".join(f"'{name}'" for name in self.projects)
        return {
            "user": "demo",
            "default_format": "JSONEachRow",
            "param_projects": f"[{names}]",
            "param_first": first.isoformat(),
            "param_last": last.isoformat(),
        }


def parse_outline(body: bytes, where: str) -> list[Year]:
    """The years that hold anything, ascending."""
    return [parse(_YEAR, line, where) for line in _lines(body, where)]


def parse_days(body: bytes, year: Year, where: str) -> dict[date, int]:
    """Downloads per day of one year; UnexpectedAnswer unless it is every day of its outline."""
    rows = [parse(_DAY_COUNT, line, where) for line in _lines(body, where)]
    if len(rows) >= CUT_AT or len(rows) != year.days:
        msg = f"{where}, sent {len(rows)} days of {year.year} where it has {year.days}: cut, or just being loaded again"
        raise InvalidResponse(msg)
    return by_day(((row.date, row.downloads) for row in rows), where)


def _lines(body: bytes, where: str) -> list[bytes]:
    """The rows, one JSON object a line. An error may follow them, although the status was 200."""
    *lines, rest = body.split(b"\n")
    said = next((line for line in (*lines, rest) if b"DB::Exception" in line or line.startswith(b"Code:")), None)
    if said is not None:
        msg = f"{where}, broke off: {sanitize(said.decode('utf-8', 'replace'), limit=160)}"
        raise InvalidResponse(msg)
    if rest:
        start = sanitize(rest[:40].decode("utf-8", "replace"))
        msg = f"{where}, sent an answer that is no list of rows, or ends within one ({start!r})"
        raise InvalidResponse(msg)
    return lines


class ClickPy:
    """See :class:`cmetrics.sources.base.Archive`."""

    def __init__(self, client: Service) -> None:
        self._client = client
        #: What is there at all, of the years that any package was asked for so far.
        self._everything = Series(ALWAYS_THERE)
        self._outline: list[Year] = []
        self._landed: dict[date, int] = {}
        self._covered: set[int] = set()
        self._steps = [0, 0]

    async def fetch(
        self, requests: Sequence[FetchRequest], stated_by_source: Mapping[str, Mapping[date, int]]
    ) -> AsyncIterator[FetchResult]:
        """How far the tables reach, then package by package: its years, and the days of each year."""
        try:
            first = min(day for request in requests for day in request.archive_days)
            self._outline = await self._years(self._everything, first, requests[0].last_day)
        except SourceError as error:
            for request in requests:
                yield FetchResult(request, error=error)
            return
        for number, request in enumerate(requests):
            try:
                yield await self._fetch(
                    request, stated_by_source.get(request.metric.metric_id, {}), len(requests) - number
                )
            except SourceError as error:
                yield FetchResult(request, error=error)

    async def _fetch(self, request: FetchRequest, own: Mapping[date, int], left: int) -> FetchResult:
        package = normalize(request.metric.subject)
        series = Series((package,), mirrors=request.metric.mirrors)
        wanted = {*request.archive_days, *own}
        outline = await self._years(series, min(wanted), max(wanted))
        if not outline:
            # Not even a day that pypistats.org states: nothing here is a sign of a day without downloads.
            return FetchResult(
                request, notes=(f"{request.metric.metric_id}: ClickPy holds no day of {package} in this window",)
            )
        first = min(year.oldest for year in outline)
        touched = {day.year for day in wanted if day >= first}
        outline = [year for year in outline if year.year in touched]
        totals = [year for year in self._outline if year.year in touched - self._covered]
        self._steps[1] = self._steps[0] + len(totals) + left * len(outline)
        for year in totals:
            self._landed |= await self._days(self._everything, year)
            self._covered.add(year.year)
        found: dict[date, int] = {}
        for year in outline:
            found |= await self._days(series, year)
        return self._judge(request, found, own, package)

    def _judge(
        self, request: FetchRequest, found: Mapping[date, int], own: Mapping[date, int], package: str
    ) -> FetchResult:
        registry_totals = build_registry_totals(self._landed)
        overlap = compare_overlap(
            {day: value for day, value in found.items() if registry_totals.availability(day) is Availability.LANDED},
            own,
        )
        judged = resolve_days(
            replace(request, days=request.archive_days),
            found,
            registry_totals,
            f"{STAND_IN_REF}{package}; {overlap.ref}",
        )
        # pypistats.org may hold a day more than it promises.
        values = tuple(
            DailyValue(value.day, own[value.day], f"pypistats:{package}") if value.day in own else value
            for value in judged.values
        )
        notes = [f"{request.metric.metric_id}: {overlap.sentence}"]
        newest = max((year.newest for year in self._outline), default=None)
        if newest is None or newest < request.archive_days[-1]:
            notes.append(f"{request.metric.metric_id}: ClickPy ends on {newest}; days after it stay absent")
        return replace(judged, request=request, values=values, notes=tuple(notes))

    async def _years(self, series: Series, first: date, last: date) -> list[Year]:
        answer = await self._client.post("/", series.params(first, last), series.outline())
        return parse_outline(answer.body, series.where)

    async def _days(self, series: Series, year: Year) -> dict[date, int]:
        self._client.step("years of downloads", *self._steps)
        self._steps[0] += 1
        answer = await self._client.post("/", series.params(year.oldest, year.newest), series.days())
        return parse_days(answer.body, year, series.where)
