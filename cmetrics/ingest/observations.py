"""Convert values of a source to rows of ``stats``, by column."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import pyarrow as pa

from cmetrics.domain.metric import Metric
from cmetrics.domain.observation import DailyValue, Provenance
from cmetrics.store.schema import STATS


def build_observations(
    metric: Metric, values: Sequence[DailyValue], *, provenance: Provenance, run_id: str, at: datetime
) -> pa.Table:
    """Return the rows of ``stats`` that store ``values``, in their order. ``at`` is the time of values without one."""
    days = pa.array([value.day.isoformat() for value in values], pa.string())
    columns = {
        "metric_id": metric.metric_id,
        "period_start": pa.array([(value.period_start or value.day).isoformat() for value in values], pa.string()),
        "period_end": days,
        "observed_at": pa.array([value.observed_at or at for value in values], STATS.schema.field("observed_at").type),
        "value": pa.array([value.value for value in values], pa.int64()),
        "provenance": provenance.value,
        "source_window": metric.measure.source_window,
        "ingestion_run_id": run_id,
        "source_ref": pa.array([value.source_ref for value in values], pa.string()),
    }
    return pa.table(
        [
            column if isinstance(column, pa.Array) else pa.repeat(pa.scalar(column, field.type), len(days))
            for field in STATS.schema
            for column in [columns[field.name]]
        ],
        schema=STATS.schema,
    )
