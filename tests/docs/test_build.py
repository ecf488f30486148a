"""The documentation builds without warnings, its links work, and it loads nothing from another host."""

from __future__ import annotations

import posixpath
import re
from pathlib import Path
from urllib.parse import unquote, urlsplit

from playwright.sync_api import sync_playwright

from tests.docs.project import DOCS, ROOT, Document, is_foreign, navigation, pages
from tests.web_server import serve

REPOSITORY = "https://github.com/lancedb/cmetrics/blob/main/"


def test_every_page_is_in_the_navigation_once():
    assert sorted(navigation()) == [page.relative_to(DOCS).as_posix() for page in pages()]


def test_every_page_is_built(documents: dict[str, Document]):
    assert set(documents) == {f"{page.removesuffix('.md')}.html" for page in navigation()}


def test_links_and_anchors_exist(documents: dict[str, Document], site: Path):
    broken = []
    for name, document in documents.items():
        for link in document.links:
            parts = urlsplit(link)
            if parts.scheme or parts.netloc:
                continue
            target = (
                posixpath.normpath(posixpath.join(posixpath.dirname(name), unquote(parts.path))) if parts.path else name
            )
            if not (site / target).is_file() or (
                parts.fragment and unquote(parts.fragment) not in documents[target].ids
            ):
                broken.append((name, link))
    assert broken == []


def test_links_into_the_repository_exist(documents: dict[str, Document]):
    linked = {link.removeprefix(REPOSITORY) for page in documents.values() for link in page.links if REPOSITORY in link}
    assert [path for path in linked if not (ROOT / urlsplit(path).path).exists()] == []


def test_nothing_is_loaded_from_another_host(documents: dict[str, Document], site: Path):
    """Requests of scripts are checked by the browser below, and restricted by the policy of each page."""
    foreign = {name: [load for load in page.loads if is_foreign(load)] for name, page in documents.items()}
    assert {name: loads for name, loads in foreign.items() if loads} == {}
    styles = list(site.rglob("*.css"))
    assert styles
    for style in styles:
        text = style.read_text(encoding="utf-8")
        assert [one for one in re.findall(r"url\(\s*['\"]?([^'\")]+)", text) if is_foreign(one)] == []
        assert "@import" not in text
    assert all("default-src 'self'" in page.text for page in documents.values())


def test_a_browser_requests_nothing_from_another_host(site: Path, chromium: str):
    """This is checked on every page, and on the first one also in the dark colour scheme."""
    requested: list[str] = []
    messages: list[str] = []
    with serve(site) as served, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox", "--disable-gpu"])
        for scheme in ("light", "dark"):
            context = browser.new_context(color_scheme=scheme)
            context.on("request", lambda request: requested.append(request.url))
            context.on("console", lambda message: messages.append(f"{message.location['url']}: {message.text}"))
            context.on("weberror", lambda error: messages.append(str(error.error)))
            page = context.new_page()
            for name in navigation()[: None if scheme == "light" else 1]:
                page.goto(f"{served.url}{name.removesuffix('.md')}.html")
            context.close()
        browser.close()
    # `blob:` is the worker of the search.
    assert {url for url in requested if not url.startswith((served.url, "data:", "blob:"))} == set()
    assert messages == []
