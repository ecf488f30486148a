"""Figures of the store. `uv run pytest -m bench -s -n0` prints them; nothing here asserts a time."""

from __future__ import annotations

import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from cmetrics.domain.days import Span
from cmetrics.domain.metric import Definition
from cmetrics.domain.observation import Observation
from cmetrics.domain.run import Run, RunStatus
from cmetrics.settings import StoreKind, StoreTarget
from cmetrics.store.lance_store import LanceStore

pytestmark = pytest.mark.bench
FIRST = date(2024, 1, 1)
AT = datetime(2026, 11, 23, 9, tzinfo=UTC)


def rows(metrics: int, days: int, *, first: int = 0, run: str = "refresh-20261123T090000Z-abcdef") -> list[Observation]:
    return [
        Observation(
            f"downloads:product{m}:python",
            FIRST + timedelta(days=first + d),
            FIRST + timedelta(days=first + d),
            AT + timedelta(days=first + d),
            (m * 7919 + (first + d) * 104_729) % 1_000_000,
            "api_daily",
            "1d",
            run,
            f"pypistats:package{m}",
        )
        for m in range(metrics)
        for d in range(days)
    ]


def differs(old: Observation, new: Observation) -> bool:
    return old.value != new.value


def fresh(folder: Path) -> LanceStore:
    folder.mkdir()
    store = LanceStore.open(StoreTarget(StoreKind.EMBEDDED, str(folder)))
    store.create_tables()
    return store


def timed(work: Callable[[], object], times: int = 1) -> float:
    taken = []
    for _ in range(times):
        start = time.perf_counter()
        work()
        taken.append(time.perf_counter() - start)
    return statistics.median(taken)


def size(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


@pytest.mark.parametrize("metrics", [7, 100, 1000])
def test_upsert_and_read(tmp_path: Path, metrics: int):
    store = fresh(tmp_path / "store")
    data = rows(metrics, 730)
    insert = timed(lambda: store.upsert_observations(data, differs))
    again = timed(lambda: store.upsert_observations(data, differs))
    store.tidy()
    half_year = Span(FIRST + timedelta(days=550), FIRST + timedelta(days=729))
    read = timed(lambda: store.observations(["downloads:product3:python"], half_year), 5)
    print(
        f"\n{metrics:5d} metrics x 730 days: insert {insert:7.3f} s  same again {again:7.3f} s  "
        f"read 1 x 180 days {read * 1000:7.1f} ms  {size(tmp_path) / 1e6:7.2f} MB"
    )


def test_store_after_a_year_of_nights(tmp_path: Path):
    """365 nights of 7 metrics, three days of each revised every night, against the same rows written once."""
    nightly = fresh(tmp_path / "nightly")
    nights = 365
    nightly.upsert_observations(rows(7, 180), differs)
    start = time.perf_counter()
    for night in range(nights):
        run = Run(f"refresh-{night:06d}-abcdef", "refresh", RunStatus.RUNNING, AT + timedelta(days=night), None)
        nightly.save_run(run)
        settling = rows(7, 4, first=180 + night - 3, run=run.ingestion_run_id)
        revised = [Observation(**{**_fields(r), "value": r.value + night}) for r in settling[:9]] + settling[9:]
        nightly.upsert_observations(revised, differs)
        nightly.save_run(
            Run(run.ingestion_run_id, "refresh", RunStatus.SUCCESS, run.started_at, AT + timedelta(days=night), 7, 9)
        )
        nightly.tidy()
    taken = time.perf_counter() - start

    once = fresh(tmp_path / "once")
    ids = sorted(nightly.metric_ids())
    span = Span(FIRST, FIRST + timedelta(days=2000))
    stored = nightly.observations(ids, span)
    once.upsert_observations(stored, differs)
    once.save_runs(nightly.runs(datetime(2000, 1, 1, tzinfo=UTC)))
    once.save_definitions(
        [
            Definition(
                "m", "downloads", "p", "s", None, "npm", "k", "count", is_active=True, display_name="d", created_at=AT
            )
        ]
    )
    assert once.observations(ids, span) == stored
    sizes = size(tmp_path / "nightly"), size(tmp_path / "once")
    # In turn, so that a change of the machine's speed falls on both.
    turns = [[timed(lambda store=store: store.observations(ids, span)) for store in (nightly, once)] for _ in range(30)]
    reads = [statistics.median(turn[i] for turn in turns) for i in (0, 1)]
    print(
        f"\n{nights} nights, {len(stored)} rows: {sizes[0] / 1e3:.0f} kB, written once {sizes[1] / 1e3:.0f} kB, "
        f"ratio {sizes[0] / sizes[1]:.2f}; read {reads[0] * 1e3:.1f} ms against {reads[1] * 1e3:.1f} ms, "
        f"ratio {reads[0] / reads[1]:.2f}; {taken / nights * 1e3:.0f} ms per night"
    )
    assert sizes[0] <= 3 * sizes[1]


def test_command_start():
    python = sys.executable
    bare = timed(lambda: subprocess.run([python, "-c", "pass"], check=True), 5)
    lancedb = timed(lambda: subprocess.run([python, "-c", "import lancedb"], check=True), 3)
    start = timed(lambda: subprocess.run([python, "-m", "cmetrics", "--help"], check=True, capture_output=True), 5)
    print(f"\npython {bare * 1e3:.0f} ms, cmetrics --help {start * 1e3:.0f} ms, import lancedb {lancedb * 1e3:.0f} ms")


def _fields(row: Observation) -> dict:
    return {name: getattr(row, name) for name in Observation.__slots__}
