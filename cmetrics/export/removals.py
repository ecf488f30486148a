"""Renamed and forgotten ids between a store and an export: what one of them knows is done to the other.

A removal that both know is settled: rows of that id are there because somebody wanted them again.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from cmetrics.domain.observation import Observation
from cmetrics.domain.outcome import Outcome
from cmetrics.domain.plural import plural
from cmetrics.domain.reading import StoredReading
from cmetrics.domain.removal import Removal, is_removal
from cmetrics.domain.revision import Revision
from cmetrics.export.tables import ExportedTables
from cmetrics.ingest.removals import apply_removal, describe, is_meant
from cmetrics.store.lance_store import LanceStore


def apply_foreign_removal(store: LanceStore, removal: Removal) -> str | None:
    """Do to the store what another store of the same metrics has done; return it in words, None for nothing."""
    count, _ = apply_removal(store, removal, until=removal.at)
    return f"in another store ({removal.run_id}): {describe(removal, count)}" if count else None


def without_removed(export: ExportedTables, removals: Iterable[Removal]) -> tuple[ExportedTables, tuple[str, ...]]:
    """Return the export as it would be after ``removals``, which it does not know, and what that changed in words."""
    warnings: list[str] = []
    for removal in removals:
        export, count = _without(export, removal)
        if count and removal.successor is None:
            values = plural(count, "value")
            warnings.append(
                f"{values} of {removal.metric_id} were left out: it was forgotten on {removal.at:%Y-%m-%d} "
                f"({removal.run_id}); `cmetrics restore` would bring them back"
            )
        elif count:
            warnings.append(f"{plural(count, 'value')} of {removal.metric_id} were read as {removal.successor}")
    return export, tuple(warnings)


def _without(export: ExportedTables, removal: Removal) -> tuple[ExportedTables, int]:
    old, new = removal.metric_id, removal.successor
    definition = next((row for row in export.definitions if row.metric_id == old), None)

    def goes(row: Observation | Revision | Outcome | StoredReading) -> bool:
        return row.metric_id == old and is_meant(removal, row.observed_at, definition, removal.at)

    def is_record(row: Outcome) -> bool:
        return is_removal(row.ingestion_run_id)

    observations = [row for row in export.observations if not goes(row)]
    revisions = [row for row in export.revisions if not goes(row)]
    readings = [row for row in export.readings if not goes(row)]
    outcomes = [row for row in export.outcomes if is_record(row) or not goes(row)]
    is_whole = not any(row.metric_id == old for row in observations)
    definitions = [row for row in export.definitions if row.metric_id != old or not is_whole]
    count = len(export.observations) - len(observations)
    if new is not None:
        observations += [replace(row, metric_id=new) for row in export.observations if goes(row)]
        revisions += [replace(row, metric_id=new) for row in export.revisions if goes(row)]
        readings += [replace(row, metric_id=new) for row in export.readings if goes(row)]
        outcomes += [replace(row, metric_id=new) for row in export.outcomes if goes(row) and not is_record(row)]
        if definition is not None and is_whole and not any(row.metric_id == new for row in definitions):
            definitions.append(replace(definition, metric_id=new))
    changed = replace(
        export,
        definitions=definitions,
        observations=observations,
        revisions=revisions,
        outcomes=outcomes,
        readings=readings,
    )
    return changed, count
