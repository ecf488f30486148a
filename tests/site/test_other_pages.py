"""Other pages than the overview: nothing overlaps, is cut or empty, on any screen and with any names."""

from __future__ import annotations

import re

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
    """This includes visually hidden elements."""
    site = data_site(name)
    for path in pages(site):
        page = reader.open(f"{site.url}{path}", now=NOW, size=(width, 900))
        assert overflow(page) == 0, path
        page.context.close()


def test_the_404_page_has_the_look_of_the_site(reader, data_site):
    """The page for unknown addresses has the name and the colours of the site in both schemes."""
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
    """Each package with its change and its result is readable without horizontal scrolling."""
    page = reader.open(f"{data_site('rich').url}products/lancedb.html", now=NOW, size=(390, 844))
    scroll = page.locator(".scroll:has(.releases)").first
    assert scroll.evaluate("(one) => one.scrollWidth - one.clientWidth") == 0
    cells = page.locator(".releases").first.locator("td, th:not([scope=col])")
    assert all(
        box["x"] >= 0 and box["x"] + box["width"] <= 390 for box in (cell.bounding_box() for cell in cells.all())
    )


def test_quality_on_a_phone(reader, data_site):
    """The freshness table shows all columns within the window; commands are formatted as code."""
    page = reader.open(f"{data_site('rich').url}quality.html", now=NOW, size=(390, 844))
    row = page.locator(".freshness tbody tr", has_text="Python pylance")
    assert row.evaluate("(one) => one.getBoundingClientRect().right") <= 390
    assert page.locator(".freshness").evaluate("(one) => one.scrollWidth - one.clientWidth") == 0
    assert page.locator(".anomalies code").first.inner_text() == "cmetrics backfill --full"
    assert "`" not in page.locator("main").inner_text()


def test_the_key_has_the_occurring_states(reader, data_site):
    """The key of a calendar has exactly the states of its days."""
    page = reader.open(f"{data_site('rich').url}metrics/downloads-lance-rust.html", now=NOW)
    assert page.locator(".key span").all_inner_texts() == ["Observed", "Missing"]
    page.goto(f"{data_site('rich').url}quality.html")
    classes = page.locator(".strip rect").evaluate_all("(all) => [...new Set(all.map((one) => one.className.baseVal))]")
    assert sorted(page.locator(".key span").evaluate_all("(all) => all.map((one) => one.className)")) == sorted(classes)


def test_rows_of_a_product(reader, data_site):
    """The rows omit the product, and cells do not overlap."""
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
    """The plots of two charts in a row start at the same height, whatever controls they have."""
    page = reader.open(f"{data_site('rich').url}products/lancedb.html", now=NOW, size=(1280, 900))
    tops = page.locator(".charts .chart .still").evaluate_all(
        "(all) => all.map((one) => one.getBoundingClientRect().top)"
    )
    assert abs(tops[0] - tops[1]) <= 1


def test_the_headline_has_one_size(reader, data_site):
    """The change of a product has the same size as its sentence."""
    page = reader.open(f"{data_site('rich').url}products/lancedb.html", now=NOW)
    sizes = page.locator(".answer, .answer .change").evaluate_all(
        "(all) => all.map((one) => getComputedStyle(one).fontSize)"
    )
    assert len(sizes) == 2
    assert sizes[0] == sizes[1]


def test_many_changes(reader, data_site):
    """The largest changes and newest news are listed, others folded by product and year; links unfold them."""
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
    # The page scrolls smoothly.
    page.wait_for_function(IN_VIEW, arg=target)
    # This also works within the page.
    other = page.locator(".folded .news > li").last
    assert not other.is_visible()
    page.evaluate("(id) => { location.hash = id; }", other.get_attribute("id"))
    page.wait_for_function(IN_VIEW, arg=other.get_attribute("id"))


def test_news_do_not_repeat_their_title(reader, data_site):
    """The text below a title adds information."""
    page = reader.open(f"{data_site('rich').url}changes.html", now=NOW)
    for item in page.locator(".news > li").all():
        title, text = item.locator("strong").text_content(), item.locator("span").text_content()
        assert title.partition(": ")[0] not in text, title


