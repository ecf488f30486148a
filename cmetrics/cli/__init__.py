"""The command line: options in, one call, a summary and an exit code out.

Nothing heavy is imported before a command runs; ``cmetrics --help`` loads neither lancedb nor plotly.
"""

from __future__ import annotations

import gc
import signal
import sys
from types import FrameType

from cmetrics.cli import branch  # noqa: F401  # adds its commands to the app
from cmetrics.cli.app import app
from cmetrics.cli.exit_codes import exit_code
from cmetrics.cli.output import print_error, print_json
from cmetrics.cli.runtime import Runtime
from cmetrics.cli.streams import forgiving_streams
from cmetrics.cli.summary import failure_json
from cmetrics.domain.errors import CmetricsError
from cmetrics.domain.sanitize import sanitize


def main(runtime: Runtime | None = None) -> None:
    """Run the command line with the clock and the pauses of ``runtime``; never returns."""
    # Importing lancedb and reading rows make hundreds of thousands of objects that all stay; looking
    # for garbage among them every 700 of them costs a seventh of the import.
    gc.set_threshold(100_000)
    signal.signal(signal.SIGTERM, _terminate)
    with forgiving_streams():
        _run(runtime or Runtime())


def _run(runtime: Runtime) -> None:
    try:
        app(standalone_mode=True, obj=runtime)
    except CmetricsError as error:
        if "--json" in sys.argv:
            # One object, also for what could not begin.
            job = next((word for word in sys.argv[1:] if not word.startswith("-")), "")
            print_json(failure_json(job, sanitize(str(error))))
        print_error(str(error))
        sys.exit(exit_code(error))


def _terminate(_signal: int, _frame: FrameType | None) -> None:
    """End like Ctrl-C does, which Typer turns into exit code 130: the run is recorded as interrupted."""
    raise KeyboardInterrupt
