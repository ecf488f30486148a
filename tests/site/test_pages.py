"""Pages and the context of templates, before rendering."""

from __future__ import annotations

import json
import posixpath
from datetime import date

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from cmetrics.analytics.news import NewsItem, NewsKind
from cmetrics.charts.spark import star_sparkline
from cmetrics.domain.days import DAY
from cmetrics.site.feed import ENTRIES
from cmetrics.site.page import Page, Site, inline_json
from cmetrics.site.pages import build_pages, build_site, count_parts, page_paths
from cmetrics.sources import SPECS
from tests.boards import AS_OF, a_board, a_package, a_repository, an_event, rows_of
from tests.samples import a_snapshot

URL = "https://example.com/stats/"
EVIL = "</script><script>alert(1)</script>\u2028&"
FIRST = date(2026, 9, 1)


def all_pages(site: Site) -> list[Page]:
    return [page for part in range(count_parts(site)) for page in build_pages(site, part)]


def pages_of(metrics, rows=(), *, url: str | None = URL, **changes) -> list[Page]:
    return all_pages(build_site(a_board(metrics, rows, **changes), SPECS, url))


def some_metrics(count: int):
    """Return metrics of two products, alternately packages and repositories."""
    return [(a_repository if n % 2 else a_package)(f"m{n}", "one" if n < count // 2 else "two") for n in range(count)]


def charts_of(page: Page):
    return [view for section in page.sections for view in section.charts]


def products_of(metrics, rows=(), **changes) -> list[Page]:
    return [page for page in pages_of(metrics, rows, **changes) if page.path.startswith("products/")]


# -- the layout follows the number of metrics ----------------------------------------------------


@pytest.mark.parametrize("count", [2, 13])
def test_pages(count):
    """Sites of any size have the same pages: overview, changes, quality, one per product and per metric."""
    metrics = some_metrics(count)
    first, changes, compare, quality, *others = pages_of(metrics)
    assert (first.path, first.template, first.title) == ("index.html", "overview.html.j2", "Everything")
    assert (first.calendar, first.sections, len(first.rows)) == (None, (), count)
    assert (changes.path, changes.template) == ("changes.html", "changes.html.j2")
    assert (compare.path, len(compare.choices)) == ("compare.html", count)
    assert (quality.path, quality.template, len(quality.calendar.rows)) == ("quality.html", "quality.html.j2", count)
    # Ordered by product, downloads before stars.
    slugs = {
        product: [
            m.slug for family in ("downloads", "stars") for m in metrics if (m.family, m.product) == (family, product)
        ]
        for product in ("one", "two")
    }
    assert [page.path for page in others] == [
        path
        for product, names in slugs.items()
        for path in (f"products/{product}.html", *(f"metrics/{name}.html" for name in names))
    ]
    assert {page.template for page in others if page.path.startswith("products/")} == {"product.html.j2"}
    assert {page.template for page in others if page.path.startswith("metrics/")} == {"metric.html.j2"}
    assert not any(page.overview for page in others)


def test_stars_of_the_overview():
    """The chart is of all repositories, of the only one, or absent."""
    keys = []
    for number in range(3):
        page, *_ = pages_of([a_package("x"), *(a_repository(f"r{n}") for n in range(number))])
        keys.append(page.overview.stars and page.overview.stars.chart.key)
    assert keys == [None, "stars-one-r0", "all-stars"]


def test_a_product_page_has_its_own_rows_and_charts():
    page = next(page for page in pages_of(some_metrics(30)) if page.path == "products/two.html")
    (section,) = page.sections
    assert page.title == "Two · Everything"
    assert page.description == "Downloads and GitHub stars of Two. No data yet."
    assert [view.chart.key for view in section.charts] == ["downloads-two", "stars-two"]
    shown = [row.item.metric.metric_id for row in page.rows]
    assert sorted(shown) == sorted(item.metric.metric_id for item in section.group.items)
    assert page.calendar is None, "days are on the page of data quality, and on those of metrics"
    assert page.story.quality == "No data yet."


def test_a_metric_page_has_one_chart_and_one_row_of_days():
    metrics = some_metrics(30)
    page = next(page for page in pages_of(metrics) if page.path == f"metrics/{metrics[0].slug}.html")
    (section,) = page.sections
    (view,) = section.charts
    assert page.title == "Downloads of m0 (Node.js) · Everything"
    assert page.metric.item.metric is metrics[0]
    assert [series.metric_id for series in view.chart.series] == [metrics[0].metric_id]
    assert [row.subject for row in page.calendar.rows] == ["m0"]
    assert (section.href, view.is_whole) == ("../products/one.html", True)


@pytest.mark.parametrize("count", [1, 24, 25, 60])
def test_pages_have_distinct_paths_and_valid_links(count):
    pages = pages_of(some_metrics(count))
    paths = [page.path for page in pages]
    assert paths[0] == "index.html"
    assert len(set(paths)) == len(paths)
    for page in pages:
        for section in page.sections:
            hrefs = [section.href, *(href for row in page.rows for href in (row.href, row.product_href))]
            folder = posixpath.dirname(page.path)
            assert {posixpath.normpath(posixpath.join(folder, href)) for href in hrefs} <= set(paths)


def test_pages_are_built_on_demand():
    site = build_site(a_board(some_metrics(40)), SPECS, None)
    pages = build_pages(site, 1)
    assert next(pages).path == "products/one.html"
    assert [page.path for page in all_pages(site)] == page_paths(site)


def test_a_store_without_rows_has_a_page():
    page, *_ = pages_of(some_metrics(4), url=None)
    assert page.description == "One, Two. No data yet."
    assert page.overview.downloads.chart.is_empty


# -- cards and charts ----------------------------------------------------------------------------


def test_a_single_chart_has_the_full_width():
    metrics = [a_package("x"), a_repository("a"), a_repository("b", "two")]
    views = [view for page in products_of(metrics) for view in charts_of(page)]
    assert {view.chart.key: view.is_whole for view in views} == {
        "downloads-one": False,
        "stars-one": False,
        "stars-two": True,
    }


def test_a_chart_has_drawing_description_data_and_table():
    package = a_package("x", daily_from=FIRST)
    rows = [a_snapshot(package, FIRST - DAY, 400), *rows_of(package, FIRST, AS_OF)]
    (view,) = charts_of(products_of([package], rows, events=[an_event()])[0])
    assert len(view.drawing.bars) >= 3
    assert view.alternative.startswith("Downloads of One, by month. Node.js (x): from 400 downloads")
    document = json.loads(view.data)
    assert document["series"][0]["month"]["values"] == [300, 310, 220]
    assert [value for _, _, value, _ in document["series"][0]["seeds"]] == [400]
    assert [(row.is_snapshot, row.cells[0].value) for row in view.rows] == [
        (False, 220),
        (False, 310),
        (False, 300),
        (True, 400),
    ]


def test_rows_have_the_colours_of_their_series():
    metrics = [a_package("java"), a_package("rust"), a_package("go"), a_repository("a"), a_repository("b")]
    (page,) = products_of(metrics)
    drawn = {series.metric_id: series.tone for view in charts_of(page) for series in view.chart.series}
    assert {row.item.metric.metric_id: row.tone for row in page.rows} == drawn
    assert drawn["downloads:one:rust"] == "rust"


def test_rows_have_sparklines_of_months_or_of_days():
    package, repository = a_package("x"), a_repository("a")
    rows = [*rows_of(package, FIRST, AS_OF), *rows_of(repository, FIRST, AS_OF, 5, 1)]
    downloads, stars = pages_of([package, repository], rows)[0].rows
    assert len(downloads.line.lines[0].split()) == 2
    assert (bool(downloads.bars), stars.bars) == (True, None)
    assert stars.line == star_sparkline(stars.item.points)
    assert len(stars.line.lines[0].split()) > 20


def test_only_used_sources_are_listed():
    page, *_ = pages_of([a_repository("a"), a_package("x")])
    assert {spec.name for spec in page.site.sources} == {"github", "npm"}


def test_every_page_has_the_newest_news():
    news = [NewsItem(f"n{n}", AS_OF, AS_OF, "Title", "Text", NewsKind.MONTH) for n in range(ENTRIES + 1)]
    pages = all_pages(build_site(a_board(some_metrics(25)), SPECS, None, news))
    assert {page.site.news for page in pages} == {tuple(news[:ENTRIES])}


# -- descriptions --------------------------------------------------------------------------------


def test_a_description_names_products_and_totals():
    package, repository = a_package("x"), a_repository("a", "two")
    rows = [*rows_of(package, FIRST, AS_OF, 1000), *rows_of(repository, FIRST, AS_OF, 4321)]
    page, *_ = pages_of([package, repository], rows)
    assert page.description == (
        "One, Two: 31,000 downloads in October 2026, 4,321 GitHub stars. Data through 22 Nov 2026 (UTC)."
    )


def test_a_description_states_missing_days():
    package = a_package("x")
    rows = [row for row in rows_of(package, FIRST, AS_OF) if row.period_end != date(2026, 10, 5)]
    assert "300 downloads in October 2026 (30 of 31 days)" in pages_of([package], rows)[0].description


# -- addresses -----------------------------------------------------------------------------------


def test_every_page_has_its_address_and_root():
    pages = {page.path: page for page in pages_of(some_metrics(25))}
    metric = next(path for path in pages if path.startswith("metrics/"))
    assert (pages["index.html"].canonical, pages["index.html"].root) == (URL, "")
    assert (pages["products/one.html"].canonical, pages["products/one.html"].root) == (
        f"{URL}products/one.html",
        "../",
    )
    assert (pages[metric].canonical, pages[metric].root) == (URL + metric, "../")
    assert len({page.canonical for page in pages.values()}) == len(pages)


def test_without_a_url_pages_have_no_address():
    assert {page.canonical for page in pages_of(some_metrics(25), url=None)} == {None}


# -- for search engines --------------------------------------------------------------------------


@pytest.mark.parametrize(("url", "root"), [(URL, URL), (None, "")])
def test_the_first_page_is_described_as_a_dataset(url, root):
    page = pages_of([a_package("x"), a_repository("a")], url=url)[0]
    document = json.loads(page.dataset)
    assert (document["@context"], document["@type"]) == ("https://schema.org", "Dataset")
    assert (document["name"], document["description"]) == ("Everything", page.site.description)
    assert document["dateModified"] == "2026-11-22"
    assert {name: document[name] for name in document if name == "url"} == ({"url": url} if url else {})
    assert {file["contentUrl"]: file["encodingFormat"] for file in document["distribution"]} == {
        f"{root}data/stats.csv": "text/csv",
        f"{root}data/stats.parquet": "application/vnd.apache.parquet",
    }
    assert set(document["measurementTechnique"]) == {SPECS["npm"].counts, SPECS["github"].counts}


# -- JSON inside of HTML -------------------------------------------------------------------------

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


@given(VALUES)
@example("</script>")
@example("<!-- <script>")
@example("\u2028\u2029]]>&amp;")
@example({"</script >": ["\\u003c", "\\", '"']})
def test_inline_json_is_equal_and_cannot_end_a_script(document):
    text = inline_json(document)
    assert json.loads(text) == document
    assert not set(text) & set("<>&\u2028\u2029")
    assert text.__html__() == text


def test_hostile_texts_are_escaped_in_chart_data():
    package = a_package("x", display_name=EVIL)
    first, *_ = pages_of([package], rows_of(package, FIRST, AS_OF), events=[an_event(label=EVIL)])
    (page,) = products_of([package], rows_of(package, FIRST, AS_OF), events=[an_event(label=EVIL)])
    (view,) = charts_of(page)
    assert not set(view.data) & set("<>&\u2028")
    assert not set(first.dataset) & set("<>&\u2028")
    document = json.loads(view.data)
    assert document["events"][0]["label"] == EVIL
    assert document["series"][0]["name"] == f"{EVIL} (x)"
