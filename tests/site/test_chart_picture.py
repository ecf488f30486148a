"""Pictures of charts for other pages: complete, small, legible, and equal in both schemes except colours."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from dataclasses import replace
from pathlib import Path

import pytest

from cmetrics.catalog import load_catalog
from cmetrics.charts.text_width import fit
from cmetrics.charts.theme import SURFACES, contrast
from cmetrics.domain.days import DAY
from cmetrics.sources import SPECS
from tests.site.conftest import AS_OF, DataSite, counted, rendered, rows_of

SVG = "{http://www.w3.org/2000/svg}"
DATA = ("rich", "eight", "stale", "weird", "counts", "empty")


def pictures(site: DataSite) -> dict[str, str]:
    return {path.stem: path.read_text(encoding="utf-8") for path in sorted((site.folder / "chart").glob("*.svg"))}


def texts(svg: str) -> list[str]:
    return [node.text or "" for node in ET.fromstring(svg).iter(f"{SVG}text")]


@pytest.mark.parametrize("name", DATA)
def test_every_chart_has_a_light_and_a_dark_picture(data_site, name):
    """There are pictures of all downloads, each product, stars and each metric; only colours differ."""
    site = data_site(name)
    found = pictures(site)
    light = {stem for stem in found if not stem.endswith("-dark")}
    assert {f"{stem}-dark" for stem in light} == found.keys() - light
    metrics = {path.stem for path in (site.folder / "metrics").glob("*.html")}
    assert metrics <= light
    assert "downloads" in light
    for stem in light:
        bare = [re.sub(r"#[0-9a-f]{6}", "", found[key]) for key in (stem, f"{stem}-dark")]
        assert bare[0] == bare[1], stem
        assert found[stem] != found[f"{stem}-dark"]


@pytest.mark.parametrize("name", DATA)
def test_a_picture_is_self_contained(data_site, name):
    """A picture is small and well-formed, has a name, and contains neither scripts nor external references."""
    for stem, svg in pictures(data_site(name)).items():
        root = ET.fromstring(svg)
        assert len(svg.encode()) <= 25_000, stem
        assert root.get("role") == "img"
        ids = root.get("aria-labelledby", "").split()
        named = {node.get("id"): node.text for node in root if node.get("id")}
        assert ids == ["title", "description"]
        assert all(named[one] for one in ids)
        assert not [node for node in root.iter() if node.tag in (f"{SVG}script", f"{SVG}image", f"{SVG}foreignObject")]
        assert "http" not in re.sub(r">[^<]*<", "><", svg.replace("http://www.w3.org/2000/svg", ""))
        assert all(target.startswith("#") for target in re.findall(r"url\(([^)]*)\)", svg))
        assert "@font-face" not in svg
        assert "@import" not in svg


def test_a_picture_has_titles_and_values(data_site):
    """It has title, range, sources, dates, levels, last values of all series, the day of the data, the address."""
    found = texts(pictures(data_site("rich"))["downloads"])
    assert found[:2] == ["Downloads per month", "By month, 1 Dec 2024 to 24 Nov 2026 · PyPI, npm, crates.io"]
    for text in ("Lance", "LanceDB", "2.39M in Oct", "5.21M in Oct", "7.60M", "example.org/metrics"):
        assert text in found
    assert any(text.startswith("Data through 24 Nov 2026 (UTC). Hatched:") for text in found)
    years = [text for text in found if re.fullmatch(r"[A-Z][a-z]{2}( \d{4})?", text)]
    assert len(years) >= 4
    assert [text for text in found if re.fullmatch(r"[\d.]+[kM]?( million)?", text)]


def test_a_metric_s_embed_is_its_picture_in_both_schemes(data_site):
    site = data_site("rich")
    for path in sorted((site.folder / "metrics").glob("*.html")):
        embed = (site.folder / "embed" / f"{path.stem}.svg").read_text(encoding="utf-8")
        assert texts(embed) == texts(pictures(site)[path.stem])
        assert "@media (prefers-color-scheme:dark)" in embed


def test_pictures_of_old_data_say_so(data_site):
    for stem, svg in pictures(data_site("stale")).items():
        assert "No data since 20 Oct 2026." in texts(svg), stem
        assert "Data through 20 Oct 2026" in svg, stem
        assert "24 Nov" not in svg, stem


def test_pictures_without_data_say_so(data_site):
    for svg in pictures(data_site("empty")).values():
        found = texts(svg)
        assert "No data yet" in found
        assert "0" not in found


#: Texts that exceed the picture or overlap.
CROWDED = """() => {
  const all = [...document.querySelectorAll("text")].filter((text) => text.textContent);
  const whole = document.documentElement.getBoundingClientRect();
  const boxes = all.map((text) => [text.textContent, text.getBoundingClientRect()]);
  const out = boxes.filter(([, box]) => box.left < whole.left || box.right > whole.right || box.bottom > whole.bottom);
  const meet = (a, b) => Math.min(a.right, b.right) - Math.max(a.left, b.left) > 1 &&
    Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top) > 4;
  const over = boxes.filter(([, a], i) => boxes.some(([, b], j) => j > i && meet(a, b)));
  return [...out, ...over].map(([text]) => text);
}"""


@pytest.mark.parametrize("name", ["rich", "eight", "stale", "weird", "counts"])
def test_texts_of_pictures_neither_exceed_nor_overlap(reader, data_site, name):
    site = data_site(name)
    page = reader.context(size=(720, 420)).new_page()
    for path in sorted((site.folder / "chart").glob("*.svg")):
        if not path.stem.endswith("-dark"):
            assert not [text for text in texts(path.read_text()) if re.match("Data through.*…", text)], path.name
            page.goto(f"{site.url}chart/{path.name}")
            assert page.evaluate(CROWDED) == [], path.name


def test_pictures_have_their_own_background(reader, data_site):
    """This holds on white and on GitHub's dark page, at full width and on a phone."""
    site = data_site("rich")
    for ground, suffix in (("#ffffff", ""), ("#0d1117", "-dark")):
        for width in (390, 1280):
            page = reader.context(size=(width, 800)).new_page()
            page.set_content(
                f'<body style="margin:0;background:{ground}">'
                f'<img style="width:100%" alt="" src="{site.url}chart/downloads{suffix}.svg">'
            )
            image = page.locator("img")
            page.wait_for_function("() => document.images[0].complete")
            box = image.bounding_box()
            assert box["width"] == width
            assert abs(box["height"] - width * 420 / 720) < 1
            assert image.evaluate("(image) => image.naturalWidth") == 720
    for scheme in ("light", "dark"):
        panel = getattr(SURFACES["panel"], scheme)
        for name in ("text", "muted", "warn"):
            assert contrast(getattr(SURFACES[name], scheme), panel) >= 4.5


