from __future__ import annotations

import json
import re

import pytest

from cmetrics.domain.errors import InvalidResponse
from cmetrics.sources.huggingface import SPEC, parse_repository, refuses_count
from tests.sources.responses import HTML_PAGES, INVALID_COUNTS, INVALID_RESPONSES

MODEL = "models/acme/model"


def model(**changes) -> bytes:
    whole = {"_id": "65f0a1", "id": "acme/model", "downloads": 1234, "downloadsAllTime": 98_765, "likes": 12}
    return json.dumps(whole | changes).encode()


def rejection(body: bytes) -> str:
    with pytest.raises(InvalidResponse, match=r"^huggingface\.co, models/acme/model\b") as caught:
        parse_repository(body, MODEL)
    return str(caught.value)


def test_counts():
    """Each count comes from its own field: downloads of all time, downloads of 30 days, and likes."""
    found = parse_repository(model(), MODEL)
    assert {name: found.count(name, MODEL) for name in SPEC.measures} == {
        "downloads": 98_765,
        "downloads-30d": 1234,
        "likes": 12,
    }
    assert (found.number, found.id) == ("65f0a1", "acme/model")


def test_missing_count():
    """The downloads of 30 days do not replace missing downloads of all time."""
    found = parse_repository(b'{"_id":"65f0","id":"acme/model","downloads":5}', MODEL)
    with pytest.raises(InvalidResponse, match="without downloadsAllTime"):
        found.count("downloads", MODEL)


@pytest.mark.parametrize("field", ["downloads", "downloadsAllTime", "likes"])
@pytest.mark.parametrize("text", [text for text in INVALID_COUNTS if text != "null"])
def test_invalid_count(field: str, text: str):
    """An invalid count is rejected."""
    rejection(model(**{field: 777}).replace(b"777", text.encode()))


@pytest.mark.parametrize("changes", [{"_id": "not-hex!"}, {"id": ""}, {"id": "a/b/c"}, {"id": "a b"}, {"id": 3}])
def test_invalid_name(changes):
    """Invalid names and ids are rejected."""
    rejection(model(**changes))


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
    """A subject starts with its kind: models, datasets or spaces."""
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
    """The address of a model has no folder for its kind."""
    assert SPEC.page_url(subject) == address


def test_counts_of_a_space():
    """A space has only likes."""
    assert "likes only" in (refuses_count("spaces/acme/app", "downloads") or "")
    assert refuses_count("spaces/acme/app", "likes") is None
    assert refuses_count(MODEL, "downloads") is None
