"""Which days of the last year are counted, metric by metric, and what is the matter with the others."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from enum import StrEnum
from itertools import groupby
from types import MappingProxyType

from cmetrics.analytics.gaps import Gap, Reason
from cmetrics.analytics.model import KINDS, Dashboard, DayPoints, DownloadItem, Item, PointKind
from cmetrics.domain.days import day_range, window
from cmetrics.domain.metric import PUBLISHED_WITHIN

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
        """In words."""
        return _LABELS.get(self, self.value)


_LABELS = {
    DayState.OBSERVED: "counted",
    DayState.RECONSTRUCTED: "reconstructed from the star history",
    DayState.SEEDED: "a published snapshot of",
    DayState.PENDING: "not published yet",
    DayState.BEFORE: "not collected",
}
_OF_REASON = {
    Reason.NOT_PUBLISHED: DayState.PENDING,
    Reason.LOST: DayState.MISSING,
    Reason.FAILED: DayState.MISSING,
    Reason.NOT_COLLECTED: DayState.MISSING,
    Reason.BEFORE_FIRST: DayState.BEFORE,
    Reason.NO_LONGER_AVAILABLE: DayState.BEFORE,
}
_OF_KIND = {
    PointKind.OBSERVED: DayState.OBSERVED,
    PointKind.RECONSTRUCTED: DayState.RECONSTRUCTED,
    PointKind.ESTIMATED: DayState.ESTIMATED,
}


@dataclass(frozen=True, slots=True)
class Stretch:
    """Days in a row with one state."""

    first: date
    last: date
    state: DayState
    reason: str | None
    #: Days from the beginning of the calendar.
    offset: int
    days: int

    @property
    def label(self) -> str:
        """The state in words."""
        return self.state.label


@dataclass(frozen=True, slots=True)
class Row:
    """One metric, or all repositories together."""

    name: str
    subject: str
    source_title: str
    stretches: tuple[Stretch, ...]
    #: Days in a state of the last year.
    known_days: int
    pending_days: int
    missing_days: int

    @property
    def gaps(self) -> tuple[Stretch, ...]:
        """The pending and missing ones."""
        return tuple(s for s in self.stretches if s.state in (DayState.PENDING, DayState.MISSING))


@dataclass(frozen=True, slots=True)
class Calendar:
    """The last year."""

    first: date
    last: date
    days: int
    rows: tuple[Row, ...]
    #: Days from the beginning to each first of a month.
    month_offsets: tuple[int, ...]


def build_calendar(
    board: Dashboard,
    items: Sequence[Item],
    gaps: Mapping[str, Sequence[Gap]] = MappingProxyType({}),
    *,
    total: bool = True,
) -> Calendar:
    """Build one row per item, and one for the ``total`` of stars where there are several repositories.

    ``gaps`` tell by metric id why days are missing; of a day that they do not name only the days
    around it can tell.
    """
    last, first = board.as_of, window(board.as_of, DAYS_SHOWN)
    rows = [_item_row(item, gaps.get(item.metric.metric_id, ()), first, last) for item in items]
    if total and sum(len(group.stars) for group in board.groups) > 1 and board.total_stars_points:
        states = _states_of(board.total_stars_points)
        start = board.total_stars_points[0].day
        note = "not every repository has a count yet"
        total_row = _row("GitHub Stars", "all repositories together", "", states, start, {}, first, last)
        waits = (replace(s, reason=note) if s.state is DayState.PENDING else s for s in total_row.stretches)
        rows.append(replace(total_row, stretches=tuple(waits)))
    firsts = tuple((day - first).days for day in day_range(first, last) if day.day == 1)
    return Calendar(first, last, (last - first).days + 1, tuple(rows), firsts)


def _item_row(item: Item, gaps: Iterable[Gap], first: date, last: date) -> Row:
    days = item.days if isinstance(item, DownloadItem) else item.points
    states = _states_of(days)
    start = days[0].day if days else None
    if isinstance(item, DownloadItem):
        for point in item.points:
            if point.kind is PointKind.SEEDED:
                states.setdefault(point.period_end, DayState.SEEDED)
    why = {day: gap for gap in gaps for day in day_range(max(gap.first_day, first), min(gap.last_day, last))}
    metric = item.metric
    return _row(metric.display_name, metric.subject, item.source_title, states, start, why, first, last)


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
            unknown[day] = _OF_REASON[gap.reason], f"{gap.reason}: {gap.text}"
        elif start is None or newest is None or day < start:
            unknown[day] = DayState.BEFORE, None
        elif day > newest and last - day < PUBLISHED_WITHIN:
            unknown[day] = DayState.PENDING, "the service has not published it yet"
        else:
            unknown[day] = DayState.MISSING, "the service has not stated it"
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
    return Row(name, subject, source_title, tuple(stretches), known, pending, missing)
