from __future__ import annotations

import json
import re

import pytest

from cmetrics.domain.errors import InvalidResponse, NotFound
from cmetrics.sources.nuget import POLICY, REPLICA, SPEC, parse_downloads
from tests.sources.responses import HTML_PAGES, NO_ANSWERS, NO_COUNTS


def answer(*packages: tuple[str, int]) -> bytes:
    data = [{"id": name, "totalDownloads": count, "versions": [{"downloads": 1}]} for name, count in packages]
    return json.dumps({"totalHits": len(data), "data": data}).encode()


def refused(body: bytes) -> str:
    with pytest.raises(InvalidResponse, match=r"^nuget\.org, package Acme\.Db\b") as caught:
        parse_downloads(body, "Acme.Db")
    return str(caught.value)


def test_downloads():
    """The downloads of all versions are returned; ids are compared without regard to case."""
    assert parse_downloads(answer(("acme.db", 6_532_245_026)), "Acme.Db") == 6_532_245_026


def test_empty_list():
    """An empty list is an unknown package, and no package with 0 downloads."""
    with pytest.raises(NotFound):
        parse_downloads(answer(), "Acme.Db")


@pytest.mark.parametrize("packages", [[("Acme.Db2", 1)], [("Acme.Db", 1), ("acme.db", 2)]])
def test_other_packages(packages):
    """A list without the package, or with two of the name, is refused."""
    refused(answer(*packages))


@pytest.mark.parametrize("text", NO_COUNTS)
def test_what_is_no_count(text: str):
    """What is not a count is refused."""
    refused(answer(("Acme.Db", 777)).replace(b"777", text.encode()))


@pytest.mark.parametrize("body", NO_ANSWERS, ids=lambda body: body[:20])
def test_what_is_no_answer(body: bytes):
    """What is not an answer is refused."""
    refused(body)


@pytest.mark.parametrize("page", HTML_PAGES)
def test_html_page(page: bytes):
    """An HTML page is called one."""
    assert "HTML page instead of JSON" in refused(page)


def test_one_replica():
    """All readings come from one replica of the search service."""
    assert POLICY.base == f"https://{REPLICA}"


@pytest.mark.parametrize(
    ("subject", "is_valid"),
    [("Newtonsoft.Json", True), ("A-b_c.D1", True), ("a b", False), ("a..b", False), ("packageid:x", False)],
)
def test_subjects(subject, is_valid):
    """A subject cannot be a query of another kind."""
    assert (re.fullmatch(SPEC.subject_pattern, subject) is not None) is is_valid
