"""Send each service one cheap request, to check availability, clock and quota."""

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

#: Small, documented endpoints that do not depend on the catalogue. GitHub's does not count against the quota.
#: `cmetrics.ops.doctor` checks the sources without one by a subject of the catalogue.
REQUESTS: dict[str, tuple[str, dict[str, str]]] = {
    "pypistats": ("/packages/__all__/recent", {"period": "day"}),
    "cratesio": ("/crates/serde", {"include": "downloads"}),
    "npm": ("/downloads/point/last-day", {}),
    "github": ("/rate_limit", {}),
}


@dataclass(frozen=True, slots=True)
class ServiceFacts:
    """The response of one service."""

    source: str
    title: str
    #: None if it responded.
    error: SourceError | None = None
    #: The difference of the clocks (service minus local) in seconds; None if it sent no Date header.
    ahead: float | None = None
    #: GitHub only: the quota of the token or, without a token, of this IP address.
    token: TokenFacts | None = None


@dataclass(frozen=True, slots=True)
class NetworkFacts:
    """The responses of all services."""

    services: tuple[ServiceFacts, ...]
    #: The settings of the repository, or the error that prevented reading them; None if not requested.
    repository: RepositorySettings | SourceError | None
    #: The rules for the data branch; None if not requested or unknown.
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
    """Contact all ``sources`` concurrently and, with a token, read ``repository`` from GitHub. Blocks.

    ``branch`` is its data branch; None if there is none. Raises UsageError if the proxy or certificate
    settings cannot be used.
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
        # The service responds. The difference is reported by the clock check.
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
        # Older GitHub servers have no rulesets. An unreadable repository has already been reported.
        return None


def _ahead(answer: Response, now: datetime) -> float | None:
    """Return the ``Date`` of the service (RFC 9110, 6.6.1: whole seconds) minus the local time."""
    try:
        moment = parsedate_to_datetime(answer.headers.get("date", ""))
    except (ValueError, TypeError):
        return None
    return ((moment if moment.tzinfo else moment.replace(tzinfo=UTC)) - now).total_seconds()
