"""Format numbers and days for the page."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date, datetime
from itertools import groupby

from markupsafe import Markup, escape

from cmetrics.analytics import phrases
from cmetrics.analytics.insight_results import Rollup
from cmetrics.analytics.model import (
    STALE_DAYS,
    Change,
    Dashboard,
    DownloadItem,
    Group,
    Item,
    PeriodPoint,
    SourceState,
    StarFlow,
    StarItem,
)
from cmetrics.analytics.series import month_of
from cmetrics.domain import formats
from cmetrics.domain.days import Month, last_full_month
from cmetrics.domain.plural import plural

__all__ = [
    "NONE",
    "day",
    "days",
    "gain",
    "gained_lost",
    "headline_change",
    "headline_value",
    "moment",
    "month",
    "named_days",
    "number",
    "number_size",
    "percent",
    "row_note",
    "short_day",
    "signed",
    "stale",
    "through",
    "to_date_change",
    "to_date_label",
    "to_date_note",
    "to_date_tone",
    "tone",
]

NONE = "–"
_ISO_DAY = re.compile(r"\b\d{4}-\d{2}-\d{2}\b", re.ASCII)
#: Numbers from this one on are too wide for the usual size next to a chart.
LONG_FROM = 10**9


def number(value: int | None) -> str:
    """Return ``1234567`` as ``1,234,567``."""
    return NONE if value is None else formats.number(value)


def signed(change: Change | None) -> str:
    """Return ``+1,234 (+2.1%)``."""
    if change is None:
        return NONE
    relative = "" if change.percent is None else f" ({phrases.relative(change.percent)})"
    return f"{formats.signed(change.absolute)}{relative}"


def percent(change: Change | None) -> str:
    """Return ``+2.1%``, from twice on ``×3.3``; the difference if there is no percentage."""
    if change is None:
        return NONE
    return formats.signed(change.absolute) if change.percent is None else phrases.relative(change.percent)


def number_size(value: int | None) -> str:
    """Return ``long`` for numbers that need smaller digits next to a chart, from a billion on."""
    return "long" if value is not None and value >= LONG_FROM else "usual"


def tone(change: Change) -> str:
    """Return ``up``, ``down`` or ``same``."""
    return tone_of(change.absolute)


def to_date_tone(row: Rollup) -> str:
    """Return ``up``, ``down`` or ``same`` of the change against the days before."""
    return tone_of(row.change or 0)


def tone_of(moved: float, same: str = "same") -> str:
    """Return the class of a difference: ``up``, ``down``, or ``same`` for none."""
    return "up" if moved > 0 else "down" if moved < 0 else same


def day(value: date | None) -> str:
    """Return ``22 November 2026``."""
    return NONE if value is None else formats.long_day(value)


def short_day(value: date | None) -> str:
    """Return ``22 Nov 2026``, for narrow places."""
    return NONE if value is None else formats.short_day(value)


def no_data(shown: Dashboard | Group | Item) -> str:
    """Return a text for a store without values, or with published totals only."""
    if isinstance(shown, Dashboard):
        has_totals = shown.has_snapshots
    else:
        items = shown.items if isinstance(shown, Group) else (shown,)
        has_totals = any(item.points for item in items)
    return "No daily data yet" if has_totals else "No data yet"


def through(board: Dashboard) -> str:
    """Return the day of the newest data as a sentence."""
    if board.data_through is None:
        return f"{no_data(board)}."
    return f"Data through {short_day(board.data_through)} (UTC)."


def stale(board: Dashboard) -> str:
    """Return which sources have no recent data, and since when; empty if all have recent data."""
    sources = sorted(board.stale_sources, key=lambda source: (source.newest_day or board.as_of, source.title.lower()))
    if not sources:
        return ""
    ages = [source.newest_age_days for source in sources if source.newest_age_days is not None]
    which = f"Data is {days(min(ages))} old" if board.is_stale else f"Some data is {days(max(ages))} old"
    by_day = groupby(sources, key=lambda source: source.newest_day)
    return f"{which}. Newest day: {'; '.join(_newest(newest, list(found)) for newest, found in by_day)}."


def month_note(board: Dashboard) -> str:
    """Return why the total of the month is not compared with the month before."""
    total, before = board.month_total, board.month_before
    if total is None:
        return _none_in(last_full_month(board.as_of)) if board.data_through else no_data(board)
    if not total.is_complete:
        return f"{_coverage(total)} package-days"
    if before is None:
        return "No data for the month before"
    return f"{formats.month_name(before.period_start)} is incomplete ({_coverage(before)} days)"


def _coverage(total: PeriodPoint) -> str:
    return f"{formats.number(total.days_observed or 0)} of {formats.number(total.days_expected or 0)}"


def stars_note(board: Dashboard) -> str:
    """Return why the total of stars has no value, or no change."""
    if board.total_stars is not None:
        return _change_note((board.as_of - board.total_stars.day).days)
    stars = [item for group in board.groups for item in group.stars]
    known = sum(item.latest is not None for item in stars)
    if not known:
        return "No data yet"
    verb = "has" if known == 1 else "have"
    return f"No total yet: {formats.number(known)} of {plural(len(stars), 'repository', 'repositories')} {verb} data"


def change_note(item: StarItem) -> str:
    """Return why a repository has no change in 30 days."""
    return _change_note(item.freshness.age_days or 0)


def _change_note(age_days: int) -> str:
    return "No recent data" if age_days > STALE_DAYS else "No value 30 days earlier"


def name_before(board: Dashboard) -> str:
    """Return the month that the last full one is compared with, such as ``September``."""
    return "" if board.month_before is None else formats.month_name(board.month_before.period_start)


def month_before(item: DownloadItem) -> str:
    """Return the month before the last full one, such as ``September``."""
    return formats.month_name(Month.of(item.month_end).plus(-1).first)


def year_before(shown: DownloadItem | Dashboard) -> str:
    """Return the same month of the year before the last full one, such as ``October 2025``."""
    end = shown.month_end if isinstance(shown, DownloadItem) else last_full_month(shown.as_of).last
    return month(Month.of(end).plus(-12).first)


def item_month_note(item: DownloadItem) -> str:
    """Return why the last full month of a package is not compared with the month before."""
    if item.month is None:
        return no_data(item) if item.freshness.latest_day is None else _none_in(Month.of(item.month_end))
    if not item.month.is_complete:
        return f"{month(item.month.period_start)} is incomplete"
    before = month_of(item.points, Month.of(item.month_end).plus(-1))
    if before is None:
        return f"No data for {month_before(item)}"
    return f"{month_before(item)} is incomplete ({before.days_observed} of {before.days_expected} days)"


def _none_in(missing: Month) -> str:
    return f"No data in {month(missing.first)}"


def month_label(board: Dashboard) -> str:
    """Return ``Downloads, October 2026``, the last full month, whether or not it has data."""
    return f"Downloads, {month(last_full_month(board.as_of).first)}"


def gain(change: Change) -> str:
    """Return ``+1,234``."""
    return formats.signed(change.absolute)


def headline_value(item: Item) -> int | str:
    """Return the value by which a metric is sorted; empty if there is none."""
    point = item.month if isinstance(item, DownloadItem) else item.latest
    return "" if point is None else point.value


def headline_change(item: Item) -> float | str:
    """Return the change in percent by which a metric is sorted; empty if there is none."""
    change = item.month_on_month if isinstance(item, DownloadItem) else item.change_30
    return "" if change is None or change.percent is None else change.percent


def row_note(item: DownloadItem) -> str:
    """Return in a few words why the last full month of a package is not compared with the month before."""
    if item.month is None:
        return NONE
    if not item.month.is_complete:
        return f"{item.month.days_observed} of {item.month.days_expected} days"
    before = month_of(item.points, Month.of(item.month_end).plus(-1))
    earlier = Month.of(item.month_end).plus(-1)
    if before is None and not any(point.period_end < earlier.first for point in item.points):
        return "new"
    observed, expected = (before.days_observed, before.days_expected) if before else (0, earlier.days)
    return f"{observed} of {expected} days in {formats.short_month_name(earlier.first)}"


def gained_lost(flow: StarFlow | None) -> str:
    """Return ``408 gained, 22 lost``; empty unless both are known."""
    if flow is None or flow.gained is None or flow.lost is None:
        return ""
    return f"{number(flow.gained)} gained, {number(flow.lost)} lost"


def to_date_label(row: Rollup) -> str:
    """Return ``November so far, 23 days``."""
    return (
        ""
        if row.start is None or row.end is None
        else f"{formats.month_name(row.end)} so far, {days((row.end - row.start).days + 1)}"
    )


def to_date_change(row: Rollup) -> str:
    """Return the change against the days before; empty if there is none."""
    if row.change is None:
        return ""
    return formats.signed(row.change) if row.change_percent is None else phrases.relative(row.change_percent)


def to_date_note(row: Rollup) -> str:
    """Return what the current month is compared with, or why it is not compared."""
    if row.change is None or row.previous is None:
        return f"No comparison: {row.reason}." if row.reason else ""
    return f"vs {formats.period(row.previous.start, row.previous.end)} (same weekdays)"


def left_out(board: Dashboard) -> str:
    """Return which packages the change of the month leaves out; empty if none."""
    if board.month_total_change is None or not board.month_left_out:
        return ""
    names = phrases.join([phrases.name_of(metric) for metric in board.month_left_out])
    return f"Compares packages with data for every day of both months; excludes {names}."


def _newest(newest: date | None, sources: Sequence[SourceState]) -> str:
    return f"{day(newest)} ({', '.join(source.title for source in sources)})"


def month(value: date) -> str:
    """Return ``October 2026``."""
    return formats.month(value)


def moment(value: datetime | None) -> str:
    """Return ``23 Nov 2026, 09:04 UTC``."""
    return NONE if value is None else f"{formats.short_day(value.date())}, {value:%H:%M} UTC"


def code(text: str) -> Markup:
    """Return a text as HTML, with text between backticks as code."""
    parts = (escape(part) for part in text.split("`"))
    return Markup("").join(
        Markup("<code>{}</code>").format(part) if number % 2 else part for number, part in enumerate(parts)
    )


def named_days(text: str) -> str:
    """Return a text with its ISO dates as ``22 Nov 2026``."""
    return _ISO_DAY.sub(_named_day, text)


def _named_day(found: re.Match[str]) -> str:
    try:
        return formats.short_day(date.fromisoformat(found[0]))
    except ValueError:
        return found[0]  # There is no such day.


def days(count: int | None) -> str:
    """Return ``1 day``, ``3 days``."""
    if count is None:
        return NONE
    return f"{count} day" if count == 1 else f"{count} days"
