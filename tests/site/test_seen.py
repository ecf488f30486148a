"""Visible properties: computed styles, geometry and pixels, not only the text of the page."""

from __future__ import annotations

import io
import json
import re
import xml.etree.ElementTree as ET
from collections.abc import Iterable
from datetime import date, timedelta

import pytest
from PIL import Image

from cmetrics.charts.theme import DAYS as DAYS_COLORS
from cmetrics.charts.theme import SURFACES, channels
from tests.site.conftest import activate_charts, keys_of
from tests.site.sums import figure
from tests.web_server import serve
from tests.world.page_data import AS_OF, NOW, URL

FILLS = "(all) => all.map((one) => getComputedStyle(one).fill)"


def test_tick_texts_visible(reader, data_site):
    """Every line of an axis label is painted."""
    page = reader.open(data_site("rich").charts, now=NOW)
    activate_charts(page, "downloads-lance")
    for place in (".times", ".levels", ".lane"):
        fills = page.locator(f"#chart-downloads-lance .frame {place} text").evaluate_all(FILLS)
        assert fills, place
        assert "none" not in fills, place


# -- age of the data ------------------------------------------------------------------------------

#: Dates as written by the page and its files.
MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
DAYS = re.compile(rf"\b(\d{{1,2}}) ({'|'.join(MONTHS)})[a-z]* (\d{{4}})\b")


def days_in(text: str) -> set[date]:
    return {date(int(year), MONTHS.index(month) + 1, int(number)) for number, month, year in DAYS.findall(text)}


@pytest.mark.parametrize("scripts", [True, False], ids=["scripts", "no scripts"])
def test_stale_banner(reader, data_site, scripts):
    """Data that ends 35 days before the build has a visible banner with its day and sources."""
    page = reader.open(data_site("stale").url, now=NOW, java_script_enabled=scripts)
    banner = page.locator("#stale")
    assert banner.is_visible()
    assert banner.text_content() == ("Data is 35 days old. Newest day: 20 October 2026 (crates.io, GitHub, npm, PyPI).")
    top = page.locator("header.top").text_content()
    assert "Data through 20 Oct 2026 (UTC)." in top
    assert "in 30 days" not in page.locator("header.top, .first, .metrics").evaluate_all(
        "(all) => all.map((e) => e.innerText).join()"
    )


def test_stale_change(reader, data_site):
    """An old value has no change, and the page states the reason."""
    page = reader.open(data_site("stale").url, now=NOW)
    notes = page.locator(".totals .note").all_inner_texts()
    assert notes == ["100 of 155 package-days", "No recent data"]
    assert page.locator(".metrics tr", has_text="lance-format/lance").get_by_text("No recent data").is_visible()


def test_stale_pages_name_no_later_day(data_site):
    """The top of the page, descriptions, feed, badges and embeds name no day after the newest one."""
    site = data_site("stale")
    newest = site.data.newest_day
    # The script shows the day of the build only if there was no later build.
    page = re.sub(r' data-since="[^"]+"', "", (site.folder / "index.html").read_text())
    texts = [
        page[: page.index("<main")],
        *(path.read_text() for path in sorted(site.folder.glob("badges/*"))),
        *(path.read_text() for path in sorted(site.folder.glob("embed/*"))),
    ]
    feed = (site.folder / "feed.xml").read_text()
    texts.append(feed[: feed.index("<entry>")])
    assert "Data through 20 Oct 2026 (UTC). Data is 35 days old." in texts[-1]
    for text in texts:
        assert {day for day in days_in(text) if day > newest} == set(), text[:200]
        assert AS_OF.isoformat() not in text.split("<body>")[-1].replace(f'data-built="{NOW:%Y-%m-%d}"', "")
    badge = json.loads((site.folder / "badges" / "stars-lance-github.json").read_text())
    assert badge["message"].endswith(" on 20 Oct 2026")


def test_fresh_page_without_banner(reader, data_site):
    """npm's usual lag of two days does not cause a banner."""
    page = reader.open(data_site("rich").url, now=NOW)
    assert page.locator("#stale").is_hidden()
    assert "Data through 24 Nov 2026 (UTC)." in page.locator("header.top").text_content()
    assert page.get_by_text("in 30 days").first.is_visible()


