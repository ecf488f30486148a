"""Two hundred kills at random moments of every command that writes, most of them while it writes."""

from __future__ import annotations

import os
import random
import re
import shutil
import signal
import subprocess
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from cmetrics.domain.errors import ExportError, StoreError, StoreMissing
from cmetrics.domain.observation import Observation
from cmetrics.domain.run import Run, RunStatus
from cmetrics.export.manifest import MANIFEST
from cmetrics.export.tables import read_export
from cmetrics.store.schema import decode_observations
from tests.conftest import Workspace, catalog_text
from tests.world.nights import Nights
from tests.world.services import Services
from tests.world.truth import World

SUBJECTS = (("cratesio", "lance"), ("npm", "@lancedb/lancedb"), ("github", "lancedb/lancedb"))
METRICS = {
    "downloads:p:rust": "downloads:lance:rust",
    "downloads:p:nodejs": "downloads:lancedb:nodejs",
    "stars:p:github": "stars:lancedb:github",
}
REFRESH = ("refresh", "--lookback-days", "0")
#: In seconds; no command of these tests takes a tenth of it.
TIMEOUT = 60.0
DIED = "ended without a result: the process was killed or the machine stopped"


@dataclass(frozen=True)
class Result:
    """The result of a command, and how many seconds it took."""

    code: int
    err: str
    seconds: float

    @property
    def killed(self) -> bool:
        return self.code == -signal.SIGKILL


def never(_: float) -> bool:
    return False


def run(workspace: Workspace, *args: str, kill: Callable[[float], bool] = never, **runtime: Any) -> Result:
    """Run a command. Kill it when ``kill``, called every millisecond with the elapsed seconds, returns True."""
    began, killed = time.monotonic(), False
    process = replace(workspace, runtime=runtime).start(*args)
    while True:
        with suppress(subprocess.TimeoutExpired):
            process.wait(0.001)
            break
        passed = time.monotonic() - began
        if passed > TIMEOUT:
            os.kill(process.pid, signal.SIGUSR1)  # prints the stack
            pytest.fail(f"{args} hangs")
        if not killed and kill(passed):
            killed = True
            process.kill()
    seconds = time.monotonic() - began
    _, err = process.communicate()
    assert "Traceback" not in err, err
    return Result(process.wait(), err, seconds)


def files_under(folder: Path) -> int:
    """Return the number of files, ignoring those that vanish meanwhile."""
    return sum(len(names) for _, _, names in os.walk(folder))


class Moments:
    """Moments at which runs of one kind are killed: after a time, or after a change of files that shows progress."""

    def __init__(
        self, seed: int, files: Callable[[Workspace], int] = lambda workspace: files_under(workspace.folder)
    ) -> None:
        """``files`` returns the number of files that show progress."""
        self.chance, self._count = random.Random(seed), files
        self.seconds = self._rest = 0.0
        self._files = self._turn = 0

    def learn(self, workspace: Workspace, run: Callable[[Callable[[float], bool]], Result]) -> None:
        """Run once without a kill, and record the duration and the times of changes of files."""
        seen = [(self._count(workspace), 0.0)]

        def watch(passed: float) -> bool:
            if (files := self._count(workspace)) != seen[-1][0]:
                seen.append((files, passed))
            return False

        done = run(watch)
        assert done.code == 0, done.err
        changes = [abs(files - seen[0][0]) for files, _ in seen]
        self._files = max(changes)
        # A single file is used as a sign, but of many each one.
        self._rest = done.seconds - seen[-1][1] if self._files == 1 else 0.01
        self.seconds = done.seconds

    def next(self, workspace: Workspace) -> Callable[[float], bool]:
        self._turn += 1
        late = self.chance.uniform(0, 1.05 * self.seconds)
        if self._turn % 2:
            return lambda passed: passed >= late
        first, count, wait = (
            self._count(workspace),
            self.chance.randint(1, self._files),
            self.chance.uniform(0, self._rest),
        )
        since: list[float] = []

        def kill(passed: float) -> bool:
            if not since and abs(self._count(workspace) - first) >= count:
                since.append(passed)
            return passed >= (since[0] + wait if since else 2 * self.seconds)

        return kill


