from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from urllib.parse import urljoin

import pytest
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from cmetrics.analytics.dashboard import build_dashboard
from cmetrics.analytics.news import build_news
from cmetrics.catalog import Catalog
from cmetrics.domain.days import DAY, day_range
from cmetrics.domain.metric import Product
from cmetrics.domain.run import Run, RunStatus
from cmetrics.site.feed import build_feed
from cmetrics.site.folders import templates_folder
from tests.samples import a_metric, a_row, a_table

AS_OF = date(2026, 11, 22)
NOW = datetime(2026, 11, 23, 6, tzinfo=UTC)
NODE = a_metric("npm", product="p")
STARS = a_metric("github", product="p")
ATOM = "{http://www.w3.org/2005/Atom}"
SITE = "https://example.github.io/metrics/"
EVIL = "]]></content><script>alert(1)</script>&\"'\x0b\x00\ud800\uffff 🚀"
MOMENT = re.compile(r"\d{4}-\d\d-\d\dT00:00:00Z")


def news(title: str = "P", error: str = "no"):
    """Return news with a month, a milestone and an outage."""
    catalog = Catalog(Path("cmetrics.toml"), "All", "contact", (Product("p", title),), (NODE, STARS), {})
    rows = [a_row(NODE, day, 10) for day in day_range(date(2026, 9, 1), AS_OF)]
    rows += [a_row(STARS, AS_OF - n * DAY, 1001 - n) for n in range(4)]
    runs = [
        Run(f"r{n}", "refresh", RunStatus.FAILED, NOW - timedelta(days=n), NOW, error_summary=error) for n in range(3)
    ]
    titles = {"npm": "npm", "github": "GitHub"}
    board = build_dashboard(catalog, titles, a_table(rows), runs, as_of=AS_OF, days=7300, generated_at=NOW)
    return build_news(board, runs)


def rendered(items, title: str = "All", url: str | None = SITE) -> bytes:
    environment = Environment(
        loader=FileSystemLoader(templates_folder()),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals["lang"] = lambda: "en"
    return environment.get_template("feed.xml.j2").render(feed=build_feed(items, title, url)).encode()


def parsed(*args, **more) -> ET.Element:
    return ET.fromstring(rendered(*args, **more))


def text(element: ET.Element, name: str) -> str:
    (found,) = element.findall(f"{ATOM}{name}")
    assert found.text and not list(found)
    return found.text


def link(element: ET.Element, rel: str) -> str:
    (found,) = [one for one in element.findall(f"{ATOM}link") if one.get("rel") == rel]
    return found.get("href")


@pytest.mark.parametrize("url", [SITE, None])
def test_the_feed_conforms_to_rfc_4287(url):
    feed = parsed(news(), url=url)
    assert feed.tag == f"{ATOM}feed"
    assert text(feed, "title") == "All"
    assert feed.find(f"{ATOM}author/{ATOM}name").text == "All"
    entries = feed.findall(f"{ATOM}entry")
    assert {entry.find(f"{ATOM}category").get("term") for entry in entries} == {"month", "milestone", "outage"}
    for entry in [feed, *entries]:
        assert MOMENT.fullmatch(text(entry, "updated"))
        assert re.match(r"(tag|urn|https):", text(entry, "id"))
        assert link(entry, "alternate")
    for entry in entries:
        assert text(entry, "title")
        assert text(entry, "content")
        assert entry.find(f"{ATOM}content").get("type") == "text"
    ids = [text(entry, "id") for entry in [feed, *entries]]
    assert len(set(ids)) == len(ids)


def test_times_of_entries_are_the_days_of_news():
    items = news()
    feed = parsed(items)
    assert [text(entry, "updated") for entry in feed.findall(f"{ATOM}entry")] == [
        f"{item.day.isoformat()}T00:00:00Z" for item in items
    ]
    assert text(feed, "updated") == "2026-11-23T00:00:00Z"
    assert "2026-11-01T00:00:00Z" in [text(entry, "updated") for entry in feed.findall(f"{ATOM}entry")]
    assert rendered(items) == rendered(news())


@pytest.mark.parametrize("url", [SITE, SITE.rstrip("/")])
def test_with_an_address_links_are_absolute_and_ids_are_tags(url):
    feed = parsed(news(), url=url)
    assert (text(feed, "id"), link(feed, "alternate"), link(feed, "self")) == (SITE, SITE, f"{SITE}feed.xml")
    month = next(e for e in feed.findall(f"{ATOM}entry") if "October 2026" in text(e, "title"))
    assert text(month, "id") == "tag:example.github.io,2026-11-01:/metrics/month-2026-10"
    assert link(month, "alternate") == f"{SITE}changes.html#month-2026-10"
    assert all(
        re.fullmatch(r"tag:[a-z.]+,\d{4}-\d\d-\d\d:[\w./-]+", text(e, "id")) for e in feed.findall(f"{ATOM}entry")
    )


def test_without_an_address_links_are_relative_and_ids_are_uuids():
    feed = parsed(news(), url=None)
    assert (link(feed, "self"), link(feed, "alternate")) == ("feed.xml", "index.html")
    for entry in [feed, *feed.findall(f"{ATOM}entry")]:
        assert re.fullmatch(r"urn:uuid:[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", text(entry, "id"))
    assert urljoin(f"{SITE}feed.xml", link(feed.find(f"{ATOM}entry"), "alternate")).startswith(f"{SITE}changes.html#")


def test_published_ids_do_not_change():
    (entry, *_) = build_feed(news(), "All", None).entries
    assert entry.id == "urn:uuid:bc95ed2a-7a95-59e7-a2e2-d2c5c739970f"


@pytest.mark.parametrize("url", ["http://[::1]:8000/", "http://127.0.0.1:8000/x", "https://exämple.org/ü", SITE])
def test_any_address_gives_ids_of_ascii(url):
    ids = [entry.id for entry in build_feed(news(), "All", url).entries]
    assert len(set(ids)) == len(ids)
    assert all(re.fullmatch(r"[\x21-\x7e]+", one) for one in ids)


def test_a_continuing_outage_updates_its_entry():
    entry = next(e for e in build_feed(news(), "All", SITE).entries if e.category == "outage")
    assert (entry.id, entry.updated) == (
        "tag:example.github.io,2026-11-21:/metrics/outage-all-2026-11-21",
        "2026-11-23T00:00:00Z",
    )


def test_texts_do_not_change_ids():
    one, two = (build_feed(news(title, error), "All", SITE).entries for title, error in (("P", "a"), ("Q", "b")))
    assert [entry.id for entry in one] == [entry.id for entry in two]
    assert [entry.content for entry in one] != [entry.content for entry in two]


@pytest.mark.parametrize("url", [SITE, None])
def test_hostile_texts_are_escaped_in_the_feed(url):
    out = rendered(news(title=EVIL, error=EVIL), EVIL, url)
    feed = ET.fromstring(out)
    assert text(feed, "title") == "]]></content><script>alert(1)</script>&\"' 🚀"
    outage = next(e for e in feed.findall(f"{ATOM}entry") if "failed" in text(e, "title"))
    assert text(outage, "content").endswith("]]></content><script>alert(1)</script>&\"'  🚀")
    assert b"<script" not in out


def test_a_feed_without_news_is_valid():
    feed = parsed(())
    assert (text(feed, "updated"), feed.findall(f"{ATOM}entry")) == ("1970-01-01T00:00:00Z", [])


def test_the_feed_has_the_newest_hundred_entries():
    items = news() * 60
    assert len(items) > 100
    assert len(build_feed(items, "All", SITE).entries) == 100
