"""The rows of ``outcomes`` that a run leaves: one per metric that it was for."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

from cmetrics.domain.errors import StoreError
from cmetrics.domain.outcome import Outcome
from cmetrics.domain.run import MetricOutcome, MetricStatus
from cmetrics.sources.base import FetchRequest
from cmetrics.store.lance_store import LanceStore


def build_outcomes(
    run_id: str, metrics: Iterable[MetricOutcome], requests: Iterable[FetchRequest], at: datetime
) -> list[Outcome]:
    """Return one row per metric of the run, with the window that was requested for it."""
    days = {request.metric.metric_id: (*request.archive_days, *request.days) for request in requests}
    return [
        Outcome(
            ingestion_run_id=run_id,
            metric_id=metric.metric_id,
            status=metric.status,
            requested_from=min(days.get(metric.metric_id, ()), default=None),
            requested_to=max(days.get(metric.metric_id, ()), default=None),
            days_stored=metric.days_stored,
            pending_days=metric.pending_days,
            error=metric.error if metric.status is MetricStatus.FAILED else None,
            observed_at=at,
        )
        for metric in metrics
    ]


def save_outcomes(store: LanceStore, rows: Sequence[Outcome]) -> list[str]:
    """Write the rows; return a warning instead of an error where a cluster refuses a new table."""
    try:
        store.save_outcomes(rows)
    except StoreError as error:
        return [f"the outcomes of {len(rows)} metrics were not stored: {error}"]
    return []
