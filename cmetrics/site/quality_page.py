"""The page of data quality: days, freshness, errors, and how things are counted."""

from __future__ import annotations

from cmetrics.analytics.calendar import build_calendar
from cmetrics.domain.sanitize import isolate
from cmetrics.site import format as fmt
from cmetrics.site.folders import QUALITY
from cmetrics.site.page import Page, Site


def build_quality_page(site: Site) -> Page:
    """Return the page of data quality."""
    board = site.board
    return Page(
        site=site,
        path=QUALITY,
        template="quality.html.j2",
        title=f"Data quality · {isolate(board.title)}",
        description=f"Which days of {isolate(board.title)} are stored, and what is missing. {fmt.through(board)}",
        calendar=build_calendar(board, board.items, site.quality.gaps),
    )
