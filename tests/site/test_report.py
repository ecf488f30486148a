"""The monthly report: its numbers are in its document, and equal those of the store."""

from __future__ import annotations

import html
import json
import re
from dataclasses import replace
from datetime import date, datetime, timedelta
from functools import cache
from io import BytesIO
from itertools import combinations
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from PIL import Image
from playwright.sync_api import Browser, Page
from pydantic import TypeAdapter

from cmetrics import documents
from cmetrics.analytics.columns import SeriesTable
from cmetrics.analytics.overview import all_downloads_chart
from cmetrics.analytics.report import MonthReport, build_report, report_months
from cmetrics.analytics.report_inputs import ReportInputs
from cmetrics.charts.report_figures import shares
from cmetrics.charts.theme import DEFAULT
from cmetrics.domain.days import DAY, Month
from cmetrics.domain.event import Note
from cmetrics.domain.metric import Event
from cmetrics.report_documents import DownloadsRowDocument, build_report_document, build_report_list
from cmetrics.site.folders import templates_folder
from cmetrics.site.page import Site
from cmetrics.site.render import SLIDES_PARTS, prepare_site, render_data, script
from cmetrics.site.report import render_report_html, render_report_list, render_report_markdown
from cmetrics.site.reports_page import build_report_page, build_reports_page
from cmetrics.site.social_card import render_report_card
from cmetrics.sources import SPECS
from tests.site.walk import LOW_CONTRAST, SMALL_TARGETS
from tests.web_tools import validate_html
from tests.world import page_data

OCTOBER = Month(2026, 10)
HOSTILE = "<script>alert(1)</script> @someone [x](javascript:1) | `a` *b* https://evil.example \u202ex\n# h"
CAUSAL = re.compile(r"because|due to|caused|thanks to|led to|drove|driven by", re.IGNORECASE)


@cache
def inputs(name: str = "rich") -> ReportInputs:
    return page_data.DATA_SETS[name]().report_inputs()


@cache
def october() -> MonthReport:
    return build_report(inputs(), OCTOBER)


@cache
def site(name: str = "rich") -> Site:
    """Return the site of the reports."""
    data = page_data.DATA_SETS[name]()
    return replace(prepare_site(data.publication(), SPECS), reports=report_months(inputs(name)))


def report_html(report: MonthReport, name: str = "rich") -> bytes:
    return render_report_html(report, build_report_page(site(name), report))


def text_of(page: bytes) -> str:
    body = re.sub(r"<(style|title|head)\b.*?</\1>", " ", page.decode(), flags=re.DOTALL)
    return html.unescape(re.sub(r"<[^>]+>", " ", body))


def numbers_in(text: str) -> set[str]:
    """Return the numbers of a text as digits, except those of dates and names."""
    text = re.sub(r"\b\d{1,2} [A-Z][a-z]{2} \d{4}|[A-Z][a-z]+ \d{4}|\d{4}-\d{2}(?:\.\w+)?", " ", text)
    return {found.replace(",", "") for found in re.findall(r"(?<![\w.])\d[\d,]*(?:\.\d+)?", text)}


def numbers_of(document: object) -> set[str]:
    """Return all numbers of a document and its texts, as a page may write them."""
    if isinstance(document, dict):
        return set().union(*map(numbers_of, document.values()))
    if isinstance(document, list):
        return set().union(*map(numbers_of, document), {str(len(document))})
    if isinstance(document, bool) or document is None:
        return set()
    if isinstance(document, int | float):
        value = abs(document)
        written = {str(value), f"{value:.1f}", str(round(value))}
        for size in (1e3, 1e6, 1e9):
            written |= {f"{value / size:.1f}", f"{value / size:.2f}"}
        return written
    return numbers_in(str(document))


def test_months_with_a_counted_day_have_a_report():
    """The last 12 full months have reports, newest first, except those without data."""
    months = report_months(inputs())
    assert (len(months), months[0], months[-1]) == (12, OCTOBER, Month(2025, 11))
    assert report_months(inputs("empty")) == ()


def test_its_downloads_are_sums_of_stored_days():
    """The sums are computed again from the stored values."""
    values = page_data.DATA_SETS["rich"]().values
    report = october()
    for month, row_of in ((OCTOBER, lambda row: row.value), (OCTOBER.plus(-1), lambda row: row.history[-2])):
        for row in report.packages:
            days = {d: v for d, v in values[row.metric_id].items() if month.first <= d <= month.last}
            assert row_of(row) == sum(days.values())
    total = sum(
        value
        for metric_id, days in values.items()
        for day, value in days.items()
        if metric_id.startswith("downloads") and OCTOBER.first <= day <= OCTOBER.last
    )
    assert report.total.value == total == sum(row.value for row in report.products) == report.history[-1].value
    assert sum(row.value for row in report.sdks) == total


