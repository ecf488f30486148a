"""What became of every metric of every run, and what the readers of the store make of it."""

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
    """The row names the requested window, the status and the error."""
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


def test_three_hundred_failures_are_known_one_by_one(nights: Nights):
    """The summary for people is cut; the outcomes are not."""
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


def test_a_narrowed_refresh_claims_nothing_of_other_metrics(nights: Nights):
    """Days that it did not request are not collected yet, whatever its status."""
    with_catalog(nights, BOTH)
    nights.refresh()
    nights.sleep(3)
    assert nights.refresh(selection=Selection(metric_ids=(NODE,))).status is RunStatus.SUCCESS
    (gap,) = nights.state().quality.gaps[RUST]
    assert (gap.days, gap.reason) == (3, Reason.NOT_COLLECTED)


def test_an_error_ends_with_the_next_success(nights: Nights, world: World):
    """`last_error` carries its date and goes with the first answer."""
    with_catalog(nights, BOTH)
    world.faults = {CRATES: faults.server_error}
    nights.refresh()
    rust, node = nights.state().metrics
    assert rust.last_error is not None
    assert (rust.last_error_at, node.last_error) == (nights.now(), None)
    world.faults = {}
    nights.refresh(selection=Selection(family="downloads"))
    assert [metric.last_error for metric in nights.state().metrics] == [None, None]


def test_missing_days_agree_everywhere(nights: Nights, world: World):
    """One computation of the gaps for `status` and the page."""
    with_catalog(nights, BOTH)
    world.lost["api.npmjs.org"].add(world.today - 9 * DAY)
    nights.refresh()
    nights.sleep(2)  # and npm is a day late
    status, publication = nights.state(), nights.report.publication()
    assert status.quality == publication.quality
    gaps = status.quality.gaps[NODE]
    assert status.quality.missing_days(NODE) == sum(gap.days for gap in gaps if gap.is_missing) == 4


def test_a_metric_that_left_the_catalogue_is_inactive_and_published_nowhere(nights: Nights):
    """It stays in the store; back in the catalogue it is active again."""
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


def test_rows_of_another_program_stay_as_they_are(nights: Nights):
    """An id that no run of this program has collected is not ours to change."""
    with_catalog(nights, BOTH)
    nights.refresh()
    foreign = definition(a_metric("npm", metric_id="downloads:other:nodejs"), nights.now())
    nights.store.save_definitions([foreign])
    nights.sleep()
    nights.refresh()
    assert [row for row in nights.store.definitions() if row.metric_id == foreign.metric_id] == [foreign]


def test_a_metric_collected_before_the_table_existed_is_ours(nights: Nights):
    """Values of runs of earlier versions show it by the ids of their runs."""
    with_catalog(nights, BOTH)
    nights.refresh()
    nights.drop("outcomes")
    with_catalog(nights, catalog_text(("npm", "@lancedb/lancedb")))
    nights.refresh()
    assert {row.metric_id: row.is_active for row in nights.store.definitions()} == {RUST: False, NODE: True}
