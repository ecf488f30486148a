from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cmetrics.domain.days import DAY
from cmetrics.domain.metric import KnownLoss, Metric
from cmetrics.domain.observation import Observation, Provenance, SourceWindow
from cmetrics.ingest.reconcile import differs, newer_wins, overwrite_rule, same_statement
from cmetrics.sources import SPECS
from cmetrics.store.schema import STATS, encode
from tests.depth import deep
from tests.ingest import slow_rules
from tests.rules import decide
from tests.samples import a_metric, a_row, a_snapshot

DAY_0 = date(2026, 11, 2)
NPM, CRATES, STARS = a_metric("npm"), a_metric("cratesio"), a_metric("github")
COUNTED, RECONSTRUCTED = "github:owner/name", "github-history:owner/name"
#: The reference in rows of earlier programs.
OLD_RECONSTRUCTED = "github-stargazers:owner/name"


def overwrites(metric: Metric, stored: Observation, new: Observation) -> bool:
    return decide(overwrite_rule({metric.metric_id: metric}, SPECS), stored, new)


def read_after(metric: Metric, value: int, days: int) -> Observation:
    """Return a value of DAY_0 that was read ``days`` days later, just before midnight."""
    at = datetime.combine(DAY_0 + days * DAY, time(23, 59), UTC)
    return a_row(metric, DAY_0, value, observed_at=at, ingestion_run_id="refresh-2")


def stars(value: int, source_ref: str) -> Observation:
    return a_row(STARS, DAY_0, value, source_ref=source_ref)


# -- downloads -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("stored", "new", "wins"),
    [(10, 12, True), (10, 8, True), (0, 8, True), (10, 0, False), (10, 10, False), (0, 0, False)],
)
def test_the_newer_value_wins_except_a_zero(stored, new, wins):
    assert overwrites(NPM, a_row(NPM, DAY_0, stored), read_after(NPM, new, days=30)) is wins


@pytest.mark.parametrize(
    ("days", "value", "wins"),
    [(1, 9, False), (7, 9, False), (8, 9, True), (1, 11, True), (7, 11, True), (8, 11, True)],
)
def test_the_larger_value_of_a_growing_day_wins(days, value, wins):
    assert SPECS["cratesio"].growing_days == 7
    assert overwrites(CRATES, a_row(CRATES, DAY_0, 10), read_after(CRATES, value, days)) is wins


def test_a_value_may_decrease_if_days_do_not_grow():
    assert SPECS["npm"].growing_days == 0
    assert overwrites(NPM, a_row(NPM, DAY_0, 10), read_after(NPM, 9, days=1))


def test_the_same_value_read_again_by_another_command_changes_nothing():
    again = replace(read_after(NPM, 10, days=9), provenance=Provenance.RECOMPUTED, source_ref="npm:other")
    assert not overwrites(NPM, a_row(NPM, DAY_0, 10), again)


# -- seeded snapshots ----------------------------------------------------------------------------


def test_a_snapshot_replaces_nothing():
    assert not overwrites(NPM, a_row(NPM, DAY_0, 10), a_snapshot(NPM, DAY_0, 900))
    assert not overwrites(NPM, a_snapshot(NPM, DAY_0, 800), a_snapshot(NPM, DAY_0, 900))


@pytest.mark.parametrize("value", [10, 900, 0])
@pytest.mark.parametrize(
    ("daily_from", "wins"),
    [(DAY_0 + DAY, False), (DAY_0, True), (DAY_0 - DAY, True), (None, True)],
)
def test_a_daily_value_replaces_a_snapshot_from_daily_from_on(daily_from, wins, value):
    metric = a_metric("cratesio", daily_from=daily_from)
    assert overwrites(metric, a_snapshot(metric, DAY_0, 900), read_after(metric, value, days=1)) is wins


# -- stars ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("reconstructed", [RECONSTRUCTED, OLD_RECONSTRUCTED])
def test_a_reconstructed_count_never_replaces_a_counted_one(reconstructed):
    for value in (50, 60, 70):
        assert not overwrites(STARS, stars(60, COUNTED), stars(value, reconstructed))


