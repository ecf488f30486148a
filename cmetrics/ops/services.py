"""Ask each service one cheap question: does it answer, what time has it, how many requests are left."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from pydantic import SecretStr

from cmetrics.domain.days import Clock
from cmetrics.domain.errors import SourceError, WrongClock
from cmetrics.http.client import Http, ServiceClient, open_http
from cmetrics.http.service import Response
from cmetrics.ops.branch_rules import BranchRules, load_branch_rules
from cmetrics.ops.repository_settings import (
    QUICK,
    RepositorySettings,
    TokenFacts,
    load_repository_settings,
    parse_token,
)
from cmetrics.settings import NetworkSettings
from cmetrics.sources import REGISTRY

#: Documented, small and independent of any catalogue; GitHub does not count this one.
REQUESTS: dict[str, tuple[str, dict[str, str]]] = {
    "pypistats": ("/packages/__all__/recent", {"period": "day"}),
    "cratesio": ("/crates/serde", {"include": "downloads"}),
    "npm": ("/downloads/point/last-day", {}),
    "github": ("/rate_limit", {}),
}


@dataclass(frozen=True, slots=True)
class ServiceFacts:
    """What one service answered."""

    source: str
    title: str
    #: None if it answered.
    error: SourceError | None = None
    #: Its clock less ours, in seconds; None if it sent no Date header.
    ahead: float | None = None
    #: GitHub only: quota of the token, or of this address without one.
    token: TokenFacts | None = None


@dataclass(frozen=True, slots=True)
class NetworkFacts:
    """What the services answered."""

    services: tuple[ServiceFacts, ...]
    #: None if not asked; otherwise the settings of the repository, or why they are unknown.
    repository: RepositorySettings | SourceError | None
    #: The rules for the data branch; None if not asked, or not to be known.
    branch: BranchRules | None = None


def fetch_network_facts(
    sources: Iterable[str],
    *,
    token: SecretStr | None,
    repository: str | None,
    workflow: str,
    branch: str | None,
    contact: str,
    clock: Clock,
    network: NetworkSettings,
) -> NetworkFacts:
    """Ask all ``sources`` concurrently, and GitHub about ``repository`` if there is a token; blocks.

    ``branch`` is the data branch there; None if there is none.
    Raises UsageError if the proxy or certificate settings cannot be used.
    """
    return asyncio.run(_fetch(sorted(set(sources)), token, repository, workflow, branch, contact, clock, network))


async def _fetch(
    sources: list[str],
    token: SecretStr | None,
    repository: str | None,
    workflow: str,
    branch: str | None,
    contact: str,
    clock: Clock,
    network: NetworkSettings,
) -> NetworkFacts:
    async with open_http(contact, QUICK, network) as http:
        requests = [_service(http, name, token, clock) for name in sources]
        *services, settings, rules = await asyncio.gather(
            *requests, _repository(http, token, repository, workflow), _branch(http, token, repository, branch)
        )
    return NetworkFacts(
        tuple(s for s in services if isinstance(s, ServiceFacts)),
        settings if isinstance(settings, RepositorySettings | SourceError) else None,
        rules if isinstance(rules, BranchRules) else None,
    )


async def _service(http: Http, name: str, token: SecretStr | None, clock: Clock) -> ServiceFacts:
    policy = REGISTRY[name].policy(token)
    path, params = REQUESTS[name]
    try:
        answer = await ServiceClient(http, policy.without_waits(), timeouts=QUICK, clock=clock).get(path, params)
        facts = parse_token(answer) if name == "github" else None
    except WrongClock as error:
        # It answers; the difference is for the check of the clock.
        return ServiceFacts(name, policy.title, ahead=error.ahead)
    except SourceError as error:
        return ServiceFacts(name, policy.title, error=error)
    return ServiceFacts(name, policy.title, ahead=_ahead(answer, clock()), token=facts)


async def _repository(
    http: Http, token: SecretStr | None, repository: str | None, workflow: str
) -> RepositorySettings | SourceError | None:
    if not token or not repository:
        return None
    try:
        return await load_repository_settings(
            ServiceClient(http, REGISTRY["github"].policy(token).without_waits(), timeouts=QUICK), repository, workflow
        )
    except SourceError as error:
        return error


async def _branch(
    http: Http, token: SecretStr | None, repository: str | None, branch: str | None
) -> BranchRules | None:
    if not token or not repository or not branch:
        return None
    client = ServiceClient(http, REGISTRY["github"].policy(token).without_waits(), timeouts=QUICK)
    try:
        return await load_branch_rules(client, repository, branch)
    except SourceError:
        # Servers of earlier versions have no rulesets, and a repository that cannot be read is reported already.
        return None


def _ahead(answer: Response, now: datetime) -> float | None:
    """Return their ``Date`` (RFC 9110, 6.6.1: whole seconds) less ours."""
    try:
        moment = parsedate_to_datetime(answer.headers.get("date", ""))
    except (ValueError, TypeError):
        return None
    return ((moment if moment.tzinfo else moment.replace(tzinfo=UTC)) - now).total_seconds()
