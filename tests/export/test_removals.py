"""Renamed and forgotten metrics on the data branch."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from cmetrics.domain.days import DAY
from cmetrics.domain.errors import ExportError
from cmetrics.export.backup import back_up
from cmetrics.export.restore import restore
from cmetrics.export.tables import export_store, read_export
from cmetrics.ingest.context import RunContext
from cmetrics.ingest.progress import NoProgress
from cmetrics.ingest.rename import forget, rename
from cmetrics.store.schema import decode_observations
from tests.export.test_sync import CRATE, DAY_0, NPM, Runner, one, other, remote
from tests.samples import a_row
from tests.test_identity import a_catalog

__all__ = ["one", "other", "remote"]
NEW = "downloads:mine:it"


def a_context(runner: Runner) -> RunContext:
    now = runner.clock()
    return RunContext(runner.settings, a_catalog(NPM, CRATE), now, clock=lambda: now)


def rename_metric(runner: Runner, old: str = NPM.metric_id, new: str = NEW):
    return rename(a_context(runner), old, new, back_up(runner.settings, runner.folder / "backup"))


def forget_metric(runner: Runner, metric_id: str = NPM.metric_id):
    return forget(a_context(runner), metric_id, back_up(runner.settings, runner.folder / "backup"))


def values(runner: Runner) -> dict[str, dict[date, int]]:
    found: dict[str, dict[date, int]] = {}
    for row in runner.rows():
        found.setdefault(row.metric_id, {})[row.period_end] = row.value
    return found


@pytest.fixture
def filled(one: Runner) -> Runner:
    one.pull()
    one.store_rows(a_row(NPM, DAY_0, 5), a_row(NPM, DAY_0 + DAY, 6), a_row(CRATE, DAY_0, 7))
    one.push()
    return one


NPM_DAYS = {DAY_0: 5, DAY_0 + DAY: 6}
CRATE_DAYS = {DAY_0: 7}


def test_a_push_after_a_rename_needs_no_option(filled: Runner):
    rename_metric(filled)
    filled.push()
    exported = read_export(filled.clone)
    assert {row.metric_id for row in decode_observations(exported.stats)} == {NEW, CRATE.metric_id}
    assert sorted(path.stem for path in (filled.clone / "stats").iterdir()) == ["downloads-mine-it", "downloads-p-rust"]
    # The next push has nothing to do.
    restored = filled.pull().restored
    assert (restored.counts.inserted, restored.counts.updated, restored.warnings) == (0, 0, ())


def test_a_push_after_a_forget_needs_no_option(filled: Runner):
    forget_metric(filled)
    filled.push()
    assert {row.metric_id for row in decode_observations(read_export(filled.clone).stats)} == {CRATE.metric_id}
    assert values(filled) == {CRATE.metric_id: CRATE_DAYS}


def test_other_rows_are_still_protected(filled: Runner, tmp_path):
    """A removal allows the loss of its own rows only, and only once."""
    folder = tmp_path / "export"
    export_store(filled.store, folder)
    forget_metric(filled)
    filled.store.remove_metric(CRATE.metric_id)
    with pytest.raises(ExportError, match=r"downloads:p:rust: 1 day"):
        export_store(filled.store, folder)
    filled.store_rows(a_row(CRATE, DAY_0, 7))
    export_store(filled.store, folder)
    filled.store_rows(a_row(NPM, DAY_0, 5))
    export_store(filled.store, folder)
    filled.store.remove_metric(NPM.metric_id)
    with pytest.raises(ExportError, match=r"downloads:p:nodejs: 1 day"):
        export_store(filled.store, folder)


def test_a_rename_that_lost_a_row_is_rejected(filled: Runner, tmp_path):
    folder = tmp_path / "export"
    export_store(filled.store, folder)
    rename_metric(filled)
    filled.store.remove_metric(NEW)
    with pytest.raises(ExportError, match=r"downloads:p:nodejs: 2 days"):
        export_store(filled.store, folder)


def test_consecutive_renames_are_followed(filled: Runner, tmp_path):
    folder = tmp_path / "export"
    export_store(filled.store, folder)
    rename_metric(filled)
    rename_metric(filled, NEW, "downloads:last:one")
    export_store(filled.store, folder)
    assert {row.metric_id for row in decode_observations(read_export(folder).stats)} == {
        "downloads:last:one",
        CRATE.metric_id,
    }


def test_forgotten_rows_are_restored_from_an_older_branch_only_on_request(filled: Runner):
    """Forgotten rows that are still on the branch, as after a failed push, are restored only on request."""
    forget_metric(filled)
    restored = filled.pull().restored
    assert values(filled) == {CRATE.metric_id: CRATE_DAYS}
    (warning,) = restored.warnings
    reason = "the metric was removed on 2026-11-22 (forget-"
    assert warning.startswith(f"2 values of {NPM.metric_id} were not imported: {reason}")
    restore(filled.settings, filled.clone, now=filled.clock(), progress=NoProgress())
    assert values(filled) == {NPM.metric_id: NPM_DAYS, CRATE.metric_id: CRATE_DAYS}
    # The restored rows are kept.
    filled.push()
    filled.pull()
    assert values(filled) == {NPM.metric_id: NPM_DAYS, CRATE.metric_id: CRATE_DAYS}


def test_an_older_branch_is_read_under_the_new_id(filled: Runner):
    rename_metric(filled)
    for call in (
        filled.pull,
        lambda: restore(filled.settings, filled.clone, now=filled.clock(), progress=NoProgress()),
    ):
        call()
        assert values(filled) == {NEW: NPM_DAYS, CRATE.metric_id: CRATE_DAYS}
        assert [row.metric_id for row in filled.store.definitions()] == [NEW, CRATE.metric_id]


def test_another_machine_follows_a_rename(filled: Runner, other: Runner):
    """Rows that the other machine collected under the old id are renamed too."""
    other.pull()
    rename_metric(filled)
    later = filled.clock() + timedelta(days=1)
    other.store_rows(a_row(NPM, DAY_0 + 2 * DAY, 8), a_row(NPM, DAY_0 + 3 * DAY, 9, observed_at=later))
    filled.push()
    restored = other.pull().restored
    expected = NPM_DAYS | {DAY_0 + 2 * DAY: 8, DAY_0 + 3 * DAY: 9}
    assert values(other) == {NEW: expected, CRATE.metric_id: CRATE_DAYS}
    assert any("renamed to downloads:mine:it: 4 values" in text for text in restored.warnings)
    other.push()
    filled.pull()
    assert values(filled) == values(other)


def test_another_machine_follows_a_forget_and_keeps_later_rows(filled: Runner, other: Runner):
    other.pull()
    forget_metric(filled)
    filled.push()
    other.store_rows(a_row(NPM, DAY_0 + 3 * DAY, 9, observed_at=other.clock() + timedelta(days=1)))
    restored = other.pull().restored
    assert values(other) == {NPM.metric_id: {DAY_0 + 3 * DAY: 9}, CRATE.metric_id: CRATE_DAYS}
    assert any("forgotten: 2 values removed" in text for text in restored.warnings)
    other.push()
    filled.pull()
    assert values(filled) == values(other)


def test_a_rename_is_merged_with_the_push_of_another_machine(filled: Runner, other: Runner):
    other.pull()
    other.store_rows(a_row(NPM, DAY_0 + 2 * DAY, 8))
    other.push()
    rename_metric(filled)
    assert filled.push().merges == 1
    assert values(filled) == {NEW: NPM_DAYS | {DAY_0 + 2 * DAY: 8}, CRATE.metric_id: CRATE_DAYS}


def test_a_new_machine_gets_the_renamed_series(filled: Runner, other: Runner):
    rename_metric(filled)
    filled.push()
    other.pull()
    assert values(other) == values(filled)
    assert other.store.outcomes() == filled.store.outcomes()
