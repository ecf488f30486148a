"""Compute the flow of a counter between its readings. Pure, by column.

The rules are based on recordings of several years (standstills of Docker Hub, Open VSX and NuGet, re-created assets
of GitHub releases):

- The first reading has no flow, because its count may have grown over years.
- A flow covers the time between two readings. It is the flow of a day only if they are about a day apart.
- After missed nights there is one longer interval. It is never divided.
- A count that falls although the service counts the same subject was corrected or reset. The flow of that interval is
  unknown, and the next one begins at the new count. The same applies to another subject under the old name.
- A part that was created since the last reading, such as an uploaded file, adds its whole count. An older part that
  is read for the first time adds nothing.
- A missing part adds nothing, and its count stays in the sum.
- Equal readings of a counter that normally changes, followed by a jump, are one interval: the service did not update
  the count.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from cmetrics.analytics.anomalies import median_of_known
from cmetrics.analytics.columns import Codes, Days, Mask, SeriesTable, Values
from cmetrics.domain import formats
from cmetrics.domain.kind import LONGEST_DAY, SHORTEST_DAY
from cmetrics.domain.observation import parse_source_ref
from cmetrics.domain.plural import plural
from cmetrics.domain.reading import StoredReading

#: A counter normally changes every day if the median of its last flows is at least this. Then a day without any event
#: is not chance.
USUAL_FLOW = 10
#: The number of intervals before a standstill that determine the usual flow, and the number that must be known.
USUAL_INTERVALS, FEWEST_INTERVALS = 28, 7
#: After equal readings, a flow of this many usual days is a jump.
JUMP = 1.5
#: The number of intervals without a flow at the end of a series that count as a standstill before a jump.
STILL_INTERVALS = 2

_MICROSECOND = timedelta(microseconds=1)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

Times = NDArray[np.int64]


class Reason(StrEnum):
    """The special case of an interval."""

    NONE = ""
    #: The count is lower than before. The flow is unknown.
    FELL = "the count fell"
    #: The service counts another subject under this name. The flow is unknown.
    REPLACED = "the name belongs to another subject now"
    #: Equal readings and a jump: one interval.
    STOOD_STILL = "the service did not update its count"
    #: Equal readings up to the newest one. The flow is unknown until the count changes.
    STANDS_STILL = "the service has not updated its count"


REASONS = tuple(Reason)
_NONE, _FELL, _REPLACED, _STOOD_STILL, _STANDS_STILL = range(len(REASONS))
_UNKNOWN = (_FELL, _REPLACED, _STANDS_STILL)


@dataclass(frozen=True, slots=True)
class Interval:
    """The change of a counter between two readings."""

    #: The days under which the readings are stored, and the times at which they were taken.
    start_day: date
    end_day: date
    start_at: datetime
    end_at: datetime
    #: The flow; None if it is unknown.
    flow: int | None
    #: The difference of the counts, which is the flow except for corrections and parts of unknown age.
    change: int
    reason: Reason
    #: Whether the readings are about a day apart, so that the flow is that of ``end_day``.
    is_day: bool

    @property
    def days(self) -> int:
        """The length in days, rounded; at least 1."""
        return max(1, round((self.end_at - self.start_at) / timedelta(days=1)))

    @property
    def length_text(self) -> str:
        """The length in words: "on 24 Nov 2026", "over 3 days", "over 5 hours"."""
        if self.is_day:
            return f"on {formats.short_day(self.end_day)}"
        length = self.end_at - self.start_at
        if self.end_day - self.start_day <= timedelta(days=1) and length < LONGEST_DAY + SHORTEST_DAY:
            return f"over {plural(max(1, round(length / timedelta(hours=1))), 'hour')}"
        return f"over {plural(self.days, 'day')}"


@dataclass(frozen=True, slots=True, eq=False)
class Intervals:
    """Intervals by column, by metric and time: element ``i`` of every array belongs to one interval."""

    metric_ids: tuple[str, ...]
    #: Index in ``metric_ids``.
    owners: Codes
    start_days: Days
    end_days: Days
    #: Microseconds since 1970.
    start_times: Times
    end_times: Times
    #: 0 if unknown.
    flows: Values
    changes: Values
    #: Index in :data:`REASONS`.
    reasons: NDArray[np.int8]
    #: Whether each is a merge of several intervals.
    is_merged: Mask

    def __len__(self) -> int:
        return len(self.owners)

    @property
    def is_known(self) -> Mask:
        """Whether the flow of each interval is known."""
        return ~np.isin(self.reasons, _UNKNOWN)

    @property
    def is_day(self) -> Mask:
        """Whether the flow of each interval is that of its last day."""
        return _is_day(self.start_times, self.end_times) & ~self.is_merged

    def of(self, metric_id: str) -> tuple[Interval, ...]:
        """Return the intervals of one metric, ascending."""
        if metric_id not in self.metric_ids:
            return ()
        rows = np.flatnonzero(self.owners == self.metric_ids.index(metric_id))
        return tuple(
            self._interval(row, is_day=bool(is_day)) for row, is_day in zip(rows, self.is_day[rows], strict=True)
        )

    def _interval(self, row: np.intp, *, is_day: bool) -> Interval:
        reason = REASONS[self.reasons[row]]
        return Interval(
            date.fromordinal(int(self.start_days[row])),
            date.fromordinal(int(self.end_days[row])),
            _moment(self.start_times[row]),
            _moment(self.end_times[row]),
            None if self.reasons[row] in _UNKNOWN else int(self.flows[row]),
            int(self.changes[row]),
            reason,
            is_day,
        )


def build_intervals(table: SeriesTable, readings: Sequence[StoredReading] = ()) -> Intervals:
    """Return the intervals between the readings in ``table``, rows of counters with the column ``observed_at``.

    ``readings`` are those of the parts of these counters; a counter with parts has the sum of their flows.
    """
    table = table.where(~table.is_seed)
    times = _times(table)
    ends = np.flatnonzero(table.owners[1:] == table.owners[:-1]) + 1 if len(table) else np.zeros(0, np.intp)
    starts = ends - 1
    changes = table.values[ends] - table.values[starts]
    identities = _identities(table)
    is_other = (identities[ends] >= 0) & (identities[starts] >= 0) & (identities[ends] != identities[starts])
    reasons = np.select([is_other, changes < 0], [_REPLACED, _FELL], _NONE).astype(np.int8)
    flows = np.where(reasons == _NONE, changes, 0)
    _apply_parts(table, times, ends, flows, reasons, readings)
    single = Intervals(
        table.metric_ids,
        table.owners[ends],
        table.days[starts],
        table.days[ends],
        times[starts],
        times[ends],
        flows,
        changes,
        reasons,
        np.zeros(len(ends), bool),
    )
    return _merge_standstills(single)


def _times(table: SeriesTable) -> Times:
    column = table.data["observed_at"].cast(pa.timestamp("us", tz="UTC")).cast(pa.int64()).combine_chunks()
    times: Times = column.to_numpy(zero_copy_only=False)[table.places]
    return times


def _identities(table: SeriesTable) -> Codes:
    """Return a number for the subject of each row; -1 if the row does not name it."""
    codes, names = table.encoded("source_ref")
    refs = [parse_source_ref(name) for name in names]
    numbers: dict[str, int] = {}
    identities = [
        -1 if ref is None or ref.identity is None else numbers.setdefault(ref.identity, len(numbers)) for ref in refs
    ]
    return np.array(identities, np.int32)[codes] if len(names) else np.zeros(0, np.int32)


def _apply_parts(
    table: SeriesTable,
    times: Times,
    ends: NDArray[np.intp],
    flows: Values,
    reasons: NDArray[np.int8],
    readings: Sequence[StoredReading],
) -> None:
    """Replace the flows of counters with parts by the sums of the flows of their parts, in place."""
    rows_of = table.slices
    #: Interval by the row of its end.
    interval_of = np.full(len(table), -1)
    interval_of[ends] = np.arange(len(ends))
    by_metric: dict[str, list[StoredReading]] = {}
    for reading in readings:
        by_metric.setdefault(reading.metric_id, []).append(reading)
    for metric_id, parts in by_metric.items():
        rows = rows_of.get(metric_id)
        if rows is None:
            continue
        nights, taken = table.days[rows], times[rows]
        parts.sort(key=lambda part: (part.identity, part.period_end))
        # A reading without a row for its night, because the run was killed, belongs to the next night with a row.
        place = np.searchsorted(nights, [part.period_end.toordinal() for part in parts])
        values = np.array([part.value for part in parts], np.int64)
        created = np.array([_microseconds(part.created_at) for part in parts], np.int64)
        _, identity = np.unique([part.identity for part in parts], return_inverse=True)
        is_first = np.diff(identity, prepend=-1) != 0
        before = np.where(is_first, 0, np.concatenate([[0], values[:-1]]))
        is_inside = (place > 0) & (place < len(nights))
        previous = taken[np.clip(place - 1, 0, len(nights) - 1)]
        counts = is_inside & (~is_first | (created >= previous))
        gains = np.where(counts, values - before, 0)
        target = np.where(is_inside, interval_of[rows.start + np.minimum(place, len(nights) - 1)], -1)
        of_metric = interval_of[rows.start + 1 : rows.stop]
        reasons[of_metric] = _NONE
        sums = np.zeros(len(flows), np.int64)
        np.add.at(sums, target[counts], gains[counts])
        reasons[target[counts & (gains < 0)]] = _FELL
        flows[of_metric] = np.where(reasons[of_metric] == _NONE, sums[of_metric], 0)


def _merge_standstills(single: Intervals) -> Intervals:
    """Merge equal readings and the jump after them, and equal readings at the end of a series."""
    if not len(single):
        return single
    count = len(single)
    is_zero = (single.flows == 0) & (single.changes == 0) & (single.reasons == _NONE)
    owner_changes = np.diff(single.owners, prepend=-1) != 0
    begins = np.flatnonzero(is_zero & (owner_changes | ~np.concatenate([[False], is_zero[:-1]])))
    is_last = np.concatenate([owner_changes[1:], [True]])
    finishes = np.flatnonzero(is_zero & (is_last | ~np.concatenate([is_zero[1:], [False]])))
    usual = _usual_flows(single, begins)
    following = np.minimum(finishes + 1, count - 1)
    has_next = ~is_last[finishes] & single.is_known[following]
    moves = usual >= USUAL_FLOW
    jumped = moves & has_next & (single.flows[following] >= JUMP * np.nan_to_num(usual))
    stands = moves & is_last[finishes] & (finishes - begins + 1 >= STILL_INTERVALS)
    reasons = single.reasons.copy()
    opens = np.ones(count, bool)
    is_merged = np.zeros(count, bool)
    for first, last, reason in _merges(begins, finishes, jumped, stands):
        opens[first + 1 : last + 1] = False
        reasons[first], is_merged[first] = reason, True
    firsts = np.flatnonzero(opens)
    lasts = np.append(firsts[1:], count) - 1
    return Intervals(
        single.metric_ids,
        single.owners[firsts],
        single.start_days[firsts],
        single.end_days[lasts],
        single.start_times[firsts],
        single.end_times[lasts],
        np.add.reduceat(single.flows, firsts),
        np.add.reduceat(single.changes, firsts),
        reasons[firsts],
        is_merged[firsts],
    )


def _merges(
    begins: NDArray[np.intp], finishes: NDArray[np.intp], jumped: Mask, stands: Mask
) -> Iterator[tuple[int, int, int]]:
    for number in np.flatnonzero(jumped | stands).tolist():
        first, last = int(begins[number]), int(finishes[number])
        yield (first, last + 1, _STOOD_STILL) if jumped[number] else (first, last, _STANDS_STILL)


def _usual_flows(single: Intervals, begins: NDArray[np.intp]) -> NDArray[np.float64]:
    """Return the median flow of the days before each of ``begins``; NaN if too few are known."""
    places = begins[:, None] - np.arange(1, USUAL_INTERVALS + 1)
    inside = np.maximum(places, 0)
    is_usable = (places >= 0) & (single.owners[inside] == single.owners[begins][:, None])
    is_usable &= (single.is_day & single.is_known)[inside]
    return median_of_known(np.where(is_usable, single.flows[inside], np.nan), FEWEST_INTERVALS)


def _is_day(starts: Times, ends: Times) -> Mask:
    length = ends - starts
    is_day: Mask = (length >= SHORTEST_DAY // _MICROSECOND) & (length <= LONGEST_DAY // _MICROSECOND)
    return is_day


def _microseconds(moment: datetime | None) -> int:
    return 0 if moment is None else (moment - _EPOCH) // _MICROSECOND


def _moment(microseconds: np.int64) -> datetime:
    return _EPOCH + int(microseconds) * _MICROSECOND
