"""What changed: the items of the overview, and the page with all items, omissions, and earlier news."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import groupby

from cmetrics.analytics.insight_results import Item, ItemCategory, ItemKind
from cmetrics.analytics.news import NewsItem
from cmetrics.domain.days import Month
from cmetrics.domain.sanitize import isolate
from cmetrics.site import format as fmt
from cmetrics.site.folders import CHANGES, QUALITY, report_path
from cmetrics.site.page import Page, Site


@dataclass(frozen=True, slots=True)
class ChangeView:
    """One item of "What changed" with a link to its evidence."""

    item: Item
    href: str

    @property
    def sign(self) -> str:
        """The meaning of its icon, for screen readers."""
        return _SIGNS[self.item.category]


@dataclass(frozen=True, slots=True)
class ChangeGroup:
    """Changes of one product in a collapsed list."""

    title: str
    changes: tuple[ChangeView, ...]


@dataclass(frozen=True, slots=True)
class NewsGroup:
    """News of one year in a collapsed list, newest first."""

    year: int
    items: tuple[NewsItem, ...]


@dataclass(frozen=True, slots=True)
class ChangesView:
    """The changes and news of their page. If there are many, most are collapsed, to keep the page short."""

    #: The largest changes, and the others by product.
    first: tuple[ChangeView, ...]
    rest: tuple[ChangeGroup, ...]
    #: The newest news, and the others by year.
    news: tuple[NewsItem, ...]
    earlier: tuple[NewsGroup, ...]


#: The maximum number of changes or news that are listed in full. Further ones are collapsed.
MOST, FIRST = 24, 12
_SIGNS = {
    ItemCategory.RISE: "Rise",
    ItemCategory.FALL: "Fall",
    ItemCategory.MILESTONE: "Milestone",
    ItemCategory.RELEASE: "Release",
    ItemCategory.GAP: "Missing data",
}


def build_changes_page(site: Site) -> Page:
    """Return the page of changes."""
    board = site.board
    return Page(
        site=site,
        path=CHANGES,
        template="changes.html.j2",
        title=f"What changed · {isolate(board.title)}",
        description=f"Changes, milestones and outages of {isolate(board.title)}. {fmt.through(board)}",
        all_changes=_build_view(site),
    )


def _build_view(site: Site) -> ChangesView:
    changes = build_changes(site, site.insights.items if site.insights else ())
    shown, newest = _listed(len(changes)), _listed(len(site.news))
    by_product: dict[str | None, list[ChangeView]] = {group.product: [] for group in site.board.groups}
    for view in changes[shown:]:
        by_product.setdefault(view.item.product, []).append(view)
    titles: dict[str | None, str] = {group.product: group.title for group in site.board.groups}
    # Items without a product are last.
    rest = [ChangeGroup(titles.get(name, "Several products"), tuple(found)) for name, found in by_product.items()]
    earlier = groupby(site.news[newest:], key=lambda item: item.day.year)
    return ChangesView(
        first=changes[:shown],
        rest=tuple(group for group in rest if group.changes),
        news=site.news[:newest],
        earlier=tuple(NewsGroup(year, tuple(items)) for year, items in earlier),
    )


def _listed(count: int) -> int:
    """Return how many of ``count`` changes or news are listed in full."""
    return count if count <= MOST else FIRST


def build_changes(site: Site, items: Iterable[Item]) -> tuple[ChangeView, ...]:
    """Return the items, each with a link to the page that shows its numbers."""
    return tuple(ChangeView(item, _evidence(site, item)) for item in items)


def _evidence(site: Site, item: Item) -> str:
    if item.kind is ItemKind.GAP:
        return f"{QUALITY}#calendar"
    if len(item.metric_ids) == 1 and item.metric_ids[0] in site.names:
        return f"metrics/{site.names[item.metric_ids[0]]}.html"
    if item.product:
        return f"products/{item.product}.html"
    month = Month.of(item.start)
    return report_path(month) if month in site.reports else f"{CHANGES}#{item.id}"
