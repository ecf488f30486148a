"""The page in a browser: phone and desktop, light and dark, with and without scripts, in print."""

from __future__ import annotations

import json
import re
from datetime import UTC, date, datetime, timedelta

import pytest

from cmetrics.domain.days import DAY
from tests.site.conftest import (
    AS_OF,
    GAP,
    NOW,
    Site,
    activate_charts,
    download_button,
)
from tests.site.sums import figure, month, sums

CHARTS = ["downloads", "all-stars", "downloads-lance", "stars-lance", "downloads-lancedb", "stars-lancedb"]
PAINTED = "() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))"
BOXES = """() => [...document.querySelectorAll(".canvas")].map((c) => {
  const box = c.getBoundingClientRect();
  return [c.closest("figure").id, box.left, box.top + scrollY, box.width, box.height];
})"""
#: Colours of the live chart and its surroundings.
BAR_COLOUR = "() => getComputedStyle(document.querySelector('#chart-downloads-lance .plot .bars .point path')).fill"
GRID_COLOUR = "() => getComputedStyle(document.querySelector('#chart-downloads-lance .grid rect')).fill"
STILLS = """() => [...document.querySelectorAll("figure.chart:has(.plot)")].map((figure) => {
  const seen = (one) => one.checkVisibility({ visibilityProperty: true });
  const shown = [...figure.querySelectorAll("svg.still .marks")].filter(seen);
  const drawn = shown.map((s) => s.querySelectorAll(".bar, .mark, .line").length);
  const plot = figure.querySelector(".plot");
  const wide = shown[0]?.closest("svg").getBoundingClientRect().width;
  return { shown: shown.length, drawn: drawn.reduce((a, b) => a + b, 0), wide,
    plot: seen(plot) && plot.childElementCount > 0 };
})"""

#: Left, right, top and bottom of the lines, as shares of the plot box of the texts.
DRAWN_IN_BOX = """() => {
  const chart = document.querySelector("#chart-downloads-lance");
  const grid = [...chart.querySelectorAll(".frame .levels text")];
  const frame = chart.querySelector(".frame").getBoundingClientRect();
  const boxes = [...chart.querySelectorAll(".plot path.js-line")].map((line) => line.getBoundingClientRect());
  const x = (at) => (at - frame.left) / frame.width;
  const y = (at) => (at - frame.top) / frame.height;
  return [
    x(Math.min(...boxes.map((b) => b.left))), x(Math.max(...boxes.map((b) => b.right))),
    y(Math.min(...boxes.map((b) => b.top))), y(Math.max(...boxes.map((b) => b.bottom))), grid.length,
  ];
}"""


def overflow(page) -> int:
    return page.evaluate("() => document.documentElement.scrollWidth - document.documentElement.clientWidth")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [390, 1280])
def test_the_page_fits_and_charts_become_live_in_place(reader, site, width, scheme):
    earlier = len(site.served.log)
    page = reader.open(site.charts, size=(width, 900), color_scheme=scheme)
    assert page.evaluate("() => document.documentElement.scrollWidth") == width
    page.evaluate(PAINTED)
    # While the page arrives, a chart may be shown before the controls above it.
    assert sum(shift for shift, *_ in page.evaluate("() => window.shifts.splice(0)")) < 0.1
    before = page.evaluate(BOXES)
    assert [box[0] for box in before] == [f"chart-{key}" for key in CHARTS]
    activate_charts(page)
    page.evaluate(PAINTED)
    assert page.evaluate("() => window.shifts") == []
    assert page.evaluate(BOXES) == before
    assert overflow(page) == 0
    assert [still["shown"] for still in page.evaluate(STILLS)] == [0] * len(CHARTS), "one picture, not two"
    ground = page.evaluate("() => getComputedStyle(document.body).backgroundColor")
    assert (max(map(int, re.findall(r"\d+", ground)[:3])) < 60) == (scheme == "dark")
    assert all(url.startswith((site.url, "data:", "blob:")) for url in reader.requested), reader.requested
    assert {answer.status for answer in site.served.log[earlier:]} == {200}
    assert page.context.cookies() == []


