"""Report a run to GitHub's job summary and the webhook. Failures here never change the exit code."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, TypedDict

from cmetrics.catalog import Catalog, parse_address
from cmetrics.domain.days import last_completed_day
from cmetrics.domain.errors import CmetricsError
from cmetrics.domain.event import REPORT, SIGNAL, StoredEvent
from cmetrics.domain.revision import Revision
from cmetrics.domain.run import Highlights, Job, MetricOutcome, RunSummary
from cmetrics.domain.sanitize import sanitize
from cmetrics.ops import actions
from cmetrics.settings import Settings, load_report_settings

#: The contact address of requests and the title of reports if there is no catalogue.
DEFAULT_CONTACT = "https://github.com/lancedb/cmetrics"
DEFAULT_TITLE = "cmetrics"


class RevisionDocument(TypedDict):
    """The largest change to a stored value in a run."""

    day: str
    old_value: int
    new_value: int


class MetricDocument(TypedDict):
    """One metric of a run."""

    metric_id: str
    #: `ok`, `pending`, `failed` or `skipped`.
    status: str
    days_stored: int
    latest_day: str | None
    pending_days: int
    error: str | None
    revised_days: int
    largest_revision: RevisionDocument | None
    healed_days: int


class SignalDocument(TypedDict):
    """A signal that no run has announced before."""

    id: str
    kind: str
    metric_id: str
    text: str


class HighlightsDocument(TypedDict):
    """The state of the whole store after a refresh. Other jobs leave it empty."""

    #: Number of active signals; null except for `refresh`.
    signals: int | None
    #: Signals that no earlier run has announced.
    new_signals: list[SignalDocument]
    #: Months whose reports have become final and are announced by this run.
    new_reports: list[str]
    #: Daily downloads of all metrics in the last 30 days; null if days are missing.
    downloads_30d: int | None
    #: Stars of all repositories on the newest day.
    stars: int | None
    #: Stars gained on that day; null if unknown.
    new_stars: int | None
    #: Stars lost on that day; null if unknown.
    lost_stars: int | None


class RunDocument(HighlightsDocument):
    """The `--json` output of every command that writes rows. The webhook receives that of `refresh` and `backfill`."""

    run_id: str
    job: str
    #: `success`, `partial` or `failed`.
    status: str
    rows_inserted: int
    rows_updated: int
    rows_unchanged: int
    metrics: list[MetricDocument]
    revised_days: int
    #: HTTP requests sent, by source.
    requests: dict[str, int]
    warnings: list[str]
    notes: list[str]


class FailedRunDocument(TypedDict):
    """The webhook body for a command that failed to start, or a run that ended before its first metric."""

    run_id: None
    job: str
    status: str
    rows_inserted: int
    rows_updated: int
    rows_unchanged: int
    metrics: list[MetricDocument]
    error: str


def build_run_document(summary: RunSummary) -> RunDocument:
    """Return the JSON object of a finished run."""
    return {
        "run_id": summary.run_id,
        "job": summary.job.value,
        "status": summary.status.value,
        "rows_inserted": summary.counts.inserted,
        "rows_updated": summary.counts.updated,
        "rows_unchanged": summary.counts.unchanged,
        "metrics": [_metric(outcome) for outcome in summary.metrics],
        "revised_days": sum(outcome.revised_days for outcome in summary.metrics),
        "requests": dict(summary.requests),
        "warnings": [*summary.warnings, *summary.anomalies],
        "notes": list(summary.notes),
        **_highlights(summary.highlights),
    }


def _highlights(found: Highlights | None) -> HighlightsDocument:
    announced = found.announced if found is not None else ()
    return {
        "signals": found.signals if found is not None else None,
        "new_signals": [_signal(row) for row in announced if row.source == SIGNAL],
        "new_reports": [row.tag for row in announced if row.source == REPORT],
        "downloads_30d": found.downloads_30d if found is not None else None,
        "stars": found.stars if found is not None else None,
        "new_stars": found.new_stars if found is not None else None,
        "lost_stars": found.lost_stars if found is not None else None,
    }


def _signal(row: StoredEvent) -> SignalDocument:
    kind, _, metric_id = row.tag.partition(" ")
    return {
        "id": row.event_id.removeprefix(f"{SIGNAL}:"),
        "kind": kind,
        "metric_id": metric_id,
        "text": sanitize(row.label, limit=1000),
    }


def _metric(outcome: MetricOutcome) -> MetricDocument:
    return {
        "metric_id": outcome.metric_id,
        "status": outcome.status.value,
        "days_stored": outcome.days_stored,
        "latest_day": outcome.latest_day.isoformat() if outcome.latest_day else None,
        "pending_days": outcome.pending_days,
        "error": outcome.error,
        "revised_days": outcome.revised_days,
        "largest_revision": _revision(outcome.largest_revision),
        "healed_days": outcome.healed_days,
    }


def _revision(revision: Revision | None) -> RevisionDocument | None:
    if revision is None:
        return None
    return {
        "day": revision.last_day.isoformat(),
        "old_value": revision.old_value,
        "new_value": revision.new_value,
    }


def _failed_run(job: str, error: str) -> FailedRunDocument:
    return {
        "run_id": None,
        "job": job,
        "status": "failed",
        "rows_inserted": 0,
        "rows_updated": 0,
        "rows_unchanged": 0,
        "metrics": [],
        "error": error,
    }


def site_address(settings: Settings, catalog: Catalog) -> str | None:
    """Return the address of the published page: CMETRICS_SITE_URL, else `url` of the catalogue.

    Raises UsageError if CMETRICS_SITE_URL is not an address.
    """
    return parse_address("CMETRICS_SITE_URL", settings.site_url) if settings.site_url else catalog.url


@dataclass(frozen=True, slots=True)
class RunReport:
    """Reports the result of one run. Create it before the run, so that an invalid variable is found early.

    Each method returns warnings about reports that could not be delivered.
    """

    job: Job
    settings: Settings
    catalog: Catalog
    #: The last completed UTC day at the start of the run.
    as_of: date
    site: str | None

    @classmethod
    def prepare(cls, job: Job, settings: Settings, catalog: Catalog, now: datetime) -> RunReport:
        """Return the report of one run. Raises UsageError for a wrong CMETRICS_SITE_URL."""
        return cls(job, settings, catalog, last_completed_day(now), site_address(settings, catalog))

    def send_result(self, summary: RunSummary) -> list[str]:
        """Report a finished run."""
        return [
            *_append(actions.summary_markdown(summary, self.site, self._hints())),
            *_output(actions.run_outputs(build_run_document(summary))),
            *_post(self.settings, self.catalog, self.as_of, build_run_document(summary)),
        ]

    def send_failure(self, error: Exception) -> list[str]:
        """Report a run that ended before its first metric."""
        text = sanitize(str(error), limit=2000)
        return [
            *_append(actions.failure_markdown(self.job.value, text)),
            *_post(self.settings, self.catalog, self.as_of, _failed_run(self.job.value, text)),
        ]

    def _hints(self) -> tuple[str, ...]:
        """Return hints about disabled features of the repository, if the token can read its settings."""
        settings = self.settings
        if actions.summary_file() is None or not settings.repository or not settings.github_token:
            return ()
        from cmetrics.ops.repository_checks import switched_off
        from cmetrics.ops.repository_settings import fetch_repository_settings

        facts = fetch_repository_settings(
            settings.repository, settings.workflow, settings.github_token, self.catalog.contact, settings.network
        )
        return switched_off(facts) if facts else ()


def report_failed_start(job: str, error: CmetricsError, now: datetime) -> list[str]:
    """Report a command that could not start, for example because of a configuration error.

    Returns warnings, like the methods of RunReport.
    """
    text = sanitize(str(error), limit=2000)
    warnings = _append(actions.failure_markdown(job, text))
    try:
        settings = load_report_settings()
    except CmetricsError:
        # This is the error that is being reported, or one that the next command reports.
        return warnings
    return [*warnings, *_post(settings, None, last_completed_day(now), _failed_run(job, text))]


def _post(settings: Settings, catalog: Catalog | None, as_of: date, document: Mapping[str, Any]) -> list[str]:
    if not settings.webhook:
        return []
    from cmetrics.ops.webhook import send_summary

    title, contact = (catalog.title, catalog.contact) if catalog else (DEFAULT_TITLE, DEFAULT_CONTACT)
    more = {"title": title, "as_of": as_of.isoformat()}
    problem = send_summary(settings.webhook, {**document, **more}, contact, settings.network)
    return [] if problem is None else [sanitize(problem)]


def _output(lines: str) -> list[str]:
    path = actions.output_file()
    if path is None:
        return []
    try:
        with path.open("a", encoding="utf-8") as file:
            file.write(lines)
    except OSError as error:
        return [f"cannot write the outputs of the step: {error.strerror}"]
    return []


def _append(markdown: str) -> list[str]:
    path = actions.summary_file()
    if path is None:
        return []
    try:
        actions.append(path, markdown)
    except OSError as error:
        return [f"cannot write the job summary: {error.strerror}"]
    return []
