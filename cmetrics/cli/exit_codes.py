"""The one place that maps outcomes to exit codes (contract §1)."""

from __future__ import annotations

from cmetrics.domain.errors import CmetricsError, SiteError, UsageError
from cmetrics.domain.run import RunStatus

DONE = 0
FAILED = 1
WRONG_USAGE = 2
PARTIAL = 3

RUN_EXITS = {RunStatus.SUCCESS: DONE, RunStatus.PARTIAL: PARTIAL, RunStatus.FAILED: FAILED}


def exit_code(error: CmetricsError) -> int:
    """2 for what the caller can put right in the call or the configuration, else 1."""
    return WRONG_USAGE if isinstance(error, UsageError | SiteError) else FAILED