def test_plotly_is_not_requested_before_a_chart_is_used(reader, site):
    page = reader.open(site.charts, size=(390, 844))
    page.wait_for_load_state("networkidle")
    assert not any("plotly" in url for url in reader.requested)
    assert page.locator(".js-plotly-plot").count() == 0
    activate_charts(page, "downloads-lance")
    assert sum("plotly" in url for url in reader.requested) == 1


def test_the_first_screen_has_title_day_and_freshness(reader, site):
    page = reader.open(site.url, size=(390, 844))
    assert page.locator(".brand").text_content() == site.catalog.title
    assert page.locator("h1").text_content().startswith("4.1 million downloads in October")
    first = page.locator("header.top")
    assert "Data through 22 Nov 2026 (UTC)" in first.text_content()
    for element in (page.locator("h1"), page.locator(".canvas").first):
        assert element.bounding_box()["y"] + element.bounding_box()["height"] < 844
    sources = page.locator(".sources li").all_text_contents()
    assert len(sources) == 4
    assert any("npm" in text and "20 Nov 2026" in text for text in sources)
    assert page.locator(".metrics .spark").count() == 7
    card = page.locator("[id='downloads-lance-rust']")
    assert "24,804" in card.text_content()
    assert "29 of 30 days" in (site.folder / "metrics" / "downloads-lance-rust.html").read_text()


def test_the_page_works_as_a_local_file(reader, site):
    page = reader.open((site.folder / "charts.html").as_uri())
    activate_charts(page)
    page.locator("#chart-downloads-lance").get_by_role("group", name="Range").get_by_role("radio", name="6M").check()
    with page.expect_download() as saved:
        download_button(page, "downloads-lance", "csv").click()
    assert saved.value.path().read_text().count("\n") > 5
    assert all(url.startswith(("file:", "data:", "blob:")) for url in reader.requested)


@pytest.mark.parametrize("width", [390, 1280])
def test_charts_are_pictures_without_scripts(reader, site, width):
    page = reader.open(site.charts, size=(width, 900), java_script_enabled=False)
    for still in page.evaluate(STILLS):
        assert still["shown"] == 1
        assert still["drawn"] > 0
        assert still["wide"] > width / 4
    assert overflow(page) == 0
    for control in page.locator(".controls, [data-save], [data-do]").all():
        assert control.is_hidden()
    for number, key in enumerate(CHARTS):
        chart = page.locator(f"#chart-{key}")
        description = chart.locator(".visually-hidden").first.text_content()
        assert re.search(r"from [\d,]+ (downloads|stars) \(.*\) to [\d,]+ .*, a change of [+-]", description)
        assert "peak" in description
        # Opens without a script.
        chart.locator("details.numbers summary").click()
        table = chart.locator("table").text_content()
        if number in (2, 4):
            for metric in site.catalog.metrics:
                if metric.metric_id.startswith(f"downloads:{key.split('-')[1]}:"):
                    days = {d: v for d, v in site.daily(metric.metric_id).items() if d >= metric.daily_from}
                    values = [s.value for s in sums(days, month)] + list(site.snapshots(metric.metric_id).values())
                    assert [f"{v:,}" for v in values if f"{v:,}" not in table] == []
            assert "30 days to 30 October 2025" in table
    text = page.locator("main").text_content()
    assert "published total" in text
    assert re.search(r"21 of 30 days so far", text)


def refuse(route) -> None:
    route.fulfill(status=404, body="Not found")


def break_it(route) -> None:
    route.fulfill(status=200, content_type="application/javascript", body="throw new Error('broken')")


