from __future__ import annotations

import json
import re

import pytest

from cmetrics.domain.errors import InvalidResponse
from cmetrics.sources.openvsx import SPEC, parse_downloads
from tests.sources.responses import HTML_PAGES, NO_ANSWERS, NO_COUNTS


def extension(**changes) -> bytes:
    whole = {"namespace": "Acme", "name": "lens", "downloadCount": 1524, "averageRating": 5.0, "verified": True}
    return json.dumps(whole | changes).encode()


def refused(body: bytes) -> str:
    with pytest.raises(InvalidResponse, match=r"^open-vsx\.org, extension acme\.lens\b") as caught:
        parse_downloads(body, "acme.lens")
    return str(caught.value)


def test_downloads():
    """The downloads are returned; names are compared without regard to case."""
    assert parse_downloads(extension(), "acme.lens") == 1524


@pytest.mark.parametrize("changes", [{"namespace": "other"}, {"name": "lens2"}])
def test_another_extension(changes):
    """The answer to another question is refused."""
    assert "returned another extension" in refused(extension(**changes))


@pytest.mark.parametrize("text", NO_COUNTS)
def test_what_is_no_count(text: str):
    """What is not a count is refused."""
    refused(extension().replace(b"1524", text.encode()))


@pytest.mark.parametrize("body", [*NO_ANSWERS, b'{"error":"Extension not found: acme.lens"}'], ids=lambda b: b[:20])
def test_what_is_no_answer(body: bytes):
    """What is not an answer is refused, an error with a success status included."""
    refused(body)


@pytest.mark.parametrize("page", HTML_PAGES)
def test_html_page(page: bytes):
    """An HTML page is called one."""
    assert "HTML page instead of JSON" in refused(page)


@pytest.mark.parametrize(
    ("subject", "is_valid"),
    [("redhat.vscode-yaml", True), ("a.b", True), ("noname", False), ("a.b.c", False), ("a/b", False), (".b", False)],
)
def test_subjects(subject, is_valid):
    """A subject has a publisher and a name."""
    assert (re.fullmatch(SPEC.subject_pattern, subject) is not None) is is_valid


def test_page():
    """The page of an extension has the publisher as a folder."""
    assert SPEC.page_url("redhat.vscode-yaml") == "https://open-vsx.org/extension/redhat/vscode-yaml"
