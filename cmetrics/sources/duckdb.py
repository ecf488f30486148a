"""DuckDB extensions: downloads in seven days, for core and community extensions, from two hosts.

From duckdb/extensions-download-count: a job sums Cloudflare's sampled counts of the seven days that end when it runs
(``_last_update``), usually once a week. It writes ``downloads-last-week.json`` and a file of the week, by calendar
year and ISO week without a leading zero; a second run within the week overwrites it, and the last days of December
overwrite the first week of their own calendar year. In older files, a failed job wrote 0. No rate limit is stated.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Annotated

from pydantic import AwareDatetime, Field, JsonValue, TypeAdapter

from cmetrics.domain.days import DAY, last_completed_day, window
from cmetrics.domain.errors import AccessRefused, InvalidResponse, NotFound, SourceError
from cmetrics.domain.kind import rolling
from cmetrics.domain.metric import SourceSpec
from cmetrics.domain.observation import DailyValue
from cmetrics.http.rate_limit import Rate
from cmetrics.http.service import Policy, Service
from cmetrics.http.validation import Count, parse
from cmetrics.sources.base import FetchRequest, FetchResult, window_value
from cmetrics.sources.registration import Registration

CORE, COMMUNITY = "https://extensions.duckdb.org", "https://community-extensions.duckdb.org"
HOSTS = (CORE, COMMUNITY)
WEEK = 7
#: The first weekly file: ISO week 40 of 2024.
FIRST_DAY = date(2024, 9, 30)
#: The updates of both hosts belong to one week if they are less than this apart.
SAME_UPDATE = timedelta(days=3)

SPEC = SourceSpec(
    name="duckdb",
    title="extensions.duckdb.org",
    measures={"downloads": rolling("downloads", WEEK, has_history=True)},
    sdk=None,
    display_name="DuckDB Extension",
    subject_pattern=r"[a-z0-9][a-z0-9_-]{0,99}",
    subject_hint="the name of a DuckDB extension",
    page="https://duckdb.org/community_extensions/extensions/{subject}",
    counts="Downloads of a DuckDB extension in seven days, core and community repository, estimated from samples.",
    first_days=13 * WEEK,
)
POLICY = Policy(
    SPEC.title,
    CORE,
    further_bases=(COMMUNITY,),
    rates=(Rate(2, 1.0),),
    limit_waits=(30.0,),
    # For a week without a file, the object store returns 403.
    refusal_ends=False,
)

_FILE = TypeAdapter(dict[str, JsonValue])
_UPDATE: TypeAdapter[datetime] = TypeAdapter(Annotated[AwareDatetime, Field(strict=False)])
_COUNTS = TypeAdapter(dict[str, Count])


@dataclass(frozen=True, slots=True)
class Update:
    """The counts of one host in the seven days that end at ``at``."""

    at: datetime
    counts: Mapping[str, int]

    @property
    def last_day(self) -> date:
        """The last whole day of the window, which ends at a moment of the following day."""
        return last_completed_day(self.at)


def parse_update(body: bytes, where: str) -> Update:
    """Return the counts of a file by extension."""
    file = parse(_FILE, body, where)
    if "_last_update" not in file:
        msg = f"{where}, sent a file without _last_update"
        raise InvalidResponse(msg)
    try:
        at = _UPDATE.validate_python(file.pop("_last_update"))
    except ValueError:
        msg = f"{where}, sent a file with an unknown _last_update"
        raise InvalidResponse(msg) from None
    if not file:
        msg = f"{where}, sent a file without extensions"
        raise InvalidResponse(msg)
    try:
        counts = _COUNTS.validate_python(file)
    except ValueError:
        msg = f"{where}, sent an invalid count"
        raise InvalidResponse(msg) from None
    return Update(at.astimezone(UTC), counts)


def weekly_paths(days: Sequence[date]) -> list[str]:
    """Return the paths of the weekly files that jobs on the day after each of ``days`` write, oldest first."""
    written = (day + DAY for day in days)
    return list(dict.fromkeys(f"/download-stats-weekly/{day.year}/{day.isocalendar().week}.json" for day in written))


def sum_hosts(updates: Sequence[Update], extension: str) -> tuple[Update, int, int] | None:
    """Return the newest update that has ``extension``, the sum over both hosts, and the number of hosts in it.

    None if no host has it. The hosts are summed only if both have the extension in the same week: an extension that
    moves is first on one host, then on both, then on the other.
    """
    having = [update for update in updates if extension in update.counts]
    if not having:
        return None
    newest = max(having, key=lambda update: update.at)
    summed = [update for update in having if newest.at - update.at < SAME_UPDATE]
    return newest, sum(update.counts[extension] for update in summed), len(summed)


class Duckdb:
    """See :class:`cmetrics.sources.base.Source`."""

    spec = SPEC

    def __init__(self, client: Service) -> None:
        self._client = client
        #: Path → the updates of both hosts. All extensions are in one file.
        self._files: dict[str, list[Update]] = {}

    async def fetch(self, requests: Sequence[FetchRequest]) -> AsyncIterator[FetchResult]:
        """Yield one result per extension. Each file is requested once for all of them.

        A refresh requests the newest file of each host, and weekly files only for older windows that are
        missing; a backfill requests the weekly files of its days.
        """
        for request in requests:
            try:
                yield await self._fetch(request)
            except SourceError as error:
                yield FetchResult(request, error=error)

    async def _fetch(self, request: FetchRequest) -> FetchResult:
        values: dict[date, DailyValue] = {}
        extension = request.metric.subject
        wanted = [day for day in request.days if day >= FIRST_DAY]
        newest = sum_hosts(await self._read("/downloads-last-week.json"), extension)
        if newest is not None:
            self._add(request, newest, values)
            # The window before the newest one ends a week earlier; jobs run up to some days late.
            wanted = [day for day in wanted if day <= newest[0].last_day - timedelta(days=WEEK - 1)]
        has_past = await self._past(request, wanted, values)
        if newest is None and not has_past and request.known is None:
            msg = f"{SPEC.title}, extension {extension}: not found"
            raise NotFound(msg, service=SPEC.title)
        return FetchResult(request, tuple(values[day] for day in sorted(values)))

    async def _past(self, request: FetchRequest, days: Sequence[date], values: dict[date, DailyValue]) -> bool:
        """Add the windows of the weekly files of ``days``. Return whether any file has the extension."""
        found = False
        paths = weekly_paths(days)
        for number, path in enumerate(paths):
            self._client.step("weekly files", number, len(paths))
            summed = sum_hosts(await self._read(path, may_be_missing=True), request.metric.subject)
            if summed is not None:
                found = True
                # An older version of the job wrote 0 when it failed.
                if summed[1]:
                    self._add(request, summed, values)
        return found

    def _add(self, request: FetchRequest, summed: tuple[Update, int, int], values: dict[date, DailyValue]) -> None:
        update, downloads, hosts = summed
        if update.last_day not in request.days:
            return
        remark = f"sum of {hosts} hosts" if hosts > 1 else None
        values[update.last_day] = window_value(
            request,
            downloads,
            update.last_day,
            self._client.now(),
            first_day=window(update.last_day, WEEK),
            remark=remark,
        )

    async def _read(self, path: str, *, may_be_missing: bool = False) -> list[Update]:
        if path not in self._files:
            updates: list[Update] = []
            for host in HOSTS:
                try:
                    body = (await self._client.get(f"{host}{path}")).body
                except (NotFound, AccessRefused):
                    if not may_be_missing:
                        raise
                    continue
                updates.append(parse_update(body, f"{host.removeprefix('https://')}{path}"))
            self._files[path] = updates
        return self._files[path]


REGISTRATION = Registration(SPEC, lambda _: POLICY, Duckdb)
