"""Arithmetic by column, compared with single values."""

from __future__ import annotations

import pickle
from collections.abc import Iterable, Sequence
from datetime import date
from itertools import pairwise
from statistics import median

from hypothesis import given, settings
from hypothesis import strategies as st

from cmetrics.analytics import series
from cmetrics.analytics.anomalies import (
    DIP,
    FAR,
    FEWEST_IN_A_DIP,
    FEWEST_NEIGHBOURS,
    JUDGED_DAYS,
    LARGE,
    READ_DAYS,
    SMALL,
    WEEKS,
    find_anomalies,
)
from cmetrics.analytics.columns import to_dates
from cmetrics.analytics.model import Change, DayPoint, DayPoints, PeriodPoint, PointKind, StarFlow
from cmetrics.domain.days import DAY, Month, Span, day_range, window
from cmetrics.domain.metric import Metric
from cmetrics.domain.observation import Observation, Provenance, StarRef, parse_star_ref
from tests.depth import deep
from tests.samples import a_metric, a_row, a_snapshot, a_table

AS_OF = date(2026, 3, 10)
METRICS = [
    a_metric("npm", metric_id="downloads:a:npm"),
    a_metric("npm", metric_id="downloads:b:npm", daily_from=date(2026, 1, 15)),
    a_metric("cratesio", metric_id="downloads:c:rust"),
    a_metric("github", metric_id="stars:a:github"),
    a_metric("github", metric_id="stars:b:github"),
]
REFS = ("npm:x", "github:o/n#5; gained 3", "github:o/n#5; gained 0", "github:o/n", "github-history:o/n", "")


