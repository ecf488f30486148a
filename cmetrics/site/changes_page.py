"""What changed: the items of the overview, and the page with all items, omissions, and earlier news."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from cmetrics.analytics.insight_results import Item, ItemCategory, ItemKind
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
        changes=build_changes(site, site.insights.items if site.insights else ()),
    )


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
