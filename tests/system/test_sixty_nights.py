"""Two months of nights with many faults: the store contains the true values and explains every outage."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from random import Random

from cmetrics.analytics.gaps import Reason
from cmetrics.analytics.series import star_flows
from cmetrics.domain.days import day_range
from cmetrics.domain.run import RunStatus
from tests.samples import a_table
from tests.world import faults
from tests.world.nights import Nights, remove_star
from tests.world.truth import CRATES, DAY, GITHUB, NPM, PYPI, World

NIGHTS = 60
PYTHON, NODE, RUST = "downloads:lance:python", "downloads:lancedb:nodejs", "downloads:lance:rust"
LANCE, LANCEDB = "stars:lance:github", "stars:lancedb:github"
REPOSITORIES = {LANCE: "lance-format/lance", LANCEDB: "lancedb/lancedb"}
#: Additional nights without a run.
AWAY = 3
#: Requests of an ordinary night: three to PyPI, two to crates.io and one for a busy crate if a day is absent, two to
#: npm, three per repository (stars, star history, releases).
REQUESTS = 14


def test_sixty_nights_end_with_the_true_values_and_explained_outages(nights: Nights, world: World):
    chance = Random(60)
    nights.begin(world.today - (NIGHTS + AWAY) * DAY)
    started = world.today
    scenario = Scenario(nights, world, started)
    counts: dict[str, dict[date, int]] = {LANCE: {}, LANCEDB: {}}
    lowered: dict[str, dict[date, int]] = {LANCE: {}, LANCEDB: {}}
    renames = 0
    for night in range(NIGHTS):
        scenario.tonight(night)
        for metric_id, name in REPOSITORIES.items():
            if night and chance.random() < 0.5:
                given = world.today - chance.randint(2, 100) * DAY
                if remove_star(world, name, given):
                    lowered[metric_id][world.yesterday] = lowered[metric_id].get(world.yesterday, 0) + 1
            counts[metric_id][world.yesterday] = world.repositories[name].stars_on(world.yesterday)
        summary, requests = nights.refresh_with_requests()

        renames += sum("is now" in warning for warning in summary.warnings)
        questions = {(request.host, request.path, str(sorted(request.query.items()))) for request in requests}
        if not world.faults:
            assert summary.status is RunStatus.SUCCESS, (night, summary)
            assert len(questions) == len(requests), "no request is repeated"
            assert night == 0 or len(requests) <= REQUESTS + scenario.redirects
        scenario.check(night)
        assert_every_missing_day_has_a_reason(nights)
        nights.sleep()

    world.today -= DAY
    assert renames == 1
    assert nights.state().quality.renamed == {LANCE: "lance-format/lance-next"}
    assert_downloads_are_the_truth(nights, world, started)
    assert_stars_are_the_truth(nights, world, counts)
    assert_unstars_are_kept(nights, lowered)
    assert nights.report.publication().quality == nights.state().quality
    gaps = {
        (gap.first_day, gap.last_day, gap.reason)
        for metric_id in (PYTHON, NODE, RUST)
        for gap in nights.state().quality.gaps[metric_id]
        if gap.first_day >= started
    }
    assert gaps == {
        (scenario.lost_at_pypi, scenario.lost_at_pypi, Reason.LOST),
        (world.yesterday, world.yesterday, Reason.NOT_PUBLISHED),
    }
    assert sum(revision.days for revision in nights.report.revisions() if revision.metric_id == RUST) == 2


class Scenario:
    """The faults of each night."""

    def __init__(self, nights: Nights, world: World, started: date) -> None:
        self._nights, self._world = nights, world
        self.lost_at_pypi = started + 20 * DAY
        self.redirects = 0

    def tonight(self, night: int) -> None:
        world = self._world
        events: dict[int, Callable[[], None]] = {
            # A service is down for three nights, another one for one night; one returns an HTML page.
            5: lambda: self._fault(CRATES, faults.server_error),
            8: self._repair,
            9: lambda: self._fault(GITHUB, faults.reset),
            10: self._repair,
            12: lambda: self._fault(PYPI, faults.html),
            14: self._repair,
            # Only the star history is down, so only the newest day is counted.
            16: lambda: self._fault(GITHUB, faults.for_path("/stargazers/history", faults.server_error)),
            18: self._repair,
            # PyPI loses a day permanently; npm loses one and restores it.
            21: lambda: world.lost[PYPI].add(self.lost_at_pypi),
            24: lambda: world.lost[NPM].add(world.yesterday),
            33: world.lost[NPM].clear,
            # Days are late.
            26: lambda: world.lag.update({PYPI: 5, CRATES: 3}),
            29: lambda: world.lag.update({PYPI: 1, CRATES: 0}),
            # Only a part of the newest day is published.
            31: lambda: world.partial_days[PYPI].add(world.yesterday),
            32: world.partial_days[PYPI].clear,
            # Some nights without a run.
            35: lambda: self._nights.sleep(AWAY),
            # Revisions of two days, up and down.
            40: self._revise,
            44: self._rename,
            50: lambda: self._fault(NPM, faults.slow_down_for_an_hour),
            52: self._repair,
        }
        events.get(night, lambda: None)()

    def check(self, night: int) -> None:
        """Check what `status` reports about the outages on that night."""
        expected = {
            7: (RUST, Reason.FAILED, 3),
            9: (LANCE, Reason.FAILED, 1),
            13: (PYTHON, Reason.FAILED, 2),
            21: (PYTHON, Reason.NOT_PUBLISHED, 1),
            23: (PYTHON, Reason.LOST, 1),
            28: (RUST, Reason.NOT_PUBLISHED, 2),
            30: (NODE, Reason.LOST, 1),
            31: (PYTHON, Reason.NOT_PUBLISHED, 1),
            51: (NODE, Reason.FAILED, 3),
        }
        if night in expected:
            metric_id, reason, days = expected[night]
            gaps = self._nights.state().quality.gaps[metric_id]
            assert sum(gap.days for gap in gaps if gap.reason is reason) == days, (night, gaps)

    def _fault(self, host: str, fault: faults.Fault) -> None:
        self._world.faults = {host: fault}

    def _repair(self) -> None:
        self._world.faults = {}

    def _revise(self) -> None:
        for values in (self._world.crates["lance"], self._world.npm["@lancedb/lancedb"]):
            values[self._world.today - 20 * DAY] += 333
            values[self._world.today - 18 * DAY] //= 2

    def _rename(self) -> None:
        repository = self._world.repositories["lance-format/lance"]
        repository.full_name = "lance-format/lance-next"
        self._world.renamed["lance-format/lance"] = repository.full_name
        # The repository and its releases are redirected; the star history is requested by the new name.
        self.redirects = 2


def assert_every_missing_day_has_a_reason(nights: Nights) -> None:
    state = nights.state()
    stored: dict[str, set[date]] = {}
    first: dict[str, date] = {}
    for row in nights.all_rows():
        stored.setdefault(row.metric_id, set()).add(row.period_end)
        if not row.is_seed:
            first.setdefault(row.metric_id, row.period_end)
    for metric_id, gaps in state.quality.gaps.items():
        explained = [day for gap in gaps for day in day_range(gap.first_day, gap.last_day)]
        days = stored[metric_id]
        assert len(explained) == len(set(explained))
        assert not days & set(explained)
        assert set(day_range(first[metric_id], state.as_of)) - days <= set(explained)


def assert_downloads_are_the_truth(nights: Nights, world: World, started: date) -> None:
    """Check that every published day since the first requested one is stored, and no other."""
    subjects = {
        PYTHON: (PYPI, 181, world.pypi["pylance", True]),
        "downloads:lancedb:python": (PYPI, 181, world.pypi["lancedb", True]),
        RUST: (CRATES, 89, world.crates["lance"]),
        "downloads:lancedb:rust": (CRATES, 89, world.crates["lancedb"]),
        NODE: (NPM, 730, world.npm["@lancedb/lancedb"]),
    }
    assert {PYPI, CRATES, NPM} == {host for host, _, _ in subjects.values()}, "every host is checked"
    for metric_id, (host, reach, values) in subjects.items():
        rows = {row.period_end: row.value for row in nights.rows() if row.metric_id == metric_id}
        first = started - reach * DAY
        seeds = {row.period_end for row in nights.all_rows() if row.metric_id == metric_id and row.is_seed}
        expected = {
            day: value
            for day, value in values.items()
            if first <= day < world.today and world.is_published(host, day) and day not in seeds
        }
        assert rows == expected, metric_id


def assert_stars_are_the_truth(nights: Nights, world: World, counts: dict[str, dict[date, int]]) -> None:
    """Check that counted days have the count of that night, and reconstructed ones what GitHub shows now."""
    for metric_id, repository in zip(counts, world.repositories.values(), strict=True):
        rows = {row.period_end: row for row in nights.rows() if row.metric_id == metric_id}
        first = max(repository.created, min(counts[metric_id]) - 729 * DAY)
        assert list(rows) == list(day_range(first, world.yesterday))
        count = 0
        for day in day_range(repository.created, world.yesterday):
            count += repository.stars.get(day, 0)
            if day in rows:
                row = rows[day]
                assert row.value == (count if row.is_reconstructed else counts[metric_id][day]), (metric_id, day)
        counted = [day for day in counts[metric_id] if not rows[day].is_reconstructed]
        assert len(counted) > 40


def assert_unstars_are_kept(nights: Nights, lowered: dict[str, dict[date, int]]) -> None:
    for metric_id, losses in lowered.items():
        flows = star_flows(a_table(nights.rows()))[metric_id]
        known = {flow.last_day: flow.lost for flow in flows if flow.lost is not None}
        assert len(known) > 30
        assert known == {day: losses.get(day, 0) for day in known}
