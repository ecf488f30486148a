from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cmetrics.analytics import series
from cmetrics.analytics.model import NO_POINTS, Change, DayPoint, DayPoints, PeriodPoint, PointKind, StarFlow
from cmetrics.domain.days import DAY, Month, Span, day_range, last_full_month
from cmetrics.domain.metric import Metric
from cmetrics.domain.observation import Provenance, StarRef
from tests.depth import deep
from tests.samples import a_metric, a_row, a_snapshot, a_table

NPM, STARS = a_metric("npm"), a_metric("github")
SWITCHED = a_metric("npm", daily_from=date(2025, 12, 1))
JAN, FEB, MARCH = Month(2026, 1), Month(2026, 2), Month(2026, 3)
AS_OF = date(2026, 3, 10)
OBSERVED, ESTIMATED, RECONSTRUCTED = PointKind.OBSERVED, PointKind.ESTIMATED, PointKind.RECONSTRUCTED


def rows(first: date, last: date, value: int = 10, **changes):
    return [a_row(NPM, day, value, **changes) for day in day_range(first, last)]


def stars(values: dict[int, int], kind: PointKind = OBSERVED) -> DayPoints:
    """Return counts by the number of days since 1 January 2026."""
    return DayPoints.of(DayPoint(JAN.first + n * DAY, value, kind) for n, value in values.items())


def months(metric: Metric, stored) -> tuple[PeriodPoint, ...]:
    of = [replace(row, metric_id=metric.metric_id) for row in stored]
    return series.month_points([metric], a_table(of), AS_OF).get(metric.metric_id, ())


def values_of(points) -> list[tuple[int, int, PointKind]]:
    return [((point.day - JAN.first).days, point.value, point.kind) for point in points]


# -- months --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("as_of", "month"),
    [
        (date(2026, 11, 22), Month(2026, 10)),
        (date(2026, 11, 29), Month(2026, 10)),
        (date(2026, 11, 30), Month(2026, 11)),
        (date(2026, 12, 31), Month(2026, 12)),
        (date(2026, 1, 1), Month(2025, 12)),
        (date(2024, 2, 28), Month(2024, 1)),
        (date(2024, 2, 29), Month(2024, 2)),
        (date(2026, 2, 28), Month(2026, 2)),
    ],
)
def test_the_last_full_month_ends_by_the_described_day(as_of, month):
    assert last_full_month(as_of) == month


@settings(deadline=None, max_examples=deep(60))
@given(st.dictionaries(st.dates(date(2025, 11, 1), date(2026, 3, 10)), st.integers(0, 10**6), max_size=80))
def test_a_monthly_sum_is_the_sum_of_its_days(values):
    points = months(NPM, [a_row(NPM, day, value) for day, value in values.items()])
    by_month: dict[Month, list[int]] = {}
    for day, value in values.items():
        by_month.setdefault(Month.of(day), []).append(value)
    assert {(p.period_start, p.period_end): (p.value, p.days_observed) for p in points} == {
        (month.first, month.last): (sum(found), len(found)) for month, found in by_month.items()
    }
    assert [p.period_end for p in points] == sorted(p.period_end for p in points)


def test_a_month_is_complete_partial_or_running():
    daily = [*rows(JAN.first, JAN.last), *rows(FEB.first, FEB.last - DAY), *rows(MARCH.first, AS_OF)]
    full, partial, running = months(NPM, daily)
    assert (full.value, full.days_observed, full.days_expected) == (310, 31, 31)
    assert (full.is_complete, full.is_running) == (True, False)
    assert (partial.value, partial.days_observed, partial.days_expected) == (270, 27, 28)
    assert (partial.is_complete, partial.is_running) == (False, False)
    assert (running.value, running.days_observed, running.days_expected) == (100, 10, 31)
    assert (running.is_complete, running.is_running) == (False, True)
    assert {point.kind for point in (full, partial, running)} == {OBSERVED}


def test_a_month_is_no_longer_running_on_its_last_day():
    ((point,),) = series.month_points([NPM], a_table(rows(FEB.first, FEB.last)), FEB.last).values()
    assert point.is_complete
    assert not point.is_running


