"""The cursor of charts: the content, look and position of its card."""

from __future__ import annotations

import re
from datetime import date

import pytest
from playwright.sync_api import Locator, Page, expect

from cmetrics.charts.theme import contrast
from tests.site.conftest import activate_charts, axe, point_at, point_at_end
from tests.site.sums import month
from tests.world.page_data import NOW

HERO = "downloads"
#: The position of the middle of October 2026 in 24 months that end with November.
OCTOBER = 22.5 / 24
SIZES = {"desk": (1280, 900), "phone": (390, 844)}


@pytest.fixture(params=["desk", "phone"])
def device(request) -> str:
    return request.param


def read(reader, data_site, device: str, name: str = "rich", **options) -> Page:
    """Open the overview of a data set without plotly.min.js."""
    context = reader.context(size=SIZES[device], now=NOW, has_touch=device == "phone", **options)
    context.route("**/plotly.min.js", lambda route: route.abort())
    # With saveData, live charts are not drawn in advance.
    context.add_init_script("Object.defineProperty(navigator, 'connection', { value: { saveData: true } })")
    page = context.new_page()
    page.goto(data_site(name).url)
    return page


def assert_still(reader) -> None:
    """Check that Plotly was not requested."""
    assert not any("plotly" in url for url in reader.requested)


def sums_of(data_site, name: str, day: date) -> dict[str, int]:
    """Return the sums of a month by product, computed from the rows."""
    first, last = month(day)
    found: dict[str, int] = {}
    for metric_id, days in data_site(name).data.values.items():
        if metric_id.startswith("downloads:"):
            product = metric_id.split(":")[1]
            found[product] = found.get(product, 0) + sum(v for d, v in days.items() if first <= d <= last)
    return found


def test_card_shows_every_series(reader, data_site, device):
    """The card has month, series in stacking order, total, coverage and sources, with the values of the rows."""
    page = read(reader, data_site, device)
    card = point_at(page, HERO, OCTOBER, finger=device == "phone")
    expected = sums_of(data_site, "rich", date(2026, 10, 1))
    assert card.locator(".when").inner_text() == "October 2026"
    assert [row.split() for row in card.locator("li").all_inner_texts()] == [
        ["Lance", f"{expected['lance']:,}"],
        ["LanceDB", f"{expected['lancedb']:,}"],
        ["Total", f"{sum(expected.values()):,}"],
    ]
    notes = card.locator("p").all_inner_texts()
    assert "31 of 31 days" in notes
    assert notes[-1].startswith("Source: ")
    assert {"PyPI", "npm", "crates.io"} <= set(notes[-1].removeprefix("Source: ").split(":")[0].split(", "))
    swatches = card.locator("li i").evaluate_all("(all) => all.map((one) => getComputedStyle(one).backgroundColor)")
    assert len(set(swatches)) == 2
    assert "rgba(0, 0, 0, 0)" not in swatches
    assert_still(reader)


def test_card_states_missing_days(reader, data_site):
    """For a month with missing days, the card names the series and counts the days of all its packages."""
    page = read(reader, data_site, "desk")
    card = point_at(page, HERO, 21.5 / 24)
    assert card.locator(".when").inner_text() == "September 2026"
    assert "58 of 60 package-days, 2 missing" in card.inner_text()
    assert "so far" in point_at_end(page, HERO).inner_text()


#: The colour of every text of a card, its background, and its opacity.
PAINT = """(card) => [...card.querySelectorAll("p, bdi, b, span")].map((one) => {
  const style = getComputedStyle(one);
  return [one.textContent, style.color, getComputedStyle(card).backgroundColor, style.visibility, style.opacity];
})"""


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_card_has_contrast(reader, data_site, device, scheme):
    """Every text has a contrast of 4.5:1 to the opaque background of the card."""
    page = read(reader, data_site, device, color_scheme=scheme)
    card = point_at(page, HERO, OCTOBER, finger=device == "phone")
    painted = card.evaluate(PAINT)
    assert len(painted) >= 8
    for text, color, ground, visibility, opacity in painted:
        assert (visibility, opacity) == ("visible", "1"), text
        assert contrast(hex_of(color), hex_of(ground)) >= 4.5, text


