"""Nights in the local world, one after the other, without waiting for the real ones."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time
from pathlib import Path

import lancedb
from pydantic import SecretStr

from cmetrics.analytics.status import StoreStatus
from cmetrics.catalog import load_catalog
from cmetrics.domain.days import Span
from cmetrics.domain.observation import Observation
from cmetrics.domain.run import RunSummary
from cmetrics.ingest.context import RunContext
from cmetrics.ingest.run import refresh
from cmetrics.queries import Queries
from cmetrics.settings import Settings, StoreKind, StoreTarget, load_settings
from cmetrics.sources import SPECS
from cmetrics.store.lance_store import LanceStore
from tests.world.runtime import at_once
from tests.world.services import Request, Services
from tests.world.truth import DAY, World

#: When the job runs: after the last log files of the day before.
HOUR = time(7, tzinfo=UTC)


@dataclass
class Nights:
    """A store that is refreshed in the morning of ``world.today``, as often as it is told."""

    world: World
    services: Services
    folder: Path
    #: A cmetrics.toml; None is the default catalogue.
    catalog: Path | None = None
    #: Stars that will be given, by repository: a world knows only those of its past.
    _coming: dict[str, dict[date, int]] = field(default_factory=dict)

    def begin(self, today: date) -> None:
        """Turn the world back to ``today``; what has not happened yet is kept for its day."""
        self.world.today = today
        self.world.limits = False
        for name, repository in self.world.repositories.items():
            self._coming[name] = {day: n for day, n in repository.stars.items() if day >= today}
            repository.stars = {day: n for day, n in repository.stars.items() if day < today}

    def sleep(self, days: int = 1) -> None:
        """Let days go by."""
        for _ in range(days):
            for name, repository in self.world.repositories.items():
                repository.stars[self.world.today] = self._coming.get(name, {}).get(self.world.today, 0)
            self.world.today += DAY
        self.world.github_quota = 1000

    def now(self) -> datetime:
        return datetime.combine(self.world.today, HOUR)

    def refresh(self, **options) -> RunSummary:
        return refresh(self.context(), **options)

    def context(self, *, traffic_token: SecretStr | None = None) -> RunContext:
        """A run in the morning of ``world.today`` that waits for nobody."""
        settings, catalog = (
            Settings(self._target, self.catalog, traffic_token=traffic_token, network=load_settings().network),
            load_catalog(self.catalog, SPECS),
        )
        return RunContext(settings, catalog, self.now(), clock=self.now, sleep=at_once)

    def asked(self, **options) -> tuple[RunSummary, list[Request]]:
        """A refresh and the requests that it took."""
        before = len(self.services.requests)
        return self.refresh(**options), self.services.requests[before:]

    @property
    def report(self) -> Queries:
        return Queries(self.store, load_catalog(self.catalog, SPECS), SPECS, now=self.now())

    def state(self) -> StoreStatus:
        return self.report.status()

    @property
    def store(self) -> LanceStore:
        return LanceStore.open(self._target)

    def drop(self, table: str) -> None:
        """Remove a table, as a store of an earlier version lacks it."""
        lancedb.connect(self._target.uri).drop_table(table)

    def rows(self) -> list[Observation]:
        """All that is stored but the seeded snapshots."""
        return [row for row in self.everything() if not row.is_seed]

    def everything(self) -> list[Observation]:
        """All that is stored."""
        store = self.store
        return store.observations(sorted(store.metric_ids()), Span(date(2000, 1, 1), date(2100, 1, 1)))

    @property
    def _target(self) -> StoreTarget:
        return StoreTarget(StoreKind.EMBEDDED, str(self.folder / "lancedb"))


def unstar(world: World, name: str, day: date) -> bool:
    """Somebody takes back a star given on ``day``; False when there is none."""
    stars = world.repositories[name].stars
    if not stars.get(day):
        return False
    stars[day] -= 1
    return True
