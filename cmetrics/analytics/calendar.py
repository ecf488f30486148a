"""The calendar of data quality: which days have a value, and why the others have none."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from enum import StrEnum
from functools import lru_cache
from types import MappingProxyType
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from cmetrics.analytics.columns import run_starts
from cmetrics.analytics.counts import covered_days
from cmetrics.analytics.gaps import Gap, Reason
from cmetrics.analytics.model import (
    KINDS,
    CountItem,
    Dashboard,
    DayPoints,
    DownloadItem,
    Item,
    PointKind,
    points_by_day,
)
from cmetrics.domain.days import DAY, day_range, window
from cmetrics.domain.metric import PUBLISHED_WITHIN

#: The calendar begins with the oldest value or missing day; it has at least this number of days.
DAYS_SHOWN = 365


class DayState(StrEnum):
    """The state of a day."""

    OBSERVED = "observed"
    RECONSTRUCTED = "reconstructed"
    ESTIMATED = "estimated"
    SEEDED = "seeded"
    PENDING = "pending"
    MISSING = "missing"
    #: Before the first daily value, where nothing is expected.
    BEFORE = "before"

    @property
    def label(self) -> str:
        """The state as a phrase."""
        return _LABELS.get(self, self.value)


_LABELS = {
    DayState.RECONSTRUCTED: "reconstructed from the star history",
    DayState.SEEDED: "imported total",
    DayState.BEFORE: "before first data",
}
#: One code of :data:`_STATES` by day; :data:`_UNKNOWN` for a day without a value.
States: TypeAlias = NDArray[np.int64]
_STATES = tuple(DayState)
_UNKNOWN = -1
#: The codes of the states by the codes of :data:`KINDS`: they have the same names.
_CODE_OF_KIND = np.array([_STATES.index(DayState(kind.value)) for kind in KINDS])


@dataclass(frozen=True, slots=True)
class Stretch:
    """Consecutive days with one state."""

    first: date
    last: date
    state: DayState
    reason: str | None
    #: Days from the beginning of the calendar.
    offset: int
    days: int

    @property
    def label(self) -> str:
        """The state as a phrase."""
        return self.state.label


@dataclass(frozen=True, slots=True)
class Row:
    """One metric, or all repositories together."""

    name: str
    subject: str
    source_title: str
    stretches: tuple[Stretch, ...]
    #: Days with a value of any kind.
    known_days: int
    #: Missing days, and those of them that the source has not published yet.
    missing_days: int
    pending_days: int

    @property
    def gaps(self) -> tuple[Stretch, ...]:
        """The pending and missing ones."""
        return tuple(s for s in self.stretches if s.state in (DayState.PENDING, DayState.MISSING))


@dataclass(frozen=True, slots=True)
class Calendar:
    """The days from ``first`` to ``last``, which is the last completed day."""

    first: date
    last: date
    days: int
    rows: tuple[Row, ...]
    #: Days from the beginning to each first of a month; in a long calendar, of a year.
    month_offsets: tuple[int, ...]

    @property
    def states(self) -> frozenset[DayState]:
        """The states that occur."""
        return frozenset(stretch.state for row in self.rows for stretch in row.stretches)

    @property
    def has_gaps(self) -> bool:
        """Whether any day is missing or pending."""
        return any(row.gaps for row in self.rows)


def build_calendar(
    board: Dashboard,
    items: Sequence[Item],
    gaps: Mapping[str, Sequence[Gap]] = MappingProxyType({}),
    *,
    total: bool = True,
) -> Calendar:
    """Return one row per item, and one for the ``total`` of stars if there are several repositories.

    ``gaps`` has the missing days of each metric with their reasons. The state of any other day without a value is
    derived from the days around it.
    """
    last = board.as_of
    first = min([window(last, DAYS_SHOWN), *_first_days(items, gaps)])
    rows = [_item_row(item, gaps.get(item.metric.metric_id, ()), first, last) for item in items]
    if total and sum(len(group.stars) for group in board.groups) > 1 and board.total_stars_points:
        states = _states_of(board.total_stars_points, first, last)
        start = board.total_stars_points[0].day
        note = "No total yet: not every repository has data"
        total_row = _row("GitHub stars", "all repositories", "", states, start, (), first)
        waits = (replace(s, reason=note) if s.state is DayState.PENDING else s for s in total_row.stretches)
        rows.append(replace(total_row, stretches=tuple(waits)))
    return Calendar(first, last, (last - first).days + 1, tuple(rows), _month_offsets(first, last))


@lru_cache(maxsize=100)
def _month_offsets(first: date, last: date) -> tuple[int, ...]:
    is_long = (last - first).days >= 2 * DAYS_SHOWN
    days = day_range(first, last)
    return tuple((day - first).days for day in days if day.day == 1 and (day.month == 1 or not is_long))


def _first_days(items: Sequence[Item], gaps: Mapping[str, Sequence[Gap]]) -> Iterator[date]:
    """Yield the first value and the first missing day of each item."""
    for item in items:
        days = points_by_day(item)
        if days:
            yield days[0].day
        if isinstance(item, DownloadItem):
            yield from (point.period_end for point in item.points[:1])
        yield from (gap.first_day for gap in gaps.get(item.metric.metric_id, ()) if gap.is_missing)


def _item_row(item: Item, gaps: Iterable[Gap], first: date, last: date) -> Row:
    days = points_by_day(item)
    states = _states_of(days, first, last)
    start = days[0].day if days else None
    if isinstance(item, CountItem) and item.metric.measure.is_rolling:
        _fill(states, [(day - first).days for day in covered_days(item)], DayState.OBSERVED)
    if isinstance(item, DownloadItem):
        seeds = [(point.period_end - first).days for point in item.points if point.kind is PointKind.SEEDED]
        _fill(states, seeds, DayState.SEEDED)
    metric = item.metric
    return _row(metric.label, metric.subject, item.source_title, states, start, gaps, first)


def _states_of(points: DayPoints, first: date, last: date) -> States:
    """Return the states of the days from ``first`` to ``last`` that have a point."""
    states = np.full((last - first).days + 1, _UNKNOWN)
    states[points.days - first.toordinal()] = _CODE_OF_KIND[points.kinds]
    return states


def _fill(states: States, places: Iterable[int], state: DayState) -> None:
    """Set the state of the days at ``places`` that have none yet."""
    for place in places:
        if place >= 0 and states[place] == _UNKNOWN:
            states[place] = _STATES.index(state)


def _row(
    name: str, subject: str, source_title: str, states: States, start: date | None, gaps: Iterable[Gap], first: date
) -> Row:
    is_unknown, size = states == _UNKNOWN, len(states)
    known = np.flatnonzero(~is_unknown)
    # The states with their reasons, by code.
    reasons: dict[tuple[DayState, str | None], int] = {(state, None): code for code, state in enumerate(_STATES)}
    codes = np.where(is_unknown, reasons[DayState.BEFORE, None], states)
    if start is not None and len(known):
        begun = (start - first).days
        newest = max(int(known[-1]) + 1, size - PUBLISHED_WITHIN.days, begun)
        missing = reasons.setdefault((DayState.MISSING, "Missing at the source"), len(reasons))
        codes[begun:][is_unknown[begun:]] = missing
        codes[newest:] = reasons.setdefault((DayState.PENDING, "Pending: not published yet"), len(reasons))
    for gap in gaps:
        span = slice(max((gap.first_day - first).days, 0), max((gap.last_day - first).days + 1, 0))
        codes[span][is_unknown[span]] = reasons.setdefault((_state_of(gap), gap.text), len(reasons))
    starts, named = run_starts(codes), list(reasons)
    lengths = np.diff(starts, append=size)
    stretches = tuple(
        Stretch(first + offset * DAY, first + (offset + days - 1) * DAY, state, reason, offset, days)
        for offset, days, code in zip(starts.tolist(), lengths.tolist(), codes[starts].tolist(), strict=True)
        for state, reason in [named[code]]
    )
    before, pending, lost = (
        sum(s.days for s in stretches if s.state is wanted)
        for wanted in (DayState.BEFORE, DayState.PENDING, DayState.MISSING)
    )
    return Row(name, subject, source_title, stretches, size - before - pending - lost, lost + pending, pending)


def _state_of(gap: Gap) -> DayState:
    if not gap.is_missing:
        return DayState.BEFORE
    return DayState.PENDING if gap.reason is Reason.NOT_PUBLISHED else DayState.MISSING
