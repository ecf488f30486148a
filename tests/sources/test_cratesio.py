from __future__ import annotations

import json
from datetime import date

import pytest

from cmetrics.domain.days import DAY, day_range
from cmetrics.domain.errors import InvalidResponse
from cmetrics.sources.availability import has_absent_day
from cmetrics.sources.cratesio import parse_downloads, refuses_contact
from tests.samples import a_metric, a_request
from tests.sources.responses import HTML_PAGES, INVALID_COUNTS, INVALID_DAYS, INVALID_RESPONSES

LAST = date(2026, 11, 22)
FIRST = LAST - 19 * DAY


def downloads(versions=(), extra=()) -> bytes:
    return json.dumps(
        {
            "version_downloads": [{"version": v, "date": day, "downloads": n} for v, day, n in versions],
            "meta": {"extra_downloads": [{"date": day, "downloads": n} for day, n in extra]},
        }
    ).encode()


def rows(*, version: str = "", extra: str = "") -> bytes:
    """Return a response with rows given as JSON text."""
    return f'{{"version_downloads":[{version}],"meta":{{"extra_downloads":[{extra}]}}}}'.encode()


def rejection(body: bytes) -> str:
    with pytest.raises(InvalidResponse, match=r"^crates\.io, crate lance\b") as caught:
        parse_downloads(body, "lance")
    return str(caught.value)


def test_a_day_is_the_sum_of_listed_and_other_versions():
    body = downloads(
        versions=[(9, "2026-03-02", 1), (9, "2026-03-01", 10), (8, "2026-03-01", 5)],
        extra=[("2026-03-01", 200), ("2026-02-27", 4)],
    )
    assert list(parse_downloads(body, "lance").items()) == [
        (date(2026, 2, 27), 4),
        (date(2026, 3, 1), 215),
        (date(2026, 3, 2), 1),
    ]


def test_a_day_without_a_row_is_missing():
    body = downloads(versions=[(1, "2026-03-01", 5), (1, "2026-03-03", 6)])
    assert date(2026, 3, 2) not in parse_downloads(body, "lance")


def test_a_crate_without_downloads_is_valid():
    assert parse_downloads(downloads(), "lance") == {}


def test_days_may_be_written_as_midnight():
    body = downloads(versions=[(1, "2026-03-01T00:00:00Z", 5)], extra=[("2026-03-01", 6)])
    assert parse_downloads(body, "lance") == {date(2026, 3, 1): 11}


def test_a_duplicate_day_of_a_version_is_rejected():
    message = rejection(downloads(versions=[(7, "2026-03-01", 5), (7, "2026-03-01T00:00:00Z", 5)]))
    assert "version 7" in message
    assert "2026-03-01 twice" in message


def test_a_duplicate_extra_day_is_rejected():
    message = rejection(downloads(extra=[("2026-03-01", 5), ("2026-03-01", 6)]))
    assert "extra_downloads" in message
    assert "2026-03-01 twice" in message


@pytest.mark.parametrize("text", INVALID_COUNTS)
def test_an_invalid_count_is_rejected(text):
    rejection(rows(version=f'{{"version":1,"date":"2026-03-01","downloads":{text}}}'))
    rejection(rows(extra=f'{{"date":"2026-03-01","downloads":{text}}}'))


@pytest.mark.parametrize("text", ["true", "1.5", '"1"', "null"])
def test_an_invalid_version_is_rejected(text):
    assert "version_downloads.0.version" in rejection(
        rows(version=f'{{"version":{text},"date":"2026-03-01","downloads":1}}')
    )


@pytest.mark.parametrize("text", INVALID_DAYS)
def test_an_invalid_day_is_rejected(text):
    assert "version_downloads.0.date" in rejection(rows(version=f'{{"version":1,"date":{text},"downloads":1}}'))
    assert "extra_downloads.0.date" in rejection(rows(extra=f'{{"date":{text},"downloads":1}}'))


@pytest.mark.parametrize("body", INVALID_RESPONSES, ids=lambda body: body[:20])
def test_an_invalid_response_is_rejected(body):
    rejection(body)


@pytest.mark.parametrize("page", HTML_PAGES)
def test_an_html_page_is_named_in_the_error(page):
    assert "HTML page instead of JSON" in rejection(page)


@pytest.mark.parametrize(
    "body",
    [
        b'{"version_downloads":[]}',
        b'{"meta":{"extra_downloads":[]}}',
        b'{"version_downloads":[],"meta":{}}',
        b'{"version_downloads":{},"meta":{"extra_downloads":[]}}',
        b'{"version_downloads":[],"meta":{"extra_downloads":[]}',
    ],
)
def test_an_incomplete_response_is_rejected(body):
    """Without extra_downloads the sum would be too small."""
    rejection(body)


# -- which days are absent -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("stated", "known_since", "absent"),
    [
        (dict.fromkeys(day_range(FIRST, LAST), 1), None, False),
        ({LAST: 1}, None, False),  # published yesterday: nothing is known of days before
        ({LAST: 1}, FIRST, True),
        ({FIRST: 1, LAST: 1}, None, True),
        ({}, None, False),
        ({}, FIRST, True),
    ],
)
def test_absent_days(stated, known_since, absent):
    """A day without a row is absent only from a crate that is known to exist by then."""
    request = a_request(a_metric("cratesio"), FIRST, LAST, known_since=known_since)
    assert has_absent_day(request, stated) is absent


# -- the contact ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "contact", ["https://example.com/Curl-fans", "wget@example.com", "https://x.io/python-requests"]
)
def test_refused_contact(contact):
    """A contact with a word that crates.io rejects in a User-Agent is rejected with the reason."""
    reason = refuses_contact(contact)
    assert reason is not None
    assert "crates.io refuses" in reason


@pytest.mark.parametrize("contact", ["https://github.com/lancedb/lance", "mail@example.com", "https://x.io/requests"])
def test_good_contact(contact):
    """Other contacts are accepted."""
    assert refuses_contact(contact) is None
