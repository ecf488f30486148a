"""Sources of current counts over the network: how many requests, and what is made of faults."""

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

#: Each source of one count per subject, its host, and a subject that the world knows.
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
    """A request for the current value, as `refresh` makes it once a night."""
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
    """One request returns the count as it is, under the last completed day, with the time of reading."""
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
    """A subject that the service does not know is not found, whatever status it answers with, and no 0."""
    unknown = {"huggingface": "models/nobody/nothing", "dockerhub": "lance/nothing"}.get(source, "nobody.nothing")
    (result,) = fetch(source, [current(services, source, unknown)])
    assert isinstance(result.error, NotFound)
    assert result.values == ()


@pytest.mark.parametrize("source", SOURCES)
@pytest.mark.parametrize("body", [b"", b"{}", b"[]", b"null", b"<!DOCTYPE html><p>maintenance"])
def test_no_answer(services: Services, fetch: Fetch, source: str, body: bytes):
    """An answer of 0 bytes, an empty one and a page are failures, and no 0."""
    host, subject = SOURCES[source]
    services.world.faults[host] = faults.responds_with(body)
    (result,) = fetch(source, [current(services, source, subject)])
    assert isinstance(result.error, InvalidResponse)
    assert result.values == ()


@pytest.mark.parametrize("source", SOURCES)
def test_rate_limit_in_plain_text(services: Services, fetch: Fetch, source: str):
    """A 429 in plain text that says when to come back is waited for."""
    host, subject = SOURCES[source]
    busy = faults.responds_with("Too Many Requests (HAP429).", 429, "text/plain", Retry_After="60")
    services.world.faults[host] = faults.first_times(1, busy)
    (result,) = fetch(source, [current(services, source, subject)])
    assert result.error is None
    assert [value.value for value in result.values] == [truth(services, source)]
    assert len(services.requests_to(host)) == 2


@pytest.mark.parametrize("source", SOURCES)
def test_rate_limit_for_an_hour(services: Services, fetch: Fetch, source: str):
    """A 429 for an hour ends the requests to this service at once."""
    host, subject = SOURCES[source]
    services.world.faults[host] = faults.slow_down_for_an_hour
    results = fetch(source, [current(services, source, subject), current(services, source, f"{subject}2")])
    assert [type(result.error) for result in results] == [RateLimited, RateLimited]
    assert len(services.requests_to(host)) == 1


@pytest.mark.parametrize("source", SOURCES)
def test_service_down(services: Services, fetch: Fetch, source: str):
    """A service that is down is an error of the metric."""
    host, subject = SOURCES[source]
    services.world.faults[host] = faults.server_error
    (result,) = fetch(source, [current(services, source, subject)])
    assert isinstance(result.error, ServiceFailed)
    assert result.values == ()


@pytest.mark.parametrize("source", SOURCES)
def test_unknown_subject_among_others(services: Services, fetch: Fetch, source: str):
    """A subject that is unknown costs only itself."""
    _, subject = SOURCES[source]
    unknown = {"huggingface": "models/nobody/nothing", "dockerhub": "nobody/nothing"}.get(source, "nobody.nothing")
    wrong, right = fetch(source, [current(services, source, unknown), current(services, source, subject)])
    assert isinstance(wrong.error, NotFound)
    assert right.error is None
    assert [value.value for value in right.values] == [truth(services, source)]


# -- Docker Hub ----------------------------------------------------------------------------------


def test_unknown_namespace_of_docker(services: Services, fetch: Fetch):
    """The empty list for an unknown namespace has status 200 and is no image with 0 pulls."""
    (result,) = fetch("dockerhub", [current(services, "dockerhub", "nobody/db")])
    assert isinstance(result.error, NotFound)
    assert "unknown namespace" in result.error.message
    assert result.values == ()


def test_empty_body_of_docker(services: Services, fetch: Fetch):
    """A single answer of 0 bytes is asked for again, so that it does not cost the night."""
    services.world.faults[DOCKER] = faults.first_times(1, faults.responds_with(b""))
    (result,) = fetch("dockerhub", [current(services, "dockerhub", "lance/db")])
    assert [value.value for value in result.values] == [truth(services, "dockerhub")]
    assert len(services.requests_to(DOCKER)) == 2


# -- VS Code -------------------------------------------------------------------------------------


def test_extensions_share_a_request(services: Services, fetch: Fetch):
    """Fifty extensions are one request."""
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
    """All counts of a repository come from one request; the rolling one covers 30 days."""
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
    """A space is asked for its likes only."""
    (result,) = fetch("huggingface", hub(services, "spaces/lance/demo", "likes"))
    assert result.error is None
    assert services.requests_to(HUGGING_FACE)[0].fields == ("likes",)


