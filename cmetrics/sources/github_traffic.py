"""GitHub traffic: views and clones of a repository per day, the last 14 days, for people with push access.

From docs.github.com, "REST API endpoints for repository traffic": days are UTC days; a token needs push
access (classic: ``repo`` or ``public_repo``; fine-grained: Administration, read). The token of a workflow
never has it. Days without traffic are left out, and unique visitors of several days must not be summed.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date
from typing import Annotated

from pydantic import AwareDatetime, Field, SecretStr, TypeAdapter

from cmetrics.domain.days import day_range
from cmetrics.domain.errors import InvalidResponse, TokenRefused
from cmetrics.domain.kind import Measure, flow
from cmetrics.domain.metric import SourceSpec
from cmetrics.domain.observation import DailyValue
from cmetrics.http.service import Policy, Service
from cmetrics.http.validation import Count, Shape, by_day, parse
from cmetrics.sources import github_api
from cmetrics.sources.base import FetchRequest, FetchResult, fetch_subjects, reword
from cmetrics.sources.registration import Registration

TOKEN_VARIABLE = "CMETRICS_TRAFFIC_TOKEN"  # noqa: S105 - the name of a variable
DAYS = 14


def _measure(what: str, title: str, *, unique: bool = False) -> Measure:
    measure = replace(flow(what), display_name=f"GitHub {title}")
    return replace(measure, adds_up=False) if unique else measure


SPEC = SourceSpec(
    name="github-traffic",
    title="api.github.com (traffic)",
    measures={
        "views": _measure("views", "Views"),
        "clones": _measure("clones", "Clones"),
        "unique-visitors": _measure("unique_visitors", "Unique Visitors", unique=True),
        "unique-cloners": _measure("unique_cloners", "Unique Cloners", unique=True),
    },
    sdk=None,
    display_name="GitHub Traffic",
    subject_pattern=github_api.REPOSITORY_PATTERN,
    subject_hint=github_api.REPOSITORY_HINT,
    page="https://github.com/{subject}",
    terms="https://docs.github.com/en/site-policy/github-terms/github-terms-of-service",
    counts="Views and clones of a repository by UTC day, as GitHub reports them to its maintainers. Most clones are "
    "made by automation.",
    served_days=DAYS,
    first_days=DAYS,
    settling_days=DAYS,
    token_variable=TOKEN_VARIABLE,
)

#: Name of the count → path of its list, and whether it counts unique people.
LISTS = {
    "views": ("views", False),
    "unique-visitors": ("views", True),
    "clones": ("clones", False),
    "unique-cloners": ("clones", True),
}


def policy(token: SecretStr | None) -> Policy:
    """Return the request policy. Without ``token``, the token for traffic, nothing is requested."""
    return replace(github_api.policy(token), title=SPEC.title)


@dataclass(frozen=True, slots=True)
class Traffic:
    """Counts and unique people by day. Days without traffic are missing."""

    counts: Mapping[date, int]
    uniques: Mapping[date, int]


class _Day(Shape):
    timestamp: Annotated[AwareDatetime, Field(strict=False)]
    count: Count
    uniques: Count


class _List(Shape):
    views: list[_Day] | None = None
    clones: list[_Day] | None = None


_LIST = TypeAdapter(_List)


def parse_traffic(body: bytes, name: str, subject: str) -> Traffic:
    """Return the days of the list ``name``, views or clones."""
    where = f"api.github.com, {name} of {subject}"
    answer = parse(_LIST, body, where)
    rows = answer.views if name == "views" else answer.clones
    if rows is None:
        msg = f"{where}, sent no list of {name}"
        raise InvalidResponse(msg)
    days = [row.timestamp.astimezone(UTC).date() for row in rows]
    return Traffic(
        by_day(zip(days, (row.count for row in rows), strict=True), where),
        by_day(zip(days, (row.uniques for row in rows), strict=True), where),
    )


class GithubTraffic:
    """See :class:`cmetrics.sources.base.Source`."""

    spec = SPEC

    def __init__(self, client: Service) -> None:
        self._client = client

    async def fetch(self, requests: Sequence[FetchRequest]) -> AsyncIterator[FetchResult]:
        """Yield one result per request, from at most two requests to GitHub per repository; none without a token."""
        if "Authorization" not in self._client.policy.headers:
            note = f"github-traffic is off: set {TOKEN_VARIABLE} to a token with push access to its repositories"
            for request in requests:
                yield FetchResult(request, notes=(note,), is_off=True)
            return
        async for result in fetch_subjects(requests, SPEC.canonical, self._fetch):
            yield result

    async def _fetch(self, group: Sequence[FetchRequest]) -> list[FetchResult]:
        subject = group[0].metric.subject
        lists: dict[str, Traffic] = {}
        results: list[FetchResult] = []
        for request in group:
            name, is_unique = LISTS[request.metric.count or SPEC.default_count]
            if name not in lists:
                lists[name] = parse_traffic(await self._get(subject, name), name, subject)
            traffic = lists[name]
            results.append(resolve(request, traffic.uniques if is_unique else traffic.counts))
        return results

    async def _get(self, subject: str, name: str) -> bytes:
        try:
            return (await self._client.get(f"/repos/{subject}/traffic/{name}", {"per": "day"})).body
        except TokenRefused as error:
            refused = reword(error, f"{subject}: {TOKEN_VARIABLE} may not read the traffic ({error.status})")
            refused.hint = "use a token with push access; fine-grained: the permission Administration, read"
            raise refused from error


def resolve(request: FetchRequest, counts: Mapping[date, int]) -> FetchResult:
    """Return the requested days. A day between two days of the list that is not in it had no traffic.

    Days outside the list may be outside of GitHub's window, or not counted yet.
    """
    known = set(day_range(min(counts), max(counts))) if counts else set()
    ref = f"github-traffic:{request.metric.subject}"
    values = tuple(DailyValue(day, counts.get(day, 0), ref) for day in request.days if day in known)
    newest = max(known, default=None)
    pending = frozenset(day for day in request.days if newest is not None and day > newest)
    return FetchResult(request, values, pending)


REGISTRATION = Registration(SPEC, policy, GithubTraffic)
