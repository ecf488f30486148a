"""Grids of several days from one history, compared with grids of the rows of their days only."""

from __future__ import annotations

from dataclasses import fields, replace
from datetime import date, timedelta

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from cmetrics.analytics.daily import DailyGrid, DailyHistory, build_daily_grid
from cmetrics.analytics.insight_results import ReasonKind
from cmetrics.analytics.star_grid import build_star_grid
from cmetrics.domain import formats
from cmetrics.domain.days import DAY, window
from cmetrics.domain.metric import CountingStep, KnownLoss
from cmetrics.domain.observation import Observation
from cmetrics.sources import SPECS
from tests.depth import deep
from tests.samples import a_metric, a_row, a_table

LAST = date(2026, 3, 10)
DAYS = 160
METRICS = [
    *(a_metric("pypistats", metric_id=f"downloads:a:p{n}", product="a") for n in range(3)),
    *(a_metric("npm", metric_id=f"downloads:b:n{n}", product="b") for n in range(2)),
]
REPOSITORIES = [a_metric("github", metric_id=f"stars:a:{n}", product="a") for n in range(2)]
STEPPED = replace(SPECS["npm"], steps=(CountingStep(LAST - 70 * DAY, "clients changed"),))
LOSS = KnownLoss(LAST - 60 * DAY, LAST - 58 * DAY, "lost in part", is_damaged=True)
DAMAGED = replace(SPECS["pypistats"], known_losses=(LOSS,))
ALL_SPECS = {**SPECS, "npm": STEPPED, "pypistats": DAMAGED}