def hex_of(color: str) -> str:
    """Return ``rgb(1, 2, 3)`` as ``#010203``. Fail for a transparent colour."""
    assert color.startswith("rgb("), color
    return "#" + "".join(f"{int(part):02x}" for part in color[4:-1].split(","))


def box(element: Locator) -> tuple[float, float, float, float]:
    found = element.bounding_box()
    assert found is not None
    return found["x"], found["y"], found["x"] + found["width"], found["y"] + found["height"]


@pytest.mark.parametrize("share", [0.001, 0.25, 0.49, 0.51, 0.75, 0.999])
def test_card_place(reader, data_site, device, share):
    """The card is inside the figure and does not cover the column; on a phone, it is above the picture."""
    page = read(reader, data_site, device)
    card = point_at(page, HERO, share, finger=device == "phone")
    left, top, right, bottom = box(card)
    figure = box(page.locator("#chart-downloads"))
    assert figure[0] <= left < right <= figure[2]
    assert figure[1] <= top < bottom <= figure[3]
    column = box(page.locator("#chart-downloads .column"))
    if device == "phone":
        assert bottom <= box(page.locator("#chart-downloads .canvas"))[1]
    else:
        assert right <= column[0] or left >= column[2]
    plane = box(page.locator("#chart-downloads .plane"))
    pointed = plane[0] + share * (plane[2] - plane[0])
    assert column[0] - 1 <= pointed <= column[2] + 1
    assert page.evaluate("() => document.documentElement.scrollWidth") == SIZES[device][0]


def test_picture_stays_below_the_finger(reader, data_site):
    """The card of a phone opens and closes without moving the picture, whatever the period."""
    page = read(reader, data_site, "phone")
    canvas = page.locator("#chart-downloads .canvas")
    canvas.scroll_into_view_if_needed()
    before = box(canvas)[1]
    for share in (0.1, 0.6, 0.9):
        point_at(page, HERO, share, finger=True)
        assert box(canvas)[1] == pytest.approx(before, abs=1)
    page.touchscreen.tap(300, 10)
    page.locator("#chart-downloads .cursor-card").wait_for(state="hidden")
    assert box(canvas)[1] == pytest.approx(before, abs=1)


def test_escape_closes_card(reader, data_site):
    """Esc closes the card until the pointer moves to another period."""
    page = read(reader, data_site, "desk")
    card = point_at(page, HERO, OCTOBER)
    page.keyboard.press("Escape")
    assert card.is_hidden()
    assert page.locator("#chart-downloads .column").is_hidden()
    plane = page.locator("#chart-downloads .plane").bounding_box()
    page.mouse.move(plane["x"] + OCTOBER * plane["width"] + 1, plane["y"] + 20)
    assert card.is_hidden()
    assert point_at(page, HERO, 0.5).is_visible()
    page.mouse.move(5, 5)
    card.wait_for(state="hidden")


def test_keys(reader, data_site):
    """The plot is one tab stop; arrows, Page Up and Down, Home and End move, and each period is announced."""
    page = read(reader, data_site, "desk")
    plane = page.locator("#chart-downloads").get_by_role("application", name="Downloads per month")
    page.locator(".masthead nav a").last.focus()
    for _ in range(10):
        page.keyboard.press("Tab")
        if plane.evaluate("(one) => one === document.activeElement"):
            break
    card = page.locator("#chart-downloads .cursor-card")
    months = [card.locator(".when").inner_text()]
    for key in ("ArrowLeft", "ArrowLeft", "PageUp", "PageDown", "Home", "ArrowLeft", "ArrowRight", "End", "ArrowRight"):
        page.keyboard.press(key)
        months.append(card.locator(".when").inner_text())
    assert months == [
        "November 2026",
        "October 2026",
        "September 2026",
        "September 2025",
        "September 2026",
        "December 2024",
        "December 2024",
        "January 2025",
        "November 2026",
        "November 2026",
    ]
    page.keyboard.press("ArrowLeft")
    speech = page.locator("body > [role=status]")
    speech.get_by_text("October 2026").wait_for()
    expected = sums_of(data_site, "rich", date(2026, 10, 1))
    assert speech.inner_text().startswith(
        f"October 2026: Lance {expected['lance']:,}, LanceDB {expected['lancedb']:,}, "
        f"total {sum(expected.values()):,}, "
        "31 of 31 days"
    )
    page.keyboard.press("Escape")
    assert card.is_hidden()
    page.keyboard.press("ArrowLeft")
    assert card.locator(".when").inner_text() == "October 2026"
    assert axe(page) == []
    assert_still(reader)
    page.keyboard.press("Shift+Tab")
    assert card.is_hidden()


