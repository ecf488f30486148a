"""Checks by tools and of files: accessibility, validity, links, sizes, descriptions, badges."""

from __future__ import annotations

import json
import re
import shutil
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urljoin, urlsplit

import pytest

from cmetrics.catalog import load_catalog
from cmetrics.sources import SPECS
from tests.conftest import catalog_text
from tests.site.conftest import (
    AS_OF,
    EVENTS,
    RUNS,
    URL,
    Reader,
    Site,
    activate_charts,
    axe,
    many_catalog,
    rendered,
    rows_of,
)
from tests.web_server import serve
from tests.web_tools import validate_html

LAYOUTS = ["site", "many"]


@pytest.fixture(params=LAYOUTS)
def either(request: pytest.FixtureRequest) -> Site:
    """Return the site of few metrics or that of many."""
    return request.getfixturevalue(request.param)


# -- accessibility ----------------------------------------------------------------------------------


def opened(reader: Reader, url: str, **options):
    # Tables by month, because those by day have many more rows of the same kind, which axe would check one by one.
    page = reader.open(f"{url}?starsby=month", reduced_motion="reduce", **options)
    activate_charts(page)
    page.evaluate("() => document.querySelectorAll('details').forEach((one) => { one.open = true; })")
    return page


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [390, 1280])
def test_axe_finds_nothing_with_open_details_and_live_charts(reader, site, width, scheme):
    assert axe(opened(reader, site.url, size=(width, 900), color_scheme=scheme)) == []


@pytest.mark.parametrize("path", ["", "products/p07.html", "metrics/downloads-p07-n03.html"])
def test_axe_finds_nothing_in_pages_of_many_metrics(reader, many, path):
    assert axe(opened(reader, many.url + path, size=(390, 844), color_scheme="dark")) == []


def test_axe_finds_nothing_in_the_404_page(reader, site):
    assert axe(reader.open(f"{site.url}404.html")) == []


def test_axe_finds_nothing_in_an_empty_page(reader, tmp_path):
    (tmp_path / "cmetrics.toml").write_text(catalog_text(("cratesio", "lance"), ("github", "lancedb/lancedb")))
    index = tmp_path / "index.html"
    files = rendered(load_catalog(tmp_path / "cmetrics.toml", SPECS), [])
    for name, content in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(content)
    assert axe(opened(reader, index.as_uri())) == []


def test_axe_finds_nothing_without_scripts(reader, site):
    # axe is a script, so only the scripts of the page are blocked.
    context = reader.context()
    context.route("**/*.js", lambda route: route.abort())
    page = context.new_page()
    page.goto(site.url)
    assert axe(page) == []
    assert all("Failed to load resource" in text for text in reader.console)
    reader.console.clear()


# -- markup and links -------------------------------------------------------------------------------


def test_a_small_site_is_valid_html(site):
    assert validate_html(site.folder) == []


def test_a_large_site_is_valid_html(many, tmp_path):
    # All pages of a kind have one template, so some of each are checked.
    for path in ("index.html", "404.html", "products/p00.html", "products/p19.html"):
        copied(many.folder, path, tmp_path)
    for metric in ("downloads-p00-n00", "downloads-p19-n11", "stars-p00-r00"):
        copied(many.folder, f"metrics/{metric}.html", tmp_path)
    assert validate_html(tmp_path) == []


def copied(folder: Path, path: str, to: Path) -> None:
    (to / path).parent.mkdir(exist_ok=True)
    shutil.copy(folder / path, to / path)


