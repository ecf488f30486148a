"""Find the values that a run has replaced, by column: one object per revision, not per day."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime
from typing import TypeAlias

import numpy as np
import pyarrow as pa

from cmetrics.domain.days import DAY
from cmetrics.domain.revision import FEW, SETTLED_AFTER, Revision
from cmetrics.store.columns import days, is_seed, values

#: Stored rows and, in the same order, the rows that were written over them.
Replaced: TypeAlias = tuple[pa.Table, pa.Table]


def select_revised(old: pa.Table, new: pa.Table) -> Replaced:
    """Return the replaced rows that are revisions.

    Not revisions: a snapshot replaced by a daily value, and a row whose value did not change.
    """
    rows = np.flatnonzero((values(old) != values(new)) & ~is_seed(old) & ~is_seed(new))
    return old.take(rows), new.take(rows)


def build_revisions(replaced: Iterable[Replaced], run_id: str, at: datetime) -> tuple[Revision, ...]:
    """Return the revisions of a run, by metric and day; consecutive days with the same difference share one."""
    pairs = [select_revised(old, new) for old, new in replaced]
    if not any(old.num_rows for old, _ in pairs):
        return ()
    old, new = (pa.concat_tables(side) for side in zip(*pairs, strict=True))
    changes = pa.table(
        {
            "metric_id": old["metric_id"],
            "day": days(old["period_end"]),
            "old": values(old),
            "new": values(new),
        }
    ).sort_by([("metric_id", "ascending"), ("day", "ascending")])
    day, before, after = (changes[name].to_numpy() for name in ("day", "old", "new"))
    metrics = changes["metric_id"].combine_chunks().dictionary_encode().indices.to_numpy()
    difference = after - before
    is_settled = at.date().toordinal() - day > SETTLED_AFTER // DAY
    is_unusual = is_settled & (abs(difference) >= FEW) & (2 * abs(difference) > before)
    follows = (np.diff(metrics) == 0) & (np.diff(day) == 1)
    is_alike = (np.diff(difference) == 0) & (is_unusual[1:] == is_unusual[:-1])
    first = np.append(0, np.flatnonzero(~(follows & is_alike)) + 1)
    last = np.append(first[1:], len(day)) - 1
    ids = map(str, changes["metric_id"].take(last).to_pylist())
    return tuple(
        Revision(metric_id, date.fromordinal(start), date.fromordinal(end), before_, after_, run_id, at)
        for metric_id, start, end, before_, after_ in zip(
            ids, day[first].tolist(), day[last].tolist(), before[last].tolist(), after[last].tolist(), strict=True
        )
    )
