"""Forty nights of sources that publish only a current count, with all their faults."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from datetime import date

import pytest

from cmetrics.analytics.columns import SeriesTable
from cmetrics.analytics.intervals import Interval, Reason, build_intervals
from cmetrics.domain.days import Span
from cmetrics.domain.run import MetricStatus, RunStatus, RunSummary
from cmetrics.ingest.run import Selection, backfill
from tests.world import faults
from tests.world.counters import DOCKER, HUGGING_FACE, NUGET, OPENVSX, VSCODE, Asset
from tests.world.nights import Nights
from tests.world.services import as_json
from tests.world.truth import DAY, GITHUB, World

NIGHTS = 40
REPOSITORY = "lancedb/lancedb"
PULLS, OPEN, INSTALLS, DOTNET = "pulls:p:dockerhub", "downloads:p:openvsx", "installs:p:vscode", "downloads:p:nuget"
MODEL, MONTH, LIKES, SPACE = (
    "downloads:p:huggingface",
    "downloads:p:huggingface:30d",
    "likes:p:huggingface",
    "likes:p:space",
)
FILES, STARS, FORKS, WATCHERS = "downloads:p:github-releases", "stars:p:github", "forks:p:github", "watchers:p:github"
COUNTERS = (PULLS, OPEN, INSTALLS, DOTNET, MODEL, FILES)
#: Requests of an ordinary night: one per subject, and one for a page of star history.
REQUESTS = {"dockerhub": 1, "openvsx": 1, "vscode": 1, "nuget": 1, "huggingface": 2, "github-releases": 1, "github": 2}

CATALOG = """
contact = "https://example.com/contact"
[[products]]
id = "p"
title = "P"
""" + "".join(
    '[[metrics]]\nproduct = "p"\n' + "".join(f'{key} = "{value}"\n' for key, value in entry.items())
    for entry in (
        {"source": "dockerhub", "subject": "lance/db"},
        {"source": "openvsx", "subject": "lance.viewer"},
        {"source": "vscode", "subject": "lance.viewer"},
        {"source": "nuget", "subject": "lance.net"},
        {"source": "huggingface", "subject": "models/lance/embed"},
        {"source": "huggingface", "subject": "models/lance/embed", "count": "downloads-30d"},
        {"source": "huggingface", "subject": "models/lance/embed", "count": "likes"},
        {"source": "huggingface", "subject": "spaces/lance/demo", "count": "likes", "id": SPACE},
        {"source": "github-releases", "subject": REPOSITORY},
        {"source": "github", "subject": REPOSITORY},
        {"source": "github", "subject": REPOSITORY, "count": "forks"},
        {"source": "github", "subject": REPOSITORY, "count": "watchers"},
    )
)


@pytest.fixture
def counted(nights: Nights, world: World) -> Nights:
    """Return nights with a catalogue of all such sources, before the first one."""
    last = world.today
    nights.catalog = nights.folder / "cmetrics.toml"
    nights.catalog.write_text(CATALOG)
    nights.begin(world.today - (NIGHTS + 2) * DAY)
    world.counters.release(REPOSITORY, world.today - 30 * DAY, last)
    return nights


class Scenario:
    """The events of each night."""

    def __init__(self, nights: Nights, last: date) -> None:
        self.nights, self.world, self.last = nights, nights.world, last
        #: Night → the asset that was uploaded.
        self.uploads: dict[int, Asset] = {}

    def tonight(self, night: int) -> set[str]:
        """Apply the events of a night. Return the metrics that fail because of them."""
        counters, broken = self.world.counters, self.world.faults
        broken.clear()
        listed = counters.releases[REPOSITORY]
        listed[1].is_hidden = night == 10
        listed[0].assets[0].is_hidden = night == 11
        if night == 12:
            self.uploads[night] = counters.upload_again(
                REPOSITORY, "v0.2.0", "db-macos.tar.gz", self.world.yesterday, self.last
            )
        counters.openvsx["Lance.viewer"].frozen_on = self.frozen if 15 <= night < 20 else None
        if night == 22:
            counters.packages["Lance.Net"].correction = 5_000
        if night == 24:
            counters.hub["models/lance/embed"].likes.correction = 30
        events: dict[int, tuple[str, Callable[..., object], set[str]]] = {
            3: (DOCKER, faults.responds_with(b""), {PULLS}),
            4: (DOCKER, lambda _, __: as_json({"count": 0, "next": None, "previous": None, "results": []}), {PULLS}),
            7: (VSCODE, faults.server_error, {INSTALLS}),
            8: (VSCODE, lambda _, __: as_json({"results": [{"extensions": []}]}), {INSTALLS}),
            9: (GITHUB, faults.for_path("/releases", faults.responds_with("[]")), {FILES}),
            13: (
                HUGGING_FACE,
                faults.responds_with('{"error":"Invalid username or password."}', 401),
                {MODEL, MONTH, LIKES, SPACE},
            ),
            25: (NUGET, lambda _, __: as_json({"totalHits": 0, "data": []}), {DOTNET}),
            26: (OPENVSX, faults.slow_down_for_an_hour, {OPEN}),
            27: (
                GITHUB,
                faults.for_path("/repos/", faults.responds_with('{"message":"Not Found"}', 404)),
                {FILES, STARS, FORKS, WATCHERS},
            ),
        }
        if night not in events:
            return set()
        host, fault, costs = events[night]
        broken[host] = fault
        return costs

    @property
    def frozen(self) -> date:
        return self.world.counters.openvsx["Lance.viewer"].frozen_on or self.world.yesterday

    def shown(self) -> dict[str, int]:
        """Return what the services show tonight, except the files."""
        counters, today = self.world.counters, self.world.today
        model = counters.hub["models/lance/embed"]
        repository = self.world.repositories[REPOSITORY]
        return {
            PULLS: counters.images["lance/db"].at(today),
            OPEN: counters.openvsx["Lance.viewer"].at(today),
            INSTALLS: counters.vscode["Lance.viewer"].at(today),
            DOTNET: counters.packages["Lance.Net"].at(today),
            MODEL: model.downloads.at(today),
            MONTH: model.downloads.within(30, today),
            LIKES: model.likes.at(today),
            SPACE: counters.hub["spaces/lance/demo"].likes.at(today),
            FORKS: repository.forks,
            WATCHERS: repository.watchers,
        }


def stored(nights: Nights, metric_id: str) -> dict[date, int]:
    return {row.period_end: row.value for row in nights.rows() if row.metric_id == metric_id}


def intervals(nights: Nights, metric_id: str) -> tuple[Interval, ...]:
    rows = nights.store.read_observations([metric_id], Span(date(2000, 1, 1), date(2100, 1, 1)))
    return build_intervals(SeriesTable.from_arrow(rows), nights.store.readings([metric_id])).of(metric_id)


def total(found: tuple[Interval, ...]) -> int:
    return sum(interval.flow or 0 for interval in found)


def failed(summary: RunSummary) -> set[str]:
    return {outcome.metric_id for outcome in summary.metrics if outcome.status is MetricStatus.FAILED}


def test_forty_nights(counted: Nights, world: World):
    """Every fault makes only its own metrics fail for one night, and flows add up to the true counts."""
    scenario = Scenario(counted, world.today + (NIGHTS + 9) * DAY)
    shown: dict[str, dict[date, int]] = {}
    requests_by_host: Counter[str] = Counter()
    assets: dict[date, dict[int, int]] = {}
    for night in range(NIGHTS):
        # Two nights without a run.
        counted.sleep(2 if night == 5 else 0)
        world.repositories[REPOSITORY].forks += night % 3 - 1
        costs = scenario.tonight(night)
        summary, requests = counted.refresh_with_requests()
        assert failed(summary) == costs, (night, summary)
        assert summary.status is (RunStatus.PARTIAL if costs else RunStatus.SUCCESS)
        for metric_id, value in scenario.shown().items():
            if metric_id not in costs:
                shown.setdefault(metric_id, {})[world.yesterday] = value
        if FILES not in costs:
            assets[world.yesterday] = {
                asset.number: asset.count.at(world.today)
                for release in world.counters.releases[REPOSITORY]
                for asset in release.assets
                if asset.name.endswith(".tar.gz")
            }
        if night and not costs:
            assert dict(summary.requests) == REQUESTS, night
        if not costs:
            assert len({request.question for request in requests}) == len(requests), "no request is repeated"
        requests_by_host.update(dict(summary.requests))
        counted.sleep()
    print("requests in 40 nights:", dict(requests_by_host))

    for metric_id, values in shown.items():
        assert stored(counted, metric_id) == values, metric_id
    found = {metric_id: intervals(counted, metric_id) for metric_id in COUNTERS}
    for metric_id in COUNTERS:
        values = stored(counted, metric_id)
        assert all(interval.flow is None or interval.flow >= 0 for interval in found[metric_id]), metric_id
        assert (found[metric_id][0].start_day, found[metric_id][-1].end_day) == (min(values), max(values))
        assert sum(interval.change for interval in found[metric_id]) == values[max(values)] - values[min(values)]
    for metric_id in (PULLS, OPEN, INSTALLS, MODEL):
        values = stored(counted, metric_id)
        assert total(found[metric_id]) == values[max(values)] - values[min(values)], metric_id

    assert_missed_nights_are_intervals(found, world.today)
    still = [interval for interval in found[OPEN] if interval.reason is Reason.STOOD_STILL]
    assert [interval.days for interval in still] == [6]
    fell = [interval for interval in found[DOTNET] if interval.reason is Reason.FELL]
    assert [(interval.flow, interval.change < 0) for interval in fell] == [(None, True)]
    assert_files_are_the_truth(counted, found[FILES], assets, scenario)
    # Windows and likes fall in this world, and are stored as they are.
    assert all(list(shown[metric_id].values()) != sorted(shown[metric_id].values()) for metric_id in (MONTH, LIKES))


def assert_missed_nights_are_intervals(found: dict[str, tuple[Interval, ...]], today: date) -> None:
    """Check that two nights without a run, and failed nights, are one interval each."""
    first = today - (NIGHTS + 2) * DAY
    days = {
        metric_id: {(i.end_day - first).days: i.days for i in found[metric_id] if i.days > 1} for metric_id in found
    }
    assert days[MODEL] == {6: 3, 15: 2}
    assert days[PULLS] == {6: 5}
    assert all(interval.is_day == (interval.days == 1) for interval in found[MODEL])


def assert_files_are_the_truth(
    nights: Nights, found: tuple[Interval, ...], assets: dict[date, dict[int, int]], scenario: Scenario
) -> None:
    """Check that the sum over files never falls, and that its flow equals the downloads since the first night."""
    values = list(stored(nights, FILES).values())
    assert values == sorted(values)
    first, last = assets[min(assets)], assets[max(assets)]
    (uploaded,) = scenario.uploads.values()
    (replaced,) = set(first) - set(last)
    seen = [night[replaced] for night in assets.values() if replaced in night]
    gained = sum(last[number] - first[number] for number in first if number != replaced)
    assert total(found) == gained + (seen[-1] - seen[0]) + last[uploaded.number]
    assert len({reading.identity for reading in nights.store.readings([FILES])}) == 10


def test_backfill_requests_no_current_count(counted: Nights, world: World):
    """The current value of a counter says nothing about past days."""
    counted.refresh()
    before = len(counted.services.requests)
    span = Span(world.yesterday - 30 * DAY, world.yesterday)
    backfill(counted.context(), span, selection=Selection(metric_ids=COUNTERS))
    assert len(counted.services.requests) == before


def test_second_run_of_a_night_requests_no_count(counted: Nights):
    """A night has one reading; a second run requests only stars."""
    counted.refresh()
    rows = counted.rows()
    _, requests = counted.refresh_with_requests()
    assert {request.host for request in requests} == {GITHUB}
    assert not any(request.path.endswith("/releases") and request.query.get("page") for request in requests)
    assert counted.rows() == rows


def test_renamed_subjects_continue(counted: Nights, world: World):
    """A renamed repository or model continues its series, with the old and the new name in the catalogue."""
    counted.refresh()
    counters = world.counters
    counters.hub["models/new/embed"] = replace(counters.hub.pop("models/lance/embed"), name="new/embed")
    counters.hub_renamed["models/lance/embed"] = "models/new/embed"
    world.repositories["new/home"] = replace(world.repositories.pop(REPOSITORY), full_name="new/home")
    counters.releases["new/home"] = counters.releases.pop(REPOSITORY)
    world.renamed[REPOSITORY] = "new/home"
    counted.sleep()
    summary = counted.refresh()
    assert failed(summary) == set()
    renamed = [warning for warning in summary.warnings if "is now" in warning]
    assert {warning.partition(": ")[0] for warning in renamed} == {MODEL, MONTH, LIKES, FILES, STARS, FORKS, WATCHERS}
    counted.sleep()
    assert not any("is now" in warning for warning in counted.refresh().warnings)
    assert counted.catalog is not None
    text = counted.catalog.read_text().replace(f'"{REPOSITORY}"', '"new/home"')
    counted.catalog.write_text(text.replace("models/lance/embed", "models/new/embed"))
    counted.sleep()
    summary = counted.refresh()
    assert failed(summary) == set()
    for metric_id in (MODEL, MONTH, LIKES, FILES, FORKS):
        assert len(stored(counted, metric_id)) == 4, metric_id
    assert all(interval.reason is Reason.NONE for interval in intervals(counted, MODEL))
