from __future__ import annotations

import json
import re

import pytest

from cmetrics.domain.errors import InvalidResponse
from cmetrics.sources.huggingface import SPEC, parse_repository, refuses_count
from tests.sources.responses import HTML_PAGES, NO_ANSWERS, NO_COUNTS

MODEL = "models/acme/model"


def model(**changes) -> bytes:
    whole = {"_id": "65f0a1", "id": "acme/model", "downloads": 1234, "downloadsAllTime": 98_765, "likes": 12}
    return json.dumps(whole | changes).encode()


def refused(body: bytes) -> str:
    with pytest.raises(InvalidResponse, match=r"^huggingface\.co, models/acme/model\b") as caught:
        parse_repository(body, MODEL)
    return str(caught.value)


def test_counts():
    """Each count comes from its own field: of all time, of 30 days, likes."""
    found = parse_repository(model(), MODEL)
    assert {name: found.count(name, MODEL) for name in SPEC.measures} == {
        "downloads": 98_765,
        "downloads-30d": 1234,
        "likes": 12,
    }
    assert (found.number, found.id) == ("65f0a1", "acme/model")


def test_count_that_is_not_there():
    """The downloads of 30 days do not stand in for those of all time."""
    found = parse_repository(b'{"_id":"65f0","id":"acme/model","downloads":5}', MODEL)
    with pytest.raises(InvalidResponse, match="without downloadsAllTime"):
        found.count("downloads", MODEL)


@pytest.mark.parametrize("field", ["downloads", "downloadsAllTime", "likes"])
@pytest.mark.parametrize("text", [text for text in NO_COUNTS if text != "null"])
def test_what_is_no_count(field: str, text: str):
    """What is not a count is refused."""
    refused(model(**{field: 777}).replace(b"777", text.encode()))


@pytest.mark.parametrize("changes", [{"_id": "not-hex!"}, {"id": ""}, {"id": "a/b/c"}, {"id": "a b"}, {"id": 3}])
def test_what_is_no_name(changes):
    """Names and ids in another form are refused."""
    refused(model(**changes))


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
        ("models/acme/model-7B_v1.5", True),
        ("models/gpt2", True),
        ("datasets/acme/data", True),
        ("spaces/acme/app", True),
        ("acme/model", False),
        ("models/a/b/c", False),
        ("models/", False),
        ("models/../x", False),
        ("users/acme", False),
    ],
)
def test_subjects(subject, is_valid):
    """A subject names what it is."""
    assert (re.fullmatch(SPEC.subject_pattern, subject) is not None) is is_valid


@pytest.mark.parametrize(
    ("subject", "address"),
    [
        (MODEL, "https://huggingface.co/acme/model"),
        ("datasets/acme/data", "https://huggingface.co/datasets/acme/data"),
        ("spaces/acme/app", "https://huggingface.co/spaces/acme/app"),
    ],
)
def test_page(subject: str, address: str):
    """Models have no folder of their own on the site."""
    assert SPEC.page_url(subject) == address


def test_counts_of_a_space():
    """A space has likes only."""
    assert "likes only" in (refuses_count("spaces/acme/app", "downloads") or "")
    assert refuses_count("spaces/acme/app", "likes") is None
    assert refuses_count(MODEL, "downloads") is None
