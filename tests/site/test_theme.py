"""Each metric has one colour on the page, in live charts, in badges and in embeds, light and dark."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from urllib.parse import quote

import pytest

from cmetrics.catalog import load_catalog
from cmetrics.charts.theme import PRODUCTS, SURFACES, TONES, channels
from cmetrics.domain.days import DAY
from cmetrics.sources import SPECS
from tests.site.conftest import AS_OF, Site, activate_charts, built, counted, keys_of

SCHEMES = ("light", "dark")
LONG = "example_instrumentation_framework_extended"
GROUND = "() => getComputedStyle(document.body).backgroundColor"


def rgb(color: str) -> str:
    return "rgb({}, {}, {})".format(*channels(color))


def tones_of(site: Site) -> dict[str, str]:
    """Return the tone of each metric on the page, by its anchor."""
    page = (site.folder / "index.html").read_text()
    rows = re.findall(r'<tr id="([^"]+)".*?<svg class="spark[^"]* tone-([\w-]+)"', page, re.DOTALL)
    return dict(rows)


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("chosen", [None, *SCHEMES])
def test_page(reader, site, scheme, chosen):
    """Rows, pictures, legends and live charts have the colours of the theme, and a reader's choice has precedence."""
    page = reader.open(site.charts, color_scheme=scheme)
    if chosen:
        page.evaluate("(theme) => localStorage.setItem('theme', theme)", chosen)
        page.reload()
    shown = chosen or scheme
    assert page.evaluate(GROUND) == rgb(getattr(SURFACES["ground"], shown))
    tones = tones_of(site)
    assert len(tones) == 7
    for slug, tone in tones.items():
        color = rgb(getattr(TONES[tone], shown))
        spark = page.locator(f"[id='{slug}'] .spark :is(polyline, .last)").first
        assert spark.evaluate("(e) => getComputedStyle(e)[e.matches('.last') ? 'fill' : 'stroke']") == color
        entry = page.locator(f".legend [data-series='{slug}']").first
        assert entry.evaluate("(e) => getComputedStyle(e, '::before').backgroundColor") == color
    activate_charts(page)
    for key in keys_of(page):
        traces = page.evaluate("(key) => document.querySelector(`[id='chart-${key}'] .plot`).data", key)
        chart = page.evaluate(
            "(key) => JSON.parse(document.querySelector(`[id='chart-${key}'] .series`).textContent)", key
        )
        tones = {**TONES, **PRODUCTS}
        # Of the ways to split a chart, only the first one is drawn.
        offered = [series for series in chart["series"] if series["split"] == chart["series"][0]["split"]]
        colors = {series["name"]: rgb(getattr(tones[series["tone"]], shown)) for series in offered}
        drawn = {trace["name"]: (trace.get("marker") or trace["line"])["color"] for trace in traces}
        drawn = {name: color for name, color in drawn.items() if name in colors}
        assert drawn == colors


@pytest.mark.parametrize("scheme", SCHEMES)
def test_badges(reader, site, scheme):
    """A badge and an embed have the tone of the metric on the page."""
    page = reader.context(color_scheme=scheme).new_page()
    for slug, tone in tones_of(site).items():
        color = getattr(TONES[tone], scheme)
        suffix = "-dark" if scheme == "dark" else ""
        badge = (site.folder / "badges" / f"{slug}{suffix}.svg").read_text()
        assert f'fill="{color}"' in badge
        page.goto(f"{site.url}embed/{slug}.svg")
        assert page.locator(f".t-{tone}").first.evaluate("(element) => getComputedStyle(element).color") == rgb(color)
        endpoint = json.loads((site.folder / "badges" / f"{slug}.json").read_text())
        assert endpoint["color"] == TONES[tone].light.removeprefix("#")


def test_paper(reader, site):
    """A print is light, even if the reader chose dark."""
    page = reader.open(site.charts, color_scheme="dark")
    page.evaluate("() => { document.documentElement.dataset.theme = 'dark' }")
    page.emulate_media(media="print")
    assert page.evaluate(GROUND) == rgb(SURFACES["ground"].light)


def test_forced_colors(reader, site):
    """In a contrast theme, legend, key and lines keep their colours, and choices are visible."""
    page = reader.open(site.charts, forced_colors="active", color_scheme="light")
    tones = tones_of(site)
    for slug, tone in tones.items():
        swatch = page.locator(f".legend [data-series='{slug}']").first
        assert swatch.evaluate("(e) => getComputedStyle(e, '::before').backgroundColor") == rgb(TONES[tone].light)
    chosen, other = (
        page.locator(f"fieldset input{state} + span").first.evaluate("(e) => getComputedStyle(e).backgroundColor")
        for state in (":checked", ":not(:checked)")
    )
    assert chosen != other
    activate_charts(page, "downloads-lance")
    traces = page.evaluate(
        "() => document.querySelector('#chart-downloads-lance .plot').data.map((t) => t.marker.color)"
    )
    assert {rgb(TONES["python"].light), rgb(TONES["rust"].light)} <= set(traces)


@pytest.fixture(scope="module", params=[1, 30])
def long_names(request, shared: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """Return sites of few and of many metrics whose names have no break opportunity."""
    lines = ['title = "Metrics"', 'contact = "https://example.com/"', "[[products]]", 'id = "p"', f'title = "{LONG}"']
    for n in range(request.param):
        lines += ["[[metrics]]", f'id = "downloads:p:{LONG}_{n}"', 'product = "p"', 'source = "npm"']
        lines += [f'subject = "{LONG}_{n}"']
    path = tmp_path_factory.mktemp("long") / "cmetrics.toml"
    path.write_text("\n".join(lines))
    catalog = load_catalog(path, SPECS)
    rows = [row for metric in catalog.metrics for row in counted(metric, {AS_OF - n * DAY: n for n in range(90)})]
    with ExitStack() as stack:
        yield built(stack, shared / f"long-{request.param}", catalog, rows)


@pytest.mark.parametrize("width", [320, 390])
def test_long_names(reader, long_names, width):
    """A name without a break opportunity does not make a page wider than the phone."""
    paths = [
        "index.html",
        *sorted(long_names.folder.glob("products/*")),
        *sorted(long_names.folder.glob("metrics/*"))[:1],
    ]
    for path in paths:
        name = path if isinstance(path, str) else path.relative_to(long_names.folder).as_posix()
        page = reader.open(long_names.url + quote(name), size=(width, 800))
        assert page.evaluate("() => document.documentElement.scrollWidth") <= width, name
