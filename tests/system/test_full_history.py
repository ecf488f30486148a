"""`backfill --full`: the complete history, from whichever service still provides it."""

from __future__ import annotations

import os
import random
import signal
import threading
import time
from collections import Counter
from collections.abc import Callable
from datetime import timedelta

import pytest
from typer.testing import CliRunner

from cmetrics.cli.app import app
from cmetrics.domain.errors import StoreMissing, UsageError
from cmetrics.domain.run import RunStatus, RunSummary
from cmetrics.ingest.reconcile import differs
from cmetrics.settings import Settings, StoreKind, StoreTarget, load_settings
from tests.conftest import Workspace, catalog_text, truth
from tests.samples import a_metric, a_row
from tests.world import faults
from tests.world.runtime import SPEED_UP
from tests.world.services import Reply, Services
from tests.world.truth import CLICKPY, CRATES, DAY, FILES, GITHUB, NPM, PYPI, World
from tests.world.unpaced import run

Backfill = Callable[..., RunSummary]


@pytest.fixture
def world() -> World:
    return World.young()


@pytest.fixture
def backfill(workspace: Workspace, services: Services, monkeypatch: pytest.MonkeyPatch) -> Backfill:
    """Return a function that runs a deep backfill in this process, without pauses."""
    for name, value in services.env().items():
        monkeypatch.setenv(name, value)
    target = StoreTarget(StoreKind.EMBEDDED, str(workspace.folder / "data" / "lancedb"))

    def backfill(*subjects: tuple[str, str], **span: object) -> RunSummary:
        path = None
        if subjects:
            path = workspace.folder / "cmetrics.toml"
            text = catalog_text(*subjects)
            for source, subject in subjects[1:]:
                # Two crates of one product need explicit ids.
                text = text.replace(f'subject = "{subject}"', f'subject = "{subject}"\nid = "{source}:{subject}"')
            path.write_text(text)
        return run(Settings(target, path, cache=workspace.cache, network=load_settings().network), **span)

    return backfill


def files_read(services: Services) -> list[str]:
    return [request.path for request in services.requests_to(FILES) if request.path.endswith(".csv")]


def archived(world: World) -> set[str]:
    first = min(min(values) for values in world.crates.values())
    days = (world.today - n * DAY for n in range(91, (world.today - first).days + 1))
    return {f"/archive/version-downloads/{day}.csv" for day in days}


# -- complete history ----------------------------------------------------------------------------


def test_a_full_backfill_stores_the_true_values_with_their_origin(
    workspace: Workspace, services: Services, world: World, backfill: Backfill
):
    workspace.runtime = {"pace": True, "fast_clock": True}
    done = workspace.run("backfill", "--full")
    workspace.runtime = {}
    rows = workspace.rows()
    assert workspace.daily() == truth(world, rows, full=True)
    assert {row.provenance for row in rows} == {"recomputed", "csv_seed"}
    (history,) = workspace.runs
    assert (history.status, history.rows_inserted, history.rows_updated) == ("success", len(rows), 0)

    # Every service at its own pace, no request repeated, every file once for both crates.
    requests_by_query = Counter(request.question for request in services.requests)
    assert [question for question, times in requests_by_query.items() if times > 1] == []
    assert services.too_fast((PYPI, CRATES, NPM, CLICKPY, FILES), SPEED_UP) == []
    assert set(files_read(services)) == archived(world)
    names = {PYPI: "pypistats", CRATES: "cratesio", NPM: "npm", GITHUB: "github", FILES: "crates-archive"}
    for host, name in (names | {CLICKPY: "clickpy"}).items():
        assert f"{name} {len(services.requests_to(host))}" in done.stdout
    # Three years of npm: two with downloads and one without; the same for the whole registry.
    assert len(services.requests_to(NPM)) == 6

    # How crates.io's older days were fetched, and the overlap with ClickPy.
    assert f"read from {len(archived(world))} archive files" in done.stderr
    assert done.stdout.count("ClickPy differs from pypistats.org by +0.4% over the 181 days") == 2
    refs = {row.period_end: row.source_ref for row in rows if row.metric_id == "downloads:lance:python"}
    assert refs[world.today - 181 * DAY] == "pypistats:pylance"
    assert refs[world.today - 182 * DAY] == "clickpy:pylance; overlap +0.4% over 181 days"
    refs = {row.period_end: row.source_ref for row in rows if row.metric_id == "downloads:lance:rust"}
    assert [refs[world.today - days * DAY] for days in (89, 90, 91)] == [
        "cratesio:lance",
        "cratesio:lance; by version",
        "crates-archive:lance",
    ]

    # A second time: nothing changes, and no file is read again.
    services.requests.clear()
    again = backfill()
    assert (again.counts.inserted, again.counts.updated) == (0, 0)
    assert workspace.rows() == rows
    assert files_read(services) == []

    # A refresh requests what it always does, and no archive.
    services.requests.clear()
    night = workspace.json("refresh")
    assert (night["rows_inserted"], night["rows_updated"]) == (0, 0)
    assert {request.host for request in services.requests} == {PYPI, CRATES, NPM, GITHUB}
    assert len(services.requests) <= 14


