"""Rows into the store and back, against LanceDB alone."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import lancedb

from cmetrics.domain.days import DAY, Span, window
from cmetrics.domain.metric import Metric
from cmetrics.domain.observation import Observation
from cmetrics.settings import StoreKind, StoreTarget
from cmetrics.store import schema
from cmetrics.store.lance_store import LanceStore
from cmetrics.store.schema import STATS
from tests.bench.clock import apart, peak, size_of, timed
from tests.bench.figures import Figure, in_bytes, in_seconds
from tests.bench.stores import DAYS, LAST, LOT, WHOLE, fresh, in_words, metrics_of, newer, rows_of

SIZES = (7, 100, 1000, 10_000)
#: What a night reads again of a source that keeps half a year.
REREAD = Span(window(LAST, 181), LAST)


def measure(folder: Path) -> Iterator[Figure]:
    """Every size in processes of its own, so that memory is that of the size."""
    found: list[Figure] = []
    for count in SIZES:
        for work in (_fill, _read, _night):
            found += apart(work, folder / f"{count}", count)
    for what in dict.fromkeys(figure.what for figure in found):
        yield from (figure for figure in found if figure.what == what)


def _fill(folder: Path, count: int) -> list[Figure]:
    metrics = metrics_of(count)
    lots = [metrics[start : start + LOT] for start in range(0, count, LOT)]
    store = fresh(folder / "store")
    peer = lancedb.connect(folder / "peer").create_table(STATS.name, schema=STATS.schema)
    inserting = merging = again = 0.0
    for lot in lots:
        rows = rows_of(lot, WHOLE)
        inserting += timed(lambda rows=rows: store.upsert_observations(rows, newer))
        table = schema.encode(rows, STATS)
        merge = peer.merge_insert(list(STATS.key)).when_matched_update_all().when_not_matched_insert_all()
        merging += timed(lambda merge=merge, table=table: merge.execute(table))
    for lot in lots:
        rows = rows_of(lot, WHOLE)
        again += timed(lambda rows=rows: store.upsert_observations(rows, newer))
    held = peak()
    tidying = timed(store.optimize)
    size, against = in_words(count), f"{inserting / merging:.1f} of LanceDB's merge of Arrow"
    kept = size_of(folder / "store")
    merges = f" after {len(lots)} merges" if len(lots) > 1 else ""
    on_disk = f"{in_bytes(kept)} on disk{merges}, {kept / count / DAYS:.0f} B a row"
    return [
        Figure("upsert, all rows new", size, inserting, count, held, against),
        Figure("the same upsert again", size, again, count, held, "nothing is written"),
        Figure("upkeep after it", size, tidying, count, None, on_disk),
    ]  # fmt: skip


def _read(folder: Path, count: int) -> list[Figure]:
    store = _opened(folder)
    metric_id = metrics_of(1, first=count // 2)[0].metric_id
    reading = timed(lambda: store.observations([metric_id], REREAD), 9)
    peer = lancedb.connect(folder / "store").open_table(STATS.name)
    where = f"metric_id = '{metric_id}' AND period_end >= '{REREAD.first}' AND period_end <= '{REREAD.last}'"
    asking = timed(lambda: peer.search().where(where).limit(1000).to_arrow(), 9)
    one = Figure(
        "read 181 days of one metric", f"of {in_words(count)}", reading, count, None,
        f"{in_seconds(asking)} in LanceDB alone",
    )  # fmt: skip
    metrics = metrics_of(min(count, LOT))
    ids = [metric.metric_id for metric in metrics]
    whole = timed(lambda: store.observations(ids, WHOLE))
    return [
        one,
        Figure("read all days of up to 1,000 metrics", f"of {in_words(count)}", whole, len(ids), peak()),
    ]


def night_of(metrics: list[Metric]) -> list[Observation]:
    """Half a year of each read again, of which one day is another number, and a new day."""
    rows = []
    for start in range(0, len(metrics), LOT):
        days = rows_of(metrics[start : start + LOT], WHOLE)
        for n in range(0, len(days), DAYS):
            *_, last = again = days[n + DAYS - REREAD.days : n + DAYS]
            again[-1] = replace(last, value=last.value + 1)
            rows += [*again, replace(last, period_start=LAST + DAY, period_end=LAST + DAY)]
    return rows


def _night(folder: Path, count: int) -> list[Figure]:
    store = _opened(folder)
    rows = night_of(metrics_of(count))
    seconds = timed(lambda: (store.upsert_observations(rows, newer), store.optimize()))
    besides = f"{len(rows):,} rows in, {2 * count:,} written"
    return [Figure("store a night that read half a year again", in_words(count), seconds, count, peak(), besides)]


def _opened(folder: Path) -> LanceStore:
    return LanceStore.open(StoreTarget(StoreKind.EMBEDDED, str(folder / "store")))
