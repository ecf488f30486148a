from __future__ import annotations

import json
import re

import pytest

from cmetrics.domain.errors import InvalidResponse, NotFound
from cmetrics.sources.dockerhub import SPEC, parse_pulls
from tests.sources.responses import HTML_PAGES, INVALID_COUNTS, INVALID_RESPONSES


def image(**changes) -> bytes:
    whole = {"namespace": "acme", "name": "db", "pull_count": 72_673, "star_count": 7, "is_private": False} | changes
    return json.dumps({key: value for key, value in whole.items() if value is not None}).encode()


def rejection(body: bytes) -> str:
    with pytest.raises(InvalidResponse, match=r"^hub\.docker\.com, image acme/db\b") as caught:
        parse_pulls(body, "acme/db")
    return str(caught.value)


def test_pulls():
    """The pulls are returned, and other fields are ignored."""
    assert parse_pulls(image(), "acme/db") == 72_673


def test_image_without_names():
    """A response with only the count is accepted, because other fields were added over the years."""
    assert parse_pulls(b'{"pull_count":0}', "acme/db") == 0


def test_empty_list_is_an_unknown_namespace():
    """The empty list for an unknown namespace means not found, not 0 pulls."""
    with pytest.raises(NotFound, match="unknown namespace"):
        parse_pulls(b'{"count":0,"next":null,"previous":null,"results":[]}', "acme/db")


@pytest.mark.parametrize(
    "body", [b'{"count":3,"results":[]}', b'{"message":"object not found"}', b'{"pull_count":null}']
)
def test_answer_without_pulls(body: bytes):
    """A response without a count is rejected."""
    assert "no pull_count" in rejection(body)


def test_empty_body():
    """The error names an empty body as such."""
    assert "sent an empty response" in rejection(b"")


@pytest.mark.parametrize("changes", [{"namespace": "other"}, {"name": "other"}])
def test_response_for_another_image(changes):
    """The response for another subject is rejected."""
    assert "returned another image" in rejection(image(**changes))


@pytest.mark.parametrize("text", [text for text in INVALID_COUNTS if text != "null"])
def test_invalid_count(text: str):
    """An invalid count is rejected."""
    rejection(image().replace(b"72673", text.encode()))


@pytest.mark.parametrize("body", INVALID_RESPONSES, ids=lambda body: body[:20])
def test_invalid_response(body: bytes):
    """An invalid response is rejected."""
    rejection(body)


@pytest.mark.parametrize("page", HTML_PAGES)
def test_html_page(page: bytes):
    """The error names an HTML page as such."""
    assert "HTML page instead of JSON" in rejection(page)


@pytest.mark.parametrize(
    ("subject", "is_valid"),
    [
        ("acme/db", True),
        ("library/postgres", True),
        ("a1/x.y-z_0", True),
        ("acme/a--b", True),
        ("postgres", False),
        ("Acme/db", False),
        ("acme/db/", False),
        ("acme/db:latest", False),
        ("acme/..", False),
        ("docker.io/acme/db", False),
    ],
)
def test_subjects(subject, is_valid):
    """A subject requires a namespace and must not have a tag."""
    assert (re.fullmatch(SPEC.subject_pattern, subject) is not None) is is_valid
