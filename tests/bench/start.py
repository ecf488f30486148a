"""The time that a command takes to start."""

from __future__ import annotations

import statistics
from collections.abc import Iterator
from pathlib import Path

from tests.bench.clock import command, python
from tests.bench.figures import Figure
from tests.bench.stores import catalog_of, create_filled_store, metrics_of

TIMES = 7
METRICS = 7


def measure(folder: Path) -> Iterator[Figure]:
    """Measure a command without imports and one that reads the store, and compare them with Python and LanceDB."""
    metrics = metrics_of(METRICS)
    create_filled_store(folder / "data" / "lancedb", metrics)
    catalog_of(metrics, folder)
    # In turn, so that changes of the machine's speed affect all.
    turns = [
        (
            python("pass"),
            command("--help", folder=folder),
            python("import lancedb"),
            command("status", folder=folder),
            command("refresh", "--help", folder=folder),
        )
        for _ in range(TIMES)
    ]
    columns = list(zip(*turns, strict=True))
    bare, shown, library, status, explained = (
        statistics.median(taken.seconds for taken in column) for column in columns
    )
    peaks = [max(taken.memory for taken in column) for column in columns]
    yield Figure("start: `python -c pass`", "", bare, memory=peaks[0], details="baseline of every command")
    yield Figure("start: `cmetrics --help`", "", shown, memory=peaks[1])
    yield Figure("start: `cmetrics refresh --help`", "", explained, memory=peaks[4])
    yield Figure(
        "start: `import lancedb`", "", library, memory=peaks[2], details="baseline of every command with a store"
    )
    yield Figure(
        "start: `cmetrics status`",
        "7 metrics",
        status,
        memory=peaks[3],
        details=f"{status / library:.2f} × `import lancedb`",
    )
