"""The window of charts: its sum and change, its selection, and its look."""

from __future__ import annotations

import io
import re
from collections.abc import Mapping
from datetime import date, timedelta

import pytest
from PIL import Image, ImageChops
from playwright.sync_api import Locator, Page, Route

from tests.site.conftest import axe, state_of
from tests.site.test_cursor import SIZES, assert_still, box, read
from tests.world.page_data import NOW

DAY = timedelta(days=1)
MAY, OCTOBER = (17.5 / 24), (22.5 / 24)


def total(values: Mapping[str, Mapping[date, int]], first: date, last: date, product: str = "") -> int:
    """Return the sum of all stored downloads in a window, or of those of one product."""
    chosen = (days for metric, days in values.items() if metric.startswith(f"downloads:{product}"))
    return sum(value for days in chosen for day, value in days.items() if first <= day <= last)


def window_of(page: Page) -> tuple[str, str]:
    """Return title and summary of the window, once the values are loaded."""
    summary = page.locator("#chart-downloads .window-sum")
    summary.locator("b").wait_for()
    title = page.locator("#chart-downloads h2").inner_text().removeprefix("Downloads per month:").strip()
    return title, summary.inner_text()


def drag(page: Page, start: float, end: float) -> None:
    plane = page.locator("#chart-downloads .plane").bounding_box()
    assert plane is not None
    y = plane["y"] + plane["height"] / 2
    page.mouse.move(plane["x"] + start * plane["width"], y)
    page.mouse.down()
    for step in (0.3, 0.7, 1):
        page.mouse.move(plane["x"] + (start + step * (end - start)) * plane["width"], y)
    page.mouse.up()


def test_drag(reader, data_site):
    """A drag over six months shows their exact sum, its parts and missing days; Back undoes it."""
    page = read(reader, data_site, "desk")
    values = data_site("rich").data.values
    drag(page, MAY, OCTOBER)
    title, text = window_of(page)
    first, last = date(2026, 5, 1), date(2026, 10, 31)
    both = total(values, first, last)
    assert title == "May – October 2026"
    assert text.startswith(f"{both:,} downloads")
    shares = {name: round(100 * total(values, first, last, name.lower() + ":") / both) for name in ("LanceDB", "Lance")}
    plain = text.replace("\u2068", "").replace("\u2069", "")
    assert f"LanceDB {shares['LanceDB']}%, Lance {shares['Lance']}%" in plain
    metrics = [metric for metric in values if metric.startswith("downloads:")]
    expected = len(metrics) * ((last - first).days + 1)
    known = sum(first <= day <= last for metric in metrics for day in values[metric])
    assert known < expected
    assert f"{known:,} of {expected:,} package-days." in plain
    assert state_of(page) == {"from": "2026-05-01", "to": "2026-10-31"}
    page.go_back()
    page.locator("#chart-downloads h2", has_text="Downloads per month").wait_for()
    assert page.locator("#chart-downloads .window-sum").is_hidden()
    assert state_of(page) == {}
    page.go_forward()
    assert window_of(page) == (title, text)
    assert_still(reader)


def test_no_sum_of_another_window(reader, data_site):
    """While the values of a window are loading, the previous sum is not shown below the new title."""
    page = read(reader, data_site, "desk")
    summary = page.locator("#chart-downloads .window-sum")
    drag(page, MAY + 4 / 24, OCTOBER)
    window_of(page)
    # Over more months, more packages have missing days; the additional values for their comparison are delayed.
    delayed: list[Route] | None = []

    def answer(route: Route) -> None:
        if delayed is None:
            route.continue_()
        else:
            delayed.append(route)

    page.route("**/days/*", answer)
    with page.expect_request("**/days/*"):
        drag(page, MAY, OCTOBER)
    assert page.locator("#chart-downloads h2").inner_text().endswith("May – October 2026")
    assert not summary.is_visible()
    waiting, delayed = delayed, None
    for route in waiting:
        route.continue_()
    _, text = window_of(page)
    assert text.startswith(f"{total(data_site('rich').data.values, date(2026, 5, 1), date(2026, 10, 31)):,} downloads")