def test_count_that_hugging_face_leaves_out(services: Services, fetch: Fetch):
    """A count that is not in the answer fails alone."""
    services.world.faults[HUGGING_FACE] = lambda _, __: as_json({"_id": "65f0a1", "id": "lance/embed", "likes": 3})
    downloads, likes = fetch("huggingface", hub(services, "models/lance/embed", "downloads", "likes"))
    assert isinstance(downloads.error, InvalidResponse)
    assert [value.value for value in likes.values] == [3]


def test_private_at_hugging_face(services: Services, fetch: Fetch):
    """A 401 says what it can mean, and does not stop the other repositories."""
    requests = [*hub(services, "models/lance/secret", "likes"), *hub(services, "models/lance/embed", "likes")]
    hidden, visible = fetch("huggingface", requests)
    assert isinstance(hidden.error, NotFound)
    assert "unknown, private or gated" in hidden.error.message
    assert hidden.error.status == 401
    assert visible.error is None


def test_renamed_at_hugging_face(services: Services, fetch: Fetch):
    """A renamed repository is followed, with one warning that has the line to write."""
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
    """When the old name of a renamed repository belongs to another one, nothing of it is stored."""
    known = SourceRef("huggingface", "models/new/embed", "65f0ff")
    (result,) = fetch("huggingface", hub(services, "models/lance/embed", "downloads", known=known))
    assert isinstance(result.error, InvalidResponse)
    assert 'write subject = "models/new/embed"' in result.error.message
    assert result.values == ()


def test_created_again_at_hugging_face(services: Services, fetch: Fetch):
    """A repository that was deleted and created again is counted anew, with a warning."""
    known = SourceRef("huggingface", "models/lance/embed", "65f0ff")
    (result,) = fetch("huggingface", hub(services, "models/lance/embed", "downloads", known=known))
    assert result.error is None
    assert "deleted and created again" in result.warnings[0]
    assert result.values[0].source_ref.endswith("#65f0a1")


def test_rate_limit_of_hugging_face(services: Services, fetch: Fetch):
    """The RateLimit field says when the next window begins."""
    busy = as_json({"error": "rate limited"}, 429, RateLimit='"api";r=0;t=280')
    services.world.faults[HUGGING_FACE] = lambda _, __: busy
    (result,) = fetch("huggingface", hub(services, "models/lance/embed", "likes"))
    assert isinstance(result.error, RateLimited)
    assert "available again" in result.error.message
    assert len(services.requests_to(HUGGING_FACE)) == 1


# -- release assets ------------------------------------------------------------------------------


@pytest.fixture
def listed(services: Services) -> list[Release]:
    """Releases with files, of a repository that the world knows."""
    return services.world.counters.release(RELEASES, services.world.today - 90 * DAY, services.world.today)


def shown(services: Services, listed: Sequence[Release]) -> dict[str, int]:
    """What counts by default."""
    return {
        f"{release.tag}/{asset.name}": asset.count.at(services.world.today)
        for release in listed
        for asset in release.assets
        if asset.name.endswith(".tar.gz") and not release.is_draft
    }


def releases(services: Services, subject: str = RELEASES, **options: Sequence[str]) -> FetchRequest:
    return current(services, "github-releases", subject, **options)


def test_assets_of_all_releases(services: Services, fetch: Fetch, listed: list[Release]):
    """Every file that counts is a reading with its id; checksums, pictures and SBOMs are left out."""
    (result,) = fetch("github-releases", [releases(services)])
    assert result.error is None
    assert result.values == ()
    assert readings(result) == shown(services, listed)
    assert len({reading.identity for reading in result.readings}) == 9
    assert {reading.observed_at for reading in result.readings} == {
        datetime.combine(services.world.today, time(12), UTC)
    }
    (request,) = services.requests_to(GITHUB)
    assert request.query == {"per_page": "30", "page": "1"}


def test_pages_of_releases(services: Services, fetch: Fetch, listed: list[Release]):
    """All pages are read, each once."""
    world = services.world
    for number in range(65):
        asset = world.counters.asset("app.deb", world.today - 9 * DAY, world.today)
        listed.append(Release(f"nightly-{number}", world.today, [asset]))
    (result,) = fetch("github-releases", [releases(services)])
    assert len(result.readings) == 9 + 65
    assert [request.query["page"] for request in services.requests_to(GITHUB)] == ["1", "2", "3"]


def test_thirty_releases_are_one_page(services: Services, fetch: Fetch, listed: list[Release]):
    """A full page without a Link header is the last one."""
    listed += [Release(f"r{number}", services.world.today) for number in range(27)]
    (result,) = fetch("github-releases", [releases(services)])
    assert result.error is None
    assert len(services.requests_to(GITHUB)) == 1


def test_release_published_between_pages(services: Services, fetch: Fetch, listed: list[Release]):
    """A release that moves to the next page while pages are read is counted once."""
    world = services.world
    listed += [
        Release(f"r{n}", world.today, [world.counters.asset("app.deb", world.today - 9 * DAY, world.today)])
        for n in range(40)
    ]

    def grow(request, usual):
        if request.query.get("page") == "2":
            listed.insert(0, Release("new", world.today, [world.counters.asset("app.deb", world.today, world.today)]))
        return usual()

    world.faults[GITHUB] = grow
    (result,) = fetch("github-releases", [releases(services)])
    assert len({reading.identity for reading in result.readings}) == len(result.readings) == 9 + 40