def test_events_on_card(reader, data_site):
    """The card lists the events of its month as plain text."""
    page = read(reader, data_site, "desk")
    card = point_at(page, HERO, 1.5 / 24)
    assert card.locator(".when").inner_text() == "January 2025"
    assert "20 Jan 2025: Show HN" in card.locator(".event").inner_text()


def test_card_of_weird_names(reader, data_site):
    """Names in the card are text, and isolated from the text next to them."""
    page = reader.open(data_site("weird").charts, now=NOW)
    activate_charts(page)
    for key in ("downloads", "downloads-html", "downloads-rtl"):
        card = point_at_end(page, key)
        rows = card.locator("li:not(.sum)")
        assert rows.count() >= 1
        assert card.locator("bdi").count() >= rows.count()
        assert card.locator("img, script, a").count() == 0
    assert page.evaluate("() => window.owned") is None


def test_cursor_on_live_chart(reader, data_site):
    """The cards of the live chart and of its picture are equal."""
    page = reader.open(data_site("rich").charts, now=NOW)
    plane, card = page.locator("#chart-downloads .plane"), page.locator("#chart-downloads .cursor-card")

    def cards() -> list[str]:
        plane.focus()
        found = []
        for key in ("End", "ArrowLeft", "PageUp", "Home"):
            page.keyboard.press(key)
            found.append(card.inner_text())
        return found

    before = cards()
    assert_still(reader)
    activate_charts(page, HERO)
    assert cards() == before
    for key in ("stars-lance", "downloads-lance"):
        activate_charts(page, key)
        assert point_at(page, key, 0.5).locator("li").count() >= 1
    assert page.locator(".hoverlayer .hovertext").count() == 0


def test_days_of_stars(reader, data_site, device):
    """The picture of stars by day has the values of days, which are loaded when it is first pointed at."""
    page = read(reader, data_site, device)
    page.goto(f"{data_site('rich').url}products/lance.html")
    card = point_at(page, "stars-lance", 0.5, finger=device == "phone")
    (days,) = (one for metric, one in data_site("rich").data.values.items() if metric.startswith("stars:lance:"))
    day = next(one for one in days if card.locator(".when").inner_text() == f"{one.day} {one:%B %Y}")
    assert card.locator("li b").inner_text() == f"{days[day]:,}"
    assert_still(reader)


def test_description_follows_view(reader, data_site):
    """The description for screen readers is of the shown range; the live picture is hidden from them."""
    page = reader.open(f"{data_site('rich').url}?range=3m", now=NOW)
    activate_charts(page, HERO)
    words = page.locator("#chart-downloads [data-words]")
    assert "October 2026" in words.inner_text()
    assert "2025" not in words.inner_text()
    assert page.locator("#chart-downloads .plot[aria-hidden=true]").count() == 1
    page.locator("#chart-downloads .controls label", has_text="2Y").click()
    assert "December 2024" in words.inner_text()
    assert "2023" not in words.inner_text()


def test_description_of_days(reader, data_site):
    """Days and weeks are described as soon as they are loaded."""
    page = reader.open(f"{data_site('rich').url}?range=3m&by=day", now=NOW)
    words = page.locator("#chart-downloads [data-words]")
    expect(words).to_contain_text(re.compile(r"^Downloads per day\. LanceDB: "))
    assert "no complete period" not in words.inner_text()
    assert re.search(r"LanceDB: from [\d,]+ \(3 September 2026\) to [\d,]+ \(\d+ November 2026\)", words.inner_text())


