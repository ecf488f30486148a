"""The store has each key once, changes only the given rows, and returns only the requested ones."""

from __future__ import annotations

import threading
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import lancedb
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import SecretStr

from cmetrics.domain.days import Span
from cmetrics.domain.errors import StoreError, StoreMissing, StoreUnreachable
from cmetrics.domain.metric import Definition
from cmetrics.domain.observation import Observation
from cmetrics.domain.run import Counts, Run, RunStatus
from cmetrics.settings import StoreKind, StoreTarget
from cmetrics.store.columns import encode_texts
from cmetrics.store.lance_store import LanceStore
from cmetrics.store.maintenance import INDICES
from cmetrics.store.schema import HISTORY, METRICS, STATS, TABLES, encode
from tests.depth import deep
from tests.rules import value_differs
from tests.store.conftest import Place

DAY_1 = date(2026, 1, 1)
AT = datetime(2026, 11, 23, 9, 0, 0, 123456, tzinfo=UTC)
YEAR = Span(date(2026, 1, 1), date(2026, 12, 31))
NASTY = ["o'brien", "100%", "a\\b", "x' OR 1=1 --", 'quo"te', "näme", "a_b", ";drop"]


def row(metric_id="m", day=0, value=1, at=AT, run="r1", **more) -> Observation:
    when = DAY_1 + timedelta(days=day)
    fields = {
        "metric_id": metric_id,
        "period_start": when,
        "period_end": when,
        "observed_at": at,
        "value": value,
        "provenance": "api_daily",
        "source_window": "1d",
        "ingestion_run_id": run,
        "source_ref": "test:m",
    }
    return Observation(**(fields | more))


def count(place: Place, table: str = "stats") -> int:
    return place.raw(table).count_rows()


def test_tables_have_fixed_columns_and_a_key(place: Place):
    place.create()
    for table in TABLES:
        found = place.raw(table.name).schema
        assert found.names == table.schema.names
        assert found.types == table.schema.types
        keys = {f.name for f in found if (f.metadata or {}).get(b"lance-schema:unenforced-primary-key") == b"true"}
        assert keys == set(table.key)
    assert place.raw("stats").schema.field("value").type == pa.int64()
    assert place.raw("stats").schema.field("observed_at").type == pa.timestamp("us", tz="UTC")


def test_creating_tables_again_keeps_their_rows(place: Place):
    store = place.create()
    store.upsert_observations([row()], value_differs)
    assert place.open().create_tables() == []
    assert place.open().observations(["m"], YEAR) == [row()]


def test_a_store_stays_readable_when_its_tables_are_dropped_and_created_again(tmp_path: Path):
    """This may be done by another process; tables with equally many commits differ only in their time."""
    target = StoreTarget(StoreKind.EMBEDDED, str(tmp_path))
    reader, writer = LanceStore.open(target), LanceStore.open(target)
    tokens = set()
    for value in range(3):
        writer.drop_tables()
        writer.create_tables()
        writer.upsert_observations([row(value=value)], value_differs)
        tokens.add(reader.versions())
        assert reader.observations(["m"], YEAR) == [row(value=value)]
    assert len(tokens) == 3


def test_reads_see_rows_of_other_processes(place: Place):
    store, other = place.create(), place.open()
    for day in range(3):
        other.upsert_observations([row(day=day)], value_differs)
        assert len(store.observations(["m"], YEAR)) == day + 1
    other.optimize()
    assert len(store.observations(["m"], YEAR)) == 3


def test_upsert_counts_rows(place: Place):
    store = place.create()
    assert store.upsert_observations([row(day=d) for d in range(10)], value_differs) == Counts(10, 0, 0)
    again = [row(day=d, value=1 if d < 6 else 2, run="r2") for d in range(12)]
    assert store.upsert_observations(again, value_differs) == Counts(2, 4, 6)
    run_ids = {r.period_end: r.ingestion_run_id for r in store.observations(["m"], YEAR)}
    assert [run_ids[DAY_1 + timedelta(days=d)] for d in range(12)] == ["r1"] * 6 + ["r2"] * 6
    assert store.upsert_observations(again, value_differs) == Counts(0, 0, 12)


