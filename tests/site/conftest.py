"""Sites and browsers for tests of pages. A test fails if its page writes to the console."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from filelock import FileLock
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Locator, Page, sync_playwright

from cmetrics.analytics.dashboard import build_dashboard
from cmetrics.analytics.model import Publication
from cmetrics.catalog import Catalog, load_catalog
from cmetrics.domain.days import DAY
from cmetrics.domain.metric import Event, Metric, definition
from cmetrics.domain.observation import STAR_HISTORY_REF, DailyValue, Observation, Provenance
from cmetrics.domain.run import Run, RunStatus
from cmetrics.seed import load_seed
from cmetrics.site.overview_page import build_overview_page
from cmetrics.site.render import prepare_site, render_site
from cmetrics.site.templates import open_templates
from cmetrics.site.views import build_section
from cmetrics.site.write import write_site
from cmetrics.sources import SPECS
from tests.samples import a_table, observe
from tests.web_server import Served, serve
from tests.web_tools import axe_source, plotly_basic
from tests.world.page_data import DATA_SETS, DataSet
from tests.world.truth import wave

AS_OF = date(2026, 11, 22)
NOW = datetime(2026, 11, 23, 9, 5, tzinfo=UTC)
URL = "https://example.org/metrics/"
EVIL = "<script>window.owned=1</script></script><img src=x onerror=window.owned=1>&amp;\"'"

#: For each metric: the first day, the newest day, and the approximate count per day.
HISTORY = {
    "downloads:lance:python": (date(2025, 12, 1), AS_OF - DAY, 40_000),
    "downloads:lance:rust": (AS_OF - 88 * DAY, AS_OF, 900),
    "downloads:lancedb:python": (date(2025, 12, 1), AS_OF - DAY, 60_000),
    "downloads:lancedb:nodejs": (AS_OF - 729 * DAY, AS_OF - 2 * DAY, 9_000),
    "downloads:lancedb:rust": (AS_OF - 88 * DAY, AS_OF, 90),
    "stars:lance:github": (AS_OF - 729 * DAY, AS_OF, 5),
    "stars:lancedb:github": (AS_OF - 639 * DAY, AS_OF, 8),
}
#: A day without counts.
GAP = AS_OF - 20 * DAY
#: Days without a count of one repository, so that the total of all is estimated.
UNCOUNTED = tuple(AS_OF - n * DAY for n in range(60, 55, -1))
#: Earlier star counts are reconstructed.
COUNTED_FROM = date(2026, 3, 1)
#: Earlier downloads were read by a backfill.
NIGHTLY_FROM = date(2026, 10, 1)

EVENTS = (
    Event(date(2024, 1, 15), "Long before everything", None, ("lance", "lancedb")),
    Event(date(2026, 3, 10), "LanceDB 1.0", "https://example.org/one?a=1&b=2", ("lancedb",)),
    Event(date(2026, 9, 1), "A talk & a release", None, ("lance", "lancedb")),
)
RUNS = (
    Run("r3", "refresh", RunStatus.SUCCESS, NOW, NOW, 7, 0),
    Run("r2", "refresh", RunStatus.PARTIAL, NOW - DAY, NOW - DAY, 1, 0, "downloads:lance:rust: crates.io said 503"),
)


def rows_of(catalog: Catalog) -> list[Observation]:
    """Return rows of the default catalogue after two years: with snapshots, gaps and future days."""
    rows = load_seed(catalog, "seed")
    taken = {row.key for row in rows}
    for number, metric in enumerate(catalog.metrics):
        first, last, base = HISTORY[metric.metric_id]
        running_total = 0
        for day, value in wave(base, number, first, last).items():
            running_total += value
            lost = day == GAP or (metric.metric_id == "stars:lancedb:github" and day in UNCOUNTED)
            if not lost and (metric.metric_id, day) not in taken:
                rows.append(_row(metric, day, running_total if metric.source == "github" else value))
    return rows


def _row(metric: Metric, day: date, value: int) -> Observation:
    if metric.source == "github":
        ref = f"{STAR_HISTORY_REF}x" if day < COUNTED_FROM else "github:x"
        return observe(metric, DailyValue(day, value, ref), provenance=Provenance.API_DAILY, run_id="r", at=NOW)
    how = Provenance.API_DAILY if day >= NIGHTLY_FROM else Provenance.RECOMPUTED
    return observe(metric, DailyValue(day, value, "test:x"), provenance=how, run_id="r", at=NOW)


def counted(metric: Metric, values: dict[date, int]) -> list[Observation]:
    """Return rows with these values by day, as stored by a nightly run."""
    return [
        observe(metric, DailyValue(day, value, "test:x"), provenance=Provenance.API_DAILY, run_id="r", at=NOW)
        for day, value in values.items()
    ]


def rendered(
    catalog: Catalog, rows: Sequence[Observation], runs: Sequence[Run] = (), plotly: bytes | None = None
) -> dict[str, bytes]:
    """Render a complete site, with the Plotly bundle of published builds."""
    return dict(
        render_site(published(catalog, rows, runs), SPECS, plotly_basic().read_bytes() if plotly is None else plotly)
    )


def published(catalog: Catalog, rows: Sequence[Observation], runs: Sequence[Run] = ()) -> Publication:
    """Return the publication of a build, without insights."""
    titles = {name: spec.public_name for name, spec in SPECS.items()}
    table = a_table(rows)
    boards = [
        build_dashboard(catalog, titles, table, runs, as_of=AS_OF, days=days, generated_at=NOW) for days in (7300, 180)
    ]
    definitions = tuple(definition(metric, NOW) for metric in catalog.metrics)
    return Publication(*boards, definitions, table, tuple(runs), catalog.url)


#: A page with all charts of a site, for tests. On the site, they are on the overview and the pages of products.
CHARTS = "charts.html"
CHARTS_TEMPLATE = """{% extends "base.html.j2" %}
{% import "chart.html.j2" as charts %}
{% import "rows.html.j2" as rows %}
{% block main %}
<h1>Charts</h1>
{% if page.overview.downloads %}{{ charts.chart(page.overview.downloads, heading="h2", is_first=true) }}{% endif %}
<div class="views">
<h2>All</h2>
<div class="charts">
{% if page.overview.stars %}{{ charts.chart(page.overview.stars) }}{% endif %}
{% for section in page.sections %}{% for view in section.charts %}{{ charts.chart(view) }}{% endfor %}{% endfor %}
</div>
</div>
{{ rows.table(page.rows, page.headings, true) }}
{% endblock %}
"""


def charts_page(publication: Publication) -> bytes:
    """Render the page with all charts."""
    site = prepare_site(publication, SPECS)
    overview = build_overview_page(site)
    page = replace(
        overview, path=CHARTS, title="Charts", sections=tuple(build_section(site, group) for group in site.groups)
    )
    template = open_templates().from_string(CHARTS_TEMPLATE)
    return template.render(page=page, site=site, board=site.board).encode()


@dataclass(frozen=True)
class Site:
    """A served site, and the catalogue and rows that it was built from."""

    catalog: Catalog
    rows: tuple[Observation, ...]
    folder: Path
    served: Served

    @property
    def url(self) -> str:
        return self.served.url

    @property
    def charts(self) -> str:
        """Return the address of the page with all charts."""
        return self.served.url + CHARTS

    def daily(self, metric_id: str) -> dict[date, int]:
        """Return the daily values of a metric, without snapshots."""
        return {row.period_end: row.value for row in self.rows if row.metric_id == metric_id and not row.is_seed}

    def snapshots(self, metric_id: str) -> dict[date, int]:
        return {row.period_end: row.value for row in self.rows if row.metric_id == metric_id and row.is_seed}


def built(
    stack: ExitStack, folder: Path, catalog: Catalog, rows: Sequence[Observation], runs: Sequence[Run] = ()
) -> Site:
    """Build a site unless another worker has done it, and serve it until the stack ends."""
    with FileLock(f"{folder}.lock"):
        if not folder.exists():
            files = rendered(catalog, rows, runs)
            write_site((files | {CHARTS: charts_page(published(catalog, rows, runs))}).items(), folder)
    return Site(catalog, tuple(rows), folder, stack.enter_context(serve(folder)))


@pytest.fixture(scope="package")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder that all workers of a test run share."""
    own = tmp_path_factory.getbasetemp()
    return own.parent if "PYTEST_XDIST_WORKER" in os.environ else own


