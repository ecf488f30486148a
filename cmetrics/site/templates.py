"""Render everything that has a template: pages, feed, badges, and files for search engines."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from urllib.parse import urlsplit

from jinja2 import BytecodeCache, Environment, FileSystemLoader, StrictUndefined
from jinja2.bccache import Bucket
from markupsafe import Markup

from cmetrics import documents
from cmetrics.analytics.model import CountItem
from cmetrics.charts import count_words, theme
from cmetrics.charts.figure import render_figure
from cmetrics.charts.panel_figure import render_panel_figure
from cmetrics.charts.svg import precise
from cmetrics.domain import formats
from cmetrics.domain.plural import plural
from cmetrics.domain.sanitize import isolate
from cmetrics.site import format as fmt
from cmetrics.site import report_format
from cmetrics.site.badges import badge_labels, build_badge
from cmetrics.site.chart_picture import Picture, build_chart_picture, build_count_picture
from cmetrics.site.effect_rows import effect_row
from cmetrics.site.feed import build_feed
from cmetrics.site.folders import INDEX, QUALITY, card_path, report_path, templates_folder
from cmetrics.site.output_code import OutputCode, output_text
from cmetrics.site.page import Page, Site, address_of, product_path
from cmetrics.site.pages import build_pages, page_paths
from cmetrics.site.pictures import FOLDER
from cmetrics.site.social_card import render_product_card, render_social_card
from cmetrics.site.views import ChartView, PanelView

#: Comparisons can start where a metric first reaches this value.
GROWN_FROM = 1000
#: The placeholder for the style of a picture. It precedes all texts, so that none of them can be mistaken for it.
_STYLE_MARK = "/* style */"
#: The maximum number of products that the 404 page links to.
LINKS_ON_404 = 8
#: With more metrics, the overview can be searched.
FINDER_FROM = 12

#: The folder of the Plotly figures.
CHARTS = "charts"


def render_part(site: Site, part: int) -> Iterator[tuple[str, bytes]]:
    """Yield the files of a part of the site with their paths; the first part has all that is not a page."""
    environment, palette = open_templates(), theme.palette(site.board.theme.accent)
    for page in build_pages(site, part):
        template = environment.get_template(page.template)
        yield page.path, template.render(page=page, site=site, board=site.board).encode()
        for view in _views(page):
            figure = render_figure(view.chart, view.drawing.scale, notice=site.board.notice, palette=palette)
            yield f"{CHARTS}/{view.name}.json", figure
            # The picture of a site's only repository belongs to the page of the repository.
            if part or not view.is_metric:
                picture = build_chart_picture(view.chart, view.drawing, site.board, site.url)
                yield from _picture(site, view.name, picture, has_embed=view.is_metric)
        if page.metric and isinstance(page.metric.item, CountItem):
            picture = build_count_picture(page.metric.item, site.board, site.url)
            yield from _picture(site, page.metric.name, picture, has_embed=True)
        for panels in _panel_views(page):
            figure = render_panel_figure(panels.chart, notice=site.board.notice, palette=palette)
            yield f"{CHARTS}/{panels.name}.json", figure
    if part == 0:
        yield (
            "assets/favicon.svg",
            environment.get_template("favicon.svg.j2").render(notice=site.board.notice, palette=palette).encode(),
        )
        yield card_path(None), render_social_card(site.board)
        for name, context in _beside(site).items():
            yield name, environment.get_template(f"{name}.j2").render(context).encode()
        yield from _badges(environment, site)
    elif (group := site.groups[part - 1]).product in site.cards:
        yield card_path(group.product), render_product_card(site.board, group)


def _views(page: Page) -> Iterator[ChartView]:
    """Yield the charts of a page."""
    found = (page.overview.downloads, page.overview.stars) if page.overview else ()
    yield from (view for view in found if view)
    yield from (view for section in page.sections for view in section.charts)


def _panel_views(page: Page) -> Iterator[PanelView]:
    """Yield the charts of counts and of net stars of a page."""
    found = (page.overview and page.overview.weeks, page.story and page.story.net, page.metric and page.metric.net)
    yield from (view for view in found if view)
    yield from (view for section in page.sections for view in section.counts)


class _Environment(Environment):
    code_generator_class = OutputCode
    output_text = staticmethod(output_text)


@lru_cache(maxsize=1)
def open_templates() -> Environment:
    """Return the environment of all templates. Jinja caches compiled templates."""
    environment = _Environment(
        loader=FileSystemLoader(templates_folder()),
        autoescape=True,
        undefined=StrictUndefined,
        auto_reload=False,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    filters = (
        fmt.number,
        fmt.number_size,
        isolate,
        fmt.percent,
        fmt.signed,
        fmt.day,
        fmt.short_day,
        fmt.month,
        fmt.moment,
        fmt.code,
        fmt.days,
        fmt.named_days,
        fmt.stale,
        fmt.through,
        fmt.month_note,
        fmt.left_out,
        fmt.gain,
        fmt.gained_lost,
        fmt.to_date_label,
        fmt.to_date_change,
        fmt.to_date_note,
        fmt.to_date_tone,
        fmt.tone,
        fmt.month_label,
        plural,
        fmt.stars_note,
        fmt.change_note,
        fmt.name_before,
        fmt.year_before,
        count_words.period,
        count_words.recent,
        count_words.recent_short,
        report_format.signed_number,
        precise,
        report_format.points,
        report_format.share,
        formats.short_month,
        report_format.later_text,
        effect_row,
    )
    environment.filters.update({function.__name__: function for function in filters})
    environment.globals |= {"theme": theme, "lang": lambda: formats.current().lang}
    # Not a literal in the template, because Jinja would format it once, in the language of the first site.
    environment.globals["grown_from"] = GROWN_FROM
    return environment


class _CompiledTemplates(BytecodeCache):
    """The compiled templates, from this process or the other one."""

    def __init__(self, compiled: dict[str, bytes]) -> None:
        self.compiled = compiled

    def load_bytecode(self, bucket: Bucket) -> None:
        if (code := self.compiled.get(bucket.key)) is not None:
            bucket.bytecode_from_string(code)

    def dump_bytecode(self, bucket: Bucket) -> None:
        self.compiled[bucket.key] = bucket.bytecode_to_string()


def compile_templates() -> dict[str, bytes]:
    """Compile all templates, which takes longer than rendering a page. Return them for `use_templates`."""
    environment, cache = open_templates(), _CompiledTemplates({})
    environment.bytecode_cache = cache
    for name in environment.list_templates(extensions=["j2"]):
        environment.get_template(name)
    return cache.compiled


def use_templates(compiled: dict[str, bytes]) -> None:
    """Use templates that another process has compiled."""
    open_templates().bytecode_cache = _CompiledTemplates(compiled)


def _beside(site: Site) -> dict[str, dict[str, object]]:
    """Return the template context of every file other than the pages."""
    board, url, palette = site.board, site.url, theme.palette(site.board.theme.accent)
    files: dict[str, dict[str, object]] = {
        "404.html": {
            "title": board.marked_title,
            "url": url,
            "links": _lost_links(site),
            "has_finder": len(board.items) > FINDER_FROM,
            "board": board,
            "css": _inline_style(palette),
            "palette": palette,
            "notice": board.notice,
        },
        "feed.xml": {
            "feed": build_feed(
                site.news,
                board.marked_title,
                url,
                " ".join(filter(None, (fmt.through(board), fmt.stale(board)))),
                site.cards,
            )
        },
        "llms.txt": {
            "title": board.marked_title,
            "description": site.description,
            "version": site.version,
            "url": url or "",
            "license": board.license,
            "has_insights": site.insights is not None,
            "has_reports": bool(site.reports),
        },
    }
    # Robots read this file at the root of a host only (RFC 9309, 2.3).
    if url is None or urlsplit(url).path in ("", "/"):
        files["robots.txt"] = {"url": url}
    if url is not None:
        addresses = [address_of(url, path) for path in page_paths(site)]
        files["sitemap.xml"] = {"addresses": addresses, "as_of": board.as_of}
    return files


def _inline_style(palette: theme.Palette) -> Markup:
    """Return the style of the 404 page."""
    files = ("style/masthead.css", "404.css")
    parts = [palette.stylesheet(), *((templates_folder() / name).read_text(encoding="utf-8") for name in files)]
    return Markup("\n".join(parts))  # noqa: S704 our own files


def _lost_links(site: Site) -> list[tuple[str, str]]:
    """Return texts and absolute addresses of pages for the 404 page; none without a URL."""
    if site.url is None:
        return []
    links = [("Overview", INDEX), *((group.title, product_path(group)) for group in site.groups[:LINKS_ON_404])]
    links += [("Data quality", QUALITY)]
    if site.reports:
        links.append(("Reports", report_path(None)))
    return [(text, address_of(site.url, path)) for text, path in links]


def _badges(environment: Environment, site: Site) -> Iterator[tuple[str, bytes]]:
    badge, labels = environment.get_template("badge.svg.j2"), badge_labels(site.board.items)
    for item in site.board.items:
        name = site.names[item.metric.metric_id]
        drawn = build_badge(item, labels[item.metric.metric_id], site.board.notice)
        yield f"badges/{name}.json", documents.encode(drawn.endpoint())
        yield f"badges/{name}.svg", badge.render(badge=drawn, dark=False).encode()
        yield f"badges/{name}-dark.svg", badge.render(badge=drawn, dark=True).encode()


def _picture(site: Site, name: str, picture: Picture, *, has_embed: bool) -> Iterator[tuple[str, bytes]]:
    """Yield the pictures of a chart: light, dark and, for metrics, one that follows the reader's colour scheme."""
    palette = theme.palette(site.board.theme.accent)
    body = open_templates().get_template("picture.svg.j2").render(p=picture, style_mark=_STYLE_MARK)
    files: dict[str, tuple[str, ...]] = {f"{FOLDER}/{name}.svg": ("light",), f"{FOLDER}/{name}-dark.svg": ("dark",)}
    if has_embed:
        files[f"embed/{name}.svg"] = ("light", "dark")
    for path, schemes in files.items():
        yield path, body.replace(_STYLE_MARK, _picture_style(picture.tones, schemes, palette), 1).encode()


@lru_cache(maxsize=256)
def _picture_style(tones: tuple[str, ...], schemes: tuple[str, ...], palette: theme.Palette) -> str:
    return open_templates().get_template("picture.css.j2").render(tones=tones, schemes=schemes, palette=palette)