@pytest.mark.parametrize(
    "path, answer",
    [("plotly", refuse), ("plotly", break_it), ("app.js", refuse), ("app.js", break_it)],
    ids=["no plotly", "broken plotly", "no script", "broken script"],
)
def test_pictures_stay_if_a_script_fails(reader, site, path, answer):
    context = reader.context()
    context.route(f"**/*{path}*", answer)
    page = context.new_page()
    page.goto(site.charts)
    for key in CHARTS:
        page.locator(f"#chart-{key}").scroll_into_view_if_needed()
        # The first use of the controls requests Plotly.
        page.locator(f"#chart-{key} .controls").dispatch_event("pointerdown")
    page.wait_for_load_state("networkidle")
    if path == "plotly":
        page.locator(".unavailable").first.wait_for()
    assert sum(path in url for url in reader.requested) == 1
    assert all(still["shown"] == 1 and still["drawn"] > 0 and not still["plot"] for still in page.evaluate(STILLS))
    if path == "plotly":
        # The toolbar shows the failure, and disables what needs Plotly; tables and files still work.
        assert page.locator(".unavailable").count() == page.locator(".unavailable:visible").count() == len(CHARTS)
        # Windows of dates need only the picture.
        assert page.locator(".controls fieldset input:enabled, .legend button:enabled").count() == 0
        page.locator("#chart-downloads-lance details.numbers summary").click()
        assert page.locator("#chart-downloads-lance tbody th").first.is_visible()
        with page.expect_download() as saved:
            download_button(page, "downloads-lance", "csv").click()
        assert saved.value.path().read_text().count("\n") > 5
    else:
        assert page.locator(".unavailable:visible").count() == 0
    # The messages are those of the browser and of the broken script; the page adds none.
    assert all("Failed to load resource" in text or text.endswith("broken") for text in reader.console), reader.console
    reader.console.clear()


def test_an_old_page_has_a_warning(reader, site):
    page = reader.open(site.charts)
    assert page.locator("#stale").is_hidden()
    page.clock.set_fixed_time(datetime(2026, 12, 3, 12, tzinfo=UTC))
    page.goto(site.url)
    assert "Data is 10 days old" in page.locator("#stale").text_content()
    assert page.locator("#stale").is_visible()


def test_the_theme_button_repaints_charts_and_is_remembered(reader, site):
    page = reader.open(site.charts, color_scheme="light")
    activate_charts(page, "downloads-lance")
    button = page.locator("[data-do=theme]")
    ground = "() => getComputedStyle(document.body).backgroundColor"
    grid = f"() => [({BAR_COLOUR})(), ({GRID_COLOUR})()]"
    automatic = (page.evaluate(ground), page.evaluate(grid))
    seen = []
    for is_dark in (False, True, False):
        button.click()
        # Charts are repainted after the page.
        page.wait_for_function(
            f"([light, dark]) => (({BAR_COLOUR})() !== light) === dark", arg=[automatic[1][0], is_dark]
        )
        seen.append((button.text_content(), page.evaluate(ground), page.evaluate(grid)))
    assert [text for text, *_ in seen] == ["Theme: light", "Theme: dark", "Theme: auto"]
    light, dark, again = (tuple(colours) for _, *colours in seen)
    assert light == automatic == again
    assert dark[0] != light[0]
    assert all(one != other for one, other in zip(dark[1], light[1], strict=True))
    button.click()
    button.click()
    page.reload()
    assert page.locator("[data-do=theme]").text_content() == "Theme: dark"
    assert page.evaluate(ground) == dark[0]
    page.emulate_media(color_scheme="dark")
    page.locator("[data-do=theme]").click()
    assert page.evaluate(ground) == dark[0], "auto follows the system"


def test_charts_follow_the_system_when_it_turns_dark(reader, site):
    page = reader.open(site.charts, color_scheme="light")
    activate_charts(page, "downloads-lance")
    for colour in (BAR_COLOUR, GRID_COLOUR):
        page.emulate_media(color_scheme="light")
        light = page.evaluate(colour)
        assert light.startswith("rgb")
        page.emulate_media(color_scheme="dark")
        page.wait_for_function(f"(light) => ({colour})() !== light", arg=light)


