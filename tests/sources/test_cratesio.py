from __future__ import annotations

import json
from datetime import date

import pytest

from cmetrics.domain.days import DAY
from cmetrics.domain.errors import InvalidResponse
from cmetrics.sources.cratesio import SETTLED_AFTER, decide, parse_downloads
from tests.samples import a_metric, a_request
from tests.sources.responses import HTML_PAGES, NO_ANSWERS, NO_COUNTS, NO_DAYS

LAST = date(2026, 11, 22)
FIRST = LAST - 19 * DAY
#: From here on a crate without downloads has to be vouched for by another one's.
UNSETTLED = LAST - (SETTLED_AFTER - 2) * DAY
NEVER = date.min


def downloads(versions=(), extra=()) -> bytes:
    return json.dumps(
        {
            "version_downloads": [{"version": v, "date": day, "downloads": n} for v, day, n in versions],
            "meta": {"extra_downloads": [{"date": day, "downloads": n} for day, n in extra]},
        }
    ).encode()


def rows(*, version: str = "", extra: str = "") -> bytes:
    """An answer with rows given as JSON text."""
    return f'{{"version_downloads":[{version}],"meta":{{"extra_downloads":[{extra}]}}}}'.encode()


def refused(body: bytes) -> str:
    with pytest.raises(InvalidResponse, match=r"^crates\.io, crate lance\b") as caught:
        parse_downloads(body, "lance")
    return str(caught.value)


def test_a_day_is_the_sum_over_listed_and_other_versions():
    body = downloads(
        versions=[(9, "2026-03-02", 1), (9, "2026-03-01", 10), (8, "2026-03-01", 5)],
        extra=[("2026-03-01", 200), ("2026-02-27", 4)],
    )
    assert list(parse_downloads(body, "lance").items()) == [
        (date(2026, 2, 27), 4),
        (date(2026, 3, 1), 215),
        (date(2026, 3, 2), 1),
    ]


def test_a_day_without_a_row_is_not_in_the_answer():
    body = downloads(versions=[(1, "2026-03-01", 5), (1, "2026-03-03", 6)])
    assert date(2026, 3, 2) not in parse_downloads(body, "lance")


def test_a_crate_without_downloads_is_a_good_answer():
    assert parse_downloads(downloads(), "lance") == {}


def test_days_written_with_a_midnight_are_the_same_days():
    body = downloads(versions=[(1, "2026-03-01T00:00:00Z", 5)], extra=[("2026-03-01", 6)])
    assert parse_downloads(body, "lance") == {date(2026, 3, 1): 11}


def test_a_day_that_a_version_states_twice_is_refused():
    message = refused(downloads(versions=[(7, "2026-03-01", 5), (7, "2026-03-01T00:00:00Z", 5)]))
    assert "version 7" in message
    assert "2026-03-01 twice" in message


def test_an_extra_day_stated_twice_is_refused():
    message = refused(downloads(extra=[("2026-03-01", 5), ("2026-03-01", 6)]))
    assert "extra_downloads" in message
    assert "2026-03-01 twice" in message


@pytest.mark.parametrize("text", NO_COUNTS)
def test_what_is_no_count_is_refused(text):
    refused(rows(version=f'{{"version":1,"date":"2026-03-01","downloads":{text}}}'))
    refused(rows(extra=f'{{"date":"2026-03-01","downloads":{text}}}'))


@pytest.mark.parametrize("text", ["true", "1.5", '"1"', "null"])
def test_what_is_no_version_is_refused(text):
    assert "version_downloads.0.version" in refused(
        rows(version=f'{{"version":{text},"date":"2026-03-01","downloads":1}}')
    )


@pytest.mark.parametrize("text", NO_DAYS)
def test_what_is_no_day_is_refused(text):
    assert "version_downloads.0.date" in refused(rows(version=f'{{"version":1,"date":{text},"downloads":1}}'))
    assert "extra_downloads.0.date" in refused(rows(extra=f'{{"date":{text},"downloads":1}}'))


@pytest.mark.parametrize("body", NO_ANSWERS, ids=lambda body: body[:20])
def test_what_is_no_answer_is_refused(body):
    refused(body)


@pytest.mark.parametrize("page", HTML_PAGES)
def test_an_html_page_is_called_one(page):
    assert "HTML page instead of JSON" in refused(page)


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
def test_an_answer_that_lacks_a_part_is_refused(body):
    """Without extra_downloads the sum would silently be too small."""
    refused(body)


# -- which days can be stored --------------------------------------------------------------------


def decided(stated, *, newest=NEVER, known_since=None):
    """The days from FIRST to LAST: what is stored, and what is pending."""
    fetched = decide(a_request(a_metric("cratesio"), FIRST, LAST, known_since=known_since), stated, newest)
    assert fetched.error is None
    return {value.day: value.value for value in fetched.values}, fetched.pending


def test_stated_days_are_stored_and_days_that_nobody_asked_for_are_not():
    stated = {FIRST - DAY: 1, FIRST: 2, LAST: 3, LAST + DAY: 4}
    values, pending = decided(stated, newest=LAST + DAY)
    assert (values[FIRST], values[LAST]) == (2, 3)
    assert (min(values), max(values)) == (FIRST, LAST)
    assert pending == frozenset()


def test_a_quiet_day_before_a_newer_sign_is_a_true_zero():
    values, pending = decided({FIRST: 5}, newest=LAST)
    assert values[LAST] == 0
    assert len(values) == 20
    assert pending == frozenset()


def test_a_quiet_day_after_the_newest_sign_is_pending():
    values, pending = decided({FIRST: 5}, newest=LAST - DAY)
    assert values[LAST - DAY] == 0
    assert LAST not in values
    assert pending == {LAST}


def test_a_quiet_day_is_settled_after_a_week_without_any_sign():
    values, pending = decided({FIRST: 5}, newest=FIRST)
    assert values[UNSETTLED - DAY] == 0
    assert pending == {UNSETTLED + n * DAY for n in range((LAST - UNSETTLED).days + 1)}


def test_nothing_is_said_of_the_days_before_the_first_download():
    values, pending = decided({LAST - 2 * DAY: 5}, newest=LAST)
    assert values == {LAST - 2 * DAY: 5, LAST - DAY: 0, LAST: 0}
    assert pending == frozenset()


def test_a_crate_known_from_earlier_days_has_true_zeros_before_its_next_download():
    values, _ = decided({LAST: 5}, newest=LAST, known_since=FIRST + DAY)
    assert min(values) == FIRST + DAY
    assert values[FIRST + DAY] == 0


def test_a_crate_that_nobody_ever_downloaded_has_no_days_at_all():
    assert decided({}, newest=LAST) == ({}, frozenset())


def test_values_say_which_crate_they_are_of():
    fetched = decide(a_request(a_metric("cratesio"), LAST, LAST), {LAST: 1}, LAST)
    assert [value.source_ref for value in fetched.values] == ["cratesio:lance"]
