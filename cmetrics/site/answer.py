"""Build the sentence at the top of a page."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from cmetrics.analytics import phrases
from cmetrics.analytics.model import Change, CountItem, Dashboard, DownloadItem, Group, Item, StarItem
from cmetrics.analytics.month_total import compare_months, month_total
from cmetrics.analytics.overview import FirstTime
from cmetrics.charts.count_words import period
from cmetrics.domain import formats
from cmetrics.domain.days import Month, last_full_month
from cmetrics.domain.plural import plural
from cmetrics.domain.sanitize import isolate
from cmetrics.site import format as fmt


@dataclass(frozen=True, slots=True)
class Answer:
    """One sentence in parts, so that the change can have a colour of its own."""

    text: str
    #: The text after a comma; empty if there is none.
    change: str = ""
    #: ``up``, ``down`` or ``same``.
    tone: str = "same"
    second: str = ""


def build_answer(board: Dashboard, first: FirstTime | None = None) -> Answer:
    """Return the downloads of the last full month with their change, like for like; else the stars."""
    if total := board.month_total:
        days = "" if total.days_observed is None or total.is_complete else f"{fmt.month_note(board)}."
        second = " ".join(filter(None, (days, _first(first), _stars(board))))
        change = board.month_total_change
        text = f"{_downloads(total.value)} in {_month(total.period_start, board.as_of)}"
        before = board.month_before
        moved = _moved(change, formats.month_name(before.period_start)) if change and before else ""
        return Answer(text, moved, _tone(change), second)
    if board.total_stars:
        return Answer(f"{plural(board.total_stars.value, 'GitHub star')}", second=_since(board))
    if board.has_snapshots:
        second = "The chart shows published 30-day totals. The first nightly update adds daily data."
    else:
        second = "The first nightly update fills this page."
    return Answer(fmt.no_data(board), second=second)


def build_product_answer(group: Group, as_of: date) -> Answer:
    """Return the downloads of a product in the last full month with their change; else its stars."""
    month = last_full_month(as_of)
    total = month_total(group.downloads, month)
    stars = [item for item in group.stars if item.latest]
    held = sum(item.latest.value for item in stars if item.latest)
    now = f"{plural(held, 'GitHub star')}"
    if not total.known:
        return Answer(now) if stars else Answer(fmt.no_data(group))
    change = compare_months({item.metric.metric_id: item.points for item in group.downloads}, month, 1).change
    text = f"{_downloads(total.value)} in {_month(month.first, as_of)}"
    moved = _moved(change, formats.month_name(month.plus(-1).first)) if change else ""
    days = (
        "" if total.is_whole else f"{formats.number(total.observed)} of {formats.number(total.expected)} package-days."
    )
    second = " ".join(filter(None, (days, f"{now}." if stars else "")))
    return Answer(text, moved, _tone(change), second)


def build_item_answer(item: Item, as_of: date) -> Answer:
    """Return the newest number of a metric with its change."""
    if isinstance(item, DownloadItem):
        if item.month is None:
            return Answer(fmt.item_month_note(item))
        change, month = item.month_on_month, Month.of(item.month_end)
        moved = _moved(change, formats.month_name(month.plus(-1).first)) if change else ""
        text = f"{_downloads(item.month.value)} in {_month(month.first, as_of)}"
        return Answer(text, moved, _tone(change))
    if item.latest is None:
        return Answer(fmt.no_data(item))
    noun = "GitHub stars" if isinstance(item, StarItem) else item.metric.measure.noun
    text = f"{formats.number(item.latest.value)} {noun}"
    if isinstance(item, CountItem):
        return Answer(text, period(item))
    change = item.change_30
    if change is None or change.absolute == 0:
        return Answer(text, "unchanged in 30 days" if change else "")
    return Answer(text, _in_30_days(change), _tone(change))


def in_words(value: int) -> str:
    """Return ``7.62 million``; numbers below a million in full."""
    for size, unit in ((1_000_000_000, "billion"), (1_000_000, "million")):
        # Slightly below the unit, so that 999,999,999 becomes 1 billion and not 1000 million.
        if value >= size * 0.999995:
            digits = len(f"{value / size:.2f}".rstrip("0").partition(".")[2])
            return f"{formats.decimal(value / size, digits)} {unit}"
    return formats.number(value)


def _downloads(value: int) -> str:
    return f"{in_words(value)} {'download' if value == 1 else 'downloads'}"


def _month(first: date, as_of: date) -> str:
    """Return the month, with its year unless it is one of the last eleven."""
    months = (as_of.year - first.year) * 12 + as_of.month - first.month
    return formats.month_name(first) if months < 12 else formats.month(first)  # noqa: PLR2004


def _is_same(change: Change) -> bool:
    """Return whether a change would be rounded to zero in the sentence."""
    return change.absolute == 0 or (change.percent is not None and round(abs(change.percent), 1) == 0)


def _tone(change: Change | None) -> str:
    return "same" if change is None or _is_same(change) else fmt.tone(change)


def _moved(change: Change, before: str) -> str:
    percent = change.percent
    if _is_same(change):
        return f"the same as in {before}"
    if percent is None:
        return f"{formats.signed(change.absolute)} on {before}"
    if percent >= 100 * (phrases.FACTOR - 1):
        return f"{formats.decimal(1 + percent / 100)} times {before}"
    size = abs(percent)
    digits = 0 if size >= 1 else 1
    return f"{'up' if percent > 0 else 'down'} {formats.percent(size, digits)} on {before}"


def _stars(board: Dashboard) -> str:
    if board.total_stars is None:
        return ""
    repositories = sum(len(group.stars) for group in board.groups)
    which, verb = ("The repository", "has") if repositories == 1 else ("The repositories", "have")
    since = _since(board)
    more = f", {since[0].lower()}{since[1:]}" if since else "."
    return f"{which} {verb} {plural(board.total_stars.value, 'star')}{more}"


def _since(board: Dashboard) -> str:
    change = board.total_stars_change_30
    if change is None:
        return ""
    if change.absolute == 0:
        return "Unchanged in 30 days."
    text = _in_30_days(change)
    return f"{text[0].upper()}{text[1:]}."


def _in_30_days(change: Change) -> str:
    """Return ``up 339 in 30 days``."""
    return f"{'up' if change.absolute > 0 else 'down'} {formats.number(abs(change.absolute))} in 30 days"


def _first(found: FirstTime | None) -> str:
    if found is None:
        return ""
    who = "All packages together" if found.name is None else isolate(found.name)
    return f"{who} passed {in_words(found.step)} a month for the first time."