class ExpectedValues:
    """The values that the services have shown so far, as they must be stored."""

    def __init__(self, world: World) -> None:
        self._world = world
        self.days: dict[str, dict[date, int]] = {}

    def update(self) -> dict[str, dict[date, int]]:
        shown = self._world.expected()
        self.days = {
            metric_id: self.days.get(metric_id, {}) | shown[default_id] for metric_id, default_id in METRICS.items()
        }
        return self.days


def create_workspace(folder: Path, services: Services) -> Workspace:
    folder.mkdir()
    (folder / "cmetrics.toml").write_text(catalog_text(*SUBJECTS))
    return Workspace(folder, services.env())


def check_history(workspace: Workspace) -> None:
    """Check that every run has ended: with success, or killed and recorded as such."""
    assert {(run.status, run.error_summary) for run in workspace.runs} <= {
        (RunStatus.SUCCESS, None),
        (RunStatus.FAILED, DIED),
    }


# -- refresh -------------------------------------------------------------------------------------


@pytest.mark.long
@pytest.mark.parametrize("seed", range(2))
def test_sixty_killed_nights_are_stored_completely_or_not_at_all(
    seed: int, services: Services, world: World, tmp_path: Path
):
    workspace = create_workspace(tmp_path / "home", services)
    # Its own store is not used; it only advances the days.
    nights, expected = Nights(world, services, tmp_path), ExpectedValues(world)
    nights.begin(date.fromordinal(world.today.toordinal() - 60))
    moments = Moments(seed)

    def refresh(kill: Callable[[float], bool] = never) -> Result:
        return run(workspace, *REFRESH, kill=kill, now=nights.now().isoformat())

    assert refresh().code == 0
    assert workspace.daily() == expected.update()
    nights.sleep()
    moments.learn(workspace, refresh)
    expected.update()
    killed = done = stored = 0
    while killed < 60:
        nights.sleep()
        expected.update()
        for _ in range(3):
            before = workspace.daily()
            ended = refresh(moments.next(workspace))
            killed += ended.killed
            done += not ended.killed
            after = workspace.daily()
            assert after in (before, expected.days), "a night is stored completely or not at all"
            stored += ended.killed and after == expected.days
        if moments.chance.random() < 0.3:
            assert refresh().code == 0
            assert workspace.daily() == expected.days
            check_history(workspace)
    print(f"\nrefresh: {killed} killed, {stored} of them with their night stored; {done} were done before")
    # Kills must be both before and after the merge to be meaningful.
    assert 10 < stored < killed - 10
    nights.sleep()
    assert refresh().code == 0
    assert workspace.daily() == expected.update()
    check_history(workspace)


@pytest.mark.long
def test_thirty_killed_first_refreshes_store_everything_or_nothing(services: Services, world: World, tmp_path: Path):
    world.limits = False
    expected, moments = ExpectedValues(world).update(), Moments(2)
    now = {"now": Nights(world, services, tmp_path).now().isoformat()}
    first = create_workspace(tmp_path / "first", services)
    moments.learn(first, lambda kill: run(first, *REFRESH, kill=kill, **now))
    killed = 0
    while killed < 30:
        workspace = create_workspace(tmp_path / f"home-{killed}", services)
        ended = run(workspace, *REFRESH, kill=moments.next(workspace), **now)
        killed += ended.killed
        try:
            assert workspace.daily() in ({}, expected)
        except StoreMissing as reason:
            # The folder is created first, then the tables one by one.
            assert "cmetrics refresh" in str(reason)
        assert run(workspace, *REFRESH, **now).code == 0
        assert workspace.daily() == expected
        check_history(workspace)
        shutil.rmtree(workspace.folder)


# -- bootstrap -----------------------------------------------------------------------------------


