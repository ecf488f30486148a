"""Real answers of the services through the real parsers. The recordings are data of others and are not in this
repository; where their folder lies beside the checkout, every one of them has to be there and be understood.
"""

from __future__ import annotations

import json
from collections import Counter
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from cmetrics.domain.days import DAY, Span
from cmetrics.domain.errors import InvalidResponse
from cmetrics.sources.archives.crates_files import DayReader, parse_index
from cmetrics.sources.availability import build_registry_totals, resolve_days
from cmetrics.sources.cratesio import parse_downloads
from cmetrics.sources.github import cumulative, is_gapless, parse_history, parse_repository
from cmetrics.sources.npm import parse_range
from cmetrics.sources.pypistats import parse_overall
from tests.samples import a_metric, a_request

FOLDER = Path(__file__).parents[3] / "shared" / "payloads"

pytestmark = pytest.mark.skipif(not FOLDER.is_dir(), reason="the recorded answers are not on this machine")

VALID = (
    "pypistats_overall_pip_2020.json",
    "crates_downloads_nanomsg_2017.json",
    "crates_archive_day.csv",
    "crates_archive_index.json",
    "npm_range_nine_packages_2026.json",
    "npm_range_strict_mode_2017.json",
    "npm_range_missing_days_2015.json",
    "github_repo.json",
    "github_stargazers_history_3_weeks_2026.json",
    "github_stargazers_history_current_week_2026.json",
)
#: Errors, and responses to other requests.
REFUSED = {
    "pypistats": (
        "pypistats_recent_flask.json",
        "pypistats_recent_requests_2026.json",
        "pypistats_python_minor_2018_rows.json",
    ),
    "crates": (
        "crates_error_400_invalid_version.json",
        "crates_error_403_blocked.json",
        "crates_error_403_no_user_agent.json",
        "crates_error_404_unknown_crate.json",
        "crates_error_404_unknown_version.json",
    ),
    "npm": (
        "npm_error_end_before_start.json",
        "npm_error_exceeded_365_days.json",
        "npm_error_invalid_date.json",
        "npm_error_scoped_in_bulk.json",
        "npm_point_last_day_not_landed_2018.json",
        "npm_point_react_2026.json",
        "npm_point_truncated_18_months_2017.json",
    ),
    "github": (
        "github_error_401_bad_credentials.json",
        "github_error_403_primary_rate_limit.json",
        "github_error_403_secondary_rate_limit.json",
        "github_error_404.json",
        "github_error_404_with_documentation_url.json",
        "github_error_422_pagination_limited.json",
        "github_error_502.json",
        "github_error_503_html_with_json_content_type.txt",
        "github_graphql_error_not_found.json",
        "github_rate_limit.json",
        "github_repo_301_renamed.json",
    ),
}
WEEK_IN_2017 = Span(date(2017, 9, 22), date(2017, 9, 28))


def read(name: str) -> bytes:
    return (FOLDER / name).read_bytes()


def packages() -> list[dict[str, Any]]:
    return json.loads(read("npm_range_nine_packages_2026.json"))["packages"]


def as_range(package: dict[str, Any]) -> tuple[bytes, Span]:
    """Return the response of npm for one package of the collection, as it was before."""
    days = [row["day"] for row in package["downloads"]]
    body = {"start": days[0], "end": days[-1], "package": package["name"], "downloads": package["downloads"]}
    return json.dumps(body).encode(), Span(date.fromisoformat(days[0]), date.fromisoformat(days[-1]))


def test_every_recording_is_listed():
    """Every recorded body is listed here; response headers are not parsed."""
    there = {path.name for path in FOLDER.iterdir() if not path.name.endswith((".http.json", ".md"))}
    assert there == {*VALID, *(name for names in REFUSED.values() for name in names)}


@pytest.mark.parametrize(("category", "first"), [("with_mirrors", 2_100_139), ("without_mirrors", 2_083_472)])
def test_pypistats_overall(category, first):
    days = parse_overall(read("pypistats_overall_pip_2020.json"), "pip", category)
    assert list(days) == [date(2020, 5, 1), date(2020, 5, 2)]
    assert days[date(2020, 5, 1)] == first


def test_crates_downloads():
    days = parse_downloads(read("crates_downloads_nanomsg_2017.json"), "nanomsg")
    assert list(days.items()) == [
        (date(2017, 2, 2), 41),
        (date(2017, 2, 7), 14),
        (date(2017, 2, 10), 3),
        (date(2017, 2, 11), 1),
    ]


