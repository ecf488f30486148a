"""Export, restore, and the growth of the data branch."""

from __future__ import annotations

import random
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, time
from pathlib import Path

from cmetrics.catalog import load_catalog
from cmetrics.domain.days import DAY, Span, window
from cmetrics.domain.metric import definition, file_names
from cmetrics.domain.observation import Observation
from cmetrics.domain.run import Job, Run, RunStatus
from cmetrics.export.tables import ExportedFile, split_stats, write_export
from cmetrics.ingest.revisions import build_revisions
from cmetrics.sources import SPECS
from cmetrics.store.schema import HISTORY, METRICS, REVISIONS, STATS, encode
from tests.bench.clock import command, size_of, timed
from tests.bench.figures import Figure, in_bytes
from tests.bench.stores import FIRST, catalog_of, create_filled_store, metrics_of, size_text
from tests.samples import a_row

SIZES = (7, 100, 1000)
NIGHTS = 1095


def measure(folder: Path) -> Iterator[Figure]:
    """Measure the commands as separate processes, then three years of commits."""
    found = [figure for count in SIZES for figure in _commands(folder / f"{count}", count)]
    for what in dict.fromkeys(figure.what for figure in found):
        yield from (figure for figure in found if figure.what == what)
    yield _branch(folder / "branch")


def _commands(workspace: Path, count: int) -> Iterator[Figure]:
    metrics = metrics_of(count)
    create_filled_store(workspace / "data" / "lancedb", metrics)
    catalog_of(metrics, workspace)
    for what, args in (
        ("`export`", ("export", workspace / "export")),
        ("`export` without changes", ("export", workspace / "export")),
        ("`restore` into an empty store", ("restore", workspace / "export", "--db", workspace / "other")),
    ):
        taken = command(*args, folder=workspace)
        size = in_bytes(size_of(workspace / "export"))
        yield Figure(what, size_text(count), taken.seconds, count, taken.memory, f"{size} of CSV")


def _branch(folder: Path) -> Figure:
    """Commit nights of the default catalogue: a new day per metric, and a quarter of the last three days revised."""
    chance = random.Random(6)
    clone = folder / "clone"
    subprocess.run(["git", "init", "--quiet", "--initial-branch=data", clone], check=True)
    for setting in (("user.name", "bench"), ("user.email", "bench@example.com"), ("gc.auto", "0")):
        _git(clone, "config", *setting)
    metrics = load_catalog(None, SPECS).metrics
    definitions = [definition(metric, datetime(2024, 1, 1, tzinfo=UTC)) for metric in metrics]
    rows: dict[tuple[str, date], Observation] = {}
    runs, revisions = [], []
    names = file_names(metric.metric_id for metric in metrics)
    spent = 0.0
    for night in range(NIGHTS):
        day = FIRST + night * DAY
        at = datetime.combine(day + DAY, time(9, 1, 2, 345_678), UTC)
        run_id = f"refresh-{at:%Y%m%dT%H%M%SZ}-{chance.randrange(16**6):06x}"
        replaced = []
        for metric in metrics:
            span = Span(window(day, 180) if night == 0 else day, day)
            for n in range(span.days):
                row = a_row(
                    metric, span.first + n * DAY, chance.randrange(100, 90_000), ingestion_run_id=run_id, observed_at=at
                )
                rows[row.key] = row
            for back in range(1, 4):
                old = rows.get((metric.metric_id, day - back * DAY))
                if night and old and metric.measure.is_flow and chance.random() < 0.25:
                    new = replace(old, value=old.value + 7, ingestion_run_id=run_id, observed_at=at)
                    rows[new.key] = new
                    replaced.append((old, new))
        old, new = (encode([pair[side] for pair in replaced], STATS) for side in (0, 1))
        revisions += build_revisions([(old, new)], run_id, at)
        # Every night has two runs: a restore and a refresh.
        restore = Run(run_id.replace("refresh", "restore"), Job.RESTORE, RunStatus.SUCCESS, at, at)
        runs += [restore, Run(run_id, Job.REFRESH, RunStatus.SUCCESS, at, at + DAY / 9600, 7, len(replaced))]
        files = [
            ExportedFile("metrics.csv", METRICS, encode(definitions, METRICS)),
            ExportedFile("history.csv", HISTORY, encode(runs, HISTORY)),
            ExportedFile("revisions.csv", REVISIONS, encode(revisions, REVISIONS)),
            *split_stats(encode([rows[key] for key in sorted(rows)], STATS), names),
        ]

        def commit(files: list[ExportedFile] = files) -> None:
            write_export(files, clone)
            _git(clone, "add", "--all")
            _git(clone, "commit", "--quiet", "-m", "a night")

        spent += timed(commit)
    changed = _git(clone, "show", "--numstat", "--format=", "HEAD").splitlines()
    added, removed = (sum(int(line.split("\t")[n]) for line in changed) for n in (0, 1))
    _git(clone, "gc", "--quiet", "--prune=now", "--aggressive")
    packed = size_of(clone / ".git")
    details = (
        f"{len(rows):,} values; the branch is {in_bytes(packed)}, its files {in_bytes(size_of(clone) - packed)}; "
        f"the last night added {added} lines, removed {removed}"
    )
    return Figure("a night's commit on the data branch", f"{len(metrics)} metrics, {NIGHTS:,} nights", spent / NIGHTS,
                  None, None, details)  # fmt: skip


def _git(folder: Path, *args: str) -> str:
    return subprocess.run(["git", "-C", folder, *args], check=True, capture_output=True, text=True).stdout
