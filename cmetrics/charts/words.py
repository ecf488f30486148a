"""Describe points as text, for tooltips, titles in static charts, and screen readers."""

from __future__ import annotations

from datetime import date

from cmetrics.analytics import phrases
from cmetrics.analytics.chart import Chart, ChartKind, Series
from cmetrics.analytics.model import PeriodPoint, PointKind
from cmetrics.charts.scale import MONTHS_SHOWN, Scale
from cmetrics.domain import formats
from cmetrics.domain.days import Month
from cmetrics.domain.observation import Provenance
from cmetrics.domain.sanitize import isolate

_KINDS = {
    PointKind.RECONSTRUCTED: "reconstructed from the star history",
    PointKind.ESTIMATED: "interpolated between two counts",
    PointKind.SEEDED: "a total published before daily data",
}


def provenance_text(kind: PointKind, provenance: str) -> str:
    """Return the provenance of a value as text."""
    if kind in _KINDS:
        return _KINDS[kind]
    if provenance == Provenance.RECOMPUTED:
        return "collected by a backfill"
    if provenance == Provenance.API_DAILY:
        return "collected by the nightly run"
    return "" if not provenance else "loaded from a file"


def short(value: int) -> str:
    """Return ``1234567`` as ``1.2M``."""
    return formats.compact(value)


def day_text(day: date) -> str:
    """Return ``22 November 2026``."""
    return formats.long_day(day)


def period_text(point: PeriodPoint, kind: ChartKind) -> str:
    """Return ``in October 2026`` or ``in the week from 16 November 2026``; for a stock, the day."""
    if point.kind is PointKind.SEEDED:
        return f"in about 30 days up to {day_text(point.period_end)}"
    if kind is ChartKind.STOCK:
        return "so far" if point.is_running else f"at the end of {day_text(point.period_end)}"
    return _flow_period_text(point.period_start, point.period_end)


def _flow_period_text(first: date, last: date) -> str:
    if Month.of(first).first == first and Month.of(last).last == last:
        return f"in {formats.month(first)}"
    return f"in the week from {day_text(first)}"


def coverage_text(point: PeriodPoint) -> str:
    """Return the coverage of an incomplete sum; empty for a complete one."""
    if point.is_complete or point.days_expected in (None, 1):
        return ""
    missing = point.days_expected - (point.days_observed or 0)
    if point.is_running:
        return f"{point.days_observed} of {point.days_expected} days so far"
    return f"{point.days_observed} of {point.days_expected} days, {missing} missing"


def alternative(chart: Chart) -> str:
    """Return the alternative text of a chart: first value, last value, peak and change of each series."""
    unit = "downloads" if chart.kind is ChartKind.FLOW else "stars"
    summaries = [_summary(series, unit, by_month=chart.kind is ChartKind.FLOW) for series in chart.shown]
    what = "Downloads by month" if chart.kind is ChartKind.FLOW else "Stars by day"
    return f"{chart.title}. {what}. {' '.join(summaries)}"


def subtitle(chart: Chart, scale: Scale) -> str:
    """Return what a chart covers and since when: ``All packages, last 24 months``."""
    start = scale.start.date()
    is_full = Month.of(start) == Month.of(chart.as_of).plus(1 - MONTHS_SHOWN)
    when = f"last {MONTHS_SHOWN} months" if is_full else f"since {formats.short_month(start)}"
    return f"{chart.scope}, {when}" if chart.scope else when[:1].upper() + when[1:]


def _summary(series: Series, unit: str, *, by_month: bool) -> str:
    extent = series.extent
    if extent is None:
        return f"{isolate(series.name)}: no complete period yet."

    def when(day: date) -> str:
        return formats.month(day) if by_month else day_text(day)

    if extent.first_day == extent.last_day:
        return f"{isolate(series.name)}: {formats.number(extent.last)} {unit}, {when(extent.last_day)}."
    percent = "" if extent.change.percent is None else f" ({phrases.relative(extent.change.percent)})"
    return (
        f"{isolate(series.name)}: from {formats.number(extent.first)} {unit} ({when(extent.first_day)}) "
        f"to {formats.number(extent.last)} ({when(extent.last_day)}), "
        f"a change of {phrases.difference(extent.change.absolute)}{percent}; "
        f"peak {formats.number(extent.peak)} ({when(extent.peak_day)})."
    )
