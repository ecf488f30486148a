"""Stores of any size for measurements."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import lru_cache
from pathlib import Path

import numpy as np
import pyarrow as pa

from cmetrics.domain.days import DAY, Span, last_completed_day, window
from cmetrics.domain.metric import Metric, definition
from cmetrics.domain.observation import DailyValue, Observation, Provenance, SourceWindow
from cmetrics.domain.run import Run, RunStatus
from cmetrics.settings import StoreKind, StoreTarget
from cmetrics.store.lance_store import LanceStore
from cmetrics.store.schema import STATS
from tests.boards import a_package
from tests.rules import value_differs
from tests.samples import observe

DAYS = 730
_TIME = pa.timestamp("us", tz="UTC")
#: A time of day after the last of the 730 days.
NOW = datetime.now(UTC).replace(hour=9, minute=1, second=2, microsecond=345_678)
LAST = last_completed_day(NOW)
FIRST = window(LAST, DAYS)
WHOLE = Span(FIRST, LAST)
#: Metrics per product, as in real catalogues.
METRICS_PER_PRODUCT = 5
#: Metrics per merge of a large store.
BATCH_SIZE = 1000
RUN_ID = "refresh-20261123T090000Z-abcdef"


def metrics_of(count: int, first: int = 0) -> list[Metric]:
    """Return metrics of npm packages, five per product."""
    return [a_package(f"package{n}", f"product{n // METRICS_PER_PRODUCT}") for n in range(first, first + count)]


def rows_of(metrics: list[Metric], span: Span, run_id: str = RUN_ID) -> list[Observation]:
    """Return a value for every day, fetched on the next morning."""
    rows = []
    for number, metric in enumerate(metrics):
        for n in range(span.days):
            day = span.first + n * DAY
            value = DailyValue(day, (number * 7919 + n * 104_729) % 1_000_000, f"npm:{metric.subject}")
            at = NOW - timedelta(days=(LAST - day).days)
            rows.append(observe(metric, value, provenance=Provenance.API_DAILY, run_id=run_id, at=at))
    return rows


def columns_of(metrics: list[Metric], span: Span, run_id: str = RUN_ID) -> pa.Table:
    """Return the same rows as columns, with a chunk per metric, as a run buffers them."""
    return pa.concat_tables(columns_of_one(number, metric, span, run_id) for number, metric in enumerate(metrics))


def columns_of_one(number: int, metric: Metric, span: Span, run_id: str = RUN_ID) -> pa.Table:
    """Return the rows of one metric. Values depend on its ``number`` and the day."""
    days, at = _times(span)
    values = {
        "metric_id": pa.repeat(metric.metric_id, span.days),
        "period_start": days,
        "period_end": days,
        "provenance": pa.repeat(Provenance.API_DAILY.value, span.days),
        "source_window": pa.repeat(SourceWindow.DAY.value, span.days),
        "ingestion_run_id": pa.repeat(run_id, span.days),
        "source_ref": pa.repeat(f"npm:{metric.subject}", span.days),
        "observed_at": at,
        "value": (number * 7919 + np.arange(span.days) * 104_729) % 1_000_000,
    }
    return pa.table(values).select(STATS.schema.names).cast(STATS.schema)


@lru_cache(maxsize=4)
def _times(span: Span) -> tuple[pa.Array, pa.Array]:
    """Return the days, and the times at which their values were fetched."""
    days = [(span.first + n * DAY).isoformat() for n in range(span.days)]
    at = [NOW - timedelta(days=(LAST - span.first).days - n) for n in range(span.days)]
    return pa.array(days), pa.array(at, _TIME)


def create_store(folder: Path) -> LanceStore:
    """Return a new embedded store with empty tables."""
    folder.mkdir(parents=True)
    store = LanceStore.open(StoreTarget(StoreKind.EMBEDDED, str(folder)))
    store.create_tables()
    return store


def create_filled_store(folder: Path, metrics: list[Metric]) -> LanceStore:
    """Return a store with two years of these metrics and the run that stored them."""
    store = create_store(folder)
    store.save_definitions([definition(metric, NOW) for metric in metrics])
    for start in range(0, len(metrics), BATCH_SIZE):
        store.upsert_observations(columns_of(metrics[start : start + BATCH_SIZE], WHOLE), value_differs)
    store.save_run(Run(RUN_ID, "refresh", RunStatus.SUCCESS, NOW, NOW, 1, 0))
    store.optimize()
    return store


def catalog_of(metrics: list[Metric], folder: Path) -> Path:
    """Write a cmetrics.toml with these metrics. Return its path."""
    lines = ['title = "Many"', 'contact = "https://example.com/contact"']
    for product in dict.fromkeys(metric.product for metric in metrics):
        lines += ["[[products]]", f'id = "{product}"', f'title = "{product.capitalize()}"']
    for metric in metrics:
        lines += ["[[metrics]]", f'product = "{metric.product}"', 'source = "npm"', f'subject = "{metric.subject}"']
        lines += [f'id = "{metric.metric_id}"', f'sdk = "{metric.sdk}"', f'display_name = "{metric.display_name}"']
    path = folder / "cmetrics.toml"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def size_text(metrics: int, days: int = DAYS) -> str:
    """Return the amount of data as text."""
    return f"{metrics:,} x {days}"
