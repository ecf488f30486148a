"""Read the settings of a repository and of a token from GitHub.

Endpoints as in GitHub's REST reference (docs.github.com/rest: rate-limit, repos, pages,
actions/workflows, actions/permissions). The token of a workflow cannot read some of them; unknown values are None.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import UTC, datetime
from urllib.parse import quote

from pydantic import SecretStr, TypeAdapter

from cmetrics.domain.errors import AccessRefused, NotFound, SourceError
from cmetrics.http.client import ServiceClient, Timeouts, open_http
from cmetrics.http.service import Response
from cmetrics.http.validation import Count, Shape, parse
from cmetrics.settings import NetworkSettings
from cmetrics.sources.github_api import policy

#: Time limit in seconds for these requests at the end of a run.
QUICK = Timeouts(connect=5.0, read=10.0, total=10.0)


class _Repository(Shape):
    fork: bool = False
    has_issues: bool = True
    has_pages: bool = False
    full_name: str


class _Pages(Shape):
    #: ``workflow`` or ``legacy``, which publishes a branch.
    build_type: str | None = None


class _Workflow(Shape):
    state: str


class _Permissions(Shape):
    enabled: bool


class _Bucket(Shape):
    limit: Count
    remaining: Count
    reset: Count


class _Resources(Shape):
    core: _Bucket


class _Limits(Shape):
    resources: _Resources


_REPOSITORY = TypeAdapter(_Repository)
_PAGES = TypeAdapter(_Pages)
_WORKFLOW = TypeAdapter(_Workflow)
_PERMISSIONS = TypeAdapter(_Permissions)
_LIMITS = TypeAdapter(_Limits)


@dataclass(frozen=True, slots=True)
class RepositorySettings:
    """The settings of a repository that runs cmetrics."""

    repository: str
    is_fork: bool
    has_issues: bool
    #: None if the token cannot read it.
    has_pages: bool | None
    #: Whether Pages publishes deployments of a workflow, not a branch.
    pages_by_workflow: bool | None
    #: The file that runs cmetrics every night.
    workflow_file: str
    #: ``active``, ``disabled_fork``, ``disabled_inactivity``, ``disabled_manually``, ``deleted``; ``absent`` if
    #: the workflow does not exist.
    workflow: str | None
    actions_enabled: bool | None


@dataclass(frozen=True, slots=True)
class TokenFacts:
    """The properties and quota of a token, or the quota without one."""

    limit: int
    remaining: int
    resets_at: datetime
    #: Scopes of a classic token; None for other tokens, which do not report them.
    scopes: tuple[str, ...] | None
    expires_at: datetime | None


async def load_repository_settings(client: ServiceClient, repository: str, workflow_file: str) -> RepositorySettings:
    """Fetch the settings of ``repository``. Raises SourceError if the repository itself cannot be read."""
    base = f"/repos/{quote(repository, safe='/')}"
    where = f"api.github.com, repository {repository}"
    found = parse(_REPOSITORY, (await client.get(base)).body, where)
    try:
        pages = await _maybe(client, f"{base}/pages")
        has_pages = pages is not None or found.has_pages
        by_workflow = parse(_PAGES, pages.body, f"{where}, pages").build_type != "legacy" if pages else None
    except NotFound:
        # For a private repository, GitHub hides Pages from some tokens, so `has_pages` is used instead.
        has_pages, by_workflow = found.has_pages, None
    try:
        answer = await _maybe(client, f"{base}/actions/workflows/{quote(workflow_file, safe='')}")
        workflow = parse(_WORKFLOW, answer.body, f"{where}, workflow").state if answer else None
    except NotFound:
        workflow = "absent"
    try:
        answer = await _maybe(client, f"{base}/actions/permissions")
        enabled = parse(_PERMISSIONS, answer.body, f"{where}, permissions").enabled if answer else None
    except NotFound:
        enabled = None
    return RepositorySettings(
        repository=repository,
        is_fork=found.fork,
        has_issues=found.has_issues,
        has_pages=has_pages,
        pages_by_workflow=by_workflow,
        workflow_file=workflow_file,
        workflow=workflow,
        actions_enabled=enabled,
    )


async def _maybe(client: ServiceClient, path: str) -> Response | None:
    try:
        return await client.get(path)
    except AccessRefused:
        return None


def parse_token(answer: Response) -> TokenFacts:
    """Parse the response to ``GET /rate_limit``, which does not count against the quota."""
    core = parse(_LIMITS, answer.body, "api.github.com, rate limit").resources.core
    scopes = answer.headers.get("x-oauth-scopes")
    return TokenFacts(
        limit=core.limit,
        remaining=core.remaining,
        resets_at=datetime.fromtimestamp(min(core.reset, 2**33), UTC),
        scopes=tuple(s.strip() for s in scopes.split(",") if s.strip()) if scopes is not None else None,
        expires_at=_expiry(answer.headers.get("github-authentication-token-expiration", "")),
    )


def _expiry(text: str) -> datetime | None:
    """Parse ``2026-12-01 10:00:00 UTC``, or an offset such as ``+0200``; None for anything else."""
    for form in ("%Y-%m-%d %H:%M:%S %Z", "%Y-%m-%d %H:%M:%S %z"):
        try:
            moment = datetime.strptime(text.strip(), form)  # noqa: DTZ007  # UTC is put in below
        except ValueError:
            continue
        return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return None


def fetch_repository_settings(
    repository: str, workflow_file: str, token: SecretStr, contact: str, network: NetworkSettings
) -> RepositorySettings | None:
    """Fetch the settings of ``repository``; None if they cannot be read. Blocks for a few seconds."""

    async def ask() -> RepositorySettings:
        async with open_http(contact, QUICK, network) as http:
            return await load_repository_settings(
                ServiceClient(http, policy(token).without_waits(), timeouts=QUICK), repository, workflow_file
            )

    try:
        return asyncio.run(ask())
    except SourceError:
        return None
