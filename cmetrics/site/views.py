"""Views of metrics and charts that several pages show."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from markupsafe import Markup

from cmetrics.analytics.chart import Chart, ChartKind, TableRow, group_charts, month_rows
from cmetrics.analytics.model import Change, CountItem, DayPoints, DownloadItem, Group, Item
from cmetrics.analytics.overview import by_size, year_change
from cmetrics.charts.count_figure import CountFigure, build_count_figure
from cmetrics.charts.data import chart_document
from cmetrics.charts.spark import MonthBars, Spark, month_bars, month_sparkline, star_sparkline
from cmetrics.charts.svg import Drawing, draw
from cmetrics.charts.words import alternative
from cmetrics.domain import formats
from cmetrics.site.page import Site, inline_json, metric_path, product_path

#: Sizes of the static charts: for phones, half of the page width, the whole width, and beside the first numbers.
NARROW, HALF, WHOLE, FIRST = (360.0, 270.0), (560.0, 300.0), (1120.0, 320.0), (780.0, 300.0)


@dataclass(frozen=True, slots=True)
class Card:
    """The summary of one metric."""

    item: Item
    #: In a 120 x 32 box.
    sparkline: Spark
    tone: str
    href: str
    #: Downloads: the months in place of the line.
    bars: MonthBars | None = None
    #: Against the same month, or day, of the year before.
    year: Change | None = None


@dataclass(frozen=True, slots=True)
class Row:
    """One metric in a list of all."""

    card: Card
    product: str
    product_title: str
    product_href: str


@dataclass(frozen=True, slots=True)
class ChartView:
    """One chart: static pictures, data for the script, and table."""

    chart: Chart
    narrow: Drawing
    wide: Drawing
    alternative: str
    data: Markup
    rows: tuple[TableRow, ...]
    #: How to read the picture: a sentence for each sign in it.
    notes: tuple[str, ...]
    #: Whether it has the whole width of the page.
    is_whole: bool


@dataclass(frozen=True, slots=True)
class Section:
    """One product and its charts."""

    group: Group
    charts: tuple[ChartView, ...]
    href: str
    #: One figure per metric that is part of no total.
    counts: tuple[CountFigure, ...] = ()


def build_section(site: Site, group: Group, *, root: str = "") -> Section:
    """Return the charts of a product."""
    charts = group_charts(site.board, group)
    return Section(
        group,
        tuple(build_view(site, chart, is_whole=len(charts) == 1) for chart in charts),
        root + product_path(group),
        tuple(build_count_view(site, item, is_whole=False) for item in group.counts),
    )


def build_count_view(site: Site, item: CountItem, *, is_whole: bool) -> CountFigure:
    """Return the chart of a metric that is part of no total."""
    wide = WHOLE if is_whole else HALF
    return build_count_figure(item, site.board.as_of, wide=wide, narrow=NARROW, is_whole=is_whole)


def build_cards(site: Site, group: Group, root: str = "") -> Iterable[Card]:
    """Yield the summaries of the metrics of a product; ``root`` is the way to the root of the site."""
    for item in group.items:
        line = month_sparkline(item.points) if isinstance(item, DownloadItem) else star_sparkline(item.points)
        bars = month_bars(item.points, site.board.as_of) if isinstance(item, DownloadItem) else None
        yield Card(item, line, item.tone, root + metric_path(site, item), bars, year_change(item))


def build_view(site: Site, chart: Chart, *, is_whole: bool, size: tuple[float, float] | None = None) -> ChartView:
    """Return a chart with its static pictures; ``size`` is that of the wide one, if it is not the usual one."""
    wide = draw(chart, *(size or (WHOLE if is_whole else HALF)))
    return ChartView(
        chart=chart,
        narrow=draw(chart, *NARROW),
        wide=wide,
        alternative=alternative(chart),
        data=inline_json(chart_document(chart, site.names)),
        rows=month_rows(chart),
        notes=tuple(_chart_notes(chart, wide)),
        is_whole=is_whole,
    )


def _chart_notes(chart: Chart, drawing: Drawing) -> Iterator[str]:
    if chart.kind is ChartKind.FLOW:
        if any(bar.faint for bar in drawing.bars):
            yield "Hatched: days missing."
        if any(mark.hollow for mark in drawing.marks):
            yield "◇ Published 30-day totals from before daily data."
    else:
        yield "Total at the end of each day (UTC)."
        if any(_has_gap(series.days) for series in chart.series):
            yield "Gaps: no data."
        if any(line.dashed for line in drawing.lines):
            yield "Dotted: estimated."
    if chart.left_out:
        yield f"{formats.number(chart.left_out)} more are not shown."


def _has_gap(points: DayPoints) -> bool:
    return bool(points) and len(points) <= int(points.days[-1] - points.days[0])


def build_rows(site: Site, groups: Sequence[Group], root: str = "") -> tuple[Row, ...]:
    """Return the metrics of ``groups`` as rows, the largest first; ``root`` is the way to the root of the site."""
    rows = {
        card.item.metric.metric_id: Row(card, group.product, group.title, root + product_path(group))
        for group in groups
        for card in build_cards(site, group, root)
    }
    return tuple(rows[item.metric.metric_id] for item in by_size(row.card.item for row in rows.values()))
