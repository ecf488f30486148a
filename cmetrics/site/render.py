"""Render the site to bytes. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping

from cmetrics import documents, insight_documents
from cmetrics.analytics import phrases
from cmetrics.analytics.chart import others_series
from cmetrics.analytics.model import DownloadItem, Publication
from cmetrics.analytics.news import build_announced_news, build_news, sort_news
from cmetrics.analytics.overview import all_downloads_chart
from cmetrics.analytics.periods import WEEKS, flow_periods, stock_periods
from cmetrics.analytics.report import MonthReport, build_reports, report_months
from cmetrics.charts import scale, theme
from cmetrics.charts.data import TOTAL_DAYS, Member, days_name, days_script
from cmetrics.charts.month_data import months_script
from cmetrics.domain import formats
from cmetrics.domain.days import window
from cmetrics.domain.metric import SourceSpec, file_names
from cmetrics.locales import load_formats
from cmetrics.site.folders import templates_folder
from cmetrics.site.page import Site, inline_json
from cmetrics.site.pages import build_site, count_parts

#: Parts of the script, in dependency order. Pages opened as local files cannot load modules, so the parts
#: are concatenated.
SCRIPT_PARTS = (
    "format",
    "nodes",
    "ticks",
    "scale",
    "state",
    "data",
    "ghost",
    "axes",
    "lane",
    "frame",
    "figure",
    "plot",
    "marks",
    "geometry",
    "readings",
    "card",
    "counts",
    "cursor",
    "sums",
    "window",
    "table",
    "export",
    "share",
    "controls",
    "list",
    "scheme",
    "page",
)
#: The script of the page that compares metrics. Its axes and its cursor are those of the charts.
COMPARE_PARTS = ("format", "nodes", "ticks", "scale", "geometry", "card", "compare")
#: The script of the reports of months.
SLIDES_PARTS = ("scheme", "slides")
#: The script that draws pictures of charts, loaded when one is saved. It uses names of the page's script.
PICTURE_PART = "picture"
#: Parts of the stylesheet, in the order of the cascade. One file is one request.
STYLE_PARTS = (
    "base",
    "masthead",
    "overview",
    "chart",
    "share",
    "cursor",
    "rows",
    "product",
    "compare",
    "quality",
    "reports",
    "news",
    "narrow",
    "touch",
    "forced",
    "print",
)
#: Comments that fill whole lines, of scripts and styles.
_COMMENT = re.compile(r"^[ \t]*/\*(?:[^*]|\*(?!/))*\*/[ \t]*\n|^[ \t]*//[^\n]*\n", re.MULTILINE)
_DECLARED = re.compile(r"^(?:async )?function\*? (\w+)|^const (\w+) =", re.MULTILINE)
_NAME = re.compile(r"[A-Za-z_]\w*")
PLOTLY = "assets/plotly.min.js"
#: The folder of the scripts with values by day.
DAYS = "assets/days"


def render_site(
    publication: Publication, specs: Mapping[str, SourceSpec], plotly: bytes
) -> Iterator[tuple[str, bytes]]:
    """Yield every file of the site with its path. The same publication gives the same bytes."""
    with formats.use(load_formats(publication.dashboard.lang)):
        site = prepare_site(publication, specs)
        yield from render_parts(site, range(count_parts(site)))
        yield from render_reports(site, month_reports(publication))
        yield from render_data(publication, plotly)


def prepare_site(publication: Publication, specs: Mapping[str, SourceSpec]) -> Site:
    """Return the data of all pages."""
    board = publication.dashboard
    names = file_names((item.metric.metric_id for item in board.items), publication.definitions)
    findings, inputs = publication.findings, publication.reports
    announced = build_announced_news(findings.announced, board) if findings is not None else ()
    news = sort_news([*build_news(board, publication.runs, publication.log), *announced])
    return build_site(
        board,
        specs,
        publication.url,
        news,
        publication.quality,
        names=names,
        insights=findings.insights if findings is not None else None,
        reports=() if inputs is None else report_months(inputs),
    )


def month_reports(publication: Publication) -> Iterator[MonthReport] | None:
    """Return the monthly reports, each built on demand; None if there are none."""
    return None if publication.reports is None else build_reports(publication.reports)


def render_parts(
    site: Site, parts: Iterable[int], compiled: dict[str, bytes] | None = None
) -> Iterator[tuple[str, bytes]]:
    """Yield the files of some parts; see `count_parts`. ``compiled`` are templates from `compile_templates`."""
    for part in parts:
        # Imported here because another process may render all parts: Jinja and Pillow take time to import.
        from cmetrics.site.templates import render_part, use_templates

        if compiled is not None:
            use_templates(compiled)
        yield from render_part(site, part)


def render_reports(site: Site, reports: Iterable[MonthReport] | None) -> Iterator[tuple[str, bytes]]:
    """Yield the files of the monthly reports."""
    if reports is not None:
        from cmetrics.site import report_files  # As above.

        yield from report_files.render_reports(site, reports)


def render_data(publication: Publication, plotly: bytes) -> Iterator[tuple[str, bytes]]:
    """Yield the files without a template: styles, scripts, documents."""
    folder = templates_folder()
    styles = [(folder / "style" / f"{name}.css").read_text(encoding="utf-8") for name in STYLE_PARTS]
    colors = theme.palette(publication.dashboard.theme.accent).stylesheet()
    yield "assets/site.css", without_comments("\n".join([colors, scale.stylesheet(), *styles])).encode()
    yield "assets/theme.js", (folder / "theme.js").read_bytes()
    scripts = [(folder / "app" / f"{name}.js").read_text(encoding="utf-8") for name in SCRIPT_PARTS]
    # The formats of the language come first, see templates/app/format.js.
    table = f"const FORMATS = {inline_json(formats.current().table())};\n"
    page, picture = "\n".join(scripts), (folder / "app" / f"{PICTURE_PART}.js").read_text(encoding="utf-8")
    names = ", ".join(shared_names(page, picture))
    shared = f"window.cmetrics = {{ {names} }};\n"
    yield "assets/app.js", ('"use strict";\n{\n' + table + without_comments(page) + shared + "}\n").encode()
    given = f"const {{ {names} }} = window.cmetrics;\n"
    yield "assets/picture.js", ('"use strict";\n{\n' + given + without_comments(picture) + "}\n").encode()
    yield "assets/compare.js", script(COMPARE_PARTS, table)
    yield PLOTLY, plotly
    if (logo := publication.dashboard.theme.logo) is not None:
        yield logo.path, logo.content
    yield from _day_scripts(publication)
    yield from _month_scripts(publication)
    yield from _documents(publication)
    if publication.reports is not None:
        yield "assets/report.js", script(SLIDES_PARTS)


def script(parts: Iterable[str], start: str = "") -> bytes:
    """Return some parts as one script, after ``start``."""
    sources = [(templates_folder() / "app" / f"{name}.js").read_text(encoding="utf-8") for name in parts]
    return ('"use strict";\n{\n' + start + without_comments("\n".join(sources)) + "}\n").encode()


def shared_names(source: str, other: str) -> list[str]:
    """Return the functions and constants that ``source`` declares and the script ``other`` uses."""
    declared = {function or constant for function, constant in _DECLARED.findall(source)}
    return sorted(declared & set(_NAME.findall(_COMMENT.sub("", other))))


def without_comments(source: str) -> str:
    """Return a script or stylesheet without indentation, empty lines and comments that fill whole lines.

    They are a quarter of its size. No string in these sources spans several lines.
    """
    lines = (line.strip() for line in _COMMENT.sub("", source).split("\n"))
    return "".join(f"{line}\n" for line in lines if line)


def _day_scripts(publication: Publication) -> Iterator[tuple[str, bytes]]:
    """Yield the values by day of every series."""
    board = publication.dashboard
    names = file_names((item.metric.metric_id for item in board.items), publication.definitions)
    for item in board.items:
        if points := item.days if isinstance(item, DownloadItem) else item.points:
            name = names[item.metric.metric_id]
            weeks = flow_periods if isinstance(item, DownloadItem) else stock_periods
            yield f"{DAYS}/{name}.js", days_script(name, points, weeks(points, WEEKS, board.as_of))
    if board.total_stars_points:
        weeks_of_stars = stock_periods(board.total_stars_points, WEEKS, board.as_of)
        yield f"{DAYS}/{TOTAL_DAYS}.js", days_script(TOTAL_DAYS, board.total_stars_points, weeks_of_stars)
    chart = all_downloads_chart(board)
    others = (others_series(board, group) for group in board.groups)
    items = {item.metric.metric_id: item for group in board.groups for item in group.downloads}
    for series in (*(chart.series if chart else ()), *filter(None, others)):
        if days := days_name(series, names):
            found = [(names[name], items[name]) for name in series.members]
            members = [Member(phrases.name_of(item.metric), file, item.days) for file, item in found]
            yield (
                f"{DAYS}/{days}.js",
                days_script(days, series.days, flow_periods(series.days, WEEKS, board.as_of), members),
            )


def _month_scripts(publication: Publication) -> Iterator[tuple[str, bytes]]:
    """Yield the values by month of every metric, for comparisons."""
    board = publication.dashboard
    names = file_names((item.metric.metric_id for item in board.items), publication.definitions)
    for item in board.items:
        name, metric = names[item.metric.metric_id], item.metric
        unit = "GitHub stars" if metric.measure.is_stars else metric.measure.noun
        if script := months_script(name, item, metric.subject, unit):
            yield f"assets/months/{name}.js", script


def _documents(publication: Publication) -> Iterator[tuple[str, bytes]]:
    """Yield the documents of the API with default parameters."""
    daily = publication.daily
    recent = publication.rows.where(publication.rows.days >= window(daily.as_of, daily.days).toordinal())
    rows = recent.slices
    definitions = documents.build_definitions(publication.definitions)
    yield "api/v1/health.json", documents.encode(documents.build_health())
    yield "api/v1/definitions.json", documents.encode(definitions)
    yield "api/v1/dashboard/daily.json", documents.encode(documents.build_daily(daily))
    for definition in definitions:
        of_metric = rows.get(definition.metric_id, slice(0))
        series = documents.build_series(definition.metric_id, daily.days, recent, of_metric)
        yield f"api/v1/{definition.series_file}", documents.encode(series)
    if (found := publication.findings) is not None:
        insights = found.insights
        yield "api/v1/rollups.json", documents.encode(insight_documents.build_rollups(insights))
        yield "api/v1/signals.json", documents.encode(insight_documents.build_signals(insights))
        events = insight_documents.build_events(insights, found.events, found.notes)
        yield "api/v1/events.json", documents.encode(events)
        yield "api/v1/projections.json", documents.encode(insight_documents.build_projections(insights))
        yield "api/v1/insights.json", documents.encode(insight_documents.build_insight_list(insights))
