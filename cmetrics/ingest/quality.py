"""Checks after a run has stored its rows: record revisions, report anomalies."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime

from cmetrics.analytics.anomalies import READ_DAYS, find_anomalies
from cmetrics.analytics.columns import SeriesTable
from cmetrics.domain.days import Span, window
from cmetrics.domain.errors import StoreError
from cmetrics.domain.metric import Metric
from cmetrics.domain.revision import Revision, largest
from cmetrics.domain.run import MetricOutcome
from cmetrics.ingest.revisions import Replaced, build_revisions
from cmetrics.store.lance_store import LanceStore


@dataclass(frozen=True, slots=True)
class QualityReport:
    """The findings of the checks for one run."""

    revisions: tuple[Revision, ...]
    warnings: tuple[str, ...]
    #: Implausible values. They can be derived from the stored rows at any time and are no failure of the
    #: run, so they are not part of its row in `history`.
    anomalies: tuple[str, ...] = ()

    def add_revisions(self, outcomes: Iterable[MetricOutcome]) -> tuple[MetricOutcome, ...]:
        """Return ``outcomes`` with the number of revised days and the largest revision of each metric."""
        by_metric: dict[str, list[Revision]] = {}
        for revision in self.revisions:
            by_metric.setdefault(revision.metric_id, []).append(revision)
        return tuple(
            replace(outcome, revised_days=sum(r.days for r in revisions), largest_revision=largest(revisions))
            for outcome in outcomes
            for revisions in [by_metric.get(outcome.metric_id, [])]
        )


def check_quality(
    store: LanceStore,
    metrics: Sequence[Metric],
    replaced: Sequence[Replaced],
    run_id: str,
    now: datetime,
    last_day: date,
) -> QualityReport:
    """Record the values that the run replaced, and report implausible ones. Does not raise StoreError."""
    revisions = build_revisions(replaced, run_id, now)
    warnings = [*save_revisions(store, revisions), *unusual_revisions(revisions, metrics)]
    try:
        span = Span(window(last_day, READ_DAYS), last_day)
        rows = store.read_observations([metric.metric_id for metric in metrics], span)
    except StoreError as error:
        warnings.append(f"the new values could not be compared with their neighbours: {error}")
        return QualityReport(revisions, tuple(warnings))
    outliers, registry_dips = find_anomalies(metrics, SeriesTable.from_arrow(rows), last_day)
    # Each run reports only its own values; earlier runs have reported theirs.
    anomalies = [
        f"doubtful: {o.text}; stored, and requested again by the next refresh"
        for o in outliers
        if o.ingestion_run_id == run_id
    ]
    anomalies += [
        f"{dip.text}; attributed to the registry, not to the packages"
        for dip in registry_dips
        if run_id in dip.ingestion_run_ids
    ]
    return QualityReport(revisions, tuple(warnings), tuple(anomalies))


def save_revisions(store: LanceStore, revisions: Sequence[Revision]) -> list[str]:
    """Write ``revisions``. Return a warning instead of raising if a cluster does not allow new tables."""
    try:
        store.save_revisions(revisions)
    except StoreError as error:
        return [f"{len(revisions)} revisions were not stored: {error}"]
    return []


def unusual_revisions(revisions: Iterable[Revision], metrics: Iterable[Metric]) -> list[str]:
    """Return a warning per metric of which settled days changed by more than half."""
    downloads = {metric.metric_id for metric in metrics if metric.measure.is_flow}
    by_metric: dict[str, list[Revision]] = {}
    for revision in revisions:
        if revision.is_unusual and revision.metric_id in downloads:
            by_metric.setdefault(revision.metric_id, []).append(revision)
    warnings = []
    for metric_id, unusual in by_metric.items():
        days, most = sum(revision.days for revision in unusual), largest(unusual)
        assert most is not None  # every metric in the mapping has a revision
        warnings.append(
            f"unusual revision of {metric_id}: {days} settled day{'s' if days > 1 else ''} changed by more than half, "
            f"most on {most.last_day}: {most.old_value:,} → {most.new_value:,}; see `cmetrics status --revisions`"
        )
    return warnings