def test_a_month_without_days_is_omitted():
    points = months(NPM, [*rows(JAN.first, JAN.last), *rows(MARCH.first, AS_OF)])
    assert [Month.of(point.period_start) for point in points] == [JAN, MARCH]
    assert series.month_of(points, FEB) is None
    assert series.month_of(points, MARCH) == points[1]


def test_zeros_are_observed_days():
    (point,) = months(NPM, rows(FEB.first, FEB.last, 0))
    assert (point.value, point.is_complete) == (0, True)


@pytest.mark.parametrize(
    ("changes", "provenance"),
    [({}, "api_daily"), ({"provenance": Provenance.RECOMPUTED}, "recomputed")],
)
def test_a_month_has_the_provenance_of_its_days(changes, provenance):
    (point,) = months(NPM, rows(FEB.first, FEB.last, **changes))
    assert point.provenance == provenance


# -- snapshots and daily_from --------------------------------------------------------------------

SNAPSHOTS = [a_snapshot(SWITCHED, date(2025, 10, 31), 700), a_snapshot(SWITCHED, date(2025, 11, 30), 800)]
DAILY = rows(date(2025, 9, 1), date(2026, 1, 31))


def shown(metric, stored) -> list[tuple[str, int, PointKind]]:
    points = months(metric, stored)
    return [(str(Month.of(point.period_end)), point.value, point.kind) for point in points]


def test_before_daily_from_months_are_snapshots_or_sums():
    assert shown(SWITCHED, [*DAILY, *SNAPSHOTS]) == [
        ("2025-09", 300, OBSERVED),
        ("2025-10", 700, PointKind.SEEDED),
        ("2025-11", 800, PointKind.SEEDED),
        ("2025-12", 310, OBSERVED),
        ("2026-01", 310, OBSERVED),
    ]


def test_without_daily_from_all_months_are_sums():
    assert shown(NPM, [*DAILY, *SNAPSHOTS]) == [
        (month, value, OBSERVED)
        for month, value in [("2025-09", 300), ("2025-10", 310), ("2025-11", 300), ("2025-12", 310), ("2026-01", 310)]
    ]


def test_a_snapshot_on_or_after_daily_from_is_not_shown():
    assert shown(SWITCHED, [a_snapshot(SWITCHED, date(2025, 12, 1), 5)]) == []


def test_the_month_in_which_daily_values_begin_shows_both():
    metric = a_metric("npm", daily_from=date(2025, 12, 15))
    stored = [a_snapshot(metric, date(2025, 12, 14), 400), *rows(date(2025, 12, 15), date(2025, 12, 31))]
    assert shown(metric, stored) == [("2025-12", 400, PointKind.SEEDED), ("2025-12", 170, OBSERVED)]


def test_a_snapshot_has_no_observed_days():
    (point,) = months(SWITCHED, SNAPSHOTS[:1])
    assert (point.days_observed, point.days_expected, point.is_complete, point.is_running) == (None, None, False, False)
    assert (point.period_end, point.provenance) == (date(2025, 10, 31), "csv_seed")


# -- changes -------------------------------------------------------------------------------------


def months_of(*totals: int, days: int | None = None) -> list[PeriodPoint]:
    """Return one point per month from January 2026 on; ``days`` is the number of days observed in the last one."""
    points = []
    for n, total in enumerate(totals):
        month = JAN.plus(n)
        counted = days if days is not None and n == len(totals) - 1 else month.days
        points.append(PeriodPoint(month.first, month.last, total, OBSERVED, "api_daily", counted, month.days))
    return points


@pytest.mark.parametrize(
    ("earlier", "later", "expected"),
    [
        (100, 125, Change(25, 25.0)),
        (300, 200, Change(-100, -33.3)),
        (7, 7, Change(0, 0.0)),
        (0, 5, Change(5, None)),
        (5, 0, Change(-5, -100.0)),
    ],
)
def test_a_change_is_a_difference_and_a_share_of_the_earlier_value(earlier, later, expected):
    assert series.change(earlier, later) == expected
    assert series.month_change(months_of(earlier, later), FEB, 1) == expected


