"""The page in a real browser: at phone and desktop width, light and dark, with and without scripts, on paper."""

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
    download_button,
    enliven,
)
from tests.site.sums import figure, month, sums

CHARTS = ["downloads", "all-stars", "downloads-lance", "stars-lance", "downloads-lancedb", "stars-lancedb"]
PAINTED = "() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))"
BOXES = """() => [...document.querySelectorAll(".canvas")].map((c) => {
  const box = c.getBoundingClientRect();
  return [c.closest("figure").id, box.left, box.top + scrollY, box.width, box.height];
})"""
#: What the live chart and what stands around it look like.
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

#: Left, right, top and bottom of the lines, in shares of the plot box that the texts stand around.
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
def test_the_page_fits_its_charts_come_alive_in_place_and_nobody_else_is_asked(reader, site, width, scheme):
    earlier = len(site.served.log)
    page = reader.open(site.charts, size=(width, 900), color_scheme=scheme)
    assert page.evaluate("() => document.documentElement.scrollWidth") == width
    page.evaluate(PAINTED)
    # While it comes in parts, a chart may be shown before the controls that stand above it are there.
    assert sum(shift for shift, *_ in page.evaluate("() => window.shifts.splice(0)")) < 0.1
    before = page.evaluate(BOXES)
    assert [box[0] for box in before] == [f"chart-{key}" for key in CHARTS]
    enliven(page)
    page.evaluate(PAINTED)
    assert page.evaluate("() => window.shifts") == []
    assert page.evaluate(BOXES) == before
    assert overflow(page) == 0
    assert [still["shown"] for still in page.evaluate(STILLS)] == [0] * len(CHARTS), "one picture, not two"
    ground = page.evaluate("() => getComputedStyle(document.body).backgroundColor")
    assert (max(map(int, re.findall(r"\d+", ground)[:3])) < 60) == (scheme == "dark")
    assert all(url.startswith((site.url, "data:", "blob:")) for url in reader.asked), reader.asked
    assert {answer.status for answer in site.served.log[earlier:]} == {200}
    assert page.context.cookies() == []


def test_plotly_is_not_asked_for_before_a_chart_is_near(reader, site):
    page = reader.open(site.charts, size=(390, 844))
    page.wait_for_load_state("networkidle")
    assert not any("plotly" in url for url in reader.asked)
    assert page.locator(".js-plotly-plot").count() == 0
    enliven(page, "downloads-lance")
    assert sum("plotly" in url for url in reader.asked) == 1


def test_the_first_screen_says_what_it_is_of_which_day_and_how_fresh(reader, site):
    page = reader.open(site.url, size=(390, 844))
    assert page.locator(".brand").text_content() == site.catalog.title
    assert page.locator("h1").text_content().startswith("4.1 million downloads in October")
    first = page.locator("header.top")
    assert "Data through 22 Nov 2026 (UTC)" in first.text_content()
    for told in (page.locator("h1"), page.locator(".canvas").first):
        assert told.bounding_box()["y"] + told.bounding_box()["height"] < 844
    sources = page.locator(".sources li").all_text_contents()
    assert len(sources) == 4
    assert any("npm" in text and "20 Nov 2026" in text for text in sources)
    assert page.locator(".metrics .spark").count() == 7
    card = page.locator("[id='downloads-lance-rust']")
    assert "24,804" in card.text_content()
    assert "29 of 30 days" in (site.folder / "metrics" / "downloads-lance-rust.html").read_text()


def test_the_page_works_from_a_folder_without_any_server(reader, site):
    page = reader.open((site.folder / "charts.html").as_uri())
    enliven(page)
    page.locator("#chart-downloads-lance").get_by_role("group", name="Range").get_by_role("radio", name="6M").check()
    with page.expect_download() as saved:
        download_button(page, "downloads-lance", "csv").click()
    assert saved.value.path().read_text().count("\n") > 5
    assert all(url.startswith(("file:", "data:", "blob:")) for url in reader.asked)


