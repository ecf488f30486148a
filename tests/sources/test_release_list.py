from __future__ import annotations

import asyncio
import json
from datetime import date

import pytest

from cmetrics.domain.errors import InvalidResponse, NotFound
from cmetrics.http.service import Response
from cmetrics.sources.release_list import fetch_releases, parse_releases

ROW = {
    "id": 7,
    "tag_name": "v1.0.0",
    "published_at": "2026-10-06T23:30:00-02:00",
    "html_url": "https://github.com/o/r/x",
}


def parse(**changes: object):
    (release,) = parse_releases(json.dumps([ROW | changes]).encode(), "o/r")
    return release


def test_days_are_in_utc():
    """Release days are in UTC, as all days are."""
    assert parse().day == date(2026, 10, 7)


@pytest.mark.parametrize("changes", [{"draft": True}, {"published_at": None}])
def test_drafts_are_ignored(changes: dict[str, object]):
    """Drafts, which are visible only to tokens with push access, are ignored."""
    assert parse(**changes).day is None


@pytest.mark.parametrize("address", ["javascript:alert(1)", "https://evil.example/", "https://github.com/a b", ""])
def test_addresses_of_other_sites_are_replaced(address: str):
    """An address outside GitHub is replaced, so that the page never links to it."""
    assert parse(html_url=address).url("o/r") == "https://github.com/o/r/releases/tag/v1.0.0"
    assert parse().url("o/r") == "https://github.com/o/r/x"


@pytest.mark.parametrize("body", [b"{}", b"<html>", b'[{"id":"7","tag_name":"v"}]', b'[{"id":7}]'])
def test_an_unexpected_structure_is_an_error(body: bytes):
    """A response with an unexpected structure is an error."""
    with pytest.raises(InvalidResponse, match="releases of o/r"):
        parse_releases(body, "o/r")


def test_a_list_that_is_too_large_is_requested_in_shorter_pages():
    """Releases with hundreds of files exceed the maximum response size, so shorter pages are requested."""
    requests = []

    async def get(path: str, params: dict[str, str]) -> Response:
        requests.append((path, params["per_page"]))
        if params["per_page"] == "100":
            msg = "more than 8 MiB"
            raise InvalidResponse(msg)
        return Response(json.dumps([ROW]).encode(), {})

    assert [release.id for release in asyncio.run(fetch_releases(get, "o/r"))] == [7]
    assert requests == [("/repos/o/r/releases", "100"), ("/repos/o/r/releases", "30")]


def test_any_other_failure_is_not_repeated():
    """Other errors are raised without a retry."""

    async def get(path: str, params: dict[str, str]) -> Response:
        requests.append(path)
        msg = "not found: o/r"
        raise NotFound(msg)

    requests: list[str] = []
    with pytest.raises(NotFound):
        asyncio.run(fetch_releases(get, "o/r"))
    assert len(requests) == 1
