"""Render the site to bytes. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from cmetrics import documents, insight_documents
from cmetrics.analytics.model import Dashboard, Publication
from cmetrics.analytics.news import NewsItem, build_news
from cmetrics.charts import theme
from cmetrics.domain.days import window
from cmetrics.domain.metric import SourceSpec, file_names
from cmetrics.site import format as fmt
from cmetrics.site.badges import build_badge, build_embed
from cmetrics.site.feed import build_feed
from cmetrics.site.pages import address_of, build_pages
from cmetrics.site.social_card import render_social_card

#: Parts of the script, in dependency order. Pages opened as local files cannot load modules, so the parts
#: are concatenated.
SCRIPT_PARTS = ("state", "data", "figure", "plot", "table", "controls", "list", "page")
PLOTLY = "assets/plotly.min.js"


def templates_folder() -> Path:
    """Return the template folder: inside the installed package, or next to it in a checkout."""
    installed = Path(__file__).parent.parent / "templates"
    return installed if installed.is_dir() else Path(__file__).parents[2] / "templates"


def render_site(
    publication: Publication, specs: Mapping[str, SourceSpec], plotly: bytes
) -> Iterator[tuple[str, bytes]]:
    """Yield every file of the site with its path. The same publication gives the same bytes."""
    folder, board, url = templates_folder(), publication.dashboard, publication.url
    environment = _environment(folder)
    news = build_news(board, publication.runs, publication.log)
    paths: list[str] = []
    names = file_names((item.metric.metric_id for item in board.items), publication.definitions)
    for page in build_pages(board, specs, url, news, publication.quality, names=names):
        # Jinja caches compiled templates.
        template = environment.get_template(page.template)
        paths.append(page.path)
        yield page.path, template.render(page=page, site=page.site, board=board).encode()
    yield "assets/site.css", (theme.stylesheet() + (folder / "site.css").read_text(encoding="utf-8")).encode()
    yield "assets/theme.js", (folder / "theme.js").read_bytes()
    yield "assets/favicon.svg", environment.get_template("favicon.svg.j2").render().encode()
    yield "assets/app.js", _script(folder)
    yield PLOTLY, plotly
    yield "assets/card.png", render_social_card(board)
    for name, context in _beside(publication, news, paths).items():
        yield name, environment.get_template(f"{name}.j2").render(context).encode()
    yield from _documents(publication)
    yield from _badges(environment, board, names)


def _environment(folder: Path) -> Environment:
    environment = Environment(
        loader=FileSystemLoader(folder),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    filters = (
        fmt.number,
        fmt.signed,
        fmt.percent,
        fmt.day,
        fmt.short_day,
        fmt.month,
        fmt.moment,
        fmt.days,
        fmt.short,
        fmt.stale,
        fmt.month_note,
        fmt.left_out,
    )
    environment.filters.update({function.__name__: function for function in filters})
    environment.globals["theme"] = theme
    return environment


def _script(folder: Path) -> bytes:
    parts = [(folder / "app" / f"{name}.js").read_text(encoding="utf-8") for name in SCRIPT_PARTS]
    return ('"use strict";\n{\n' + "\n".join(parts) + "}\n").encode()


def _beside(publication: Publication, news: Sequence[NewsItem], pages: list[str]) -> dict[str, dict[str, object]]:
    """Return the template context of every file other than the pages."""
    board, url = publication.dashboard, publication.url
    files: dict[str, dict[str, object]] = {
        "404.html": {"title": board.title, "url": url},
        "feed.xml": {
            "feed": build_feed(news, board.title, url, " ".join(filter(None, (fmt.through(board), fmt.stale(board)))))
        },
        "robots.txt": {"url": url},
    }
    if url is not None:
        addresses = [address_of(url, path) for path in pages]
        files["sitemap.xml"] = {"addresses": addresses, "as_of": board.as_of}
    return files


def _badges(environment: Environment, board: Dashboard, names: Mapping[str, str]) -> Iterator[tuple[str, bytes]]:
    badge, embed = environment.get_template("badge.svg.j2"), environment.get_template("embed.svg.j2")
    for item in board.items:
        name, drawn = names[item.metric.metric_id], build_badge(item)
        yield f"badges/{name}.json", documents.encode(drawn.endpoint())
        yield f"badges/{name}.svg", badge.render(badge=drawn, dark=False).encode()
        yield f"badges/{name}-dark.svg", badge.render(badge=drawn, dark=True).encode()
        yield f"embed/{name}.svg", embed.render(embed=build_embed(item)).encode()


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