def test_there_is_no_change_from_or_to_a_month_with_missing_days():
    assert series.month_change(months_of(100, 125, days=27), FEB, 1) is None
    assert series.month_change(months_of(100, 125, days=27), MARCH, 1) is None
    assert series.month_change([*months_of(100, days=30), *months_of(100, 125)[1:]], FEB, 1) is None


def test_there_is_no_change_from_an_absent_month_or_a_snapshot():
    assert series.month_change(months_of(100), JAN, 1) is None
    seeded = PeriodPoint(JAN.first, JAN.last, 100, PointKind.SEEDED, "csv_seed", None, None)
    assert series.month_change([seeded, *months_of(100, 125)[1:]], FEB, 1) is None


def test_a_yearly_change_looks_twelve_months_back():
    points = months_of(*range(100, 113))
    assert series.month_change(points, Month(2027, 1), 12) == Change(12, 12.0)


def test_a_total_over_all_series_counts_the_missing_days_of_each():
    january, february = months_of(100, 20, days=27)
    total = series.total_of([january, None, january], JAN)
    assert (total.value, total.days_observed, total.days_expected, total.is_complete) == (200, 62, 93, False)
    total = series.total_of([february, months_of(1, 5)[1]], FEB)
    assert (total.value, total.days_observed, total.days_expected, total.is_complete) == (25, 55, 56, False)
    assert series.total_of([january, january], JAN).is_complete
    assert series.total_of([None, None], JAN) is None
    assert series.total_of([], JAN) is None


def daily_total(stored, first: date, last: date) -> tuple[int, int] | None:
    return series.daily_totals(a_table(stored), Span(first, last)).get(NPM.metric_id)


def test_a_daily_total_counts_its_days_and_excludes_snapshots():
    stored = [*rows(JAN.first, JAN.first + 4 * DAY), a_snapshot(NPM, JAN.first + 5 * DAY, 999)]
    assert daily_total(stored, JAN.first + DAY, JAN.first + 9 * DAY) == (40, 4)
    assert daily_total(stored, JAN.first - DAY, JAN.first + DAY) == (20, 2)
    assert daily_total([], JAN.first, JAN.last) is None


# -- stars ---------------------------------------------------------------------------------------


def test_day_points_are_sorted_and_marked_as_reconstructed():
    stored = [
        a_row(STARS, JAN.first + 2 * DAY, 12, source_ref="github:owner/name"),
        a_row(STARS, JAN.first, 10, source_ref="github-history:owner/name"),
        a_row(STARS, JAN.first + DAY, 11, source_ref="github-stargazers:owner/name"),
    ]
    assert values_of(series.day_points(a_table(stored))[STARS.metric_id]) == [
        (0, 10, RECONSTRUCTED),
        (1, 11, RECONSTRUCTED),
        (2, 12, OBSERVED),
    ]


def test_a_star_change_needs_a_count_of_its_first_day():
    points = stars({0: 100, 3: 130, 10: 150})
    assert series.star_change(points, 7) == Change(20, 15.4)
    assert series.star_change(points, 10) == Change(50, 50.0)
    assert series.star_change(points, 8) is None
    assert series.star_change(NO_POINTS, 7) is None


def test_a_total_of_stars_interpolates_gaps_as_estimates():
    total = series.star_total([stars({0: 10, 1: 11, 2: 12, 3: 13}), stars({0: 100, 3: 130})])
    assert values_of(total) == [(0, 110, OBSERVED), (1, 121, ESTIMATED), (2, 132, ESTIMATED), (3, 143, OBSERVED)]


def test_a_total_of_stars_begins_and_ends_where_all_have_a_count():
    total = series.star_total([stars({0: 1, 1: 1, 2: 1}), stars({1: 5, 2: 5, 3: 5})])
    assert values_of(total) == [(1, 6, OBSERVED), (2, 6, OBSERVED)]


def test_a_total_has_the_kind_of_its_least_certain_part():
    counted, worked_out = stars({0: 1, 1: 1, 2: 1}), stars({0: 5, 2: 5}, RECONSTRUCTED)
    assert values_of(series.star_total([counted, worked_out])) == [
        (0, 6, RECONSTRUCTED),
        (1, 6, ESTIMATED),
        (2, 6, RECONSTRUCTED),
    ]


