"""Controls of charts by mouse, keyboard and touch; the content of charts is compared with the rows."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator
from datetime import date, timedelta
from itertools import pairwise

import pytest
from playwright.sync_api import Browser, Page

from cmetrics.domain.days import DAY
from tests.site.conftest import (
    AS_OF,
    GAP,
    UNCOUNTED,
    Reader,
    Site,
    activate_charts,
    download_button,
    keys_of,
    point_at_end,
    state_of,
)
from tests.site.sums import Trace, approx_equal, each_day, figure, month, range_start, sums, week

LANCE, LANCEDB = "downloads-lance", "downloads-lancedb"
PYLANCE, CRATE = "Python (pylance)", "Rust (lance)"
SINCE = range_start(24)


@pytest.fixture(scope="module")
def live_page(browser: Browser, site: Site) -> Iterator[tuple[Reader, Page]]:
    """Open a page with live charts, for all tests that only use its controls."""
    reading = Reader(browser)
    page = reading.open(site.charts)
    activate_charts(page)
    yield reading, page
    reading.close()


@pytest.fixture
def page(live_page: tuple[Reader, Page]) -> Iterator[Page]:
    reading, page = live_page
    yield page
    page.evaluate("() => document.querySelectorAll('figure details[open]').forEach((d) => { d.open = false; })")
    reset(page)
    messages, reading.console = reading.console, []
    assert messages == []


#: For each name of controls: the options of downloads and of stars, and their values.
NAMES = {
    "Range": (["range", "starsrange"], {"3M": "3m", "6M": "6m", "1Y": "1y", "2Y": "2y", "All": "all"}),
    "Downloads by": (["by"], {"Day": "day", "Week": "week", "Month": "month"}),
    "Stars by": (["starsby"], {"Day": "day", "Week": "week", "Month": "month"}),
    "Chart type": (["mark"], {"Bars": "bars", "Lines": "lines"}),
    "Layout": (["place"], {"Stacked": "stacked", "Side by side": "side"}),
    "Axis": (["scale", "starsscale"], {"Linear": "linear", "Log": "log"}),
    "Scale": (["show", "starsshow"], {"Absolute": "absolute", "Share": "share", "Index": "indexed"}),
    "Stars": (["stars"], {"Total": "total", "New": "gain"}),
    "Average": (["smooth"], {"None": "off", "7 days": "7", "28 days": "28"}),
    "Events": (["events"], {"Shown": "on", "Hidden": "off"}),
}
CLICK = """([names, value]) => {
  for (const name of names) document.querySelector(`.controls [data-option=${name}][value='${value}']`)?.click();
}"""


def choose(page: Page, legend: str, option: str) -> None:
    """Click a control, whether its popover is open or not. Mouse, keyboard and touch are tested below."""
    names, values = NAMES[legend]
    page.evaluate(CLICK, [names, values[option]])


def reset(page: Page) -> None:
    page.evaluate("() => document.querySelectorAll('[data-do=reset]').forEach((button) => button.click())")


def legend_button(page: Page, key: str, name: str):
    return page.locator(f"#chart-{key} .legend button", has_text=name)


def lane(page: Page, key: str) -> str:
    """Return the texts of the marks of events."""
    return " ".join(page.locator(f"#chart-{key} .lane title").all_text_contents())


def counted_months(site: Site, metric_id: str, since=SINCE):
    """Return the sums of months that are not represented by a snapshot."""
    metric = site.catalog.metric(metric_id)
    snapshot_months = {month(day) for day in site.snapshots(metric_id)}
    days = {
        d: v
        for d, v in site.daily(metric_id).items()
        if month(d) not in snapshot_months or month(d)[1] >= metric.daily_from
    }
    return sums(days, month, since)


def drawn(trace: Trace) -> dict:
    """Return the points that have a value."""
    return {x: y for x, y in trace.points.items() if y is not None}


# -- grain and range --------------------------------------------------------------------------------


def test_the_page_opens_with_months_as_bars_on_each_other(page, site):
    got = figure(page, LANCE)
    assert (got.barmode, got.y["type"]) == ("relative", "linear")
    for metric_id, name in (("downloads:lance:python", PYLANCE), ("downloads:lance:rust", CRATE)):
        expected = counted_months(site, metric_id)
        bars = got.bars(name)
        assert (bars.x, bars.y) == ([s.middle for s in expected], [s.value for s in expected])


@pytest.mark.parametrize("option, months", [("3M", 3), ("6M", 6), ("1Y", 12), ("2Y", 24), ("All", 1200)])
def test_a_range_shows_exactly_its_months(page, site, option, months):
    choose(page, "Range", option)
    since = range_start(months)
    bars = figure(page, LANCEDB).bars("Node.js")
    assert bars.x == [s.middle for s in counted_months(site, "downloads:lancedb:nodejs", since)]
    stars = figure(page, "stars-lance").line("lance-format/lance")
    assert stars.points == each_day(site.daily("stars:lance:github"), since)
    choose(page, "Layout", "Side by side")
    snapshots = [d for d in site.snapshots("downloads:lancedb:python") if d >= since]
    symbols = [t.symbol for t in figure(page, LANCEDB).traces]
    assert ("diamond-open" in symbols) == bool(snapshots)


def test_by_week_a_bar_is_the_sum_of_monday_to_sunday(page, site):
    choose(page, "Downloads by", "Week")
    expected = sums(site.daily("downloads:lance:python"), week, SINCE)
    bars = figure(page, LANCE).bars(PYLANCE)
    assert (bars.x, bars.y) == ([s.middle for s in expected], [s.value for s in expected])
    assert bars.hatch == ["" if s.is_whole else "/" for s in expected]
    running = expected[-1]
    # The week ends on the described day, which is not published yet.
    assert (running.last, running.known) == (AS_OF, 6)


def test_by_day_all_stored_days_are_shown_without_snapshots(page, site):
    choose(page, "Downloads by", "Day")
    choose(page, "Range", "All")
    choose(page, "Layout", "Side by side")
    got = figure(page, LANCEDB)
    for metric_id, name in (("python", "Python"), ("nodejs", "Node.js"), ("rust", "Rust")):
        assert got.line(name).points == each_day(site.daily(f"downloads:lancedb:{metric_id}"))
    assert {t.type for t in got.traces} == {"scatter"}, "so many bars would be too narrow for the pointer"
    assert len(got.traces) == 2 * 3, "three series, and the marks of their last values"
    choose(page, "Range", "3M")
    assert figure(page, LANCEDB).bars("Python").points == each_day(
        site.daily("downloads:lancedb:python"), range_start(3)
    )


@pytest.mark.parametrize("option, period", [("Week", week), ("Month", month)])
def test_stars_by_period_are_the_count_on_its_last_day(page, site, option, period):
    choose(page, "Stars by", option)
    days = site.daily("stars:lancedb:github")
    spans = sorted({period(day) for day in days if period(day)[1] >= SINCE})
    expected = {last.isoformat(): days[last] for _, last in spans if last in days}
    if spans[-1][1] > AS_OF:
        expected[AS_OF.isoformat()] = days[AS_OF]
    lines = [t for t in figure(page, "stars-lancedb").traces if "lancedb/lancedb" in t.name]
    got = {x: y for line in lines for x, y in drawn(line).items()}
    assert got == expected


# -- missing and partial periods -----------------------------------------------------------------


def test_incomplete_months_are_hatched(page, site):
    expected = counted_months(site, "downloads:lance:python")
    bars = figure(page, LANCE).bars(PYLANCE)
    assert bars.hatch == ["" if s.is_whole else "/" for s in expected]
    assert bars.hatch[-1] == "/"
    first = counted_months(site, "downloads:lance:rust")[0]
    crates = figure(page, LANCE).bars(CRATE)
    assert (first.known, first.value) == (6, crates.points[first.middle])


@pytest.mark.parametrize("grain", ["Week", "Month"])
@pytest.mark.parametrize("layout", ["Side by side", "Stacked"])
def test_partial_period_never_joined(page, site, grain, layout):
    """A running period, or one with missing days, is an open mark that no line is connected to."""
    choose(page, "Chart type", "Lines")
    choose(page, "Layout", layout)
    choose(page, "Downloads by", grain)
    if grain == "Week":
        expected = sums(site.daily("downloads:lance:python"), week, SINCE)
    else:
        expected = counted_months(site, "downloads:lance:python")
    assert not expected[-1].is_whole
    got = figure(page, LANCE)
    assert drawn(got.line(PYLANCE)) == {s.middle: s.value for s in expected if s.is_whole}
    marks = got.of(PYLANCE, symbol="circle-open")
    assert marks.mode == "markers"
    assert drawn(marks) == {s.middle: s.value for s in expected if not s.is_whole}
    assert "bar" not in {t.type for t in got.traces}


def test_stacked_lines_are_areas(page, site):
    """Each series fills the area between its line and the one below, where both have values."""
    for legend, option in (("Downloads by", "Day"), ("Chart type", "Lines"), ("Layout", "Stacked"), ("Range", "3M")):
        choose(page, legend, option)
    got = figure(page, LANCE)
    upper, lower = got.line(CRATE), got.line(PYLANCE)
    area = got.area(CRATE)
    assert area.fill == "toself"
    edges = list(zip(area.x, area.y, strict=True))
    below = {(x, y) for x, y in lower.points.items() if y is not None}
    above = {(x, y) for x, y in upper.points.items() if y is not None}
    alone = {x for x, y in above} - {x for x, _ in edges}
    assert {edge for edge in edges if edge[0] is not None} <= above | below
    assert {x for x, _ in edges if x is not None} | alone == {x for x, _ in above}
    pixels = page.locator(f"#chart-{LANCE} .scatterlayer .js-fill").evaluate_all(
        "(all) => all.map((path) => [getComputedStyle(path).fill, path.getBoundingClientRect().height])"
    )
    assert len(pixels) == 2
    assert all(fill != "none" and height > 0 for fill, height in pixels)


def test_snapshots_are_diamonds_on_their_day_where_bars_are_side_by_side(page, site):
    choose(page, "Layout", "Side by side")
    got = figure(page, LANCE)
    expected = {d.isoformat(): v for d, v in site.snapshots("downloads:lance:python").items() if d >= SINCE}
    diamonds = got.of(PYLANCE, symbol="diamond-open")
    assert expected
    assert (diamonds.points, diamonds.type, diamonds.mode) == (expected, "scatter", "markers")


def test_snapshots_are_bars_of_their_months_where_bars_are_stacked(page, site):
    """A published total is shown for the month with most of its 30 days, unless that month has daily values."""
    got = figure(page, LANCE)
    expected = counted_months(site, "downloads:lance:python")
    assert got.bars(PYLANCE).y == [s.value for s in expected]
    counted = {s.first for s in expected}
    months = {}
    for day, value in sorted(site.snapshots("downloads:lance:python").items()):
        first, last = month(day - 15 * DAY)
        if first not in counted and first >= SINCE:
            months[(first + (last - first) // 2).isoformat()] = value
    assert months
    assert {x: y for x, y in got.published(PYLANCE).points.items() if x >= SINCE.isoformat()} == months


def test_estimated_parts_of_the_star_total_are_dashed(page, site):
    got = figure(page, "all-stars")
    one, two = site.daily("stars:lance:github"), site.daily("stars:lancedb:github")
    both = {d.isoformat(): one[d] + two[d] for d in one if d in two}
    assert drawn(got.line("All repositories")) == {d: v for d, v in both.items() if d >= SINCE.isoformat()}
    dashed = got.of("All repositories", dash="dot")
    estimated = {GAP, *UNCOUNTED}
    beside = {d + n * DAY for d in estimated for n in (-1, 0, 1)}
    assert drawn(dashed).keys() == {d.isoformat() for d in beside}
    # Interpolated counts of the repository without a count, added to the counts of the other.
    before, after = two[UNCOUNTED[0] - DAY], two[UNCOUNTED[-1] + DAY]
    for n, day in enumerate(UNCOUNTED, 1):
        assert dashed.points[day.isoformat()] == pytest.approx(one[day] + before + (after - before) * n / 6, abs=1)
    assert not any(d.isoformat() in drawn(t) for t in got.traces if "lancedb/lancedb" in t.name for d in UNCOUNTED)


def test_a_day_without_a_count_is_a_gap(page, site):
    line = figure(page, "stars-lance").line("lance-format/lance")
    assert line.connectgaps is False
    assert line.points == each_day(site.daily("stars:lance:github"), SINCE)
    assert [day for day, value in line.points.items() if value is None] == [GAP.isoformat()]
    choose(page, "Downloads by", "Day")
    choose(page, "Layout", "Side by side")
    choose(page, "Chart type", "Lines")
    downloads = figure(page, LANCE).line(PYLANCE)
    assert downloads.connectgaps is False
    assert downloads.points == each_day(site.daily("downloads:lance:python"), SINCE)
    assert downloads.points[GAP.isoformat()] is None


# -- the cursor ------------------------------------------------------------------------------------


def test_pointing_at_a_month_shows_its_card(page, site):
    expected = counted_months(site, "downloads:lance:python")[-1]
    card = point_at_end(page, LANCE)
    assert card.locator(".when").text_content() == "November 2026"
    rows = card.locator("li").all_inner_texts()
    assert f"{expected.value:,}" in next(row for row in rows if PYLANCE in row)
    assert "20 of 30 days so far" in card.text_content()
    page.mouse.move(0, 0)


# -- comparing --------------------------------------------------------------------------------------


def test_log_scale(page):
    choose(page, "Axis", "Log")
    for key in keys_of(page):
        got = figure(page, key)
        assert got.y["type"] == "log"
        assert "bar" not in {t.type for t in got.traces}, "bars have no meaning on a log scale"
    choose(page, "Chart type", "Bars")
    assert figure(page, LANCE).y["type"] == "linear"


def test_shares_add_up_to_100_where_all_have_values(page, site):
    choose(page, "Scale", "Share")
    ids = {"Python": "python", "Node.js": "nodejs", "Rust": "rust"}
    months = {
        name: {s.middle: s.value for s in counted_months(site, f"downloads:lancedb:{sdk}")} for name, sdk in ids.items()
    }
    got = figure(page, LANCEDB)
    assert got.y["ticktext"] == ["0%", "25%", "50%", "75%", "100%"]
    bars = {name: got.bars(name).points for name in ids}
    common = set.intersection(*(set(values) for values in months.values()))
    assert 3 <= len(common) <= 4, "the crate has three months and some days"
    for name, values in bars.items():
        assert {x for x, y in values.items() if y is not None} == common
        for x in common:
            assert values[x] == pytest.approx(100 * months[name][x] / sum(m[x] for m in months.values()))
    for x in common:
        assert sum(values[x] for values in bars.values()) == pytest.approx(100)
    # After hiding one series, the shares are those of the others.
    legend_button(page, LANCEDB, "Rust").click()
    left = figure(page, LANCEDB)
    common = set(months["Python"]) & set(months["Node.js"])
    assert len(common) > 4
    assert {x for x, y in left.bars("Python").points.items() if y is not None} == common


@pytest.mark.parametrize("option", ["6M", "2Y"])
def test_the_first_complete_value_in_view_is_100(page, site, option):
    choose(page, "Range", option)
    choose(page, "Scale", "Index")
    got = figure(page, LANCE)
    for metric_id, name in (("downloads:lance:python", PYLANCE), ("downloads:lance:rust", CRATE)):
        expected = counted_months(site, metric_id, range_start(6 if option == "6M" else 24))
        base = next(s for s in expected if s.is_whole)
        line = got.line(name)
        assert line.points[base.middle] == 100
        assert approx_equal(line.y, [100 * s.value / base.value if s.value and s.is_whole else None for s in expected])


def test_stacked_lines_break_where_one_below_is_missing(page, site):
    for legend, option in (("Downloads by", "Day"), ("Chart type", "Lines"), ("Layout", "Stacked"), ("Range", "3M")):
        choose(page, legend, option)
    got = figure(page, LANCEDB)
    python, node, rust = (site.daily(f"downloads:lancedb:{sdk}") for sdk in ("python", "nodejs", "rust"))
    names = list(dict.fromkeys(t.name for t in got.traces))
    order = [{"P": python, "N": node, "R": rust}[name[0]] for name in names]
    assert len(order) == 3
    for depth, name in enumerate(names, 1):
        for x, y in got.line(name).points.items():
            parts = [days.get(date.fromisoformat(x)) for days in order[:depth]]
            assert y == (None if None in parts else sum(parts))


def test_new_stars_are_differences_without_gaps(page, site):
    choose(page, "Stars", "New")
    days = each_day(site.daily("stars:lance:github"))
    listed = list(days.items())
    expected = {
        day: None if value is None or before is None else value - before
        for (_, before), (day, value) in pairwise(listed)
        if day >= SINCE.isoformat()
    }
    got = figure(page, "stars-lance")
    line = got.line("lance-format/lance")
    assert line.points == expected
    assert expected[GAP.isoformat()] is None
    assert expected[(GAP + DAY).isoformat()] is None
    choose(page, "Stars by", "Month")
    ends = each_day(site.daily("stars:lance:github"))
    monthly = figure(page, "stars-lance").bars("lance-format/lance").points
    assert monthly["2026-10-31"] == ends["2026-10-31"] - ends["2026-09-30"]


@pytest.mark.parametrize("option, span", [("7 days", 7), ("28 days", 28)])
def test_an_average_needs_all_its_days(page, site, option, span):
    choose(page, "Downloads by", "Day")
    choose(page, "Average", option)
    choose(page, "Layout", "Side by side")
    choose(page, "Chart type", "Lines")
    days = each_day(site.daily("downloads:lance:python"))
    values = list(days.values())
    expected = {}
    for n, day in enumerate(days):
        last = values[max(0, n - span + 1) : n + 1]
        expected[day] = sum(last) / span if len(last) == span and None not in last else None
    line = figure(page, LANCE).line(PYLANCE)
    assert list(line.points) == list(expected)
    assert approx_equal(line.y, expected.values())
    assert line.connectgaps is False
    assert sum(y is None for y in line.y) == span - 1 + min(span, (AS_OF - GAP).days)


def test_values_are_not_averaged_by_default(page, site):
    choose(page, "Downloads by", "Day")
    choose(page, "Layout", "Side by side")
    assert drawn(figure(page, LANCE).line(PYLANCE)) == {
        d.isoformat(): v for d, v in site.daily("downloads:lance:python").items() if d >= SINCE
    }


# -- hiding -----------------------------------------------------------------------------------------


def test_a_series_is_hidden_and_shown_by_its_legend_entry(page):
    button = legend_button(page, LANCE, PYLANCE)
    assert button.get_attribute("aria-pressed") == "true"
    button.click()
    assert button.get_attribute("aria-pressed") == "false"
    assert not any(PYLANCE in name for name in figure(page, LANCE).names)
    assert any(CRATE in name for name in figure(page, LANCE).names)
    assert state_of(page) == {"hide": "downloads-lance-python"}
    button.click()
    assert any(PYLANCE in name for name in figure(page, LANCE).names)
    assert state_of(page) == {}


def test_hiding_every_series_leaves_an_empty_chart_and_no_error(page):
    for name in (PYLANCE, CRATE):
        legend_button(page, LANCE, name).click()
    assert figure(page, LANCE).traces == []
    legend_button(page, LANCE, CRATE).click()
    assert figure(page, LANCE).bars(CRATE)


def test_events_are_marked_for_their_products_and_hidden(page):
    assert "LanceDB 1.0, 10 Mar 2026" in lane(page, LANCEDB)
    assert "LanceDB 1.0, 10 Mar 2026" in lane(page, "stars-lancedb")
    assert "A talk & a release, 1 Sep 2026" in lane(page, LANCE)
    for key in (LANCE, "stars-lance"):
        assert "LanceDB 1.0" not in lane(page, key), "an event of another product"
    assert "LanceDB 1.0" in lane(page, "all-stars")
    assert "Long before" not in lane(page, LANCEDB), "before the range"
    choose(page, "Events", "Hidden")
    figure(page, LANCEDB)
    assert lane(page, LANCEDB) == ""
    assert page.locator(f"#chart-{LANCEDB} details.events").is_hidden()
    choose(page, "Events", "Shown")
    figure(page, LANCEDB)
    assert "LanceDB 1.0" in lane(page, LANCEDB)


def test_events_are_listed_with_their_numbers_and_links(page):
    chart = page.locator(f"#chart-{LANCEDB}")
    chart.locator("details.events summary").click()
    link = chart.locator("details.events").get_by_role("link", name="LanceDB 1.0")
    assert link.get_attribute("href") == "https://example.org/one?a=1&b=2"
    listed = chart.locator("details.events li").all_text_contents()
    assert listed == ["10 Mar 2026 LanceDB 1.0", "1 Sep 2026 A talk & a release"]
    assert chart.locator(".lane.wide .number").all_text_contents() == ["1", "2"]
    assert "LanceDB 1.0" not in page.locator(f"#chart-{LANCE} .frame").text_content()


# -- the address ------------------------------------------------------------------------------------


#: Choices of a reader, and the resulting parameters of the address.
CHOICES = {
    "Range": ("6M", {"range": "6m"}),
    "Downloads by": ("Week", {"by": "week"}),
    "Stars by": ("Month", {"starsby": "month"}),
    "Chart type": ("Lines", {"mark": "lines"}),
    "Scale": ("Share", {"show": "share"}),
    "Stars": ("New", {"stars": "gain"}),
    "Events": ("Hidden", {"events": "off"}),
}
EXPECTED = {name: value for _, query in CHOICES.values() for name, value in query.items()}


def test_a_link_shows_the_same_view_again(reader, site, page):
    for legend, (option, _) in CHOICES.items():
        choose(page, legend, option)
    legend_button(page, LANCEDB, "Rust").click()
    expected = EXPECTED | {"hide": "downloads-lancedb-rust"}
    assert state_of(page) == expected
    shown = [figure(page, key) for key in keys_of(page)]
    other = reader.open(page.url)
    for _ in ("opened", "loaded again"):
        activate_charts(other)
        assert [figure(other, key) for key in keys_of(other)] == shown
        assert state_of(other) == expected
        for name, value in EXPECTED.items():
            assert other.locator(f".controls [data-option={name}][value='{value}']").first.is_checked()
        assert legend_button(other, LANCEDB, "Rust").get_attribute("aria-pressed") == "false"
        other.reload()
    other.close()


def test_back_undoes_a_choice(reader, site):
    """Each choice is an entry of the history; Back and Forward restore the view and its controls."""
    page = reader.open(site.charts)
    chart = page.locator(f"#chart-{LANCE}")
    chart.locator(".controls label", has_text="1Y").click()
    chart.locator(".controls label", has_text="6M").click()
    assert state_of(page)["range"] == "6m"
    page.go_back()
    assert state_of(page)["range"] == "1y"
    assert chart.locator("[data-option=range][value='1y']").is_checked()
    assert "last 12 months" in chart.locator(".covers").inner_text()
    page.go_back()
    assert state_of(page) == {}
    assert "last 24 months" in chart.locator(".covers").inner_text()
    page.go_forward()
    assert state_of(page)["range"] == "1y"


def test_charts_of_stars_have_options_of_their_own(reader, site):
    """A range of downloads does not affect stars; an old address with one range applies to both."""
    page = reader.open(site.charts)
    activate_charts(page, LANCE, "stars-lance")
    before = figure(page, "stars-lance")
    page.locator(f"#chart-{LANCE} .controls label", has_text="6M").click()
    assert state_of(page) == {"range": "6m", "starsrange": "2y"}
    assert figure(page, "stars-lance") == before
    other = reader.open(f"{site.charts}?range=6m")
    activate_charts(other, "stars-lance")
    assert figure(other, "stars-lance").x["range"][0] == "2026-06-01 00:00"
    assert other.locator("#chart-stars-lance [value='6m']").is_checked()


@pytest.mark.parametrize(
    "query",
    [
        "range=9y&by=hour&mark=pie&place=&scale=LOG&show=all&stars=%00&smooth=7000&events=maybe&hide=nobody",
        "range=%22%5D%3Cscript%3Ewindow.owned%3D1%3C/script%3E&by=__proto__&hide=constructor,%3Cimg%20src=x%3E",
        "range[]=1y&constructor=1&__proto__=x&hide=,,,&by=week%00",
        "range=%&by=%E0%A4%A&hide=%FF",
    ],
)
def test_unknown_options_in_an_address_are_ignored(reader, site, page, query):
    other = reader.open(f"{site.charts}?{query}")
    activate_charts(other, LANCE, "all-stars")
    assert [figure(other, key) for key in (LANCE, "all-stars")] == [figure(page, key) for key in (LANCE, "all-stars")]
    assert other.evaluate("() => window.owned") is None
    choose(other, "Range", "1Y")
    assert state_of(other)["range"] == "1y"


def test_reset_restores_the_first_view(page):
    first = [figure(page, key) for key in keys_of(page)]
    for legend, (option, _) in CHOICES.items():
        choose(page, legend, option)
    legend_button(page, "all-stars", "All repositories").click()
    reset(page)
    assert [figure(page, key) for key in keys_of(page)] == first
    assert state_of(page) == {}
    assert page.locator(".legend [aria-pressed=false]").count() == 0
    assert page.locator("[data-option=range][value='2y']").first.is_checked()


# -- tables and files -------------------------------------------------------------------------------


def table_of(page: Page, key: str) -> list[list[str]]:
    rows = page.locator(f"#chart-{key} details.numbers tr")
    return rows.evaluate_all(
        "(all) => all.map((r) => [...r.cells].map((c) => c.textContent.replace(/\\s+/g, ' ').trim()))"
    )


def test_an_opened_table_follows_the_view(page, site):
    page.locator(f"#chart-{LANCE} details.numbers summary").click()
    months = counted_months(site, "downloads:lance:python")
    table = table_of(page, LANCE)
    assert table[0] == ["Period", PYLANCE, CRATE]
    assert table[1][0] == "November 2026"
    assert table[1][1].startswith(f"{months[-1].value:,} 20 of 30 days")
    choose(page, "Downloads by", "Day")
    choose(page, "Range", "3M")
    since = range_start(3)
    python, crate = (site.daily(f"downloads:lance:{sdk}") for sdk in ("python", "rust"))
    expected = [
        [f"{day.day} {day:%B %Y}", *(f"{days[day]:,}" if day in days else "–" for days in (python, crate))]
        for day in (AS_OF - timedelta(days=n) for n in range(400))
        if day >= since and (day in python or day in crate)
    ]
    assert table_of(page, LANCE)[1:] == expected
    legend_button(page, LANCE, PYLANCE).click()
    assert table_of(page, LANCE)[0] == ["Period", CRATE]
    choose(page, "Downloads by", "Week")
    weeks = sums(crate, week, since)
    assert [row[1].split(" ")[0] for row in table_of(page, LANCE)[1:]] == [f"{s.value:,}" for s in reversed(weeks)]


def test_a_table_opened_before_scripts_ran_follows_the_view(page, site):
    page.locator("#chart-stars-lance details.numbers summary").click()
    by_day = table_of(page, "stars-lance")
    days = site.daily("stars:lance:github")
    assert by_day[1] == ["22 November 2026", f"{days[AS_OF]:,}"]
    choose(page, "Stars by", "Month")
    assert table_of(page, "stars-lance")[2] == ["31 October 2026", f"{days[AS_OF.replace(month=10, day=31)]:,}"]


def saved_csv(page: Page, key: str) -> list[dict[str, str]]:
    with page.expect_download() as saved:
        download_button(page, key, "csv").click()
    assert re.fullmatch(rf"{key}-\d{{4}}-\d\d(-\d\d)?-to-\d{{4}}-\d\d(-\d\d)?\.csv", saved.value.suggested_filename)
    return list(csv.DictReader(io.StringIO(saved.value.path().read_text())))


@pytest.mark.parametrize("key", [LANCE, "stars-lance", LANCEDB, "stars-lancedb", "all-stars"])
def test_by_day_a_chart_s_csv_is_the_rows_of_the_store(page, site, key):
    choose(page, "Downloads by", "Day")
    choose(page, "Range", "All")
    rows = saved_csv(page, key)
    family, product = ("stars", "") if key == "all-stars" else key.split("-")
    got = {(row["metric_id"], row["period_end"], int(row["value"])) for row in rows if row["metric_id"] != "all-stars"}
    assert all(row["period_start"] == row["period_end"] for row in rows)
    expected = {
        (row.metric_id, row.period_end.isoformat(), row.value)
        for row in site.rows
        if not row.is_seed
        and row.metric_id.startswith(f"{family}:")
        and (not product or row.metric_id.startswith(f"{family}:{product}:"))
    }
    assert len(got) > 80
    assert got == expected
    for row in rows:
        if row["metric_id"] == "all-stars":
            assert (row["kind"] == "estimated") == (row["period_end"] in {d.isoformat() for d in (GAP, *UNCOUNTED)})


def test_by_month_a_csv_has_sums_snapshots_and_completeness(page, site):
    rows = [row for row in saved_csv(page, LANCE) if row["metric_id"] == "downloads:lance:python"]
    expected = counted_months(site, "downloads:lance:python")
    assert [
        (row["period_start"], row["period_end"], int(row["value"]), row["complete"] in ("true", "1"))
        for row in rows
        if row["kind"] != "seeded"
    ] == [(s.first.isoformat(), s.last.isoformat(), s.value, s.is_whole) for s in expected if s.value is not None]
    assert {row["period_end"]: int(row["value"]) for row in rows if row["kind"] == "seeded"} == {
        d.isoformat(): v for d, v in site.snapshots("downloads:lance:python").items() if d >= SINCE
    }


@pytest.mark.parametrize("legend, option", [("Scale", "Share"), ("Scale", "Index"), ("Average", "7 days")])
def test_scale_and_average_change_the_picture_but_not_the_numbers(page, site, legend, option):
    choose(page, "Downloads by", "Day")
    choose(page, "Range", "6M")
    choose(page, legend, option)
    python = site.daily("downloads:lance:python")
    assert {
        row["period_end"]: row["value"]
        for row in saved_csv(page, LANCE)
        if row["metric_id"] == "downloads:lance:python"
    } == {d.isoformat(): str(v) for d, v in python.items() if d >= range_start(6)}
    page.locator(f"#chart-{LANCE} details.numbers summary").click()
    newest = AS_OF - DAY
    row = next(row for row in table_of(page, LANCE) if row[0] == f"{newest.day} {newest:%B %Y}")
    assert row[1] == f"{python[newest]:,}"


def test_a_picture_can_be_saved_before_a_chart_was_ever_in_view(reader, site):
    page = reader.open(site.charts, size=(390, 844))
    with page.expect_download() as saved:
        # By an event, because a click with the mouse would scroll it into view.
        page.locator("#chart-all-stars [data-save=svg]").dispatch_event("click")
    assert "GitHub stars, all repositories" in saved.value.path().read_text()


# -- keyboard and finger ----------------------------------------------------------------------------


def tab_to(page: Page, css: str) -> None:
    """Press Tab until an element that matches has the focus."""
    for _ in range(120):
        page.keyboard.press("Tab")
        if page.evaluate("(css) => document.activeElement.matches(css)", css):
            return
    pytest.fail(f"no way to {css} by keyboard")


def test_everything_works_by_keyboard_alone(reader, site):
    page = reader.open(site.charts)
    page.keyboard.press("Tab")
    assert page.evaluate("() => document.activeElement.matches('.skip')")
    assert page.locator(".skip").is_visible()
    tab_to(page, "[data-do=theme]")
    page.keyboard.press("Enter")
    assert page.evaluate("() => document.documentElement.dataset.theme") == "light"
    tab_to(page, "#chart-downloads-lance [data-option=range]")
    page.keyboard.press("ArrowRight")
    assert state_of(page) == {"range": "all", "starsrange": "2y"}
    tab_to(page, "#chart-downloads-lance .view")
    page.keyboard.press("Enter")
    options = page.locator("#chart-downloads-lance .options")
    assert options.is_visible()
    for name in ("by", "mark", "place", "scale"):
        tab_to(page, f"#chart-downloads-lance [data-option={name}]")
        page.keyboard.press("ArrowRight")
    assert state_of(page) == {
        "range": "all", "starsrange": "2y", "by": "day", "mark": "lines", "place": "side", "scale": "log",
        "starsscale": "linear",
    }  # fmt: skip
    tab_to(page, "#chart-downloads-lance [data-do=reset]")
    page.keyboard.press("Space")
    assert state_of(page) == {}
    page.keyboard.press("Escape")
    assert options.is_hidden()
    page.locator(".skip").focus()
    tab_to(page, "#chart-downloads-lance .legend button")
    page.wait_for_function("() => document.querySelector('#chart-downloads-lance .main-svg')")
    page.keyboard.press("Space")
    assert state_of(page) == {"hide": "downloads-lance-python"}
    assert {t.name for t in figure(page, LANCE).traces} == {CRATE}
    tab_to(page, "#chart-downloads-lance details.numbers summary")
    page.keyboard.press("Enter")
    assert page.locator("#chart-downloads-lance table").is_visible()
    tab_to(page, "#chart-downloads-lance .download summary")
    page.keyboard.press("Enter")
    tab_to(page, "#chart-downloads-lance [data-save=csv]")
    with page.expect_download():
        page.keyboard.press("Enter")
    # The focus leaves the page at its end.
    tab_to(page, "footer a")


def test_everything_works_with_a_finger(reader, site):
    page = reader.open(site.charts, size=(390, 844), has_touch=True, is_mobile=True)
    activate_charts(page, LANCE)
    chart = page.locator(f"#chart-{LANCE}")
    chart.locator(".controls label", has_text="1Y").tap()
    chart.locator(".view").tap()
    chart.locator(".options label", has_text="Share").tap()
    chart.locator(".options label", has_text="Absolute").tap()
    chart.locator(".options").evaluate("(options) => options.hidePopover()")
    assert state_of(page) == {"range": "1y", "starsrange": "2y"}
    expected = counted_months(site, "downloads:lance:python", range_start(12))
    assert figure(page, LANCE).bars(PYLANCE).y == [s.value for s in expected]
    legend_button(page, LANCE, CRATE).tap()
    assert state_of(page) == {"range": "1y", "starsrange": "2y", "hide": "downloads-lance-rust"}
    point_at_end(page, LANCE, finger=True)
    assert page.evaluate("() => document.documentElement.scrollWidth") == 390
    # Targets have at least 24 CSS px, as WCAG requires.
    sizes = page.locator(".controls label, .legend button, [data-save], [data-do]").evaluate_all(
        "(all) => all.filter((e) => e.checkVisibility()).map((e) => [e.textContent, e.offsetHeight, e.offsetWidth])"
    )
    assert [name for name, height, width in sizes if min(height, width) < 24] == []