def complete(days: Mapping[date, int], first: date, last: date) -> bool:
    return all(first + n * DAY in days for n in range((last - first).days + 1))


WINDOWS = [
    (date(2026, 7, 1), date(2026, 8, 31), "July – August 2026", date(2026, 5, 1)),
    (date(2026, 4, 20), date(2026, 6, 9), "20 Apr to 9 Jun 2026", date(2026, 2, 28)),
    (date(2025, 12, 29), date(2026, 1, 3), "29 Dec 2025 to 3 Jan 2026", date(2025, 12, 23)),
    (date(2025, 1, 1), date(2025, 12, 31), "January – December 2025", date(2024, 1, 1)),
]


@pytest.mark.parametrize("name", ["rich", "five"])
@pytest.mark.parametrize("window", WINDOWS, ids=lambda window: window[2])
def test_sum_of_any_days(reader, data_site, name, window):
    """The sum is of the stored days, and the change is of the packages that are complete in both windows."""
    first, last, title, before = window
    site = data_site(name)
    page = reader.open(f"{site.url}?from={first}&to={last}", now=NOW)
    shown, text = window_of(page)
    assert shown == title
    values = {metric: days for metric, days in site.data.values.items() if metric.startswith("downloads:")}
    assert text.startswith(f"{total(values, first, last):,} downloads")
    earlier = (before, first - DAY)
    whole = [days for days in values.values() if complete(days, first, last) and complete(days, *earlier)]
    rest = [days for days in values.values() if not any(days is one for one in whole)]

    def sums(of: list, span: tuple[date, date]) -> list[int]:
        return [sum(value for day, value in days.items() if span[0] <= day <= span[1]) for days in of]

    weight = sum(map(max, zip(sums(rest, (first, last)), sums(rest, earlier), strict=True)))
    now, then = sum(sums(whole, (first, last))), sum(sums(whole, earlier))
    if weight > 0.1 * (max(now, then) + weight):
        assert "No comparison with" in text
        assert " vs " not in text
        return
    change = 100 * (now / then - 1)
    expected = f"{change:+.1f}%".replace("-", "\u2212") if change < 100 else f"×{now / then:.1f}"
    assert f"· {expected} vs the " in text
    assert ("The comparison excludes" in text) == bool(rest)


def test_window_beyond_the_data(reader, data_site):
    """A window is limited to the stored days, and an invalid one is ignored."""
    page = reader.open(f"{data_site('rich').url}?from=1999-01-01&to=2099-01-01", now=NOW)
    _, text = window_of(page)
    assert text.startswith(f"{total(data_site('rich').data.values, date.min, date.max):,} downloads")
    for address in (
        "?from=2026-05-01",
        "?from=2026-06-01&to=2026-05-01",
        "?from=2026-02-30&to=2026-03-01",
        "?from=x&to=y",
    ):
        page.goto(data_site("rich").url + address)
        assert page.locator("#chart-downloads h2").inner_text() == "Downloads per month"


def test_reload_same_pixels(reader, data_site, device):
    """The address restores the same picture, except for the anti-aliasing of text."""
    page = read(reader, data_site, device, reduced_motion="reduce")
    page.goto(f"{data_site('rich').url}?from=2026-05-01&to=2026-10-31")
    window_of(page)
    figure = page.locator("#chart-downloads")
    figure.scroll_into_view_if_needed()
    before = Image.open(io.BytesIO(figure.screenshot())).convert("L")
    page.reload()
    window_of(page)
    figure.scroll_into_view_if_needed()
    after = Image.open(io.BytesIO(figure.screenshot())).convert("L")
    assert after.size == before.size
    other = sum(ImageChops.difference(before, after).histogram()[48:])
    assert other < 0.001 * before.width * before.height


