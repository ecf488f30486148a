from __future__ import annotations

import json
from datetime import date

import pytest

from cmetrics.domain.days import DAY, Span, day_range
from cmetrics.domain.errors import InvalidResponse, NotFound
from cmetrics.sources.availability import build_registry_totals
from cmetrics.sources.npm import _precedes_publication, cached_zeros, parse_bulk, parse_range
from tests.sources.responses import HTML_PAGES, INVALID_COUNTS, INVALID_DAYS, INVALID_RESPONSES

SPAN = Span(date(2026, 3, 1), date(2026, 3, 3))
NAME = "@scope/name"
DAYS = (("2026-03-02", 2), ("2026-03-01", 0), ("2026-03-03", 3))


def answer(days=DAYS, **changes) -> bytes:
    rows = [{"day": day, "downloads": value} for day, value in days]
    whole = {"start": "2026-03-01", "end": "2026-03-03", "package": NAME, "downloads": rows} | changes
    return json.dumps({key: value for key, value in whole.items() if value is not None}).encode()


def one_row(day: str = '"2026-03-01"', downloads: str = "1") -> bytes:
    """Return a response of one row with fields given as JSON text."""
    row = f'{{"day":{day},"downloads":{downloads}}}'
    return f'{{"start":"2026-03-01","end":"2026-03-03","package":"{NAME}","downloads":[{row}]}}'.encode()


def rejection(body: bytes, package: str | None = NAME) -> str:
    where = f"package {package}" if package else "whole registry"
    with pytest.raises(InvalidResponse, match=rf"^api\.npmjs\.org, {where}") as caught:
        parse_range(body, SPAN, package)
    return str(caught.value)


def test_days_are_ascending_with_their_zeros():
    assert list(parse_range(answer(), SPAN, NAME).items()) == [
        (date(2026, 3, 1), 0),
        (date(2026, 3, 2), 2),
        (date(2026, 3, 3), 3),
    ]


def test_a_missing_day_is_not_a_zero():
    assert list(parse_range(answer(DAYS[:2]), SPAN, NAME)) == [date(2026, 3, 1), date(2026, 3, 2)]


def test_days_outside_the_period_are_ignored():
    days = (*DAYS, ("2026-02-28", 9), ("2026-03-04", 9))
    assert parse_range(answer(days), SPAN, NAME) == parse_range(answer(), SPAN, NAME)


def test_the_whole_registry_has_no_package():
    assert parse_range(answer(package=None), SPAN, None)[date(2026, 3, 2)] == 2
    rejection(answer([("2026-03-01", -1)], package=None), package=None)


@pytest.mark.parametrize("name", [NAME, ""])
def test_the_response_for_a_package_is_not_used_for_the_registry(name):
    assert "another package" in rejection(answer(package=name), package=None)


def test_a_duplicate_day_is_rejected():
    assert "2026-03-01 twice" in rejection(answer((*DAYS, ("2026-03-01", 0))))


@pytest.mark.parametrize(
    "period",
    [
        {"start": "2026-03-02"},  # cut at its old end, as npm does with periods that are too long
        {"end": "2026-03-02"},
        {"start": "2025-03-01", "end": "2025-03-03"},
        {"start": "2026-02-28"},
    ],
)
def test_the_response_for_another_period_is_rejected(period):
    message = rejection(answer(**period))
    assert "instead of 2026-03-01 to 2026-03-03" in message


@pytest.mark.parametrize("name", ["@scope/other", "name", "@Scope/name", "", None])
def test_the_response_for_another_package_is_rejected(name):
    assert "another package" in rejection(answer(package=name))


@pytest.mark.parametrize("text", INVALID_COUNTS)
def test_an_invalid_count_is_rejected(text):
    rejection(one_row(downloads=text))


@pytest.mark.parametrize("text", INVALID_DAYS)
def test_an_invalid_day_is_rejected(text):
    assert "downloads.0.day" in rejection(one_row(day=text))


@pytest.mark.parametrize("body", INVALID_RESPONSES, ids=lambda body: body[:20])
def test_an_invalid_response_is_rejected(body):
    rejection(body)


@pytest.mark.parametrize("page", HTML_PAGES)
def test_an_html_page_is_named_in_the_error(page):
    assert "HTML page instead of JSON" in rejection(page)


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
def test_the_response_to_another_kind_of_request_is_rejected(body):
    rejection(body)


# -- how far back to request ---------------------------------------------------------------------

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


# -- several packages at once --------------------------------------------------------------------


def bulk(**answers) -> bytes:
    return json.dumps(answers).encode()


def test_bulk():
    """Each package has its own days, and null means an unknown package."""
    body = bulk(react=json.loads(answer(package="react")), gone=None)
    found = parse_bulk(body, SPAN, ["react", "gone", "absent"])
    assert found["react"] == parse_range(answer(package="react"), SPAN, "react")
    assert isinstance(found["gone"], NotFound)
    assert isinstance(found["absent"], NotFound)


def test_bulk_with_an_invalid_package():
    """An invalid response for one package is an error of that package alone."""
    body = bulk(react=json.loads(answer(package="react")), bad={"start": 1})
    found = parse_bulk(body, SPAN, ["react", "bad"])
    assert isinstance(found["react"], dict)
    assert isinstance(found["bad"], InvalidResponse)


@pytest.mark.parametrize("body", [*INVALID_RESPONSES, bulk(other=None)], ids=lambda body: body[:20])
def test_invalid_bulk_response(body):
    """An invalid response for several packages is rejected as a whole."""
    with pytest.raises(InvalidResponse, match="several packages"):
        parse_bulk(body, SPAN, ["react", "vue"])


# -- cached zeros --------------------------------------------------------------------------------

NEWEST = date(2026, 11, 23)


def counts(days: int = 90, value: int = 28_000, **zeros: int) -> dict[date, int]:
    """Return counts of ``days`` days up to NEWEST, with zeros on days that many days before it."""
    found = dict.fromkeys(day_range(NEWEST - (days - 1) * DAY, NEWEST), value)
    return found | {NEWEST - ago * DAY: 0 for ago in zeros.values()}


def pending_zeros(stated: dict[date, int], landed: date = NEWEST) -> frozenset[date]:
    return cached_zeros(stated, build_registry_totals({day: 9_000_000_000 for day in stated if day <= landed}))


def test_cached_zero():
    """A 0 on the newest day of a package with tens of thousands a day is pending."""
    assert pending_zeros(counts(a=0)) == {NEWEST}
    assert pending_zeros(counts(a=0, b=1)) == {NEWEST, NEWEST - DAY}


def test_cached_zero_seen_again():
    """After two days the same 0 is stored."""
    assert pending_zeros(counts(a=2)) == frozenset()


@pytest.mark.parametrize(
    "stated",
    [counts(a=0, b=40), counts(value=9, a=0), counts(days=29, a=0), counts(), {}],
    ids=["has had zeros", "few downloads", "too young", "no zero", "nothing"],
)
def test_believable_zero(stated):
    """A 0 is accepted for a package with other zeros, few downloads, or too few days."""
    assert pending_zeros(stated) == frozenset()


def test_cached_zero_counts_published_days():
    """The newest days are those that the registry has published."""
    assert pending_zeros(counts(a=0, b=1, c=2), landed=NEWEST - 2 * DAY) == {NEWEST - 2 * DAY}


def test_zeros_before_publication_are_ignored():
    """Zeros before the first download are not evidence for a true 0."""
    before = dict.fromkeys(day_range(NEWEST - 200 * DAY, NEWEST - 90 * DAY), 0)
    assert pending_zeros(before | counts(a=0)) == {NEWEST}