def test_empty_page_that_was_announced(services: Services, fetch: Fetch, listed: list[Release]):
    """An empty page that the one before announced is a failure: what it should list is unknown."""
    listed += [Release(f"r{number}", services.world.today) for number in range(40)]
    services.world.faults[GITHUB] = lambda request, usual: as_json([]) if request.query["page"] == "2" else usual()
    (result,) = fetch("github-releases", [releases(services)])
    assert isinstance(result.error, InvalidResponse)
    assert "empty page (2)" in result.error.message
    assert result.readings == ()


def test_empty_list_of_releases(services: Services, fetch: Fetch):
    """An empty list is a failure, and never 0 downloads."""
    services.world.faults[GITHUB] = faults.responds_with("[]")
    (result,) = fetch("github-releases", [releases(services)])
    assert isinstance(result.error, InvalidResponse)
    assert result.readings == ()


def test_draft_releases(services: Services, fetch: Fetch, listed: list[Release]):
    """With a token that may push, drafts are in the list, and do not count."""
    world = services.world
    draft = Release("v9", world.today, [world.counters.asset("app.deb", world.today, world.today)], is_draft=True)
    listed.insert(0, draft)
    (result,) = fetch("github-releases", [releases(services)], token="a-token")
    assert readings(result) == shown(services, listed)
    assert services.requests_to(GITHUB)[0].headers["authorization"] == "Bearer a-token"


def test_metrics_of_one_repository(services: Services, fetch: Fetch, listed: list[Release]):
    """Two metrics with different patterns share the pages of their repository."""
    windows, pictures = fetch(
        "github-releases",
        [releases(services, include=["*windows*"]), releases(services, include=["*.gif"], exclude=["x*"])],
    )
    assert all("windows" in name for name in readings(windows))
    assert len(windows.readings) == 3
    assert list(readings(pictures)) == ["v0.3.0/demo.gif"]
    assert len(services.requests_to(GITHUB)) == 1


def test_pattern_without_a_match(services: Services, fetch: Fetch, listed: list[Release]):
    """Patterns that match no file fail their own metric alone."""
    wrong, right = fetch("github-releases", [releases(services, include=["*.dmg"]), releases(services)])
    assert isinstance(wrong.error, InvalidResponse)
    assert "set include" in str(wrong.error)
    assert right.error is None


def test_renamed_repository(services: Services, fetch: Fetch, listed: list[Release]):
    """The redirect of a renamed repository is followed, and the warning has the line to write."""
    world = services.world
    world.repositories["new/home"] = replace(world.repositories.pop(RELEASES), full_name="new/home")
    world.counters.releases = {"new/home": listed}
    world.renamed[RELEASES] = "new/home"
    (result,) = fetch("github-releases", [releases(services)])
    assert len(result.readings) == 9
    assert 'write subject = "new/home"' in result.warnings[0]


def test_unknown_repository(services: Services, fetch: Fetch, listed: list[Release]):
    """An unknown repository costs only itself."""
    unknown, known = fetch("github-releases", [releases(services, "nobody/nothing"), releases(services)])
    assert isinstance(unknown.error, NotFound)
    assert known.error is None


def test_refused_token(services: Services, fetch: Fetch, listed: list[Release]):
    """Releases are public, so a token that an organisation refuses is left out for it."""
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
    """Forks and watchers come from the answer that has the stars."""
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
    """Forks alone need no history."""
    (result,) = fetch("github", [current(services, "github", RELEASES, "forks")])
    assert [value.value for value in result.values] == [120]
    assert len(services.requests_to(GITHUB)) == 1


def test_history_that_fails_costs_stars_only(services: Services, fetch: Fetch):
    """Forks are stored although the star history is down."""
    services.world.faults[GITHUB] = faults.for_path("history", lambda _, __: Reply(500, b"500"))
    forks = fetch("github", [current(services, "github", RELEASES), current(services, "github", RELEASES, "forks")])[1]
    assert forks.error is None
    assert [value.value for value in forks.values] == [120]


@pytest.mark.parametrize("text", ["-1", "null", '"7"', "1.5"])
def test_forks_that_are_no_count(services: Services, fetch: Fetch, text: str):
    """A count of forks that is not a count fails the forks, and not the stars."""

    def spoil(request, usual):
        reply = usual()
        reply.body = reply.body.replace(b'"forks_count": 120', f'"forks_count": {text}'.encode())
        return reply

    services.world.faults[GITHUB] = spoil
    stars, forks = fetch(
        "github", [current(services, "github", RELEASES), current(services, "github", RELEASES, "forks")]
    )
    assert isinstance(forks.error, InvalidResponse)
    assert stars.error is None
    assert stars.values
