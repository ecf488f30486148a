"""Simulated services: pypistats.org, crates.io, api.npmjs.org, api.github.com and archives, with their real names.

A forward proxy terminates the TLS of every CONNECT with certificates of a temporary authority. A program uses it with
``HTTPS_PROXY`` and ``SSL_CERT_FILE`` only. Behaviour and error texts follow the services as far as they are known
(retention, lag, zeros, categories, paging, limits, User-Agent rule, redirects).
"""

from __future__ import annotations

import json
import re
import socket
import socketserver
import ssl
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from email.utils import format_datetime
from functools import cache
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any, Self
from urllib.parse import parse_qs, unquote, urlencode, urlsplit

import trustme

from tests.world.counters import COUNTER_HOSTS, DOCKER, HUGGING_FACE, NUGET, OPENVSX, VSCODE
from tests.world.registries import CRAN, DUCKDB, DUCKDB_COMMUNITY, HOMEBREW, PACKAGIST, REGISTRY_HOSTS
from tests.world.truth import CLICKPY, CRATES, DAY, FILES, GITHUB, HOSTS, NPM, PYPI, World, utc_today


@dataclass
class Reply:
    status: int
    body: bytes
    headers: dict[str, str] = field(default_factory=dict)
    #: Send only this many bytes of the body, then close the connection.
    cut_at: int | None = None
    #: Reset the connection instead of responding.
    reset: bool = False
    #: Wait this many seconds before responding.
    hold: float = 0.0
    #: Send one byte of the body per this many seconds.
    drip: float = 0.0


def as_json(value: object, status: int = 200, **headers: str) -> Reply:
    body = json.dumps(value).encode()
    return Reply(
        status, body, {"Content-Type": "application/json", **{k.replace("_", "-"): v for k, v in headers.items()}}
    )


def as_text(text: str, status: int, kind: str = "text/html; charset=utf-8") -> Reply:
    return Reply(status, text.encode(), {"Content-Type": kind})


@dataclass(frozen=True)
class Request:
    at: float
    host: str
    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: bytes = b""
    #: The values of the parameter ``expand[]``, which may occur several times.
    fields: tuple[str, ...] = ()

    @property
    def question(self) -> tuple[object, ...]:
        """Return the parts that are equal for two requests of the same resource."""
        return self.host, self.method, self.path, *sorted(self.query.items()), *self.fields, self.body


#: The rate limits that cmetrics keeps for each service, as `(count, seconds)`.
RATES = {
    PYPI: ((5, 1.0), (30, 60.0)),
    CRATES: ((1, 1.0),),
    NPM: ((1, 2.0),),
    CLICKPY: ((1, 1.0),),
    FILES: ((1, 0.05),),
    DOCKER: ((1, 1.0),),
    OPENVSX: ((1, 1.0),),
    VSCODE: ((1, 2.0),),
    NUGET: ((1, 1.0),),
    HUGGING_FACE: ((1, 0.6), (500, 300.0)),
    CRAN: ((1, 1.0),),
    PACKAGIST: ((1, 1.0),),
    HOMEBREW: ((1, 1.0),),
    DUCKDB: ((2, 1.0),),
    DUCKDB_COMMUNITY: ((2, 1.0),),
}

#: Called with the request and a function that returns the usual response; returns the response to send.
Fault = Callable[[Request, Callable[[], Reply]], Reply]


@cache
def authority(name: str) -> trustme.CA:
    """Return a temporary authority. It is cached, because creating one takes as long as a test."""
    assert name
    return trustme.CA()