def check_interrupted_run(workspace: Workspace, expected: dict) -> None:
    try:
        stored = workspace.daily()
    except StoreMissing:
        return
    for metric_id, days in stored.items():
        assert days.items() <= expected[metric_id].items()


def check_complete_history(workspace: Workspace, services: Services, world: World) -> None:
    assert workspace.daily() == truth(world, workspace.rows(), full=True)
    assert len(files_read(services)) < len(archived(world)), "it continues where it stopped"
    newest, *before = workspace.runs
    assert newest.status == RunStatus.SUCCESS, newest.error_summary
    assert {run.status for run in before} <= {"failed", "success"}


@pytest.mark.parametrize("seed", [0, pytest.param(1, marks=pytest.mark.long)])
def test_a_backfill_killed_at_random_moments_completes(
    seed: int, workspace: Workspace, services: Services, world: World
):
    chance = random.Random(seed)
    expected = truth(world, [], full=True)
    workspace.runtime = {"unpaced": True}

    killed = 0
    for _ in range(4):
        services.requests.clear()
        # The number of requests before the kill; fewer are left each time.
        moment = chance.randint(0, 60)
        with workspace.start() as process:
            while len(services.requests) < moment and process.poll() is None:
                time.sleep(0.002)
            time.sleep(chance.uniform(0, 0.05))
            process.send_signal(signal.SIGKILL)
        killed += process.returncode != 0
        check_interrupted_run(workspace, expected)
    assert killed >= 3
    services.requests.clear()
    with workspace.start() as process:
        assert process.wait(timeout=60) == 0
    check_complete_history(workspace, services, world)


# If Ctrl-C interrupts coverage while it holds its lock, the lock stays locked; so this test runs without coverage.
@pytest.mark.long
def test_a_backfill_interrupted_at_random_moments_completes(
    workspace: Workspace, services: Services, world: World, backfill: Backfill
):
    chance = random.Random(2)
    # A dozen runs in a few seconds exceed the limits of pypistats.org.
    world.limits = False

    def press(moment: int, later: float, over: threading.Event) -> None:
        while len(services.requests) < moment and not over.is_set():
            time.sleep(0.002)
        if not over.wait(later):
            os.kill(os.getpid(), signal.SIGINT)

    expected = truth(world, [], full=True)
    stopped = inserted = 0
    for _ in range(12):
        services.requests.clear()
        over = threading.Event()
        pressing = threading.Thread(target=press, args=(chance.randint(0, 60), chance.uniform(0, 0.05), over))
        pressing.start()
        try:
            backfill()
            over.set()
            pressing.join()
        except KeyboardInterrupt:
            stopped += 1
            pressing.join()
            assert (workspace.runs[0].status, workspace.runs[0].error_summary) == ("failed", "interrupted")
            inserted += workspace.runs[0].rows_inserted
            assert inserted == len(workspace.rows())
        check_interrupted_run(workspace, expected)
    assert stopped >= 9
    services.requests.clear()
    backfill()
    check_complete_history(workspace, services, world)


