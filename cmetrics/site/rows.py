"""One row per metric: name, history, value, changes, completeness. The same for 7 and for 300 metrics."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from cmetrics.analytics.model import Change, CountItem, Dashboard, DownloadItem, Group, Item, StarItem
from cmetrics.analytics.overview import by_size, year_change
from cmetrics.charts import count_words
from cmetrics.charts.spark import MonthBars, Spark, month_bars, month_sparkline, star_sparkline
from cmetrics.domain import formats
from cmetrics.domain.days import Month
from cmetrics.domain.plural import plural
from cmetrics.site import format as fmt

if TYPE_CHECKING:
    from cmetrics.site.page import Site

#: The number of rows from which they can be filtered by product, kind and source. They can always be searched.
FILTERED_FROM = 13


@dataclass(frozen=True, slots=True)
class Cell:
    """A number of a row as text."""

    text: str
    #: The value that the column is sorted by; empty if there is none.
    sort: float | str = ""
    #: ``up``, ``down``, ``short`` for a reason instead of a number, or empty.
    tone: str = ""
    #: What the number covers, unless the heading states it.
    note: str = ""
    #: The days that it covers, if they differ from those in the heading.
    days: str = ""


@dataclass(frozen=True, slots=True)
class Row:
    """One metric in a list of all."""

    item: Item
    #: The name of its files, which also identifies it in a comparison.
    name: str
    href: str
    source: str
    product: str
    product_title: str
    product_href: str
    tone: str
    #: Downloads: 24 months. Others: a line.
    bars: MonthBars | None
    line: Spark
    value: Cell
    change: Cell
    year: Cell
    #: ``full``, ``part`` or ``none``, and the same in words.
    cover: str
    coverage: str
    missing_days: int


@dataclass(frozen=True, slots=True)
class Headings:
    """The headings of the columns of numbers."""

    value: str
    change: str
    year: str
    #: What the columns show, in sentences.
    note: str


def build_rows(site: Site, groups: Sequence[Group], root: str = "") -> tuple[Row, ...]:
    """Return the metrics of ``groups`` as rows, the largest first; ``root`` is the way to the root of the site."""
    groups_by_id = {item.metric.metric_id: group for group in groups for item in group.items}
    items = by_size(item for group in groups for item in group.items)
    return tuple(_row(site, groups_by_id[item.metric.metric_id], item, root) for item in items)


def build_headings(board: Dashboard) -> Headings:
    """Return ``October``, ``vs Sep``, ``vs Oct 2025``; plain words if there are no downloads."""
    stars = "Stars: newest total, and its change in 30 days and in a year. " if board.has_stars else ""
    end = "Outlined bars: days missing."
    if not board.month_total:
        return Headings("Value", "Change", "vs a year earlier", stars + end)
    month = Month.of(board.month_total.period_start)
    before, year = month.plus(-1).first, month.plus(-12).first
    return Headings(
        formats.month_name(month.first),
        f"vs {formats.short_month_name(before)}",
        f"vs {formats.short_month(year)}",
        f"Downloads in {fmt.month(month.first)}, compared with the month before and a year earlier. {stars}{end}",
    )


def _row(site: Site, group: Group, item: Item, root: str) -> Row:
    metric = item.metric
    missing = site.quality.missing_days(metric.metric_id)
    is_empty = item.freshness.latest_day is None
    lost = site.quality.has_lost_days(metric.metric_id)
    return Row(
        item=item,
        name=site.names[metric.metric_id],
        href=f"{root}metrics/{site.names[metric.metric_id]}.html",
        source=source_of(item),
        product=group.product,
        product_title=group.title,
        product_href=f"{root}products/{group.product}.html",
        tone=item.tone,
        bars=month_bars(item.points, site.board.as_of) if isinstance(item, DownloadItem) else None,
        line=month_sparkline(item.points) if isinstance(item, DownloadItem) else star_sparkline(item.points),
        value=_value(item),
        change=_change(item),
        year=_year(year_change(item)),
        cover="none" if is_empty else "part" if lost else "full",
        coverage=fmt.no_data(item) if is_empty else f"{plural(missing, 'day')} missing" if missing else "Complete",
        missing_days=missing,
    )


def source_of(item: Item) -> str:
    """Return the source of a metric, with the count if the source has several."""
    if isinstance(item, StarItem):
        return item.metric.label
    return item.source_title if isinstance(item, DownloadItem) else f"{item.source_title}, {item.metric.measure.noun}"


def _value(item: Item) -> Cell:
    point = item.month if isinstance(item, DownloadItem) else item.latest
    if point is None:
        return Cell(fmt.NONE)
    if isinstance(item, CountItem):
        return Cell(fmt.number(point.value), point.value, note=count_words.covers(item), days=count_words.period(item))
    return Cell(fmt.number(point.value), point.value)


def _change(item: Item) -> Cell:
    if isinstance(item, DownloadItem):
        change = item.month_on_month
        return _moved(change, fmt.percent(change)) if change else Cell(fmt.row_note(item), tone="short")
    if item.change_30:
        return _moved(item.change_30, fmt.gain(item.change_30), "in 30 d")
    if isinstance(item, StarItem):
        return Cell(fmt.change_note(item), tone="short") if item.latest else Cell(fmt.NONE)
    return Cell(count_words.recent_short(item))


def _year(change: Change | None) -> Cell:
    return _moved(change, fmt.percent(change)) if change else Cell(fmt.NONE)


def _moved(change: Change, text: str, note: str = "") -> Cell:
    sort = "" if change.percent is None else change.percent
    return Cell(text, sort, fmt.tone(change), note)
