"""Format numbers and days for the page."""

from __future__ import annotations

from datetime import date, datetime

from cmetrics.analytics.model import Change
from cmetrics.charts.words import day_text, short

__all__ = ["NONE", "day", "days", "moment", "month", "number", "percent", "short", "signed"]

NONE = "–"


def number(value: int | None) -> str:
    """Return ``1234567`` as ``1,234,567``."""
    return NONE if value is None else f"{value:,}"


def signed(change: Change | None) -> str:
    """Return ``+1,234 (+2.1 %)``."""
    if change is None:
        return NONE
    percent = "" if change.percent is None else f" ({change.percent:+.1f} %)"
    return f"{change.absolute:+,}{percent}"


def percent(change: Change | None) -> str:
    """Return ``+2.1 %``, or the absolute difference if there is no percentage."""
    if change is None:
        return NONE
    return f"{change.absolute:+,}" if change.percent is None else f"{change.percent:+.1f} %"


def day(value: date | None) -> str:
    """Return ``22 November 2026``."""
    return NONE if value is None else day_text(value)


def month(value: date) -> str:
    """Return ``October 2026``."""
    return f"{value:%B %Y}"


def moment(value: datetime | None) -> str:
    """Return ``2026-11-23 09:04 UTC``."""
    return NONE if value is None else f"{value:%Y-%m-%d %H:%M} UTC"


def days(count: int | None) -> str:
    """Return ``1 day``, ``3 days``."""
    if count is None:
        return NONE
    return f"{count} day" if count == 1 else f"{count} days"
