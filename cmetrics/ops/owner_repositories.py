"""List the repositories of a GitHub organisation or user, for `init`.

``GET /orgs/{org}/repos`` and ``GET /users/{user}/repos``, docs.github.com/rest/repos: public ones
without a token, a hundred per page, most recently pushed first.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from urllib.parse import quote

from pydantic import SecretStr, TypeAdapter

from cmetrics.domain.errors import NotFound
from cmetrics.http.client import ServiceClient, Timeouts, open_http
from cmetrics.http.validation import Count, Shape, parse
from cmetrics.settings import NetworkSettings
from cmetrics.sources.github_api import policy

#: The number of repositories in a new catalogue; more can be added to the file.
MOST = 5


class _Repository(Shape):
    full_name: str
    stargazers_count: Count
    fork: bool = False
    archived: bool = False
    private: bool = False


@dataclass(frozen=True, slots=True)
class Owned:
    """The most starred repositories of an owner, most stars first."""

    names: tuple[str, ...]
    #: Whether the owner has more repositories.
    has_more: bool


_REPOSITORIES = TypeAdapter(list[_Repository])


def list_repositories(owner: str, *, token: SecretStr | None, contact: str, network: NetworkSettings) -> Owned:
    """Fetch the most starred public repositories of ``owner`` that are neither forks nor archived. Blocks.

    Raises NotFound for an unknown owner, and other SourceErrors.
    """

    async def ask() -> Owned:
        timeouts = Timeouts()
        async with open_http(contact, timeouts, network) as http:
            return await _list(ServiceClient(http, policy(token), timeouts=timeouts), owner)

    return asyncio.run(ask())


async def _list(client: ServiceClient, owner: str) -> Owned:
    params = {"per_page": "100", "sort": "pushed"}
    name = quote(owner, safe="")
    try:
        answer = await client.get(f"/orgs/{name}/repos", params)
    except NotFound:
        # The owner is a user, not an organisation.
        answer = await client.get(f"/users/{name}/repos", params)
    found = parse(_REPOSITORIES, answer.body, f"api.github.com, repositories of {owner}")
    own = [r for r in found if not r.fork and not r.archived and not r.private]
    own.sort(key=lambda r: (-r.stargazers_count, r.full_name.lower()))
    return Owned(
        tuple(r.full_name for r in own[:MOST]), len(own) > MOST or 'rel="next"' in answer.headers.get("link", "")
    )
