"""What is measured: metrics, their products, and what a source is able to measure."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from urllib.parse import quote

from cmetrics.domain.days import window

#: Services publish a day within two weeks or, with rare exceptions, never.
PUBLISHED_WITHIN = timedelta(days=14)
#: Hex digits that tell files of ids with one slug apart.
HASH_LENGTH = 8


class Family(StrEnum):
    """Downloads are a flow (days add up), stars are a stock (they do not)."""

    DOWNLOADS = "downloads"
    STARS = "stars"

    @property
    def value_kind(self) -> str:
        """The ``value_kind`` column: what one stored value means."""
        return {"downloads": "daily_downloads", "stars": "cumulative_stars"}[self.value]


@dataclass(frozen=True, slots=True)
class ArchiveSpec:
    """Where the days are that a source no longer answers for. Only a deep `backfill` goes there."""

    name: str
    #: How people call it, for progress lines and messages.
    title: str
    #: It holds no day before this one.
    first_day: date
    #: It counts in its own way: days that the source holds too are read from both and compared.
    overlaps: bool = False


@dataclass(frozen=True, slots=True)
class KnownLoss:
    """Days that a source has lost for everybody, or states far too low, for good."""

    first: date
    last: date
    #: A clause for readers of `status` and of the page; it says since when or where that is known.
    reason: str
    #: The source has a value for these days, which is a part of the truth.
    is_damaged: bool = False


@dataclass(frozen=True, slots=True)
class SourceSpec:
    """What the rest of the program must know of a source without talking to it.

    Day counts are days up to and including the last completed UTC day.
    """

    name: str
    #: How people call the service, for headings and progress lines.
    title: str
    family: Family
    #: Defaults of a metric that does not say otherwise; no SDK for stars.
    sdk: str | None
    display_name: str
    #: A full match decides whether a subject can exist at the service.
    subject_pattern: str
    subject_hint: str
    #: The page about a subject for human readers; ``{subject}`` is filled in, percent-encoded.
    page: str
    #: What one counted thing is, in a sentence for readers of the published page.
    counts: str
    #: How many days the service still answers for; None where it forgets nothing.
    held_days: int | None
    #: How far back a first refresh reaches. More is `backfill`'s work.
    first_days: int
    #: How many days the service still revises, re-read by every refresh.
    settling_days: int
    #: Within that many days the larger of two reads is the truer one (late log files); 0 = never.
    growing_days: int = 0
    #: The subject as the service compares it: two subjects with one canonical form are one.
    canonical: Callable[[str], str] = str.lower
    #: Names of the options that this source reads from a metric's entry in cmetrics.toml.
    options: frozenset[str] = frozenset()
    #: What is older than ``held_days``, where somebody keeps it.
    archive: ArchiveSpec | None = None
    #: Ascending.
    known_losses: tuple[KnownLoss, ...] = ()
    #: From the catalogue's ``contact`` to why the service refuses it in a User-Agent; None: it does not.
    refuses_contact: Callable[[str], str | None] | None = None

    def known_loss(self, day: date) -> KnownLoss | None:
        """Return what is known of ``day`` at this source; None for an ordinary day."""
        return next((loss for loss in self.known_losses if loss.first <= day <= loss.last), None)

    @property
    def damaged_days(self) -> tuple[KnownLoss, ...]:
        """Days for which the source has a value that is a part of the truth."""
        return tuple(loss for loss in self.known_losses if loss.is_damaged)

    def oldest_held(self, last_day: date) -> date:
        """Return the oldest day that the service may still serve."""
        return date.min if self.held_days is None else window(last_day, self.held_days)


@dataclass(frozen=True, slots=True)
class Metric:
    """One line of the catalogue: one subject at one source."""

    metric_id: str
    family: Family
    product: str
    subject: str
    sdk: str | None
    source: str
    display_name: str
    page_url: str
    #: PyPI only: count mirrors and unknown clients too.
    mirrors: bool = False
    #: Before that day a seeded snapshot stands for its month and no daily value replaces it.
    daily_from: date | None = None

    @property
    def slug(self) -> str:
        """The id as part of a file name or an anchor."""
        return slug(self.metric_id)


def slug(metric_id: str) -> str:
    """Return an id as part of a URL or an anchor: colons become dashes, unsafe characters are percent-encoded.

    Two ids can have one slug; files are named by `file_names`.
    """
    return quote(metric_id.replace(":", "-"), safe="")


@dataclass(frozen=True, slots=True)
class Product:
    """A group of metrics on the page."""

    product: str
    title: str


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened to products on a day: a release, an announcement."""

    day: date
    label: str
    url: str | None
    #: Ids of the products it concerns.
    products: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Definition:
    """One row of ``metrics``: a metric as the store describes it."""

    metric_id: str
    metric_family: str
    product: str
    subject: str
    sdk: str | None
    source: str
    value_kind: str
    unit: str
    is_active: bool
    display_name: str
    created_at: datetime


def file_names(metric_ids: Iterable[str], definitions: Iterable[Definition] = ()) -> dict[str, str]:
    """Return the file name, without a suffix, of every id in ``metric_ids`` and ``definitions``.

    The name is the slug. Of several ids with one slug, only the oldest definition has it; the others
    get a hash of the id appended, so that a new id never takes or renames the file of an older one.
    Ids without a definition are newer than those with one; ids of one age go by their own order.
    """
    ages = {row.metric_id: row.created_at for row in definitions}
    defined = sorted(ages, key=lambda metric_id: (ages[metric_id], metric_id))
    names: dict[str, str] = {}
    taken: set[str] = set()
    colliding: list[str] = []
    for metric_id in (*defined, *sorted(set(metric_ids) - ages.keys())):
        name = slug(metric_id)
        # Some file systems take upper and lower case for the same.
        if name.casefold() in taken:
            colliding.append(metric_id)
        else:
            names[metric_id] = name
            taken.add(name.casefold())
    for metric_id in colliding:
        digest = hashlib.sha256(metric_id.encode()).hexdigest()
        length = next(
            n for n in range(HASH_LENGTH, len(digest)) if f"{slug(metric_id)}-{digest[:n]}".casefold() not in taken
        )
        names[metric_id] = f"{slug(metric_id)}-{digest[:length]}"
        taken.add(names[metric_id].casefold())
    return names


def definition(metric: Metric, created_at: datetime) -> Definition:
    """Return the row of ``metrics`` that describes ``metric``."""
    return Definition(
        metric_id=metric.metric_id,
        metric_family=metric.family.value,
        product=metric.product,
        subject=metric.subject,
        sdk=metric.sdk,
        source=metric.source,
        value_kind=metric.family.value_kind,
        unit="count",
        is_active=True,
        display_name=metric.display_name,
        created_at=created_at,
    )
