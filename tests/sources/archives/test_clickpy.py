from __future__ import annotations

import json
from datetime import date

import pytest

from cmetrics.domain.days import DAY
from cmetrics.domain.errors import InvalidResponse
from cmetrics.sources.archives.clickpy import CUT_AT, Series, Year, parse_days, parse_outline
from tests.sources.responses import HTML_PAGES, INVALID_COUNTS, INVALID_DAYS, INVALID_RESPONSES

WHERE = "ClickPy, project pylance"
FIRST = date(2024, 1, 1)


def year(days: int) -> Year:
    return Year(year=2024, oldest=f"{FIRST}", newest=f"{FIRST + 365 * DAY}", days=days)


def lines(*rows: dict[str, object]) -> bytes:
    return "".join(f"{json.dumps(row)}\n" for row in rows).encode()


def day(n: int, downloads: object = 5) -> dict[str, object]:
    return {"date": f"{FIRST + n * DAY}", "downloads": downloads}


def rejection(body: bytes, days: int = 1) -> str:
    with pytest.raises(InvalidResponse, match=r"^ClickPy, project pylance") as caught:
        parse_days(body, year(days), WHERE)
    return str(caught.value)


@pytest.mark.parametrize("kind", [int, str])
def test_counts_are_read_as_numbers_and_as_text(kind):
    body = lines(day(1, kind(2**33)), day(0, kind(7)))
    assert list(parse_days(body, year(2), WHERE).items()) == [(FIRST, 7), (FIRST + DAY, 2**33)]


def test_an_outline_lists_the_days_of_each_year():
    row = {"year": 2024, "oldest": "2024-03-01", "newest": "2024-12-31", "days": "306"}
    (found,) = parse_outline(lines(row), WHERE)
    assert (found.year, found.oldest, found.days) == (2024, date(2024, 3, 1), 306)
    assert parse_outline(b"", WHERE) == []


@pytest.mark.parametrize("days", [2, 4])
def test_a_number_of_days_other_than_in_the_outline_means_truncation(days):
    assert "truncated" in rejection(lines(day(0), day(1), day(2)), days)


def test_the_maximum_number_of_rows_always_means_truncation():
    assert "truncated" in rejection(lines(*(day(n) for n in range(CUT_AT))), CUT_AT)


@pytest.mark.parametrize(
    "end",
    [
        b"Code: 241. DB::Exception: Memory limit exceeded. (MEMORY_LIMIT_EXCEEDED)\n",
        b'{"exception": "Code: 159. DB::Exception: Timeout exceeded"}\n',
        b'{"date":"20Code: 394. DB::Exception: Query was cancelled',
    ],
)
def test_an_error_after_valid_rows_is_reported(end):
    assert "DB::Exception" in rejection(lines(day(0)) + end)


def test_a_response_that_ends_within_a_row_is_rejected():
    assert "truncated row" in rejection(lines(day(0)) + b'{"date":"2024-01')


def test_a_duplicate_day_is_rejected():
    assert "twice" in rejection(lines(day(0), day(0)), 2)


@pytest.mark.parametrize("text", [text for text in INVALID_COUNTS if text != '"7"'])
def test_an_invalid_count_is_rejected(text):
    rejection(f'{{"date":"2024-01-01","downloads":{text}}}\n'.encode())


@pytest.mark.parametrize("text", ['"-7"', '"7.0"', '" 7"', '"1e3"', '""'])
def test_invalid_count_text_is_rejected(text):
    rejection(f'{{"date":"2024-01-01","downloads":{text}}}\n'.encode())


@pytest.mark.parametrize("text", INVALID_DAYS)
def test_an_invalid_day_is_rejected(text):
    rejection(f'{{"date":{text},"downloads":1}}\n'.encode())


@pytest.mark.parametrize("body", [*INVALID_RESPONSES, *HTML_PAGES], ids=lambda body: body[:20])
def test_an_invalid_response_is_rejected(body):
    rejection(body)
    rejection(body + b"\n")


def test_values_are_query_parameters_and_not_part_of_the_query():
    series = Series(("pylance",))
    assert b"pylance" not in series.days() + series.outline()
    assert series.params(FIRST, FIRST + DAY)["param_projects"] == "['pylance']"
    assert b"sum(count)" in series.days()
    assert b"max(date)" in series.outline()


def test_without_mirrors_the_installer_table_is_queried_without_mirroring_installers():
    assert b"installer" not in Series(("pylance",)).days()
    text = Series(("pylance",), mirrors=False).days().decode()
    assert "FROM pypi.pypi_downloads_per_day_by_version_by_installer_by_type" in text
    assert "installer NOT IN ('bandersnatch', 'z3c.pypimirror', 'Artifactory', 'devpi', '')" in text
