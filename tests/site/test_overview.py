"""The overview: the content of the first screen, its texts, and the first chart."""

from __future__ import annotations

import io
import json
import re

import pytest
from PIL import Image

from cmetrics.analytics.insight_results import Scope, Window
from tests.site.conftest import axe, state_of
from tests.site.sums import figure
from tests.site.test_page import overflow
from tests.world.page_data import NOW


def bottom(locator) -> float:
    box = locator.bounding_box()
    return box["y"] + box["height"]


def test_first_screen(reader, data_site):
    """At 1280 x 900, the sentence, the first plot, three numbers and two changes are in the first view."""
    page = reader.open(data_site("rich").url, now=NOW)
    assert bottom(page.locator("h1")) < 900
    assert bottom(page.locator(".canvas").first) < 900
    numbers = page.locator(".totals > div")
    assert numbers.count() == 3
    assert all(bottom(number) < 900 for number in numbers.all())
    changes = page.locator(".changes > li")
    assert 2 <= changes.count() <= 4
    assert all(bottom(change) < 900 for change in changes.all()[:2])


def test_first_screen_of_a_phone(reader, data_site):
    """At 390 x 844, the complete first plot is in the first view, and no control precedes it."""
    page = reader.open(data_site("rich").url, now=NOW, size=(390, 844))
    assert bottom(page.locator(".canvas").first) <= 844
    earlier = page.evaluate(
        """() => [...document.querySelectorAll("main input, main button, main select")].filter((control) =>
          !control.hidden && control.compareDocumentPosition(document.querySelector(".canvas"))
          & Node.DOCUMENT_POSITION_FOLLOWING).length"""
    )
    assert earlier == 0
    assert overflow(page) == 0


def test_the_headline(reader, data_site):
    """Number, month and change equal those of the document; packages that the change excludes are named."""
    site = data_site("rich")
    document = json.loads((site.folder / "api" / "v1" / "dashboard" / "daily.json").read_text())
    page = reader.open(site.url, now=NOW)
    found = re.fullmatch(
        r"([\d.]+) million downloads in October, up (\d+)% on September", page.locator("h1").inner_text()
    )
    assert found
    assert float(found[1]) == round(document["last_full_month"]["value"] / 1e6, 2)
    assert int(found[2]) == round(document["last_full_month_change"]["percent"])
    assert "excludes lance (Rust) and lancedb (Rust)" in page.locator(".first .footnote").inner_text()
    lead = page.locator(".lead").inner_text()
    assert f"{document['total_stars']:,} stars" in lead
    assert f"up {document['total_stars_change_30']['absolute']:,} in 30 days" in lead


def test_month_to_date(reader, data_site):
    """The running month equals the roll-up, and states the days that are compared."""
    site = data_site("rich")
    rollups = site.data.publication().findings.insights.rollups
    row = next(r for r in rollups if r.scope is Scope.ALL and r.window is Window.MONTH_TO_DATE)
    page = reader.open(site.url, now=NOW)
    shown = page.locator(".totals > div").nth(1)
    assert shown.locator("dt").inner_text() == f"November so far, {row.end.day} days"
    assert shown.locator("dd").first.inner_text() == f"{row.value:,}"
    assert f"{row.change_percent:+.1f}%" in shown.locator(".note").inner_text()


def test_first_chart_waits(reader, data_site):
    """The first chart is a picture until it is used; then it shows the choice, which is part of the address."""
    site = data_site("rich")
    page = reader.open(site.url, now=NOW)
    page.wait_for_load_state("networkidle")
    assert not any("plotly" in url for url in reader.requested)
    chart = page.locator("#chart-downloads")
    chart.get_by_role("group", name="Split").get_by_role("radio", name="SDK").check()
    page.wait_for_function("() => document.querySelector('#chart-downloads .main-svg')")
    assert state_of(page) == {"split": "sdk"}
    got = figure(page, "downloads")
    assert got.barmode == "relative"
    assert {trace.name for trace in got.traces} == {"Python", "Rust", "Node.js"}
    shown = page.locator("#chart-downloads .legend [data-series]:visible")
    assert {text.split("\n")[0] for text in shown.all_inner_texts()} == {"Python", "Rust", "Node.js"}
    chart.get_by_role("group", name="Range").get_by_role("radio", name="6M").check()
    assert state_of(page) == {"split": "sdk", "range": "6m", "starsrange": "2y"}