@pytest.mark.parametrize("width", [390, 1280])
def test_without_scripts_every_chart_is_a_picture_and_every_number_is_text(reader, site, width):
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
        told = chart.locator(".visually-hidden").first.text_content()
        assert re.search(r"from [\d,]+ (downloads|stars) \(.*\) to [\d,]+ .*, a change of [+-]", told)
        assert "peak" in told
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
def test_pictures_stay_where_a_script_is_missing_or_broken(reader, site, path, answer):
    context = reader.context()
    context.route(f"**/*{path}*", answer)
    page = context.new_page()
    page.goto(site.charts)
    for key in CHARTS:
        page.locator(f"#chart-{key}").scroll_into_view_if_needed()
        # A reader who is about to use the controls asks for Plotly.
        page.locator(f"#chart-{key} .controls").dispatch_event("pointerdown")
    page.wait_for_load_state("networkidle")
    if path == "plotly":
        page.locator(".unavailable").first.wait_for()
    assert sum(path in url for url in reader.asked) == 1
    assert all(still["shown"] == 1 and still["drawn"] > 0 and not still["plot"] for still in page.evaluate(STILLS))
    if path == "plotly":
        # The toolbar says so, and what would do nothing is disabled; tables and files work on.
        assert page.locator(".unavailable").count() == page.locator(".unavailable:visible").count() == len(CHARTS)
        # Windows of dates need the picture only.
        assert page.locator(".controls fieldset input:enabled, .legend button:enabled").count() == 0
        page.locator("#chart-downloads-lance details.numbers summary").click()
        assert page.locator("#chart-downloads-lance tbody th").first.is_visible()
        with page.expect_download() as saved:
            download_button(page, "downloads-lance", "csv").click()
        assert saved.value.path().read_text().count("\n") > 5
    else:
        assert page.locator(".unavailable:visible").count() == 0
    # The browser says so, and what was broken says so; the page adds nothing.
    assert all("Failed to load resource" in text or text.endswith("broken") for text in reader.said), reader.said
    reader.said.clear()


def test_an_old_page_says_that_it_is_old(reader, site):
    page = reader.open(site.charts)
    assert page.locator("#stale").is_hidden()
    page.clock.set_fixed_time(datetime(2026, 12, 3, 12, tzinfo=UTC))
    page.goto(site.url)
    assert "Data is 10 days old" in page.locator("#stale").text_content()
    assert page.locator("#stale").is_visible()


def test_the_theme_goes_round_repaints_the_charts_and_is_remembered(reader, site):
    page = reader.open(site.charts, color_scheme="light")
    enliven(page, "downloads-lance")
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
    assert page.evaluate(ground) == dark[0], "auto is what the system says"


def test_charts_follow_the_system_when_it_turns_dark(reader, site):
    page = reader.open(site.charts, color_scheme="light")
    enliven(page, "downloads-lance")
    for colour in (BAR_COLOUR, GRID_COLOUR):
        page.emulate_media(color_scheme="light")
        light = page.evaluate(colour)
        assert light.startswith("rgb")
        page.emulate_media(color_scheme="dark")
        page.wait_for_function(f"(light) => ({colour})() !== light", arg=light)


def test_nothing_glides_for_readers_who_want_no_motion(reader, site):
    scrolling = "() => getComputedStyle(document.documentElement).scrollBehavior"
    moving = """() => [...document.querySelectorAll("*")].filter((one) => {
      const style = getComputedStyle(one);
      return style.animationName !== "none" || parseFloat(style.transitionDuration) > 0;
    }).length"""
    page = reader.open(site.charts, reduced_motion="reduce")
    assert page.evaluate(scrolling) == "auto"
    assert page.evaluate(moving) == 0


@pytest.mark.parametrize("live", [False, True], ids=["untouched", "with live charts"])
def test_on_paper_it_is_a_report_of_one_or_two_pages(reader, site, live):
    page = reader.open(site.url)
    if live:
        enliven(page)
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
    """Show the page as a browser prints it: on as much paper, and after the same event."""
    page.evaluate("() => dispatchEvent(new Event('beforeprint'))")
    page.emulate_media(media="print")


def test_on_paper_a_chosen_view_of_downloads_is_its_picture(reader, site):
    """The marks and what stands around them are of the same view."""
    page = reader.open(site.url)
    enliven(page)
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
def test_on_paper_a_view_of_the_live_chart_is_fitted_to_its_frame(reader, site, width):
    """Paper has another width and another height of plots than the screen."""
    page = reader.open(f"{site.charts}?mark=lines&place=side")
    enliven(page, "downloads-lance")
    figure(page, "downloads-lance")
    page.set_viewport_size({"width": 1280, "height": 900})
    before = page.evaluate(DRAWN_IN_BOX)
    print_preview(page)
    page.evaluate("(w) => { document.querySelector('#chart-downloads-lance').style.width = `${w}px`; }", width)
    assert page.locator("#chart-downloads-lance .plot").is_visible()
    assert not page.locator("#chart-downloads-lance .still .marks").is_visible()
    after = page.evaluate(DRAWN_IN_BOX)
    assert after == pytest.approx(before, abs=0.01), "the same parts of the plot box"
    page.emulate_media(media="screen")
    page.evaluate("() => dispatchEvent(new Event('afterprint'))")
    page.evaluate("() => { document.querySelector('#chart-downloads-lance').style.width = ''; }")
    figure(page, "downloads-lance")
    assert page.evaluate(DRAWN_IN_BOX) == pytest.approx(before, abs=0.01)


