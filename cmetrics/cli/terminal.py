"""What people and programs read: results on stdout, progress and diagnostics on stderr."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

from cmetrics.domain.metric import Metric
from cmetrics.domain.run import MetricOutcome, MetricStatus, RunSummary
from cmetrics.printable import printable
from cmetrics.sources.base import Ask

#: Where there is no terminal to ask for its width.
PLAIN_WIDTH = 160

_STYLES = {"ok": "green", "pending": "yellow", "failed": "bold red", "skipped": "dim"}


def complain(text: str) -> None:
    """One line on stderr about what went wrong."""
    _stderr().print(Text.assemble(("error: ", "bold red"), printable(text, limit=2000)), soft_wrap=True)


def warn(text: str) -> None:
    """One line on stderr about what a person should look at."""
    _stderr().print(Text.assemble(("warning: ", "yellow"), printable(text, limit=2000)), soft_wrap=True)


def say(text: str) -> None:
    """One line of progress on stderr."""
    _stderr().print(Text(printable(text, limit=2000)), soft_wrap=True)


def result(text: str) -> None:
    """One line of a result on stdout."""
    _stdout().print(Text(text), soft_wrap=True)


def print_json(document: dict[str, Any]) -> None:
    """Exactly one object on stdout."""
    sys.stdout.write(json.dumps(document, ensure_ascii=False) + "\n")


def _stdout() -> Console:
    console = Console(highlight=False, markup=False, emoji=False)
    if not console.is_terminal:
        console.width = PLAIN_WIDTH
    return console


def _stderr() -> Console:
    console = Console(stderr=True, highlight=False, markup=False, emoji=False)
    if not console.is_terminal:
        console.width = PLAIN_WIDTH
    return console


# -- a run, while it lasts --------------------------------------------------------------------------


class Silent:
    """A watcher for --quiet."""

    def waiting(self) -> None:
        """Nothing."""

    def planned(self, asks: Sequence[Ask]) -> None:
        """Nothing."""

    def answered(self, metric: Metric, outcome: MetricOutcome) -> None:
        """Nothing."""

    def storing(self) -> None:
        """Nothing."""

    def close(self) -> None:
        """Nothing."""


class Lines(Silent):
    """A watcher for logs: one plain line per event."""

    def waiting(self) -> None:
        """Another run holds the store."""
        say("waiting: another run is writing to this store")

    def planned(self, asks: Sequence[Ask]) -> None:
        """How much is going to be asked."""
        for source, count in _per_source(asks).items():
            say(f"{source}: asking for {count} metric{'s' if count != 1 else ''}")

    def answered(self, metric: Metric, outcome: MetricOutcome) -> None:
        """How it went for one metric."""
        say(f"{metric.source}: {metric.metric_id}: {_in_words(outcome)}")


class Bars(Silent):
    """A watcher for terminals: a bar per source, with the metric that answered last."""

    def __init__(self) -> None:
        self._progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(bar_width=24),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            TextColumn("{task.fields[last]}", markup=False),
            console=_stderr(),
        )
        self._bars: dict[str, TaskID] = {}
        self._started = False

    def waiting(self) -> None:
        """Another run holds the store."""
        say("waiting: another run is writing to this store")

    def planned(self, asks: Sequence[Ask]) -> None:
        """One bar per source."""
        for source, count in _per_source(asks).items():
            self._bars[source] = self._progress.add_task(source, total=count, last="")
        self._progress.start()
        self._started = True

    def answered(self, metric: Metric, outcome: MetricOutcome) -> None:
        """One step of the source's bar."""
        self._progress.update(self._bars[metric.source], advance=1, last=f"{metric.metric_id}: {_in_words(outcome)}")

    def storing(self) -> None:
        """All bars are full."""
        self.close()

    def close(self) -> None:
        """Give the terminal back."""
        if self._started:
            self._progress.stop()
            self._started = False


def make_watcher(*, quiet: bool) -> Silent:
    """The watcher that fits where stderr goes."""
    if quiet:
        return Silent()
    return Bars() if _stderr().is_terminal else Lines()


def _per_source(asks: Sequence[Ask]) -> dict[str, int]:
    counts: dict[str, int] = {}
    for ask in asks:
        counts[ask.metric.source] = counts.get(ask.metric.source, 0) + 1
    return counts


def _in_words(outcome: MetricOutcome) -> str:
    if outcome.status is MetricStatus.FAILED:
        return f"failed: {outcome.error}"
    words = f"{outcome.days_stored} days read, newest {outcome.latest_day or 'none'}"
    return f"{words}, {outcome.pending_days} not published yet" if outcome.pending_days else words


# -- a run, when it has ended ------------------------------------------------------------------------


def summary_json(summary: RunSummary) -> dict[str, Any]:
    """The object of contract §1; requests and warnings are more than it asks for."""
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
            }
            for outcome in summary.metrics
        ],
        "requests": dict(summary.requests),
        "warnings": list(summary.warnings),
    }


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


def print_summary(summary: RunSummary, sources: dict[str, str]) -> None:
    """The table at the end of a run; errors once per source on stderr, however many metrics met them."""
    table = _table("metric", "status", "newest day")
    table.add_column("days", justify="right")
    table.add_column("pending", justify="right")
    for outcome in summary.metrics:
        table.add_row(
            outcome.metric_id,
            Text(outcome.status.value, style=_STYLES[outcome.status.value]),
            str(outcome.latest_day or "–"),
            str(outcome.days_stored),
            str(outcome.pending_days or ""),
        )
    _stdout().print(table)
    counts = summary.counts
    requests = sum(count for _, count in summary.requests)
    tail = f", {requests} requests" if summary.requests else ""
    result(
        f"{summary.job.value} {summary.status.value}: {counts.inserted} rows inserted, {counts.updated} updated, "
        f"{counts.unchanged} unchanged{tail} ({summary.run_id})"
    )
    met: dict[tuple[str, str], list[str]] = {}
    for outcome in summary.metrics:
        if outcome.error:
            met.setdefault((sources.get(outcome.metric_id, ""), outcome.error), []).append(outcome.metric_id)
    for (source, error), metric_ids in met.items():
        more = f" and {len(metric_ids) - 3} more" if len(metric_ids) > 3 else ""  # noqa: PLR2004
        complain(f"{source}: {', '.join(metric_ids[:3])}{more}: {error}")


# -- status -------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class StatusLine:
    """One row of the `status` table."""

    metric_id: str
    latest_day: str | None
    age_days: int | None
    missing_days: int
    stale: bool
    last_error: str | None


def print_status(lines: Sequence[StatusLine], store: str, last_run: str) -> None:
    """The table of `status`."""
    table = _table("metric", "newest day")
    table.add_column("behind", justify="right")
    table.add_column("gaps", justify="right")
    table.add_column("last error", overflow="fold")
    for line in lines:
        behind = "never" if line.age_days is None else f"{line.age_days} d"
        table.add_row(
            line.metric_id,
            line.latest_day or "–",
            Text(behind, style="bold red" if line.stale else "green"),
            str(line.missing_days or ""),
            Text(line.last_error or ""),
        )
    _stdout().print(table)
    result(f"store: {store}")
    result(last_run)


def _table(*columns: str) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    for column in columns:
        table.add_column(column, no_wrap=column == "metric")
    return table
