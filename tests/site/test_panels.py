"""Charts of counts and of net stars: cursor, windows, texts, files."""

from __future__ import annotations

import json
from datetime import date, timedelta

import pytest
from playwright.sync_api import Page

from cmetrics.charts.theme import contrast
from tests.site.conftest import axe, point_at, state_of
from tests.site.test_cursor import SIZES, assert_still, box, hex_of
from tests.world.page_data import AS_OF, NOW

DAY = timedelta(days=1)
PULLS, NET = "pulls-acme-dockerhub", "net-stars-acme"
ALL = (NET, PULLS, "downloads-acme-openvsx", "installs-acme-homebrew-30d", "likes-acme-huggingface")
#: The first of the 170 days in a chart of a count.
FIRST = AS_OF - 169 * DAY


def share(day: date, first: date = FIRST) -> float:
    """Return the position of the middle of a day in the plot."""
    return ((day - first).days + 0.5) / ((AS_OF - first).days + 1)


def read(reader, data_site, device: str = "desk", query: str = "", **options) -> Page:
    """Open the page of the product without plotly.min.js."""
    context = reader.context(**{"size": SIZES[device], "now": NOW, "has_touch": device == "phone"} | options)
    context.route("**/plotly.min.js", lambda route: route.abort())
    context.add_init_script("Object.defineProperty(navigator, 'connection', { value: { saveData: true } })")
    page = context.new_page()
    page.goto(f"{data_site('counts').url}products/acme.html{query}")
    return page


def values_of(data_site, source: str) -> dict[date, int]:
    (found,) = (days for metric, days in data_site("counts").data.values.items() if metric.endswith(source))
    return dict(found)


@pytest.mark.parametrize("device", ["desk", "phone"])
def test_card_of_a_counter(reader, data_site, device):
    """It has the reading and the increase since the previous one; missed nights are one period with its coverage."""
    page = read(reader, data_site, device)
    pulls = values_of(data_site, "dockerhub")
    day = date(2026, 8, 4)
    card = point_at(page, PULLS, share(day), finger=device == "phone")
    assert card.locator(".when").inner_text() == "4 August 2026"
    rows = [[cell.inner_text() for cell in row.locator("bdi, b").all()] for row in card.locator("li").all()]
    assert rows == [["Pulls", f"{pulls[day]:,}"], ["Since previous reading", f"{pulls[day] - pulls[day - DAY]:,}"]]
    assert card.locator("p").last.inner_text() == "Source: Docker Hub"
    card = point_at(page, PULLS, share(date(2026, 7, 7)), finger=device == "phone")
    increase = pulls[date(2026, 7, 11)] - pulls[date(2026, 7, 3)]
    assert card.locator(".when").inner_text() == "4 to 11 Jul 2026"
    assert f"{increase:,} over 8 days" in card.inner_text()
    assert "1 of 8 nights read" in card.inner_text()
    left, _, right, _ = box(page.locator(f"#chart-{PULLS} .column"))
    plane = box(page.locator(f"#chart-{PULLS} .plane"))
    assert right - left == pytest.approx(8 * (plane[2] - plane[0]) / 170, abs=1)
    card = point_at(page, PULLS, share(date(2026, 9, 9)), finger=device == "phone")
    assert "unknown: the count fell" in card.inner_text()
    assert_still(reader)


def test_card_of_days(reader, data_site):
    """Missing days have no value, and windows state their period."""
    page = read(reader, data_site)
    card = point_at(page, "views-acme-github-traffic", share(date(2026, 9, 15)))
    assert card.locator(".when").inner_text() == "14 to 16 Sep 2026"
    assert card.locator("li b").inner_text() == "No data"
    assert "0 of 3 days" in card.inner_text()
    card = point_at(page, "installs-acme-homebrew-30d", share(date(2026, 9, 2)))
    assert card.locator(".when").inner_text() == "30 days to 2 September 2026"
    assert card.locator("li b").inner_text() == f"{values_of(data_site, 'homebrew:30d')[date(2026, 9, 2)]:,}"


@pytest.mark.parametrize("device", ["desk", "phone"])
def test_card_of_net_stars(reader, data_site, device):
    """It has the net change of the week and the number of known repositories; weeks without a count have no value."""
    page = read(reader, data_site, device)
    stars = values_of(data_site, "github")
    card = point_at(page, NET, 51.5 / 52, finger=device == "phone")
    assert card.locator(".when").inner_text() == "16 to 22 Nov 2026"
    net = stars[date(2026, 11, 22)] - stars[date(2026, 11, 15)]
    assert card.locator("li").inner_text().split() == ["Net", "stars", f"+{net}"]
    assert card.locator("p").all_inner_texts()[1:] == ["1 of 1 repository", "Source: GitHub"]
    card = point_at(page, NET, 38.5 / 52, finger=device == "phone")
    assert card.locator("li b").inner_text() == "No data"
    assert "0 of 1 repository" in card.inner_text()
    assert box(card)[3] <= box(page.locator(f"#chart-{NET} .canvas"))[1] or device == "desk"
    assert_still(reader)