def test_on_paper_a_reader_s_dark_page_is_dark_on_white(reader, site):
    page = reader.open(site.url, color_scheme="light")
    lettering = "() => getComputedStyle(document.querySelector('.totals dd')).color"
    dark = page.evaluate(lettering)
    for _ in ("light", "dark"):
        page.locator("[data-do=theme]").click()
    assert page.evaluate(lettering) != dark
    page.emulate_media(media="print")
    # Browsers leave grounds out, and light letters on paper cannot be read.
    assert page.evaluate(lettering) == dark


# -- numbers ----------------------------------------------------------------------------------------


def relative(change: dict) -> str:
    """A change as the page writes it: from twice on, a factor."""
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
    """The oldest stored day of any metric, with which the calendar begins."""
    return min(row.period_end for row in site.rows)


def states(site: Site, metric) -> list[str]:
    """Day by day, what the store says of a metric."""
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
    """The same as the strip shows it; what is drawn later lies above."""
    rects = page.locator(".calendar tbody tr").nth(row).locator("rect")
    shown = [""] * days
    for name, x, width in rects.evaluate_all(
        """(all) => all.map((r) => [
          r.className.baseVal, Math.round(r.x.baseVal.value), Math.round(r.width.baseVal.value),
        ])"""
    ):
        shown[x : x + width] = [name] * width
    return shown


def test_the_calendar_shows_every_day_as_the_store_has_it(reader, site):
    page = reader.open(f"{site.url}quality.html")
    days = (AS_OF - first_day(site)).days + 1
    for number, metric in enumerate(sorted(site.catalog.metrics, key=lambda m: (m.product, m.family == "stars"))):
        wanted = states(site, metric)
        assert drawn_states(page, number, days) == wanted, metric.metric_id
        strip = page.locator(".calendar tbody tr").nth(number)
        assert metric.subject in strip.locator("th").text_content()
        known = sum(state in ("observed", "reconstructed", "seeded") for state in wanted)
        told = strip.locator("svg").get_attribute("aria-label")
        pending, missing = wanted.count("pending"), wanted.count("missing")
        waiting = f", {pending} of them pending" if pending else ""
        assert told == f"{known:,} days with data, {pending + missing} missing{waiting}"
    total = drawn_states(page, len(site.catalog.metrics), days)
    for day in (GAP, AS_OF - 58 * DAY):
        assert total[-1 - (AS_OF - day).days] == "estimated"
    assert set(total) == {"before", "observed", "reconstructed", "estimated"}


def test_pointing_at_a_strip_writes_what_it_says(reader, site):
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


def test_a_finger_on_a_strip_writes_what_it_says(reader, site):
    page = reader.open(f"{site.url}quality.html", size=(390, 844), has_touch=True, is_mobile=True)
    strip = page.locator(".calendar tbody tr").first.locator("svg")
    strip.scroll_into_view_if_needed()
    strip.tap()
    assert "pylance" in page.locator(".strip-note").text_content()


def test_focus_on_a_strip(reader, site):
    """A strip that has the focus shows its summary, for readers with a keyboard."""
    page = reader.open(f"{site.url}quality.html")
    strip = page.locator(".calendar .strip").first
    strip.focus()
    note = page.locator(".strip-note").text_content()
    assert note.endswith(strip.get_attribute("aria-label"))
    assert "pylance" in note


def test_days_without_a_value_are_listed_in_words(reader, site):
    page = reader.open(f"{site.url}quality.html")
    page.locator(".calendar summary").click()
    told = page.locator(".calendar details li")
    assert told.filter(has_text="pylance").all_text_contents() == [
        "pylance, Python: 2 November 2026: Missing at the source",
        "pylance, Python: 22 November 2026: Pending: not published yet",
    ]
    words = told.filter(has_text="lancedb/lancedb, GitHub").all_text_contents()
    assert any("23 September 2026 to 27 September 2026 (5 days): Missing" in text for text in words)
    assert told.last.text_content() == "No other days are missing."


def test_failed_runs_and_rules_of_counting_are_told_in_words(reader, site):
    page = reader.open(f"{site.url}quality.html")
    page.get_by_text("Runs with errors").click()
    assert page.get_by_text("downloads:lance:rust: crates.io said 503").is_visible()
    method = page.locator(".method").text_content()
    for word in ("mirrors", "UTC", "GitHub", "removed stars", "Published totals"):
        assert word in method
    assert page.locator(".method dt").count() >= 4 + 4
    assert f"{NOW.day} {NOW:%b %Y, %H:%M} UTC" in page.locator("footer").text_content()
