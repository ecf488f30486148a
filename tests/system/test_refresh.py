"""Refreshes in the simulated world: the stored rows and the output."""

from __future__ import annotations

from datetime import timedelta

from cmetrics.store.schema import STATS
from tests.conftest import Workspace, truth
from tests.world import faults
from tests.world.services import Services
from tests.world.truth import CRATES, DAY, GITHUB, NPM, PYPI, World

MOST_REQUESTS = 14


def test_the_first_refresh_fills_every_window_and_the_second_changes_nothing(
    workspace: Workspace, services: Services, world: World
):
    first = workspace.json("refresh")
    rows = workspace.rows()
    assert workspace.daily() == truth(world, rows)
    assert first["status"] == "success"
    assert first["rows_inserted"] == len(rows)
    assert sum(row.is_seed for row in rows) == 75

    requests_before = len(services.requests)
    second = workspace.json("refresh")
    assert (second["rows_inserted"], second["rows_updated"]) == (0, 0)
    assert second["rows_unchanged"] == sum(metric["days_stored"] for metric in second["metrics"])
    assert len(services.requests) - requests_before <= MOST_REQUESTS
    assert workspace.rows() == rows
    assert services.unknown_hosts == []

    newest = {metric["metric_id"]: metric for metric in second["metrics"]}
    assert newest["downloads:lance:python"]["latest_day"] == world.yesterday.isoformat()
    assert newest["downloads:lancedb:nodejs"]["status"] == "pending"
    assert newest["downloads:lancedb:nodejs"]["pending_days"] == 1
    assert [run.status for run in workspace.runs] == ["success", "success"]


def test_requests_have_a_user_agent_and_keep_rate_limits(workspace: Workspace, services: Services):
    """This is the only refresh with the installed command and real pauses."""
    services.world.limits = True
    workspace.run("refresh", installed=True)
    assert min(len(services.requests_to(host)) for host in (PYPI, CRATES, NPM)) > 1
    assert services.too_fast((PYPI, CRATES, NPM)) == []
    agents = {request.headers["user-agent"] for request in services.requests}
    assert len(agents) == 1
    assert agents.pop().startswith("cmetrics/")


def test_a_hanging_service_times_out_and_others_are_stored(workspace: Workspace, world: World):
    world.faults = {CRATES: faults.hang}
    workspace.runtime = {"fast_clock": True}
    summary = workspace.json("refresh", code=3)
    errors = {metric["error"] for metric in summary["metrics"] if "rust" in metric["metric_id"]}
    assert len(errors) == 1
    assert "crates.io" in errors.pop()
    assert len(workspace.daily()) == 5


def test_temporary_faults_are_retried(workspace: Workspace, world: World):
    world.faults = {
        CRATES: faults.first_times(2, faults.server_error),
        GITHUB: faults.first_times(1, faults.reset),
        NPM: faults.first_times(1, faults.truncate),
    }
    assert workspace.json("refresh")["status"] == "success"
    assert workspace.daily() == truth(world, workspace.rows())


def test_a_missing_day_is_filled_when_it_is_published(workspace: Workspace, world: World):
    late = world.today - timedelta(days=20)
    for host in (PYPI, NPM):
        world.lost[host].add(late)
    world.partial_days[NPM].add(world.today - timedelta(days=3))
    world.partial_days[PYPI].add(world.yesterday)
    workspace.run("refresh")
    assert late not in workspace.daily()["downloads:lance:python"]
    assert late not in workspace.daily()["downloads:lancedb:nodejs"]
    assert world.yesterday not in workspace.daily()["downloads:lance:python"]
    assert workspace.daily() == truth(world, workspace.rows())
    world.lost[PYPI].clear()
    world.lost[NPM].clear()
    world.partial_days[NPM].clear()
    world.partial_days[PYPI].clear()
    healed = workspace.json("refresh")
    assert healed["rows_inserted"] == 6
    assert workspace.daily() == truth(world, workspace.rows())


def test_revised_values_replace_the_stored_ones(workspace: Workspace, world: World):
    workspace.run("refresh")
    day = world.today - timedelta(days=15)
    for values in (world.pypi["pylance", True], world.crates["lance"], world.npm["@lancedb/lancedb"]):
        values[day] += 1234
    # A removed star lowers its day and all later days of the star history.
    stars = world.repositories["lancedb/lancedb"].stars
    stars[day] -= 1
    summary = workspace.json("refresh")
    assert summary["rows_inserted"] == 0
    assert workspace.daily()["downloads:lance:python"][day] == world.pypi["pylance", True][day]
    assert workspace.daily()["stars:lancedb:github"][world.yesterday] == world.repositories["lancedb/lancedb"].stars_on(
        world.yesterday
    )
    rewritten = {
        metric_id: values for metric_id, values in truth(world, workspace.rows()).items() if "stars" not in metric_id
    }
    assert {
        metric_id: values for metric_id, values in workspace.daily().items() if "stars" not in metric_id
    } == rewritten


def test_a_deleted_package_fails_and_its_rows_stay(workspace: Workspace, world: World):
    workspace.run("refresh")
    before = workspace.daily()
    del world.crates["lancedb"]
    summary = workspace.json("refresh", code=3)
    failed = [metric for metric in summary["metrics"] if metric["status"] == "failed"]
    assert [metric["metric_id"] for metric in failed] == ["downloads:lancedb:rust"]
    assert "404" in failed[0]["error"]
    assert workspace.daily() == before


