"""Stores with few values, with hundreds of metrics, and with hostile texts."""

from __future__ import annotations

import json
import re
import xml.etree.ElementTree as ET
from contextlib import ExitStack
from pathlib import Path

import pytest

from cmetrics.catalog import Catalog, load_catalog
from cmetrics.domain.days import DAY
from cmetrics.domain.run import Run, RunStatus
from cmetrics.site.write import write_site
from cmetrics.sources import SPECS
from tests.conftest import catalog_text
from tests.site.conftest import (
    AS_OF,
    EVIL,
    GAP,
    NOW,
    PACKAGES,
    PRODUCTS,
    REPOSITORIES,
    activate_charts,
    built,
    counted,
    download_button,
    keys_of,
    many_base,
    point_at_end,
    rendered,
    state_of,
)
from tests.site.sums import figure

SVG = "{http://www.w3.org/2000/svg}"
STORES = {
    "no rows": [],
    "one row": [1],
    "only gaps": list(range(1, 300, 40)),
}


def odd_site(folder: Path, days: list[int], *subjects: tuple[str, str]) -> str:
    """Return the address of a page whose metrics have values of these days only, given as days ago."""
    (folder / "cmetrics.toml").write_text(catalog_text(*subjects))
    catalog = load_catalog(folder / "cmetrics.toml", SPECS)
    rows = [row for metric in catalog.metrics for row in counted(metric, {AS_OF - n * DAY: 1000 + n for n in days})]
    write_site(rendered(catalog, rows).items(), folder / "site")
    return (folder / "site" / "index.html").as_uri()


@pytest.mark.parametrize("store", STORES)
def test_a_store_with_few_values_has_a_correct_page(reader, tmp_path, store):
    subjects = (("cratesio", "lance"), ("github", "lancedb/lancedb"))
    page = reader.open(odd_site(tmp_path, STORES[store], *subjects), size=(390, 844))
    assert page.locator(".metrics tbody tr").count() == 2
    activate_charts(page)
    assert page.evaluate("() => document.documentElement.scrollWidth") == 390
    crate, stars = page.locator(".metrics tbody tr").all_text_contents()
    if store == "no rows":
        values = page.locator(".metrics td:nth-child(4)").all_text_contents()
        assert [value.strip() for value in values] == ["–", "–"], "a missing value is not zero"
        assert page.locator("h1").inner_text() == "No data yet"
        assert page.locator(".message:visible").all_inner_texts() == ["No data yet"] * 2
        assert page.locator(".canvas .still, .canvas .plot").count() == 0, "there are no axes without data"
    page.goto(page.url.replace("index.html", "products/p.html"))
    activate_charts(page)
    if store == "one row":
        assert "lance" in crate
        assert "1,001" in stars
        (bars,) = figure(page, "downloads-p").traces
        assert (bars.y, bars.hatch) == ([1001], ["/"])
    if store == "only gaps":
        marks = figure(page, "stars-p").of("lancedb/lancedb", mode="markers")
        assert marks.y == [1000 + n for n in reversed(STORES[store])], "a day between two gaps is visible"
    # Every control works on an empty page.
    page.evaluate("() => document.querySelectorAll('.controls input').forEach((radio) => radio.click())")
    page.evaluate("() => document.querySelectorAll('[data-do=reset]').forEach((button) => button.click())")
    assert state_of(page) == {}


@pytest.mark.parametrize("store", STORES)
def test_pictures_of_few_values_are_drawn_without_scripts(reader, tmp_path, store):
    url = odd_site(tmp_path, STORES[store], ("github", "lancedb/lancedb"))
    page = reader.open(url.replace("index.html", "products/p.html"), java_script_enabled=False)
    still = page.locator("#chart-stars-p svg.still")
    assert still.is_visible() == bool(STORES[store])
    if not STORES[store]:
        assert page.locator("#chart-stars-p .message").inner_text() == "No data yet"
        return
    assert still.locator(".mark, .line").count() == len(STORES[store])
    assert "NaN" not in still.inner_html()


