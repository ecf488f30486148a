"""Compare the columnar removal of renamed and forgotten rows with one by row."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from cmetrics.domain.days import DAY
from cmetrics.domain.metric import definition
from cmetrics.domain.observation import Observation
from cmetrics.domain.outcome import Outcome
from cmetrics.domain.removal import Removal
from cmetrics.domain.revision import Revision
from cmetrics.domain.run import Run
from cmetrics.export.removals import without_removed
from cmetrics.export.restore import has_all
from cmetrics.export.tables import ExportedTables
from cmetrics.store.schema import OUTCOMES, STATS, decode, decode_observations, encode
from tests.depth import deep
from tests.samples import a_metric, a_row, an_outcome

AT = datetime(2026, 11, 10, 6, tzinfo=UTC)
IDS = ("old", "new", "other")
HOURS = st.integers(-3, 3)
KEYS = st.lists(st.tuples(st.sampled_from(IDS), HOURS, st.integers(0, 3)), max_size=12, unique=True)


def an_export(keys: list[tuple[str, int, int]], defined: dict[str, int]) -> tuple[ExportedTables, list[Outcome]]:
    rows, revisions, outcomes = [], [], []
    for metric_id, hours, days in keys:
        at, day = AT + timedelta(hours=hours), AT.date() - days * DAY
        metric = a_metric(metric_id=metric_id)
        rows.append(a_row(metric, day, hours + 9, observed_at=at))
        revisions.append(Revision(metric_id, day, day, 1, 2, "refresh-1", at))
        job = "rename" if days == 0 else "refresh"
        outcomes.append(an_outcome(Run(f"{job}-{hours}-{days}", job, "success", at, at), metric_id))
    definitions = [definition(a_metric(metric_id=i), AT + timedelta(hours=hours)) for i, hours in defined.items()]
    tables = ExportedTables(definitions, [], encode(rows, STATS), revisions, encode(outcomes, OUTCOMES), [], [])
    return tables, outcomes


def is_removed(row: Observation | Revision | Outcome, removal: Removal, created_at: datetime | None) -> bool:
    """Return whether a row of the old id is removed: read before the removal, or of a renamed metric."""
    if row.metric_id != removal.metric_id:
        return False
    is_renamed = removal.successor is not None and created_at is not None and created_at <= removal.at
    return row.observed_at <= removal.at or is_renamed


@settings(max_examples=deep(200), deadline=None)
@given(
    keys=KEYS,
    defined=st.dictionaries(st.sampled_from(IDS), HOURS),
    successor=st.sampled_from(["new", None]),
)
def test_without_removed(keys, defined, successor):
    """Values, revisions and outcomes are kept, removed or renamed together with their definitions."""
    removal = Removal("rename-1" if successor else "forget-1", "old", successor, AT)
    export, outcomes = an_export(keys, defined)
    created_at = AT + timedelta(hours=defined["old"]) if "old" in defined else None

    def after(rows: list, is_spared=lambda row: False) -> set:
        moved = set()
        for row in rows:
            if is_spared(row) or not is_removed(row, removal, created_at):
                moved.add(row)
            elif successor:
                moved.add(replace(row, metric_id=successor))
        return moved

    found, _ = without_removed(export, [removal])
    rows = decode_observations(export.stats)
    assert set(decode_observations(found.stats)) == after(rows)
    assert set(found.revisions) == after(list(export.revisions))
    expected = after(outcomes, lambda row: row.ingestion_run_id.startswith("rename-"))
    assert set(decode(found.outcomes, OUTCOMES)) == expected
    stays = any(row.metric_id == "old" and not is_removed(row, removal, created_at) for row in rows)
    ids = {*defined} if stays else {*defined} - {"old"}
    if successor and not stays and "old" in defined:
        ids.add(successor)
    assert {row.metric_id for row in found.definitions} == ids


@settings(max_examples=deep(100), deadline=None)
@given(local=KEYS, remote=KEYS)
def test_has_all(local, remote):
    """Rows are compared in all columns, and empty cells are equal."""
    (one, our_rows), (other, their_rows) = an_export(local, {}), an_export(remote, {})
    assert has_all(one.outcomes, other.outcomes) is set(our_rows).issuperset(their_rows)
