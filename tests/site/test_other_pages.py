"""The pages besides the overview: nothing overlaps, is cut off or empty, on any screen and with any names."""

from __future__ import annotations

import pytest

from tests.site.test_look import pages
from tests.site.test_page import overflow
from tests.site.walk import LOW_CONTRAST
from tests.world.page_data import NOW

IN_VIEW = """(id) => {
  const { top, bottom, height } = document.getElementById(id).getBoundingClientRect();
  return height > 0 && top >= 0 && bottom <= innerHeight;
}"""


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


def test_many_changes(reader, data_site):
    """The largest changes and the newest news are listed, the others folded by product and year; links unfold them."""
    site = data_site("m300")
    page = reader.open(f"{site.url}changes.html", now=NOW)
    items = page.locator(".changes > li")
    shown = [item for item in items.all() if item.is_visible()]
    assert len(shown) == 12
    assert items.count() == len(site.data.publication().findings.insights.items)
    assert page.evaluate("document.documentElement.scrollHeight") < 4_000
    folded = page.locator(".folded .changes > li").last
    target = folded.get_attribute("id")
    assert not folded.is_visible()
    page.goto(f"{site.url}changes.html#{target}")
    # It is scrolled to smoothly.
    page.wait_for_function(IN_VIEW, arg=target)
    # Within the page, too.
    other = page.locator(".folded .news > li").last
    assert not other.is_visible()
    page.evaluate("(id) => { location.hash = id; }", other.get_attribute("id"))
    page.wait_for_function(IN_VIEW, arg=other.get_attribute("id"))


def test_news_do_not_repeat_their_title(reader, data_site):
    """What stands below a title adds to it."""
    page = reader.open(f"{data_site('rich').url}changes.html", now=NOW)
    for item in page.locator(".news > li").all():
        title, text = item.locator("strong").text_content(), item.locator("span").text_content()
        assert title.partition(": ")[0] not in text, title


@pytest.mark.parametrize("width", [390, 768, 1280, 1920])
def test_names_of_series_are_whole(reader, data_site, width):
    """Packages whose names begin alike are told apart: no name is cut off at the end of its series."""
    site = data_site("m24")
    page = reader.open(f"{site.url}products/p00.html", now=NOW, size=(width, 900))
    cut = page.locator(".chart .legend bdi").evaluate_all(
        """(all) => all
          .filter((one) => getComputedStyle(one).overflow === "hidden" && one.scrollWidth > one.clientWidth + 1)
          .map((one) => one.textContent)"""
    )
    assert cut == []


def test_a_product_of_many_packages_adds_up(reader, data_site):
    """The label of the last bar is the number of the sentence, also where not every package has a colour."""
    page = reader.open(f"{data_site('m300').url}products/p00.html", now=NOW)
    label = page.locator("#chart-downloads-p00 .last").text_content()
    assert page.locator(".answer").inner_text().startswith(f"{label.removesuffix('M')} million downloads")
    others = page.locator("#chart-downloads-p00 .legend button").last
    assert others.inner_text().startswith("5 others")
    # Days and weeks of the others are in a file of their own.
    page.goto(f"{data_site('m300').url}products/p00.html?by=week")
    page.locator("#chart-downloads-p00 .plot.js-plotly-plot .main-svg").first.wait_for()
    assert page.locator("#chart-downloads-p00 .plot .trace").count() == 8


@pytest.mark.parametrize("width", [768, 900, 1024])
def test_masthead_on_a_tablet(reader, data_site, width):
    """The name of the site takes two lines at most, and the bar has no more room than its lines need."""
    page = reader.open(data_site("rich").url, now=NOW, size=(width, 900))
    lines = page.locator(".brand").evaluate(
        """(brand) => {
          const range = document.createRange();
          range.selectNodeContents(brand);
          return new Set([...range.getClientRects()].map((box) => Math.round(box.bottom))).size;
        }"""
    )
    assert lines <= 3, "the sign and two lines"
    assert page.locator(".masthead").bounding_box()["height"] <= 110


@pytest.mark.parametrize("width", [768, 1280])
def test_headings_of_tables_are_whole_words(reader, data_site, width):
    """No heading is broken within a word."""
    page = reader.open(f"{data_site('rich').url}products/lance.html", now=NOW, size=(width, 900))
    heads = page.locator(".releases thead th").evaluate_all(
        "(all) => all.map((one) => [one.textContent, one.clientHeight])"
    )
    assert len({height for _, height in heads}) == 1
    assert max(height for _, height in heads) < 40, heads


def test_the_comma_is_no_part_of_the_change(reader, data_site):
    """Only what has changed has a colour of its own in the sentence."""
    page = reader.open(data_site("rich").url, now=NOW)
    change = page.locator("h1 .change")
    assert change.inner_text() == "up 10% on September"
    assert page.locator("h1").inner_text() == "7.6 million downloads in October, up 10% on September"
    colours = page.locator("h1, h1 .change").evaluate_all("(all) => all.map((one) => getComputedStyle(one).color)")
    assert colours[0] != colours[1]


def test_an_incomplete_month_says_so(reader, data_site):
    """A total of which days are missing is not stated as that of the month alone."""
    page = reader.open(data_site("stale").url, now=NOW)
    assert page.locator("h1").inner_text() == "4.79 million downloads in October"
    assert page.locator(".lead").inner_text().startswith("100 of 155 package-days. ")


def test_nothing_is_missing_on_paper(reader, data_site):
    """News, freshness and the charts of packages are printed: below every heading there is what it announces."""
    site = data_site("rich")
    page = reader.open(site.url, now=NOW, size=(794, 1123))
    for path, wanted in (
        ("changes.html", "section > .news li"),
        ("quality.html", ".freshness tbody tr"),
        ("products/lance.html", ".multiples .spark"),
    ):
        page.goto(f"{site.url}{path}")
        page.emulate_media(media="print")
        boxes = [one.bounding_box() for one in page.locator(wanted).all()]
        assert len(boxes) >= 2
        assert all(box is not None and box["height"] >= 10 for box in boxes), path
        assert overflow(page) == 0
        bare = page.locator("main h2").evaluate_all(
            """(all) => all
              .filter((one) => one.checkVisibility() && one.getBoundingClientRect().height > 1)
              .map((one) => [one.textContent, one.getBoundingClientRect(), one.parentElement.getBoundingClientRect()])
              .filter(([, heading, section]) => section.bottom - heading.bottom < 12)
              .map(([text]) => text)"""
        )
        assert bare == [], path
