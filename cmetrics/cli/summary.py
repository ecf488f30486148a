"""Print the result of a run."""

from __future__ import annotations

from rich.text import Text

from cmetrics.cli.output import print_error, print_result, stdout
from cmetrics.cli.tables import Cell, Column, print_table
from cmetrics.domain.plural import plural
from cmetrics.domain.run import RunSummary

_STYLES = {"ok": "green", "pending": "yellow", "failed": "bold red", "skipped": "dim"}


def print_summary(summary: RunSummary) -> None:
    """Print one row per metric, then the notes and the totals."""
    columns = (
        Column("metric"),
        Column("status"),
        Column("newest day"),
        Column("days read", is_number=True),
        Column("pending", is_number=True),
        Column("revised", is_number=True),
        Column("largest change"),
    )
    rows: list[tuple[Cell, ...]] = []
    for outcome in summary.metrics:
        largest = outcome.largest_revision
        row = (
            outcome.metric_id,
            Text(outcome.status.value, style=_STYLES[outcome.status.value]),
            str(outcome.latest_day or "–"),
            str(outcome.days_stored),
            str(outcome.pending_days or ""),
            str(outcome.revised_days or ""),
            f"{largest.last_day}: {largest.old_value:,} → {largest.new_value:,}" if largest else "",
        )
        rows.append(row)
    print_table(stdout(), columns, rows)
    counts = summary.counts
    requests = sum(count for _, count in summary.requests)
    by_source = ", ".join(f"{source} {count}" for source, count in summary.requests)
    tail = f"; {plural(requests, 'request')}: {by_source}" if summary.requests else ""
    for note in summary.notes:
        print_result(note)
    print_result(
        f"{summary.job.value} {summary.status.value}: {plural(counts.inserted, 'row')} inserted, "
        f"{counts.updated:,} updated, {counts.unchanged:,} unchanged{tail} ({summary.run_id})"
    )


def print_errors(summary: RunSummary) -> None:
    """Print one line on stderr per source and error, even if several metrics have the same error."""
    failed: dict[tuple[str, str], list[str]] = {}
    for outcome in summary.metrics:
        if outcome.error:
            failed.setdefault((outcome.source, outcome.error), []).append(outcome.metric_id)
    for (source, error), metric_ids in failed.items():
        more = f" and {len(metric_ids) - 3} more" if len(metric_ids) > 3 else ""  # noqa: PLR2004
        print_error(f"{source}: {', '.join(metric_ids[:3])}{more}: {error}")
