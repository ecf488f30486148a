"""Update the alert issue of the repository from the state of the store, for `alert`."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from cmetrics.analytics.model import MetricFreshness
from cmetrics.catalog import load_catalog
from cmetrics.domain.days import last_completed_day
from cmetrics.domain.errors import StoreError, UsageError
from cmetrics.domain.run import Run
from cmetrics.ops.alert import Alert, Failure, FailureKind, build_alert
from cmetrics.ops.command_result import load_failure
from cmetrics.ops.run_report import DEFAULT_CONTACT, site_address
from cmetrics.ops.sync_issue import IssueAction, NoActionReason, SyncedIssue, sync_issue
from cmetrics.queries import Queries
from cmetrics.settings import load_report_settings, load_settings
from cmetrics.sources import SPECS
from cmetrics.store.lance_store import LanceStore


@dataclass(frozen=True, slots=True)
class SentAlert:
    """The action taken, with a sentence that describes it."""

    action: IssueAction
    reason: NoActionReason | None
    text: str
    issue: int | None = None
    title: str | None = None
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Results:
    """Files with the output of `pull-data --json` and `push-data --json`; None if the command was not run."""

    pull: Path | None = None
    push: Path | None = None


def send_alert(
    db: str | None, config: Path | None, *, results: Results, off: bool, max_age_days: int, now: datetime
) -> SentAlert:
    """Open, update or close the issue. Blocks.

    ``db`` and ``config`` are the options of the command. A configuration error and an unreadable store are
    reported in the issue, or raised if no issue can be opened. Raises SourceError, StoreError and
    UsageError.
    """
    failures = _load_failures(results)
    catalog, site = None, None
    try:
        settings = load_settings(db=db, config=config)
        catalog = load_catalog(settings.catalog, SPECS)
        site = site_address(settings, catalog)
    except UsageError as error:
        settings = load_report_settings()
        if off or not settings.alerts or not settings.repository or not settings.github_token:
            raise
        # Pull and push may have failed for the same reason.
        others = [failure for failure in failures if failure.reason != str(error)]
        failures = [Failure(FailureKind.CONFIGURATION, str(error)), *others]
    warnings = (*settings.warnings, *map(str, failures))
    if off or not settings.alerts:
        return _nothing(NoActionReason.OFF, "alerts are disabled", warnings)
    if not settings.repository:
        return _nothing(
            NoActionReason.NO_REPOSITORY, "GITHUB_REPOSITORY is not set; the issue was not checked", warnings
        )
    if not settings.github_token:
        return _nothing(NoActionReason.NO_TOKEN, "GITHUB_TOKEN is not set; the issue was not checked", warnings)
    metrics: tuple[MetricFreshness, ...] = ()
    runs: list[Run] = []
    if catalog is not None and not any(failure.kind is FailureKind.PULL for failure in failures):
        try:
            queries = Queries(LanceStore.open(settings.store), catalog, SPECS, now=now)
            metrics, runs = tuple(queries.status().metrics), queries.runs()
        except StoreError as error:
            failures.append(Failure(FailureKind.STORE, str(error)))
            warnings = (*warnings, str(failures[-1]))
    alert = build_alert(
        metrics, runs, max_age_days=max_age_days, as_of=last_completed_day(now), site=site, failures=failures
    )
    contact = catalog.contact if catalog else DEFAULT_CONTACT
    synced = sync_issue(settings.repository, settings.github_token, contact, settings.network, alert)
    return _sent(settings.repository, alert, synced, warnings)


def _load_failures(results: Results) -> list[Failure]:
    found = ((FailureKind.PULL, results.pull), (FailureKind.PUSH, results.push))
    return [
        Failure(kind, reason) for kind, path in found if path is not None and (reason := load_failure(path)) is not None
    ]


def _sent(repository: str, alert: Alert | None, synced: SyncedIssue, warnings: tuple[str, ...]) -> SentAlert:
    title = alert.title if alert else None
    if synced.reason is NoActionReason.ISSUES_DISABLED:
        home = f"https://github.com/{repository}"
        warning = f"issues are disabled in {repository}; enable them at {home}/settings, or set CMETRICS_ALERTS=off"
        text = f"no issue: {title or 'all metrics are up to date'}"
        return SentAlert(synced.action, synced.reason, text, None, title, (*warnings, warning))
    if synced.number is None:
        return SentAlert(synced.action, synced.reason, "no issue: all metrics are up to date", warnings=warnings)
    done = synced.action.value if synced.action is not IssueAction.NONE else "unchanged"
    text = f"issue #{synced.number} {done}{f': {title}' if title else ''}"
    return SentAlert(synced.action, synced.reason, text, synced.number, title, warnings)


def _nothing(reason: NoActionReason, text: str, warnings: tuple[str, ...]) -> SentAlert:
    return SentAlert(IssueAction.NONE, reason, text, warnings=warnings)
