"""Measure everything and print one table: ``uv run --group dev python -m tests.bench [PART…] [--write]``.

``--write`` stores it in `docs/explanation/benchmarks.md`.
"""

from __future__ import annotations

import os
import platform
import sys
import tempfile
import time
from argparse import ArgumentParser
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path

from tests.bench import api, export, nightly, nights, objects, site, start, store
from tests.bench.figures import Figure, merge_tables, render_table
from tests.docs.blocks import BENCHMARKS, read_block, replace_block

PARTS = {
    "start": start,
    "nightly": nightly,
    "store": store,
    "site": site,
    "api": api,
    "nights": nights,
    "export": export,
    "objects": objects,
}


def main(args: Sequence[str]) -> None:
    """Measure the given parts, or all."""
    parser = ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument("parts", nargs="*", metavar="PART", help=", ".join(PARTS))
    parser.add_argument("--write", action="store_true", help="store the table in docs/explanation/benchmarks.md")
    options = parser.parse_args(args)
    figures: list[Figure] = []
    with tempfile.TemporaryDirectory(prefix="cmetrics-bench-") as folder:
        for name in options.parts or PARTS:
            begun = time.monotonic()
            for figure in PARTS[name].measure(Path(folder, name)):
                figures.append(figure)
                print(f"{name}: {figure.what}, {figure.size}", file=sys.stderr)
            print(f"{name}: {time.monotonic() - begun:.0f} s", file=sys.stderr)
    table = render_table(figures)
    print(table)
    if options.write:
        # If only some parts were measured, keep the rows of the others.
        whole = merge_tables(read_block(BENCHMARKS, "figures"), table) if options.parts else table
        replace_block(BENCHMARKS, "figures", f"{whole}\n{machine()}\n")


def machine() -> str:
    """Return a description of this machine."""
    import lancedb

    return (
        f"Python {platform.python_version()}, LanceDB {lancedb.__version__}, pyarrow {version('pyarrow')}, "
        f"{platform.machine()}, {os.cpu_count()} processors."
    )


if __name__ == "__main__":
    main(sys.argv[1:])
