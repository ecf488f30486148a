"""The JSON documents of the monthly reports."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Annotated

from pydantic import Field, with_config
from typing_extensions import TypedDict

from cmetrics.analytics.report import DownloadsRow, MonthReport
from cmetrics.documents import POINT, Document, made
from cmetrics.insight_documents import EffectDocument, EventReference, MonthText, NoteDocument


@with_config(POINT)
class DownloadsRowDocument(TypedDict):
    """The downloads of a month, of one metric or of several."""

    metric_id: str | None
    product: str | None
    sdk: str | None
    name: str
    detail: str
    value: int | None
    days_observed: int
    days_expected: int
    metrics: int
    compared: Annotated[int, Field(description="Metrics that are compared with the month before")]
    previous_value: Annotated[int | None, Field(description="Value of the compared metrics in the month before")]
    change: int | None
    change_percent: float | None
    is_new: bool
    reason: Annotated[str | None, Field(description="Why there is no change")]
    year_compared: int
    year_value: int | None
    year_change: int | None
    year_percent: float | None
    share: Annotated[float | None, Field(description="Percent of all downloads")]
    previous_share: Annotated[float | None, Field(description="Among the metrics that are compared")]
    share_change: Annotated[float | None, Field(description="Percentage points, among the metrics that are compared")]
    history: Annotated[list[int | None], Field(description="12 months; the last one is this month")]


def _downloads(row: DownloadsRow) -> DownloadsRowDocument:
    before, year = row.before, row.year
    return {
        "metric_id": row.metric_id,
        "product": row.product,
        "sdk": row.sdk,
        "name": row.name,
        "detail": row.detail,
        "value": row.value,
        "days_observed": before.observed,
        "days_expected": row.days_expected,
        "metrics": before.metrics,
        "compared": before.compared,
        "previous_value": before.compared_before,
        "change": before.change,
        "change_percent": before.change_percent,
        "is_new": before.is_new,
        "reason": row.reason,
        "year_compared": year.compared,
        "year_value": year.compared_before,
        "year_change": year.change,
        "year_percent": year.change_percent,
        "share": row.share,
        "previous_share": row.previous_share,
        "share_change": row.share_change,
        "history": list(row.history),
    }


#: Created without validation, because there are many.
_Downloads = Annotated[list[DownloadsRowDocument], made(lambda rows: list(map(_downloads, rows)))]


class StarsRowDocument(Document):
    """The stars at the end of a month, of one repository or of all."""

    metric_id: str | None
    product: str | None
    name: str
    stars: int | None
    day: Annotated[date | None, Field(description="The day of the count")]
    net: int | None
    gained: int | None
    lost: int | None
    previous_net: int | None
    history: Annotated[
        list[int | None], Field(description="Net change in each of 12 months; the last one is this month")
    ]


class MonthBarDocument(Document):
    """A month of the chart of all downloads."""

    month: MonthText
    value: int
    parts: Annotated[
        list[int | None],
        Field(description="By product, in the order of `products`; null for a product without data"),
    ]
    days_observed: int
    days_expected: int
    snapshots: Annotated[int, Field(description="Metrics with a published total of about 30 days instead of days")]


class ReleaseDocument(Document):
    """A release or another event, and the change of its products' metrics."""

    event: EventReference
    effects: list[EffectDocument]


class MissingDaysDocument(Document):
    """The days of the month for which a metric has no value."""

    metric_id: str
    name: str
    days: int


class LaterChangeDocument(Document):
    """Changes that the runs of one day made to a final month of one metric."""

    day: date
    metric_id: str
    revised_days: int
    added_days: int
    difference: int


class Report(Document):
    """The report of one month. The numbers of a final one do not change."""

    title: str
    month: MonthText
    as_of: date
    is_final: bool
    final_on: date
    headline: str
    total: Annotated[DownloadsRowDocument, made(_downloads)]
    products: _Downloads
    packages: _Downloads
    sdks: _Downloads
    all_stars: StarsRowDocument
    repositories: list[StarsRowDocument]
    history: list[MonthBarDocument]
    changes: list[str]
    releases: list[ReleaseDocument]
    judged: Annotated[list[ReleaseDocument], Field(description="Earlier releases with complete days after them")]
    notes: list[NoteDocument]
    missing: list[MissingDaysDocument]
    later: Annotated[list[LaterChangeDocument], Field(description="Changes since the report became final")]


class ReportEntry(Document):
    """One month in the list of reports."""

    month: MonthText
    is_final: bool
    final_on: date
    headline: str


class ReportList(Document):
    """The months that have a report, newest first."""

    count: int
    reports: list[ReportEntry]


def build_report_document(report: MonthReport) -> Report:
    """Return the document of a report."""
    return Report.model_validate(report)


def build_report_list(reports: Sequence[MonthReport]) -> ReportList:
    """Return the list of reports."""
    return ReportList.model_validate({"count": len(reports), "reports": list(reports)})