class OldStore:
    """A store with days that no service provides any more, which can be copied any number of times."""

    def __init__(self, world: World, services: Services, folder: Path) -> None:
        self._services, self._folder = services, folder
        self.workspace, self._copies = create_workspace(folder / "old", services), 0
        nights = Nights(world, services, folder)
        nights.begin(date.fromordinal(world.today.toordinal() - 120))
        for _ in range(2):
            assert run(self.workspace, *REFRESH, now=nights.now().isoformat()).code == 0
            nights.sleep(60)
        self.now = nights.now().isoformat()
        self.refresh(self.workspace)
        self.rows = self.workspace.rows()
        self.truth = ExpectedValues(world).update()
        forgotten = {row.key for row in self.rows} - {(name, day) for name, days in self.truth.items() for day in days}
        assert len(forgotten) > 100

    def refresh(self, workspace: Workspace) -> Result:
        ended = run(workspace, *REFRESH, now=self.now)
        assert ended.code == 0, ended.err
        return ended

    def copy(self) -> Workspace:
        self._copies += 1
        workspace = Workspace(self._folder / f"home-{self._copies}", self._services.env())
        shutil.copytree(self.workspace.folder, workspace.folder)
        return workspace


def readable_rows(workspace: Workspace) -> list[Observation]:
    """Return the rows of the store, or none if it is damaged or missing."""
    try:
        return workspace.rows()
    except StoreError:
        return []


def backups(workspace: Workspace) -> dict[Path, list[Observation]]:
    """Return the complete exports."""
    found = {}
    folder = workspace.folder / "data" / "backups"
    for path in sorted(folder.iterdir()) if folder.is_dir() else ():
        if (path / MANIFEST).is_file():
            with suppress(ExportError):
                found[path] = decode_observations(read_export(path).stats)
    return found


def check_that_nothing_is_lost(workspace: Workspace, old_store: OldStore) -> None:
    available = {row for rows in (readable_rows(workspace), *backups(workspace).values()) for row in rows}
    assert available >= set(old_store.rows), "every row is in the store or in a complete backup"


def check_recovery(workspace: Workspace, old_store: OldStore) -> bool:
    """Check that following the messages restores all rows. Return whether rows had been lost."""
    lost = not set(readable_rows(workspace)) >= set(old_store.rows)
    bootstrap = next((run for run in _runs(workspace) if run.job_name == "bootstrap"), None)
    done = bootstrap is not None and bootstrap.status == RunStatus.SUCCESS
    night = run(workspace, *REFRESH, now=old_store.now)
    whole = next((path for path, rows in backups(workspace).items() if set(rows) >= set(old_store.rows)), None)
    if lost and night.code == 1:
        # The remains of a dropped table may be unreadable.
        assert "damaged: move the folder away" in night.err
        tables = workspace.folder / "data" / "lancedb"
        tables.rename(tables.with_name("damaged"))
    elif lost and not done:
        assert re.search(r"bootstrap-\S+ was killed; .*data/backups with `cmetrics restore`", night.err)
    if lost:
        assert run(workspace, "restore", str(whole)).code == 0
    old_store.refresh(workspace)
    assert {(row.key, row.value) for row in workspace.rows()} >= {(row.key, row.value) for row in old_store.rows}
    for metric_id, days in old_store.truth.items():
        assert days.items() <= workspace.daily()[metric_id].items()
    assert not any(run.status == RunStatus.RUNNING for run in workspace.runs)
    return lost


def _runs(workspace: Workspace) -> list[Run]:
    try:
        return workspace.runs
    except StoreError:
        return []


@pytest.fixture
def old_store(world: World, services: Services, tmp_path: Path) -> OldStore:
    return OldStore(world, services, tmp_path)


def whole_backups(workspace: Workspace) -> int:
    """Return the number of complete backups. After the last file of a backup, tables are dropped."""
    return len(list((workspace.folder / "data" / "backups").glob(f"*/{MANIFEST}")))


