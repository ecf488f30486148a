from __future__ import annotations

import json
from datetime import date

import pytest

from cmetrics.domain.days import DAY, Span, day_range
from cmetrics.domain.errors import InvalidResponse
from cmetrics.sources.npm import _precedes_publication, parse_range
from tests.sources.responses import HTML_PAGES, NO_ANSWERS, NO_COUNTS, NO_DAYS

SPAN = Span(date(2026, 3, 1), date(2026, 3, 3))
NAME = "@scope/name"
DAYS = (("2026-03-02", 2), ("2026-03-01", 0), ("2026-03-03", 3))


def answer(days=DAYS, **changes) -> bytes:
    rows = [{"day": day, "downloads": value} for day, value in days]
    whole = {"start": "2026-03-01", "end": "2026-03-03", "package": NAME, "downloads": rows} | changes
    return json.dumps({key: value for key, value in whole.items() if value is not None}).encode()


def one_row(day: str = '"2026-03-01"', downloads: str = "1") -> bytes:
    """An answer of one row, its fields given as JSON text."""
    row = f'{{"day":{day},"downloads":{downloads}}}'
    return f'{{"start":"2026-03-01","end":"2026-03-03","package":"{NAME}","downloads":[{row}]}}'.encode()


def refused(body: bytes, package: str | None = NAME) -> str:
    where = f"package {package}" if package else "whole registry"
    with pytest.raises(InvalidResponse, match=rf"^api\.npmjs\.org, {where}") as caught:
        parse_range(body, SPAN, package)
    return str(caught.value)


def test_days_come_out_ascending_with_the_zeros_that_were_stated():
    assert list(parse_range(answer(), SPAN, NAME).items()) == [
        (date(2026, 3, 1), 0),
        (date(2026, 3, 2), 2),
        (date(2026, 3, 3), 3),
    ]


def test_a_missing_day_is_not_a_zero():
    assert list(parse_range(answer(DAYS[:2]), SPAN, NAME)) == [date(2026, 3, 1), date(2026, 3, 2)]


def test_days_outside_the_period_are_left_out():
    days = (*DAYS, ("2026-02-28", 9), ("2026-03-04", 9))
    assert parse_range(answer(days), SPAN, NAME) == parse_range(answer(), SPAN, NAME)


def test_the_whole_registry_has_no_package():
    assert parse_range(answer(package=None), SPAN, None)[date(2026, 3, 2)] == 2
    refused(answer([("2026-03-01", -1)], package=None), package=None)


@pytest.mark.parametrize("name", [NAME, ""])
def test_a_package_s_answer_is_not_taken_for_the_whole_registry_s(name):
    assert "another package" in refused(answer(package=name), package=None)


def test_a_day_stated_twice_is_refused():
    assert "2026-03-01 twice" in refused(answer((*DAYS, ("2026-03-01", 0))))


@pytest.mark.parametrize(
    "period",
    [
        {"start": "2026-03-02"},  # cut at its old end, as npm does with periods that are too long
        {"end": "2026-03-02"},
        {"start": "2025-03-01", "end": "2025-03-03"},
        {"start": "2026-02-28"},
    ],
)
def test_another_period_s_answer_is_refused(period):
    message = refused(answer(**period))
    assert "when asked 2026-03-01 to 2026-03-03" in message


@pytest.mark.parametrize("name", ["@scope/other", "name", "@Scope/name", "", None])
def test_another_package_s_answer_is_refused(name):
    assert "another package" in refused(answer(package=name))


@pytest.mark.parametrize("text", NO_COUNTS)
def test_what_is_no_count_is_refused(text):
    refused(one_row(downloads=text))


@pytest.mark.parametrize("text", NO_DAYS)
def test_what_is_no_day_is_refused(text):
    assert "downloads.0.day" in refused(one_row(day=text))


@pytest.mark.parametrize("body", NO_ANSWERS, ids=lambda body: body[:20])
def test_what_is_no_answer_is_refused(body):
    refused(body)


@pytest.mark.parametrize("page", HTML_PAGES)
def test_an_html_page_is_called_one(page):
    assert "HTML page instead of JSON" in refused(page)


@pytest.mark.parametrize(
    "body",
    [
        answer(downloads=5),  # a point
        answer(downloads={"1.0.0": 5}),  # versions
        json.dumps({NAME: json.loads(answer())}).encode(),  # bulk
        json.dumps([json.loads(answer())]).encode(),
        answer(start=None),
        answer()[:-1],
    ],
)
def test_the_answer_to_another_kind_of_question_is_refused(body):
    refused(body)


# -- how far back it is asked --------------------------------------------------------------------

YEAR = Span(date(2020, 1, 1), date(2020, 12, 30))
QUIET = dict.fromkeys(day_range(*YEAR), 0)


@pytest.mark.parametrize(
    ("span", "found", "known_since", "ends"),
    [
        (YEAR, QUIET, None, True),
        (YEAR, QUIET, YEAR.first, True),
        # It was stored for an earlier day.
        (YEAR, QUIET, YEAR.first - DAY, False),
        (YEAR, QUIET | {YEAR.first: 1}, None, False),
        # Part of a year may be an outage of the registry.
        (Span(YEAR.first + DAY, YEAR.last), QUIET, None, False),
    ],
)
def test_a_whole_year_without_downloads_is_before_publication(span, found, known_since, ends):
    assert _precedes_publication(span, found, known_since) is ends
