"""Picture, published figure and live chart are equal; marks of events; loading of Plotly."""

from __future__ import annotations

import io
import json
from itertools import pairwise

import plotly.io
import pytest
from PIL import Image, ImageChops

from tests.site.conftest import Reader, activate_charts
from tests.site.sums import figure
from tests.world.page_data import NOW

PAGES = {
    "": "downloads",
    "products/lance.html": "downloads-lance",
    "products/lancedb.html": "stars-lancedb",
    "metrics/stars-lance-github.html": "stars-lance-github",
}


@pytest.mark.parametrize(("path", "key"), PAGES.items(), ids=PAGES.values())
def test_live_chart_is_the_published_figure(reader: Reader, data_site, path, key):
    """Values, ranges, labels and margins of the live chart equal those of the published figure."""
    site = data_site("rich")
    page = reader.open(site.url + path, now=NOW)
    activate_charts(page, key)
    live = figure(page, key)
    published = json.loads((site.folder / "charts" / f"{key}.json").read_text())
    plotly.io.from_json(json.dumps(published), skip_invalid=False)
    assert [(t.name, t.x, t.y) for t in live.traces] == [(t["name"], t["x"], t["y"]) for t in published["data"]]
    for name, axis in (("xaxis", live.x), ("yaxis", live.y)):
        assert axis == {part: published["layout"][name][part] for part in axis}
    assert live.margin == pytest.approx(published["layout"]["margin"], abs=0.01)


def test_published_values_are_those_of_the_store(data_site):
    """The figure of a metric has the monthly sums of the store, or its days."""
    site = data_site("rich")
    for metric_id, days in site.data.values.items():
        found = plotly.io.read_json(site.folder / "charts" / f"{metric_id.replace(':', '-')}.json")
        trace = found.data[0]
        if metric_id.startswith("stars"):
            assert {x: y for x, y in zip(trace.x, trace.y, strict=True) if y is not None} == {
                day.isoformat(): value for day, value in days.items() if day.isoformat() >= "2024-12-01"
            }
            continue
        sums: dict[str, int] = {}
        for day, value in days.items():
            sums[day.isoformat()[:7]] = sums.get(day.isoformat()[:7], 0) + value
        assert {x[:7]: y for x, y in zip(trace.x, trace.y, strict=True)} == {
            month: value for month, value in sums.items() if month >= "2024-12"
        }


BOXES = """(key) => {
  const figure = document.querySelector(`[id="chart-${key}"]`);
  const round = (box) => [box.left, box.top, box.width, box.height].map((one) => Math.round(10 * one) / 10);
  return {
    texts: [...figure.querySelectorAll(".frame text")].filter((text) => text.checkVisibility())
      .map((text) => [text.textContent, ...round(text.getBoundingClientRect())]),
    plot: round((figure.querySelector(".plot .bg") ?? figure.querySelector(".still")).getBoundingClientRect()),
  };
}"""


@pytest.mark.parametrize("width", [390, 1280])
@pytest.mark.parametrize(
    ("name", "path", "key"),
    # In `stale`, the last full month has missing days.
    [*(("rich", path, key) for path, key in list(PAGES.items())[:3]), ("stale", "", "downloads")],
    ids=[*list(PAGES.values())[:3], "stale"],
)
def test_nothing_moves_when_plotly_takes_over(reader, data_site, name, path, key, width):
    """Texts and plot box stay within 1 px; no pixel outside the plot changes."""
    page = reader.open(data_site(name).url + path, now=NOW, size=(width, 1400), reduced_motion="reduce")
    canvas = page.locator(f"[id='chart-{key}'] .picture")
    canvas.scroll_into_view_if_needed()
    before, still = page.evaluate(BOXES, key), Image.open(io.BytesIO(canvas.screenshot())).convert("RGB")
    activate_charts(page, key)
    figure(page, key)
    after, live = page.evaluate(BOXES, key), Image.open(io.BytesIO(canvas.screenshot())).convert("RGB")
    assert before["texts"] == after["texts"]
    assert after["plot"] == pytest.approx(before["plot"], abs=1)
    frame = canvas.bounding_box()
    x, y, wide, high = before["plot"]
    left, top = round(x - frame["x"]), round(y - frame["y"])
    difference = ImageChops.difference(still, live)
    # Marks at an edge of the plot exceed it by some pixels.
    difference.paste((0, 0, 0), (left - 6, top - 6, left + round(wide) + 7, top + round(high) + 7))
    assert difference.getbbox() is None


