"""One cheap question per service: whether it is there, what time it is there, what may still be asked."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from pydantic import SecretStr

from cmetrics.domain.days import Clock
from cmetrics.domain.errors import SourceError
from cmetrics.http.client import Http, ServiceClient, open_http
from cmetrics.http.service import Response
from cmetrics.ops.repository_settings import (
    QUICK,
    RepositorySettings,
    TokenFacts,
    load_repository_settings,
    parse_token,
)
from cmetrics.settings import NetworkSettings
from cmetrics.sources import REGISTRY

#: Documented, small, and independent of any catalogue. GitHub does not count its own.
QUESTIONS: dict[str, tuple[str, dict[str, str]]] = {
    "pypistats": ("/packages/__all__/recent", {"period": "day"}),
    "cratesio": ("/crates/serde", {"include": "downloads"}),
    "npm": ("/downloads/point/last-day", {}),
    "github": ("/rate_limit", {}),
}


@dataclass(frozen=True, slots=True)
class ServiceFacts:
    """One service, as it answered just now."""

    source: str
    title: str
    #: None: it answered.
    error: SourceError | None = None
    #: Its clock less ours, in seconds; None when it did not tell the time.
    ahead: float | None = None
    #: GitHub only: of the token, or of this address without one.
    token: TokenFacts | None = None


@dataclass(frozen=True, slots=True)
class Reached:
    """What the network says."""

    services: tuple[ServiceFacts, ...]
    #: None: not asked; else what is known of the repository, or why it is not.
    hosting: RepositorySettings | SourceError | None


def reach(
    sources: Iterable[str],
    *,
    token: SecretStr | None,
    repository: str | None,
    workflow: str,
    contact: str,
    clock: Clock,
    network: NetworkSettings,
) -> Reached:
    """Ask all ``sources`` at once, and GitHub about ``repository`` where there is a token; blocks.

    Raises UsageError when the proxy or certificate settings cannot be used.
    """
    return asyncio.run(_reach(sorted(set(sources)), token, repository, workflow, contact, clock, network))


async def _reach(
    sources: list[str],
    token: SecretStr | None,
    repository: str | None,
    workflow: str,
    contact: str,
    clock: Clock,
    network: NetworkSettings,
) -> Reached:
    async with open_http(contact, QUICK, network) as http:
        asked = [_service(http, name, token, clock) for name in sources]
        hosting = _hosting(http, token, repository, workflow)
        *services, host = await asyncio.gather(*asked, hosting)
    return Reached(tuple(s for s in services if isinstance(s, ServiceFacts)), _not_services(host))


def _not_services(found: object) -> RepositorySettings | SourceError | None:
    return found if isinstance(found, RepositorySettings | SourceError) else None


async def _service(http: Http, name: str, token: SecretStr | None, clock: Clock) -> ServiceFacts:
    policy = REGISTRY[name].policy(token)
    path, params = QUESTIONS[name]
    try:
        answer = await ServiceClient(http, policy.without_waits(), timeouts=QUICK, clock=clock).get(path, params)
        facts = parse_token(answer) if name == "github" else None
    except SourceError as error:
        return ServiceFacts(name, policy.title, error=error)
    return ServiceFacts(name, policy.title, ahead=_ahead(answer, clock()), token=facts)


async def _hosting(
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


def _ahead(answer: Response, now: datetime) -> float | None:
    """Their ``Date`` (RFC 9110, 6.6.1: whole seconds) less ours."""
    try:
        moment = parsedate_to_datetime(answer.headers.get("date", ""))
    except (ValueError, TypeError):
        return None
    return ((moment if moment.tzinfo else moment.replace(tzinfo=UTC)) - now).total_seconds()
