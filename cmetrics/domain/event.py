"""Events of a product: published releases, and notes of people. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from enum import StrEnum

from cmetrics.domain.metric import Event

#: ``source`` of a release that GitHub lists.
GITHUB_RELEASES = "github"
#: ``source`` of a signal and of a final report that a run has announced: each is announced once. Their ``tag`` is
#: the kind and the metric of the signal, and the month of the report.
SIGNAL, REPORT = "signal", "report"

#: A version inside a tag: ``v1.2.3``, ``python-v0.4.0-beta.1``, ``pkg@2.0``. A single number counts only when it is
#: the whole tag, because ``nightly-2026`` names no version.
_VERSION = re.compile(r"(?<![0-9.])(\d{1,9})\.(\d{1,9})(?:\.(\d{1,9}))?(?:\.\d{1,9})*(?P<suffix>[^\s/@]*)")
_NUMBER = re.compile(r"v?(\d{1,9})")
#: The suffix of a version that is not final (Semantic Versioning 2.0 and PEP 440).
_PRERELEASE = re.compile(
    r"[-_.]?(?:a|alpha|b|beta|c|rc|pre|preview|dev|next|canary|nightly|snapshot)(?![a-z])", re.IGNORECASE
)


class ReleaseFilter(StrEnum):
    """The releases of a product that are shown: each includes those before it."""

    NONE = "none"
    #: Major and minor releases: 2.0.0 and 2.1.0.
    MINOR = "minor"
    #: Also patch releases: 2.1.3.
    PATCH = "patch"
    #: Also releases whose tag is not a version.
    ALL = "all"


class _Level(StrEnum):
    MINOR = "minor"
    PATCH = "patch"
    OTHER = "other"


_SHOWN: Mapping[ReleaseFilter, frozenset[_Level]] = {
    ReleaseFilter.NONE: frozenset(),
    ReleaseFilter.MINOR: frozenset({_Level.MINOR}),
    ReleaseFilter.PATCH: frozenset({_Level.MINOR, _Level.PATCH}),
    ReleaseFilter.ALL: frozenset(_Level),
}


@dataclass(frozen=True, slots=True)
class StoredEvent:
    """One row of ``events``; its key is ``(event_id, product)``."""

    #: Stays the same when the release or its repository is renamed.
    event_id: str
    product: str
    #: The UTC day of the publication.
    day: date
    label: str
    url: str
    source: str
    tag: str
    prerelease: bool
    #: When the event was first read or last changed.
    observed_at: datetime


@dataclass(frozen=True, slots=True)
class ReleaseRule:
    """The releases of one product that are shown."""

    product: str
    releases: ReleaseFilter = ReleaseFilter.MINOR
    prereleases: bool = False

    def includes(self, event: StoredEvent) -> bool:
        """Return whether ``event`` is one of the shown releases."""
        if is_prerelease(event) and not self.prereleases:
            return False
        return _level(event.tag) in _SHOWN[self.releases]


@dataclass(frozen=True, slots=True)
class Note:
    """A note on a day from the catalogue. Always shown with its author, never as a computed text."""

    day: date
    text: str
    author: str
    #: Ids of the products to which it applies.
    products: tuple[str, ...]


def is_prerelease(event: StoredEvent) -> bool:
    """Return whether GitHub or the tag calls the release a prerelease."""
    match = _VERSION.search(event.tag)
    return event.prerelease or (match is not None and _PRERELEASE.match(match["suffix"]) is not None)


def newer_events(stored: Iterable[StoredEvent], events: Iterable[StoredEvent]) -> list[StoredEvent]:
    """Return the ``events`` that are not in ``stored``, or are there with other values and an earlier time."""
    known = {(row.event_id, row.product): row for row in stored}
    newer = []
    for row in events:
        old = known.get((row.event_id, row.product))
        if old is None or (replace(old, observed_at=row.observed_at) != row and old.observed_at <= row.observed_at):
            newer.append(row)
    return newer


def merge_events(
    catalog: Iterable[Event], stored: Iterable[StoredEvent], rules: Iterable[ReleaseRule]
) -> tuple[Event, ...]:
    """Return the events of the catalogue and the shown releases, by day.

    An event of the catalogue replaces a release of the same product on the same day, or with a tag that its label
    contains. A release that was deleted and published again at the same address is one event, the newest.
    """
    written = tuple(catalog)
    by_product = {rule.product: rule for rule in rules}
    releases: dict[tuple[str, str], StoredEvent] = {}
    for row in sorted(stored, key=lambda row: (row.observed_at, row.event_id)):
        releases[row.product, row.url] = row
    shown = [
        row
        for row in releases.values()
        if row.source == GITHUB_RELEASES
        and (rule := by_product.get(row.product)) is not None
        and rule.includes(row)
        and not _is_written(row, written)
    ]
    events = [*written, *_by_release(shown)]
    return tuple(sorted(events, key=lambda event: (event.day, event.label, event.products)))


def _by_release(rows: Sequence[StoredEvent]) -> Iterable[Event]:
    """Yield one event per release; a repository may belong to several products."""
    products: dict[str, list[StoredEvent]] = {}
    for row in rows:
        products.setdefault(row.event_id, []).append(row)
    for found in products.values():
        row = found[0]
        yield Event(
            day=row.day,
            label=row.label,
            url=row.url,
            products=tuple(sorted(other.product for other in found)),
            source=row.source,
            tag=row.tag,
            prerelease=is_prerelease(row),
            event_id=row.event_id,
        )


def _is_written(row: StoredEvent, catalog: Sequence[Event]) -> bool:
    """Return whether the catalogue contains the release."""
    return any(row.product in event.products and (event.day == row.day or _names(event, row)) for event in catalog)


def _names(event: Event, row: StoredEvent) -> bool:
    """Return whether the label of ``event`` contains the tag or its version as a word."""
    match = _VERSION.search(row.tag)
    names = {row.tag, match[0] if match is not None else row.tag}
    return any(
        re.search(rf"(?<![\w.])v?{re.escape(name)}(?!\w|\.\d)", event.label, re.IGNORECASE) for name in names if name
    )


def _level(tag: str) -> _Level:
    match = _VERSION.search(tag)
    if match is not None:
        return _Level.PATCH if int(match[3] or 0) else _Level.MINOR
    return _Level.MINOR if _NUMBER.fullmatch(tag) else _Level.OTHER
