from __future__ import annotations

import json
import re

import pytest

from cmetrics.domain.errors import InvalidResponse, NotFound
from cmetrics.sources.nuget import POLICY, REPLICA, SPEC, parse_downloads
from tests.sources.responses import HTML_PAGES, INVALID_COUNTS, INVALID_RESPONSES


def answer(*packages: tuple[str, int]) -> bytes:
    data = [{"id": name, "totalDownloads": count, "versions": [{"downloads": 1}]} for name, count in packages]
    return json.dumps({"totalHits": len(data), "data": data}).encode()


def rejection(body: bytes) -> str:
    with pytest.raises(InvalidResponse, match=r"^nuget\.org, package Acme\.Db\b") as caught:
        parse_downloads(body, "Acme.Db")
    return str(caught.value)


def test_downloads():
    """The downloads of all versions are returned, and ids are compared case-insensitively."""
    assert parse_downloads(answer(("acme.db", 6_532_245_026)), "Acme.Db") == 6_532_245_026


def test_empty_list():
    """An empty list means an unknown package, not 0 downloads."""
    with pytest.raises(NotFound):
        parse_downloads(answer(), "Acme.Db")


@pytest.mark.parametrize("packages", [[("Acme.Db2", 1)], [("Acme.Db", 1), ("acme.db", 2)]])
def test_other_packages(packages):
    """A list without the package, or with two of that name, is rejected."""
    rejection(answer(*packages))


@pytest.mark.parametrize("text", INVALID_COUNTS)
def test_invalid_count(text: str):
    """An invalid count is rejected."""
    rejection(answer(("Acme.Db", 777)).replace(b"777", text.encode()))


@pytest.mark.parametrize("body", INVALID_RESPONSES, ids=lambda body: body[:20])
def test_invalid_response(body: bytes):
    """An invalid response is rejected."""
    rejection(body)


@pytest.mark.parametrize("page", HTML_PAGES)
def test_html_page(page: bytes):
    """The error names an HTML page as such."""
    assert "HTML page instead of JSON" in rejection(page)


def test_one_replica():
    """Every request goes to the same replica of the search service."""
    assert POLICY.base == f"https://{REPLICA}"


@pytest.mark.parametrize(
    ("subject", "is_valid"),
    [("Newtonsoft.Json", True), ("A-b_c.D1", True), ("a b", False), ("a..b", False), ("packageid:x", False)],
)
def test_subjects(subject, is_valid):
    """A subject cannot contain query syntax."""
    assert (re.fullmatch(SPEC.subject_pattern, subject) is not None) is is_valid
