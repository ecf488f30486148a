"""What a reader sees: computed styles, geometry and pixels, not the text that is in the page."""

from __future__ import annotations

from playwright.sync_api import Page

from tests.site.conftest import enliven
from tests.world.page_data import NOW


def point_at_last_bar(page: Page, key: str) -> None:
    """Move the mouse to the last bar of the first series, until its text shows."""
    chart = page.locator(f"#chart-{key}")
    chart.locator(".canvas").scroll_into_view_if_needed()
    box = chart.locator(".barlayer .trace").first.locator(".point").last.bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    chart.locator(".hoverlayer .hovertext").wait_for()


FILLS = "(all) => all.map((one) => getComputedStyle(one).fill)"


def test_hover_text_visible(reader, data_site):
    """Every line of a hover text and of an axis label is painted."""
    page = reader.open(data_site("rich").url, now=NOW)
    enliven(page, "downloads-lance")
    point_at_last_bar(page, "downloads-lance")
    for place in (".hovertext tspan", ".xtick tspan", ".xtick text"):
        fills = page.locator(f"#chart-downloads-lance {place}").evaluate_all(FILLS)
        assert "none" not in fills, place
    assert page.locator("#chart-downloads-lance .hovertext tspan").count() >= 2
