"""`rename` and `forget`: all tables, kills at any point, on a folder and on a cluster."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from pydantic import SecretStr

from cmetrics.catalog import load_catalog
from cmetrics.domain.days import DAY
from cmetrics.domain.errors import CmetricsError, UsageError
from cmetrics.domain.metric import definition
from cmetrics.domain.outcome import Outcome
from cmetrics.domain.removal import find_removals, is_removal
from cmetrics.domain.revision import Revision
from cmetrics.domain.run import Job, MetricStatus, RunStatus, RunSummary
from cmetrics.export.backup import back_up
from cmetrics.ingest.context import RunContext
from cmetrics.ingest.reconcile import differs
from cmetrics.ingest.removals import ALWAYS
from cmetrics.ingest.rename import check_forget, check_rename, forget, rename
from cmetrics.settings import Settings, StoreKind, StoreTarget
from cmetrics.sources import SPECS
from cmetrics.store.lance_store import LanceStore
from cmetrics.store.lock import lock_path
from tests.conftest import catalog_text
from tests.depth import deep
from tests.rules import always
from tests.samples import a_metric, a_row
from tests.world.cluster import Cluster

AT = datetime(2026, 11, 20, 7, tzinfo=UTC)
OLD = a_metric("cratesio")
NEW = "downloads:mine:it"
OTHER = a_metric("npm")
FIRST = date(2026, 11, 1)


@dataclass
class Place:
    """A store with two metrics, in a folder or on a cluster."""

    target: StoreTarget
    folder: Path
    hours: int = 0

    @property
    def store(self) -> LanceStore:
        return LanceStore.open(self.target)

    def fill(self) -> None:
        store = self.store
        store.create_tables()
        store.save_definitions([definition(OLD, AT), definition(OTHER, AT)])
        rows = [a_row(metric, FIRST + n * DAY, 10 + n) for metric in (OLD, OTHER) for n in range(5)]
        store.upsert_observations(rows, differs)
        store.save_revisions([Revision(OLD.metric_id, FIRST, FIRST, 9, 10, "refresh-1", AT)])
        store.save_outcomes(
            [Outcome("refresh-1", m.metric_id, MetricStatus.OK, FIRST, FIRST, 1, 0, None, AT) for m in (OLD, OTHER)]
        )

    def context(self, **extra: str) -> RunContext:
        """Return the context of a run that starts one hour after the previous one."""
        self.hours += 1
        now = AT + timedelta(hours=self.hours)
        catalog = self.folder / "cmetrics.toml"
        catalog.write_text(catalog_text(("cratesio", OLD.subject), ("npm", OTHER.subject), **extra))
        return RunContext(Settings(self.target, catalog), load_catalog(catalog, SPECS), now, clock=lambda: now)

    def rename(self, old: str = OLD.metric_id, new: str = NEW) -> RunSummary:
        context = self.context()
        check_rename(self.store, context, old, new)
        return rename(context, old, new, self.back_up())

    def forget(self, metric_id: str = OLD.metric_id) -> RunSummary:
        context = self.context()
        check_forget(self.store, metric_id)
        return forget(context, metric_id, self.back_up())

    def back_up(self):
        return back_up(Settings(self.target, None), self.folder / "backup")

    def values(self) -> dict[str, dict[date, int]]:
        found: dict[str, dict[date, int]] = {}
        store = self.store
        for row in store.observations(sorted(store.metric_ids()), ALWAYS):
            found.setdefault(row.metric_id, {})[row.period_end] = row.value
        return found

    def mentions(self, metric_id: str) -> list[str]:
        """Return the tables with rows of the id, ignoring the record of its removal."""
        store = self.store
        places = {
            "metrics": [row for row in store.definitions() if row.metric_id == metric_id],
            "stats": store.observations([metric_id], ALWAYS),
            "revisions": [row for row in store.revisions() if row.metric_id == metric_id],
            "outcomes": [
                row for row in store.outcomes() if row.metric_id == metric_id and not is_removal(row.ingestion_run_id)
            ],
        }
        return [name for name, rows in places.items() if rows]


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[Cluster]:
    root = tmp_path / "cluster"
    root.mkdir()
    with Cluster(root) as running:
        yield running


def embedded(tmp_path: Path) -> Place:
    (tmp_path / "store").mkdir()
    return Place(StoreTarget(StoreKind.EMBEDDED, str(tmp_path / "store")), tmp_path)


def remote(tmp_path: Path, cluster: Cluster) -> Place:
    target = StoreTarget(
        StoreKind.ENTERPRISE,
        "db://community-metrics",
        api_key=SecretStr(cluster.api_key),
        region="us-east-1",
        host_override=cluster.url,
        locks=tmp_path / "locks",
    )
    return Place(target, tmp_path)


@pytest.fixture(params=["folder", "cluster"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Place:
    found = embedded(tmp_path) if request.param == "folder" else remote(tmp_path, request.getfixturevalue("cluster"))
    found.fill()
    return found


def test_rename_moves_the_rows_of_all_tables(place: Place):
    before = place.values()
    summary = place.rename()
    assert place.values() == {NEW: before[OLD.metric_id], OTHER.metric_id: before[OTHER.metric_id]}
    assert place.mentions(OLD.metric_id) == []
    assert place.mentions(NEW) == ["metrics", "stats", "revisions", "outcomes"]
    assert (summary.job, summary.status, summary.counts.inserted) == (Job.RENAME, RunStatus.SUCCESS, 5)
    assert summary.notes == (f"{OLD.metric_id} renamed to {NEW}: 5 values moved",)
    (run,) = place.store.runs()
    assert (run.job_name, run.status, run.error_summary) == ("rename", "success", summary.notes[0])
    (removal,) = find_removals(place.store.outcomes())
    assert (removal.metric_id, removal.successor) == (OLD.metric_id, NEW)


def test_forget_removes_one_metric_only(place: Place):
    before = place.values()
    summary = place.forget()
    assert place.values() == {OTHER.metric_id: before[OTHER.metric_id]}
    assert place.mentions(OLD.metric_id) == []
    assert place.mentions(OTHER.metric_id) == ["metrics", "stats", "outcomes"]
    assert (summary.job, summary.status) == (Job.FORGET, RunStatus.SUCCESS)
    assert summary.notes[0].startswith(f"{OLD.metric_id} forgotten: 5 values removed; it is still in ")
    with pytest.raises(UsageError, match=r"not in the store: it was forgotten on 2026-11-20"):
        place.forget()


def test_rename_joins_two_series_of_one_subject(place: Place):
    """If both have a value for a day, the one read last is kept."""
    store = place.store
    store.save_definitions([definition(replace(OLD, metric_id=NEW), AT)])
    later = a_row(replace(OLD, metric_id=NEW), FIRST + 4 * DAY, 99)
    store.upsert_observations([replace(later, observed_at=AT), replace(later, period_end=FIRST + 5 * DAY)], always)
    place.rename()
    assert list(place.values()[NEW].values()) == [10, 11, 12, 13, 99, 99]


def test_impossible_renames_are_usage_errors(place: Place):
    context = place.context()
    for old, new, why in (
        (OLD.metric_id, "NO ID", "cannot be the new id"),
        (OLD.metric_id, OLD.metric_id, "cannot be the new id"),
        ("downloads:x:y", NEW, "not in the store; available: downloads:p:nodejs, downloads:p:rust"),
        (OLD.metric_id, OTHER.metric_id, "a series combines two packages only if the catalogue says so"),
    ):
        with pytest.raises(UsageError, match=why):
            check_rename(place.store, context, old, new)
    stated = replace(context, catalog=replace(context.catalog, default_ids=frozenset()))
    with pytest.raises(UsageError, match="states id = "):
        check_rename(place.store, stated, OLD.metric_id, NEW)
    place.rename()
    with pytest.raises(UsageError, match=f"it was renamed to {NEW} on 2026-11-20"):
        check_forget(place.store, OLD.metric_id)


def test_nothing_is_changed_when_another_run_wrote_after_the_backup(place: Place):
    context, backup = place.context(), place.back_up()
    before = place.values()
    place.rename(OTHER.metric_id, "downloads:other:one")
    for call in (lambda: rename(context, OLD.metric_id, NEW, backup), lambda: forget(context, OLD.metric_id, backup)):
        with pytest.raises(CmetricsError, match="nothing was changed, run the command again"):
            call()
    assert place.values()[OLD.metric_id] == before[OLD.metric_id]


@pytest.mark.parametrize("job", ["rename", pytest.param("forget", marks=pytest.mark.long)])
def test_a_killed_rename_is_completed_by_the_next_run(tmp_path: Path, cluster: Cluster, job: str):
    """The cluster rejects all requests from one on, as if the process had been killed there."""
    place = remote(tmp_path, cluster)
    place.fill()
    values = place.values()[OLD.metric_id]
    run = place.rename if job == "rename" else place.forget
    written = ("merge_insert", "delete", "create", "insert")
    steps = 0
    # Every request with `-m long`, otherwise some.
    for last in range(20) if deep(1) > 1 else (1, 2, 4, 7, 20):
        left = last

        def refuse(method: str, path: str) -> int | None:
            nonlocal left
            if path.split("?", maxsplit=1)[0].rstrip("/").rpartition("/")[2] in written:
                left -= 1
            return 400 if left < 0 else None

        cluster.before = refuse
        try:
            run()
        except CmetricsError:
            ended = False
        else:
            ended = True
        cluster.before = lambda method, path: None
        if running := place.store.runs(status=RunStatus.RUNNING):
            # A killed process leaves the note that it had the lock.
            lock_path(place.target).with_suffix(".run").write_text(running[0].ingestion_run_id)
        is_recorded = any(removal.metric_id == OLD.metric_id for removal in find_removals(place.store.outcomes()))
        stored = place.values()
        # No value is lost: it is stored under the old id, the new id, or temporarily both.
        if job == "rename":
            assert values.items() <= (stored.get(OLD.metric_id, {}) | stored.get(NEW, {})).items()
        # Any run that writes completes it.
        place.rename(OTHER.metric_id, "downloads:other:one")
        stored = place.values()
        if not is_recorded:
            assert stored[OLD.metric_id] == values
            assert NEW not in stored
        else:
            steps += 1
            assert place.mentions(OLD.metric_id) == []
            assert stored.get(NEW) == (values if job == "rename" else None)
            assert {run.status for run in place.store.runs()} == {"success"}
        if ended:
            break
        # Restore the original state for the next attempt.
        place.store.drop_tables()
        place.fill()
    assert ended
    assert steps >= 3
