"""Any one service misbehaves: the others are stored, and the next night heals what it cost.

In the process of the test, because every combination needs several runs and starting one costs two
seconds; sockets, services and store are the same as for the command.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from cmetrics.catalog import Catalog, load_catalog
from cmetrics.cli.progress import Silent
from cmetrics.domain.days import utc_now
from cmetrics.domain.run import RunStatus, RunSummary
from cmetrics.ingest.run import Selection, refresh
from cmetrics.settings import Settings, StoreKind, StoreTarget
from cmetrics.sources import SPECS
from tests.conftest import Home, catalog_text
from tests.world import faults
from tests.world.services import Services
from tests.world.truth import CRATES, GITHUB, NPM, PYPI, World

SUBJECTS = (("pypistats", "pylance"), ("cratesio", "lance"), ("npm", "@lancedb/lancedb"), ("github", "lancedb/lancedb"))
METRICS = {PYPI: "downloads:p:python", CRATES: "downloads:p:rust", NPM: "downloads:p:nodejs", GITHUB: "stars:p:github"}
FAULTS = (
    faults.server_error,
    faults.html,
    faults.reset,
    faults.truncate,
    faults.wrong_types,
    faults.bare_number,
    faults.negative,
    faults.slow_down_for_an_hour,
    faults.endless,
    faults.elsewhere,
)


@pytest.fixture
def catalog(tmp_path: Path) -> Catalog:
    path = tmp_path / "cmetrics.toml"
    path.write_text(catalog_text(*SUBJECTS))
    return load_catalog(path, SPECS)


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.__name__)
def test_a_service_that_fails_costs_only_its_own_metrics_and_heals_the_next_night(
    fault: faults.Fault, home: Home, services: Services, world: World, catalog: Catalog, monkeypatch: pytest.MonkeyPatch
):
    for name, value in services.env().items():
        monkeypatch.setenv(name, value)
    settings = Settings(StoreTarget(StoreKind.EMBEDDED, str(home.folder / "data" / "lancedb")), None)

    def night() -> RunSummary:
        return refresh(settings, catalog, lookback_days=0, selection=Selection(), clock=utc_now, watcher=Silent())

    stored: dict = {}
    for host, metric_id in METRICS.items():
        world.faults = {host: fault}
        summary = night()
        assert summary.status is RunStatus.PARTIAL
        assert {outcome.metric_id for outcome in summary.metrics if outcome.error} == {metric_id}
        assert home.daily().get(metric_id) == stored.get(metric_id), "a failing service writes nothing of its own"
        stored = home.daily()
        assert home.runs[0].status == "partial"
        assert home.runs[0].error_summary.startswith(f"{metric_id}: ")
    world.faults = {}
    assert night().status is RunStatus.SUCCESS
    expected = world.expected()
    assert home.daily() == {
        "downloads:p:python": {day: world.pypi["pylance", False][day] for day in expected["downloads:lance:python"]},
        "downloads:p:rust": expected["downloads:lance:rust"],
        "downloads:p:nodejs": expected["downloads:lancedb:nodejs"],
        "stars:p:github": expected["stars:lancedb:github"],
    }