def test_a_run_without_changes_makes_no_version(place: Place):
    store = place.create()
    store.upsert_observations([row()], value_differs)
    before = place.raw().version
    store.upsert_observations([row(run="r2")], value_differs)
    assert place.raw().version == before


def test_one_upsert_is_one_commit(place: Place):
    store = place.create()
    before = place.raw().version
    store.upsert_observations([row(metric_id=f"m{n}", day=d) for n in range(50) for d in range(5)], value_differs)
    assert place.raw().version == before + 1


def test_other_rows_are_unchanged(place: Place):
    store = place.create()
    others = [row("a", 3, 7), row("c", 3, 8), row("b", 40, 9)]
    store.upsert_observations(others, value_differs)
    store.upsert_observations([row("b", 3, 1), row("b", 5, 1)], value_differs)
    found = store.observations(["a", "b", "c"], YEAR)
    assert set(others) <= set(found)


def test_reads_are_limited_and_sorted(place: Place):
    store = place.create()
    store.upsert_observations([row(m, d, d + 1) for m in ("b", "a") for d in range(20)], value_differs)
    span = Span(DAY_1 + timedelta(days=5), DAY_1 + timedelta(days=7))
    if place.cluster:
        place.cluster.rows_sent = 0
    found = store.observations(["a"], span)
    assert [(r.metric_id, r.value) for r in found] == [("a", 6), ("a", 7), ("a", 8)]
    assert store.days(["b"], span) == {"b": ({DAY_1 + timedelta(days=d) for d in (5, 6, 7)}, set())}
    if place.cluster:
        assert place.cluster.rows_sent == 6
        assert place.cluster.unbounded_queries == 0


@pytest.mark.parametrize("name", NASTY)
def test_names_in_filters_are_quoted(place: Place, name: str):
    store = place.create()
    store.upsert_observations([row(name, 0, 5), row("other", 0, 6)], value_differs)
    assert [r.value for r in store.observations([name], YEAR)] == [5]
    assert store.observations(["' OR '1'='1"], YEAR) == []


def test_more_metrics_than_fit_into_one_filter(place: Place):
    store = place.create()
    ids = [f"m{n:04d}" for n in range(1201)]
    store.upsert_observations([row(metric_id) for metric_id in ids], value_differs)
    assert [r.metric_id for r in store.observations(ids, YEAR)] == ids
    assert store.metric_ids() == set(ids)


def test_four_concurrent_writers_store_each_key_once(place: Place):
    place.create()
    for number in range(5):
        rows = [row(f"m{number}", day) for day in range(30)]
        _together(4, lambda rows=rows: place.open().upsert_observations(rows, value_differs))
    assert count(place) == 150


def test_duplicates_in_tables_without_a_key_are_removed_and_never_read(place: Place):
    store = place.create_without_keys()
    for number in range(3):
        rows = [row(f"m{number}", day) for day in range(20)]
        _together(4, lambda rows=rows: place.open().upsert_observations(rows, value_differs))
        assert len(store.observations([f"m{number}"], YEAR)) == 20
    # The next run that writes these days removes duplicates that the last writer left.
    for number in range(3):
        store.upsert_observations([row(f"m{number}", day, 2) for day in range(20)], value_differs)
    assert count(place) == 60


def test_one_of_two_encoded_metrics_is_written(place: Place):
    """Of rows with dictionaries, as a run buffers them, the written ones are found again in a table without a key."""
    store = place.create_without_keys()
    for value, inserted in ((1, 2), (2, 0)):
        rows = encode_texts(encode([row("a"), row("b", value=value)], STATS))
        assert store.upsert_observations(rows, value_differs).inserted == inserted
    assert store.observations(["a", "b"], YEAR) == [row("a"), row("b", value=2)]


def test_concurrent_writers_of_an_indexed_table_store_each_key_once(place: Place):
    store = place.create()
    store.upsert_observations([row("m", day) for day in range(30)], value_differs)
    create_indices(place.raw())
    for number in range(3):
        rows = [row(f"m{number}", day) for day in range(20)]
        _together(4, lambda rows=rows: place.open().upsert_observations(rows, value_differs))
        assert len(store.observations([f"m{number}"], YEAR)) == 20
        # The last writer sees the rows of all others.
        assert count(place) == 50 + 20 * number


