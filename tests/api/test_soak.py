"""Ten minutes of requests while the store changes: memory, descriptors and threads of the server do not grow."""

from __future__ import annotations

import os
import random
import statistics
import threading
import time
from collections import Counter
from dataclasses import dataclass, replace
from pathlib import Path

import httpx
import pytest

from cmetrics.domain.run import Run, RunStatus
from tests.api.conftest import CATALOG, NOW, ApiServer, fill
from tests.conftest import Workspace
from tests.rules import value_differs

#: Set the variable to try this test in less time.
SECONDS = float(os.environ.get("CMETRICS_SOAK_SECONDS", "600"))
CLIENTS = 4
#: Seconds between two writes. This makes as many versions of the tables as two years of nights.
WRITE_EVERY = 1.0
#: The memory that allocators retain varies by this share. If Lance's caches of versions were unbounded, they would take
#: more than twice as much.
TOLERANCE = 0.05
PAGE = os.sysconf("SC_PAGE_SIZE")


@dataclass(frozen=True)
class Sample:
    """The resources of the server at a moment; ``memory`` in bytes."""

    at: float
    memory: int
    files: int
    threads: int


def sample(pid: int, began: float) -> Sample:
    proc = Path("/proc", str(pid))
    resident = int((proc / "statm").read_text().split()[1]) * PAGE
    files, threads = len(list((proc / "fd").iterdir())), len(list((proc / "task").iterdir()))
    return Sample(time.monotonic() - began, resident, files, threads)


def random_request(chance: random.Random) -> tuple[str, dict[str, str]]:
    """Return an address and its headers: mostly valid, of every endpoint, some compressed, some invalid."""
    days = chance.choice((1, 7, 30, 180, 730, chance.randint(1, 730), 0, 731))
    metric = chance.choice([metric.metric_id for metric in CATALOG.metrics] + [f"no:such:{chance.random()}"])
    path = chance.choice(
        (
            "health",
            "definitions",
            f"series/{metric}?days={days}",
            f"series/{metric}?days={days}",
            f"dashboard/daily?days={days}",
            f"history/refresh-errors?limit={chance.randint(1, 5000)}",
            f"history/refresh-errors?start_date={NOW.year - chance.randint(0, 50)}-01-0{chance.randint(0, 9)}",
        )
    )
    return f"/api/v1/{path}", chance.choice(({}, {"Accept-Encoding": "gzip"}, {"Accept-Encoding": "identity"}))


def send_requests(served: ApiServer, seed: int, over: threading.Event, statuses: Counter[int]) -> None:
    """Send requests. Half of the clients keep their connection, the others open one for every request."""
    chance, keep = random.Random(seed), seed % 2 == 0
    client = httpx.Client(base_url=served.url, timeout=60)
    tag = ""
    while not over.is_set():
        path, headers = random_request(chance)
        if chance.random() < 0.2:
            headers = headers | {"If-None-Match": tag}
        answer = client.get(path, headers=headers)
        statuses[answer.status_code] += 1
        tag = answer.headers.get("etag", tag)
        if not keep:
            client.close()
            client = httpx.Client(base_url=served.url, timeout=60)
    client.close()


def write(workspace: Workspace, over: threading.Event) -> int:
    """Revise values, save a run and merge files until ``over``. Return the number of nights."""
    rows, nights = [row for row in workspace.rows() if not row.is_seed], 0
    while not over.wait(WRITE_EVERY):
        nights += 1
        store = workspace.store
        night = [replace(row, value=row.value + nights) for row in rows[nights % 7 :: 7]]
        store.upsert_observations(night, value_differs)
        store.save_run(
            Run(f"soak-{nights}", "refresh", RunStatus.PARTIAL, NOW, NOW, 0, len(night), f"x: night {nights}")
        )
        store.optimize()
    return nights


def thirds(samples: list[Sample], what: str) -> tuple[float, float]:
    """Return the medians of the first and the last third of the samples, after a warm-up."""
    warm = samples[len(samples) // 4 :]
    third = max(1, len(warm) // 3)
    return tuple(statistics.median(getattr(one, what) for one in part) for part in (warm[:third], warm[-third:]))  # type: ignore[return-value]


@pytest.mark.long
def test_ten_minutes_of_requests_use_no_more_memory(serve, tmp_path: Path):
    workspace = Workspace(tmp_path)
    (tmp_path / "data" / "lancedb").mkdir(parents=True)
    fill(workspace.store)
    served = serve(workspace)
    over, statuses, nights = threading.Event(), Counter[int](), Counter[str]()
    began = time.monotonic()
    workers = [threading.Thread(target=send_requests, args=(served, seed, over, statuses)) for seed in range(CLIENTS)]
    workers.append(threading.Thread(target=lambda: nights.update(written=write(workspace, over))))
    for worker in workers:
        worker.start()
    samples = []
    while time.monotonic() - began < SECONDS and all(worker.is_alive() for worker in workers):
        over.wait(min(1.0, SECONDS / 200))
        samples.append(sample(served.process.pid, began))
    alive = [worker.is_alive() for worker in workers]
    over.set()
    for worker in workers:
        worker.join()
    memory, files, threads = (thirds(samples, what) for what in ("memory", "files", "threads"))
    print(
        f"\n{sum(statuses.values())} answers {dict(sorted(statuses.items()))}, {nights['written']} nights in "
        f"{samples[-1].at:.0f} s; memory {memory[0] / 2**20:.0f} → {memory[1] / 2**20:.0f} MiB "
        f"(highest {max(one.memory for one in samples) / 2**20:.0f}), descriptors {files[0]:.0f} → {files[1]:.0f}, "
        f"threads {threads[0]:.0f} → {threads[1]:.0f}"
    )
    for part in range(0, len(samples), max(1, len(samples) // 20)):
        one = samples[part]
        print(f"{one.at:5.0f} s {one.memory / 2**20:6.0f} MiB {one.files:3d} {one.threads:3d}")
    assert all(alive), "a client or the writer failed"
    assert set(statuses) <= {200, 304, 400, 404, 422}
    assert min(statuses[status] for status in (200, 304, 400, 404, 422)) > 0
    assert nights["written"] > SECONDS / WRITE_EVERY / 5
    assert memory[1] <= memory[0] * (1 + TOLERANCE)
    assert files[1] <= files[0] + CLIENTS
    assert threads[1] <= threads[0] + CLIENTS
