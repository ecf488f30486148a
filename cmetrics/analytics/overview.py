"""The data of the overview: all downloads by month, the newest month, stars, and the metrics by size. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from cmetrics.analytics.chart import PARTS_BESIDE_TOTAL, TOTAL, Chart, ChartKind, Series, size_of
from cmetrics.analytics.dashboard import KNOWN_TONES
from cmetrics.analytics.facts import FIRST_STEP
from cmetrics.analytics.insight_results import Insights, Rollup, Scope, Unit, Window
from cmetrics.analytics.model import (
    STALE_DAYS,
    Change,
    Dashboard,
    DownloadItem,
    Item,
    StarFlow,
    StarItem,
)
from cmetrics.analytics.phrases import round_number
from cmetrics.analytics.product import weekly_net
from cmetrics.analytics.series import month_of, star_change
from cmetrics.analytics.sums import complete_days, month_points
from cmetrics.domain.days import Month, last_full_month

#: The key of the chart of all downloads; the charts of products have the product's id after a hyphen.
ALL_DOWNLOADS = "downloads"
YEAR_DAYS = 365
#: The names of the default SDKs of sources, for packages that each have a display name of their own.
_SDK_NAMES = {"nodejs": "Node.js", "php": "PHP", "python": "Python", "r": "R", "ruby": "Ruby", "rust": "Rust"}


@dataclass(frozen=True, slots=True)
class Part:
    """Packages that form one part of the total."""

    key: str
    name: str
    tone: str
    items: Sequence[DownloadItem]


def all_downloads_chart(board: Dashboard) -> Chart | None:
    """Return the chart of all downloads, split by product, by SDK, and unsplit; None if there are no packages."""
    items = [item for group in board.groups for item in group.downloads]
    if not items:
        return None
    splits = {"product": _products(board), "sdk": _sdks(items), "total": [Part("all", "All packages", TOTAL, items)]}
    series = [_series(part, split, board) for split, parts in splits.items() for part in _largest(parts, split)]
    return Chart(
        ALL_DOWNLOADS,
        "Downloads per month",
        ChartKind.FLOW,
        board.as_of,
        tuple(series),
        board.events,
        scope="All packages",
    )


def month_to_date(insights: Insights | None) -> Rollup | None:
    """Return the downloads of the current month, compared with the same weekdays before.

    None without recent data, and on the last day of a month.
    """
    if insights is None:
        return None
    found = (
        row
        for row in insights.rollups
        if row.scope is Scope.ALL and row.window is Window.MONTH_TO_DATE and row.unit is Unit.DOWNLOADS
    )
    as_of = insights.as_of
    if last_full_month(as_of) == Month.of(as_of):
        # The month has ended, and its sum is the first number.
        return None
    recent = (row for row in found if row.end is not None and (as_of - row.end).days <= STALE_DAYS)
    return next((row for row in recent if row.value is not None), None)


def star_flow_30(board: Dashboard) -> StarFlow | None:
    """Return the stars gained and lost in 30 days over all repositories; None unless known for all on the same days."""
    flows = [item.flow_30 for group in board.groups for item in group.stars]
    known = [flow for flow in flows if flow is not None]
    if not known or len(known) < len(flows) or len({(flow.first_day, flow.last_day) for flow in known}) > 1:
        return None
    gained, lost, net = ([getattr(flow, name) for flow in known] for name in ("gained", "lost", "net"))
    sums = [None if None in values else sum(values) for values in (gained, lost, net)]
    return StarFlow(known[0].first_day, known[0].last_day, *sums)


def weekly_stars(board: Dashboard) -> tuple[int | None, ...]:
    """Return the net gain of stars by full week, oldest first; None for a week without a count at both ends."""
    return tuple(week.value for week in weekly_net([board.total_stars_points], board.as_of))


def year_change(item: Item) -> Change | None:
    """Return the change from the same month of the year before; for stars, from a year before."""
    if isinstance(item, DownloadItem):
        return item.year_on_year
    return star_change(item.points, YEAR_DAYS) if isinstance(item, StarItem) and item.change_30 else None


def by_size(items: Iterable[Item]) -> list[Item]:
    """Return downloads, then stars, then everything else, each largest first."""

    def rank(item: Item) -> tuple[int, int]:
        return 0 if isinstance(item, DownloadItem) else 1 if isinstance(item, StarItem) else 2, -size_of(item)

    return sorted(items, key=rank)


def _products(board: Dashboard) -> list[Part]:
    groups = [group for group in board.groups if group.downloads]
    return [Part(group.product, group.title, "", group.downloads) for group in groups]


def _sdks(items: Sequence[DownloadItem]) -> list[Part]:
    """Return the packages by SDK, with the names of their metrics."""
    by_sdk: dict[str, list[DownloadItem]] = {}
    for item in items:
        by_sdk.setdefault(item.metric.sdk or "other", []).append(item)
    return [Part(sdk, _sdk_name(found), sdk if sdk in KNOWN_TONES else "", found) for sdk, found in by_sdk.items()]


def _sdk_name(items: Sequence[DownloadItem]) -> str:
    names = {item.metric.label for item in items}
    sdk = items[0].metric.sdk or "Other"
    return names.pop() if len(names) == 1 else _SDK_NAMES.get(sdk, sdk)


def _largest(parts: Sequence[Part], split: str) -> list[Part]:
    """Return the parts, largest first, with their colours. Parts beyond the number of colours are combined."""

    def size(part: Part) -> int:
        return sum(item.month.value for item in part.items if item.month)

    ranked = sorted(parts, key=size, reverse=True)
    if len(ranked) > PARTS_BESIDE_TOTAL:
        shown, rest = ranked[: PARTS_BESIDE_TOTAL - 1], ranked[PARTS_BESIDE_TOTAL - 1 :]
        others = [item for part in rest for item in part.items]
        ranked = [*shown, Part("others", f"{len(rest)} others", "n4", others)]
    tones = ("a0", "a1", "n0", "n3", "n2", "n1") if split == "product" else ("n0", "n3", "n2", "n1", "n5", "n6")
    return [
        Part(part.key, part.name, part.tone or tones[number % len(tones)], part.items)
        for number, part in enumerate(ranked)
    ]


def _series(part: Part, split: str, board: Dashboard) -> Series:
    found = month_points(part.items, board.as_of)
    days = complete_days(part.items)
    return Series(
        key=f"{split}-{part.key}",
        metric_id=None,
        name=part.name,
        subject=part.name,
        source_title=", ".join(dict.fromkeys(item.source_title for item in part.items)),
        tone=part.tone,
        days=days,
        months=found,
        split=split,
        members=tuple(item.metric.metric_id for item in part.items),
    )


@dataclass(frozen=True, slots=True)
class FirstTime:
    """A round number of downloads that a product, or all products, first reached in the last full month."""

    #: None for all products together.
    name: str | None
    step: int


def first_time(chart: Chart | None) -> FirstTime | None:
    """Return the largest round number that was first exceeded in the last full month; None if there is none."""
    if chart is None:
        return None
    month = last_full_month(chart.as_of)
    products = {series.name for series in chart.series if series.split == "product"}
    found = []
    for series in chart.series:
        if series.split not in ("product", "total") or (series.split == "product" and len(products) == 1):
            continue
        now = month_of(series.months, month)
        before = max((point.value for point in series.months if point.period_end < month.first), default=None)
        step = round_number(now.value) if now and now.is_complete else 0
        if before is not None and step >= FIRST_STEP and before < step:
            found.append(FirstTime(series.name if series.split == "product" else None, step))
    return max(found, key=lambda one: (one.step, one.name is None), default=None)
