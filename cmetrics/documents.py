"""The JSON documents of the API and of the static files, each declared once.

The models are built from the view-model, describe themselves to OpenAPI, and become bytes in
`encode` only. A field whose name differs from the view-model's says where its value comes from.
"""

from __future__ import annotations

import gc
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from datetime import date, datetime
from typing import Annotated, Any

from pydantic import AfterValidator, AliasPath, BaseModel, BeforeValidator, ConfigDict, Discriminator, Field, Tag
from pydantic.fields import FieldInfo
from pydantic_core import to_json

from cmetrics.analytics.model import FLOWS_DEFINITION, Dashboard, PointKind
from cmetrics.domain.metric import Definition, Family, file_names
from cmetrics.domain.observation import Observation
from cmetrics.domain.run import Run


def _from(path: str, **field: Any) -> FieldInfo:
    """Return a field that is read from an attribute of the view-model, or of one of its parts."""
    first, *rest = path.split(".")
    info: FieldInfo = Field(validation_alias=AliasPath(first, *rest) if rest else first, **field)
    return info


Moment = Annotated[datetime, AfterValidator(lambda moment: moment.replace(microsecond=0))]


class Document(BaseModel):
    """A part of a document, built from the view-model's attributes."""

    model_config = ConfigDict(extra="forbid", frozen=True, from_attributes=True)


class Problem(BaseModel):
    """Why a request failed, and what to do next."""

    detail: Annotated[str, Field(examples=["data/lancedb has no cmetrics tables; `cmetrics refresh` creates them"])]


class Health(BaseModel):
    """`ok`, or `degraded` with the reason; the service itself answers in both cases."""

    status: Annotated[str, Field(pattern="^(ok|degraded)$", examples=["ok"])]
    reason: str | None = None


class MetricDefinition(Document):
    """One metric: the columns of table `metrics` without `created_at`, and where its series is as a file."""

    metric_id: Annotated[str, Field(examples=["downloads:lance:python"])]
    metric_family: Annotated[str, Field(examples=["downloads"])]
    product: Annotated[str, Field(examples=["lance"])]
    subject: Annotated[str, Field(examples=["pylance"])]
    sdk: Annotated[str | None, Field(examples=["python"])]
    source: Annotated[str, Field(examples=["pypistats"])]
    value_kind: Annotated[str, Field(examples=["daily_downloads"])]
    unit: Annotated[str, Field(examples=["count"])]
    is_active: bool
    display_name: Annotated[str, Field(examples=["Python"])]
    series_file: Annotated[str, Field(examples=["series/downloads-lance-python.json"])]


class SeriesPoint(Document):
    """One stored value."""

    period_start: date
    period_end: date
    value: Annotated[int, Field(examples=[48213])]
    provenance: Annotated[str, Field(description="api_daily, recomputed or csv_seed", examples=["api_daily"])]
    source_window: Annotated[str, Field(description="1d, cumulative_snapshot or discrete_snapshot", examples=["1d"])]


class Series(Document):
    """The stored values of one metric, ascending."""

    metric_id: str
    days: int
    points: list[SeriesPoint]


class ValueChange(Document):
    """From an earlier value to a later one."""

    absolute: int
    percent: Annotated[float | None, Field(description="Null when the earlier value is 0")]


class MonthPoint(Document):
    """Downloads of a month; for a seeded snapshot both day counts are null."""

    period_start: date
    period_end: date
    value: int
    provenance: str
    days_observed: int | None
    days_expected: int | None


class StarsPoint(Document):
    """Stars at the end of a day."""

    period_start: Annotated[date, _from("day")]
    period_end: Annotated[date, _from("day")]
    value: int
    kind: Annotated[str, Field(description="observed, reconstructed or estimated")]
    estimated: Annotated[bool, BeforeValidator(PointKind.ESTIMATED.__eq__), _from("kind")]


class _Item(Document):
    metric_id: Annotated[str, _from("metric.metric_id")]
    display_name: Annotated[str, _from("metric.display_name")]
    metric_family: Annotated[str, _from("metric.family")]
    sdk: Annotated[str | None, _from("metric.sdk")]
    subject: Annotated[str, _from("metric.subject")]
    source: Annotated[str, _from("metric.source")]
    latest_day: Annotated[date | None, _from("freshness.latest_day")]
    age_days: Annotated[int | None, _from("freshness.age_days")]


class DownloadsItem(_Item):
    """One SDK; `latest_value` is the total of the last full calendar month."""

    latest_value: Annotated[int | None, _from("month.value")] = None
    latest_period_end: Annotated[date, _from("month_end")]
    latest_provenance: Annotated[str | None, _from("month.provenance")] = None
    total_stars: int | None = None
    days_observed: Annotated[int | None, _from("month.days_observed")] = 0
    days_expected: Annotated[int, _from("month_end.day")]
    month_on_month: ValueChange | None
    year_on_year: ValueChange | None
    share: Annotated[float | None, Field(description="Percent of the product's downloads in that month")]
    last_30_days: Annotated[int | None, Field(description="Null when no day of them is stored")]
    last_30_days_observed: int
    change_7: Annotated[ValueChange | None, Field(description="The last 7 stored days against the 7 before")]
    change_30: ValueChange | None
    change_90: ValueChange | None
    sparkline: Annotated[list[MonthPoint], _from("points")]


