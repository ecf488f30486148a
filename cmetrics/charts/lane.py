"""Place the marks of events above a chart: numbered, with names where they fit. Pure.

The script of the page implements the same rules for other views (`templates/app/lane.js`).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from cmetrics.analytics.chart import Chart
from cmetrics.charts.scale import LEAST_WIDTH, Room, Scale, label_width
from cmetrics.domain import formats
from cmetrics.domain.metric import Event
from cmetrics.domain.sanitize import isolate

#: CSS pixels: the diameter of a circle, and the space between two texts.
CIRCLE, GAP = 20, 10
#: The width of a character of a mark's number, and the space on each side of the number.
DIGIT, PADDING = 8, 2
#: The space between a mark and its name.
NAME_ROOM = 4
#: The maximum length of a name. Longer ones are only in the list below the chart.
LONGEST_NAME = 22

#: Events with their numbers and their distances from the left edge, by day.
Group: TypeAlias = list[tuple[int, Event, float]]


@dataclass(frozen=True, slots=True)
class EventMark:
    """One event, or several that are too close to each other, above a chart."""

    #: In percent of the width of the plot box.
    x: float
    #: ``3`` or ``3–5``.
    number: str
    #: Half the width of the shape behind the number, in CSS pixels.
    half_width: float
    #: Empty if there is no space for it.
    name: str
    #: Whether the name is to the left of its circle.
    is_before: bool
    url: str | None
    #: All names with their days, one line each.
    title: str

    @property
    def width(self) -> float:
        """The width of the shape behind the number."""
        return 2 * self.half_width

    @property
    def name_x(self) -> float:
        """The distance of the name from the middle of the mark, in CSS pixels."""
        return -self.half_width - NAME_ROOM if self.is_before else self.half_width + NAME_ROOM


def shown_events(chart: Chart, scale: Scale) -> tuple[Event, ...]:
    """Return the events of the range shown by day, without those before the first value."""
    starts = [series.days[0].day for series in chart.shown if series.days]
    starts += [series.months[0].period_start for series in chart.shown if series.months]
    first = max(scale.start.date(), min(starts, default=scale.start.date()))
    last = min(scale.end.date(), chart.as_of)
    return tuple(sorted((e for e in chart.events if first <= e.day <= last), key=lambda event: event.day))


def lane_of(chart: Chart, scale: Scale, room: Room) -> tuple[EventMark, ...]:
    """Return the marks for the narrowest plot of a size class, so that they fit in every plot of the class."""
    width = LEAST_WIDTH[room]
    groups = _merged([(n, e, scale.x(e.day) * width)] for n, e in enumerate(shown_events(chart, scale), 1))
    names = _names(groups, width) if room is not Room.NARROW else [("", False)] * len(groups)
    return tuple(_mark(group, width, *name) for group, name in zip(groups, names, strict=True))


def _merged(groups: Iterable[Group]) -> list[Group]:
    """Combine neighbours until no marks touch. A combined mark is placed at its first event."""
    merged: list[Group] = []
    for group in groups:
        merged.append(group)
        # A combined mark is wider, and may touch the previous one.
        while len(merged) > 1 and merged[-1][0][2] - merged[-2][0][2] < _half(merged[-2]) + _half(merged[-1]) + 1:
            last = merged.pop()
            merged[-1] = merged[-1] + last
    return merged


def _number(group: Group) -> str:
    """Return the number of the event, or the first and the last of several."""
    return str(group[0][0]) if len(group) == 1 else f"{group[0][0]}–{group[-1][0]}"


def _half(group: Group) -> float:
    """Return half the width of a mark. Marks with long numbers are wider than a circle."""
    return max(CIRCLE, DIGIT * len(_number(group)) + 2 * PADDING) / 2


def _mark(group: Group, width: int, name: str, is_before: bool) -> EventMark:  # noqa: FBT001
    first, last = group[0], group[-1]
    return EventMark(
        x=round(100 * first[2] / width, 2),
        number=_number(group),
        half_width=_half(group),
        name=name,
        is_before=is_before,
        url=first[1].url if first is last else None,
        title="\n".join(
            f"{number}: {isolate(event.label)}, {formats.short_day(event.day)}" for number, event, _ in group
        ),
    )


def _names(groups: Sequence[Group], width: int) -> list[tuple[str, bool]]:
    """Return the name of each mark (empty if there is no space), and whether it is to the left of its circle."""
    names: list[tuple[str, bool]] = []
    taken = 0.0
    for index, group in enumerate(groups):
        x = group[0][2]
        half = _half(group)
        left, right = x - half, x + half
        name = group[0][1].label if len(group) == 1 else ""
        need = label_width(name) + GAP
        limit = groups[index + 1][0][2] - _half(groups[index + 1]) if index + 1 < len(groups) else width
        if not name or len(name) > LONGEST_NAME:
            names.append(("", False))
        elif right + need <= limit:
            names.append((name, False))
            right += need
        elif left - need >= taken:
            names.append((name, True))
        else:
            names.append(("", False))
        taken = right
    return names
