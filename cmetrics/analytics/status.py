"""The view-model of `status`: freshness of each metric, last runs, missing days."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from cmetrics.analytics.dashboard import build_freshness, build_health
from cmetrics.analytics.model import Health, MetricFreshness
from cmetrics.analytics.quality import DataQuality
from cmetrics.domain.metric import Metric
from cmetrics.domain.outcome import OutcomeLog
from cmetrics.domain.run import Run
from cmetrics.domain.state import MetricState


@dataclass(frozen=True, slots=True)
class StoreStatus:
    """The content of `status`."""

    as_of: date
    #: In the order of the catalogue.
    metrics: tuple[MetricFreshness, ...]
    health: Health
    quality: DataQuality


def build_status(
    metrics: Sequence[Metric],
    states: Mapping[str, MetricState],
    runs: Sequence[Run],
    log: OutcomeLog,
    quality: DataQuality,
    *,
    as_of: date,
) -> StoreStatus:
    """Return the status of the store on ``as_of``. Runs are newest first."""
    return StoreStatus(
        as_of=as_of,
        metrics=tuple(build_freshness(m, states[m.metric_id].latest_day, as_of, log) for m in metrics),
        health=build_health(runs, log),
        quality=quality,
    )