def test_first_chart_adds_up(reader, data_site):
    """The sums of October by product, by SDK and in total equal the number next to the chart."""
    site = data_site("rich")
    page = reader.open(site.url, now=NOW)
    shown = int(page.locator(".totals dd").first.inner_text().replace(",", ""))
    document = json.loads(page.locator("#chart-downloads script.series").text_content())
    for split in ("product", "sdk", "total"):
        series = [one for one in document["series"] if one["split"] == split]
        # The newest month is running.
        assert sum(one["month"]["values"][-2] for one in series) == shown, split


@pytest.mark.parametrize("name", ["rich", "m300"])
def test_rows(reader, data_site, name):
    """Rows are sorted by value, downloads first, and link to the page of their metric."""
    site = data_site(name)
    page = reader.open(site.url, now=NOW)
    rows = page.locator(".metrics tbody tr").evaluate_all(
        "(all) => all.map((row) => [row.id, row.dataset.family, Number(row.cells[3].dataset.sort),"
        " row.querySelector('th a').getAttribute('href')])"
    )
    assert len(rows) == len(site.data.catalog.metrics)
    assert rows == sorted(rows, key=lambda row: (row[1] != "downloads", -row[2]))
    assert all((site.folder / href).is_file() for *_, href in rows)
    assert {row[0] for row in rows} == {metric.slug for metric in site.data.catalog.metrics}


def test_phone_rows(reader, data_site):
    """On a phone, name, value and change of each of 300 metrics are visible without horizontal scrolling."""
    page = reader.open(data_site("m300").url, now=NOW, size=(390, 844))
    assert overflow(page) == 0
    boxes = page.locator(".metrics tbody tr").evaluate_all(
        "(all) => all.map((row) => [0, 3, 4].map((n) => row.cells[n].getBoundingClientRect())"
        ".map((box) => [box.left, box.right]))"
    )
    assert len(boxes) == 300
    assert min(right - left for (left, right), *_ in boxes) > 100
    assert all(0 <= left < right <= 390 for row in boxes for left, right in row)
    assert bottom(page.locator(".canvas").first) <= 2 * 844
    # Search and filters have the full width below their heading.
    heading, finder = page.locator(".listed h2").bounding_box(), page.locator(".finder").bounding_box()
    assert finder["width"] > 340
    assert finder["y"] >= heading["y"] + heading["height"]


def test_colours_are_distinguishable(reader, data_site):
    """With forced colours, the chosen split and the products are distinguishable."""
    page = reader.open(data_site("rich").url, now=NOW, forced_colors="active")
    grounds = []
    for value in ("product", "sdk"):
        css = f"#chart-downloads .controls > fieldset [data-option=split][value={value}] + span"
        picture = Image.open(io.BytesIO(page.locator(css).screenshot())).convert("RGB")
        grounds.append(max(picture.getcolors(100_000))[1])
    assert grounds[0] != grounds[1]
    swatches = page.locator("#chart-downloads .legend [data-series]:visible").evaluate_all(
        "(all) => all.map((one) => getComputedStyle(one, '::before').backgroundColor)"
    )
    assert len(set(swatches)) == len(swatches) == 2


def test_touch_targets(reader, data_site):
    """On a touch screen, the controls of the first chart are at least 44 px high."""
    page = reader.open(data_site("rich").url, now=NOW, size=(390, 844), has_touch=True, is_mobile=True)
    for control in page.locator("#chart-downloads .controls > fieldset:visible label, #chart-downloads .view").all():
        assert control.bounding_box()["height"] >= 44


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [390, 1280])
def test_accessible(reader, data_site, width, scheme):
    """axe-core finds nothing."""
    page = reader.open(data_site("rich").url, now=NOW, size=(width, 900), color_scheme=scheme)
    assert axe(page) == []