class _Links(HTMLParser):
    """The addresses and anchors of a page."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []
        self.anchors: list[str] = []
        self.labels: list[str] = []

    def handle_starttag(self, tag, attrs) -> None:
        for name, value in attrs:
            if name in ("href", "src", "data-plotly"):
                self.found.append(value)
            elif name == "id":
                self.anchors.append(value)
            elif name in ("aria-labelledby", "for", "aria-controls", "aria-describedby"):
                self.labels += value.split()


def links_of(path: Path) -> _Links:
    links = _Links()
    text = path.read_text(encoding="utf-8")
    # Data is not markup, and most of a page.
    links.feed(re.sub(r'(<script type="application/[^>]*>).*?</script>', r"\1</script>", text, flags=re.DOTALL))
    return links


def test_internal_links_and_anchors_exist(either):
    pages = {path.relative_to(either.folder).as_posix(): links_of(path) for path in either.folder.rglob("*.html")}
    lost = []
    for name, links in pages.items():
        assert len(links.anchors) == len(set(links.anchors)), name
        assert set(links.labels) <= set(links.anchors), name
        for link in links.found:
            target = urlsplit(urljoin(f"{URL}{name}", link))
            if f"{target.scheme}://{target.netloc}{target.path}".startswith(URL):
                path = unquote(target.path.removeprefix(urlsplit(URL).path)) or "index.html"
                if path.startswith("data/"):
                    continue  # Written by the command next to the pages.
                anchors = pages[path].anchors if path in pages else []
                if not (either.folder / path).is_file() or (
                    target.fragment and unquote(target.fragment) not in anchors
                ):
                    lost.append((name, link))
    assert lost == []
    assert sum(len(links.found) for links in pages.values()) >= 20


def test_external_links_are_https_and_nothing_external_is_loaded(either):
    for path in either.folder.rglob("*.html"):
        text = path.read_text(encoding="utf-8")
        for link in links_of(path).found:
            # The icon of the page for unknown addresses is in the page itself.
            assert urlsplit(link).scheme in {"", "https"} or link.startswith("data:image/svg+xml,"), link
        assert not re.search(r'(src|srcset|poster)="(https?:)?//', text)
        # That page is served at any address, so its search needs the address of the site.
        assert set(re.findall(r'\saction="([^"]*)"', text)) <= ({URL} if path.name == "404.html" else set())
        targets = "'self'" if "action=" in text else "'none'"
        assert f"form-action {targets}" in text
        assert not re.search(
            r'<link rel="(stylesheet|preload|preconnect|dns-prefetch|icon)"[^>]*href="(https?:)?//', text
        )


def test_scripts_are_files_of_the_site(either):
    for path in either.folder.rglob("*.html"):
        text = path.read_text(encoding="utf-8")
        (policy,) = re.findall(r'<meta http-equiv="Content-Security-Policy" content="([^"]*)">', text)
        rules = dict(rule.strip().split(" ", 1) for rule in policy.split(";") if rule.strip())
        assert rules["default-src"] == "'none'"
        scripts = rules.get("script-src", "'none'")
        assert scripts == ("'self'" if re.search(r"<script[^>]*src=", text) else "'none'")
        assert "unsafe-eval" not in policy
        assert not re.search(r"<script(?![^>]*(?:src=|type=\"application/))", text)
        assert not re.search(r"<[^>]+\son\w+=", re.sub(r"<script.*?</script>", "", text, flags=re.DOTALL))
        # The policy must precede everything that it restricts.
        assert text.index("Content-Security-Policy") < min(
            text.find(t) for t in ("<script", "<link", "<style") if t in text
        )


# -- sizes ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("layout", LAYOUTS)
def test_a_visit_stays_below_100_kb_before_plotly_and_500_with_it(request, reader, layout):
    folder = request.getfixturevalue(layout).folder
    with serve(folder) as served:
        page = reader.open(served.url, size=(390, 844))
        page.wait_for_load_state("networkidle")
        assert not any("plotly" in answer.path for answer in served.log)
        assert 0 < sum(served.sent().values()) <= 100_000
        activate_charts(page)
        page.wait_for_load_state("networkidle")
        early, late = served.before_and_after("plotly")
        assert early <= 100_000
        assert late > 100_000, "it was requested"
        assert early + late <= 500_000
        assert len(served.log) == len(served.sent()), "no request is repeated"
        page.context.close()


# -- equality and descriptions ----------------------------------------------------------------------


def test_two_renders_give_the_same_bytes(tmp_path):
    catalog = replace(load_catalog(None, SPECS), events=EVENTS, url=URL)
    rows = rows_of(catalog)
    first, second = (rendered(catalog, rows, RUNS, b"") for _ in range(2))
    assert first == second
    assert list(first) == list(second)
    # The order of the rows does not matter.
    assert rendered(catalog, rows[::-1], RUNS, b"")["index.html"] == first["index.html"]
    few = many_catalog(tmp_path / "few.toml", products=2)
    assert rendered(few, [], (), b"") == rendered(few, [], (), b"")


class _Head(HTMLParser):
    def __init__(self, text: str) -> None:
        super().__init__()
        self.meta: dict[str, str] = {}
        self.links: dict[str, str] = {}
        self.feed(text)

    def handle_starttag(self, tag, attrs) -> None:
        given = dict(attrs)
        if tag == "meta" and "content" in given:
            self.meta[given.get("name") or given.get("property") or ""] = given["content"]
        if tag == "link":
            self.links[given["rel"]] = given["href"]


def head(folder: Path, path: str = "index.html") -> _Head:
    return _Head((folder / path).read_text(encoding="utf-8"))


def dataset(folder: Path) -> dict:
    text = (folder / "index.html").read_text(encoding="utf-8")
    (found,) = re.findall(r'<script type="application/ld\+json">(.*?)</script>', text, flags=re.DOTALL)
    return json.loads(found)


def test_a_page_has_metadata_for_links(site):
    got = head(site.folder)
    assert got.links["canonical"] == got.meta["og:url"] == URL
    assert got.meta["og:title"] == site.catalog.title
    assert got.meta["og:image"] == f"{URL}assets/card.png"
    assert (site.folder / "assets" / "card.png").read_bytes()[:4] == b"\x89PNG"
    assert got.meta["description"] == got.meta["og:description"]
    assert "Data through 22 Nov 2026" in got.meta["description"]
    assert "Lance" in got.meta["description"] and len(got.meta["description"]) < 250
    assert got.meta["twitter:card"] == "summary_large_image"
    assert (site.folder / got.links["icon"]).is_file()
    assert (site.folder / got.links["alternate"]).is_file()


def test_a_page_has_metadata_for_search_engines(either):
    got = dataset(either.folder)
    assert got["@context"].startswith("https://schema.org")
    assert got["@type"] == "Dataset"
    assert got["url"] == URL
    assert got["dateModified"] == AS_OF.isoformat()
    assert 50 <= len(got["description"]) <= 5000
    assert {one["contentUrl"] for one in got["distribution"]} >= {f"{URL}data/stats.csv"}
    assert all(one["@type"] == "DataDownload" for one in got["distribution"])


def test_pages_have_distinct_addresses_titles_and_descriptions(many):
    pages = sorted(path.relative_to(many.folder).as_posix() for path in many.folder.rglob("*.html"))
    pages.remove("404.html")
    pages.remove("charts.html")  # Created by the tests from the overview.
    heads = {path: head(many.folder, path) for path in pages}
    for path, got in heads.items():
        assert got.links["canonical"] == URL + path.removesuffix("index.html")
    assert len({got.meta["og:title"] for got in heads.values()}) == len(pages)
    assert len({got.meta["description"] for got in heads.values()}) == len(pages)
    text = (many.folder / "sitemap.xml").read_text()
    listed = [one.text for one in ET.fromstring(text).iter("{http://www.sitemaps.org/schemas/sitemap/0.9}loc")]
    assert sorted(listed) == sorted(got.links["canonical"] for got in heads.values())


def test_each_page_has_the_preview_picture_of_its_product(either):
    for path in either.folder.rglob("*.html"):
        name = path.relative_to(either.folder).as_posix()
        if name in ("404.html", "charts.html"):
            continue
        image = head(either.folder, name).meta["og:image"].removeprefix(URL)
        product = name.removesuffix(".html").partition("products/")[2]
        if name.startswith("metrics/"):
            product = re.search(r'href="\.\./products/([^"]*)\.html"', path.read_text(encoding="utf-8"))[1]
        assert image == (f"cards/{product}.png" if product else "assets/card.png"), name
        assert (either.folder / image).read_bytes()[:4] == b"\x89PNG"


def test_feed_and_404_page_have_the_address(site, many):
    """Robots read only the file at the root of a host, so a site below it has none."""
    assert not (site.folder / "robots.txt").exists()
    lost = (site.folder / "404.html").read_text()
    for path in ("", "quality.html", "products/lance.html", "products/lancedb.html"):
        assert f'href="{URL}{path}"' in lost
    assert 'name="robots" content="noindex"' in lost
    assert f'<form action="{URL}"' in (many.folder / "404.html").read_text()
    atom = "{http://www.w3.org/2005/Atom}"
    feed = ET.fromstring((site.folder / "feed.xml").read_text())
    assert {one.get("href") for one in feed.findall(f"{atom}link")} == {URL, f"{URL}feed.xml"}
    assert feed.find(f"{atom}logo").text == f"{URL}assets/card.png"
    assert feed.find(f"{atom}generator").text == "cmetrics"
    assert "Data through 22 Nov 2026" in feed.find(f"{atom}subtitle").text
    for entry in feed.findall(f"{atom}entry"):
        (picture,) = [one.get("href") for one in entry.findall(f"{atom}link") if one.get("rel") == "enclosure"]
        assert (site.folder / picture.removeprefix(URL)).is_file()
        assert entry.find(f"{atom}published") is not None


def test_a_site_at_the_root_of_its_host_has_a_file_for_robots():
    catalog = load_catalog(None, SPECS)
    files = rendered(replace(catalog, url="https://metrics.example.org/"), rows_of(catalog), (), b"")
    assert b"Sitemap: https://metrics.example.org/sitemap.xml" in files["robots.txt"]
    assert b"Disallow" not in files["robots.txt"]


def test_without_an_address_there_is_no_canonical_link():
    catalog = load_catalog(None, SPECS)
    files = rendered(replace(catalog, url=None), rows_of(catalog), (), b"")
    got = _Head(files["index.html"].decode())
    assert "canonical" not in got.links
    assert "og:url" not in got.meta
    assert got.meta["og:image"] == "assets/card.png"
    assert got.links["alternate"] == "feed.xml"
    assert "sitemap.xml" not in files
    assert b"Sitemap" not in files["robots.txt"]
    assert b"None" not in files["robots.txt"] + files["404.html"] + files["feed.xml"]
    assert _Head(files["404.html"].decode()).links["icon"].startswith("data:image/svg+xml,")
    assert files["404.html"].count(b"href") == 1
    (data,) = re.findall(rb'<script type="application/ld\+json">(.*?)</script>', files["index.html"], flags=re.DOTALL)
    assert "url" not in json.loads(data)


# -- badges and small charts ------------------------------------------------------------------------


def pictures(folder: Path) -> Iterator[Path]:
    yield from sorted([*folder.glob("badges/*.svg"), *folder.glob("embed/*.svg")])


def test_badges_and_embeds_are_self_contained(reader, site):
    page = reader.context().new_page()
    for path in pictures(site.folder):
        text = path.read_text()
        assert "http" not in text.replace("http://www.w3.org/2000/svg", ""), "there are no external references"
        page.goto(site.url + path.relative_to(site.folder).as_posix())
        assert page.locator("svg[role=img] > title").text_content()
        inside = page.evaluate(
            """() => { const box = document.documentElement.getBoundingClientRect();
            return [...document.querySelectorAll('text')].every(t => { const r = t.getBoundingClientRect();
            return r.width > 0 && r.left >= box.left && r.right <= box.right; }); }"""
        )
        assert inside, f"text runs out of {path.name}"
    endpoint = json.loads((site.folder / "badges" / "downloads-lance-python.json").read_text())
    assert endpoint.keys() == {"schemaVersion", "label", "message", "color"}
    assert endpoint["schemaVersion"] == 1
    assert "Oct 2026" in endpoint["message"]
