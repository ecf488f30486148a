"""Problems are reported once, remembered, and resolved as soon as possible."""

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


def test_a_rename_is_reported_once_and_stays_in_status(starred: Nights, world: World):
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


def test_an_old_rename_is_not_reported_again(starred: Nights, world: World):
    rename(world, "lance-format/lance", "lance-format/next")
    assert len(starred.refresh().warnings) == 1
    starred.sleep(100)
    assert starred.refresh().warnings == ()


def test_another_repository_with_the_old_name_is_an_error(starred: Nights, world: World):
    starred.refresh()
    before = starred.rows()
    starred.sleep()
    repository = world.repositories.pop("lance-format/lance")
    repository.full_name = "lance-format/next"
    world.repositories["lance-format/next"] = repository
    world.repositories["lance-format/lance"] = type(repository)(
        "lance-format/lance", 99, repository.created, {world.yesterday: 3}
    )
    failed = one(starred.refresh())
    assert failed.status is MetricStatus.FAILED
    assert "a different repository (id 99) from the one counted so far (id 700000), which is now lance-format/next" in (
        failed.error
    )
    assert starred.rows() == before
    del world.repositories["lance-format/next"]
    assert "which no longer exists" in one(starred.refresh()).error
    # This holds however long ago it was last counted.
    starred.sleep(200)
    assert one(starred.refresh()).status is MetricStatus.FAILED
    assert starred.rows() == before


def test_a_restored_repository_continues(starred: Nights, world: World):
    starred.refresh()
    world.repositories["lance-format/lance"].number = 99
    starred.sleep()
    assert one(starred.refresh()).status is MetricStatus.FAILED
    world.repositories["lance-format/lance"].number = 700_000
    assert one(starred.refresh()).status is MetricStatus.OK


def test_the_first_known_id_of_a_repository_is_stored(starred: Nights, world: World):
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


def test_a_deleted_repository_is_an_error_and_its_rows_stay(starred: Nights, world: World):
    starred.refresh()
    before = starred.rows()
    starred.sleep()
    del world.repositories["lance-format/lance"]
    summary = starred.refresh()
    assert summary.status is RunStatus.FAILED
    assert "/repos/lance-format/lance: not found (404)" in one(summary).error
    assert starred.rows() == before
    assert [gap.reason for gap in starred.state().quality.gaps[STARS]][-1] is Reason.FAILED


# -- gained and lost stars ---------------------------------------------------------------------------


def test_gained_and_lost_stars_are_stored_with_the_count(starred: Nights, world: World):
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
    # The days between the removed star and the first count are reconstructed again, and marked as such.
    assert one(summary).revised_days == 1
    assert summary.warnings == ()


def test_without_the_star_history_gained_stars_are_unknown(starred: Nights, world: World):
    starred.refresh()
    starred.sleep()
    world.faults = {GITHUB: faults.for_path("/stargazers/history", faults.server_error)}
    starred.refresh()
    assert starred.rows()[-1].source_ref == "github:lance-format/lance#700000"
    assert not any(star_flows(a_table(starred.rows())).values())


# -- revisions -------------------------------------------------------------------------------------


def test_revisions_are_stored_and_unusual_ones_are_warnings(nights: Nights, world: World):
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
    revisions = nights.report.revisions()
    assert [(r.first_day, r.last_day, r.old_value, r.new_value) for r in revisions] == [
        (day - 2 * DAY, day - DAY, was[1], was[1] + 7),
        (day, day, was[0], was[0] * 3),
    ]
    assert {revision.ingestion_run_id for revision in revisions} == {summary.run_id}
    assert [r.last_day for r in nights.state().quality.unusual_revisions] == [day]
    assert nights.store.runs()[0].error_summary == warning
    again = nights.refresh()
    assert (again.warnings, len(nights.store.revisions())) == ((), 2)


# -- doubtful values -------------------------------------------------------------------------------


def test_a_doubtful_value_is_stored_reported_once_and_replaced(nights: Nights, world: World):
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
    assert nights.store.runs()[0].error_summary is None, "a doubtful value is not an error of the run"
    assert nights.rows()[-1].value == 3
    nights.sleep()
    assert nights.refresh().anomalies == ()
    assert [outlier.day for outlier in nights.state().quality.outliers] == [day]
    values[day] = true
    nights.sleep()
    assert nights.refresh().anomalies == ()
    assert nights.state().quality.outliers == ()
    assert {row.period_end: row.value for row in nights.rows()}[day] == true


def test_a_zero_of_a_large_package_is_stored_after_three_nights(nights: Nights, world: World):
    """The first readings may be cached ones from before the day was counted, so nothing is stored meanwhile."""
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


def test_a_drop_of_all_crates_is_reported_for_the_registry(nights: Nights, world: World):
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


# -- lost days and outages -------------------------------------------------------------------------


def test_an_old_lost_day_is_requested_once_a_week(nights: Nights, world: World):
    with_catalog(nights, catalog_text(("npm", "@lancedb/lancedb")))
    lost = world.today - 380 * DAY
    world.lost[NPM].add(lost)
    nights.refresh()
    requested_days = []
    for _ in range(36):
        nights.sleep()
        _, requests = nights.refresh_with_requests()
        assert len({(request.path, str(request.query)) for request in requests}) == len(requests)
        spans = [request.path.split("/")[3].split(":") for request in requests]
        requested_days.append(any(first <= lost.isoformat() <= last for first, last in spans))
    assert all(requested_days[:13])
    assert sum(requested_days[15:22]) == sum(requested_days[22:29]) == sum(requested_days[29:36]) == 1
    gaps = {gap.first_day: gap.reason for gap in nights.state().quality.gaps[NODE]}
    assert gaps[lost] is Reason.LOST
    world.lost[NPM].clear()
    for _ in range(7):
        nights.sleep()
        nights.refresh()
    assert lost in {row.period_end for row in nights.rows()}


def test_days_without_a_run_are_filled_by_the_next_one(nights: Nights, world: World):
    with_catalog(nights, catalog_text(("cratesio", "lance"), ("npm", "@lancedb/lancedb")))
    nights.refresh()
    nights.sleep(20)
    gaps = nights.state().quality.gaps
    assert [gap.reason for gap in gaps[RUST]] == [Reason.NOT_COLLECTED]
    assert gaps[RUST][0].days == 20
    nights.refresh()
    assert nights.state().quality.gaps[RUST] == ()
    assert [gap.reason for gap in nights.state().quality.gaps[NODE]][-1:] == [Reason.NOT_PUBLISHED]


def test_an_outage_affects_one_source_and_has_its_error(nights: Nights, world: World):
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
