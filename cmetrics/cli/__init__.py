"""The command line: options in, one call, a summary and an exit code out.

Nothing heavy is imported before a command runs; ``cmetrics --help`` loads neither lancedb nor plotly.
"""

from __future__ import annotations

import signal
import sys
from types import FrameType

from cmetrics.cli.app import app
from cmetrics.cli.exits import INTERRUPTED, exit_code
from cmetrics.cli.terminal import complain
from cmetrics.errors import CmetricsError


def main() -> None:
    """Run the command line; never returns."""
    signal.signal(signal.SIGTERM, _terminate)
    try:
        app(standalone_mode=True)
    except CmetricsError as error:
        complain(str(error))
        sys.exit(exit_code(error))
    except KeyboardInterrupt:
        complain("interrupted; nothing half-written is left behind")
        sys.exit(INTERRUPTED)


def _terminate(_signal: int, _frame: FrameType | None) -> None:
    """End like Ctrl-C does, so that the run is recorded."""
    raise KeyboardInterrupt
