"""The still picture of downloads shows other views without Plotly, with the same look as the server's."""

from __future__ import annotations

import re
from datetime import date

import pytest
from playwright.sync_api import Page

from tests.site.conftest import point_at, state_of
from tests.site.sums import sums, week
from tests.site.test_cursor import HERO, OCTOBER, assert_still, read, sums_of

MARKS = """() => document.querySelector("#chart-downloads .still .marks").outerHTML.replaceAll(/>\\s+</g, "><")"""


def heights(page: Page, tone: str) -> list[float]:
    """Return the heights of the solid bars of a colour, in thousandths of the plot."""
    path = page.locator(f"#chart-downloads .still .marks path.tone-{tone}").get_attribute("d")
    return [float(height) for height in re.findall(r"v([\d.]+)h-", path or "")]


def test_hide_without_plotly(reader, data_site):
    """A series is hidden and shown again in the picture, with an adapted axis; Back undoes it."""
    page = read(reader, data_site, "desk")
    first = page.evaluate(MARKS)
    before = heights(page, "a1")
    button = page.locator("#chart-downloads .legend [data-series=product-lancedb]")
    button.click()
    assert button.get_attribute("aria-pressed") == "false"
    assert state_of(page) == {"hide": "product-lancedb"}
    assert page.locator("#chart-downloads .still path.tone-a0").count() == 0
    after = heights(page, "a1")
    assert len(after) == len(before)
    assert max(after) > 2 * max(before)
    card = point_at(page, HERO, OCTOBER)
    lance = sums_of(data_site, "rich", date(2026, 10, 1))["lance"]
    assert [row.split() for row in card.locator("li").all_inner_texts()] == [["Lance", f"{lance:,}"]]
    page.go_back()
    page.wait_for_function(f"(first) => ({MARKS})() === first", arg=first)
    page.go_forward()
    button.click()
    assert page.evaluate(MARKS) == first
    for one in page.locator("#chart-downloads .legend [data-series]:visible").all():
        one.click()
    assert page.locator("#chart-downloads .message").inner_text().startswith("All series hidden")
    assert page.locator("#chart-downloads .still .marks .bar").count() == 0
    assert page.locator("#chart-downloads .plane").is_hidden()
    page.get_by_role("button", name="Show all").click()
    assert page.evaluate(MARKS) == first
    assert_still(reader)


def test_view_of_an_address(reader, data_site):
    """Weeks of a year by SDK are drawn from the data in the page, with a bar per week and SDK."""
    page = read(reader, data_site, "desk")
    page.goto(f"{data_site('rich').url}?by=week&split=sdk&range=1y")
    (node,) = (days for metric, days in data_site("rich").data.values.items() if metric == "downloads:lancedb:nodejs")
    whole = [one for one in sums(node, week, date(2025, 12, 1)) if one.is_whole]
    assert len(heights(page, "nodejs")) == pytest.approx(len(whole), abs=1)
    bars = heights(page, "nodejs")
    ratio = bars[-1] / bars[0]
    assert ratio == pytest.approx(whole[-1].value / whole[0].value, rel=0.03)
    assert_still(reader)
