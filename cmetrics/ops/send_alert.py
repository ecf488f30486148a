"""Bring the alert issue of the repository in line with the state of the store, for `alert`."""

from __future__ import annotations

from dataclasses import dataclass

from cmetrics.catalog import Catalog
from cmetrics.domain.days import Clock
from cmetrics.ops.alert import build_alert
from cmetrics.ops.run_report import site_address
from cmetrics.ops.sync_issue import IssueAction, NoActionReason, sync_issue
from cmetrics.queries import Queries
from cmetrics.settings import Settings
from cmetrics.sources import SPECS
from cmetrics.store.lance_store import LanceStore


@dataclass(frozen=True, slots=True)
class SentAlert:
    """What was done, and one sentence about it."""

    action: IssueAction
    reason: NoActionReason | None
    text: str
    issue: int | None = None
    title: str | None = None
    warnings: tuple[str, ...] = ()


def send_alert(settings: Settings, catalog: Catalog, *, off: bool, max_age_days: int, clock: Clock) -> SentAlert:
    """Open, update or close the issue; blocks. Raises StoreError, SourceError and UsageError."""
    if off or not settings.alerts:
        return _nothing(NoActionReason.OFF, "alerts are switched off")
    if not settings.repository:
        return _nothing(NoActionReason.NO_REPOSITORY, "GITHUB_REPOSITORY is not set; no issue was looked for")
    if not settings.github_token:
        return _nothing(NoActionReason.NO_TOKEN, "GITHUB_TOKEN is not set; no issue was looked for")
    queries = Queries(LanceStore.open(settings.store), catalog, SPECS, now=clock())
    state = queries.status()
    alert = build_alert(
        state.metrics,
        queries.runs(),
        max_age_days=max_age_days,
        as_of=state.as_of,
        site=site_address(settings, catalog),
    )
    synced = sync_issue(settings.repository, settings.github_token, catalog.contact, settings.network, alert)
    title = alert.title if alert else None
    if synced.reason is NoActionReason.ISSUES_DISABLED:
        home = f"https://github.com/{settings.repository}"
        warning = (
            f"issues are disabled in {settings.repository}; enable them at {home}/settings, or set CMETRICS_ALERTS=off"
        )
        text = f"no issue: {title or 'all metrics are up to date'}"
        return SentAlert(synced.action, synced.reason, text, None, title, (warning,))
    if synced.number is None:
        return SentAlert(synced.action, synced.reason, "no issue: all metrics are up to date")
    done = synced.action.value if synced.action is not IssueAction.NONE else "unchanged"
    text = f"issue #{synced.number} {done}{f': {title}' if title else ''}"
    return SentAlert(synced.action, synced.reason, text, synced.number, title)


def _nothing(reason: NoActionReason, text: str) -> SentAlert:
    return SentAlert(IssueAction.NONE, reason, text)
