"""Sources against the simulated services: numbers of requests, missing days, refusals and contradictions."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import date

import pytest

from cmetrics.domain.days import DAY, day_range, utc_now
from cmetrics.domain.errors import InvalidResponse, NotFound
from cmetrics.sources.base import FetchRequest, FetchResult
from tests.samples import a_metric, a_request
from tests.sources.conftest import Fetch
from tests.world.services import Reply, Services, as_json
from tests.world.truth import CLICKPY, CRATES, GITHUB, NPM, PYPI, Repository, wave


def values(result: FetchResult) -> dict[date, int]:
    return {value.day: value.value for value in result.values}


def crate(services: Services, name: str, days: int = 20) -> FetchRequest:
    last = services.world.yesterday
    metric = a_metric("cratesio", metric_id=f"downloads:{name}:rust", subject=name)
    return a_request(metric, last - (days - 1) * DAY, last, known_since=last - 80 * DAY)


# -- crates.io: a day without a row --------------------------------------------------------------


def test_day_missing_at_crates_io(services: Services, fetch: Fetch):
    """A day missing for every crate is pending, although later days have rows."""
    day = services.world.yesterday - 5 * DAY
    services.world.lost[CRATES].add(day)
    results = fetch("cratesio", [crate(services, "lance"), crate(services, "lancedb")])
    for result in results:
        assert day not in values(result)
        assert result.pending == {day}
        assert day + DAY in values(result)


def test_true_zero_of_crates(services: Services, fetch: Fetch):
    """A missing row of a small crate is zero when a busy crate has a row for that day."""
    day = services.world.yesterday - 5 * DAY
    services.world.crates["lance"][day] = 0
    (result,) = fetch("cratesio", [crate(services, "lance")])
    assert values(result)[day] == 0
    assert result.pending == frozenset()


def test_busy_crate_is_requested_once_and_only_when_needed(services: Services, fetch: Fetch):
    """The busy crate is requested once for any number of absent days, and not at all without one."""
    for name in ("lance", "lancedb"):
        services.world.crates[name] = wave(900, 1, services.world.today - 100 * DAY, services.world.today)
    requests = [crate(services, "lance"), crate(services, "lancedb")]
    fetch("cratesio", requests)
    assert len(services.requests_to(CRATES)) == 2
    for name in ("lance", "lancedb"):
        services.world.crates[name][services.world.yesterday - 5 * DAY] = 0
    fetch("cratesio", requests)
    assert len(services.requests_to(CRATES)) == 2 + 3


def test_busy_crate_fails(services: Services, fetch: Fetch):
    """If the busy crate fails, absent days are pending, and the error states their number."""
    day = services.world.yesterday - 5 * DAY
    services.world.crates["lance"][day] = 0
    services.world.faults[CRATES] = lambda request, usual: (
        as_json({"errors": []}, 404) if "serde" in request.path else usual()
    )
    (result,) = fetch("cratesio", [crate(services, "lance")])
    assert result.pending == {day}
    assert isinstance(result.error, NotFound)
    assert "1 day without downloads left open" in result.error.message
    assert values(result)[day + DAY] == services.world.crates["lance"][day + DAY]


# -- GitHub: refused tokens, histories that contradict the count ----------------------------------


def stars(services: Services, name: str, days: int = 400) -> FetchRequest:
    last = services.world.yesterday
    metric = a_metric("github", metric_id=f"stars:{name.replace('/', '-')}:github", subject=name)
    return a_request(metric, last - (days - 1) * DAY, last)


@pytest.mark.parametrize(
    "refusal",
    [
        as_json({"message": "Resource protected by organization SAML enforcement."}, 403, X_GitHub_SSO="required"),
        as_json({"message": "`o` forbids access via a personal access token (classic)."}, 403),
    ],
    ids=["sso", "classic"],
)
def test_token_refused_by_an_organisation(services: Services, fetch: Fetch, refusal: Reply):
    """Repositories of the refusing organisation are read without the token, with one warning."""
    services.world.faults[GITHUB] = lambda request, usual: (
        refusal if "authorization" in request.headers and "lance-format" in request.path else usual()
    )
    names = ("lance-format/lance", "lancedb/lancedb", "lance-format/lance")
    results = fetch("github", [stars(services, name) for name in names], token="a-token")
    assert [result.error for result in results] == [None] * 3
    warnings = [text for result in results for text in result.warnings]
    assert len(warnings) == 1
    assert "lance-format refused GITHUB_TOKEN (403)" in warnings[0]
    sent = {
        ("authorization" in request.headers, "lance-format" in request.path)
        for request in services.requests_to(GITHUB)[1:]
    }
    assert (True, False) in sent
    assert (False, True) in sent
    assert (False, False) not in sent


def test_unknown_token(services: Services, fetch: Fetch):
    """A token that GitHub does not know is sent only once."""
    services.world.rejected_tokens.add("old")
    results = fetch("github", [stars(services, name) for name in services.world.repositories], token="old")
    assert [result.error for result in results] == [None, None]
    assert sum("authorization" in request.headers for request in services.requests_to(GITHUB)) == 1
    assert [text for result in results for text in result.warnings] == [
        "GitHub refused GITHUB_TOKEN (401), so it is no longer sent; renew it"
    ]


def test_rate_limit_names_the_token(services: Services, fetch: Fetch):
    """Without a token, the error of an exhausted quota names GITHUB_TOKEN and the time of the next quota."""
    services.world.github_quota = 0
    # The reset is half an hour after the time of the machine.
    (result,) = fetch("github", [stars(services, "lancedb/lancedb")], at=utc_now())
    assert result.error is not None
    assert result.error.status == 403
    assert result.error.hint == "without a token GitHub allows 60 requests per hour; set GITHUB_TOKEN"
    assert "available again at" in result.error.message


def big(services: Services, extra: int) -> Repository:
    """Return a repository with 8,100 stars in 400 days and a count that is lower by ``extra``."""
    created = services.world.today - 400 * DAY
    found = Repository("o/big", 77, created, {created + n * DAY: 81 for n in range(100)})
    services.world.repositories["o/big"] = found
    whole = json.dumps({"id": 77, "full_name": "o/big", "stargazers_count": found.count - extra}).encode()
    services.world.faults[GITHUB] = lambda request, usual: (
        Reply(200, whole, {"Content-Type": "application/json"}) if request.path == "/repos/o/big" else usual()
    )
    return found


def test_history_above_count(services: Services, fetch: Fetch):
    """A history with 20 stars of 8,100 too many is accepted with a warning and clipped to 0 and the count."""
    big(services, extra=20)
    (result,) = fetch("github", [stars(services, "o/big")])
    assert result.error is None
    assert len(result.values) > 390
    assert max(values(result).values()) == 8_080
    assert min(values(result).values()) >= 0
    assert any("20 more stars than the repository" in text for text in result.warnings)


def test_history_of_another_size(services: Services, fetch: Fetch):
    """A history with twice the stars of the repository is rejected."""
    big(services, extra=4_050)
    (result,) = fetch("github", [stars(services, "o/big")])
    assert isinstance(result.error, InvalidResponse)
    assert len(result.values) == 1


def test_empty_page_in_a_history(services: Services, fetch: Fetch):
    """An empty page before the last one is an error, not the end of the history."""

    def emptied(request, usual):
        return as_json([]) if request.query.get("page") == "2" else usual()

    services.world.faults[GITHUB] = emptied
    (result,) = fetch("github", [stars(services, "lance-format/lance", days=800)])
    assert isinstance(result.error, InvalidResponse)
    assert "empty page (2)" in result.error.message
    assert [value.day for value in result.values] == [services.world.yesterday]


def test_history_that_ends_early(services: Services, fetch: Fetch):
    """A history whose last page lacks weeks with stars is an error."""

    def shortened(request, usual):
        reply = usual()
        if request.query.get("page") == "2":
            reply.body = json.dumps(json.loads(reply.body)[:10]).encode()
            del reply.headers["Link"]
        return reply

    services.world.faults[GITHUB] = shortened
    (result,) = fetch("github", [stars(services, "lance-format/lance", days=800)])
    assert isinstance(result.error, InvalidResponse)
    assert "lacks" in result.error.message


# -- npm: several packages at once ---------------------------------------------------------------


def package(services: Services, name: str, days: int = 90) -> FetchRequest:
    last = services.world.yesterday
    metric = a_metric("npm", metric_id=f"downloads:{name.strip('@').replace('/', '-')}:nodejs", subject=name)
    return a_request(metric, last - (days - 1) * DAY, last)


def test_packages_share_requests(services: Services, fetch: Fetch):
    """Up to 128 unscoped packages share a request; scoped packages and the registry have their own."""
    names = [f"package-{number}" for number in range(130)]
    for number, name in enumerate(names):
        services.world.npm[name] = wave(1000, number, services.world.today - 400 * DAY, services.world.today)
    requests = [package(services, name) for name in [*names, "@lancedb/lancedb"]]
    results = fetch("npm", requests)
    assert len(services.requests_to(NPM)) == 2 + 1 + 1
    assert len(results) == 131
    assert all(result.error is None for result in results)
    for result in results:
        stored = values(result)
        assert stored
        assert all(services.world.npm[result.request.metric.subject][day] == value for day, value in stored.items())


def test_unknown_package_among_others(services: Services, fetch: Fetch):
    """An unknown package is an error of its own metric alone."""
    services.world.npm["known"] = wave(1000, 1, services.world.today - 400 * DAY, services.world.today)
    known, unknown = fetch("npm", [package(services, "known"), package(services, "unknown")])
    assert known.error is None
    assert isinstance(unknown.error, NotFound)
    assert len(services.requests_to(NPM)) == 2


def test_failing_bulk_request(services: Services, fetch: Fetch):
    """If the request for several packages fails, each package is requested separately."""
    for name in ("one", "two"):
        services.world.npm[name] = wave(1000, 1, services.world.today - 400 * DAY, services.world.today)
    services.world.faults[NPM] = lambda request, usual: (
        as_json({"error": "bad request"}, 400) if "," in request.path else usual()
    )
    results = fetch("npm", [package(services, name) for name in ("one", "two")])
    assert [result.error for result in results] == [None, None]


def test_cached_zero_is_pending(services: Services, fetch: Fetch):
    """A 0 on the newest day of a busy package is pending; read again two days later it is stored."""
    newest = services.world.today - 2 * DAY
    services.world.npm["busy"] = wave(28_000, 1, services.world.today - 400 * DAY, services.world.today)
    services.world.npm["busy"][newest] = 0
    (result,) = fetch("npm", [package(services, "busy")])
    assert newest not in values(result)
    assert newest in result.pending
    services.world.today += 2 * DAY
    for days in range(2):
        services.world.npm["busy"][services.world.today - days * DAY] = 28_000
    (result,) = fetch("npm", [package(services, "busy")])
    assert values(result)[newest] == 0


# -- pypistats.org and ClickPy -------------------------------------------------------------------


def python(services: Services, name: str, archive_days: tuple[date, ...], *, mirrors: bool = True) -> FetchRequest:
    last = services.world.yesterday
    metric = a_metric("pypistats", metric_id=f"downloads:{name}:python", subject=name, mirrors=mirrors)
    request = a_request(metric, last - 180 * DAY, last)
    return replace(request, archive_days=archive_days, missing=request.missing | set(archive_days))


def test_day_lost_inside_the_window(services: Services, fetch: Fetch):
    """ClickPy provides a day missing within the window of pypistats.org, with the difference of the counts."""
    world = services.world
    lost = world.yesterday - 40 * DAY
    world.lost[PYPI].add(lost)
    inside = tuple(day_range(world.yesterday - 180 * DAY, world.yesterday))
    own, archived = fetch("pypistats", [python(services, "pylance", inside)])
    assert lost not in values(own)
    assert values(archived) == {lost: world.clickpy("pylance", lost, mirrors=True)}
    assert archived.values[0].source_ref.startswith("clickpy:pylance; overlap +")


def test_late_day_is_not_taken_from_the_archive(services: Services, fetch: Fetch):
    """A day that pypistats.org has not published yet is not taken from ClickPy."""
    services.world.lag[PYPI] = 3
    inside = tuple(day_range(services.world.yesterday - 10 * DAY, services.world.yesterday))
    _, archived = fetch("pypistats", [python(services, "pylance", inside)])
    assert archived.values == ()
    assert services.requests_to(CLICKPY) == []


def test_archive_does_not_replace_a_failed_source(services: Services, fetch: Fetch):
    """If pypistats.org fails, its window is not filled from ClickPy."""
    services.world.faults[PYPI] = lambda request, usual: Reply(500, b"500")
    inside = tuple(day_range(services.world.yesterday - 10 * DAY, services.world.yesterday))
    own, archived = fetch("pypistats", [python(services, "pylance", inside)])
    assert own.error is not None
    assert archived.values == ()


def test_one_outline_for_all_packages(services: Services, fetch: Fetch):
    """One outline request per table covers all packages."""
    older = tuple(day_range(services.world.today - 400 * DAY, services.world.today - 200 * DAY))
    results = fetch("pypistats", [python(services, name, older) for name in ("pylance", "lancedb")])
    assert [result.error for result in results] == [None] * 4
    outlines = [request for request in services.requests_to(CLICKPY) if b"toYear(date)" in request.body]
    assert len(outlines) == 2
    for result in results[2:]:
        name = result.request.metric.subject
        assert values(result) == {day: services.world.clickpy(name, day, mirrors=True) for day in older}


@pytest.mark.parametrize("text", ["Code: 241. DB::Exception: Memory limit\n", "Code: 159. Timeout exceeded"])
def test_clickpy_error_with_status_200(services: Services, fetch: Fetch, text: str):
    """An error of ClickHouse with status 200 is an error."""
    services.world.faults[CLICKPY] = lambda request, usual: Reply(200, text.encode())
    older = tuple(day_range(services.world.today - 300 * DAY, services.world.today - 200 * DAY))
    _, archived = fetch("pypistats", [python(services, "pylance", older)])
    assert isinstance(archived.error, InvalidResponse)
    assert "broke off: Code: " in archived.error.message
