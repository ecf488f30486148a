"""`cmetrics status`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Annotated, NotRequired, TypedDict

import typer

from cmetrics.cli.exit_codes import DONE, FAILED
from cmetrics.cli.options import AsJson, Config, Db, MaxAge, Quiet
from cmetrics.cli.runtime import get_runtime

if TYPE_CHECKING:
    from cmetrics.analytics.gaps import Gap
    from cmetrics.analytics.model import MetricFreshness
    from cmetrics.analytics.status import StoreStatus
    from cmetrics.domain.revision import Revision

#: The maximum number of revisions in the table; `--json` lists all of them.
MOST_REVISIONS = 60


class LastRunDocument(TypedDict):
    """The newest run."""

    run_id: str
    status: str
    errors: list[str]


class GapDocument(TypedDict):
    """Consecutive days without a value, for one reason."""

    first_day: str
    last_day: str
    days: int
    reason: str
    text: str


class MetricStatusDocument(TypedDict):
    """One metric."""

    metric_id: str
    latest_day: str | None
    age_days: int | None
    missing_days: int
    stale: bool
    #: The newest failure; None if the source has responded since.
    last_error: str | None
    last_error_at: str | None
    #: The current name of a renamed repository.
    moved_to: str | None
    gaps: list[GapDocument]


class DoubtfulDocument(TypedDict):
    """A value far from the usual range."""

    metric_id: str
    day: str
    value: int
    expected: float


class DipDocument(TypedDict):
    """A day with unusually low counts for all packages of a registry."""

    source: str
    day: str
    percent: int
    metric_ids: list[str]


class AheadDocument(TypedDict):
    """Stored days that have not ended yet."""

    metric_id: str
    days: list[str]


class RevisionDocument(TypedDict):
    """One row of the table ``revisions``."""

    metric_id: str
    first_day: str
    last_day: str
    days: int
    old_value: int
    new_value: int
    run_id: str
    observed_at: str


class DamagedDocument(TypedDict):
    """Stored days that the source has counted only in part."""

    metric_id: str
    days: list[str]
    reason: str


class StatusDocument(TypedDict):
    """The output of `status --json`."""

    store: str
    as_of: str
    #: Whether any metric is stale.
    stale: bool
    last_run: LastRunDocument | None
    metrics: list[MetricStatusDocument]
    doubtful: list[DoubtfulDocument]
    dips: list[DipDocument]
    ahead: list[AheadDocument]
    #: Stored days that the source has counted only in part.
    damaged: list[DamagedDocument]
    unusual_revisions: list[RevisionDocument]
    #: Only with `--revisions`.
    revisions: NotRequired[list[RevisionDocument]]


@dataclass(frozen=True, slots=True)
class StatusReport:
    """The state of a store, with the age from which a metric is stale."""

    state: StoreStatus
    #: The label of the store.
    store: str
    max_age_days: int
    #: Newest first; None without `--revisions`.
    revisions: Sequence[Revision] | None = None

    def is_stale(self, entry: MetricFreshness) -> bool:
        """Return whether a metric is older than allowed or has no data."""
        return entry.overdue_days is None or entry.overdue_days > self.max_age_days

    @property
    def any_stale(self) -> bool:
        """Whether any metric is stale."""
        return any(self.is_stale(entry) for entry in self.state.metrics)


def status(
    context: typer.Context,
    max_age_days: MaxAge = 3,
    revisions: Annotated[
        bool, typer.Option("--revisions", help="List the values that changed in the last 90 days.")
    ] = False,
    db: Db = None,
    config: Config = None,
    json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Show age, gaps and errors.

    Exits with 1 if a metric is stale.
    """
    from cmetrics.cli.configuration import load_configuration
    from cmetrics.cli.output import print_json
    from cmetrics.queries import Queries
    from cmetrics.sources import SPECS
    from cmetrics.store.lance_store import LanceStore

    settings, catalog = load_configuration(db, config)
    queries = Queries(LanceStore.open(settings.store), catalog, SPECS, now=get_runtime(context).clock())
    report = StatusReport(
        queries.status(), settings.store.label, max_age_days, queries.revisions() if revisions else None
    )
    if json:
        print_json(_document(report))
    elif not quiet:
        _print(report)
    raise typer.Exit(FAILED if report.any_stale else DONE)


