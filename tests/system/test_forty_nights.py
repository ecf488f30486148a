"""Forty nights with every source and faults of each service: the store contains exactly the true values."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest
from pydantic import SecretStr

from cmetrics.analytics.columns import COLUMNS, SeriesTable
from cmetrics.analytics.intervals import Reason, build_intervals
from cmetrics.catalog import load_catalog
from cmetrics.domain.days import Span
from cmetrics.domain.run import MetricStatus
from cmetrics.ingest.run import refresh
from cmetrics.sources import SPECS
from tests.world import faults
from tests.world.counters import DOCKER, HUGGING_FACE, NUGET, OPENVSX, VSCODE, Asset
from tests.world.nights import Nights
from tests.world.registries import CRAN, DUCKDB, DUCKDB_COMMUNITY, HOMEBREW, PACKAGIST
from tests.world.services import as_json
from tests.world.truth import CLICKPY, CRATES, DAY, GITHUB, NPM, PYPI, World

NIGHTS = 40
TOKEN = "pushes"
REPOSITORY = "lancedb/lancedb"

#: Source, subject, count.
ENTRIES = (
    ("pypistats", "pylance", ""),
    ("cratesio", "lance", ""),
    ("npm", "@lancedb/lancedb", ""),
    ("github", REPOSITORY, ""),
    ("github", REPOSITORY, "forks"),
    ("github", REPOSITORY, "watchers"),
    ("github-releases", REPOSITORY, ""),
    ("dockerhub", "lance/db", ""),
    ("huggingface", "models/lance/embed", ""),
    ("huggingface", "models/lance/embed", "downloads-30d"),
    ("huggingface", "models/lance/embed", "likes"),
    ("openvsx", "Lance.viewer", ""),
    ("vscode", "Lance.viewer", ""),
    ("nuget", "Lance.Net", ""),
    ("cran", "lance", ""),
    ("packagist", "lance/lance", ""),
    ("rubygems", "lance", ""),
    ("homebrew", "lance", ""),
    ("homebrew", "lance", "installs-on-request"),
    ("duckdb", "lance", ""),
    ("github-traffic", REPOSITORY, ""),
    ("github-traffic", REPOSITORY, "unique-visitors"),
    ("github-traffic", REPOSITORY, "clones"),
)

#: The most requests per service and night after the first, if no day is late: one per subject, and those that the
#: service needs in addition (totals of a registry, a busy package, pages of a list).
REQUESTS = {
    PYPI: 2,
    CRATES: 2,
    NPM: 2,
    # The repository, its star history, its releases (for events and assets), two lists of traffic.
    GITHUB: 6,
    DOCKER: 1,
    HUGGING_FACE: 1,
    OPENVSX: 1,
    VSCODE: 1,
    NUGET: 1,
    CRAN: 2,
    PACKAGIST: 2,
    CLICKPY: 2,
    HOMEBREW: 1,
    # The newest file, and after a week also that of the week before.
    DUCKDB: 3,
    DUCKDB_COMMUNITY: 3,
}


def key(source: str, count: str) -> str:
    return f"m:{source}" + (f":{count}" if count else "")


@pytest.fixture
def catalog(tmp_path: Path) -> Path:
    lines = ['title = "All"', 'contact = "https://example.com/x"', "[[products]]", 'id = "p"', 'title = "P"']
    for source, subject, count in ENTRIES:
        lines += ["[[metrics]]", f'id = "{key(source, count)}"', 'product = "p"', f'source = "{source}"']
        lines += [f'subject = "{subject}"', *([f'count = "{count}"'] if count else [])]
    path = tmp_path / "all.toml"
    path.write_text("\n".join(lines))
    return path


def test_forty_nights(nights: Nights, world: World, catalog: Path, capsys: pytest.CaptureFixture[str]):
    """Counters, flows and windows are stored as shown, and a failing source affects only itself."""
    nights.catalog = catalog
    last = world.today
    nights.begin(world.today - (NIGHTS + 2) * DAY)
    first = world.today
    world.registries.may_push.add(TOKEN)
    world.counters.release(REPOSITORY, first - 50 * DAY, last + 10 * DAY)
    scenario = Scenario(nights, world, last)
    shown: dict[str, dict[date, int]] = {}
    requests: dict[str, list[int]] = {}
    for night in range(NIGHTS):
        failing = scenario.tonight(night)
        before = len(nights.services.requests)
        summary = refresh(nights.context(traffic_token=SecretStr(TOKEN)))
        assert {m.metric_id for m in summary.metrics if m.status is MetricStatus.FAILED} == failing, (night, summary)
        for metric_id, value in counted(world).items():
            if metric_id not in failing:
                shown.setdefault(metric_id, {})[world.yesterday] = value
        sent = nights.services.requests[before:]
        for host, most in REQUESTS.items():
            number = sum(request.host == host for request in sent)
            requests.setdefault(host, []).append(number)
            if night and not failing:
                assert number <= most, (night, host, [r.path for r in sent if r.host == host])
        if night % 10 == 0:
            again = refresh(nights.context(traffic_token=SecretStr(TOKEN)))
            assert again.counts.inserted == 0, (night, again)
        nights.sleep()
    world.today -= DAY

    with capsys.disabled():
        for host, numbers in sorted(requests.items()):
            print(f"{host}: {numbers[0]} requests in the first night, then {min(numbers[1:])} to {max(numbers[1:])}")
    stored = {}
    for row in nights.rows():
        stored.setdefault(row.metric_id, {})[row.period_end] = row
    for metric_id, values in shown.items():
        assert {day: row.value for day, row in stored[metric_id].items()} == values, metric_id
    assert_flows(world, stored, first)
    assert_windows(world, stored)
    assert_intervals(nights, scenario, shown)


class Scenario:
    """The faults of each night."""

    def __init__(self, nights: Nights, world: World, last: date) -> None:
        self._nights, self._world, self._last = nights, world, last
        self._failing: set[str] = set()
        #: The asset that was replaced.
        self.replaced: Asset | None = None
        self.replaced_on = last

    def tonight(self, night: int) -> set[str]:
        """Apply the events of a night. Return the metrics whose source fails."""
        counters, registries, world = self._world.counters, self._world.registries, self._world
        releases = counters.releases[REPOSITORY]
        events: dict[int, Callable[[], object]] = {
            4: lambda: self._fault(DOCKER, faults.server_error, "dockerhub"),
            6: self._repair,
            10: lambda: setattr(releases[1].assets[0], "is_hidden", True),
            11: lambda: setattr(releases[1].assets[0], "is_hidden", False),
            14: lambda: self._fault(
                GITHUB, faults.for_path("/releases", faults.responds_with("[]")), "github-releases"
            ),
            15: self._repair,
            16: self._replace_asset,
            18: lambda: self._nights.sleep(2),
            20: lambda: setattr(counters.packages["Lance.Net"], "correction", 30_000),
            22: lambda: self._fault(DOCKER, faults.responds_with(""), "dockerhub"),
            23: lambda: self._fault(DOCKER, lambda *_: as_json({"count": 0, "next": None, "results": []}), "dockerhub"),
            24: self._repair,
            25: lambda: self._fault(
                HUGGING_FACE,
                faults.responds_with('{"error":"Invalid username or password."}', 401),
                "huggingface",
                "huggingface:downloads-30d",
                "huggingface:likes",
            ),
            26: self._repair,
            27: lambda: registries.lag.update({CRAN: 4}),
            30: lambda: registries.lag.update({CRAN: 1}),
            29: lambda: setattr(counters.images["lance/db"], "frozen_on", world.today),
            31: lambda: registries.jobs[DUCKDB_COMMUNITY].append(world.today),
            33: lambda: self._fault(DUCKDB, faults.server_error, "duckdb"),
            34: self._repair_and_move,
            36: lambda: registries.views[REPOSITORY].update({world.yesterday: 0}),
        }
        events.get(night, lambda: None)()
        registries.jobs[DUCKDB_COMMUNITY].sort()
        return set(self._failing)

    def _fault(self, host: str, fault: faults.Fault, *sources: str) -> None:
        self._world.faults = {host: fault}
        self._failing = {f"m:{source}" for source in sources}

    def _replace_asset(self) -> None:
        world = self._world
        (release,) = (release for release in world.counters.releases[REPOSITORY] if release.tag == "v0.2.0")
        (self.replaced,) = (asset for asset in release.assets if asset.name == "db-macos.tar.gz")
        self.replaced_on = world.today
        world.counters.upload_again(REPOSITORY, "v0.2.0", "db-macos.tar.gz", world.today, self._last)

    def _repair_and_move(self) -> None:
        self._repair()
        self._world.counters.images["lance/db"].frozen_on = None

    def _repair(self) -> None:
        self._world.faults.clear()
        self._failing = set()


def counted(world: World) -> dict[str, int]:
    """Return the counts that the services show this morning."""
    counters, today, repository = world.counters, world.today, world.repositories[REPOSITORY]
    hub = counters.hub["models/lance/embed"]
    installs = world.registries.total(world.registries.brew["lance"], world.yesterday, 30)
    return {
        "m:github:forks": repository.forks,
        "m:github:watchers": repository.watchers,
        "m:dockerhub": counters.images["lance/db"].at(today),
        "m:huggingface": hub.downloads.at(today),
        "m:huggingface:downloads-30d": hub.downloads.within(30, today),
        "m:huggingface:likes": hub.likes.at(today),
        "m:openvsx": counters.openvsx["Lance.viewer"].at(today),
        "m:vscode": counters.vscode["Lance.viewer"].at(today),
        "m:nuget": counters.packages["Lance.Net"].at(today),
        "m:homebrew": installs,
        "m:homebrew:installs-on-request": installs // 2,
    }


def assert_flows(world: World, stored: dict[str, dict[date, object]], first: date) -> None:
    """Check that every published day since the first refresh is stored with its true value."""
    registries = world.registries
    truth = {
        "m:cran": (registries.cran["lance"], registries.lag[CRAN]),
        "m:packagist": (registries.packagist["lance/lance"], registries.lag[PACKAGIST]),
        "m:rubygems": (registries.gems["lance"], registries.lag["rubygems"]),
        "m:github-traffic": (registries.views[REPOSITORY], 1),
        "m:github-traffic:unique-visitors": ({d: v // 3 for d, v in registries.views[REPOSITORY].items()}, 1),
        "m:github-traffic:clones": (registries.clones[REPOSITORY], 1),
    }
    for metric_id, (values, lag) in truth.items():
        days = [day for day in values if first - 10 * DAY <= day <= world.today - lag * DAY]
        found = {day: row.value for day, row in stored[metric_id].items() if day >= first - 10 * DAY}
        assert found == {day: values[day] for day in days}, metric_id


def assert_windows(world: World, stored: dict[str, dict[date, object]]) -> None:
    """Check that each window of a weekly job has its own row, also if there are two in a week."""
    registries = world.registries
    rows = stored["m:duckdb"]
    ends = {job - DAY for job in registries.jobs[DUCKDB_COMMUNITY] if min(rows) <= job - DAY <= world.yesterday}
    assert set(rows) == ends
    for end, row in rows.items():
        assert row.value == registries.total(registries.extensions[DUCKDB_COMMUNITY]["lance"], end, 7)
        assert (row.period_start, row.source_window) == (end - 6 * DAY, "7d")


def assert_intervals(nights: Nights, scenario: Scenario, shown: dict[str, dict[date, int]]) -> None:
    """Check that no flow is negative or of a day that was not read, and that flows add up to the true counts."""
    counters = [metric for metric in load_catalog(nights.catalog, SPECS).metrics if metric.measure.is_counter]
    ids = sorted(metric.metric_id for metric in counters)
    everything = Span(date(2000, 1, 1), date(2100, 1, 1))
    table = SeriesTable.from_arrow(nights.store.read_observations(ids, everything, columns=(*COLUMNS, "observed_at")))
    intervals = build_intervals(table, nights.store.readings(ids))
    for metric_id in ids:
        found = intervals.of(metric_id)
        assert all(interval.flow is None or interval.flow >= 0 for interval in found), metric_id
        assert all((interval.end_day - interval.start_day).days == 1 for interval in found if interval.is_day)
        total = sum(interval.flow or 0 for interval in found)
        unknown = [interval for interval in found if interval.flow is None]
        values = shown.get(metric_id)
        if metric_id == "m:nuget":
            assert [interval.reason for interval in unknown] == [Reason.FELL]
            continue
        assert unknown == [], metric_id
        if values is not None:
            assert total == values[max(values)] - values[min(values)], metric_id
    docker = intervals.of("m:dockerhub")
    still = [interval for interval in docker if interval.reason is Reason.STOOD_STILL]
    assert [interval.days for interval in still] == [5]
    # Two nights without a response, two without a run, and two more without a response.
    assert sorted(interval.days for interval in docker if interval.days > 1) == [3, 3, 3, 5]
    assert scenario.replaced is not None
    # Checksums, pictures and lists are excluded; the replaced file counts up to its last reading.
    ends = {scenario.replaced.number: scenario.replaced_on - DAY}
    assets = [asset for release in nights.world.counters.releases[REPOSITORY] for asset in release.assets]
    counted = [asset for asset in (*assets, scenario.replaced) if asset.name.endswith(".tar.gz")]
    first = min(shown["m:dockerhub"]) + DAY
    truth = sum(
        flow
        for asset in counted
        for day, flow in asset.count.days.items()
        if first <= day < ends.get(asset.number, nights.world.today)
    )
    assert sum(interval.flow or 0 for interval in intervals.of("m:github-releases")) == truth
