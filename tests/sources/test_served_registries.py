"""CRAN, Packagist, RubyGems, Homebrew, DuckDB and traffic against the simulated services."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from cmetrics.domain.days import DAY
from cmetrics.domain.errors import AccessRefused, InvalidResponse, NotFound, ServiceFailed, TokenRefused
from cmetrics.domain.observation import SourceRef
from cmetrics.sources import SPECS
from cmetrics.sources.base import FetchRequest, FetchResult
from tests.samples import a_metric, a_request
from tests.sources.conftest import Fetch
from tests.world.registries import CRAN, DUCKDB, DUCKDB_COMMUNITY, HOMEBREW, PACKAGIST
from tests.world.services import Reply, Services, as_json, as_text
from tests.world.truth import CLICKPY, GITHUB


def values(result: FetchResult) -> dict[date, int]:
    return {value.day: value.value for value in result.values}


def request(services: Services, source: str, days: int = 20, **changes: Any) -> FetchRequest:
    """Return a request for the last ``days`` days of a source, with ``changes`` to its metric."""
    last = services.world.yesterday
    return a_request(a_metric(source, **changes), last - (days - 1) * DAY, last)


def reading(services: Services, source: str, count: str = "", **changes: Any) -> FetchRequest:
    """Return a request for the current value of a source."""
    measure = SPECS[source].measures[count] if count else SPECS[source].measure
    metric = a_metric(source, measure=measure, count=count, **changes)
    last = services.world.yesterday
    return FetchRequest(metric, (last,), frozenset({last}), last, take_current=True)


# -- daily downloads -------------------------------------------------------------------------------

#: Source to its host, its key in the simulated counts, and the name of its clock.
FLOWS = {"cran": (CRAN, "cran", CRAN), "packagist": (PACKAGIST, "packagist", PACKAGIST)}
FLOWS["rubygems"] = (CLICKPY, "gems", "rubygems")


def truth(services: Services, source: str) -> dict[date, int]:
    counts: dict[str, dict[date, int]] = getattr(services.world.registries, FLOWS[source][1])
    return counts[request(services, source).metric.subject]


@pytest.mark.parametrize("source", FLOWS)
def test_published_days(services: Services, fetch: Fetch, source: str):
    """Published days have their values, and unpublished ones are pending, never 0."""
    host = FLOWS[source][2]
    services.world.registries.lag[host] = 3
    (result,) = fetch(source, [request(services, source)])
    published = {
        day for day in result.request.days if services.world.registries.is_published(host, day, services.world.today)
    }
    assert values(result) == {day: truth(services, source)[day] for day in published}
    assert result.pending == set(result.request.days) - published
    assert result.error is None


@pytest.mark.parametrize("source", FLOWS)
def test_true_zero(services: Services, fetch: Fetch, source: str):
    """A published day without downloads is 0."""
    day = services.world.yesterday - 8 * DAY
    truth(services, source)[day] = 0
    (result,) = fetch(source, [request(services, source)])
    assert values(result)[day] == 0


@pytest.mark.parametrize("source", FLOWS)
def test_lost_day(services: Services, fetch: Fetch, source: str):
    """A day missing for all packages is pending, never 0."""
    day = services.world.yesterday - 8 * DAY
    services.world.registries.lost[FLOWS[source][2]].add(day)
    (result,) = fetch(source, [request(services, source)])
    assert day not in values(result)
    assert day + DAY in values(result)
    assert day in result.pending


@pytest.mark.parametrize("source", FLOWS)
def test_unknown_package(services: Services, fetch: Fetch, source: str):
    """An unknown package does not affect the others."""
    subject = "lance/lanse" if source == "packagist" else "lanse"
    unknown = request(services, source, subject=subject)
    known = request(services, source)
    by_subject = {result.request.metric.subject: result for result in fetch(source, [unknown, known])}
    assert isinstance(by_subject[subject].error, NotFound)
    assert by_subject[known.metric.subject].error is None
    assert values(by_subject[known.metric.subject])


@pytest.mark.parametrize("source", FLOWS)
@pytest.mark.parametrize("body", [b"", b"{}", b"[]", b"<!DOCTYPE html><p>503", b"null", b"\xff"])
def test_invalid_body(services: Services, fetch: Fetch, source: str, body: bytes):
    """An undocumented body is an error without values."""
    services.world.faults[FLOWS[source][0]] = lambda _request, _usual: Reply(200, body)
    (result,) = fetch(source, [request(services, source)])
    assert result.error is not None
    assert result.values == ()


@pytest.mark.parametrize(("source", "most"), [("cran", 3), ("packagist", 3), ("rubygems", 3)])
def test_fewest_requests(services: Services, fetch: Fetch, source: str, most: int):
    """Two packages take one request each, and one for the registry."""
    registry = getattr(services.world.registries, FLOWS[source][1])
    second = "lance/other" if source == "packagist" else "other"
    registry[second] = dict(truth(services, source))
    results = fetch(source, [request(services, source), request(services, source, subject=second)])
    assert [result.error for result in results] == [None, None]
    assert len(services.requests_to(FLOWS[source][0])) <= most


def test_long_history_of_rubygems(services: Services, fetch: Fetch):
    """Long periods are split so that no result is truncated: 2,000 days take three queries for the gem."""
    services.world.registries.lag["rubygems"] = 1
    (result,) = fetch("rubygems", [request(services, "rubygems", 2_000)])
    stated = {day: value for day, value in truth(services, "rubygems").items() if day in result.request.days and value}
    assert {day: value for day, value in values(result).items() if value} == stated
    assert len(services.requests_to(CLICKPY)) == 6


def test_truncated_result(services: Services, fetch: Fetch):
    """A result with the maximum number of rows is rejected."""
    row = b'{"date":"2026-01-01","downloads":1}\n'
    services.world.faults[CLICKPY] = lambda _request, _usual: Reply(200, row * 1000)
    (result,) = fetch("rubygems", [request(services, "rubygems")])
    assert isinstance(result.error, InvalidResponse)
    assert "truncated" in result.error.message


def test_current_day_of_packagist(services: Services, fetch: Fetch):
    """Yesterday is pending in the first hours of a day."""
    from datetime import UTC, datetime, time

    at = datetime.combine(services.world.today, time(2), UTC)
    (result,) = fetch("packagist", [request(services, "packagist")], at=at)
    assert services.world.yesterday not in values(result)
    assert services.world.yesterday in result.pending


# -- Homebrew --------------------------------------------------------------------------------------


def test_installs(services: Services, fetch: Fetch):
    """Both counts of a formula come from one request, and today's window is stored under yesterday."""
    requests = [reading(services, "homebrew"), reading(services, "homebrew", "installs-on-request")]
    installs, on_request = fetch("homebrew", requests)
    expected = services.world.registries.total(services.world.registries.brew["lance"], services.world.yesterday, 30)
    assert values(installs) == {services.world.yesterday: expected}
    assert values(on_request) == {services.world.yesterday: expected // 2}
    (value,) = installs.values
    assert value.period_start == services.world.today - 29 * DAY
    assert len(services.requests_to(HOMEBREW)) == 1


def test_cask(services: Services, fetch: Fetch):
    """A cask has installs but no installs on request."""
    requests = [
        reading(services, "homebrew", subject="cask/lance"),
        reading(services, "homebrew", "installs-on-request", subject="cask/lance"),
    ]
    installs, on_request = fetch("homebrew", requests)
    assert installs.error is None
    assert isinstance(on_request.error, InvalidResponse)
    assert on_request.values == ()


def test_unknown_formula(services: Services, fetch: Fetch):
    """An HTML page with status 404 means an unknown formula."""
    (result,) = fetch("homebrew", [reading(services, "homebrew", subject="lanse")])
    assert isinstance(result.error, NotFound)


def test_future_window(services: Services, fetch: Fetch):
    """A window that ends in the future is rejected."""

    def later(_request: object, _usual: object) -> Reply:
        window = {"30d": {"lance": 5}}
        analytics = {"install": window, "install_on_request": window}
        return as_json({"name": "lance", "analytics": analytics, "generated_date": f"{services.world.today + 9 * DAY}"})

    services.world.faults[HOMEBREW] = later
    (result,) = fetch("homebrew", [reading(services, "homebrew")])
    assert isinstance(result.error, InvalidResponse)


# -- DuckDB ----------------------------------------------------------------------------------------


def weeks(services: Services, days: int = 70, **changes: Any) -> FetchRequest:
    return replace(request(services, "duckdb", days, **changes), take_current=True)


def windows(services: Services, first: date, host: str = DUCKDB_COMMUNITY, extension: str = "lance") -> dict[date, int]:
    """Return the counts of all jobs since ``first`` by the last day of their windows."""
    registries = services.world.registries
    counts = registries.extensions[host][extension]
    ends = (job - DAY for job in registries.jobs[host] if job <= services.world.today)
    return {end: registries.total(counts, end, 7) for end in ends if end >= first}


def test_weekly_windows(services: Services, fetch: Fetch):
    """Each window of seven days is stored under its last day, with its first day as the start."""
    (result,) = fetch("duckdb", [weeks(services)])
    assert values(result) == windows(services, result.request.days[0])
    assert {value.period_start for value in result.values} == {value.day - 6 * DAY for value in result.values}
    assert result.error is None


def test_one_file_for_all_extensions(services: Services, fetch: Fetch):
    """Without a new week, one request per host covers any number of extensions."""
    results = fetch(
        "duckdb", [weeks(services, 3), weeks(services, 3, subject="h3"), weeks(services, 3, subject="httpfs")]
    )
    assert [result.error for result in results] == [None] * 3
    assert len(services.requests_to(DUCKDB)) == len(services.requests_to(DUCKDB_COMMUNITY)) == 1


def test_moved_extension(services: Services, fetch: Fetch):
    """Downloads from both hosts are summed while both have the extension."""
    counts = services.world.registries.extensions
    counts[DUCKDB]["lance"] = dict.fromkeys(counts[DUCKDB_COMMUNITY]["lance"], 3)
    (both,) = fetch("duckdb", [weeks(services, 8)])
    newest = max(windows(services, both.request.days[0]))
    assert values(both)[newest] == windows(services, newest)[newest] + 21
    del counts[DUCKDB_COMMUNITY]["lance"]
    (moved,) = fetch("duckdb", [weeks(services, 8)])
    assert values(moved)[newest] == 21


def test_overwritten_file(services: Services, fetch: Fetch):
    """The window of a second job within a week, which overwrites the file, has its own end."""
    jobs = services.world.registries.jobs
    friday = max(day for day in jobs[DUCKDB] if day <= services.world.today)
    for host in jobs:
        jobs[host] = sorted({*jobs[host], friday - DAY})
    (first,) = fetch("duckdb", [weeks(services, 20)])
    assert friday - DAY in values(first)
    assert values(first)[friday - DAY] == windows(services, friday - DAY)[friday - DAY]


def test_missing_week(services: Services, fetch: Fetch):
    """A week without a file (403) is missing, and other weeks are not affected."""
    jobs = services.world.registries.jobs
    gone = [day for day in jobs[DUCKDB_COMMUNITY] if day <= services.world.today][-3]
    for host in jobs:
        jobs[host] = [day for day in jobs[host] if day != gone]
    (result,) = fetch("duckdb", [weeks(services)])
    assert result.error is None
    assert gone - DAY not in values(result)
    assert len(values(result)) >= 8


def test_zero_of_a_failed_job(services: Services, fetch: Fetch):
    """A 0 in a past file means a failed job, not a week without downloads."""
    registries = services.world.registries
    job = [day for day in registries.jobs[DUCKDB_COMMUNITY] if day <= services.world.today][-4]
    for n in range(1, 8):
        registries.extensions[DUCKDB_COMMUNITY]["lance"][job - n * DAY] = 0
    (result,) = fetch("duckdb", [weeks(services)])
    assert job - DAY not in values(result)


def test_unknown_extension(services: Services, fetch: Fetch):
    """An extension in no file is unknown; a known one that is absent for a week is not."""
    (unknown,) = fetch("duckdb", [weeks(services, subject="lanse")])
    assert isinstance(unknown.error, NotFound)
    known = replace(weeks(services, subject="lanse"), known=SourceRef("duckdb", "lanse"))
    (absent,) = fetch("duckdb", [known])
    assert (absent.error, absent.values) == (None, ())


def test_one_host_down(services: Services, fetch: Fetch):
    """If one host is down, there is no sum, and no values are returned."""
    services.world.faults[DUCKDB] = lambda _request, _usual: as_text("<html>", 503)
    (result,) = fetch("duckdb", [weeks(services)])
    assert isinstance(result.error, ServiceFailed)
    assert result.values == ()


@pytest.mark.parametrize(
    ("day", "path"),
    [
        (date(2025, 12, 28), "/download-stats-weekly/2025/1.json"),  # written on 29 December, in ISO week 1
        (date(2026, 1, 1), "/download-stats-weekly/2026/1.json"),
        (date(2026, 1, 22), "/download-stats-weekly/2026/4.json"),
        (date(2027, 1, 1), "/download-stats-weekly/2027/53.json"),
    ],
)
def test_weekly_path(day: date, path: str):
    """The path of a weekly file has the calendar year and the ISO week of the job without a leading zero."""
    from cmetrics.sources.duckdb import weekly_paths

    assert weekly_paths([day]) == [path]


# -- traffic ---------------------------------------------------------------------------------------

TRAFFIC = ("views", "unique-visitors", "clones", "unique-cloners")


def traffic(services: Services) -> list[FetchRequest]:
    spec = SPECS["github-traffic"]
    return [request(services, "github-traffic", 14, measure=spec.measures[count], count=count) for count in TRAFFIC]


def test_traffic(services: Services, fetch: Fetch):
    """Four counts come from two requests, without the current day."""
    services.world.registries.may_push.add("t0ken")
    results = fetch("github-traffic", traffic(services), token="t0ken")
    days = results[0].request.days
    truth = services.world.registries.views["lancedb/lancedb"]
    assert values(results[0]) == {day: truth[day] for day in days}
    assert values(results[1]) == {day: truth[day] // 3 for day in days}
    assert len(services.requests_to(GITHUB)) == 2


def test_day_without_traffic(services: Services, fetch: Fetch):
    """A missing day between others is 0, and one after them is pending."""
    services.world.registries.may_push.add("t0ken")
    views = services.world.registries.views["lancedb/lancedb"]
    quiet, late = services.world.yesterday - 5 * DAY, services.world.yesterday
    views[quiet] = views[late] = views[services.world.today] = 0
    result = fetch("github-traffic", traffic(services), token="t0ken")[0]
    assert values(result)[quiet] == 0
    assert late not in values(result)
    assert late in result.pending


def test_no_traffic_token(services: Services, fetch: Fetch):
    """Without its token the source is disabled: no requests and no errors."""
    results = fetch("github-traffic", traffic(services))
    assert [(result.error, result.values) for result in results] == [(None, ())] * 4
    assert all("CMETRICS_TRAFFIC_TOKEN" in result.notes[0] for result in results)
    assert services.requests_to(GITHUB) == []


def test_token_without_rights(services: Services, fetch: Fetch):
    """The error for a token without access to traffic names the missing permission."""
    result = fetch("github-traffic", traffic(services), token="other")[0]
    assert isinstance(result.error, TokenRefused | AccessRefused)
    assert "CMETRICS_TRAFFIC_TOKEN" in result.error.message
    assert result.error.hint is not None
    assert "Administration" in result.error.hint