def test_reduced_motion_is_respected(reader, site):
    scrolling = "() => getComputedStyle(document.documentElement).scrollBehavior"
    moving = """() => [...document.querySelectorAll("*")].filter((one) => {
      const style = getComputedStyle(one);
      return style.animationName !== "none" || parseFloat(style.transitionDuration) > 0;
    }).length"""
    page = reader.open(site.charts, reduced_motion="reduce")
    assert page.evaluate(scrolling) == "auto"
    assert page.evaluate(moving) == 0


@pytest.mark.parametrize("live", [False, True], ids=["untouched", "with live charts"])
def test_prints_have_one_or_two_pages(reader, site, live):
    page = reader.open(site.url)
    if live:
        activate_charts(page)
        page.locator("#chart-downloads .controls label", has_text="6M").click()
        page.wait_for_function("() => !document.querySelector('#chart-downloads[data-stale]')")
    print_preview(page)
    for still in page.evaluate(STILLS):
        assert (still["shown"], still["plot"]) == (1, False)
        assert still["drawn"] > 0
    for control in page.locator(".controls, [data-save], [data-do], .plot").all():
        assert control.is_hidden()
    assert page.locator("h1").is_visible()
    assert page.locator(".totals").is_visible()
    pdf = page.pdf(format="A4")
    assert 1 <= len(re.findall(rb"/Type\s*/Page\b", pdf)) <= 2


def print_preview(page) -> None:
    """Show the page as it is printed: with the width of paper, and after the same event."""
    page.evaluate("() => dispatchEvent(new Event('beforeprint'))")
    page.emulate_media(media="print")


def test_prints_show_the_chosen_view_of_downloads(reader, site):
    """The marks and the texts around them are of the same view."""
    page = reader.open(site.url)
    activate_charts(page)
    page.locator("#chart-downloads .controls label", has_text="6M").click()
    months = page.evaluate("() => [...document.querySelector('#chart-downloads .plot').data[0].x].length")
    assert months == 6
    page.evaluate("() => dispatchEvent(new Event('beforeprint'))")
    bars = page.locator("#chart-downloads .marks .bar").evaluate_all(
        "(all) => all.map((b) => b.matches('path') ? b.getAttribute('d').split('M').length - 1 : 1)"
    )
    assert sum(bars) == 2 * months, "two products"
    assert page.locator("#chart-downloads .covers").text_content() == "All packages, last 6 months"


@pytest.mark.parametrize("width", [500, 1000])
def test_prints_fit_the_live_chart_to_its_frame(reader, site, width):
    """In print, plots have another width and height than on the screen."""
    page = reader.open(f"{site.charts}?mark=lines&place=side")
    activate_charts(page, "downloads-lance")
    figure(page, "downloads-lance")
    page.set_viewport_size({"width": 1280, "height": 900})
    before = page.evaluate(DRAWN_IN_BOX)
    print_preview(page)
    page.evaluate("(w) => { document.querySelector('#chart-downloads-lance').style.width = `${w}px`; }", width)
    assert page.locator("#chart-downloads-lance .plot").is_visible()
    assert not page.locator("#chart-downloads-lance .still .marks").is_visible()
    after = page.evaluate(DRAWN_IN_BOX)
    assert after == pytest.approx(before, abs=0.01), "positions in the plot box are unchanged"
    page.emulate_media(media="screen")
    page.evaluate("() => dispatchEvent(new Event('afterprint'))")
    page.evaluate("() => { document.querySelector('#chart-downloads-lance').style.width = ''; }")
    figure(page, "downloads-lance")
    assert page.evaluate(DRAWN_IN_BOX) == pytest.approx(before, abs=0.01)


