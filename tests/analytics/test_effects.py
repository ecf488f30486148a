"""Effects of events, compared with a slow reference, and the cases without a result."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cmetrics.analytics.daily import build_daily_grid
from cmetrics.analytics.effects import build_effects
from cmetrics.analytics.insight_results import Effect, ReasonKind, Verdict
from cmetrics.domain.days import DAY
from cmetrics.domain.metric import CountingStep, Event
from cmetrics.sources import SPECS
from tests.depth import deep
from tests.simulations.series import AS_OF, Counts, draw, metrics_of, stationary_means, table_of

DAYS = 1_000
DAY_OF_EVENT = date(2026, 9, 15)
PLACE = DAYS - 1 - (AS_OF - DAY_OF_EVENT).days
EVENT = Event(DAY_OF_EVENT, "Release 1.0", None, ("p0",))


def noisy(count: int = 2, seed: int = 4) -> Counts:
    numbers = np.random.default_rng(seed)
    return draw(numbers, stationary_means(numbers, count, DAYS, low=800, high=5_000), 0.01, 0.02)


def effects_of(
    counts: Counts,
    *events: Event,
    known: np.ndarray | None = None,
    last: date = AS_OF,
    steps: tuple[CountingStep, ...] = (),
) -> list[Effect]:
    metrics = metrics_of(len(counts), 1)
    specs = {**SPECS, "npm": replace(SPECS["npm"], steps=steps)}
    grid = build_daily_grid(metrics, specs, table_of(metrics, counts, last=last, known=known), last)
    return list(build_effects(grid, events or (EVENT,)))


@settings(deadline=None, max_examples=deep(30))
@given(st.integers(0, 10_000), st.lists(st.integers(40, 900), max_size=5), st.floats(0.7, 1.4))
def test_equals_the_slow_reference(seed, others, factor):
    """Change, usual variation and the number of compared days equal those computed day by day."""
    counts = noisy(1, seed)
    counts[0, PLACE:] = counts[0, PLACE:] * factor
    days = counts[0].astype(float)
    events = sorted(
        [EVENT, *(Event(DAY_OF_EVENT - back * DAY, f"R{back}", None, ("p0",)) for back in set(others))],
        key=lambda event: event.day,
    )
    (effect,) = [e for e in effects_of(counts, *events) if e.event is EVENT]

    def statistic(place: int) -> float | None:
        if place < 28 or place + 30 > DAYS:
            return None
        return float(np.log(days[place + 2 : place + 30].mean() / days[place - 28 : place].mean()))

    def holidays(place: int) -> int:
        def count(first: int, last: int) -> int:
            dates = [AS_OF - (DAYS - 1 - n) * DAY for n in range(first, last)]
            return sum((d.month, d.day) >= (12, 20) or (d.month, d.day) <= (1, 6) for d in dates)

        return max(count(place - 28, place), count(place + 2, place + 30))

    marks = [PLACE - (DAY_OF_EVENT - event.day).days for event in events]
    same_weekday = [place for place in range(PLACE - 728, PLACE - 29, 7) if place >= 0 and holidays(place) <= 3]
    far = [place for place in same_weekday if all(abs(place - mark) >= 30 for mark in marks)]
    values = [value for place in far if (value := statistic(place)) is not None]
    includes = len(values) < 30
    if includes:
        values = [value for place in same_weekday if (value := statistic(place)) is not None]
    change = statistic(PLACE)
    assert change is not None
    middle = np.median(values)
    low, high = middle + 1.05 * (np.percentile(values, [5, 95]) - middle)
    is_out = change > high or change < low
    assert (effect.usual_days, effect.usual_includes_events) == (len(values), includes)
    assert effect.change_percent == pytest.approx(100 * np.expm1(change), abs=0.051)
    assert effect.usual_low == pytest.approx(100 * np.expm1(low), abs=0.051)
    assert effect.usual_high == pytest.approx(100 * np.expm1(high), abs=0.051)
    assert (effect.verdict is not Verdict.WITHIN) == is_out


def test_above_and_below():
    """A step at the event is above or below the usual variation; the change of other packages is stated."""
    counts = noisy()
    counts[0, PLACE:] = counts[0, PLACE:] * 1.5
    counts[1, PLACE:] = counts[1, PLACE:] * 0.6
    above, below = effects_of(counts)
    assert (above.verdict, below.verdict) == (Verdict.ABOVE, Verdict.BELOW)
    assert above.others_percent == below.change_percent
    assert above.text.startswith("package-0000 (Node.js) after Release 1.0 (15 Sep 2026): +5")
    assert " a day; above usual variation (−" in above.text
    assert f"Other packages of the product: −{abs(below.change_percent or 0)}%. Correlation only." in above.text
    assert above.id == "effect-catalogue-2026-09-15-release-1-0-downloads-p0-s0000"


@pytest.mark.parametrize("early", [20, 12, 8])
def test_a_rise_before_the_event_is_a_trend(early):
    """Neither a step some days before the event nor continuous growth is above the usual variation."""
    counts = noisy()
    counts[:, PLACE - early :] = counts[:, PLACE - early :] * 1.5
    assert {effect.verdict for effect in effects_of(counts)} <= {Verdict.TREND, Verdict.WITHIN}
    counts = noisy()
    counts[:, PLACE - 60 :] = counts[:, PLACE - 60 :] * 1.5 ** (np.arange(DAYS - PLACE + 60) / 28)
    assert {effect.verdict for effect in effects_of(counts)} == {Verdict.TREND}


def test_too_early():
    """During the window, only the number of observed days is stated."""
    last = DAY_OF_EVENT + 12 * DAY
    found = effects_of(noisy()[:, : PLACE + 13], last=last)
    assert {effect.verdict for effect in found} == {Verdict.TOO_EARLY}
    assert {(effect.days_observed, effect.days_expected, effect.change_percent) for effect in found} == {(11, 28, None)}
    assert found[0].text.endswith("too early; 11 of 28 days have data.")
    complete = effects_of(noisy()[:, : PLACE + 30], last=DAY_OF_EVENT + 29 * DAY)
    assert Verdict.TOO_EARLY not in {effect.verdict for effect in complete}


@pytest.mark.parametrize("place", [PLACE - 10, PLACE + 10])
def test_missing_days(place):
    """Up to two missing days of a window are filled; with three, there is no result."""
    counts = noisy(1)
    counts[0, PLACE:] = counts[0, PLACE:] * 1.5
    known = np.ones(counts.shape, bool)
    known[0, place : place + 2] = False
    (effect,) = effects_of(counts, known=known)
    assert effect.verdict is Verdict.ABOVE
    known[0, place + 3] = False
    (effect,) = effects_of(counts, known=known)
    assert (effect.verdict, effect.reason_kind) == (Verdict.NOT_COMPARABLE, ReasonKind.MISSING_DAYS)
    assert "3 of 28 days are missing" in effect.text


def test_not_comparable():
    """There is no result across a counting step, with a short history, or without earlier downloads."""
    steps = (CountingStep(DAY_OF_EVENT + 5 * DAY, "clients changed"),)
    (effect,) = effects_of(noisy(1), steps=steps)
    assert (effect.verdict, effect.reason_kind) == (Verdict.NOT_COMPARABLE, ReasonKind.STEP)
    (effect,) = effects_of(noisy(1)[:, -220:])
    assert (effect.verdict, effect.reason_kind) == (Verdict.NOT_COMPARABLE, ReasonKind.SHORT_HISTORY)
    assert "30 are needed" in effect.text
    assert effects_of(noisy(1)[:, PLACE + 5 :]) == []


@pytest.mark.parametrize(
    ("day", "is_judged"),
    [(date(2025, 12, 20), False), (date(2025, 12, 1), False), (date(2026, 1, 20), False), (date(2026, 2, 10), True)],
)
def test_holidays_are_not_judged(day, is_judged):
    """The weeks around the end of the year are not compared."""
    (effect,) = effects_of(noisy(1), replace(EVENT, day=day))
    assert (effect.verdict is not Verdict.NOT_JUDGED) == is_judged


def test_the_text_names_overlapping_events():
    """The text names another event of the product within the windows."""
    other = Event(DAY_OF_EVENT - 9 * DAY, "Blog post", None, ("p0",))
    elsewhere = Event(DAY_OF_EVENT - 9 * DAY, "Other", None, ("p1",))
    found = [e for e in effects_of(noisy(1), elsewhere, other, EVENT) if e.event is EVENT]
    assert [effect.overlaps for effect in found] == [(other,)]
    assert "Other events in these weeks: Blog post (6 Sep 2026)." in found[0].text
