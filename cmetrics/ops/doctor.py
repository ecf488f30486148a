"""Everything that `doctor` looks at, one thing after the other; nothing is made and nothing is changed."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterable
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from cmetrics.catalog import Catalog, load_catalog, parse_address
from cmetrics.domain.days import Clock
from cmetrics.domain.errors import CmetricsError, SourceError, StoreError, UsageError
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
from cmetrics.ops.services import Reached, reach
from cmetrics.ops.webhook import check_address
from cmetrics.queries import Queries
from cmetrics.settings import Settings, StoreKind
from cmetrics.sources import SPECS
from cmetrics.store.inspect import inspect_folder, inspect_tables
from cmetrics.store.lance_store import LanceStore
from cmetrics.store.temporary import inspect_temporary_folder

PACKAGES = ("cmetrics", "lancedb", "pyarrow", "httpx")
#: Who asks when no catalogue says.
PROJECT = "https://github.com/lancedb/cmetrics"
REPOSITORY = re.compile(SPECS["github"].subject_pattern)


def examine(load: Callable[[], Settings], *, max_age_days: int, clock: Clock) -> list[Check]:
    """Every line of `doctor`. ``load`` may raise UsageError, which is then one of them."""
    installed: dict[str, str | None] = {}
    for name in PACKAGES:
        try:
            installed[name] = version(name)
        except PackageNotFoundError:
            installed[name] = None
    checks = [judge_versions(sys.version_info[:3], installed)]
    try:
        settings = load()
    except UsageError as error:
        return [
            *checks,
            problem("configuration", str(error), "Put the variable or the option right"),
            judge_clock(clock(), ()),
        ]
    checks += _configuration(settings)
    catalog = _catalog(settings, checks)
    checks += _store(settings, catalog, max_age_days, clock)
    return [*checks, *_network(settings, catalog, clock)]


def _configuration(settings: Settings) -> Iterable[Check]:
    secrets = [
        name
        for name, value in (
            ("GITHUB_TOKEN", settings.github_token),
            ("LANCEDB_API_KEY", settings.store.api_key),
            ("CMETRICS_WEBHOOK_URL", settings.webhook),
        )
        if value
    ]
    yield ok("configuration", f"set, and not shown: {', '.join(secrets)}" if secrets else "no secret is set")
    for text in settings.warnings:
        yield warning("configuration", text, "Put the variable right")
    try:
        if settings.webhook:
            check_address(settings.webhook.get_secret_value())
        if settings.site_url:
            parse_address("CMETRICS_SITE_URL", settings.site_url)
    except UsageError as error:
        yield problem("configuration", str(error), "Put the variable right")
    if settings.repository and not REPOSITORY.fullmatch(settings.repository):
        yield problem("configuration", "GITHUB_REPOSITORY is not written owner/name", "Put the variable right")


def _catalog(settings: Settings, checks: list[Check]) -> Catalog | None:
    try:
        catalog = load_catalog(settings.catalog, SPECS)
    except UsageError as error:
        checks.append(problem("catalogue", str(error), "Correct this entry, or let `cmetrics init` write a new file"))
        return None
    metrics = f"{len(catalog.metrics)} metrics of {len(catalog.products)} products"
    if settings.catalog is None:
        advice = "`cmetrics init` writes your own"
        checks.append(warning("catalogue", f"{metrics}, the default one that comes with the package", advice))
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
        state = Queries(LanceStore.open(target), catalog, SPECS, clock=clock).state()
    except StoreError as error:
        yield problem("storage", str(error), "The tables are there and cannot be read; `cmetrics export` tells more")
        return
    yield from judge_runs(state.health.last_run, state.metrics, max_age_days)


def _network(settings: Settings, catalog: Catalog | None, clock: Clock) -> Iterable[Check]:
    repository = settings.repository if settings.repository and REPOSITORY.fullmatch(settings.repository) else None
    metrics = catalog.metrics if catalog else ()
    sources = {metric.source for metric in metrics} or set(SPECS)
    try:
        found = reach(
            sources | ({"github"} if settings.github_token else set()),
            token=settings.github_token,
            repository=repository,
            workflow=settings.workflow,
            contact=catalog.contact if catalog else PROJECT,
            clock=clock,
            network=settings.network,
        )
    except CmetricsError as error:
        yield problem("network", str(error), "Put the variable right")
        yield judge_clock(clock(), ())
        return
    yield judge_clock(clock(), found.services)
    yield from (judge_service(service) for service in found.services)
    github = next((service for service in found.services if service.source == "github"), None)
    if github is not None:
        repositories = sum(metric.source == "github" for metric in metrics)
        yield from judge_token(settings.github_token, github.token, repositories, clock())
    yield from _hosting(repository, settings, found)


def _hosting(repository: str | None, settings: Settings, found: Reached) -> Iterable[Check]:
    if isinstance(found.hosting, RepositorySettings):
        yield from check_repository_settings(found.hosting)
    elif isinstance(found.hosting, SourceError):
        yield warning("repository", str(found.hosting), "Pages and schedule could not be looked at")
    elif repository and not settings.github_token:
        yield ok("repository", f"{repository}: without GITHUB_TOKEN, Pages and schedule are not looked at")
