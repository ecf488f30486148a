"""Two hundred kills: at random moments of every command that writes, densest where it does."""

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
#: Seconds; no command of these tests takes a tenth of it.
PATIENCE = 60.0
DIED = "ended without a result: the process was killed or the machine stopped"


@dataclass(frozen=True)
class Ended:
    """How a command ended, after so many seconds."""

    code: int
    err: str
    seconds: float

    @property
    def killed(self) -> bool:
        return self.code == -signal.SIGKILL


def never(_: float) -> bool:
    return False


def run(workspace: Workspace, *args: str, kill: Callable[[float], bool] = never, **runtime: Any) -> Ended:
    """Run a command; it gets SIGKILL when ``kill`` says so, asked every millisecond with the seconds so far."""
    began, killed = time.monotonic(), False
    process = replace(workspace, runtime=runtime).start(*args)
    while True:
        with suppress(subprocess.TimeoutExpired):
            process.wait(0.001)
            break
        passed = time.monotonic() - began
        if passed > PATIENCE:
            os.kill(process.pid, signal.SIGUSR1)  # prints where it stands
            pytest.fail(f"{args} hangs")
        if not killed and kill(passed):
            killed = True
            process.kill()
    seconds = time.monotonic() - began
    _, err = process.communicate()
    assert "Traceback" not in err, err
    return Ended(process.wait(), err, seconds)


def files_under(folder: Path) -> int:
    """Files, also those that go away in the meantime."""
    return sum(len(names) for _, _, names in os.walk(folder))


class Moments:
    """When to kill the runs of one kind: by the clock, or behind changes of files that tell how far it is."""

    def __init__(
        self, seed: int, files: Callable[[Workspace], int] = lambda workspace: files_under(workspace.folder)
    ) -> None:
        """``files``: how many there are of those that tell."""
        self.chance, self._count = random.Random(seed), files
        self.seconds = self._rest = 0.0
        self._files = self._turn = 0

    def learn(self, workspace: Workspace, run: Callable[[Callable[[float], bool]], Ended]) -> None:
        """How long a run takes that nobody kills, and how many files it changes how long before its end."""
        seen = [(self._count(workspace), 0.0)]

        def watch(passed: float) -> bool:
            if (files := self._count(workspace)) != seen[-1][0]:
                seen.append((files, passed))
            return False

        done = run(watch)
        assert done.code == 0, done.err
        changes = [abs(files - seen[0][0]) for files, _ in seen]
        self._files = max(changes)
        # One file is a sign of what comes after it; of many, each is.
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


class Truth:
    """All that the services have shown so far, as it has to be stored."""

    def __init__(self, world: World) -> None:
        self._world = world
        self.days: dict[str, dict[date, int]] = {}

    def grow(self) -> dict[str, dict[date, int]]:
        shown = self._world.expected()
        self.days = {ours: self.days.get(ours, {}) | shown[theirs] for ours, theirs in METRICS.items()}
        return self.days


def a_home(folder: Path, services: Services) -> Workspace:
    folder.mkdir()
    (folder / "cmetrics.toml").write_text(catalog_text(*SUBJECTS))
    return Workspace(folder, services.env())


def check_history(workspace: Workspace) -> None:
    """Every run has ended: well, or killed and noticed."""
    assert {(run.status, run.error_summary) for run in workspace.runs} <= {
        (RunStatus.SUCCESS, None),
        (RunStatus.FAILED, DIED),
    }


# -- refresh -------------------------------------------------------------------------------------


@pytest.mark.long
@pytest.mark.parametrize("seed", range(2))
def test_nights_killed_at_sixty_moments_leave_whole_nights_and_the_next_one_the_truth(
    seed: int, services: Services, world: World, tmp_path: Path
):
    workspace = a_home(tmp_path / "home", services)
    # Its own store is not used: it lets the days go by.
    nights, want = Nights(world, services, tmp_path), Truth(world)
    nights.begin(date.fromordinal(world.today.toordinal() - 60))
    moments = Moments(seed)

    def refresh(kill: Callable[[float], bool] = never) -> Ended:
        return run(workspace, *REFRESH, kill=kill, now=nights.now().isoformat())

    assert refresh().code == 0
    assert workspace.daily() == want.grow()
    nights.sleep()
    moments.learn(workspace, refresh)
    want.grow()
    killed = done = stored = 0
    while killed < 60:
        nights.sleep()
        want.grow()
        for _ in range(3):
            before = workspace.daily()
            ended = refresh(moments.next(workspace))
            killed += ended.killed
            done += not ended.killed
            after = workspace.daily()
            assert after in (before, want.days), "a whole night or nothing of it"
            stored += ended.killed and after == want.days
        if moments.chance.random() < 0.3:
            assert refresh().code == 0
            assert workspace.daily() == want.days
            check_history(workspace)
    print(f"\nrefresh: {killed} killed, {stored} of them with their night stored; {done} were done before")
    # Kills before and after the merge, or this says little.
    assert 10 < stored < killed - 10
    nights.sleep()
    assert refresh().code == 0
    assert workspace.daily() == want.grow()
    check_history(workspace)


