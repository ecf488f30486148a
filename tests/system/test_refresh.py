"""The installed command, run in the local world: what ends up in the store, and what the user is told."""

from __future__ import annotations

from datetime import timedelta

from cmetrics.store.schema import STATS
from tests.conftest import Home, truth
from tests.world import faults
from tests.world.services import Services
from tests.world.truth import CRATES, DAY, GITHUB, NPM, PYPI, World

MOST_REQUESTS = 14


def test_the_first_refresh_fills_every_window_and_the_second_changes_nothing(
    home: Home, services: Services, world: World
):
    first = home.json("refresh")
    rows = home.rows()
    assert home.daily() == truth(world, rows)
    assert first["status"] == "success"
    assert first["rows_inserted"] == len(rows)
    assert sum(row.is_seed for row in rows) == 75

    asked = len(services.requests)
    second = home.json("refresh")
    assert (second["rows_inserted"], second["rows_updated"]) == (0, 0)
    assert second["rows_unchanged"] == sum(metric["days_stored"] for metric in second["metrics"])
    assert len(services.requests) - asked <= MOST_REQUESTS
    assert home.rows() == rows
    assert services.strange_hosts == []

    newest = {metric["metric_id"]: metric for metric in second["metrics"]}
    assert newest["downloads:lance:python"]["latest_day"] == world.yesterday.isoformat()
    assert newest["downloads:lancedb:nodejs"]["status"] == "pending"
    assert newest["downloads:lancedb:nodejs"]["pending_days"] == 1
    assert [run.status for run in home.runs] == ["success", "success"]


def test_requests_name_themselves_and_keep_to_each_service_s_pace(home: Home, services: Services):
    """The one refresh that is the installed command and waits as long as it does anywhere."""
    services.world.limits = True
    home.run("refresh", installed=True)
    assert min(len(services.to(host)) for host in (PYPI, CRATES, NPM)) > 1
    assert services.too_fast((PYPI, CRATES, NPM)) == []
    agents = {request.headers["user-agent"] for request in services.requests}
    assert len(agents) == 1
    assert agents.pop().startswith("cmetrics/")


def test_a_service_that_hangs_is_given_up_and_the_others_are_stored(home: Home, world: World):
    world.faults = {CRATES: faults.hang}
    home.runtime = {"hurry": True}
    summary = home.json("refresh", code=3)
    errors = {metric["error"] for metric in summary["metrics"] if "rust" in metric["metric_id"]}
    assert len(errors) == 1
    assert "crates.io" in errors.pop()
    assert len(home.daily()) == 5


def test_faults_that_pass_are_ridden_out_within_the_run(home: Home, world: World):
    world.faults = {
        CRATES: faults.first_times(2, faults.server_error),
        GITHUB: faults.first_times(1, faults.reset),
        NPM: faults.first_times(1, faults.truncate),
    }
    assert home.json("refresh")["status"] == "success"
    assert home.daily() == truth(world, home.rows())


def test_a_day_missing_in_the_middle_is_absent_and_filled_when_it_is_published(home: Home, world: World):
    late = world.today - timedelta(days=20)
    for host in (PYPI, NPM):
        world.lost[host].add(late)
    world.partly[NPM].add(world.today - timedelta(days=3))
    world.partly[PYPI].add(world.yesterday)
    home.run("refresh")
    assert late not in home.daily()["downloads:lance:python"]
    assert late not in home.daily()["downloads:lancedb:nodejs"]
    assert world.yesterday not in home.daily()["downloads:lance:python"]
    assert home.daily() == truth(world, home.rows())
    world.lost[PYPI].clear()
    world.lost[NPM].clear()
    world.partly[NPM].clear()
    world.partly[PYPI].clear()
    healed = home.json("refresh")
    assert healed["rows_inserted"] == 6
    assert home.daily() == truth(world, home.rows())


def test_revised_values_replace_the_stored_ones(home: Home, world: World):
    home.run("refresh")
    day = world.today - timedelta(days=15)
    for values in (world.pypi["pylance", True], world.crates["lance"], world.npm["@lancedb/lancedb"]):
        values[day] += 1234
    # A star taken back: an old day is lowered, and so is every day since in the star history.
    stars = world.repositories["lancedb/lancedb"].stars
    stars[day] -= 1
    summary = home.json("refresh")
    assert summary["rows_inserted"] == 0
    assert home.daily()["downloads:lance:python"][day] == world.pypi["pylance", True][day]
    assert home.daily()["stars:lancedb:github"][world.yesterday] == world.repositories["lancedb/lancedb"].held(
        world.yesterday
    )
    rewritten = {
        metric_id: values for metric_id, values in truth(world, home.rows()).items() if "stars" not in metric_id
    }
    assert {metric_id: values for metric_id, values in home.daily().items() if "stars" not in metric_id} == rewritten


def test_a_vanished_package_is_that_metric_s_failure_and_its_history_stays(home: Home, world: World):
    home.run("refresh")
    before = home.daily()
    del world.crates["lancedb"]
    summary = home.json("refresh", code=3)
    failed = [metric for metric in summary["metrics"] if metric["status"] == "failed"]
    assert [metric["metric_id"] for metric in failed] == ["downloads:lancedb:rust"]
    assert "404" in failed[0]["error"]
    assert home.daily() == before


