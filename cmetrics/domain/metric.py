"""Metrics, their products, and the properties of sources."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from urllib.parse import quote

from cmetrics.domain.days import window
from cmetrics.domain.kind import Measure, check_measures

#: Services publish a day within two weeks or, with rare exceptions, never.
PUBLISHED_WITHIN = timedelta(days=14)
#: The number of hex digits that distinguish the files of ids with the same slug.
HASH_LENGTH = 8


@dataclass(frozen=True, slots=True)
class ArchiveSpec:
    """The archive of a source, for days that the source no longer serves. Only a deep `backfill` uses it."""

    name: str
    #: The display name, for progress lines and messages.
    title: str
    #: The oldest day in the archive.
    first_day: date
    #: Whether it counts differently and overlaps with the source, so that common days are compared.
    overlaps: bool = False


@dataclass(frozen=True, slots=True)
class KnownLoss:
    """Days that a source has permanently lost for all subjects, or reports far too low."""

    first: date
    last: date
    #: The reason, as a clause for `status` and the page.
    reason: str
    #: Whether the source has values for these days, which are too low.
    is_damaged: bool = False


@dataclass(frozen=True, slots=True)
class CountingStep:
    """The first day of a different counting method at a service. Periods before and after it are not compared."""

    day: date
    #: What changed, as a clause.
    reason: str


@dataclass(frozen=True, slots=True)
class SourceSpec:
    """The properties of a source that other modules need without contacting it.

    Day counts are days up to and including the last completed UTC day.
    """

    name: str
    #: The display name of the service, for headings and progress lines.
    title: str
    #: What the source counts, by the name of the count in ``cmetrics.toml``. The first one is the default.
    measures: Mapping[str, Measure]
    #: Defaults for metrics that do not set them; an SDK for packages only.
    sdk: str | None
    display_name: str
    #: A valid subject matches this pattern in full.
    subject_pattern: str
    subject_hint: str
    #: The web page of a subject; ``{subject}`` is replaced by the percent-encoded subject, see ``page_path``.
    page: str
    #: What is counted, in a sentence for the published page.
    counts: str
    #: The number of days that the service serves; None if there is no limit.
    served_days: int | None = None
    #: The number of days that a first refresh requests. `backfill` requests older ones. Like the two
    #: others, it matters only to measures with history.
    first_days: int = 1
    #: The number of days that the service still revises; every refresh requests them again.
    settling_days: int = 0
    #: Counts may grow for this number of days (late log files), so the larger of two counts is correct; 0 = never.
    growing_days: int = 0
    #: Normalizes a subject as the service does: subjects with the same result are the same.
    canonical: Callable[[str], str] = str.lower
    #: Names of the boolean options of a metric that the source supports.
    options: frozenset[str] = frozenset()
    #: Names of the list options of a metric that the source supports: ``include``, ``exclude``.
    list_options: frozenset[str] = frozenset()
    #: The archive with days older than ``served_days``, if there is one.
    archive: ArchiveSpec | None = None
    #: Ascending.
    known_losses: tuple[KnownLoss, ...] = ()
    #: Ascending.
    steps: tuple[CountingStep, ...] = ()
    #: The well-known name of the service for the page, such as "PyPI"; empty if it is the title.
    service_name: str = ""
    #: The address of the terms of the service, or a summary of them, as Markdown.
    terms: str = ""
    #: The reason why the package that adds the source cannot be used. Entries of the source are left out.
    unavailable: str | None = None
    #: Returns the reason why the service refuses a ``contact`` in the User-Agent; None if it accepts it.
    refuses_contact: Callable[[str], str | None] | None = None
    #: Returns the reason why a subject does not have a count (both as in cmetrics.toml); None if it has.
    refuses_count: Callable[[str, str], str | None] | None = None
    #: Returns a subject as it is written in the address of its page.
    page_path: Callable[[str], str] = str
    #: The variable with the token for this source, if it uses another one than GITHUB_TOKEN.
    token_variable: str = "GITHUB_TOKEN"  # noqa: S105 - the name of a variable

    def __post_init__(self) -> None:
        """Raise ValueError if two measures have the same kind of value."""
        check_measures(self.measures)

    @property
    def default_count(self) -> str:
        """The count of an entry without ``count``."""
        return next(iter(self.measures))

    @property
    def measure(self) -> Measure:
        """The measure of an entry without ``count``."""
        return self.measures[self.default_count]

    def page_url(self, subject: str) -> str:
        """Return the address of the web page of ``subject``."""
        return self.page.format(subject=quote(self.page_path(subject), safe="@/"))

    def known_loss(self, day: date) -> KnownLoss | None:
        """Return the known loss that includes ``day``; None if there is none."""
        return next((loss for loss in self.known_losses if loss.first <= day <= loss.last), None)

    @property
    def public_name(self) -> str:
        """The name of the service on the page, in the feed and in badges."""
        return self.service_name or self.title

    @property
    def damaged_days(self) -> tuple[KnownLoss, ...]:
        """The known losses for which the source has values that are too low."""
        return tuple(loss for loss in self.known_losses if loss.is_damaged)

    @property
    def services(self) -> tuple[str, ...]:
        """The names in ``source_ref`` of the services that a metric of this source may have values from."""
        return (self.name, self.archive.name) if self.archive else (self.name,)

    def oldest_served(self, last_day: date) -> date:
        """Return the oldest day that the service may still serve."""
        return date.min if self.served_days is None else window(last_day, self.served_days)


#: Display names of earlier versions, with their correct spelling.
_LABELS = {"NodeJS": "Node.js", "GitHub Stars": "GitHub stars"}


@dataclass(frozen=True, slots=True)
class Metric:
    """One entry of the catalogue: one subject at one source."""

    metric_id: str
    measure: Measure
    product: str
    subject: str
    sdk: str | None
    source: str
    display_name: str
    page_url: str
    #: The name of the measure at its source; empty means the default one.
    count: str = ""
    #: PyPI only: count mirrors and unknown clients too.
    mirrors: bool = False
    #: No daily value replaces a seeded snapshot before this day.
    daily_from: date | None = None
    #: Daily counts: earlier packages whose series this one continues, in canonical form.
    continues: tuple[str, ...] = ()
    #: The list options of the entry, by name.
    options: tuple[tuple[str, tuple[str, ...]], ...] = ()

    @property
    def family(self) -> str:
        """The ``metric_family`` column: what is counted."""
        return self.measure.what

    def option(self, name: str) -> tuple[str, ...]:
        """Return the values of a list option; empty if the entry does not set it."""
        return dict(self.options).get(name, ())

    @property
    def label(self) -> str:
        """The display name on the page. Stores and the API keep the spelling of earlier versions."""
        return _LABELS.get(self.display_name, self.display_name)

    @property
    def slug(self) -> str:
        """The id as part of a URL or an anchor."""
        return slug(self.metric_id)


def default_name(spec: SourceSpec, measure: Measure) -> str:
    """Return the display name of a metric whose entry does not set one; a rolling window names its length."""
    if measure.display_name is not None:
        return measure.display_name
    return f"{spec.display_name}, {measure.window_days} days" if measure.is_rolling else spec.display_name


def default_id(spec: SourceSpec, measure: Measure, product: str, sdk: str | None = None) -> str:
    """Return the id of a metric whose entry does not set one: ``pulls:lance:dockerhub``."""
    return f"{measure.what}:{product}:{sdk or spec.sdk or spec.name}{measure.id_suffix}"


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
    """An event of one or more products: a release, an announcement."""

    day: date
    label: str
    url: str | None
    #: Ids of the affected products.
    products: tuple[str, ...]
    #: ``catalogue``, or the service that lists the release.
    source: str = "catalogue"
    #: The tag of a release; empty for other events.
    tag: str = ""
    prerelease: bool = False
    #: The id of a release; other events are identified by day and label.
    event_id: str = ""

    @property
    def identifier(self) -> str:
        """A text that identifies the event among those of the catalogue and the services."""
        return self.event_id or f"{self.source}:{self.day}:{self.label}"


@dataclass(frozen=True, slots=True)
class Definition:
    """One row of ``metrics``."""

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

    The name is the slug. If several ids have the same slug, only the oldest definition uses it; for the
    others, a hash of the id is appended, so that a new id never takes or renames the file of an older
    one. Ids without a definition are newer than those with one. Ids of the same age are sorted by id.
    """
    ages = {row.metric_id: row.created_at for row in definitions}
    defined = sorted(ages, key=lambda metric_id: (ages[metric_id], metric_id))
    names: dict[str, str] = {}
    taken: set[str] = set()
    colliding: list[str] = []
    for metric_id in (*defined, *sorted(set(metric_ids) - ages.keys())):
        name = slug(metric_id)
        # Some file systems ignore case.
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
        metric_family=metric.family,
        product=metric.product,
        subject=metric.subject,
        sdk=metric.sdk,
        source=metric.source,
        value_kind=metric.measure.value_kind,
        unit="count",
        is_active=True,
        display_name=metric.display_name,
        created_at=created_at,
    )
