"""A store with the values of the default catalogue, and the API that serves it."""

from __future__ import annotations

import queue
import re
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest

from cmetrics.catalog import load_catalog
from cmetrics.domain.metric import definition
from cmetrics.domain.observation import DailyValue, Provenance
from cmetrics.domain.run import Run, RunStatus
from cmetrics.ingest.reconcile import differs
from cmetrics.seed import load_seed
from cmetrics.settings import StoreKind, StoreTarget
from cmetrics.sources import SPECS
from cmetrics.store.lance_store import LanceStore
from tests.conftest import Workspace
from tests.samples import observe
from tests.world.truth import World

NOW = datetime.now(UTC).replace(microsecond=0)
CATALOG = load_catalog(None, SPECS)


def fill(store: LanceStore) -> None:
    """Store two years of the default catalogue and two runs, one of them with an error."""
    store.create_tables()
    store.save_definitions([definition(metric, NOW) for metric in CATALOG.metrics])
    truth = World.default().expected()
    rows = {row.key: row for row in load_seed(CATALOG, "seed")}
    for metric in CATALOG.metrics:
        for day, value in truth[metric.metric_id].items():
            row = observe(metric, DailyValue(day, value, "t:x"), provenance=Provenance.API_DAILY, run_id="r", at=NOW)
            rows.setdefault(row.key, row)
    store.upsert_observations(list(rows.values()), differs)
    store.save_runs(
        [
            Run("r1", "refresh", RunStatus.SUCCESS, NOW, NOW, 5, 0),
            Run("r2", "refresh", RunStatus.PARTIAL, NOW, NOW, 1, 2, "downloads:lance:rust: crates.io broke"),
        ]
    )


@dataclass
class ApiServer:
    url: str
    process: subprocess.Popen[str]
    lines: list[str]

    def get(self, path: str, **more) -> httpx.Response:
        return httpx.get(self.url + path, timeout=60, **more)


@contextmanager
def started(workspace: Workspace, *args: str) -> Iterator[ApiServer]:
    """Start the API in a folder, and wait for its address."""
    process = workspace.start("serve-api", "--port", "0", *args)
    lines: list[str] = []
    address: queue.Queue[str] = queue.Queue()

    def read() -> None:
        for line in process.stderr:
            lines.append(line)
            if found := re.search(r"running on (http://\S+)", line):
                address.put(found[1])
        address.put("")

    try:
        threading.Thread(target=read, daemon=True).start()
        url = address.get(timeout=60)
        assert url, "".join(lines)
        yield ApiServer(url, process, lines)
    finally:
        process.kill()
        process.wait()


@pytest.fixture(scope="session")
def serve() -> Iterator[Callable[..., ApiServer]]:
    """Return a function that starts the API in a folder and waits for its address."""
    with ExitStack() as stack:
        yield lambda workspace, *args: stack.enter_context(started(workspace, *args))


@pytest.fixture(scope="session")
def filled_workspace(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    folder: Path = tmp_path_factory.mktemp("full")
    root = folder / "data" / "lancedb"
    root.mkdir(parents=True)
    fill(LanceStore.open(StoreTarget(StoreKind.EMBEDDED, str(root))))
    return Workspace(folder)


@pytest.fixture(scope="session")
def api(serve, filled_workspace: Workspace) -> ApiServer:
    return serve(filled_workspace)
