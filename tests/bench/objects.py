"""The cost of a store in a bucket: requests, transferred bytes, time."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pyarrow as pa

from cmetrics.settings import StoreKind, StoreTarget
from cmetrics.store.lance_store import LanceStore
from tests.bench.clock import run_in_process, timed
from tests.bench.figures import Figure, in_bytes
from tests.bench.store import REREAD, night_of
from tests.bench.stores import WHOLE, columns_of, metrics_of, size_text
from tests.rules import value_differs
from tests.world.bucket import NAME, Bucket, running

SIZES = (7, 100, 1000)


def measure(folder: Path) -> Iterator[Figure]:  # the folder is not used
    """Measure every size in a separate process and bucket."""
    found = [figure for count in SIZES for figure in run_in_process(_measure, count)]
    for what in dict.fromkeys(figure.what for figure in found):
        yield from (figure for figure in found if figure.what == what)


def _measure(count: int) -> list[Figure]:
    with running() as bucket:
        os.environ.update(bucket.env())
        store = LanceStore.open(StoreTarget(StoreKind.OBJECT_STORE, f"s3://{NAME}/store"))
        store.create_tables()
        metrics = metrics_of(count)
        rows, night = columns_of(metrics, WHOLE), pa.concat_tables(list(night_of(metrics)))
        one = [metrics[count // 2].metric_id]
        return [
            _figure("S3: upsert of new rows", bucket, count, lambda: store.upsert_observations(rows, value_differs)),
            _figure("S3: maintenance", bucket, count, store.optimize),
            _figure("S3: read 181 days of one metric", bucket, count, lambda: store.observations(one, REREAD)),
            _figure("S3: store a night with half a year requested again", bucket, count,
                    lambda: (store.upsert_observations(night, value_differs), store.optimize())),
        ]  # fmt: skip


def _figure(what: str, bucket: Bucket, count: int, work: Callable[[], object]) -> Figure:
    before = len(bucket.requests), bucket.received, bucket.sent
    seconds = timed(work)
    methods_sent = Counter(request.method for request in bucket.requests[before[0] :])
    methods = ", ".join(f"{number} {method}" for method, number in sorted(methods_sent.items()))
    moved = f"{in_bytes(bucket.received - before[1])} up, {in_bytes(bucket.sent - before[2])} down"
    return Figure(what, size_text(count), seconds, count, None, f"{methods}; {moved}")
