"""All insights: order, bytes, texts, speed."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from dataclasses import fields, is_dataclass, replace

import numpy as np
import pytest

from cmetrics.analytics.columns import SeriesTable
from cmetrics.analytics.insight_results import Insights, SignalKind, Verdict
from cmetrics.analytics.insights import build_insights
from cmetrics.catalog import Catalog
from cmetrics.domain.days import DAY
from cmetrics.domain.metric import Event
from cmetrics.sources import SPECS
from tests.simulations.series import AS_OF, a_catalog, draw, metrics_of, stationary_means, table_of

CAUSAL = re.compile(r"\b(because|due to|caused?|causes|thanks to)\b", re.IGNORECASE)


def a_world(count: int = 24, days: int = 800, seed: int = 3) -> tuple[Catalog, SeriesTable, list[Event]]:
    """Return packages and repositories with all kinds of insights."""
    numbers = np.random.default_rng(seed)
    metrics = metrics_of(count, 3, ("npm", "pypistats", "cratesio"), stars=6)
    means = stationary_means(numbers, count, days, low=300, high=20_000)
    means[0] *= 1.08 ** (np.arange(days) / 30)
    means[1] *= 0.94 ** (np.arange(days) / 30)
    means[2, -7:] *= 2.5
    means[3, -7:] *= 0.4
    means[4, -60:] *= 4
    means[5, -90:] *= 1.6
    stars = np.cumsum(numbers.poisson(6, (6, days)), axis=1) + 800
    stars[0, -2:] += 150
    stars[1, -3:] -= 80
    counts = np.vstack([draw(numbers, means), stars])
    known = np.ones(counts.shape, bool)
    known[6, -4] = False
    known[7, -200:-190] = False
    known[9, -30:] = False
    events = [
        Event(AS_OF - back * DAY, f"Release 1.{number}", "https://example.com/", (f"p{number % 3}",))
        for number, back in enumerate((3, 20, 89, 150, 240, 333, 420, 500, 640))
    ]
    return a_catalog(metrics, events), table_of(metrics, counts, known=known), events


def texts(value: object) -> Iterator[str]:
    """Yield every text in a result."""
    if isinstance(value, str):
        yield str(value)
    elif isinstance(value, tuple):
        for part in value:
            yield from texts(part)
    elif is_dataclass(value):
        for column in fields(value):
            yield from texts(getattr(value, column.name))


@pytest.fixture(scope="module")
def world() -> tuple[Catalog, SeriesTable, list[Event]]:
    return a_world()


@pytest.fixture(scope="module")
def insights(world: tuple[Catalog, SeriesTable, list[Event]]) -> Insights:
    catalog, table, events = world
    return build_insights(table, catalog, events, AS_OF, specs=SPECS)


def test_all_kinds_are_found(insights):
    """The data of these tests has every kind of signal and verdict."""
    assert {signal.kind for signal in insights.signals} == set(SignalKind)
    assert {effect.verdict for effect in insights.effects} >= {Verdict.WITHIN, Verdict.TOO_EARLY, Verdict.NOT_JUDGED}
    assert insights.movers
    assert any(projection.value for projection in insights.projections)
    assert any(milestone.earliest for milestone in insights.milestones)
    assert insights.omissions


def test_order_of_metrics_and_events_does_not_matter(world, insights):
    """The result has the same bytes if catalogue, rows and events are shuffled."""
    catalog, table, events = world
    order = np.random.default_rng(1).permutation(len(catalog.metrics))
    shuffled = replace(
        catalog, metrics=tuple(catalog.metrics[place] for place in order), products=catalog.products[::-1]
    )
    again = build_insights(SeriesTable.from_arrow(table.data), shuffled, events[::-1], AS_OF, specs=SPECS)
    assert repr(again) == repr(insights)


def test_no_text_claims_a_cause(insights):
    """Texts state coincidence, never causation."""
    found = list(texts(insights))
    assert len(found) > 500
    assert [text for text in found if CAUSAL.search(text)] == []
    assert any("Coincides with" in text for text in found)


def test_numbers_are_finite_and_zero_has_no_sign(insights):
    """No result contains NaN, infinity or negative zero."""
    assert re.findall(r"\bnan\b|\binf\b|[-−]0\.0\b", repr(insights)) == []


def test_later_days_are_ignored(world, insights):
    """Insights of a day depend on that day and earlier ones only."""
    catalog, table, events = world
    earlier = AS_OF - 5 * DAY
    cut = table.where(table.days <= earlier.toordinal())
    assert repr(build_insights(table, catalog, events, earlier, specs=SPECS)) == repr(
        build_insights(cut, catalog, events, earlier, specs=SPECS)
    )
    assert insights.as_of == AS_OF


def test_empty_store():
    """Without rows, insights have no values."""
    catalog, table, events = a_world()
    nothing = build_insights(table.where(table.days < 0), catalog, events, AS_OF, specs=SPECS)
    assert {rollup.value for rollup in nothing.rollups} == {None}
    assert (nothing.movers, nothing.signals, nothing.effects, nothing.milestones, nothing.items) == ((), (), (), (), ())
    assert {projection.value for projection in nothing.projections} == {None}
    assert build_insights(table, replace(catalog, metrics=()), events, AS_OF, specs=SPECS).rollups == ()


def test_numbers_in_texts_are_sums_of_stored_values(world, insights):
    """Every number of downloads in a text is a sum of consecutive days, or the median of twelve weeks."""
    _, table, _ = world
    checked = 0
    for found in (*insights.signals, *insights.movers):
        rows = table.slices[found.metric_id]
        by_day = dict(zip(table.days[rows].tolist(), table.values[rows].tolist(), strict=True))
        last = max(by_day)
        sums = {
            sum(by_day.get(day, 0) for day in range(end - length + 1, end + 1))
            for length in (7, 28, 29, 30, 31)
            for end in range(last - 400, last + 1)
        }
        weeks = [[by_day.get(last - 7 * n - k) for k in range(7)] for n in range(1, 13)]
        whole = sorted(sum(week) for week in weeks if None not in week)
        sums.add(round((whole[(len(whole) - 1) // 2] * whole[len(whole) // 2]) ** 0.5))
        text = found.text.partition(": ")[2].partition(" Coincides")[0]
        for number in re.findall(r"(?<![+−×\d])\d{1,3}(?:,\d{3})+", text):
            # A month with a missing day is estimated, which the text states.
            assert int(number.replace(",", "")) in sums or "adjusted for" in text, text
            checked += 1
    assert checked > 40


def test_speed():
    """A thousand metrics over three years take about a second of processor time."""
    numbers = np.random.default_rng(1)
    metrics = metrics_of(1_000, 100, ("npm", "pypistats", "cratesio"))
    table = table_of(metrics, draw(numbers, stationary_means(numbers, 1_000, 1_095)))
    begun = time.process_time()
    build_insights(table, a_catalog(metrics), [], AS_OF, specs=SPECS)
    assert time.process_time() - begun < 2
