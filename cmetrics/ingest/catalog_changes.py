"""Apply changes of the catalogue to the store when a run begins.

- A metric that moved to another product keeps the id that the store has for its source and subject.
- A metric whose entry states another id than the store's: its rows move to that id.
- A metric whose entry names another package than its rows fails until the entry is corrected.
- A metric that is removed from the catalogue becomes inactive; one that returns is active again.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from cmetrics.catalog import Catalog, extend_id
from cmetrics.domain.days import Span, window
from cmetrics.domain.kind import STARS, Kind
from cmetrics.domain.metric import Definition, Metric
from cmetrics.domain.run import Job
from cmetrics.identity import match_ids
from cmetrics.ingest.context import RunContext
from cmetrics.ingest.definitions import update_definitions
from cmetrics.ingest.ingestion_run import make_run_id
from cmetrics.ingest.removals import carry_over
from cmetrics.ingest.state import ALL_DAYS, load_packages, newest_repositories
from cmetrics.sources import SPECS
from cmetrics.store.lance_store import LanceStore

#: The maximum number of ids named in one line.
NAMED = 3


@dataclass(frozen=True, slots=True)
class CatalogChanges:
    """The catalogue of one run, with the ids of the store."""

    catalog: Catalog
    #: Why metrics cannot be collected, by id.
    conflicts: dict[str, str]
    #: What was changed; recorded in `history`.
    warnings: tuple[str, ...]
    #: Suggestions that are not recorded.
    notes: tuple[str, ...]


def follow_catalog(store: LanceStore, context: RunContext) -> CatalogChanges:
    """Bring ids and definitions of the store in line with the catalogue. Raises StoreError."""
    definitions = store.definitions()
    found = match_ids(context.catalog, definitions, SPECS, _present_names(store, context, definitions))
    run_ids = [make_run_id(Job.RENAME, context.now) for _ in found.moved]
    warnings = carry_over(store, found.moved, run_ids, context.now)
    if found.moved:
        definitions = store.definitions()
    if found.kept:
        shown = ", ".join(found.kept[:NAMED]) + (f" and {len(found.kept) - NAMED} more" if found.kept[NAMED:] else "")
        warnings.append(f"the catalogue has moved {shown}; the series continue under these ids")
    conflicts = _find_conflicts(store, found.catalog, definitions, context)
    update_definitions(store, found.catalog, context.now, skip=conflicts)
    notes = tuple(
        f"{other} has values of the same subject as {metric_id}; `cmetrics rename {other} {metric_id}` merges them"
        for metric_id, other in found.doubled
    )
    return CatalogChanges(found.catalog, conflicts, tuple(warnings), notes)


def _present_names(store: LanceStore, context: RunContext, definitions: Sequence[Definition]) -> dict[str, str]:
    """Return the current name of each removed repository, if the catalogue has a new one."""
    known = {row.metric_id for row in definitions}
    ids = {metric.metric_id for metric in context.catalog.metrics}
    if not any(m.measure.is_stars and m.metric_id not in known for m in context.catalog.metrics):
        return {}
    left = [row.metric_id for row in definitions if row.value_kind == STARS.value_kind and row.metric_id not in ids]
    span = Span(window(context.last_day, ALL_DAYS), context.last_day)
    return {i: ref.repository for i, ref in newest_repositories(store.source_refs(left, span)).items()}


def _find_conflicts(
    store: LanceStore, catalog: Catalog, definitions: Sequence[Definition], context: RunContext
) -> dict[str, str]:
    """Return the error of each metric that has values of another package than its entry names."""
    stored = {row.metric_id: row for row in definitions}
    changed = [metric for metric in catalog.metrics if _is_other_subject(metric, stored.get(metric.metric_id))]
    if not changed:
        return {}
    packages = load_packages(store, changed, SPECS, context.last_day)
    span = Span(window(context.last_day, ALL_DAYS), context.last_day)
    stored_days = store.days([metric.metric_id for metric in changed], span)
    conflicts: dict[str, str] = {}
    for metric in (metric for metric in changed if stored_days[metric.metric_id].daily):
        row, canonical = stored[metric.metric_id], SPECS[metric.source].canonical
        found = packages.get(metric.metric_id)
        held = found.newest if found is not None and found.newest else row.subject
        if row.source == metric.source and canonical(held) in (canonical(metric.subject), *metric.continues):
            continue
        conflicts[metric.metric_id] = (
            f"{metric.metric_id} contains values of {row.source} package {held}; give {metric.subject} its "
            f'own metric (id = "{extend_id(metric.metric_id, metric.subject)}")'
        )
        if row.source == metric.source:
            conflicts[metric.metric_id] += f', or write continues = ["{held}"] in its entry if it continues it'
    return conflicts


def _is_other_subject(metric: Metric, row: Definition | None) -> bool:
    if row is None or metric.measure.kind is Kind.STOCK:
        return False
    canonical = SPECS[metric.source].canonical
    return row.source != metric.source or canonical(row.subject) != canonical(metric.subject)


def match_stored_ids(context: RunContext, definitions: Sequence[Definition]) -> RunContext:
    """Return ``context`` with the ids of the store, without changing anything."""
    return replace(context, catalog=match_ids(context.catalog, definitions, SPECS).catalog)
