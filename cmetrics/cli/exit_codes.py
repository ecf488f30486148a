"""The only module that maps results and errors to exit codes."""

from __future__ import annotations

from cmetrics.domain.errors import CmetricsError, SiteError, UsageError
from cmetrics.domain.run import RunStatus

DONE = 0
FAILED = 1
WRONG_USAGE = 2
PARTIAL = 3
#: The exit code that shells use for SIGINT.
INTERRUPTED = 130

RUN_EXITS = {RunStatus.SUCCESS: DONE, RunStatus.PARTIAL: PARTIAL, RunStatus.FAILED: FAILED}


def exit_code(error: CmetricsError) -> int:
    """Return 2 for wrong usage or configuration, else 1."""
    return WRONG_USAGE if isinstance(error, UsageError | SiteError) else FAILED
