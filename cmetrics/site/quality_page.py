"""The page of data quality: days, freshness, errors, and how things are counted."""

from __future__ import annotations

from collections.abc import Iterator

from cmetrics.analytics.calendar import build_calendar
from cmetrics.analytics.headlines import short_names
from cmetrics.domain import formats
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
        unusual=tuple(_unusual(site)),
    )


def _unusual(site: Site) -> Iterator[str]:
    """Yield the findings with the names and days of the other pages."""
    names = {note.name: note.public_name for note in site.sources}
    names |= short_names(item.metric for item in site.board.items)

    def name(identifier: str) -> str:
        return isolate(names.get(identifier, identifier))

    for text in site.quality.describe_published(name, formats.short_day):
        yield text[:1].upper() + text[1:]
