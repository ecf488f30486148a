"""The site as bytes: a pure function of the dashboard."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from cmetrics import __version__, answers, charts
from cmetrics.dashboard.model import Dashboard, DownloadItem, Group, Publication, StarItem
from cmetrics.domain.days import window
from cmetrics.domain.metric import SourceSpec, slug
from cmetrics.domain.observation import Observation
from cmetrics.site import format as fmt
from cmetrics.site.badges import build_badge, build_embed

ASSETS = ("site.css", "app.js")


@dataclass(frozen=True, slots=True)
class Page:
    """Everything that the template of the page may use."""

    dashboard: Dashboard
    sections: tuple[Section, ...]
    stars: StarSection
    sources: tuple[SourceSpec, ...]
    version: str


@dataclass(frozen=True, slots=True)
class Card:
    """One metric in short."""

    item: DownloadItem | StarItem
    #: Points of SVG polylines in a 120 x 32 box.
    sparkline: tuple[str, ...]
    color: str


@dataclass(frozen=True, slots=True)
class Section:
    """One product."""

    group: Group
    cards: tuple[Card, ...]
    figure: Markup


@dataclass(frozen=True, slots=True)
class StarSection:
    """All repositories."""

    items: tuple[tuple[str, StarItem], ...]
    figure: Markup


def templates_folder() -> Path:
    """Where the templates are: inside an installed package, or beside it in a checkout."""
    installed = Path(__file__).parent.parent / "templates"
    return installed if installed.is_dir() else Path(__file__).parents[2] / "templates"


def render_site(publication: Publication, specs: Mapping[str, SourceSpec]) -> dict[str, bytes]:
    """Every file of the site by its path. The same publication gives the same bytes."""
    folder = templates_folder()
    environment = Environment(
        loader=FileSystemLoader(folder),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    filters = (fmt.number, fmt.signed, fmt.percent, fmt.day, fmt.month, fmt.moment, fmt.days)
    environment.filters.update({function.__name__: function for function in filters})
    page = build_page(publication.dashboard, specs)
    files = {"index.html": environment.get_template("index.html.j2").render(page=page).encode()}
    files.update({f"assets/{name}": (folder / name).read_bytes() for name in ASSETS})
    files["assets/plotly.min.js"] = charts.plotly_script()
    files.update(_answers(publication))
    badge, embed = environment.get_template("badge.svg.j2"), environment.get_template("embed.svg.j2")
    for item in publication.dashboard.items:
        name, drawn = item.metric.slug, build_badge(item)
        files[f"badges/{name}.json"] = answers.encode(drawn.endpoint())
        files[f"badges/{name}.svg"] = badge.render(badge=drawn, dark=False).encode()
        files[f"badges/{name}-dark.svg"] = badge.render(badge=drawn, dark=True).encode()
        files[f"embed/{name}.svg"] = embed.render(embed=build_embed(item)).encode()
    return files


def _answers(publication: Publication) -> dict[str, bytes]:
    """What the API answers when nothing but the defaults is asked, as files."""
    daily = publication.daily
    first = window(daily.as_of, daily.days)
    by_metric: dict[str, list[Observation]] = {row.metric_id: [] for row in publication.definitions}
    for row in publication.rows:
        if row.metric_id in by_metric and row.period_end >= first:
            by_metric[row.metric_id].append(row)
    documents: dict[str, answers.Document | list[answers.Document]] = {
        "health": answers.HEALTHY,
        "definitions": answers.definitions_document(publication.definitions),
        "dashboard/daily": answers.daily_document(daily),
    }
    for metric_id, rows in by_metric.items():
        documents[f"series/{slug(metric_id)}"] = answers.series_document(metric_id, daily.days, rows)
    return {f"api/v1/{name}.json": answers.encode(document) for name, document in documents.items()}


def build_page(dashboard: Dashboard, specs: Mapping[str, SourceSpec]) -> Page:
    """What the template is given."""
    stars = tuple((item.metric.subject, item) for group in dashboard.groups for item in group.stars)
    used = {item.metric.source for item in dashboard.items}
    return Page(
        dashboard=dashboard,
        sections=tuple(_section(group) for group in dashboard.groups if group.items),
        stars=StarSection(stars, _inline(charts.stars_figure(stars))),
        sources=tuple(spec for name, spec in specs.items() if name in used),
        version=__version__,
    )


def _section(group: Group) -> Section:
    cards = [
        Card(item, charts.month_sparkline(item.points), charts.color_of(item.metric.sdk, index))
        for index, item in enumerate(group.downloads)
    ]
    cards += [Card(item, charts.star_sparkline(item.points), charts.OTHER_COLORS[0]) for item in group.stars]
    return Section(group, tuple(cards), _inline(charts.monthly_figure(group)))


def _inline(figure: str) -> Markup:
    """JSON that can stand inside a script element: nothing in it can end the element."""
    text = json.dumps(json.loads(figure), separators=(",", ":"), sort_keys=True)
    for char in "<>&\u2028\u2029":
        text = text.replace(char, f"\\u{ord(char):04x}")
    return Markup(text)  # noqa: S704
