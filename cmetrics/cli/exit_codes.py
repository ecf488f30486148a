"""Map every outcome to an exit code. No other module does."""

from __future__ import annotations

from cmetrics.domain.errors import CmetricsError, SiteError, UsageError
from cmetrics.domain.run import RunStatus

DONE = 0
FAILED = 1
WRONG_USAGE = 2
PARTIAL = 3
#: As a shell reports SIGINT.
INTERRUPTED = 130

RUN_EXITS = {RunStatus.SUCCESS: DONE, RunStatus.PARTIAL: PARTIAL, RunStatus.FAILED: FAILED}


def exit_code(error: CmetricsError) -> int:
    """Return 2 for an error in the call or the configuration, else 1."""
    return WRONG_USAGE if isinstance(error, UsageError | SiteError) else FAILED