@pytest.mark.parametrize("key", [PULLS, NET])
def test_keys(reader, data_site, key):
    """Arrow keys move between periods and announce each; Esc closes the card."""
    page = read(reader, data_site)
    chart = page.locator(f"#chart-{key}")
    chart.locator(".plane").focus()
    card, speech = chart.locator(".cursor-card"), page.locator("body > [role=status]")
    names = []
    for pressed in ("End", "ArrowLeft", "Home", "ArrowRight"):
        page.keyboard.press(pressed)
        names.append(card.locator(".when").inner_text())
    assert len(set(names)) == 4
    speech.get_by_text(names[-1]).wait_for()
    assert card.locator("li b").first.inner_text() in speech.inner_text()
    page.keyboard.press("Escape")
    assert card.is_hidden()
    assert chart.locator(".column").is_hidden()
    assert axe(page) == []
    assert_still(reader)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_card_has_contrast(reader, data_site, scheme):
    page = read(reader, data_site, color_scheme=scheme)
    for key in (PULLS, NET):
        card = point_at(page, key, 0.9)
        ground = hex_of(card.evaluate("(one) => getComputedStyle(one).backgroundColor"))
        colors = card.locator("p, bdi, b").evaluate_all("(all) => all.map((one) => getComputedStyle(one).color)")
        assert len(colors) >= 4
        assert all(contrast(hex_of(color), ground) >= 4.5 for color in colors)
        left, _, right, _ = box(card)
        column = box(page.locator(f"#chart-{key} .column"))
        assert right <= column[0] or left >= column[2]


#: The visible texts of a frame with their size and box.
TEXTS = """(frame) => [...frame.querySelectorAll("text")].filter((one) => one.getClientRects().length).map((one) => {
  const { left, top, right, bottom } = one.getBoundingClientRect();
  return [one.textContent, parseFloat(getComputedStyle(one).fontSize), bottom - top, left, top, right, bottom];
})"""


@pytest.mark.parametrize("width", [360, 390, 768, 1280, 1920])
def test_texts(reader, data_site, width):
    """They have the size of those of other charts at any width, are inside the figure, and do not overlap."""
    page = read(reader, data_site, size=(width, 900))
    usual = page.locator("#chart-stars-acme .frame").evaluate(TEXTS)
    sizes = {size for _, size, *_ in usual}
    heights = {round(height) for _, _, height, *_ in usual}
    for key in ALL:
        figure = box(page.locator(f"#chart-{key}"))
        texts = page.locator(f"#chart-{key} .frame").evaluate(TEXTS)
        assert len(texts) >= 5, key
        assert {size for _, size, *_ in texts} <= sizes
        assert {round(height) for _, _, height, *_ in texts} <= heights
        for number, (text, _, _, left, top, right, bottom) in enumerate(texts):
            assert figure[0] <= left < right <= figure[2], (key, text)
            assert figure[1] <= top < bottom <= figure[3], (key, text)
            for other, _, _, *place in texts[number + 1 :]:
                meets = (
                    min(right, place[2]) - max(left, place[0]) > 1 and min(bottom, place[3]) - max(top, place[1]) > 3
                )
                assert not meets, (key, text, other)
        assert not [text for text, *_ in texts if not text.isascii() and "−" not in text]
    assert page.locator(f"#chart-{PULLS} .frame [transform*=rotate]").count() == 0


def test_labels_above_the_bars(reader, data_site):
    """The unit is at the top level of each panel only."""
    page = read(reader, data_site)
    texts = page.locator(f"#chart-{PULLS} .levels text").all_text_contents()
    assert [sum(word in text for text in texts) for word in ("pulls", "per day")] == [1, 1]
    assert "stars" in page.locator(f"#chart-{NET} .levels text").last.text_content()


def drag(page: Page, key: str, start: float, end: float) -> None:
    plane = page.locator(f"#chart-{key} .plane")
    plane.scroll_into_view_if_needed()
    left, top, right, bottom = box(plane)
    page.mouse.move(left + start * (right - left), (top + bottom) / 2)
    page.mouse.down()
    for step in (0.4, 1):
        page.mouse.move(left + (start + step * (end - start)) * (right - left), (top + bottom) / 2)
    page.mouse.up()


