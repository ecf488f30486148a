"""The page that compares metrics: values, modes, and its address."""

from __future__ import annotations

from datetime import date
from itertools import pairwise

import pytest

from cmetrics.domain.days import Month, months
from tests.site.conftest import axe
from tests.site.test_page import overflow
from tests.site.walk import SMALL_TARGETS
from tests.world.page_data import NOW

PYLANCE, CRATE, STARS = "downloads-lance-python", "downloads-lancedb-rust", "stars-lance-github"


def month_sums(site, metric_id: str) -> dict[Month, int]:
    """Return the sums of full months without missing days."""
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
    """Values of full months equal those of the store; a month with missing days is a gap in the line and the table."""
    site = data_site("rich")
    page = opened(reader, site, f"m={PYLANCE},{CRATE}")
    table = table_of(page)
    for place, metric_id in enumerate(("downloads:lance:python", "downloads:lancedb:rust")):
        sums = month_sums(site, metric_id)
        shown = {name: values[place] for name, values in table.items() if values[place] != "–"}
        assert shown == {f"{month.first:%B %Y}": f"{value:,}" for month, value in sums.items()}
    assert table["September 2026"][1] == "–"
    assert page.locator(".compare-figure .legend li").count() == 2


def test_index(reader, data_site):
    """The first common month is 100."""
    site = data_site("rich")
    page = opened(reader, site, f"m={PYLANCE},{CRATE}&mode=index")
    sums = [month_sums(site, name) for name in ("downloads:lance:python", "downloads:lancedb:rust")]
    base = min(set(sums[0]) & set(sums[1]))
    assert f"({base.first:%B %Y} = 100)" in page.locator(".compare-figure h2").inner_text()
    october = Month.of(date(2026, 10, 1))
    shown = [float(text.replace(",", "")) for text in table_of(page)["October 2026"]]
    assert shown == pytest.approx([100 * of[october] / of[base] for of in sums], abs=0.051)


def test_age(reader, data_site):
    """By age, every metric starts at month 0."""
    site = data_site("rich")
    page = opened(reader, site, f"m={PYLANCE},{CRATE}&mode=age")
    firsts = [month_sums(site, name) for name in ("downloads:lance:python", "downloads:lancedb:rust")]
    assert table_of(page)["Month 0"] == [f"{of[min(of)]:,}" for of in firsts]


def test_choices_are_in_the_address(reader, data_site):
    """Rows of the overview link to the page, and choices there can be undone with Back."""
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
    page.wait_for_function("() => document.querySelectorAll('.compare-figure .legend li').length === 2")
    page.get_by_role("button", name="Remove").first.click()
    page.get_by_text("Choose one more metric").wait_for()


def card_of(page) -> tuple[str, list[tuple[str, str]]]:
    """Return the month of the card, and its names and values."""
    card = page.locator(".cursor-card")
    rows = card.locator("li").evaluate_all(
        "(all) => all.map((row) => [...row.querySelectorAll('bdi, b')].map((e) => e.textContent))"
    )
    return card.locator(".when").inner_text(), [tuple(row) for row in rows]


def test_keyboard(reader, data_site):
    """The cursor is moved with the same keys as in other charts; its card has all values, and Escape closes it."""
    page = opened(reader, data_site("rich"), f"m={CRATE},{PYLANCE}")
    table = table_of(page)
    page.get_by_role("radio", name="Absolute").focus()
    page.keyboard.press("Shift+Tab")
    plane = page.locator(".compare-figure .plane")
    assert plane.evaluate("(one) => one === document.activeElement")
    assert card_of(page)[0] == "October 2026"
    page.keyboard.press("ArrowLeft")
    assert card_of(page) == ("September 2026", [("pylance", table["September 2026"][1]), ("lancedb", "–")])
    spoken = f"September 2026: lancedb –, pylance {table['September 2026'][1]}"
    page.locator("[role=status]", has_text=spoken).wait_for(state="attached")
    page.keyboard.press("PageUp")
    assert card_of(page)[0] == "September 2025"
    page.keyboard.press("Home")
    assert card_of(page)[0] == list(table)[-1]
    page.keyboard.press("Escape")
    assert page.locator(".cursor-card").is_hidden()


