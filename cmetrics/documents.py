"""The JSON documents of the API and of the static files.

The models are built from the view-model, provide the OpenAPI description, and are encoded by `encode` only.
A field whose name differs from the view-model's declares the source of its value.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from datetime import date, datetime
from typing import Annotated, Any

import orjson
from pydantic import (
    AfterValidator,
    AliasPath,
    BaseModel,
    ConfigDict,
    Discriminator,
    Field,
    Tag,
    WrapValidator,
    with_config,
)
from pydantic.fields import FieldInfo
from typing_extensions import TypedDict

from cmetrics.analytics.columns import SeriesTable, to_dates
from cmetrics.analytics.intervals import Interval
from cmetrics.analytics.model import (
    ESTIMATED,
    FLOWS_DEFINITION,
    KINDS,
    Dashboard,
    DayPoints,
    PeriodPoint,
    StarFlows,
)
from cmetrics.domain.kind import Measure
from cmetrics.domain.metric import Definition, file_names
from cmetrics.domain.run import Run


def part_of(path: str, **field: Any) -> FieldInfo:
    """Return a field whose value is an attribute of the view-model or of one of its parts."""
    first, *rest = path.split(".")
    info: FieldInfo = Field(validation_alias=AliasPath(first, *rest) if rest else first, **field)
    return info


Moment = Annotated[datetime, AfterValidator(lambda moment: moment.replace(microsecond=0))]


#: The type of points of a series. There are many, so they are plain dicts without validation.
POINT = ConfigDict(extra="forbid")


class Document(BaseModel):
    """Base of all documents and their parts, built from attributes of the view-model."""

    model_config = ConfigDict(extra="forbid", frozen=True, from_attributes=True)


class Problem(BaseModel):
    """The reason for a failed request, and the next step."""

    detail: Annotated[str, Field(examples=["data/lancedb has no cmetrics tables; `cmetrics refresh` creates them"])]


class Health(BaseModel):
    """`ok`, or `degraded` with the reason. The service itself runs in both cases."""

    status: Annotated[str, Field(pattern="^(ok|degraded)$", examples=["ok"])]
    reason: str | None = None


class MetricDefinition(Document):
    """One metric: the columns of table `metrics` without `created_at`, and the path of its series."""

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


@with_config(POINT)
class SeriesPoint(TypedDict):
    """One stored value."""

    period_start: date
    period_end: date
    value: Annotated[int, Field(examples=[48213])]
    provenance: Annotated[str, Field(description="api_daily, recomputed or csv_seed", examples=["api_daily"])]
    source_window: Annotated[str, Field(description="1d, 7d, 30d, or a snapshot", examples=["1d"])]


class Series(Document):
    """The stored values of one metric, ascending."""

    metric_id: str
    days: int
    points: list[SeriesPoint]


class ValueChange(Document):
    """The change from an earlier value to a later one."""

    absolute: int
    percent: Annotated[float | None, Field(description="Null when the earlier value is 0")]


@with_config(POINT)
class MonthPoint(TypedDict):
    """Downloads of a month. Both day counts are null for a seeded snapshot."""

    period_start: date
    period_end: date
    value: int
    provenance: str
    days_observed: int | None
    days_expected: int | None


@with_config(POINT)
class StarsPoint(TypedDict):
    """Stars at the end of a day."""

    period_start: date
    period_end: date
    value: int
    kind: Annotated[str, Field(description="observed, reconstructed or estimated")]
    estimated: bool


def made(make: Callable[[Any], object]) -> WrapValidator:
    """Return the validator of a field that ``make`` creates from a part of the view-model."""
    return WrapValidator(lambda part, _: make(part))


def _month_point(point: PeriodPoint) -> MonthPoint:
    return {
        "period_start": point.period_start,
        "period_end": point.period_end,
        "value": point.value,
        "provenance": point.provenance,
        "days_observed": point.days_observed,
        "days_expected": point.days_expected,
    }


def _stars_points(points: DayPoints) -> list[StarsPoint]:
    columns = zip(points.dates, points.values.tolist(), points.kinds.tolist(), strict=True)
    return [
        {
            "period_start": day,
            "period_end": day,
            "value": value,
            "kind": KINDS[kind].value,
            "estimated": kind == ESTIMATED,
        }
        for day, value, kind in columns
    ]


def _flow_points(flows: StarFlows) -> list[FlowPoint]:
    return [{"day": flow.last_day, "gained": flow.gained, "lost": flow.lost, "net": flow.net} for flow in flows]


class _Item(Document):
    metric_id: Annotated[str, part_of("metric.metric_id")]
    display_name: Annotated[str, part_of("metric.display_name")]
    metric_family: Annotated[str, part_of("metric.family")]
    sdk: Annotated[str | None, part_of("metric.sdk")]
    subject: Annotated[str, part_of("metric.subject")]
    source: Annotated[str, part_of("metric.source")]
    latest_day: Annotated[date | None, part_of("freshness.latest_day")]
    age_days: Annotated[int | None, part_of("freshness.age_days")]


class DownloadsItem(_Item):
    """One SDK; `latest_value` is the total of the last full calendar month."""

    latest_value: Annotated[int | None, part_of("month.value")] = None
    latest_period_end: Annotated[date, part_of("month_end")]
    latest_provenance: Annotated[str | None, part_of("month.provenance")] = None
    total_stars: int | None = None
    days_observed: Annotated[int | None, part_of("month.days_observed")] = 0
    days_expected: Annotated[int, part_of("month_end.day")]
    month_on_month: ValueChange | None
    year_on_year: ValueChange | None
    share: Annotated[float | None, Field(description="Percent of the product's downloads in that month")]
    last_30_days: Annotated[int | None, Field(description="Null if none of these days is stored")]
    last_30_days_observed: int
    change_7: Annotated[ValueChange | None, Field(description="The last 7 stored days against the 7 before")]
    change_30: ValueChange | None
    change_90: ValueChange | None
    sparkline: Annotated[list[MonthPoint], made(lambda points: list(map(_month_point, points))), part_of("points")]


@with_config(POINT)
class FlowPoint(TypedDict):
    """Stars gained and lost on one day; null where unknown."""

    day: date
    gained: int | None
    lost: int | None
    net: int | None


class RepositoryItem(_Item):
    """One repository; `latest_value` is the newest count of stars."""

    latest_value: Annotated[int | None, part_of("latest.value")] = None
    latest_period_end: Annotated[date | None, part_of("latest.day")] = None
    latest_provenance: Annotated[str | None, part_of("latest.provenance")] = None
    total_stars: Annotated[int | None, part_of("latest.value")] = None
    change_7: ValueChange | None
    change_30: ValueChange | None
    change_90: ValueChange | None
    sparkline: Annotated[list[StarsPoint], made(_stars_points), part_of("points")]
    gained_30: Annotated[
        int | None,
        part_of("flow_30.gained", description=f"In the 30 days up to the newest count. {FLOWS_DEFINITION}"),
    ] = None
    lost_30: Annotated[
        int | None, part_of("flow_30.lost", description="Null unless gained_30 and net_30 are known")
    ] = None
    net_30: Annotated[
        int | None, part_of("flow_30.net", description="From the count of 30 days before to the newest one")
    ] = None
    flows: Annotated[list[FlowPoint], made(_flow_points), Field(description=FLOWS_DEFINITION)]


@with_config(POINT)
class CountPoint(TypedDict):
    """A stored value. The period is one day, or a rolling window up to its last day."""

    period_start: date
    period_end: date
    value: int


@with_config(POINT)
class FlowInterval(TypedDict):
    """The increase of a counter between two readings."""

    start_day: Annotated[date, Field(description="The day under which the earlier reading is stored")]
    end_day: date
    start_at: Annotated[datetime, Field(description="The time of the earlier reading")]
    end_at: datetime
    days: Annotated[int, Field(description="The length, rounded")]
    is_day: Annotated[bool, Field(description="Whether the flow is that of end_day; otherwise it must not be divided")]
    flow: Annotated[int | None, Field(description="Null if it is unknown; the reason says why")]
    reason: Annotated[str, Field(examples=["", "the count fell"])]


def _intervals(intervals: Sequence[Interval]) -> list[FlowInterval]:
    return [
        {
            "start_day": interval.start_day,
            "end_day": interval.end_day,
            "start_at": interval.start_at,
            "end_at": interval.end_at,
            "days": interval.days,
            "is_day": interval.is_day,
            "flow": interval.flow,
            "reason": interval.reason.value,
        }
        for interval in intervals
    ]


def _count_points(periods: Sequence[tuple[date, date, int]]) -> list[CountPoint]:
    return [{"period_start": start, "period_end": end, "value": value} for start, end, value in periods]


class CountItem(_Item):
    """A counter, a stock, a rolling window or a further daily count; `latest_value` is the newest stored value."""

    kind: Annotated[str, part_of("metric.measure.kind", description="flow, stock, counter or rolling")]
    value_kind: Annotated[str, part_of("metric.measure.value_kind", examples=["cumulative_pulls"])]
    label: Annotated[str, part_of("metric.measure.card_label", examples=["pulls"])]
    window_days: Annotated[int | None, part_of("metric.measure.window_days")] = None
    latest_value: Annotated[int | None, part_of("latest.value")] = None
    latest_period_start: Annotated[date | None, part_of("latest_start")] = None
    latest_period_end: Annotated[date | None, part_of("latest.day")] = None
    latest_provenance: Annotated[str | None, part_of("latest.provenance")] = None
    total_stars: int | None = None
    change_7: Annotated[ValueChange | None, Field(description="Stocks only")]
    change_30: ValueChange | None
    change_90: ValueChange | None
    last_30_days: Annotated[int | None, Field(description="Counters and flows: the known count of the last 30 days")]
    last_30_days_observed: Annotated[int, Field(description="The number of these days for which the count is known")]
    sparkline: Annotated[list[CountPoint], made(_count_points), part_of("periods")]
    intervals: Annotated[
        list[FlowInterval], made(_intervals), Field(description="Counters: the flows between readings")
    ]


def _tag_of(item: Any) -> str:
    """Return the item type of a metric, which depends on its measure, not its family."""
    if isinstance(item, _Item):
        return type(item).__name__
    measure: Measure = item.metric.measure
    if measure.is_in_totals:
        return DownloadsItem.__name__
    return RepositoryItem.__name__ if measure.is_stars else CountItem.__name__


AnyItem = Annotated[
    Annotated[DownloadsItem, Tag("DownloadsItem")]
    | Annotated[RepositoryItem, Tag("RepositoryItem")]
    | Annotated[CountItem, Tag("CountItem")],
    Discriminator(_tag_of),
]


class ProductGroup(Document):
    """One product: its downloads, its stars, then counts that are not part of any total."""

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
    data_through: Annotated[date | None, Field(description="The newest day with a value of any metric")] = None
    days: int
    groups: list[ProductGroup]
    last_full_month: Annotated[
        MonthPoint | None, made(lambda point: point and _month_point(point)), part_of("month_total")
    ]
    last_full_month_change: Annotated[
        ValueChange | None,
        part_of(
            "month_total_change",
            description="Change from the month before, over the metrics that are complete in both months. Null if the "
            "metrics that are left out have more than a tenth of the downloads",
        ),
    ]
    last_full_month_left_out: Annotated[
        list[str], part_of("month_comparison.left_out", description="The metrics that the change leaves out")
    ]
    last_full_month_year_change: Annotated[
        ValueChange | None,
        part_of(
            "month_total_year_change", description="Change from the same month of the previous year, by the same rule"
        ),
    ]
    total_stars: Annotated[int | None, part_of("total_stars.value")] = None
    total_stars_day: Annotated[
        date | None, part_of("total_stars.day", description="The newest day with a count of every repository")
    ] = None
    total_stars_change_30: ValueChange | None
    total_stars_sparkline: Annotated[list[StarsPoint], made(_stars_points), part_of("total_stars_points")]
    last_30d_download_totals: Annotated[DownloadTotals, part_of("last_30_days")]


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
    """Return a document as JSON bytes, the same for the API and for files."""
    return orjson.dumps(document, default=_fields, option=orjson.OPT_UTC_Z)


def _fields(part: object) -> dict[str, object]:
    """Return the fields of a model in order, for the encoder."""
    if not isinstance(part, BaseModel):
        raise TypeError(type(part))
    return part.__dict__ | (part.model_extra or {})


def without_time(document: AnyDocument, body: bytes) -> bytes:
    """Return the bytes of a document without the build time. Documents from the same rows are equal."""
    if not isinstance(document, DailyDashboard):
        return body
    return body.replace(orjson.dumps(document.generated_at, option=orjson.OPT_UTC_Z), b"", 1)


def build_health(problem: str | None = None) -> dict[str, str]:
    """Return the `Health` document; degraded if there is a problem."""
    return {"status": "ok"} if problem is None else {"status": "degraded", "reason": problem}


def build_definitions(definitions: Sequence[Definition]) -> list[MetricDefinition]:
    """Return the definitions, sorted."""
    names = file_names((), definitions)
    documents = []
    for row in definitions:
        columns = asdict(row)
        del columns["created_at"]
        documents.append(MetricDefinition(**columns, series_file=f"series/{names[row.metric_id]}.json"))
    return documents


def build_series(metric_id: str, days: int, table: SeriesTable, rows: slice = slice(None)) -> Series:
    """Return the stored values of a metric: ``rows`` of ``table``."""
    provenances, windows = table.provenances[rows].tolist(), table.windows[rows].tolist()
    columns = zip(
        to_dates(table.starts[rows]),
        to_dates(table.days[rows]),
        table.values[rows].tolist(),
        map(table.provenance_names.__getitem__, provenances),
        map(table.window_names.__getitem__, windows),
        strict=True,
    )
    points: list[SeriesPoint] = [
        {"period_start": start, "period_end": end, "value": value, "provenance": provenance, "source_window": window}
        for start, end, value, provenance, window in columns
    ]
    return Series.model_construct(metric_id=metric_id, days=days, points=points)


def build_daily(dashboard: Dashboard) -> DailyDashboard:
    """Return the dashboard."""
    return DailyDashboard.model_validate(dashboard)


def build_refresh_errors(first: date, last: date, runs: Sequence[Run]) -> RefreshErrors:
    """Return the runs with errors that started from ``first`` to ``last``. ``runs`` must be newest first."""
    return RefreshErrors.model_validate({"start_date": first, "end_date": last, "count": len(runs), "errors": runs})