def test_without_scripts(reader, data_site):
    """Sentence, first chart, numbers, changes and rows are shown without scripts; controls are hidden."""
    page = reader.open(data_site("rich").url, java_script_enabled=False)
    for css in ("h1", "#chart-downloads .still", ".totals", ".changed", ".metrics"):
        assert page.locator(css).first.is_visible()
    assert page.locator(".controls").first.is_hidden()


@pytest.mark.parametrize("name", ["rich", "stale", "m300", "weird", "eight", "empty"])
def test_the_headline_comes_first(reader, data_site, name):
    """For any store, sentence, plot and numbers are in the first view, and nothing is wider than the window."""
    site = data_site(name)
    page = reader.open(site.url, now=NOW)
    for css in ("h1", ".canvas", ".totals > div"):
        assert bottom(page.locator(css).first) < 900
    phone = reader.open(site.url, now=NOW, size=(390, 844))
    assert overflow(phone) == 0
    assert bottom(phone.locator(".canvas").first) <= (844 if name in ("rich", "eight", "empty") else 2 * 844)


def test_changes(reader, data_site):
    """Each change has a symbol of its category, a headline that links to its evidence, and a sentence."""
    site = data_site("rich")
    items = json.loads((site.folder / "api" / "v1" / "insights.json").read_text())
    page = reader.open(site.url, now=NOW)
    shown = page.locator(".changes > li")
    by_id = {item["id"]: item for item in items["items"]}
    expected = [by_id[name] for name in items["highlights"]]
    assert [item["headline"] for item in expected] == shown.locator("h3 a").all_inner_texts()
    assert [item["sentence"] for item in expected] == shown.locator("p").all_inner_texts()
    shapes = shown.locator(".sign .plate").evaluate_all("(all) => all.map((one) => one.outerHTML)")
    assert len(set(shapes)) == len({item["category"] for item in expected}) == 4
    for link in shown.locator("h3 a").all():
        assert (site.folder / link.get_attribute("href").partition("#")[0]).is_file()
    page.locator(".changed").get_by_role("link", name="all").click()
    assert page.locator(".changes > li").count() == len(by_id)


def test_moved_anchors(reader, data_site):
    """Links to news and charts that have moved from the overview lead to their new place."""
    site = data_site("rich")
    page = reader.open(f"{site.url}#month-2026-10", now=NOW)
    page.wait_for_url("**/changes.html#month-2026-10")
    assert page.locator("[id='month-2026-10']").is_visible()
    page = reader.open(f"{site.url}?by=week#chart-stars-lance", now=NOW)
    page.wait_for_url("**/products/lance.html?by=week#chart-stars-lance")


def test_keys(reader, data_site):
    """A slash focuses the search, and a question mark lists the keys."""
    page = reader.open(data_site("rich").url, now=NOW)
    page.keyboard.press("/")
    assert page.evaluate("() => document.activeElement.name") == "q"
    page.keyboard.type("pylance")
    assert page.locator(".found").inner_text() == "1 of 7 metrics"
    page.keyboard.press("Tab")
    page.keyboard.press("?")
    assert page.locator("#keys").is_visible()
    page.keyboard.press("Escape")
    assert page.locator("#keys").is_hidden()


def test_rows_are_quick(reader, data_site):
    """With 300 rows, a search takes at most 50 ms and a sort 100 ms, as the minimum of several runs."""
    page = reader.open(data_site("m300").url, now=NOW)
    page.wait_for_load_state("networkidle")
    took = page.evaluate(
        """() => {
          const field = document.querySelector(".finder [name=q]");
          const time = (act) => Math.min(...Array.from({ length: 20 }, () => {
            const start = performance.now();
            act();
            return performance.now() - start;
          }));
          let turn = 0;
          const search = time(() => {
            field.value = `package-0${(turn += 1)}`;
            field.dispatchEvent(new Event("input", { bubbles: true }));
          });
          field.value = "";
          field.dispatchEvent(new Event("input", { bubbles: true }));
          const sort = time(() => document.querySelector(".metrics th:nth-child(4) button").click());
          return [search, sort];
        }"""
    )
    assert took[0] <= 50
    assert took[1] <= 100
