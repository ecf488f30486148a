"""The documents of contract §5, for the API and for the static files. Pure: values in, JSON out."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from datetime import date, datetime
from typing import Any

from cmetrics.analytics.model import (
    Change,
    Dashboard,
    DayPoint,
    DownloadItem,
    Group,
    PeriodPoint,
    PointKind,
    StarItem,
)
from cmetrics.domain.metric import Definition, slug
from cmetrics.domain.observation import Observation
from cmetrics.domain.run import Run

Document = dict[str, Any]

HEALTHY: Document = {"status": "ok"}


def encode(document: Document | list[Document]) -> bytes:
    """The one way a document becomes bytes, so that file and answer can be compared."""
    return json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode()


def definitions_document(definitions: Iterable[Definition]) -> list[Document]:
    """The columns of ``metrics`` without ``created_at``, and where the series of each is as a file."""
    return [
        {
            "metric_id": row.metric_id,
            "metric_family": row.metric_family,
            "product": row.product,
            "subject": row.subject,
            "sdk": row.sdk,
            "source": row.source,
            "value_kind": row.value_kind,
            "unit": row.unit,
            "is_active": row.is_active,
            "display_name": row.display_name,
            "series_file": f"series/{slug(row.metric_id)}.json",
        }
        for row in definitions
    ]


def series_document(metric_id: str, days: int, rows: Iterable[Observation]) -> Document:
    """The stored observations of a metric, ascending."""
    return {
        "metric_id": metric_id,
        "days": days,
        "points": [
            {
                "period_start": row.period_start.isoformat(),
                "period_end": row.period_end.isoformat(),
                "value": row.value,
                "provenance": row.provenance,
                "source_window": row.source_window,
            }
            for row in rows
        ],
    }


def errors_document(first: date, last: date, runs: Sequence[Run]) -> Document:
    """Runs that had errors, newest first."""
    return {
        "start_date": first.isoformat(),
        "end_date": last.isoformat(),
        "count": len(runs),
        "errors": [
            {
                "ingestion_run_id": run.ingestion_run_id,
                "job_name": run.job_name,
                "status": run.status,
                "started_at": _moment(run.started_at),
                "finished_at": _moment(run.finished_at),
                "error_summary": run.error_summary,
            }
            for run in runs
        ],
    }


def daily_document(board: Dashboard) -> Document:
    """The dashboard; ``generated_at`` is all that differs between two answers from the same rows."""
    return {
        "generated_at": _moment(board.generated_at),
        "as_of": board.as_of.isoformat(),
        "days": board.days,
        "groups": [_group(group) for group in board.groups],
        "last_full_month": _month(board.month_total),
        "last_full_month_change": _change(board.month_total_change),
        "last_full_month_year_change": _change(board.month_total_year_change),
        "total_stars": board.total_stars.value if board.total_stars else None,
        "total_stars_day": board.total_stars.day.isoformat() if board.total_stars else None,
        "total_stars_change_30": _change(board.total_stars_change_30),
        "total_stars_sparkline": [_day(point) for point in board.total_stars_points],
        "last_30d_download_totals": {
            "window_start": board.window_30_start.isoformat(),
            "window_end": board.as_of.isoformat(),
            **{group.product: group.last_30_days for group in board.groups},
        },
    }


def _group(group: Group) -> Document:
    return {
        "product": group.product,
        "title": group.title,
        "items": [*map(_downloads, group.downloads), *map(_stars, group.stars)],
    }


def _downloads(item: DownloadItem) -> Document:
    month = item.month
    return {
        **_item(item),
        "latest_value": month.value if month else None,
        "latest_period_end": item.month_end.isoformat(),
        "latest_provenance": month.provenance if month else None,
        "total_stars": None,
        "days_observed": month.days_observed if month else 0,
        "days_expected": item.month_end.day,
        "month_on_month": _change(item.month_on_month),
        "year_on_year": _change(item.year_on_year),
        "share": item.share,
        "last_30_days": item.last_30_days,
        "last_30_days_observed": item.last_30_days_observed,
        "change_7": _change(item.change_7),
        "change_30": _change(item.change_30),
        "change_90": _change(item.change_90),
        "sparkline": [_month(point) for point in item.points],
    }


def _stars(item: StarItem) -> Document:
    latest = item.latest
    return {
        **_item(item),
        "latest_value": latest.value if latest else None,
        "latest_period_end": latest.day.isoformat() if latest else None,
        "latest_provenance": latest.provenance if latest else None,
        "total_stars": latest.value if latest else None,
        "change_7": _change(item.change_7),
        "change_30": _change(item.change_30),
        "change_90": _change(item.change_90),
        "sparkline": [_day(point) for point in item.points],
        "gained_30": item.flow_30.gained if item.flow_30 else None,
        "lost_30": item.flow_30.lost if item.flow_30 else None,
        "net_30": item.flow_30.net if item.flow_30 else None,
        "flows": [
            {"day": flow.last_day.isoformat(), "gained": flow.gained, "lost": flow.lost, "net": flow.net}
            for flow in item.flows
        ],
    }


def _item(item: DownloadItem | StarItem) -> Document:
    metric = item.metric
    return {
        "metric_id": metric.metric_id,
        "display_name": metric.display_name,
        "metric_family": metric.family.value,
        "sdk": metric.sdk,
        "subject": metric.subject,
        "source": metric.source,
        "latest_day": item.freshness.latest_day.isoformat() if item.freshness.latest_day else None,
        "age_days": item.freshness.age_days,
    }


def _month(point: PeriodPoint | None) -> Document | None:
    if point is None:
        return None
    return {
        "period_start": point.period_start.isoformat(),
        "period_end": point.period_end.isoformat(),
        "value": point.value,
        "provenance": point.provenance,
        "days_observed": point.days_observed,
        "days_expected": point.days_expected,
    }


def _day(point: DayPoint) -> Document:
    return {
        "period_start": point.day.isoformat(),
        "period_end": point.day.isoformat(),
        "value": point.value,
        "kind": point.kind.value,
        "estimated": point.kind is PointKind.ESTIMATED,
    }


def _change(change: Change | None) -> Document | None:
    return None if change is None else {"absolute": change.absolute, "percent": change.percent}


def _moment(moment: datetime | None) -> str | None:
    return None if moment is None else moment.isoformat(timespec="seconds").replace("+00:00", "Z")
