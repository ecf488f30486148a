"""A GitHub repository that runs cmetrics (settings, issues, token), and lists of repositories."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

if TYPE_CHECKING:
    from tests.world.services import Reply, Request
    from tests.world.truth import Repository

NAME = "someone/metrics"


@dataclass
class Project:
    name: str = NAME
    fork: bool = False
    has_issues: bool = True
    pages: str | None = "workflow"
    workflow: str | None = "active"
    #: Permissions of the token; reading is always allowed.
    may_write_issues: bool = True
    may_label: bool = True
    may_administer: bool = False
    #: The account of a personal token; None for the token of a workflow.
    account: str | None = None
    may_read_account: bool = True
    #: Permissions of the account in the repository; None if GitHub does not return them for this token.
    permissions: dict[str, bool] | None = None
    #: Active rules of rulesets for any branch, and the classic protection of existing branches.
    rules: list[dict[str, Any]] = field(default_factory=list)
    branches: dict[str, dict[str, Any]] = field(default_factory=dict)
    #: Whether every page of issues links to a next one.
    endless: bool = False
    actions_enabled: bool = True
    issues: list[dict[str, Any]] = field(default_factory=list)
    comments: list[tuple[int, str]] = field(default_factory=list)
    #: Headers of responses to this token.
    token_headers: dict[str, str] = field(default_factory=dict)
    organisations: set[str] = field(default_factory=lambda: {"lance-format", "lancedb"})
    #: More repositories of owners: full name → (stars, fork, archived).
    others: dict[str, tuple[int, bool, bool]] = field(default_factory=dict)

    #: Files of repositories: full name → path → content.
    files: dict[str, dict[str, str]] = field(default_factory=dict)
    #: Crate → the address of its repository at crates.io.
    registered: dict[str, str] = field(default_factory=dict)

    def content(self, request: Request, repository: str, path: str) -> Reply:
        """Return a file as raw text, or the entries of a folder."""
        from tests.world.services import as_json, as_text

        assert request.headers["accept"] == "application/vnd.github.raw+json"
        files = self.files.get(repository, {})
        if path in files:
            return as_text(files[path], 200, "application/vnd.github.raw+json; charset=utf-8")
        start = f"{path}/" if path else ""
        inside = [name.removeprefix(start) for name in files if name.startswith(start)]
        if not inside:
            return as_json({"message": "Not Found", "status": "404"}, 404)
        entries = dict.fromkeys((name.split("/")[0], "dir" if "/" in name else "file") for name in inside)
        return as_json([{"name": name, "path": f"{start}{name}", "type": kind} for name, kind in entries])

    def rate_limit(self, token: str, remaining: int) -> Reply:
        from tests.world.services import as_json

        reset = int(time.time()) + 1800
        core = {"limit": 1000 if token else 60, "remaining": remaining, "used": 0, "reset": reset}
        reply = as_json({"resources": {"core": core}, "rate": core})
        reply.headers.update(self.token_headers if token else {})
        return reply

    def owned(self, request: Request, owner: str, repositories: Iterable[Repository]) -> Reply:
        from tests.world.services import as_json

        rows = [
            {"full_name": name, "stargazers_count": stars, "fork": fork, "archived": archived, "private": False}
            for name, (stars, fork, archived) in (
                {r.full_name: (r.count, False, False) for r in repositories} | self.others
            ).items()
            if name.split("/")[0] == owner
        ]
        is_organisation = owner in self.organisations
        if is_organisation != request.path.startswith("/orgs/") or not rows:
            return as_json({"message": "Not Found", "status": "404"}, 404)
        return as_json(rows)

    def answer(self, request: Request) -> Reply | None:
        """Return the response to a request for this repository or the token's account, or None for any other path."""
        from tests.world.services import as_json

        if request.path == "/user":
            if self.account is None or not self.may_read_account:
                return as_json({"message": "Resource not accessible by integration"}, 403)
            return as_json({"login": self.account, "type": "User"})
        if not re.fullmatch(rf"/repos/{self.name}(/.*)?", request.path):
            return None
        missing = as_json({"message": "Not Found", "status": "404"}, 404)
        forbidden = as_json({"message": "Resource not accessible by integration"}, 403)
        rest = request.path.removeprefix(f"/repos/{self.name}")
        if rest == "":
            facts = {"fork": self.fork, "has_issues": self.has_issues, "has_pages": self.pages is not None}
            if self.permissions is not None:
                facts["permissions"] = self.permissions
            return as_json({"id": 1, "full_name": self.name, "stargazers_count": 0, **facts})
        if rest.startswith("/rules/branches/"):
            return as_json(self.rules)
        if rest.startswith("/branches/"):
            name, _, more = rest.removeprefix("/branches/").partition("/")
            if name not in self.branches:
                return as_json({"message": "Branch not found"}, 404)
            protection = self.branches[name]
            if more == "protection":
                return as_json(protection) if self.may_administer else forbidden
            return as_json({"name": name, "protected": bool(protection), "protection": {"enabled": bool(protection)}})
        if rest == "/pages":
            return as_json({"build_type": self.pages, "status": "built"}) if self.pages else missing
        if rest == "/actions/permissions":
            return as_json({"enabled": self.actions_enabled}) if self.may_administer else forbidden
        if rest.startswith("/actions/workflows/"):
            return as_json({"id": 7, "state": self.workflow}) if self.workflow else missing
        if rest.startswith("/issues"):
            if not self.has_issues:
                return as_json({"message": "Issues has been disabled in this repository."}, 410)
            if request.method != "GET" and not self.may_write_issues:
                return forbidden
            return self._issues(request, rest)
        return missing

    def _issues(self, request: Request, rest: str) -> Reply:
        from tests.world.services import as_json

        document = json.loads(request.body) if request.body else {}
        if request.method == "GET":
            labels = request.query.get("labels")
            issues = [
                issue
                for issue in reversed(self.issues)
                if issue["state"] == request.query["state"]
                and (labels is None or labels in [label["name"] for label in issue["labels"]])
            ]
            page, size = int(request.query.get("page", "1")), int(request.query["per_page"])
            reply = as_json(issues[(page - 1) * size : page * size])
            if page * size < len(issues) or self.endless:
                query = urlencode(request.query | {"page": str(page + 1)})
                reply.headers["Link"] = f'<https://api.github.com/repositories/1/issues?{query}>; rel="next"'
            return reply
        if rest == "/issues":
            return as_json(self.open(**document), 201)
        number = int(rest.split("/")[2])
        issue = next(issue for issue in self.issues if issue["number"] == number)
        if rest.endswith("/comments"):
            self.comments.append((number, document["body"]))
            return as_json({"id": 1, "body": document["body"]}, 201)
        issue.update(document)
        return as_json(issue)

    def open(self, title: str, body: str, labels: Iterable[str] = (), **more: Any) -> dict[str, Any]:
        """Open an issue as the account of the token."""
        issue = {
            "number": len(self.issues) + 1,
            "title": title,
            "body": body.replace("\n", "\r\n"),
            "state": "open",
            "labels": [{"name": label} for label in labels] if self.may_label else [],
            "user": {"login": self.account, "type": "User"}
            if self.account
            else {"login": "github-actions[bot]", "type": "Bot"},
            "author_association": "NONE",
            **more,
        }
        self.issues.append(issue)
        return issue