@pytest.mark.parametrize("reconstructed", [RECONSTRUCTED, OLD_RECONSTRUCTED])
def test_a_counted_value_always_replaces_a_reconstructed_one(reconstructed):
    for value in (50, 60, 70):
        assert overwrites(STARS, stars(60, reconstructed), stars(value, COUNTED))


@pytest.mark.parametrize(("stored", "new"), [(RECONSTRUCTED, RECONSTRUCTED), (OLD_RECONSTRUCTED, RECONSTRUCTED)])
def test_a_reconstructed_count_is_replaced_by_a_newer_one(stored, new):
    assert overwrites(STARS, stars(60, stored), stars(59, new))
    assert not overwrites(STARS, stars(60, stored), stars(60, new))


@pytest.mark.parametrize("stored", [COUNTED, RECONSTRUCTED, OLD_RECONSTRUCTED])
def test_a_history_without_stars_replaces_no_count(stored):
    assert not overwrites(STARS, stars(60, stored), stars(0, RECONSTRUCTED))


def test_stars_may_fall_and_may_fall_to_zero():
    assert overwrites(STARS, stars(60, COUNTED), stars(59, COUNTED))
    assert overwrites(STARS, stars(1, COUNTED), stars(0, COUNTED))
    assert not overwrites(STARS, stars(60, COUNTED), stars(60, COUNTED))


def test_a_seeded_star_count_is_a_counted_value():
    loaded = replace(stars(60, "seed:stars.csv"), provenance=Provenance.CSV_SEED)
    assert not loaded.is_seed
    assert not overwrites(STARS, loaded, stars(60, COUNTED))
    assert not overwrites(STARS, loaded, stars(59, RECONSTRUCTED))
    assert overwrites(STARS, loaded, stars(59, COUNTED))


# -- equality of two rows ------------------------------------------------------------------------


@pytest.mark.parametrize(
    "changes",
    [
        {"value": 11},
        {"period_start": DAY_0 - DAY},
        {"source_window": "cumulative_snapshot"},
        {"source_ref": RECONSTRUCTED},
        {"provenance": Provenance.CSV_SEED},
    ],
)
def test_rows_with_visible_differences_are_not_equal(changes):
    row = a_row(NPM, DAY_0, 10)
    assert not decide(same_statement, row, replace(row, **changes))


def test_rows_of_different_runs_are_equal():
    row = a_row(NPM, DAY_0, 10)
    later = replace(
        row, observed_at=row.observed_at + DAY, ingestion_run_id="backfill-9", provenance=Provenance.RECOMPUTED
    )
    assert decide(same_statement, row, later)


def test_each_metric_has_the_rule_of_its_source():
    rule = overwrite_rule({metric.metric_id: metric for metric in (NPM, CRATES, STARS)}, SPECS)
    assert decide(rule, a_row(NPM, DAY_0, 10), read_after(NPM, 9, days=1))
    assert not decide(rule, a_row(CRATES, DAY_0, 10), read_after(CRATES, 9, days=1))
    assert decide(rule, stars(10, COUNTED), stars(0, COUNTED))


# -- counts of another service -------------------------------------------------------------------

PYPI = a_metric("pypistats")
OWN, OTHERS = "pypistats:p", "clickpy:p; overlap +0.4% over 181 days"


@pytest.mark.parametrize(
    ("stored", "new", "value", "wins"),
    [
        (OWN, OTHERS, 12, False),
        (OWN, OTHERS, 10, False),
        (OTHERS, OWN, 8, True),
        # The same value, but from the metric's own source.
        (OTHERS, OWN, 10, True),
        (OTHERS, OWN, 0, False),
        (OTHERS, OTHERS, 12, True),
        (OTHERS, OTHERS, 10, False),
    ],
)
def test_a_count_of_another_service_never_replaces_one_of_the_source(stored, new, value, wins):
    before = a_row(PYPI, DAY_0, 10, source_ref=stored)
    assert overwrites(PYPI, before, replace(read_after(PYPI, value, days=300), source_ref=new)) is wins


