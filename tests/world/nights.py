"""Successive nights in the simulated world, without waiting for real ones."""

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
from tests.world.runtime import skip_sleep
from tests.world.services import Request, Services
from tests.world.truth import DAY, World

#: When the job runs: after the last log files of the day before were published.
HOUR = time(7, tzinfo=UTC)


@dataclass
class Nights:
    """A store that is refreshed on the mornings of ``world.today``."""

    world: World
    services: Services
    folder: Path
    #: A cmetrics.toml; None is the default catalogue.
    catalog: Path | None = None
    #: Future stars by repository, because a world contains only past ones.
    _future_stars: dict[str, dict[date, int]] = field(default_factory=dict)

    def begin(self, today: date) -> None:
        """Set the world back to ``today``; later stars are saved for their days."""
        self.world.today = today
        self.world.limits = False
        for name, repository in self.world.repositories.items():
            self._future_stars[name] = {day: n for day, n in repository.stars.items() if day >= today}
            repository.stars = {day: n for day, n in repository.stars.items() if day < today}

    def sleep(self, days: int = 1) -> None:
        """Advance the world by some days."""
        for _ in range(days):
            for name, repository in self.world.repositories.items():
                repository.stars[self.world.today] = self._future_stars.get(name, {}).get(self.world.today, 0)
            self.world.today += DAY
        self.world.github_quota = 1000

    def now(self) -> datetime:
        return datetime.combine(self.world.today, HOUR)

    def refresh(self, **options) -> RunSummary:
        return refresh(self.context(), **options)

    def context(self, *, traffic_token: SecretStr | None = None) -> RunContext:
        """Return the context of a run on the morning of ``world.today`` that makes no pauses."""
        settings, catalog = (
            Settings(self._target, self.catalog, traffic_token=traffic_token, network=load_settings().network),
            load_catalog(self.catalog, SPECS),
        )
        return RunContext(settings, catalog, self.now(), clock=self.now, sleep=skip_sleep)

    def refresh_with_requests(self, **options) -> tuple[RunSummary, list[Request]]:
        """Refresh. Return the summary and the requests that were sent."""
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
        """Remove a table, so that the store looks like one of an earlier version."""
        lancedb.connect(self._target.uri).drop_table(table)

    def rows(self) -> list[Observation]:
        """Return all stored rows except seeded snapshots."""
        return [row for row in self.all_rows() if not row.is_seed]

    def all_rows(self) -> list[Observation]:
        """Return all stored rows."""
        store = self.store
        return store.observations(sorted(store.metric_ids()), Span(date(2000, 1, 1), date(2100, 1, 1)))

    @property
    def _target(self) -> StoreTarget:
        return StoreTarget(StoreKind.EMBEDDED, str(self.folder / "lancedb"))


def remove_star(world: World, name: str, day: date) -> bool:
    """Remove a star given on ``day``. Return whether there was one."""
    stars = world.repositories[name].stars
    if not stars.get(day):
        return False
    stars[day] -= 1
    return True
