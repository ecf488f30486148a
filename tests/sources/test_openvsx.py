from __future__ import annotations

import json
import re

import pytest

from cmetrics.domain.errors import InvalidResponse
from cmetrics.sources.openvsx import SPEC, parse_downloads
from tests.sources.responses import HTML_PAGES, INVALID_COUNTS, INVALID_RESPONSES


def extension(**changes) -> bytes:
    whole = {"namespace": "Acme", "name": "lens", "downloadCount": 1524, "averageRating": 5.0, "verified": True}
    return json.dumps(whole | changes).encode()


def rejection(body: bytes) -> str:
    with pytest.raises(InvalidResponse, match=r"^open-vsx\.org, extension acme\.lens\b") as caught:
        parse_downloads(body, "acme.lens")
    return str(caught.value)


def test_downloads():
    """The downloads are returned, and names are compared case-insensitively."""
    assert parse_downloads(extension(), "acme.lens") == 1524


@pytest.mark.parametrize("changes", [{"namespace": "other"}, {"name": "lens2"}])
def test_response_for_another_extension(changes):
    """The response for another subject is rejected."""
    assert "returned another extension" in rejection(extension(**changes))


@pytest.mark.parametrize("text", INVALID_COUNTS)
def test_invalid_count(text: str):
    """An invalid count is rejected."""
    rejection(extension().replace(b"1524", text.encode()))


@pytest.mark.parametrize(
    "body", [*INVALID_RESPONSES, b'{"error":"Extension not found: acme.lens"}'], ids=lambda b: b[:20]
)
def test_invalid_response(body: bytes):
    """An invalid response is rejected, as is an error with a success status."""
    rejection(body)


@pytest.mark.parametrize("page", HTML_PAGES)
def test_html_page(page: bytes):
    """The error names an HTML page as such."""
    assert "HTML page instead of JSON" in rejection(page)


@pytest.mark.parametrize(
    ("subject", "is_valid"),
    [("redhat.vscode-yaml", True), ("a.b", True), ("noname", False), ("a.b.c", False), ("a/b", False), (".b", False)],
)
def test_subjects(subject, is_valid):
    """A subject consists of a publisher and a name."""
    assert (re.fullmatch(SPEC.subject_pattern, subject) is not None) is is_valid


def test_page():
    """The address of an extension has the publisher as a folder."""
    assert SPEC.page_url("redhat.vscode-yaml") == "https://open-vsx.org/extension/redhat/vscode-yaml"
