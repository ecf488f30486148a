"""Sources of current counts against the simulated services: numbers of requests and faults."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, time

import pytest

from cmetrics.domain.errors import InvalidResponse, NotFound, RateLimited, ServiceFailed
from cmetrics.domain.observation import SourceRef
from cmetrics.sources import SPECS
from cmetrics.sources.base import FetchRequest, FetchResult
from tests.samples import a_metric, a_request
from tests.sources.conftest import Fetch
from tests.world import faults
from tests.world.counters import DOCKER, HUGGING_FACE, NUGET, OPENVSX, VSCODE, Count, Release
from tests.world.services import Reply, Services, as_json
from tests.world.truth import DAY, GITHUB

#: Sources with one count per subject, with their host and a known subject.
SOURCES = {
    "dockerhub": (DOCKER, "lance/db"),
    "openvsx": (OPENVSX, "lance.viewer"),
    "vscode": (VSCODE, "lance.viewer"),
    "nuget": (NUGET, "lance.net"),
    "huggingface": (HUGGING_FACE, "models/lance/embed"),
}
RELEASES = "lancedb/lancedb"


def current(
    services: Services, source: str, subject: str, count: str = "", known: SourceRef | None = None, **options
) -> FetchRequest:
    """Return a request for the current value, as `refresh` creates it each night."""
    last = services.world.yesterday
    spec = SPECS[source]
    name = count or spec.default_count
    metric = a_metric(
        source,
        metric_id=f"x:p:{source}:{name}",
        subject=subject,
        count=name,
        measure=spec.measures[name],
        options=tuple((option, tuple(texts)) for option, texts in options.items()),
    )
    return replace(a_request(metric, last, last), take_current=True, known=known)


def truth(services: Services, source: str) -> int:
    counters = services.world.counters
    counts = {
        "dockerhub": counters.images["lance/db"],
        "openvsx": counters.openvsx["Lance.viewer"],
        "vscode": counters.vscode["Lance.viewer"],
        "nuget": counters.packages["Lance.Net"],
        "huggingface": counters.hub["models/lance/embed"].downloads,
    }
    return counts[source].at(services.world.today)


def readings(result: FetchResult) -> dict[str, int]:
    return {reading.name: reading.value for reading in result.readings}


# -- all of them ---------------------------------------------------------------------------------


@pytest.mark.parametrize("source", SOURCES)
def test_current_count(services: Services, fetch: Fetch, source: str):
    """One request returns the count for the last completed day, with the time of reading."""
    host, subject = SOURCES[source]
    (result,) = fetch(source, [current(services, source, subject)])
    assert result.error is None
    (value,) = result.values
    assert (value.day, value.value) == (services.world.yesterday, truth(services, source))
    assert value.observed_at == datetime.combine(services.world.today, time(12), UTC)
    assert value.source_ref.startswith(f"{source}:")
    assert len(services.requests_to(host)) == 1


@pytest.mark.parametrize("source", SOURCES)
def test_unknown_subject(services: Services, fetch: Fetch, source: str):
    """An unknown subject is not found, with any status code, and never 0."""
    unknown = {"huggingface": "models/nobody/nothing", "dockerhub": "lance/nothing"}.get(source, "nobody.nothing")
    (result,) = fetch(source, [current(services, source, unknown)])
    assert isinstance(result.error, NotFound)
    assert result.values == ()


@pytest.mark.parametrize("source", SOURCES)
@pytest.mark.parametrize("body", [b"", b"{}", b"[]", b"null", b"<!DOCTYPE html><p>maintenance"])
def test_empty_responses(services: Services, fetch: Fetch, source: str, body: bytes):
    """An empty body, an empty object and an HTML page are errors, never 0."""
    host, subject = SOURCES[source]
    services.world.faults[host] = faults.responds_with(body)
    (result,) = fetch(source, [current(services, source, subject)])
    assert isinstance(result.error, InvalidResponse)
    assert result.values == ()


@pytest.mark.parametrize("source", SOURCES)
def test_rate_limit_in_plain_text(services: Services, fetch: Fetch, source: str):
    """The client waits after a 429 in plain text with a Retry-After header."""
    host, subject = SOURCES[source]
    busy = faults.responds_with("Too Many Requests (HAP429).", 429, "text/plain", Retry_After="60")
    services.world.faults[host] = faults.first_times(1, busy)
    (result,) = fetch(source, [current(services, source, subject)])
    assert result.error is None
    assert [value.value for value in result.values] == [truth(services, source)]
    assert len(services.requests_to(host)) == 2


@pytest.mark.parametrize("source", SOURCES)
def test_rate_limit_for_an_hour(services: Services, fetch: Fetch, source: str):
    """A 429 for an hour ends the requests to this service."""
    host, subject = SOURCES[source]
    services.world.faults[host] = faults.slow_down_for_an_hour
    results = fetch(source, [current(services, source, subject), current(services, source, f"{subject}2")])
    assert [type(result.error) for result in results] == [RateLimited, RateLimited]
    assert len(services.requests_to(host)) == 1


@pytest.mark.parametrize("source", SOURCES)
def test_service_down(services: Services, fetch: Fetch, source: str):
    """An unavailable service is an error of the metric."""
    host, subject = SOURCES[source]
    services.world.faults[host] = faults.server_error
    (result,) = fetch(source, [current(services, source, subject)])
    assert isinstance(result.error, ServiceFailed)
    assert result.values == ()


@pytest.mark.parametrize("source", SOURCES)
def test_unknown_subject_among_others(services: Services, fetch: Fetch, source: str):
    """An unknown subject does not affect the others."""
    _, subject = SOURCES[source]
    unknown = {"huggingface": "models/nobody/nothing", "dockerhub": "nobody/nothing"}.get(source, "nobody.nothing")
    wrong, right = fetch(source, [current(services, source, unknown), current(services, source, subject)])
    assert isinstance(wrong.error, NotFound)
    assert right.error is None
    assert [value.value for value in right.values] == [truth(services, source)]


# -- Docker Hub ----------------------------------------------------------------------------------


def test_unknown_namespace_at_docker_hub(services: Services, fetch: Fetch):
    """The empty list with status 200 for an unknown namespace is an error, not 0 pulls."""
    (result,) = fetch("dockerhub", [current(services, "dockerhub", "nobody/db")])
    assert isinstance(result.error, NotFound)
    assert "unknown namespace" in result.error.message
    assert result.values == ()


def test_empty_body_from_docker_hub(services: Services, fetch: Fetch):
    """The request is repeated after an empty body."""
    services.world.faults[DOCKER] = faults.first_times(1, faults.responds_with(b""))
    (result,) = fetch("dockerhub", [current(services, "dockerhub", "lance/db")])
    assert [value.value for value in result.values] == [truth(services, "dockerhub")]
    assert len(services.requests_to(DOCKER)) == 2


# -- VS Code -------------------------------------------------------------------------------------


def test_extensions_share_a_request(services: Services, fetch: Fetch):
    """Fifty extensions share one request."""
    names = [f"acme.e{number}" for number in range(60)]
    for name in names:
        services.world.counters.vscode[name] = Count(5, {})
    results = fetch("vscode", [current(services, "vscode", name) for name in names])
    assert [result.error for result in results] == [None] * 60
    assert len(services.requests_to(VSCODE)) == 2


# -- Hugging Face --------------------------------------------------------------------------------


def hub(services: Services, subject: str, *counts: str, known: SourceRef | None = None) -> list[FetchRequest]:
    return [current(services, "huggingface", subject, count, known) for count in counts]


def test_counts_of_a_repository_share_a_request(services: Services, fetch: Fetch):
    """All counts of a repository come from one request, and the rolling count covers 30 days."""
    world = services.world
    model = world.counters.hub["models/lance/embed"]
    results = fetch("huggingface", hub(services, "models/lance/embed", "downloads", "downloads-30d", "likes"))
    assert [result.values[0].value for result in results] == [
        model.downloads.at(world.today),
        model.downloads.within(30, world.today),
        model.likes.at(world.today),
    ]
    assert results[1].values[0].period_start == world.yesterday - 29 * DAY
    assert [result.values[0].source_ref for result in results] == ["huggingface:models/lance/embed#65f0a1"] * 3
    assert len(services.requests_to(HUGGING_FACE)) == 1


def test_likes_of_a_space(services: Services, fetch: Fetch):
    """Only likes are requested for a space."""
    (result,) = fetch("huggingface", hub(services, "spaces/lance/demo", "likes"))
    assert result.error is None
    assert services.requests_to(HUGGING_FACE)[0].fields == ("likes",)


def test_count_missing_at_hugging_face(services: Services, fetch: Fetch):
    """A missing count does not affect the others."""
    services.world.faults[HUGGING_FACE] = lambda _, __: as_json({"_id": "65f0a1", "id": "lance/embed", "likes": 3})
    downloads, likes = fetch("huggingface", hub(services, "models/lance/embed", "downloads", "likes"))
    assert isinstance(downloads.error, InvalidResponse)
    assert [value.value for value in likes.values] == [3]


def test_private_at_hugging_face(services: Services, fetch: Fetch):
    """The error of a 401 explains its possible causes, and other repositories are not affected."""
    requests = [*hub(services, "models/lance/secret", "likes"), *hub(services, "models/lance/embed", "likes")]
    hidden, visible = fetch("huggingface", requests)
    assert isinstance(hidden.error, NotFound)
    assert "unknown, private or gated" in hidden.error.message
    assert hidden.error.status == 401
    assert visible.error is None


def test_renamed_at_hugging_face(services: Services, fetch: Fetch):
    """A renamed repository is followed, with one warning that has the line to write in the catalogue."""
    counters = services.world.counters
    counters.hub["models/new/embed"] = counters.hub.pop("models/lance/embed")
    counters.hub["models/new/embed"].name = "new/embed"
    counters.hub_renamed["models/lance/embed"] = "models/new/embed"
    known = SourceRef("huggingface", "models/lance/embed", "65f0a1")
    (result,) = fetch("huggingface", hub(services, "models/lance/embed", "downloads", known=known))
    assert result.error is None
    assert len(result.warnings) == 1
    assert 'write subject = "models/new/embed"' in result.warnings[0]
    known = replace(known, subject="models/new/embed")
    (again,) = fetch("huggingface", hub(services, "models/lance/embed", "downloads", known=known))
    assert again.warnings == ()


def test_old_name_taken_over_at_hugging_face(services: Services, fetch: Fetch):
    """If the old name of a renamed repository belongs to another one, its counts are not stored."""
    known = SourceRef("huggingface", "models/new/embed", "65f0ff")
    (result,) = fetch("huggingface", hub(services, "models/lance/embed", "downloads", known=known))
    assert isinstance(result.error, InvalidResponse)
    assert 'write subject = "models/new/embed"' in result.error.message
    assert result.values == ()


def test_created_again_at_hugging_face(services: Services, fetch: Fetch):
    """A repository that was deleted and recreated is counted again, with a warning."""
    known = SourceRef("huggingface", "models/lance/embed", "65f0ff")
    (result,) = fetch("huggingface", hub(services, "models/lance/embed", "downloads", known=known))
    assert result.error is None
    assert "deleted and created again" in result.warnings[0]
    assert result.values[0].source_ref.endswith("#65f0a1")


def test_rate_limit_of_hugging_face(services: Services, fetch: Fetch):
    """The client waits for the next window in the RateLimit header."""
    busy = as_json({"error": "rate limited"}, 429, RateLimit='"api";r=0;t=280')
    services.world.faults[HUGGING_FACE] = lambda _, __: busy
    (result,) = fetch("huggingface", hub(services, "models/lance/embed", "likes"))
    assert isinstance(result.error, RateLimited)
    assert "available again" in result.error.message
    assert len(services.requests_to(HUGGING_FACE)) == 1


# -- release assets ------------------------------------------------------------------------------


@pytest.fixture
def releases_with_assets(services: Services) -> list[Release]:
    """Return releases with assets of a known repository."""
    return services.world.counters.release(RELEASES, services.world.today - 90 * DAY, services.world.today)


def default_assets(services: Services, releases_with_assets: Sequence[Release]) -> dict[str, int]:
    """Return the counts of the assets that are counted by default."""
    return {
        f"{release.tag}/{asset.name}": asset.count.at(services.world.today)
        for release in releases_with_assets
        for asset in release.assets
        if asset.name.endswith(".tar.gz") and not release.is_draft
    }


def releases(services: Services, subject: str = RELEASES, **options: Sequence[str]) -> FetchRequest:
    return current(services, "github-releases", subject, **options)


def test_assets_of_all_releases(services: Services, fetch: Fetch, releases_with_assets: list[Release]):
    """Every counted asset has a reading with its id; checksums, pictures and SBOMs have none."""
    (result,) = fetch("github-releases", [releases(services)])
    assert result.error is None
    assert result.values == ()
    assert readings(result) == default_assets(services, releases_with_assets)
    assert len({reading.identity for reading in result.readings}) == 9
    assert {reading.observed_at for reading in result.readings} == {
        datetime.combine(services.world.today, time(12), UTC)
    }
    (request,) = services.requests_to(GITHUB)
    assert request.query == {"per_page": "30", "page": "1"}


def test_pages_of_releases(services: Services, fetch: Fetch, releases_with_assets: list[Release]):
    """All pages are requested, each once."""
    world = services.world
    for number in range(65):
        asset = world.counters.asset("app.deb", world.today - 9 * DAY, world.today)
        releases_with_assets.append(Release(f"nightly-{number}", world.today, [asset]))
    (result,) = fetch("github-releases", [releases(services)])
    assert len(result.readings) == 9 + 65
    assert [request.query["page"] for request in services.requests_to(GITHUB)] == ["1", "2", "3"]


def test_thirty_releases_are_one_page(services: Services, fetch: Fetch, releases_with_assets: list[Release]):
    """A full page without a Link header is the last one."""
    releases_with_assets += [Release(f"r{number}", services.world.today) for number in range(27)]
    (result,) = fetch("github-releases", [releases(services)])
    assert result.error is None
    assert len(services.requests_to(GITHUB)) == 1


def test_release_published_between_pages(services: Services, fetch: Fetch, releases_with_assets: list[Release]):
    """A release that moves to the next page between requests is counted once."""
    world = services.world
    releases_with_assets += [
        Release(f"r{n}", world.today, [world.counters.asset("app.deb", world.today - 9 * DAY, world.today)])
        for n in range(40)
    ]

    def grow(request, usual):
        if request.query.get("page") == "2":
            releases_with_assets.insert(
                0, Release("new", world.today, [world.counters.asset("app.deb", world.today, world.today)])
            )
        return usual()

    world.faults[GITHUB] = grow
    (result,) = fetch("github-releases", [releases(services)])
    assert len({reading.identity for reading in result.readings}) == len(result.readings) == 9 + 40


def test_announced_empty_page(services: Services, fetch: Fetch, releases_with_assets: list[Release]):
    """An empty page announced by the previous one is an error."""
    releases_with_assets += [Release(f"r{number}", services.world.today) for number in range(40)]
    services.world.faults[GITHUB] = lambda request, usual: as_json([]) if request.query["page"] == "2" else usual()
    (result,) = fetch("github-releases", [releases(services)])
    assert isinstance(result.error, InvalidResponse)
    assert "empty page (2)" in result.error.message
    assert result.readings == ()


def test_empty_list_of_releases(services: Services, fetch: Fetch):
    """An empty list is an error, not 0 downloads."""
    services.world.faults[GITHUB] = faults.responds_with("[]")
    (result,) = fetch("github-releases", [releases(services)])
    assert isinstance(result.error, InvalidResponse)
    assert result.readings == ()


def test_draft_releases(services: Services, fetch: Fetch, releases_with_assets: list[Release]):
    """Drafts in the list, as with a token with push access, are not counted."""
    world = services.world
    draft = Release("v9", world.today, [world.counters.asset("app.deb", world.today, world.today)], is_draft=True)
    releases_with_assets.insert(0, draft)
    (result,) = fetch("github-releases", [releases(services)], token="a-token")
    assert readings(result) == default_assets(services, releases_with_assets)
    assert services.requests_to(GITHUB)[0].headers["authorization"] == "Bearer a-token"


def test_metrics_of_one_repository(services: Services, fetch: Fetch, releases_with_assets: list[Release]):
    """Two metrics with different patterns share the requests for their repository."""
    windows, pictures = fetch(
        "github-releases",
        [releases(services, include=["*windows*"]), releases(services, include=["*.gif"], exclude=["x*"])],
    )
    assert all("windows" in name for name in readings(windows))
    assert len(windows.readings) == 3
    assert list(readings(pictures)) == ["v0.3.0/demo.gif"]
    assert len(services.requests_to(GITHUB)) == 1


def test_pattern_without_a_match(services: Services, fetch: Fetch, releases_with_assets: list[Release]):
    """Patterns that match no file are an error of their own metric alone."""
    wrong, right = fetch("github-releases", [releases(services, include=["*.dmg"]), releases(services)])
    assert isinstance(wrong.error, InvalidResponse)
    assert "set include" in str(wrong.error)
    assert right.error is None


def test_renamed_repository(services: Services, fetch: Fetch, releases_with_assets: list[Release]):
    """A renamed repository is followed, with a warning that has the line to write in the catalogue."""
    world = services.world
    world.repositories["new/home"] = replace(world.repositories.pop(RELEASES), full_name="new/home")
    world.counters.releases = {"new/home": releases_with_assets}
    world.renamed[RELEASES] = "new/home"
    (result,) = fetch("github-releases", [releases(services)])
    assert len(result.readings) == 9
    assert 'write subject = "new/home"' in result.warnings[0]


def test_unknown_repository(services: Services, fetch: Fetch, releases_with_assets: list[Release]):
    """An unknown repository does not affect the others."""
    unknown, known = fetch("github-releases", [releases(services, "nobody/nothing"), releases(services)])
    assert isinstance(unknown.error, NotFound)
    assert known.error is None


def test_refused_token(services: Services, fetch: Fetch, releases_with_assets: list[Release]):
    """A token that an organisation refuses is not sent for its releases, which are public."""
    services.world.faults[GITHUB] = lambda request, usual: (
        as_json({"message": "Resource protected by organization SAML enforcement."}, 403, X_GitHub_SSO="required")
        if "authorization" in request.headers
        else usual()
    )
    (result,) = fetch("github-releases", [releases(services)], token="a-token")
    assert result.error is None
    assert "lancedb refused GITHUB_TOKEN (403)" in result.warnings[0]


# -- forks and watchers --------------------------------------------------------------------------


def test_forks_and_watchers(services: Services, fetch: Fetch):
    """Forks and watchers come from the same response as the stars."""
    stars = replace(current(services, "github", RELEASES), days=(services.world.yesterday,))
    results = fetch(
        "github",
        [stars, current(services, "github", RELEASES, "forks"), current(services, "github", RELEASES, "watchers")],
    )
    assert [result.error for result in results] == [None] * 3
    assert [result.values[-1].value for result in results[1:]] == [120, 40]
    assert results[1].values[0].source_ref == "github:lancedb/lancedb#700001"
    assert [request.path for request in services.requests_to(GITHUB)] == [
        "/repos/lancedb/lancedb",
        "/repos/lancedb/lancedb/stargazers/history",
    ]


def test_forks_without_stars(services: Services, fetch: Fetch):
    """For forks alone no star history is requested."""
    (result,) = fetch("github", [current(services, "github", RELEASES, "forks")])
    assert [value.value for value in result.values] == [120]
    assert len(services.requests_to(GITHUB)) == 1


def test_failed_history_affects_stars_only(services: Services, fetch: Fetch):
    """Forks are returned although the star history fails."""
    services.world.faults[GITHUB] = faults.for_path("history", lambda _, __: Reply(500, b"500"))
    forks = fetch("github", [current(services, "github", RELEASES), current(services, "github", RELEASES, "forks")])[1]
    assert forks.error is None
    assert [value.value for value in forks.values] == [120]


@pytest.mark.parametrize("text", ["-1", "null", '"7"', "1.5"])
def test_invalid_fork_count(services: Services, fetch: Fetch, text: str):
    """An invalid fork count is an error of the forks, not of the stars."""

    def break_response(request, usual):
        reply = usual()
        reply.body = reply.body.replace(b'"forks_count": 120', f'"forks_count": {text}'.encode())
        return reply

    services.world.faults[GITHUB] = break_response
    stars, forks = fetch(
        "github", [current(services, "github", RELEASES), current(services, "github", RELEASES, "forks")]
    )
    assert isinstance(forks.error, InvalidResponse)
    assert stars.error is None
    assert stars.values