def test_prints_of_a_dark_page_are_dark_on_white(reader, site):
    page = reader.open(site.url, color_scheme="light")
    lettering = "() => getComputedStyle(document.querySelector('.totals dd')).color"
    dark = page.evaluate(lettering)
    for _ in ("light", "dark"):
        page.locator("[data-do=theme]").click()
    assert page.evaluate(lettering) != dark
    page.emulate_media(media="print")
    # Browsers omit backgrounds, and light text on white paper is unreadable.
    assert page.evaluate(lettering) == dark


# -- numbers ----------------------------------------------------------------------------------------


def relative(change: dict) -> str:
    """Return a change as the page writes it: as a factor from 100% on."""
    percent = change["percent"]
    if percent >= 100:
        return f"×{1 + percent / 100:.1f}"
    return f"{percent:+.1f}%".replace("-", "−")


def test_numbers_in_the_page_are_those_of_the_document(reader, site):
    document = json.loads((site.folder / "api" / "v1" / "dashboard" / "daily.json").read_text())
    page = reader.open(site.url)
    totals = page.locator(".totals dd:not(.note, .net)").all_text_contents()
    assert totals == [f"{document['last_full_month']['value']:,}", f"{document['total_stars']:,}"]
    notes = " ".join(page.locator(".totals .note").all_text_contents())
    assert f"{document['total_stars_change_30']['absolute']:+,}" in notes
    assert f"{document['total_stars_change_30']['percent']:+.1f}%" in notes
    for group in document["groups"]:
        for item in group["items"]:
            card = page.locator(f"[id='{item['metric_id'].replace(':', '-')}']")
            text = card.text_content()
            assert card.locator("td").nth(2).text_content().strip() == f"{item['latest_value']:,}"
            if item["metric_family"] == "stars":
                assert f"{item['change_30']['absolute']:+,}" in text
                continue
            own = (site.folder / "metrics" / f"{item['metric_id'].replace(':', '-')}.html").read_text()
            assert f"<dt>Last 30 days</dt><dd>{item['last_30_days']:,}</dd>" in own
            if item["change_30"]:
                assert f"{relative(item['change_30'])} vs the 30 days before" in own
            product = (site.folder / "products" / f"{group['product']}.html").read_text()
            assert all(f"{point['value']:,}" in product for point in item["sparkline"])
            if item["month_on_month"]:
                assert relative(item["month_on_month"]) in text
            else:
                assert f"{item['days_observed']} of {item['days_expected']} days" in text


def test_the_month_in_the_first_screen_is_the_sum_of_its_days(reader, site):
    page = reader.open(site.url)
    october = {
        (row.metric_id, row.period_end): row.value
        for row in site.rows
        if row.metric_id.startswith("downloads:") and not row.is_seed and row.period_end.isoformat()[:7] == "2026-10"
    }
    assert page.locator(".totals dd").first.text_content() == f"{sum(october.values()):,}"
    assert "October 2026" in page.locator(".totals dt").first.text_content()


# -- the calendar -----------------------------------------------------------------------------------


def first_day(site: Site) -> date:
    """Return the oldest stored day of any metric, with which the calendar begins."""
    return min(row.period_end for row in site.rows)


def states(site: Site, metric) -> list[str]:
    """Return the state of each day of a metric, from the rows of the store."""
    rows = {row.period_end: row for row in site.rows if row.metric_id == metric.metric_id}
    days = sorted(day for day, row in rows.items() if not row.is_seed)
    found = []
    for n in range((AS_OF - first_day(site)).days, -1, -1):
        day = AS_OF - timedelta(days=n)
        row = rows.get(day)
        if row and row.is_seed:
            found.append("seeded")
        elif row:
            found.append("reconstructed" if row.is_reconstructed else "observed")
        elif day < days[0]:
            found.append("before")
        else:
            found.append("pending" if day > days[-1] else "missing")
    return found


def drawn_states(page, row: int, days: int) -> list[str]:
    """Return the state of each day in a strip, where later rectangles cover earlier ones."""
    rects = page.locator(".calendar tbody tr").nth(row).locator("rect")
    shown = [""] * days
    for name, x, width in rects.evaluate_all(
        """(all) => all.map((r) => [
          r.className.baseVal, Math.round(r.x.baseVal.value), Math.round(r.width.baseVal.value),
        ])"""
    ):
        shown[x : x + width] = [name] * width
    return shown