def test_an_empty_quota_at_github_is_an_error_with_the_time_to_wait(home: Home, world: World):
    world.github_quota = 0
    summary = home.json("refresh", "--only", "stars", code=1)
    assert {metric["status"] for metric in summary["metrics"]} == {"failed"}
    assert all("available again at" in metric["error"] for metric in summary["metrics"])


def test_with_one_missing_day_the_present_count_of_stars_is_stored_and_stays(home: Home, world: World):
    home.run("refresh", "--only", "stars")
    store = home.store
    rows = {row.key: row for row in home.rows() if row.metric_id == "stars:lance:github"}
    assert rows["stars:lance:github", world.yesterday].is_reconstructed
    # The night before: the newest day is not there yet.
    store._open(STATS).delete(f"period_end = '{world.yesterday}'")
    repository = world.repositories["lance-format/lance"]
    repository.stars[world.today] = repository.stars.get(world.today, 0) + 7
    home.run("refresh", "--only", "stars")
    newest = {row.key: row for row in home.rows()}["stars:lance:github", world.yesterday]
    assert newest.value == repository.count
    assert not newest.is_reconstructed

    repository.stars[world.today] += 5
    home.run("backfill", "--lookback-days", "30", "--only", "stars")
    kept = {row.key: row for row in home.rows()}["stars:lance:github", world.yesterday]
    assert kept == newest


def test_without_the_star_history_only_the_newest_day_gets_the_present_count(home: Home, world: World):
    world.faults = {GITHUB: faults.only("/stargazers/history", faults.html)}
    summary = home.json("refresh", "--only", "stars", code=3)
    assert all("star history" in metric["error"] for metric in summary["metrics"])
    repository = world.repositories["lance-format/lance"]
    assert home.daily()["stars:lance:github"] == {world.yesterday: repository.count}
    world.faults = {}
    home.run("refresh", "--only", "stars")
    expected = truth(world, [])["stars:lance:github"] | {world.yesterday: repository.count}
    assert home.daily()["stars:lance:github"] == expected


def test_a_renamed_repository_is_followed_and_named_once(home: Home, services: Services, world: World):
    repository = world.repositories["lance-format/lance"]
    repository.full_name = "lance-format/lance-next"
    world.renamed["lance-format/lance"] = "lance-format/lance-next"
    done = home.run("refresh", "--only", "stars")
    assert done.stderr.count('write subject = "lance-format/lance-next"') == 1
    assert home.daily()["stars:lance:github"][world.yesterday] == repository.held(world.yesterday)
    assert services.strange_hosts == []


def test_a_refused_github_token_is_dropped_and_never_shown(home: Home, services: Services, world: World):
    secret = "ghp_0123456789abcdefghijABCDEFGHIJ012345"
    home.env["GITHUB_TOKEN"] = secret
    world.rejected_tokens.add(secret)
    done = home.run("refresh", "--only", "stars")
    assert "GitHub refused GITHUB_TOKEN" in done.stderr
    assert secret not in done.stdout + done.stderr
    # Once for the stars, and once for the releases.
    assert sum("authorization" in request.headers for request in services.requests) == 2
    assert home.daily()["stars:lance:github"] == truth(world, [])["stars:lance:github"]


def test_secrets_in_an_error_body_are_not_repeated(home: Home, world: World):
    secret = "ghp_0123456789abcdefghijABCDEFGHIJ012345"
    home.env["GITHUB_TOKEN"] = secret

    def leak(request, _):
        return faults.as_text(f"no: {request.headers.get('authorization', '')} \x1b[31m::error::x", 403, "text/plain")

    world.faults = {GITHUB: leak}
    done = home.run("refresh", "--only", "stars", code=1)
    home.run("build-site")
    home.run("export")
    everything = done.stdout + done.stderr
    everything += "".join(
        path.read_text(errors="replace") for path in home.folder.rglob("*") if path.suffix in {".html", ".csv"}
    )
    assert secret not in everything
    assert "\x1b" not in done.stderr
    assert not any(line.startswith("::") for line in done.stderr.splitlines())


def test_two_refreshes_at_once_neither_lose_nor_double_a_row(home: Home, world: World):
    processes = [home.start("refresh", "--json") for _ in range(2)]
    for process in processes:
        assert process.wait(timeout=120) == 0
        process.communicate()
    rows = home.rows()
    assert home.daily() == truth(world, rows)
    data = home.store._open(STATS)
    assert data.count_rows() == len(rows)
    assert sorted(run.status for run in home.runs) == ["success", "success"]


def test_backfill_recomputes_exactly_its_window(home: Home, world: World):
    first, last = world.today - 40 * DAY, world.today - 11 * DAY
    summary = home.json("backfill", "--start", first.isoformat(), "--end", last.isoformat())
    expected = {m: {d: v for d, v in days.items() if first <= d <= last} for m, days in world.expected().items()}
    assert home.daily() == expected
    assert {row.provenance for row in home.rows() if not row.is_seed} == {"recomputed"}
    assert summary["job"] == "backfill"
    again = home.json("backfill", "--start", first.isoformat(), "--end", last.isoformat())
    assert (again["rows_inserted"], again["rows_updated"]) == (0, 0)
    home.run("refresh")
    assert home.daily() == truth(world, home.rows())
