"""The layout of the overview: nothing is cut, covered or moved, from phones to wide screens."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from cmetrics.catalog import load_catalog
from cmetrics.seed import load_seed
from cmetrics.site.write import write_site
from cmetrics.sources import SPECS
from tests.site.conftest import NOW as DEFAULT_NOW
from tests.site.conftest import rendered
from tests.site.test_page import overflow
from tests.world.page_data import NOW

#: Right and bottom edges of the labels of levels, and left and top edges of their plot.
LEVELS = """() => [...document.querySelectorAll("figure.chart:not(.net-stars)")].flatMap((figure) => {
  const plot = figure.querySelector(".still")?.getBoundingClientRect();
  return [...figure.querySelectorAll(".levels text")].map((text) => {
    const box = text.getBoundingClientRect();
    const { left } = figure.getBoundingClientRect();
    return [text.textContent, box.right - plot.left, box.bottom - plot.top, box.left - left];
  });
})"""
#: Elements whose text is wider than their place.
CUT = """(css) => [...document.querySelectorAll(css)].filter((one) => {
  if (!one.checkVisibility()) return false;
  const range = document.createRange();
  range.selectNodeContents(one);
  const [text, box] = [range.getBoundingClientRect(), one.getBoundingClientRect()];
  return text.width > 0 && (text.right > box.right + 1 || text.left < box.left - 1 || box.right > innerWidth);
}).map((one) => one.textContent.trim())"""
#: The vertical distance between the highest and the lowest middle of elements.
SPREAD = """(css) => {
  const shown = [...document.querySelectorAll(css)].filter((one) => one.checkVisibility());
  const boxes = shown.map((one) => one.getBoundingClientRect());
  const middles = boxes.map((box) => (box.top + box.bottom) / 2);
  return Math.max(...middles) - Math.min(...middles);
}"""
#: The greatest distance within a line; elements in different lines are farther apart.
LINE = 12


@pytest.mark.parametrize("width", [360, 768, 1280])
@pytest.mark.parametrize("name", ["eight", "m24", "weird"])
def test_levels_beside_marks(reader, data_site, name, width):
    """A label of a level is left of the plot or above it, so that it does not cover a bar."""
    page = reader.open(data_site(name).url, now=NOW, size=(width, 900))
    found = page.evaluate(LEVELS)
    assert len(found) > 4
    assert [text for text, right, under, left in found if left < 0 or (right > 0 and under > 0)] == []


def test_levels_above_events(reader, data_site):
    """The line of an event does not cross the label of a level, in the picture and in other views."""
    page = reader.open(data_site("rich").url, now=NOW, size=(390, 844))
    ordered = """() => [...document.querySelectorAll(".dated .frame")].map((frame) =>
      [...frame.children].findLastIndex((part) => part.classList.contains("lane"))
      < [...frame.children].findIndex((part) => part.classList.contains("levels")))"""
    assert page.evaluate(ordered) == [True, True]
    page.locator("#chart-downloads").get_by_role("radio", name="6M").check()
    page.wait_for_function("() => document.querySelector('#chart-downloads .main-svg')")
    assert page.evaluate(ordered) == [True, True]


@pytest.mark.parametrize("width", [1280, 1920])
@pytest.mark.parametrize("name", ["rich", "eight"])
def test_first_chart_as_high_as_its_numbers(reader, data_site, name, width):
    """The first chart and the numbers next to it end at the same height, and the plot uses all available space."""
    page = reader.open(data_site(name).url, now=NOW, size=(width, 900))
    ends = page.evaluate(
        "() => ['.hero', '.numbers-first'].map((css) => document.querySelector(css).getBoundingClientRect().bottom)"
    )
    assert abs(ends[0] - ends[1]) <= 1
    foot, canvas = (page.locator(f"#chart-downloads {css}").bounding_box() for css in (".foot", ".canvas"))
    assert foot["y"] - (canvas["y"] + canvas["height"]) <= 12


def test_live_chart_follows_its_height(reader, data_site):
    """If a summary takes space from the plot, the live chart is drawn in the remaining height."""
    page = reader.open(data_site("rich").url, now=NOW)
    chart = page.locator("#chart-downloads")
    chart.get_by_role("radio", name="1Y").check()
    page.wait_for_function("() => document.querySelector('#chart-downloads .main-svg')")
    tall = chart.locator(".still").bounding_box()["height"]
    chart.locator(".plane").focus()
    page.keyboard.press("End")
    for _ in range(4):
        page.keyboard.press("Shift+ArrowLeft")
    chart.locator(".window-sum").wait_for()
    assert chart.locator(".still").bounding_box()["height"] < tall
    page.wait_for_function(
        """() => {
          const chart = document.querySelector("#chart-downloads");
          const { height, margin } = chart.querySelector(".plot").layout;
          const box = chart.querySelector(".still").getBoundingClientRect();
          return Math.abs(height - margin.t - margin.b - box.height) <= 1;
        }"""
    )


@pytest.mark.parametrize("width", [360, 390, 700, 768, 832, 1000, 1280])
@pytest.mark.parametrize("name", ["rich", "weird", "m300"])
def test_nothing_is_cut(reader, data_site, name, width):
    """All numbers fit, in the first screen and in the rows; the lines of the bar at the top are complete."""
    page = reader.open(data_site(name).url, now=NOW, size=(width, 900))
    assert overflow(page) == 0
    # On phones, headings are for screen readers only.
    headings = ", .metrics thead th" if width > 640 else ""
    assert page.evaluate(CUT, f".totals dd, .totals dt, .metrics td.num{headings}") == []
    brand, bar = (page.locator(css).bounding_box() for css in (".brand bdi", ".masthead"))
    assert bar["y"] <= brand["y"]
    assert brand["y"] + brand["height"] <= bar["y"] + bar["height"]
    # In a narrow bar, links have their own line, so that a long name does not take three lines.
    if width >= 832:
        assert page.evaluate(SPREAD, ".brand, .masthead nav, .masthead .share-page") < LINE
        assert bar["height"] < 70


@pytest.mark.parametrize("width", [360, 390])
def test_phone_lines(reader, data_site, width):
    """On a phone, a chart has one line of controls and at most two of links; numbers and filters are aligned."""
    page = reader.open(data_site("rich").url, now=NOW, size=(width, 844), has_touch=True, is_mobile=True)
    for key in page.locator("figure.chart:has(.controls)").evaluate_all("(all) => all.map((one) => one.id)"):
        assert page.evaluate(SPREAD, f"#{key} .controls > :is(fieldset, .view)") < LINE
        # A long name of the list of events takes a second line.
        assert page.evaluate(SPREAD, f"#{key} .foot > :is(details, .link)") < LINE + 44
    assert page.evaluate(SPREAD, ".totals > div:nth-child(-n + 2) dd:nth-child(2)") < LINE
    many = reader.open(data_site("m300").url, now=NOW, size=(width, 844), has_touch=True, is_mobile=True)
    assert many.evaluate(SPREAD, ".finder select") < LINE
    assert many.locator(".finder [type=search]").bounding_box()["width"] > width / 2


def test_phone_view_of_stars(reader, data_site):
    """On a phone, the choice between total and new stars is among the view options."""
    page = reader.open(data_site("rich").url, now=NOW, size=(390, 844))
    chart = page.locator("figure.chart.stock")
    assert chart.get_by_role("radio", name="New").count() == 0
    chart.locator(".view").click()
    chart.get_by_role("radio", name="New").check()
    page.wait_for_url("**stars=gain**")


def test_names_of_repositories(reader, data_site):
    """Next to a chart with enough space, names of repositories are not shortened."""
    page = reader.open(data_site("m24").url, now=NOW)
    names = page.locator("figure.chart.stock .legend button:visible bdi")
    assert names.count() == 5
    assert all(names.evaluate_all("(all) => all.map((one) => one.scrollWidth <= one.clientWidth)"))


@pytest.mark.parametrize("days", [0, 5])
@pytest.mark.parametrize("name", ["rich", "m24"])
def test_nothing_moves(reader, data_site, name, days):
    """On a slow phone, nothing moves while the page loads, even if it warns that it is old."""
    context = reader.context(size=(412, 823), now=NOW + timedelta(days=days), has_touch=True, is_mobile=True)
    page = context.new_page()
    session = context.new_cdp_session(page)
    session.send("Emulation.setCPUThrottlingRate", {"rate": 4})
    session.send("Network.enable")
    slow = {"offline": False, "latency": 150, "downloadThroughput": 200 * 1024, "uploadThroughput": 90 * 1024}
    session.send("Network.emulateNetworkConditions", slow)
    page.goto(data_site(name).url, wait_until="networkidle")
    assert page.locator("#stale").is_visible() is (days > 0)
    page.wait_for_timeout(500)
    # If the page is painted while it arrives, parts of a line make room for each other. Readers notice a shift of 0.1.
    assert sum(shift for shift, *_ in page.evaluate("() => window.shifts")) < 0.01


def test_published_totals_only(reader, tmp_path: Path):
    """A store with published totals only says that daily data is missing, not that it has no data."""
    catalog = replace(load_catalog(None, SPECS), events=())
    write_site(rendered(catalog, load_seed(catalog, "seed")).items(), tmp_path)
    page = reader.open((tmp_path / "index.html").as_uri(), now=DEFAULT_NOW)
    assert page.locator("h1").inner_text() == "No daily data yet"
    assert "published 30-day totals" in page.locator(".lead").inner_text()
    assert page.locator(".through").inner_text() == "No daily data yet."
    assert page.locator("#chart-downloads .marks .bar").count() > 0
    assert page.get_by_text("Nothing unusual").count() == 0
    page.goto((tmp_path / "products" / "lance.html").as_uri())
    assert page.locator("h1, .answer").filter(has_text="No daily data yet").count() == 1


def test_paper_shows_coverage(reader, data_site):
    """A print shows full dots as full, explains its day, and explains the columns of a list without headings."""
    page = reader.open(data_site("m300").url, now=NOW, size=(794, 1123))
    page.emulate_media(media="print")
    colours, size, note, under, above = page.evaluate(
        """() => {
          const one = (css) => document.querySelector(css);
          const note = one(".listed .reading");
          const [box, row] = [note, one(".metrics tbody tr")].map((part) => part.getBoundingClientRect());
          const [dot, day] = [".cover.full", ".through"].map((css) => getComputedStyle(one(css)));
          return [dot.printColorAdjust, day.fontSize, note.textContent, box.bottom, row.top];
        }"""
    )
    assert colours == "exact"
    assert size != "0px"
    assert "compared with the month before" in note
    assert 0 < under <= above + 1
