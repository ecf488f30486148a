"""The overview: the answer, all downloads, the newest numbers, what changed, all metrics, and stars."""

from __future__ import annotations

from dataclasses import dataclass

from cmetrics.analytics.chart import item_chart, total_stars_chart
from cmetrics.analytics.insight_results import Rollup
from cmetrics.analytics.model import StarFlow, StarItem
from cmetrics.analytics.overview import all_downloads_chart, first_time, month_to_date, star_flow_30, weekly_stars
from cmetrics.charts.spark import NetBars, net_bars
from cmetrics.site.answer import Answer, build_answer
from cmetrics.site.changes_page import ChangeView, build_changes
from cmetrics.site.folders import INDEX
from cmetrics.site.page import Page, Site
from cmetrics.site.rows import build_rows
from cmetrics.site.views import ChartView, PanelView, build_net_view, build_view


@dataclass(frozen=True, slots=True)
class Overview:
    """The content of the overview besides the rows."""

    answer: Answer
    downloads: ChartView | None
    #: The current month, compared with the same weekdays before.
    to_date: Rollup | None
    #: Over all repositories.
    flow: StarFlow | None
    #: The net gain by week.
    net: NetBars | None
    #: The total of all repositories, or that of the only one.
    stars: ChartView | None
    #: The first chart of the page: downloads or, if there are none, stars.
    first: ChartView | None
    #: The net gain of all repositories together by week.
    weeks: PanelView | None
    #: At most four items; None if nothing was evaluated.
    changes: tuple[ChangeView, ...] | None


def build_overview_page(site: Site) -> Page:
    """Return the front page."""
    return Page(
        site=site,
        path=INDEX,
        template="overview.html.j2",
        title=site.board.title,
        description=site.description,
        rows=build_rows(site, site.groups),
        overview=_overview(site),
    )


def _overview(site: Site) -> Overview:
    chart, weeks, stars = all_downloads_chart(site.board), weekly_stars(site.board), _stars(site)
    downloads = build_view(site, chart, is_whole=True) if chart else None
    return Overview(
        answer=build_answer(site.board, first_time(chart)),
        downloads=downloads,
        to_date=month_to_date(site.insights),
        flow=star_flow_30(site.board),
        net=net_bars(weeks) if any(weeks) else None,
        stars=stars,
        first=downloads or stars,
        weeks=build_net_view(site, stars.chart, _repositories(site)) if stars else None,
        changes=build_changes(site, site.insights.highlights) if site.insights else None,
    )


def _repositories(site: Site) -> list[StarItem]:
    return [item for group in site.board.groups for item in group.stars]


def _stars(site: Site) -> ChartView | None:
    items = _repositories(site)
    chart = item_chart(site.board, items[0]) if len(items) == 1 else total_stars_chart(site.board)
    return build_view(site, chart, is_whole=True) if chart else None