@pytest.mark.long
def test_a_first_refresh_killed_at_thirty_moments_leaves_nothing_or_all(
    services: Services, world: World, tmp_path: Path
):
    world.limits = False
    want, moments = Truth(world).grow(), Moments(2)
    now = {"now": Nights(world, services, tmp_path).now().isoformat()}
    first = a_home(tmp_path / "first", services)
    moments.learn(first, lambda kill: run(first, *REFRESH, kill=kill, **now))
    killed = 0
    while killed < 30:
        workspace = a_home(tmp_path / f"home-{killed}", services)
        ended = run(workspace, *REFRESH, kill=moments.next(workspace), **now)
        killed += ended.killed
        try:
            assert workspace.daily() in ({}, want)
        except StoreMissing as reason:
            # The folder is made first, the tables one by one.
            assert "cmetrics refresh" in str(reason)
        assert run(workspace, *REFRESH, **now).code == 0
        assert workspace.daily() == want
        check_history(workspace)
        shutil.rmtree(workspace.folder)


# -- bootstrap -----------------------------------------------------------------------------------


class Old:
    """A store with days that no service remembers any more, given out as often as it is asked for."""

    def __init__(self, world: World, services: Services, folder: Path) -> None:
        self._services, self._folder = services, folder
        self.workspace, self._given = a_home(folder / "old", services), 0
        nights = Nights(world, services, folder)
        nights.begin(date.fromordinal(world.today.toordinal() - 120))
        for _ in range(2):
            assert run(self.workspace, *REFRESH, now=nights.now().isoformat()).code == 0
            nights.sleep(60)
        self.now = nights.now().isoformat()
        self.refresh(self.workspace)
        self.rows = self.workspace.rows()
        self.truth = Truth(world).grow()
        forgotten = {row.key for row in self.rows} - {(name, day) for name, days in self.truth.items() for day in days}
        assert len(forgotten) > 100

    def refresh(self, workspace: Workspace) -> Ended:
        ended = run(workspace, *REFRESH, now=self.now)
        assert ended.code == 0, ended.err
        return ended

    def another(self) -> Workspace:
        self._given += 1
        workspace = Workspace(self._folder / f"home-{self._given}", self._services.env())
        shutil.copytree(self.workspace.folder, workspace.folder)
        return workspace


def readable(workspace: Workspace) -> list[Observation]:
    """What the store shows, nothing where it is damaged or gone."""
    try:
        return workspace.rows()
    except StoreError:
        return []


def backups(workspace: Workspace) -> dict[Path, list[Observation]]:
    """The exports that are whole."""
    found = {}
    folder = workspace.folder / "data" / "backups"
    for path in sorted(folder.iterdir()) if folder.is_dir() else ():
        if (path / MANIFEST).is_file():
            with suppress(ExportError):
                found[path] = decode_observations(read_export(path).stats)
    return found


def check_that_nothing_is_lost(workspace: Workspace, old: Old) -> None:
    held = {row for rows in (readable(workspace), *backups(workspace).values()) for row in rows}
    assert held >= set(old.rows), "a row is in the store or in a whole backup"


def check_the_way_back(workspace: Workspace, old: Old) -> bool:
    """What is told leads back to everything that was stored; returns whether rows were gone."""
    lost = not set(readable(workspace)) >= set(old.rows)
    bootstrap = next((run for run in _runs(workspace) if run.job_name == "bootstrap"), None)
    done = bootstrap is not None and bootstrap.status == RunStatus.SUCCESS
    night = run(workspace, *REFRESH, now=old.now)
    whole = next((path for path, rows in backups(workspace).items() if set(rows) >= set(old.rows)), None)
    if lost and night.code == 1:
        # What dropping has left of a table need not be one.
        assert "damaged: move the folder away" in night.err
        tables = workspace.folder / "data" / "lancedb"
        tables.rename(tables.with_name("damaged"))
    elif lost and not done:
        assert re.search(r"bootstrap-\S+ was killed; .*data/backups with `cmetrics restore`", night.err)
    if lost:
        assert run(workspace, "restore", str(whole)).code == 0
    old.refresh(workspace)
    assert {(row.key, row.value) for row in workspace.rows()} >= {(row.key, row.value) for row in old.rows}
    for metric_id, days in old.truth.items():
        assert days.items() <= workspace.daily()[metric_id].items()
    assert not any(run.status == RunStatus.RUNNING for run in workspace.runs)
    return lost


