"""The key numbers of a metric, side by side below its chart."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from cmetrics.analytics.model import Change, CountItem, DownloadItem, Item, StarItem
from cmetrics.analytics.overview import year_change
from cmetrics.charts import count_words
from cmetrics.domain.days import Month
from cmetrics.domain.plural import plural
from cmetrics.site import format as fmt
from cmetrics.site.page import Site


@dataclass(frozen=True, slots=True)
class KeyNumber:
    """A number with its label."""

    label: str
    value: str
    #: ``up``, ``down``, or nothing.
    tone: str = ""
    note: str = ""


def build_key_numbers(site: Site, item: Item) -> tuple[KeyNumber, ...]:
    """Return the newest number, its changes, the last 30 days and the missing days."""
    if isinstance(item, DownloadItem):
        numbers = _downloads(item)
    else:
        numbers = _stars(item) if isinstance(item, StarItem) else _counts(item)
    return (*numbers, _coverage(site, item))


def _downloads(item: DownloadItem) -> Iterator[KeyNumber]:
    month = Month.of(item.month_end)
    days = ""
    if item.month and not item.month.is_complete:
        days = f"{item.month.days_observed} of {item.month.days_expected} days"
    yield KeyNumber(fmt.month(month.first), fmt.number(item.month.value if item.month else None), note=days)
    note = "" if item.month_on_month else fmt.item_month_note(item)
    yield _change(f"vs {fmt.month_before(item)}", item.month_on_month, note)
    yield _change(f"vs {fmt.year_before(item)}", item.year_on_year)
    if item.last_30_days is None:
        yield KeyNumber("Last 30 days", fmt.NONE, note="No data in the last 30 days")
        return
    known = "" if item.last_30_days_observed == 30 else f"{item.last_30_days_observed} of 30 days"  # noqa: PLR2004
    moved = f"{fmt.percent(item.change_30)} vs the 30 days before" if item.change_30 else ""
    yield KeyNumber("Last 30 days", fmt.number(item.last_30_days), note=", ".join(filter(None, (known, moved))))


def _stars(item: StarItem) -> Iterator[KeyNumber]:
    day = fmt.short_day(item.latest.day) if item.latest else ""
    yield KeyNumber("Stars", fmt.number(item.latest.value if item.latest else None), note=day)
    note = fmt.gained_lost(item.flow_30) if item.change_30 else fmt.change_note(item) if item.latest else ""
    yield _change("In 30 days", item.change_30, note, is_absolute=True)
    yield _change("In a year", year_change(item), is_absolute=True)


def _counts(item: CountItem) -> Iterator[KeyNumber]:
    measure = item.metric.measure
    value = fmt.number(item.latest.value if item.latest else None)
    label = measure.noun[:1].upper() + measure.noun[1:]
    yield KeyNumber(label, value, note=count_words.period(item) if item.latest else "No data yet")
    if item.change_30:
        yield _change("In 30 days", item.change_30, is_absolute=True)
    elif item.last_30_days is not None:
        known = item.last_30_days_observed
        note = "" if known == count_words.RECENT_DAYS else f"{known} of {count_words.RECENT_DAYS} days known"
        yield KeyNumber("Last 30 days", fmt.number(item.last_30_days), note=note)


def _change(label: str, change: Change | None, note: str = "", *, is_absolute: bool = False) -> KeyNumber:
    if change is None:
        return KeyNumber(label, fmt.NONE, note=note)
    tone = fmt.tone(change)
    if not is_absolute:
        return KeyNumber(label, fmt.percent(change), tone, note)
    percent = fmt.percent(change) if change.percent is not None else ""
    return KeyNumber(label, fmt.gain(change), tone, ", ".join(filter(None, (percent, note))))


def _coverage(site: Site, item: Item) -> KeyNumber:
    missing = site.quality.missing_days(item.metric.metric_id)
    if item.freshness.latest_day is None:
        return KeyNumber("Coverage", fmt.NONE, note="Waiting for first data")
    note = f"data through {fmt.short_day(item.freshness.latest_day)}"
    return KeyNumber("Coverage", f"{plural(missing, 'day')} missing" if missing else "Complete", note=note)
