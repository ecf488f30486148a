"""The data shared by all pages, and their paths."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import orjson
from markupsafe import Markup

from cmetrics.analytics.insight_results import Insights, Scope
from cmetrics.analytics.model import FLOWS_DEFINITION, Dashboard, Group, Item
from cmetrics.analytics.news import NewsItem
from cmetrics.analytics.quality import DataQuality
from cmetrics.charts.projection import ProjectionBar, projection_bar
from cmetrics.domain.days import Month
from cmetrics.domain.kind import Measure
from cmetrics.domain.notice import mark
from cmetrics.site.folders import INDEX, QUALITY, card_path, report_path
from cmetrics.site.rows import FILTERED_FROM, Headings, Row, build_headings

if TYPE_CHECKING:
    from cmetrics.analytics.calendar import Calendar
    from cmetrics.site.changes_page import ChangesView
    from cmetrics.site.compare_page import Choice
    from cmetrics.site.overview_page import Overview
    from cmetrics.site.product_pages import MetricView, ProductStory
    from cmetrics.site.reports_page import ReportLine
    from cmetrics.site.views import Section

#: Search engines truncate longer titles.
LONGEST_TITLE = 70
#: Products with a preview picture of their own; a picture takes about 20 ms.
PRODUCT_CARDS = 24


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
    #: The insights; None if not available.
    insights: Insights | None = None
    #: The months that have a report, newest first.
    reports: tuple[Month, ...] = ()
    flows_definition: str = FLOWS_DEFINITION
    #: The products with a preview picture of their own.
    cards: frozenset[str] = frozenset()

    @property
    def running_month(self) -> ProjectionBar | None:
        """The projection of all downloads of the current month; None if there is none."""
        found = self.insights.projections if self.insights is not None else ()
        return next((projection_bar(row) for row in found if row.scope is Scope.ALL), None)

    @property
    def groups(self) -> tuple[Group, ...]:
        """The products with metrics."""
        return tuple(group for group in self.board.groups if group.items)


@dataclass(frozen=True, slots=True)
class Link:
    """A link of the navigation."""

    text: str
    href: str
    #: The value of ``aria-current``: "page", "true" for a page of that section, or empty.
    current: str = ""


@dataclass(frozen=True, slots=True)
class Page:
    """One HTML file."""

    site: Site
    path: str
    template: str
    title: str
    description: str
    sections: tuple[Section, ...] = ()
    #: Only on the page of a product.
    story: ProductStory | None = None
    #: Only on the page of a metric.
    metric: MetricView | None = None
    calendar: Calendar | None = None
    #: Only on the page of data quality: findings about values, one sentence each.
    unusual: tuple[str, ...] = ()
    #: The largest first.
    rows: tuple[Row, ...] = ()
    #: Only on the page that compares them: the metrics, the largest first.
    choices: tuple[Choice, ...] = ()
    #: Only on that page: suggested comparisons.
    comparisons: tuple[Link, ...] = ()
    #: Only on the front page.
    overview: Overview | None = None
    #: Only on the page that lists them: the monthly reports, newest first.
    reports: tuple[ReportLine, ...] = ()
    #: The path of its own preview picture.
    card: str | None = None
    #: Only on the page of changes.
    all_changes: ChangesView | None = None

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
        if self.site.board.has_stars:
            links.append(("Stars", f"{INDEX}#stars"))
        links.append(("Data quality", QUALITY))
        if self.site.reports:
            links.append(("Reports", report_path(None)))
        return tuple(Link(text, self.root + path, self._current(path)) for text, path in links)

    def _current(self, path: str) -> str:
        if path == self.path:
            return "page"
        folder, _, _ = path.rpartition("/")
        return "true" if folder and self.path.startswith(f"{folder}/") else ""

    @property
    def has_charts(self) -> bool:
        """Whether there is a chart to share."""
        return self.overview is not None or any(section.charts or section.counts for section in self.sections)

    @property
    def social_card(self) -> str:
        """The path of the preview picture: of the page, of its product, or of the site."""
        if self.card is not None:
            return self.card
        product = self.sections[0].group.product if len(self.sections) == 1 else None
        return card_path(product if product in self.site.cards else None)

    @property
    def headings(self) -> Headings:
        """The headings of the rows."""
        return build_headings(self.site.board)

    @property
    def has_filters(self) -> bool:
        """Whether there are enough rows to offer filters."""
        return len(self.rows) >= FILTERED_FROM

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


def products_with_card(board: Dashboard) -> frozenset[str]:
    """Return the products that have a preview picture of their own: the largest ones, because drawing takes time."""

    def size(group: Group) -> tuple[int, int]:
        downloads = sum(item.month.value for item in group.downloads if item.month)
        return downloads, sum(item.latest.value for item in group.stars if item.latest)

    ranked = sorted((group for group in board.groups if group.items), key=size, reverse=True)
    return frozenset(group.product for group in ranked[:PRODUCT_CARDS])


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
