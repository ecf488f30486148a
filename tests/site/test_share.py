"""The dialog "Share this chart": links, pictures, markup and files of the shown view."""

from __future__ import annotations

import csv
import io
import json
import re
import struct
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import pytest
from PIL import Image
from playwright.sync_api import Locator, Page

from cmetrics.analytics.model import Publication
from cmetrics.catalog import load_catalog
from cmetrics.domain.metric import definition
from cmetrics.site.render import render_site
from cmetrics.site.write import write_site
from cmetrics.sources import SPECS
from tests.analytics.test_counts import ALL, NOW, board_of, rows_of
from tests.samples import a_table
from tests.site.conftest import URL, Reader, Site, axe, rendered
from tests.site.conftest import rows_of as rows_of_catalog
from tests.web_server import serve
from tests.web_tools import plotly_basic

SVG = "{http://www.w3.org/2000/svg}"
TABS = ("link", "image", "embed", "slide", "data")
SIZES = {"wide": (1200, 675), "square": (1080, 1080), "slide": (1920, 1080)}
#: Views with many options, of downloads and of stars.
VIEWS = (
    ("downloads", ""),
    ("downloads", "?range=all&split=sdk&place=side"),
    ("downloads", "?by=week&range=1y&mark=lines"),
    ("downloads", "?show=share&split=total"),
    ("downloads-lance", "?by=day&range=3m&smooth=7"),
    ("downloads-lancedb", "?scale=log"),
    ("stars-lance", ""),
    ("all-stars", "?stars=gain&starsby=week"),
)


def share(page: Page, key: str, tab: str = "link") -> Locator:
    """Open a tab of the dialog of a chart."""
    button = page.locator(f"#chart-{key} [data-share]").last
    button.scroll_into_view_if_needed()
    # The view is drawn once the chart is visible, which may move the content below it.
    page.evaluate(
        "() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(() => setTimeout(done))))"
    )
    page.wait_for_function("(key) => !document.querySelector(`#chart-${key}[data-stale]`)", arg=key)
    button.click()
    page.locator(f"#share-tab-{tab}").click()
    return page.locator("#share")


def saved(page: Page, css: str) -> tuple[str, bytes]:
    with page.expect_download() as download:
        page.locator(f"#share {css}").click()
    return download.value.suggested_filename, download.value.path().read_bytes()


# -- the dialog -------------------------------------------------------------------------------------


def test_focus_stays_in_the_dialog_and_returns(reader: Reader, site: Site):
    page = reader.open(site.url)
    for name in ("embed", "link"):
        button = page.locator(f"#chart-downloads [data-share={name}]")
        button.click()
        assert page.locator("#share").is_visible()
        assert page.evaluate("() => document.activeElement.id") == f"share-tab-{name}"
        for _ in range(12):
            page.keyboard.press("Tab")
            inside = (
                "() => document.activeElement === document.body || document.activeElement.closest('#share') !== null"
            )
            assert page.evaluate(inside)
        page.keyboard.press("Escape")
        assert page.locator("#share").is_hidden()
        assert button.evaluate("(button) => button === document.activeElement")
    page.locator(".masthead [data-share]").click()
    assert page.locator("#share .share-chart").text_content() == "Downloads per month"
    page.mouse.click(5, 5)
    assert page.locator("#share").is_hidden()


def test_tabs_are_chosen_with_arrow_keys(reader, site):
    page = reader.open(site.url)
    page.locator("#chart-downloads [data-share=embed]").click()
    for key, chosen in (("ArrowRight", "slide"), ("End", "data"), ("ArrowRight", "link"), ("ArrowLeft", "data")):
        page.keyboard.press(key)
        assert page.locator("#share [aria-selected=true]").get_attribute("id") == f"share-tab-{chosen}"
        assert page.locator("#share [role=tabpanel]:visible").get_attribute("id") == f"share-{chosen}"
        assert page.evaluate("() => document.activeElement.id") == f"share-tab-{chosen}"


@pytest.mark.parametrize(("width", "scheme"), [(390, "dark"), (1280, "light")])
def test_every_tab_is_accessible_and_fits(reader, site, width, scheme):
    page = reader.open(site.url, size=(width, 844), color_scheme=scheme, reduced_motion="reduce", has_touch=width < 400)
    page.locator("#chart-downloads [data-share=link]").click()
    for tab in TABS:
        page.locator(f"#share-tab-{tab}").click()
        assert axe(page) == [], tab
        box = page.locator("#share").bounding_box()
        assert box["x"] >= 0
        assert box["x"] + box["width"] <= width
        assert box["y"] + box["height"] <= 844
        assert page.locator("#share").evaluate("(dialog) => dialog.scrollWidth <= dialog.clientWidth"), tab
        if width < 400:
            # On a phone, the dialog is at the lower edge, with controls that are large enough.
            assert box["width"] == width
            assert round(box["y"] + box["height"]) == 844
            heights = page.locator("#share button:visible").evaluate_all("(all) => all.map((b) => b.offsetHeight)")
            assert min(heights) >= 44