def test_only_the_requested_window_is_stored(world: World, workspace: Workspace, backfill: Backfill):
    first, last = world.today - 300 * DAY, world.today - 190 * DAY
    summary = backfill(first=first, last=last)
    expected = {
        metric_id: {day: value for day, value in days.items() if first <= day <= last}
        for metric_id, days in truth(world, workspace.rows(), full=True).items()
    }
    assert workspace.daily() == expected
    assert any("over the 181 days that both have" in note for note in summary.notes)


# -- PyPI ----------------------------------------------------------------------------------------

PYLANCE = ("pypistats", "pylance")


def older(world: World, package: str = "pylance", *, mirrors: bool = False) -> dict:
    """Return the days that only ClickPy has."""
    days = sorted(world.pypi[package, mirrors])
    return {day: world.clickpy(package, day, mirrors=mirrors) for day in days if day < world.today - 181 * DAY}


def test_without_mirrors_other_installers_are_excluded(world: World, workspace: Workspace, backfill: Backfill):
    world.counts_as_text = True
    backfill(PYLANCE)
    assert older(world).items() <= workspace.daily()["downloads:p:python"].items()


@pytest.mark.parametrize("cut", [100, 1])
def test_a_truncated_response_is_an_error_and_not_stored(
    cut: int, world: World, workspace: Workspace, backfill: Backfill
):
    world.row_cap = cut
    summary = backfill(PYLANCE)
    (outcome,) = summary.metrics
    assert summary.status is RunStatus.PARTIAL
    assert "ClickPy, " in outcome.error
    assert "truncated" in outcome.error
    assert len(workspace.daily()["downloads:p:python"]) == 181
    world.row_cap = 1000
    assert backfill(PYLANCE).status is RunStatus.SUCCESS
    assert older(world).items() <= workspace.daily()["downloads:p:python"].items()


def test_an_error_within_a_response_is_reported_and_its_rows_are_not_stored(
    world: World, workspace: Workspace, backfill: Backfill
):
    def breaks(_, usual) -> Reply:
        reply = usual()
        reply.body += b"Code: 241. DB::Exception: Memory limit exceeded. (MEMORY_LIMIT_EXCEEDED)\n"
        return reply

    world.faults = {CLICKPY: breaks}
    (outcome,) = backfill(PYLANCE).metrics
    assert "Memory limit exceeded" in outcome.error
    assert len(workspace.daily()["downloads:p:python"]) == 181


def test_days_that_clickpy_lacks_stay_missing_and_are_reported(world: World, workspace: Workspace, backfill: Backfill):
    world.clickpy_newest = world.today - 250 * DAY
    lost = world.today - 300 * DAY
    quiet = world.today - 310 * DAY
    world.lost[CLICKPY].add(lost)
    world.pypi["pylance", False][quiet] = 0
    summary = backfill(PYLANCE)
    assert any(f"ClickPy ends on {world.clickpy_newest}" in note for note in summary.notes)
    stored = workspace.daily()["downloads:p:python"]
    gap = {day for day in world.pypi["pylance", False] if world.clickpy_newest < day < world.today - 181 * DAY}
    assert not {lost, *gap} & stored.keys()
    assert stored[quiet] == 0
    assert {row.source_ref for row in workspace.rows() if row.period_end == quiet} == {
        "clickpy:pylance; overlap not compared"
    }


