"""Build the data of all pages for the templates. The layout depends on the number of metrics."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import orjson
from markupsafe import Markup

from cmetrics.analytics.calendar import Calendar, build_calendar
from cmetrics.analytics.chart import (
    Chart,
    ChartKind,
    TableRow,
    group_charts,
    item_chart,
    month_rows,
    total_stars_chart,
)
from cmetrics.analytics.insights import Insights, Rollup, Scope
from cmetrics.analytics.model import (
    FLOWS_DEFINITION,
    Change,
    CountItem,
    Dashboard,
    DayPoints,
    DownloadItem,
    Group,
    Item,
    StarFlow,
)
from cmetrics.analytics.news import NewsItem
from cmetrics.analytics.overview import (
    all_downloads_chart,
    by_size,
    first_time,
    month_to_date,
    star_flow_30,
    weekly_stars,
    year_change,
)
from cmetrics.analytics.quality import DataQuality
from cmetrics.charts.count_figure import CountFigure, build_count_figure
from cmetrics.charts.data import chart_document
from cmetrics.charts.projection import ProjectionBar, projection_bar
from cmetrics.charts.spark import (
    MonthBars,
    NetBars,
    Spark,
    month_bars,
    month_sparkline,
    net_bars,
    star_sparkline,
)
from cmetrics.charts.svg import Drawing, draw
from cmetrics.charts.words import alternative
from cmetrics.domain.days import Month
from cmetrics.domain.kind import Measure
from cmetrics.domain.metric import SourceSpec, file_names
from cmetrics.domain.notice import mark
from cmetrics.site import format as fmt
from cmetrics.site.answer import Answer, build_answer
from cmetrics.site.feed import ENTRIES
from cmetrics.site.folders import report_path
from cmetrics.version import __version__

#: Up to this number of metrics, the charts of all products are on the front page, too, and rows need no search.
ONE_PAGE_METRICS = 12

#: Search engines cut longer titles.
LONGEST_TITLE = 70

INDEX, QUALITY = "index.html", "quality.html"

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
    """One product: its cards and charts."""

    group: Group
    cards: tuple[Card, ...]
    charts: tuple[ChartView, ...]
    href: str
    #: One figure per metric that is part of no total.
    counts: tuple[CountFigure, ...] = ()


@dataclass(frozen=True, slots=True)
class SourceNote:
    """What the pages say about a source."""

    name: str
    title: str
    public_name: str
    counts: str


@dataclass(frozen=True, slots=True)
class Site:
    """Data that all pages share. Another process can read it."""

    board: Dashboard
    #: The published address, with a trailing slash; None if unknown.
    url: str | None
    description: str
    sources: tuple[SourceNote, ...]
    #: What is counted, by source or count.
    methods: tuple[tuple[str, str], ...]
    #: Newest first, same as in the feed.
    news: tuple[NewsItem, ...]
    quality: DataQuality
    #: File names of metrics by id.
    names: Mapping[str, str]
    version: str
    #: What moved; None without a store.
    insights: Insights | None = None
    #: The months that have a report, newest first.
    reports: tuple[Month, ...] = ()
    flows_definition: str = FLOWS_DEFINITION

    @property
    def running_month(self) -> ProjectionBar | None:
        """The projection of the running month of all downloads; None if there is none."""
        found = self.insights.projections if self.insights is not None else ()
        return next((projection_bar(row) for row in found if row.scope is Scope.ALL), None)

    @property
    def page_news(self) -> tuple[NewsItem, ...]:
        """The news without those that the page shows elsewhere."""
        return tuple(item for item in self.news if item.href is None)


@dataclass(frozen=True, slots=True)
class Overview:
    """What the front page begins with."""

    answer: Answer
    downloads: ChartView | None
    #: The running month against the same weekdays before.
    to_date: Rollup | None
    #: Over all repositories.
    flow: StarFlow | None
    #: The net gain by week.
    net: NetBars | None


@dataclass(frozen=True, slots=True)
class Link:
    """A link of the navigation."""

    text: str
    href: str
    is_current: bool


@dataclass(frozen=True, slots=True)
class Page:
    """One HTML file."""

    site: Site
    path: str
    template: str
    title: str
    description: str
    sections: tuple[Section, ...] = ()
    #: The total of all repositories.
    total: ChartView | None = None
    #: Only on the page of a metric.
    card: Card | None = None
    calendar: Calendar | None = None
    #: The largest first.
    rows: tuple[Row, ...] = ()
    #: Only on the front page.
    overview: Overview | None = None

    @property
    def marked_title(self) -> str:
        """The title, after the notice of the site if there is one."""
        return mark(self.title, self.site.board.notice)

    @property
    def root(self) -> str:
        """The relative path from this page to the root of the site."""
        return "../" * self.path.count("/")

    @property
    def navigation(self) -> tuple[Link, ...]:
        """The links that every page has."""
        links = [("Overview", INDEX), ("Packages", f"{INDEX}#packages")]
        if sum(len(group.stars) for group in self.site.board.groups) > 1:
            links.append(("Stars", f"{INDEX}#stars"))
        links.append(("Data quality", QUALITY))
        if self.site.reports:
            links.append(("Reports", report_path(None)))
        return tuple(Link(text, self.root + path, path == self.path) for text, path in links)

    @property
    def canonical(self) -> str | None:
        """The canonical URL of the page."""
        return None if self.site.url is None else address_of(self.site.url, self.path)

    @property
    def dataset(self) -> Markup:
        """The page as a schema.org Dataset, for search engines."""
        board, root = self.site.board, self.site.url or ""
        files = (("data/stats.csv", "text/csv"), ("data/stats.parquet", "application/vnd.apache.parquet"))
        document: dict[str, object] = {
            "@context": "https://schema.org",
            "@type": "Dataset",
            "name": board.marked_title,
            "description": self.site.description,
            "dateModified": (board.data_through or board.as_of).isoformat(),
            "isAccessibleForFree": True,
            "measurementTechnique": [text for _, text in self.site.methods],
            "variableMeasured": list(dict.fromkeys(_variable(item.metric.measure) for item in board.items)),
            "distribution": [
                {"@type": "DataDownload", "contentUrl": root + path, "encodingFormat": kind} for path, kind in files
            ],
        }
        if board.license:
            document["license"] = board.license.url
        if self.canonical:
            document["url"] = self.canonical
            document["creator"] = {"@type": "Organization", "name": board.title, "url": self.site.url}
        if board.data_since and board.data_through:
            document["temporalCoverage"] = f"{board.data_since.isoformat()}/{board.data_through.isoformat()}"
        return inline_json(document)

    @property
    def has_finder(self) -> bool:
        """Whether there are too many rows to look for one without help."""
        return len(self.rows) > ONE_PAGE_METRICS

    @property
    def has_charts(self) -> bool:
        """Whether the page has charts, and therefore controls."""
        return self.total is not None or any(section.charts for section in self.sections)


def build_site(
    board: Dashboard,
    specs: Mapping[str, SourceSpec],
    url: str | None,
    news: Sequence[NewsItem] = (),
    quality: DataQuality | None = None,
    *,
    names: Mapping[str, str] | None = None,
    insights: Insights | None = None,
    reports: tuple[Month, ...] = (),
) -> Site:
    """Return the data of all pages.

    ``names`` are the file names of metrics by id; without them, only those of the dashboard are used.
    """
    used = [specs[source] for source in dict.fromkeys(item.metric.source for item in board.items)]
    return Site(
        board=board,
        url=url,
        description=_description(board),
        sources=tuple(SourceNote(spec.name, spec.title, spec.public_name, spec.counts) for spec in used),
        methods=tuple(_methods(board, specs).items()),
        news=tuple(news[:ENTRIES]),
        quality=quality or DataQuality(),
        names=names or file_names(item.metric.metric_id for item in board.items),
        version=__version__,
        insights=insights,
        reports=reports,
    )


def _methods(board: Dashboard, specs: Mapping[str, SourceSpec]) -> dict[str, str]:
    """Return what each source counts.

    What is counted is named too if its description is not that of the source, or if two sources of one
    service have the same name.
    """
    used = {item.metric.source: specs[item.metric.source].public_name for item in board.items}
    names = list(used.values())
    methods: dict[str, str] = {}
    for item in board.items:
        spec, measure = specs[item.metric.source], item.metric.measure
        is_whole = measure.counts is None and names.count(spec.public_name) == 1
        name = spec.public_name if is_whole else f"{spec.public_name}: {measure.card_label}"
        methods[name] = measure.counts or spec.counts
    return methods


def count_parts(site: Site) -> int:
    """Return the number of parts of the site: that of the front page, and each product with its metrics."""
    return 1 + len(_groups(site))


def page_paths(site: Site) -> list[str]:
    """Return the paths of all pages, in the order of their parts, then those of the reports."""
    pages = [path for group in _groups(site) for path in _group_paths(site, group)]
    reports = [report_path(month) for month in (None, *site.reports)] if site.reports else []
    return [INDEX, QUALITY, *pages, *reports]


def build_pages(site: Site, part: int) -> Iterator[Page]:
    """Yield the pages of a part. Each page is built on demand."""
    if part == 0:
        yield _front_page(site)
        yield _quality_page(site)
        return
    group = _groups(site)[part - 1]
    page = _product_page(site, group)
    yield page
    drawn = [view.chart for section in page.sections for view in section.charts]
    for card in _cards(site, group):
        yield _metric_page(site, group, card, drawn)


def _groups(site: Site) -> list[Group]:
    return [group for group in site.board.groups if group.items]


def _group_paths(site: Site, group: Group) -> list[str]:
    return [product_path(group), *(metric_path(site, item) for item in group.items)]


def _front_page(site: Site) -> Page:
    board, total = site.board, total_stars_chart(site.board)
    has_products = len(board.items) <= ONE_PAGE_METRICS
    sections = tuple(_section(site, group, charts=has_products) for group in _groups(site))
    return Page(
        site=site,
        path=INDEX,
        template="page.html.j2",
        title=board.title,
        description=site.description,
        sections=sections,
        total=_view(site, total, whole=True) if total else None,
        rows=_rows(sections),
        overview=_overview(site),
    )


def _overview(site: Site) -> Overview:
    chart, weeks = all_downloads_chart(site.board), weekly_stars(site.board)
    return Overview(
        answer=build_answer(site.board, first_time(chart)),
        downloads=_view(site, chart, whole=True, size=FIRST) if chart else None,
        to_date=month_to_date(site.insights),
        flow=star_flow_30(site.board),
        net=net_bars(weeks) if any(weeks) else None,
    )


def _rows(sections: Sequence[Section]) -> tuple[Row, ...]:
    rows = {
        card.item.metric.metric_id: Row(card, section.group.product, section.group.title, section.href)
        for section in sections
        for card in section.cards
    }
    return tuple(rows[item.metric.metric_id] for item in by_size(row.card.item for row in rows.values()))


def _quality_page(site: Site) -> Page:
    board = site.board
    return Page(
        site=site,
        path=QUALITY,
        template="quality.html.j2",
        title=f"Data quality · {board.title}",
        description=f"Which days of {board.title} are stored, and what is missing. {fmt.through(board)}",
        calendar=build_calendar(board, board.items, site.quality.gaps),
    )


def _product_page(site: Site, group: Group) -> Page:
    section = _section(site, group, root="../")
    return Page(
        site=site,
        path=product_path(group),
        template="product.html.j2",
        title=f"{group.title} · {site.board.title}",
        description=f"Downloads and GitHub stars of {group.title}. {fmt.through(site.board)}",
        sections=(section,),
        rows=_rows((section,)),
        calendar=build_calendar(site.board, group.items, site.quality.gaps, total=False),
    )


def _metric_page(site: Site, group: Group, card: Card, drawn: Sequence[Chart]) -> Page:
    item = card.item
    if isinstance(item, CountItem):
        return _count_page(site, group, card, item)
    chart = item_chart(site.board, item, drawn)
    return Page(
        site=site,
        path=metric_path(site, item),
        template="metric.html.j2",
        title=_title(chart.title, site),
        description=f"{chart.title}. {fmt.through(site.board)}",
        sections=(Section(group, (), (_view(site, chart, whole=True),), f"../{product_path(group)}"),),
        card=card,
        calendar=build_calendar(site.board, (item,), site.quality.gaps, total=False),
    )


def _count_page(site: Site, group: Group, card: Card, item: CountItem) -> Page:
    figure = _count_figure(site.board, item, whole=True)
    return Page(
        site=site,
        path=metric_path(site, item),
        template="count.html.j2",
        title=_title(figure.title, site),
        description=f"{figure.title}. {fmt.through(site.board)}",
        sections=(Section(group, (), (), f"../{product_path(group)}", (figure,)),),
        card=card,
        calendar=build_calendar(site.board, (item,), site.quality.gaps, total=False),
    )


def _title(text: str, site: Site) -> str:
    """Return the title of a page, with the name of the site if search engines show both."""
    whole = f"{text} · {site.board.title}"
    return whole if len(whole) <= LONGEST_TITLE else text


def _count_figure(board: Dashboard, item: CountItem, *, whole: bool) -> CountFigure:
    return build_count_figure(item, board.as_of, wide=WHOLE if whole else HALF, narrow=NARROW, is_whole=whole)


def _variable(measure: Measure) -> str:
    """Return what is measured, for search engines."""
    if measure.is_stars:
        return "GitHub stars"
    return f"{measure.noun} per day" if measure.is_flow else measure.card_label


def address_of(url: str, path: str) -> str:
    """Return the URL of a page of the site at ``url``. The URL of the front page is that of the folder."""
    return url if path == INDEX else url + path


def product_path(group: Group) -> str:
    """Return the path of the page of a product."""
    return f"products/{group.product}.html"


def metric_path(site: Site, item: Item) -> str:
    """Return the path of the page of a metric."""
    return f"metrics/{site.names[item.metric.metric_id]}.html"


def inline_json(document: object) -> Markup:
    """Return JSON that is safe inside a script element."""
    text = orjson.dumps(document).decode()
    for char in "<>&\u2028\u2029":
        text = text.replace(char, f"\\u{ord(char):04x}")
    return Markup(text)  # noqa: S704


def _section(site: Site, group: Group, *, charts: bool = True, root: str = "") -> Section:
    views: Sequence[Chart] = group_charts(site.board, group) if charts else ()
    return Section(
        group,
        tuple(_cards(site, group, root)),
        tuple(_view(site, chart, whole=len(views) == 1) for chart in views),
        root + product_path(group),
        tuple(_count_figure(site.board, item, whole=False) for item in group.counts) if charts else (),
    )


def _cards(site: Site, group: Group, root: str = "") -> Iterable[Card]:
    for item in group.items:
        line = month_sparkline(item.points) if isinstance(item, DownloadItem) else star_sparkline(item.points)
        bars = month_bars(item.points, site.board.as_of) if isinstance(item, DownloadItem) else None
        yield Card(item, line, item.tone, root + metric_path(site, item), bars, year_change(item))


def _view(site: Site, chart: Chart, *, whole: bool, size: tuple[float, float] | None = None) -> ChartView:
    wide = draw(chart, *(size or (WHOLE if whole else HALF)))
    return ChartView(
        chart=chart,
        narrow=draw(chart, *NARROW),
        wide=wide,
        alternative=alternative(chart),
        data=inline_json(chart_document(chart, site.names)),
        rows=month_rows(chart),
        notes=tuple(_chart_notes(chart, wide)),
        is_whole=whole,
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
        yield f"{chart.left_out:,} more are not shown."


def _has_gap(points: DayPoints) -> bool:
    return bool(points) and len(points) <= int(points.days[-1] - points.days[0])


def _description(board: Dashboard) -> str:
    totals: list[str] = []
    if board.month_total:
        month = board.month_total
        days = "" if month.is_complete else f" ({month.days_observed} of {month.days_expected} days)"
        totals.append(f"{fmt.number(month.value)} downloads in {fmt.month(month.period_start)}{days}")
    if board.total_stars:
        totals.append(f"{fmt.number(board.total_stars.value)} GitHub stars")
    products = ", ".join(group.title for group in board.groups[:4])
    facts = f": {', '.join(totals)}" if totals else ""
    return f"{products}{facts}. {fmt.through(board)}"
