"""Changes of the catalogue between two nights: series continue, and different series are not mixed."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from cmetrics.catalog import load_catalog
from cmetrics.domain.errors import UsageError
from cmetrics.domain.run import Job, MetricStatus, RunStatus
from cmetrics.ingest.run import Selection
from cmetrics.sources import SPECS
from tests.world.nights import Nights
from tests.world.truth import DAY

Entry = tuple[str, str, str]
ONE: Entry = ("p", "cratesio", "lance")
TWO: Entry = ("p", "cratesio", "lancedb")


def write(nights: Nights, *entries: Entry, extra: dict[str, str] | None = None) -> None:
    """Write a catalogue of ``(product, source, subject)``; ``extra`` has more lines by subject."""
    lines = ['contact = "https://example.com/contact"']
    for product in dict.fromkeys(product for product, _, _ in entries):
        lines += ["[[products]]", f'id = "{product}"', f'title = "{product}"']
    for product, source, subject in entries:
        lines += ["[[metrics]]", f'product = "{product}"', f'source = "{source}"', f'subject = "{subject}"']
        lines += [(extra or {}).get(subject, "")]
    nights.catalog = Path(nights.folder, "cmetrics.toml")
    nights.catalog.write_text("\n".join(lines) + "\n")


def values(nights: Nights) -> dict[str, dict]:
    found: dict[str, dict] = {}
    for row in nights.rows():
        found.setdefault(row.metric_id, {})[row.period_end] = row.value
    return found


def crate(nights: Nights, name: str, first, last) -> dict:
    return {day: value for day, value in nights.world.crates[name].items() if first <= day <= last}


def test_a_renamed_product_keeps_its_series(nights: Nights):
    nights.begin(nights.world.today - 3 * DAY)
    write(nights, ONE, ("p", "github", "lance-format/lance"))
    nights.refresh()
    before = values(nights)
    write(nights, ("alpha", "cratesio", "lance"), ("alpha", "github", "lance-format/lance"))
    nights.sleep()
    summary = nights.refresh()
    assert set(values(nights)) == set(before) == {"downloads:p:rust", "stars:p:github"}
    assert all(
        values(nights)[metric_id].items() >= days.items() for metric_id, days in before.items() if "rust" in metric_id
    )
    assert summary.warnings == (
        "the catalogue has moved downloads:p:rust, stars:p:github; the series continue under these ids",
    )
    (run,) = [run for run in nights.store.runs() if run.ingestion_run_id == summary.run_id]
    assert run.error_summary == summary.warnings[0]
    assert {(row.metric_id, row.product) for row in nights.store.definitions()} == {
        ("downloads:p:rust", "alpha"),
        ("stars:p:github", "alpha"),
    }
    assert nights.refresh().warnings == ()
    publication = nights.report.publication()
    assert {row.metric_id for row in publication.definitions} == set(before)
    (group,) = publication.dashboard.groups
    assert (group.product, [item.metric.metric_id for item in group.items]) == (
        "alpha",
        ["downloads:p:rust", "stars:p:github"],
    )


def test_readers_need_no_refresh_to_follow_the_catalogue(nights: Nights):
    """A page that is built right after the edit is as complete as before."""
    write(nights, ONE)
    nights.refresh()
    write(nights, ("alpha", "cratesio", "lance"))
    assert [m.metric.metric_id for m in nights.state().metrics] == ["downloads:p:rust"]
    assert nights.report.dashboard().groups[0].downloads[0].last_30_days


def test_a_metric_can_be_selected_by_either_id(nights: Nights):
    write(nights, ONE)
    nights.refresh()
    write(nights, ("alpha", "cratesio", "lance"))
    for metric_id in ("downloads:p:rust", "downloads:alpha:rust"):
        summary = nights.refresh(selection=Selection(metric_ids=(metric_id,)))
        assert [outcome.metric_id for outcome in summary.metrics] == ["downloads:p:rust"]
    runs = len(nights.store.runs())
    with pytest.raises(UsageError, match="not found in"):
        nights.refresh(selection=Selection(metric_ids=("downloads:beta:rust",)))
    assert len(nights.store.runs()) == runs


def test_split_and_merged_products_keep_their_series(nights: Nights):
    write(nights, ONE, ("q", "cratesio", "lancedb"))
    nights.refresh()
    before = values(nights)
    for entries in (
        (("m", "cratesio", "lancedb"), ("m", "cratesio", "lance")),
        (("q", "cratesio", "lance"), ("p", "cratesio", "lancedb")),
    ):
        write(nights, *entries)
        nights.refresh()
        assert values(nights) == before


def test_a_metric_added_again_continues(nights: Nights):
    """This is also so under another product. Meanwhile, the metric is inactive and not published."""
    write(nights, ONE, ("q", "cratesio", "lancedb"))
    nights.refresh()
    before = values(nights)["downloads:p:rust"]
    write(nights, ("q", "cratesio", "lancedb"))
    nights.refresh()
    active = {row.metric_id: row.is_active for row in nights.store.definitions()}
    assert active == {"downloads:p:rust": False, "downloads:q:rust": True}
    publication = nights.report.publication()
    assert {row.metric_id for row in publication.definitions} == {"downloads:q:rust"}
    assert publication.rows.metric_ids == ("downloads:q:rust",)
    write(nights, ("r", "cratesio", "lance"), ("q", "cratesio", "lancedb"))
    summary = nights.refresh()
    assert values(nights)["downloads:p:rust"] == before
    assert "downloads:p:rust" in summary.warnings[0]
    assert all(row.is_active for row in nights.store.definitions())


def test_an_explicit_id_moves_the_rows(nights: Nights):
    write(nights, ONE)
    nights.refresh()
    before = values(nights)["downloads:p:rust"]
    write(nights, ("alpha", "cratesio", "lance"), extra={"lance": 'id = "downloads:mine:it"'})
    summary = nights.refresh()
    assert values(nights) == {"downloads:mine:it": before}
    text = f"downloads:p:rust renamed to downloads:mine:it: {len(before)} values moved"
    assert summary.warnings == (text,)
    (run,) = [run for run in nights.store.runs() if run.job_name == Job.RENAME]
    assert (run.status, run.rows_inserted, run.error_summary) == (RunStatus.SUCCESS, len(before), text)
    assert [row.metric_id for row in nights.store.definitions()] == ["downloads:mine:it"]
    assert nights.refresh().warnings == ()
    # Without the line, the store still knows the id.
    write(nights, ("beta", "cratesio", "lance"))
    nights.refresh()
    assert values(nights) == {"downloads:mine:it": before}


def test_two_series_of_one_subject_are_reported(nights: Nights):
    """A store of a version that created a second series has such pairs; only the user can join them."""
    write(nights, ONE)
    nights.refresh()
    write(nights, ONE, extra={"lance": 'id = "downloads:mine:it"'})
    nights.store.save_definitions([replace(row, metric_id="downloads:mine:it") for row in nights.store.definitions()])
    notes = nights.refresh().notes
    assert "`cmetrics rename downloads:p:rust downloads:mine:it` merges them" in notes[0]


def test_another_package_under_a_known_id_fails_and_overwrites_nothing(nights: Nights):
    nights.begin(nights.world.today - 5 * DAY)
    write(nights, ONE, ("p", "github", "lance-format/lance"))
    nights.refresh()
    before = nights.rows()
    nights.sleep()
    write(nights, TWO, ("p", "github", "lance-format/lance"))
    for _ in range(2):
        summary = nights.refresh()
        failed, stars = summary.metrics
        assert (summary.status, failed.status, stars.status) == (
            RunStatus.PARTIAL,
            MetricStatus.FAILED,
            MetricStatus.OK,
        )
        assert failed.error == (
            "downloads:p:rust contains values of cratesio package lance; give lancedb its own metric "
            '(id = "downloads:p:rust:lancedb"), or write continues = ["lance"] in its entry if it continues it'
        )
        assert [row for row in nights.rows() if "rust" in row.metric_id] == [r for r in before if "rust" in r.metric_id]
    assert {row.subject for row in nights.store.definitions() if row.source == "cratesio"} == {"lance"}
    # Following the advice works.
    write(nights, TWO, extra={"lancedb": 'id = "downloads:p:rust:lancedb"'})
    assert nights.refresh().status is RunStatus.SUCCESS
    assert set(values(nights)) == {"downloads:p:rust", "downloads:p:rust:lancedb", "stars:p:github"}
    # Reverting the edit works, too.
    write(nights, ONE)
    assert nights.refresh().status is RunStatus.SUCCESS


def test_a_continued_package_extends_the_series(nights: Nights):
    nights.begin(nights.world.today - 5 * DAY)
    write(nights, ONE)
    nights.refresh()
    before = values(nights)["downloads:p:rust"]
    seam = max(before)
    write(nights, TWO, extra={"lancedb": 'continues = ["lance"]'})
    for _ in range(4):
        nights.sleep()
        assert nights.refresh().status is RunStatus.SUCCESS
    after = values(nights)["downloads:p:rust"]
    last = nights.world.yesterday
    assert after == before | crate(nights, "lancedb", seam + DAY, last)
    (event,) = nights.report.dashboard().events
    assert (event.day, event.label, event.products) == (seam + DAY, "Rust: lance until here, then lancedb", ("p",))
    (row,) = nights.store.definitions()
    assert row.subject == "lancedb"
    # A recomputed window does not change the days of the old package.
    nights.refresh(lookback_days=60)
    assert values(nights)["downloads:p:rust"] == after


def test_a_subject_without_a_value_may_be_corrected(nights: Nights):
    write(nights, ("p", "cratesio", "lancce"))
    assert nights.refresh().status is RunStatus.FAILED
    write(nights, ONE)
    assert nights.refresh().status is RunStatus.SUCCESS


def test_a_renamed_repository_in_a_renamed_product_is_recognised(nights: Nights):
    world = nights.world
    write(nights, ("p", "github", "lance-format/lance"))
    nights.refresh()
    before = values(nights)["stars:p:github"]
    repository = world.repositories.pop("lance-format/lance")
    repository.full_name = "new/lance"
    world.repositories["new/lance"] = repository
    world.renamed["lance-format/lance"] = "new/lance"
    nights.sleep()
    nights.refresh()
    write(nights, ("alpha", "github", "new/lance"))
    nights.sleep()
    nights.refresh()
    (metric_id,) = values(nights)
    assert metric_id == "stars:p:github"
    assert set(values(nights)[metric_id]) > set(before)


def test_the_default_catalogue_keeps_its_ids(nights: Nights):
    nights.refresh()
    assert {row.metric_id for row in nights.store.definitions()} == {
        metric.metric_id for metric in load_catalog(None, SPECS).metrics
    }
    assert nights.refresh().notes == ()