def test_window_of_a_counter(reader, data_site):
    """A drag shows the exact increase of its days and the change from as many days before; Back undoes it."""
    page = read(reader, data_site)
    pulls = values_of(data_site, "dockerhub")
    drag(page, PULLS, share(date(2026, 8, 11)), share(date(2026, 8, 20)))
    summary = page.locator(f"#chart-{PULLS} .window-sum")
    summary.locator("b").wait_for()
    now = pulls[date(2026, 8, 20)] - pulls[date(2026, 8, 10)]
    then = pulls[date(2026, 8, 10)] - pulls[date(2026, 7, 31)]
    change = 100 * (now / then - 1)
    sign = "+" if change >= 0 else "\N{MINUS SIGN}"
    assert summary.inner_text() == f"{now:,} pulls · {sign}{abs(change):.1f}% vs the ten days before"
    assert page.locator(f"#chart-{PULLS} h3").inner_text().endswith("11 to 20 Aug 2026")
    assert state_of(page) == {"countsfrom": "2026-08-11", "countsto": "2026-08-20"}
    assert page.locator("#chart-views-acme-github-traffic .window-sum").is_visible()
    assert page.locator(f"#chart-{NET} .window-sum").is_hidden()
    text = summary.inner_text()
    page.reload()
    summary.locator("b").wait_for()
    assert summary.inner_text() == text
    page.go_back()
    summary.wait_for(state="hidden")
    assert state_of(page) == {}
    assert_still(reader)


def test_window_over_unknown_days(reader, data_site):
    """Unknown days are counted, and not compared."""
    page = read(reader, data_site, query="?countsfrom=2026-09-01&countsto=2026-09-30")
    text = page.locator(f"#chart-{PULLS} .window-sum").inner_text()
    assert "Known for 29 of 30 days. No comparison with the month before: days missing." in text
    views = values_of(data_site, "views:acme:github-traffic")
    total = sum(value for day, value in views.items() if date(2026, 9, 1) <= day <= date(2026, 9, 30))
    views_text = page.locator("#chart-views-acme-github-traffic .window-sum").inner_text()
    assert views_text.startswith(f"{total:,} views")
    assert "Known for 27 of 30 days." in views_text
    likes = values_of(data_site, "huggingface")
    gain = likes[date(2026, 9, 30)] - likes[date(2026, 8, 31)]
    assert page.locator("#chart-likes-acme-huggingface .window-sum").inner_text().startswith(f"+{gain} likes, from ")
    assert "installs in 30 days, from" in page.locator("#chart-installs-acme-homebrew-30d .window-sum").inner_text()


def test_window_of_net_stars(reader, data_site):
    """It equals that of the charts of stars, with the same sum."""
    page = read(reader, data_site)
    stars = values_of(data_site, "github")
    drag(page, NET, 47.5 / 52, 51.5 / 52)
    summary = page.locator(f"#chart-{NET} .window-sum")
    summary.locator("b").wait_for()
    gain = stars[date(2026, 11, 22)] - stars[date(2026, 10, 18)]
    assert summary.inner_text().startswith(f"+{gain} stars, from ")
    assert page.locator("#chart-stars-acme .window-sum").inner_text() == summary.inner_text()
    assert state_of(page) == {"starsfrom": "2026-10-19", "starsto": "2026-11-22"}
    page.locator(f"#chart-{NET}").get_by_role("button", name="Clear").click()
    summary.wait_for(state="hidden")
    assert state_of(page) == {}


def test_published_figures(reader, data_site):
    """Every chart of the page links to its Plotly figure."""
    page = read(reader, data_site)
    for key in ALL:
        link = page.locator(f"#chart-{key} .download a").first
        path = link.get_attribute("href")
        assert path is not None
        figure = json.loads((data_site("counts").folder / "products" / path).resolve().read_bytes())
        assert figure["layout"]["meta"]["chart"] == key
        assert figure["data"]


def test_charts_without_a_script(reader, data_site):
    """Picture, table and download are shown; controls that need a script are not."""
    page = reader.open(f"{data_site('counts').url}products/acme.html", java_script_enabled=False)
    for key in ALL:
        chart = page.locator(f"#chart-{key}")
        assert chart.locator(".still").is_visible()
        assert chart.get_by_text("Table", exact=True).is_visible()
        assert not chart.get_by_role("button", name="Embed").is_visible()


def test_forced_colors(reader, data_site):
    """With forced colours, gains and losses keep their colours, and the column is visible."""
    page = read(reader, data_site, forced_colors="active")
    fill = "(one) => getComputedStyle(one).fill"
    bars = page.locator(f"#chart-{NET} .still .bar")
    assert bars.count() == 2
    assert bars.first.evaluate(fill) != bars.last.evaluate(fill)
    point_at(page, NET, 0.5)
    column = page.locator(f"#chart-{NET} .column")
    assert column.evaluate("(one) => getComputedStyle(one).borderLeftWidth") == "2px"
