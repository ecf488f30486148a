"""Values of a source as rows of ``stats``, by column."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import pyarrow as pa

from cmetrics.domain.metric import Family, Metric
from cmetrics.domain.observation import DailyValue, Provenance, SourceWindow
from cmetrics.store.schema import STATS


def build_observations(
    metric: Metric, values: Sequence[DailyValue], *, provenance: Provenance, run_id: str, at: datetime
) -> pa.Table:
    """Return the rows of ``stats`` that store ``values``, in their order."""
    days = pa.array([value.day.isoformat() for value in values], pa.string())
    window = SourceWindow.CUMULATIVE_SNAPSHOT if metric.family is Family.STARS else SourceWindow.DAY
    columns = {
        "metric_id": metric.metric_id,
        "period_start": days,
        "period_end": days,
        "observed_at": at,
        "value": pa.array([value.value for value in values], pa.int64()),
        "provenance": provenance.value,
        "source_window": window.value,
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
