"""Roll-ups, compared with a slow reference."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date, timedelta
from math import log
from statistics import median

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cmetrics.analytics.daily import LATE_DAYS, build_daily_grid
from cmetrics.analytics.insight_results import ReasonKind, Rollup, Scope, Unit, Window
from cmetrics.analytics.movers import build_movers, scores
from cmetrics.analytics.rollups import LENGTHS, build_rollups, build_star_rollups, build_totals, build_windows
from cmetrics.analytics.star_grid import build_star_grid
from cmetrics.domain.days import DAY, Month, day_range, window
from cmetrics.domain.metric import CountingStep, Metric
from cmetrics.domain.observation import Observation
from cmetrics.sources import SPECS
from tests.depth import deep
from tests.samples import a_metric, a_row, a_table

AS_OF = date(2026, 3, 10)
STEP = date(2025, 12, 20)
STEPS = {**SPECS, "cratesio": replace(SPECS["cratesio"], steps=(CountingStep(STEP, "clients changed"),))}
PACKAGES = [
    a_metric("npm", metric_id="downloads:a:npm", product="a"),
    a_metric("pypistats", metric_id="downloads:a:python", product="a"),
    a_metric("pypistats", metric_id="downloads:b:python", product="b"),
    a_metric("cratesio", metric_id="downloads:b:rust", product="b"),
]
REPOSITORY = a_metric("github", metric_id="stars:a:github", product="a")

Stored = dict[str, dict[date, int]]


@st.composite
def stored(draw: st.DrawFn, days: int = 200) -> Stored:
    """Return values that vary too little to be doubtful, with gaps, and different first and last days."""
    found: Stored = {}
    for metric in PACKAGES:
        first = window(AS_OF, draw(st.integers(8, days)))
        last = AS_OF - draw(st.sampled_from([0, 0, 0, 1, 2, 5])) * DAY
        holes = draw(st.sets(st.integers(0, days), max_size=draw(st.sampled_from([0, 0, 1, 4]))))
        base = draw(st.integers(500, 5_000))
        found[metric.metric_id] = {
            day: base + (n * 7919) % 100 for n, day in enumerate(day_range(first, last)) if n == 0 or n not in holes
        }
    return found


@dataclass
class Reference:
    """The slow reference, which adds up dictionaries."""

    values: Stored

    def ends(self, metrics: Iterable[Metric]) -> date | None:
        newest = [max(self.values[m.metric_id]) for m in metrics if self.values[m.metric_id]]
        fresh = [day for day in newest if day >= max(newest) - LATE_DAYS * DAY]
        return min(fresh) if fresh else None

    def periods(self, window: Window, end: date) -> tuple[date, date, date, date]:
        """Return start and end of a window and of the period before it."""
        if window in LENGTHS:
            days = timedelta(LENGTHS[window])
            return end - days + DAY, end, end - 2 * days + DAY, end - days
        end = self.ends(PACKAGES) or end
        if window is Window.MONTH:
            month = Month.of(end) if end == Month.of(end).last else Month.of(end).plus(-1)
            return month.first, month.last, month.plus(-1).first, month.plus(-1).last
        back = timedelta(28 if end.day <= 28 else 35)
        return end.replace(day=1), end, end.replace(day=1) - back, end - back

    def compared(self, metric: Metric, window: Window, end: date) -> tuple[int, int, int] | None:
        """Return current value, previous value and the number of compared days, or None without a comparison."""
        start, end, before, until = self.periods(window, end)
        values = self.values[metric.metric_id]
        later, earlier = list(day_range(start, end)), list(day_range(before, until))
        if metric.source == "cratesio" and before < STEP <= end:
            return None
        if all(day in values for day in later) and all(day in values for day in earlier):
            return sum(values[day] for day in later), sum(values[day] for day in earlier), len(later)
        if len(later) != len(earlier):
            return None
        both = [(values[a], values[b]) for a, b in zip(later, earlier, strict=True) if a in values and b in values]
        if len(later) - len(both) > len(later) * 3 // 100:
            return None
        return sum(a for a, _ in both), sum(b for _, b in both), len(both)


def rows_of(values: Stored) -> list[Observation]:
    by_id = {metric.metric_id: metric for metric in PACKAGES}
    return [a_row(by_id[name], day, value) for name, days in values.items() for day, value in days.items()]


def rollups_of(
    rows: Iterable[Observation], metrics: Iterable[Metric] = PACKAGES
) -> dict[tuple[str | None, Window], Rollup]:
    grid = build_daily_grid(metrics, STEPS, a_table(rows), AS_OF)
    windows = build_windows(grid)
    found = [*build_rollups(grid, windows), *build_totals(grid, windows)]
    return {(rollup.metric_id or rollup.product, rollup.window): rollup for rollup in found}


@settings(deadline=None, max_examples=deep(60))
@given(stored())
def test_metrics(values):
    """A roll-up of a metric is the sum of its days, compared with as many days before."""
    found, reference = rollups_of(rows_of(values)), Reference(values)
    for metric in PACKAGES:
        of_metric = values[metric.metric_id]
        for span in Window:
            rollup = found[metric.metric_id, span]
            end = max(of_metric)
            start, last, before, until = reference.periods(span, end)
            inside = [value for day, value in of_metric.items() if start <= day <= last]
            expected = reference.compared(metric, span, end)
            assert (rollup.value, rollup.days_observed) == (sum(inside) if inside else None, len(inside))
            assert rollup.comparable == (expected is not None)
            if inside:
                assert (rollup.start, rollup.end) == (start, last)
                assert rollup.previous is not None
                assert (rollup.previous.start, rollup.previous.end) == (before, until)
            if expected is None:
                assert (rollup.change, rollup.change_percent, rollup.compared_value) == (None, None, None)
                assert rollup.reason
                assert rollup.reason_kind
                continue
            now, earlier, _ = expected
            assert (rollup.compared_value, rollup.previous.value, rollup.change) == (now, earlier, now - earlier)
            assert rollup.change_percent == round(100 * (now - earlier) / earlier, 1) + 0.0
            assert (rollup.reason, rollup.reason_kind) == (None, None)


@settings(deadline=None, max_examples=deep(60))
@given(stored())
def test_totals_compare_complete_metrics(values):
    """A total compares metrics that are complete in both periods and names the others, unless they are too large."""
    found, reference = rollups_of(rows_of(values)), Reference(values)
    for name, members in (("a", PACKAGES[:2]), ("b", PACKAGES[2:]), (None, PACKAGES)):
        end = reference.ends(members)
        assert end is not None
        for span in Window:
            rollup = found[name, span]
            start, last, before, until = reference.periods(span, end)
            results = {metric.metric_id: reference.compared(metric, span, end) for metric in members}
            inside = {
                metric.metric_id: sum(v for day, v in values[metric.metric_id].items() if start <= day <= last)
                for metric in members
            }
            earlier = {
                metric.metric_id: sum(v for day, v in values[metric.metric_id].items() if before <= day <= until)
                for metric in members
            }
            weight = {key: max(inside[key], earlier[key]) for key in inside}
            left_out = [key for key, result in results.items() if result is None]
            whole = sum(weight.values())
            share = sum(weight[key] for key in left_out) / whole if whole else 0
            alike = [result for result in results.values() if result is not None]
            assert [left.metric_id for left in rollup.left_out] == left_out
            assert (rollup.value or 0) == sum(inside.values())
            assert rollup.comparable == (bool(alike) and share <= 0.1)
            if rollup.comparable:
                now, then = sum(result[0] for result in alike), sum(result[1] for result in alike)
                assert (rollup.compared_value, rollup.change) == (now, now - then)
            else:
                assert rollup.reason
                assert rollup.change is None


@settings(deadline=None, max_examples=deep(40))
@given(stored())
def test_shares(values):
    """The shares of metrics are relative to the compared total of their product, and add up to 100 %."""
    found = rollups_of(rows_of(values))
    for product, members in (("a", PACKAGES[:2]), ("b", PACKAGES[2:])):
        for span in Window:
            total = found[product, span]
            parts = [found[metric.metric_id, span] for metric in members]
            shares = [part.share for part in parts if part.share is not None]
            if total.comparable:
                assert len(shares) == len(members) - len(total.left_out)
                assert abs(sum(shares) - 100) <= 0.1
                changes = [part.share_change for part in parts if part.share_change is not None]
                assert abs(sum(changes)) <= 0.2


def test_step():
    """A period that spans a step is not compared, which is stated; the first one after it is."""
    metric = PACKAGES[3]
    last = STEP + 59 * DAY
    rows = [a_row(metric, day, 1_000 if day < STEP else 400) for day in day_range(window(last, 120), last)]
    grid = build_daily_grid([metric], STEPS, a_table(rows), last)
    found = {r.window: r for r in build_rollups(grid, build_windows(grid)) if r.scope is Scope.METRIC}
    assert (found[Window.DAYS_30].comparable, found[Window.DAYS_30].change) == (True, 0)
    earlier = build_daily_grid([metric], STEPS, a_table(rows), last - DAY)
    found = {r.window: r for r in build_rollups(earlier, build_windows(earlier)) if r.scope is Scope.METRIC}
    assert found[Window.DAYS_30].reason == "the counting method changed on 20 Dec 2025 (clients changed)"
    assert (found[Window.DAYS_30].reason_kind, found[Window.DAYS_30].change) == (ReasonKind.STEP, None)


def test_growth_from_zero_is_new():
    """Without downloads before, a package has no percentage."""
    metric = PACKAGES[0]
    rows = [a_row(metric, day, 0 if day <= AS_OF - 7 * DAY else 9) for day in day_range(window(AS_OF, 30), AS_OF)]
    found = rollups_of(rows, [metric])[metric.metric_id, Window.DAYS_7]
    assert (found.value, found.change, found.change_percent, found.is_new) == (63, 63, None, True)


def test_month_to_date_has_the_same_weekdays():
    """A total compares metrics that are complete in both periods and names the others, unless they are large."""
    metric = PACKAGES[0]
    last = date(2026, 11, 2)
    rows = [a_row(metric, day, 400 if day.weekday() >= 5 else 1_000) for day in day_range(window(last, 90), last)]
    grid = build_daily_grid([metric], STEPS, a_table(rows), last)
    found = {rollup.window: rollup for rollup in build_totals(grid, build_windows(grid))}[Window.MONTH_TO_DATE]
    assert (found.value, found.change) == (1_400, 0)
    assert found.previous is not None
    assert (found.previous.start, found.previous.end) == (date(2026, 10, 4), date(2026, 10, 5))


def test_movers():
    """Movers are ranked by damped velocity, separately for each direction, and small ones are omitted."""
    metrics = [a_metric("npm", metric_id=f"downloads:p:{n:02}", subject=f"s{n:02}") for n in range(20)]
    later = [2_000 + 150 * n for n in range(8)] + [1_900 - 150 * n for n in range(8)] + [70, 60, 2_000, 2_000]
    rows = [
        a_row(metric, day, (2_000 if n < 16 or n > 17 else 30) if day <= AS_OF - 7 * DAY else later[n])
        for n, metric in enumerate(metrics)
        for day in day_range(window(AS_OF, 60), AS_OF)
        if n < 19 or day != AS_OF - 3 * DAY
    ]
    grid = build_daily_grid(metrics, STEPS, a_table(rows), AS_OF)
    movers = [m for m in build_movers(grid, build_windows(grid)) if m.window is Window.DAYS_7]
    rising = [mover for mover in movers if mover.change > 0]
    falling = [mover for mover in movers if mover.change < 0]
    assert [mover.metric_id[-2:] for mover in rising] == ["07", "06", "05", "04", "03", "02"]
    assert [mover.metric_id[-2:] for mover in falling] == ["15", "14", "13", "12", "11", "10"]
    assert [mover.rank for mover in movers] == [1, 2, 3, 4, 5, 6] * 2
    assert rising[0].velocity == round(7 * 1_050 / (14_000 + 100) ** 0.5, 3)
    assert rising[0].text == (
        "s07 (Node.js): 21,350 downloads from 4 to 10 Mar 2026, +52.5% against 14,000 from 25 Feb to 3 Mar 2026."
    )


def score_of(values: dict[date, int], days: int) -> float | None:
    """The size of the newest change of a metric, next to those of the 26 weeks before."""

    def change(end: date) -> float | None:
        both = list(day_range(end - (2 * days - 1) * DAY, end))
        if not all(day in values for day in both):
            return None
        earlier, later = (sum(values[day] for day in half) for half in (both[:days], both[days:]))
        return log(max(later, 1)) - log(max(earlier, 1))

    newest, *others = [change(max(values) - 7 * n * DAY) for n in range(27)]
    before = [one for one in others if one is not None]
    if newest is None or len(before) < 13:
        return None
    usual = median(before)
    spread = max(1.4826 * median(abs(one - usual) for one in before), 0.05)
    return abs(newest - usual) / spread


@settings(deadline=None, max_examples=deep(30))
@given(stored(days=300))
def test_scores(values):
    """The scores of all metrics are those of each one."""
    metrics = PACKAGES[:3]
    grid = build_daily_grid(metrics, SPECS, a_table(rows_of(values)), AS_OF)
    for days in (7, 30):
        expected = [score_of(values[metric.metric_id], days) for metric in metrics]
        found = scores(grid, np.arange(len(metrics)), days)
        assert found == [None if one is None else pytest.approx(one, abs=0.006) for one in expected]


# -- stars ---------------------------------------------------------------------------------------


@settings(deadline=None, max_examples=deep(60))
@given(
    st.lists(st.integers(-3, 9), min_size=2, max_size=120),
    st.sets(st.integers(0, 119), max_size=6),
    st.integers(0, 120),
)
def test_stars(gains, holes, counted_from):
    """The value is the net change, which is compared if all counts are of one kind."""
    first = window(AS_OF, len(gains))
    counts: dict[date, int] = {}
    rows = []
    total = 1_000
    for n, (day, gain) in enumerate(zip(day_range(first, AS_OF), gains, strict=True)):
        total += gain
        if n in holes:
            continue
        counts[day] = total
        gained = max(gain, 0) + 1
        ref = f"github:owner/name#1; gained {gained}" if n >= counted_from else "github-history:owner/name"
        rows.append(a_row(REPOSITORY, day, total, source_ref=ref))
    if not counts:
        return
    grid = build_star_grid([REPOSITORY], a_table(rows), AS_OF)
    found = {r.window: r for r in build_star_rollups(grid) if r.scope is Scope.METRIC}
    end = max(counts)
    for days_window, length in LENGTHS.items():
        rollup = found[days_window]
        marks = [end, end - length * DAY, end - 2 * length * DAY]
        known = [counts.get(mark) for mark in marks]
        kinds = {(mark - first).days >= counted_from for mark in marks}
        net = known[0] - known[1] if known[0] is not None and known[1] is not None else None
        assert (rollup.unit, rollup.end, rollup.value) == (Unit.STARS, end, net)
        assert rollup.comparable == (None not in known and len(kinds) == 1)
        if rollup.comparable:
            assert rollup.change == known[0] - 2 * known[1] + known[2]
        else:
            assert (rollup.change is None, rollup.reason is not None) == (True, True)
        span = list(day_range(end - (length - 1) * DAY, end))
        gained = lost = None
        if all(day in counts and (day - first).days >= counted_from for day in span):
            gained = sum(max(gains[(day - first).days], 0) + 1 for day in span)
            lost = None if net is None else max(gained - net, 0)
        assert (rollup.gained, rollup.lost) == (gained, lost)
