"""What a night finds wrong it says once, keeps, and mends as soon as it can be mended."""

from __future__ import annotations

from pathlib import Path

import pytest

from cmetrics.analytics.gaps import Reason
from cmetrics.analytics.series import star_flows
from cmetrics.domain.days import Span
from cmetrics.domain.run import MetricStatus, RunStatus
from tests.conftest import catalog_text
from tests.samples import a_table
from tests.world import faults
from tests.world.nights import Nights, remove_star
from tests.world.truth import CRATES, DAY, GITHUB, NPM, World

STARS, NODE, RUST, RUST_2 = "stars:p:github", "downloads:p:nodejs", "downloads:p:rust", "downloads:q:rust"


@pytest.fixture
def starred(nights: Nights) -> Nights:
    return with_catalog(nights, catalog_text(("github", "lance-format/lance")))


def with_catalog(nights: Nights, text: str) -> Nights:
    nights.catalog = Path(nights.folder, "cmetrics.toml")
    nights.catalog.write_text(text)
    nights.begin(nights.world.today - 40 * DAY)
    return nights


def rename(world: World, old: str, new: str) -> None:
    repository = world.repositories[old]
    repository.full_name = new
    world.renamed[old] = new


def without_zeros(world: World) -> None:
    world.npm["@lancedb/lancedb"] = {day: value or 9000 for day, value in world.npm["@lancedb/lancedb"].items()}


def one(summary):
    (outcome,) = summary.metrics
    return outcome


# -- renames -------------------------------------------------------------------------------------


def test_a_rename_is_told_once_remembered_by_id_and_stays_in_status(starred: Nights, world: World):
    starred.refresh()
    starred.sleep()
    rename(world, "lance-format/lance", "lance-format/next")
    warned = [starred.refresh().warnings for _ in range(2)]
    starred.sleep()
    warned += [starred.refresh().warnings for _ in range(2)]
    assert [len(warnings) for warnings in warned] == [1, 0, 0, 0]
    assert 'write subject = "lance-format/next" in cmetrics.toml' in warned[0][0]
    assert starred.state().quality.renamed == {STARS: "lance-format/next"}
    assert {row.source_ref.split(";")[0] for row in starred.rows()[-2:]} == {"github:lance-format/next#700000"}


def test_a_rename_that_is_older_than_the_memory_of_runs_is_not_told_again(starred: Nights, world: World):
    rename(world, "lance-format/lance", "lance-format/next")
    assert len(starred.refresh().warnings) == 1
    starred.sleep(100)
    assert starred.refresh().warnings == ()


def test_another_repository_under_the_old_name_is_an_error_and_no_new_series(starred: Nights, world: World):
    starred.refresh()
    before = starred.rows()
    starred.sleep()
    ours = world.repositories.pop("lance-format/lance")
    ours.full_name = "lance-format/next"
    world.repositories["lance-format/next"] = ours
    world.repositories["lance-format/lance"] = type(ours)("lance-format/lance", 99, ours.created, {world.yesterday: 3})
    failed = one(starred.refresh())
    assert failed.status is MetricStatus.FAILED
    assert "a different repository (id 99) from the one counted so far (id 700000), which is now lance-format/next" in (
        failed.error
    )
    assert starred.rows() == before
    del world.repositories["lance-format/next"]
    assert "which no longer exists" in one(starred.refresh()).error
    # However long ago it was counted last.
    starred.sleep(200)
    assert one(starred.refresh()).status is MetricStatus.FAILED
    assert starred.rows() == before


def test_the_repository_that_came_back_is_counted_on(starred: Nights, world: World):
    starred.refresh()
    world.repositories["lance-format/lance"].number = 99
    starred.sleep()
    assert one(starred.refresh()).status is MetricStatus.FAILED
    world.repositories["lance-format/lance"].number = 700_000
    assert one(starred.refresh()).status is MetricStatus.OK


def test_rows_of_an_earlier_version_know_no_id_and_the_first_one_that_is_seen_is_kept(starred: Nights, world: World):
    world.faults = {GITHUB: forget_ids}
    starred.refresh()
    world.faults = {}
    starred.sleep()
    assert one(starred.refresh()).status is MetricStatus.OK
    starred.sleep()
    world.repositories["lance-format/lance"].number = 99
    assert one(starred.refresh()).status is MetricStatus.FAILED


def forget_ids(request, usual):
    reply = usual()
    reply.body = reply.body.replace(b'"id": 700000, ', b"")
    return reply


