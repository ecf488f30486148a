"""The page in a real browser: at phone and desktop width, light and dark, with and without scripts."""

from __future__ import annotations

import functools
import http.server
import json
import re
import threading
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from playwright.sync_api import Browser, sync_playwright

from cmetrics.catalog import Catalog, load_catalog
from cmetrics.dashboard.build import build_dashboard
from cmetrics.dashboard.model import Publication
from cmetrics.domain.metric import Family, definition
from cmetrics.domain.observation import DailyValue, Observation, Provenance, observe
from cmetrics.domain.run import Run
from cmetrics.seed import load_seed
from cmetrics.site.render import render_site
from cmetrics.site.write import write_site
from cmetrics.sources import SPECS
from tests.conftest import catalog_text
from tests.world.truth import World

AS_OF = date(2026, 11, 22)
NOW = datetime(2026, 11, 23, 9, 5, tzinfo=UTC)
EVIL = "<script>window.owned=1</script><img src=x onerror=window.owned=1>&\"'"


def rows_of(catalog: Catalog, *, gap: timedelta = timedelta(days=20)) -> list[Observation]:
    world = World.default()
    shift = AS_OF - world.yesterday
    truth = world.expected()
    rows = load_seed(catalog, "seed")
    for metric in catalog.metrics:
        for day, value in truth.get(metric.metric_id, {}).items():
            if day + shift != AS_OF - gap:
                stated = DailyValue(day + shift, value, "test:x")
                rows.append(observe(metric, stated, provenance=Provenance.API_DAILY, run_id="r", at=NOW))
    return rows


def rendered(catalog: Catalog, rows: list[Observation], runs: list[Run] | None = None) -> dict[str, bytes]:
    titles = {name: spec.title for name, spec in SPECS.items()}
    boards = [
        build_dashboard(catalog, titles, rows, runs or [], as_of=AS_OF, days=days, generated_at=NOW)
        for days in (7300, 180)
    ]
    definitions = tuple(definition(metric, NOW) for metric in catalog.metrics)
    return render_site(Publication(*boards, definitions, tuple(rows)), SPECS)


@pytest.fixture(scope="module")
def default_site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    catalog = load_catalog(None, SPECS)
    failed = Run("r2", "refresh", "partial", NOW, NOW, 1, 0, f"downloads:lance:rust: crates.io said {EVIL}")
    out = tmp_path_factory.mktemp("pages") / "sub" / "path"
    write_site(rendered(catalog, rows_of(catalog), [failed]), out)
    return out


@pytest.fixture(scope="module")
def base(default_site: Path) -> Iterator[str]:
    """The site as project Pages serve it: under a sub-path."""
    handler = functools.partial(_Quiet, directory=str(default_site.parent.parent))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}/sub/path/"
        server.shutdown()


class _Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture(scope="module")
def browser(chromium: str) -> Iterator[Browser]:
    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox", "--disable-gpu"])
        yield launched
        launched.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [390, 1280])
def test_the_page_fits_and_draws_every_chart_without_a_word_on_the_console(browser, base, width, scheme):
    context = browser.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme)
    page = context.new_page()
    said, asked = [], []
    page.on("console", lambda message: said.append(message.text))
    page.on("pageerror", lambda error: said.append(str(error)))
    page.on("request", lambda request: asked.append(request.url))
    page.goto(base)
    page.wait_for_function("document.querySelectorAll('.chart .main-svg').length >= 3")
    assert page.locator(".chart.js-plotly-plot").count() == 3
    assert page.evaluate("document.documentElement.scrollWidth") == width
    assert said == []
    assert all(url.startswith((base, "data:")) for url in asked)
    assert page.evaluate("window.owned") is None
    context.close()


def test_the_page_works_from_a_folder_without_any_server(browser, default_site):
    page = browser.new_page()
    page.goto((default_site / "index.html").as_uri())
    page.wait_for_function("document.querySelectorAll('.chart .main-svg').length >= 3")
    page.close()


def test_without_scripts_every_number_is_there_as_text(browser, base):
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(base)
    assert page.locator(".card").count() == 7
    text = page.locator("main").text_content()
    assert "2,037,341" in text
    assert "published snapshot" in text
    assert re.search(r"21 of 30 days so far", text)
    assert "crates.io said <script>" in text, "an error text is shown as it is, not run"
    context.close()


def test_charts_say_what_is_missing_when_hovered(browser, base):
    page = browser.new_page(viewport={"width": 1280, "height": 900})
    page.goto(base)
    page.wait_for_function("document.querySelectorAll('.chart .main-svg').length >= 3")
    notes = page.evaluate("[...document.querySelectorAll('.chart')].flatMap(c => c.data.flatMap(t => t.customdata))")
    assert any("November 2026" in note and "21 of 30 days so far" in note for note in notes)
    assert any("published snapshot" in note for note in notes)
    stars = page.evaluate("[...document.querySelectorAll('.chart')].at(-1).data[0]")
    assert None in stars["y"]
    assert stars["connectgaps"] is False
    page.close()


