from __future__ import annotations

from datetime import date
from itertools import chain

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cmetrics.analytics.anomalies import JUDGED_DAYS, READ_DAYS, find_anomalies
from cmetrics.domain.days import DAY, day_range, window
from cmetrics.domain.metric import Metric
from cmetrics.domain.observation import Observation
from tests.depth import deep
from tests.samples import a_metric, a_row, a_snapshot, a_table
from tests.world.truth import World, wave

AS_OF = date(2026, 11, 22)
NPM = a_metric("npm")
LANCE = a_metric("cratesio", metric_id="downloads:a:rust")
OTHER = a_metric("cratesio", metric_id="downloads:b:rust", subject="other")
STARS = a_metric("github")


def weekly(day: date, working: int, weekend: int) -> int:
    return weekend if day.weekday() >= 5 else working


def rows(metric: Metric, working: int, weekend: int | None = None, **odd: int) -> list[Observation]:
    """Return a constant series of sufficient length; ``d3=0`` sets the value of three days ago to 0."""
    values = {
        day: weekly(day, working, working if weekend is None else weekend)
        for day in day_range(window(AS_OF, READ_DAYS), AS_OF)
    }
    values |= {AS_OF - int(name[1:]) * DAY: value for name, value in odd.items()}
    return [a_row(metric, day, value) for day, value in values.items()]


def anomalies_in(*of: tuple[Metric, list[Observation]]):
    return find_anomalies([metric for metric, _ in of], a_table(chain.from_iterable(found for _, found in of)), AS_OF)


@pytest.mark.parametrize(("working", "value"), [(9000, 0), (9000, 90), (100, 0), (90, 9000), (3000, 300_000)])
def test_a_value_far_from_its_neighbours_is_an_outlier(working, value):
    (outlier,), registry_dips = anomalies_in((NPM, rows(NPM, working, d1=value)))
    assert (outlier.metric_id, outlier.day, outlier.value, outlier.expected) == (
        NPM.metric_id,
        AS_OF - DAY,
        value,
        working,
    )
    assert f"{value:,} on {AS_OF - DAY} (usual: about {working:,})" in outlier.text
    assert registry_dips == ()


@pytest.mark.parametrize("value", [3000, 600, 40_000, 90_000])
def test_holidays_and_releases_are_not_flagged(value):
    assert anomalies_in((NPM, rows(NPM, 9000, d2=value))) == ((), ())


def test_a_weekend_is_compared_with_weekends():
    assert anomalies_in((NPM, rows(NPM, 9000, 60))) == ((), ())
    saturday = AS_OF - DAY
    assert saturday.weekday() == 5
    (outlier,), _ = anomalies_in((NPM, rows(NPM, 9000, 200, d1=9000)))
    assert outlier.day == saturday


@pytest.mark.parametrize(("working", "value"), [(0, 0), (0, 900), (3, 300), (5, 0), (40, 0), (40, 900)])
def test_small_packages_have_no_outliers(working, value):
    assert anomalies_in((NPM, rows(NPM, working, d0=value))) == ((), ())


def test_a_young_package_is_not_judged():
    young = [row for row in rows(NPM, 9000, d0=0) if row.period_end > AS_OF - 21 * DAY]
    assert anomalies_in((NPM, young)) == ((), ())


def test_old_values_are_not_judged():
    assert len(anomalies_in((NPM, rows(NPM, 9000, **{f"d{JUDGED_DAYS - 1}": 0})))[0]) == 1
    assert anomalies_in((NPM, rows(NPM, 9000, **{f"d{JUDGED_DAYS}": 0})))[0] == ()


def test_missing_days_and_seeded_totals_are_not_compared():
    values = [row for row in rows(NPM, 9000, d0=0) if row.period_end.day % 3]
    assert len(anomalies_in((NPM, values))[0]) == 1
    totals = [a_snapshot(NPM, day, 5_000_000) for day in day_range(window(AS_OF, READ_DAYS), AS_OF - DAY)]
    assert anomalies_in((NPM, [*totals, a_row(NPM, AS_OF, 9000)])) == ((), ())


def test_a_star_count_that_falls_to_zero_is_an_outlier():
    assert [outlier.value for outlier in anomalies_in((STARS, rows(STARS, 5000, d0=0)))[0]] == [0]


def test_a_drop_of_all_metrics_of_a_registry_is_one_dip():
    outliers, (registry_dip,) = anomalies_in(
        (LANCE, rows(LANCE, 900, d2=0)), (OTHER, rows(OTHER, 200, d2=10)), (NPM, rows(NPM, 9000))
    )
    assert outliers == ()
    assert (registry_dip.source, registry_dip.day, registry_dip.percent) == ("cratesio", AS_OF - 2 * DAY, 1)
    assert registry_dip.metric_ids == (LANCE.metric_id, OTHER.metric_id)


def test_a_drop_of_one_metric_is_an_outlier():
    outliers, registry_dips = anomalies_in((LANCE, rows(LANCE, 900, d2=0)), (OTHER, rows(OTHER, 200)))
    assert [outlier.metric_id for outlier in outliers] == [LANCE.metric_id]
    assert registry_dips == ()


def test_a_tiny_package_does_not_hide_a_dip():
    tiny = a_metric("cratesio", metric_id="downloads:c:rust", subject="tiny")
    found = anomalies_in((LANCE, rows(LANCE, 900, d2=0)), (OTHER, rows(OTHER, 200, d2=0)), (tiny, rows(tiny, 3)))
    assert [registry_dip.metric_ids for registry_dip in found[1]] == [(LANCE.metric_id, OTHER.metric_id)]


def test_a_holiday_is_not_a_dip_and_a_jump_on_the_day_of_a_dip_is_an_outlier():
    assert anomalies_in((LANCE, rows(LANCE, 900, d2=300)), (OTHER, rows(OTHER, 200, d2=60))) == ((), ())
    outliers, registry_dips = anomalies_in((LANCE, rows(LANCE, 900, d2=0)), (OTHER, rows(OTHER, 200, d2=100_000)))
    assert ([outlier.metric_id for outlier in outliers], registry_dips) == ([LANCE.metric_id, OTHER.metric_id], ())


@settings(deadline=None, max_examples=deep(100))
@given(st.integers(0, 2_000_000), st.integers(0, 1000), st.integers(0, 400))
def test_ordinary_series_have_no_outliers(base, seed, start):
    values = wave(base, seed, AS_OF - (READ_DAYS + start) * DAY, AS_OF)
    assert anomalies_in((NPM, [a_row(NPM, day, value) for day, value in values.items()])) == ((), ())


def test_in_the_default_world_only_zeros_of_a_large_package_are_outliers():
    world = World.default()
    for metric_id, values in world.expected().items():
        metric = a_metric("npm", metric_id=metric_id)
        outliers, _ = find_anomalies([metric], a_table(a_row(metric, d, v) for d, v in values.items()), world.yesterday)
        assert all(outlier.value == 0 and outlier.expected > 100 for outlier in outliers)
