"""Views of metrics and charts that several pages show."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from markupsafe import Markup

from cmetrics.analytics.chart import Chart, ChartKind, TableRow, group_charts, is_metric, month_rows
from cmetrics.analytics.insight_results import Effect
from cmetrics.analytics.model import CountItem, DayPoints, Group, StarItem
from cmetrics.analytics.product import weekly_net
from cmetrics.charts.count_figure import build_count_chart
from cmetrics.charts.data import chart_document, days_name
from cmetrics.charts.lane import shown_events
from cmetrics.charts.net_figure import build_net_chart
from cmetrics.charts.panels import PanelChart, PanelsDrawing, draw_panels, panels_document
from cmetrics.charts.svg import (
    BarState,
    Drawing,
    draw,
    has_long_names,
    has_longer_names,
    has_names,
    needs_width,
    short_names,
)
from cmetrics.charts.words import alternative, subtitle
from cmetrics.domain import formats
from cmetrics.domain.metric import Event
from cmetrics.domain.plural import plural
from cmetrics.site.page import Site, inline_json, product_path
from cmetrics.site.pictures import picture_name


@dataclass(frozen=True, slots=True)
class ChartView:
    """One chart: static pictures, data for the script, and table."""

    chart: Chart
    drawing: Drawing
    #: What the chart covers: scope and range.
    subtitle: str
    alternative: str
    data: Markup
    rows: tuple[TableRow, ...]
    #: Explanations of the signs in the picture, one sentence each.
    notes: tuple[str, ...]
    #: Whether it takes the whole width of the page.
    is_whole: bool
    #: Whether names are at the end of their series, if there is space.
    has_names: bool
    #: Whether these names need more space.
    has_long_names: bool
    #: Whether they need nearly the whole width of the page.
    has_longer_names: bool
    #: The events of the range shown, numbered from 1.
    events: tuple[Event, ...]
    #: By event, the text about its effect on downloads.
    effects: Mapping[Event, str]
    #: The name of its files.
    name: str

    @property
    def is_metric(self) -> bool:
        """Whether it is the chart of a single metric, which has a badge."""
        return is_metric(self.chart)

    @property
    def rest(self) -> str:
        """Return the number of series that are not shown, as text; empty if all are shown."""
        return f"{formats.number(self.chart.left_out)} more are not shown." if self.chart.left_out else ""

    @property
    def has_parts(self) -> bool:
        """Whether it has series to compare."""
        return len(self.chart.series) > 1

    @property
    def short_names(self) -> dict[str, str]:
        """The names of series by key, without the package in brackets if the rest identifies it."""
        return short_names(self.chart)

    @property
    def sources(self) -> str:
        """The names of the sources."""
        titles = (title for series in self.chart.series for title in series.source_title.split(", "))
        return ", ".join(dict.fromkeys(titles))


@dataclass(frozen=True, slots=True)
class PanelView:
    """A chart of a count, or of net stars: picture, values for the cursor, and table."""

    chart: PanelChart
    drawing: PanelsDrawing
    data: Markup
    #: Whether it takes the whole width of the page.
    is_whole: bool
    #: Whether it is the chart of a metric, which has a badge and a picture for embedding.
    is_count: bool
    #: The name of its files.
    name: str


@dataclass(frozen=True, slots=True)
class Section:
    """One product and its charts."""

    group: Group
    charts: tuple[ChartView, ...]
    href: str
    #: One chart per metric that is not part of a total.
    counts: tuple[PanelView, ...] = ()


def build_section(site: Site, group: Group, *, root: str = "") -> Section:
    """Return the charts of a product."""
    charts = group_charts(site.board, group)
    # Beside a long legend, the other chart would be half empty.
    is_whole = len(charts) == 1 or any(map(needs_width, charts))
    return Section(
        group,
        tuple(build_view(site, chart, is_whole=is_whole) for chart in charts),
        root + product_path(group),
        tuple(build_count_view(site, item, is_whole=False) for item in group.counts),
    )


def build_count_view(site: Site, item: CountItem, *, is_whole: bool) -> PanelView:
    """Return the chart of a metric that is not part of a total."""
    name = site.names[item.metric.metric_id]
    return _panel_view(build_count_chart(item, site.board.as_of), name, is_whole=is_whole, is_count=True)


def build_net_view(site: Site, stars: Chart, items: Sequence[StarItem]) -> PanelView | None:
    """Return the chart of the weekly gains of all ``items``, whose totals ``stars`` shows; None without a gain."""
    only = items[0].metric.subject if len(items) == 1 else ""
    total = next((series for series in stars.series if series.metric_id is None), None)
    members = [days_name(series, site.names) for series in ([total] if total else stars.series)]
    chart = build_net_chart(
        weekly_net([item.points for item in items], site.board.as_of),
        f"net-{stars.key}",
        as_of=stars.as_of,
        scope=only or plural(len(items), "repository", "repositories"),
        source=", ".join(dict.fromkeys(item.source_title for item in items)),
        members=[name for name in members if name],
    )
    # In a separate folder, so that no metric can have the same name.
    name = f"net/{picture_name(stars, site.names)}"
    return _panel_view(chart, name, is_whole=True, is_count=False) if chart else None


def _panel_view(chart: PanelChart, name: str, *, is_whole: bool, is_count: bool) -> PanelView:
    data = inline_json(panels_document(chart))
    return PanelView(chart, draw_panels(chart), data, is_whole=is_whole, is_count=is_count, name=name)


def build_view(site: Site, chart: Chart, *, is_whole: bool) -> ChartView:
    """Return a chart with its static picture."""
    drawing = draw(chart)
    effects = _effects(site, chart)
    return ChartView(
        chart=chart,
        drawing=drawing,
        subtitle=subtitle(chart, drawing.scale),
        alternative=alternative(chart),
        data=inline_json(chart_document(chart, site.names, effects)),
        effects=effects,
        rows=month_rows(chart),
        notes=tuple(_chart_notes(chart, drawing)),
        is_whole=is_whole,
        has_names=has_names(chart),
        has_long_names=has_long_names(chart),
        has_longer_names=has_longer_names(chart),
        events=shown_events(chart, drawing.scale),
        name=picture_name(chart, site.names),
    )


def _effects(site: Site, chart: Chart) -> dict[Event, str]:
    """Return by event the text about its effect on the largest package of the chart."""
    if site.insights is None or not chart.is_flow:
        return {}
    metrics = {name for series in chart.series for name in (series.metric_id, *series.members)}
    found: dict[Event, Effect] = {}
    for effect in site.insights.effects:
        if effect.metric_id in metrics and effect.event in chart.events and effect.after is not None:
            largest = found.get(effect.event)
            if largest is None or effect.after > (largest.after or 0):
                found[effect.event] = effect
    return {event: effect.text for event, effect in found.items()}


def _chart_notes(chart: Chart, drawing: Drawing) -> Iterator[str]:
    if chart.kind is ChartKind.FLOW:
        states = {bar.state for bar in drawing.bars}
        if BarState.PARTIAL in states:
            yield "Hatched: days missing."
        if BarState.PUBLISHED in states:
            yield "Cross-hatched: published 30-day totals."
    else:
        if drawing.scale.low:
            yield f"The axis starts at {formats.number(drawing.scale.low)}."
        if any(_has_gap(series.days.since(drawing.scale.start.date())) for series in chart.series):
            yield "Gaps: no data."
        if any(line.dashed for line in drawing.lines):
            yield "Dotted: estimated."


def _has_gap(points: DayPoints) -> bool:
    return bool(points) and len(points) <= int(points.days[-1] - points.days[0])
