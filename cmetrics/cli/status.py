"""The state of a store: as tables and as JSON."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from rich.text import Text

from cmetrics.analytics.gaps import Gap
from cmetrics.cli.output import print_result, stdout, table
from cmetrics.domain.revision import Revision
from cmetrics.queries import MetricFreshness, State

#: More lines than these say nothing more on a terminal; `--json` has all.
MOST_REVISIONS = 60


@dataclass(frozen=True, slots=True)
class Told:
    """What `status` was asked to tell."""

    state: State
    #: The store's label.
    store: str
    max_age_days: int
    #: Newest run first; None when nobody asked for them.
    revisions: Sequence[Revision] | None = None

    def is_stale(self, entry: MetricFreshness) -> bool:
        """Whether a metric is older than it may be."""
        return entry.freshness.age_days is None or entry.freshness.age_days > self.max_age_days

    @property
    def any_stale(self) -> bool:
        """Whether any metric is."""
        return any(self.is_stale(entry) for entry in self.state.metrics)


def status_json(told: Told) -> dict[str, Any]:
    """The one object of `status --json`."""
    findings, run = told.state.findings, told.state.health.last_run
    document = {
        "store": told.store,
        "as_of": told.state.as_of.isoformat(),
        "stale": told.any_stale,
        "last_run": {"run_id": run.run_id, "status": run.status, "errors": list(run.errors)} if run else None,
        "metrics": [_metric(told, entry) for entry in told.state.metrics],
        "doubtful": [
            {"metric_id": f.metric_id, "day": f.day.isoformat(), "value": f.value, "expected": f.expected}
            for f in findings.outliers
        ],
        "dips": [
            {"source": d.source, "day": d.day.isoformat(), "percent": d.percent, "metric_ids": list(d.metric_ids)}
            for d in findings.registry_dips
        ],
        "ahead": [
            {"metric_id": metric_id, "days": [day.isoformat() for day in days]}
            for metric_id, days in findings.ahead.items()
        ],
        "unusual_revisions": [revision_json(revision) for revision in findings.unusual_revisions],
    }
    if told.revisions is not None:
        document["revisions"] = [revision_json(revision) for revision in told.revisions]
    return document


def _metric(told: Told, entry: MetricFreshness) -> dict[str, Any]:
    metric_id, fresh = entry.metric.metric_id, entry.freshness
    return {
        "metric_id": metric_id,
        "latest_day": fresh.latest_day.isoformat() if fresh.latest_day else None,
        "age_days": fresh.age_days,
        "missing_days": fresh.missing_days,
        "stale": told.is_stale(entry),
        "last_error": fresh.last_error,
        "moved_to": told.state.findings.moved.get(metric_id),
        "gaps": [
            {
                "first_day": gap.first_day.isoformat(),
                "last_day": gap.last_day.isoformat(),
                "days": gap.days,
                "reason": gap.reason.value,
                "text": gap.text,
            }
            for gap in told.state.findings.gaps[metric_id]
        ],
    }


def revision_json(revision: Revision) -> dict[str, Any]:
    """One row of ``revisions``."""
    return {
        "metric_id": revision.metric_id,
        "first_day": revision.first_day.isoformat(),
        "last_day": revision.last_day.isoformat(),
        "days": revision.days,
        "old_value": revision.old_value,
        "new_value": revision.new_value,
        "run_id": revision.ingestion_run_id,
        "observed_at": revision.observed_at.isoformat(timespec="seconds"),
    }


def print_status(told: Told) -> None:
    """The tables of `status`, and whatever is odd."""
    state = told.state
    rows = table("metric", "newest day")
    rows.add_column("behind", justify="right")
    rows.add_column("gaps", justify="right")
    rows.add_column("last error", overflow="fold")
    for entry in state.metrics:
        fresh = entry.freshness
        behind = "never" if fresh.age_days is None else f"{fresh.age_days} d"
        rows.add_row(
            entry.metric.metric_id,
            str(fresh.latest_day or "–"),
            Text(behind, style="bold red" if told.is_stale(entry) else "green"),
            str(fresh.missing_days or ""),
            Text(fresh.last_error or ""),
        )
    stdout().print(rows)
    _print_gaps([(entry.metric.metric_id, gap) for entry in state.metrics for gap in state.findings.gaps[_id(entry)]])
    for text in ("", *state.findings.oddities):
        print_result(text)
    if told.revisions is not None:
        _print_revisions(told.revisions)
    run = state.health.last_run
    print_result(f"store: {told.store}")
    words = f"{run.job_name} {run.status}, started {run.started_at:%Y-%m-%d %H:%M} UTC" if run else "none"
    print_result(f"last run: {words}")


def _id(entry: MetricFreshness) -> str:
    return entry.metric.metric_id


def _print_gaps(gaps: Sequence[tuple[str, Gap]]) -> None:
    if not gaps:
        return
    rows = table("metric", "missing")
    rows.add_column("days", justify="right")
    rows.add_column("why", overflow="fold")
    for metric_id, gap in gaps:
        why = f"{gap.reason.value}: {gap.text}"
        rows.add_row(metric_id, _days(gap.first_day, gap.last_day), str(gap.days), Text(why))
    print_result("")
    stdout().print(rows)


def _print_revisions(revisions: Sequence[Revision]) -> None:
    if not revisions:
        print_result("no value was revised in the last 90 days")
        return
    rows = table("metric", "revised")
    for column in ("days", "was", "is"):
        rows.add_column(column, justify="right")
    rows.add_column("run")
    for revision in revisions[:MOST_REVISIONS]:
        rows.add_row(
            revision.metric_id,
            _days(revision.first_day, revision.last_day),
            str(revision.days),
            f"{revision.old_value:,}",
            f"{revision.new_value:,}",
            revision.ingestion_run_id,
        )
    stdout().print(rows)
    if len(revisions) > MOST_REVISIONS:
        print_result(f"and {len(revisions) - MOST_REVISIONS} more; --json lists all of the last 90 days")


def _days(first: date, last: date) -> str:
    return str(first) if first == last else f"{first} – {last}"
