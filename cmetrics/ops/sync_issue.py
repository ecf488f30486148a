"""Open, update and close one issue in the repository that runs cmetrics.

GitHub's REST reference, docs.github.com/rest/issues/issues and /comments. The token of a workflow
needs ``issues: write``.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
from dataclasses import dataclass
from enum import StrEnum
from typing import Any
from urllib.parse import parse_qsl, quote, urlsplit

from pydantic import SecretStr, TypeAdapter

from cmetrics.domain.errors import AccessRefused, InvalidResponse, NotFound, ServiceFailed
from cmetrics.http.client import ServiceClient, open_http
from cmetrics.http.client import Timeouts as _Timeouts
from cmetrics.http.service import Response
from cmetrics.http.validation import Shape, parse
from cmetrics.ops.alert import MARKER, Alert
from cmetrics.settings import NetworkSettings
from cmetrics.sources.github_api import policy

LABEL = "cmetrics"
#: Bounds the search in a repository with many issues, or with a broken Link header.
MOST_PAGES = 100
RECOVERED = "All metrics are up to date again."
#: GitHub's status for a repository with disabled issues, the default of forks.
_ISSUES_DISABLED = 410
_TRUSTED = frozenset({"OWNER", "MEMBER", "COLLABORATOR"})
#: Prefix of workflow and app tokens (docs.github.com, "Token formats"). The author of their issues is a bot.
_INSTALLATION = "ghs_"
#: The number of closed issues that are searched for the mark of a refusal.
_RECENT = {"state": "closed", "per_page": "100"}


class IssueAction(StrEnum):
    """The action taken on the issue."""

    NONE = "none"
    OPENED = "opened"
    UPDATED = "updated"
    CLOSED = "closed"


class NoActionReason(StrEnum):
    """The reason why no action was taken."""

    #: There is no problem, and no issue is open.
    HEALTHY = "healthy"
    #: The open issue already has this text.
    UNCHANGED = "unchanged"
    #: Alerts are disabled.
    OFF = "off"
    NO_REPOSITORY = "no-repository"
    NO_TOKEN = "no-token"  # noqa: S105  # not a password
    #: Issues are disabled in the repository.
    ISSUES_DISABLED = "issues-disabled"


@dataclass(frozen=True, slots=True)
class SyncedIssue:
    """The action taken, with its issue, or the reason why there was none."""

    action: IssueAction
    number: int | None = None
    reason: NoActionReason | None = None


class _User(Shape):
    type: str = ""
    login: str = ""


class _Rights(Shape):
    push: bool = False
    triage: bool = False


class _Repository(Shape):
    #: The permissions of the token's account; absent for some kinds of tokens.
    permissions: _Rights | None = None


class _Issue(Shape):
    number: int
    title: str
    body: str | None = None
    author_association: str = ""
    user: _User | None = None
    #: GitHub lists pull requests among the issues.
    pull_request: dict[str, Any] | None = None

    @property
    def is_marked(self) -> bool:
        """Whether the issue has the mark of cmetrics, which anybody could copy."""
        return self.pull_request is None and MARKER in (self.body or "")

    @property
    def is_trusted(self) -> bool:
        """Whether the author is a bot or has rights in the repository."""
        return (self.user is not None and self.user.type == "Bot") or self.author_association in _TRUSTED

    def is_by(self, login: str | None) -> bool:
        """Return whether the owner of the token is the author."""
        return login is not None and self.user is not None and self.user.login == login

    def has_text(self, alert: Alert) -> bool:
        """Return whether title and text equal those of ``alert``, ignoring line endings, which GitHub may change."""
        return self.title == alert.title and (self.body or "").split() == alert.body.split()


_ISSUES = TypeAdapter(list[_Issue])
_ISSUE = TypeAdapter(_Issue)
_ACCOUNT = TypeAdapter(_User)
_REPOSITORY = TypeAdapter(_Repository)


def sync_issue(
    repository: str, token: SecretStr, contact: str, network: NetworkSettings, alert: Alert | None
) -> SyncedIssue:
    """Open or update the issue of ``repository`` for ``alert``, or close it for None. Blocks.

    Raises SourceError. Raises AccessRefused if the token lacks the permission, or would open an issue that
    the next run could not recognise; in that case at most one issue per token is opened.
    """

    async def work() -> SyncedIssue:
        async with open_http(contact, _Timeouts(), network) as http:
            return await _Issues(ServiceClient(http, policy(token)), repository, token).sync(alert)

    return asyncio.run(work())


class _Issues:
    def __init__(self, client: ServiceClient, repository: str, token: SecretStr) -> None:
        self._client = client
        self._token = token.get_secret_value()
        self._repository = f"/repos/{quote(repository, safe='/')}"
        self._base = f"{self._repository}/issues"
        self._where = f"api.github.com, issues of {repository}"
        #: None if not loaded yet.
        self._account: str | None = None

    async def sync(self, alert: Alert | None) -> SyncedIssue:
        try:
            ours = await self._find()
            if alert is None:
                return await self._close(ours)
            return await self._update(ours[0], alert) if ours else await self._open(alert)
        except ServiceFailed as error:
            if error.status == _ISSUES_DISABLED:
                return SyncedIssue(IssueAction.NONE, reason=NoActionReason.ISSUES_DISABLED)
            raise
        except AccessRefused as error:
            raise AccessRefused(
                error.message,
                service=error.service,
                status=error.status,
                hint=error.hint or "the token needs to write issues: give the job `permissions: issues: write`",
            ) from error

    async def _close(self, issues: list[_Issue]) -> SyncedIssue:
        for issue in issues:
            await self._send("PATCH", f"/{issue.number}", {"state": "closed", "state_reason": "completed"})
            await self._send("POST", f"/{issue.number}/comments", {"body": RECOVERED})
        if not issues:
            return SyncedIssue(IssueAction.NONE, reason=NoActionReason.HEALTHY)
        return SyncedIssue(IssueAction.CLOSED, issues[0].number)

    async def _update(self, issue: _Issue, alert: Alert) -> SyncedIssue:
        if issue.has_text(alert):
            return SyncedIssue(IssueAction.NONE, issue.number, NoActionReason.UNCHANGED)
        await self._send("PATCH", f"/{issue.number}", {"title": alert.title, "body": alert.body})
        return SyncedIssue(IssueAction.UPDATED, issue.number)

    async def _open(self, alert: Alert) -> SyncedIssue:
        await self._check_author()
        document = {"title": alert.title, "body": alert.body, "labels": [LABEL]}
        issue = parse(_ISSUE, (await self._send("POST", "", document)).body, self._where)
        if not issue.is_trusted and not issue.is_by(await self._login()):
            # The next run would not recognise the issue and open another one. This mark prevents that.
            body = f"{alert.body}\n{self._refusal_mark}\n"
            await self._send(
                "PATCH", f"/{issue.number}", {"body": body, "state": "closed", "state_reason": "not_planned"}
            )
            raise self._unrecognisable(issue)
        return SyncedIssue(IssueAction.OPENED, issue.number)

    async def _check_author(self) -> None:
        """Raise AccessRefused, before opening an issue, if the next run would not recognise it."""
        if await self._login() is not None:
            return
        if not self._token.startswith(_INSTALLATION) and not await self._may_write():
            raise self._unrecognisable()
        recent = parse(_ISSUES, (await self._client.get(self._base, _RECENT)).body, self._where)
        refused = next((issue for issue in recent if self._refusal_mark in (issue.body or "")), None)
        if refused is not None:
            raise self._unrecognisable(refused)

    async def _may_write(self) -> bool:
        """Return whether the account has rights in the repository, which GitHub shows at its issues."""
        rights = parse(_REPOSITORY, (await self._client.get(self._repository)).body, self._where).permissions
        return rights is not None and (rights.push or rights.triage)

    @property
    def _refusal_mark(self) -> str:
        """Return a mark that identifies the token without revealing it. Others cannot forge it for an unused token."""
        digest = hmac.new(self._token.encode(), self._base.encode(), hashlib.sha256).hexdigest()
        return f"<!-- cmetrics-refused {digest[:32]} -->"

    def _unrecognisable(self, closed: _Issue | None = None) -> AccessRefused:
        more = f"; #{closed.number} was closed" if closed else ""
        return AccessRefused(
            f"{self._where}: this token opens issues that cannot be recognised later{more}",
            service="api.github.com",
            hint="use the token of the workflow, or of an account that can write to the repository",
        )

    async def _find(self) -> list[_Issue]:
        """Return the open alert issues, oldest first: with the label or, if none has it, any of them."""
        return await self._ours({"labels": LABEL}) or await self._ours({})

    async def _ours(self, narrowed: dict[str, str]) -> list[_Issue]:
        marked = await self._marked(narrowed)
        login = None if all(issue.is_trusted for issue in marked) else await self._login()
        return sorted(
            (issue for issue in marked if issue.is_trusted or issue.is_by(login)), key=lambda issue: issue.number
        )

    async def _marked(self, narrowed: dict[str, str]) -> list[_Issue]:
        """Return the open issues with the mark, from all pages."""
        marked: list[_Issue] = []
        params: dict[str, str] | None = {"state": "open", "per_page": "100", **narrowed}
        for _ in range(MOST_PAGES):
            if params is None:
                break
            response = await self._client.get(self._base, params)
            try:
                marked += (issue for issue in parse(_ISSUES, response.body, self._where) if issue.is_marked)
            except InvalidResponse as error:
                msg = f"{error.message}; no issue was opened, because one may already be open"
                raise InvalidResponse(msg, service=error.service) from error
            params = next_params(response.headers.get("link", ""))
        return marked

    async def _login(self) -> str | None:
        """Return the account of the token; None for workflow and app tokens."""
        if self._account is None:
            try:
                response = await self._client.get("/user")
            except (AccessRefused, NotFound):
                self._account = ""
            else:
                self._account = parse(_ACCOUNT, response.body, "api.github.com, account of the token").login
        return self._account or None

    async def _send(self, method: str, path: str, document: dict[str, Any]) -> Response:
        # No retries: a second POST after a lost response would create a second issue.
        return await self._client.send(method, self._base + path, json.dumps(document).encode())


def next_params(link: str) -> dict[str, str] | None:
    """Return the query of the next page from a ``Link`` header; None on the last page.

    Only the query is used (docs.github.com/rest, pagination), never the rest of the URL.
    """
    for part in link.split(","):
        address, _, parameters = part.partition(";")
        if 'rel="next"' in parameters:
            return dict(parse_qsl(urlsplit(address.strip(" <>")).query))
    return None
