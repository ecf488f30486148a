"""Build the data of all pages for the templates."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from cmetrics.analytics.insight_results import Insights
from cmetrics.analytics.model import Dashboard
from cmetrics.analytics.news import NewsItem
from cmetrics.analytics.quality import DataQuality
from cmetrics.domain.days import Month
from cmetrics.domain.metric import SourceSpec, file_names
from cmetrics.domain.sanitize import isolate
from cmetrics.site import format as fmt
from cmetrics.site.changes_page import build_changes_page
from cmetrics.site.compare_page import build_compare_page
from cmetrics.site.feed import ENTRIES
from cmetrics.site.folders import CHANGES, COMPARE, INDEX, QUALITY, report_path
from cmetrics.site.overview_page import build_overview_page
from cmetrics.site.page import Page, Site, SourceNote, products_with_card
from cmetrics.site.product_pages import build_group_pages, group_paths
from cmetrics.site.quality_page import build_quality_page
from cmetrics.version import __version__


def build_site(
    board: Dashboard,
    specs: Mapping[str, SourceSpec],
    url: str | None,
    news: Sequence[NewsItem] = (),
    quality: DataQuality | None = None,
    *,
    names: Mapping[str, str] | None = None,
    insights: Insights | None = None,
    reports: tuple[Month, ...] = (),
) -> Site:
    """Return the data of all pages.

    ``names`` are the file names of metrics by id; without them, only those of the dashboard are used.
    """
    used = [specs[source] for source in dict.fromkeys(item.metric.source for item in board.items)]
    return Site(
        board=board,
        url=url,
        description=_description(board),
        sources=tuple(SourceNote(spec.name, spec.title, spec.public_name, spec.counts) for spec in used),
        methods=tuple(_methods(board, specs).items()),
        news=tuple(news[:ENTRIES]),
        quality=quality or DataQuality(),
        names=names or file_names(item.metric.metric_id for item in board.items),
        version=__version__,
        insights=insights,
        reports=reports,
        cards=products_with_card(board),
    )


def _methods(board: Dashboard, specs: Mapping[str, SourceSpec]) -> dict[str, str]:
    """Return what each source counts.

    The count is named too if its description differs from that of the source, or if two sources of a service have the
    same name.
    """
    used = {item.metric.source: specs[item.metric.source].public_name for item in board.items}
    names = list(used.values())
    methods: dict[str, str] = {}
    for item in board.items:
        spec, measure = specs[item.metric.source], item.metric.measure
        is_whole = measure.counts is None and names.count(spec.public_name) == 1
        name = spec.public_name if is_whole else f"{spec.public_name}: {measure.card_label}"
        methods[name] = measure.counts or spec.counts
    return methods


def count_parts(site: Site) -> int:
    """Return the number of parts of the site: that of the front page, and each product with its metrics."""
    return 1 + len(site.groups)


def page_paths(site: Site) -> list[str]:
    """Return the paths of all pages, in the order of their parts, then those of the reports."""
    pages = [path for group in site.groups for path in group_paths(site, group)]
    reports = [report_path(month) for month in (None, *site.reports)] if site.reports else []
    return [INDEX, CHANGES, COMPARE, QUALITY, *pages, *reports]


def build_pages(site: Site, part: int) -> Iterator[Page]:
    """Yield the pages of a part. Each page is built on demand."""
    if part == 0:
        yield build_overview_page(site)
        yield build_changes_page(site)
        yield build_compare_page(site)
        yield build_quality_page(site)
        return
    yield from build_group_pages(site, site.groups[part - 1])


def _description(board: Dashboard) -> str:
    totals: list[str] = []
    if board.month_total:
        month = board.month_total
        days = "" if month.is_complete else f" ({month.days_observed} of {month.days_expected} days)"
        totals.append(f"{fmt.number(month.value)} downloads in {fmt.month(month.period_start)}{days}")
    if board.total_stars:
        totals.append(f"{fmt.number(board.total_stars.value)} GitHub stars")
    products = ", ".join(isolate(group.title) for group in board.groups[:4])
    facts = f": {', '.join(totals)}" if totals else ""
    return f"{products}{facts}. {fmt.through(board)}"
