"""Format the numbers of a monthly report."""

from __future__ import annotations

from datetime import date

from cmetrics.analytics.frozen import LaterChange
from cmetrics.analytics.phrases import number, short_date
from cmetrics.analytics.report import MonthReport
from cmetrics.charts.words import short
from cmetrics.domain import formats
from cmetrics.domain.plural import plural
from cmetrics.site.format import NONE


def signed_number(value: int | None) -> str:
    """Return ``+1,234``; zero without a sign."""
    if value is None:
        return NONE
    return f"+{number(value)}" if value > 0 else number(value)


def compact(value: int | None) -> str:
    """Return ``1234567`` as ``1.2M``."""
    return NONE if value is None else short(value)


def share(value: float) -> str:
    """Return a share in percent, such as ``12.3%``."""
    return formats.percent(value)


def points(value: float) -> str:
    """Return a change in percentage points."""
    return f"{formats.signed_decimal(value)} points"


def short_month(day: date) -> str:
    """Return ``Oct 2026``."""
    return formats.short_month(day)


def later_text(change: LaterChange, report: MonthReport) -> str:
    """Return a change to a final month as one sentence."""
    parts = []
    if change.revised_days:
        parts.append(f"{plural(change.revised_days, 'day')} revised")
    if change.added_days:
        parts.append(f"{plural(change.added_days, 'day')} added")
    name = report.names.get(change.metric_id, change.metric_id)
    return f"{short_date(change.day)}: {name}, {' and '.join(parts)}, {signed_number(change.difference)}."
