"""Describe points as text, for the cursor's card, static charts, and screen readers."""

from __future__ import annotations

from datetime import date

from cmetrics.analytics import phrases
from cmetrics.analytics.chart import Chart, Series, extent_of
from cmetrics.analytics.model import PointKind
from cmetrics.charts.scale import MONTHS_SHOWN, Scale, first_bar
from cmetrics.domain import formats
from cmetrics.domain.days import Month
from cmetrics.domain.observation import Provenance
from cmetrics.domain.sanitize import isolate

#: The end of a title that names the period of its values. The script of the page replaces it in other views.
_PER_MONTH = " per month"
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


def alternative(chart: Chart) -> str:
    """Return the alternative text of a chart: first value, last value, peak and change of each series in its range."""
    summaries = [_summary(chart, series) for series in chart.shown]
    return f"{_subject(chart)}. {' '.join(summaries)}"


def _subject(chart: Chart) -> str:
    """Return the title with the period of a value, such as ``Downloads of Lance, by month``."""
    if chart.title.endswith(_PER_MONTH):
        return chart.title
    return f"{chart.title}, {'by month' if chart.is_flow else 'by day'}"


def subtitle(chart: Chart, scale: Scale) -> str:
    """Return what a chart covers and since when: ``All packages, last 24 months``."""
    start = scale.start.date()
    if chart.is_flow:
        start = max(start, first_bar(chart))
    is_full = Month.of(start) == Month.of(chart.as_of).plus(1 - MONTHS_SHOWN)
    when = f"last {MONTHS_SHOWN} months" if is_full else f"since {formats.short_month(start)}"
    return f"{chart.scope}, {when}" if chart.scope else when[:1].upper() + when[1:]


def _summary(chart: Chart, series: Series) -> str:
    unit = "downloads" if chart.is_flow else "stars"
    extent = extent_of(chart, series, Month.of(chart.as_of).plus(1 - MONTHS_SHOWN).first)
    if extent is None:
        return f"{isolate(series.name)}: no complete period."

    def when(day: date) -> str:
        return formats.month(day) if chart.is_flow else formats.long_day(day)

    if extent.first_day == extent.last_day:
        return f"{isolate(series.name)}: {formats.number(extent.last)} {unit}, {when(extent.last_day)}."
    percent = "" if extent.change.percent is None else f" ({phrases.relative(extent.change.percent)})"
    return (
        f"{isolate(series.name)}: from {formats.number(extent.first)} {unit} ({when(extent.first_day)}) "
        f"to {formats.number(extent.last)} ({when(extent.last_day)}), "
        f"a change of {formats.signed(extent.change.absolute)}{percent}; "
        f"peak {formats.number(extent.peak)} ({when(extent.peak_day)})."
    )