def test_months_before_the_first_value_are_not_zero():
    """A product or package without data has no value and no share."""
    rows = page_data.DATA_SETS["rich"]().rows
    ids, days = rows["metric_id"].to_pylist(), rows["period_end"].to_pylist()
    is_there = [
        not (name.startswith("downloads:lancedb:") and (name.endswith(":rust") or day < "2026-03-01"))
        for name, day in zip(ids, days, strict=True)
    ]
    report = build_report(replace(inputs(), rows=SeriesTable.from_arrow(rows.filter(pa.array(is_there)))), OCTOBER)
    assert [row.product for row in report.products] == ["lance", "lancedb"]
    by_month = {str(bar.month): bar for bar in report.history}
    assert by_month["2026-02"].parts == (by_month["2026-02"].value, None)
    assert (by_month["2026-02"].days_observed, by_month["2026-02"].days_expected) == (56, 56)
    text = render_report_markdown(report)
    (february,) = [line for line in text.splitlines() if line.startswith("| February 2026")]
    assert february.endswith("| – | 56 of 56 |")
    (absent,) = [row for row in report.packages if row.metric_id == "downloads:lancedb:rust"]
    assert (absent.value, absent.share, absent.before.observed) == (None, None, 0)


def test_changes_compare_the_metrics_that_are_complete_in_both_months():
    """Other metrics are named with the reason."""
    values = page_data.DATA_SETS["rich"]().values
    report = october()
    before = OCTOBER.plus(-1)
    alike = []
    for row in report.packages:
        days = [d for d in values[row.metric_id] if before.first <= d <= before.last]
        assert (row.before.change is not None) == (len(days) == 30)
        assert (row.reason is None) == (len(days) == 30)
        if len(days) == 30:
            alike.append(row)
            assert row.before.before == sum(values[row.metric_id][d] for d in days)
            assert row.before.change == row.value - row.before.before
    assert report.total.before.compared == len(alike) < report.total.before.metrics
    assert report.total.before.before == sum(row.before.before for row in alike)
    assert report.total.before.change == sum(row.before.change for row in alike)
    assert report.headline.count("3 of 5 metrics compared") == 1


def test_its_stars_are_differences_of_stored_counts():
    """The net change is the difference between the counts at the ends of two months."""
    values = page_data.DATA_SETS["rich"]().values
    for row in october().repositories:
        counts = values[row.metric_id]
        assert row.stars == counts[OCTOBER.last]
        assert row.net == counts[OCTOBER.last] - counts[OCTOBER.first - DAY]
        assert row.lost == row.gained - row.net
    assert october().all_stars.stars == sum(row.stars for row in october().repositories)


@pytest.mark.parametrize("name", ["rich", "eight", "m24", "stale"])
def test_every_number_is_in_the_document(name: str):
    """This applies to the page and to Markdown; numbers of the layout itself are listed here."""
    report = build_report(inputs(name), report_months(inputs(name))[0])
    document = json.loads(documents.encode(build_report_document(report)))
    known = numbers_of(document) | {str(sum(row.days for row in report.missing)), "2", "28", "30", "12"}
    for shown in (text_of(render_report_html(report)), render_report_markdown(report)):
        # Axis labels are round numbers, and "and N more" depends on lengths.
        text = re.sub(r"\d / 6|\(16:9\)|A4|api/v1/\S+|\band \d+ more\b", " ", shown)
        axis = {f"{n * 10**e:g}" for n in range(1, 20) for e in (-1, 0, 1, 2)}
        short = {found for found in numbers_in(text) if found not in known}
        factors = {found for found in short if f"×{found}" in text}
        assert {found for found in short - factors if found not in axis} == set()


@pytest.mark.parametrize("name", ["rich", "weird", "m24"])
def test_rows_of_the_document_have_their_model(name: str):
    """The rows of downloads are created without validation: they are as their model describes them."""
    document = build_report_document(build_report(inputs(name), report_months(inputs(name))[0]))
    rows = [document.total, *document.products, *document.packages, *document.sdks]
    body = json.loads(documents.encode(document))
    assert TypeAdapter(list[DownloadsRowDocument]).validate_python(rows, strict=True) == rows
    assert [body["total"], *body["products"], *body["packages"], *body["sdks"]] == rows
    assert json.loads(document.model_dump_json()) == body