def test_the_calendar_shows_the_state_of_every_day(reader, site):
    page = reader.open(f"{site.url}quality.html")
    days = (AS_OF - first_day(site)).days + 1
    for number, metric in enumerate(sorted(site.catalog.metrics, key=lambda m: (m.product, m.family == "stars"))):
        expected = states(site, metric)
        assert drawn_states(page, number, days) == expected, metric.metric_id
        strip = page.locator(".calendar tbody tr").nth(number)
        assert metric.subject in strip.locator("th").text_content()
        known = sum(state in ("observed", "reconstructed", "seeded") for state in expected)
        label = strip.locator("svg").get_attribute("aria-label")
        pending, missing = expected.count("pending"), expected.count("missing")
        waiting = f", {pending} of them pending" if pending else ""
        assert label == f"{known:,} days with data, {pending + missing} missing{waiting}"
    total = drawn_states(page, len(site.catalog.metrics), days)
    for day in (GAP, AS_OF - 58 * DAY):
        assert total[-1 - (AS_OF - day).days] == "estimated"
    assert set(total) == {"before", "observed", "reconstructed", "estimated"}


def test_pointing_at_a_strip_shows_its_text(reader, site):
    page = reader.open(f"{site.url}quality.html")
    row = page.locator(".calendar tbody tr").filter(has_text="@lancedb/lancedb")
    page.locator(".calendar").scroll_into_view_if_needed()
    box = row.locator("rect.pending").bounding_box()
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    note = page.locator(".strip-note").text_content()
    assert "21 November 2026 to 22 November 2026 (2 days): Pending: not published yet" in note
    assert "@lancedb/lancedb" in note
    box = row.locator("rect.missing").last.bounding_box()
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    assert "2 November 2026: Missing at the source" in page.locator(".strip-note").text_content()


def test_touching_a_strip_shows_its_text(reader, site):
    page = reader.open(f"{site.url}quality.html", size=(390, 844), has_touch=True, is_mobile=True)
    strip = page.locator(".calendar tbody tr").first.locator("svg")
    strip.scroll_into_view_if_needed()
    strip.tap()
    assert "pylance" in page.locator(".strip-note").text_content()


def test_focus_on_a_strip(reader, site):
    """A focused strip shows its summary, for users of a keyboard."""
    page = reader.open(f"{site.url}quality.html")
    strip = page.locator(".calendar .strip").first
    strip.focus()
    note = page.locator(".strip-note").text_content()
    assert note.endswith(strip.get_attribute("aria-label"))
    assert "pylance" in note


def test_missing_days_are_listed(reader, site):
    page = reader.open(f"{site.url}quality.html")
    page.locator(".calendar summary").click()
    items = page.locator(".calendar details li")
    assert items.filter(has_text="pylance").all_text_contents() == [
        "pylance, Python: 2 November 2026: Missing at the source",
        "pylance, Python: 22 November 2026: Pending: not published yet",
    ]
    words = items.filter(has_text="lancedb/lancedb, GitHub").all_text_contents()
    assert any("23 September 2026 to 27 September 2026 (5 days): Missing" in text for text in words)
    assert items.last.text_content() == "No other days are missing."


def test_failed_runs_and_the_method_are_described(reader, site):
    page = reader.open(f"{site.url}quality.html")
    page.get_by_text("Runs with errors").click()
    assert page.get_by_text("downloads:lance:rust: crates.io said 503").is_visible()
    method = page.locator(".method").text_content()
    for word in ("mirrors", "UTC", "GitHub", "removed stars", "Published totals"):
        assert word in method
    assert page.locator(".method dt").count() >= 4 + 4
    assert f"{NOW.day} {NOW:%b %Y, %H:%M} UTC" in page.locator("footer").text_content()