def _document(report: StatusReport) -> StatusDocument:
    quality, run = report.state.quality, report.state.health.last_run
    document: StatusDocument = {
        "store": report.store,
        "as_of": report.state.as_of.isoformat(),
        "stale": report.any_stale,
        "last_run": {"run_id": run.run_id, "status": run.status, "errors": list(run.errors)} if run else None,
        "metrics": [_metric(report, entry) for entry in report.state.metrics],
        "doubtful": [
            {"metric_id": f.metric_id, "day": f.day.isoformat(), "value": f.value, "expected": f.expected}
            for f in quality.outliers
        ],
        "dips": [
            {"source": d.source, "day": d.day.isoformat(), "percent": d.percent, "metric_ids": list(d.metric_ids)}
            for d in quality.registry_dips
        ],
        "ahead": [
            {"metric_id": metric_id, "days": [day.isoformat() for day in days]}
            for metric_id, days in quality.future_days.items()
        ],
        "damaged": [
            {"metric_id": d.metric_id, "days": [day.isoformat() for day in d.days], "reason": d.reason}
            for d in quality.damaged
        ],
        "unusual_revisions": [_revision(revision) for revision in quality.unusual_revisions],
    }
    if report.revisions is not None:
        document["revisions"] = [_revision(revision) for revision in report.revisions]
    return document


def _metric(report: StatusReport, entry: MetricFreshness) -> MetricStatusDocument:
    metric_id, quality = entry.metric.metric_id, report.state.quality
    return {
        "metric_id": metric_id,
        "latest_day": entry.latest_day.isoformat() if entry.latest_day else None,
        "age_days": entry.age_days,
        "missing_days": quality.missing_days(metric_id),
        "stale": report.is_stale(entry),
        "last_error": entry.last_error,
        "last_error_at": entry.last_error_at.isoformat(timespec="seconds") if entry.last_error_at else None,
        "moved_to": quality.renamed.get(metric_id),
        "gaps": [
            {
                "first_day": gap.first_day.isoformat(),
                "last_day": gap.last_day.isoformat(),
                "days": gap.days,
                "reason": gap.reason.value,
                "text": gap.text,
            }
            for gap in quality.gaps[metric_id]
        ],
    }


def _revision(revision: Revision) -> RevisionDocument:
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


def _print(report: StatusReport) -> None:
    from rich.text import Text

    from cmetrics.cli.output import print_result, stdout
    from cmetrics.cli.tables import Cell, Column, print_table

    state = report.state
    columns = (
        Column("metric"),
        Column("newest day"),
        Column("age", is_number=True),
        Column("missing days", is_number=True),
        Column("last error"),
    )
    rows: list[tuple[Cell, ...]] = []
    for entry in state.metrics:
        age = "no data" if entry.age_days is None else f"{entry.age_days} d"
        row = (
            entry.metric.metric_id,
            str(entry.latest_day or "–"),
            Text(age, style="bold red" if report.is_stale(entry) else "green"),
            str(state.quality.missing_days(_id(entry)) or ""),
            _error_text(entry),
        )
        rows.append(row)
    print_table(stdout(), columns, rows)
    gaps = [(_id(entry), gap) for entry in state.metrics for gap in state.quality.gaps[_id(entry)]]
    _print_gaps([(metric_id, gap) for metric_id, gap in gaps if gap.is_missing])
    for text in ("", *state.quality.anomalies):
        print_result(text)
    if report.revisions is not None:
        _print_revisions(report.revisions)
    run = state.health.last_run
    print_result(f"store: {report.store}")
    words = f"{run.job_name} {run.status}, started {run.started_at:%Y-%m-%d %H:%M} UTC" if run else "none"
    print_result(f"last run: {words}")


def _error_text(entry: MetricFreshness) -> str:
    return f"{entry.last_error_at:%Y-%m-%d}: {entry.last_error}" if entry.last_error_at else ""


def _id(entry: MetricFreshness) -> str:
    return entry.metric.metric_id


def _print_gaps(gaps: Sequence[tuple[str, Gap]]) -> None:
    from cmetrics.cli.output import print_result, stdout
    from cmetrics.cli.tables import Column, print_table

    if not gaps:
        return
    columns = (Column("metric"), Column("missing"), Column("days", is_number=True), Column("reason"))
    rows = [(metric_id, _days(gap.first_day, gap.last_day), str(gap.days), gap.text) for metric_id, gap in gaps]
    print_result("")
    print_table(stdout(), columns, rows)


def _print_revisions(revisions: Sequence[Revision]) -> None:
    from cmetrics.cli.output import print_result, stdout
    from cmetrics.cli.tables import Column, print_table

    if not revisions:
        print_result("no value was revised in the last 90 days")
        return
    numbers = [Column(title, is_number=True) for title in ("days", "old value", "new value")]
    rows = [
        (
            revision.metric_id,
            _days(revision.first_day, revision.last_day),
            str(revision.days),
            f"{revision.old_value:,}",
            f"{revision.new_value:,}",
            revision.ingestion_run_id,
        )
        for revision in revisions[:MOST_REVISIONS]
    ]
    print_table(stdout(), (Column("metric"), Column("revised"), *numbers, Column("run")), rows)
    if len(revisions) > MOST_REVISIONS:
        print_result(f"and {len(revisions) - MOST_REVISIONS} more; use --json to list all of the last 90 days")


def _days(first: date, last: date) -> str:
    return str(first) if first == last else f"{first} – {last}"