@pytest.mark.parametrize(
    "parts",
    [[], [NO_POINTS], [stars({0: 1}), NO_POINTS], [stars({0: 1, 1: 1}), stars({5: 1, 6: 1})]],
)
def test_there_is_no_total_where_not_all_have_a_count(parts):
    assert series.star_total(parts) == ()


@settings(deadline=None, max_examples=deep(60))
@given(st.lists(st.dictionaries(st.integers(0, 30), st.integers(0, 10**5), min_size=1), min_size=1, max_size=3))
def test_a_total_is_exact_wherever_all_parts_were_counted_and_never_leaves_their_range(parts):
    total = {
        n: (value, kind)
        for n, value, kind in values_of(series.star_total([stars(dict(sorted(p.items()))) for p in parts]))
    }
    everywhere = set.intersection(*(set(part) for part in parts))
    assert {n: value for n, (value, kind) in total.items() if kind is OBSERVED} == {
        n: sum(part[n] for part in parts) for n in everywhere
    }
    assert all(sum(map(min_of, parts)) <= value <= sum(map(max_of, parts)) for value, _ in total.values())


def min_of(part: dict[int, int]) -> int:
    return min(part.values())


def max_of(part: dict[int, int]) -> int:
    return max(part.values())


# -- changes of days -----------------------------------------------------------------------------


def changes(stored, lengths) -> tuple[Change | None, ...] | None:
    return series.period_changes(a_table(stored), lengths).get(NPM.metric_id)


def test_a_change_compares_the_newest_days_with_as_many_before():
    metric = a_metric()
    rows = [a_row(metric, date(2026, 3, 1) + n * DAY, 10 if n < 7 else 15) for n in range(14)]
    assert changes(rows, [7]) == (Change(35, 50.0),)
    assert changes(rows, [8]) == (None,)
    assert changes(rows[:5] + rows[6:], [7]) == (None,)
    assert changes([], [7]) is None


# -- gained and lost stars -------------------------------------------------------------------------


def count(n: int, value: int, gained: int | None = None, *, reconstructed: bool = False):
    """Return a count of the day ``n`` days after 1 January 2026."""
    beginning = "github-history:" if reconstructed else "github:"
    ref = StarRef("owner/name", 5, gained).text(beginning)
    return a_row(STARS, JAN.first + n * DAY, value, source_ref=ref)


def flows(*rows) -> list[tuple]:
    return [
        (flow.first_day.day - 1, flow.gained, flow.lost, flow.net)
        for found in series.star_flows(a_table(rows)).values()
        for flow in found
    ]


def flow_of(stored) -> StarFlow | None:
    return series.star_flow(a_table(stored), 30).get(STARS.metric_id)


def test_lost_stars_are_gained_stars_minus_the_net_change():
    assert flows(count(0, 100, 3), count(1, 108, 12), count(2, 105, 0)) == [
        (0, 3, None, None),
        (1, 12, 4, 8),
        (2, 0, 3, -3),
    ]


def test_lost_stars_are_never_negative():
    assert flows(count(0, 100), count(1, 108, 5)) == [(1, 5, 0, 8)]


def test_lost_stars_need_counts_of_both_days():
    assert flows(count(0, 100, reconstructed=True), count(1, 108, 12)) == [(1, 12, None, None)]
    assert flows(count(0, 100), count(1, 108)) == [(1, None, None, 8)]
    assert flows(count(0, 100), count(2, 108)) == []
    assert flows(count(0, 100, reconstructed=True), count(1, 101, reconstructed=True)) == []


def test_thirty_days_need_all_their_parts():
    whole = [count(n, 100 + n, 2) for n in range(31)]
    flow = flow_of(whole)
    assert (flow.first_day, flow.last_day) == (JAN.first + DAY, JAN.first + 30 * DAY)
    assert (flow.gained, flow.lost, flow.net) == (60, 30, 30)
    hole = [*whole[:9], count(9, 109), *whole[10:]]
    assert flow_of(hole) == StarFlow(flow.first_day, flow.last_day, None, None, 30)
    assert flow_of(whole[1:]) == StarFlow(flow.first_day, flow.last_day, 60, None, None)
    assert flow_of([]) is None
    assert flow_of(whole[20:]) is None