def test_sharing_is_hidden_without_scripts(reader, site):
    page = reader.open(site.url, java_script_enabled=False)
    assert all(button.is_hidden() for button in page.locator("[data-share], #share").all())


# -- link -------------------------------------------------------------------------------------------


def test_the_link_is_that_of_the_view(reader, site):
    page = reader.open(f"{site.url}?split=sdk", permissions=["clipboard-read", "clipboard-write"])
    page.locator("#chart-downloads .controls [value='1y']").check()
    dialog = share(page, "downloads")
    address = page.locator("#share-address").input_value()
    assert address == f"{page.url}#chart-downloads"
    assert {"split=sdk", "range=1y"} <= set(re.search(r"\?(.*)#", address)[1].split("&"))
    dialog.get_by_role("button", name="Copy link").click()
    dialog.get_by_text("Copied", exact=True).wait_for()
    assert page.evaluate("() => navigator.clipboard.readText()") == address
    page.goto(address)
    assert page.locator("#chart-downloads .controls [value='1y']").is_checked()


def test_a_failed_copy_shows_instructions(reader, site):
    page = reader.open(site.url)
    page.evaluate("() => { navigator.clipboard.writeText = () => Promise.reject(new Error('no')); }")
    dialog = share(page, "downloads")
    dialog.get_by_role("button", name="Copy link").click()
    dialog.get_by_text("Couldn't copy. Copy the URL from the address bar.").wait_for()
    assert page.evaluate("() => getSelection().toString() || document.activeElement.value").startswith("http")


# -- embed ------------------------------------------------------------------------------------------


def test_the_pasted_markup_follows_the_scheme_of_the_reader(reader, site):
    page = reader.open(site.url)
    share(page, "downloads", "embed")
    markup = page.locator("#share-picture").input_value()
    assert f"{URL}chart/downloads-dark.svg" in markup
    root = ET.fromstring(re.sub(r"<(source|img)([^>]*)>", r"<\1\2/>", markup))
    assert root.get("href") == f"{URL}#chart-downloads"
    assert root.find("picture/img").get("alt") == "Downloads per month"
    for scheme, suffix in (("light", ""), ("dark", "-dark")):
        other = reader.context(color_scheme=scheme).new_page()
        other.set_content(markup.replace(URL, site.url))
        other.wait_for_function("() => document.images[0].complete && document.images[0].naturalWidth > 0")
        assert other.evaluate("() => document.images[0].currentSrc") == f"{site.url}chart/downloads{suffix}.svg"


def test_a_metric_has_a_badge_too(reader, site):
    page = reader.open(f"{site.url}metrics/downloads-lance-python.html")
    share(page, "downloads-lance-python", "embed")
    badge = page.locator("#share-badge").input_value()
    assert badge.endswith(f"({URL}badges/downloads-lance-python.svg)")
    assert f"{URL}chart/downloads-lance-python.svg" in page.locator("#share-picture").input_value()
    page.goto(site.url)
    share(page, "downloads", "embed")
    assert page.locator("#share-badge").is_hidden()


def test_a_site_without_an_address_uses_its_location_or_explains(reader, tmp_path):
    catalog = replace(load_catalog(None, SPECS), url=None)
    write_site(rendered(catalog, rows_of_catalog(catalog), ()).items(), tmp_path / "site")
    with ExitStack() as stack:
        url = stack.enter_context(serve(tmp_path / "site")).url
        page = reader.open(f"{url}products/lance.html")
        share(page, "downloads-lance", "embed")
        assert f'src="{url}chart/downloads-lance.svg"' in page.locator("#share-picture").input_value()
        assert page.locator(".share-unpublished").is_hidden()
        page.goto((tmp_path / "site" / "index.html").as_uri())
        share(page, "downloads", "embed")
        assert page.locator(".share-unpublished").is_visible()
        assert page.locator("#share-picture").input_value() == ""
        # Pictures can also be saved from a local file.
        page.locator("#share-tab-image").click()
        assert saved(page, "[data-image=wide]")[1][:4] == b"\x89PNG"


