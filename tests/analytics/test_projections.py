"""Projections of the running month and of the next milestone."""

from __future__ import annotations

from datetime import date, timedelta
from statistics import median

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cmetrics.analytics.daily import build_daily_grid
from cmetrics.analytics.insight_results import Milestone, Projection, ReasonKind, Scope
from cmetrics.analytics.milestones import build_milestones, next_milestone, simulate
from cmetrics.analytics.projections import build_projections, interval
from cmetrics.analytics.star_grid import build_star_grid
from cmetrics.domain.days import DAY, Month, day_range
from cmetrics.sources import SPECS
from tests.depth import deep
from tests.simulations.series import AS_OF, Counts, draw, metrics_of, stationary_means, table_of


def projections_of(
    counts: Counts, *, last: date = AS_OF, known: np.ndarray | None = None, source: str = "npm"
) -> list[Projection]:
    metrics = metrics_of(len(counts), 1, (source,))
    return list(
        build_projections(build_daily_grid(metrics, SPECS, table_of(metrics, counts, last=last, known=known), last), {})
    )


def noisy(count: int, days: int, seed: int = 6, last: date = AS_OF) -> Counts:
    numbers = np.random.default_rng(seed)
    return draw(numbers, stationary_means(numbers, count, days, low=500, high=5_000, last=last), 0.01, 0.02)


@settings(deadline=None, max_examples=deep(20))
@given(st.integers(0, 10_000), st.integers(6, 29))
def test_equals_the_slow_reference(seed, day):
    """The result equals observed days, weekday means for the others, and ratios of past months, computed day by day."""
    last = date(2026, 11, day)
    counts = noisy(1, 500, seed, last)
    values = dict(zip(day_range(last - 499 * DAY, last), counts[0].tolist(), strict=True))

    def base(month: Month, days: int) -> float:
        end = month.first + (days - 1) * DAY
        means = [median([0.0])] * 7
        for weekday in range(7):
            of_weekday = [values[d] for d in day_range(end - 27 * DAY, end) if d.weekday() == weekday]
            means[weekday] = sum(of_weekday) / len(of_weekday)
        counted = sum(values[d] for d in day_range(month.first, end))
        return counted + sum(means[d.weekday()] for d in day_range(end + DAY, month.last))

    ratios = []
    for back in range(1, 25):
        month = Month(2026, 11).plus(-back)
        if month.first - 28 * DAY < min(values):
            break
        actual = sum(values[d] for d in day_range(month.first, month.last))
        ratios.append(actual / base(month, min(day, month.days)))
    low, high = interval(sorted(ratios))
    found = projections_of(counts, last=last)[0]
    assert found.months_tested == len(ratios)
    assert found.value == pytest.approx(base(Month(2026, 11), day) * median(ratios), abs=1)
    assert found.low == pytest.approx(base(Month(2026, 11), day) * low, abs=1)
    assert found.high == pytest.approx(base(Month(2026, 11), day) * high, abs=1)
    assert (found.counted, found.days_observed, found.days_expected) == (
        sum(values[d] for d in day_range(date(2026, 11, 1), last)),
        day,
        30,
    )


def test_text_and_scopes():
    """Each metric and product and the total have a projection, whose text has value, interval and back-test."""
    found = projections_of(noisy(3, 900))
    assert [projection.scope for projection in found] == [Scope.METRIC] * 3 + [Scope.PRODUCT, Scope.ALL]
    first = found[0]
    assert first.text == (
        f"package-0000 (Node.js): projected {first.value:,} downloads in Nov 2026 ({first.low:,} to {first.high:,}); "
        f"in back-tests, {first.months_inside} of 24 full months ended within this range."
    )
    assert first.low <= first.value <= first.high
    assert found[-1].counted == sum(projection.counted for projection in found[:3])


def test_a_missing_day_is_filled_and_never_counted():
    """The projection uses the mean of its weekday; the count does not include it."""
    counts = np.full((1, 400), 1_000)
    known = np.ones(counts.shape, bool)
    known[0, -5] = False
    found = projections_of(counts, known=known)[0]
    assert (found.counted, found.value, found.days_observed) == (21_000, 30_000, 21)


@pytest.mark.parametrize(
    ("days", "last", "kind"),
    [
        (400, date(2026, 11, 4), ReasonKind.MISSING_DAYS),
        (150, AS_OF, ReasonKind.SHORT_HISTORY),
        (400, date(2026, 11, 30), ReasonKind.UNEQUAL),
    ],
)
def test_refused(days, last, kind):
    """There is no projection in the first days of a month, with too few months, or after its end."""
    found = projections_of(noisy(1, days, last=last), last=last)[0]
    assert (found.value, found.low, found.reason_kind) == (None, None, kind)
    assert found.text.startswith("package-0000 (Node.js): Nov 2026 is not projected; ")


