"""A run when it has ended: as a table and as JSON."""

from __future__ import annotations

from typing import Any

from rich.text import Text

from cmetrics.cli.output import print_error, print_result, stdout, table
from cmetrics.domain.revision import Revision
from cmetrics.domain.run import RunSummary

_STYLES = {"ok": "green", "pending": "yellow", "failed": "bold red", "skipped": "dim"}


def summary_json(summary: RunSummary) -> dict[str, Any]:
    """The object of contract §1; requests, warnings and revisions are more than it asks for."""
    return {
        "run_id": summary.run_id,
        "job": summary.job.value,
        "status": summary.status.value,
        "rows_inserted": summary.counts.inserted,
        "rows_updated": summary.counts.updated,
        "rows_unchanged": summary.counts.unchanged,
        "metrics": [
            {
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
            for outcome in summary.metrics
        ],
        "revised_days": _revised(summary),
        "requests": dict(summary.requests),
        "warnings": [*summary.warnings, *summary.anomalies],
        "notes": list(summary.notes),
    }


def _revision(revision: Revision | None) -> dict[str, Any] | None:
    if revision is None:
        return None
    return {
        "day": revision.last_day.isoformat(),
        "old_value": revision.old_value,
        "new_value": revision.new_value,
    }


def _revised(summary: RunSummary) -> int:
    return sum(outcome.revised_days for outcome in summary.metrics)


def failure_json(job: str, error: str) -> dict[str, Any]:
    """The same object for a run that never got to its metrics."""
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


def print_summary(summary: RunSummary) -> None:
    """The table at the end of a run."""
    rows = table("metric", "status", "newest day")
    rows.add_column("days read", justify="right")
    rows.add_column("pending", justify="right")
    rows.add_column("revised", justify="right")
    rows.add_column("largest change")
    for outcome in summary.metrics:
        most = outcome.largest_revision
        rows.add_row(
            outcome.metric_id,
            Text(outcome.status.value, style=_STYLES[outcome.status.value]),
            str(outcome.latest_day or "–"),
            str(outcome.days_stored),
            str(outcome.pending_days or ""),
            str(outcome.revised_days or ""),
            f"{most.last_day}: {most.old_value:,} → {most.new_value:,}" if most else "",
        )
    stdout().print(rows)
    counts = summary.counts
    requests = sum(count for _, count in summary.requests)
    by_source = ", ".join(f"{source} {count}" for source, count in summary.requests)
    tail = f", {requests} requests: {by_source}" if summary.requests else ""
    for note in summary.notes:
        print_result(note)
    print_result(
        f"{summary.job.value} {summary.status.value}: {counts.inserted} rows inserted, {counts.updated} updated, "
        f"{counts.unchanged} unchanged{tail} ({summary.run_id})"
    )


def print_errors(summary: RunSummary, sources: dict[str, str]) -> None:
    """One line on stderr per source and error, however many metrics met it."""
    met: dict[tuple[str, str], list[str]] = {}
    for outcome in summary.metrics:
        if outcome.error:
            met.setdefault((sources.get(outcome.metric_id, ""), outcome.error), []).append(outcome.metric_id)
    for (source, error), metric_ids in met.items():
        more = f" and {len(metric_ids) - 3} more" if len(metric_ids) > 3 else ""  # noqa: PLR2004
        print_error(f"{source}: {', '.join(metric_ids[:3])}{more}: {error}")