@pytest.fixture(scope="package")
def site(shared: Path) -> Iterator[Site]:
    """Serve a site of the default catalogue: seven metrics."""
    catalog = replace(load_catalog(None, SPECS), events=EVENTS, url=URL)
    with ExitStack() as stack:
        yield built(stack, shared / "page", catalog, rows_of(catalog), RUNS)


PRODUCTS, PACKAGES, REPOSITORIES = 20, 12, 3


def many_catalog(path: Path, products: int = PRODUCTS) -> Catalog:
    """Return a catalogue with fifteen metrics per product."""
    lines = ['title = "Many metrics"', 'contact = "https://example.com/contact"', f'url = "{URL}"']
    for p in range(products):
        lines += ["[[products]]", f'id = "p{p:02}"', f'title = "Product {p:02}"']
        for n in range(PACKAGES):
            lines += ["[[metrics]]", f'id = "downloads:p{p:02}:n{n:02}"', f'product = "p{p:02}"', 'source = "npm"']
            lines += [f'subject = "package-{p:02}-{n:02}"']
        for n in range(REPOSITORIES):
            lines += ["[[metrics]]", f'id = "stars:p{p:02}:r{n:02}"', f'product = "p{p:02}"', 'source = "github"']
            lines += [f'subject = "owner-{p:02}/repository-{n:02}"']
    path.write_text("\n".join(lines) + "\n")
    return load_catalog(path, SPECS)


