"""Texts for metrics that are not part of a total: what a value covers, and the increase between readings."""

from __future__ import annotations

from cmetrics.analytics.intervals import Interval
from cmetrics.analytics.model import CountItem
from cmetrics.domain import formats
from cmetrics.domain.kind import Measure

RECENT_DAYS = 30


def name(item: CountItem) -> str:
    """Return the display name with the count: "Docker Hub pulls", "Homebrew installs / 30 days"."""
    measure = item.metric.measure
    shown = item.metric.display_name
    if measure.is_rolling:
        shown = shown.removesuffix(f", {measure.window_days} days")
    if measure.noun.casefold() not in shown.casefold():
        return f"{shown} {measure.badge_label}"
    return f"{shown}{measure.badge_label.removeprefix(measure.noun)}"


def period(item: CountItem) -> str:
    """Return what the newest value covers: "30 days to 24 Nov 2026", "on 24 Nov 2026" or "to 24 Nov 2026"."""
    if item.latest is None:
        return "no data yet"
    day = formats.short_day(item.latest.day)
    measure = item.metric.measure
    if measure.is_rolling:
        return f"{measure.window_days} days to {day}"
    return f"to {day}" if measure.is_counter else f"on {day}"


def covers(item: CountItem) -> str:
    """Return what a value covers in a word or two: "in 30 d", "total"; empty for a current count."""
    measure = item.metric.measure
    if measure.is_rolling:
        return f"in {measure.window_days} d"
    return "total" if measure.is_counter else ""


def recent_short(item: CountItem) -> str:
    """Return `recent` for a column of a table: "74,949 in 30 d", "6,653 in 24 of 30 d"."""
    if item.last_30_days is None:
        return "–"
    known = item.last_30_days_observed
    days = f"{known} of {RECENT_DAYS}" if known < RECENT_DAYS else f"{RECENT_DAYS}"
    return f"{formats.number(item.last_30_days)} in {days} d"


def recent(item: CountItem) -> str:
    """Return what was counted in the last 30 days; empty for a stock and a rolling window."""
    if item.last_30_days is None:
        return ""
    count = f"{formats.number(item.last_30_days)} in the last {RECENT_DAYS} days"
    missing = item.last_30_days_observed < RECENT_DAYS
    return f"{count} ({item.last_30_days_observed} of {RECENT_DAYS} days known)" if missing else count


def flow(interval: Interval, measure: Measure) -> str:
    """Return the flow of an interval: "60 pulls over 3 days", "unknown over 3 days: the count fell"."""
    if interval.flow is None:
        return f"unknown {interval.length_text}: {interval.reason}"
    text = f"{formats.number(interval.flow)} {measure.noun} {interval.length_text}"
    return f"{text} ({interval.reason})" if interval.reason else text
