"""The pages of products and of their metrics."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

from markupsafe import escape

from cmetrics.analytics.calendar import build_calendar
from cmetrics.analytics.chart import Chart, item_chart
from cmetrics.analytics.headlines import short_names
from cmetrics.analytics.model import CountItem, DownloadItem, Group, Item, StarItem
from cmetrics.analytics.product import are_unlike, records, releases
from cmetrics.domain import formats
from cmetrics.domain.plural import plural
from cmetrics.domain.sanitize import isolate
from cmetrics.site import format as fmt
from cmetrics.site.answer import Answer, build_item_answer, build_product_answer
from cmetrics.site.changes_page import ChangeView, build_changes
from cmetrics.site.effect_rows import EffectRow, effect_row
from cmetrics.site.key_numbers import KeyNumber, build_key_numbers
from cmetrics.site.page import LONGEST_TITLE, Page, Site, metric_path, product_path
from cmetrics.site.rows import Row, build_rows
from cmetrics.site.views import (
    ChartView,
    PanelView,
    Section,
    build_count_view,
    build_net_view,
    build_section,
    build_view,
)


@dataclass(frozen=True, slots=True)
class ReleaseRows:
    """A release or an event, with one row per package."""

    day: str
    label: str
    url: str | None
    effects: tuple[EffectRow, ...]


@dataclass(frozen=True, slots=True)
class RecordRow:
    """The best month or week of a metric."""

    name: str
    href: str
    what: str
    value: str
    when: str
    is_newest: bool


@dataclass(frozen=True, slots=True)
class ProductStory:
    """The content of a product's page besides charts and rows."""

    answer: Answer
    changes: tuple[ChangeView, ...]
    #: Packages, each on its own scale, if the smallest is not visible next to the largest.
    multiples: tuple[Row, ...]
    net: PanelView | None
    releases: tuple[ReleaseRows, ...]
    records: tuple[RecordRow, ...]
    #: One sentence.
    quality: str


@dataclass(frozen=True, slots=True)
class MetricView:
    """The content of a metric's page besides its chart."""

    item: Item
    answer: Answer
    numbers: tuple[KeyNumber, ...]
    #: What its source counts.
    terms: str
    #: The name of its files.
    name: str
    net: PanelView | None = None


def group_paths(site: Site, group: Group) -> list[str]:
    """Return the paths of the pages of a product, in their order."""
    return [product_path(group), *(metric_path(site, item) for item in group.items)]


def build_group_pages(site: Site, group: Group) -> Iterator[Page]:
    """Yield the page of a product, then those of its metrics."""
    page = _product_page(site, group)
    yield page
    drawn = [view.chart for section in page.sections for view in section.charts]
    for item in group.items:
        yield _metric_page(site, group, item, drawn)


# -- products --------------------------------------------------------------------------------------


def _product_page(site: Site, group: Group) -> Page:
    rows = build_rows(site, (group,), root="../")
    section = build_section(site, group, root="../")
    return Page(
        site=site,
        path=product_path(group),
        template="product.html.j2",
        title=f"{isolate(group.title)} · {isolate(site.board.title)}",
        description=f"Downloads and GitHub stars of {isolate(group.title)}. {fmt.through(site.board)}",
        sections=(section,),
        rows=rows,
        story=_story(site, section, rows),
    )


def _story(site: Site, section: Section, rows: Sequence[Row]) -> ProductStory:
    insights, group = site.insights, section.group
    stars = next((view.chart for view in section.charts if not view.chart.is_flow), None)
    own = [item for item in insights.items if item.product == group.product] if insights else []
    return ProductStory(
        answer=build_product_answer(group, site.board.as_of),
        changes=build_changes(site, own[:4]),
        multiples=tuple(row for row in rows if row.bars) if are_unlike(group.downloads) else (),
        net=build_net_view(site, stars, group.stars) if stars else None,
        releases=tuple(_releases(site, group)),
        records=tuple(_records(site, group, rows)),
        quality=_quality(site, group),
    )


def _releases(site: Site, group: Group) -> Iterator[ReleaseRows]:
    names = short_names(item.metric for item in group.downloads)
    effects = releases(site.insights.effects if site.insights else (), group)
    for event, of_event in groupby(effects, key=lambda effect: effect.event):
        rows = tuple(effect_row(effect, names) for effect in of_event)
        yield ReleaseRows(formats.short_day(event.day), event.label, event.url, rows)


def _records(site: Site, group: Group, rows: Sequence[Row]) -> Iterator[RecordRow]:
    """Yield the records in the order of the page's rows."""
    names = short_names(item.metric for item in group.items)
    places = {row.item.metric.metric_id: place for place, row in enumerate(rows)}
    found = records(group, site.board.as_of)
    for record in sorted(found, key=lambda record: places[record.item.metric.metric_id]):
        is_month = isinstance(record.item, DownloadItem)
        metric = record.item.metric
        yield RecordRow(
            name=names[metric.metric_id],
            href=f"../{metric_path(site, record.item)}",
            what="Best month" if is_month else "Best week",
            value=formats.number(record.value) if is_month else f"{formats.signed(record.value)} stars",
            when=formats.month(record.start) if is_month else formats.period(record.start, record.end),
            is_newest=record.is_newest,
        )


def _quality(site: Site, group: Group) -> str:
    missing = {item.metric.metric_id: site.quality.missing_days(item.metric.metric_id) for item in group.items}
    lacking = sum(days > 0 for days in missing.values())
    newest = max((item.freshness.latest_day for item in group.items if item.freshness.latest_day), default=None)
    if newest is None:
        return "No data yet."
    through = f"Data through {formats.short_day(newest)}."
    if not lacking:
        return f"{through} No days are missing."
    days = plural(sum(missing.values()), "day")
    return f"{through} {days} missing in {lacking} of {plural(len(missing), 'metric')}."


# -- metrics ---------------------------------------------------------------------------------------


def _metric_page(site: Site, group: Group, item: Item, drawn: Sequence[Chart]) -> Page:
    charts: tuple[ChartView, ...] = ()
    counts: tuple[PanelView, ...] = ()
    net: PanelView | None = None
    if isinstance(item, CountItem):
        counts = (build_count_view(site, item, is_whole=True),)
        title = counts[0].chart.title
    else:
        chart = item_chart(site.board, item, drawn)
        title, charts = chart.title, (build_view(site, chart, is_whole=True),)
        if isinstance(item, StarItem):
            net = build_net_view(site, chart, (item,))
    return Page(
        site=site,
        path=metric_path(site, item),
        template="metric.html.j2",
        title=_title(title, site),
        description=f"{title}. {fmt.through(site.board)}",
        sections=(Section(group, charts, f"../{product_path(group)}", counts),),
        metric=_metric(site, item, net),
        calendar=build_calendar(site.board, (item,), site.quality.gaps, total=False),
    )


def _metric(site: Site, item: Item, net: PanelView | None) -> MetricView:
    measure = item.metric.measure
    terms = next((note.counts for note in site.sources if note.name == item.metric.source), "")
    return MetricView(
        item=item,
        answer=build_item_answer(item, site.board.as_of),
        numbers=build_key_numbers(site, item),
        terms=measure.counts or terms,
        name=site.names[item.metric.metric_id],
        net=net,
    )


def _title(text: str, site: Site) -> str:
    """Return the title of a page, with the name of the site if search engines show both."""
    whole = f"{text} · {isolate(site.board.title)}"
    # The length in HTML, which checkers measure.
    return whole if len(escape(whole)) <= LONGEST_TITLE else text
