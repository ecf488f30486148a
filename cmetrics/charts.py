"""Figures and sparklines from points. Owner of plotly; colours follow the page's theme, set there."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from html import escape

import plotly
import plotly.graph_objects as go

from cmetrics.dashboard.model import DayPoint, DownloadItem, Group, MonthPoint, PointKind, StarItem
from cmetrics.domain.days import day_range

#: One colour per SDK wherever it is drawn, then a row for anything else. All of them reach a
#: contrast of 3:1 on the light and on the dark background.
SDK_COLORS = {"python": "#3b82c4", "rust": "#d9622b", "nodejs": "#3c9a5f"}
OTHER_COLORS = ("#8b6fd6", "#c2528b", "#1f9aa8", "#a5832a", "#7a7f87")
PARTIAL_OPACITY = 0.45

_KIND_TEXT = {
    PointKind.OBSERVED: "counted that night",
    PointKind.RECONSTRUCTED: "worked out from the star history",
    PointKind.ESTIMATED: "estimated between two counts",
    PointKind.SEEDED: "published snapshot",
}


def plotly_script() -> bytes:
    """The whole of plotly.js, as the Python package brings it."""
    path = plotly.__path__[0]
    with open(f"{path}/package_data/plotly.min.js", "rb") as file:  # noqa: PTH123
        return file.read()


def color_of(sdk: str | None, index: int) -> str:
    """The colour of a series."""
    return SDK_COLORS.get(sdk or "", OTHER_COLORS[index % len(OTHER_COLORS)])


def monthly_figure(group: Group) -> str:
    """Downloads of one product by month, as Plotly JSON. Incomplete months are lighter."""
    figure = _figure("downloads")
    for index, item in enumerate(group.downloads):
        color = color_of(item.metric.sdk, index)
        sums = [p for p in item.points if p.kind is not PointKind.SEEDED]
        snapshots = [p for p in item.points if p.kind is PointKind.SEEDED]
        if sums:
            figure.add_bar(
                name=_series_name(item),
                legendgroup=item.metric.slug,
                x=[p.period_start.isoformat() for p in sums],
                y=[p.value for p in sums],
                xperiod="M1",
                xperiodalignment="middle",
                marker={"color": color, "opacity": [1 if p.is_complete else PARTIAL_OPACITY for p in sums]},
                customdata=[_month_note(p, item) for p in sums],
                hovertemplate="<b>%{y:,} downloads</b><br>%{customdata}<extra></extra>",
            )
        if snapshots:
            figure.add_scatter(
                name=f"{_series_name(item)}, snapshots",
                legendgroup=item.metric.slug,
                mode="markers",
                # The caption explains the diamonds; beside the bars' entries they would only repeat them.
                showlegend=not sums,
                x=[p.period_end.isoformat() for p in snapshots],
                y=[p.value for p in snapshots],
                marker={"color": color, "symbol": "diamond-open", "size": 8, "line": {"width": 2}},
                customdata=[_month_note(p, item) for p in snapshots],
                hovertemplate="<b>%{y:,} downloads</b><br>%{customdata}<extra></extra>",
            )
    figure.update_layout(barmode="group", bargap=0.25)
    return str(figure.to_json())


def stars_figure(items: Sequence[tuple[str, StarItem]]) -> str:
    """Stars per day, one line per repository (with its legend text), as Plotly JSON. Gaps stay open."""
    figure = _figure("stars")
    for index, (name, item) in enumerate(items):
        points = _with_gaps(item.points)
        figure.add_scatter(
            name=_literal(name),
            mode="lines",
            x=[day.isoformat() for day, _ in points],
            y=[p.value if p else None for _, p in points],
            customdata=[f"{_KIND_TEXT[p.kind]} · {item.source_title}" if p else "" for _, p in points],
            connectgaps=False,
            line={"color": OTHER_COLORS[index % len(OTHER_COLORS)], "width": 2},
            hovertemplate="<b>%{y:,} stars</b>, %{fullData.name}<br>%{x|%-d %B %Y}, %{customdata}<extra></extra>",
        )
    return str(figure.to_json())


def sparkline(points: Sequence[tuple[date, int]], gap_days: int, width: int = 120, height: int = 32) -> tuple[str, ...]:
    """SVG polylines in a ``width`` x ``height`` box; a line breaks where more than ``gap_days`` lie between points."""
    if len(points) < 2:  # noqa: PLR2004
        return ()
    days, values = [day for day, _ in points], [value for _, value in points]
    wide, tall = (days[-1] - days[0]).days or 1, (max(values) - min(values)) or 1
    lines: list[list[str]] = [[]]
    for (day, value), before in zip(points, [days[0], *days], strict=False):
        if (day - before).days > gap_days:
            lines.append([])
        x = (day - days[0]).days / wide * width
        y = height - 2 - (value - min(values)) / tall * (height - 4)
        lines[-1].append(f"{x:.1f},{y:.1f}")
    return tuple(" ".join(line) for line in lines if len(line) > 1)


def month_sparkline(points: Sequence[MonthPoint]) -> tuple[str, ...]:
    """A sparkline of complete months and snapshots; a running month would look like a fall."""
    return sparkline([(p.period_end, p.value) for p in points if p.is_complete or p.days_expected is None], gap_days=45)


def star_sparkline(points: Sequence[DayPoint]) -> tuple[str, ...]:
    """A sparkline of stars, thinned to what so small a picture can show."""
    step = max(1, len(points) // 120)
    return sparkline([(p.day, p.value) for p in [*points[:-1:step], *points[-1:]]], gap_days=max(step, 1) + 1)


def _figure(unit: str) -> go.Figure:
    return go.Figure(
        layout={
            "template": "none",
            "margin": {"l": 56, "r": 8, "t": 8, "b": 40},
            "hovermode": "closest",
            "showlegend": True,
            "legend": {"orientation": "h", "y": -0.14},
            "xaxis": {"type": "date", "showgrid": False},
            "yaxis": {"rangemode": "tozero", "title": {"text": unit}, "tickformat": "~s"},
        }
    )


def _series_name(item: DownloadItem) -> str:
    return _literal(f"{item.metric.display_name} ({item.metric.subject})")


def _literal(text: str) -> str:
    """Text that Plotly shows as it is; unescaped, it would take tags in it for formatting and links."""
    return escape(text, quote=False)


def _month_note(point: MonthPoint, item: DownloadItem) -> str:
    if point.kind is PointKind.SEEDED:
        return f"about 30 days up to {point.period_end.day} {point.period_end:%B %Y}, published snapshot"
    text = f"{point.period_start:%B %Y}, {_literal(item.metric.display_name)}, sum of days from {item.source_title}"
    if point.is_complete:
        return text
    running = " so far" if point.is_running else ""
    return f"{text}<br>{point.days_observed} of {point.days_expected} days{running}"


def _with_gaps(points: Sequence[DayPoint]) -> list[tuple[date, DayPoint | None]]:
    """Every day from the first point to the last; None where there is none."""
    if not points:
        return []
    known = {point.day: point for point in points}
    return [(day, known.get(day)) for day in day_range(points[0].day, points[-1].day)]