def test_refused_without_any_value_of_a_weekday():
    """There is no projection if no Sunday of the last weeks has a value, even if all other days do."""
    counts = noisy(1, 900)
    known = np.ones(counts.shape, bool)
    known[0, -43::7] = False
    found = projections_of(counts, known=known)[0]
    assert AS_OF.weekday() == 6
    assert (found.value, found.low, found.high, found.reason_kind) == (None, None, None, ReasonKind.MISSING_DAYS)
    assert found.text == "package-0000 (Node.js): Nov 2026 is not projected; one of the weekdays has no data."


def test_refused_across_a_step():
    """After crates.io changed its counting method in October 2025, there is no projection for some weeks."""
    last = date(2025, 11, 12)
    found = projections_of(noisy(1, 500, last=last), last=last, source="cratesio")[0]
    assert (found.value, found.reason_kind) == (None, ReasonKind.STEP)
    later = date(2026, 7, 20)
    # Without October and November 2025, which contain days of both methods.
    assert projections_of(noisy(1, 900, last=later), last=later, source="cratesio")[0].months_tested == 22


def test_a_new_small_metric_does_not_end_the_history_of_its_product():
    """Months of a product are tested although a small package is new, except the month in which a large one starts."""
    counts = noisy(3, 900)
    known = np.ones(counts.shape, bool)
    known[2, :-90] = False
    counts[2] = counts[2] * 0.02
    assert projections_of(counts, known=known)[-1].months_tested == 24
    counts[2] = counts[2] * 100
    assert projections_of(counts, known=known)[-1].months_tested == 23


# -- milestones ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("stars", "following"),
    [
        (0, 1),
        (1, 2),
        (7, 10),
        (320, 500),
        (999, 1_000),
        (1_000, 2_000),
        (4_321, 5_000),
        (19_999, 20_000),
        (20_000, 50_000),
    ],
)
def test_next_milestone(stars, following):
    """Steps are 1, 2, 5 × 10ⁿ and, below 20,000, each thousand."""
    assert next_milestone(stars) == following


def milestone_of(stars: Counts) -> Milestone:
    metrics = metrics_of(0, 1, stars=1)
    (found,) = build_milestones(build_star_grid(metrics, table_of(metrics, stars[None]), AS_OF))
    return found


@settings(deadline=None, max_examples=deep(30))
@given(st.lists(st.integers(-3, 8), min_size=20, max_size=180), st.integers(1, 400))
def test_paths_equal_the_slow_reference(gains, missing):
    """Simulated paths equal blocks that are added up day by day."""
    draws = np.random.default_rng(3).random((157, 20))
    found = simulate(np.array(gains), missing, draws)
    for path in range(20):
        days = []
        for block in draws[:, path].tolist():
            start = int(block * (len(gains) - 6))
            days += gains[start : start + 7]
        levels = np.cumsum(days)[: 3 * 365]
        reached = np.flatnonzero(levels >= missing)
        assert found[path] == (reached[0] + 1 if len(reached) else np.inf)


def test_milestone():
    """Ten stars a day reach the target on the expected day, and the result is reproducible."""
    stars = 4_000 + 10 * np.arange(200)
    found = milestone_of(stars)
    assert (found.stars, found.target) == (5_990, 6_000)
    assert found.earliest == found.latest == AS_OF + timedelta(days=1)
    assert found.text == (
        "owner/name-0000: 6,000 stars between 23 Nov 2026 and 23 Nov 2026, at the pace of the last 180 days; 5,990 on "
        "22 Nov 2026."
    )
    numbers = np.random.default_rng(1)
    noise = 4_000 + np.cumsum(numbers.poisson(3, 300))
    assert milestone_of(noise) == milestone_of(noise)


def test_milestone_refused():
    """Without growth, or with a short history, no date is stated."""
    falling = milestone_of(5_000 - np.arange(200))
    assert (falling.earliest, falling.reason_kind) == (None, ReasonKind.OUT_OF_REACH)
    assert falling.text.endswith("0.0% of simulations reach it within 3 years.")
    short = milestone_of(500 + np.arange(30))
    assert (short.earliest, short.reason_kind) == (None, ReasonKind.SHORT_HISTORY)
