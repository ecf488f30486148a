"""Renamed and forgotten metrics on the data branch: nothing is lost, and nothing comes back unsaid."""

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


def do_rename(runner: Runner, old: str = NPM.metric_id, new: str = NEW):
    return rename(a_context(runner), old, new, back_up(runner.settings, runner.folder / "backup"))


def do_forget(runner: Runner, metric_id: str = NPM.metric_id):
    return forget(a_context(runner), metric_id, back_up(runner.settings, runner.folder / "backup"))


def values(runner: Runner) -> dict[str, dict[date, int]]:
    found: dict[str, dict[date, int]] = {}
    for row in runner.rows():
        found.setdefault(row.metric_id, {})[row.period_end] = row.value
    return found


@pytest.fixture
def filled(one: Runner) -> Runner:
    one.pull()
    one.learn(a_row(NPM, DAY_0, 5), a_row(NPM, DAY_0 + DAY, 6), a_row(CRATE, DAY_0, 7))
    one.push()
    return one


NPM_DAYS = {DAY_0: 5, DAY_0 + DAY: 6}
CRATE_DAYS = {DAY_0: 7}


def test_a_push_after_a_rename_needs_no_option(filled: Runner):
    do_rename(filled)
    filled.push()
    exported = read_export(filled.clone)
    assert {row.metric_id for row in decode_observations(exported.stats)} == {NEW, CRATE.metric_id}
    assert sorted(path.stem for path in (filled.clone / "stats").iterdir()) == ["downloads-mine-it", "downloads-p-rust"]
    # The next night finds nothing to do.
    restored = filled.pull().restored
    assert (restored.counts.inserted, restored.counts.updated, restored.warnings) == (0, 0, ())


def test_a_push_after_a_forget_needs_no_option(filled: Runner):
    do_forget(filled)
    filled.push()
    assert {row.metric_id for row in decode_observations(read_export(filled.clone).stats)} == {CRATE.metric_id}
    assert values(filled) == {CRATE.metric_id: CRATE_DAYS}


def test_other_rows_are_guarded_as_before(filled: Runner, tmp_path):
    """A removal covers its id alone, and an export that knows it already is compared in full."""
    folder = tmp_path / "export"
    export_store(filled.store, folder)
    do_forget(filled)
    filled.store.remove_metric(CRATE.metric_id)
    with pytest.raises(ExportError, match=r"downloads:p:rust: 1 day"):
        export_store(filled.store, folder)
    filled.learn(a_row(CRATE, DAY_0, 7))
    export_store(filled.store, folder)
    filled.learn(a_row(NPM, DAY_0, 5))
    export_store(filled.store, folder)
    filled.store.remove_metric(NPM.metric_id)
    with pytest.raises(ExportError, match=r"downloads:p:nodejs: 1 day"):
        export_store(filled.store, folder)


def test_a_rename_that_lost_a_row_is_refused(filled: Runner, tmp_path):
    folder = tmp_path / "export"
    export_store(filled.store, folder)
    do_rename(filled)
    filled.store.remove_metric(NEW)
    with pytest.raises(ExportError, match=r"downloads:p:nodejs: 2 days"):
        export_store(filled.store, folder)


def test_two_renames_are_followed(filled: Runner, tmp_path):
    folder = tmp_path / "export"
    export_store(filled.store, folder)
    do_rename(filled)
    do_rename(filled, NEW, "downloads:last:one")
    export_store(filled.store, folder)
    assert {row.metric_id for row in decode_observations(read_export(folder).stats)} == {
        "downloads:last:one",
        CRATE.metric_id,
    }


def test_an_older_branch_brings_forgotten_rows_back_only_when_asked(filled: Runner):
    """The push failed, or the machine died before it: the branch still has the rows."""
    do_forget(filled)
    restored = filled.pull().restored
    assert values(filled) == {CRATE.metric_id: CRATE_DAYS}
    (warning,) = restored.warnings
    reason = "the metric was removed on 2026-11-22 (forget-"
    assert warning.startswith(f"2 values of {NPM.metric_id} were not imported: {reason}")
    restore(filled.settings, filled.clone, now=filled.clock(), progress=NoProgress())
    assert values(filled) == {NPM.metric_id: NPM_DAYS, CRATE.metric_id: CRATE_DAYS}
    # And they stay.
    filled.push()
    filled.pull()
    assert values(filled) == {NPM.metric_id: NPM_DAYS, CRATE.metric_id: CRATE_DAYS}


def test_an_older_branch_is_read_under_the_new_id(filled: Runner):
    do_rename(filled)
    for call in (
        filled.pull,
        lambda: restore(filled.settings, filled.clone, now=filled.clock(), progress=NoProgress()),
    ):
        call()
        assert values(filled) == {NEW: NPM_DAYS, CRATE.metric_id: CRATE_DAYS}
        assert [row.metric_id for row in filled.store.definitions()] == [NEW, CRATE.metric_id]


def test_another_machine_follows_a_rename(filled: Runner, other: Runner):
    """Its own days, collected before and after under the old id, are carried over, too."""
    other.pull()
    do_rename(filled)
    later = filled.clock() + timedelta(days=1)
    other.learn(a_row(NPM, DAY_0 + 2 * DAY, 8), a_row(NPM, DAY_0 + 3 * DAY, 9, observed_at=later))
    filled.push()
    restored = other.pull().restored
    expected = NPM_DAYS | {DAY_0 + 2 * DAY: 8, DAY_0 + 3 * DAY: 9}
    assert values(other) == {NEW: expected, CRATE.metric_id: CRATE_DAYS}
    assert any("renamed to downloads:mine:it: 4 values" in text for text in restored.warnings)
    other.push()
    filled.pull()
    assert values(filled) == values(other)


def test_another_machine_follows_a_forget_and_keeps_what_it_collects_later(filled: Runner, other: Runner):
    other.pull()
    do_forget(filled)
    filled.push()
    other.learn(a_row(NPM, DAY_0 + 3 * DAY, 9, observed_at=other.clock() + timedelta(days=1)))
    restored = other.pull().restored
    assert values(other) == {NPM.metric_id: {DAY_0 + 3 * DAY: 9}, CRATE.metric_id: CRATE_DAYS}
    assert any("forgotten: 2 values removed" in text for text in restored.warnings)
    other.push()
    filled.pull()
    assert values(filled) == values(other)


def test_a_rename_meets_a_push_of_another_machine(filled: Runner, other: Runner):
    other.pull()
    other.learn(a_row(NPM, DAY_0 + 2 * DAY, 8))
    other.push()
    do_rename(filled)
    assert filled.push().merges == 1
    assert values(filled) == {NEW: NPM_DAYS | {DAY_0 + 2 * DAY: 8}, CRATE.metric_id: CRATE_DAYS}


def test_a_new_machine_gets_the_renamed_series(filled: Runner, other: Runner):
    do_rename(filled)
    filled.push()
    other.pull()
    assert values(other) == values(filled)
    assert other.store.outcomes() == filled.store.outcomes()
