"""Restore the values of a month at the time when its report became final, and find later changes. Pure.

A report is final 14 days after the end of its month, and is not stored. The values of that moment are derived from
the store: each row has the time at which it was last written, and ``revisions`` has every replaced value with its
time. Later revisions are undone, and days that were stored later are left out.

A month that was collected later, such as one before the first run or from a deep backfill, is final 14 days after its
first value was stored. Two cases cannot be restored: a day that was stored and then revised after that moment counts
as stored before it, and metrics that were removed from the catalogue are not in a report.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from cmetrics.analytics.columns import Mask, SeriesTable
from cmetrics.domain.days import DAY, Month, Span
from cmetrics.domain.metric import PUBLISHED_WITHIN
from cmetrics.domain.revision import Revision

#: After this time, days are rarely revised, and missing ones rarely published.
SETTLED_AFTER = PUBLISHED_WITHIN
_EPOCH = np.datetime64(0, "us")
Times: TypeAlias = NDArray[np.datetime64]


@dataclass(frozen=True, slots=True)
class LaterChange:
    """Changes that the runs of one day made to a final month of one metric."""

    #: The UTC day of the runs.
    day: date
    metric_id: str
    revised_days: int
    added_days: int
    #: The difference of the month's downloads, or of the stars at its end.
    difference: int


@dataclass(frozen=True, slots=True, eq=False)
class FrozenMonth:
    """The rows of a report, and the changes since they became final."""

    month: Month
    is_final: bool
    #: The first UTC day on which the report is final.
    final_on: date
    #: By day and metric.
    later: tuple[LaterChange, ...]
    #: All rows of the store with the values of that moment, and whether each existed then.
    table: SeriesTable
    was_stored: Mask
    #: The first relevant day on which a row was missing or had another value; None if there is none.
    changed_from: date | None = None

    @property
    def rows(self) -> SeriesTable:
        """The rows of that moment; all rows if the report is not final."""
        return self.table.where(self.was_stored)

    def rows_from(self, first: date) -> SeriesTable:
        """Return the relevant rows from a day on."""
        return self.table.where(self.was_stored & self.table.within(Span(first, last_day(self.month))))


def last_day(month: Month) -> date:
    """Return the last day that a report considers."""
    return month.last + SETTLED_AFTER


def freeze_month(
    table: SeriesTable,
    observed: Times,
    revisions: Iterable[Revision],
    month: Month,
    now: datetime,
    stars: Iterable[str],
) -> FrozenMonth:
    """Return the rows of ``table`` as they were when ``month`` became final; unchanged if it is not final yet.

    ``observed`` are their `observed_times`; ``revisions`` are all revisions of the store. ``stars`` are the ids of
    metrics whose values are counts at the end of a day.
    """
    moment = final_moment(table, observed, month)
    final_on = moment.date()
    if now < moment:
        everything = np.ones(len(table), np.bool_)
        return FrozenMonth(month, is_final=False, final_on=final_on, later=(), table=table, was_stored=everything)
    since = [revision for revision in revisions if revision.observed_at >= moment]
    is_late = observed >= np.datetime64(moment.replace(tzinfo=None), "us")
    is_changed = is_late.copy()
    slices, values = (table.slices, table.values.copy()) if since else ({}, table.values)
    for revision in since:
        place = slices.get(revision.metric_id)
        if place is None:
            continue
        days = table.days[place]
        first, last = revision.first_day.toordinal(), revision.last_day.toordinal()
        chosen = np.flatnonzero((days >= first) & (days <= last)) + place.start
        values[chosen] -= revision.difference
        is_late[chosen], is_changed[chosen] = False, True
    changed = table.days[is_changed & (table.days <= last_day(month).toordinal())]
    return FrozenMonth(
        month=month,
        is_final=True,
        final_on=final_on,
        later=_later_changes(table, observed, is_late, since, month, frozenset(stars)),
        table=replace(table, values=values),
        was_stored=~is_late,
        changed_from=date.fromordinal(int(changed.min())) if len(changed) else None,
    )


def observed_times(table: SeriesTable) -> Times:
    """Return the time at which each row was last written; ``table`` has the column ``observed_at``."""
    times = table.data["observed_at"].combine_chunks().to_numpy(zero_copy_only=False)
    return times.astype("datetime64[us]")[table.places]


def final_moment(table: SeriesTable, observed: Times, month: Month) -> datetime:
    """Return the moment from which the report of a month is final."""
    settled = datetime.combine(month.last + DAY + SETTLED_AFTER, time(), UTC)
    mine = table.within(Span(month.first, month.last))
    if not mine.any():
        return settled
    first = observed[mine].min()
    begun = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=int((first - _EPOCH).astype(np.int64)))
    # At midnight, so that the runs of one day belong together.
    begun = datetime.combine(begun.date() + DAY, time(), UTC)
    return max(settled, begun + SETTLED_AFTER)


def _later_changes(
    table: SeriesTable,
    observed: Times,
    is_added: Mask,
    since: Sequence[Revision],
    month: Month,
    stars: frozenset[str],
) -> tuple[LaterChange, ...]:
    found: dict[tuple[date, str], tuple[int, int, int]] = {}

    def add(day: date, metric_id: str, revised: int, added: int, difference: int) -> None:
        old = found.get((day, metric_id), (0, 0, 0))
        found[day, metric_id] = (old[0] + revised, old[1] + added, old[2] + difference)

    for revision in since:
        is_stars = revision.metric_id in stars
        first = month.last if is_stars else max(revision.first_day, month.first)
        last = min(revision.last_day, month.last)
        days = (last - first).days + 1
        if days > 0 and (not is_stars or revision.first_day <= month.last):
            add(revision.observed_at.astimezone(UTC).date(), revision.metric_id, days, 0, days * revision.difference)
    for row in np.flatnonzero(is_added & table.within(Span(month.first, month.last))).tolist():
        metric_id = table.metric_ids[table.owners[row]]
        is_last = int(table.days[row]) == month.last.toordinal()
        if metric_id not in stars or is_last:
            day = date.fromisoformat(str(observed[row].astype("datetime64[D]")))
            add(day, metric_id, 0, 1, int(table.values[row]))
    return tuple(
        LaterChange(day, metric_id, revised, added, difference)
        for (day, metric_id), (revised, added, difference) in sorted(found.items())
        if difference or added
    )
