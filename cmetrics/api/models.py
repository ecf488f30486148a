"""What the documents look like, for the OpenAPI description."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from cmetrics.analytics.model import FLOWS_DEFINITION


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Problem(BaseModel):
    """Why there is no answer, and what to do."""

    detail: Annotated[str, Field(examples=["data/lancedb has no cmetrics tables; `cmetrics refresh` creates them"])]


class Health(_Model):
    """`ok`, or `degraded` with the reason; the service itself answers in both cases."""

    status: Annotated[str, Field(pattern="^(ok|degraded)$", examples=["ok"])]
    reason: str | None = None


class DefinitionModel(_Model):
    """One metric."""

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


class SeriesPoint(_Model):
    """One stored value."""

    period_start: date
    period_end: date
    value: Annotated[int, Field(examples=[48213])]
    provenance: Annotated[str, Field(description="api_daily, recomputed or csv_seed", examples=["api_daily"])]
    source_window: Annotated[str, Field(description="1d, cumulative_snapshot or discrete_snapshot", examples=["1d"])]


class Series(_Model):
    """The stored values of one metric, ascending."""

    metric_id: str
    days: int
    points: list[SeriesPoint]


class ChangeModel(_Model):
    """From an earlier value to a later one."""

    absolute: int
    percent: Annotated[float | None, Field(description="None when the earlier value is 0")]


class MonthModel(_Model):
    """Downloads of a month; for a seeded snapshot both day counts are null."""

    period_start: date
    period_end: date
    value: int
    provenance: str
    days_observed: int | None
    days_expected: int | None


class StarsModel(_Model):
    """Stars at the end of a day."""

    period_start: date
    period_end: date
    value: int
    kind: Annotated[str, Field(description="observed, reconstructed or estimated")]
    estimated: bool


class _Item(_Model):
    metric_id: str
    display_name: str
    metric_family: str
    sdk: str | None
    subject: str
    source: str
    latest_value: int | None
    latest_provenance: str | None
    total_stars: int | None
    latest_day: date | None
    age_days: int | None


class DownloadsModel(_Item):
    """One SDK; ``latest_value`` is the total of the last full calendar month."""

    latest_period_end: date
    days_observed: int
    days_expected: int
    month_on_month: ChangeModel | None
    year_on_year: ChangeModel | None
    share: Annotated[float | None, Field(description="Percent of the product's downloads in that month")]
    last_30_days: Annotated[int | None, Field(description="None when no day of them is stored")]
    last_30_days_observed: int
    change_7: Annotated[ChangeModel | None, Field(description="The last 7 stored days against the 7 before")]
    change_30: ChangeModel | None
    change_90: ChangeModel | None
    sparkline: list[MonthModel]


class FlowModel(_Model):
    """Stars that came and went on one day; null where it is not known."""

    day: date
    gained: int | None
    lost: int | None
    net: int | None


class RepositoryModel(_Item):
    """One repository; ``latest_value`` is the newest count of stars."""

    latest_period_end: date | None
    change_7: ChangeModel | None
    change_30: ChangeModel | None
    change_90: ChangeModel | None
    sparkline: list[StarsModel]
    gained_30: Annotated[int | None, Field(description=f"In the 30 days up to the newest count. {FLOWS_DEFINITION}")]
    lost_30: Annotated[int | None, Field(description="Null unless gained_30 and net_30 are known")]
    net_30: Annotated[int | None, Field(description="From the count of 30 days before to the newest one")]
    flows: Annotated[list[FlowModel], Field(description=FLOWS_DEFINITION)]


class GroupModel(_Model):
    """One product."""

    product: str
    title: str
    items: list[DownloadsModel | RepositoryModel]


class Totals(BaseModel):
    """Downloads of the last 30 days, one number per product."""

    model_config = ConfigDict(extra="allow", json_schema_extra={"additionalProperties": {"type": ["integer", "null"]}})

    window_start: date
    window_end: date


class Daily(_Model):
    """The dashboard."""

    generated_at: datetime
    as_of: date
    days: int
    groups: list[GroupModel]
    last_full_month: MonthModel | None
    last_full_month_change: ChangeModel | None
    last_full_month_year_change: ChangeModel | None
    total_stars: int | None
    total_stars_day: Annotated[date | None, Field(description="The newest day with a count of every repository")]
    total_stars_change_30: ChangeModel | None
    total_stars_sparkline: list[StarsModel]
    last_30d_download_totals: Totals


class RunError(_Model):
    """A run that had errors."""

    ingestion_run_id: str
    job_name: str
    status: str
    started_at: datetime
    finished_at: datetime | None
    error_summary: str


class RefreshErrors(_Model):
    """Runs that had errors, newest first."""

    start_date: date
    end_date: date
    count: int
    errors: list[RunError]
