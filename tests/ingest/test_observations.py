from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime

from cmetrics.domain.kind import counter, rolling
from cmetrics.domain.observation import DailyValue, Provenance
from cmetrics.ingest.observations import build_observations
from cmetrics.store.schema import STATS, decode
from tests.samples import a_metric

DAY, START, READ = (
    date(2026, 11, 24),
    datetime(2026, 11, 25, 3, tzinfo=UTC),
    datetime(2026, 11, 25, 3, 7, 9, tzinfo=UTC),
)


def row_of(metric, value: DailyValue):
    table = build_observations(metric, [value], provenance=Provenance.API_DAILY, run_id="r", at=START)
    (row,) = decode(table, STATS)
    return row.period_start, row.period_end, row.observed_at, row.source_window


def test_a_daily_value_has_the_time_of_the_run():
    assert row_of(a_metric("npm"), DailyValue(DAY, 1, "x")) == (DAY, DAY, START, "1d")


def test_a_counter_has_the_time_of_its_reading():
    metric = replace(a_metric("npm"), measure=counter("pulls"))
    assert row_of(metric, DailyValue(DAY, 1, "x", observed_at=READ)) == (DAY, DAY, READ, "cumulative_snapshot")


def test_a_window_has_its_first_day():
    metric = replace(a_metric("npm"), measure=rolling("installs", 30))
    value = DailyValue(DAY, 1, "x", period_start=date(2026, 10, 26), observed_at=READ)
    assert row_of(metric, value) == (date(2026, 10, 26), DAY, READ, "30d")