def test_one_metric_has_a_page_without_a_total(reader, tmp_path):
    page = reader.open(odd_site(tmp_path, list(range(60)), ("github", "lancedb/lancedb")))
    activate_charts(page)
    assert keys_of(page) == ["stars-p-github"]
    assert page.locator(".metrics tbody tr").count() == 1
    assert page.locator(".totals dt").all_text_contents() == ["GitHub stars"], "absent families are not mentioned"
    assert page.locator("#stars").count() == 1


# -- hostile texts ----------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def hostile(tmp_path_factory):
    """Serve a site in which all texts of a configuration are hostile."""
    folder = tmp_path_factory.mktemp("hostile")
    text = json.dumps(EVIL)
    (folder / "cmetrics.toml").write_text(
        f"""
title = {text}
contact = "https://example.com/contact"
url = "https://example.org/a&b='x'/"
[[products]]
id = "p"
title = {text}
[[products]]
id = "q"
title = "javascript:window.owned=1"
[[metrics]]
product = "p"
source = "cratesio"
subject = "lance"
display_name = {text}
[[metrics]]
product = "q"
source = "npm"
subject = "@scope/name"
display_name = "javascript:window.owned=1"
[[metrics]]
product = "p"
source = "github"
subject = "owner/name"
display_name = {text}
[[metrics]]
product = "q"
source = "github"
subject = "other/name"
[[events]]
date = 2026-10-10
label = {text}
url = "https://example.org/?q='onmouseover=window.owned=1"
[[events]]
date = 2026-10-20
label = "javascript:window.owned=1"
"""
    )
    catalog = load_catalog(folder / "cmetrics.toml", SPECS)
    rows = [
        row for metric in catalog.metrics for row in counted(metric, {AS_OF - n * DAY: 9000 - n for n in range(80)})
    ]
    ids = [metric.metric_id for metric in catalog.metrics]
    errors = " | ".join(f"{name}: {EVIL}" for name in ids)
    runs = [Run("r", "refresh", RunStatus.PARTIAL, NOW, NOW, 1, 0, errors)]
    with ExitStack() as stack:
        yield built(stack, folder / "site", catalog, rows, runs)


def test_hostile_texts_are_shown_as_text(reader, hostile):
    assert reader.open(hostile.url).title() == EVIL
    page = reader.open(hostile.charts)
    assert page.locator(".brand").text_content() == EVIL
    assert EVIL in page.locator(".metrics tbody").text_content()
    assert page.locator("#chart-downloads-p h3").text_content() == f"Downloads of {EVIL}"
    activate_charts(page)
    for details in page.locator("details > summary").all():
        details.click()
    assert page.locator("details.events").first.get_by_role("link", name=EVIL).count() == 1
    assert page.locator("details.events").first.get_by_text("javascript:window.owned=1").count() == 1
    assert page.locator("#chart-downloads-p table th").nth(1).text_content() == f"{EVIL} (lance)"
    # The card of the chart.
    assert f"{EVIL} (lance)" in point_at_end(page, "downloads-p").locator("bdi").all_text_contents()
    for option in ("Day", "Week"):
        page.evaluate("(v) => document.querySelector(`[data-option=by][value=${v}]`).click()", option.lower())
    for kind in ("png", "svg"):
        with page.expect_download() as saved:
            download_button(page, "downloads-p", kind).click()
    picture = saved.value.path().read_text()
    assert ET.fromstring(picture).find(f"{SVG}title").text == f"Downloads of {EVIL}"
    drawn = [one.text for one in ET.fromstring(picture).iter(f"{SVG}text")]
    # A text that is longer than the picture is cut.
    assert len([text for text in drawn if text.endswith("…") and f"Downloads of {EVIL}".startswith(text[:-1])]) == 1
    assert "<script" not in picture
    assert "<img" not in picture
    assert page.evaluate("() => window.owned") is None
    assert page.locator("img, script:not([src]):not([type$=json])").count() == 0
    assert page.locator("[href^='javascript:' i], [onerror], [onmouseover]").count() == 0
    page.goto(f"{hostile.url}quality.html")
    page.get_by_text("Runs with errors").click()
    # A run without outcomes is listed with its complete summary.
    assert page.locator(".runs").get_by_text(EVIL).count() == 1
    assert page.evaluate("() => window.owned") is None


