"""Collect the releases of the repositories of a run into ``events``."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from urllib.parse import urlsplit

from cmetrics.domain.errors import SourceError, StoreError
from cmetrics.domain.event import GITHUB_RELEASES, ReleaseFilter, ReleaseRule, StoredEvent, newer_events
from cmetrics.domain.metric import Metric
from cmetrics.domain.plural import plural
from cmetrics.domain.sanitize import sanitize
from cmetrics.http.client import ServiceClient, Timeouts, open_http
from cmetrics.ingest.context import RunContext
from cmetrics.sources import REGISTRY, github
from cmetrics.sources.base import FetchResult
from cmetrics.sources.github_api import GithubClient
from cmetrics.sources.release_list import Release, fetch_releases
from cmetrics.store.lance_store import LanceStore

_HOST = "api.github.com"
#: A label is read on a chart.
_LONGEST_LABEL = 100
_LONGEST_TAG = 200

#: The releases of each repository that was read, by its name as the catalogue writes it.
ReleaseLists = Mapping[str, Sequence[Release]]


def collect_releases(
    store: LanceStore, metrics: Iterable[Metric], results: Iterable[FetchResult], context: RunContext
) -> list[str]:
    """Store the releases of every repository of which a metric was fetched. Return warnings; raise nothing.

    A list that a source has read already is not requested again. A release that a list lacks is not removed.
    """
    results = list(results)
    products = _products(metrics, context.catalog.release_rules)
    lists = {
        result.request.metric.subject: result.releases
        for result in results
        if result.releases is not None and result.request.metric.subject in products
    }
    answered = {result.request.metric.subject for result in results if _is_github(result) and result.error is None}
    wanted = [subject for subject in products if subject in answered and subject not in lists]
    found, warnings = _fetch(wanted, context) if wanted else ({}, [])
    events = build_events({**lists, **found}, products, context.now)
    try:
        store.save_events(newer_events(store.events(), events))
    except StoreError as error:
        warnings.append(f"{plural(len(events), 'release')} were not stored: {error}")
    return warnings


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
    """Return the products of each repository, without those that show no releases."""
    hidden = {rule.product for rule in rules if rule.releases is ReleaseFilter.NONE}
    products: dict[str, list[str]] = {}
    for metric in metrics:
        if _is_of_github(metric) and metric.product not in hidden:
            named = products.setdefault(metric.subject, [])
            if metric.product not in named:
                named.append(metric.product)
    return products


def _is_of_github(metric: Metric) -> bool:
    return urlsplit(REGISTRY[metric.source].policy(None).base).hostname == _HOST


def _is_github(result: FetchResult) -> bool:
    return _is_of_github(result.request.metric)


def _fetch(subjects: Sequence[str], context: RunContext) -> tuple[dict[str, Sequence[Release]], list[str]]:
    """Return the lists that were read, and a warning per reason for the others."""
    found, errors, warnings = asyncio.run(_fetch_each(subjects, context))
    by_reason: dict[str, list[str]] = {}
    for subject, error in errors.items():
        by_reason.setdefault(str(error), []).append(subject)
    for reason, failed in by_reason.items():
        shown = failed[0] if len(failed) == 1 else f"{failed[0]} and {len(failed) - 1} more"
        warnings.append(f"the releases of {shown} were not read: {reason}")
    return found, warnings


async def _fetch_each(
    subjects: Sequence[str], context: RunContext
) -> tuple[dict[str, Sequence[Release]], dict[str, SourceError], list[str]]:
    found: dict[str, Sequence[Release]] = {}
    errors: dict[str, SourceError] = {}
    timeouts = Timeouts()
    policy = REGISTRY[github.SPEC.name].policy(context.settings.github_token)
    async with open_http(context.catalog.contact, timeouts, context.settings.network) as http:
        service = ServiceClient(http, policy, timeouts=timeouts, clock=context.clock, sleep=context.sleep)
        client = GithubClient(service)
        try:
            for subject in subjects:
                client.select(subject)
                try:
                    found[subject] = await fetch_releases(client.get, subject)
                except SourceError as error:
                    errors[subject] = error
        finally:
            context.requests_sent[github.SPEC.name] += service.requests
    return found, errors, list(client.take_warnings())
