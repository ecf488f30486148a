from __future__ import annotations

import json
from datetime import date

import pytest

from cmetrics.domain.days import DAY, day_range
from cmetrics.domain.errors import InvalidResponse
from cmetrics.sources.archives.crates_versions import (
    ByVersion,
    Version,
    VersionRequest,
    day_between_api_and_archive,
    parse_version_downloads,
    parse_versions,
    version_requests,
)
from tests.sources.responses import INVALID_COUNTS, INVALID_DAYS, INVALID_RESPONSES

LAST = date(2026, 11, 22)
#: Today is the day after the last completed one.
BETWEEN = date(2026, 8, 25)


def version(**changes: object) -> dict[str, object]:
    return {"id": 7, "num": "0.1.0", "created_at": "2024-02-29T23:59:59.123456Z"} | changes


def test_versions_have_their_publication_day_and_are_sorted_oldest_first():
    body = json.dumps(
        {"versions": [version(id=9, num="1.0.0-beta.1", created_at="2025-01-01T00:30:00+02:00"), version()]}
    )
    assert parse_versions(body.encode(), "lance") == (
        Version(7, "0.1.0", date(2024, 2, 29)),
        Version(9, "1.0.0-beta.1", date(2024, 12, 31)),
    )


@pytest.mark.parametrize(
    "changes", [{"id": "7"}, {"id": -1}, {"num": ""}, {"created_at": "2024-02-29"}, {"created_at": None}]
)
def test_a_version_with_an_invalid_field_is_rejected(changes):
    with pytest.raises(InvalidResponse, match=next(iter(changes))):
        parse_versions(json.dumps({"versions": [version(**changes)]}).encode(), "lance")


@pytest.mark.parametrize(
    "body", [*INVALID_RESPONSES, b'{"versions":null}', b'{"versions":[]}'], ids=lambda body: body[:20]
)
def test_an_invalid_list_of_versions_is_rejected(body):
    with pytest.raises(InvalidResponse, match=r"^crates\.io, versions of lance"):
        parse_versions(body, "lance")


def downloads(day: str, count: str) -> bytes:
    return f'{{"version_downloads":[{{"version":7,"downloads":{count},"date":{day}}}]}}'.encode()


def test_downloads_of_a_version_are_read_by_day():
    assert parse_version_downloads(downloads('"2026-03-01"', "5"), "lance", "0.1.0") == {date(2026, 3, 1): 5}
    assert parse_version_downloads(b'{"version_downloads":[]}', "lance", "0.1.0") == {}


@pytest.mark.parametrize(
    "body",
    [
        *INVALID_RESPONSES,
        *(downloads('"2026-03-01"', count) for count in INVALID_COUNTS),
        *(downloads(day, "1") for day in INVALID_DAYS),
    ],
    ids=lambda body: body[-60:],
)
def test_an_invalid_response_is_rejected(body):
    with pytest.raises(InvalidResponse, match=r"^crates\.io, crate lance 0\.1\.0"):
        parse_version_downloads(body, "lance", "0.1.0")


def test_the_day_between_api_and_archive_is_ninety_days_before_today():
    assert day_between_api_and_archive(LAST) == BETWEEN == LAST + DAY - 90 * DAY


# -- which requests ------------------------------------------------------------------------------

OLD, YOUNG = Version(1, "0.1.0", BETWEEN - 400 * DAY), Version(2, "0.2.0", BETWEEN - 95 * DAY)


def test_ninety_days_take_one_request_and_unpublished_versions_none():
    days = list(day_range(BETWEEN - 199 * DAY, BETWEEN))
    requests = version_requests({"lance": [OLD, YOUNG]}, days)
    assert [(request.number, request.before) for request in requests] == [
        ("0.1.0", BETWEEN),
        ("0.2.0", BETWEEN),
        ("0.1.0", BETWEEN - 90 * DAY),
        ("0.2.0", BETWEEN - 90 * DAY),
        ("0.1.0", BETWEEN - 180 * DAY),
    ]


# -- totals of versions --------------------------------------------------------------------------

A, B, OTHER = (
    VersionRequest("lance", "0.1.0", BETWEEN),
    VersionRequest("lance", "0.2.0", BETWEEN),
    VersionRequest("other", "1.0.0", BETWEEN),
)


def test_a_day_is_the_sum_of_all_versions():
    found = ByVersion()
    found.add(A, {BETWEEN: 4, BETWEEN - DAY: 1})
    found.add(B, {BETWEEN: 5})
    assert (found.total("lance", BETWEEN), found.total("lance", BETWEEN - DAY)) == (9, 1)


def test_a_missing_row_is_zero_only_if_another_version_has_a_row_that_old():
    found = ByVersion()
    found.add(A, {BETWEEN: 4})
    assert found.total("lance", BETWEEN - DAY) is None
    found.add(OTHER, {BETWEEN - 2 * DAY: 1})
    assert found.total("lance", BETWEEN - DAY) == 0
    assert found.total("lance", BETWEEN - 3 * DAY) is None


def test_a_crate_not_requested_or_failed_has_no_total():
    found = ByVersion()
    found.add(A, {BETWEEN: 4})
    assert found.total("other", BETWEEN) is None
    found.failed(B)
    assert found.total("lance", BETWEEN) is None
