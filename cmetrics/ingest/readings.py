"""Store the counts of the parts of a subject, and derive the value of the night from them."""

from __future__ import annotations

from dataclasses import replace

from cmetrics.domain.errors import SourceError, StoreError
from cmetrics.domain.observation import DailyValue, SourceRef
from cmetrics.domain.reading import StoredReading, changed_readings, newest_counts
from cmetrics.sources.base import FetchResult
from cmetrics.store.lance_store import LanceStore


def record_readings(store: LanceStore, result: FetchResult, run_id: str) -> FetchResult:
    """Return ``result`` with the sum of its readings as the value of the last day; store the changed readings.

    The sum includes the last count of each part that the response lacks. The readings are stored before the sum,
    because the next night could otherwise not distinguish a missing part from an unknown one. If the readings cannot
    be stored, the result becomes a failure. A result without readings is returned unchanged.
    """
    if not result.readings or result.error is not None:
        return replace(result, readings=())
    request, metric = result.request, result.request.metric
    try:
        known = newest_counts(store.readings([metric.metric_id]))
        store.save_readings(
            [
                StoredReading(
                    metric_id=metric.metric_id,
                    identity=reading.identity,
                    name=reading.name,
                    period_end=request.last_day,
                    value=reading.value,
                    observed_at=reading.observed_at,
                    created_at=reading.created_at,
                    ingestion_run_id=run_id,
                )
                for reading in changed_readings(known, result.readings)
            ]
        )
    except StoreError as error:
        reason = SourceError(f"its readings were not stored: {error}", service=metric.source)
        return replace(result, readings=(), error=reason)
    counts = known | {reading.identity: reading.value for reading in result.readings}
    total = DailyValue(
        request.last_day,
        sum(counts.values()),
        SourceRef(metric.source, result.subject or metric.subject).text,
        observed_at=max(reading.observed_at for reading in result.readings),
    )
    return replace(result, values=(*result.values, total), readings=())
