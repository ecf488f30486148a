"""A killed process leaves a readable store that contains only true values and is completed by the next run."""

from __future__ import annotations

import random
import signal
import subprocess
import time

import pytest

from cmetrics.domain.errors import StoreMissing
from cmetrics.domain.run import RunStatus
from tests.conftest import Workspace, catalog_text
from tests.world.truth import World

SUBJECTS = (("cratesio", "lance"), ("github", "lance-format/lance"))
METRICS = {"downloads:p:rust": "downloads:lance:rust", "stars:p:github": "stars:lance:github"}
KILLS = 8


def expected(world: World) -> dict:
    truth = world.expected()
    return {metric_id: truth[default_id] for metric_id, default_id in METRICS.items()}


@pytest.mark.parametrize("seed", [0, *(pytest.param(seed, marks=pytest.mark.long) for seed in range(1, 4))])
def test_a_killed_run_is_completed_by_the_next_one(seed: int, workspace: Workspace, world: World):
    chance = random.Random(seed)
    (workspace.folder / "cmetrics.toml").write_text(catalog_text(*SUBJECTS))
    reference = Workspace(workspace.folder.parent / "reference", workspace.env)
    reference.folder.mkdir()
    (reference.folder / "cmetrics.toml").write_text(catalog_text(*SUBJECTS))
    started = time.monotonic()
    reference.run("refresh")
    whole = time.monotonic() - started

    for number in range(KILLS):
        # Half of the kills are in the last part of a run, where it writes.
        moment = chance.uniform(0.0, whole) if number % 2 else chance.uniform(0.6 * whole, 1.1 * whole)
        process = workspace.start("refresh")
        with process:
            try:
                process.wait(timeout=moment)
            except subprocess.TimeoutExpired:
                process.send_signal(signal.SIGKILL)
            process.communicate()
        if not (workspace.folder / "data" / "lancedb").is_dir():
            continue
        try:
            stored = workspace.daily()
        except StoreMissing:
            continue
        for metric_id, days in stored.items():
            assert days.items() <= expected(world)[metric_id].items()
        # A run is stored completely or not at all: both metrics are in one commit.
        assert not stored or set(stored) == set(METRICS)

    workspace.run("refresh")
    assert workspace.daily() == expected(world)
    runs = workspace.runs
    assert runs[0].status == RunStatus.SUCCESS
    assert not any(run.status == RunStatus.RUNNING for run in runs)
    assert {run.error_summary for run in runs if run.status == RunStatus.FAILED} <= {
        "ended without a result: the process was killed or the machine stopped"
    }


def test_an_interrupted_run_is_recorded_in_history(workspace: Workspace, world: World):
    (workspace.folder / "cmetrics.toml").write_text(catalog_text(*SUBJECTS))

    def stall(_, usual):
        reply = usual()
        reply.hold = 120
        return reply

    world.faults = {"crates.io": stall}
    process = workspace.start("refresh")
    assert process.stderr is not None
    for line in process.stderr:
        if line.startswith("github: stars"):
            break
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=60)
    assert process.returncode == 130
    assert [(run.status, run.error_summary) for run in workspace.runs] == [("failed", "interrupted")]
