"""The navigation of every page, and its targets."""

from __future__ import annotations

import pytest

from tests.site.conftest import axe
from tests.site.test_page import overflow
from tests.world.page_data import NOW

PAGES = ["index.html", "quality.html", "products/lance.html", "metrics/downloads-lance-python.html"]


@pytest.mark.parametrize("scripts", [True, False], ids=["with scripts", "without scripts"])
@pytest.mark.parametrize("path", PAGES)
def test_links(reader, data_site, path, scripts):
    """Every page has the same links to existing places, with and without scripts, at 360 px."""
    site = data_site("rich")
    page = reader.open(site.url + path, now=NOW, size=(360, 800), java_script_enabled=scripts)
    links = page.get_by_role("navigation", name="Pages").get_by_role("link")
    texts = links.all_inner_texts()
    assert texts[:4] == ["Overview", "Packages", "Stars", "Data quality"]
    assert page.locator(".masthead .through").inner_text() == "Data through 24 Nov 2026 (UTC)."
    if scripts:
        assert overflow(page) == 0
        current = page.locator("nav [aria-current]").all_inner_texts()
        assert current == {"index.html": ["Overview"], "quality.html": ["Data quality"]}.get(path, [])
    for text in texts:
        page.get_by_role("navigation", name="Pages").get_by_role("link", name=text, exact=True).click()
        assert page.locator("h1").is_visible()
        if "#" in page.url:
            assert page.locator(f"[id='{page.url.rpartition('#')[2]}']").count() == 1
        page.goto(site.url + path)


def test_no_links_on_paper(reader, data_site):
    """A print has the name of the site and the day of the data, but no links."""
    page = reader.open(data_site("rich").url, now=NOW)
    page.emulate_media(media="print")
    assert page.locator(".masthead nav").is_hidden()
    assert page.locator(".brand").is_visible()
    assert page.locator(".masthead .through").is_visible()


def test_links_can_be_touched(reader, data_site):
    """On a phone, links and the theme button are at least 44 px high."""
    page = reader.open(data_site("rich").url, now=NOW, size=(390, 844), has_touch=True, is_mobile=True)
    for target in page.locator(".masthead nav a, .masthead button:visible, .brand").all():
        assert target.bounding_box()["height"] >= 44


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("path", PAGES)
def test_accessible(reader, data_site, path, scheme):
    """axe-core finds nothing."""
    page = reader.open(data_site("rich").url + path, now=NOW, size=(390, 844), color_scheme=scheme)
    assert axe(page) == []


def test_old_anchors(reader, data_site):
    """Links to parts that have moved to other pages still lead to them."""
    page = reader.open(f"{data_site('rich').url}#method", now=NOW)
    page.locator("#method").click()
    assert page.url.endswith("quality.html#method")
    assert page.locator(".method").is_visible()
