"""The data of a product's page besides its charts: weekly stars, records, and releases with their effects. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from cmetrics.analytics.insight_results import Effect, Verdict
from cmetrics.analytics.model import DayPoints, DownloadItem, Group, PointKind, StarItem
from cmetrics.analytics.periods import WEEKS, stock_periods

#: The ratio of the largest to the smallest series from which they need separate scales.
UNLIKE = 20
#: The number of weeks whose net gain of stars is shown.
WEEKS_SHOWN = 52
#: The maximum number of releases in the table.
RELEASES_SHOWN = 12


@dataclass(frozen=True, slots=True)
class WeekNet:
    """The net gain of a week; None unless there is a count at both ends."""

    start: date
    end: date
    value: int | None
    #: The number of repositories with a count at both ends.
    known: int
    expected: int


@dataclass(frozen=True, slots=True)
class Record:
    """The best full month of a package, or the best week of a repository."""

    item: DownloadItem | StarItem
    start: date
    end: date
    value: int
    #: Whether it is the newest one.
    is_newest: bool


def weekly_net(series: Iterable[DayPoints], as_of: date) -> tuple[WeekNet, ...]:
    """Return the net gain of stars of all ``series`` by full week, oldest first, at most a year of them."""
    ends = [
        {p.period_end: p.value for p in stock_periods(points.known, WEEKS, as_of) if not p.is_running}
        for points in series
    ]
    every = sorted({day for of_series in ends for day in of_series})
    if not every:
        return ()
    last, week = every[-1], timedelta(days=7)
    first = max(every[0] + week, last - (WEEKS_SHOWN - 1) * week)
    weeks = []
    for number in range((last - first).days // 7 + 1):
        end = first + number * week
        nets = [held[end] - held[end - week] if end in held and end - week in held else None for held in ends]
        known = [net for net in nets if net is not None]
        value = sum(known) if known and len(known) == len(nets) else None
        weeks.append(WeekNet(end - timedelta(days=6), end, value, len(known), len(nets)))
    return tuple(weeks)


def are_unlike(items: Sequence[DownloadItem]) -> bool:
    """Return whether the smallest series is not visible next to the largest one."""
    values = [item.month.value for item in items if item.month and item.month.value > 0]
    return len(values) > 1 and max(values) > UNLIKE * min(values)


def records(group: Group, as_of: date) -> tuple[Record, ...]:
    """Return the best full month of each package, and the week in which each repository gained most."""
    found: list[Record] = []
    for item in group.downloads:
        whole = [p for p in item.points if p.is_complete and p.kind is not PointKind.SEEDED and not p.is_running]
        if len(whole) > 1:
            best = max(whole, key=lambda point: (point.value, point.period_end))
            found.append(Record(item, best.period_start, best.period_end, best.value, best is whole[-1]))
    for repository in group.stars:
        weeks = [week for week in weekly_net([repository.points], as_of) if week.value is not None]
        if len(weeks) > 1:
            most = max(weeks, key=lambda week: (week.value or 0, week.end))
            if most.value and most.value > 0:
                found.append(Record(repository, most.start, most.end, most.value, most is weeks[-1]))
    return tuple(found)


def releases(effects: Iterable[Effect], group: Group) -> tuple[Effect, ...]:
    """Return the effects of the newest events on a product's packages; of those that are too early, only the first."""
    own = {item.metric.metric_id for item in group.downloads}
    found = [effect for effect in effects if effect.metric_id in own]
    events = list(dict.fromkeys(effect.event.identifier for effect in found))[:RELEASES_SHOWN]
    shown: list[Effect] = []
    early: set[str] = set()
    for effect in found:
        name = effect.event.identifier
        if name not in events or name in early:
            continue
        if effect.verdict is Verdict.TOO_EARLY:
            early.add(name)
        shown.append(effect)
    return tuple(shown)
