"""One issue in the repository that runs cmetrics: opened, kept up to date, closed.

GitHub's REST reference, docs.github.com/rest/issues/issues and /comments. The token of a workflow
needs ``issues: write``.
"""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass
from enum import StrEnum
from typing import Any
from urllib.parse import quote

from pydantic import SecretStr, TypeAdapter

from cmetrics.domain.errors import AccessRefused, InvalidResponse, ServiceFailed
from cmetrics.http.client import ServiceClient, open_http
from cmetrics.http.client import Timeouts as _Timeouts
from cmetrics.http.service import Response
from cmetrics.http.validation import Shape, parse
from cmetrics.ops.alert import MARKER, Alert
from cmetrics.settings import NetworkSettings
from cmetrics.sources.github import policy

LABEL = "cmetrics"
RECOVERED = "All metrics are up to date again."
#: What GitHub answers for a repository without issues; forks have none by default.
_ISSUES_DISABLED = 410
_TRUSTED = frozenset({"OWNER", "MEMBER", "COLLABORATOR"})


class IssueAction(StrEnum):
    """What became of the issue."""

    NOTHING = "nothing"
    OPENED = "opened"
    UPDATED = "updated"
    UNCHANGED = "unchanged"
    CLOSED = "closed"
    #: The repository has no issues.
    IMPOSSIBLE = "impossible"


@dataclass(frozen=True, slots=True)
class SyncedIssue:
    """The issue after it was looked at; no number when there is none."""

    action: IssueAction
    number: int | None = None


class _User(Shape):
    type: str = ""


class _Issue(Shape):
    number: int
    title: str
    body: str | None = None
    author_association: str = ""
    user: _User | None = None
    #: Pull requests are listed among the issues.
    pull_request: dict[str, Any] | None = None

    @property
    def is_ours(self) -> bool:
        """Whether it carries the mark, by somebody who may write here: anybody can copy a mark."""
        by_bot = self.user is not None and self.user.type == "Bot"
        return (
            self.pull_request is None
            and MARKER in (self.body or "")
            and (by_bot or self.author_association in _TRUSTED)
        )

    def says(self, alert: Alert) -> bool:
        """Whether nothing has to be changed; GitHub may keep other line ends."""
        return self.title == alert.title and (self.body or "").split() == alert.body.split()


_ISSUES = TypeAdapter(list[_Issue])
_ISSUE = TypeAdapter(_Issue)


def sync_issue(
    repository: str, token: SecretStr, contact: str, network: NetworkSettings, alert: Alert | None
) -> SyncedIssue:
    """Make the repository's issue say ``alert``, or close it for None; blocks. Raises SourceError."""

    async def work() -> SyncedIssue:
        async with open_http(contact, _Timeouts(), network) as http:
            return await _Issues(ServiceClient(http, policy(token)), repository).settle(alert)

    return asyncio.run(work())


class _Issues:
    def __init__(self, client: ServiceClient, repository: str) -> None:
        self._client = client
        self._base = f"/repos/{quote(repository, safe='/')}/issues"
        self._where = f"api.github.com, issues of {repository}"

    async def settle(self, alert: Alert | None) -> SyncedIssue:
        try:
            return await self._settle(alert)
        except ServiceFailed as error:
            if error.status == _ISSUES_DISABLED:
                return SyncedIssue(IssueAction.IMPOSSIBLE)
            raise
        except AccessRefused as error:
            raise AccessRefused(
                error.message,
                service=error.service,
                status=error.status,
                hint="the token needs to write issues: give the job `permissions: issues: write`",
            ) from error

    async def _settle(self, alert: Alert | None) -> SyncedIssue:
        ours = await self._find({"labels": LABEL})
        if not ours:
            # Who may not set labels has opened one without.
            ours = await self._find({})
        if alert is None:
            for issue in ours:
                await self._change("PATCH", f"/{issue.number}", {"state": "closed", "state_reason": "completed"})
                await self._change("POST", f"/{issue.number}/comments", {"body": RECOVERED})
            return SyncedIssue(IssueAction.CLOSED, ours[0].number) if ours else SyncedIssue(IssueAction.NOTHING)
        text = {"title": alert.title, "body": alert.body}
        if not ours:
            answer = await self._change("POST", "", text | {"labels": [LABEL]})
            return SyncedIssue(IssueAction.OPENED, parse(_ISSUE, answer.body, self._where).number)
        issue = ours[0]
        if issue.says(alert):
            return SyncedIssue(IssueAction.UNCHANGED, issue.number)
        await self._change("PATCH", f"/{issue.number}", text)
        return SyncedIssue(IssueAction.UPDATED, issue.number)

    async def _find(self, narrowed: dict[str, str]) -> list[_Issue]:
        """Our open issues, the oldest first. One page: ours has the label or is among the newest hundred."""
        answer = await self._client.get(self._base, {"state": "open", "per_page": "100", **narrowed})
        try:
            found = parse(_ISSUES, answer.body, self._where)
        except InvalidResponse as error:
            msg = f"{error.message}; no issue was opened, because there may be one already"
            raise InvalidResponse(msg, service=error.service) from error
        return sorted((issue for issue in found if issue.is_ours), key=lambda issue: issue.number)

    async def _change(self, method: str, path: str, document: dict[str, Any]) -> Response:
        # Sent once: a second POST after a lost answer would be a second issue.
        return await self._client.send(method, self._base + path, json.dumps(document).encode())