def test_a_nightly_value_replaces_clickpy_s_and_never_the_reverse(
    world: World, workspace: Workspace, backfill: Backfill
):
    backfill(PYLANCE)
    metric = a_metric("pypistats", metric_id="downloads:p:python", subject="pylance")
    day = world.today - 200 * DAY
    nightly = a_row(metric, day, world.pypi["pylance", False][day] + 77)
    workspace.store.upsert_observations([nightly], differs)
    world.clickpy_per_mille = 1100
    backfill(PYLANCE)
    rows = {row.period_end: row for row in workspace.rows()}
    assert rows[day] == nightly
    assert "overlap +10.0%" in rows[day - DAY].source_ref


def test_a_package_unknown_to_clickpy_gets_no_zeros(world: World, workspace: Workspace, backfill: Backfill):
    metric = a_metric("pypistats", metric_id="downloads:p:python", subject="other")
    recent = {day: v for day, v in world.pypi["pylance", False].items() if day > world.today - 50 * DAY}
    world.pypi["other", False] = recent
    backfill(("pypistats", "other"), first=world.today - 40 * DAY)
    workspace.store.upsert_observations([a_row(metric, world.today - 300 * DAY, 5)], differs)
    world.unknown_to_clickpy.add("other")
    backfill(("pypistats", "other"))
    before = {day for day in workspace.daily()["downloads:p:python"] if day < world.today - 181 * DAY}
    assert before == {world.today - 300 * DAY}


# -- crates.io -----------------------------------------------------------------------------------

LANCE, LANCEDB = ("cratesio", "lance"), ("cratesio", "lancedb")


def test_recent_days_are_requested_by_version(
    world: World, workspace: Workspace, services: Services, backfill: Backfill
):
    world.keeps_old_rows = True
    first = world.today - 120 * DAY
    backfill(LANCE, first=first)
    assert services.requests_to(FILES) == []
    assert workspace.daily()["downloads:p:rust"] == {
        day: value for day, value in world.crates["lance"].items() if first <= day < world.today
    }


def test_requests_by_version_are_used_when_faster(
    world: World, workspace: Workspace, services: Services, backfill: Backfill
):
    world.keeps_old_rows = True
    # The day between API and archive is stored, so no request by version is needed for it.
    backfill(LANCE, first=world.today - 90 * DAY)
    summary = backfill(LANCE, first=world.today - 170 * DAY)
    assert any("requests by version" in note and "which would take longer" in note for note in summary.notes)
    assert files_read(services) == []
    assert len(workspace.daily()["downloads:p:rust"]) == 170


def test_days_that_are_not_available_by_version_come_from_files(
    world: World, workspace: Workspace, services: Services, backfill: Backfill
):
    backfill(LANCE, first=world.today - 90 * DAY)
    backfill(LANCE, first=world.today - 170 * DAY)
    assert workspace.daily()["downloads:p:rust"] == {
        day: value for day, value in world.crates["lance"].items() if world.today - 170 * DAY <= day < world.today
    }


def test_the_day_between_api_and_archive_stays_missing_without_versions(
    world: World, workspace: Workspace, backfill: Backfill
):
    between = world.today - 90 * DAY
    world.crates["lance"][between] = 0
    summary = backfill(LANCE)
    stored = workspace.daily()["downloads:p:rust"]
    assert between not in stored
    assert {between - DAY, between + DAY} <= stored.keys()
    assert any(f"{between} is in neither" in note for note in summary.notes)
    # A row of another crate for that day proves that the service has published it, so the value is a true 0.
    backfill(LANCE, LANCEDB, first=between, last=between)
    assert workspace.daily()["downloads:p:rust"][between] == 0


def test_a_later_crate_is_not_read_from_the_cache_of_others(
    world: World, workspace: Workspace, services: Services, backfill: Backfill
):
    backfill(LANCE)
    assert len(files_read(services)) == len(archived(world))
    services.requests.clear()
    backfill(LANCE, LANCEDB)
    assert len(files_read(services)) == len(archived(world))
    day = world.today - 100 * DAY
    assert workspace.daily()["cratesio:lancedb"][day] == world.crates["lancedb"][day] > 0
    services.requests.clear()
    backfill(LANCE)
    assert files_read(services) == []


