"""Outcomes of metrics, and their use by commands that read the store."""

from __future__ import annotations

from pathlib import Path

from cmetrics.analytics.gaps import Reason
from cmetrics.domain.metric import definition
from cmetrics.domain.run import MetricStatus, RunStatus
from cmetrics.ingest.run import Selection
from tests.conftest import catalog_text
from tests.samples import a_metric
from tests.world import faults
from tests.world.nights import Nights
from tests.world.truth import CRATES, DAY, World

RUST, NODE = "downloads:p:rust", "downloads:p:nodejs"
BOTH = catalog_text(("cratesio", "lance"), ("npm", "@lancedb/lancedb"))


def with_catalog(nights: Nights, text: str) -> Nights:
    nights.catalog = Path(nights.folder, "cmetrics.toml")
    nights.catalog.write_text(text)
    return nights


def test_every_metric_of_a_run_has_a_row(nights: Nights, world: World):
    """The row contains the requested window, the status and the error."""
    with_catalog(nights, BOTH)
    nights.refresh()
    world.faults = {CRATES: faults.server_error}
    nights.sleep()
    summary = nights.refresh()
    newest = {row.metric_id: row for row in nights.store.outcomes() if row.ingestion_run_id == summary.run_id}
    assert {metric_id: row.status for metric_id, row in newest.items()} == {
        RUST: MetricStatus.FAILED,
        NODE: MetricStatus.PENDING,
    }
    assert newest[NODE].requested_to == newest[RUST].requested_to == world.yesterday
    assert newest[NODE].error is None
    assert newest[RUST].error is not None
    assert newest[RUST].error in (nights.store.runs()[0].error_summary or "")


def test_three_hundred_failures_have_outcomes(nights: Nights):
    """Only the summary of a run is shortened."""
    entries = "".join(
        f'[[metrics]]\nproduct = "p"\nsource = "npm"\nsubject = "@nobody/{"long-" * 12}{n}"\nid = "downloads:p:{n}"\n'
        for n in range(300)
    )
    with_catalog(nights, f'contact = "a@example.com"\n[[products]]\nid = "p"\ntitle = "P"\n{entries}')
    assert nights.refresh().status is RunStatus.FAILED
    assert len(nights.store.runs()[0].error_summary or "") <= 20_000
    status = nights.state()
    assert sum(metric.last_error is not None for metric in status.metrics) == 300
    assert {gap.reason for gaps in status.quality.gaps.values() for gap in gaps} <= {
        Reason.FAILED,
        Reason.NO_LONGER_AVAILABLE,
    }


def test_a_refresh_of_some_metrics_does_not_affect_others(nights: Nights):
    """Days that were not requested are not collected, whatever the status of the run."""
    with_catalog(nights, BOTH)
    nights.refresh()
    nights.sleep(3)
    assert nights.refresh(selection=Selection(metric_ids=(NODE,))).status is RunStatus.SUCCESS
    (gap,) = nights.state().quality.gaps[RUST]
    assert (gap.days, gap.reason) == (3, Reason.NOT_COLLECTED)


def test_an_error_ends_with_the_next_success(nights: Nights, world: World):
    """`last_error` has its date, and is cleared by the next success."""
    with_catalog(nights, BOTH)
    world.faults = {CRATES: faults.server_error}
    nights.refresh()
    rust, node = nights.state().metrics
    assert rust.last_error is not None
    assert (rust.last_error_at, node.last_error) == (nights.now(), None)
    world.faults = {}
    nights.refresh(selection=Selection(family="downloads"))
    assert [metric.last_error for metric in nights.state().metrics] == [None, None]


def test_status_and_page_show_the_same_missing_days(nights: Nights, world: World):
    """`status` and the page show the same gaps."""
    with_catalog(nights, BOTH)
    world.lost["api.npmjs.org"].add(world.today - 9 * DAY)
    nights.refresh()
    nights.sleep(2)  # npm is a day late
    status, publication = nights.state(), nights.report.publication()
    assert status.quality == publication.quality
    gaps = status.quality.gaps[NODE]
    assert status.quality.missing_days(NODE) == sum(gap.days for gap in gaps if gap.is_missing) == 4


def test_a_removed_metric_is_inactive_and_not_published(nights: Nights):
    """Its rows stay in the store; if it is added to the catalogue again, it is active."""
    with_catalog(nights, BOTH)
    nights.refresh()
    with_catalog(nights, catalog_text(("npm", "@lancedb/lancedb")))
    nights.refresh()
    assert {row.metric_id: row.is_active for row in nights.store.definitions()} == {RUST: False, NODE: True}
    publication = nights.report.publication()
    assert [row.metric_id for row in publication.definitions] == [NODE]
    assert publication.rows.metric_ids == (NODE,)
    assert RUST in {row.metric_id for row in nights.all_rows()}
    with_catalog(nights, BOTH)
    nights.refresh()
    assert {row.metric_id: row.is_active for row in nights.store.definitions()} == {RUST: True, NODE: True}


def test_definitions_of_another_program_are_unchanged(nights: Nights):
    """Definitions of ids that no run of this program has collected are not changed."""
    with_catalog(nights, BOTH)
    nights.refresh()
    foreign = definition(a_metric("npm", metric_id="downloads:other:nodejs"), nights.now())
    nights.store.save_definitions([foreign])
    nights.sleep()
    nights.refresh()
    assert [row for row in nights.store.definitions() if row.metric_id == foreign.metric_id] == [foreign]


def test_a_metric_of_an_earlier_version_is_recognized(nights: Nights):
    """Rows of earlier versions are recognized by the ids of their runs."""
    with_catalog(nights, BOTH)
    nights.refresh()
    nights.drop("outcomes")
    with_catalog(nights, catalog_text(("npm", "@lancedb/lancedb")))
    nights.refresh()
    assert {row.metric_id: row.is_active for row in nights.store.definitions()} == {RUST: False, NODE: True}
