"""The charts of a page: their series, and key numbers for alternative texts."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from cmetrics.analytics.model import (
    Change,
    Dashboard,
    DayPoints,
    DownloadItem,
    Group,
    Item,
    PeriodPoint,
    PointKind,
    points_by_day,
)
from cmetrics.analytics.periods import MONTHS, stock_periods
from cmetrics.analytics.series import change
from cmetrics.analytics.sums import complete_days, month_points
from cmetrics.domain.metric import Event, slug
from cmetrics.domain.plural import plural
from cmetrics.domain.sanitize import isolate

#: The maximum number of series in one chart; more cannot be distinguished.
SERIES_SHOWN = 8
#: The tone of a series that is the sum of others.
TOTAL = "total"
#: The maximum number of lines shown with their total. With more, only the total is drawn.
PARTS_BESIDE_TOTAL = 6


class ChartKind(StrEnum):
    """Downloads are a flow (days can be summed), stars a stock (they cannot)."""

    FLOW = "flow"
    STOCK = "stock"


@dataclass(frozen=True, slots=True)
class Extent:
    """The key numbers of a series for the alternative text, from complete periods and days only."""

    first_day: date
    first: int
    last_day: date
    last: int
    peak_day: date
    peak: int
    change: Change


@dataclass(frozen=True, slots=True, eq=False)
class Series:
    """One line or one colour of bars, by day and by month. Two charts may draw one series."""

    key: str
    #: None for a total.
    metric_id: str | None
    #: The name in legends and headings of tables.
    name: str
    subject: str
    source_title: str
    #: Its colour.
    tone: str
    days: DayPoints
    #: Includes the seeded snapshots.
    months: tuple[PeriodPoint, ...]
    #: The split to which it belongs, in a chart that can be split in several ways.
    split: str | None = None
    #: The ids of the summed metrics; empty for a single metric.
    members: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Chart:
    """The content of one figure."""

    key: str
    title: str
    kind: ChartKind
    #: The day of the dashboard; series end on it.
    as_of: date
    series: tuple[Series, ...]
    events: tuple[Event, ...]
    #: The number of series left out for lack of space.
    left_out: int = 0
    #: The scope of all series together, such as ``All packages``.
    scope: str = ""

    @property
    def is_flow(self) -> bool:
        """Whether its values can be summed: its series are stacked bars."""
        return self.kind is ChartKind.FLOW

    @property
    def shown(self) -> tuple[Series, ...]:
        """The series of the initial view: those of the first split."""
        return tuple(series for series in self.series if series.split == self.series[0].split)

    @property
    def has_snapshots(self) -> bool:
        """Whether totals from before daily collection are shown."""
        return any(point.kind is PointKind.SEEDED for series in self.series for point in series.months)

    @property
    def newest_day(self) -> date | None:
        """The newest day with a value in any of its series; None if there is none."""
        return max((series.days[-1].day for series in self.series if series.days), default=None)

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to draw."""
        return not any(series.days or series.months for series in self.series)


def is_metric(chart: Chart) -> bool:
    """Return whether a chart is that of a single metric, not of a product with one metric."""
    only = chart.series[0].metric_id if len(chart.series) == 1 else None
    return only is not None and chart.key == slug(only)


def group_charts(board: Dashboard, group: Group) -> tuple[Chart, ...]:
    """Return the charts of one product: downloads by month, then stars by day, each if the product has any."""
    events = [event for event in board.events if group.product in event.products]
    found: list[Chart] = []
    if group.downloads:
        title = f"Downloads of {isolate(group.title)}"
        found.append(
            Chart(
                f"downloads-{group.product}",
                title,
                ChartKind.FLOW,
                board.as_of,
                _package_series(board, group),
                tuple(events),
                scope=plural(len(group.downloads), "package"),
            )
        )
    if group.stars:
        title = f"GitHub stars of {isolate(group.title)}"
        shown = largest(group.stars)
        found.append(
            Chart(
                f"stars-{group.product}",
                title,
                ChartKind.STOCK,
                board.as_of,
                tuple(_series(item, board.as_of) for item in shown),
                tuple(events),
                len(group.stars) - len(shown),
                scope=plural(len(group.stars), "repository", "repositories"),
            )
        )
    return tuple(found)


def others_series(board: Dashboard, group: Group) -> Series | None:
    """Return the sum of the packages of a product beyond the colours of its chart; None if there are none."""
    if len(group.downloads) <= SERIES_SHOWN:
        return None
    items = _by_size(group.downloads)[SERIES_SHOWN - 1 :]
    name = f"{len(items)} others"
    return Series(
        key=f"others-{group.product}",
        metric_id=None,
        name=name,
        subject=name,
        source_title=", ".join(dict.fromkeys(item.source_title for item in items)),
        # Unique in the chart: the largest packages have different colours, and this one is not drawn itself.
        tone=items[0].tone,
        days=complete_days(items),
        months=month_points(items, board.as_of),
        members=tuple(item.metric.metric_id for item in items),
    )


