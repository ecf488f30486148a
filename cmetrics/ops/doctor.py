"""Collect the facts for `doctor`, and check them. Read-only."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable
from collections.abc import Set as AbstractSet
from dataclasses import replace
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from cmetrics.catalog import Catalog, load_catalog, parse_address
from cmetrics.domain.days import Clock
from cmetrics.domain.errors import CmetricsError, ConfigError, NotFound, SourceError, StoreError, UsageError
from cmetrics.domain.metric import Metric
from cmetrics.domain.plural import plural
from cmetrics.export.clone import DEFAULT_BRANCH, Clone
from cmetrics.export.git import Git
from cmetrics.ingest.context import RunContext
from cmetrics.ingest.subjects import check_subjects
from cmetrics.ops.branch_rules import check_branch_rules
from cmetrics.ops.check import Check, ok, problem, warning
from cmetrics.ops.diagnostics import (
    judge_clock,
    judge_folder,
    judge_runs,
    judge_service,
    judge_tables,
    judge_temporary_folder,
    judge_token,
    judge_versions,
)
from cmetrics.ops.repository_checks import check_repository_settings
from cmetrics.ops.repository_settings import RepositorySettings
from cmetrics.ops.run_report import DEFAULT_CONTACT
from cmetrics.ops.services import REQUESTS, NetworkFacts, ServiceFacts, fetch_network_facts
from cmetrics.ops.webhook import check_address
from cmetrics.queries import Queries
from cmetrics.settings import Settings, StoreKind, load_settings
from cmetrics.sources import REGISTRY, SPECS
from cmetrics.store.inspect import inspect_folder, inspect_tables
from cmetrics.store.lance_store import LanceStore
from cmetrics.store.temporary import inspect_temporary_folder

#: Subjects that are looked up at one service; `refresh` reports the others.
ASKED_PER_SOURCE = 10
PACKAGES = ("cmetrics", "lancedb", "pyarrow", "httpx")
REPOSITORY = re.compile(SPECS["github"].subject_pattern)


def examine(db: str | None, config: Path | None, clone: Path, *, max_age_days: int, clock: Clock) -> list[Check]:
    """Return all checks in the order of the report. Blocks for some seconds.

    ``db`` and ``config`` are the options of the command, ``clone`` is the folder of the data branch. A
    mistake in the configuration is reported as a check.
    """
    installed: dict[str, str | None] = {}
    for name in PACKAGES:
        try:
            installed[name] = version(name)
        except PackageNotFoundError:
            installed[name] = None
    checks = [judge_versions(sys.version_info[:3], installed), *_plugins()]
    try:
        settings = load_settings(db=db, config=config)
    except UsageError as error:
        return [
            *checks,
            problem("configuration", str(error), "Correct the variable or the option"),
            judge_clock(clock(), ()),
        ]
    checks += _configuration(settings)
    catalog = _catalog(settings, checks)
    checks += _store(settings, catalog, max_age_days, clock)
    return [*checks, *_network(settings, catalog, clone, clock)]


def _plugins() -> Iterable[Check]:
    """Report the sources of other packages that cannot be used."""
    for failure in REGISTRY.failures:
        text = f"source {failure.name} of package {failure.package} cannot be used ({failure.reason})"
        yield warning("sources", text, f"Update or uninstall {failure.package}")


def _configuration(settings: Settings) -> Iterable[Check]:
    secrets = [
        name
        for name, value in (
            ("GITHUB_TOKEN", settings.github_token),
            ("CMETRICS_TRAFFIC_TOKEN", settings.traffic_token),
            ("LANCEDB_API_KEY", settings.store.api_key),
            ("CMETRICS_WEBHOOK_URL", settings.webhook),
        )
        if value
    ]
    yield ok("configuration", f"secrets set (not shown): {', '.join(secrets)}" if secrets else "no secrets set")
    for text in settings.warnings:
        yield warning("configuration", text, "Correct the variable")
    try:
        if settings.webhook:
            check_address(settings.webhook.get_secret_value())
        if settings.site_url:
            parse_address("CMETRICS_SITE_URL", settings.site_url)
    except UsageError as error:
        yield problem("configuration", str(error), "Correct the variable")
    if settings.repository and not REPOSITORY.fullmatch(settings.repository):
        yield problem("configuration", "GITHUB_REPOSITORY is not in the form owner/name", "Correct the variable")


def _catalog(settings: Settings, checks: list[Check]) -> Catalog | None:
    try:
        catalog = load_catalog(settings.catalog, SPECS)
    except ConfigError as error:
        advice = "Correct this entry, or create a new file with `cmetrics init`"
        checks += [problem("catalogue", str(mistake), advice) for mistake in error.mistakes]
        return None
    metrics = f"{plural(len(catalog.metrics), 'metric')} of {plural(len(catalog.products), 'product')}"
    if settings.catalog is None:
        advice = "Create your own with `cmetrics init`"
        checks.append(warning("catalogue", f"{metrics} (built-in catalogue)", advice))
    else:
        checks.append(ok("catalogue", f"{metrics} in {catalog.path}"))
    return catalog


def _store(settings: Settings, catalog: Catalog | None, max_age_days: int, clock: Clock) -> Iterable[Check]:
    target = settings.store
    if target.kind is StoreKind.EMBEDDED:
        yield judge_folder(inspect_folder(Path(target.uri)))
    yield judge_temporary_folder(inspect_temporary_folder())
    try:
        tables = inspect_tables(target)
    except StoreError as error:
        yield from judge_tables(target, error)
        return
    yield from judge_tables(target, tables)
    if catalog is None or not all(t.exists and not t.missing and not t.different for t in tables if not t.is_optional):
        return
    try:
        state = Queries(LanceStore.open(target), catalog, SPECS, now=clock()).status()
    except StoreError as error:
        yield problem(
            "storage", str(error), "The tables exist but cannot be read; `cmetrics export` shows where it fails"
        )
        return
    yield from judge_runs(state.health.last_run, state.metrics, max_age_days)


def _network(settings: Settings, catalog: Catalog | None, clone: Path, clock: Clock) -> Iterable[Check]:
    repository = settings.repository if settings.repository and REPOSITORY.fullmatch(settings.repository) else None
    metrics = catalog.metrics if catalog else ()
    sources = {metric.source for metric in metrics} or set(REQUESTS)
    try:
        found = fetch_network_facts(
            (sources & REQUESTS.keys()) | ({"github"} if settings.github_token else set()),
            token=settings.github_token,
            repository=repository,
            workflow=settings.workflow,
            branch=_data_branch(settings, clone),
            contact=catalog.contact if catalog else DEFAULT_CONTACT,
            clock=clock,
            network=settings.network,
        )
    except CmetricsError as error:
        yield problem("network", str(error), "Correct the variable")
        yield judge_clock(clock(), ())
        return
    yield judge_clock(clock(), found.services)
    if "github-traffic" in sources and not settings.traffic_token:
        yield ok("traffic", "off: CMETRICS_TRAFFIC_TOKEN is not set")
        sources = sources - {"github-traffic"}
    yield from (judge_service(service) for service in found.services)
    if catalog is not None:
        answering = {service.source for service in found.services if service.error is None}
        yield from _unknown_subjects(settings, catalog, answering, clock)
        yield from _sources_by_subject(settings, catalog, sources - REQUESTS.keys(), clock)
    github = next((service for service in found.services if service.source == "github"), None)
    if github is not None:
        repositories = sum(metric.source == "github" for metric in metrics)
        yield from judge_token(settings.github_token, github.token, repositories, clock())
    yield from _repository(repository, settings, found)


def _unknown_subjects(
    settings: Settings, catalog: Catalog, answering: AbstractSet[str], clock: Clock
) -> Iterable[Check]:
    """Look up the subjects of metrics that failed when they were last requested."""
    try:
        failed = Queries(LanceStore.open(settings.store), catalog, SPECS, now=clock()).failed_metrics()
    except StoreError:
        return  # the check of the store has reported it
    metrics: list[Metric] = []
    for source in sorted(answering):
        metrics += [metric for metric in failed if metric.source == source][:ASKED_PER_SOURCE]
    if not metrics:
        return
    answers = check_subjects(RunContext(settings, replace(catalog, metrics=tuple(metrics)), clock(), clock=clock))
    for metric in metrics:
        if isinstance(answers.get(metric.metric_id), NotFound):
            text = f"not found: {metric.subject} ({SPECS[metric.source].title}), of {metric.metric_id}"
            yield problem("catalogue", text, f"Correct the subject in {catalog.path}, or remove the entry")


def _sources_by_subject(
    settings: Settings, catalog: Catalog, sources: AbstractSet[str], clock: Clock
) -> Iterable[Check]:
    """Check each source without a request for this purpose by its first subject."""
    first = {metric.source: metric for metric in reversed(catalog.metrics) if metric.source in sources}
    metrics = tuple(first[source] for source in sorted(first))
    if not metrics:
        return
    answers = check_subjects(RunContext(settings, replace(catalog, metrics=metrics), clock(), clock=clock))
    for metric in metrics:
        answer, title = answers.get(metric.metric_id), SPECS[metric.source].title
        error = answer if isinstance(answer, SourceError) else None
        if isinstance(error, NotFound):
            text = f"not found: {metric.subject} ({title}), of {metric.metric_id}"
            yield problem("catalogue", text, f"Correct the subject in {catalog.path}, or remove the entry")
            error = None
        yield judge_service(ServiceFacts(metric.source, title, error))


def _data_branch(settings: Settings, clone: Path) -> str | None:
    """Return the branch that `push-data` pushes to; None for a remote store."""
    if settings.store.kind is not StoreKind.EMBEDDED:
        return None
    try:
        return Clone.open(Git(clone)).branch
    except CmetricsError:
        return DEFAULT_BRANCH


def _repository(repository: str | None, settings: Settings, found: NetworkFacts) -> Iterable[Check]:
    if isinstance(found.repository, RepositorySettings):
        yield from check_repository_settings(found.repository)
        if found.branch is not None:
            yield from check_branch_rules(found.branch)
    elif isinstance(found.repository, SourceError):
        yield warning("repository", str(found.repository), "Pages and schedule were not checked")
    elif repository and not settings.github_token:
        yield ok("repository", f"{repository}: Pages and schedule are not checked without GITHUB_TOKEN")
