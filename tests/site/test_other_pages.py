"""The pages besides the overview: nothing overlaps, is cut off or empty, on any screen and with any names."""

from __future__ import annotations

import pytest

from tests.site.test_look import pages
from tests.site.test_page import overflow
from tests.site.walk import LOW_CONTRAST
from tests.world.page_data import NOW


@pytest.mark.parametrize(("name", "width"), [("weird", 1280), ("weird", 360), ("eight", 768), ("stale", 390)])
def test_nothing_is_wider_than_the_window(reader, data_site, name, width):
    """Also not what is hidden from the eye."""
    site = data_site(name)
    for path in pages(site):
        page = reader.open(f"{site.url}{path}", now=NOW, size=(width, 900))
        assert overflow(page) == 0, path
        page.context.close()


def test_lost_readers_see_the_site(reader, data_site):
    """The page for wrong addresses has the name and the colours of the site, in both schemes."""
    site = data_site("rich")
    for scheme in ("light", "dark"):
        page = reader.open(f"{site.url}404.html", color_scheme=scheme, size=(390, 844))
        assert page.locator(".brand").inner_text() == "Lance & LanceDB community metrics"
        assert page.evaluate(LOW_CONTRAST) == []
        assert overflow(page) == 0
        ground = page.evaluate("getComputedStyle(document.body).backgroundColor")
        page.goto(f"{site.url}quality.html")
        assert ground == page.evaluate("getComputedStyle(document.body).backgroundColor")


def test_releases_on_a_phone(reader, data_site):
    """Each package with its change and its result can be read without sideways scrolling."""
    page = reader.open(f"{data_site('rich').url}products/lancedb.html", now=NOW, size=(390, 844))
    scroll = page.locator(".scroll:has(.releases)").first
    assert scroll.evaluate("(one) => one.scrollWidth - one.clientWidth") == 0
    cells = page.locator(".releases").first.locator("td, th:not([scope=col])")
    assert all(
        box["x"] >= 0 and box["x"] + box["width"] <= 390 for box in (cell.bounding_box() for cell in cells.all())
    )


def test_quality_on_a_phone(reader, data_site):
    """The table of freshness says all columns within the window; commands are set as code."""
    page = reader.open(f"{data_site('rich').url}quality.html", now=NOW, size=(390, 844))
    row = page.locator(".freshness tbody tr", has_text="downloads:lance:python")
    assert row.evaluate("(one) => one.getBoundingClientRect().right") <= 390
    assert page.locator(".freshness").evaluate("(one) => one.scrollWidth - one.clientWidth") == 0
    assert page.locator(".anomalies code").first.inner_text() == "cmetrics backfill --full"
    assert "`" not in page.locator("main").inner_text()


def test_key_names_what_is_there(reader, data_site):
    """The key of a calendar has the states that some day has, and no others."""
    page = reader.open(f"{data_site('rich').url}metrics/downloads-lance-rust.html", now=NOW)
    assert page.locator(".key span").all_inner_texts() == ["Observed", "Missing"]
    page.goto(f"{data_site('rich').url}quality.html")
    classes = page.locator(".strip rect").evaluate_all("(all) => [...new Set(all.map((one) => one.className.baseVal))]")
    assert sorted(page.locator(".key span").evaluate_all("(all) => all.map((one) => one.className)")) == sorted(classes)


def test_rows_of_a_product(reader, data_site):
    """They do not repeat the product, and no cell lies over another."""
    for width in (390, 768, 1280):
        page = reader.open(f"{data_site('rich').url}products/lancedb.html", now=NOW, size=(width, 900))
        assert page.locator(".metrics tbody td:nth-child(2)").first.is_hidden()
        for row in page.locator(".metrics tbody tr").all():
            cells = [box for cell in row.locator("th, td").all() if (box := cell.bounding_box())]
            texts = row.locator(".num").evaluate_all(
                "(all) => all.filter((one) => one.checkVisibility()).map((one) => one.scrollWidth - one.clientWidth)"
            )
            assert max(texts) <= 0, (width, row.inner_text())
            assert len(cells) >= 4
            assert row.locator("th a").bounding_box()["width"] >= 40
        page.context.close()


def test_charts_side_by_side_are_level(reader, data_site):
    """The plots of two charts of one row begin at the same height, whatever controls each has."""
    page = reader.open(f"{data_site('rich').url}products/lancedb.html", now=NOW, size=(1280, 900))
    tops = page.locator(".charts .chart .still").evaluate_all(
        "(all) => all.map((one) => one.getBoundingClientRect().top)"
    )
    assert abs(tops[0] - tops[1]) <= 1


def test_the_answer_is_in_one_size(reader, data_site):
    """The change of a product is as large as the sentence that it ends."""
    page = reader.open(f"{data_site('rich').url}products/lancedb.html", now=NOW)
    sizes = page.locator(".answer, .answer .change").evaluate_all(
        "(all) => all.map((one) => getComputedStyle(one).fontSize)"
    )
    assert len(sizes) == 2
    assert sizes[0] == sizes[1]