@pytest.fixture(params=["desk", "phone"])
def device(request) -> str:
    return request.param


def test_keys(reader, data_site):
    """Shift with arrow keys selects and announces a window, Esc clears it, and each choice is a step of the history."""
    page = read(reader, data_site, "desk")
    plane = page.locator("#chart-downloads .plane")
    plane.focus()
    page.keyboard.press("End")
    page.keyboard.press("ArrowLeft")
    page.keyboard.down("Shift")
    for _ in range(5):
        page.keyboard.press("ArrowLeft")
    page.keyboard.up("Shift")
    title, text = window_of(page)
    assert title == "May – October 2026"
    assert state_of(page) == {"from": "2026-05-01", "to": "2026-10-31"}
    speech = page.locator("body > [role=status]", has_text="May – October 2026")
    speech.wait_for()
    assert f"{total(data_site('rich').data.values, date(2026, 5, 1), date(2026, 10, 31)):,} downloads" in text
    assert axe(page) == []
    page.keyboard.press("Escape")
    assert state_of(page) == {}
    assert page.locator("#chart-downloads h2").inner_text() == "Downloads per month"


def test_clear_and_double_click(reader, data_site):
    """The button clears the window; a double click shows the complete range without a window."""
    page = reader.open(f"{data_site('rich').url}?from=2026-05-01&to=2026-10-31", now=NOW)
    window_of(page)
    page.get_by_role("button", name="Clear the selected window of Downloads per month").click()
    assert state_of(page) == {}
    drag(page, MAY, OCTOBER)
    window_of(page)
    plane = page.locator("#chart-downloads .plane").bounding_box()
    page.mouse.dblclick(plane["x"] + 100, plane["y"] + 100)
    state = state_of(page)
    assert state["range"] == "all"
    assert "from" not in state


def test_dates(reader, data_site, device):
    """Two dates select any days, by touch and keyboard, too; fields and buttons are large enough."""
    phone = device == "phone"
    page = reader.open(data_site("rich").url, now=NOW, size=SIZES[device], has_touch=phone, is_mobile=phone)
    page.locator("#chart-downloads .view").click()
    dates = page.locator("#chart-downloads .dates")
    dates.get_by_label("From").fill("2026-05-10")
    dates.get_by_label("to", exact=True).fill("2026-10-31")
    if device == "phone":
        for control in dates.locator("input, button").all():
            left, top, right, bottom = box(control)
            assert min(right - left, bottom - top) >= 44
    dates.get_by_role("button", name="Show dates").click()
    title, text = window_of(page)
    assert title == "10 May to 31 Oct 2026"
    assert text.startswith(f"{total(data_site('rich').data.values, date(2026, 5, 10), date(2026, 10, 31)):,} downloads")
    assert state_of(page) == {"from": "2026-05-10", "to": "2026-10-31"}
    if device == "phone":
        left, top, right, bottom = box(page.locator("#chart-downloads .clear"))
        assert min(right - left, bottom - top) >= 44
        assert page.evaluate("() => document.documentElement.scrollWidth") == SIZES[device][0]


def edges(page: Page) -> list[Locator]:
    return page.locator("#chart-downloads .edge").all()


