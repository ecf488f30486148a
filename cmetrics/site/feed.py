"""The news as an Atom feed (RFC 4287): identifiers and URLs. The markup is in a template."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date
from urllib.parse import quote, urlsplit
from uuid import NAMESPACE_URL, uuid5

from cmetrics.analytics.news import NewsItem
from cmetrics.site.folders import CHANGES, card_path
from cmetrics.version import __version__

FILE = "feed.xml"
ENTRIES = 100
#: The date of a feed without entries. Atom requires one, and it must not depend on the clock.
BEGINNING = date(1970, 1, 1)

# Characters outside of the Char production of XML 1.0 (section 2.2), which cannot be escaped either.
_NO_XML = re.compile(r"[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
# A DNS name in the form of a tag URI's authority (RFC 4151).
_TAG_AUTHORITY = re.compile(r"[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*")


@dataclass(frozen=True, slots=True)
class Entry:
    """One atom:entry. Texts contain only characters that XML allows, and are not escaped yet."""

    id: str
    title: str
    #: Midnight UTC (RFC 3339) of the first and of the last day of the news.
    published: str
    updated: str
    #: Absolute if the site's address is known, else relative to the feed.
    link: str
    content: str
    category: str
    #: The preview picture of its product, or of the site. Absolute if the link is.
    picture: str


@dataclass(frozen=True, slots=True)
class Feed:
    """One atom:feed."""

    id: str
    title: str
    #: The day of the newest data, and which sources have no recent data.
    subtitle: str
    #: The address of the page; None if unknown.
    site: str | None
    #: The links to the page and to the feed itself; relative if the address is unknown.
    page: str
    link: str
    updated: str
    #: The picture of the site, and its icon.
    logo: str
    icon: str
    #: The version of cmetrics.
    version: str
    entries: tuple[Entry, ...]


def build_feed(
    news: Sequence[NewsItem], title: str, url: str | None, subtitle: str = "", cards: Collection[str] = ()
) -> Feed:
    """Return the feed of ``news`` (newest first; at most 100) for the site at ``url``.

    Identifiers depend on the site and the subject of an entry, never on its text. With an address, they are
    tag URIs (RFC 4151) with the day of its first news; without one, UUIDs derived from the title. ``cards`` are
    the products that have a preview picture of their own.
    """
    site = f"{url.rstrip('/')}/" if url else None
    # Without a server, a folder does not resolve to its index page, so the link has the file name.
    page = site or "index.html"
    title = _xml(title)
    entries = tuple(
        Entry(
            id=_identifier(site, title, item.slug, item.since),
            title=_xml(item.title),
            published=_midnight(item.since),
            updated=_midnight(item.day),
            link=f"{site or ''}{item.href or f'{CHANGES}#{quote(item.slug)}'}",
            content=_xml(item.text),
            category=item.kind.value,
            picture=f"{site or ''}{card_path(item.product if item.product in cards else None)}",
        )
        for item in news[:ENTRIES]
    )
    return Feed(
        id=_identifier(site, title, "feed", BEGINNING) if site is None else site,
        title=title,
        subtitle=_xml(subtitle),
        site=site,
        page=page,
        link=f"{site or ''}{FILE}",
        updated=max((entry.updated for entry in entries), default=_midnight(BEGINNING)),
        logo=f"{site or ''}{card_path(None)}",
        icon=f"{site or ''}assets/favicon.svg",
        version=__version__,
        entries=entries,
    )


def _identifier(site: str | None, title: str, slug: str, since: date) -> str:
    parts = urlsplit(site or "")
    host = (parts.hostname or "").lower()
    if _TAG_AUTHORITY.fullmatch(host):
        # Include the path, because a host may serve several sites.
        return f"tag:{host},{since.isoformat()}:{quote(parts.path, safe='/%')}{quote(slug)}"
    # A UUID needs no registration, unlike a URN namespace such as ``urn:cmetrics``.
    return uuid5(NAMESPACE_URL, f"cmetrics {site or title} {slug}").urn


def _midnight(day: date) -> str:
    return f"{day.isoformat()}T00:00:00Z"


def _xml(text: str) -> str:
    return _NO_XML.sub("", text)