def test_an_old_page_says_that_it_is_old(browser, base):
    context = browser.new_context()
    page = context.new_page()
    page.clock.install(time=datetime(2026, 11, 23, 12, tzinfo=UTC))
    page.goto(base)
    assert page.locator("#stale").is_hidden()
    page.clock.set_fixed_time(datetime(2026, 12, 3, 12, tzinfo=UTC))
    page.goto(base)
    assert "10 days behind" in page.locator("#stale").text_content()
    context.close()


@pytest.mark.parametrize("kind", ["no rows", "one row", "only gaps", "hostile names"])
def test_odd_stores_give_an_honest_page(browser, tmp_path, kind):
    path = tmp_path / "cmetrics.toml"
    name = EVIL.replace('"', "") if kind == "hostile names" else "Rust"
    path.write_text(
        catalog_text(("cratesio", "lance"), ("github", "lancedb/lancedb")).replace(
            '"lance"', f'"lance"\ndisplay_name = """{name}"""', 1
        )
    )
    catalog = load_catalog(path, SPECS)
    metric = next(m for m in catalog.metrics if m.family is Family.DOWNLOADS)
    days = {"no rows": [], "one row": [1], "only gaps": range(1, 300, 40), "hostile names": range(60)}[kind]
    rows = [
        observe(
            metric,
            DailyValue(AS_OF - timedelta(days=n), 1000 + n, "t"),
            provenance=Provenance.API_DAILY,
            run_id="r",
            at=NOW,
        )
        for n in days
    ]
    write_site(rendered(catalog, rows), tmp_path / "site")
    page = browser.new_page()
    said = []
    page.on("console", lambda message: said.append(message.text))
    page.on("pageerror", lambda error: said.append(str(error)))
    page.goto((tmp_path / "site" / "index.html").as_uri())
    page.wait_for_load_state("load")
    assert page.locator(".card").count() == 2
    assert said == []
    assert page.evaluate("window.owned") is None
    assert page.locator("main script:not([type='application/json'])").count() == 0
    if kind == "no rows":
        cards = page.locator(".cards").text_content()
        assert "no day of the last 30 is stored" in cards
        assert "0 in the last" not in cards, "what is absent is not zero"
    if kind == "hostile names":
        page.wait_for_function("document.querySelectorAll('.chart .main-svg').length >= 1")
        assert name in page.locator(".card h3").first.text_content()
        assert "<script>" in page.locator(".legendtext").first.text_content()
    page.close()


def test_badges_and_small_charts_stand_alone_and_say_what_they_show(browser, base, default_site):
    page = browser.new_page()
    for path in sorted([*default_site.glob("badges/*.svg"), *default_site.glob("embed/*.svg")]):
        text = path.read_text()
        assert "http" not in text.replace("http://www.w3.org/2000/svg", ""), "nothing is fetched from elsewhere"
        page.goto(base + path.relative_to(default_site).as_posix())
        assert page.locator("svg[role=img]").get_attribute("aria-label")
        inside = page.evaluate(
            """() => { const box = document.documentElement.getBoundingClientRect();
            return [...document.querySelectorAll('text')].every(t => { const r = t.getBoundingClientRect();
            return r.width > 0 && r.left >= box.left && r.right <= box.right; }); }"""
        )
        assert inside, f"text runs out of {path.name}"
    page.close()
    endpoint = json.loads((default_site / "badges" / "downloads-lance-python.json").read_text())
    assert endpoint.keys() == {"schemaVersion", "label", "message", "color"}
    assert endpoint["schemaVersion"] == 1
    assert "Oct 2026" in endpoint["message"]


def test_numbers_in_the_page_are_those_of_the_document(browser, base, default_site):
    document = json.loads((default_site / "api" / "v1" / "dashboard" / "daily.json").read_text())
    page = browser.new_page()
    page.goto(base)
    totals = page.locator(".totals dd:not(.note)").all_text_contents()
    assert totals == [f"{document['last_full_month']['value']:,}", f"{document['total_stars']:,}"]
    notes = " ".join(page.locator(".totals .note").all_text_contents())
    assert f"{document['total_stars_change_30']['percent']:+.1f} %" in notes
    for group in document["groups"]:
        for item in group["items"]:
            card = page.locator(f"[id='{item['metric_id'].replace(':', '-')}']")
            assert card.locator(".headline").text_content() == f"{item['latest_value']:,}"
            text = card.text_content()
            if item["metric_family"] == "stars":
                assert f"{item['change_30']['absolute']:+,}" in text
                stars = page.locator("#stars ~ figure table").text_content()
                assert all(
                    f"{item[change]['absolute']:+,}" in stars for change in ("change_7", "change_30", "change_90")
                )
                continue
            assert f"{item['last_30_days']:,} in the last 30 days" in text
            if item["change_30"]:
                assert f"({item['change_30']['percent']:+.1f} %)" in text
            table = page.locator("section", has=card).locator("table").text_content()
            assert all(f"{point['value']:,}" in table for point in item["sparkline"])
            if item["month_on_month"]:
                assert f"{item['month_on_month']['percent']:+.1f} %" in text
            else:
                assert f"{item['days_observed']} of {item['days_expected']} days" in text
    page.close()