def test_a_redirect_to_another_host_is_not_followed(starred: Nights, world: World):
    starred.refresh()
    before = starred.rows()
    starred.sleep()
    world.faults = {GITHUB: faults.redirects_elsewhere}
    assert "redirects to another host, which is not followed" in one(starred.refresh()).error
    assert starred.services.unknown_hosts == []
    assert starred.rows() == before


def test_a_repository_that_vanished_is_a_named_failure_and_its_history_stays(starred: Nights, world: World):
    starred.refresh()
    before = starred.rows()
    starred.sleep()
    del world.repositories["lance-format/lance"]
    summary = starred.refresh()
    assert summary.status is RunStatus.FAILED
    assert "/repos/lance-format/lance: not found (404)" in one(summary).error
    assert starred.rows() == before
    assert [gap.reason for gap in starred.state().quality.gaps[STARS]][-1] is Reason.FAILED


# -- stars that come and go ------------------------------------------------------------------------


def test_gains_and_losses_of_a_day_are_kept_with_its_count(starred: Nights, world: World):
    stars = world.repositories["lance-format/lance"].stars
    starred.refresh()
    starred.sleep()
    stars[world.yesterday] = 12
    starred.refresh()
    starred.sleep()
    stars[world.yesterday] = 9
    assert all(remove_star(world, "lance-format/lance", day) for day in (world.today - 3 * DAY, world.today - 2 * DAY))
    summary = starred.refresh()
    assert starred.rows()[-1].source_ref == "github:lance-format/lance#700000; gained 9"
    (flows,) = star_flows(a_table(starred.rows())).values()
    flow = flows[-1]
    assert (flow.last_day, flow.gained, flow.lost, flow.net) == (world.yesterday, 9, 2, 7)
    # The days between the unstarred star and the first count of its own are worked out anew, and said to be.
    assert one(summary).revised_days == 1
    assert summary.warnings == ()


def test_without_the_star_history_the_gains_of_a_day_stay_unknown(starred: Nights, world: World):
    starred.refresh()
    starred.sleep()
    world.faults = {GITHUB: faults.for_path("/stargazers/history", faults.server_error)}
    starred.refresh()
    assert starred.rows()[-1].source_ref == "github:lance-format/lance#700000"
    assert not any(star_flows(a_table(starred.rows())).values())


# -- revisions -------------------------------------------------------------------------------------


def test_a_revision_is_counted_kept_and_an_unusual_one_is_a_warning(nights: Nights, world: World):
    with_catalog(nights, catalog_text(("npm", "@lancedb/lancedb"), ("cratesio", "lance")))
    without_zeros(world)
    nights.refresh()
    assert nights.store.revisions() == []
    nights.sleep()
    values, day = world.npm["@lancedb/lancedb"], world.today - 20 * DAY
    was = {n: values[day - n * DAY] for n in range(3)}
    for n in range(3):
        values[day - n * DAY] += 7
    values[day] = was[0] * 3
    summary = nights.refresh()
    node, rust = summary.metrics
    assert (node.revised_days, rust.revised_days) == (3, 0)
    assert (node.largest_revision.old_value, node.largest_revision.new_value) == (was[0], was[0] * 3)
    (warning,) = summary.warnings
    assert warning.startswith(f"unusual revision of {NODE}: 1 settled day changed by more than half, most on {day}")
    kept = nights.report.revisions()
    assert [(r.first_day, r.last_day, r.old_value, r.new_value) for r in kept] == [
        (day - 2 * DAY, day - DAY, was[1], was[1] + 7),
        (day, day, was[0], was[0] * 3),
    ]
    assert {revision.ingestion_run_id for revision in kept} == {summary.run_id}
    assert [r.last_day for r in nights.state().quality.unusual_revisions] == [day]
    assert nights.store.runs()[0].error_summary == warning
    again = nights.refresh()
    assert (again.warnings, len(nights.store.revisions())) == ((), 2)


# -- values that cannot be believed ------------------------------------------------------------------


def test_a_doubtful_value_is_stored_told_once_and_replaced_by_the_next_reading(nights: Nights, world: World):
    with_catalog(nights, catalog_text(("npm", "@lancedb/lancedb")))
    world.lag[NPM] = 1
    without_zeros(world)
    nights.refresh()
    nights.sleep()
    day = world.yesterday
    values = world.npm["@lancedb/lancedb"]
    true, values[day] = values[day], 3
    (warning,) = nights.refresh().anomalies
    assert warning.startswith(f"doubtful: {NODE} has 3 on {day} (usual: about ")
    assert nights.store.runs()[0].error_summary is None, "the run has done nothing wrong"
    assert nights.rows()[-1].value == 3
    nights.sleep()
    assert nights.refresh().anomalies == ()
    assert [outlier.day for outlier in nights.state().quality.outliers] == [day]
    values[day] = true
    nights.sleep()
    assert nights.refresh().anomalies == ()
    assert nights.state().quality.outliers == ()
    assert {row.period_end: row.value for row in nights.rows()}[day] == true