def many_rows(catalog: Catalog, days: int = 75) -> list[Observation]:
    """Return rows: package n of product p has (100 p + n + 1) downloads a day, repository n one more star a day."""
    rows = []
    for metric in catalog.metrics:
        base = many_base(metric.metric_id)
        step = 1 if metric.source == "github" else 0
        rows += counted(
            metric, {AS_OF - n * DAY: base + step * (days - n) for n in range(days) if AS_OF - n * DAY != GAP}
        )
    return rows


def many_base(metric_id: str) -> int:
    _, product, name = metric_id.split(":")
    return 100 * int(product[1:]) + int(name[1:]) + 1


@pytest.fixture(scope="package")
def many(shared: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """Serve a site of three hundred metrics in twenty products."""
    catalog = many_catalog(tmp_path_factory.mktemp("many") / "cmetrics.toml")
    with ExitStack() as stack:
        yield built(stack, shared / "many", catalog, many_rows(catalog), RUNS)


@dataclass(frozen=True)
class DataSite:
    """The served site of a data set of `tests.world.page_data`."""

    data: DataSet
    folder: Path
    served: Served

    @property
    def url(self) -> str:
        return self.served.url

    @property
    def charts(self) -> str:
        """Return the address of the page with all charts."""
        return self.served.url + CHARTS


@pytest.fixture(scope="package")
def data_site(shared: Path) -> Iterator[Callable[[str], DataSite]]:
    """Return a function that serves the site of a data set; each site is built once for all workers."""
    with ExitStack() as stack:

        @cache
        def site_of(name: str) -> DataSite:
            data, folder = DATA_SETS[name](), shared / f"data-{name}"
            with FileLock(f"{folder}.lock"):
                if not folder.exists():
                    files = dict(render_site(data.publication(), SPECS, plotly_basic().read_bytes()))
                    write_site((files | {CHARTS: charts_page(data.publication())}).items(), folder)
            return DataSite(data, folder, stack.enter_context(serve(folder)))

        yield site_of


@pytest.fixture(scope="package")
def browser(chromium: str) -> Iterator[Browser]:
    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox", "--disable-gpu"])
        yield launched
        launched.close()


#: Records layout shifts without user input.
NOTE_SHIFTS = """
window.shifts = [];
new PerformanceObserver((list) => {
  for (const entry of list.getEntries()) {
    const moved = entry.sources.map((source) => source.node?.outerHTML?.slice(0, 80));
    window.shifts.push([entry.value, ...moved]);
  }
}).observe({ type: "layout-shift", buffered: true });
"""
#: A chart without data has no plot.
LIVE = """(key) => {
  const figure = document.querySelector(`[id="chart-${key}"]`);
  return !figure.querySelector(".plot") || figure.querySelector(".plot.js-plotly-plot .main-svg") !== null;
}"""


@dataclass
class Reader:
    """A browser whose console messages and requests are recorded."""

    browser: Browser
    console: list[str] = field(default_factory=list)
    requested: list[str] = field(default_factory=list)
    contexts: list[BrowserContext] = field(default_factory=list)

    def context(
        self, *, size: tuple[int, int] = (1280, 900), now: datetime | None = None, **options: Any
    ) -> BrowserContext:
        context = self.browser.new_context(viewport={"width": size[0], "height": size[1]}, **options)
        self.contexts.append(context)
        context.on("console", self._hear)
        context.on("weberror", lambda error: self.console.append(str(error.error)))
        context.on("request", lambda request: self.requested.append(request.url))
        if options.get("java_script_enabled", True):
            # The page was built on the same morning, whenever the test runs.
            context.clock.set_fixed_time(now or NOW)
            context.add_init_script(NOTE_SHIFTS)
        return context

    def _hear(self, message: ConsoleMessage) -> None:
        # Browsers request it for files that are not pages, such as badges.
        if not message.location["url"].endswith("/favicon.ico"):
            self.console.append(message.text)

    def open(self, url: str, **options: Any) -> Page:
        page = self.context(**options).new_page()
        page.goto(url)
        return page

    def close(self) -> None:
        for context in self.contexts:
            context.close()


@pytest.fixture
def reader(browser: Browser) -> Iterator[Reader]:
    """Yield a reader, and fail if a page writes to the console. A test that expects it clears ``console``."""
    reading = Reader(browser)
    yield reading
    reading.close()
    assert reading.console == []


def activate_charts(page: Page, *keys: str) -> None:
    """Scroll to charts until Plotly has drawn them; to all charts if no key is given."""
    for key in keys or keys_of(page):
        page.locator(f"[id='chart-{key}'] .canvas").scroll_into_view_if_needed()
        # Use the controls, because the picture stays until then.
        if page.locator(f"[id='chart-{key}'] .controls").count():
            page.locator(f"[id='chart-{key}'] .controls").dispatch_event("pointerdown")
        page.wait_for_function(LIVE, arg=key)


def point_at(page: Page, key: str, share: float, *, finger: bool = False) -> Locator:
    """Point at (or tap) a position of a plot, given as a share of its width. Return the card of the chart."""
    chart = page.locator(f"[id='chart-{key}']")
    plane = chart.locator(".plane")
    plane.scroll_into_view_if_needed()
    box = plane.bounding_box()
    assert box is not None
    place = (box["x"] + share * box["width"], box["y"] + box["height"] / 2)
    if finger:
        page.touchscreen.tap(*place)
    else:
        page.mouse.move(*place)
    card = chart.locator(".cursor-card")
    card.wait_for()
    return card


def point_at_end(page: Page, key: str, *, finger: bool = False) -> Locator:
    """Point at the last period of a chart."""
    return point_at(page, key, 0.99, finger=finger)


def download_button(page: Page, key: str, kind: str) -> Locator:
    """Open the menu of a chart and return the button that saves it as a file."""
    chart = page.locator(f"[id='chart-{key}']")
    chart.locator("details.download").evaluate("(details) => { details.open = true; }")
    return chart.locator(f"[data-save={kind}]")


def keys_of(page: Page) -> list[str]:
    return page.evaluate(
        "() => [...document.querySelectorAll('figure.chart:not(.net-stars)')].map((f) => f.id.slice('chart-'.length))"
    )


def axe(page: Page) -> list[str]:
    """Return the violations that axe-core finds, with their elements."""
    page.evaluate(axe_source())
    found = page.evaluate("async () => (await axe.run(document, { preload: false })).violations")
    return [
        f"{one['id']}: {node['target']} {node['failureSummary']}".replace("\n", " ")
        for one in found
        for node in one["nodes"]
    ]


def state_of(page: Page) -> dict[str, str]:
    """Return the parameters of the view in the address."""
    return json.loads(page.evaluate("() => JSON.stringify(Object.fromEntries(new URLSearchParams(location.search)))"))
