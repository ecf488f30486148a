"""What the page costs to build."""

from __future__ import annotations

import gzip
import statistics
from collections.abc import Iterator
from pathlib import Path

from tests.bench.clock import command, python, size_of
from tests.bench.figures import Figure, in_bytes
from tests.bench.stores import catalog_of, filled, in_words, metrics_of

SIZES = {7: 5, 100: 3, 1000: 1}


def measure(folder: Path) -> Iterator[Figure]:
    """`build-site` as a whole process; the smallest against importing LanceDB alone."""
    for count, times in SIZES.items():
        workspace = folder / f"{count}"
        metrics = metrics_of(count)
        filled(workspace / "data" / "lancedb", metrics)
        catalog_of(metrics, workspace)
        turns = [(python("import lancedb"), command("build-site", folder=workspace)) for _ in range(times)]
        library, built = (statistics.median(taken.seconds for taken in column) for column in zip(*turns, strict=True))
        memory = max(taken.memory for _, taken in turns)
        index = len(gzip.compress((workspace / "site" / "index.html").read_bytes()))
        besides = f"{in_bytes(size_of(workspace / 'site'))}, index.html {in_bytes(index)} gzip"
        if count == min(SIZES):
            besides += f"; {built / library:.2f} × `import lancedb`"
        yield Figure("`build-site`", in_words(count), built, count, memory, besides)