@pytest.mark.parametrize("width", [390, 768, 1024, 1280, 1920])
@pytest.mark.parametrize("name", ["m24", "m300"])
def test_names_of_series_are_whole(reader, data_site, name, width):
    """Names with the same beginning are not cut, so that packages can be distinguished."""
    site = data_site(name)
    page = reader.open(f"{site.url}products/p00.html", now=NOW, size=(width, 900))
    cut = page.locator(".chart .legend bdi").evaluate_all(
        """(all) => all
          .filter((one) => getComputedStyle(one).overflow === "hidden" && one.scrollWidth > one.clientWidth + 1)
          .map((one) => one.textContent)"""
    )
    assert cut == []


def test_a_product_of_many_packages_adds_up(reader, data_site):
    """The label of the last bar equals the number in the sentence, even if not every package has its own colour."""
    page = reader.open(f"{data_site('m300').url}products/p00.html", now=NOW)
    label = page.locator("#chart-downloads-p00 .last").text_content()
    assert page.locator(".answer").inner_text().startswith(f"{label.removesuffix('M')} million downloads")
    others = page.locator("#chart-downloads-p00 .legend button").last
    assert others.inner_text().startswith("5 others")
    # Days and weeks of the others are in a separate file.
    page.goto(f"{data_site('m300').url}products/p00.html?by=week")
    page.locator("#chart-downloads-p00 .plot.js-plotly-plot .main-svg").first.wait_for()
    assert page.locator("#chart-downloads-p00 .plot .trace").count() == 8


@pytest.mark.parametrize("width", [768, 900, 1024])
def test_masthead_on_a_tablet(reader, data_site, width):
    """The name of the site takes at most two lines, and the bar is no higher than its lines require."""
    page = reader.open(data_site("rich").url, now=NOW, size=(width, 900))
    lines = page.locator(".brand").evaluate(
        """(brand) => {
          const range = document.createRange();
          range.selectNodeContents(brand);
          return new Set([...range.getClientRects()].map((box) => Math.round(box.bottom))).size;
        }"""
    )
    assert lines <= 3, "the logo and two lines"
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


def test_the_comma_is_not_part_of_the_change(reader, data_site):
    """Only the change itself is coloured."""
    page = reader.open(data_site("rich").url, now=NOW)
    change = page.locator("h1 .change")
    assert change.inner_text() == "up 10% on September"
    assert page.locator("h1").inner_text() == "7.6 million downloads in October, up 10% on September"
    colours = page.locator("h1, h1 .change").evaluate_all("(all) => all.map((one) => getComputedStyle(one).color)")
    assert colours[0] != colours[1]


def test_an_incomplete_month_states_its_coverage(reader, data_site):
    """A total with missing days is not stated without its coverage."""
    page = reader.open(data_site("stale").url, now=NOW)
    assert page.locator("h1").inner_text() == "4.79 million downloads in October"
    assert page.locator(".lead").inner_text().startswith("100 of 155 package-days. ")


def test_prints_are_complete(reader, data_site):
    """News, freshness and charts of packages are printed, and no section is empty."""
    site = data_site("rich")
    page = reader.open(site.url, now=NOW, size=(794, 1123))
    for path, expected in (
        ("changes.html", "section > .news li"),
        ("quality.html", ".freshness tbody tr"),
        ("products/lance.html", ".multiples .spark"),
    ):
        page.goto(f"{site.url}{path}")
        page.emulate_media(media="print")
        boxes = [one.bounding_box() for one in page.locator(expected).all()]
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


# -- labels above bars ----------------------------------------------------------------------------

#: The labels of last values with the bars of other months that they lie over, and the lines that connect them with
#: their own bar, as boxes.
LABELS = """() => [...document.querySelectorAll("figure.flow")].map((figure) => {
  const label = [...figure.querySelectorAll(".frame .last")].find((one) => one.getBoundingClientRect().width > 0);
  if (!label) return null;
  const text = label.getBoundingClientRect();
  const middle = (text.left + text.right) / 2;
  const marks = figure.querySelector(".still .marks");
  const plot = figure.querySelector(".still").getBoundingClientRect();
  const bars = [...marks.querySelectorAll("rect.bar")].map((bar) => bar.getBoundingClientRect());
  for (const path of marks.querySelectorAll("path.bar")) {
    for (const [, x, y, wide, high] of path.getAttribute("d").matchAll(/M([\\d.]+) ([\\d.]+)h([\\d.]+)v([\\d.]+)/g)) {
      const [left, top] = [plot.left + x * plot.width / 1000, plot.top + y * plot.height / 1000];
      bars.push({ left, top, right: left + wide * plot.width / 1000, bottom: top + high * plot.height / 1000 });
    }
  }
  const isOver = (bar) => bar.left < text.right && bar.right > text.left && bar.top < text.bottom - 3
    && bar.bottom > text.top;
  const own = bars.filter((bar) => bar.left <= middle && bar.right >= middle);
  const lines = [...figure.querySelectorAll(".frame .leader")].map((one) => one.getBoundingClientRect());
  const leader = lines.find((box) => box.height > 0);
  return {
    text: label.textContent,
    over: bars.filter(isOver).length,
    gap: Math.min(...own.map((bar) => bar.top)) - text.bottom,
    left: leader ? Math.min(...own.map((bar) => bar.top)) - leader.bottom : null,
  };
}).filter(Boolean)"""


