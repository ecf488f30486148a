"""Build metrics, requests and rows with defaults, so that a test states only what matters to it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, date, datetime, time
from typing import Any

from cmetrics.analytics.columns import SeriesTable
from cmetrics.domain.days import DAY, day_range
from cmetrics.domain.metric import Metric, default_id
from cmetrics.domain.observation import DailyValue, Observation, Provenance, SourceWindow
from cmetrics.domain.outcome import Outcome
from cmetrics.domain.run import MetricStatus, Run
from cmetrics.sources import SPECS
from cmetrics.sources.base import FetchRequest
from cmetrics.store.schema import STATS, encode

SUBJECTS = {
    "pypistats": "pylance",
    "cratesio": "lance",
    "npm": "@scope/name",
    "github": "owner/name",
    "github-releases": "owner/name",
    "dockerhub": "acme/db",
    "huggingface": "models/acme/model",
    "openvsx": "acme.lens",
    "vscode": "acme.lens",
    "nuget": "Acme.Db",
    "cran": "lance",
    "duckdb": "lance",
    "github-traffic": "lancedb/lancedb",
    "homebrew": "lance",
    "packagist": "lance/lance",
    "rubygems": "lance",
}


def a_metric(source: str = "npm", **changes: Any) -> Metric:
    spec = SPECS[source]
    metric = Metric(
        metric_id=default_id(spec, spec.measure, "p"),
        measure=spec.measure,
        product="p",
        subject=SUBJECTS[source],
        sdk=spec.sdk,
        source=source,
        display_name=spec.display_name,
        page_url="https://example.com/",
    )
    return replace(metric, **changes)


def a_request(
    metric: Metric, first: date, last: date, *, stored: Iterable[date] = (), known_since: date | None = None
) -> FetchRequest:
    """Return a request for every day from ``first`` to ``last``, where ``last`` is the last completed day."""
    days = tuple(day_range(first, last))
    return FetchRequest(metric, days, missing=frozenset(days) - set(stored), last_day=last, known_since=known_since)


def observe(metric: Metric, value: DailyValue, *, provenance: Provenance, run_id: str, at: datetime) -> Observation:
    """Return the row of ``stats`` that stores ``value``."""
    return Observation(
        metric_id=metric.metric_id,
        period_start=value.period_start or value.day,
        period_end=value.day,
        observed_at=value.observed_at or at,
        value=value.value,
        provenance=provenance,
        source_window=metric.measure.source_window,
        ingestion_run_id=run_id,
        source_ref=value.source_ref,
    )


def a_row(metric: Metric, day: date, value: int, **changes: Any) -> Observation:
    """Return a daily value that was fetched at 6:00 on the next day."""
    daily_value = DailyValue(day, value, f"{metric.source}:{metric.subject}")
    at = datetime.combine(day + DAY, time(6), UTC)
    return replace(observe(metric, daily_value, provenance=Provenance.API_DAILY, run_id="refresh-1", at=at), **changes)


def a_table(rows: Iterable[Observation]) -> SeriesTable:
    """Return the rows as the store returns them."""
    return SeriesTable.from_arrow(encode(sorted(rows, key=lambda row: row.key), STATS))


def a_snapshot(metric: Metric, day: date, value: int) -> Observation:
    """Return a seeded total."""
    seed_columns = {"provenance": Provenance.CSV_SEED, "source_window": SourceWindow.DISCRETE_SNAPSHOT}
    return a_row(metric, day, value, source_ref="seed:seed.csv", **seed_columns)


def an_outcome(run: Run, metric_id: str, error: str | None = None, **changes: Any) -> Outcome:
    """Return the outcome of a request for the 366 days up to the day before ``run``."""
    last = run.started_at.astimezone(UTC).date() - DAY
    return replace(
        Outcome(
            ingestion_run_id=run.ingestion_run_id,
            metric_id=metric_id,
            status=MetricStatus.FAILED if error else MetricStatus.OK,
            requested_from=last - 365 * DAY,
            requested_to=last,
            days_stored=0 if error else 14,
            pending_days=0,
            error=error,
            observed_at=run.started_at,
        ),
        **changes,
    )
