"""The cost of building the site."""

from __future__ import annotations

import gzip
import statistics
from collections.abc import Iterator
from pathlib import Path

from tests.bench.clock import command, python, size_of
from tests.bench.figures import Figure, in_bytes
from tests.bench.stores import catalog_of, create_filled_store, metrics_of, size_text

SIZES = {7: 5, 100: 3, 1000: 1}


def measure(folder: Path) -> Iterator[Figure]:
    """Measure `build-site` as a separate process, and compare the smallest size with importing LanceDB."""
    for count, times in SIZES.items():
        workspace = folder / f"{count}"
        metrics = metrics_of(count)
        create_filled_store(workspace / "data" / "lancedb", metrics)
        catalog_of(metrics, workspace)
        turns = [(python("import lancedb"), command("build-site", folder=workspace)) for _ in range(times)]
        library, built = (statistics.median(taken.seconds for taken in column) for column in zip(*turns, strict=True))
        memory = max(taken.memory for _, taken in turns)
        index = len(gzip.compress((workspace / "site" / "index.html").read_bytes()))
        details = f"{in_bytes(size_of(workspace / 'site'))}, index.html {in_bytes(index)} gzip"
        if count == min(SIZES):
            details += f"; {built / library:.2f} × `import lancedb`"
        yield Figure("`build-site`", size_text(count), built, count, memory, details)
