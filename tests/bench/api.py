"""The latency of the API while the store is written."""

from __future__ import annotations

import statistics
import threading
import time
from collections.abc import Iterator
from concurrent.futures import Executor, ProcessPoolExecutor
from contextlib import contextmanager
from itertools import cycle, islice, repeat
from multiprocessing import get_context
from pathlib import Path

import httpx

from cmetrics.cli.exit_codes import PARTIAL
from tests.api.conftest import started
from tests.bench.clock import run_in_process, timed
from tests.bench.figures import Figure
from tests.bench.stores import NOW, catalog_of, create_filled_store, metrics_of, size_text
from tests.conftest import Workspace
from tests.world.services import Services
from tests.world.truth import World

SIZES = (7, 1000)
CLIENTS = (1, 8)
REQUESTS = 400


def measure(folder: Path) -> Iterator[Figure]:
    """Measure requests with varying parameters, so that none is cached, and the same request of an unchanged store."""
    for count in SIZES:
        workspace = Workspace(folder / f"{count}")
        metrics = metrics_of(count)
        create_filled_store(workspace.folder / "data" / "lancedb", metrics)
        catalog_of(metrics, workspace.folder)
        ids = [metric.metric_id for metric in metrics]
        view = run_in_process(dashboards, workspace.folder)
        yield Figure("dashboard view-model, 180 days", size_text(count), view, count)
        urls = {
            "series": [f"/api/v1/series/{m}?days={d}" for d in range(90, 731) for m in ids],
            "dashboard": [f"/api/v1/dashboard/daily?days={d}" for d in range(30, 181)],
        }
        # Clients in threads would share the interpreter lock, so that their waiting would be measured.
        client_pool = ProcessPoolExecutor(max(CLIENTS), get_context("spawn"))
        with started(workspace) as served, client_pool as pool:
            with concurrent_refreshes(workspace):
                for what, paths in urls.items():
                    requests = REQUESTS // 10 if what == "dashboard" and count > min(SIZES) else REQUESTS
                    yield from _figures(pool, served.url, what, list(islice(cycle(paths), requests)), count)
            # The store is no longer written, so the same response is requested repeatedly.
            same = ["/api/v1/dashboard/daily"] * REQUESTS
            yield from _figures(pool, served.url, "dashboard, unchanged", same, count)


def _figures(pool: Executor, url: str, what: str, paths: list[str], count: int) -> Iterator[Figure]:
    """Yield the figures of one client and of several."""
    for clients in CLIENTS:
        taken = measure_responses(pool, url, paths, clients)
        p = statistics.quantiles(taken, n=100)
        details = f"p95 {p[94] * 1e3:.0f} ms, p99 {p[98] * 1e3:.0f} ms"
        size = f"{size_text(count)}, {clients} client{'s' if clients > 1 else ''}"
        yield Figure(f"API, {what}: p50", size, p[49], None, None, details)


def dashboards(folder: Path) -> float:
    """Return the seconds from an open store to the view-model of a dashboard."""
    from cmetrics.catalog import load_catalog
    from cmetrics.queries import Queries
    from cmetrics.settings import StoreKind, StoreTarget
    from cmetrics.sources import SPECS
    from cmetrics.store.lance_store import LanceStore

    store = LanceStore.open(StoreTarget(StoreKind.EMBEDDED, str(folder / "data" / "lancedb")))
    catalog = load_catalog(folder / "cmetrics.toml", SPECS)
    # New queries each time, because one object caches what it has read.
    return timed(lambda: Queries(store, catalog, SPECS, now=NOW).dashboard(), 5)


def measure_responses(pool: Executor, url: str, paths: list[str], clients: int) -> list[float]:
    """Return the seconds of all responses. Each client is a process with one request at a time."""
    return [
        one for part in pool.map(request_all, repeat(url), [paths[n::clients] for n in range(clients)]) for one in part
    ]


def request_all(url: str, paths: list[str]) -> list[float]:
    """Return the seconds of the responses to one client."""
    taken = []
    with httpx.Client(base_url=url, timeout=60) as client:
        client.get("/api/v1/health")
        for path in paths:
            start = time.perf_counter()
            assert client.get(path).status_code == 200
            taken.append(time.perf_counter() - start)
    return taken


@contextmanager
def concurrent_refreshes(workspace: Workspace) -> Iterator[None]:
    """Refresh repeatedly, with another catalogue, into the store that is read."""
    folder = workspace.folder.with_name(f"{workspace.folder.name}-refresh")
    folder.mkdir()
    ended = threading.Event()
    with Services(World.default(), folder) as services:
        writer = Workspace(folder, services.env())

        def work() -> None:
            while not ended.is_set():
                process = writer.start("refresh", "--quiet", "--db", str(workspace.folder / "data" / "lancedb"))
                while process.poll() is None:
                    if ended.wait(0.1):
                        process.kill()
                _, errors = process.communicate()
                # Some refreshes are partial, because pypistats.org limits their number. Those write as well.
                assert ended.is_set() or process.returncode in (0, PARTIAL), f"exit {process.returncode}: {errors}"

        thread = threading.Thread(target=work)
        thread.start()
        try:
            yield
        finally:
            ended.set()
            thread.join()
