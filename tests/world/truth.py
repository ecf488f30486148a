"""What really happened in the local world, and what each service shows of it."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta

DAY = timedelta(days=1)
PYPI, CRATES, NPM, GITHUB = "pypistats.org", "crates.io", "api.npmjs.org", "api.github.com"
HOSTS = (PYPI, CRATES, NPM, GITHUB)


def utc_today() -> date:
    return datetime.now(UTC).date()


def wave(base: int, seed: int, first: date, last: date) -> dict[date, int]:
    """Believable downloads: growth, weekends, and now and then a day without any for small bases."""
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
    """A GitHub repository; ``stars`` are the stars still held, by the day they were given."""

    full_name: str
    number: int
    created: date
    stars: dict[date, int]

    @property
    def count(self) -> int:
        return sum(self.stars.values())

    def held(self, day: date) -> int:
        return sum(gained for when, gained in self.stars.items() if when <= day)


@dataclass
class World:
    """Everything the services know. Change it between two runs to let time do its work."""

    today: date = field(default_factory=utc_today)
    #: (package as PEP 503 writes it, with mirrors) → downloads per day
    pypi: dict[tuple[str, bool], dict[date, int]] = field(default_factory=dict)
    crates: dict[str, dict[date, int]] = field(default_factory=dict)
    npm: dict[str, dict[date, int]] = field(default_factory=dict)
    repositories: dict[str, Repository] = field(default_factory=dict)
    #: Old name → new full name.
    renamed: dict[str, str] = field(default_factory=dict)
    #: Days that a service lost for everybody, or has not published yet, beyond its usual lag.
    lost: dict[str, set[date]] = field(default_factory=lambda: {host: set() for host in HOSTS})
    #: Days behind: 1 means that yesterday is there.
    lag: dict[str, int] = field(default_factory=lambda: {PYPI: 1, CRATES: 0, NPM: 2, GITHUB: 0})
    #: Days of which the registry has published only a small part.
    partly: dict[str, set[date]] = field(default_factory=lambda: {host: set() for host in HOSTS})
    rejected_tokens: set[str] = field(default_factory=set)
    #: Called before an answer is made; may answer instead (see services.Fault).
    faults: dict[str, Callable[..., object]] = field(default_factory=dict)
    #: pypistats' own limiter and GitHub's quota, as the real ones are.
    limits: bool = True
    github_quota: int = 1000

    @classmethod
    def default(cls) -> World:
        """The default catalogue's subjects, with two years behind them."""
        world = cls()
        first, last = world.today - 700 * DAY, world.today
        for number, (name, base) in enumerate({"pylance": 40_000, "lancedb": 60_000, "__all__": 2_500_000_000}.items()):
            world.pypi[name, True] = wave(base, number, first, last)
            world.pypi[name, False] = {day: int(v * 0.8) for day, v in world.pypi[name, True].items()}
        world.crates["lance"] = wave(900, 11, first, last)
        # A small crate: some days really have no download.
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
        return world

    # -- what may be stored ---------------------------------------------------------------------

    @property
    def yesterday(self) -> date:
        return self.today - DAY

    def landed(self, host: str, day: date) -> bool:
        newest = self.today - self.lag[host] * DAY
        return day <= newest and day not in self.lost[host] and day not in self.partly[host]

    def expected(self, days: int = 730) -> dict[str, dict[date, int]]:
        """The truth for the default catalogue as a first refresh may store it, by metric id."""
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
                newest = max(day for day in values if self.landed(host, day))
                first = max(first, newest - 180 * DAY)
            rows[metric_id] = {d: v for d, v in values.items() if first <= d <= last and self.landed(host, d)}
        for metric_id, name in (
            ("stars:lance:github", "lance-format/lance"),
            ("stars:lancedb:github", "lancedb/lancedb"),
        ):
            repository = self.repositories[name]
            first = max(repository.created, last - (days - 1) * DAY)
            held, counts, day = repository.held(first - DAY), {}, first
            while day <= last:
                held += repository.stars.get(day, 0)
                counts[day] = held
                day += DAY
            rows[metric_id] = counts
        return rows
