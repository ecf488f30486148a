"""Signals, compared with a slow reference, and data that must not cause a signal."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from itertools import combinations
from math import expm1, log
from statistics import median

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cmetrics.analytics.insight_results import Direction, Insights, ReasonKind, Signal, SignalKind
from cmetrics.analytics.insights import build_insights
from cmetrics.analytics.signals import compare_weeks, holiday_days
from cmetrics.domain.days import DAY, day_range
from cmetrics.domain.metric import CountingStep, Event
from cmetrics.sources import SPECS
from tests.depth import deep
from tests.simulations.series import (
    AS_OF,
    Counts,
    a_catalog,
    draw,
    metrics_of,
    stationary_means,
    table_of,
    weekday_pattern,
)

FALLS = {SignalKind.DROP, SignalKind.DECLINE, SignalKind.UNSTAR_WAVE}
DAYS = 420


def steady(count: int = 6, days: int = DAYS, level: float = 1_000.0) -> Counts:
    """Return series of different sizes without noise."""
    return np.rint((1 + np.arange(count))[:, None] * level * weekday_pattern(AS_OF, days)).astype(np.int64)


def flat(count: int = 6, days: int = DAYS, level: int = 1_000) -> Counts:
    """Return constant series, whose sums of 30 days do not depend on the weekdays."""
    return np.repeat((1 + np.arange(count))[:, None] * level, days, axis=1)


def insights_of(
    counts: Counts,
    *,
    last: date = AS_OF,
    known: np.ndarray | None = None,
    events: Sequence[Event] = (),
    products: int = 3,
    sources: tuple[str, ...] = ("npm", "pypistats"),
    stars: int = 0,
    **changes: object,
) -> Insights:
    metrics = metrics_of(len(counts) - stars, products, sources, stars)
    specs = {**SPECS, **changes}
    return build_insights(
        table_of(metrics, counts, last=last, known=known), a_catalog(metrics), events, last, specs=specs
    )


def kinds(found: Insights, number: int | None = None) -> set[SignalKind]:
    """Return the kinds of all signals, or of those of one metric."""
    return {s.kind for s in found.signals if number is None or s.metric_id.endswith(f"s{number:04}")}


def the(found: Insights, kind: SignalKind) -> Signal:
    """Return the only signal of a kind."""
    (signal,) = [signal for signal in found.signals if signal.kind is kind]
    return signal


@settings(deadline=None, max_examples=deep(200))
@given(st.lists(st.one_of(st.none(), st.integers(0, 10_000)), min_size=13, max_size=13))
def test_weeks_equal_the_slow_reference(sums):
    """Spikes and drops equal those of the documented rule."""
    weeks = compare_weeks(np.array([[value or 0 for value in sums]]), np.array([[value is not None for value in sums]]))
    before = [log(max(value, 1)) for value in sums[1:] if value is not None]
    is_judged = sums[0] is not None and len(before) >= 8
    assert weeks.is_judged[0] == is_judged
    expected_hit = 0
    if is_judged:
        middle = median(before)
        spread = max(1.4826 * median(abs(value - middle) for value in before), 0.05)
        usual = float(np.exp(middle))
        is_far = abs(log(max(sums[0], 1)) - middle) / spread >= 4
        if is_far and abs(sums[0] - usual) >= 0.25 * usual and max(sums[0], usual) >= 500:
            expected_hit = 1 if sums[0] > usual else -1
    assert weeks.hit[0] == expected_hit


def test_steady_series_have_no_signal():
    """Constant series have no signals, items or omissions."""
    found = insights_of(steady())
    assert (found.signals, found.items, found.omissions) == ((), (), ())


def test_spike_and_drop():
    """A week far above or below the twelve weeks before it is a signal with text, numbers and coinciding events."""
    counts = steady()
    counts[0, -7:] *= 2
    counts[3, -7:] //= 2
    events = [
        Event(AS_OF - 20 * DAY, "Too early", None, ("p0",)),
        Event(AS_OF - 9 * DAY, "Release 1.0", None, ("p0", "p1")),
        Event(AS_OF - 2 * DAY, "Post", None, ("p0",)),
        Event(AS_OF - 2 * DAY, "Of another product", None, ("p2",)),
    ]
    found = insights_of(counts, events=events)
    spike, drop = the(found, SignalKind.SPIKE), the(found, SignalKind.DROP)
    assert (spike.value, spike.expected, spike.change_percent) == (14_000, 7_000, 100.0)
    assert [event.label for event in spike.coincides_with] == ["Release 1.0", "Post"]
    assert spike.text == (
        "package-0000 (Node.js): 14,000 downloads from 16 to 22 Nov 2026, ×2.0 against 7,000 in a usual week (median "
        "of the 12 weeks before). Coincides with Release 1.0 (13 Nov 2026) and Post (20 Nov 2026)."
    )
    assert (drop.start, drop.end, drop.value, drop.change_percent) == (AS_OF - 10 * DAY, AS_OF, 14_000, -50.0)
    assert "−50.0%" in drop.text
    assert {item.id for item in found.items} == {spike.id, drop.id}
    assert {item.direction for item in found.items} == {Direction.RISING, Direction.FALLING}
    assert {item.text for item in found.items} == {spike.text, drop.text}


def test_an_id_stays_as_long_as_the_signal_lasts():
    """The id is the same from the first to the last night of a signal, also after a night that cannot be judged."""
    counts = steady(3)
    counts[0, -40:] = counts[0, -40:] * 2
    known = np.ones(counts.shape, bool)
    known[0, -20] = False
    ids = []
    for back in range(38, -1, -1):
        part = slice(0, DAYS - back)
        found = insights_of(counts[:, part], last=AS_OF - back * DAY, known=known[:, part])
        ids.append({signal.id for signal in found.signals if signal.kind is SignalKind.SPIKE})
    signal_ids = set().union(*ids)
    assert len(signal_ids) == 1
    assert sum(bool(of_night) for of_night in ids) >= 25
    assert not any(ids[-19:-13])


def test_growth_and_decline():
    """Six months of growth or decline are detected whatever the lengths of months, and with a lost day."""
    counts = steady(4)
    months = np.arange(DAYS - 1, -1, -1) / 30.4
    counts[1] = np.rint(counts[1] * 1.06**-months)
    counts[2] = np.rint(counts[2] * 0.95**-months)
    known = np.ones(counts.shape, bool)
    known[1, -100] = False
    found = insights_of(counts, known=known)
    assert kinds(found, 1) >= {SignalKind.GROWTH}
    assert kinds(found, 2) == {SignalKind.DECLINE}
    assert not {SignalKind.GROWTH, SignalKind.DECLINE} & (kinds(found, 0) | kinds(found, 3))
    growth, decline = the(found, SignalKind.GROWTH), the(found, SignalKind.DECLINE)
    assert growth.change_percent == pytest.approx(6.0, abs=0.3)
    assert decline.change_percent == pytest.approx(-5.0, abs=0.3)
    assert "(adjusted for 1 missing day)" in growth.text
    monthly = []
    for month in range(5, 11):
        days = list(day_range(date(2026, month, 1), date(2026, month + 1, 1) - DAY))
        monthly.append(sum(int(counts[2, DAYS - 1 - (AS_OF - day).days]) for day in days) / len(days))
    slopes = [(log(b) - log(a)) / (j - i) for (i, a), (j, b) in combinations(enumerate(monthly), 2)]
    assert decline.score == pytest.approx(100 * -expm1(median(slopes)), abs=0.6)


def test_share_shift():
    """A package with a growing share of its product is a signal. Only full months count; both shares are stated."""
    counts = steady(4)
    first = DAYS - 1 - (AS_OF - date(2026, 10, 1)).days
    counts[0, first:] *= 3
    shifts = [s for s in insights_of(counts, products=1).signals if s.kind is SignalKind.SHARE_SHIFT]
    by_metric = {signal.metric_id[-5:]: signal for signal in shifts}
    assert (by_metric["s0000"].value, by_metric["s0000"].expected) == (25.0, 10.0)
    assert by_metric["s0000"].change_percent == 15.0
    assert by_metric["s0003"].change_percent == pytest.approx(-6.7)
    items = insights_of(counts, products=1).items
    assert sum(item.signal_kind is SignalKind.SHARE_SHIFT for item in items) <= 1
    small = insights_of(steady(4, level=5) + (counts - steady(4)) // 1_000, products=1)
    assert SignalKind.SHARE_SHIFT not in kinds(small)


def test_records():
    """The best month and week of more than a year are records; there are none in the first year."""
    counts = steady(3)
    first = DAYS - 1 - (AS_OF - date(2026, 10, 1)).days
    counts[1, first : first + 31] = counts[1, first : first + 31] * 1.2
    counts[2, -7:] = counts[2, -7:] * 1.15
    found = insights_of(counts)
    month, week = sorted((s for s in found.signals if s.kind is SignalKind.RECORD), key=lambda signal: signal.metric_id)
    assert (month.start, month.end) == (date(2026, 10, 1), date(2026, 10, 31))
    assert "the best month on record; the previous best was" in month.text
    assert (week.start, week.end, week.value) == (AS_OF - 9 * DAY, AS_OF, int(counts[2, -7:].sum()))
    assert SignalKind.RECORD not in kinds(insights_of(counts[:, -360:]))


@settings(deadline=None, max_examples=deep(20))
@given(st.lists(st.sampled_from([0.8, 1.0, 1.09, 1.2, 1.5]), min_size=9, max_size=9), st.sets(st.integers(0, DAYS - 1)))
def test_record_weeks_equal_the_slow_reference(factors, holes):
    """A record week is one tenth above every whole week before it."""
    counts = flat(1)
    for number, factor in enumerate(factors):
        end = DAYS - 19 * number
        counts[0, end - 10 : end] = counts[0, end - 10 : end] * factor
    known = np.array([[day not in holes or day >= DAYS - 7 for day in range(DAYS)]])
    weeks = {
        end: int(counts[0, end - 6 : end + 1].sum()) for end in range(6, DAYS) if known[0, end - 6 : end + 1].all()
    }
    before = [value for end, value in weeks.items() if end <= DAYS - 8]
    expected = len(before) >= 351 and weeks[DAYS - 1] >= 1.1 * max(before)
    found = [s for s in insights_of(counts, known=known).signals if s.kind is SignalKind.RECORD and s.end == AS_OF]
    assert [signal.value for signal in found] == ([weeks[DAYS - 1]] if expected else [])


@settings(deadline=None, max_examples=deep(20))
@given(st.lists(st.tuples(st.integers(50, 4_000), st.sampled_from([0.6, 1, 1, 1, 1.8])), min_size=6, max_size=6))
def test_shares_equal_the_slow_reference(levels):
    """The share of each metric in its product is compared with the median of three months."""
    counts = np.repeat(np.array([[level] for level, _ in levels]), DAYS, axis=1)
    first = DAYS - 1 - (AS_OF - date(2026, 10, 1)).days
    for row, (_, factor) in enumerate(levels):
        counts[row, first : first + 31] = counts[row, first : first + 31] * factor
    found = insights_of(counts, products=2)
    by_product: dict[str, list[int]] = {}
    for row, metric in enumerate(metrics_of(6, 2, ("npm", "pypistats"), 0)):
        by_product.setdefault(metric.product, []).append(row)
    expected = set()
    for rows in by_product.values():
        now, before = counts[rows, first], counts[rows, first - 1]
        shifts = 100 * now / now.sum() - 100 * before / before.sum()
        if 31 * now.sum() >= 10_000:
            expected |= {f"s{row:04}" for row, shift in zip(rows, shifts, strict=True) if abs(shift) >= 5}
    assert {s.metric_id[-5:] for s in found.signals if s.kind is SignalKind.SHARE_SHIFT} == expected


def test_stars():
    """A day with many new or removed stars is a signal for a week; consecutive days are one signal."""
    days = 120
    stars = np.cumsum(np.full((3, days), 4), axis=1) + 500
    stars[0, -1:] += 60
    stars[1, -4:] -= 30
    stars[2, -3:] += np.array([30, 90, 130])
    found = insights_of(np.vstack([steady(3, days), stars]), stars=3)
    bursts = sorted((s for s in found.signals if s.kind is SignalKind.STAR_BURST), key=lambda signal: signal.metric_id)
    assert [(s.start, s.end, s.value, s.expected) for s in bursts] == [
        (AS_OF, AS_OF, 64, 4),
        (AS_OF - 2 * DAY, AS_OF, 142, 12),
    ]
    assert bursts[0].text == "owner/name-0000: +64 stars on 22 Nov 2026 (usual: 4)."
    assert bursts[1].text == "owner/name-0002: +142 stars from 20 to 22 Nov 2026 (usual: 4 a day)."
    wave = the(found, SignalKind.UNSTAR_WAVE)
    assert (wave.start, wave.value, wave.text) == (
        AS_OF - 3 * DAY,
        -26,
        "owner/name-0001: −26 stars on 19 Nov 2026 (usual: 4).",
    )
    later = insights_of(
        np.vstack([steady(3, days), np.hstack([stars[:, 8:], stars[:, -1:] + 4 * np.arange(1, 9)])]), stars=3
    )
    assert not {SignalKind.STAR_BURST, SignalKind.UNSTAR_WAVE} & kinds(later)


# -- data that must not be reported as a decline -------------------------------------------------


def falls(found: Insights) -> list[str]:
    """Return the texts of all results that state a decline of downloads."""
    return [
        *(signal.text for signal in found.signals if signal.kind in FALLS),
        *(item.text for item in found.items if item.direction is Direction.FALLING),
        *(mover.text for mover in found.movers if mover.direction is Direction.FALLING),
        *(f"{rollup.metric_id} {rollup.window}" for rollup in found.rollups if (rollup.change or 0) < 0),
    ]


@pytest.mark.parametrize("length", [1, 3, 7, 20])
@pytest.mark.parametrize("back", [0, 2, 5, 12, 33])
def test_missing_days_are_not_a_decline(length, back):
    """A gap is excluded and named, wherever it is."""
    counts = flat()
    known = np.ones(counts.shape, bool)
    known[:2, DAYS - back - length : DAYS - back] = False
    found = insights_of(counts, known=known)
    assert falls(found) == []
    lacking = [rollup for rollup in found.rollups if rollup.metric_id and rollup.metric_id.endswith("s0000")]
    assert any(not rollup.comparable and rollup.reason for rollup in lacking)


@pytest.mark.parametrize("factor", [0.0, 0.02, 0.1, 0.19])
@pytest.mark.parametrize("back", [0, 1, 4, 9, 60])
def test_an_outage_of_a_registry_is_not_a_decline(factor, back):
    """Days on which all metrics of a source fall together are excluded."""
    counts = flat()
    days = slice(DAYS - 1 - back - 2, DAYS - back)
    counts[::2, days] = np.rint(counts[::2, days] * factor)
    assert falls(insights_of(counts)) == []


def test_a_single_zero_is_not_a_decline():
    """A single 0 of a package with thousands of downloads a day always stays doubtful."""
    for back in (3, 10, 40):
        counts = flat()
        counts[0, -1 - back] = 0
        assert falls(insights_of(counts)) == []


def test_an_outlier_under_review_is_not_a_rise():
    """A value twenty times the usual is not a spike before it is confirmed."""
    counts = flat()
    counts[0, -3] *= 40
    found = insights_of(counts)
    assert (found.signals, found.movers) == ((), ())
    (omission,) = [omission for omission in found.omissions if omission.kind is ReasonKind.UNDER_REVIEW]
    assert omission.text == (
        "package-0000 (Node.js): the last 7 days are not judged; 20 Nov 2026 is far outside the usual range and not "
        "confirmed yet."
    )


@pytest.mark.parametrize("days", [1, 2, 3])
def test_an_unsettled_day_is_not_a_decline(days):
    """While the newest days are incomplete, all windows exclude them."""
    counts = flat()
    counts[1, -days:] //= 5
    assert falls(insights_of(counts)) == []


def test_a_lasting_decline_is_reported():
    """A package that really loses four fifths is not considered unsettled or lost."""
    counts = flat()
    counts[1, -7:] //= 5
    assert kinds(insights_of(counts), 1) == {SignalKind.DROP}


def test_a_counting_step_is_not_a_decline():
    """A declared change of the counting method is not a decline, trend or shift."""
    counts = flat()
    step = AS_OF - 20 * DAY
    counts[::2, -21:] //= 3
    spec = replace(SPECS["npm"], steps=(CountingStep(step, "fewer clients count"),))
    found = insights_of(counts, npm=spec)
    assert falls(found) == []
    reasons = {r.reason for r in found.rollups if r.metric_id and r.metric_id.endswith("s0000") and not r.comparable}
    assert "the counting method changed on 2 Nov 2026 (fewer clients count)" in reasons
    counts = flat()
    counts[0, -21:] //= 3
    assert kinds(insights_of(counts)) & FALLS == {SignalKind.DROP}
    assert kinds(insights_of(counts, npm=spec)) & FALLS == set()


def test_holidays_are_not_a_decline():
    """Downloads that halve over Christmas are not a drop."""
    last = date(2026, 12, 27)
    counts = np.rint(np.outer([1_000, 3_000], weekday_pattern(last, DAYS))).astype(np.int64)
    counts[:, -7:] = counts[:, -7:] * 0.45
    found = insights_of(counts, last=last)
    assert kinds(found) == set()
    assert (holiday_days(date(2026, 12, 1), date(2026, 12, 19)), holiday_days(last, last)) == (0, 1)
    assert holiday_days(date(2026, 12, 1), date(2027, 1, 31)) == 18


def test_a_decline_of_a_whole_source_is_named():
    """If most packages of a source fall by a third, no decline is reported, but the reason is."""
    counts = flat(8)
    counts[::2, -7:] = counts[::2, -7:] * 0.65
    found = insights_of(counts)
    assert kinds(found) == set()
    (omission,) = [omission for omission in found.omissions if omission.kind is ReasonKind.SOURCE_MOVED]
    assert "in line with api.npmjs.org as a whole (−35.0%, median of 4 metrics)" in omission.text
    counts[0, -7:] = counts[0, -7:] * 0.4
    assert kinds(insights_of(counts), 0) == {SignalKind.DROP}


def test_late_metrics_are_named():
    """A metric without a recent value is not judged; others are."""
    counts = flat()
    counts[0, -7:] *= 2
    known = np.ones(counts.shape, bool)
    known[1, -10:] = False
    found = insights_of(counts, known=known)
    assert kinds(found) >= {SignalKind.SPIKE}
    assert [o.metric_ids for o in found.omissions if o.kind is ReasonKind.MISSING_DAYS] == [("downloads:p1:s0001",)]


def test_signals_are_independent_of_other_metrics():
    """Signals depend on the values of one metric only: each product alone has the same signals."""
    numbers = np.random.default_rng(5)
    counts = draw(numbers, stationary_means(numbers, 12, DAYS, low=500), 0.03, 0.1)
    counts[4, -7:] *= 9
    together = insights_of(counts, products=12, sources=("npm",))
    for number in range(12):
        metrics = metrics_of(12, 12)[number : number + 1]
        alone = build_insights(table_of(metrics, counts[[number]]), a_catalog(metrics), (), AS_OF, specs=SPECS)
        mine = [s for s in together.signals if s.metric_id == metrics[0].metric_id and s.kind is not SignalKind.DROP]
        assert [s for s in alone.signals if s.kind is not SignalKind.DROP] == mine
    assert SignalKind.SPIKE in kinds(together, 4)
