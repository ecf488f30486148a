"""Create the tables of a store that does not create them automatically."""

from __future__ import annotations

import time

from cmetrics.domain.metric import definition
from cmetrics.ingest.catalog_changes import match_stored_ids
from cmetrics.ingest.context import RunContext
from cmetrics.ingest.ingestion_run import wait_for_tables, warn_of_killed_bootstrap
from cmetrics.store.lance_store import LanceStore
from cmetrics.store.lock import writing


def create_tables(context: RunContext) -> tuple[list[str], tuple[str, ...]]:
    """Create the missing tables and the missing definitions; return the names of the new tables, and warnings.

    Drops nothing, writes no values and changes no stored definition, so it is not recorded in `history`. Raises
    StoreError.
    """
    target = context.settings.store
    with writing(target, f"create-tables-{context.now:%Y%m%dT%H%M%SZ}", context.progress.waiting) as died:
        store = LanceStore.open(target)
        created = store.create_tables()
        wait_for_tables(store, time.sleep)
        stored = store.definitions()
        known = {row.metric_id for row in stored}
        catalog = match_stored_ids(context, stored).catalog
        store.save_definitions([definition(m, context.now) for m in catalog.metrics if m.metric_id not in known])
        return created, warn_of_killed_bootstrap(store, died)
