"""Find what changed, since when, and whether it is unusual, from stored values and events. Pure.

Page, report, terminal, API, feed and files only render these values and texts. Texts state what coincides, never a
cause. Periods with a missing day, a day that a registry lost, or a change of the counting method are not compared;
the reason is stated instead.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from cmetrics.analytics.changes import TOTAL_WINDOWS, ItemBuilder
from cmetrics.analytics.columns import SeriesTable
from cmetrics.analytics.daily import DailyGrid, build_daily_grid
from cmetrics.analytics.effects import build_effects, sort_events
from cmetrics.analytics.facts import build_facts
from cmetrics.analytics.insight_results import (
    Effect,
    Insights,
    Item,
    Mover,
    Omission,
    Rollup,
    Signal,
    Window,
)
from cmetrics.analytics.milestones import build_milestones
from cmetrics.analytics.monthly import MonthTable, build_months
from cmetrics.analytics.movers import build_movers
from cmetrics.analytics.projections import build_projections
from cmetrics.analytics.rollups import (
    Windows,
    build_rollups,
    build_star_rollups,
    build_totals,
    build_windows,
    common_end,
)
from cmetrics.analytics.signals import SignalFinder
from cmetrics.analytics.star_grid import StarGrid, build_star_grid
from cmetrics.catalog import Catalog
from cmetrics.domain.metric import Event, SourceSpec


def build_insights(
    series: SeriesTable,
    catalog: Catalog,
    events: Sequence[Event],
    as_of: date,
    *,
    specs: Mapping[str, SourceSpec],
) -> Insights:
    """Return the insights of ``as_of``.

    ``series`` has all stored rows of the catalogue's metrics with all columns (later days are ignored),
    ``events`` the releases and the events of the catalogue, ``specs`` the sources by name.
    """
    grid = build_daily_grid(catalog.metrics, specs, series, as_of)
    stars = build_star_grid(catalog.metrics, series, as_of)
    titles = {product.product: product.title for product in catalog.products}
    effects = tuple(build_effects(grid, sort_events(events)))
    changes = find_changes(grid, stars, catalog, events, effects, of_all=Window)
    services = {source: specs[source].public_name for source in {m.source for m in catalog.metrics} if source in specs}
    facts = build_facts(grid, changes.months, series, catalog, effects, services)
    return Insights(
        as_of,
        rollups=(*build_rollups(grid, changes.windows), *changes.totals, *build_star_rollups(stars)),
        movers=changes.movers,
        signals=changes.signals,
        effects=effects,
        projections=tuple(build_projections(grid, titles)),
        milestones=tuple(build_milestones(stars)),
        items=tuple(sorted([*changes.items, *facts], key=lambda item: -item.weight)),
        omissions=changes.omissions,
    )


@dataclass(frozen=True, slots=True)
class Changes:
    """The changes up to a day, without the roll-ups of single metrics and products, which items do not need."""

    windows: Windows
    months: MonthTable
    #: The roll-ups of all downloads.
    totals: tuple[Rollup, ...]
    movers: tuple[Mover, ...]
    signals: tuple[Signal, ...]
    items: tuple[Item, ...]
    omissions: tuple[Omission, ...]


def find_changes(
    grid: DailyGrid,
    stars: StarGrid,
    catalog: Catalog,
    events: Sequence[Event],
    effects: Sequence[Effect] | None = None,
    *,
    of_all: Iterable[Window] = (Window.DAYS_30, *TOTAL_WINDOWS),
) -> Changes:
    """Return the changes up to the last day of ``grid``.

    ``effects`` are those of the events; by default, those recent enough for an item are computed.
    ``of_all`` are the windows of the totals; items need :data:`TOTAL_WINDOWS`.
    """
    ordered = sort_events(events)
    windows = build_windows(grid)
    titles = {product.product: product.title for product in catalog.products}
    months = build_months(grid, common_end(grid.ends))
    signals, omissions = SignalFinder(grid, months, stars, ordered, titles).find()
    totals, movers = tuple(build_totals(grid, windows, of_all)), tuple(build_movers(grid, windows))
    builder = ItemBuilder(grid, stars, windows, catalog.metrics)
    if effects is None:
        effects = tuple(build_effects(grid, ordered, builder.first_event_day))
    items, silences = builder.build(totals, movers, signals, effects)
    return Changes(windows, months, totals, movers, signals, items, (*silences, *omissions))