def test_pointer(reader, data_site):
    """In every mode, the column is at the month under the pointer, and its card does not cover it."""
    page = opened(reader, data_site("rich"), f"m={PYLANCE},{CRATE}")
    for mode in ("Absolute", "Log", "Index", "Age"):
        page.get_by_role("radio", name=mode).check()
        box = page.locator(".compare-figure .plane").bounding_box()
        at = box["x"] + 0.37 * box["width"]
        page.mouse.move(at, box["y"] + 40)
        month, rows = card_of(page)
        assert sorted(value for _, value in rows) == sorted(table_of(page)[month])
        column, card = (page.locator(css).bounding_box() for css in (".column", ".cursor-card"))
        assert column["x"] - 1 <= at <= column["x"] + column["width"] + 1
        assert card["x"] >= column["x"] + column["width"] or card["x"] + card["width"] <= column["x"]
        page.mouse.move(0, 0)


def test_touch(reader, data_site):
    """On a phone, a tap opens the card above the chart, and every target is large enough."""
    page = opened(reader, data_site("rich"), f"m={PYLANCE},{CRATE}", size=(390, 844), has_touch=True, is_mobile=True)
    assert page.evaluate(SMALL_TARGETS) == []
    box = page.locator(".compare-figure .plane").bounding_box()
    page.touchscreen.tap(box["x"] + box["width"] / 2, box["y"] + 50)
    card = page.locator(".cursor-card.above")
    card.wait_for()
    canvas = page.locator(".compare-figure .canvas").bounding_box()
    shown = card.bounding_box()
    assert shown["y"] + shown["height"] <= canvas["y"]


def test_looks_as_other_charts(reader, data_site):
    """Only the top level has the unit, inside the plot; names with last values are at the ends of lines."""
    site = data_site("rich")
    page = opened(reader, site, f"m={PYLANCE},{CRATE},{STARS}")
    levels = page.locator(".compare-figure .levels text").all_text_contents()
    assert levels[-1] == "2.5 million"
    assert not any("million" in text for text in levels[:-1])
    names = page.locator(".compare-figure .legend li")
    sums = month_sums(site, "downloads:lancedb:rust")
    assert f"lancedb {sums[max(sums)]:,}" in names.all_inner_texts()[1].replace("\n", " ")
    boxes = sorted((name.bounding_box() for name in names.all()), key=lambda box: box["y"])
    plane = page.locator(".compare-figure .plane").bounding_box()
    assert all(box["x"] >= plane["x"] + plane["width"] - 1 for box in boxes)
    assert all(low["y"] >= high["y"] + high["height"] - 1 for high, low in pairwise(boxes))


def test_start(reader, data_site):
    """A page without a choice offers two comparisons."""
    page = reader.open(f"{data_site('rich').url}compare.html", now=NOW)
    page.get_by_role("link", name="Compare GitHub stars").click()
    page.locator(".compare-figure").wait_for()
    assert page.locator(".compare-chosen li").count() == 2
    assert page.get_by_role("link", name="Compare the most downloaded packages").is_hidden()


def test_unknown(reader, data_site):
    """Unknown names and modes are ignored."""
    page = reader.open(f"{data_site('rich').url}compare.html?m=nobody,%3Cb%3E,__proto__&mode=pie", now=NOW)
    page.get_by_text("Choose two to six metrics").wait_for()
    assert page.locator(".compare-figure").is_hidden()


def test_from_a_folder(reader, data_site):
    """The page works as a local file."""
    page = reader.open(f"{(data_site('rich').folder / 'compare.html').as_uri()}?m={PYLANCE},{STARS}", now=NOW)
    page.locator(".compare-figure polyline").first.wait_for()


def test_without_scripts(reader, data_site):
    """The page says that it needs scripts, and links to the rows."""
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