@st.composite
def stored(draw: st.DrawFn) -> list[Observation]:
    """Return values with all special cases: gaps, spikes, dips of a registry, tiny values, days of another service."""
    rows = []
    dips = draw(st.sets(st.integers(0, DAYS), max_size=4))
    for metric in METRICS:
        first = draw(st.sampled_from([0, 0, 40, 120]))
        holes = draw(st.sets(st.integers(0, DAYS), max_size=5))
        odd = draw(st.dictionaries(st.integers(0, DAYS), st.sampled_from([0, 3, 400, 900_000]), max_size=6))
        other = draw(st.integers(0, DAYS))
        until = other + draw(st.sampled_from([0, 3, 14, 15, 60]))
        base = draw(st.sampled_from([30, 900, 20_000]))
        for n in range(first, DAYS):
            if n in holes:
                continue
            value = odd.get(n, base // (20 if n in dips and metric.source == "pypistats" else 1) + n % 7)
            service = "clickpy" if other <= n < until else metric.source
            ref = f"{service}:{metric.subject}"
            rows.append(a_row(metric, window(LAST, DAYS) + timedelta(days=n), value, source_ref=ref))
    return rows


def assert_equal(found: object, expected: object) -> None:
    for field in fields(type(expected)):
        one, other = getattr(found, field.name), getattr(expected, field.name)
        if isinstance(other, np.ndarray):
            assert np.array_equal(one, other), field.name
        else:
            assert one == other, field.name


@settings(deadline=None, max_examples=deep(25))
@given(stored(), st.lists(st.integers(-2, DAYS + 3), min_size=1, max_size=5))
def test_grids_of_a_history(rows, places):
    """A grid of a history does not depend on later days or on other grids."""
    table = a_table(rows)
    history = DailyHistory(METRICS, ALL_SPECS, table, LAST)
    for place in places:
        as_of = min(window(LAST, DAYS) + timedelta(days=place), LAST)
        alone = table.where(table.days <= as_of.toordinal())
        assert_equal(history.grid(as_of), build_daily_grid(METRICS, ALL_SPECS, alone, as_of))


@settings(deadline=None, max_examples=deep(25))
@given(stored(), stored(), st.integers(-2, DAYS), st.integers(0, 40))
def test_a_history_with_other_rows(rows, others, place, more):
    """A history with replaced rows equals one that is built from them."""
    first = window(LAST, DAYS) + timedelta(days=place)
    last = min(first + timedelta(days=more), LAST)
    mixed = [row for row in rows if row.period_end < first] + [row for row in others if row.period_end >= first]
    history = DailyHistory(METRICS, ALL_SPECS, a_table(rows), LAST)
    history.grid(LAST - DAY)
    changed = history.replaced(a_table(others), first, last)
    for as_of in {last, min(first + 20 * DAY, last)}:
        alone = a_table(row for row in mixed if row.period_end <= as_of)
        assert_equal(changed.grid(as_of), build_daily_grid(METRICS, ALL_SPECS, alone, as_of))


def problem_of(grid: DailyGrid, row: int, first: int, last: int) -> tuple[ReasonKind, str] | None:
    """Return the problem of some days of a metric, determined day by day."""
    days = range(first, last + 1)
    known = [day for day in days if 0 <= day < grid.days and grid.known[row, day]]
    excluded, doubtful = ([day for day in known if marked[row, day]] for marked in (grid.excluded, grid.doubtful))
    if not known:
        return ReasonKind.NO_DATA, "no day has data"
    if lacking := len(days) - len(known):
        return ReasonKind.MISSING_DAYS, f"{lacking} of {len(days)} days {'is' if lacking == 1 else 'are'} missing"
    for kind, found, one, many, rest in (
        (ReasonKind.EXCLUDED_DAY, excluded, "was", "were", "lost or only partly counted at the source"),
        (ReasonKind.UNDER_REVIEW, doubtful, "is", "are", "far outside the usual range and not confirmed yet"),
    ):
        if found:
            more = {1: "", 2: " and 1 more day"}.get(len(found), f" and {len(found) - 1} more days")
            return kind, f"{formats.short_day(grid.day(found[0]))}{more} {one if len(found) == 1 else many} {rest}"
    return None


@settings(deadline=None, max_examples=deep(25))
@given(stored(), st.lists(st.tuples(st.integers(-9, DAYS + 5), st.integers(2, 40)), min_size=1, max_size=9))
def test_problems(rows, ranges):
    """Problems of many ranges equal those of each range."""
    grid = build_daily_grid(METRICS, ALL_SPECS, a_table(rows), LAST)
    chosen = [(row, first, first + days - 1) for row in range(len(grid.metrics)) for first, days in ranges]
    found = grid.problems(*np.array(chosen).T)
    assert found == [problem_of(grid, *one) for one in chosen]


@settings(deadline=None, max_examples=deep(25))
@given(st.sets(st.integers(0, 40), max_size=30), st.sets(st.integers(0, 40)), st.integers(-2, 40), st.integers(0, 9))
def test_stars_with_other_rows(days, others, place, more):
    """Replaced counts give the same grid as one that is built from them."""
    start = window(LAST, 41)
    first = start + timedelta(days=place)
    last = min(first + timedelta(days=more), LAST)

    def rows(numbers: set[int], base: int) -> list[Observation]:
        return [
            a_row(REPOSITORIES[n % 2], start + timedelta(days=n), base + n, source_ref=f"github:o/r#1; gained {n}")
            for n in sorted(numbers)
        ]

    old, new = rows(days, 100), rows(others, 500)
    mixed = [row for row in old if row.period_end < first] + [row for row in new if row.period_end >= first]
    alone = a_table(row for row in mixed if row.period_end <= last)
    found = build_star_grid(REPOSITORIES, a_table(old), LAST).replaced(a_table(new), first, last)
    expected = build_star_grid(REPOSITORIES, alone, last)
    assert_equal(found, expected)


@settings(deadline=None, max_examples=deep(25))
@given(st.sets(st.integers(0, 40), max_size=30), st.integers(-2, 40))
def test_stars_until(days, place):
    """The counts up to a day give the same grid as one of their rows."""
    first = window(LAST, 41)
    rows = [
        a_row(REPOSITORIES[n % 2], first + timedelta(days=n), 100 + n, source_ref=f"github:o/r#1; gained {n}")
        for n in days
    ]
    table, as_of = a_table(rows), first + timedelta(days=place)
    alone = table.where(table.days <= as_of.toordinal())
    found = build_star_grid(REPOSITORIES, table, LAST).until(as_of)
    assert_equal(found, build_star_grid(REPOSITORIES, alone, as_of))
