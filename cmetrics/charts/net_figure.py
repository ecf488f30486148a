"""The chart of weekly gains of stars: bars up, and bars down for losses. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from cmetrics.analytics.product import WeekNet
from cmetrics.charts.panels import Column, Panel, PanelChart, Part, Row, Span, Stop
from cmetrics.charts.scale import named_levels, steps_between
from cmetrics.domain import formats
from cmetrics.domain.plural import plural

#: The colours of weeks with more stars at their end, and with fewer.
GAIN, LOSS = "n0", "loss"
_TITLE, _NOUN = "Net stars by week", "stars"


def build_net_chart(
    weeks: Sequence[WeekNet], key: str, *, as_of: date, scope: str, source: str, members: Sequence[str]
) -> PanelChart | None:
    """Return the chart of ``weeks``; None if no week has a value other than zero.

    ``members`` are the names of the files with the days of the repositories, for ranges of days.
    """
    known = [week for week in weeks if week.value]
    if not known:
        return None
    best, worst = max(known, key=_value), min(known, key=_value)
    unknown = tuple(Span(week.start, week.end) for week in weeks if week.value is None)
    values = [_value(week) for week in weeks]
    levels = named_levels(steps_between(min(0, *values), max(0, *values)))
    panel = Panel(
        GAIN,
        levels,
        _NOUN,
        columns=tuple(
            Column(week.start, week.end, week.value, LOSS if week.value < 0 else GAIN)
            for week in weeks
            if week.value is not None
        ),
        unknown=unknown,
    )
    return PanelChart(
        key=key,
        title=_TITLE,
        subtitle=f"{scope}, last {plural(len(weeks), 'week')}",
        alternative=(
            f"Net {_NOUN} by week, {formats.period(weeks[0].start, weeks[-1].end)}. "
            f"Highest: {formats.signed(_value(best))} in the week from {formats.long_day(best.start)}. "
            f"Lowest: {formats.signed(_value(worst))} in the week from {formats.long_day(worst.start)}."
        ),
        source=source,
        notes=("◇ No count at the start or end of the week.",) if unknown else (),
        as_of=as_of,
        first=weeks[0].start,
        last=weeks[-1].end,
        panels=(panel,),
        parts=(Part("Net stars", GAIN),),
        stops=tuple(Stop(week.start, week.end, (_text(week),), _coverage(week), week.value) for week in weeks),
        headings=(("Net stars", True),),
        rows=tuple(Row(formats.period(week.start, week.end), (_text(week) or "–",)) for week in reversed(weeks)),
        unit=_NOUN,
        extra={"kind": "net", "members": list(members)},
    )


def _value(week: WeekNet) -> int:
    return week.value or 0


def _text(week: WeekNet) -> str | None:
    if not week.value:
        return week.value if week.value is None else formats.number(0)
    return formats.signed(week.value)


def _coverage(week: WeekNet) -> str:
    return f"{week.known} of {plural(week.expected, 'repository', 'repositories')}"
