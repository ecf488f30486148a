"""The state of a store after one and three years of nightly runs."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

from cmetrics.domain.days import DAY, Span, window
from cmetrics.domain.metric import definition
from cmetrics.domain.run import Run, RunStatus
from tests.bench.clock import alternate, size_of, timed
from tests.bench.figures import Figure, in_bytes
from tests.bench.stores import LAST, NOW, create_store, metrics_of, rows_of
from tests.rules import value_differs

NIGHTS = (365, 1095)
METRICS = 7


def measure(folder: Path) -> Iterator[Figure]:
    """Measure nights that add a day to every metric and revise three, compared with the same rows written at once."""
    for nights in NIGHTS:
        yield from _measure(folder / f"{nights}", nights)


def _measure(folder: Path, nights: int) -> Iterator[Figure]:
    metrics = metrics_of(METRICS)
    nightly = create_store(folder / "nightly")
    nightly.save_definitions([definition(metric, NOW) for metric in metrics])
    first = window(LAST, nights)
    nightly.upsert_observations(rows_of(metrics, Span(window(first - DAY, 180), first - DAY)), value_differs)

    def run_nights() -> None:
        for night in range(nights):
            day, at = first + night * DAY, NOW - timedelta(days=nights - night - 1)
            run = Run(f"refresh-{night:06d}-abcdef", "refresh", RunStatus.RUNNING, at, None)
            nightly.save_run(run)
            rows = rows_of(metrics, Span(day - 3 * DAY, day), run.ingestion_run_id)
            rows = [row if n % 4 == 3 else replace(row, value=row.value + night) for n, row in enumerate(rows)]
            nightly.upsert_observations(rows, value_differs)
            nightly.save_run(replace(run, status=RunStatus.SUCCESS, finished_at=at, rows_inserted=7, rows_updated=21))
            nightly.optimize()

    nights_seconds = timed(run_nights)
    ids, span = [metric.metric_id for metric in metrics], Span(first - 200 * DAY, LAST)
    stored = nightly.observations(ids, span)
    once = create_store(folder / "once")
    once.upsert_observations(stored, value_differs)
    once.save_runs(nightly.runs())
    once.save_definitions(nightly.definitions())
    assert once.observations(ids, span) == stored
    read, least = alternate(lambda: nightly.observations(ids, span), lambda: once.observations(ids, span), times=20)
    sizes = [size_of(folder / name) for name in ("nightly", "once")]
    how = f"7 metrics, {nights:,} nights"
    details = f"{in_bytes(sizes[0])} on disk, {sizes[0] / sizes[1]:.2f} × written at once"
    yield Figure("merge and maintenance of one night", how, nights_seconds / nights, None, None, details)
    yield Figure(
        "read all rows after many nights", how, read, len(stored), None, f"{read / least:.2f} × written at once"
    )
