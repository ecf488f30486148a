"""Matching of stored ids with a changed catalogue: an id belongs to one subject of one source."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cmetrics.catalog import Catalog
from cmetrics.domain.metric import Definition, Metric, Product, definition
from cmetrics.identity import match_ids
from cmetrics.seed import load_seed
from cmetrics.sources import SPECS
from tests.samples import a_metric

AT = datetime(2026, 1, 1, tzinfo=UTC)


def a_catalog(*metrics: Metric, stated: tuple[str, ...] = ()) -> Catalog:
    """Return a catalogue whose metrics have default ids, except those in ``stated``."""
    return Catalog(
        Path("cmetrics.toml"),
        "Title",
        "https://example.com/",
        tuple(Product(product, product) for product in dict.fromkeys(m.product for m in metrics)),
        metrics,
        {},
        default_ids=frozenset(m.metric_id for m in metrics if m.metric_id not in stated),
    )


def npm(product: str, subject: str = "one", tail: str = "", **changes) -> Metric:
    given = {"metric_id": f"downloads:{product}:nodejs{tail}", "product": product, "subject": subject}
    return a_metric(**(given | changes))


def stored(*metrics: Metric) -> list[Definition]:
    """Return definitions that were created on successive days."""
    return [definition(metric, AT + timedelta(days=number)) for number, metric in enumerate(metrics)]


def test_an_unchanged_catalogue_stays_the_same_object():
    catalog = a_catalog(npm("p"), npm("q", "two"))
    for rows in ([], stored(npm("p")), stored(npm("p"), npm("q", "two"), npm("left", "three"))):
        found = match_ids(catalog, rows, SPECS)
        assert found.catalog is catalog
        assert (found.kept, found.moved, found.doubled) == ((), (), ())


def test_a_renamed_product_keeps_its_ids():
    found = match_ids(a_catalog(npm("new")), stored(npm("old")), SPECS)
    (metric,) = found.catalog.metrics
    assert (metric.metric_id, metric.product) == ("downloads:old:nodejs", "new")
    assert found.kept == ("downloads:old:nodejs",)
    assert found.catalog.aliases == {"downloads:new:nodejs": "downloads:old:nodejs"}
    assert found.catalog.default_ids == {"downloads:old:nodejs"}


def test_the_move_is_reported_once():
    """The refresh that moves a metric stores its new product, so that the next one reports nothing."""
    row = stored(npm("new", metric_id="downloads:old:nodejs"))[0]
    moved = replace(row, metric_id="downloads:old:nodejs")
    assert match_ids(a_catalog(npm("new")), [moved], SPECS).kept == ()
    assert match_ids(a_catalog(npm("new")), [replace(moved, is_active=False)], SPECS).kept == ("downloads:old:nodejs",)


def test_subjects_are_compared_as_the_source_does():
    metric = a_metric("cratesio", product="new", metric_id="downloads:new:rust", subject="Some_Crate")
    old = a_metric("cratesio", metric_id="downloads:old:rust", subject="some-crate")
    assert match_ids(a_catalog(metric), stored(old), SPECS).catalog.metrics[0].metric_id == "downloads:old:rust"


def test_a_split_product_gives_no_id_to_another_package():
    """When `one` moves to a new product and `two` takes its place, `one` keeps the id."""
    catalog = a_catalog(npm("p", "two"), npm("q", "one"))
    found = match_ids(catalog, stored(npm("p", "one")), SPECS).catalog
    assert [(m.subject, m.metric_id) for m in found.metrics] == [
        ("two", "downloads:p:nodejs:two"),
        ("one", "downloads:p:nodejs"),
    ]


def test_two_exchanged_products_keep_their_series():
    catalog = a_catalog(npm("p", "two"), npm("q", "one"))
    found = match_ids(catalog, stored(npm("p", "one"), npm("q", "two")), SPECS).catalog
    assert {m.subject: m.metric_id for m in found.metrics} == {
        "one": "downloads:p:nodejs",
        "two": "downloads:q:nodejs",
    }


def test_merged_products_keep_both_series_in_any_order():
    rows = stored(npm("p", "one"), npm("q", "two"))
    for first, second in (("one", "two"), ("two", "one")):
        catalog = a_catalog(npm("m", first), npm("m", second, f":{second}"))
        found = match_ids(catalog, rows, SPECS).catalog
        assert {m.subject: m.metric_id for m in found.metrics} == {
            "one": "downloads:p:nodejs",
            "two": "downloads:q:nodejs",
        }


def test_a_subject_that_was_edited_in_place_keeps_its_id():
    """Whether the new subject continues the series depends on the rows, which are not checked here."""
    found = match_ids(a_catalog(npm("p", "two")), stored(npm("p", "one")), SPECS)
    assert found.catalog.metrics[0].metric_id == "downloads:p:nodejs"
    assert found.kept == ()


def test_a_stated_id_moves_the_rows():
    metric = npm("p", metric_id="downloads:mine:it")
    found = match_ids(a_catalog(metric, stated=("downloads:mine:it",)), stored(npm("old")), SPECS)
    assert found.catalog.metrics == (metric,)
    assert found.moved == (("downloads:old:nodejs", "downloads:mine:it"),)


def test_no_series_moves_to_a_stored_id():
    """Two series of one subject are reported, and never joined automatically."""
    mine = npm("p", metric_id="downloads:mine:it")
    for stated in ((), ("downloads:mine:it",)):
        found = match_ids(a_catalog(mine, stated=stated), stored(npm("old"), mine), SPECS)
        assert found.moved == ()
        assert found.catalog.metrics == (mine,)
        assert found.doubled == (("downloads:mine:it", "downloads:old:nodejs"),)


def test_of_two_former_ids_the_one_of_the_same_form_is_used():
    old = [npm("older", tail=":one"), npm("old")]
    assert match_ids(a_catalog(npm("p")), stored(*old), SPECS).catalog.metrics[0].metric_id == "downloads:old:nodejs"


def test_a_repository_is_found_by_its_present_name():
    star = a_metric("github", product="new", metric_id="stars:new:github", subject="owner/now")
    old = a_metric("github", metric_id="stars:old:github", subject="owner/then")
    assert match_ids(a_catalog(star), stored(old), SPECS).catalog.metrics == (star,)
    found = match_ids(a_catalog(star), stored(old), SPECS, {"stars:old:github": "Owner/Now"})
    assert found.catalog.metrics[0].metric_id == "stars:old:github"


def test_rows_of_unknown_sources_are_ignored():
    row = replace(stored(npm("old"))[0], source="conda")
    assert match_ids(a_catalog(npm("new")), [row], SPECS).catalog.metrics[0].metric_id == "downloads:new:nodejs"


def test_a_seed_file_may_name_either_id(tmp_path: Path):
    seed = tmp_path / "seed.csv"
    for named in ("downloads:old:nodejs", "downloads:new:nodejs"):
        seed.write_text(f"metric_id,date,value\n{named},2025-01-31,5\n")
        catalog = replace(a_catalog(npm("new")), seeds={"downloads:new:nodejs": seed})
        (row,) = load_seed(match_ids(catalog, stored(npm("old")), SPECS).catalog, "run")
        assert (row.metric_id, row.value) == ("downloads:old:nodejs", 5)


def test_a_package_takes_over_the_series_that_it_continues():
    """This also works if the product was renamed, so that the default id has changed."""
    metric = npm("new", "two", continues=("one",))
    assert (
        match_ids(a_catalog(metric), stored(npm("old")), SPECS).catalog.metrics[0].metric_id == "downloads:old:nodejs"
    )
    both = [npm("old"), npm("mine", "two")]
    assert match_ids(a_catalog(metric), stored(*both), SPECS).catalog.metrics[0].metric_id == "downloads:mine:nodejs"
