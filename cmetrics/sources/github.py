"""api.github.com: stars, forks and watchers. The current counts, and the history of stars by week.

Since July 2026 the list of stargazers is visible only to members of a repository. On 2026-09-04,
``GET /repos/{owner}/{repo}/stargazers/history`` replaced it (github.blog/changelog): public, newest
week first, seven daily counts a week. It counts current stars by the day on which they were given,
so a removed star lowers the count of an old day.

The response for a repository, which contains the number of stars, also has the counts of forks and watchers
(``subscribers_count``; ``watchers_count`` repeats the stars). Neither has a history.
"""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from typing import Annotated

from pydantic import AfterValidator, AwareDatetime, ConfigDict, Field, JsonValue, TypeAdapter

from cmetrics.domain.days import DAY, last_completed_day
from cmetrics.domain.errors import InvalidResponse, SourceError
from cmetrics.domain.kind import STARS, stock
from cmetrics.domain.metric import SourceSpec
from cmetrics.domain.observation import STAR_COUNT_REF, STAR_HISTORY_REF, DailyValue, StarRef
from cmetrics.http.service import Service
from cmetrics.http.validation import Count, Shape, parse
from cmetrics.sources import github_api
from cmetrics.sources.base import FetchRequest, FetchResult, counter_value, fetch_subjects, reword
from cmetrics.sources.github_api import REPOSITORY_HINT, REPOSITORY_PATTERN, TITLE, GithubClient, next_page
from cmetrics.sources.registration import Registration
from cmetrics.sources.renames import name_taken_over, other_known_repository, rename_warnings

SPEC = SourceSpec(
    name="github",
    title=TITLE,
    service_name="GitHub",
    measures={
        "stars": STARS,
        "forks": replace(
            stock("forks"),
            display_name="GitHub Forks",
            counts="Forks of a repository, as counted by GitHub. Read once a night.",
        ),
        "watchers": replace(
            stock("watchers"),
            display_name="GitHub Watchers",
            counts="Accounts that watch a repository, as counted by GitHub. Read once a night.",
        ),
    },
    sdk=None,
    display_name="GitHub Stars",
    subject_pattern=REPOSITORY_PATTERN,
    subject_hint=REPOSITORY_HINT,
    page="https://github.com/{subject}",
    terms="https://docs.github.com/en/site-policy/github-terms/github-terms-of-service",
    counts="Stars at the end of a day, read once a night; earlier days are reconstructed from current stargazers, so "
    "removed stars are not included. GitHub's day boundaries may differ from UTC by up to a day.",
    served_days=None,
    first_days=730,
    # What the first page of the history covers on every day of the week: 29 weeks and today's.
    settling_days=203,
)

WEEKS_PER_PAGE = 30
LAST_PAGE = 100
#: The pages shift when a new week begins, which happens once a week, so a second attempt is enough.
HISTORY_ATTEMPTS = 2
#: A count and a history fetched a moment apart may differ by a star.
TOLERANCE = 1
#: A history that exceeds the current count by up to this number, or this share, is used with a warning.
SMALL_EXCESS, SMALL_EXCESS_SHARE = 10, 0.1


def _subject(text: str) -> str:
    if re.fullmatch(SPEC.subject_pattern, text) is None:
        msg = f"is not {SPEC.subject_hint}"
        raise ValueError(msg)
    return text


class Repository(Shape):
    """The fields of ``GET /repos/{owner}/{repo}`` that are used. Only the count is required."""

    stargazers_count: Count
    id: int | None = None
    full_name: Annotated[str, AfterValidator(_subject)] | None = None
    created_at: Annotated[AwareDatetime, Field(strict=False)] | None = None
    #: Parsed when they are used, so that an invalid one does not affect the stars.
    forks_count: JsonValue = None
    subscribers_count: JsonValue = None

    def name(self, subject: str) -> str:
        """Return the current name of the repository."""
        return self.full_name or subject

    @property
    def created(self) -> date:
        """The UTC day on which it was created."""
        return self.created_at.astimezone(UTC).date() if self.created_at else date.min


