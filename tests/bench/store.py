"""Writing and reading rows, compared with LanceDB alone."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import lancedb
import numpy as np
import pyarrow as pa

from cmetrics.domain.days import DAY, Span, window
from cmetrics.domain.metric import Metric
from cmetrics.ingest.batch_writer import BatchWriter
from cmetrics.ingest.reconcile import overwrite_rule
from cmetrics.settings import StoreKind, StoreTarget
from cmetrics.sources import SPECS
from cmetrics.store.lance_store import LanceStore
from cmetrics.store.schema import STATS
from tests.bench.clock import alternate, peak, run_in_process, size_of, timed
from tests.bench.figures import Figure, in_bytes, in_seconds
from tests.bench.stores import (
    BATCH_SIZE,
    DAYS,
    LAST,
    WHOLE,
    columns_of,
    columns_of_one,
    create_store,
    metrics_of,
    size_text,
)
from tests.rules import value_differs

SIZES = (7, 100, 1000, 10_000)
#: The days that a night requests again from a source that retains half a year.
REREAD = Span(window(LAST, 181), LAST)


def measure(folder: Path) -> Iterator[Figure]:
    """Measure every size in separate processes, so that each has its own peak memory."""
    found: list[Figure] = []
    for count in SIZES:
        for work in (_fill, _read, _night):
            found += run_in_process(work, folder / f"{count}", count)
    for what in dict.fromkeys(figure.what for figure in found):
        yield from (figure for figure in found if figure.what == what)


def _fill(folder: Path, count: int) -> list[Figure]:
    metrics = metrics_of(count)
    batches = [metrics[start : start + BATCH_SIZE] for start in range(0, count, BATCH_SIZE)]
    store = create_store(folder / "store")
    peer = lancedb.connect(folder / "peer").create_table(STATS.name, schema=STATS.schema)
    seconds = np.zeros(2)
    again = 0.0
    for number, batch in enumerate(batches):
        rows = columns_of(batch, WHOLE)
        table = rows.combine_chunks()
        merge = peer.merge_insert(list(STATS.key)).when_matched_update_all().when_not_matched_insert_all()
        works = [
            lambda rows=rows: store.upsert_observations(rows, value_differs),
            lambda merge=merge, table=table: merge.execute(table),
        ]
        # The order alternates, because the first one also allocates memory that the process has never used.
        for n in (0, 1) if number % 2 else (1, 0):
            seconds[n] += timed(works[n])
    inserting, merging = seconds.tolist()
    for batch in batches:
        rows = columns_of(batch, WHOLE)
        again += timed(lambda rows=rows: store.upsert_observations(rows, value_differs))
    memory = peak()
    maintenance = timed(store.optimize)
    size, against = size_text(count), f"{inserting / merging:.1f} × LanceDB's own merge"
    disk_bytes = size_of(folder / "store")
    merges = f" after {len(batches)} merges" if len(batches) > 1 else ""
    on_disk = f"{in_bytes(disk_bytes)} on disk{merges}, {disk_bytes / count / DAYS:.0f} B per row"
    return [
        Figure("upsert of new rows", size, inserting, count, memory, against),
        Figure("upsert of equal rows", size, again, count, memory, "nothing is written"),
        Figure("maintenance", size, maintenance, count, None, on_disk),
    ]  # fmt: skip


def _read(folder: Path, count: int) -> list[Figure]:
    store = _opened(folder)
    metric_id = metrics_of(1, first=count // 2)[0].metric_id
    reading = timed(lambda: store.observations([metric_id], REREAD), 9)
    peer = lancedb.connect(folder / "store").open_table(STATS.name)
    where = f"metric_id = '{metric_id}' AND period_end >= '{REREAD.first}' AND period_end <= '{REREAD.last}'"
    asking = timed(lambda: peer.search().where(where).limit(1000).to_arrow(), 9)
    one = Figure(
        "read 181 days of one metric", f"of {size_text(count)}", reading, count, None,
        f"{in_seconds(asking)} in LanceDB alone",
    )  # fmt: skip
    metrics = metrics_of(min(count, BATCH_SIZE))
    ids = [metric.metric_id for metric in metrics]
    whole, alone = alternate(
        lambda: store.read_observations(ids, WHOLE), lambda: peer.search().limit(len(ids) * DAYS).to_arrow(), times=3
    )
    against = f"{whole / alone:.1f} of as many rows in LanceDB alone"
    return [
        one,
        Figure("read all days of up to 1,000 metrics", f"of {size_text(count)}", whole, len(ids), peak(), against),
    ]


def night_of(metrics: list[Metric]) -> Iterator[pa.Table]:
    """Yield a table per metric: the last half a year with one changed value, and a new day."""
    value = STATS.schema.get_field_index("value")
    for place, metric in enumerate(metrics):
        rows = columns_of_one(place % BATCH_SIZE, metric, Span(WHOLE.first, LAST + DAY))
        night = rows.slice(DAYS - REREAD.days)
        numbers = night["value"].to_numpy().copy()
        numbers[-2] += 1
        yield night.set_column(value, STATS.schema.field(value), pa.array(numbers))


def _night(folder: Path, count: int) -> list[Figure]:
    seconds_alone, peak_alone = run_in_process(_merge_alone, folder)
    store, metrics = _opened(folder), metrics_of(count)
    writer = BatchWriter(store, overwrite_rule({metric.metric_id: metric for metric in metrics}, SPECS))
    # As in a run, each result is created only after the previous one was buffered.
    seconds = sum(timed(lambda rows=rows: writer.add(rows)) for rows in night_of(metrics)) + timed(writer.flush)
    assert (writer.counts.inserted, writer.counts.updated) == (count, count)
    rows = f"{count * (REREAD.days + 1):,} rows in, {2 * count:,} written"
    alone = f"LanceDB alone merges these in {in_seconds(seconds_alone)} with {in_bytes(peak_alone)}"
    maintenance = f"maintenance {in_seconds(timed(store.optimize))} more"
    what = "store a night with half a year requested again"
    return [Figure(what, size_text(count), seconds, count, peak(), f"{rows}; {alone}; {maintenance}")]


def _merge_alone(folder: Path) -> tuple[float, int]:
    """Merge the rows that a night writes into a copy without comparing them. Return seconds and memory."""
    shutil.copytree(folder / "store", folder / "alone")
    peer = lancedb.connect(folder / "alone").open_table(STATS.name)
    old = peer.search().where(f"period_end = '{LAST}'").limit(SIZES[-1]).to_arrow()
    day = STATS.schema.get_field_index("period_end")
    new = old.set_column(day, old.schema.field(day), pa.repeat((LAST + DAY).isoformat(), len(old)))
    merge = peer.merge_insert(list(STATS.key)).when_matched_update_all().when_not_matched_insert_all()
    return timed(lambda: merge.execute(pa.concat_tables([old, new]))), peak()


def _opened(folder: Path) -> LanceStore:
    return LanceStore.open(StoreTarget(StoreKind.EMBEDDED, str(folder / "store")))
