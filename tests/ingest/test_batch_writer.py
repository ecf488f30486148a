from __future__ import annotations

from dataclasses import replace
from datetime import date
from pathlib import Path

import pyarrow as pa
import pytest

from cmetrics.domain.days import DAY, Span
from cmetrics.domain.observation import Observation
from cmetrics.domain.run import Counts
from cmetrics.ingest.batch_writer import BatchWriter
from cmetrics.settings import StoreKind, StoreTarget
from cmetrics.store.lance_store import LanceStore
from cmetrics.store.schema import STATS, decode_observations, encode
from tests.rules import value_differs
from tests.samples import a_metric, a_row

DAY_0 = date(2026, 11, 2)
METRIC = a_metric("npm")
ROWS = [a_row(METRIC, DAY_0 + n * DAY, 10) for n in range(3)]


@pytest.fixture
def store(tmp_path: Path) -> LanceStore:
    store = LanceStore.open(StoreTarget(StoreKind.EMBEDDED, str(tmp_path)))
    store.create_tables()
    return store


def columns(rows: list[Observation]) -> pa.Table:
    return encode(rows, STATS)


def stored(store: LanceStore) -> int:
    return len(store.observations([METRIC.metric_id], Span(DAY_0, DAY_0 + 9 * DAY)))


def test_without_an_interval_rows_are_stored_by_flush(store: LanceStore):
    """A nightly run is stored as a whole or not at all."""
    writer = BatchWriter(store, value_differs)
    assert [writer.add(columns([row])) for row in ROWS] == [False, False, False]
    assert stored(store) == 0
    writer.flush()
    assert stored(store) == 3
    assert writer.counts == Counts(inserted=3)


def test_with_an_interval_add_stores_rows(store: LanceStore):
    """`add` returns whether it stored rows, upon which the caller records a checkpoint."""
    writer = BatchWriter(store, value_differs, interval=0.0)
    assert writer.add(columns([])) is False
    assert writer.add(columns(ROWS[:2])) is True
    assert stored(store) == 2
    assert writer.add(columns(ROWS[2:])) is True
    assert writer.counts == Counts(inserted=3)


def test_before_the_interval_has_passed_rows_wait(store: LanceStore):
    """Rows are merged at most once per interval."""
    writer = BatchWriter(store, value_differs, interval=3600.0)
    assert writer.add(columns(ROWS)) is False
    assert stored(store) == 0


def test_counts_and_replaced_rows_are_summed_over_all_merges(store: LanceStore):
    """The counts of a run are the sums over its merges."""
    writer = BatchWriter(store, value_differs, interval=0.0)
    writer.add(columns(ROWS))
    changed = replace(ROWS[0], value=12)
    writer.add(columns([changed, ROWS[1]]))
    writer.flush()
    assert writer.counts == Counts(inserted=3, updated=1, unchanged=1)
    assert [tuple(map(decode_observations, pair)) for pair in writer.replaced] == [([ROWS[0]], [changed])]