def test_no_text_states_a_cause():
    """Texts state coincidence only."""
    for month in report_months(inputs()):
        assert CAUSAL.search(render_report_markdown(build_report(inputs(), month))) is None


def test_names_labels_and_notes_are_escaped():
    """Names of releases, labels and notes are escaped in HTML and Markdown."""
    data = inputs()
    event = Event(date(2026, 10, 9), HOSTILE, "https://github.com/o/r/releases/tag/v1", ("lance",), "github", "v1")
    note = Note(date(2026, 10, 9), HOSTILE, HOSTILE, ("lance",))
    catalog = replace(data.catalog, notes=(note,), title=HOSTILE)
    report = build_report(replace(data, catalog=catalog, events=(*data.events, event)), OCTOBER)
    page, markdown = render_report_html(report).decode(), render_report_markdown(report)
    assert "<script" not in page
    assert "&lt;script&gt;" in page
    assert "<script" not in re.sub(r"\\.", "", markdown)
    assert re.search(r"(?<!\\)\]\(javascript", markdown) is None
    assert "\n# h" not in markdown
    assert "@someone" not in markdown
    assert "https://evil" not in markdown
    assert not [line for line in markdown.splitlines() if line.startswith("|") and "evil" in line and "\\|" not in line]


def test_the_same_inputs_give_the_same_bytes():
    """The order of rows and the time of day do not matter once a report is final."""
    data = inputs()
    later = replace(data, now=data.now.replace(hour=23))
    first, second = build_report(data, OCTOBER), build_report(later, OCTOBER)
    assert render_report_html(first) == render_report_html(second)
    assert documents.encode(build_report_document(first)) == documents.encode(build_report_document(second))


def test_a_final_report_is_the_same_a_year_later():
    """With more days but no revision, numbers and texts are the same."""
    data = inputs()
    november = build_report(
        replace(data, now=datetime(2026, 11, 16, 6, tzinfo=data.now.tzinfo), as_of=date(2026, 11, 15)), OCTOBER
    )
    assert replace(november, names={}) == replace(october(), names={})
    provisional = build_report(
        replace(data, now=datetime(2026, 11, 10, 6, tzinfo=data.now.tzinfo), as_of=date(2026, 11, 9)), OCTOBER
    )
    assert not provisional.is_final
    assert "Provisional: final on 15 Nov 2026" in render_report_html(provisional).decode()


def test_the_list_leads_to_every_report():
    """Each report is listed with its state and formats."""
    reports = [build_report(inputs(), month) for month in report_months(inputs())[:2]]
    page = render_report_list(build_reports_page(site(), reports)).decode()
    for name in ("2026-10.html", "2026-10.md", "../api/v1/reports/2026-10.json", "2026-09.html"):
        assert f'href="{name}"' in page
    assert build_report_list(reports).count == 2


@pytest.mark.parametrize("name", ["rich", "m24", "m300", "eight", "weird"])
def test_slides_and_pages(name: str, browser: Browser, tmp_path: Path):
    """Six slides of 1280 × 720 and A4 pages without cut content; no horizontal scrolling on a phone."""
    data = inputs(name)
    note = Note(OCTOBER.first, "A long story. " * 60, "Ada", ())
    data = replace(data, catalog=replace(data.catalog, notes=(note, note)))
    report = build_report(data, report_months(data)[0])
    path = tmp_path / "report.html"
    path.write_bytes(report_html(report, name))
    context = browser.new_context(viewport={"width": 1280, "height": 720}, java_script_enabled=True)
    page = context.new_page()
    page.goto(path.as_uri())
    page.emulate_media(media="print")
    sizes = page.evaluate(
        "[...document.querySelectorAll('.slide')].map(s => [s.offsetHeight, s.scrollHeight, s.scrollWidth])"
    )
    assert sizes == [[720, 720, 1280]] * 6
    slides = page.pdf(prefer_css_page_size=True)
    assert slides.count(b"/Type /Page\n") == 6
    page.goto(path.as_uri() + "#a4")
    assert b"595" in page.pdf(prefer_css_page_size=True)
    page.emulate_media(media="screen")
    page.set_viewport_size({"width": 390, "height": 844})
    assert page.evaluate("document.documentElement.scrollWidth") == 390
    context.close()


