"""The page that compares metrics. A script draws the monthly values of the chosen ones."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from cmetrics.analytics.model import DownloadItem, Item, StarItem
from cmetrics.analytics.overview import by_size
from cmetrics.domain.sanitize import isolate
from cmetrics.site.folders import COMPARE
from cmetrics.site.page import Link, Page, Site
from cmetrics.site.rows import source_of

#: The maximum number of compared metrics, as in `templates/app/compare.js`, and the number in the suggested
#: comparisons of packages.
MOST, FIRST = 6, 3


@dataclass(frozen=True, slots=True)
class Choice:
    """One metric that can be compared."""

    #: The name of its files.
    name: str
    subject: str
    source: str


def build_compare_page(site: Site) -> Page:
    """Return the page."""
    items = by_size(item for group in site.groups for item in group.items)
    return Page(
        site=site,
        path=COMPARE,
        template="compare.html.j2",
        title=f"Compare · {isolate(site.board.title)}",
        description=f"Compare metrics of {isolate(site.board.title)} by month, as an index or by age.",
        comparisons=tuple(_comparisons(site, items)),
        choices=tuple(Choice(site.names[i.metric.metric_id], i.metric.subject, source_of(i)) for i in items),
    )


def _comparisons(site: Site, items: Iterable[Item]) -> Iterator[Link]:
    """Yield links to suggested comparisons; ``items`` are sorted by size."""
    packages = [item for item in items if isinstance(item, DownloadItem) and item.month]
    repositories = [item for item in items if isinstance(item, StarItem) and item.latest]
    for text, found in (
        ("Compare the most downloaded packages", packages[:FIRST]),
        ("Compare GitHub stars", repositories[:MOST]),
    ):
        if len(found) > 1:
            names = ",".join(site.names[item.metric.metric_id] for item in found)
            yield Link(text, f"{COMPARE}?m={names}")