# -- pictures ---------------------------------------------------------------------------------------


def test_labels_of_a_picture_are_beside_its_bars(reader, data_site):
    """No label of the value axis is over a bar; the top one, which may be longer, is above them."""
    page = reader.open(data_site("m24").url)
    share(page, "downloads", "image")
    _, content = saved(page, "[data-image=svg]")
    blank = reader.context().new_page()
    blank.set_content(content.decode())
    sides = """(css) => [...document.querySelectorAll(css)].map((one) => {
      const box = one.getBoundingClientRect();
      return [one.textContent, box.left, box.right];
    })"""
    texts = {text: right for text, _, right in blank.evaluate(sides, "text")}
    bars = [left for _, left, _ in blank.evaluate(sides, "rect[y]")]
    assert len(bars) > 50
    assert max(texts[level] for level in ("10", "20", "30")) <= min(bars)
    assert "40 million" in texts


@pytest.mark.parametrize(("key", "query"), VIEWS)
def test_a_picture_has_the_texts_of_the_page(reader, site, key, query):
    """A picture has title, range, axes, names with values, sources, missing data, the day of the data, the address."""
    page = reader.open(f"{site.charts}{query}")
    figure = page.locator(f"#chart-{key}")
    figure.scroll_into_view_if_needed()
    if query:
        page.wait_for_function("(key) => document.querySelector(`#chart-${key}.live`)", arg=key)
    share(page, key, "image")
    name, content = saved(page, "[data-image=svg]")
    root = ET.fromstring(content)
    texts = [node.text for node in root.iter(f"{SVG}text")]
    assert texts[0] == figure.locator("figcaption > :is(h2, h3)").text_content()
    assert texts[1].startswith(figure.locator(".covers").text_content())
    days = re.search(r"by (day|week|month), (.*) to (\d+ \w+ 20\d\d)", " ".join(texts[1:3]))
    assert days
    assert re.fullmatch(rf"{key}-20\d\d-\d\d(-\d\d)?-to-20\d\d-\d\d(-\d\d)?\.svg", name)
    levels = figure.locator(".levels text").all_text_contents()
    assert levels
    assert set(levels) <= set(texts)
    ticks = figure.locator(".times.wide text").all_text_contents()
    assert set(ticks) <= set(texts) or set(figure.locator(".times.narrow text").all_text_contents()) <= set(texts)
    for button in figure.locator(".legend [data-series]:visible").all():
        label = button.locator("bdi").text_content()
        note = button.locator(".note").text_content()
        shown = [text for text in texts if text == label or (text.endswith("…") and label.startswith(text[:-1]))]
        assert shown, label
        assert note == "" or note in texts, note
    foot = " ".join(texts)
    assert figure.locator(".sources-note").text_content().strip().split(". ")[0] in foot
    assert re.search(r"Data through 2\d Nov 2026 \(UTC\)\.", foot)
    assert "example.org/metrics" in foot
    assert root.find(f"{SVG}desc").text == figure.locator("[data-words]").text_content().strip()
    assert b"<script" not in content
    assert "http" not in content.decode().replace("http://www.w3.org/2000/svg", "")


def test_a_picture_of_a_window_has_its_summary(reader, site):
    """The heading is that of the window with its summary, and the rest of the plot is pale."""
    page = reader.open(f"{site.charts}?from=2026-05-01&to=2026-10-31")
    figure = page.locator("#chart-downloads-lance.windowed")
    figure.locator(".window-sum b").wait_for()
    share(page, "downloads-lance", "image")
    root = ET.fromstring(saved(page, "[data-image=svg]")[1])
    texts = [node.text for node in root.iter(f"{SVG}text")]
    assert texts[0] == figure.locator("figcaption > :is(h2, h3)").text_content()
    assert "Oct" in texts[0]
    assert texts[1].split(" · ")[0] in figure.text_content()
    note = figure.locator(".window-sum .window-note").text_content().rstrip(".")
    assert f" · {note}" in " ".join(texts)
    assert [node for node in root.iter(f"{SVG}rect") if node.get("fill-opacity") == "0.6"]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_pictures_have_the_stated_size(reader, site, scheme):
    """Pictures have the colours of the page and no blank margins, also before Plotly is requested."""
    context = reader.context(color_scheme=scheme)
    # With saveData, the live chart is not loaded when the page is idle.
    context.add_init_script("Object.defineProperty(navigator, 'connection', { value: { saveData: true } })")
    page = context.new_page()
    page.goto(site.url)
    for size, pixels in SIZES.items():
        page.keyboard.press("Escape")
        share(page, "downloads", "slide" if size == "slide" else "image")
        name, content = saved(page, f"[data-image={size}]")
        suffix = "" if size == "wide" else f"-{pixels[0]}x{pixels[1]}"
        assert name == f"downloads-2024-12-to-2026-11{suffix}.png"
        assert struct.unpack(">II", content[16:24]) == pixels
        picture = Image.open(io.BytesIO(content)).convert("RGB")
        assert len(picture.getcolors(1_000_000)) > 50
        ground = picture.getpixel((2, 2))
        assert (sum(ground) > 600) == (scheme == "light")
        for box in ((0, 0.1, 0.9, 0.4), (0.1, 0.4, 0.8, 0.8), (0, 0.86, 1, 1)):
            part = picture.crop(tuple(round(edge * pixels[n % 2]) for n, edge in enumerate(box)))
            assert len(part.getcolors(1_000_000)) > 5, (size, box)
    assert not [url for url in reader.requested if "plotly" in url]


