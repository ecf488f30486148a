"""The true counts in the simulated world, and what each service shows of them."""

from __future__ import annotations

import math
import zlib
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta

from tests.world.counters import COUNTER_HOSTS, Counters
from tests.world.project import Project
from tests.world.registries import REGISTRY_HOSTS, Registries

DAY = timedelta(days=1)
PYPI, CRATES, NPM, GITHUB = "pypistats.org", "crates.io", "api.npmjs.org", "api.github.com"
FILES, CLICKPY = "static.crates.io", "sql-clickhouse.clickhouse.com"
HOSTS = (PYPI, CRATES, NPM, GITHUB, FILES, CLICKPY, *COUNTER_HOSTS, *REGISTRY_HOSTS)


def utc_today() -> date:
    return datetime.now(UTC).date()


def wave(base: int, seed: int, first: date, last: date) -> dict[date, int]:
    """Return plausible downloads: growth, weekends, and for small bases some days without any."""
    values, day = {}, first
    while day <= last:
        n = (day - first).days
        weekend = 0.5 if day.weekday() >= 5 else 1.0
        noise = 1 + 0.3 * math.sin(seed + n * 1.7) + 0.2 * math.sin(seed * 3 + n * 0.37)
        values[day] = max(0, int(base * weekend * noise * (1 + n / 900)))
        day += DAY
    return values


@dataclass
class Repository:
    """A GitHub repository; ``stars`` contains the current stars by the day on which they were given."""

    full_name: str
    number: int
    created: date
    stars: dict[date, int]
    forks: int = 120
    watchers: int = 40

    @property
    def count(self) -> int:
        return sum(self.stars.values())

    def stars_on(self, day: date) -> int:
        return sum(gained for when, gained in self.stars.items() if when <= day)


@dataclass(frozen=True)
class Version:
    """A version of a crate."""

    number: int
    name: str
    created: date


def a_release(number: int, tag: str, day: date, **changes: object) -> dict[str, object]:
    """Return a release as GitHub lists it, published at noon."""
    return {
        "id": number,
        "tag_name": tag,
        "name": tag,
        "draft": False,
        "prerelease": False,
        "created_at": f"{day}T11:00:00Z",
        "published_at": f"{day}T12:00:00Z",
        "body": "What changed",
        "assets": [],
    } | changes


