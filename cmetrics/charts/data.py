"""The data of a chart for the script in the page. All values are computed here, not in the browser.

Monthly sums are in the page. Values by day and by week are most of the data and rarely needed, so they are in a
script file for each series. A page opened as a local file can load scripts, but not JSON.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from itertools import groupby
from typing import Any

import numpy as np
import orjson

from cmetrics.analytics.chart import SERIES_SHOWN, Chart, Series
from cmetrics.analytics.columns import run_starts
from cmetrics.analytics.model import KINDS, DayPoints, PeriodPoint, PointKind
from cmetrics.charts.words import provenance_text
from cmetrics.domain.metric import Event

#: The name of the file with the days of the total of all repositories. No metric's file begins with "_".
TOTAL_DAYS = "_all-stars"


def chart_document(
    chart: Chart, names: Mapping[str, str], effects: Mapping[Event, str] | None = None
) -> dict[str, Any]:
    """Return the document with the months of all series. ``names`` are the file names of metrics by id.

    ``month`` of a series are columns, see `_periods`; ``seeds`` are its snapshots as ``[first day, last day, value,
    provenance]``; ``days`` is the name of its file, see `days_script`. Each is null without a value.
    """
    return {
        "key": chart.key,
        "stacked": chart.is_flow,
        "title": chart.title,
        "kind": chart.kind.value,
        "asOf": chart.as_of.isoformat(),
        "through": None if chart.newest_day is None else chart.newest_day.isoformat(),
        "series": [_series(series) | {"days": days_name(series, names)} for series in chart.series],
        "scope": chart.scope,
        "events": [
            {"day": event.day.isoformat(), "label": event.label, "url": event.url, "effect": (effects or {}).get(event)}
            for event in sorted(chart.events, key=lambda event: event.day)
        ],
    }


# The pages of a product and its metrics are built one after the other.
@lru_cache(maxsize=2 * SERIES_SHOWN)
def _series(series: Series) -> dict[str, Any]:
    return {
        "key": series.key,
        "id": series.metric_id,
        "name": series.name,
        "subject": series.subject,
        "source": series.source_title,
        "tone": series.tone,
        "split": series.split,
        # These are in the file of its days, because they are rarely needed.
        "week": None,
        "month": _periods(series.months, lambda day: day.year * 12 + day.month),
        "seeds": [_seed(point) for point in series.months if point.kind is PointKind.SEEDED] or None,
    }


def days_name(series: Series, names: Mapping[str, str]) -> str | None:
    """Return the name of the file with the days of a series, without suffix; None for a series without a value."""
    if not series.days:
        return None
    return f"_{series.key}" if series.metric_id is None else names[series.metric_id]


@dataclass(frozen=True, slots=True)
class Member:
    """A metric of a summed series, with the name of its own file."""

    name: str
    file: str
    days: DayPoints


def days_script(
    name: str, points: DayPoints, weeks: Sequence[PeriodPoint] = (), members: Sequence[Member] = ()
) -> bytes:
    """Return the script with the days of a series: a call of ``cmetricsDays`` with its name and its document.

    ``values`` starts at ``start``, with null for days without a value; ``notes`` has the provenance by runs of days,
    ``week`` the weeks as columns, see `_periods`. A sum of several metrics has no value on a day for which a metric
    has none. Its document also has ``partial``, the sum of the other metrics on these days as ``[place, sum]``, and
    ``members`` with the first, the last and the missing days of each metric, so that any window can be summed and
    compared like for like.
    """
    document = _days(points) | (_members(members) if members else {})
    document["week"] = _periods(weeks, _week_number)
    return b"cmetricsDays(" + orjson.dumps(name) + b"," + orjson.dumps(document) + b");\n"


def _members(members: Sequence[Member]) -> dict[str, Any]:
    """Return ``partial`` and ``members`` of a document; places and ``missing`` count days from the first of all."""
    known = [member for member in members if member.days]
    first = min(int(member.days.days[0]) for member in known)
    size = max(int(member.days.days[-1]) for member in known) - first + 1
    sums, present, begun = (np.zeros(size, np.int64) for _ in range(3))
    described = []
    for member in known:
        places = member.days.days - first
        sums[places] += member.days.values
        present[places] += 1
        begun[int(places[0]) :] += 1
        gaps = np.flatnonzero(np.diff(places) > 1)
        missing = [[int(places[gap]) + 1, int(places[gap + 1] - places[gap]) - 1] for gap in gaps]
        span = {"first": int(places[0]), "last": int(places[-1])}
        described.append({"name": member.name, "file": member.file, **span, "missing": missing})
    lacking = np.flatnonzero(present < begun)
    return {"partial": [[int(place), int(sums[place])] for place in lacking], "members": described}


def _week_number(day: date) -> int:
    return (day.toordinal() - 1) // 7


def _days(points: DayPoints) -> dict[str, Any]:
    places = points.days - points.days[0]
    values = np.full(int(places[-1]) + 1, None, object)
    values[places] = points.values
    names = points.provenance_names
    notes = np.full(len(values), -1)
    notes[places] = points.kinds.astype(np.int64) * len(names) + points.provenances
    starts = run_starts(notes)
    lengths = np.diff(starts, append=len(notes))
    runs = [(count, *_note(code, names)) for count, code in zip(lengths.tolist(), notes[starts].tolist(), strict=True)]
    # Several provenances can have the same text.
    alike = groupby(runs, key=lambda run: run[1:])
    return {
        "start": points[0].day.isoformat(),
        "values": values.tolist(),
        "notes": [[sum(count for count, _, _ in found), *note] for note, found in alike],
    }


def _note(code: int, names: Sequence[str]) -> tuple[str, str]:
    """Return the kind and the provenance text of a day; both empty for a day without a value."""
    if code < 0:
        return "", ""
    kind = KINDS[code // len(names)]
    return kind.value, provenance_text(kind, names[code % len(names)])


def _periods(points: Sequence[PeriodPoint], number_of: Callable[[date], int]) -> dict[str, Any] | None:
    """Return consecutive periods from the first to the last one with a value, by column.

    ``values`` has null for periods without a value, ``notes`` the provenance by runs of periods, and ``partial``
    ``[place, days with a value]`` of the periods that are not complete; the number is null for a stock. A sum over
    several metrics counts the days of each, and has the expected number as a third element.
    """
    points = [point for point in points if point.kind is not PointKind.SEEDED]
    if not points:
        return None
    first = number_of(points[0].period_start)
    values: list[int | None] = [None] * (number_of(points[-1].period_start) - first + 1)
    notes = [("", "")] * len(values)
    partial: list[tuple[int | None, ...]] = []
    for point in points:
        place = number_of(point.period_start) - first
        values[place] = point.value
        notes[place] = point.kind.value, provenance_text(point.kind, point.provenance)
        if not point.is_complete:
            days = (point.period_end - point.period_start).days + 1
            is_one = point.days_expected in (None, 1, days)
            partial.append((place, point.days_observed, *(() if is_one else (point.days_expected,))))
    return {
        "start": points[0].period_start.isoformat(),
        "values": values,
        "notes": [[len(list(run)), *note] for note, run in groupby(notes)],
        "partial": [list(pair) for pair in partial],
    }


def _seed(point: PeriodPoint) -> list[object]:
    start, end = point.period_start.isoformat(), point.period_end.isoformat()
    return [start, end, point.value, provenance_text(point.kind, point.provenance)]
