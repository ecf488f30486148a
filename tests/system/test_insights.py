"""A store of three years with nine events: terminal, report and site."""

from __future__ import annotations

import csv
import json
import re
from collections import defaultdict
from datetime import date
from itertools import pairwise
from pathlib import Path

import pytest

from cmetrics.domain.days import DAY, Month
from cmetrics.domain.metric import definition
from cmetrics.ingest.reconcile import differs
from cmetrics.settings import StoreKind, StoreTarget
from cmetrics.store.lance_store import LanceStore
from tests.conftest import Workspace
from tests.terminal import show
from tests.world import page_data

EPOCH = str(int(page_data.NOW.timestamp()))
CAUSAL = re.compile(r"because|due to|caused|thanks to", re.IGNORECASE)


@pytest.fixture(scope="module")
def years(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    data = page_data.DATA_SETS["rich"]()
    folder = tmp_path_factory.mktemp("years")
    root = folder / "data" / "lancedb"
    root.mkdir(parents=True)
    store = LanceStore.open(StoreTarget(StoreKind.EMBEDDED, str(root)))
    store.create_tables()
    store.save_definitions([definition(metric, data.now) for metric in data.catalog.metrics])
    store.upsert_observations(data.rows, differs)
    events = [
        f'[[events]]\ndate = {event.day}\nlabel = "{event.label}"\nproducts = {json.dumps(list(event.products))}'
        for event in data.catalog.events
    ]
    assert len(events) == 9
    note = '[[notes]]\ndate = 2026-10-07\ntext = "On the <b>front page</b> of a news site."\nauthor = "Ada"'
    (folder / "cmetrics.toml").write_text("\n".join([page_data.SEVEN, *events, note]))
    return Workspace(folder, {"SOURCE_DATE_EPOCH": EPOCH})


@pytest.fixture(scope="module")
def site(years: Workspace) -> Path:
    years.run("build-site")
    return years.folder / "site"


def sums(site: Path) -> dict[str, dict[date, int]]:
    found: dict[str, dict[date, int]] = defaultdict(dict)
    with (site / "data" / "stats.csv").open() as file:
        for row in csv.DictReader(file):
            found[row["metric_id"]][date.fromisoformat(row["period_end"])] = int(row["value"])
    return found


def test_insights_in_the_terminal(years: Workspace):
    """The output has at most 80 columns, the texts of the JSON object, and claims no cause."""
    out = years.run("insights").stdout
    assert max(map(len, out.splitlines())) <= 80
    assert "What changed" in out and "Running month" in out and "Next milestones" in out
    assert CAUSAL.search(out) is None
    document = years.json("insights")
    assert set(document) == {"as_of", "insights", "rollups", "signals", "events", "projections"}
    words = " ".join(out.split())
    for item in document["insights"]["items"]:
        assert item["text"] in words
    assert "Note by Ada: On the <b>front page</b> of a news site." in words
    assert len(document["events"]["events"]) == 9


@pytest.mark.parametrize("width", [60, 120])
def test_insights_on_a_terminal(years: Workspace, width: int):
    """Texts are wrapped once, to the width of the terminal; continuation lines are indented and full."""
    code, written = show(years, "insights", width=width)
    assert code == 0
    lines = written.decode().replace("\r\n", "\n").splitlines()
    assert max(map(len, lines)) <= width
    for line, after in pairwise(lines):
        continues = re.match(r" +(?! *- )", after)
        assert "   " not in line.strip()
        if continues:
            word = after.split()[0]
            assert len(line) + 1 + len(word) > width, (line, after)
    words = " ".join(" ".join(lines).split())
    assert "Note by Ada: On the <b>front page</b> of a news site." in words


def test_rollups_are_sums_of_stored_days(site: Path):
    """The sums are computed again from stats.csv."""
    values = sums(site)
    rollups = json.loads((site / "api" / "v1" / "rollups.json").read_text())["rollups"]
    checked = 0
    for row in rollups:
        if row["metric_id"] is None or row["start"] is None or row["unit"] != "downloads":
            continue
        start, end = (date.fromisoformat(row[name]) for name in ("start", "end"))
        days = {d: v for d, v in values[row["metric_id"]].items() if start <= d <= end}
        assert (row["value"], row["days_observed"]) == (sum(days.values()), len(days))
        if row["comparable"]:
            assert row["change"] == row["compared_value"] - row["previous"]["value"]
        checked += 1
    assert checked == 5 * 6


def test_numbers_in_texts_are_sums_of_stored_days(site: Path):
    """Each number with thousands in texts of movers and download signals is a sum of stored days."""
    values = sums(site)
    document = json.loads((site / "api" / "v1" / "signals.json").read_text())
    totals: set[int] = set()
    for metric_id, days in values.items():
        newest = max(days)
        for month in {Month.of(day) for day in days}:
            totals.add(sum(v for d, v in days.items() if month.first <= d <= month.last))
        for length in (1, 7, 30):
            for back in range(400):
                last = newest - back * DAY
                totals.add(sum(days.get(last - n * DAY, 0) for n in range(length)))
        assert metric_id
    texts = [row["text"] for row in (*document["signals"], *document["movers"])]
    assert len(texts) > 10
    for shown in texts:
        # The text states that it is an estimate.
        text = re.sub(r"about [\d,]+ in \w+ \d+ \(adjusted for \d+ missing days?\)", "", shown)
        for number in re.findall(r"\d{1,3}(?:,\d{3})+", text):
            assert int(number.replace(",", "")) in totals, text


def test_a_report_has_six_parts_and_is_in_the_api(years: Workspace, site: Path):
    """The command prints the report of the site as Markdown, HTML and JSON."""
    months = sorted(path.stem for path in (site / "reports").glob("*.md"))
    assert (months[0], months[-1], len(months)) == ("2025-11", "2026-10", 12)
    markdown = years.run("report").stdout
    assert markdown == (site / "reports" / "2026-10.md").read_text()
    page = years.run("report", "--format", "html").stdout
    assert page.count('<section class="slide"') == 6
    assert "<script" not in page
    assert "Note by <bdi>Ada</bdi>" in page
    assert "&lt;b&gt;front page" in page
    assert years.json("report") == json.loads((site / "api" / "v1" / "reports" / "2026-10.json").read_text())
    listed = json.loads((site / "api" / "v1" / "reports.json").read_text())["reports"]
    assert [entry["month"] for entry in listed] == months[::-1]
    for path in (site / "reports").glob("*.md"):
        assert CAUSAL.search(path.read_text()) is None
    assert years.run("report", "--month", "2026-09").stdout == (site / "reports" / "2026-09.md").read_text()


@pytest.mark.parametrize(
    ("month", "reason"),
    [("2026-13", "is not a month; use YYYY-MM"), ("2019-01", "there is no report for this month")],
)
def test_a_month_without_a_report_is_wrong_usage(years: Workspace, month: str, reason: str):
    """The message lists the available months."""
    assert reason in years.run("report", "--month", month, code=2).stderr


def test_what_changed_is_on_the_page(site: Path):
    """The overview has at most four items; the page of changes has all of them and the running month."""
    first, whole = ((site / name).read_text() for name in ("index.html", "changes.html"))
    section = first.partition('aria-labelledby="what-changed"')[2].partition("</section>")[0]
    assert 1 <= section.count("<h3") <= 4
    assert 'href="changes.html"' in section
    assert 'href="reports/index.html"' in first
    items = json.loads((site / "api" / "v1" / "insights.json").read_text())["items"]
    assert all(f'id="{item["id"]}"' in whole for item in items)
    assert "projected" in whole


def test_two_builds_are_the_same_bytes(years: Workspace, site: Path):
    """This includes reports and insights."""
    years.run("build-site", "--out", "again")
    again = years.folder / "again"
    files = sorted(path.relative_to(site) for path in site.rglob("*") if path.is_file())
    assert files == sorted(path.relative_to(again) for path in again.rglob("*") if path.is_file())
    assert [name for name in files if (site / name).read_bytes() != (again / name).read_bytes()] == []


def test_a_store_without_a_full_month_has_no_report(offline: Workspace):
    """The message states the reason and the next step."""
    offline.run("bootstrap", "--yes")
    (offline.folder / "cmetrics.toml").write_text(page_data.SEVEN)
    done = offline.run("report", code=2)
    assert "no report yet" in done.stderr