def test_a_long_text_is_shortened():
    assert fit("short", 200, 14) == "short"
    cut = fit("\u2068" + "שלום עולם " * 9 + "\u2069", 90, 14)
    assert cut.endswith("…\u2069")
    assert cut.startswith("\u2068")


def test_a_product_named_like_a_metric_has_its_own_file(tmp_path: Path):
    """No file is overwritten."""
    path = tmp_path / "cmetrics.toml"
    path.write_text(
        'title = "T"\ncontact = "https://example.com/contact"\n[[products]]\nid = "x"\ntitle = "X"\n'
        '[[metrics]]\nid = "downloads:x"\nproduct = "x"\nsource = "npm"\nsubject = "a"\n'
        '[[metrics]]\nid = "downloads:b"\nproduct = "x"\nsource = "npm"\nsubject = "b"\n'
    )
    catalog = load_catalog(path, SPECS)
    rows = [row for metric in catalog.metrics for row in counted(metric, {AS_OF - n * DAY: 90 for n in range(60)})]
    files = rendered(catalog, rows, plotly=b"")
    titles = {name: texts(files[name].decode())[0] for name in ("chart/downloads-x.svg", "chart/_downloads-x.svg")}
    assert titles["chart/_downloads-x.svg"] == "Downloads of X"
    assert titles["chart/downloads-x.svg"].startswith("Downloads of a")


def test_a_notice_is_in_every_picture():
    """It is in the title for screen readers, and visible."""
    catalog = replace(load_catalog(None, SPECS), notice="Sample data")
    files = rendered(catalog, rows_of(catalog), plotly=b"")
    drawn = {name: svg.decode() for name, svg in files.items() if name.startswith(("chart/", "embed/"))}
    assert len(drawn) > 20
    for name, svg in drawn.items():
        assert "Sample data" in texts(svg), name
        assert ET.fromstring(svg).find(f"{SVG}title").text.startswith("Sample data · "), name
