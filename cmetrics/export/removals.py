"""Apply renames and forgets of one store to another, by way of an export.

A removal that both stores record has been applied already; later rows of that id were added on purpose.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

import pyarrow as pa
import pyarrow.compute as pc

from cmetrics.domain.plural import plural
from cmetrics.domain.removal import Removal
from cmetrics.export.tables import ExportedTables
from cmetrics.ingest.removals import apply_removal, describe, is_meant, is_record, with_id
from cmetrics.store.lance_store import LanceStore
from cmetrics.store.schema import READINGS, REVISIONS, R, Table, decode, encode


def apply_foreign_removal(store: LanceStore, removal: Removal) -> str | None:
    """Apply a removal of another store with the same metrics. Return a description; None if nothing changed."""
    count, _ = apply_removal(store, removal, until=removal.at)
    return f"in another store ({removal.run_id}): {describe(removal, count)}" if count else None


def without_removed(export: ExportedTables, removals: Iterable[Removal]) -> tuple[ExportedTables, tuple[str, ...]]:
    """Return the export after ``removals`` that it does not record, and descriptions of the changes."""
    warnings: list[str] = []
    for removal in removals:
        export, count = _without(export, removal)
        if count and removal.successor is None:
            values = plural(count, "value")
            warnings.append(
                f"{values} of {removal.metric_id} were not imported: the metric was removed on {removal.at:%Y-%m-%d} "
                f"({removal.run_id}); `cmetrics restore` restores them"
            )
        elif count:
            warnings.append(f"{plural(count, 'value')} of {removal.metric_id} were read as {removal.successor}")
    return export, tuple(warnings)


def _without(export: ExportedTables, removal: Removal) -> tuple[ExportedTables, int]:
    old, new = removal.metric_id, removal.successor
    definition = next((row for row in export.definitions if row.metric_id == old), None)

    def split(rows: pa.Table) -> tuple[pa.Table, pa.Table]:
        """Return the remaining and the removed rows."""
        goes = is_meant(rows, removal, definition, removal.at)
        return rows.filter(pc.invert(goes)), rows.filter(goes)

    def carry(rows: Sequence[R], table: Table[R]) -> list[R]:
        stays, goes = split(encode(rows, table))
        return decode(stays if new is None else pa.concat_tables([stays, with_id(goes, new)]), table)

    stats, gone = split(export.stats)
    records = export.outcomes.filter(is_record(export.outcomes))
    outcomes, gone_outcomes = split(export.outcomes.filter(pc.invert(is_record(export.outcomes))))
    is_whole = old not in stats["metric_id"].unique().to_pylist()
    definitions = [row for row in export.definitions if row.metric_id != old or not is_whole]
    if new is not None:
        stats = pa.concat_tables([stats, with_id(gone, new)])
        outcomes = pa.concat_tables([outcomes, with_id(gone_outcomes, new)])
        if definition is not None and is_whole and not any(row.metric_id == new for row in definitions):
            definitions.append(replace(definition, metric_id=new))
    changed = replace(
        export,
        definitions=definitions,
        stats=stats,
        revisions=carry(export.revisions, REVISIONS),
        outcomes=pa.concat_tables([records, outcomes]),
        readings=carry(export.readings, READINGS),
    )
    return changed, len(gone)