def test_a_hostile_event_is_shown_as_text(reader, hostile):
    page = reader.open(hostile.charts)
    for live in (False, True):
        if live:
            activate_charts(page, "stars-p")
        frame = page.locator("#chart-stars-p .frame .lane.large")
        (title,) = frame.locator("a[href] title").all_text_contents()
        assert title == f"1: {EVIL}, 10 Oct 2026"
        assert frame.locator("a:not([href]) title").all_text_contents() == ["2: javascript:window.owned=1, 20 Oct 2026"]
        (link,) = frame.locator("a[href]").all()
        assert link.get_attribute("href") == "https://example.org/?q='onmouseover=window.owned=1"
        assert page.locator("#chart-stars-p .frame :is(script, img)").count() == 0
        assert page.evaluate("() => window.owned") is None


def test_a_saved_table_has_no_formulas(reader, hostile):
    page = reader.open(hostile.charts)
    with page.expect_download() as saved:
        download_button(page, "downloads-q", "csv").click()
    lines = saved.value.path().read_text().splitlines()
    assert len(lines) > 1
    assert all(re.fullmatch(r"[\w.:,-]+", line) and line[0] not in "=+-@" for line in lines)


def test_hostile_texts_are_shown_as_text_on_all_pages(reader, tmp_path):
    catalog = small_catalog(tmp_path / "cmetrics.toml", 13, EVIL)
    rows = [row for metric in catalog.metrics for row in counted(metric, {AS_OF - DAY: 5, AS_OF: 6})]
    write_site(rendered(catalog, rows).items(), tmp_path / "site")
    for path in ("index.html", "products/p.html", "metrics/downloads-p-m3.html"):
        page = reader.open((tmp_path / "site" / path).as_uri())
        activate_charts(page)
        assert EVIL in page.locator("body").text_content()
        assert page.evaluate("() => window.owned") is None
        assert page.locator("img, script:not([src]):not([type$=json])").count() == 0
    page = reader.open((tmp_path / "site" / "index.html").as_uri())
    page.get_by_label("Search").fill("<script>")
    assert len(listed(page)) == 13


# -- hundreds of metrics ----------------------------------------------------------------------------

ALL = PRODUCTS * (PACKAGES + REPOSITORIES)


def listed(page) -> list[str]:
    """Return the subjects of the visible rows, in order."""
    rows = page.locator("table.metrics tbody tr")
    return rows.evaluate_all(
        "(all) => all.filter((r) => r.checkVisibility()).map((r) => r.querySelector('th a').textContent)"
    )


@pytest.mark.parametrize("width", [390, 1280])
def test_hundreds_of_metrics_fit(reader, many, width):
    page = reader.open(many.url, size=(width, 900))
    assert len(listed(page)) == ALL == 300
    assert page.evaluate("() => document.documentElement.scrollWidth") == width
    assert "300" in page.locator(".found").text_content()
    assert keys_of(page) == ["downloads", "all-stars"]
    activate_charts(page)
    stars = sum(row.value for row in many.rows if row.metric_id.startswith("stars:") and row.period_end == AS_OF)
    assert figure(page, "all-stars").traces[0].points[AS_OF.isoformat()] == stars
    assert all(url.startswith((many.url, "data:", "blob:")) for url in reader.requested)


def test_one_layout(tmp_path):
    """The overview of 2 metrics has the same parts as that of 40; charts of products are on their own pages."""
    parts = []
    for number in (2, 40):
        files = rendered(small_catalog(tmp_path / f"{number}.toml", number), [], plotly=b"")
        html = files["index.html"].decode()
        assert html.count("<tr id=") == number
        assert sum(name.startswith("metrics/") for name in files) == number
        assert 'id="chart-downloads-p"' in files["products/p.html"].decode()
        parts.append(
            [
                re.findall(r'<(?:h2|figure)[^>]* id="([^"]+)"', html.partition("</main>")[0]),
                sorted(set(files) - metric_files(files)),
            ]
        )
    assert parts[0] == parts[1]
    assert parts[0][0] == ["chart-downloads", "packages", "quality"]