def test_of_duplicates_the_last_observed_stays(place: Place):
    store = place.create_without_keys()
    old, new = row(value=10), row(value=20, at=AT + timedelta(hours=1), run="r2")
    same = row(day=1, value=30)
    for copy in (old, new, same, same):
        place.raw().add(lance_rows([copy]))
    assert count(place) == 4
    assert store.observations(["m"], YEAR) == [new, same]
    store.upsert_observations([replace(new, value=20), same, row(day=2, value=5)], value_differs)
    assert count(place) == 3
    assert store.observations(["m"], YEAR) == [new, same, row(day=2, value=5)]


def test_tables_without_keys_keep_their_schema(place: Place):
    store = place.create_without_keys()
    before = {table.name: place.raw(table.name).schema for table in TABLES}
    store.upsert_observations([row()], value_differs)
    store.save_run(Run("r1", "refresh", RunStatus.SUCCESS, AT, AT))
    store.save_definitions([definition()])
    assert {table.name: place.raw(table.name).schema for table in TABLES} == before
    assert store.observations(["m"], YEAR) == [row()]


def test_an_upsert_with_a_lost_response_makes_no_duplicates(place: Place):
    if place.cluster is None:
        pytest.skip("a folder has no responses that could be lost")
    store = place.create_without_keys()
    lost = []

    def lose_the_first(method: str, path: str) -> bool:
        if "merge_insert" in path and not lost:
            lost.append(path)
            return True
        return False

    place.cluster.drops_response = lose_the_first
    rows = [row(day=d) for d in range(10)]
    try:
        store.upsert_observations(rows, value_differs)
    except StoreUnreachable:
        # The client may also give up; the next night sends the same rows again.
        place.open().upsert_observations(rows, value_differs)
    assert lost
    assert count(place) == 10
    assert place.open().observations(["m"], YEAR) == rows


def test_a_run_is_one_row_however_often_it_is_saved(place: Place):
    store = place.create()
    run = Run("r1", "refresh", RunStatus.RUNNING, AT, None)
    store.save_run(run)
    ended = replace(run, status=RunStatus.SUCCESS, finished_at=AT + timedelta(minutes=1), rows_inserted=3)
    store.save_run(ended)
    store.save_run(ended)
    assert count(place, "history") == 1
    assert store.runs(AT) == [ended]
    assert store.runs(AT + timedelta(microseconds=1)) == []
    assert store.runs(AT, RunStatus.RUNNING) == []


def definition(metric_id="m", display="Python", at=AT) -> Definition:
    return Definition(
        metric_id,
        "downloads",
        "p",
        "s",
        None,
        "npm",
        "daily_downloads",
        "count",
        is_active=True,
        display_name=display,
        created_at=at,
    )


def test_definitions_are_updated_and_keep_their_creation_time(place: Place):
    store = place.create()
    store.save_definitions([definition("a"), definition("b")])
    version = place.raw("metrics").version
    store.save_definitions([definition("a", at=AT + timedelta(days=1))])
    assert place.raw("metrics").version == version
    store.save_definitions([definition("a", display="Py", at=AT + timedelta(days=1))])
    assert store.definitions() == [definition("a", display="Py"), definition("b")]


def test_missing_tables_are_an_error(place: Place):
    store = place.open()
    with pytest.raises(StoreMissing, match=r"cmetrics (bootstrap|refresh)"):
        store.check()
    assert store.is_empty()
    store.drop_tables()
    with pytest.raises(StoreMissing):
        store.observations(["m"], YEAR)


@pytest.mark.parametrize(("broken", "says"), [("no", "has no column 'value'"), ("text", "has 'value' as")])
def test_a_table_with_other_columns_is_an_error(place: Place, broken: str, says: str):
    columns = [pa.field(f.name, pa.string() if f.name == "value" else f.type) for f in STATS.schema]
    if broken == "no":
        columns = [f for f in columns if f.name != "value"]
    connection = lancedb.connect(str(place.root))
    for table in (METRICS, HISTORY):
        connection.create_table(table.name, schema=table.schema)
    connection.create_table("stats", schema=pa.schema(columns))
    with pytest.raises(StoreError, match=says):
        place.open().check()


