"""api.github.com: the releases of a repository, newest first.

``GET /repos/{owner}/{repo}/releases`` (docs.github.com, "List releases") is public; drafts are listed only
for tokens that may push. A release stays the same (``id``) when its tag, its title or the repository is renamed.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from datetime import UTC, date
from typing import Annotated
from urllib.parse import quote

from pydantic import AwareDatetime, Field, TypeAdapter

from cmetrics.domain.errors import InvalidResponse
from cmetrics.http.service import Response
from cmetrics.http.validation import Shape, parse

#: Releases on a page; 100 is GitHub's maximum.
NEWEST = 100
#: A response is limited to 8 MiB, and an asset takes about 1.6 kB, so releases with many files need shorter pages.
NEWEST_WITH_MANY_FILES = 30

_ADDRESS = re.compile(r"https://github\.com/[\x21\x23-\x3b\x3d\x3f-\x5b\x5d-\x7e]{1,400}")

#: Sends a GET of a path with parameters.
Get = Callable[[str, dict[str, str]], Awaitable[Response]]


class Release(Shape):
    """The fields of a release that are used."""

    id: Annotated[int, Field(ge=1)]
    tag_name: Annotated[str, Field(min_length=1)]
    name: str | None = None
    draft: bool = False
    prerelease: bool = False
    published_at: Annotated[AwareDatetime, Field(strict=False)] | None = None
    html_url: str = ""

    @property
    def day(self) -> date | None:
        """The UTC day of the publication; None for a draft."""
        return None if self.draft or self.published_at is None else self.published_at.astimezone(UTC).date()

    def url(self, subject: str) -> str:
        """Return the address of its page. An address elsewhere than on github.com is not used."""
        if _ADDRESS.fullmatch(self.html_url):
            return self.html_url
        return f"https://github.com/{subject}/releases/tag/{quote(self.tag_name, safe='')}"


_RELEASES = TypeAdapter(list[Release])


def parse_releases(body: bytes, subject: str) -> tuple[Release, ...]:
    """Return the releases of one page as received, drafts included."""
    releases = parse(_RELEASES, body, f"api.github.com, releases of {subject}")
    return tuple(releases)


async def fetch_releases(get: Get, subject: str) -> tuple[Release, ...]:
    """Return the newest releases of a repository, at most 100. Raises SourceError."""
    path = f"/repos/{subject}/releases"
    try:
        return parse_releases((await get(path, {"per_page": str(NEWEST)})).body, subject)
    except InvalidResponse:
        # Usually a response that is too large.
        return parse_releases((await get(path, {"per_page": str(NEWEST_WITH_MANY_FILES)})).body, subject)