def test_crates_archive():
    days = parse_index(read("crates_archive_index.json"))
    assert (min(days), days[date(2024, 8, 1)], len(days)) == (date(2024, 7, 29), 138, 4)
    reader = DayReader("static.crates.io", {2, 3}, 0)
    reader.feed(read("crates_archive_day.csv"))
    assert reader.close() == {2: 500, 3: 0}


def test_npm_range_of_a_whole_week():
    days = parse_range(read("npm_range_strict_mode_2017.json"), WEEK_IN_2017, "strict-mode")
    assert len(days) == 7
    assert sum(days.values()) == 218


def test_npm_range_with_missing_days():
    span = Span(date(2015, 3, 9), date(2015, 3, 19))
    assert parse_range(read("npm_range_missing_days_2015.json"), span, "request-promise") == {date(2015, 3, 9): 660}


def test_npm_ranges_of_nine_packages():
    found = [parse_range(*as_range(package), package["name"]) for package in packages()]
    assert len(found) == 9
    assert [sum(days.values()) for days in found] == [package["total"] for package in packages()]
    assert sum(sum(days.values()) for days in found) == 3223


def test_unpublished_npm_days_are_not_stored_as_zeros():
    """In a response of 2026-09-17, four days with 0 for all nine packages are not stored."""
    stated = {package["name"]: parse_range(*as_range(package), package["name"]) for package in packages()}
    total: Counter[date] = Counter()
    for days in stated.values():
        total.update(days)
    last = date(2026, 9, 16)
    unlanded = {date(2026, 9, 7), date(2026, 9, 8), last - DAY, last}
    assert {total[day] for day in unlanded} == {0}
    known = stated["pi-subtask"]
    request = a_request(a_metric(subject="pi-subtask"), min(known), last)
    fetched = resolve_days(request, known, build_registry_totals(total), "npm:pi-subtask")
    assert unlanded <= fetched.pending
    assert not unlanded & {value.day for value in fetched.values}


def test_github_repository():
    found = parse_repository(read("github_repo.json"), "PyGithub/PyGithub")
    assert (found.id, found.full_name, found.stargazers_count) == (3544490, "PyGithub/PyGithub", 6906)
    assert found.created_at.date() == date(2012, 2, 25)


@pytest.mark.parametrize(
    ("name", "newest", "weeks", "gained"),
    [
        ("github_stargazers_history_3_weeks_2026.json", date(2026, 8, 30), 3, 77),
        ("github_stargazers_history_current_week_2026.json", date(2026, 9, 6), 2, 2301),
    ],
)
def test_github_star_history(name, newest, weeks, gained):
    found = parse_history(read(name), "owner/name")
    assert next(iter(found)) == newest
    assert newest.isoweekday() == 7
    assert len(found) == weeks
    assert is_gapless(found)
    saturday = min(found) - DAY
    values = cumulative(10_000, found, saturday, [min(found), newest + 6 * DAY])
    assert values[newest + 6 * DAY] == 10_000
    assert values[min(found)] == 10_000 - gained + found[min(found)][0]


@pytest.mark.parametrize("name", REFUSED["pypistats"])
def test_rejected_by_the_parser_of_pypistats(name):
    with pytest.raises(InvalidResponse, match=r"^pypistats\.org"):
        parse_overall(read(name), "flask", "with_mirrors")


@pytest.mark.parametrize("name", REFUSED["crates"])
def test_rejected_by_the_parser_of_crates(name):
    with pytest.raises(InvalidResponse, match=r"^crates\.io"):
        parse_downloads(read(name), "bar")


@pytest.mark.parametrize("package", ["react", "nativescript", "free-jqgrid", None])
@pytest.mark.parametrize("name", REFUSED["npm"])
def test_rejected_by_the_parser_of_npm(name, package):
    with pytest.raises(InvalidResponse, match=r"^api\.npmjs\.org"):
        parse_range(read(name), WEEK_IN_2017, package)


@pytest.mark.parametrize("parse", [parse_repository, parse_history])
@pytest.mark.parametrize("name", REFUSED["github"])
def test_rejected_by_the_parser_of_github(name, parse):
    with pytest.raises(InvalidResponse, match=r"^api\.github\.com"):
        parse(read(name), "owner/name")