def test_an_exhausted_github_quota_is_an_error_with_the_time_to_wait(workspace: Workspace, world: World):
    world.github_quota = 0
    summary = workspace.json("refresh", "--only", "stars", code=1)
    assert {metric["status"] for metric in summary["metrics"]} == {"failed"}
    assert all("available again at" in metric["error"] for metric in summary["metrics"])


def test_with_one_missing_day_the_current_count_of_stars_is_stored(workspace: Workspace, world: World):
    workspace.run("refresh", "--only", "stars")
    store = workspace.store
    rows = {row.key: row for row in workspace.rows() if row.metric_id == "stars:lance:github"}
    assert rows["stars:lance:github", world.yesterday].is_reconstructed
    # The night before, when the newest day is not published.
    store._open(STATS).delete(f"period_end = '{world.yesterday}'")
    repository = world.repositories["lance-format/lance"]
    repository.stars[world.today] = repository.stars.get(world.today, 0) + 7
    workspace.run("refresh", "--only", "stars")
    newest = {row.key: row for row in workspace.rows()}["stars:lance:github", world.yesterday]
    assert newest.value == repository.count
    assert not newest.is_reconstructed

    repository.stars[world.today] += 5
    workspace.run("backfill", "--lookback-days", "30", "--only", "stars")
    stored_row = {row.key: row for row in workspace.rows()}["stars:lance:github", world.yesterday]
    assert stored_row == newest


def test_without_the_star_history_only_the_newest_day_is_stored(workspace: Workspace, world: World):
    world.faults = {GITHUB: faults.for_path("/stargazers/history", faults.html)}
    summary = workspace.json("refresh", "--only", "stars", code=3)
    assert all("star history" in metric["error"] for metric in summary["metrics"])
    repository = world.repositories["lance-format/lance"]
    assert workspace.daily()["stars:lance:github"] == {world.yesterday: repository.count}
    world.faults = {}
    workspace.run("refresh", "--only", "stars")
    expected = truth(world, [])["stars:lance:github"] | {world.yesterday: repository.count}
    assert workspace.daily()["stars:lance:github"] == expected


def test_a_renamed_repository_is_followed_and_reported_once(workspace: Workspace, services: Services, world: World):
    repository = world.repositories["lance-format/lance"]
    repository.full_name = "lance-format/lance-next"
    world.renamed["lance-format/lance"] = "lance-format/lance-next"
    done = workspace.run("refresh", "--only", "stars")
    assert done.stderr.count('write subject = "lance-format/lance-next"') == 1
    assert workspace.daily()["stars:lance:github"][world.yesterday] == repository.stars_on(world.yesterday)
    assert services.unknown_hosts == []


def test_a_rejected_github_token_is_ignored_and_never_shown(workspace: Workspace, services: Services, world: World):
    secret = "ghp_0123456789abcdefghijABCDEFGHIJ012345"
    workspace.env["GITHUB_TOKEN"] = secret
    world.rejected_tokens.add(secret)
    done = workspace.run("refresh", "--only", "stars")
    assert "GitHub refused GITHUB_TOKEN" in done.stderr
    assert secret not in done.stdout + done.stderr
    # Once for the stars, and once for the releases.
    assert sum("authorization" in request.headers for request in services.requests) == 2
    assert workspace.daily()["stars:lance:github"] == truth(world, [])["stars:lance:github"]


def test_secrets_in_an_error_body_are_not_repeated(workspace: Workspace, world: World):
    secret = "ghp_0123456789abcdefghijABCDEFGHIJ012345"
    workspace.env["GITHUB_TOKEN"] = secret

    def leak(request, _):
        return faults.as_text(f"no: {request.headers.get('authorization', '')} \x1b[31m::error::x", 403, "text/plain")

    world.faults = {GITHUB: leak}
    done = workspace.run("refresh", "--only", "stars", code=1)
    workspace.run("build-site")
    workspace.run("export")
    everything = done.stdout + done.stderr
    everything += "".join(
        path.read_text(errors="replace") for path in workspace.folder.rglob("*") if path.suffix in {".html", ".csv"}
    )
    assert secret not in everything
    assert "\x1b" not in done.stderr
    assert not any(line.startswith("::") for line in done.stderr.splitlines())


def test_concurrent_refreshes_neither_lose_nor_duplicate_rows(workspace: Workspace, world: World):
    processes = [workspace.start("refresh", "--json") for _ in range(2)]
    for process in processes:
        assert process.wait(timeout=120) == 0
        process.communicate()
    rows = workspace.rows()
    assert workspace.daily() == truth(world, rows)
    data = workspace.store._open(STATS)
    assert data.count_rows() == len(rows)
    assert sorted(run.status for run in workspace.runs) == ["success", "success"]


def test_backfill_recomputes_exactly_its_window(workspace: Workspace, world: World):
    first, last = world.today - 40 * DAY, world.today - 11 * DAY
    summary = workspace.json("backfill", "--start", first.isoformat(), "--end", last.isoformat())
    expected = {m: {d: v for d, v in days.items() if first <= d <= last} for m, days in world.expected().items()}
    assert workspace.daily() == expected
    assert {row.provenance for row in workspace.rows() if not row.is_seed} == {"recomputed"}
    assert summary["job"] == "backfill"
    again = workspace.json("backfill", "--start", first.isoformat(), "--end", last.isoformat())
    assert (again["rows_inserted"], again["rows_updated"]) == (0, 0)
    workspace.run("refresh")
    assert workspace.daily() == truth(world, workspace.rows())
