"""CRAN, Packagist, RubyGems, Homebrew, DuckDB's extensions and the traffic of GitHub, with their peculiarities."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tests.world.services import Reply, Request

DAY = timedelta(days=1)
CRAN, PACKAGIST, HOMEBREW = "cranlogs.r-pkg.org", "packagist.org", "formulae.brew.sh"
DUCKDB, DUCKDB_COMMUNITY = "extensions.duckdb.org", "community-extensions.duckdb.org"
REGISTRY_HOSTS = (CRAN, PACKAGIST, HOMEBREW, DUCKDB, DUCKDB_COMMUNITY)
#: Gems and a package of Packagist that are downloaded every day.
BUSY_GEMS, BUSY_PACKAGE = ("bundler", "rack", "rake", "json"), "psr/log"


def steady(per_day: int, first: date, last: date) -> dict[date, int]:
    """Return about ``per_day`` for each day, less at weekends."""
    days = (first + n * DAY for n in range((last - first).days + 1))
    return {
        day: per_day * (3 if day.weekday() < 5 else 2) // 3 + day.toordinal() * 7 % max(1, per_day // 4) for day in days
    }


@dataclass
class Registries:
    """The true counts of these services, by subject and day."""

    cran: dict[str, dict[date, int]] = field(default_factory=dict)
    packagist: dict[str, dict[date, int]] = field(default_factory=dict)
    gems: dict[str, dict[date, int]] = field(default_factory=dict)
    #: Formula, or ``cask/name`` → installs per day.
    brew: dict[str, dict[date, int]] = field(default_factory=dict)
    #: Host → extension → downloads per day.
    extensions: dict[str, dict[str, dict[date, int]]] = field(default_factory=dict)
    #: Host → the days on which its weekly job runs; Fridays by default.
    jobs: dict[str, list[date]] = field(default_factory=dict)
    #: owner/name → views and clones per day; only tokens in ``may_push`` can read them.
    views: dict[str, dict[date, int]] = field(default_factory=dict)
    clones: dict[str, dict[date, int]] = field(default_factory=dict)
    may_push: set[str] = field(default_factory=set)
    #: Days that a service has lost or not yet published.
    lost: dict[str, set[date]] = field(default_factory=lambda: {host: set() for host in (*REGISTRY_HOSTS, "rubygems")})
    #: Delay in days: 1 means that yesterday is published.
    lag: dict[str, int] = field(default_factory=lambda: {CRAN: 1, PACKAGIST: 1, "rubygems": 3})

    @classmethod
    def default(cls, first: date, last: date) -> Registries:
        """Return one subject of each service, counted from ``first`` on; days until ``last`` are known."""
        registries = cls(
            cran={"lance": steady(300, first, last)},
            packagist={"lance/lance": steady(90, first, last), BUSY_PACKAGE: steady(900_000, first, last)},
            gems={"lance": steady(60, first, last), **{gem: steady(500_000, first, last) for gem in BUSY_GEMS}},
            brew={"lance": steady(7, first, last), "cask/lance": steady(3, first, last)},
            extensions={
                DUCKDB: {"httpfs": steady(120_000, first, last)},
                DUCKDB_COMMUNITY: {"lance": steady(40, first, last), "h3": steady(900, first, last)},
            },
            views={"lancedb/lancedb": steady(400, first, last)},
            clones={"lancedb/lancedb": steady(4_000, first, last)},
        )
        fridays = [day for day in steady(1, first, last) if day.weekday() == 4]
        registries.jobs = {DUCKDB: list(fridays), DUCKDB_COMMUNITY: list(fridays)}
        return registries

    def is_published(self, host: str, day: date, today: date) -> bool:
        """Return whether a service has published ``day``."""
        return day <= today - self.lag[host] * DAY and day not in self.lost[host]

    def total(self, values: dict[date, int], last: date, days: int) -> int:
        """Return the sum of the ``days`` days that end with ``last``."""
        return sum(values.get(last - n * DAY, 0) for n in range(days))

    # -- responses ---------------------------------------------------------------------------------

    def answer(self, request: Request, today: date) -> Reply:
        """Return the response of one of :data:`REGISTRY_HOSTS`."""
        return {
            CRAN: self._cran,
            PACKAGIST: self._packagist,
            HOMEBREW: self._homebrew,
            DUCKDB: self._duckdb,
            DUCKDB_COMMUNITY: self._duckdb,
        }[request.host](request, today)

    def _cran(self, request: Request, today: date) -> Reply:
        from tests.world.services import as_json

        if request.path == "/downloads/total/last-day":
            return as_json([{"start": f"{today - DAY}", "end": f"{today - DAY}", "downloads": 9_000_000}])
        match = re.fullmatch(r"/downloads/daily/(\d{4}-\d\d-\d\d):(\d{4}-\d\d-\d\d)(?:/(.+))?", request.path)
        if match is None:
            return as_json({"error": "Invalid query"}, 400)
        first, last = date.fromisoformat(match[1]), date.fromisoformat(match[2])
        names: list[str | None] = list(match[3].split(",")) if match[3] else [None]
        if any(name is not None and name not in self.cran for name in names):
            return as_json({"error": "Package not found"}, 404)
        days = [first + n * DAY for n in range((last - first).days + 1)]
        shown = [day for day in days if self.is_published(CRAN, day, today)]
        # A response ends with the newest published day.
        end = min(last, max(shown, default=last))
        answers: list[dict[str, Any]] = []
        for name in names:
            values = self.cran[name] if name else steady(9_000_000, first, last)
            rows = [{"day": f"{day}", "downloads": values.get(day, 0)} for day in shown]
            answers.append(
                {"start": f"{first}", "end": f"{end}", "downloads": rows} | ({"package": name} if name else {})
            )
        return as_json(answers)

    def _packagist(self, request: Request, today: date) -> Reply:
        from tests.world.services import as_json

        if request.path == f"/packages/{BUSY_PACKAGE}.json":
            return as_json({"package": {"name": BUSY_PACKAGE}})
        match = re.fullmatch(r"/packages/([^/]+/[^/]+)/stats/all\.json", request.path)
        package = match[1].lower() if match else ""
        if package not in self.packagist:
            return as_json({"status": "error", "message": "Package not found"}, 404)
        assert request.query["average"] == "daily"
        first, last = (date.fromisoformat(request.query[end]) for end in ("from", "to"))
        days = [first + n * DAY for n in range((last - first).days + 1)]
        # An unpublished day has the value 0.
        values = [
            self.packagist[package].get(day, 0) if self.is_published(PACKAGIST, day, today) else 0 for day in days
        ]
        return as_json({"labels": [f"{day}" for day in days], "values": {package: values}, "average": "daily"})

    def gem_rows(self, request: Request, today: date) -> Reply:
        """Return the response of the ClickHouse server for gems; days without downloads have no row."""
        from tests.world.services import Reply

        gems = re.findall(r"'([^']+)'", request.query["param_gems"])
        first, last = (date.fromisoformat(request.query[f"param_{end}"]) for end in ("first", "last"))
        rows = []
        for day in (first + n * DAY for n in range((last - first).days + 1)):
            value = sum(self.gems.get(gem, {}).get(day, 0) for gem in gems)
            if value and self.is_published("rubygems", day, today):
                rows.append({"date": f"{day}", "downloads": value})
        text = "".join(f"{json.dumps(row)}\n" for row in rows[:1000])
        return Reply(200, text.encode(), {"Content-Type": "application/x-ndjson"})

    def _homebrew(self, request: Request, today: date) -> Reply:
        from tests.world.services import as_json, as_text

        match = re.fullmatch(r"/api/(?:formula/([^/]+)|(cask/[^/]+))\.json", request.path)
        subject = (match[1] or match[2]) if match else ""
        if subject == "wget":
            return as_json({"name": "wget"})
        if subject not in self.brew:
            return as_text("<!DOCTYPE html><title>404</title>", 404)
        name = subject.removeprefix("cask/")
        count = self.total(self.brew[subject], today - DAY, 30)
        windows = {"30d": {name: count, f"{name} --HEAD": 2}, "90d": {name: 3 * count}, "365d": {name: 12 * count}}
        on_request = {"30d": {name: count // 2}, "90d": {name: count}, "365d": {name: 5 * count}}
        analytics = {"install": windows} | ({} if "/" in subject else {"install_on_request": on_request})
        named = {"token": name, "name": [name.title()]} if "/" in subject else {"name": name}
        return as_json(named | {"analytics": analytics, "generated_date": f"{today}"})

    def _duckdb(self, request: Request, today: date) -> Reply:
        from tests.world.services import as_json, as_text

        jobs = [day for day in self.jobs[request.host] if day <= today]
        weekly = re.fullmatch(r"/download-stats-weekly/(\d{4})/([1-9]\d?)\.json", request.path)
        if weekly:
            jobs = [day for day in jobs if (day.year, day.isocalendar().week) == (int(weekly[1]), int(weekly[2]))]
        elif request.path != "/downloads-last-week.json":
            jobs = []
        if not jobs:
            return as_text("<?xml version='1.0'?><Error><Code>AccessDenied</Code></Error>", 403, "application/xml")
        job = jobs[-1]
        counts = {name: self.total(days, job - DAY, 7) for name, days in self.extensions[request.host].items()}
        return as_json({"_last_update": f"{job}T03:12:00Z", **counts})

    def traffic(self, repository: str, kind: str, token: str, today: date) -> Reply:
        """Return views or clones of the last 14 days; days without any are omitted."""
        from tests.world.services import as_json

        if token not in self.may_push:
            return as_json({"message": "Resource not accessible by integration"}, 403)
        values = (self.views if kind == "views" else self.clones).get(repository, {})
        days = [today - n * DAY for n in range(14, -1, -1)]
        rows = [
            {"timestamp": f"{day}T00:00:00Z", "count": values[day], "uniques": values[day] // 3}
            for day in days
            if values.get(day)
        ]
        return as_json({"count": sum(row["count"] for row in rows), "uniques": 9, kind: rows})
