"""Releases of the repositories that a refresh requests anyway."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from cmetrics.domain.event import GITHUB_RELEASES, StoredEvent
from cmetrics.domain.run import RunStatus
from cmetrics.export.restore import merge_export, restore
from cmetrics.export.tables import export_store, read_export
from cmetrics.ingest.progress import NoProgress
from cmetrics.ingest.run import Selection
from cmetrics.settings import Settings, StoreKind, StoreTarget
from cmetrics.store.lance_store import LanceStore
from tests.world.nights import Nights
from tests.world.services import as_json
from tests.world.truth import DAY, GITHUB, a_release

LANCE = "lance-format/lance"


def published(nights: Nights, *releases: dict[str, object]) -> None:
    nights.world.releases[LANCE] = [*nights.world.releases.get(LANCE, ()), *releases]


@pytest.fixture
def released(nights: Nights) -> Nights:
    today = nights.world.today
    published(
        nights,
        a_release(1, "v1.0.0", today - 60 * DAY, name="Lance 1.0.0"),
        a_release(2, "v1.1.0", today - 30 * DAY, name="The fast one"),
        a_release(3, "v1.2.0-beta.1", today - 9 * DAY, prerelease=True),
        a_release(4, "v2.0.0", today - 3 * DAY, draft=True, published_at=None),
    )
    return nights


def rows(nights: Nights) -> dict[str, StoredEvent]:
    return {row.tag: row for row in nights.store.events() if row.source == GITHUB_RELEASES}


def test_published_releases_are_stored_with_one_request_a_repository(released: Nights):
    """Drafts are excluded, and prereleases are marked. A label contains the tag."""
    summary, requests = released.refresh_with_requests()
    found = rows(released)
    assert {tag: (row.label, row.prerelease) for tag, row in found.items()} == {
        "v1.0.0": ("Lance 1.0.0", False),
        "v1.1.0": ("v1.1.0: The fast one", False),
        "v1.2.0-beta.1": ("v1.2.0-beta.1", True),
    }
    first = found["v1.0.0"]
    assert (first.product, first.day, first.source) == ("lance", released.world.today - 60 * DAY, "github")
    assert first.url == "https://github.com/lance-format/lance/releases/tag/v1.0.0"
    listed = [request for request in requests if request.path.endswith("/releases")]
    assert sorted(request.path for request in listed) == [
        "/repos/lance-format/lance/releases",
        "/repos/lancedb/lancedb/releases",
    ]
    assert summary.warnings == ()
    assert dict(summary.requests)["github"] == sum(request.host == GITHUB for request in requests)


def test_the_next_night_updates_releases_and_removes_none(released: Nights):
    """A release that is missing in a response stays, and a renamed one keeps its row."""
    released.refresh()
    before = rows(released)
    version = released.store.versions()
    released.world.releases[LANCE] = [
        row | ({"name": "1.1.0, renamed"} if row["id"] == 2 else {})
        for row in released.world.releases[LANCE]
        if row["id"] != 1
    ]
    released.sleep()
    released.refresh()
    after = rows(released)
    assert after["v1.0.0"] == before["v1.0.0"]
    assert after["v1.1.0"] == replace(before["v1.1.0"], label="1.1.0, renamed", observed_at=released.now())
    assert version != released.store.versions()


def test_a_repository_without_a_change_writes_no_row(released: Nights):
    """Stores and data branches do not grow on nights without a release."""
    released.refresh()
    before = rows(released)
    released.sleep()
    released.refresh()
    assert rows(released) == before


def test_a_failure_affects_only_the_releases(released: Nights):
    """Stars are stored, and the run succeeds with a warning that names the repositories."""

    def fault(request, usual):
        return as_json({"message": "Server Error"}, 500) if request.path.endswith("/releases") else usual()

    released.world.faults = {GITHUB: fault}
    summary = released.refresh()
    assert summary.status is RunStatus.SUCCESS
    assert summary.counts.inserted > 0
    assert all("the releases of " in text and "were not read" in text for text in summary.warnings)
    assert len(summary.warnings) == 2
    assert rows(released) == {}
    released.world.faults = {}
    released.refresh()
    assert len(rows(released)) == 3


def test_releases_of_a_failed_repository_are_not_requested(released: Nights):
    """The failure of the metric is reported already."""
    del released.world.repositories[LANCE]
    summary, requests = released.refresh_with_requests()
    assert [request.path for request in requests if request.path.endswith("/releases")] == [
        "/repos/lancedb/lancedb/releases"
    ]
    assert summary.warnings == ()


def test_files_and_releases_share_their_requests(released: Nights, tmp_path: Path):
    """Releases are in the pages of files; patterns without a match affect the files only."""
    released.catalog = tmp_path / "cmetrics.toml"
    entry = f'[[metrics]]\nproduct = "p"\nsubject = "{LANCE}"\nsource ='
    head = 'contact = "https://example.com/c"\n[[products]]\nid = "p"\ntitle = "P"\n'
    released.world.releases[LANCE][0]["assets"] = [{"id": 7, "name": "a.zip", "download_count": 3}]
    released.catalog.write_text(f'{head}{entry} "github"\n{entry} "github-releases"\n')
    summary, requests = released.refresh_with_requests()
    assert summary.status is RunStatus.SUCCESS
    listed = [request.query["per_page"] for request in requests if request.path.endswith("/releases")]
    assert listed == ["30"]
    assert set(rows(released)) == {"v1.0.0", "v1.1.0", "v1.2.0-beta.1"}

    published(released, a_release(9, "v3.0.0", released.world.today))
    released.catalog.write_text(f'{head}{entry} "github"\n{entry} "github-releases"\ninclude = ["*.dmg"]\n')
    released.sleep()
    summary = released.refresh()
    assert summary.status is RunStatus.PARTIAL
    assert "v3.0.0" in rows(released)


def test_releases_are_requested_only_if_needed(released: Nights, tmp_path: Path):
    """``releases = "none"`` and ``--only downloads`` send no request."""
    _, requests = released.refresh_with_requests(selection=Selection("downloads"))
    assert not any(request.host == GITHUB for request in requests)
    released.catalog = tmp_path / "cmetrics.toml"
    released.catalog.write_text(
        'contact = "https://example.com/c"\n[[products]]\nid = "lance"\ntitle = "Lance"\nreleases = "none"\n'
        f'[[metrics]]\nproduct = "lance"\nsource = "github"\nsubject = "{LANCE}"\n'
    )
    _, requests = released.refresh_with_requests()
    assert not any(request.path.endswith("/releases") for request in requests)
    assert rows(released) == {}


def test_events_are_exported_and_restored(released: Nights, tmp_path: Path):
    """A restore merges new events, and repeating it writes nothing."""
    released.refresh()
    export_store(released.store, tmp_path / "export")
    events = released.store.events()
    assert list(read_export(tmp_path / "export").events) == events
    empty = Settings(StoreTarget(StoreKind.EMBEDDED, str(tmp_path / "other")), None)
    restore(empty, tmp_path / "export", now=released.now(), progress=NoProgress())
    other = LanceStore.open(empty.store)
    assert other.events() == events
    versions = other.versions()
    merge_export(empty, tmp_path / "export", now=released.now(), progress=NoProgress())
    assert other.versions() == versions
    other.save_events([replace(events[0], label="a later title", observed_at=released.now() + DAY)])
    merge_export(empty, tmp_path / "export", now=released.now(), progress=NoProgress())
    assert other.events()[0].label == "a later title"


def test_an_export_is_not_replaced_by_one_without_its_events(released: Nights, tmp_path: Path):
    """A release that GitHub no longer lists exists only in the export."""
    released.refresh()
    export_store(released.store, tmp_path / "export")
    released.drop("events")
    with pytest.raises(Exception, match=r"events: \d events \(github:1 lance"):
        export_store(released.store, tmp_path / "export")


def test_events_of_catalogue_and_filter_are_shown(released: Nights, tmp_path: Path):
    """The dashboard shows events of both and the notes, up to its day."""
    today = released.world.today
    released.catalog = tmp_path / "cmetrics.toml"
    released.catalog.write_text(
        'contact = "https://example.com/c"\n[[products]]\nid = "lance"\ntitle = "Lance"\n'
        f'[[metrics]]\nproduct = "lance"\nsource = "github"\nsubject = "{LANCE}"\n'
        f'[[events]]\ndate = {today - 60 * DAY}\nlabel = "The launch"\n'
        f'[[notes]]\ndate = {today - 59 * DAY}\ntext = "A conference"\nauthor = "Ada"\n'
        f'[[notes]]\ndate = {today + 9 * DAY}\ntext = "Later"\nauthor = "Ada"\n'
    )
    released.refresh()
    board = released.report.dashboard()
    assert [event.label for event in board.events] == ["The launch", "v1.1.0: The fast one"]
    assert [(note.text, note.author, note.products) for note in board.notes] == [("A conference", "Ada", ("lance",))]
