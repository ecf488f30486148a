"""What moved, since when, and whether it is more than usual: all of it from stored values and events. Pure.

Page, report, terminal, API, feed and files render these values and texts; none of them computes anything.
No text claims a cause: a text states what coincides. A comparison across a missing day, a day that a
registry lost, or a step in the way of counting is not made, and the reason is stated instead.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date

from cmetrics.analytics.changes import ItemBuilder
from cmetrics.analytics.columns import SeriesTable
from cmetrics.analytics.daily import DailyGrid, build_daily_grid
from cmetrics.analytics.effects import build_effects
from cmetrics.analytics.insight_results import (
    HIGHLIGHTS,
    Direction,
    Effect,
    Insights,
    Item,
    ItemKind,
    LeftOut,
    Milestone,
    Mover,
    Omission,
    Period,
    Projection,
    ReasonKind,
    Rollup,
    Scope,
    Signal,
    SignalKind,
    Unit,
    Verdict,
    Window,
    select_highlights,
)
from cmetrics.analytics.milestones import build_milestones
from cmetrics.analytics.monthly import build_months
from cmetrics.analytics.movers import build_movers
from cmetrics.analytics.projections import build_projections
from cmetrics.analytics.rollups import build_rollups, build_star_rollups, build_windows, common_end
from cmetrics.analytics.signals import SignalFinder
from cmetrics.analytics.star_grid import StarGrid, build_star_grid
from cmetrics.catalog import Catalog
from cmetrics.domain.metric import Event, SourceSpec

__all__ = [
    "HIGHLIGHTS",
    "Direction",
    "Effect",
    "Insights",
    "Item",
    "ItemKind",
    "LeftOut",
    "Milestone",
    "Mover",
    "Omission",
    "Period",
    "Projection",
    "ReasonKind",
    "Rollup",
    "Scope",
    "Signal",
    "SignalKind",
    "Unit",
    "Verdict",
    "Window",
    "build_insights",
    "find_changes",
    "select_highlights",
]


def build_insights(
    series: SeriesTable,
    catalog: Catalog,
    events: Sequence[Event],
    as_of: date,
    *,
    specs: Mapping[str, SourceSpec],
) -> Insights:
    """Return the insights of ``as_of``.

    ``series`` holds all stored rows of the catalogue's metrics with all columns (later days are ignored),
    ``events`` the releases and the events of the catalogue, ``specs`` the sources by name.
    """
    grid = build_daily_grid(catalog.metrics, specs, series, as_of)
    stars = build_star_grid(catalog.metrics, series, as_of)
    titles = {product.product: product.title for product in catalog.products}
    return replace(
        find_changes(grid, stars, catalog, events, as_of),
        projections=tuple(build_projections(grid, titles)),
        milestones=tuple(build_milestones(stars)),
    )


def find_changes(grid: DailyGrid, stars: StarGrid, catalog: Catalog, events: Sequence[Event], as_of: date) -> Insights:
    """Return the insights of ``as_of`` without projections and milestones, which look ahead."""
    metrics = {metric.metric_id: metric for metric in catalog.metrics}
    ordered = sorted(events, key=lambda event: (event.day, event.label, event.products))
    windows = build_windows(grid)
    rollups = (*build_rollups(grid, windows), *build_star_rollups(stars))
    months = build_months(grid, common_end(grid.ends))
    titles = {product.product: product.title for product in catalog.products}
    signals, omissions = SignalFinder(grid, months, stars, ordered, titles).find()
    movers = tuple(build_movers(rollups, grid))
    effects = tuple(build_effects(grid, ordered))
    items, silences = ItemBuilder(rollups, metrics).build(movers, signals, effects)
    return Insights(
        as_of,
        rollups=rollups,
        movers=movers,
        signals=signals,
        effects=effects,
        items=items,
        omissions=(*silences, *omissions),
    )
