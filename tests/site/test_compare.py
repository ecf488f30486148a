"""The page that compares metrics: the values of the store, in five ways, kept in the address."""

from __future__ import annotations

from datetime import date

import pytest

from cmetrics.domain.days import Month, months
from tests.site.conftest import axe
from tests.site.test_page import overflow
from tests.world.page_data import NOW

PYLANCE, CRATE, STARS = "downloads-lance-python", "downloads-lancedb-rust", "stars-lance-github"


def month_sums(site, metric_id: str) -> dict[Month, int]:
    """The full months of which every day is stored."""
    days = site.data.values[metric_id]
    found = {}
    for month in months(Month.of(min(days)), Month.of(max(days))):
        known = [value for day, value in days.items() if Month.of(day) == month]
        if len(known) == month.days:
            found[month] = sum(known)
    return found


def table_of(page) -> dict[str, list[str]]:
    rows = page.locator(".compare table tbody tr").evaluate_all(
        "(all) => all.map((row) => [...row.cells].map((cell) => cell.textContent))"
    )
    return {name: values for name, *values in rows}


def opened(reader, site, query, **options):
    page = reader.open(f"{site.url}compare.html?{query}", now=NOW, **options)
    page.locator(".compare-figure").wait_for()
    page.locator(".compare summary").click()
    return page


def test_values(reader, data_site):
    """Full months as the store has them; a month that lacks days is a gap in the line and in the table."""
    site = data_site("rich")
    page = opened(reader, site, f"m={PYLANCE},{CRATE}")
    table = table_of(page)
    for place, metric_id in enumerate(("downloads:lance:python", "downloads:lancedb:rust")):
        sums = month_sums(site, metric_id)
        shown = {name: values[place] for name, values in table.items() if values[place] != "–"}
        assert shown == {f"{month.first:%B %Y}": f"{value:,}" for month, value in sums.items()}
    assert table["September 2026"][1] == "–"
    assert page.locator(".compare-wide .compare-line").count() == 2


def test_index(reader, data_site):
    """The first month that all have is 100."""
    site = data_site("rich")
    page = opened(reader, site, f"m={PYLANCE},{CRATE}&mode=index")
    sums = [month_sums(site, name) for name in ("downloads:lance:python", "downloads:lancedb:rust")]
    base = min(set(sums[0]) & set(sums[1]))
    assert f"({base.first:%B %Y} = 100)" in page.locator(".compare-figure h2").inner_text()
    october = Month.of(date(2026, 10, 1))
    shown = [float(text.replace(",", "")) for text in table_of(page)["October 2026"]]
    assert shown == pytest.approx([100 * of[october] / of[base] for of in sums], abs=0.051)


def test_age(reader, data_site):
    """By age, every metric begins at month 0."""
    site = data_site("rich")
    page = opened(reader, site, f"m={PYLANCE},{CRATE}&mode=age")
    firsts = [month_sums(site, name) for name in ("downloads:lance:python", "downloads:lancedb:rust")]
    assert table_of(page)["Month 0"] == [f"{of[min(of)]:,}" for of in firsts]


def test_choices_are_in_the_address(reader, data_site):
    """Rows lead to the page; what is added and chosen there can be undone by going back."""
    site = data_site("rich")
    page = reader.open(site.url, now=NOW)
    for name in (PYLANCE, CRATE):
        page.locator(f".metrics [value='{name}']").check()
    page.get_by_role("link", name="Compare 2 metrics").click()
    page.locator(".compare-figure").wait_for()
    assert page.url.endswith(f"compare.html?m={PYLANCE},{CRATE}")
    page.get_by_label("Add").select_option(STARS)
    page.get_by_text("compare their growth, not their absolute values").wait_for()
    assert page.url.endswith(f"?m={PYLANCE},{CRATE},{STARS}")
    page.get_by_role("radio", name="Log").check()
    assert page.url.endswith("&mode=log")
    page.go_back()
    page.go_back()
    page.wait_for_function("() => document.querySelectorAll('.compare-wide .compare-line').length === 2")
    page.get_by_role("button", name="Remove").first.click()
    page.get_by_text("Choose one more metric").wait_for()


def test_keyboard(reader, data_site):
    """Arrow keys read the months."""
    page = opened(reader, data_site("rich"), f"m={PYLANCE},{CRATE}")
    page.locator(".compare-plot").focus()
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("ArrowLeft")
    value = table_of(page)["September 2026"][0]
    assert page.locator(".compare-reading").inner_text() == f"September 2026: pylance {value}, lancedb –"


def test_unknown(reader, data_site):
    """Names and ways that there are not are ignored."""
    page = reader.open(f"{data_site('rich').url}compare.html?m=nobody,%3Cb%3E,__proto__&mode=pie", now=NOW)
    page.get_by_text("Choose two to six metrics").wait_for()
    assert page.locator(".compare-figure").is_hidden()


def test_from_a_folder(reader, data_site):
    """The page works as a file."""
    page = reader.open(f"{(data_site('rich').folder / 'compare.html').as_uri()}?m={PYLANCE},{STARS}", now=NOW)
    page.locator(".compare-wide .compare-line").first.wait_for()


def test_without_scripts(reader, data_site):
    """The page says what it needs, and leads to the rows."""
    page = reader.open(f"{data_site('rich').url}compare.html", java_script_enabled=False)
    assert page.get_by_role("link", name="list of all metrics").is_visible()
    assert page.locator(".compare").is_hidden()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [360, 1280])
def test_accessible(reader, data_site, width, scheme):
    """axe-core finds nothing, and nothing is wider than the window."""
    page = opened(reader, data_site("rich"), f"m={PYLANCE},{CRATE}", size=(width, 800), color_scheme=scheme)
    assert axe(page) == []
    assert overflow(page) == 0