@cache
def tls_context(name: str, host: str) -> ssl.SSLContext:
    """Return the TLS context of a host whose certificate is signed by the authority ``name``."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority(name).issue_cert(host).configure_cert(context)
    return context


class Services:
    """The running services. ``env()`` returns the variables with which a command uses them."""

    def __init__(self, world: World, folder: Path) -> None:
        self.world = world
        self.requests: list[Request] = []
        self.unknown_hosts: list[str] = []
        #: The round-trip time to the services in seconds, added to each response and connection.
        self.latency = 0.0
        self.connections = 0
        #: Hosts that cannot be reached, and hosts for which another server responds.
        self.unreachable: set[str] = set()
        self.impostors: set[str] = set()
        #: The time in the Date headers of the services; None for no header.
        self.clock: datetime | None = None
        self._recent: dict[str, deque[float]] = {host: deque() for host in HOSTS}
        self._lock = threading.Lock()
        self._pem = folder / "authority.pem"
        authority("services").cert_pem.write_to_path(str(self._pem))
        self._released = threading.Event()
        self._server = _Server(("127.0.0.1", 0), self._connection())
        # With the default, shutting down would take up to half a second.
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()

    def close(self) -> None:
        self._released.set()
        self._server.shutdown()
        self._server.server_close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def env(self) -> dict[str, str]:
        port = self._server.server_address[1]
        proxy = f"http://127.0.0.1:{port}"
        return {"HTTPS_PROXY": proxy, "https_proxy": proxy, "SSL_CERT_FILE": str(self._pem)}

    def too_fast(self, hosts: Iterable[str], speed_up: float = 1.0) -> list[tuple[str, float]]:
        """Return each interval below a service's limit. ``speed_up`` is that of the client's clock."""
        return [
            (host, later.at - earlier.at)
            for host in hosts
            for count, seconds in RATES[host]
            for earlier, later in zip(self.requests_to(host), self.requests_to(host)[count:], strict=False)
            if later.at - earlier.at < 0.95 * seconds / speed_up
        ]

    def requests_to(self, host: str) -> list[Request]:
        return [request for request in self.requests if request.host == host]

    # -- responses ---------------------------------------------------------------------------------

    def answer(self, request: Request) -> Reply:
        with self._lock:
            self.requests.append(request)

        def usual() -> Reply:
            with self._lock:
                if request.host in COUNTER_HOSTS:
                    return self.world.counters.answer(request, self.world.today)
                if request.host in REGISTRY_HOSTS:
                    return self.world.registries.answer(request, self.world.today)
                return {
                    PYPI: self._pypi,
                    CRATES: self._crates,
                    NPM: self._npm,
                    GITHUB: self._github,
                    FILES: self._files,
                    CLICKPY: self._clickpy,
                }[request.host](request)

        fault = self.world.faults.get(request.host)
        reply = fault(request, usual) if fault else usual()
        if reply.hold or self.latency:
            self._released.wait(reply.hold + self.latency)
        return reply

    def _over_limit(self, host: str, *rules: tuple[int, float]) -> bool:
        """Return whether this request exceeds a limit of ``(count, seconds)``."""
        now = time.monotonic()
        recent = self._recent[host]
        recent.append(now)
        return self.world.limits and any(sum(now - t < seconds for t in recent) > count for count, seconds in rules)

    def _pypi(self, request: Request) -> Reply:
        if self._over_limit(PYPI, (5, 1.0), (30, 60.0)):
            return as_text('<a href="/api/#etiquette">429 RATE LIMIT EXCEEDED</a>', 429)
        if request.path == "/api/packages/__all__/recent":
            return as_json({"data": {"last_day": 2_500_000_000}, "package": "__all__", "type": "recent_downloads"})
        match = re.fullmatch(r"/api/packages/([^/]+)/overall", request.path)
        if not match:
            return as_text("404", 404)
        package = match[1] if match[1] == "__all__" else match[1].replace(".", "-").replace("_", "-")
        requested = {"true": [True], "false": [False]}.get(request.query.get("mirrors", ""), [True, False])
        rows = []
        for mirrors in requested:
            values = self.world.pypi.get((package, mirrors), {})
            published = [d for d in values if self.world.is_published(PYPI, d) or d in self.world.partial_days[PYPI]]
            for day in published:
                value = values[day] // 50 if day in self.world.partial_days[PYPI] else values[day]
                if value and day >= max(published) - 180 * DAY:
                    category = "with_mirrors" if mirrors else "without_mirrors"
                    rows.append({"category": category, "date": day.isoformat(), "downloads": value})
        if not rows:
            return as_text("404", 404)
        return as_json({"data": rows, "package": package, "type": "overall_downloads"})

    def _crates(self, request: Request) -> Reply:
        agent = request.headers.get("user-agent", "")
        if not agent or agent.startswith(("python-httpx", "python-requests")):
            return as_json({"errors": [{"detail": "We require that all requests include a `User-Agent` header."}]}, 403)
        if request.path == "/api/v1/crates/serde/downloads" and "serde" not in self.world.crates:
            days = (self.world.today - n * DAY for n in range(89, -1, -1))
            rows = [{"date": f"{day}", "downloads": 900_000} for day in days if self.world.is_published(CRATES, day)]
            return as_json({"version_downloads": [], "meta": {"extra_downloads": rows}})
        if request.path == "/api/v1/crates/serde":
            return as_json({"crate": {"id": "serde", "downloads": 900_000_000}, "versions": None})
        match = re.fullmatch(r"/api/v1/crates/([^/]+)(?:/([^/]+))?(/downloads)?", request.path)
        crate = match[1].lower() if match else ""
        if match is None or crate not in self.world.crates:
            return as_json({"errors": [{"detail": f"crate `{crate}` does not exist"}]}, 404)
        if match[2] == "downloads":
            return self._crate_downloads(crate)
        versions = self.world.versions(crate)
        if match[2]:
            version = next((version for version in versions if version.name == match[2]), None)
            if version is None or not match[3]:
                return as_json({"errors": [{"detail": f"crate `{crate}` does not have a version `{match[2]}`"}]}, 404)
            return self._version_downloads(crate, version.number, date.fromisoformat(request.query["before_date"]))
        listed = [
            {
                "id": version.number,
                "num": version.name,
                "created_at": f"{version.created}T09:30:00.123456Z",
                "yanked": False,
            }
            for version in reversed(versions)
        ]
        full = request.query.get("include") == "versions"
        described = {"id": crate, "name": crate, "repository": self.world.project.registered.get(crate)}
        return as_json({"crate": described, "versions": listed if full else None})

    def _crate_downloads(self, crate: str) -> Reply:
        """Return the two highest versions separately and the others together (the real service lists five)."""
        values = self.world.crates[crate]
        listed = [version.number for version in self.world.versions(crate)][-2:]
        versions, extra = [], []
        for day in sorted(values):
            if not self.world.today - 90 * DAY < day <= self.world.today or not self.world.is_published(CRATES, day):
                continue
            parts = self.world.by_version(crate, day)
            if day == self.world.today:
                parts = {number: part // 3 for number, part in parts.items() if part // 3}
            versions += [
                {"version": number, "downloads": parts[number], "date": day.isoformat()}
                for number in sorted(set(parts) & set(listed), reverse=True)
            ]
            if rest := sum(part for number, part in parts.items() if number not in listed):
                extra.append({"date": day.isoformat(), "downloads": rest})
        return as_json({"version_downloads": versions, "meta": {"extra_downloads": extra}})

    def _version_downloads(self, crate: str, number: int, before: date) -> Reply:
        """Return the ninety days that end with ``before``, unless they are archived."""
        rows = [
            {"version": number, "downloads": part, "date": day.isoformat()}
            for day in (before - n * DAY for n in range(89, -1, -1))
            if day >= self.world.today - 90 * DAY or self.world.keeps_old_rows
            if self.world.is_published(CRATES, day) and (part := self.world.by_version(crate, day).get(number))
        ]
        return as_json({"version_downloads": rows})

    def _archive_days(self) -> list[date]:
        first = min(min(values) for values in self.world.crates.values()) - 30 * DAY
        days = (self.world.today - n * DAY for n in range(91, (self.world.today - first).days + 1))
        return [day for day in days if self.world.is_published(FILES, day)]

    def _archive_file(self, day: date) -> bytes:
        """Return the file of a day with all crates of the world and some unknown ones."""
        rows = {number: day.toordinal() % 900 + 1 for number in range(99_000_000, 99_000_300)}
        for crate in self.world.crates:
            rows |= self.world.by_version(crate, day)
        return "".join(["version_id,downloads\n", *(f"{i},{n}\n" for i, n in sorted(rows.items()))]).encode()

    def _files(self, request: Request) -> Reply:
        days = self._archive_days()
        name = request.path.removeprefix("/archive/version-downloads/")
        if name == "index.json":
            return as_json([{"name": f"{day}.csv", "size": len(self._archive_file(day))} for day in days])
        found = [day for day in days if name == f"{day}.csv"]
        if not found:
            return as_text("<?xml version='1.0'?><Error><Code>AccessDenied</Code></Error>", 404, "application/xml")
        return Reply(200, self._archive_file(found[0]), {"Content-Type": "text/csv"})

    def _clickpy(self, request: Request) -> Reply:
        sql = request.body.decode()
        if "FROM rubygems.downloads_per_day " in sql and "sum(count)" in sql and request.query.get("user") == "demo":
            return self.world.registries.gem_rows(request, self.world.today)
        table = re.search(r"FROM pypi\.(\w+)", sql)
        if request.method != "POST" or request.query.get("user") != "demo" or table is None:
            return as_text("Code: 62. DB::Exception: Syntax error. (SYNTAX_ERROR)\n", 400, "text/plain")
        mirrors = table[1] == "pypi_downloads_per_day"
        if not mirrors and "NOT IN ('bandersnatch', 'z3c.pypimirror', 'Artifactory', 'devpi', '')" not in sql:
            return as_text("Code: 60. DB::Exception: Unknown table. (UNKNOWN_TABLE)\n", 404, "text/plain")
        projects = re.findall(r"'([^']+)'", request.query["param_projects"])
        day, last = (date.fromisoformat(request.query[f"param_{end}"]) for end in ("first", "last"))
        counts: dict[date, int] = {}
        while day <= min(last, self.world.today):
            if value := sum(self.world.clickpy(project, day, mirrors=mirrors) for project in projects):
                counts[day] = value
            day += DAY
        number = str if self.world.counts_as_text else int
        if "toYear(date)" in sql:
            by_project = sql.startswith("SELECT project, ")
            years: dict[tuple[str, int], list[date]] = {}
            for project in projects if by_project else [""]:
                for day in counts:
                    if not by_project or self.world.clickpy(project, day, mirrors=mirrors):
                        years.setdefault((project, day.year), []).append(day)
            rows = [
                {"year": year, "oldest": f"{min(days)}", "newest": f"{max(days)}", "days": number(len(days))}
                | ({"project": project} if by_project else {})
                for (project, year), days in years.items()
            ]
        else:
            assert "sum(count)" in sql
            rows = [{"date": f"{day}", "downloads": number(value)} for day, value in counts.items()]
        # Rows beyond the limit are omitted without an error.
        text = "".join(f"{json.dumps(row)}\n" for row in rows[: self.world.row_cap])
        return Reply(200, text.encode(), {"Content-Type": "application/x-ndjson"})

    def _npm(self, request: Request) -> Reply:
        if request.path == "/downloads/point/last-day":
            day = self.world.yesterday.isoformat()
            return as_json({"downloads": 9_000_000_000, "start": day, "end": day})
        match = re.fullmatch(
            r"/downloads/(range|point)/(\d{4}-\d\d-\d\d)(?::(\d{4}-\d\d-\d\d))?(?:/(.+))?", request.path
        )
        if not match:
            return as_json({"error": "invalid date"}, 400)
        kind, first, last, package = match[1], date.fromisoformat(match[2]), match[3], match[4]
        last = date.fromisoformat(last or match[2])
        if first > last:
            return as_json({"error": "end date > start date"}, 400)
        if package and "," in package:
            return self._npm_bulk(package.split(","), first, last)
        # Ranges longer than 18 months are silently shortened at the older end.
        first = max(first, last - timedelta(days=548))
        if package and package not in self.world.npm:
            return as_json({"error": f"package {package} not found"}, 404)
        answer = self._npm_range(package, first, last)
        if kind == "point":
            answer["downloads"] = sum(int(row["downloads"]) for row in answer["downloads"])
        return as_json(answer)

    def _npm_range(self, package: str | None, first: date, last: date) -> dict[str, Any]:
        days, day = [], first
        while day <= last:
            days.append({"downloads": self._npm_day(package, day), "day": day.isoformat()})
            day += DAY
        named = {"package": package} if package else {}
        return {"start": first.isoformat(), "end": last.isoformat(), **named, "downloads": days}

    def _npm_bulk(self, packages: list[str], first: date, last: date) -> Reply:
        if any(package.startswith("@") for package in packages):
            return as_json({"error": "scoped packages are not currently supported in bulk lookups"}, 400)
        if len(packages) > 128 or (last - first).days >= 365:
            return as_json({"error": "exceeded max days of 365"}, 400)
        return as_json({p: self._npm_range(p, first, last) if p in self.world.npm else None for p in packages})

    def _npm_day(self, package: str | None, day: date) -> int:
        is_partial = day in self.world.partial_days[NPM]
        if not is_partial and not self.world.is_published(NPM, day):
            return 0
        value = self.world.npm[package].get(day, 0) if package else 9_000_000_000 + 1_000_000 * (day.toordinal() % 7)
        return value // 50 if is_partial else value

    def _github(self, request: Request) -> Reply:
        token = request.headers.get("authorization", "").removeprefix("Bearer ")
        if "user-agent" not in request.headers:
            return as_text("Request forbidden by administrative rules.", 403)
        if token in self.world.rejected_tokens:
            return as_json({"message": "Bad credentials"}, 401)
        if request.path == "/rate_limit":
            return self.world.project.rate_limit(token, self.world.github_quota)
        self.world.github_quota -= 1
        quota = {
            "X-RateLimit-Limit": "1000",
            "X-RateLimit-Remaining": str(max(0, self.world.github_quota)),
            "X-RateLimit-Reset": str(int(time.time()) + 1800),
        }
        if self.world.github_quota < 0:
            reply = as_json({"message": "API rate limit exceeded for 127.0.0.1."}, 403)
            reply.headers.update(quota)
            return reply
        reply = self._github_answer(request)
        reply.headers.update(quota)
        return reply

    def _github_answer(self, request: Request) -> Reply:
        missing = as_json({"message": "Not Found", "status": "404"}, 404)
        if (reply := self.world.project.answer(request)) is not None:
            return reply
        if traffic := re.fullmatch(r"/repos/([^/]+/[^/]+)/traffic/(views|clones)", request.path):
            token = request.headers.get("authorization", "").removeprefix("Bearer ")
            return self.world.registries.traffic(traffic[1], traffic[2], token, self.world.today)
        if owner := re.fullmatch(r"/(?:orgs|users)/([^/]+)/repos", request.path):
            return self.world.project.owned(request, owner[1], self.world.repositories.values())
        if content := re.fullmatch(r"/repos/([^/]+/[^/]+)/contents(?:/(.*))?", request.path):
            return self.world.project.content(request, content[1], content[2] or "")
        match = re.fullmatch(
            r"/(?:repos/([^/]+/[^/]+)|repositories/(\d+))(/stargazers(?:/history)?|/releases)?", request.path
        )
        if not match:
            return missing
        name, number, rest = match[1], match[2], match[3] or ""
        known = {r.full_name.lower(): r for r in self.world.repositories.values()}
        if number:
            repository = next((r for r in known.values() if str(r.number) == number), None)
        else:
            target = self.world.renamed.get(name)
            if target:
                query = f"?{urlencode(request.query)}" if request.query else ""
                where = f"https://api.github.com/repositories/{known[target.lower()].number}{rest}{query}"
                return as_json({"message": "Moved Permanently", "url": where}, 301, Location=where)
            repository = known.get(name.lower())
        if repository is None:
            return missing
        if rest == "/releases":
            return self._releases(request, repository.full_name)
        if rest == "/stargazers":
            return as_json({"message": "Resource not accessible by integration"}, 403)
        if rest:
            return self._history(request, repository)
        return as_json(
            {
                "id": repository.number,
                "full_name": repository.full_name,
                "stargazers_count": repository.count,
                "watchers_count": repository.count,
                "subscribers_count": repository.watchers,
                "forks_count": repository.forks,
                "created_at": f"{repository.created}T10:00:00Z",
            }
        )

    def _releases(self, request: Request, name: str) -> Reply:
        """Return a page of releases, newest first."""
        size, page = int(request.query.get("per_page", "30")), int(request.query.get("page", "1"))
        listed = sorted(self.world.releases.get(name, ()), key=lambda row: str(row["created_at"]), reverse=True)
        # Releases with counted files; drafts are listed only with push access.
        may_push = bool(request.headers.get("authorization"))
        listed = [*self.world.counters.release_rows(name, self.world.today, may_push=may_push), *listed]
        rows = [
            {"html_url": f"https://github.com/{name}/releases/tag/{row['tag_name']}"} | row
            for row in listed[(page - 1) * size : page * size]
        ]
        reply = as_json(rows)
        if page * size < len(listed):
            where = f"https://api.github.com/repos/{name}/releases?per_page={size}&page={page + 1}"
            reply.headers["Link"] = f'<{where}>; rel="next"'
        return reply

    def _history(self, request: Request, repository: object) -> Reply:
        stars, created = repository.stars, repository.created  # type: ignore[attr-defined]
        per_page = min(30, int(request.query.get("per_page", "30")))
        page = int(request.query.get("page", "1"))

        def sunday(day: date) -> date:
            return day - ((day.weekday() + 1) % 7) * DAY

        weeks, week = [], sunday(self.world.today) + self.world.weeks_ahead * 7 * DAY
        while week >= sunday(created):
            days = [stars.get(week + i * DAY, 0) for i in range(7)]
            stamp = int(datetime(week.year, week.month, week.day, tzinfo=UTC).timestamp())
            weeks.append({"week": stamp, "total": sum(days), "days": days})
            week -= 7 * DAY
        last = max(1, -(-len(weeks) // per_page))
        reply = as_json(weeks[(page - 1) * per_page : page * per_page])
        if last > 1:
            base = f"https://api.github.com/repositories/{repository.number}/stargazers/history?per_page={per_page}"  # type: ignore[attr-defined]
            links = [f'<{base}&page={page + 1}>; rel="next"'] if page < last else []
            reply.headers["Link"] = ", ".join([*links, f'<{base}&page={last}>; rel="last"'])
        return reply

    # -- connections -----------------------------------------------------------------------------

    def _connection(self) -> type[socketserver.BaseRequestHandler]:
        services = self

        class Tls(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            host = ""

            def log_message(self, format: str, *args: object) -> None:
                pass

            def do_GET(self) -> None:
                parts = urlsplit(self.path)
                request = Request(
                    time.monotonic(),
                    self.host,
                    self.command,
                    unquote(parts.path),
                    {k: v[0] for k, v in parse_qs(parts.query).items()},
                    {k.lower(): v for k, v in self.headers.items()},
                    self.rfile.read(int(self.headers.get("Content-Length") or 0)),
                    tuple(parse_qs(parts.query).get("expand[]", ())),
                )
                reply = services.answer(request)
                if reply.reset:
                    self.close_connection = True
                    self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\0\0\0\0\0\0\0")
                    self.connection.close()
                    return
                self.send_response_only(reply.status)
                if services.clock is not None:
                    reply.headers["Date"] = format_datetime(services.clock, usegmt=True)
                elif services.world.today == utc_today():
                    # The real time would contradict the responses of a world of another day.
                    reply.headers.setdefault("Date", self.date_time_string())
                for name, value in reply.headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(reply.body)))
                self.end_headers()
                if reply.cut_at is not None:
                    self.wfile.write(reply.body[: reply.cut_at])
                    self.close_connection = True
                elif reply.drip:
                    for byte in reply.body:
                        self.wfile.write(bytes([byte]))
                        if services._released.wait(reply.drip):
                            break
                else:
                    self.wfile.write(reply.body)

            do_POST = do_PATCH = do_HEAD = do_GET

        class Connection(socketserver.BaseRequestHandler):
            def handle(self) -> None:
                # Head and body are two writes; the second one must not wait for the acknowledgement of the first.
                self.request.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                head = b""
                while b"\r\n\r\n" not in head:
                    if not (chunk := self.request.recv(4096)):
                        return
                    head += chunk
                method, target = head.split(b" ", 2)[:2]
                host = target.decode().rsplit(":", 1)[0]
                if method != b"CONNECT" or host not in HOSTS or host in services.unreachable:
                    if host not in HOSTS:
                        services.unknown_hosts.append(host)
                    self.request.sendall(b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n")
                    return
                with services._lock:
                    services.connections += 1
                # The round trips of TCP and TLS handshakes.
                services._released.wait(2 * services.latency)
                self.request.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
                name = ("impostor", "impostor.example.com") if host in services.impostors else ("services", host)
                context = tls_context(*name)
                try:
                    with context.wrap_socket(self.request, server_side=True) as tls:
                        handler = type("Tls", (Tls,), {"host": host})
                        handler(tls, self.client_address, self.server)
                except OSError:
                    return

        return Connection


class _Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True
    request_queue_size = 64

    def handle_error(self, request: object, client_address: object) -> None:
        """Ignore connections of clients that were killed."""