def test_a_zero_of_a_busy_package_is_stored_when_it_was_read_on_three_nights(nights: Nights, world: World):
    """The first reading may be a cached one from before the day was counted; nothing untrue is stored meanwhile."""
    with_catalog(nights, catalog_text(("npm", "@lancedb/lancedb")))
    world.lag[NPM] = 1
    without_zeros(world)
    nights.refresh()
    nights.sleep()
    day = world.yesterday
    world.npm["@lancedb/lancedb"][day] = 0
    for night in range(3):
        summary = nights.refresh()
        assert summary.metrics[0].error is None
        stored = {row.period_end: row.value for row in nights.rows()}
        assert stored.get(day) == (0 if night == 2 else None)
        nights.sleep()


def test_a_drop_of_all_crates_is_told_as_the_registry_s(nights: Nights, world: World):
    text = catalog_text(("cratesio", "lance"))
    second = (
        '[[products]]\nid = "q"\ntitle = "Q"\n[[metrics]]\nproduct = "q"\nsource = "cratesio"\nsubject = "lancedb"\n'
    )
    with_catalog(nights, text + second)
    for crate, base in (("lance", 900), ("lancedb", 400)):
        world.crates[crate] = dict.fromkeys(world.crates[crate], base)
    nights.refresh()
    nights.sleep()
    for crate in ("lance", "lancedb"):
        world.crates[crate][world.yesterday] = 3
    (warning,) = nights.refresh().anomalies
    assert warning.startswith(f"cratesio dipped on {world.yesterday}: all 2 metrics together at 0% of the usual")
    findings = nights.state().quality
    assert findings.outliers == ()
    assert [registry_dip.metric_ids for registry_dip in findings.registry_dips] == [(RUST, RUST_2)]
    assert nights.refresh().anomalies == ()


# -- what costs nothing, and what is asked rarely ------------------------------------------------------


def test_a_day_that_a_registry_lost_long_ago_is_asked_for_once_a_week(nights: Nights, world: World):
    with_catalog(nights, catalog_text(("npm", "@lancedb/lancedb")))
    lost = world.today - 380 * DAY
    world.lost[NPM].add(lost)
    nights.refresh()
    asked = []
    for _ in range(36):
        nights.sleep()
        _, requests = nights.refresh_with_requests()
        assert len({(request.path, str(request.query)) for request in requests}) == len(requests)
        spans = [request.path.split("/")[3].split(":") for request in requests]
        asked.append(any(first <= lost.isoformat() <= last for first, last in spans))
    assert all(asked[:13])
    assert sum(asked[15:22]) == sum(asked[22:29]) == sum(asked[29:36]) == 1
    gaps = {gap.first_day: gap.reason for gap in nights.state().quality.gaps[NODE]}
    assert gaps[lost] is Reason.LOST
    world.lost[NPM].clear()
    for _ in range(7):
        nights.sleep()
        nights.refresh()
    assert lost in {row.period_end for row in nights.rows()}


def test_days_without_a_run_are_no_loss_and_come_back_with_the_next_one(nights: Nights, world: World):
    with_catalog(nights, catalog_text(("cratesio", "lance"), ("npm", "@lancedb/lancedb")))
    nights.refresh()
    nights.sleep(20)
    gaps = nights.state().quality.gaps
    assert [gap.reason for gap in gaps[RUST]] == [Reason.NOT_COLLECTED]
    assert gaps[RUST][0].days == 20
    nights.refresh()
    assert nights.state().quality.gaps[RUST] == ()
    assert [gap.reason for gap in nights.state().quality.gaps[NODE]][-1:] == [Reason.NOT_PUBLISHED]


def test_an_outage_is_explained_by_its_error_while_other_sources_go_on(nights: Nights, world: World):
    with_catalog(nights, catalog_text(("cratesio", "lance"), ("npm", "@lancedb/lancedb")))
    nights.refresh()
    world.faults = {CRATES: faults.server_error}
    for _ in range(2):
        nights.sleep()
        nights.refresh()
    (gap,) = nights.state().quality.gaps[RUST]
    assert Span(gap.first_day, gap.last_day) == Span(world.yesterday - DAY, world.yesterday)
    assert gap.reason is Reason.FAILED
    assert "answered 500" in gap.text
