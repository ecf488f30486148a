"""The page that compares metrics. A script draws it from the monthly values of the chosen ones."""

from __future__ import annotations

from dataclasses import dataclass

from cmetrics.analytics.overview import by_size
from cmetrics.domain.sanitize import isolate
from cmetrics.site.folders import COMPARE
from cmetrics.site.page import Page, Site
from cmetrics.site.rows import source_of


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
        choices=tuple(Choice(site.names[i.metric.metric_id], i.metric.subject, source_of(i)) for i in items),
    )