def test_drop_removes_only_known_tables(place: Place):
    store = place.create()
    lancedb.connect(str(place.root)).create_table("somebody_elses", schema=pa.schema([pa.field("x", pa.int64())]))
    store.drop_tables()
    assert place.tables() == {"somebody_elses"}


def test_a_read_during_maintenance_succeeds(place: Place):
    store = place.create()
    rows = [row(day=d) for d in range(100)]
    store.upsert_observations(rows, value_differs)
    reader = place.open()
    assert len(reader.observations(["m"], YEAR)) == 100
    for night in range(6):
        store.upsert_observations([row(day=d, value=night + 2) for d in range(100)], value_differs)
        store.optimize()
        assert {r.value for r in reader.observations(["m"], YEAR)} == {night + 2}


@settings(max_examples=deep(15), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    batches=st.lists(
        st.lists(st.tuples(st.sampled_from("ab"), st.integers(0, 6), st.integers(0, 3)), min_size=1, max_size=12),
        max_size=5,
    )
)
@pytest.mark.parametrize("is_indexed", [False, True])
def test_any_sequence_of_upserts_stores_the_last_value_of_every_key(
    is_indexed, batches, tmp_path_factory: pytest.TempPathFactory
):
    folder = tmp_path_factory.mktemp("any")
    store = LanceStore.open(StoreTarget(kind=_embedded(), uri=str(folder)))
    store.create_tables()
    model: dict[tuple[str, date], int] = {}
    if is_indexed:
        store.upsert_observations([row("a", 0, 7)], value_differs)
        model["a", DAY_1] = 7
        create_indices(lancedb.connect(str(folder)).open_table("stats"))
    for batch in batches:
        before = set(model)
        counts = store.upsert_observations([row(m, d, v) for m, d, v in batch], value_differs)
        last = {(m, DAY_1 + timedelta(days=d)): v for m, d, v in batch}
        assert counts.inserted == len(set(last) - before)
        assert counts.inserted + counts.updated + counts.unchanged == len(last)
        model |= last
        assert set(model) >= before
    assert {r.key: r.value for r in store.observations(["a", "b"], YEAR)} == model


def create_indices(table) -> None:
    """Create the indices that maintenance creates for a large table."""
    for column, (_, config) in INDICES.items():
        table.create_index(column, config=config)


def _embedded():
    from cmetrics.settings import StoreKind

    return StoreKind.EMBEDDED


def lance_rows(rows: list[Observation]) -> list[dict]:
    names = STATS.schema.names
    return [
        {n: v.isoformat() if isinstance(v := getattr(r, n), date) and not isinstance(v, datetime) else v for n in names}
        for r in rows
    ]


def _together(threads: int, work) -> None:
    barrier = threading.Barrier(threads)
    errors: list[BaseException] = []

    def run() -> None:
        barrier.wait()
        try:
            work()
        except BaseException as error:  # noqa: BLE001  # handed to the test
            errors.append(error)

    started = [threading.Thread(target=run) for _ in range(threads)]
    for thread in started:
        thread.start()
    for thread in started:
        thread.join()
    assert errors == []


def test_refused_keys_and_unreachable_hosts_differ(place: Place):
    if place.cluster is None:
        pytest.skip("a folder has neither key nor host")
    place.create()
    with pytest.raises(StoreUnreachable, match="LANCEDB_API_KEY"):
        LanceStore.open(replace(place.target, api_key=SecretStr("sk-wrong"))).check()
    place.cluster.before = lambda method, path: 500 if "query" in path else None
    with pytest.raises(StoreUnreachable, match="500"):
        place.open().observations(["m"], YEAR)
    with pytest.raises(StoreUnreachable, match="LANCEDB_HOST_OVERRIDE"):
        LanceStore.open(replace(place.target, host_override="http://127.0.0.1:9")).check()
