"""The months of reports, compared with single points of the same months."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from cmetrics.analytics.model import PeriodPoint, PointKind
from cmetrics.analytics.report import HISTORY_MONTHS, REPORTS, build_month_grid
from cmetrics.analytics.series import month_points
from cmetrics.domain.days import Month, last_full_month, months
from cmetrics.domain.observation import Observation
from tests.depth import deep
from tests.samples import a_metric, a_row, a_snapshot, a_table

AS_OF = date(2026, 3, 10)
FIRST = date(2022, 11, 1)
METRICS = [
    a_metric("npm", metric_id="downloads:a:0"),
    a_metric("npm", metric_id="downloads:a:1", daily_from=date(2025, 12, 1)),
    a_metric("npm", metric_id="downloads:a:2", daily_from=date(2025, 11, 16)),
]


@st.composite
def stored(draw: st.DrawFn) -> list[Observation]:
    """Return sparse days and published totals, of a month or of 30 days, before and after daily data begin."""
    found: dict[tuple[str, date], Observation] = {}
    days = st.integers(0, (AS_OF - FIRST).days) | st.integers((date(2025, 10, 1) - FIRST).days, (AS_OF - FIRST).days)
    for metric in METRICS:
        for place, value in draw(st.dictionaries(days, st.integers(0, 1000), max_size=12)).items():
            row = a_row(metric, FIRST + timedelta(days=place), value)
            found[row.key] = row
        for place, value in draw(st.dictionaries(days, st.integers(0, 1000), max_size=6)).items():
            month, day = Month.of(FIRST + timedelta(days=place)), FIRST + timedelta(days=place)
            end, start = draw(st.sampled_from([(month.last, month.first), (day, day - timedelta(days=29))]))
            row = replace(a_snapshot(metric, end, value), period_start=start)
            found[row.key] = row
    return list(found.values())


def chosen(points: tuple[PeriodPoint, ...], month: Month) -> PeriodPoint | None:
    """Return the point of exactly this month, or the first published total that ends in it."""
    exact = [point for point in points if (point.period_start, point.period_end) == (month.first, month.last)]
    seeds = [point for point in points if point.kind is PointKind.SEEDED and Month.of(point.period_end) == month]
    return next(iter([*exact, *seeds]), None)


@settings(deadline=None, max_examples=deep(40))
@given(stored())
def test_months_of_reports(rows):
    """Each month has the value of its point; months are expected from the first point on."""
    table = a_table([*rows, a_row(a_metric("github"), AS_OF, 5)])
    grid, points = build_month_grid(METRICS, table, AS_OF), month_points(METRICS, table, AS_OF)
    last = last_full_month(AS_OF)
    spans = list(months(last.plus(2 - REPORTS - HISTORY_MONTHS), last))
    assert (grid.first, grid.value.shape) == (spans[0], (len(METRICS), len(spans)))
    for row, metric in enumerate(METRICS):
        of_metric = points.get(metric.metric_id, ())
        for column, month in enumerate(spans):
            point = chosen(of_metric, month)
            cell = tuple(
                numbers[row, column]
                for numbers in (grid.known, grid.value, grid.is_snapshot, grid.observed, grid.expected)
            )
            if point is None:
                assert cell == (False, 0, False, 0, 0)
            else:
                is_snapshot = point.kind is PointKind.SEEDED
                assert cell == (True, point.value, is_snapshot, point.days_observed or 0, point.days_expected or 0)
            assert grid.has_begun[row, column] == any(point.period_end < month.first for point in of_metric)