def _package_series(board: Dashboard, group: Group) -> tuple[Series, ...]:
    """Return the series of a product's packages, largest first. Their sum is that of all packages."""
    others = others_series(board, group)
    # In stacked bars, the largest are at the bottom.
    ranked = _by_size(group.downloads)
    shown = ranked if others is None else ranked[: SERIES_SHOWN - 1]
    return (*(_series(item, board.as_of) for item in shown), *([others] if others else ()))


def _by_size(items: Sequence[DownloadItem]) -> list[DownloadItem]:
    return sorted(items, key=size_of, reverse=True)


def item_chart(board: Dashboard, item: Item, drawn: Iterable[Chart] = ()) -> Chart:
    """Return the chart of one metric; its series is reused from the charts in ``drawn`` if possible."""
    events = [event for event in board.events if item.metric.product in event.products]
    if isinstance(item, DownloadItem):
        title, kind = f"Downloads of {item.metric.subject} ({isolate(item.metric.label)})", ChartKind.FLOW
    else:
        title, kind = f"GitHub stars of {item.metric.subject}", ChartKind.STOCK
    found = (series for chart in drawn for series in chart.series if series.metric_id == item.metric.metric_id)
    series = next(found, None) or _series(item, board.as_of)
    return Chart(
        item.metric.slug,
        title,
        kind,
        board.as_of,
        (series,),
        tuple(events),
        scope=item.source_title,
    )


def total_stars_chart(board: Dashboard) -> Chart | None:
    """Return the chart of all repositories together; None if there is only one."""
    items = [item for group in board.groups for item in group.stars]
    if len(items) <= 1:
        return None
    points = board.total_stars_points
    total = Series(
        key="all-stars",
        metric_id=None,
        name="All repositories",
        subject=f"all {len(items)} repositories",
        source_title=items[0].source_title,
        tone=TOTAL,
        days=points,
        months=stock_periods(points, MONTHS, board.as_of),
    )
    title = "GitHub stars, all repositories"
    parts = tuple(_series(item, board.as_of) for item in items)
    series = (total, *parts) if len(parts) <= PARTS_BESIDE_TOTAL else (total,)
    left_out = len(parts) - len(series) + 1
    scope = plural(len(items), "repository", "repositories")
    return Chart("all-stars", title, ChartKind.STOCK, board.as_of, series, board.events, left_out, scope=scope)


def largest(items: Sequence[Item]) -> list[Item]:
    """Return the items that fit in one chart: the largest ones, in their original order."""
    ranked = sorted(items, key=size_of, reverse=True)[:SERIES_SHOWN]
    shown = {item.metric.metric_id for item in ranked}
    return [item for item in items if item.metric.metric_id in shown]


def size_of(item: Item) -> int:
    """Return the value by which items are ranked: that of the last full month, or the newest one; -1 without any."""
    point = item.month if isinstance(item, DownloadItem) else item.latest
    return point.value if point else -1


def _series(item: Item, as_of: date) -> Series:
    metric, days = item.metric, points_by_day(item)
    is_flow = isinstance(item, DownloadItem)
    return Series(
        key=metric.slug,
        metric_id=metric.metric_id,
        name=f"{isolate(metric.label)} ({metric.subject})" if is_flow else metric.subject,
        subject=metric.subject,
        source_title=item.source_title,
        tone=item.tone,
        days=days,
        months=item.points if isinstance(item, DownloadItem) else stock_periods(days, MONTHS, as_of),
    )


def extent_of(chart: Chart, series: Series, first: date = date.min) -> Extent | None:
    """Return the key numbers of a series from ``first`` on, without incomplete months."""
    if chart.is_flow:
        whole = (p for p in series.months if p.is_complete or p.kind is PointKind.SEEDED)
        points = [(p.period_end, p.value) for p in whole if p.period_end >= first]
    else:
        known = series.days.known
        points = [pair for pair in zip(known.dates, known.values.tolist(), strict=True) if pair[0] >= first]
    if not points:
        return None
    peak_day, peak = max(points, key=lambda point: (point[1], point[0]))
    (first_day, earliest), (last_day, latest) = points[0], points[-1]
    return Extent(first_day, earliest, last_day, latest, peak_day, peak, change(earliest, latest))


@dataclass(frozen=True, slots=True)
class TableRow:
    """One period of a chart's table: a cell per series, None if it has no value."""

    period_start: date
    period_end: date
    is_snapshot: bool
    cells: tuple[PeriodPoint | None, ...]


def month_rows(chart: Chart) -> tuple[TableRow, ...]:
    """Return the chart by month as table rows, newest first; every seeded snapshot has a row of its own."""
    columns = [
        {(p.period_end, p.period_start, p.kind is PointKind.SEEDED): p for p in series.months} for series in chart.shown
    ]
    keys = sorted({key for column in columns for key in column}, reverse=True)
    return tuple(TableRow(key[1], key[0], key[2], tuple(column.get(key) for column in columns)) for key in keys)