@dataclass
class World:
    """Everything that the services know. Change it between two runs to simulate passing time."""

    today: date = field(default_factory=utc_today)
    #: (package as normalized by PEP 503, with mirrors) → downloads per day
    pypi: dict[tuple[str, bool], dict[date, int]] = field(default_factory=dict)
    crates: dict[str, dict[date, int]] = field(default_factory=dict)
    npm: dict[str, dict[date, int]] = field(default_factory=dict)
    repositories: dict[str, Repository] = field(default_factory=dict)
    #: Old name → new full name.
    renamed: dict[str, str] = field(default_factory=dict)
    #: Days that a service has lost, or not yet published despite its usual lag.
    lost: dict[str, set[date]] = field(default_factory=lambda: {host: set() for host in HOSTS})
    #: Delay in days: 1 means that yesterday is published.
    lag: dict[str, int] = field(default_factory=lambda: {PYPI: 1, CRATES: 0, NPM: 2, GITHUB: 0, FILES: 91, CLICKPY: 1})
    #: Days of which a service has published only a small part.
    partial_days: dict[str, set[date]] = field(default_factory=lambda: {host: set() for host in HOSTS})
    #: Full name of a repository → its releases as returned by `a_release`, in any order.
    releases: dict[str, list[dict[str, object]]] = field(default_factory=dict)
    rejected_tokens: set[str] = field(default_factory=set)
    #: Called instead of the usual response (see services.Fault).
    faults: dict[str, Callable[..., object]] = field(default_factory=dict)
    #: Whether the real limits of pypistats.org and GitHub apply.
    limits: bool = True
    github_quota: int = 1000
    #: The repository that runs cmetrics.
    project: Project = field(default_factory=Project)
    #: Services that publish only a current count.
    counters: Counters = field(default_factory=Counters)
    #: More registries.
    registries: Registries = field(default_factory=Registries)
    #: The number of weeks that have begun since the first page of a star history was read.
    weeks_ahead: int = 0
    #: Whether crates.io also returns archived days per version.
    keeps_old_rows: bool = False
    #: ClickPy: the most rows of a response, counts as text, its newest day, and its count per 1,000 downloads at
    #: pypistats.org.
    row_cap: int = 1000
    counts_as_text: bool = False
    clickpy_newest: date = date.max
    unknown_to_clickpy: set[str] = field(default_factory=set)
    clickpy_per_mille: int = 1004

    @classmethod
    def default(cls, today: date | None = None) -> World:
        """Return a world with the subjects of the default catalogue and two years of history."""
        world = cls(today=today or utc_today())
        first, last = world.today - 700 * DAY, world.today
        for number, (name, base) in enumerate({"pylance": 40_000, "lancedb": 60_000, "__all__": 2_500_000_000}.items()):
            world.pypi[name, True] = wave(base, number, first, last)
            world.pypi[name, False] = {day: int(v * 0.8) for day, v in world.pypi[name, True].items()}
        world.crates["lance"] = wave(900, 11, first, last)
        # A small crate: some days have no downloads.
        world.crates["lancedb"] = {
            day: (0 if day.toordinal() % 23 == 0 else v) for day, v in wave(90, 12, first, last).items()
        }
        world.npm["@lancedb/lancedb"] = {
            day: (0 if day.toordinal() % 41 == 0 else v)
            for day, v in wave(9_000, 21, world.today - 500 * DAY, last).items()
        }
        for number, (name, base, age) in enumerate((("lance-format/lance", 5, 900), ("lancedb/lancedb", 8, 640))):
            created = world.today - age * DAY
            world.repositories[name] = Repository(
                name, 700_000 + number, created, wave(base, 31 + number, created, last)
            )
        world.counters = Counters.default(last - 90 * DAY, last + 60 * DAY)
        world.registries = Registries.default(last - 800 * DAY, last + 60 * DAY)
        return world

    @classmethod
    def young(cls) -> World:
        """Return the default world with fewer days, but still more than the services retain."""
        world = cls.default()
        for values, days in ((world.pypi, 430), (world.crates, 240)):
            for subject in values:
                values[subject] = {d: v for d, v in values[subject].items() if d >= world.today - days * DAY}
        return world

    def versions(self, crate: str) -> list[Version]:
        """Return four versions, published over the years, among which the downloads of a day are divided."""
        first, base = min(self.crates[crate]), 10 * (zlib.crc32(crate.encode()) % 1_000_000)
        step = (self.today - first).days // 5
        return [Version(base + n, f"0.{n}.0", first + n * step * DAY) for n in range(4)]

    def by_version(self, crate: str, day: date) -> dict[int, int]:
        """Return the downloads of a day by version number; versions without any are omitted."""
        there = [version for version in self.versions(crate) if version.created <= day]
        value = self.crates[crate].get(day, 0)
        if not there or not value:
            return {}
        share = value // len(there)
        parts = {version.number: share for version in there}
        parts[there[0].number] += value - share * len(there)
        return {number: part for number, part in parts.items() if part}

    def clickpy(self, project: str, day: date, *, mirrors: bool) -> int:
        """Return the count of ClickPy, which is nearly that of pypistats.org."""
        if not self.is_published(CLICKPY, day) or day > self.clickpy_newest or project in self.unknown_to_clickpy:
            return 0
        if project in {"pip", "setuptools", "requests", "urllib3"}:
            return 5_000_000 + day.toordinal() % 7
        return self.pypi.get((project, mirrors), {}).get(day, 0) * self.clickpy_per_mille // 1000

    # -- expected values ------------------------------------------------------------------------

    @property
    def yesterday(self) -> date:
        return self.today - DAY

    def is_published(self, host: str, day: date) -> bool:
        newest = self.today - self.lag[host] * DAY
        return day <= newest and day not in self.lost[host] and day not in self.partial_days[host]

    def full(self) -> dict[str, dict[date, int]]:
        """Return what `backfill --full` stores for the default catalogue, by metric id."""
        rows = self.expected(days=10_000)
        for metric_id, package in (("downloads:lance:python", "pylance"), ("downloads:lancedb:python", "lancedb")):
            older = {day: self.clickpy(package, day, mirrors=True) for day in self.pypi[package, True]}
            rows[metric_id] = {d: v for d, v in older.items() if d < min(rows[metric_id])} | rows[metric_id]
        for metric_id, crate in (("downloads:lance:rust", "lance"), ("downloads:lancedb:rust", "lancedb")):
            rows[metric_id] = {d: v for d, v in self.crates[crate].items() if d <= self.yesterday}
        for metric_id, values in rows.items():
            if not metric_id.startswith("stars"):
                first = min(day for day, value in values.items() if value) if "rust" not in metric_id else date.min
                rows[metric_id] = {day: value for day, value in values.items() if day >= first}
        return rows

    def expected(self, days: int = 730) -> dict[str, dict[date, int]]:
        """Return what a first refresh stores for the default catalogue, by metric id."""
        last = self.yesterday
        reach = {PYPI: 181, CRATES: 89, NPM: days}
        subjects = {
            "downloads:lance:python": (PYPI, self.pypi["pylance", True]),
            "downloads:lancedb:python": (PYPI, self.pypi["lancedb", True]),
            "downloads:lance:rust": (CRATES, self.crates["lance"]),
            "downloads:lancedb:rust": (CRATES, self.crates["lancedb"]),
            "downloads:lancedb:nodejs": (NPM, self.npm["@lancedb/lancedb"]),
        }
        rows: dict[str, dict[date, int]] = {}
        for metric_id, (host, values) in subjects.items():
            first = last - (reach[host] - 1) * DAY
            if host == PYPI:
                newest = max(day for day in values if self.is_published(host, day))
                first = max(first, newest - 180 * DAY)
            rows[metric_id] = {d: v for d, v in values.items() if first <= d <= last and self.is_published(host, d)}
        for metric_id, name in (
            ("stars:lance:github", "lance-format/lance"),
            ("stars:lancedb:github", "lancedb/lancedb"),
        ):
            repository = self.repositories[name]
            first = max(repository.created, last - (days - 1) * DAY)
            stars, counts, day = repository.stars_on(first - DAY), {}, first
            while day <= last:
                stars += repository.stars.get(day, 0)
                counts[day] = stars
                day += DAY
            rows[metric_id] = counts
        return rows