def test_page_without_builds(reader, data_site):
    """A page that was not rebuilt for days states the day of the last build."""
    page = reader.open(data_site("rich").url, now=NOW + timedelta(days=5))
    assert page.locator("#stale").is_visible()
    assert page.locator("#stale").text_content() == (
        "Data is 5 days old. The nightly update has not run since 25 Nov 2026."
    )


def test_stale_card(data_site):
    """The preview picture has the newest day in the colour of warnings."""
    colors = {}
    for name in ("stale", "rich"):
        card = Image.open(data_site(name).folder / "assets" / "card.png").convert("RGB")
        line = card.crop((64, 110, 900, 150))
        colors[name] = {color for _, color in line.getcolors(100_000)}
    warning = channels(SURFACES["down"].light)
    assert warning in colors["stale"]
    assert warning not in colors["rich"]


# -- missing days ---------------------------------------------------------------------------------


def test_missing_days_agree(reader, data_site):
    """Pixels and label of the strip, the list and the table have exactly the days that are missing in the store."""
    site = data_site("rich")
    quality = site.data.publication().quality
    page = reader.open(f"{site.url}quality.html", now=NOW)
    page.locator(".calendar summary").click()
    listed = page.locator(".calendar details li").all_text_contents()
    assert listed[-1] == "No other days are missing."
    row = page.locator(".calendar tbody tr", has_text="pylance")
    assert row.locator("svg").get_attribute("aria-label").endswith(" 8 missing, 1 of them pending")
    assert quality.missing_days("downloads:lance:python") == 8
    metric = page.locator("[title='downloads:lance:python']")
    cells = page.locator(".freshness tr", has=metric).locator("td").all_text_contents()
    assert cells[3] == "8"
    texts = [text for text in listed if text.startswith("pylance,")]
    gone = "No longer available from pypistats.org; cmetrics backfill --full may recover it"
    assert [text.split(": ", 1)[1] for text in texts] == [
        f"1 June 2024 to 4 June 2024 (4 days): {gone}",
        f"9 March 2026 to 11 March 2026 (3 days): {gone}",
        "24 November 2026: Pending: not yet published by PyPI",
    ]
    strip = row.locator("svg")
    strip.scroll_into_view_if_needed()
    box = strip.bounding_box()
    picture = Image.open(io.BytesIO(page.screenshot(clip=box))).convert("RGB")
    red = channels(DAYS_COLORS["missing"].light)
    columns = {x for x in range(picture.width) if picture.getpixel((x, picture.height // 2)) == red}
    first = min(min(days) for days in site.data.values.values())
    scale = picture.width / ((AS_OF - first).days + 1)
    for day in (date(2024, 6, 2), date(2026, 3, 10)):
        assert any(abs(x - (day - first).days * scale) < 4 for x in columns), day


# -- the headline ---------------------------------------------------------------------------------


def test_headline_change(reader, data_site):
    """Two small packages with missing days in September make the total incomplete, but do not prevent its change."""
    site = data_site("rich")
    document = json.loads((site.folder / "api" / "v1" / "dashboard" / "daily.json").read_text())
    values = {name: days for name, days in site.data.values.items() if name.startswith("downloads:")}

    def total(month: str, names: Iterable[str]) -> int:
        return sum(v for name in names for day, v in values[name].items() if day.isoformat().startswith(month))

    alike = [name for name in values if not name.endswith(":rust")]
    now, before = total("2026-10", alike), total("2026-09", alike)
    assert document["last_full_month"]["value"] == total("2026-10", values)
    assert document["last_full_month_change"]["absolute"] == now - before
    assert document["last_full_month_left_out"] == ["downloads:lance:rust", "downloads:lancedb:rust"]
    page = reader.open(site.url, now=NOW)
    shown = page.locator(".totals div").first
    assert shown.locator("dt").inner_text() == "Downloads, October 2026"
    assert shown.locator("dd").first.inner_text() == f"{total('2026-10', values):,}"
    percent = document["last_full_month_change"]["percent"]
    assert 0 < percent < 100
    year = document["last_full_month_year_change"]["percent"]
    assert shown.locator(".note").first.inner_text() == (
        f"+{percent:.1f}% vs September1\n×{1 + year / 100:.1f} vs October 2025"
    )
    footnote = page.locator(".first .footnote")
    assert footnote.is_visible()
    assert (
        footnote.inner_text()
        == "1 Compares packages with data for every day of both months; excludes lance (Rust) and lancedb (Rust)."
    )


LAST_DOTS = """() => [...document.querySelectorAll("svg.spark:not(.months)")].map((spark) => {
  const box = spark.getBoundingClientRect();
  const dot = [...spark.querySelectorAll(".dot")].at(-1).getBoundingClientRect();
  return Math.round(dot.x + dot.width / 2 - box.right);
})"""


def test_last_value_has_a_mark(reader, data_site):
    """Every sparkline ends with a dot at its right edge, even after a gap; embeds have such marks, too."""
    site = data_site("rich")
    page = reader.open(site.url, now=NOW)
    assert page.evaluate(LAST_DOTS) == [0] * 2
    assert page.locator(".months").count() == 5
    assert page.locator(".months .last").count() == 5
    for name, mark in (("downloads-lance-rust", "path.bar"), ("stars-lance-github", "circle.bar")):
        page.goto(f"{site.url}embed/{name}.svg")
        assert page.locator(mark).count() == 1, name


# -- charts without data, and charts with many elements -------------------------------------------

AXES = "[id='chart-{}'] :is(.xtick, .ytick, .canvas text, .grid rect)"


def test_no_axes_without_data(reader, data_site):
    """A chart without data has no axes; one whose series are all hidden offers to show them."""
    page = reader.open(data_site("empty").charts, now=NOW)
    keys = keys_of(page)
    assert page.locator(".message:visible").all_inner_texts() == ["No data yet"] * len(keys)
    assert page.locator(", ".join(AXES.format(key) for key in keys)).count() == 0
    assert not any("plotly" in url or "assets/days" in url for url in reader.requested)
    page = reader.open(data_site("rich").charts, now=NOW)
    activate_charts(page, "downloads-lance")
    for button in page.locator("#chart-downloads-lance .legend [data-series]").all():
        button.click()
    message = page.locator("#chart-downloads-lance .message")
    message.wait_for(state="visible")
    assert message.inner_text().split("\n") == ["All series hidden", "Show all"]
    assert page.locator(AXES.format("downloads-lance")).locator("visible=true").count() == 0
    message.get_by_role("button").click()
    message.wait_for(state="hidden")
    page.locator("#chart-downloads-lance .levels text").first.wait_for()
    assert page.locator("#chart-downloads-lance .legend [aria-pressed=false]").count() == 0


def test_few_elements(reader, data_site):
    """Five years of all charts have some thousand elements with any choice; charts out of view are not drawn."""
    page = reader.open(data_site("five").charts, now=NOW)
    activate_charts(page)
    count = "() => document.querySelectorAll('.plot *').length"
    page.evaluate("() => scrollTo(0, document.querySelector('#chart-downloads-lance').offsetTop)")
    for name, value in (("range", "all"), ("by", "day"), ("by", "week"), ("by", "month")):
        page.evaluate(
            "([n, v]) => document.querySelector(`.controls [data-option=${n}][value='${v}']`).click()", [name, value]
        )
        page.wait_for_function("() => !document.querySelector('[data-stale]')")
        assert page.evaluate(count) <= 6000, (name, value)


@pytest.mark.parametrize(("name", "most"), [("rich", 70_000), ("five", 70_000), ("m24", 100_000), ("m300", 100_000)])
def test_weight(reader, data_site, name, most):
    """A page is small before plotly.js is requested; daily values are loaded only if days are shown."""
    site = data_site(name)
    with serve(site.folder) as served:
        page = reader.open(served.url, now=NOW, size=(390, 844))
        page.wait_for_load_state("networkidle")
        assert not any("plotly" in answer.path or "/days/" in answer.path for answer in served.log)
        assert 0 < sum(served.sent().values()) <= most
        if keys_of(page)[0].startswith("downloads"):
            activate_charts(page, keys_of(page)[0])
            assert not any("/days/" in answer.path for answer in served.log)
            page.goto(f"{served.url}charts.html?by=day")
            activate_charts(page, "downloads")
            page.wait_for_function("() => !document.querySelector('[data-stale]')")
            requested = [answer.path for answer in served.log if "/days/_product" in answer.path]
            assert requested
            assert len(requested) == len(set(requested))
        page.context.close()


def test_days_from_a_folder(reader, data_site):
    """A page opened as a file loads daily values, which equal those of the store."""
    site = data_site("rich")
    page = reader.open(f"{(site.folder / 'charts.html').as_uri()}?by=day&range=3m", now=NOW)
    activate_charts(page, "downloads-lance")
    line = figure(page, "downloads-lance").bars("pylance")
    days = site.data.values["downloads:lance:python"]
    assert line.points == {day.isoformat(): value for day, value in days.items() if day >= date(2026, 9, 1)}


@pytest.mark.parametrize("grain", ["day", "week"])
def test_missing_day_file(reader, data_site, grain):
    """If daily values cannot be loaded, the chart says so and has no axes or Plotly until months are chosen."""
    context = reader.context(now=NOW)
    context.route("**/days/*.js", lambda route: route.abort())
    page = context.new_page()
    page.goto(f"{data_site('rich').charts}?by={grain}")
    chart = page.locator("#chart-downloads-lance")
    chart.locator(".canvas").scroll_into_view_if_needed()
    message = chart.locator(".message")
    message.wait_for(state="visible")
    assert message.inner_text() == "Daily values could not be loaded"
    assert chart.locator(".marks .bar, .grid rect").count() == 0
    assert page.locator(AXES.format("downloads-lance")).count() == 0
    assert not any("plotly" in url for url in reader.requested)
    chart.locator(".controls [data-option=by][value=month]").evaluate("(input) => input.click()")
    message.wait_for(state="hidden")
    assert chart.locator(".marks .bar").count() > 0
    reader.console.clear()


# -- small screens, forced colours ----------------------------------------------------------------

CELLS = """() => [...document.querySelectorAll("table.metrics tbody tr")].slice(0, 40).map((row) =>
  [...row.cells].filter((cell) => cell.checkVisibility()).map((cell) => {
    const box = cell.getBoundingClientRect();
    const inner = Math.max(...[...cell.querySelectorAll("*")].map((e) => e.getBoundingClientRect().right), 0);
    return [cell.cellIndex, Math.round(box.left), Math.round(Math.max(box.right, inner))];
  }))"""


def test_list_on_a_phone(reader, data_site):
    """At 390 px, each row shows name, value, change and history without horizontal scrolling."""
    page = reader.open(data_site("m300").url, now=NOW, size=(390, 844))
    rows = page.evaluate(CELLS)
    assert rows
    for cells in rows:
        assert [index for index, *_ in cells] == [0, 2, 3, 4]
        assert all(left >= 0 and right <= 390 for _, left, right in cells), cells
    assert page.evaluate("() => document.querySelector('.scroll:has(.metrics)').scrollWidth") <= 390
    first = page.locator("table.metrics tbody tr").first
    assert first.locator(".spark").bounding_box()["width"] > 40


def test_forced_colors(reader, data_site):
    """With forced colours, choices, series and freshness are distinguishable."""
    page = reader.open(data_site("rich").charts, now=NOW, forced_colors="active")
    activate_charts(page, "downloads-lancedb")

    def color_of(css: str, *, pseudo: str | None = None) -> str:
        style = "([css, pseudo]) => getComputedStyle(document.querySelector(css), pseudo).backgroundColor"
        return page.evaluate(style, [css, pseudo])

    chosen, other = (f".controls [data-option=range][value='{value}'] + span" for value in ("2y", "1y"))
    assert color_of(chosen) != color_of(other)
    pictures = []
    for css in (chosen, other):
        picture = Image.open(io.BytesIO(page.locator(css).first.screenshot())).convert("RGB")
        pictures.append(max(picture.getcolors(100_000))[1])
    assert pictures[0] != pictures[1], "the chosen control has another background"
    swatches = [
        color_of(f"#chart-downloads-lancedb .legend button:nth-child({number})", pseudo="::before")
        for number in (1, 2, 3)
    ]
    assert len(set(swatches)) == 3
    running = page.locator("#chart-downloads-lancedb .so-far")
    sign = Image.open(io.BytesIO(running.screenshot())).convert("L").crop((0, 0, 16, 24))
    # A frame of a pixel on each side, and the lines within it.
    assert sum(pixel < 200 for pixel in sign.getdata()) > 50, "the sign of the current month is hatched"
    # Lines differ in more than colour.
    for name, value in (("place", "side"), ("mark", "lines")):
        page.evaluate(
            "(css) => document.querySelector(css).click()", f".controls [data-option={name}][value='{value}']"
        )
    got = figure(page, "downloads-lancedb")
    dashes = {trace.dash for trace in got.traces if (trace.mode or "").startswith("lines")}
    assert len(dashes) == 3
    page.goto(f"{data_site('rich').url}quality.html")
    states = ("observed", "reconstructed", "pending", "missing")
    assert len({color_of(f".key .{state}", pseudo="::before") for state in states}) == 4
    page.evaluate("() => document.querySelector('.sources li').classList.add('late')")
    dots = {color_of(f".sources li:nth-child({number})", pseudo="::before") for number in (1, 2)}
    assert len(dots) == 2


# -- metadata and links ---------------------------------------------------------------------------


def test_described(data_site):
    """The data set has a creator and a period; the feed has a generator and times of entries."""
    folder = data_site("rich").folder
    text = (folder / "index.html").read_text()
    document = json.loads(re.findall(r'<script type="application/ld\+json">(.*?)</script>', text, flags=re.DOTALL)[0])
    assert document["temporalCoverage"] == "2022-12-01/2026-11-24"
    assert document["creator"]["url"] == URL
    feed = ET.fromstring((folder / "feed.xml").read_text())
    atom = "{http://www.w3.org/2005/Atom}"
    generator = feed.find(f"{atom}generator")
    assert (generator.text, generator.get("uri")) == ("cmetrics", "https://github.com/lancedb/cmetrics")
    for entry in feed.iter(f"{atom}entry"):
        assert entry.find(f"{atom}published").text <= entry.find(f"{atom}updated").text


def test_project_link(reader, data_site):
    """The footer links to the project."""
    page = reader.open(data_site("rich").url, now=NOW)
    link = page.locator("footer").get_by_role("link", name="cmetrics", exact=True)
    assert link.get_attribute("href") == "https://github.com/lancedb/cmetrics"
    assert link.is_visible()


def test_right_to_left_names(reader, data_site):
    """A right-to-left name does not change the order of the text around it."""
    # On a phone, names are below the chart and include the package.
    page = reader.open(data_site("weird").charts, size=(390, 844), now=NOW)
    place = """([css, text]) => {
      const element = document.querySelector(css);
      const walker = document.createTreeWalker(element, NodeFilter.SHOW_TEXT);
      const range = document.createRange();
      for (let node; (node = walker.nextNode()); ) {
        const at = node.data.indexOf(text);
        if (at < 0) continue;
        range.setStart(node, at);
        range.setEnd(node, at + text.length);
        return range.getBoundingClientRect().x;
      }
      return null;
    }"""
    css = "#chart-downloads-rtl .legend button bdi"
    text = page.locator(css).first.inner_text()
    subject = text[text.rindex("(") + 1 : -1]
    left, right = (page.evaluate(place, [css, part]) for part in (text[:3], f"({subject})"))
    assert left < right, "the package in parentheses follows its name"
    title = "#chart-downloads-rtl h3"
    assert page.evaluate(place, [title, "Downloads of"]) < page.evaluate(place, [title, "מוצר"])


def test_numbers_are_separated_from_text(reader, data_site):
    """A number and the text of the next column are separated."""
    page = reader.open(f"{data_site('rich').url}quality.html", now=NOW)
    gaps = page.locator(".freshness td.num + td:not(.num)").evaluate_all(
        "(all) => all.map((cell) => parseFloat(getComputedStyle(cell).paddingLeft))"
    )
    assert gaps
    assert min(gaps) >= 16


def test_events_after_first_value(reader, data_site):
    """An event before the first value does not extend the axis."""
    page = reader.open(f"{data_site('rich').charts}?range=all", now=NOW)
    activate_charts(page, "downloads-lance")
    assert figure(page, "downloads-lance").x["range"][0] == "2022-12-01 00:00"
    days = page.locator("#chart-downloads-lance details.events time").evaluate_all(
        "(all) => all.map((t) => t.dateTime)"
    )
    assert days
    assert min(days) > "2022-12-01"
