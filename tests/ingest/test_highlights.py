"""New signals and final reports are announced once, on whatever machine the next night runs."""

from __future__ import annotations

from datetime import date, timedelta

from cmetrics.analytics.model import Dashboard
from cmetrics.analytics.news import NewsKind, build_announced_news
from cmetrics.domain.event import REPORT, SIGNAL
from cmetrics.export.restore import restore
from cmetrics.export.tables import export_store
from cmetrics.ingest.progress import NoProgress
from cmetrics.ops import actions
from cmetrics.ops.chat import build_lines
from cmetrics.ops.run_report import build_run_document
from cmetrics.settings import Settings, StoreKind, StoreTarget
from cmetrics.store.lance_store import LanceStore
from tests.world.nights import Nights
from tests.world.truth import DAY, NPM


def spike(nights: Nights) -> None:
    """Triple the downloads of the npm package for the next seven days."""
    values = nights.world.npm["@lancedb/lancedb"]
    for n in range(8):
        day = nights.world.today + n * DAY
        values[day] = 3 * values.get(day, 9_000)


def new_signals(summary) -> list[dict]:
    return build_run_document(summary)["new_signals"]


def test_a_signal_is_announced_once(nights: Nights):
    """It is announced in the first run that detects it, and stays in the feed after it has ended."""
    nights.begin(nights.world.today - 60 * DAY)
    nights.world.lag[NPM] = 1
    nights.refresh()
    spike(nights)
    announced = []
    for _ in range(9):
        nights.sleep()
        announced += new_signals(nights.refresh())
    spikes = [signal for signal in announced if signal["kind"] == "spike"]
    assert [signal["metric_id"] for signal in spikes] == ["downloads:lancedb:nodejs"]
    assert "@lancedb/lancedb" in spikes[0]["text"]
    (row,) = [row for row in nights.store.events() if row.event_id == f"signal:{spikes[0]['id']}"]
    assert (row.source, row.product, row.label) == (SIGNAL, "lancedb", spikes[0]["text"])
    nights.sleep(40)
    assert not [signal for signal in new_signals(nights.refresh()) if signal["id"] == spikes[0]["id"]]
    board = nights.report.dashboard()
    news = build_announced_news(nights.store.events(), board)
    assert [item.text for item in news if item.slug == f"signal-{spikes[0]['id']}"] == [spikes[0]["text"]]


def test_old_signals_are_not_announced(nights: Nights):
    """Signals that began long ago are recorded as known, but not announced."""
    summary = nights.refresh()
    known = [row for row in nights.store.events() if row.source == SIGNAL]
    assert summary.highlights.signals == len(known)
    recent = nights.world.yesterday - timedelta(days=7)
    assert {row.event_id for row in summary.highlights.announced} == {
        row.event_id for row in known if row.day >= recent
    }
    again = nights.refresh()
    assert again.highlights.announced == ()
    assert again.highlights.signals == summary.highlights.signals


def test_a_report_is_announced_when_it_is_final(nights: Nights):
    """A report is announced once, two weeks after its month; months collected at once are not announced."""
    first = nights.world.today - 120 * DAY
    nights.begin(first.replace(day=1))
    nights.refresh()
    found: dict[date, list[str]] = {}
    while len(found) < 2:
        nights.sleep()
        if months := build_run_document(nights.refresh())["new_reports"]:
            found[nights.world.today] = months
    for day, months in found.items():
        # The first month was collected in the following month.
        assert day.day == (16 if day == min(found) else 15)
        assert months == [f"{(day.replace(day=1) - DAY):%Y-%m}"]
    (item, *_) = [
        item
        for item in build_announced_news(nights.store.events(), nights.report.dashboard())
        if item.kind is NewsKind.REPORT
    ]
    assert item.href == f"reports/{item.slug.removeprefix('report-')}.html"


def test_another_machine_does_not_announce_again(nights: Nights, tmp_path):
    """The export contains what was announced."""
    nights.refresh()
    export_store(nights.store, tmp_path / "export")
    rows = [row for row in nights.store.events() if row.source in (SIGNAL, REPORT)]
    assert rows
    other = Settings(StoreTarget(StoreKind.EMBEDDED, str(tmp_path / "other")), None)
    restore(other, tmp_path / "export", now=nights.now(), progress=NoProgress())
    assert [row for row in LanceStore.open(other.store).events() if row.source in (SIGNAL, REPORT)] == rows


def test_figures_of_the_night(nights: Nights):
    """The stars are those of the newest day, with the stars gained and lost on it."""
    nights.begin(nights.world.today - 9 * DAY)
    nights.refresh()
    nights.sleep()
    found = nights.refresh().highlights
    day = nights.world.yesterday
    repositories = nights.world.repositories.values()
    assert found.stars == sum(repository.stars_on(day) for repository in repositories)
    assert found.new_stars == sum(repository.stars[day] for repository in repositories)
    assert found.lost_stars == 0


def a_document(**changes: object) -> dict[str, object]:
    return {
        "job": "refresh",
        "status": "success",
        "signals": 2,
        "new_signals": [{"id": "a", "kind": "spike", "metric_id": "m", "text": "x <b> @here\n::error::y"}],
        "new_reports": ["2026-10"],
        "downloads_30d": 12345,
        "stars": 7,
        "new_stars": None,
        "lost_stars": None,
        **changes,
    }


def test_outputs_of_the_action_are_one_line_each():
    """The text of a service cannot add an output; an unknown value is empty."""
    lines = actions.run_outputs(a_document()).splitlines()
    assert [line.partition("=")[0] for line in lines] == [
        "signals",
        "new-signals",
        "downloads-30d",
        "stars",
        "new-stars",
        "lost-stars",
    ]
    assert lines[2:] == ["downloads-30d=12345", "stars=7", "new-stars=", "lost-stars="]
    assert actions.run_outputs(a_document(signals=None)) == ""


def test_chat_messages_end_with_signals_and_reports():
    """There is one line per signal or report, five at most."""
    many = [{"id": str(n), "kind": "spike", "metric_id": "m", "text": f"Signal {n}"} for n in range(9)]
    assert build_lines(a_document())[1:] == ["• x <b> @here ::error::y", "• The report of 2026-10 is final."]
    assert build_lines(a_document(new_signals=many, new_reports=[]))[-1] == "• and 4 more signals"


def test_a_removed_metric_has_no_news(nights: Nights):
    """The signals of a metric that was removed from the catalogue are not shown."""
    nights.refresh()
    board: Dashboard = nights.report.dashboard()
    rows = [row for row in nights.store.events() if row.source == SIGNAL]
    gone = [
        type(row)(**{f: getattr(row, f) for f in row.__slots__} | {"tag": "spike downloads:gone:x"}) for row in rows
    ]
    assert build_announced_news(gone, board) == ()
