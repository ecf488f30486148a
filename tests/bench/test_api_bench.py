"""Latency of the served API. `uv run pytest -m bench -s -n0` prints it; nothing here asserts a time."""

from __future__ import annotations

import statistics
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest

from cmetrics.domain.metric import Definition
from cmetrics.domain.observation import Observation
from tests.api.conftest import CATALOG, fill, serve  # noqa: F401  # a fixture
from tests.conftest import Home

pytestmark = pytest.mark.bench
NOW = datetime.now(UTC)


@pytest.mark.parametrize("metrics", [7, 1000])
def test_latency(serve, tmp_path: Path, metrics: int):  # noqa: F811
    home = Home(tmp_path)
    (tmp_path / "data" / "lancedb").mkdir(parents=True)
    store = home.store
    fill(store)
    others = [f"downloads:other{n}:python" for n in range(metrics - len(CATALOG.metrics))]
    last = NOW.date() - timedelta(days=1)
    store.upsert_observations(
        [
            Observation(m, day, day, NOW, n * 37 % 100_000, "api_daily", "1d", "r", "t")
            for m in others
            for n in range(730)
            if (day := last - timedelta(days=n))
        ],
        lambda old, new: True,
    )
    store.save_definitions([described(metric_id) for metric_id in others])
    store.tidy()
    served = serve(home)
    ours = [metric.metric_id for metric in CATALOG.metrics]
    print()
    with httpx.Client(base_url=served.url, timeout=60) as client:
        for name, urls in {
            "series, another one every time": [f"/api/v1/series/{m}?days={d}" for m in ours for d in range(170, 181)],
            "dashboard, another window every time": [f"/api/v1/dashboard/daily?days={d}" for d in range(141, 181)],
            "dashboard, the same again": ["/api/v1/dashboard/daily"] * 40,
        }.items():  # fmt: skip
            client.get(urls[0])
            taken = []
            for url in urls[1:]:
                start = time.perf_counter()
                assert client.get(url).status_code == 200
                taken.append((time.perf_counter() - start) * 1e3)
            quantiles = statistics.quantiles(taken, n=100)
            print(f"{metrics:5d} x 730: {name:38s} p50 {quantiles[49]:6.1f} ms  p95 {quantiles[94]:6.1f} ms")


def described(metric_id: str) -> Definition:
    texts = ("downloads", "x", "s", "python", "npm", "daily_downloads", "count")
    return Definition(metric_id, *texts, is_active=True, display_name=metric_id, created_at=NOW)
