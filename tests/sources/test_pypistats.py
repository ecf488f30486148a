from __future__ import annotations

import json
import re
from datetime import date

import pytest

from cmetrics.domain.errors import InvalidResponse
from cmetrics.sources.pypistats import normalize, parse_overall
from tests.sources.responses import HTML_PAGES, NO_ANSWERS, NO_COUNTS, NO_DAYS

WITH, WITHOUT = "with_mirrors", "without_mirrors"
ROWS = ((WITH, "2026-03-02", 20), (WITH, "2026-03-01", 10), (WITHOUT, "2026-03-01", 3), (WITHOUT, "2026-03-02", 4))


def overall(rows=ROWS, **changes) -> bytes:
    data = [{"category": category, "date": day, "downloads": value} for category, day, value in rows]
    return json.dumps({"data": data, "package": "pylance", "type": "overall_downloads"} | changes).encode()


def one_row(**fields: str) -> bytes:
    """An answer of one row, its fields given as JSON text."""
    row = {"category": f'"{WITH}"', "date": '"2026-03-01"', "downloads": "5"} | fields
    inner = ",".join(f'"{name}":{text}' for name, text in row.items())
    return f'{{"data":[{{{inner}}}],"package":"pylance","type":"overall_downloads"}}'.encode()


def refused(body: bytes, package: str = "pylance") -> str:
    with pytest.raises(InvalidResponse, match=r"^pypistats\.org, package ") as caught:
        parse_overall(body, package, WITH)
    return str(caught.value)


@pytest.mark.parametrize(("category", "values"), [(WITH, [10, 20]), (WITHOUT, [3, 4])])
def test_the_categories_are_never_added(category, values):
    days = parse_overall(overall(), "pylance", category)
    assert list(days.items()) == list(zip([date(2026, 3, 1), date(2026, 3, 2)], values, strict=True))


def test_a_missing_day_is_not_a_zero():
    body = overall([(WITH, "2026-03-01", 10), (WITH, "2026-03-03", 30), (WITHOUT, "2026-03-02", 7)])
    assert parse_overall(body, "pylance", WITH) == {date(2026, 3, 1): 10, date(2026, 3, 3): 30}


def test_a_day_stated_twice_is_refused_even_with_one_value():
    assert "2026-03-01 twice" in refused(overall([(WITH, "2026-03-01", 10), (WITH, "2026-03-01", 10)]))


@pytest.mark.parametrize("text", NO_COUNTS)
def test_what_is_no_count_is_refused(text):
    refused(one_row(downloads=text))


def test_the_largest_believable_count_is_taken():
    assert parse_overall(one_row(downloads="10000000000000"), "pylance", WITH) == {date(2026, 3, 1): 10**13}


@pytest.mark.parametrize("text", NO_DAYS)
def test_what_is_no_day_is_refused(text):
    assert "data.0.date" in refused(one_row(date=text))


@pytest.mark.parametrize("text", ['"3.12"', '"Linux"', '"null"', "null", '"WITH_MIRRORS"'])
def test_a_category_of_another_endpoint_is_refused(text):
    assert "data.0.category" in refused(one_row(category=text))


@pytest.mark.parametrize("body", NO_ANSWERS, ids=lambda body: body[:20])
def test_what_is_no_answer_is_refused(body):
    refused(body)


@pytest.mark.parametrize("page", HTML_PAGES)
def test_an_html_page_is_called_one(page):
    assert "HTML page instead of JSON" in refused(page)


@pytest.mark.parametrize("cut", [1, 30, 100, -1])
def test_a_truncated_answer_is_refused(cut):
    refused(overall()[:cut])


def test_a_list_of_rows_without_its_object_is_refused():
    refused(json.dumps(json.loads(overall())["data"]).encode())


def test_the_object_of_another_endpoint_is_refused():
    recent = {"last_day": 1, "last_week": 7, "last_month": 30}
    assert "data" in refused(overall(data=recent, type="recent_downloads"))
    assert "type" in refused(overall(type="system_downloads"))


def test_an_answer_without_any_day_is_refused():
    assert "returned no day" in refused(overall([]))


def test_an_answer_with_the_other_category_alone_is_refused():
    body = overall([(WITHOUT, "2026-03-01", 3), (WITHOUT, "2026-03-02", 4)])
    assert "no day with mirrors" in refused(body)
    assert len(parse_overall(body, "pylance", WITHOUT)) == 2


@pytest.mark.parametrize("name", ["lancedb", "pylance2", ""])
def test_another_package_s_answer_is_refused(name):
    assert "another package" in refused(overall(package=name))


def test_names_are_compared_as_pypi_compares_them():
    assert parse_overall(overall(package="py-lance"), "Py_.Lance", WITH)


@pytest.mark.parametrize(
    ("name", "normal"),
    [("LanceDB", "lancedb"), ("a.b", "a-b"), ("A__b-._c", "a-b-c"), ("pylance", "pylance")],
)
def test_names_are_written_as_pep_503_writes_them(name, normal):
    assert normalize(name) == normal


def test_fields_that_nobody_reads_may_come_and_go():
    answer = json.loads(overall())
    answer["data"][0]["percent"] = 0.5
    assert len(parse_overall(json.dumps(answer | {"next": None}).encode(), "pylance", WITH)) == 2


def test_a_refusal_names_the_package_asked_for():
    assert re.match(r"pypistats\.org, package lancedb\b", refused(overall(), "lancedb"))