def test_a_count_of_another_service_never_replaces_a_zero_of_the_source():
    stored = a_row(PYPI, DAY_0, 0, source_ref=OWN)
    assert not overwrites(PYPI, stored, replace(read_after(PYPI, 5, days=300), source_ref=OTHERS))


@pytest.mark.parametrize(("day", "value", "wins"), [(18, 12, True), (18, 8, False), (22, 12, False)])
def test_a_count_of_another_service_replaces_known_damaged_days(day, value, wins):
    """pypistats.org counted only a part of 2024-06-18 to 21; a larger count of ClickPy is closer to the truth."""
    stored = a_row(PYPI, date(2024, 6, day), 10, source_ref=OWN)
    new = replace(stored, value=value, source_ref=OTHERS, observed_at=stored.observed_at + timedelta(days=300))
    assert overwrites(PYPI, stored, new) is wins


# -- all rules, row by row and by column ---------------------------------------------------------

# The source has lost most of one of the days.
DAMAGED = replace(SPECS["pypistats"], known_losses=(KnownLoss(DAY_0, DAY_0, "why", is_damaged=True),))
ALL_SPECS = {**SPECS, "pypistats": DAMAGED}
METRICS = {
    metric.metric_id: metric
    for metric in (a_metric("npm", daily_from=DAY_0 + DAY), CRATES, STARS, replace(PYPI, metric_id="pypi"))
}


def a_pair(metric_id: str, days: int, reads: tuple[tuple[int, int, str, str, str, bool], ...]):
    """Return two rows of one key."""
    day = DAY_0 + days * DAY
    return tuple(
        a_row(
            METRICS[metric_id],
            day,
            value,
            observed_at=datetime.combine(day + age * DAY, time(23, 59, 59, 999_999), UTC),
            provenance=provenance,
            source_window=window,
            source_ref=ref,
            ingestion_run_id=f"r{age % 2}",
            period_start=day - is_long * DAY,
        )
        for value, age, provenance, window, ref, is_long in reads
    )


READS = st.tuples(
    st.integers(0, 3),
    st.integers(0, 9),
    st.sampled_from([provenance.value for provenance in Provenance]),
    st.sampled_from([window.value for window in SourceWindow]),
    st.sampled_from([COUNTED, RECONSTRUCTED, OLD_RECONSTRUCTED, OWN, OTHERS, ""]),
    st.booleans(),
)
PAIRS = st.lists(
    st.builds(a_pair, st.sampled_from(sorted(METRICS)), st.integers(-1, 2), st.tuples(READS, READS)), max_size=30
)


@pytest.mark.parametrize(
    ("rule", "slow"),
    [
        (overwrite_rule(METRICS, ALL_SPECS), slow_rules.overwrite_rule(METRICS, ALL_SPECS)),
        (newer_wins, slow_rules.newer_wins),
        (same_statement, slow_rules.same_statement),
        (differs, lambda stored, new: stored != new),
    ],
    ids=["overwrite_rule", "newer_wins", "same_statement", "differs"],
)
@settings(max_examples=deep(200), deadline=None)
@given(pairs=PAIRS)
def test_rules_by_column_equal_rules_by_row(rule, slow, pairs):
    """A rule by column gives the same result as the slow rule for each pair of rows."""
    stored, new = ([pair[side] for pair in pairs] for side in (0, 1))
    found = rule(encode(stored, STATS), encode(new, STATS))
    assert found.tolist() == [slow(*pair) for pair in pairs]


def test_a_package_never_overwrites_the_count_of_another():
    """This holds for any catalogue. Spellings of one package are equal, and an archive counts the same package."""
    stored = a_row(CRATES, DAY_0, 100, source_ref="cratesio:some_crate")
    later = DAY_0 + 30 * DAY
    for ref, wins in (
        ("cratesio:other", False),
        ("cratesio:Some-Crate", True),
        ("cratesio:some_crate; by version", True),
        ("crates-archive:other", False),
        ("unknown", True),
    ):
        new = a_row(CRATES, DAY_0, 200, source_ref=ref, observed_at=datetime.combine(later, time(6), UTC))
        assert overwrites(CRATES, stored, new) == wins, ref
