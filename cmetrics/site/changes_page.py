"""The page of changes: everything that stands out, what is not judged, and earlier news."""

from __future__ import annotations

from cmetrics.site import format as fmt
from cmetrics.site.folders import CHANGES
from cmetrics.site.page import Page, Site


def build_changes_page(site: Site) -> Page:
    """Return the page of changes."""
    board = site.board
    return Page(
        site=site,
        path=CHANGES,
        template="changes.html.j2",
        title=f"What changed · {board.title}",
        description=f"Changes, milestones and outages of {board.title}. {fmt.through(board)}",
    )