def test_plotly_waits(reader, data_site):
    """Plotly is not requested by scrolling, but by the first use of a control."""
    page = reader.open(data_site("rich").url + "products/lance.html", now=NOW)
    page.mouse.wheel(0, 3000)
    page.wait_for_timeout(1000)
    assert not any("plotly" in url for url in reader.requested)
    page.locator("#chart-downloads-lance .controls label", has_text="1Y").click()
    figure(page, "downloads-lance")
    page.wait_for_function("() => document.querySelector('#chart-downloads-lance .main-svg')")
    assert any("plotly" in url for url in reader.requested)


def test_plotly_comes_when_idle(reader, data_site):
    """Some seconds after the page has loaded, the chart in view becomes live."""
    page = reader.open(data_site("rich").url, now=NOW)
    page.wait_for_function("() => document.querySelector('#chart-downloads .main-svg')", timeout=20_000)
    assert "2Y" in page.locator("#chart-downloads .controls label:has(:checked)").first.inner_text()


# -- events -----------------------------------------------------------------------------------------

LANE = """(key) => [...document.querySelectorAll(`[id="chart-${key}"] .frame :is(.lane text, .lane rect)`)]
  .filter((one) => one.getBoundingClientRect().width > 0 && !one.matches(".number"))
  .map((one) => { const box = one.getBoundingClientRect(); return [box.left, box.right, one.textContent]; })
  .sort((a, b) => a[0] - b[0])"""
SPARE = """() => [...document.querySelectorAll(".lane rect")].filter((shape) => shape.getBoundingClientRect().width)
  .map((shape) => {
    const [around, text] = [shape, shape.nextElementSibling].map((one) => one.getBoundingClientRect());
    return Math.min(text.left - around.left, around.right - text.right);
  })"""
TEXTS = """() => [...document.querySelectorAll(".frame text")]
  .map((text) => text.getBoundingClientRect()).filter((box) => box.width > 0).map((box) => [box.left, box.right])"""


@pytest.mark.parametrize("width", [360, 390, 600, 768, 1024, 1280, 1920])
@pytest.mark.parametrize("name", ["rich", "weird"])
def test_events_can_be_read(reader, data_site, name, width):
    """Each mark has a number; texts neither overlap nor are cut."""
    page = reader.open(data_site(name).url, now=NOW, size=(width, 900))
    covered = page.evaluate(LANE, "downloads")
    assert covered
    assert all(after[0] - before[1] >= 0 for before, after in pairwise(covered)), covered
    assert all(0 <= left < right <= width for left, right in page.evaluate(TEXTS))
    assert min(page.evaluate(SPARE)) >= 1, "a number is wider than its shape"
    numbers = page.locator("#chart-downloads .lane .number:visible").all_text_contents()
    assert all(number for number in numbers)
    assert len(numbers) == sum(not text for *_, text in covered)


def test_events_lead_to_their_links(reader, data_site):
    """A mark opens its link, and the list below has the same numbers."""
    page = reader.open(data_site("rich").url + "products/lancedb.html", now=NOW)
    chart = page.locator("#chart-downloads-lancedb")
    listed = chart.locator("details.events li")
    last = chart.locator(".lane .number:visible").last.text_content()
    assert int(last.rpartition("–")[2]) == listed.count()


# -- speed ------------------------------------------------------------------------------------------


def test_repaint_is_fast(reader, data_site):
    """Any choice over five years repaints a chart within 300 ms, and a plot has at most some thousand elements."""
    page = reader.open(data_site("five").url, now=NOW)
    activate_charts(page, "downloads")
    spent = {}
    for option, value in (("range", "all"), ("by", "day"), ("by", "week"), ("mark", "lines"), ("by", "month")):
        spent[option, value] = page.evaluate(
            """async ([option, value]) => {
              const figure = document.querySelector("#chart-downloads");
              const drawn = new Promise((resolve) => figure.addEventListener("drawn", resolve, { once: true }));
              const begin = performance.now();
              figure.querySelector(`[data-option=${option}][value='${value}']`).click();
              await drawn;
              return performance.now() - begin;
            }""",
            [option, value],
        )
        assert page.evaluate("() => document.querySelectorAll('.plot *').length") <= 6000
    # The first time, days are loaded from a file.
    assert sorted(spent.values())[len(spent) // 2] <= 300, spent
