"""Collect the releases of the repositories of a run into ``events``."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from urllib.parse import urlsplit

from cmetrics.domain.errors import SourceError, StoreError
from cmetrics.domain.event import GITHUB_RELEASES, ReleaseFilter, ReleaseRule, StoredEvent, newer_events
from cmetrics.domain.metric import Metric
from cmetrics.domain.plural import plural
from cmetrics.domain.sanitize import sanitize
from cmetrics.http.service import Service
from cmetrics.ingest.context import RunContext
from cmetrics.sources import REGISTRY, github
from cmetrics.sources.base import FetchResult
from cmetrics.sources.github_api import GithubClient
from cmetrics.sources.release_list import Release, fetch_releases
from cmetrics.store.lance_store import LanceStore

_HOST = "api.github.com"
#: The source under which requests for releases are counted.
RELEASES = github.SPEC.name
#: The maximum length of a label, which is shown in charts.
_LONGEST_LABEL = 100
_LONGEST_TAG = 200

#: The releases of each repository that was read, by its name as the catalogue writes it.
ReleaseLists = Mapping[str, Sequence[Release]]


class ReleaseReader:
    """Reads the releases of every repository that has a fetched metric.

    A list that a source has read already is not requested again, nor is a repository that failed.
    """

    def __init__(self, metrics: Iterable[Metric], context: RunContext) -> None:
        self._products = _products(metrics, context.catalog.release_rules)
        self._now = context.now
        self._lists: dict[str, Sequence[Release]] = {}
        self._warnings: list[str] = []

    async def read(self, results: Iterable[FetchResult], service: Service) -> None:
        """Read the releases of the repositories in ``results`` of GitHub sources. Does not raise SourceError."""
        answered: set[str] = set()
        for result in results:
            subject = result.request.metric.subject
            if result.error is None:
                answered.add(subject)
            if result.releases is not None and subject in self._products:
                self._lists[subject] = result.releases
        client = GithubClient(service)
        failed: dict[str, list[str]] = {}
        for subject in self._products:
            if subject not in answered or subject in self._lists:
                continue
            client.select(subject)
            try:
                self._lists[subject] = await fetch_releases(client.get, subject)
            except SourceError as error:
                failed.setdefault(str(error), []).append(subject)
        self._warnings += client.take_warnings()
        for reason, subjects in failed.items():
            shown = subjects[0] if len(subjects) == 1 else f"{subjects[0]} and {len(subjects) - 1} more"
            self._warnings.append(f"the releases of {shown} were not read: {reason}")

    def save(self, store: LanceStore) -> list[str]:
        """Store the releases that were read; return warnings. A release that a list lacks is not removed."""
        events = build_events(self._lists, self._products, self._now)
        if not events:
            return self._warnings
        try:
            store.save_events(newer_events(store.events(), events))
        except StoreError as error:
            return [*self._warnings, f"{plural(len(events), 'release')} were not stored: {error}"]
        return self._warnings


def build_events(lists: ReleaseLists, products: Mapping[str, Sequence[str]], at: datetime) -> list[StoredEvent]:
    """Return one row per published release and product."""
    return [
        StoredEvent(
            event_id=f"{GITHUB_RELEASES}:{release.id}",
            product=product,
            day=release.day,
            label=_label(release),
            url=release.url(subject),
            source=GITHUB_RELEASES,
            tag=sanitize(release.tag_name, limit=_LONGEST_TAG),
            prerelease=release.prerelease,
            observed_at=at,
        )
        for subject, releases in lists.items()
        for release in releases
        if release.day is not None
        for product in products[subject]
    ]


def _label(release: Release) -> str:
    """Return the title of a release; with its tag, unless the title contains it."""
    tag = sanitize(release.tag_name, limit=_LONGEST_TAG)
    title = sanitize(release.name or "", limit=_LONGEST_LABEL)
    if not title or tag.lower().lstrip("v") in title.lower():
        return title or sanitize(tag, limit=_LONGEST_LABEL)
    return sanitize(f"{tag}: {title}", limit=_LONGEST_LABEL)


def _products(metrics: Iterable[Metric], rules: Iterable[ReleaseRule]) -> dict[str, list[str]]:
    """Return the products of each repository that show releases."""
    hidden = {rule.product for rule in rules if rule.releases is ReleaseFilter.NONE}
    products: dict[str, list[str]] = {}
    for metric in metrics:
        if is_at_github(metric.source) and metric.product not in hidden:
            named = products.setdefault(metric.subject, [])
            if metric.product not in named:
                named.append(metric.product)
    return products


def is_at_github(source: str) -> bool:
    """Return whether a source uses the API of GitHub."""
    return urlsplit(REGISTRY[source].policy(None).base).hostname == _HOST
