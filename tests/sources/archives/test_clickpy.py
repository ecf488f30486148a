from __future__ import annotations

import json
from datetime import date

import pytest

from cmetrics.domain.days import DAY
from cmetrics.domain.errors import InvalidResponse
from cmetrics.sources.archives.clickpy import CUT_AT, Series, Year, parse_days, parse_outline
from tests.sources.responses import HTML_PAGES, NO_ANSWERS, NO_COUNTS, NO_DAYS

WHERE = "ClickPy, project pylance"
FIRST = date(2024, 1, 1)


def year(days: int) -> Year:
    return Year(year=2024, oldest=f"{FIRST}", newest=f"{FIRST + 365 * DAY}", days=days)


def lines(*rows: dict[str, object]) -> bytes:
    return "".join(f"{json.dumps(row)}\n" for row in rows).encode()


def day(n: int, downloads: object = 5) -> dict[str, object]:
    return {"date": f"{FIRST + n * DAY}", "downloads": downloads}


def refused(body: bytes, days: int = 1) -> str:
    with pytest.raises(InvalidResponse, match=r"^ClickPy, project pylance") as caught:
        parse_days(body, year(days), WHERE)
    return str(caught.value)


@pytest.mark.parametrize("kind", [int, str])
def test_counts_are_read_as_numbers_and_as_text(kind):
    body = lines(day(1, kind(2**33)), day(0, kind(7)))
    assert list(parse_days(body, year(2), WHERE).items()) == [(FIRST, 7), (FIRST + DAY, 2**33)]


def test_an_outline_says_what_each_year_holds():
    row = {"year": 2024, "oldest": "2024-03-01", "newest": "2024-12-31", "days": "306"}
    (found,) = parse_outline(lines(row), WHERE)
    assert (found.year, found.oldest, found.days) == (2024, date(2024, 3, 1), 306)
    assert parse_outline(b"", WHERE) == []


@pytest.mark.parametrize("days", [2, 4])
def test_another_number_of_days_than_the_outline_s_is_a_cut(days):
    assert "truncated" in refused(lines(day(0), day(1), day(2)), days)


def test_as_many_rows_as_the_server_lets_through_are_a_cut_whatever_the_outline_says():
    assert "truncated" in refused(lines(*(day(n) for n in range(CUT_AT))), CUT_AT)


@pytest.mark.parametrize(
    "end",
    [
        b"Code: 241. DB::Exception: Memory limit exceeded. (MEMORY_LIMIT_EXCEEDED)\n",
        b'{"exception": "Code: 159. DB::Exception: Timeout exceeded"}\n',
        b'{"date":"20Code: 394. DB::Exception: Query was cancelled',
    ],
)
def test_an_error_behind_good_rows_is_repeated(end):
    assert "DB::Exception" in refused(lines(day(0)) + end)


def test_an_answer_that_ends_within_a_row_is_refused():
    assert "truncated row" in refused(lines(day(0)) + b'{"date":"2024-01')


def test_a_day_stated_twice_is_refused():
    assert "twice" in refused(lines(day(0), day(0)), 2)


@pytest.mark.parametrize("text", [text for text in NO_COUNTS if text != '"7"'])
def test_what_is_no_count_is_refused(text):
    refused(f'{{"date":"2024-01-01","downloads":{text}}}\n'.encode())


@pytest.mark.parametrize("text", ['"-7"', '"7.0"', '" 7"', '"1e3"', '""'])
def test_text_that_is_no_count_is_refused(text):
    refused(f'{{"date":"2024-01-01","downloads":{text}}}\n'.encode())


@pytest.mark.parametrize("text", NO_DAYS)
def test_what_is_no_day_is_refused(text):
    refused(f'{{"date":{text},"downloads":1}}\n'.encode())


@pytest.mark.parametrize("body", [*NO_ANSWERS, *HTML_PAGES], ids=lambda body: body[:20])
def test_what_is_no_answer_is_refused(body):
    refused(body)
    refused(body + b"\n")


def test_values_travel_beside_the_question_and_days_are_always_summed():
    series = Series(("pylance",))
    assert b"pylance" not in series.days() + series.outline()
    assert series.params(FIRST, FIRST + DAY)["param_projects"] == "['pylance']"
    assert b"sum(count)" in series.days()
    assert b"max(date)" in series.outline()


def test_without_mirrors_another_table_is_asked_and_four_installers_and_the_unknown_one_are_left_out():
    assert b"installer" not in Series(("pylance",)).days()
    text = Series(("pylance",), mirrors=False).days().decode()
    assert "FROM pypi.pypi_downloads_per_day_by_version_by_installer_by_type" in text
    assert "installer NOT IN ('bandersnatch', 'z3c.pypimirror', 'Artifactory', 'devpi', '')" in text
