"""The command line: each command parses its options, makes one call, prints the result and exits.

Nothing heavy is imported before a command runs: `cmetrics --help` loads neither LanceDB nor Plotly.
"""

from __future__ import annotations

import gc
import signal
import sys
from types import FrameType

from cmetrics.cli.runtime import Runtime
from cmetrics.cli.streams import forgiving_streams


def main(runtime: Runtime | None = None) -> None:
    """Run the command line with the clock and the pauses of ``runtime``; never returns."""
    # Importing LanceDB and reading rows create hundreds of thousands of objects that all stay; looking
    # for garbage among them every 700 of them costs a seventh of the import.
    gc.set_threshold(100_000)
    signal.signal(signal.SIGTERM, _interrupt)
    with forgiving_streams():
        from cmetrics.cli.invoke import invoke

        sys.exit(invoke(runtime or Runtime()))


def _interrupt(_signal: int, _frame: FrameType | None) -> None:
    """End as Ctrl-C does (exit code 130): the run is recorded as interrupted."""
    raise KeyboardInterrupt
