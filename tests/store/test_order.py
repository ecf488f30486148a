"""The stored rows do not depend on how reads are divided into runs, or on the runs between them."""

from __future__ import annotations

from datetime import date, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from cmetrics.domain.days import Span
from cmetrics.domain.observation import STAR_HISTORY_REF, Observation
from cmetrics.ingest.reconcile import newer_wins, overwrite_rule
from cmetrics.settings import StoreKind, StoreTarget
from cmetrics.sources import SPECS
from cmetrics.store.lance_store import LanceStore
from tests.depth import deep
from tests.samples import a_metric, a_row

METRICS = {metric.metric_id: metric for metric in map(a_metric, ("pypistats", "cratesio", "github"))}
DAY_0 = date(2026, 11, 2)
RULE = overwrite_rule(METRICS, SPECS)
READS = st.tuples(st.sampled_from(sorted(METRICS)), st.integers(0, 3), st.integers(0, 4), st.booleans())


def rows_of(reads) -> list[Observation]:
    """Return rows that were read at intervals of an hour, in order."""
    rows = []
    for hour, (metric_id, day, value, worked_out) in enumerate(reads):
        row = a_row(METRICS[metric_id], DAY_0 + timedelta(days=day), value)
        changes = {"observed_at": row.observed_at + timedelta(hours=9 * hour)}
        if worked_out and metric_id.startswith("stars"):
            changes["source_ref"] = f"{STAR_HISTORY_REF}owner/name"
        rows.append(a_row(METRICS[metric_id], DAY_0 + timedelta(days=day), value, **changes))
    return rows


def stored(folder, batches, rule=RULE) -> list[Observation]:
    store = LanceStore.open(StoreTarget(StoreKind.EMBEDDED, str(folder)))
    store.create_tables()
    for batch in batches:
        store.upsert_observations(batch, rule)
    return store.observations(sorted(METRICS), Span(DAY_0, DAY_0 + timedelta(days=9)))


@settings(max_examples=deep(12), deadline=None)
@given(reads=st.lists(READS, min_size=1, max_size=12), data=st.data())
def test_the_same_reads_in_any_runs_give_the_same_rows(reads, data, tmp_path_factory):
    rows = rows_of(reads)
    cuts = sorted(data.draw(st.sets(st.integers(1, len(rows)), max_size=3)))
    batches = [rows[first:last] for first, last in zip([0, *cuts], [*cuts, len(rows)], strict=True)]
    # Runs of different metrics may be in any order, because they do not affect each other.
    by_metric = [[row for row in rows if row.metric_id == metric_id] for metric_id in METRICS]
    shuffled = data.draw(st.permutations(by_metric))
    whole = stored(tmp_path_factory.mktemp("whole"), [rows])
    assert stored(tmp_path_factory.mktemp("cut"), batches) == whole
    assert stored(tmp_path_factory.mktemp("shuffled"), shuffled) == whole
    again = tmp_path_factory.mktemp("again")
    assert stored(again, [rows]) == stored(again, [whole]), "storing rows twice changes nothing"


@settings(max_examples=deep(12), deadline=None)
@given(reads=st.lists(READS, min_size=2, max_size=12), data=st.data())
def test_stores_merged_in_any_order_have_the_same_rows(reads, data, tmp_path_factory):
    rows = rows_of(reads)
    other = data.draw(st.permutations(rows))
    cut = data.draw(st.integers(1, len(rows) - 1))
    whole = stored(tmp_path_factory.mktemp("whole"), [rows], newer_wins)
    assert stored(tmp_path_factory.mktemp("other"), [other[:cut], other[cut:]], newer_wins) == whole