def _runs(workspace: Workspace) -> list[Run]:
    try:
        return workspace.runs
    except StoreError:
        return []


@pytest.fixture
def old(world: World, services: Services, tmp_path: Path) -> Old:
    return Old(world, services, tmp_path)


def whole_backups(workspace: Workspace) -> int:
    """When the last file of one is there, tables are dropped."""
    return len(list((workspace.folder / "data" / "backups").glob(f"*/{MANIFEST}")))


def kill_bootstraps(old: Old, moments: Moments, kills: int) -> tuple[int, int]:
    """Kill so many, some twice in a row in one folder; kills, and stores whose rows were gone after one."""
    example = old.another()
    moments.learn(example, lambda kill: run(example, "bootstrap", "--yes", kill=kill))
    killed = lost = 0
    while killed < kills:
        workspace = old.another()
        for _ in range(moments.chance.choice((1, 1, 2))):
            ended = run(workspace, "bootstrap", "--yes", kill=moments.next(workspace))
            killed += ended.killed
            check_that_nothing_is_lost(workspace, old)
            # What the first has left in pieces the second refuses to drop: it cannot be backed up.
            assert ended.killed or ended.code == 0 or "cmetrics restore" in ended.err, ended.err
        lost += check_the_way_back(workspace, old) and ended.killed
        shutil.rmtree(workspace.folder)
    return killed, lost


def test_a_bootstrap_killed_at_any_moment_loses_no_row(old: Old):
    kill_bootstraps(old, Moments(3, whole_backups), 6)


@pytest.mark.long
def test_sixty_bootstraps_killed_lose_no_row(old: Old):
    killed, lost = kill_bootstraps(old, Moments(4, whole_backups), 60)
    print(f"\nbootstrap: {killed} killed; rows were gone from {lost} stores and came back")
    # Kills before and after the tables were dropped, or this says little.
    assert 10 < lost < killed - 10


# -- restore, backfill ---------------------------------------------------------------------------


@pytest.mark.long
def test_restores_killed_at_thirty_moments_add_all_rows_or_none(old: Old, tmp_path: Path):
    export = tmp_path / "export"
    assert run(old.workspace, "export", str(export)).code == 0
    moments = Moments(5)
    # A store that has the days of the last refresh alone.
    poor = Workspace(tmp_path / "poor", old.workspace.env)
    poor.folder.mkdir()
    shutil.copy(old.workspace.folder / "cmetrics.toml", poor.folder)
    old.refresh(poor)
    before = poor.rows()
    example = Workspace(tmp_path / "example", old.workspace.env)
    shutil.copytree(poor.folder, example.folder)
    moments.learn(example, lambda kill: run(example, "restore", str(export), kill=kill))
    want, killed, stored = example.rows(), 0, 0
    assert len(want) > len(before)
    while killed < 30:
        workspace = Workspace(tmp_path / f"restored-{killed}", old.workspace.env)
        shutil.copytree(poor.folder, workspace.folder)
        ended = run(workspace, "restore", str(export), kill=moments.next(workspace))
        killed += ended.killed
        assert workspace.rows() in (before, want)
        stored += ended.killed and workspace.rows() == want
        assert run(workspace, "restore", str(export)).code == 0
        assert workspace.rows() == want
        assert not any(run.status == RunStatus.RUNNING for run in workspace.runs)
        shutil.rmtree(workspace.folder)
    print(f"\nrestore: {killed} killed, {stored} of them with all rows stored")
    assert 0 < stored < killed


@pytest.mark.long
def test_full_backfills_killed_at_forty_moments_end_with_the_truth(services: Services, tmp_path: Path):
    """This one stores as it reads, so that a run goes on where the one before was killed."""
    services.world = world = World.young()
    world.limits = False
    want = {ours: world.full()[theirs] for ours, theirs in METRICS.items()}
    moments, killed, rounds = Moments(6), 0, 0
    workspace = a_home(tmp_path / "example", services)
    moments.learn(workspace, lambda kill: run(workspace, "backfill", unpaced=True, kill=kill))
    assert workspace.daily() == want
    while killed < 40:
        workspace, rounds = a_home(tmp_path / f"home-{killed}", services), rounds + 1
        for _ in range(5):
            killed += run(workspace, "backfill", unpaced=True, kill=moments.next(workspace)).killed
            with suppress(StoreMissing):
                for metric_id, days in workspace.daily().items():
                    assert days.items() <= want[metric_id].items()
        assert run(workspace, "backfill", unpaced=True).code == 0
        assert workspace.daily() == want
        check_history(workspace)
        shutil.rmtree(workspace.folder)
    print(f"\nbackfill --full: {killed} killed in {rounds} folders; a run takes {moments.seconds:.1f} s")
