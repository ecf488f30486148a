"""Choose the days that a backfill recomputes. Pure."""

from __future__ import annotations

from datetime import date

from cmetrics.domain.days import Span, window
from cmetrics.domain.errors import UsageError
from cmetrics.ingest.plan import LONG_AGO

#: The default number of days of a backfill.
DEFAULT_DAYS = 90


def choose_window(
    last_day: date, *, lookback_days: int | None, start: date | None, end: date | None, full: bool
) -> tuple[Span, bool]:
    """Return the days to recompute, and whether to request older days from the archives.

    ``last_day`` is the last completed day. Raises UsageError for contradictory options and for a window
    without a completed day.
    """
    if full and not (start is None and end is None and lookback_days is None):
        msg = "--full covers the whole history; remove --start, --end and --lookback-days"
        raise UsageError(msg)
    if start is not None and lookback_days is not None:
        msg = "--start and --lookback-days cannot be used together; use one of them"
        raise UsageError(msg)
    if start is None and end is not None:
        msg = "--end needs --start"
        raise UsageError(msg)
    last = end or last_day
    first = start or (LONG_AGO if full else window(last, lookback_days or DEFAULT_DAYS))
    if end is not None and first > end:
        msg = f"--start {first} is after --end {end}"
        raise UsageError(msg)
    if first > last_day:
        msg = f"--start {first} is in the future; the last completed UTC day is {last_day}"
        raise UsageError(msg)
    return Span(first, last), full or start is not None