@st.composite
def stored(draw: st.DrawFn, days: int = 130) -> list[Observation]:
    """Return rows of some metrics: consecutive days with gaps, of any provenance, and seeded snapshots."""
    rows = {}
    for metric in METRICS:
        first = AS_OF - draw(st.integers(0, days)) * DAY
        holes = draw(st.sets(st.integers(0, days), max_size=8))
        value = draw(st.integers(0, 10**6))
        kinds = draw(st.lists(st.tuples(st.sampled_from([0, 1, 7]), st.sampled_from(REFS)), min_size=1, max_size=4))
        for n, day in enumerate(day_range(first, AS_OF)):
            step, ref = kinds[n // 5 % len(kinds)]
            provenance = Provenance.RECOMPUTED if n // 11 % 3 == 1 else Provenance.API_DAILY
            if n not in holes:
                rows[metric.metric_id, day] = a_row(
                    metric, day, value + step * n * (n % 3), provenance=provenance, source_ref=ref
                )
        for n in draw(st.lists(st.integers(0, days), max_size=3)):
            day = AS_OF - n * DAY
            rows[metric.metric_id, day] = a_snapshot(metric, day, n)
    return list(rows.values())


def daily(rows: Iterable[Observation], metric: Metric) -> dict[date, Observation]:
    of_metric = (row for row in rows if row.metric_id == metric.metric_id and not row.is_seed)
    return {row.period_end: row for row in sorted(of_metric, key=lambda row: row.period_end)}


@settings(deadline=None, max_examples=deep(40))
@given(stored())
def test_rows(rows):
    """A table contains its rows, and a part of it the rows selected by a mask."""
    table = a_table(rows)
    ordered = sorted(rows, key=lambda row: row.key)
    owners = [table.metric_ids[owner] for owner in table.owners]
    assert list(zip(owners, to_dates(table.days), table.values.tolist(), strict=True)) == [
        (row.metric_id, row.period_end, row.value) for row in ordered
    ]
    assert table.is_seed.tolist() == [row.is_seed for row in ordered]
    assert table.is_reconstructed.tolist() == [row.is_reconstructed for row in ordered]
    part = table.where(table.values % 3 == 0)
    chosen = [row for row in ordered if row.value % 3 == 0]
    assert part.texts("source_ref", part.owners * 0) == [row.source_ref for row in chosen[:1]] * len(chosen)
    assert part.to_arrow()["value"].to_pylist() == [row.value for row in chosen]
    assert set(part.slices) == {row.metric_id for row in chosen}
    assert part.newest == {row.metric_id: row.period_end for row in chosen}
    # As it arrives in another process.
    sent = pickle.loads(pickle.dumps(part))
    assert sent.metric_ids == part.metric_ids
    assert sent.to_arrow().to_pylist() == part.to_arrow().to_pylist()
    for name in ("owners", "starts", "days", "values", "is_seed", "is_reconstructed"):
        assert getattr(sent, name).tolist() == getattr(part, name).tolist()


@settings(deadline=None, max_examples=deep(40))
@given(stored())
def test_months(rows):
    """Months that are computed for all metrics equal those computed day by day."""
    found = series.month_points(METRICS, a_table(rows), AS_OF)
    expected = {metric.metric_id: months_of(metric, rows) for metric in METRICS}
    assert {metric_id: list(points) for metric_id, points in found.items()} == {
        metric_id: points for metric_id, points in expected.items() if points
    }


def months_of(metric: Metric, rows: Sequence[Observation]) -> list[PeriodPoint]:
    shown = [
        PeriodPoint(r.period_start, r.period_end, r.value, PointKind.SEEDED, r.provenance, None, None)
        for r in rows
        if r.metric_id == metric.metric_id and r.is_seed and metric.daily_from and r.period_end < metric.daily_from
    ]
    seeded = {Month.of(point.period_end) for point in shown}
    for month in sorted({Month.of(day) for day in daily(rows, metric)}):
        if month in seeded and metric.daily_from and month.last < metric.daily_from:
            continue
        days = [row for day, row in daily(rows, metric).items() if Month.of(day) == month]
        names = {row.provenance for row in days}
        name = names.pop() if len(names) == 1 else "api_daily"
        total, is_running = sum(row.value for row in days), month.last > AS_OF
        shown.append(
            PeriodPoint(month.first, month.last, total, PointKind.OBSERVED, name, len(days), month.days, is_running)
        )
    return sorted(shown, key=lambda point: (point.period_end, point.period_start))


@settings(deadline=None, max_examples=deep(40))
@given(stored(), st.integers(1, 40))
def test_sums_and_changes(rows, length):
    """Totals and changes equal those of single values."""
    table = a_table(rows)
    totals = series.daily_totals(table, Span(window(AS_OF, length), AS_OF))
    changes = series.period_changes(table, [length, 7])
    for metric in METRICS:
        values = {day: row.value for day, row in daily(rows, metric).items()}
        recent = [value for day, value in values.items() if day >= window(AS_OF, length)]
        assert totals.get(metric.metric_id, (0, 0)) == (sum(recent), len(recent))
        expected = (change_of(values, length), change_of(values, 7))
        assert changes.get(metric.metric_id, (None, None)) == expected


def change_of(values: dict[date, int], length: int) -> Change | None:
    days = [max(values) - n * DAY for n in range(2 * length)] if values else [AS_OF]
    if any(day not in values for day in days):
        return None
    return series.change(sum(values[d] for d in days[length:]), sum(values[d] for d in days[:length]))


@settings(deadline=None, max_examples=deep(40))
@given(stored(), st.integers(1, 40))
def test_stars(rows, length):
    """Points, changes, flows and totals equal those of single counts."""
    table = a_table(rows)
    points = series.day_points(table)
    flows, flow = series.star_flows(table), series.star_flow(table, length)
    for metric in METRICS:
        of_days = daily(rows, metric)
        kinds = {True: PointKind.RECONSTRUCTED, False: PointKind.OBSERVED}
        assert list(points.get(metric.metric_id, ())) == [
            DayPoint(day, row.value, kinds[row.is_reconstructed], row.provenance) for day, row in of_days.items()
        ]
        if of_days:
            newest = max(of_days)
            before = of_days.get(newest - length * DAY)
            expected = series.change(before.value, of_days[newest].value) if before else None
            assert series.star_change(points[metric.metric_id], length) == expected
        counted = {day: row for day, row in of_days.items() if not row.is_reconstructed}
        every = [found for day in counted if (found := flow_of(counted, day, day))]
        assert list(flows.get(metric.metric_id, ())) == every
        last = max(counted, default=None)
        assert flow.get(metric.metric_id) == (flow_of(counted, window(last, length), last) if last else None)
    parts = [points.get(metric.metric_id, DayPoints.of(())) for metric in METRICS]
    assert list(series.star_total(parts)) == total_of(parts)


def flow_of(counted: dict[date, Observation], first: date, last: date) -> StarFlow | None:
    before = counted.get(first - DAY)
    net = None if before is None else counted[last].value - before.value
    refs = [parse_star_ref(counted[day].source_ref) if day in counted else None for day in day_range(first, last)]
    given = [None if ref is None else ref.gained for ref in refs]
    gained = None if None in given else sum(number for number in given if number)
    if net is None and gained is None:
        return None
    return StarFlow(first, last, gained, None if net is None or gained is None else max(gained - net, 0), net)


def total_of(parts: Sequence[DayPoints]) -> list[DayPoint]:
    if not all(parts):
        return []
    filled = []
    for points in parts:
        values = {point.day: (point.value, point.kind) for point in points}
        for left, right in pairwise(points):
            for day in list(day_range(left.day, right.day))[1:-1]:
                share = (right.value - left.value) * (day - left.day).days / (right.day - left.day).days
                values[day] = (left.value + round(share), PointKind.ESTIMATED)
        filled.append(values)
    total = []
    for day in day_range(max(min(values) for values in filled), min(max(values) for values in filled)):
        kinds = {values[day][1] for values in filled}
        weakest = next(k for k in (PointKind.ESTIMATED, PointKind.RECONSTRUCTED, PointKind.OBSERVED) if k in kinds)
        total.append(DayPoint(day, sum(values[day][0] for values in filled), weakest))
    return total


@settings(deadline=None, max_examples=deep(40))
@given(stored(READ_DAYS + 5), st.lists(st.tuples(st.integers(0, 40), st.sampled_from([0, 10**9])), max_size=4))
def test_anomalies(rows, odd):
    """Outliers and dips equal those that are found value by value."""
    shifts = {AS_OF - n * DAY: value for n, value in odd}
    rows = [r if r.period_end not in shifts else a_row(by_id(r), r.period_end, shifts[r.period_end]) for r in rows]
    outliers, dips = find_anomalies(METRICS, a_table(rows), AS_OF)
    expected_outliers, expected_dips = anomalies_of(rows)
    assert sorted((o.day, o.metric_id, o.value, o.expected) for o in outliers) == sorted(expected_outliers)
    assert sorted((d.day, d.source, d.metric_ids, d.percent) for d in dips) == sorted(expected_dips)


def by_id(row: Observation) -> Metric:
    return next(metric for metric in METRICS if metric.metric_id == row.metric_id)


def anomalies_of(rows: Sequence[Observation]) -> tuple[list[tuple], list[tuple]]:
    outliers, dips = [], []
    for source in {metric.source for metric in METRICS}:
        members = [metric for metric in METRICS if metric.source == source]
        values_by_day: dict[date, list[tuple[str, int, float]]] = {}
        for metric in members:
            first = window(AS_OF, READ_DAYS)
            values = {day: row.value for day, row in daily(rows, metric).items() if day >= first}
            for day, value in values.items():
                weeks = (day + 7 * n * DAY for n in range(-WEEKS, WEEKS + 1) if n)
                near = [values[other] for other in weeks if other in values]
                if day >= window(AS_OF, JUDGED_DAYS) and len(near) >= FEWEST_NEIGHBOURS:
                    values_by_day.setdefault(day, []).append((metric.metric_id, value, median(near)))
        for day, found in values_by_day.items():
            large = [one for one in found if one[2] >= LARGE]
            is_dip = len(large) >= FEWEST_IN_A_DIP and all(value < DIP * usual for _, value, usual in large)
            if is_dip:
                percent = round(100 * sum(value for _, value, _ in large) / sum(usual for _, _, usual in large))
                dips.append((day, source, tuple(metric_id for metric_id, _, _ in large), percent))
            for metric_id, value, usual in found:
                is_low = usual >= LARGE and value * FAR < usual and not is_dip
                if is_low or value > FAR * max(usual, SMALL):
                    outliers.append((day, metric_id, value, round(usual)))
    return outliers, dips


def test_refs():
    """Rows are recognized as reconstructed by the same rule as single observations."""
    row = a_row(METRICS[3], AS_OF, 1, source_ref=StarRef("o/n", 5, 1).text("github-history:"))
    assert a_table([row]).is_reconstructed.tolist() == [row.is_reconstructed] == [True]
