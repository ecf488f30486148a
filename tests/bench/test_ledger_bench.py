"""How large the data branch gets. `uv run pytest -m bench -s -n0` prints it; nothing here asserts a time."""

from __future__ import annotations

import random
import subprocess
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path

import pytest

from cmetrics.catalog import load_catalog
from cmetrics.domain.days import DAY
from cmetrics.domain.metric import Family, definition
from cmetrics.domain.observation import Observation
from cmetrics.domain.revision import build_revisions
from cmetrics.domain.run import Job, Run, RunStatus
from cmetrics.ledger import write_ledger
from cmetrics.ledger.loss import Ledger
from cmetrics.sources import SPECS
from tests.samples import a_row

pytestmark = pytest.mark.bench
NIGHTS = 1095
FIRST = date(2024, 1, 1)


def git(folder: Path, *args: str) -> str:
    return subprocess.run(["git", "-C", folder, *args], check=True, capture_output=True, text=True).stdout


def size(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def test_three_years_of_nightly_commits(tmp_path: Path):
    """The default catalogue: each night a new day per metric, every fourth of the last three days revised."""
    chance = random.Random(6)
    clone = tmp_path / "clone"
    subprocess.run(["git", "init", "--quiet", "--initial-branch=data", clone], check=True)
    for setting in (("user.name", "bench"), ("user.email", "bench@example.com"), ("gc.auto", "0")):
        git(clone, "config", *setting)
    metrics = load_catalog(None, SPECS).metrics
    definitions = [definition(metric, datetime(2024, 1, 1, tzinfo=UTC)) for metric in metrics]
    rows: dict[tuple[str, date], Observation] = {}
    runs, revisions, before = [], [], Ledger([], [], [], [])
    for night in range(NIGHTS):
        day = FIRST + night * DAY
        at = datetime.combine(day + DAY, time(9, 1, 2, 345_678), UTC)
        run_id = f"refresh-{at:%Y%m%dT%H%M%SZ}-{chance.randrange(16**6):06x}"
        replaced = []
        for metric in metrics:
            first = day - (179 if night == 0 else 0) * DAY
            while first <= day:
                row = a_row(metric, first, chance.randrange(100, 90_000), ingestion_run_id=run_id, observed_at=at)
                rows[row.key] = row
                first += DAY
            for back in range(1, 4):
                old = rows.get((metric.metric_id, day - back * DAY))
                if night and old and metric.family is not Family.STARS and chance.random() < 0.25:
                    new = a_row(metric, old.period_end, old.value + 7, ingestion_run_id=run_id, observed_at=at)
                    rows[new.key] = new
                    replaced.append((old, new))
        revisions += build_revisions(replaced, run_id, at)
        # Every night two runs: the rows are restored, then the services are asked.
        restore = Run(run_id.replace("refresh", "restore"), Job.RESTORE, RunStatus.SUCCESS, at, at)
        runs += [restore, Run(run_id, Job.REFRESH, RunStatus.SUCCESS, at, at + timedelta(seconds=9), 7, len(replaced))]
        after = Ledger(
            definitions,
            list(runs),
            [rows[key] for key in sorted(rows)],
            list(revisions),
            tuple(sorted(metric.metric_id for metric in metrics)),
        )
        done = write_ledger(before, after, clone)
        before = after
        git(clone, "add", "--all")
        git(clone, "commit", "--quiet", "-m", f"{day}: {done.new} new, {done.revised} revised values")
    changed = git(clone, "show", "--numstat", "--format=", "HEAD").splitlines()
    added, removed = (sum(int(line.split("\t")[n]) for line in changed) for n in (0, 1))
    git(clone, "gc", "--quiet", "--prune=now", "--aggressive")
    tight = size(clone / ".git")
    bare = tmp_path / "pushed.git"
    subprocess.run(["git", "clone", "--quiet", "--bare", "--no-local", clone, bare], check=True)
    files = size(clone) - tight
    print(
        f"\n{NIGHTS} nights, {len(rows)} values, {len(revisions)} revisions: "
        f"the branch is {tight / 1e6:.1f} MB packed, {size(bare) / 1e6:.1f} MB as cloned; "
        f"its files are {files / 1e6:.1f} MB; the last night changed {added} lines and removed {removed}"
    )