def kill_bootstraps(old_store: OldStore, moments: Moments, kills: int) -> tuple[int, int]:
    """Kill ``kills`` bootstraps, some in the same folder. Return the number of kills, and of stores that lost rows."""
    example = old_store.copy()
    moments.learn(example, lambda kill: run(example, "bootstrap", "--yes", kill=kill))
    killed = lost = 0
    while killed < kills:
        workspace = old_store.copy()
        for _ in range(moments.chance.choice((1, 1, 2))):
            ended = run(workspace, "bootstrap", "--yes", kill=moments.next(workspace))
            killed += ended.killed
            check_that_nothing_is_lost(workspace, old_store)
            # The second bootstrap does not drop a damaged store, which cannot be backed up.
            assert ended.killed or ended.code == 0 or "cmetrics restore" in ended.err, ended.err
        lost += check_recovery(workspace, old_store) and ended.killed
        shutil.rmtree(workspace.folder)
    return killed, lost


def test_killed_bootstraps_lose_no_rows(old_store: OldStore):
    kill_bootstraps(old_store, Moments(3, whole_backups), 6)


@pytest.mark.long
def test_sixty_killed_bootstraps_lose_no_rows(old_store: OldStore):
    killed, lost = kill_bootstraps(old_store, Moments(4, whole_backups), 60)
    print(f"\nbootstrap: {killed} killed; rows were gone from {lost} stores and came back")
    # Kills must be both before and after tables were dropped to be meaningful.
    assert 10 < lost < killed - 10


# -- restore, backfill ---------------------------------------------------------------------------


@pytest.mark.long
def test_thirty_killed_restores_add_all_rows_or_none(old_store: OldStore, tmp_path: Path):
    export = tmp_path / "export"
    assert run(old_store.workspace, "export", str(export)).code == 0
    moments = Moments(5)
    # A store with only the days of the last refresh.
    incomplete = Workspace(tmp_path / "poor", old_store.workspace.env)
    incomplete.folder.mkdir()
    shutil.copy(old_store.workspace.folder / "cmetrics.toml", incomplete.folder)
    old_store.refresh(incomplete)
    before = incomplete.rows()
    example = Workspace(tmp_path / "example", old_store.workspace.env)
    shutil.copytree(incomplete.folder, example.folder)
    moments.learn(example, lambda kill: run(example, "restore", str(export), kill=kill))
    expected, killed, stored = example.rows(), 0, 0
    assert len(expected) > len(before)
    while killed < 30:
        workspace = Workspace(tmp_path / f"restored-{killed}", old_store.workspace.env)
        shutil.copytree(incomplete.folder, workspace.folder)
        ended = run(workspace, "restore", str(export), kill=moments.next(workspace))
        killed += ended.killed
        assert workspace.rows() in (before, expected)
        stored += ended.killed and workspace.rows() == expected
        assert run(workspace, "restore", str(export)).code == 0
        assert workspace.rows() == expected
        assert not any(run.status == RunStatus.RUNNING for run in workspace.runs)
        shutil.rmtree(workspace.folder)
    print(f"\nrestore: {killed} killed, {stored} of them with all rows stored")
    assert 0 < stored < killed


@pytest.mark.long
def test_forty_killed_full_backfills_complete(services: Services, tmp_path: Path):
    """A backfill stores while it reads, so that a run continues where the previous one was killed."""
    services.world = world = World.young()
    world.limits = False
    expected = {metric_id: world.full()[default_id] for metric_id, default_id in METRICS.items()}
    moments, killed, rounds = Moments(6), 0, 0
    workspace = create_workspace(tmp_path / "example", services)
    moments.learn(workspace, lambda kill: run(workspace, "backfill", unpaced=True, kill=kill))
    assert workspace.daily() == expected
    while killed < 40:
        workspace, rounds = create_workspace(tmp_path / f"home-{killed}", services), rounds + 1
        for _ in range(5):
            killed += run(workspace, "backfill", unpaced=True, kill=moments.next(workspace)).killed
            with suppress(StoreMissing):
                for metric_id, days in workspace.daily().items():
                    assert days.items() <= expected[metric_id].items()
        assert run(workspace, "backfill", unpaced=True).code == 0
        assert workspace.daily() == expected
        check_history(workspace)
        shutil.rmtree(workspace.folder)
    print(f"\nbackfill --full: {killed} killed in {rounds} folders; a run takes {moments.seconds:.1f} s")
