"""Stores with unusual data: stars only, months without data, huge and tiny counts, long names."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta
from pathlib import Path

import pytest

from cmetrics.catalog import parse_catalog
from cmetrics.domain.days import day_range
from cmetrics.site.overview_page import build_overview_page
from cmetrics.site.page import Page
from cmetrics.site.render import prepare_site, render_parts, render_site
from cmetrics.site.write import write_site
from cmetrics.sources import SPECS
from tests.site.conftest import Reader, point_at
from tests.web_tools import plotly_basic
from tests.world.page_data import AS_OF, NOW, DataSet, downloads, good_runs, stars, table_of, without

FIRST = date(2024, 11, 25)
BILLIONS = 10_000_000_000
LONG = "a-name-that-never-ends-" * 4 + "x" * 40


def data_set(*series: tuple[str, Mapping[date, int]], title: str = "One", now=NOW) -> DataSet:
    """Return a data set of one product whose metrics, given as ``source subject``, have these values."""
    lines = ['title = "Shapes"', 'contact = "https://example.com/contact"', "[[products]]", 'id = "one"']
    lines.append(f'title = "{title}"')
    for what, _ in series:
        source, subject = what.split()
        lines += ["[[metrics]]", 'product = "one"', f'source = "{source}"', f'subject = "{subject}"']
    catalog = parse_catalog(Path("cmetrics.toml"), "\n".join(lines).encode(), SPECS)
    values = {m.metric_id: days for m, (_, days) in zip(catalog.metrics, series, strict=True)}
    rows = table_of((metric, values[metric.metric_id], {}) for metric in catalog.metrics)
    return DataSet(catalog, rows, good_runs(), now=now, values=values)


def every_day(value: int, first: date = FIRST, last: date = AS_OF) -> dict[date, int]:
    return dict.fromkeys(day_range(first, last), value)


def overview_of(data: DataSet) -> Page:
    return build_overview_page(prepare_site(data.publication(), SPECS))


def front_page(data: DataSet) -> str:
    return dict(render_parts(prepare_site(data.publication(), SPECS), range(1)))["index.html"].decode()


@pytest.fixture
def write(tmp_path):
    """Return a function that writes the site of a data set and returns the file address of its folder."""

    def of(data: DataSet) -> str:
        files = render_site(data.publication(), SPECS, plotly_basic().read_bytes())
        write_site(iter(files), tmp_path / "site")
        return (tmp_path / "site").as_uri() + "/"

    return of


# -- stars only ---------------------------------------------------------------------------------------


def test_stars_come_first_without_downloads():
    """With repositories only, their chart is first, before any control, and links lead to it."""
    text = front_page(data_set(("github one/one", stars(1, 3, FIRST, AS_OF)[0])))
    main = text[text.index("<main") :]
    assert main.index('class="still"') < main.index("<input") < main.index('class="metrics"')
    assert text.count('id="stars"') == 1
    assert text.count('id="chart-stars-one-github"') == 1


# -- months without data ------------------------------------------------------------------------------


def without_september(size: int = 1000) -> dict[date, int]:
    return without(downloads(1, size, FIRST, AS_OF), ("2026-09-01", "2026-09-30"))


def test_a_month_without_any_day_is_not_the_first():
    """The row states how many days the previous month has; only metrics that start in a month are new."""
    data = data_set(("npm old", without_september()), ("cratesio young", downloads(2, 900, date(2026, 10, 1), AS_OF)))
    assert [row.change.text for row in overview_of(data).rows] == ["0 of 30 days in Sep", "new"]


def test_no_data_yet_is_for_stores_that_never_had_any():
    """If only old data exists, the page says that the last full month has none."""
    last = date(2025, 10, 21)
    text = front_page(data_set(("npm old", downloads(1, 900, FIRST, last)), ("github one/one", every_day(7))))
    assert "Downloads, October 2026" in text
    assert "No data in October 2026" in text
    assert "No data yet" not in text


def test_old_data_is_not_judged():
    """Old values are not called usual, on the overview and on the page of changes."""
    data = data_set(("npm old", downloads(1, 900, FIRST, AS_OF - timedelta(days=10))))
    text = front_page(data)
    assert "Not judged: the data is 10 days old." in text
    assert "Nothing unusual" not in text


def test_the_last_month_with_data_is_labelled():
    """With old data, the label is at the last complete month, as in the live chart."""
    data = data_set(
        ("npm left", downloads(1, 900, FIRST, date(2025, 10, 21))),
        ("cratesio right", downloads(2, 800, FIRST, date(2025, 10, 20))),
    )
    drawing = overview_of(data).overview.downloads.drawing
    october = sum(v for days in data.values.values() for d, v in days.items() if (d.year, d.month) == (2025, 10))
    assert drawing.last[""].text == f"{october:,}"
    assert {name.when for name in drawing.names.values() if name.value} == {" in Oct"}


# -- the end of a month -------------------------------------------------------------------------------


def test_a_complete_month_is_not_shown_as_running():
    """On the last day of a month, including a leap day, its sum is shown once."""
    day = date(2028, 2, 29)
    data = data_set(
        ("npm one", downloads(1, 900, date(2026, 1, 1), day)),
        now=NOW.replace(year=2028, month=3, day=1),
    )
    assert data.as_of == day
    text = front_page(data)
    assert "Downloads, February 2028" in text
    assert "so far" not in text[text.index('class="totals"') : text.index("</dl>", text.index('class="totals"'))]


# -- sizes --------------------------------------------------------------------------------------------


def test_one_of_each():
    """One download, star or metric is singular, and no change is neither up nor down."""
    ones = {day: int(day.day == 3) for day in day_range(FIRST, AS_OF)}
    text = front_page(data_set(("npm one", ones), ("github one/one", every_day(1))))
    heading = text[text.index("<h1>") : text.index("</h1>")]
    assert heading == '<h1>1 download in October, <span class="change same">the same as in September</span>'
    assert '<span class="change same">+0.0%</span>' in text
    rows = text[text.index('<table class="metrics"') :]
    assert "change same" in rows
    assert "change up" not in rows
    assert "1 metric</p>" in front_page(data_set(("npm one", ones)))


@pytest.mark.parametrize("width", [360, 768, 1280])
def test_extreme_values_fit_the_page(reader: Reader, write, width):
    """Neither huge counts nor names without a break opportunity widen a page or cover other text."""
    url = write(
        data_set(
            (f"npm {LONG}", every_day(BILLIONS)),
            ("github " + "o" * 39 + "/" + "r" * 90, every_day(BILLIONS)),
            title=LONG,
        )
    )
    for path in ("index.html", "metrics/downloads-one-nodejs.html", "products/one.html", "404.html"):
        page = reader.open(url + path, now=NOW, size=(width, 900))
        assert page.evaluate("document.documentElement.scrollWidth") <= width, path
    page = reader.open(url + "index.html", now=NOW, size=(width, 900))
    spilt = page.evaluate(
        """() => [...document.querySelectorAll(".totals dd, .metrics tbody :is(td, th)")]
          .filter((cell) => cell.clientWidth > 0 && cell.scrollWidth > cell.clientWidth + 1)
          .map((cell) => cell.className + cell.textContent + cell.scrollWidth + ">" + cell.clientWidth)"""
    )
    assert spilt == []


# -- cards, axes and notes ----------------------------------------------------------------------------


@pytest.mark.parametrize("width", [360, 768, 1280])
def test_a_lone_month_leaves_room(reader: Reader, write, width):
    """A week of data has a narrow bar in its month, whose card is visible and does not cover it."""
    url = write(data_set(("npm one", downloads(1, 900, AS_OF - timedelta(days=6), AS_OF))))
    page = reader.open(url + "index.html", now=NOW, size=(width, 900))
    chart = page.locator("#chart-downloads")
    assert chart.locator(".covers").text_content() == "All packages, since Nov 2026"
    bar = chart.locator(".marks > .bar").bounding_box()
    assert bar["width"] < chart.locator(".plane").bounding_box()["width"] / 5
    page.mouse.move(bar["x"] + bar["width"] / 2, bar["y"] + bar["height"] / 2)
    card = chart.locator(".cursor-card").bounding_box()
    assert card["x"] >= 0
    assert card["x"] + card["width"] <= width
    column = chart.locator(".column").bounding_box()
    beside = card["x"] >= column["x"] + column["width"] or card["x"] + card["width"] <= column["x"]
    assert beside or card["y"] + card["height"] <= column["y"]
    for grain in ("week", "day"):
        page.goto(f"{url}index.html?by={grain}")
        assert chart.locator(".times:visible text").count() > 0
        assert chart.locator(".covers").text_content() == "All packages, since Nov 2026"


def test_every_visible_series_is_on_the_card(reader: Reader, write):
    """A package that starts later is listed without data, and does not affect the coverage of others."""
    url = write(
        data_set(("npm old", downloads(1, 900, FIRST, AS_OF)), ("npm new", downloads(2, 900, date(2026, 10, 1), AS_OF)))
    )
    page = reader.open(url + "products/one.html", now=NOW)
    card = point_at(page, "downloads-one", 0.3)
    assert card.locator("li").count() == 3
    assert card.locator("li", has_text="new").inner_text().split()[-2:] == ["No", "data"]
    assert "days" in card.inner_text()


def test_notes_follow_the_view(reader: Reader, write):
    """A note of an axis that does not start at zero is shown for that range; hatching is explained where it occurs."""
    counts = {day: 1000 + 2 * number for number, day in enumerate(day_range(FIRST, AS_OF))}
    days = without(downloads(1, 900, FIRST, AS_OF), ("2025-03-02", "2025-03-03"))
    url = write(data_set(("github one/one", counts), ("npm one", days)))
    page = reader.open(url + "products/one.html", now=NOW)
    flow, stock = (page.locator(f"figure.{kind} .notes") for kind in ("flow", "stock"))
    assert (flow.text_content(), stock.text_content()) == ("Hatched: days missing.", "")
    page.goto(url + "products/one.html?range=3m")
    stock.scroll_into_view_if_needed()
    page.wait_for_function("() => document.querySelector('figure.stock .notes').textContent")
    low = page.locator("figure.stock .levels text").first.text_content()
    assert (flow.text_content(), stock.text_content()) == ("", f"The axis starts at {low}.")
    page.goto(url + "products/one.html?mark=lines")
    page.wait_for_function("() => document.querySelector('figure.flow.live')")
    assert flow.text_content() == "Open marks: days missing."
