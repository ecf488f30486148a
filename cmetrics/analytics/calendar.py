"""Which days have a value, metric by metric, and why the others have none."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from enum import StrEnum
from itertools import groupby
from types import MappingProxyType

from cmetrics.analytics.counts import covered_days
from cmetrics.analytics.gaps import Gap, Reason
from cmetrics.analytics.model import KINDS, CountItem, Dashboard, DayPoints, DownloadItem, Item, PointKind
from cmetrics.domain.days import day_range, window
from cmetrics.domain.metric import PUBLISHED_WITHIN

#: The calendar begins with the oldest value or missing day; it has at least this number of days.
DAYS_SHOWN = 365


class DayState(StrEnum):
    """What is known of a day."""

    OBSERVED = "observed"
    RECONSTRUCTED = "reconstructed"
    ESTIMATED = "estimated"
    SEEDED = "seeded"
    PENDING = "pending"
    MISSING = "missing"
    #: Before the first daily value: nothing is claimed of that time.
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
_OF_KIND = {
    PointKind.OBSERVED: DayState.OBSERVED,
    PointKind.RECONSTRUCTED: DayState.RECONSTRUCTED,
    PointKind.ESTIMATED: DayState.ESTIMATED,
}


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
    #: Days without a value that there should be one for, and how many of them the source has yet to publish.
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
    """Return one row per item, and one for the ``total`` of stars where there are several repositories.

    ``gaps`` holds the missing days of each metric with their reasons. The state of any other day without
    a value follows from the days around it.
    """
    last = board.as_of
    first = min([window(last, DAYS_SHOWN), *_first_days(items, gaps)])
    rows = [_item_row(item, gaps.get(item.metric.metric_id, ()), first, last) for item in items]
    if total and sum(len(group.stars) for group in board.groups) > 1 and board.total_stars_points:
        states = _states_of(board.total_stars_points)
        start = board.total_stars_points[0].day
        note = "No total yet: not every repository has data"
        total_row = _row("GitHub stars", "all repositories", "", states, start, {}, first, last)
        waits = (replace(s, reason=note) if s.state is DayState.PENDING else s for s in total_row.stretches)
        rows.append(replace(total_row, stretches=tuple(waits)))
    is_long = (last - first).days >= 2 * DAYS_SHOWN
    firsts = tuple(
        (day - first).days for day in day_range(first, last) if day.day == 1 and (day.month == 1 or not is_long)
    )
    return Calendar(first, last, (last - first).days + 1, tuple(rows), firsts)


def _first_days(items: Sequence[Item], gaps: Mapping[str, Sequence[Gap]]) -> Iterator[date]:
    """Yield the first value and the first missing day of each item."""
    for item in items:
        days = item.days if isinstance(item, DownloadItem) else item.points
        if days:
            yield days[0].day
        if isinstance(item, DownloadItem):
            yield from (point.period_end for point in item.points[:1])
        yield from (gap.first_day for gap in gaps.get(item.metric.metric_id, ()) if gap.is_missing)


def _item_row(item: Item, gaps: Iterable[Gap], first: date, last: date) -> Row:
    days = item.days if isinstance(item, DownloadItem) else item.points
    states = _states_of(days)
    start = days[0].day if days else None
    if isinstance(item, CountItem) and item.metric.measure.is_rolling:
        for day in covered_days(item):
            if first <= day:
                states.setdefault(day, DayState.OBSERVED)
    if isinstance(item, DownloadItem):
        for point in item.points:
            if point.kind is PointKind.SEEDED:
                states.setdefault(point.period_end, DayState.SEEDED)
    why = {day: gap for gap in gaps for day in day_range(max(gap.first_day, first), min(gap.last_day, last))}
    metric = item.metric
    return _row(metric.label, metric.subject, item.source_title, states, start, why, first, last)


def _states_of(points: DayPoints) -> dict[date, DayState]:
    of_code = [_OF_KIND.get(kind, DayState.SEEDED) for kind in KINDS]
    return dict(zip(points.dates, map(of_code.__getitem__, points.kinds.tolist()), strict=True))


def _row(
    name: str,
    subject: str,
    source_title: str,
    states: dict[date, DayState],
    start: date | None,
    gaps: Mapping[date, Gap],
    first: date,
    last: date,
) -> Row:
    newest = max(states, default=None)
    unknown: dict[date, tuple[DayState, str | None]] = {}
    for day in sorted(set(day_range(first, last)) - states.keys()):
        if (gap := gaps.get(day)) is not None:
            unknown[day] = _state_of(gap), gap.text
        elif start is None or newest is None or day < start:
            unknown[day] = DayState.BEFORE, None
        elif day > newest and last - day < PUBLISHED_WITHIN:
            unknown[day] = DayState.PENDING, "Pending: not published yet"
        else:
            unknown[day] = DayState.MISSING, "Missing at the source"
    stretches: list[Stretch] = []
    every_day = list(day_range(first, last))
    known_of = [unknown.get(day) or (states[day], None) for day in every_day]
    offset = 0
    for (state, reason), run in groupby(known_of):
        days = len(list(run))
        stretches.append(Stretch(every_day[offset], every_day[offset + days - 1], state, reason, offset, days))
        offset += days
    before, pending, missing = (
        sum(s.days for s in stretches if s.state is wanted)
        for wanted in (DayState.BEFORE, DayState.PENDING, DayState.MISSING)
    )
    known = (last - first).days + 1 - before - pending - missing
    return Row(name, subject, source_title, tuple(stretches), known, missing + pending, pending)


def _state_of(gap: Gap) -> DayState:
    if not gap.is_missing:
        return DayState.BEFORE
    return DayState.PENDING if gap.reason is Reason.NOT_PUBLISHED else DayState.MISSING
