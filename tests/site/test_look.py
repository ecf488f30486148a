"""The look of a site in a browser: contrast, targets, direction, accent, logo, links and language."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from io import BytesIO
from pathlib import Path
from urllib.parse import quote

import pytest
from filelock import FileLock
from PIL import Image

from cmetrics.charts.theme import SURFACES, TONES, channels, palette
from cmetrics.domain import formats
from cmetrics.domain.site_theme import SiteLink, SiteTheme, build_accent
from cmetrics.locales import load_formats
from cmetrics.logo import parse_logo
from cmetrics.site.render import render_site
from cmetrics.site.write import write_site
from cmetrics.sources import SPECS
from tests.site.conftest import CHARTS, DataSite, activate_charts
from tests.site.walk import LOW_CONTRAST, NOT_ISOLATED, SMALL_TARGETS
from tests.web_server import serve
from tests.web_tools import plotly_basic
from tests.world.page_data import DATA_SETS

ACCENT = build_accent("#7c3aed", None)
LOGO = b'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 40 20"><circle cx="10" cy="10" r="9" fill="#c33"/></svg>'
LINKS = (SiteLink("Documentation", "https://example.com/docs"), SiteLink("כתבו", "mailto:ada@example.com"))
SCHEMES = ("light", "dark")


@pytest.fixture(scope="module")
def own(shared: Path) -> Iterator[DataSite]:
    """Serve a site of seven metrics in German with an accent, a logo and links."""
    data = DATA_SETS["rich"]()
    theme = SiteTheme(ACCENT, parse_logo(LOGO), LINKS)
    data = replace(data, catalog=replace(data.catalog, theme=theme, lang="de"))
    folder = shared / "own-look"
    with ExitStack() as stack:
        with FileLock(f"{folder}.lock"), formats.use(load_formats("de")):
            if not folder.exists():
                write_site(render_site(data.publication(), SPECS, plotly_basic().read_bytes()), folder)
        yield DataSite(data, folder, stack.enter_context(serve(folder)))


def pages(site: DataSite, most: int = 3) -> list[str]:
    """Return the paths of all kinds of pages, with at most ``most`` products and metrics."""
    folder = site.folder
    names = sorted(path.relative_to(folder).as_posix() for path in folder.glob("*.html") if path.name != CHARTS)
    for kind in ("products", "metrics"):
        names += sorted(path.relative_to(folder).as_posix() for path in folder.glob(f"{kind}/*.html"))[:most]
    return names


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("name", ["rich", "stale", "weird", "own"])
def test_contrast(reader, data_site: Callable[[str], DataSite], own: DataSite, name: str, scheme: str):
    """Every text has a computed contrast of 4.5:1 to its background, large ones 3:1, with everything opened."""
    site = own if name == "own" else data_site(name)
    page = reader.context(color_scheme=scheme).new_page()
    for path in pages(site):
        page.goto(site.url + quote(path))
        page.evaluate("() => document.querySelectorAll('details').forEach((one) => { one.open = true })")
        assert page.evaluate(LOW_CONTRAST) == [], path


@pytest.mark.parametrize("size", [(390, 844), (1024, 768)])
def test_targets(reader, data_site: Callable[[str], DataSite], size: tuple[int, int]):
    """On a touch screen, all controls and separate links are at least 44 px wide and high."""
    site = data_site("rich")
    page = reader.context(size=size, has_touch=True, is_mobile=True).new_page()
    for path in pages(site):
        page.goto(site.url + quote(path))
        assert page.evaluate("() => matchMedia('(pointer: coarse)').matches")
        assert page.evaluate(SMALL_TARGETS) == [], path


def test_direction(reader, data_site: Callable[[str], DataSite]):
    """Right-to-left names are isolated in every text, title and label, including those of live charts."""
    site = data_site("weird")
    catalog = site.data.catalog
    names = [catalog.title, *(product.title for product in catalog.products)]
    names += [text for metric in catalog.metrics for text in (metric.subject, metric.display_name, metric.label)]
    names += [event.label for event in catalog.events]
    page = reader.context().new_page()
    for path in pages(site, 9):
        page.goto(site.url + quote(path))
        assert page.evaluate(NOT_ISOLATED, names) == [], path
    page.goto(site.url)
    activate_charts(page)
    assert page.evaluate(NOT_ISOLATED, names) == []


@pytest.mark.parametrize("scheme", SCHEMES)
def test_accent(reader, own: DataSite, scheme: str):
    """Links, focus, choices, chart, figure and icon have the accent; SDKs keep their colours."""
    colors = palette(ACCENT)
    accent = "rgb({}, {}, {})".format(*channels(getattr(ACCENT, scheme)))
    page = reader.open(own.url, color_scheme=scheme)
    assert page.locator("footer a").first.evaluate("(e) => getComputedStyle(e).color") == accent
    page.keyboard.press("Tab")
    assert page.evaluate("() => getComputedStyle(document.activeElement).outlineColor") == accent
    current = page.locator(".masthead nav [aria-current]")
    assert current.evaluate("(e) => getComputedStyle(e).borderBottomColor") == accent
    chosen = page.locator("fieldset input:checked + span").first
    assert chosen.evaluate("(e) => getComputedStyle(e).backgroundColor") == accent
    drawn = page.locator("figure.chart").first.evaluate(
        "(figure) => [...figure.querySelectorAll('svg *')].map((e) => getComputedStyle(e).fill)"
    )
    assert {accent, "rgb({}, {}, {})".format(*channels(getattr(colors.products["a1"], scheme)))} <= set(drawn)
    icon = (own.folder / "assets" / "favicon.svg").read_text()
    assert {ACCENT.light, ACCENT.dark} <= set(re.findall("#[0-9a-f]{6}", icon))
    sdk = page.locator(".metrics .tone-python").first
    python = "rgb({}, {}, {})".format(*channels(getattr(TONES["python"], scheme)))
    shown = sdk.evaluate("(e) => [...e.querySelectorAll('*')].map((one) => getComputedStyle(one).fill)")
    assert python in shown


def test_pictures(own: DataSite):
    """Preview, published pictures and Plotly figures have the accent."""
    card = Image.open(BytesIO((own.folder / "assets" / "card.png").read_bytes())).convert("RGB")
    assert card.getpixel((600, 4)) == channels(ACCENT.light)
    names = [path.name for path in (own.folder / "charts").glob("*.json")]
    figures = [json.loads((own.folder / "charts" / name).read_text()) for name in names]
    used = {trace["marker"]["color"] for figure in figures for trace in figure["data"] if trace["type"] == "bar"}
    assert {ACCENT.light, palette(ACCENT).products["a1"].light, TONES["python"].light} <= used
    drawn = "".join(path.read_text() for path in (own.folder / "chart").glob("*.svg"))
    assert {ACCENT.light, ACCENT.dark} <= set(re.findall("#[0-9a-f]{6}", drawn))


def test_logo_and_links(reader, own: DataSite):
    """The logo is a file of the site, and every page has the links."""
    page = reader.context().new_page()
    for path in ("index.html", "quality.html", "metrics/downloads-lance-python.html"):
        page.goto(own.url + path)
        logo = page.locator(".brand img")
        assert logo.evaluate("(e) => [e.complete, e.naturalWidth > 0, e.alt]") == [True, True, ""]
        assert logo.bounding_box()["height"] == 28
        assert (own.folder / "assets" / "logo.svg").read_bytes() == LOGO
        links = page.locator("footer .links a").evaluate_all("(all) => all.map((e) => [e.textContent, e.href])")
        assert links == [[link.text, link.url] for link in LINKS]


#: English numbers and dates.
ENGLISH = re.compile(
    r"\d,\d{3}\b|\d\.\d+%|\b\d{1,2} (?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec) \d{4}"
    r"|\b(?:January|February|March|May|June|July|October|December) \d{4}"
)


def test_language(reader, own: DataSite):
    """Server and script write German numbers and dates only, in all texts, titles and labels."""
    page = reader.context().new_page()
    texts = """() => {
      const found = [];
      const walker = document.createTreeWalker(document.documentElement, NodeFilter.SHOW_TEXT);
      while (walker.nextNode()) found.push(walker.currentNode.data);
      for (const element of document.querySelectorAll("*")) {
        for (const name of ["aria-label", "title", "content", "alt"]) found.push(element.getAttribute(name) ?? "");
      }
      return found.join("\\n");
    }"""
    remove = "() => document.querySelectorAll('script, style').forEach((one) => one.remove())"
    for path in pages(own):
        page.goto(own.url + quote(path))
        assert page.evaluate("() => document.documentElement.lang") == "de"
        page.evaluate(remove)
        text = page.evaluate(texts)
        assert ENGLISH.findall(text) == [], path
    page.goto(own.url)
    body = page.locator("body").inner_text()
    assert "24. Nov. 2026" in body
    daily = json.loads((own.folder / "api" / "v1" / "dashboard" / "daily.json").read_text())
    total = f"{daily['last_full_month']['value']:,}".replace(",", ".")
    assert re.fullmatch(r"\d\.\d{3}\.\d{3}", total)
    assert total in body
    # Texts of the script, in live charts.
    activate_charts(page)
    page.evaluate(remove)
    assert ENGLISH.findall(page.evaluate(texts)) == []


@pytest.mark.parametrize(("name", "most"), [("rich", 3), ("m300", 4)])
def test_paper(reader, data_site: Callable[[str], DataSite], name: str, most: int):
    """The site prints on few A4 pages: chart, all rows and numbers, the method in small print, no blue links."""
    page = reader.open(data_site(name).url)
    activate_charts(page, "downloads")
    rows = page.locator(".metrics tbody tr").count()
    pdf = page.pdf(format="A4")
    assert len(re.findall(rb"/Type\s*/Page\b", pdf)) <= most
    page.set_viewport_size({"width": 720, "height": 1020})
    page.emulate_media(media="print")
    assert page.evaluate("() => document.documentElement.scrollWidth") <= 720
    assert page.locator(".hero .marks").first.evaluate("(e) => getComputedStyle(e).visibility") == "visible"
    assert page.locator(".metrics tbody tr:visible").count() == rows
    cut = """() => [...document.querySelectorAll(".metrics tbody :is(th, td)")].filter((cell) =>
      cell.checkVisibility() && cell.scrollWidth > cell.clientWidth + 1).map((cell) => cell.textContent)"""
    assert page.evaluate(cut) == []
    assert page.locator(".printed .method").is_visible()
    colors = page.locator("a:visible").evaluate_all("(all) => [...new Set(all.map((e) => getComputedStyle(e).color))]")
    blue = "rgb({}, {}, {})".format(*channels(SURFACES["link"].light))
    assert blue not in colors