def test_hidden_series_and_an_empty_view_are_as_on_the_page(reader, site):
    page = reader.open(f"{site.charts}?hide=downloads-lance-python,downloads-lance-rust")
    share(page, "downloads-lance", "image")
    texts = [node.text for node in ET.fromstring(saved(page, "[data-image=svg]")[1]).iter(f"{SVG}text")]
    assert "All series hidden" in texts
    assert not [text for text in texts if "million" in text]


# -- data -------------------------------------------------------------------------------------------


def test_the_values_of_a_view_as_csv_and_json_are_the_same(reader, site):
    page = reader.open(f"{site.charts}?range=1y")
    share(page, "downloads-lance", "data")
    name, content = saved(page, "[data-data=csv]")
    assert name == "downloads-lance-2025-12-to-2026-11.csv"
    rows = list(csv.DictReader(io.StringIO(content.decode())))
    assert {row["source"] for row in rows} == {"PyPI", "crates.io"}
    name, content = saved(page, "[data-data=json]")
    assert name == "downloads-lance-2025-12-to-2026-11.json"
    document = json.loads(content)
    assert document["title"] == "Downloads of Lance"
    assert document["address"].startswith("http")
    got = [
        (series["metric_id"], value["period_start"], value["period_end"], value["value"], series["source"])
        for series in document["series"]
        for value in series["values"]
    ]
    columns = ("metric_id", "period_start", "period_end", "value", "source")
    assert got == [tuple(int(row[c]) if c == "value" else row[c] for c in columns) for row in rows]
    for link in page.locator("#share-data a:visible").all():
        path = link.evaluate("(link) => link.href").removeprefix(site.url)
        assert path.startswith("data/") or (site.folder / path).is_file(), path


# -- counts -----------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def counts(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Return the address of a site whose metrics are not part of any total."""
    rows = [row for metric in ALL for row in rows_of(metric, {40: 900, 6: 1000, 5: 1010, 2: 1070, 1: 1060, 0: 1065})]
    board = board_of(rows, ALL, days=7300)
    definitions = tuple(definition(metric, NOW) for metric in ALL)
    publication = Publication(board, board, definitions, a_table(rows), (), URL)
    folder: Path = tmp_path_factory.mktemp("counts") / "site"
    write_site(dict(render_site(publication, SPECS, plotly_basic().read_bytes())).items(), folder)
    with serve(folder) as served:
        yield served.url


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_count_is_shared_as_its_published_picture(reader, counts, scheme):
    page = reader.open(f"{counts}metrics/pulls-p-hub.html", color_scheme=scheme)
    share(page, "pulls-p-hub", "image")
    name, content = saved(page, "[data-image=square]")
    assert name == "pulls-p-hub-1080x1080.png"
    picture = Image.open(io.BytesIO(content)).convert("RGB")
    assert picture.size == (1080, 1080)
    assert (sum(picture.getpixel((540, 4))) > 600) == (scheme == "light")
    assert len(picture.crop((0, 300, 1080, 800)).getcolors(1_000_000)) > 20
    page.locator("#share-tab-embed").click()
    assert f"{URL}chart/pulls-p-hub-dark.svg" in page.locator("#share-picture").input_value()
    page.locator("#share-tab-data").click()
    assert page.locator("#share-data .share-shown").is_hidden()
    page.locator("#share-tab-link").click()
    assert page.locator("#share-address").input_value() == f"{counts}metrics/pulls-p-hub.html#chart-pulls-p-hub"
