"""The pages of products and of their metrics."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from cmetrics.analytics.calendar import build_calendar
from cmetrics.analytics.chart import Chart, item_chart
from cmetrics.analytics.model import CountItem, Group
from cmetrics.domain.sanitize import isolate
from cmetrics.site import format as fmt
from cmetrics.site.page import LONGEST_TITLE, Page, Site, metric_path, product_path
from cmetrics.site.views import (
    Card,
    Section,
    build_cards,
    build_count_view,
    build_rows,
    build_section,
    build_view,
)


def group_paths(site: Site, group: Group) -> list[str]:
    """Return the paths of the pages of a product, in their order."""
    return [product_path(group), *(metric_path(site, item) for item in group.items)]


def build_group_pages(site: Site, group: Group) -> Iterator[Page]:
    """Yield the page of a product, then those of its metrics."""
    page = _product_page(site, group)
    yield page
    drawn = [view.chart for section in page.sections for view in section.charts]
    for card in build_cards(site, group):
        yield _metric_page(site, group, card, drawn)


def _product_page(site: Site, group: Group) -> Page:
    section = build_section(site, group, root="../")
    return Page(
        site=site,
        path=product_path(group),
        template="product.html.j2",
        title=f"{isolate(group.title)} · {isolate(site.board.title)}",
        description=f"Downloads and GitHub stars of {isolate(group.title)}. {fmt.through(site.board)}",
        sections=(section,),
        rows=build_rows(site, (group,), root="../"),
        calendar=build_calendar(site.board, group.items, site.quality.gaps, total=False),
    )


def _metric_page(site: Site, group: Group, card: Card, drawn: Sequence[Chart]) -> Page:
    item = card.item
    if isinstance(item, CountItem):
        return _count_page(site, group, card, item)
    chart = item_chart(site.board, item, drawn)
    return Page(
        site=site,
        path=metric_path(site, item),
        template="metric.html.j2",
        title=_title(chart.title, site),
        description=f"{chart.title}. {fmt.through(site.board)}",
        sections=(Section(group, (build_view(site, chart, is_whole=True),), f"../{product_path(group)}"),),
        card=card,
        calendar=build_calendar(site.board, (item,), site.quality.gaps, total=False),
    )


def _count_page(site: Site, group: Group, card: Card, item: CountItem) -> Page:
    figure = build_count_view(site, item, is_whole=True)
    return Page(
        site=site,
        path=metric_path(site, item),
        template="count.html.j2",
        title=_title(figure.title, site),
        description=f"{figure.title}. {fmt.through(site.board)}",
        sections=(Section(group, (), f"../{product_path(group)}", (figure,)),),
        card=card,
        calendar=build_calendar(site.board, (item,), site.quality.gaps, total=False),
    )


def _title(text: str, site: Site) -> str:
    """Return the title of a page, with the name of the site if search engines show both."""
    whole = f"{text} · {isolate(site.board.title)}"
    return whole if len(whole) <= LONGEST_TITLE else text
