"""The one reader of the store for everything that is shown: page, API, files, `status`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from cmetrics.catalog import Catalog
from cmetrics.dashboard.build import build_dashboard, build_freshness, build_health, last_errors
from cmetrics.dashboard.model import Dashboard, Freshness, Health
from cmetrics.domain.days import Span, window
from cmetrics.domain.metric import Metric, SourceSpec
from cmetrics.store.lance_store import LanceStore

#: Runs older than that explain nothing that is shown.
RUNS_WITHIN = timedelta(days=90)
#: What the page shows when nothing else is asked: everything that was ever collected.
ALL_DAYS = 365 * 20


@dataclass(frozen=True, slots=True)
class MetricState:
    """One line of `status`."""

    metric: Metric
    freshness: Freshness


@dataclass(frozen=True, slots=True)
class State:
    """What `status` tells."""

    as_of: date
    metrics: tuple[MetricState, ...]
    health: Health


def load_dashboard(
    store: LanceStore,
    catalog: Catalog,
    specs: Mapping[str, SourceSpec],
    *,
    as_of: date,
    generated_at: datetime,
    days: int = ALL_DAYS,
) -> Dashboard:
    """The dashboard of ``as_of`` over the last ``days`` days, from one bounded read of each table.

    Raises StoreError.
    """
    store.check()
    rows = store.observations([m.metric_id for m in catalog.metrics], Span(window(as_of, days), as_of))
    return build_dashboard(
        catalog,
        {name: spec.title for name, spec in specs.items()},
        rows,
        store.runs(generated_at - RUNS_WITHIN),
        as_of=as_of,
        days=days,
        generated_at=generated_at,
    )


def load_state(store: LanceStore, catalog: Catalog, *, as_of: date, now: datetime) -> State:
    """How fresh each metric is, and how the last runs went. Reads no values."""
    store.check()
    runs = store.runs(now - RUNS_WITHIN)
    errors = last_errors(runs)
    ids = [metric.metric_id for metric in catalog.metrics]
    days: dict[str, list[tuple[date, bool]]] = {}
    for metric_id, day, is_seed in store.days(ids, Span(window(as_of, ALL_DAYS), as_of)):
        days.setdefault(metric_id, []).append((day, is_seed))
    return State(
        as_of=as_of,
        metrics=tuple(
            MetricState(metric, build_freshness(metric, days.get(metric.metric_id, ()), as_of, errors))
            for metric in catalog.metrics
        ),
        health=build_health(runs),
    )
