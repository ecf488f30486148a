"""Milestones, releases without visible effect, and missing days as items of "What changed"."""

from __future__ import annotations

from datetime import date
from pathlib import Path

from cmetrics.analytics.insight_results import Direction, ItemCategory
from cmetrics.analytics.insights import build_insights
from cmetrics.catalog import Catalog
from cmetrics.domain.days import DAY, day_range
from cmetrics.domain.metric import Product
from cmetrics.sources import SPECS
from tests.boards import a_package, an_event
from tests.samples import a_row, a_snapshot, a_table

AS_OF = date(2026, 11, 22)
FIRST = date(2025, 6, 1)
OCTOBER = date(2026, 10, 1)


def insights_of(values, *, events=(), seeds=(), as_of=AS_OF):
    """Return insights of one product; ``values`` has a function from day to value (None: missing) for each package."""
    metrics = [a_package(name) for name in values]
    rows = [
        a_row(metric, day, value(day))
        for metric, value in zip(metrics, values.values(), strict=True)
        for day in day_range(FIRST, as_of)
        if value(day) is not None
    ]
    seeds = [a_snapshot(metrics[0], day, value) for day, value in seeds]
    table = a_table([*seeds, *rows])
    catalog = Catalog(Path("c"), "All", "contact", (Product("one", "One"),), tuple(metrics), {}, events=tuple(events))
    return build_insights(table, catalog, events, as_of, specs=SPECS)


def of(insights, category):
    return [item for item in insights.items if item.category is category]


def level(value):
    return lambda day: value + day.toordinal() % 7


def test_milestone():
    """The first full month above a round number is a milestone of a package and of its product."""
    grown = insights_of({"a": lambda day: 1000 if day < OCTOBER else 1700, "b": level(10)})
    found = [item for item in of(grown, ItemCategory.MILESTONE) if item.kind == "milestone"]
    assert [item.headline for item in found] == ["One: first month above 50,000", "a: first month above 50,000"]
    assert found[1].sentence == "52,700 downloads in October 2026."
    assert found[1].metric_ids == ("downloads:one:a",)


def test_no_milestone():
    """There is no milestone with missing days, with an additional package, or if an earlier total was above."""
    step = {"a": lambda day: 1000 if day < OCTOBER else 1700}
    cases = (
        insights_of({"a": lambda day: None if day == OCTOBER else step["a"](day)}),
        insights_of(step, seeds=[(FIRST - 40 * DAY, 60_000)]),
        insights_of({"a": level(1000), "b": lambda day: None if day < OCTOBER else 700}),
    )
    for insights in cases:
        assert [item.id for item in insights.items if item.kind == "milestone" and "50000" in item.id] == []


def test_gap():
    """Missing days of a source are an item, and not a decline."""
    days = [date(2026, 10, 3), date(2026, 10, 4)]
    insights = insights_of({"a": lambda day: None if day in days else 500 + day.toordinal() % 7, "b": level(400)})
    (gap,) = of(insights, ItemCategory.GAP)
    assert gap.headline == "npm: 2 days missing"
    assert gap.sentence.startswith("3 to 4 Oct 2026, a. Missing data, not a decline; filled in if possible.")
    assert (gap.direction, gap.value, gap.metric_ids) == (Direction.LEVEL, 2, ("downloads:one:a",))
    assert of(insights, ItemCategory.FALL) == []


def test_release_without_effect():
    """A release without a visible effect is an item that names no cause."""
    event = an_event(date(2026, 9, 15), label="Release 2.0")
    insights = insights_of({"a": level(500)}, events=[event])
    (release,) = of(insights, ItemCategory.RELEASE)
    assert release.headline == "Release 2.0: no visible effect"
    assert release.sentence.endswith("Correlation only.")


def test_highlights():
    """At most four items are highlighted, of different categories if possible."""
    days = [date(2026, 10, 3)]
    event = an_event(date(2026, 9, 15), label="Release 2.0")
    values = {
        "a": lambda day: 1000 + 10 * (day - FIRST).days,
        "b": lambda day: None if day in days else 400 + day.toordinal() % 7,
        **{name: (lambda day: 500 + 4 * (day - FIRST).days) for name in "cdef"},
    }
    insights = insights_of(values, events=[event])
    shown = insights.highlights
    assert len(shown) == 4
    assert len(insights.items) > 4
    assert {item.category for item in shown} >= {ItemCategory.RISE, ItemCategory.GAP}
    assert list(shown) == [item for item in insights.items if item in shown]
