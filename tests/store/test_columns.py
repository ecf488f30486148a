"""Rows as columns: `read_observations` and upserts, compared with a slow reference."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cmetrics.domain.days import DAY, Span
from cmetrics.domain.errors import StoreError
from cmetrics.domain.metric import definition
from cmetrics.domain.observation import Observation
from cmetrics.domain.run import Counts
from cmetrics.ingest.reconcile import newer_wins
from cmetrics.settings import StoreKind, StoreTarget
from cmetrics.store import schema
from cmetrics.store.columns import complete, differ, encode_texts, in_row_order, key_numbers, sort_unique, take
from cmetrics.store.lance_store import BATCH, LanceStore
from cmetrics.store.schema import STATS, UNKNOWN_TIME
from tests.depth import deep
from tests.ingest import slow_rules
from tests.rules import always
from tests.samples import a_metric, a_row

DAY_0 = date(2026, 11, 2)
AT = datetime(2026, 11, 20, 6, tzinfo=UTC)
ROWS = st.lists(
    st.builds(
        lambda metric_id, day, hour, run, value: Observation(
            metric_id,
            DAY_0 + day * DAY,
            DAY_0 + day * DAY,
            AT + timedelta(hours=hour),
            value,
            "api_daily",
            "1d",
            run,
            "npm:x",
        ),
        st.sampled_from(["a", "b:c", "é", "A"]),
        st.integers(-3, 3),
        st.integers(0, 2),
        st.sampled_from(["r1", "r2"]),
        st.integers(0, 3),
    ),
    max_size=40,
)


def slow_unique(rows: list[Observation]) -> list[Observation]:
    """Return each key once, with the row that was observed last."""
    best: dict[tuple[str, date], Observation] = {}
    for row in rows:
        old = best.get(row.key)
        rank = (row.observed_at, row.ingestion_run_id, row.value)
        if old is None or rank >= (old.observed_at, old.ingestion_run_id, old.value):
            best[row.key] = row
    return [best[key] for key in sorted(best)]


@settings(max_examples=deep(150), deadline=None)
@given(rows=ROWS, chunk=st.integers(1, 7))
def test_sort_unique(rows, chunk):
    """The result has each key once and is sorted, for any rows in any chunks."""
    table = pa.concat_tables(
        [STATS.schema.empty_table(), *(schema.encode(rows[n : n + chunk], STATS) for n in range(0, len(rows), chunk))]
    )
    found = sort_unique(complete(table), sorted({row.metric_id for row in rows}))
    assert schema.decode_observations(found) == slow_unique(rows)


def test_empty_cells_are_filled():
    """A row of another program with only key and value is completed when it is read."""
    none = [None]
    table = pa.table(
        [["m"], none, ["2026-11-02T00:00:00Z"], none, [5], none, none, none, none],
        names=[column.name for column in STATS.columns],
    ).select(STATS.schema.names)
    table = table.cast(pa.schema([pa.field(f.name, f.type) for f in STATS.schema]))
    found = schema.decode_observations(complete(table))
    assert found == [Observation("m", DAY_0, DAY_0, UNKNOWN_TIME, 5, "", "", "", "")]


def test_an_invalid_day_is_an_error():
    """Reading a damaged row fails with an error that names its key."""
    table = schema.encode([a_row(a_metric("npm"), DAY_0, 5)], STATS)
    at = table.schema.get_field_index("period_start")
    damaged = table.set_column(at, table.schema.field(at), pa.array(["yesterday"]))
    with pytest.raises(StoreError, match=r"without a day or a value: .* 2026-11-02"):
        complete(damaged)


@pytest.fixture
def store(tmp_path: Path) -> LanceStore:
    store = LanceStore.open(StoreTarget(StoreKind.EMBEDDED, str(tmp_path)))
    store.create_tables()
    return store


def test_read_observations(store: LanceStore):
    """The requested columns are in the order of the table, with its types, sorted by key."""
    metric = a_metric("npm")
    rows = [a_row(metric, DAY_0 + n * DAY, n) for n in (3, 1, 2, 0)]
    store.upsert_observations(rows, always)
    span = Span(DAY_0, DAY_0 + 2 * DAY)
    found = store.read_observations([metric.metric_id, metric.metric_id], span, ["value", "period_end"])
    assert found.schema.equals(pa.schema([STATS.schema.field("period_end"), STATS.schema.field("value")]))
    assert found.to_pydict() == {"period_end": ["2026-11-02", "2026-11-03", "2026-11-04"], "value": [0, 1, 2]}
    whole = store.read_observations([metric.metric_id], span)
    assert whole.schema.equals(STATS.schema)
    assert schema.decode_observations(whole) == store.observations([metric.metric_id], span)


def test_read_observations_of_nothing(store: LanceStore):
    """Without metrics or rows, the result has the requested columns and no rows."""
    span = Span(DAY_0, DAY_0)
    for ids in ([], ["m"]):
        found = store.read_observations(ids, span, ["metric_id", "value"])
        assert (found.num_rows, found.schema.names) == (0, ["metric_id", "value"])


def test_take():
    """The result equals the requested rows, whether they are consecutive or not."""
    table = pa.table({"n": pa.array(range(2000))})
    for rows in ([], [5], [7, 3, 3], [*range(400, 1200)], [*range(900, 1900), *range(500), 3]):
        assert take(table, np.array(rows, np.int64))["n"].to_pylist() == rows


@settings(max_examples=deep(100), deadline=None)
@given(rows=ROWS, chunk=st.integers(1, 7))
def test_encoded_texts(rows, chunk):
    """Dictionary-encoded text gives the same rows, keys and differences as plain text."""
    empty = STATS.schema.empty_table()
    plain = pa.concat_tables([empty, *(schema.encode(rows[n : n + chunk], STATS) for n in range(0, len(rows), chunk))])
    parts = [encode_texts(plain.slice(n, chunk)) for n in range(0, len(rows), chunk)]
    encoded = pa.concat_tables([encode_texts(empty), *parts]).combine_chunks()
    assert encoded.cast(STATS.schema).equals(plain)
    ids = sorted({row.metric_id for row in rows})
    assert key_numbers(encoded, ids).tolist() == key_numbers(plain, ids).tolist()
    turned = plain.take(np.arange(len(rows))[::-1])
    for name in STATS.schema.names:
        expected = [one != other for one, other in zip(plain[name].to_pylist(), turned[name].to_pylist(), strict=True)]
        for data in (plain, encoded):
            assert differ(data, turned, name).tolist() == expected


def slow_upsert(
    stored: list[Observation], new: list[Observation]
) -> tuple[dict[tuple[str, date], Observation], Counts]:
    """Merge rows of another store one by one. Return the stored rows and the counts."""
    before = {row.key: row for row in stored}
    first: dict[tuple[str, date], Observation] = {}
    for row in new:
        if row.key not in first or slow_rules.newer_wins(first[row.key], row):
            first[row.key] = row
    updated = [key for key, row in first.items() if key in before and slow_rules.newer_wins(before[key], row)]
    inserted = [key for key in first if key not in before]
    counts = Counts(len(inserted), len(updated), len(first) - len(inserted) - len(updated))
    return before | {key: first[key] for key in (*inserted, *updated)}, counts


@settings(max_examples=deep(25), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(stored=ROWS, new=ROWS, chunk=st.integers(1, 7), is_encoded=st.booleans())
def test_upsert(tmp_path_factory: pytest.TempPathFactory, stored, new, chunk, is_encoded):
    """Encoded or not, and in any chunks, rows are merged and counted as if they were merged one by one."""
    store = LanceStore.open(StoreTarget(StoreKind.EMBEDDED, str(tmp_path_factory.mktemp("store"))))
    store.create_tables()
    before = slow_unique(stored)
    store.upsert_observations(before, always)
    tables = [schema.encode(new[n : n + chunk], STATS) for n in range(0, len(new), chunk)]
    rows = pa.concat_tables([STATS.schema.empty_table(), *tables])
    replaced: list[tuple[pa.Table, pa.Table]] = []
    expected, counts = slow_upsert(before, new)
    assert store.would_write(rows, newer_wins) == bool(counts.inserted or counts.updated)
    got = store.upsert_observations(
        encode_texts(rows) if is_encoded else rows, newer_wins, lambda *pair: replaced.append(pair)
    )
    assert got == counts
    ids = sorted({row.metric_id for row in (*stored, *new)})
    found = store.observations(ids, Span(DAY_0 - 9 * DAY, DAY_0 + 9 * DAY))
    assert found == [expected[key] for key in sorted(expected)]
    pairs = [pair for old, new_ in replaced for pair in zip(*map(schema.decode_observations, (old, new_)), strict=True)]
    was = {row.key: row for row in before}
    changed = [key for key in sorted(expected) if key in was and expected[key] != was[key]]
    assert sorted(pairs, key=lambda pair: pair[0].key) == [(was[key], expected[key]) for key in changed]


@given(st.lists(st.sampled_from("abcd"), max_size=30))
def test_distinct_texts_in_the_order_of_the_rows(texts):
    """The new dictionary has the values in the order of the rows, without unused ones."""
    encoded = pa.DictionaryArray.from_arrays(
        pa.array(["dcba".index(text) for text in texts], pa.int32()), pa.array(list("dcba"))
    )
    found = in_row_order(pa.table({"text": encoded}))["text"].combine_chunks()
    assert found.to_pylist() == texts
    assert found.dictionary.to_pylist() == list(dict.fromkeys(texts))


@pytest.mark.parametrize("step", [1, -1])
@pytest.mark.parametrize("defined", [0, BATCH + 60, 3 * BATCH])
def test_metrics_of_long_lists(store: LanceStore, step: int, defined: int):
    """Of more metrics than one filter names, the rows of those are read that were asked for, and no other's.

    Whether all rows are read for that depends on how many metrics the store has.
    """
    others = [a_metric("npm", metric_id=f"o{n:04}") for n in range(defined)]
    store.save_definitions([definition(metric, UNKNOWN_TIME) for metric in others])
    metrics = [a_metric("npm", metric_id=f"m{n:04}") for n in range(BATCH + 60)]
    rows = [a_row(metric, DAY_0 + n * DAY, n) for metric in metrics[::step] for n in (0, 1, 2)[::step]]
    store.upsert_observations(rows, always)
    ids = [metric.metric_id for metric in metrics if metric.metric_id[-2:] != "07"]
    span = Span(DAY_0 + DAY, DAY_0 + 9 * DAY)
    expected = sorted(row.key for row in rows if row.metric_id in ids and row.period_end > DAY_0)
    assert len(ids) > BATCH
    assert [row.key for row in store.observations(ids, span)] == expected
    assert store.days(ids, span) == {metric_id: store.days([metric_id], span)[metric_id] for metric_id in ids}
    encoded = store.read_encoded(ids, span)
    for name in ("metric_id", "period_end", "source_ref"):
        values = encoded[name].combine_chunks()
        assert values.dictionary.to_pylist() == list(dict.fromkeys(values.to_pylist()))
