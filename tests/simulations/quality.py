"""Measurement of how often the insights are right, on series with known truth and fixed seeds."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

import numpy as np

from cmetrics.analytics.daily import DailyGrid, build_daily_grid
from cmetrics.analytics.effects import build_effects
from cmetrics.analytics.insight_results import Direction, Effect, Insights, SignalKind, Verdict
from cmetrics.analytics.insights import build_insights
from cmetrics.analytics.milestones import build_milestones
from cmetrics.analytics.projections import build_projections
from cmetrics.analytics.signals import judge_weeks
from cmetrics.analytics.star_grid import build_star_grid
from cmetrics.domain.days import DAY, Month
from cmetrics.domain.metric import Event
from cmetrics.sources import SPECS
from tests.simulations.series import AS_OF, Counts, Numbers, a_catalog, draw, metrics_of, stationary_means, table_of

#: Daily variance and drift: a calm series varies by 14 percent from day to day, a rough one by 28.
CALM, ROUGH = (0.02, 0.04), (0.08, 0.08)
YEARS = 1_095
#: A day far from holidays and from both ends of the series.
EVENT_DAY = date(2026, 9, 15)


@dataclass(frozen=True)
class Figure:
    """A measured rate and its bound."""

    what: str
    value: float
    #: The minimum or maximum of the rate.
    bound: float
    is_minimum: bool
    #: The number of cases.
    cases: int

    @property
    def meets_bound(self) -> bool:
        """Return whether the bound is met."""
        return self.value >= self.bound if self.is_minimum else self.value <= self.bound


def measure(scale: float = 1.0) -> Iterator[Figure]:
    """Yield all figures. ``scale`` is the share of cases to simulate."""

    def count(cases: int) -> int:
        return max(int(cases * scale), 20)

    for name, noise in (("calm", CALM), ("rough", ROUGH)):
        yield false_alarms(count(1_000), name, noise)
    yield from detection(count(1_000))
    yield outages(count(60))
    yield from trends(count(1_000))
    yield from steps_at_events(count(200))
    yield from placebo_events(count(1_000))
    yield from projected(count(500))
    yield milestones(count(200))


def a_grid(counts: Counts, last: date = AS_OF, source: str = "npm") -> DailyGrid:
    """Return the grid of series of one product."""
    metrics = metrics_of(len(counts), 1, (source,))
    return build_daily_grid(metrics, SPECS_WITHOUT_STEPS, table_of(metrics, counts, last=last), last)


#: npm has no steps.
SPECS_WITHOUT_STEPS = {"npm": SPECS["npm"], "github": SPECS["github"]}


def insights_of(counts: Counts, last: date = AS_OF, known: np.ndarray | None = None) -> Insights:
    """Return the insights of npm series, each in its own product."""
    metrics = metrics_of(len(counts), len(counts))
    return build_insights(
        table_of(metrics, counts, last=last, known=known), a_catalog(metrics), [], last, specs=SPECS_WITHOUT_STEPS
    )


def false_alarms(count: int, name: str, noise: tuple[float, float]) -> Figure:
    """Count spikes and drops in the weeks of a year of unchanged series."""
    numbers = np.random.default_rng(11)
    grid = a_grid(draw(numbers, stationary_means(numbers, count, 7 * 64 + 7), *noise))
    alarms = judged = 0
    for week in range(52):
        ends = np.full(count, grid.days - 1 - 7 * week)
        found = judge_weeks(grid, np.arange(count), ends)
        alarms += int((found.hit != 0).sum())
        judged += int(found.is_judged.sum())
    return Figure(
        f"false alarms: spike or drop, {name} series-weeks", alarms / judged, 0.01, is_minimum=False, cases=judged
    )


def detection(count: int) -> Iterator[Figure]:
    """Measure the detection of weeks with +60 and −45 percent in series above 5,000 a week."""
    for name, noise in (("calm", CALM), ("rough", ROUGH)):
        for factor, kind in ((1.6, SignalKind.SPIKE), (0.55, SignalKind.DROP)):
            numbers = np.random.default_rng(12)
            means = stationary_means(numbers, count, 200, low=5_000 / 7, high=200_000)
            means[:, -7:] *= factor
            grid = a_grid(draw(numbers, means, *noise))
            found = judge_weeks(grid, np.arange(count), np.full(count, grid.days - 1)).hit
            rate = float((found == (1 if kind is SignalKind.SPIKE else -1)).mean())
            what = f"detection: {kind.value}, week of {100 * (factor - 1):+.0f}%, {name}"
            yield Figure(what, rate, 0.95 if name == "calm" else 0.4, is_minimum=True, cases=count)


def outages(count: int, every: int = 3) -> Figure:
    """Count declines on the 45 nights after the start of an outage that do not occur without it."""
    falls = nights = 0
    for number, (days, factor) in enumerate(
        ((1, None), (3, None), (7, None), (1, 0.0), (3, 0.0), (2, 0.15), (6, 0.1), (3, 0.4), (9, 0.4))
    ):
        numbers = np.random.default_rng(13 + number)
        length = 420
        means = stationary_means(numbers, count, length, low=2_000, high=50_000)
        begin = length - 45
        known = np.ones(means.shape, bool)
        sound = draw(numbers, means, *CALM)
        counts = sound.copy()
        if factor is None:
            known[:, begin : begin + days] = False
        else:
            counts[:, begin : begin + days] = (counts[:, begin : begin + days] * factor).astype(np.int64)
        for night in range(begin, length, every):
            last = AS_OF - (length - 1 - night) * DAY
            without = _falls(insights_of(sound[:, : night + 1], last))
            falls += len(_falls(insights_of(counts[:, : night + 1], last, known[:, : night + 1])) - without)
            nights += count
    return Figure("outage: falls reported, series-nights", falls / nights, 0.0, is_minimum=False, cases=nights)


def _falls(found: Insights) -> set[str]:
    kinds = {SignalKind.DROP, SignalKind.DECLINE}
    return {signal.id for signal in found.signals if signal.kind in kinds} | {
        item.id for item in found.items if item.direction is Direction.FALLING
    }


def trends(count: int) -> Iterator[Figure]:
    """Measure growth and decline over six months: of unchanged series, and of 8 percent a month."""
    for growth, name in ((0.0, "no change"), (0.08, "+8% a month"), (-0.08, "−8% a month")):
        numbers = np.random.default_rng(14)
        means = stationary_means(numbers, count, 400, low=100)
        means *= (1 + growth) ** ((np.arange(400) - 399) / 30.4)
        found = insights_of(draw(numbers, means, *CALM)).signals
        expected_kinds = {SignalKind.GROWTH, SignalKind.DECLINE}
        if growth:
            expected_kinds = {SignalKind.GROWTH} if growth > 0 else {SignalKind.DECLINE}
        rate = len({signal.metric_id for signal in found if signal.kind in expected_kinds}) / count
        yield Figure(f"growth or decline: {name}", rate, 0.9 if growth else 0.01, is_minimum=bool(growth), cases=count)


def effects_of(means: Numbers, noise: tuple[float, float], seed: int, last: date = AS_OF) -> list[Effect]:
    """Return the effect of the event on each series."""
    numbers = np.random.default_rng(seed)
    event = Event(EVENT_DAY, "Release 1.0", None, ("p0",))
    return list(build_effects(a_grid(draw(numbers, means, *noise), last), [event]))


def steps_at_events(count: int) -> Iterator[Figure]:
    """Measure steps at the event and before it, and continuous growth."""
    place = YEARS - 1 - (AS_OF - EVENT_DAY).days
    for name, noise in (("calm", CALM), ("rough", ROUGH)):
        numbers = np.random.default_rng(15)
        means = stationary_means(numbers, count, YEARS, low=200, high=50_000)
        stepped = means.copy()
        stepped[:, place:] *= 1.2
        verdicts = Counter(effect.verdict for effect in effects_of(stepped, noise, 16))
        rate = verdicts[Verdict.ABOVE] / count
        bound = 0.9 if name == "calm" else 0.4
        yield Figure(f"effect: +20% at the event is above, {name}", rate, bound, is_minimum=True, cases=count)
    for days, bound in ((20, 0.05), (7, 0.15)):
        early = means.copy()
        early[:, place - days :] *= 1.4
        verdicts = Counter(effect.verdict for effect in effects_of(early, CALM, 17))
        what = f"effect: +40% planted {days} days before the event is above"
        yield Figure(what, verdicts[Verdict.ABOVE] / count, bound, is_minimum=False, cases=count)
    growing = means.copy()
    growing[:, place - 56 :] *= 1.4 ** (np.arange(YEARS - place + 56) / 28)
    verdicts = Counter(effect.verdict for effect in effects_of(growing, CALM, 18))
    what = "effect: growing 40% in 28 days since 56 days before is above"
    yield Figure(what, verdicts[Verdict.ABOVE] / count, 0.1, is_minimum=False, cases=count)


def placebo_events(count: int) -> Iterator[Figure]:
    """Measure events on unchanged series: claimed effects, and the share that is judged."""
    for name, noise in (("calm", CALM), ("rough", ROUGH)):
        numbers = np.random.default_rng(19)
        means = stationary_means(numbers, count, YEARS, low=200, high=50_000)
        claims = Counter(effect.verdict for effect in effects_of(means, noise, 20))
        rate = (claims[Verdict.ABOVE] + claims[Verdict.BELOW]) / count
        yield Figure(f"placebo events: above or below, {name}", rate, 0.12, is_minimum=False, cases=count)
    frequent = [Event(EVENT_DAY - back * DAY, f"R{back}", None, ("p0",)) for back in range(-28, 1_000, 28)]
    grid = a_grid(draw(np.random.default_rng(21), means, *CALM))
    found = [effect for effect in build_effects(grid, frequent) if effect.event.day == EVENT_DAY]
    claims = Counter(effect.verdict for effect in found)
    rate = (claims[Verdict.ABOVE] + claims[Verdict.BELOW]) / count
    yield Figure("placebo events: above or below, an event every 28 days", rate, 0.12, is_minimum=False, cases=count)
    judged = 1 - (claims[Verdict.NOT_COMPARABLE] + claims[Verdict.NOT_JUDGED]) / count
    yield Figure("placebo events: judged, an event every 28 days", judged, 0.95, is_minimum=True, cases=count)


def projected(count: int) -> Iterator[Figure]:
    """Measure how many months end within their projected interval, for several days of the month."""
    for name, growth in (("flat", 0.0), ("+4% a month", 0.04)):
        numbers = np.random.default_rng(22)
        means = stationary_means(numbers, count, 900, low=200, high=50_000, last=date(2026, 10, 31))
        means *= (1 + growth) ** ((np.arange(900) - 899) / 30.4)
        counts = draw(numbers, means, *CALM)
        month = Month(2026, 10)
        actual = counts[:, -31:].sum(axis=1)
        inside = cases = 0
        for day in (6, 12, 20, 27):
            last = month.first + (day - 1) * DAY
            grid = a_grid(counts[:, : 900 - (month.last - last).days], last)
            for row, found in enumerate(list(build_projections(grid, {}))[:count]):
                assert found.low is not None
                assert found.high is not None
                inside += found.low <= actual[row] <= found.high
                cases += 1
        yield Figure(
            f"projection: month inside the interval, {name}", inside / cases, 0.7, is_minimum=True, cases=cases
        )


def milestones(count: int) -> Figure:
    """Measure how many repositories reach their milestone between the stated dates."""
    numbers = np.random.default_rng(23)
    ahead = 700
    rates = numbers.uniform(2, 20, count)[:, None] * np.where((np.arange(400 + ahead) % 7) < 5, 1.1, 0.75)
    gains = numbers.poisson(rates * numbers.gamma(2, 0.5, rates.shape))
    stars = np.cumsum(gains, axis=1) + numbers.integers(500, 9_000, count)[:, None]
    metrics = metrics_of(0, count, stars=count)
    table = table_of(metrics, stars[:, :400])
    inside = cases = 0
    rows = {metric.metric_id: row for row, metric in enumerate(metrics)}
    for found in build_milestones(build_star_grid(metrics, table, AS_OF)):
        row = rows[found.metric_id]
        reached = np.flatnonzero(stars[row, 400:] >= found.target)
        if found.earliest is None or found.latest is None or not len(reached):
            continue
        day = AS_OF + (int(reached[0]) + 1) * DAY
        inside += found.earliest <= day <= found.latest
        cases += 1
    return Figure("milestone: reached between the stated dates", inside / cases, 0.6, is_minimum=True, cases=cases)