def metric_files(files) -> set[str]:
    """Return the files of metrics."""
    return {name for name in files if "downloads-p-" in name}


def small_catalog(path: Path, number: int, text: str = "P") -> Catalog:
    """Return a catalogue of one product with ``number`` metrics, in which everything has the name ``text``."""
    name = json.dumps(text)
    lines = ['contact = "https://example.com/contact"', "[[products]]", 'id = "p"', f"title = {name}"]
    for n in range(number):
        lines += ["[[metrics]]", f'id = "downloads:p:m{n}"', 'product = "p"', 'source = "npm"', f'subject = "m{n}"']
        lines += [f"display_name = {name}"]
    path.write_text("\n".join(lines))
    return load_catalog(path, SPECS)


def test_search_and_filters_are_in_the_address(reader, many):
    page = reader.open(many.url)
    found = page.locator(".found")
    page.get_by_label("Search").fill("PACKAGE-07")
    assert listed(page) == [f"package-07-{n:02}" for n in reversed(range(PACKAGES))], "in descending order"
    assert found.text_content() == f"{PACKAGES} of 300 metrics"
    page.get_by_label("Search").fill("Product-07 repository-01")
    assert listed(page) == []
    page.get_by_label("Search").fill("-01 owner-07")
    assert listed(page) == ["owner-07/repository-01"]
    page.get_by_label("Search").fill("product 07")
    assert set(listed(page)) >= {"package-07-01", "owner-07/repository-01"}
    page.get_by_label("Type").select_option("stars")
    assert not any(subject.startswith("package") for subject in listed(page))
    page.get_by_label("Search").fill("")
    assert len(listed(page)) == PRODUCTS * REPOSITORIES
    page.locator("select[name=product]").select_option("Product 03")
    page.locator("select[name=source]").select_option(label=SPECS["github"].public_name)
    expected = [f"owner-03/repository-{n:02}" for n in reversed(range(REPOSITORIES))]
    assert listed(page) == expected
    assert state_of(page) == {"product": "p03", "family": "stars", "source": "github"}
    page.reload()
    assert listed(page) == expected
    assert page.locator("select[name=product]").input_value() == "p03"
    page.get_by_label("Search").fill("nothing like that")
    assert found.text_content() == "0 of 300 metrics"
    page.goto(f"{many.url}?product=nobody&family=%3Cscript%3E&q=package-00-00")
    assert listed(page) == ["package-00-00"], "a product that no choice offers is ignored"


def test_a_list_is_sorted_by_mouse(reader, many):
    page = reader.open(many.url)
    heading = page.get_by_role("columnheader", name="October")
    value = {metric.subject: value_of(many, metric) for metric in many.catalog.metrics}
    heading.get_by_role("button").click()
    assert heading.get_attribute("aria-sort") == "descending"
    assert [value[subject] for subject in listed(page)] == sorted(value.values(), reverse=True)
    heading.get_by_role("button").click()
    assert heading.get_attribute("aria-sort") == "ascending"
    assert [value[subject] for subject in listed(page)] == sorted(value.values())
    names = page.get_by_role("columnheader", name="Name")
    names.get_by_role("button").click()
    assert listed(page) == sorted(m.subject for m in many.catalog.metrics)
    assert heading.get_attribute("aria-sort") is None
    # The filter still applies.
    page.get_by_label("Search").fill("package-19")
    names.get_by_role("button").click()
    assert listed(page) == [f"package-19-{n:02}" for n in reversed(range(PACKAGES))]


def value_of(many, metric) -> int:
    days = many.daily(metric.metric_id)
    if metric.source == "github":
        return days[AS_OF]
    return sum(value for day, value in days.items() if day.isoformat()[:7] == "2026-10")


