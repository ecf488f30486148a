from __future__ import annotations

import json
import re
from datetime import date

import pytest

from cmetrics.domain.errors import InvalidResponse
from cmetrics.sources.pypistats import normalize, parse_overall
from tests.sources.responses import HTML_PAGES, INVALID_COUNTS, INVALID_DAYS, INVALID_RESPONSES

WITH, WITHOUT = "with_mirrors", "without_mirrors"
ROWS = ((WITH, "2026-03-02", 20), (WITH, "2026-03-01", 10), (WITHOUT, "2026-03-01", 3), (WITHOUT, "2026-03-02", 4))


def overall(rows=ROWS, **changes) -> bytes:
    data = [{"category": category, "date": day, "downloads": value} for category, day, value in rows]
    return json.dumps({"data": data, "package": "pylance", "type": "overall_downloads"} | changes).encode()


def one_row(**fields: str) -> bytes:
    """Return a response of one row with fields given as JSON text."""
    row = {"category": f'"{WITH}"', "date": '"2026-03-01"', "downloads": "5"} | fields
    inner = ",".join(f'"{name}":{text}' for name, text in row.items())
    return f'{{"data":[{{{inner}}}],"package":"pylance","type":"overall_downloads"}}'.encode()


def rejection(body: bytes, package: str = "pylance") -> str:
    with pytest.raises(InvalidResponse, match=r"^pypistats\.org, package ") as caught:
        parse_overall(body, package, WITH)
    return str(caught.value)


@pytest.mark.parametrize(("category", "values"), [(WITH, [10, 20]), (WITHOUT, [3, 4])])
def test_the_categories_are_never_summed(category, values):
    days = parse_overall(overall(), "pylance", category)
    assert list(days.items()) == list(zip([date(2026, 3, 1), date(2026, 3, 2)], values, strict=True))


def test_a_missing_day_is_not_a_zero():
    body = overall([(WITH, "2026-03-01", 10), (WITH, "2026-03-03", 30), (WITHOUT, "2026-03-02", 7)])
    assert parse_overall(body, "pylance", WITH) == {date(2026, 3, 1): 10, date(2026, 3, 3): 30}


def test_a_duplicate_day_is_rejected_even_with_equal_values():
    assert "2026-03-01 twice" in rejection(overall([(WITH, "2026-03-01", 10), (WITH, "2026-03-01", 10)]))


@pytest.mark.parametrize("text", INVALID_COUNTS)
def test_an_invalid_count_is_rejected(text):
    rejection(one_row(downloads=text))


def test_the_largest_allowed_count_is_accepted():
    assert parse_overall(one_row(downloads="10000000000000"), "pylance", WITH) == {date(2026, 3, 1): 10**13}


@pytest.mark.parametrize("text", INVALID_DAYS)
def test_an_invalid_day_is_rejected(text):
    assert "data.0.date" in rejection(one_row(date=text))


@pytest.mark.parametrize("text", ['"3.12"', '"Linux"', '"null"', "null", '"WITH_MIRRORS"'])
def test_a_category_of_another_endpoint_is_rejected(text):
    assert "data.0.category" in rejection(one_row(category=text))


@pytest.mark.parametrize("body", INVALID_RESPONSES, ids=lambda body: body[:20])
def test_an_invalid_response_is_rejected(body):
    rejection(body)


@pytest.mark.parametrize("page", HTML_PAGES)
def test_an_html_page_is_named_in_the_error(page):
    assert "HTML page instead of JSON" in rejection(page)


@pytest.mark.parametrize("cut", [1, 30, 100, -1])
def test_a_truncated_response_is_rejected(cut):
    rejection(overall()[:cut])


def test_a_bare_list_of_rows_is_rejected():
    rejection(json.dumps(json.loads(overall())["data"]).encode())


def test_the_response_of_another_endpoint_is_rejected():
    recent = {"last_day": 1, "last_week": 7, "last_month": 30}
    assert "data" in rejection(overall(data=recent, type="recent_downloads"))
    assert "type" in rejection(overall(type="system_downloads"))


def test_a_response_without_days_is_rejected():
    assert "returned no day" in rejection(overall([]))


def test_a_response_with_only_the_other_category_is_rejected():
    body = overall([(WITHOUT, "2026-03-01", 3), (WITHOUT, "2026-03-02", 4)])
    assert "no day with mirrors" in rejection(body)
    assert len(parse_overall(body, "pylance", WITHOUT)) == 2


@pytest.mark.parametrize("name", ["lancedb", "pylance2", ""])
def test_the_response_for_another_package_is_rejected(name):
    assert "another package" in rejection(overall(package=name))


def test_names_are_compared_after_normalization():
    assert parse_overall(overall(package="py-lance"), "Py_.Lance", WITH)


@pytest.mark.parametrize(
    ("name", "normal"),
    [("LanceDB", "lancedb"), ("a.b", "a-b"), ("A__b-._c", "a-b-c"), ("pylance", "pylance")],
)
def test_names_are_normalized_as_in_pep_503(name, normal):
    assert normalize(name) == normal


def test_unused_fields_may_be_added_or_missing():
    answer = json.loads(overall())
    answer["data"][0]["percent"] = 0.5
    assert len(parse_overall(json.dumps(answer | {"next": None}).encode(), "pylance", WITH)) == 2


def test_the_error_names_the_requested_package():
    assert re.match(r"pypistats\.org, package lancedb\b", rejection(overall(), "lancedb"))
