"""Items of "What changed" other than unusual values: milestones, releases, and missing days. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date, timedelta

import numpy as np
from numpy.typing import NDArray

from cmetrics.analytics.changes import EFFECT_DAYS, EFFECT_RULE
from cmetrics.analytics.columns import Places, SeriesTable, Values
from cmetrics.analytics.daily import DailyGrid
from cmetrics.analytics.effects import REACH
from cmetrics.analytics.headlines import effect_sentence, short_names
from cmetrics.analytics.insight_results import Direction, Effect, Item, ItemKind, Verdict
from cmetrics.analytics.monthly import MonthTable
from cmetrics.analytics.phrases import large, round_number, rounded
from cmetrics.catalog import Catalog
from cmetrics.domain import formats
from cmetrics.domain.plural import plural
from cmetrics.domain.sanitize import isolate

#: The smallest number of downloads per month that is a milestone.
FIRST_STEP = 10_000
#: The number of days for which missing days are an item.
GAP_DAYS = 90
#: The weight of milestones (a change of a tenth) and missing days (a twentieth), so that changes rank first.
MILESTONE_SIZE, GAP_SIZE = 0.1, 0.05
#: The maximum number of milestones, because a busy month has one for every metric.
MOST_MILESTONES = 3

Shares = NDArray[np.float64]


def build_facts(
    grid: DailyGrid,
    months: MonthTable,
    series: SeriesTable,
    catalog: Catalog,
    effects: Iterable[Effect],
    titles: Mapping[str, str],
) -> tuple[Item, ...]:
    """Return milestones of the last full month, releases without a visible effect, and missing days of sources.

    ``titles`` are those of the sources.
    """
    sums = grid.sums(grid.total, grid.days - 30, grid.days - 1).astype(float)
    #: Of each metric in the downloads of the last 30 days.
    shares = sums / (sums.sum() or 1.0)
    milestones = sorted(_milestones(grid, months, series, catalog, shares), key=lambda item: -item.weight)
    return (
        *milestones[:MOST_MILESTONES],
        *_without_effect(grid, effects, shares),
        *_gaps(grid, shares, titles),
    )


# -- milestones ------------------------------------------------------------------------------------


def _milestones(
    grid: DailyGrid, months: MonthTable, series: SeriesTable, catalog: Catalog, shares: Shares
) -> Iterator[Item]:
    """Yield the round numbers that all packages, a product or a metric first exceeded in the last full month.

    They compare like with like.
    """
    if len(months.months) < 2:  # noqa: PLR2004  # nothing to exceed
        return
    month, seeds = months.months[-1], _largest_seeds(grid, series)
    for slug, name, product, rows in _groups(grid, catalog):
        counted = months.usable[rows]
        # An additional package would make the number grow.
        if not (counted[:, -1] == months.days[-1]).all() or not counted[:, -2].all():
            continue
        sums = months.value[rows].sum(axis=0)
        value, before = int(sums[-1]), max(int(sums[:-1].max()), int(seeds[rows].sum()))
        step = round_number(value)
        if step < FIRST_STEP or before >= step:
            continue
        counts = f"{formats.number(value)} downloads in {formats.month(month.first)}"
        yield Item(
            id=f"first-{slug}-{step}",
            kind=ItemKind.MILESTONE,
            direction=Direction.RISING,
            start=month.first,
            end=month.last,
            metric_ids=(grid.metrics[int(rows[0])].metric_id,) if len(rows) == 1 else (),
            product=product,
            value=value,
            expected=before,
            change_percent=rounded(100 * (value - before) / before) if before else None,
            rule="first full month above a round number",
            weight=round(MILESTONE_SIZE * float(shares[rows].sum()), 6),
            headline=f"{name}: first month above {large(step)}",
            sentence=f"{counts}{' across all packages' if len(rows) > 1 and product else ''}.",
            text=f"{name}: {counts}, the first month above {large(step)}.",
        )


def _groups(grid: DailyGrid, catalog: Catalog) -> Iterator[tuple[str, str, str | None, Places]]:
    """Yield the slug, the name, the product and the rows of all packages, of each product and of each metric."""
    products, names = grid.rows_by_product(), short_names(grid.metrics)
    titles = {product.product: product.title for product in catalog.products}
    if len(products) > 1:
        yield "all", "All packages", None, np.arange(len(grid.metrics))
    for product, rows in products.items():
        if len(rows) > 1:
            yield f"product-{product}", isolate(titles.get(product, product)), product, rows
        for row in rows.tolist():
            yield grid.metrics[row].slug, names[grid.metrics[row].metric_id], product, np.array([row])


def _largest_seeds(grid: DailyGrid, series: SeriesTable) -> Values:
    """Return by metric its largest published total from before daily data; 0 for none."""
    numbers = {metric.metric_id: row for row, metric in enumerate(grid.metrics)}
    found = np.zeros(len(grid.metrics) + 1, np.int64)
    # Other metrics have the last row.
    owners = np.array([numbers.get(metric_id, -1) for metric_id in series.metric_ids], np.intp)[series.owners]
    np.maximum.at(found, owners[series.is_seed], series.values[series.is_seed])
    return found[:-1]


# -- releases ------------------------------------------------------------------------------------


def _without_effect(grid: DailyGrid, effects: Iterable[Effect], shares: Shares) -> Iterator[Item]:
    """Yield the largest metric of each recent event whose metrics all stayed within their usual variation."""
    rows = {metric.metric_id: row for row, metric in enumerate(grid.metrics)}
    names, newest = short_names(grid.metrics), grid.day(grid.days - 1)
    by_event: dict[str, list[Effect]] = {}
    for effect in effects:
        if (newest - effect.event.day).days <= REACH + EFFECT_DAYS:
            by_event.setdefault(effect.event.identifier, []).append(effect)
    for found in by_event.values():
        judged = [effect for effect in found if effect.change_percent is not None]
        if not judged or any(effect.verdict is not Verdict.WITHIN for effect in judged):
            continue
        first = max(judged, key=lambda effect: float(shares[rows[effect.metric_id]]))
        event = first.event
        yield Item(
            id=f"no-{first.id}",
            kind=ItemKind.RELEASE,
            direction=Direction.LEVEL,
            start=event.day,
            end=event.day + timedelta(days=REACH),
            metric_ids=(first.metric_id,),
            product=grid.metrics[rows[first.metric_id]].product,
            value=first.after or 0,
            expected=first.before or 0,
            change_percent=first.change_percent,
            rule=EFFECT_RULE,
            # There is no change.
            weight=0.0,
            headline=f"{isolate(event.label)}: no visible effect",
            sentence=effect_sentence(first, names[first.metric_id]),
            text=first.text,
        )


# -- missing days --------------------------------------------------------------------------------


def _gaps(grid: DailyGrid, shares: Shares, titles: Mapping[str, str]) -> Iterator[Item]:
    """Yield the missing days of each source in the last weeks that are between known values."""
    start = max(grid.days - GAP_DAYS, 0)
    known = grid.known
    begun = np.maximum.accumulate(known, axis=1)
    goes_on = np.maximum.accumulate(known[:, ::-1], axis=1)[:, ::-1]
    lacks = (begun & goes_on & ~known)[:, start:]
    for source in sorted({metric.source for metric in grid.metrics}):
        rows = np.array([row for row, metric in enumerate(grid.metrics) if metric.source == source])
        columns = np.flatnonzero(lacks[rows].any(axis=0))
        if not len(columns):
            continue
        hit = rows[lacks[rows].any(axis=1)]
        days = [grid.day(start + int(column)) for column in columns]
        count = len(days)
        which = "all packages" if len(hit) == len(rows) and len(rows) > 1 else _which(grid, hit)
        title = titles.get(source, source)
        when = _when(days)
        yield Item(
            id=f"gap-{source}-{days[0].isoformat()}",
            kind=ItemKind.GAP,
            direction=Direction.LEVEL,
            start=days[0],
            end=days[-1],
            metric_ids=tuple(grid.metrics[row].metric_id for row in hit.tolist()),
            value=count,
            expected=0,
            rule="days without a value between days with one",
            weight=round(GAP_SIZE * float(shares[hit].sum()) * count / GAP_DAYS, 6),
            headline=f"{title}: {plural(count, 'day')} missing",
            sentence=f"{when[:1].upper()}{when[1:]}, {which}. Missing data, not a decline; filled in if possible.",
            text=f"{title}: {plural(count, 'day')} missing, {when}, {which}.",
        )


def _which(grid: DailyGrid, rows: Places) -> str:
    if len(rows) == 1:
        return grid.metrics[int(rows[0])].subject
    return f"{len(rows)} packages"


def _when(days: Sequence[date]) -> str:
    """Return the days as one period if they are consecutive, else the first and the last."""
    if (days[-1] - days[0]).days + 1 == len(days):
        return formats.period(days[0], days[-1])
    return f"between {formats.period(days[0], days[-1]).replace(' to ', ' and ')}"