def test_a_list_is_searched_and_sorted_by_keyboard(reader, many):
    page = reader.open(many.url)
    page.get_by_label("Search").focus()
    page.keyboard.type("package-05")
    for name in ("product", "family", "source"):
        page.keyboard.press("Tab")
        assert page.evaluate("() => document.activeElement.name") == name
    page.keyboard.press("Shift+Tab")
    page.keyboard.press("d")
    assert page.get_by_label("Type").input_value() == "downloads"
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    assert page.evaluate("() => document.activeElement.textContent") == "Name"
    page.keyboard.press("Enter")
    page.keyboard.press("Space")
    assert listed(page) == [f"package-05-{n:02}" for n in reversed(range(PACKAGES))]
    page.get_by_label("Search").focus()
    page.keyboard.press("Enter")
    assert listed(page), "the form is not submitted"
    assert page.url.startswith(many.url + "?q=package-05")


def test_a_list_has_all_values_without_scripts(reader, many):
    page = reader.open(many.url, java_script_enabled=False)
    assert len(listed(page)) == 300
    assert page.locator(".finder").is_hidden()
    row = page.locator("table.metrics tr", has_text="package-04-02")
    assert f"{31 * many_base('downloads:p04:n02'):,}" in row.text_content()
    assert "Downloads in October 2026" in page.locator(".reading").first.text_content()
    row.get_by_role("link", name="package-04-02").click()
    assert page.url == f"{many.url}metrics/downloads-p04-n02.html"
    assert page.locator("svg.still").is_visible()


def test_the_view_of_a_chart_and_the_search_share_the_address(reader, many):
    page = reader.open(f"{many.url}?range=6m&q=package-01")
    assert state_of(page) == {"range": "6m", "q": "package-01"}
    page.get_by_label("Search").fill("package-02")
    assert state_of(page) == {"range": "6m", "q": "package-02"}
    page.get_by_role("group", name="Split").get_by_role("radio", name="Total").check()
    assert state_of(page) == {"range": "6m", "q": "package-02", "split": "total"}
    page.reload()
    assert page.get_by_role("group", name="Split").get_by_role("radio", name="Total").is_checked()
    assert listed(page) == [f"package-02-{n:02}" for n in reversed(range(PACKAGES))]


def test_links_lead_to_pages_with_live_charts(reader, many):
    page = reader.open(many.url)
    page.locator("table.metrics tbody tr", has_text="package-07-03").get_by_role("link", name="Product 07").click()
    assert page.locator("h1").text_content() == "Product 07"
    activate_charts(page)
    assert keys_of(page) == ["downloads-p07", "stars-p07"]
    assert len(figure(page, "downloads-p07").traces) == 8, "more colours are hard to distinguish"
    assert page.locator("#chart-downloads-p07 .legend bdi").last.text_content() == f"{PACKAGES - 7} others"
    assert page.locator(".metrics tbody tr").count() == PACKAGES + REPOSITORIES
    card = page.locator(".metrics tbody tr", has_text="package-07-03")
    card.locator("th a").click()
    assert page.url == f"{many.url}metrics/downloads-p07-n03.html"
    activate_charts(page)
    (bars,) = figure(page, "downloads-p07-n03").traces
    base = many_base("downloads:p07:n03")
    assert bars.y == [base * 22, base * 31, base * 21]
    page.evaluate("() => document.querySelector('[data-option=by][value=day]').click()")
    (days,) = figure(page, "downloads-p07-n03").traces
    assert days.points[GAP.isoformat()] is None
    assert days.points[AS_OF.isoformat()] == base
    assert page.locator(".calendar tbody tr").count() == 1
    page.get_by_role("link", name="The last 180 days as JSON").click()
    assert json.loads(page.locator("body").text_content())["metric_id"] == "downloads:p07:n03"
    page.go_back()
    page.get_by_role("link", name="Product 07").click()
    page.get_by_role("link", name="Many metrics").first.click()
    assert len(listed(page)) == 300