class _Week(Shape):
    week: Annotated[int, Field(ge=0, le=2**33)]
    days: Annotated[list[Count], Field(min_length=7, max_length=7)]
    #: Missing in one recorded answer.
    total: Count | None = None


Weeks = dict[date, tuple[int, ...]]

#: The field that has the count, for counts without a history.
_FIELDS = {"forks": "forks_count", "watchers": "subscribers_count"}
_COUNT = TypeAdapter(Count, config=ConfigDict(strict=True))
_REPOSITORY = TypeAdapter(Repository)
_WEEKS = TypeAdapter(list[_Week])


def parse_repository(body: bytes, subject: str) -> Repository:
    """Return the current state of the repository."""
    return parse(_REPOSITORY, body, f"api.github.com, repository {subject}")


def parse_count(repository: Repository, count: str, subject: str) -> int:
    """Return the current ``count`` of the repository: ``forks`` or ``watchers``."""
    value = json.dumps(getattr(repository, _FIELDS[count])).encode()
    return parse(_COUNT, value, f"api.github.com, {count} of {subject},")


def parse_history(body: bytes, subject: str) -> Weeks:
    """Return the stars added per day, by the first day of each week, newest week first as received."""
    where = f"api.github.com, star history of {subject}"
    weeks: Weeks = {}
    for row in parse(_WEEKS, body, where):
        if row.total is not None and row.total != sum(row.days):
            msg = f"{where}, a week's total is not the sum of its days"
            raise InvalidResponse(msg)
        first = datetime.fromtimestamp(row.week, UTC).date()
        if first in weeks:
            msg = f"{where} lists the week of {first} twice"
            raise InvalidResponse(msg)
        weeks[first] = tuple(row.days)
    return weeks


def check_past(weeks: Weeks, last: date, subject: str) -> None:
    """Raise InvalidResponse for stars added after ``last``: they would be subtracted from every earlier day."""
    ahead = [day for first, week in weeks.items() for i, n in enumerate(week) if n and (day := first + i * DAY) > last]
    if ahead:
        msg = (
            f"api.github.com, star history of {subject}, lists stars for the future day {max(ahead)}; "
            "check this machine's clock"
        )
        raise InvalidResponse(msg)


def is_gapless(weeks: Weeks) -> bool:
    """Return whether the weeks are consecutive."""
    firsts = sorted(weeks)
    return all(later - earlier == timedelta(days=7) for earlier, later in pairwise(firsts))


def cumulative(count: int, weeks: Weeks, created: date, days: Sequence[date]) -> dict[date, int]:
    """Return the stars at the end of each of ``days``: the current count minus the stars gained since.

    Only days that the weeks cover, and none before the repository existed. Never less than 0, nor more
    than ``count``.
    """
    wanted = {day for day in days if day >= created}
    gains = {first + i * DAY: gained for first, week in weeks.items() for i, gained in enumerate(week)}
    if not gains:
        return dict.fromkeys(sorted(wanted), 0) if count == 0 else {}
    held, found = count, dict[date, int]()
    for day in sorted(gains, reverse=True):
        if day in wanted:
            found[day] = max(held, 0)
        held -= gains[day]
    return dict(sorted(found.items()))


def excess(count: int, weeks: Weeks) -> int:
    """Return by how many stars the weeks exceed ``count``; 0 if they do not."""
    return max(0, sum(map(sum, weeks.values())) - count)


def is_small_excess(stars: int, count: int) -> bool:
    """Return whether an excess may come from counting at different moments, not from another repository."""
    return stars <= max(SMALL_EXCESS, count * SMALL_EXCESS_SHARE)


def given(weeks: Weeks, day: date) -> int | None:
    """Return the current stars that were added on ``day``; None if the weeks do not cover it."""
    return next(
        (week[(day - first).days] for first, week in weeks.items() if 0 <= (day - first).days < len(week)), None
    )


def surplus(count: int, weeks: Weeks, created: date) -> int | None:
    """Return the current count minus the stars of the whole history; None if the history is incomplete."""
    if not weeks or min(weeks) > created:
        return None
    return count - sum(map(sum, weeks.values()))