@pytest.mark.parametrize("width", [390, 768, 1280])
@pytest.mark.parametrize("path", ["", "products/lance.html", "metrics/downloads-lancedb-nodejs.html"])
def test_the_last_value_is_beside_its_bar(reader, data_site, path, width):
    """Its label lies over no bar, also if the month before is higher; a line leads from it to its own bar."""
    page = reader.open(data_site("stale").url + path, now=NOW, size=(width, 1200))
    found = page.evaluate(LABELS)
    assert found
    for query in ("", "?range=6m", "?range=1y&split=sdk", "?by=week"):
        page.goto(data_site("stale").url + path + query)
        page.wait_for_function("() => !document.querySelector('[data-stale]')")
        for label in page.evaluate(LABELS):
            assert label["over"] == 0, (query, label)
            assert label["gap"] < 12 or (label["left"] is not None and abs(label["left"]) < 2), (query, label)
    assert any(label["left"] is not None for label in found), "no neighbour is higher"


# -- names and dates ------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["rich", "stale", "weird"])
def test_quality_names_metrics_and_days_as_other_pages(reader, data_site, name):
    """No id of a metric and no ISO date is read on the page, except in stored errors."""
    page = reader.open(f"{data_site(name).url}quality.html", now=NOW)
    page.locator("main :is(.runs, .error)").evaluate_all("(all) => all.forEach((one) => one.remove())")
    text = page.locator("main").inner_text()
    assert re.findall(r"\b(?:downloads|stars|pulls|forks):\S+|\b\d{4}-\d\d-\d\d\b", text) == []
    if name == "rich":
        shown = page.locator(".anomalies li").first.inner_text()
        assert shown.startswith("Damaged: pylance, 4 days from 18 Jun 2024 to 21 Jun 2024: ")
        link = page.locator(".freshness tbody a").first
        assert link.inner_text() == "Python pylance"
        assert link.get_attribute("title") == "downloads:lance:python"


# -- space ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("width", [1024, 1280, 1920])
@pytest.mark.parametrize(("name", "path"), [("m300", "p00"), ("eight", "sdk"), ("rich", "lancedb")])
def test_charts_side_by_side_are_full(reader, data_site, name, path, width):
    """Beside a chart with a long legend there is no card that is half empty; the links are at the bottom of all."""
    page = reader.open(f"{data_site(name).url}products/{path}.html", now=NOW, size=(width, 1200))
    for chart in page.locator(".charts .chart").all():
        card, picture, foot = (box.bounding_box() for box in (chart, chart.locator(".picture"), chart.locator(".foot")))
        assert card["y"] + card["height"] - foot["y"] - foot["height"] < 20
        assert foot["y"] - picture["y"] - picture["height"] < 64
        links = chart.locator(".foot > :is(details, button):visible")
        assert len({round(link.bounding_box()["y"]) for link in links.all()}) == 1


@pytest.mark.parametrize("width", [768, 900, 1024, 1280])
def test_search_and_filters_are_in_one_line(reader, data_site, width):
    """No filter is alone in a second line."""
    page = reader.open(data_site("m300").url, now=NOW, size=(width, 900))
    parts = [part.bounding_box() for part in page.locator(".finder > *").all()]
    assert len(parts) == 5
    assert max(box["y"] for box in parts) < min(box["y"] + box["height"] for box in parts)
    assert max(box["x"] + box["width"] for box in parts) <= width - 15


def test_records_are_in_the_order_of_the_rows(reader, data_site):
    """The largest package first."""
    page = reader.open(f"{data_site('m300').url}products/p00.html", now=NOW)
    rows = page.locator(".metrics tbody th a").all_text_contents()
    assert page.locator(".records a").all_text_contents() == rows
