from __future__ import annotations

import json
import re

import pytest

from cmetrics.domain.errors import InvalidResponse, NotFound
from cmetrics.sources.dockerhub import SPEC, parse_pulls
from tests.sources.responses import HTML_PAGES, NO_ANSWERS, NO_COUNTS


def image(**changes) -> bytes:
    whole = {"namespace": "acme", "name": "db", "pull_count": 72_673, "star_count": 7, "is_private": False} | changes
    return json.dumps({key: value for key, value in whole.items() if value is not None}).encode()


def refused(body: bytes) -> str:
    with pytest.raises(InvalidResponse, match=r"^hub\.docker\.com, image acme/db\b") as caught:
        parse_pulls(body, "acme/db")
    return str(caught.value)


def test_pulls():
    """The pulls of the image are returned, whatever else is in the answer."""
    assert parse_pulls(image(), "acme/db") == 72_673


def test_image_without_names():
    """An answer with the count alone is enough: fields were added over the years."""
    assert parse_pulls(b'{"pull_count":0}', "acme/db") == 0


def test_empty_list_is_an_unknown_namespace():
    """The empty list for an unknown namespace is no image with 0 pulls."""
    with pytest.raises(NotFound, match="unknown namespace"):
        parse_pulls(b'{"count":0,"next":null,"previous":null,"results":[]}', "acme/db")


@pytest.mark.parametrize(
    "body", [b'{"count":3,"results":[]}', b'{"message":"object not found"}', b'{"pull_count":null}']
)
def test_answer_without_pulls(body: bytes):
    """An answer without a count is refused."""
    assert "no pull_count" in refused(body)


def test_empty_body():
    """A body of 0 bytes is called empty."""
    assert "sent an empty response" in refused(b"")


@pytest.mark.parametrize("changes", [{"namespace": "other"}, {"name": "other"}])
def test_another_image(changes):
    """The answer to another question is refused."""
    assert "returned another image" in refused(image(**changes))


@pytest.mark.parametrize("text", [text for text in NO_COUNTS if text != "null"])
def test_what_is_no_count(text: str):
    """What is not a count is refused."""
    refused(image().replace(b"72673", text.encode()))


@pytest.mark.parametrize("body", NO_ANSWERS, ids=lambda body: body[:20])
def test_what_is_no_answer(body: bytes):
    """What is not an answer is refused."""
    refused(body)


@pytest.mark.parametrize("page", HTML_PAGES)
def test_html_page(page: bytes):
    """An HTML page is called one."""
    assert "HTML page instead of JSON" in refused(page)


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
    """A subject has a namespace and no tag."""
    assert (re.fullmatch(SPEC.subject_pattern, subject) is not None) is is_valid
