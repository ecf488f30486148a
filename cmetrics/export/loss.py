"""Compare the keys of two exports: which rows does the new one lack? Pure, column by column."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from cmetrics.domain.removal import Removal, build_removals, successors
from cmetrics.domain.run import RunStatus
from cmetrics.ingest.removals import is_record
from cmetrics.store.schema import EVENTS, HISTORY, METRICS, OUTCOMES, READINGS, REVISIONS, STATS, Table

#: The maximum number of missing days per metric, and of metrics, that a message lists.
NAMED = 3
#: The description of a row of each table other than ``stats``, for messages.
_UNITS: tuple[tuple[Table[Any], str], ...] = (
    (METRICS, "definition"),
    (HISTORY, "run"),
    (REVISIONS, "row"),
    (OUTCOMES, "row"),
    (EVENTS, "event"),
    (READINGS, "reading"),
)

_MORE_COLUMNS: Mapping[str, tuple[str, ...]] = {STATS.name: ("value",), OUTCOMES.name: ("status", "observed_at")}

#: The columns of `comparable`, by table.
Comparable = Mapping[str, pa.Table]


def comparable(data: pa.Table, table: Table[Any]) -> pa.Table:
    """Return the columns for a comparison of the rows of ``table``: keys, values, and records of removals.

    Unfinished runs are left out of ``history``, because they are not restored.
    """
    if table is HISTORY:
        data = data.filter(pc.not_equal(data["status"], pa.scalar(RunStatus.RUNNING.value)))
    return data.select([*table.key, *_MORE_COLUMNS.get(table.name, ())])


def describe_loss(before: Comparable, after: Comparable) -> str:
    """Describe the rows that ``before`` has and ``after`` lacks; empty if there are none.

    Only keys are compared, so a revised value is not a loss. Nor are rows of an id that was forgotten since
    ``before``, or rows of a renamed id that exist under the new one.
    """
    removed = _new_removals(before, after)
    lost_days: dict[str, list[str]] = {}
    for metric_id, day in _lost(before, after, STATS, removed):
        lost_days.setdefault(metric_id, []).append(day)
    parts = [_counted(metric_id, "day", days) for metric_id, days in sorted(lost_days.items())]
    if len(parts) > NAMED:
        parts[NAMED:] = [f"and days of {len(parts) - NAMED} more metrics"]
    for table, unit in _UNITS:
        lost = _lost(before, after, table, removed)
        parts.append(_counted(table.name, unit, [" ".join(key) for key in lost]))
    return "; ".join(filter(None, parts))


def count_changes(before: Comparable, after: Comparable) -> tuple[int, int]:
    """Return the number of new and of changed values in ``after``."""
    old, new = before.get(STATS.name), after[STATS.name]
    if old is None or not old.num_rows:
        return new.num_rows, 0
    keys = list(STATS.key)
    both = new.join(old, keys, join_type="inner", right_suffix="_before", use_threads=False)
    revised = both.filter(pc.not_equal(both["value"], both["value_before"])).num_rows
    added = new.join(old, keys, join_type="left anti", use_threads=False).num_rows
    return added, revised


def _new_removals(before: Comparable, after: Comparable) -> Mapping[str, str | None]:
    """Return the successors of the ids that were renamed or forgotten after ``before``."""
    known = _removals(before)
    return successors(removal for removal in _removals(after) if removal not in known)


def _removals(tables: Comparable) -> tuple[Removal, ...]:
    data = tables.get(OUTCOMES.name)
    return () if data is None else read_removals(data)


def read_removals(outcomes: pa.Table) -> tuple[Removal, ...]:
    """Return the removals that rows of ``outcomes`` record, oldest first."""
    rows = outcomes.filter(is_record(outcomes)).select(["ingestion_run_id", "metric_id", "status", "observed_at"])
    return build_removals(zip(*(column.to_pylist() for column in rows.columns), strict=True))


def _lost(
    before: Comparable, after: Comparable, table: Table[Any], removed: Mapping[str, str | None]
) -> list[tuple[str, ...]]:
    """Return the keys, sorted."""
    old, new = before.get(table.name), after.get(table.name)
    if old is None or not old.num_rows:
        return []
    keys = list(table.key)
    lost = old.select(keys)
    if new is not None:
        lost = lost.join(new.select(keys), keys, join_type="left anti", use_threads=False)
    found = sorted(set(zip(*(lost[name].to_pylist() for name in keys), strict=True)))
    if not removed or "metric_id" not in keys:
        return found
    place = keys.index("metric_id")
    present: set[tuple[str, ...]] = set()
    if new is not None:
        there = new.filter(pc.is_in(new["metric_id"], pa.array([i for i in removed.values() if i], pa.string())))
        present = set(zip(*(there[name].to_pylist() for name in keys), strict=True))

    def is_meant(key: tuple[str, ...]) -> bool:
        if key[place] not in removed:
            return False
        successor = removed[key[place]]
        return successor is None or (*key[:place], successor, *key[place + 1 :]) in present

    return [key for key in found if not is_meant(key)]


def _counted(what: str, unit: str, names: Sequence[str]) -> str:
    if not names:
        return ""
    shown = ", ".join(names[:NAMED]) + (", …" if len(names) > NAMED else "")
    return f"{what}: {len(names)} {unit}{'s' if len(names) > 1 else ''} ({shown})"
