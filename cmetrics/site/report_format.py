"""Format the numbers of a monthly report."""

from __future__ import annotations

from cmetrics.analytics.frozen import LaterChange
from cmetrics.analytics.report import MonthReport
from cmetrics.domain import formats
from cmetrics.domain.plural import plural
from cmetrics.site.format import NONE


def signed_number(value: int | None) -> str:
    """Return ``+1,234``; zero without a sign."""
    if value is None:
        return NONE
    return f"+{formats.number(value)}" if value > 0 else formats.number(value)


def share(value: float) -> str:
    """Return a share in percent, such as ``12.3%``."""
    return formats.percent(value)


def points(value: float) -> str:
    """Return a change in percentage points."""
    return f"{formats.signed_decimal(value)} points"


def later_text(change: LaterChange, report: MonthReport) -> str:
    """Return a change to a final month as one sentence."""
    parts = []
    if change.revised_days:
        parts.append(f"{plural(change.revised_days, 'day')} revised")
    if change.added_days:
        parts.append(f"{plural(change.added_days, 'day')} added")
    name = report.names.get(change.metric_id, change.metric_id)
    return f"{formats.short_day(change.day)}: {name}, {' and '.join(parts)}, {signed_number(change.difference)}."
