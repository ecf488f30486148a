"""The data of a chart for the script in the page: compact, and computed here, not there."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import groupby
from typing import Any

from cmetrics.analytics.chart import Chart, ChartKind, Series
from cmetrics.analytics.model import DayPoint, PeriodPoint, PointKind
from cmetrics.charts.words import coverage_text, period_text, provenance_text
from cmetrics.domain.days import day_range


def chart_document(chart: Chart) -> dict[str, Any]:
    """Return every grain of every series.

    ``day.values`` runs from ``day.start``, null where there is no value; ``day.notes`` says in runs
    of days how they came about. Periods are ``[first day, last day, value, whether complete, kind,
    when, what is missing, how it came about]``.
    """
    return {
        "key": chart.key,
        "title": chart.title,
        "kind": chart.kind.value,
        "asOf": chart.as_of.isoformat(),
        "series": [_series(series, chart.kind) for series in chart.series],
        "events": [{"day": event.day.isoformat(), "label": event.label} for event in chart.events],
    }


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


def _days(points: Sequence[DayPoint]) -> dict[str, Any] | None:
    if not points:
        return None
    known = {point.day: point for point in points}
    days = [known.get(day) for day in day_range(points[0].day, points[-1].day)]
    return {
        "start": points[0].day.isoformat(),
        "values": [point.value if point else None for point in days],
        "notes": _runs((point.kind, provenance_text(point)) if point else None for point in days),
    }


def _runs(notes: Iterable[tuple[PointKind, str] | None]) -> list[list[object]]:
    runs: list[list[object]] = []
    for note, found in groupby(notes):
        kind, text = note or ("", "")
        runs.append([sum(1 for _ in found), str(kind), text])
    return runs


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
        provenance_text(point),
    ]