@pytest.mark.parametrize("fault", [faults.truncate, faults.html])
def test_a_damaged_archive_file_affects_its_day_only(fault, world: World, workspace: Workspace, backfill: Backfill):
    bad = world.today - 100 * DAY
    first = world.today - 110 * DAY
    world.faults = {FILES: faults.for_path(f"{bad}.csv", fault)}
    (outcome,) = backfill(LANCE, first=first).metrics
    assert str(bad) in outcome.error
    assert bad not in workspace.daily()["downloads:p:rust"]
    assert len(workspace.daily()["downloads:p:rust"]) == 109
    world.faults = {}
    assert backfill(LANCE, first=first).status is RunStatus.SUCCESS
    assert workspace.daily()["downloads:p:rust"][bad] == world.crates["lance"][bad]


def test_a_missing_archive_index_is_reported(world: World, workspace: Workspace, backfill: Backfill):
    world.faults = {FILES: faults.html}
    (outcome,) = backfill(LANCE).metrics
    assert "static.crates.io, archive index" in outcome.error
    assert len(workspace.daily()["downloads:p:rust"]) == 90


# -- stars and npm -------------------------------------------------------------------------------


def test_a_week_that_begins_during_the_star_history(world: World, workspace: Workspace, backfill: Backfill):
    def week_begins(request, usual) -> Reply:
        world.weeks_ahead |= request.query.get("page") == "2"
        return usual()

    world.faults = {GITHUB: week_begins}
    assert backfill(("github", "lance-format/lance")).warnings == ()
    assert workspace.daily()["stars:p:github"] == world.full()["stars:lance:github"]


@pytest.mark.parametrize(("stars", "warns"), [(1, 0), (5, 1)])
def test_a_star_history_that_differs_from_the_count_is_read_again(
    stars: int, warns: int, world: World, workspace: Workspace, services: Services, backfill: Backfill
):
    def more(request, usual) -> Reply:
        reply = usual()
        count = world.repositories["lance-format/lance"].count
        reply.body = reply.body.replace(b'"stargazers_count": %d' % count, b'"stargazers_count": %d' % (count + stars))
        return reply

    world.faults = {GITHUB: more}
    summary = backfill(("github", "lance-format/lance"))
    assert sum(f"{stars} fewer stars" in text for text in summary.warnings) == warns
    assert len(services.requests_to(GITHUB)) == 6 * (1 + warns)
    assert len(workspace.daily()["stars:p:github"]) == 900


def test_a_day_that_all_of_npm_lost_stays_missing(world: World, workspace: Workspace, backfill: Backfill):
    lost = world.today - timedelta(days=430)
    world.lost[NPM].add(lost)
    backfill(("npm", "@lancedb/lancedb"))
    stored = workspace.daily()["downloads:p:nodejs"]
    assert lost not in stored
    assert stored[lost - DAY] == world.npm["@lancedb/lancedb"][lost - DAY]
    assert min(stored) == min(day for day, value in world.npm["@lancedb/lancedb"].items() if value)


# -- output ----------------------------------------------------------------------------------------


def test_without_network_every_source_fails(offline: Workspace):
    done = offline.run("backfill", "--full", code=1)
    errors = [line for line in done.stderr.splitlines() if line.startswith("error")]
    assert len(errors) == 4
    for title in ("pypistats.org", "crates.io", "api.npmjs.org", "api.github.com"):
        assert sum(f"cannot connect to {title}" in line for line in errors) == 1
    assert not offline.cache.exists()


@pytest.mark.parametrize("others", [["--start", "2026-01-01"], ["--lookback-days", "5"], ["--end", "2026-01-01"]])
def test_the_whole_history_and_a_window_exclude_each_other(others: list[str]):
    error = CliRunner().invoke(app, ["backfill", "--full", *others]).exception
    assert isinstance(error, UsageError)
    assert "--full" in str(error)
