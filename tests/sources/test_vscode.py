from __future__ import annotations

import json
from typing import Any

import pytest

from cmetrics.domain.errors import InvalidResponse, NotFound, SourceError
from cmetrics.sources.vscode import Installs, build_query, parse_installs
from tests.sources.responses import HTML_PAGES, INVALID_COUNTS, INVALID_RESPONSES

#: Counts accepted only from services that write a decimal point.
WHOLE = ("1.0", "1e3")


def entry(name: str = "lens", installs: Any = 11_966_368.0, **changes) -> dict[str, Any]:
    statistics = [{"statisticName": "averagerating", "value": 4.25}, {"statisticName": "install", "value": installs}]
    return {
        "publisher": {"publisherName": "Acme"},
        "extensionName": name,
        "extensionId": "0a1b",
        "statistics": statistics,
    } | changes


def answer(*entries: dict[str, Any]) -> bytes:
    return json.dumps({"results": [{"extensions": list(entries), "resultMetadata": []}]}).encode()


def one(body: bytes) -> Installs | SourceError:
    return parse_installs(body, ["acme.lens"])["acme.lens"]


def rejection(body: bytes) -> str:
    found = one(body)
    assert isinstance(found, InvalidResponse)
    return found.message


def test_installs():
    """Installs written with a decimal point are read as a whole number."""
    found = one(answer(entry()))
    assert found == Installs(11_966_368, "0a1b")
    assert isinstance(found, Installs)
    assert type(found.value) is int


def test_unknown_extension():
    """An extension that is missing in the list is not found."""
    assert isinstance(one(answer()), NotFound)


def test_several_extensions():
    """An unknown or invalid extension does not affect the others of the same request."""
    found = parse_installs(answer(entry("a"), entry("b", -1.0)), ["acme.a", "acme.b", "acme.c"])
    assert found["acme.a"] == Installs(11_966_368, "0a1b")
    assert isinstance(found["acme.b"], InvalidResponse)
    assert isinstance(found["acme.c"], NotFound)


def test_no_install_count():
    """Other statistics do not replace missing installs."""
    assert "states 0 install counts" in rejection(
        answer(entry(statistics=[{"statisticName": "updateCount", "value": 5.0}]))
    )


def test_two_entries():
    """A duplicate extension is rejected."""
    assert "states 2 install counts" in rejection(answer(entry(), entry()))


@pytest.mark.parametrize("text", [text for text in INVALID_COUNTS if text not in WHOLE and len(text) < 100])
def test_invalid_count(text: str):
    """An invalid count is rejected, as is a fraction."""
    rejection(answer(entry(installs=777)).replace(b"777", text.encode()))


@pytest.mark.parametrize("body", INVALID_RESPONSES, ids=lambda body: body[:20])
def test_invalid_response(body: bytes):
    """An invalid response is rejected as a whole."""
    with pytest.raises(InvalidResponse, match=r"^marketplace\.visualstudio\.com, extensions"):
        one(body)


@pytest.mark.parametrize("page", HTML_PAGES)
def test_html_page(page: bytes):
    """The error names an HTML page as such."""
    with pytest.raises(InvalidResponse, match="HTML page instead of JSON"):
        one(page)


def test_query():
    """The query has every extension once and requests all of them on one page."""
    query = json.loads(build_query(["a.b", "c.d"]))
    (found,) = query["filters"]
    assert [row["value"] for row in found["criteria"]] == ["a.b", "c.d"]
    assert found["pageSize"] == 2
    assert query["flags"] == 914
