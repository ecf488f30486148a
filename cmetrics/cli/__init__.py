"""The command line: each command parses its options, makes one call, prints the result and exits.

Nothing heavy is imported before a command runs: `cmetrics --help` loads neither LanceDB nor Plotly.
This module is the entry of the program and imports next to nothing, so that Ctrl-C is never a traceback.
"""

from __future__ import annotations

import signal
import sys

from cmetrics.domain.interrupts import hold_interrupts

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import FrameType

    from cmetrics.cli.runtime import Runtime

_INTERRUPTED = 130


def main(runtime: Runtime | None = None) -> None:
    """Run the command line with the clock and the pauses of ``runtime``; never returns."""
    signal.signal(signal.SIGTERM, _interrupt)
    try:
        # An interrupt during an import would be a traceback, or lost in an extension module.
        with hold_interrupts():
            import gc

            from cmetrics.cli.invoke import invoke
            from cmetrics.cli.streams import forgiving_streams

            # Importing LanceDB and reading rows create hundreds of thousands of long-lived objects. Collecting
            # garbage after every 700 of them would take a seventh of the import time.
            gc.set_threshold(100_000)
    except KeyboardInterrupt:
        # After a second interrupt, the module that reports it may not have been imported.
        if "--json" in sys.argv[1:]:
            sys.stdout.write('{"error": {"message": "interrupted", "hint": null, "exit_code": 130}}\n')
        sys.stderr.write("error: interrupted\n")
        sys.exit(_INTERRUPTED)
    with forgiving_streams():
        code = invoke(runtime)
        # The interpreter collects garbage once more when it exits, which takes a fifth of the import time of LanceDB.
        gc.freeze()
        sys.exit(code)


def _interrupt(_signal: int, _frame: FrameType | None) -> None:
    """Handle the signal like Ctrl-C: the run is recorded as interrupted, exit code 130."""
    raise KeyboardInterrupt
