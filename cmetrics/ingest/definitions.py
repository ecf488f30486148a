"""Update the rows of ``metrics``: metrics in the catalogue are active, removed ones are inactive."""

from __future__ import annotations

from collections.abc import Container
from dataclasses import replace
from datetime import datetime

from cmetrics.catalog import Catalog
from cmetrics.domain.metric import definition
from cmetrics.domain.run import is_run_id
from cmetrics.store.lance_store import LanceStore


def update_definitions(store: LanceStore, catalog: Catalog, at: datetime, *, skip: Container[str] = ()) -> None:
    """Write the definitions of the catalogue, and mark metrics removed from it as inactive.

    A row whose metric no run of this program has ever collected belongs to another program and is not
    changed, nor are the rows of ``skip`` and those of sources that cannot be used at present. A metric that
    returns to the catalogue is active again.
    """
    known = {metric.metric_id for metric in catalog.metrics}
    unavailable = {entry.source for entry in catalog.left_out}
    rows = (row for row in store.definitions() if row.source not in unavailable)
    others = [row for row in rows if row.is_active and row.metric_id not in known]
    collected = load_collected_ids(store, [row.metric_id for row in others])
    store.save_definitions(
        [
            *(definition(metric, at) for metric in catalog.metrics if metric.metric_id not in skip),
            *(replace(row, is_active=False) for row in others if row.metric_id in collected),
        ]
    )


def load_collected_ids(store: LanceStore, metric_ids: list[str]) -> set[str]:
    """Return those of ``metric_ids`` that have an outcome, or a value written by a run of this program.

    Runs from versions before ``outcomes`` are recognised by the format of their ids.
    """
    collected = set(map(str, store.read_outcomes(metric_ids=metric_ids)["metric_id"].unique().to_pylist()))
    writers = store.run_ids([metric_id for metric_id in metric_ids if metric_id not in collected])
    return collected | {metric_id for metric_id, run_id in writers if is_run_id(run_id)}
