"""Build and save the rows of ``outcomes``: one per metric of a run."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

from cmetrics.catalog import LeftOut
from cmetrics.domain.errors import StoreError
from cmetrics.domain.metric import Definition
from cmetrics.domain.outcome import Outcome
from cmetrics.domain.run import MetricOutcome, MetricStatus
from cmetrics.sources.base import FetchRequest
from cmetrics.store.lance_store import LanceStore


def build_outcomes(
    run_id: str, metrics: Iterable[MetricOutcome], requests: Iterable[FetchRequest], at: datetime
) -> list[Outcome]:
    """Return one row per metric of the run, with the requested window."""
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


def left_out_outcomes(entries: Iterable[LeftOut], definitions: Iterable[Definition]) -> tuple[MetricOutcome, ...]:
    """Return the failure of each entry whose source cannot be used.

    Without the source, the id of an entry that does not state it is known from its definition only; a new
    one is named after its product and source.
    """
    stored = {(row.source, row.subject): row for row in definitions}
    outcomes = []
    for entry in entries:
        row = stored.get((entry.source, entry.subject))
        metric_id = entry.metric_id or (row.metric_id if row else f"unknown:{entry.product}:{entry.source}")
        outcomes.append(MetricOutcome(metric_id, MetricStatus.FAILED, error=entry.reason, source=entry.source))
    return tuple({outcome.metric_id: outcome for outcome in outcomes}.values())


def save_outcomes(store: LanceStore, rows: Sequence[Outcome]) -> list[str]:
    """Write the rows. Return a warning instead of raising if a cluster does not allow new tables."""
    try:
        store.save_outcomes(rows)
    except StoreError as error:
        return [f"the outcomes of {len(rows)} metrics were not stored: {error}"]
    return []