def test_window_on_the_plot(reader, data_site):
    """The edges are at both ends, the rest of the plot is dimmed, and an edge can be moved."""
    page = read(reader, data_site, "desk")
    drag(page, MAY, OCTOBER)
    window_of(page)
    plane = box(page.locator("#chart-downloads .plane"))
    month = (plane[2] - plane[0]) / 24
    start, end = (sum(box(edge)[::2]) / 2 for edge in edges(page))
    assert start == pytest.approx(plane[0] + 17 * month, abs=month / 6)
    assert end == pytest.approx(plane[0] + 23 * month, abs=month / 6)
    early, late = (box(dim) for dim in page.locator("#chart-downloads .dim").all())
    assert early[0] == pytest.approx(plane[0], abs=0.5)
    assert early[2] == pytest.approx(start, abs=0.5)
    assert late[0] == pytest.approx(end, abs=0.5)
    assert late[2] == pytest.approx(plane[2], abs=0.5)
    y = (plane[1] + plane[3]) / 2
    page.mouse.move(start, y)
    page.mouse.down()
    page.mouse.move(start + 1.5 * month, y, steps=4)
    page.mouse.up()
    assert state_of(page) == {"from": "2026-06-01", "to": "2026-10-31"}


def test_finger_scrolls(reader, data_site):
    """A moving finger scrolls and selects nothing; a resting one selects a period."""
    page = read(reader, data_site, "phone", is_mobile=True)
    plane = page.locator("#chart-downloads .plane")
    assert plane.evaluate("(one) => getComputedStyle(one).touchAction") == "pan-y pinch-zoom"
    plane.scroll_into_view_if_needed()
    left, top, right, bottom = box(plane)
    client = page.context.new_cdp_session(page)

    def touch(kind: str, share: float | None) -> None:
        points = [] if share is None else [{"x": left + share * (right - left), "y": (top + bottom) / 2}]
        client.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})

    touch("touchStart", 0.2)
    touch("touchMove", 0.5)
    touch("touchEnd", None)
    assert state_of(page) == {}
    touch("touchStart", MAY)
    page.locator("#chart-downloads.windowed").wait_for()
    touch("touchMove", OCTOBER)
    touch("touchEnd", None)
    page.wait_for_url("**/?from=2026-05-01&to=2026-10-31")


def test_window_of_stars(reader, data_site):
    """The window of a stock shows the gain and the counts at both ends, with its own parameters of the address."""
    site = data_site("rich")
    page = reader.open(f"{site.url}products/lance.html?starsfrom=2026-07-01&starsto=2026-07-31", now=NOW)
    summary = page.locator("#chart-stars-lance .window-sum")
    page.locator("#chart-stars-lance").scroll_into_view_if_needed()
    summary.locator("b").wait_for()
    (days,) = (one for metric, one in site.data.values.items() if metric.startswith("stars:lance:"))
    first, last, earlier = days[date(2026, 6, 30)], days[date(2026, 7, 31)], days[date(2026, 5, 31)]
    assert summary.inner_text() == (
        f"{last - first:+,} stars, from {first:,} to {last:,} · {first - earlier:+,} in the month before"
    )
    assert page.locator("#chart-downloads-lance .window-sum").is_hidden()


def test_forced_colors(reader, data_site):
    """With forced colours, the edges and the dimmed rest are visible."""
    page = read(reader, data_site, "desk", forced_colors="active")
    drag(page, MAY, OCTOBER)
    window_of(page)
    colors = page.locator("#chart-downloads .edge").first.evaluate(
        "(one) => [getComputedStyle(one, '::before').backgroundColor, getComputedStyle(document.body).backgroundColor]"
    )
    assert colors[0] != colors[1]
    image = page.locator("#chart-downloads .dim").first.evaluate("(one) => getComputedStyle(one).backgroundImage")
    assert image.startswith("repeating-linear-gradient")


def test_parts_of_a_product_with_many_packages(reader, data_site):
    """Shares of the largest packages and of the others together are stated, and add up."""
    page = reader.open(f"{data_site('m300').url}products/p00.html?from=2026-05-01&to=2026-10-31", now=NOW)
    summary = page.locator("#chart-downloads-p00 .window-sum")
    summary.locator("b").wait_for()
    shares = re.findall(r"(\d+)%", summary.inner_text().rpartition(" · ")[2])
    assert len(shares) == 4
    assert "the others" in summary.inner_text()
    assert sum(map(int, shares)) == pytest.approx(100, abs=2)