def test_reports_are_valid_html(tmp_path: Path):
    """This includes a provisional report and the list."""
    (tmp_path / "2026-10.html").write_bytes(report_html(october()))
    (tmp_path / "alone.html").write_bytes(render_report_html(october()))
    (tmp_path / "index.html").write_bytes(render_report_list(build_reports_page(site(), [october()])))
    assert validate_html(tmp_path) == []


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Write the report of October and the list of reports as in a site. Return the folder."""
    root = tmp_path_factory.mktemp("site")
    publication = page_data.DATA_SETS["rich"]().publication()
    stylesheet = next(content for name, content in render_data(publication, b"") if name == "assets/site.css")
    reports = [build_report(inputs(), month) for month in report_months(inputs())]
    for name, content in {
        "reports/index.html": render_report_list(build_reports_page(site(), reports)),
        "assets/site.css": stylesheet,
        "reports/2026-10.html": report_html(october()),
        "assets/report.js": script(SLIDES_PARTS),
        "assets/theme.js": (templates_folder() / "theme.js").read_bytes(),
    }.items():
        path = root / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(content)
    return root


BOXES = "(query) => [...document.querySelectorAll(query)].map((one) => one.getBoundingClientRect().toJSON())"


def opened_file(browser: Browser, path: Path, width: int = 1280, **options: Any) -> Page:
    page = browser.new_context(viewport={"width": width, "height": 900}, **options).new_page()
    page.goto(path.as_uri())
    return page


def opened(browser: Browser, folder: Path, **options: Any) -> Page:
    page = browser.new_context(**options).new_page()
    page.goto((folder / "reports/2026-10.html").as_uri())
    return page


def test_links_to_it_have_a_preview():
    """The preview has its own picture and sentence."""
    page = report_html(october()).decode()
    shown = dict(re.findall(r'<meta property="(og:[a-z:]+)" content="([^"]*)">', page))
    address = f"{site().url}reports/2026-10"
    assert (shown["og:url"], shown["og:image"]) == (f"{address}.html", f"{address}.png")
    assert shown["og:description"] == october().headline
    assert shown["og:title"].startswith("October 2026 · ")
    image = Image.open(BytesIO(render_report_card(october(), DEFAULT)))
    assert (image.format, image.size) == ("PNG", (1200, 630))
    earlier = build_report(inputs(), OCTOBER.plus(-1))
    assert render_report_card(earlier, DEFAULT) != render_report_card(october(), DEFAULT)
    assert "og:" not in render_report_html(october()).decode()


def test_arrow_keys_move_between_slides(browser: Browser, folder: Path):
    """Arrow keys move between slides; without scripts, links below each slide do."""
    page = opened(browser, folder, viewport={"width": 1280, "height": 720})
    for key, slide in (("ArrowRight", 2), ("ArrowRight", 3), ("ArrowLeft", 2)):
        page.keyboard.press(key)
        assert page.url.endswith(f"#slide-{slide}")
        assert page.locator(f"#slide-{slide}").evaluate("(one) => Math.round(one.getBoundingClientRect().top)") == 12
    page.context.close()
    page = opened(browser, folder, viewport={"width": 1280, "height": 720}, java_script_enabled=False)
    for slide in range(2, 7):
        page.get_by_role("link", name="Next slide").nth(slide - 2).click()
        assert page.url.endswith(f"#slide-{slide}")
    assert page.locator("[data-do=theme]").is_hidden()
    page.context.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [360, 390, 768, 1280])
def test_on_every_screen(browser: Browser, folder: Path, width: int, scheme: Any):
    """Nothing is wider than the window, labels of a chart do not overlap, and texts and targets are large enough."""
    is_phone = width < 500
    page = opened(
        browser,
        folder,
        viewport={"width": width, "height": 844},
        color_scheme=scheme,
        has_touch=is_phone,
        is_mobile=is_phone,
    )
    assert page.evaluate("document.documentElement.scrollWidth") == width
    assert page.evaluate(LOW_CONTRAST) == []
    if is_phone:
        assert page.evaluate(SMALL_TARGETS) == []
    texts = page.evaluate(
        """() => [...document.querySelectorAll("svg.months, svg.net")].flatMap((svg) =>
             [...svg.querySelectorAll("text")].filter((text) => text.checkVisibility()).map((text) => {
               const { left, right, top, bottom, height } = text.getBoundingClientRect();
               return { svg: svg.getAttribute("class"), text: text.textContent, left, right, top, bottom, height };
             }))"""
    )
    assert {one["svg"].split()[1] for one in texts} == {"months", "net"}
    assert min(one["height"] for one in texts) >= 11
    for one, other in combinations(texts, 2):
        are_side_by_side = one["right"] <= other["left"] or other["right"] <= one["left"]
        assert are_side_by_side or one["bottom"] <= other["top"] + 2 or other["bottom"] <= one["top"] + 2, (one, other)
    page.context.close()


@pytest.mark.parametrize("width", [768, 1024])
def test_the_list_fits_a_tablet(browser: Browser, folder: Path, width: int):
    """No column is wider than the window."""
    page = opened(browser, folder, viewport={"width": width, "height": 900})
    page.goto((folder / "reports" / "index.html").as_uri())
    assert page.evaluate("document.documentElement.scrollWidth") == width
    page.context.close()


@pytest.mark.parametrize("name", ["rich", "m24"])
def test_products_have_the_colours_of_the_overview(name: str):
    """The largest product of the month has the first colour, and is at the bottom."""
    report = build_report(inputs(name), OCTOBER)
    shown = report_html(report, name).decode()
    tones = re.findall(r'<li class="tone-(\w+)[^"]*"><i></i><bdi>([^<]+)</bdi> [\d,]+', shown)
    # The first legend is that of the first chart.
    tones = tones[: len(report.products)]
    largest_first = sorted(report.products, key=lambda row: -(row.value or 0))
    assert [html.unescape(title) for _, title in tones] == [row.name for row in largest_first]
    chart = all_downloads_chart(site(name).board)
    assert chart is not None
    assert [(tone, title) for tone, title in tones] == [(series.tone, series.name) for series in chart.shown]


@pytest.mark.parametrize("name", ["rich", "m24", "m300"])
def test_packages_have_the_colours_of_the_overview(name: str):
    """Next to its numbers, a package has the bars that the overview has; packages of one SDK differ."""
    report = build_report(inputs(name), OCTOBER)
    rows = re.findall(r'<tr[^>]*><th scope="row">.*?</tr>', report_html(report, name).decode(), re.DOTALL)
    shown = [re.findall(r'<path class="tone-(\w+)"', row) for row in rows[: len(report.packages)]]
    tones = {item.metric.metric_id: item.tone for item in site(name).board.items}
    assert [set(of_row) for of_row in shown] == [{tones[row.metric_id]} for row in report.packages if row.metric_id]


def test_more_products_than_colours():
    """No two products have the same colour; those without one of their own are grey."""
    report = build_report(inputs("m300"), OCTOBER)
    shown = report_html(report, "m300").decode()
    tones = re.findall(r'<li class="tone-(\w+)[^"]*"><i></i><bdi>', shown)[: len(report.products)]
    own = [tone for tone in tones if tone != "n4"]
    assert len(own) == len(set(own)) == 8
    assert tones == [*own, *["n4"] * (len(report.products) - 8)]


def test_the_last_month_has_a_label(browser: Browser, tmp_path: Path):
    """Each third month has one on a slide, also the last; every label is within the slide."""
    for month, text in ((OCTOBER, "Oct"), (Month(2026, 7), "Jul"), (Month(2026, 1), "Jan 2026")):
        path = tmp_path / f"{text}.html"
        path.write_bytes(render_report_html(build_report(inputs("five"), month)))
        page = opened_file(browser, path)
        labels = page.locator("svg.months.wide text[text-anchor=middle]")
        assert labels.last.text_content() == text
        box, slide = labels.last.bounding_box(), page.locator("#slide-2").bounding_box()
        bar = page.locator("svg.months.wide path[class^=tone-]").last.bounding_box()
        assert box["x"] + box["width"] / 2 == pytest.approx(bar["x"] + bar["width"] / 2, abs=2)
        assert box["x"] + box["width"] < slide["x"] + slide["width"] - 4
        page.context.close()


def test_the_last_value_is_above_its_neighbours(browser: Browser, tmp_path: Path):
    """After a month with more downloads, the label lies over no bar, and a line leads to its own."""
    report = october()
    *earlier, before, last = report.history
    higher = replace(before, parts=tuple(2 * part for part in before.parts))
    path = tmp_path / "report.html"
    path.write_bytes(render_report_html(replace(report, history=(*earlier, higher, last))))
    for width, shape in ((1280, "wide"), (390, "narrow")):
        page = opened_file(browser, path, width)
        (label,) = page.evaluate(BOXES, f"svg.months.{shape} .value")
        (line,) = page.evaluate(BOXES, f"svg.months.{shape} .leader")
        bars = page.evaluate(BOXES, f"svg.months.{shape} path[class^=tone-]")
        over = [box for box in bars if box["left"] < label["right"] and box["right"] > label["left"]]
        assert len(over) > 2
        assert min(box["top"] for box in over) > label["bottom"] - 4
        own = [box["top"] for box in bars if box["left"] < line["left"] < box["right"]]
        assert line["bottom"] == pytest.approx(min(own), abs=1)
        page.context.close()


def test_swatches_with_forced_colours(browser: Browser, tmp_path: Path):
    """With the colours of the system, products and missing days have the signs that the bars have."""
    path = tmp_path / "report.html"
    path.write_bytes(render_report_html(october()))
    page = opened_file(browser, path, forced_colors="active")
    signs = page.locator("#slide-2 .legend i")
    pictures = [Image.open(BytesIO(sign.screenshot())).convert("RGB") for sign in signs.all()]
    assert len(pictures) == 3
    inner = [picture.crop((3, 3, picture.width - 3, picture.height - 3)) for picture in pictures]
    colours = [len(picture.getcolors() or ()) for picture in inner]
    assert colours[:2] == [1, 1]
    assert colours[2] > 1, "hatched"
    assert inner[0].getpixel((2, 2)) != inner[1].getpixel((2, 2))
    page.context.close()


def test_links_of_a_phone_fit(browser: Browser, folder: Path):
    """The last link of the navigation is as far from the edge as the page."""
    page = opened(browser, folder, viewport={"width": 390, "height": 844})
    assert page.locator(".masthead nav a").count() == 5
    assert page.locator(".masthead nav").evaluate("(one) => one.scrollWidth - one.clientWidth") == 0
    page.context.close()


def test_labels_of_levels_do_not_cover_bars(browser: Browser, folder: Path):
    """No label of the value axis covers a bar."""
    page = opened(browser, folder, viewport={"width": 1280, "height": 900})
    levels = page.evaluate(BOXES, "svg.months.wide .level")
    bars = page.evaluate(BOXES, "svg.months.wide path[class^=tone-]")
    assert len(levels) >= 3
    assert max(box["right"] for box in levels[:-1]) <= min(box["left"] for box in bars)
    page.context.close()


def test_shares_of_two_months_have_the_same_parts():
    """The bar of the previous month is omitted if a part has no share in it."""
    shown = october()
    products, sdks = shown.products, shown.sdks
    names = [[part.name for part in shares(products, ["a0", "a1"], before=before)] for before in (False, True)]
    assert names == [[row.name for row in products]] * 2
    assert len(shares(sdks, ["n0", "n1", "n2"])) == 3
    assert shares(sdks, ["n0", "n1", "n2"], before=True) == ()


def test_markdown_has_the_numbers_of_the_page():
    """Markdown has the numbers of every package and repository, and their changes."""
    report = october()
    page, markdown = text_of(report_html(report)), render_report_markdown(report)
    for row in report.packages:
        for shown in (f"{row.value:,}", row.before.moved, row.year.moved):
            assert shown is None or (shown in page and shown in markdown)
    for row in report.repositories:
        assert f"{row.stars:,}" in page
        assert f"{row.stars:,}" in markdown


def test_the_page_of_a_final_report_does_not_change():
    """A later build writes the same bytes, including the frame of the page."""
    data = inputs()
    before = report_html(october())
    month = timedelta(days=40)
    later = replace(data, now=data.now + month, as_of=data.as_of + month)
    assert october().is_final
    report = build_report(later, OCTOBER)
    newer = replace(site(), reports=report_months(later))
    assert render_report_html(report, build_report_page(newer, report)) == before
    assert render_report_card(report, DEFAULT) == render_report_card(october(), DEFAULT)


def test_the_list():
    """It has the numbers of each report, a preview, and an entry in the navigation."""
    reports = [build_report(inputs(), month) for month in report_months(inputs())]
    page = build_reports_page(site(), reports)
    assert [line.downloads for line in page.reports] == [f"{report.total.value:,}" for report in reports]
    assert [line.moved for line in page.reports] == [report.total.before.moved or "–" for report in reports]
    assert (page.reports[0].state, max(line.percent for line in page.reports)) == ("Final", 100)
    shown = html.unescape(render_report_list(page).decode())
    assert f'<meta property="og:description" content="{page.description}">' in shown
    assert '<a href="../reports/index.html" aria-current="page">' in shown
    assert '<a href="../reports/index.html" aria-current="true">' in report_html(october()).decode()