@pytest.mark.parametrize(
    ("key", "subject"),
    [
        ("downloads", "Downloads per month"),
        ("downloads-lance", "Downloads of Lance, by month"),
        ("all-stars", "GitHub stars, all repositories, by day"),
        ("stars-lance", "GitHub stars of Lance, by day"),
    ],
)
def test_words_begin_alike(reader, data_site, key, subject):
    """The text of the server and those of the script begin with the same subject, which is stated once."""
    page = reader.open(data_site("rich").charts, now=NOW)
    words = page.locator(f"#chart-{key} [data-words]")
    assert words.text_content().startswith(f"{subject}. ")
    page.locator(f"#chart-{key} .controls label", has_text="1Y").click()
    expect(words).to_contain_text("2025")
    expect(words).not_to_contain_text("December 2024")
    assert words.text_content().startswith(f"{subject}. ")
    if key == "all-stars":
        page.locator(f"#chart-{key} .controls fieldset.wide label", has_text="New").click()
        expect(words).to_contain_text(re.compile("^GitHub stars, all repositories, new stars by day\\. "))


def test_view_is_announced(reader, data_site):
    """A choice is announced in one sentence with content, period and form; the live chart adds no unnamed image."""
    page = reader.open(data_site("rich").url, now=NOW)
    chart, speech = page.locator("#chart-downloads"), page.locator("body > [role=status]")
    range_text = "by month, 1 Dec 2025 to 24 Nov 2026"
    for choice, sentence in {
        "1Y": f"Downloads per month by product: All packages, last 12 months, {range_text}, bars.",
        "SDK": f"Downloads per month by SDK: All packages, last 12 months, {range_text}, bars.",
    }.items():
        chart.locator(".controls label:visible", has_text=choice).click()
        expect(speech).to_have_text(sentence)
    chart.locator(".legend [data-series]:visible").first.click()
    expect(speech).to_have_text(
        f"Downloads per month by SDK: All packages, last 12 months, {range_text}, bars, 1 hidden."
    )
    activate_charts(page, HERO)
    unnamed = "svg:not([aria-hidden=true] svg):not([aria-hidden=true]):not([aria-label]):not([aria-labelledby])"
    assert page.locator(f"body > {unnamed}").count() == 0


def test_card_follows_fast(reader, data_site):
    """The card is updated within the event handler, in at most 16 ms on average."""
    page = read(reader, data_site, "desk", "five")
    point_at(page, HERO, 0.5)
    spent = page.evaluate(
        """() => {
          const plane = document.querySelector("#chart-downloads .plane");
          const { left, top, width } = plane.getBoundingClientRect();
          const at = (n) => ({ bubbles: true, clientX: left + ((n % 24) + 0.5) * (width / 24), clientY: top + 5 });
          const begin = performance.now();
          for (let n = 0; n < 48; n += 1) {
            plane.dispatchEvent(new PointerEvent("pointermove", { ...at(n), pointerType: "mouse" }));
            void plane.offsetHeight;
          }
          return (performance.now() - begin) / 48;
        }"""
    )
    assert spent <= 16


def test_forced_colors(reader, data_site):
    """With forced colours, the column and the swatches are visible."""
    page = read(reader, data_site, "desk", forced_colors="active")
    card = point_at(page, HERO, OCTOBER)
    swatches = card.locator("li i").evaluate_all("(all) => all.map((one) => getComputedStyle(one).backgroundColor)")
    assert len(set(swatches)) == 2
    column = page.locator("#chart-downloads .column")
    style = column.evaluate("(one) => [getComputedStyle(one).borderLeftWidth, getComputedStyle(one).borderLeftColor]")
    assert style[0] == "2px"
    assert style[1] not in ("rgb(255, 255, 255)", "rgba(0, 0, 0, 0)")
