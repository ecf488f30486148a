"""The data of a chart for the script in the page. All values are computed here, not in the browser."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from itertools import groupby
from typing import Any

import numpy as np

from cmetrics.analytics.chart import SERIES_SHOWN, Chart, ChartKind, Series
from cmetrics.analytics.model import KINDS, DayPoints, PeriodPoint, PointKind
from cmetrics.analytics.periods import run_starts
from cmetrics.charts.words import coverage_text, period_text, provenance_text


def chart_document(chart: Chart) -> dict[str, Any]:
    """Return the document with all grains of all series.

    ``day.values`` starts at ``day.start``, with null for days without a value; ``day.notes`` has the provenance
    by runs of days. Periods are ``[first day, last day, value, whether complete, kind,
    when, what is missing, how it came about]``.
    """
    return {
        "key": chart.key,
        "title": chart.title,
        "kind": chart.kind.value,
        "asOf": chart.as_of.isoformat(),
        "through": None if chart.newest_day is None else chart.newest_day.isoformat(),
        "series": [_series(series, chart.kind) for series in chart.series],
        "events": [{"day": event.day.isoformat(), "label": event.label} for event in chart.events],
    }


# A page of a product and those of its metrics follow each other.
@lru_cache(maxsize=2 * SERIES_SHOWN)
def _series(series: Series, kind: ChartKind) -> dict[str, Any]:
    return {
        "key": series.key,
        "id": series.metric_id,
        "name": series.name,
        "subject": series.subject,
        "source": series.source_title,
        "tone": series.tone,
        "day": _days(series.days),
        "week": [_period(point, kind) for point in series.weeks],
        "month": [_period(point, kind) for point in series.months],
    }


def _days(points: DayPoints) -> dict[str, Any] | None:
    if not points:
        return None
    places = points.days - points.days[0]
    values = np.full(int(places[-1]) + 1, None, object)
    values[places] = points.values
    names = points.provenance_names
    notes = np.full(len(values), -1)
    notes[places] = points.kinds.astype(np.int64) * len(names) + points.provenances
    starts = run_starts(notes)
    lengths = np.diff(starts, append=len(notes))
    runs = [(count, *_note(code, names)) for count, code in zip(lengths.tolist(), notes[starts].tolist(), strict=True)]
    # Several provenances may have the same text.
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


def _period(point: PeriodPoint, kind: ChartKind) -> list[object]:
    whole = point.is_complete or point.kind is PointKind.SEEDED
    return [
        point.period_start.isoformat(),
        point.period_end.isoformat(),
        point.value,
        int(whole),
        point.kind.value,
        period_text(point, kind),
        coverage_text(point),
        provenance_text(point.kind, point.provenance),
    ]
