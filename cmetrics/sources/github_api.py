"""The REST API of api.github.com for all GitHub sources: policy, token, pages.

From docs.github.com: "Rate limits for the REST API" (60 requests per hour and IP address without a
token, 1,000 per hour and repository with that of a workflow, 5,000 with a personal one), "Best
practices" and "Using pagination in the REST API" (follow the Link header). Section H of GitHub's terms
of service forbids excessive requests. The IP addresses of its runners are shared, and their 60 requests
are often used up, so a token is sent with every request if there is one.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from urllib.parse import parse_qs, quote, urlsplit

from pydantic import SecretStr

from cmetrics.domain.errors import TokenRefused
from cmetrics.http.service import Policy, Response, Service

TITLE = "api.github.com"
REPOSITORY_PATTERN = r"[A-Za-z0-9][A-Za-z0-9-]{0,38}/(?!\.{1,2}$)[A-Za-z0-9._-]{1,100}"
REPOSITORY_HINT = "a repository written owner/name"

#: Pauses after a secondary rate limit without Retry-After: at least a minute, then longer (docs.github.com,
#: "Best practices for using the REST API").
SECONDARY_LIMIT_WAITS = (60.0, 120.0)

UNAUTHORIZED = 401
#: Parts of GitHub's messages about a token without access to a resource.
_TOKEN_REFUSALS = (b"saml", b"personal access token", b"resource not accessible by")


def policy(token: SecretStr | None) -> Policy:
    """Return the request policy: GitHub has a quota (60 requests per hour without a token) and no other rate limit.

    A token is sent with every request if there is one: the quota of a shared runner's IP address is often used up.
    """
    headers = {"Accept": "application/vnd.github+json", "X-GitHub-Api-Version": "2022-11-28"}
    if token:
        headers["Authorization"] = f"Bearer {token.get_secret_value()}"
    return Policy(
        TITLE,
        "https://api.github.com",
        limit_waits=SECONDARY_LIMIT_WAITS,
        refusal_ends=False,
        headers=headers,
        refuses_token=refuses_token,
        anonymous_hint="without a token GitHub allows 60 requests per hour; set GITHUB_TOKEN",
    )


def refuses_token(status: int, headers: Mapping[str, str], body: bytes) -> bool:
    """Return whether the token is the reason for a 401 or 403 of GitHub; public data needs no token.

    A 401 means that GitHub does not know the token (any more). An organisation that enforces SAML
    sends ``X-GitHub-SSO`` with its 403; one that forbids classic tokens, or restricts fine-grained
    ones, says so in the body only.
    """
    if status == UNAUTHORIZED or "x-github-sso" in headers:
        return True
    text = body[:2000].lower()
    return any(words in text for words in _TOKEN_REFUSALS)


def next_page(answer: Response, page: int, rows: int, per_page: int) -> int | None:
    """Return the number of the page after ``page``, which has ``rows`` rows; None after the last one.

    Without a Link header, a page that is not full is the last one. `per_page=30` contains `page=` too,
    hence the parsing.
    """
    if "link" not in answer.headers:
        return page + 1 if rows >= per_page else None
    for match in re.finditer(r'<([^>]*)>\s*;\s*rel="next"', answer.headers.get("link", "")):
        number = parse_qs(urlsplit(match[1]).query).get("page", [""])[0]
        if number.isascii() and number.isdigit() and int(number) > page:
            return int(number)
    return None


class GithubClient:
    """Sends GET requests with the token, or without it to owners that refuse it. Created for one run."""

    def __init__(self, client: Service) -> None:
        self._client = client
        self._warnings: list[str] = []
        self._is_token_unknown = False
        #: Organisations that refused the token.
        self._refusing_owners: set[str] = set()
        self._owner = ""

    def select(self, subject: str) -> None:
        """Send the token with the next requests, which are for ``subject``, unless its owner refused it."""
        self._owner = subject.partition("/")[0].lower()
        if self._owner in self._refusing_owners:
            self._client.drop_header("Authorization")
        elif not self._is_token_unknown:
            self._client.restore_header("Authorization")

    def take_warnings(self) -> tuple[str, ...]:
        """Return a sentence for each refusal since the last call."""
        warnings = tuple(self._warnings)
        self._warnings.clear()
        return warnings

    async def get(self, path: str, params: dict[str, str] | None = None) -> Response:
        """Send a GET, and repeat it without the token if GitHub refuses the token.

        GitHub refuses even public data to an invalid token, but serves it without one.
        """
        path = quote(path, safe="/")
        try:
            return await self._client.get(path, params)
        except TokenRefused as error:
            self._set_token_aside(error)
            return await self._client.get(path, params)

    def _set_token_aside(self, error: TokenRefused) -> None:
        """Stop sending the token to the organisation that refused it, or to all after a 401."""
        self._client.drop_header("Authorization")
        if error.status == UNAUTHORIZED:
            self._is_token_unknown = True
            self._warnings.append("GitHub refused GITHUB_TOKEN (401), so it is no longer sent; renew it")
            return
        self._refusing_owners.add(self._owner)
        self._warnings.append(
            f"{self._owner} refused GITHUB_TOKEN ({error.status}), so its repositories were read without it; "
            "authorise the token there, or use another one"
        )