@dataclass(frozen=True, slots=True)
class _History:
    """A star history as fetched once."""

    weeks: Weeks
    #: Whether a new week began while the pages were fetched.
    has_shifted: bool = False
    #: Whether it was fetched completely. It may begin after the first requested day.
    is_whole: bool = False
    #: The reason why it cannot be used.
    problem: str | None = None


class Github:
    """See :class:`cmetrics.sources.base.Source`."""

    spec = SPEC

    def __init__(self, client: Service) -> None:
        self._client = client
        self._api = GithubClient(client)
        self._warnings: list[str] = []

    async def fetch(self, requests: Sequence[FetchRequest]) -> AsyncIterator[FetchResult]:
        """Yield one result per request.

        All counts of a repository come from one request to the service, its star history from one request per
        required page.
        """
        async for result in fetch_subjects(requests, SPEC.canonical, self._fetch):
            yield result

    async def _fetch(self, requests: Sequence[FetchRequest]) -> list[FetchResult]:
        subject = requests[0].metric.subject
        self._api.select(subject)
        repository = parse_repository((await self._api.get(f"/repos/{subject}")).body, subject)
        results: list[FetchResult] = []
        for request in requests:
            try:
                await self._check_number(request, repository)
                if request.metric.measure.is_stars:
                    results.append(await self._fetch_stars(request, repository))
                else:
                    results.append(self._build_count(request, repository))
            except SourceError as error:
                results.append(FetchResult(request, error=error))
        return results

    def _build_count(self, request: FetchRequest, repository: Repository) -> FetchResult:
        """Return the current count of forks or watchers."""
        subject = request.metric.subject
        count, name = parse_count(repository, request.metric.count, subject), repository.name(subject)
        identity = None if repository.id is None else str(repository.id)
        value = counter_value(request, count, self._client.now(), identity=identity, subject=name)
        renamed = rename_warnings(request, name, repository.id)
        return FetchResult(request, (value,), warnings=(*self._api.take_warnings(), *renamed))

    async def _fetch_stars(self, request: FetchRequest, repository: Repository) -> FetchResult:
        """Return the stars of the requested days. Raises SourceError only if no day could be read."""
        self._warnings = []
        name = repository.name(request.metric.subject)
        renamed = rename_warnings(request, name, repository.id)
        ref = StarRef(name, repository.id)
        count = repository.stargazers_count
        try:
            held, gained = await self._held(repository, name, request)
        except SourceError as error:
            current = DailyValue(request.last_day, count, ref.text(STAR_COUNT_REF))
            without = self._without_history(request, current, error)
            return replace(without, warnings=(*without.warnings, *renamed))
        values = {day: DailyValue(day, value, ref.text(STAR_HISTORY_REF)) for day, value in held.items()}
        if request.take_current:
            read = replace(ref, gained=gained).text(STAR_COUNT_REF)
            values[request.last_day] = DailyValue(request.last_day, count, read)
        warnings = (*self._api.take_warnings(), *self._warnings, *renamed)
        return FetchResult(request, tuple(values[day] for day in sorted(values)), warnings=warnings)

    async def _check_number(self, request: FetchRequest, repository: Repository) -> None:
        """Raise InvalidResponse if the name now belongs to another repository."""
        known = other_known_repository(request, repository.id)
        if known is None:
            return
        name = None
        with suppress(SourceError):
            name = parse_repository((await self._api.get(f"/repositories/{known}")).body, f"with id {known}").full_name
        raise InvalidResponse(name_taken_over(request, repository.id, known, name))

    def _without_history(self, request: FetchRequest, current: DailyValue, error: SourceError) -> FetchResult:
        """Return only the newest day, with the current count. Missing days before it stay missing."""
        values = (current,) if request.last_day in request.missing else ()
        if request.take_current:
            warning = f"{request.metric.metric_id}: past days were not updated, the star history failed ({error})"
            return FetchResult(request, values, warnings=(*self._api.take_warnings(), *self._warnings, warning))
        stands = (
            f"; only the current count was stored, for {request.last_day}; days before it stay missing"
            if values
            else ""
        )
        failure = reword(error, f"star history failed: {error.message}{stands}")
        return FetchResult(request, values, error=failure, warnings=(*self._api.take_warnings(), *self._warnings))

    async def _held(
        self, repository: Repository, name: str, request: FetchRequest
    ) -> tuple[dict[date, int], int | None]:
        """Return the stars on each requested day, and the number added on the last one.

        The history is fetched a second time if the first attempt is incomplete or contradicts the count.
        Raises InvalidResponse if the second attempt is too.
        """
        created = repository.created
        since = max(request.days[0], created)
        for reading in range(HISTORY_ATTEMPTS):
            if reading:
                repository = parse_repository((await self._api.get(f"/repos/{name}")).body, name)
            reread = reading < HISTORY_ATTEMPTS - 1
            history = await self._read_history(name, since)
            weeks, count = history.weeks, repository.stargazers_count
            # GitHub's days may begin up to a day before UTC days.
            check_past(weeks, self._client.now().astimezone(UTC).date() + DAY, name)
            if history.problem is None and not is_gapless(weeks):
                history = replace(history, problem="has a gap between its weeks")
            ends_early = history.is_whole and bool(weeks) and min(weeks) > since
            fewer = surplus(count, weeks, min(weeks) if ends_early else created) or 0
            if history.problem is None and ends_early and fewer > TOLERANCE:
                history = replace(history, problem=f"ends with the week of {min(weeks)} and lacks {fewer} stars")
            more = excess(count, weeks)
            if reread and (history.problem or history.has_shifted or max(fewer, more) > TOLERANCE):
                continue
            if history.problem is None and not is_small_excess(more, count):
                history = replace(history, problem=f"has {more} more stars than the repository")
            if history.problem is not None:
                msg = f"api.github.com, star history of {name}, {history.problem}"
                raise InvalidResponse(msg, service=SPEC.title)
            if max(fewer, more) > TOLERANCE:
                self._warn_of_difference(request, name, count, fewer, more)
            held = cumulative(count, weeks, created, request.days)
            if request.days[-1] >= created and request.days[-1] not in held:
                msg = f"api.github.com, star history of {name}, does not reach {request.days[-1]}"
                raise InvalidResponse(msg, service=SPEC.title)
            return held, given(weeks, request.last_day)
        msg = "unreachable: the last reading returns or raises"
        raise AssertionError(msg)

    def _warn_of_difference(self, request: FetchRequest, name: str, count: int, fewer: int, more: int) -> None:
        what = f"{request.metric.metric_id}: the star history of {name} has"
        if more > TOLERANCE:
            self._warnings.append(
                f"{what} {more} more stars than the repository ({count:,}); early days are limited to 0"
            )
        else:
            self._warnings.append(
                f"{what} {fewer} fewer stars than the repository; they are counted as given before its first day"
            )

    async def _read_history(self, full_name: str, since: date) -> _History:
        """Fetch the weeks back to the one that contains ``since``.

        If a page begins with a week of the previous page, a new week has begun in between. If a week is on two pages,
        the newer page is used.
        """
        weeks: Weeks = {}
        has_shifted = False
        page: int | None = 1
        pages = (last_completed_day(self._client.now()) - since).days // (7 * WEEKS_PER_PAGE) + 1
        is_announced = False
        while page is not None and page <= LAST_PAGE:
            self._client.step("pages of star history", page - 1, pages)
            response = await self._api.get(
                f"/repos/{full_name}/stargazers/history", {"per_page": str(WEEKS_PER_PAGE), "page": str(page)}
            )
            found = parse_history(response.body, full_name)
            following = next_page(response, page, len(found), WEEKS_PER_PAGE)
            if not found and (is_announced or following is not None):
                return _History(weeks, has_shifted, problem=f"has an empty page ({page}) before its last one")
            has_shifted = has_shifted or not found.keys().isdisjoint(weeks)
            weeks = found | weeks
            if found and min(found) <= since:
                return _History(weeks, has_shifted)
            is_announced = following is not None and "link" in response.headers
            page = following
        return _History(weeks, has_shifted, is_whole=True)


REGISTRATION = Registration(SPEC, github_api.policy, Github)
