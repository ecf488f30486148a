"""What a run has changed, looked at once more after it is stored: revisions kept, oddities named."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime

from cmetrics.analytics.anomalies import READ_DAYS, find_anomalies
from cmetrics.domain.days import Span, window
from cmetrics.domain.errors import StoreError
from cmetrics.domain.metric import Family, Metric
from cmetrics.domain.revision import Replaced, Revision, build_revisions, largest
from cmetrics.domain.run import MetricOutcome
from cmetrics.store.lance_store import LanceStore


@dataclass(frozen=True, slots=True)
class Review:
    """What there is to tell of the values that a run has written."""

    revisions: tuple[Revision, ...]
    warnings: tuple[str, ...]
    #: Values that are hard to believe. What is stored tells them again at any time, so that they are
    #: no part of the run's row in `history`: the run has done nothing wrong.
    doubts: tuple[str, ...] = ()

    def told(self, outcomes: Iterable[MetricOutcome]) -> tuple[MetricOutcome, ...]:
        """The outcomes with what was revised of each metric."""
        by_metric: dict[str, list[Revision]] = {}
        for revision in self.revisions:
            by_metric.setdefault(revision.metric_id, []).append(revision)
        return tuple(
            replace(outcome, revised_days=sum(r.days for r in found), largest_revision=largest(found))
            for outcome in outcomes
            for found in [by_metric.get(outcome.metric_id, [])]
        )


def review(
    store: LanceStore,
    metrics: Sequence[Metric],
    replaced: Sequence[Replaced],
    run_id: str,
    at: datetime,
    last_day: date,
) -> Review:
    """Keep what was replaced, and judge what this run has written. Never a reason for a run to fail."""
    revisions = build_revisions(replaced, run_id, at)
    told = [*keep_revisions(store, revisions), *unusual_revisions(revisions, metrics)]
    try:
        span = Span(window(last_day, READ_DAYS), last_day)
        rows = store.observations([metric.metric_id for metric in metrics], span)
    except StoreError as error:
        return Review(revisions, (*told, f"the new values could not be compared with their neighbours: {error}"))
    outliers, registry_dips = find_anomalies(metrics, rows, last_day)
    # What an earlier run has landed, that run has told.
    doubts = [f"doubtful: {f.text}; stored, and asked for again" for f in outliers if f.ingestion_run_id == run_id]
    doubts += [
        f"{d.text}; taken as the registry's, not the packages'" for d in registry_dips if run_id in d.ingestion_run_ids
    ]
    return Review(revisions, tuple(told), tuple(doubts))


def keep_revisions(store: LanceStore, revisions: Sequence[Revision]) -> list[str]:
    """Write the rows; a warning instead of an error where a cluster refuses a new table."""
    try:
        store.save_revisions(revisions)
    except StoreError as error:
        return [f"{len(revisions)} revisions are not kept: {error}"]
    return []


def unusual_revisions(revisions: Iterable[Revision], metrics: Iterable[Metric]) -> list[str]:
    """A warning per metric of which settled days changed by more than half."""
    downloads = {metric.metric_id for metric in metrics if metric.family is Family.DOWNLOADS}
    by_metric: dict[str, list[Revision]] = {}
    for revision in revisions:
        if revision.is_unusual and revision.metric_id in downloads:
            by_metric.setdefault(revision.metric_id, []).append(revision)
    told = []
    for metric_id, found in by_metric.items():
        days, most = sum(revision.days for revision in found), largest(found)
        assert most is not None  # nothing is listed without a revision
        told.append(
            f"unusual revision of {metric_id}: {days} settled day{'s' if days > 1 else ''} changed by more than half, "
            f"most on {most.last_day}: {most.old_value:,} → {most.new_value:,}; see `cmetrics status --revisions`"
        )
    return told