class FlowPoint(Document):
    """Stars gained and lost on one day; null where unknown."""

    day: Annotated[date, _from("last_day")]
    gained: int | None
    lost: int | None
    net: int | None


class RepositoryItem(_Item):
    """One repository; `latest_value` is the newest count of stars."""

    latest_value: Annotated[int | None, _from("latest.value")] = None
    latest_period_end: Annotated[date | None, _from("latest.day")] = None
    latest_provenance: Annotated[str | None, _from("latest.provenance")] = None
    total_stars: Annotated[int | None, _from("latest.value")] = None
    change_7: ValueChange | None
    change_30: ValueChange | None
    change_90: ValueChange | None
    sparkline: Annotated[list[StarsPoint], _from("points")]
    gained_30: Annotated[
        int | None,
        _from("flow_30.gained", description=f"In the 30 days up to the newest count. {FLOWS_DEFINITION}"),
    ] = None
    lost_30: Annotated[int | None, _from("flow_30.lost", description="Null unless gained_30 and net_30 are known")] = (
        None
    )
    net_30: Annotated[
        int | None, _from("flow_30.net", description="From the count of 30 days before to the newest one")
    ] = None
    flows: Annotated[list[FlowPoint], Field(description=FLOWS_DEFINITION)]


def _family_of(item: Any) -> str:
    return str(item.metric_family if isinstance(item, _Item) else item.metric.family)


AnyItem = Annotated[
    Annotated[DownloadsItem, Tag(Family.DOWNLOADS.value)] | Annotated[RepositoryItem, Tag(Family.STARS.value)],
    Discriminator(_family_of),
]


class ProductGroup(Document):
    """One product: its downloads, then its stars."""

    product: str
    title: str
    items: list[AnyItem]


class DownloadTotals(BaseModel):
    """Downloads of the last 30 days, one number per product."""

    model_config = ConfigDict(extra="allow", json_schema_extra={"additionalProperties": {"type": ["integer", "null"]}})

    window_start: date
    window_end: date


class DailyDashboard(Document):
    """The dashboard."""

    generated_at: Moment
    as_of: date
    days: int
    groups: list[ProductGroup]
    last_full_month: Annotated[MonthPoint | None, _from("month_total")]
    last_full_month_change: Annotated[ValueChange | None, _from("month_total_change")]
    last_full_month_year_change: Annotated[ValueChange | None, _from("month_total_year_change")]
    total_stars: Annotated[int | None, _from("total_stars.value")] = None
    total_stars_day: Annotated[
        date | None, _from("total_stars.day", description="The newest day with a count of every repository")
    ] = None
    total_stars_change_30: ValueChange | None
    total_stars_sparkline: Annotated[list[StarsPoint], _from("total_stars_points")]
    last_30d_download_totals: Annotated[DownloadTotals, _from("last_30_days")]


class RunError(Document):
    """A run that had errors."""

    ingestion_run_id: str
    job_name: str
    status: str
    started_at: Moment
    finished_at: Moment | None
    error_summary: str


class RefreshErrors(Document):
    """Runs that had errors, newest first."""

    start_date: date
    end_date: date
    count: int
    errors: list[RunError]


AnyDocument = BaseModel | Sequence[BaseModel]


def encode(document: AnyDocument | Mapping[str, object]) -> bytes:
    """Return a document as JSON: the same bytes for the API and for a file."""
    return to_json(document)


def without_time(document: AnyDocument, body: bytes) -> bytes:
    """Return the bytes of a document without the time it was built: equal for two documents from the same rows."""
    if not isinstance(document, DailyDashboard):
        return body
    return body.replace(to_json(document.generated_at), b"", 1)


def build_health(problem: str | None = None) -> dict[str, str]:
    """Return the document of `Health`, degraded if there is a problem."""
    return {"status": "ok"} if problem is None else {"status": "degraded", "reason": problem}


def build_definitions(definitions: Sequence[Definition]) -> list[MetricDefinition]:
    """Return the definitions in their order."""
    names = file_names((), definitions)
    documents = []
    for row in definitions:
        columns = asdict(row)
        del columns["created_at"]
        documents.append(MetricDefinition(**columns, series_file=f"series/{names[row.metric_id]}.json"))
    return documents


def build_series(metric_id: str, days: int, rows: Iterable[Observation]) -> Series:
    """Return the stored values of a metric; ``rows`` come in ascending order."""
    return Series.model_validate({"metric_id": metric_id, "days": days, "points": list(rows)})


def build_daily(dashboard: Dashboard) -> DailyDashboard:
    """Return the dashboard."""
    with _no_collection():
        return DailyDashboard.model_validate(dashboard)


@contextmanager
def _no_collection() -> Iterator[None]:
    """Suspend the cyclic garbage collector.

    The points of a thousand metrics are a hundred thousand objects and none of them is garbage; the
    collector would look at every object of the process several times, which takes longer than the work.
    """
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


def build_refresh_errors(first: date, last: date, runs: Sequence[Run]) -> RefreshErrors:
    """Return the runs with errors that started from ``first`` to ``last``; ``runs`` come newest first."""
    return RefreshErrors.model_validate({"start_date": first, "end_date": last, "count": len(runs), "errors": runs})
