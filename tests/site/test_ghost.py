"""The outline of an earlier period in a chart of downloads: of the previous period, or of a year before."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime

import pytest
from playwright.sync_api import Page

from tests.site.conftest import activate_charts, axe, download_button, point_at, state_of
from tests.site.sums import month
from tests.site.test_cursor import HERO, OCTOBER, assert_still, box, sums_of
from tests.world.page_data import NOW

GHOST = f"#chart-{HERO} .frame .ghost"


def read(reader, data_site, query: str, name: str = "rich", **options) -> Page:
    """Open the overview of a data set without plotly.min.js."""
    context = reader.context(now=NOW, **options)
    context.route("**/plotly.min.js", lambda route: route.abort())
    context.add_init_script("Object.defineProperty(navigator, 'connection', { value: { saveData: true } })")
    page = context.new_page()
    page.goto(f"{data_site(name).url}{query}")
    return page


def total(data_site, day: date, name: str = "rich") -> int:
    return sum(sums_of(data_site, name, day).values())


def rows(card) -> list[list[str]]:
    return [[cell.inner_text() for cell in row.locator("bdi, b").all()] for row in card.locator("li.ghost").all()]


def heights(page: Page) -> list[float]:
    return [
        float(height.removesuffix("%"))
        for height in page.locator(GHOST).evaluate_all("(all) => all.map((one) => one.getAttribute('height'))")
    ]


def test_year_before(reader, data_site):
    """Without Plotly, the card has the value of a year before, and the bar an outline of the corresponding height."""
    page = read(reader, data_site, "?ghost=year")
    page.locator(GHOST).first.wait_for()
    card = point_at(page, HERO, OCTOBER)
    expected = total(data_site, date(2025, 10, 1))
    assert rows(card) == [["October 2025", f"{expected:,}"]]
    # 24 months, all with a value of a year before.
    found = heights(page)
    assert len(found) == 24
    assert found[22] == pytest.approx(100 * expected / 8_000_000, abs=0.01)
    entry = page.locator(f"#chart-{HERO} .legend .ghost-name")
    assert entry.inner_text().split("\n")[0].strip().startswith("Year before")
    left, _, right, _ = box(entry)
    assert box(page.locator(f"#chart-{HERO}"))[0] <= left < right <= box(page.locator(f"#chart-{HERO}"))[2]
    assert axe(page) == []
    assert_still(reader)


def test_table(reader, data_site):
    """The table has a column with the values and names of the earlier periods."""
    page = read(reader, data_site, "?ghost=year")
    page.locator(GHOST).first.wait_for()
    chart = page.locator(f"#chart-{HERO}")
    chart.locator("details.numbers > summary").click()
    chart.get_by_role("columnheader", name="Year before").wait_for()
    row = chart.locator("tbody tr", has=page.get_by_role("rowheader", name="October 2026", exact=True))
    expected = f"{total(data_site, date(2025, 10, 1)):,} October 2025"
    assert row.locator("td").last.inner_text() == expected
    assert chart.locator("tbody tr").evaluate_all("(all) => new Set(all.map((one) => one.cells.length)).size") == 1


def test_previous_period_of_a_window(reader, data_site):
    """Each month of the window has an outline of the month that is as many months earlier as the window is long."""
    page = read(reader, data_site, "?ghost=previous&from=2026-05-01&to=2026-10-31")
    page.locator(GHOST).first.wait_for()
    assert len(heights(page)) == 6
    assert rows(point_at(page, HERO, 19.5 / 24)) == [["January 2026", f"{total(data_site, date(2026, 1, 1)):,}"]]
    assert rows(point_at(page, HERO, 23.5 / 24)) == []
    assert rows(point_at(page, HERO, 10.5 / 24)) == []
    page.get_by_role("button", name="Clear").first.click()
    # Those of the 24 previous months that have values.
    page.wait_for_function(f"() => document.querySelectorAll('{GHOST}').length === 24")
    assert rows(point_at(page, HERO, OCTOBER)) == [["October 2024", f"{total(data_site, date(2024, 10, 1)):,}"]]
    page.go_back()
    page.wait_for_function(f"() => document.querySelectorAll('{GHOST}').length === 6")
    assert_still(reader)


def test_missing_days_are_stated(reader, data_site):
    """A month with missing days is dotted and labelled; one without values has no outline and is not zero."""
    page = read(reader, data_site, "?ghost=year&range=all")
    page.locator(GHOST).first.wait_for()
    values = data_site("rich").data.values
    first = min(min(days) for metric, days in values.items() if metric.startswith("downloads:"))
    months = (2026 - first.year) * 12 + 11 - first.month + 1
    assert len(heights(page)) == months - 12
    assert all(height > 0 for height in heights(page))
    card = point_at(page, HERO, 0.5 / months)
    assert rows(card) == [[f"{first.replace(year=first.year - 1):%B %Y}", "No data"]]
    june = (2025 - first.year) * 12 + 6 - first.month
    card = point_at(page, HERO, (june + 0.5) / months)
    assert rows(card) == [["June 2024", f"{total(data_site, date(2024, 6, 1)):,}"]]
    assert "June 2024: Lance: 56 of 60 package-days, 4 missing" in re.sub("[\u2068\u2069]", "", card.inner_text())
    assert page.locator(f"{GHOST}.partial").count() == 1
    assert "days missing" in page.locator(f"#chart-{HERO} .legend .ghost-name").inner_text()


def test_nothing_before(reader, data_site):
    """Before the first value, there is no outline, and the legend says so."""
    page = read(reader, data_site, "?ghost=previous&range=all")
    page.locator(f"#chart-{HERO} .legend .ghost-name").wait_for()
    assert page.locator(GHOST).count() == 0
    assert "no data" in page.locator(f"#chart-{HERO} .legend .ghost-name").inner_text()


def test_choice(reader, data_site):
    """It is off by default, a view option and part of the address; Back and Reset undo it."""
    page = reader.open(data_site("rich").url, now=NOW)
    assert page.locator(GHOST).count() == 0
    assert not page.locator(f"#chart-{HERO} .legend .ghost-name").is_visible()
    chart = page.locator(f"#chart-{HERO}")
    chart.locator("button.view").click()
    chart.get_by_role("group", name="Compare with").locator("label", has_text="Year before").click()
    page.locator(GHOST).first.wait_for()
    assert state_of(page) == {"ghost": "year"}
    chart.get_by_role("group", name="Scale").locator("label", has_text="Share").click()
    assert state_of(page) == {"show": "share"}
    assert page.locator(GHOST).count() == 0
    page.go_back()
    page.locator(GHOST).first.wait_for()
    chart.get_by_role("button", name="Reset").click()
    assert state_of(page) == {}
    assert page.locator(GHOST).count() == 0
    page.goto(f"{data_site('rich').url}?ghost=nonsense")
    assert page.locator(GHOST).count() == 0


def test_same_on_the_live_chart(reader, data_site):
    """Outlines and cards are the same after Plotly has drawn the bars."""
    page = reader.open(f"{data_site('rich').url}?ghost=year", now=NOW)
    page.locator(GHOST).first.wait_for()
    places = "(all) => all.map((one) => Object.values(one.getBoundingClientRect().toJSON()).map(Math.round))"
    page.locator(f"#chart-{HERO}").scroll_into_view_if_needed()
    before, card = page.locator(GHOST).evaluate_all(places), rows(point_at(page, HERO, OCTOBER))
    activate_charts(page, HERO)
    page.locator(f"#chart-{HERO}.live").wait_for()
    assert page.locator(GHOST).evaluate_all(places) == before
    assert rows(point_at(page, HERO, OCTOBER)) == card
    # An outline has the sides of the bar below it.
    bars = page.locator(f"#chart-{HERO} .plot .bars .point path").evaluate_all(
        "(all) => all.map((one) => { const { left, right } = one.getBoundingClientRect(); return [left, right]; })"
    )
    outlines = page.locator(GHOST).evaluate_all(
        "(all) => all.map((one) => { const { left, right } = one.getBoundingClientRect(); return [left, right]; })"
    )
    for bar, outline in zip(bars[:24], outlines, strict=True):
        assert bar == pytest.approx(outline, abs=1.5)


@pytest.mark.parametrize(
    ("query", "shape", "count"),
    [
        ("place=side", "rect", 48),
        ("split=total", "rect", 24),
        ("mark=lines&place=side", "polyline", 3),
        ("mark=lines", "polyline", 2),
        ("scale=log", "polyline", 3),
    ],
)
def test_every_layout(reader, data_site, query, shape, count):
    """A stacked chart has one outline, others have one per series; lines end at months with missing days."""
    page = reader.open(f"{data_site('rich').url}?ghost=year&{query}", now=NOW)
    page.locator(GHOST).first.wait_for(state="attached")
    assert page.locator(f"#chart-{HERO} .frame {shape}.ghost").count() == count
    figure = box(page.locator(f"#chart-{HERO} .canvas"))
    for place in page.locator(GHOST).evaluate_all("(all) => all.map((one) => one.getBoundingClientRect().toJSON())"):
        assert figure[0] <= place["left"] <= place["right"] <= figure[2]
        assert figure[1] <= place["top"] <= place["bottom"] <= figure[3]
    names = [name for name, _ in rows(point_at(page, HERO, OCTOBER))]
    assert len(names) == (2 if "side" in query or "log" in query else 1)
    assert all("October 2025" in name for name in names)


def test_weeks_and_days(reader, data_site):
    """A year before is 52 weeks, so that weekdays are equal."""
    values = data_site("rich").data.values
    downloads = [days for metric, days in values.items() if metric.startswith("downloads:")]
    for grain, length in (("week", 7), ("day", 1)):
        page = reader.open(f"{data_site('rich').url}?ghost=year&range=3m&by={grain}", now=NOW)
        page.locator(GHOST).first.wait_for(state="attached")
        plane = page.locator(f"#chart-{HERO} .plane")
        plane.focus()
        page.keyboard.press("End")
        for _ in range(4):
            page.keyboard.press("ArrowLeft")
        ((name, value),) = rows(page.locator(f"#chart-{HERO} .cursor-card"))
        day = datetime.strptime(" ".join(name.split()[-3:]), "%d %B %Y").replace(tzinfo=UTC).date()
        span = range(day.toordinal(), day.toordinal() + length)
        assert value == f"{sum(days.get(date.fromordinal(one), 0) for days in downloads for one in span):,}"
        shown = page.locator(f"#chart-{HERO} .cursor-card .when").inner_text()
        assert f"{date.fromordinal(day.toordinal() + 364).day} " in shown


def test_picture(reader, data_site):
    """A saved picture has the outlines and explains them."""
    page = reader.open(f"{data_site('rich').url}?ghost=year", now=NOW)
    page.locator(GHOST).first.wait_for()
    with page.expect_download() as saved:
        download_button(page, HERO, "svg").click()
    picture = saved.value.path().read_text()
    assert "Outline: year before (days missing)." in re.sub(r"</text><text[^>]*>", " ", picture)
    assert picture.count('fill="none" stroke=') >= 24


def test_announced(reader, data_site):
    """With keys, the earlier value is announced with the others, and the description of the view names it."""
    page = read(reader, data_site, "?ghost=year")
    page.locator(GHOST).first.wait_for()
    page.locator(f"#chart-{HERO} .plane").focus()
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("ArrowLeft")
    first, _ = month(date(2025, 9, 1))
    page.locator("body > [role=status]").get_by_text(f"September 2025 {total(data_site, first):,}").wait_for()
    assert page.locator(f"#chart-{HERO} [data-words]").inner_text().endswith("Year before as an outline.")
