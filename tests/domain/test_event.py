from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest

from cmetrics.domain.event import (
    ReleaseFilter,
    ReleaseRule,
    StoredEvent,
    is_prerelease,
    merge_events,
    newer_events,
)
from cmetrics.domain.metric import Event

AT = datetime(2026, 11, 22, 6, tzinfo=UTC)
DAY = date(2026, 10, 6)
RULE = ReleaseRule("p")


def a_stored(tag: str, day: date = DAY, **changes: object) -> StoredEvent:
    row = StoredEvent(
        event_id=f"github:{tag}",
        product="p",
        day=day,
        label=tag,
        url=f"https://github.com/o/r/releases/tag/{tag}",
        source="github",
        tag=tag,
        prerelease=False,
        observed_at=AT,
    )
    return replace(row, **changes)


@pytest.mark.parametrize(
    ("tag", "shown_by"),
    [
        ("v1.0.0", "minor patch all"),
        ("v1.4.0", "minor patch all"),
        ("python-v0.15", "minor patch all"),
        ("pkg@2.0.0", "minor patch all"),
        ("v15", "minor patch all"),
        ("v1.4.2", "patch all"),
        ("1.4.2.post1", "patch all"),
        ("2026.11.3", "patch all"),
        ("v1.0.0-android", "minor patch all"),
        ("nightly", "all"),
        ("release-2026-11-03", "all"),
        ("v1.0.0-beta.1", ""),
        ("v1.0.0rc1", ""),
        ("v1.0.0.dev3", ""),
    ],
)
def test_a_filter_shows_versions_down_to_its_level(tag: str, shown_by: str):
    """Each filter includes the coarser ones; prereleases need a separate setting."""
    shown = [str(level) for level in ReleaseFilter if ReleaseRule("p", level).includes(a_stored(tag))]
    assert shown == shown_by.split()


def test_a_prerelease_is_shown_on_request():
    """Both GitHub's mark and the tag identify a prerelease."""
    row = a_stored("v2.0.0", prerelease=True)
    assert is_prerelease(row)
    assert not RULE.includes(row)
    assert replace(RULE, prereleases=True).includes(row)


def test_a_product_without_a_rule_shows_no_release():
    """A product that was removed from the catalogue keeps its rows."""
    assert merge_events((), [a_stored("v1.0.0", product="gone")], [RULE]) == ()


def test_events_of_the_catalogue_replace_releases():
    """An event replaces a release of its day, or whose tag or version is in its label; a longer version differs."""
    same_day = Event(DAY, "Launch", None, ("p",))
    named = Event(DAY + timedelta(days=3), "Lance 1.2 is out", None, ("p",))
    other_product = Event(DAY, "Talk", None, ("q",))
    rows = [
        a_stored("v1.0.0"),
        a_stored("v1.2", DAY + timedelta(days=2)),
        a_stored("v1.20", DAY + timedelta(days=20)),
        a_stored("v2.0.0", DAY + timedelta(days=30)),
    ]
    labels = [event.label for event in merge_events([same_day, named, other_product], rows, [RULE])]
    assert labels == ["Launch", "Talk", "Lance 1.2 is out", "v1.20", "v2.0.0"]


def test_a_release_of_two_products_is_one_event():
    """The repository belongs to both products."""
    rows = [a_stored("v1.0.0"), a_stored("v1.0.0", product="a")]
    (event,) = merge_events((), rows, [RULE, ReleaseRule("a")])
    assert event.products == ("a", "p")
    assert (event.source, event.tag, event.identifier) == ("github", "v1.0.0", "github:v1.0.0")


def test_a_release_published_again_is_one_event():
    """A release that was deleted and published again has a new id, but the same address."""
    again = a_stored("v1.0.0", DAY + timedelta(days=1), event_id="github:9", observed_at=AT + timedelta(days=1))
    assert [event.day for event in merge_events((), [again, a_stored("v1.0.0")], [RULE])] == [again.day]


def test_only_changed_rows_are_newer():
    """Reading an unchanged list writes nothing, and an older export does not revert a change."""
    old = a_stored("v1.0.0")
    later = replace(old, observed_at=AT + timedelta(days=1))
    assert newer_events([old], [later]) == []
    assert newer_events([old], [replace(later, label="x")]) == [replace(later, label="x")]
    assert newer_events([replace(later, label="x")], [old]) == []
    assert newer_events([], [old]) == [old]
