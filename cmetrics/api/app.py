"""The endpoints of the API."""

from __future__ import annotations

import gzip
import hashlib
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Annotated, Any, Protocol

from fastapi import FastAPI, HTTPException, Path, Query, Request, Response
from fastapi.middleware.cors import CORSMiddleware
from fastapi.responses import HTMLResponse, RedirectResponse

from cmetrics import documents, insight_documents, report_documents
from cmetrics.analytics.columns import SeriesTable
from cmetrics.analytics.insight_results import Window
from cmetrics.analytics.model import DEFAULT_DAYS, Dashboard, Findings
from cmetrics.analytics.report import build_report, build_reports, report_months
from cmetrics.analytics.report_inputs import ReportInputs
from cmetrics.api.reference_page import render_reference
from cmetrics.domain.days import DAY, parse_day
from cmetrics.domain.errors import StoreError
from cmetrics.domain.metric import Definition
from cmetrics.domain.run import Run
from cmetrics.domain.sanitize import sanitize
from cmetrics.version import __version__
from cmetrics.version_cache import VersionCache

#: The time for which clients may cache a document. The data changes nightly.
CACHE_CONTROL = "public, max-age=60"
#: The number of cached documents.
CACHED_DOCUMENTS = 256
#: Smaller documents are not compressed. A higher level would double the time for a few percent.
COMPRESSED_FROM, GZIP_LEVEL = 1000, 6
MOST_DAYS = 730
DEFAULT_ERROR_DAYS = 30

Days = Annotated[
    int,
    Query(ge=1, le=MOST_DAYS, description="Days counted back from the last completed UTC day.", examples=[180]),
]
UNAVAILABLE: dict[int | str, dict[str, Any]] = {
    503: {"model": documents.Problem, "description": "The store cannot be read; the reason includes the next step."}
}
MISSING: dict[int | str, dict[str, Any]] = {404: {"model": documents.Problem, "description": "No such metric."}}
NO_REPORT: dict[int | str, dict[str, Any]] = {404: {"model": documents.Problem, "description": "No such report."}}
WRONG_DATES: dict[int | str, dict[str, Any]] = {
    400: {"model": documents.Problem, "description": "A date that is not valid, or a range that ends before it starts."}
}
#: The OpenAPI link from the list of metrics to a series; schemathesis uses it to find an existing metric.
FIRST_SERIES: dict[int | str, dict[str, Any]] = {
    200: {
        "links": {
            "series": {
                "description": "The values of the first metric of the list.",
                "operationId": "series",
                "parameters": {"metric_id": "$response.body#/0/metric_id"},
            }
        }
    }
}
#: The same for reports.
FIRST_REPORT: dict[int | str, dict[str, Any]] = {
    200: {
        "links": {
            "report": {
                "description": "The newest report.",
                "operationId": "report",
                "parameters": {"month": "$response.body#/reports/0/month"},
            }
        }
    }
}

#: The earliest end date; for an earlier one, the default start would be out of the range of `date`.
EARLIEST = date(1970, 1, 31)


class Reader(Protocol):
    """Reads the store for the API. Every method raises StoreError if the store cannot be read."""

    @property
    def as_of(self) -> date:
        """The last completed UTC day."""
        ...

    def token(self) -> Hashable:
        """Return a value that changes whenever a document may change; None if unknown without reading the rows."""
        ...

    def check(self) -> None:
        """Raise StoreError unless the store can be read."""

    def definitions(self) -> list[Definition]:
        """Return all metrics."""
        ...

    def series(self, metric_id: str, days: int) -> SeriesTable | None:
        """Return the values of a metric; None if the metric is unknown."""
        ...

    def dashboard(self, days: int) -> Dashboard:
        """Return the view-model."""
        ...

    def findings(self) -> Findings:
        """Return the insights with events and notes."""
        ...

    def report_inputs(self) -> ReportInputs:
        """Return the input of the monthly reports."""
        ...

    def errors(self, first: date, last: date) -> Sequence[Run]:
        """Return the runs with errors, newest first."""
        ...


@dataclass(frozen=True, slots=True)
class _Encoded:
    """A document as bytes."""

    body: bytes
    #: The compressed document, if it is smaller. Compressed once, outside of the event loop.
    compressed: bytes | None
    #: The entity tag.
    tag: str


def _encoded(document: documents.AnyDocument) -> _Encoded:
    body = documents.encode(document)
    compressed = gzip.compress(body, GZIP_LEVEL, mtime=0) if len(body) >= COMPRESSED_FROM else None
    # Weak, because the same document is also sent compressed.
    tag = f'W/"{hashlib.sha256(documents.without_time(document, body)).hexdigest()[:32]}"'
    return _Encoded(body, compressed, tag)


class _Endpoints:
    """The endpoints. Their docstrings and signatures are published as the OpenAPI description."""

    def __init__(self, open_reader: Callable[[], Reader]) -> None:
        self._open_reader = open_reader
        self._cache: VersionCache[_Encoded] = VersionCache(CACHED_DOCUMENTS)

    def health(self) -> dict[str, str]:
        """Return whether the store can be read. The status code is always 200, because the service itself runs."""
        try:
            self._open_reader().check()
        except StoreError as error:
            return documents.build_health(self._reason(error))
        return documents.build_health()

    def definitions(self, request: Request) -> Response:
        """Return all metrics, by product, family and display name."""
        reader = self._open_reader()
        return self._respond(request, reader, "definitions", lambda: documents.build_definitions(reader.definitions()))

    def series(
        self,
        request: Request,
        metric_id: Annotated[
            str,
            Path(description="Id of a metric, from /definitions.", examples=["downloads:lance:python"], max_length=500),
        ],
        days: Days = DEFAULT_DAYS,
    ) -> Response:
        """Return the stored values of one metric, ascending."""
        reader = self._open_reader()

        def build() -> documents.Series:
            rows = reader.series(metric_id, days)
            if rows is None:
                shown = sanitize(metric_id, limit=80)
                raise HTTPException(404, f"metric {shown!r} does not exist; see /api/v1/definitions")
            return documents.build_series(metric_id, days, rows)

        return self._respond(request, reader, ("series", metric_id, days), build)

    def daily(self, request: Request, days: Days = DEFAULT_DAYS) -> Response:
        """Return the dashboard: the numbers of the page for the requested window."""
        reader = self._open_reader()
        return self._respond(request, reader, ("daily", days), lambda: documents.build_daily(reader.dashboard(days)))

    def rollups(
        self,
        request: Request,
        window: Annotated[Window | None, Query(description="Only this window.")] = None,
        product: Annotated[
            str | None, Query(description="Only this product and its metrics.", max_length=60, examples=["lance"])
        ] = None,
    ) -> Response:
        """Return each metric, each product and all products in six windows, compared with the preceding period."""
        reader = self._open_reader()

        def build() -> insight_documents.Rollups:
            return insight_documents.build_rollups(reader.findings().insights, window=window, product=product)

        return self._respond(request, reader, ("rollups", window, product), build)

    def signals(self, request: Request) -> Response:
        """Return deviations from the usual variation, and the largest rises and falls."""
        reader = self._open_reader()
        return self._respond(
            request, reader, "signals", lambda: insight_documents.build_signals(reader.findings().insights)
        )

    def events(
        self,
        request: Request,
        limit: Annotated[
            int, Query(ge=1, le=5000, description="The maximum number of events.")
        ] = insight_documents.DEFAULT_EVENTS,
    ) -> Response:
        """Return releases and other events with the change of each download metric after them, newest first."""
        reader = self._open_reader()

        def build() -> insight_documents.Events:
            found = reader.findings()
            return insight_documents.build_events(found.insights, found.events, found.notes, limit=limit)

        return self._respond(request, reader, ("events", limit), build)

    def projections(self, request: Request) -> Response:
        """Return the projection of the current month, and when repositories reach their next milestone."""
        reader = self._open_reader()
        return self._respond(
            request, reader, "projections", lambda: insight_documents.build_projections(reader.findings().insights)
        )

    def insights(self, request: Request) -> Response:
        """Return the list "What changed", ranked."""
        reader = self._open_reader()
        return self._respond(
            request, reader, "insights", lambda: insight_documents.build_insight_list(reader.findings().insights)
        )

    def reports(self, request: Request) -> Response:
        """Return the months that have a report, newest first: those of the last 12 full months that have data."""
        reader = self._open_reader()

        def build() -> report_documents.ReportList:
            inputs = reader.report_inputs()
            return report_documents.build_report_list(list(build_reports(inputs)))

        return self._respond(request, reader, "reports", build)

    def report(
        self,
        request: Request,
        month: Annotated[str, Path(description="Month, from /reports.", examples=["2026-10"], max_length=20)],
    ) -> Response:
        """Return the report of one month. The numbers of a final report do not change."""
        reader = self._open_reader()

        def build() -> report_documents.Report:
            inputs = reader.report_inputs()
            found = next((known for known in report_months(inputs) if str(known) == month), None)
            if found is None:
                raise HTTPException(404, f"no report of {sanitize(month, limit=20)!r}; see /api/v1/reports")
            return report_documents.build_report_document(build_report(inputs, found))

        return self._respond(request, reader, ("report", month), build)

    def refresh_errors(
        self,
        request: Request,
        start_date: Annotated[
            str | None,
            Query(description="YYYY-MM-DD; 30 days before the end if left out.", json_schema_extra={"format": "date"}),
        ] = None,
        end_date: Annotated[
            str | None, Query(description="YYYY-MM-DD; today if left out.", json_schema_extra={"format": "date"})
        ] = None,
        limit: Annotated[int, Query(ge=1, le=5000, description="The maximum number of runs.")] = 500,
    ) -> Response:
        """Return the runs that had errors, newest first."""
        reader = self._open_reader()
        last = _day("end_date", end_date) or reader.as_of + DAY
        first = _day("start_date", start_date) or (last - DEFAULT_ERROR_DAYS * DAY if last > EARLIEST else last)
        if first > last:
            raise HTTPException(400, f"start_date {first} is after end_date {last}")
        return self._respond(
            request,
            reader,
            ("errors", first, last, limit),
            lambda: documents.build_refresh_errors(first, last, reader.errors(first, last)[:limit]),
        )

    def _respond(
        self, request: Request, reader: Reader, key: Hashable, build: Callable[[], documents.AnyDocument]
    ) -> Response:
        try:
            answer = self._cache.get(reader.token, key, lambda: _encoded(build()))
        except StoreError as error:
            raise HTTPException(503, self._reason(error)) from error
        headers = {"ETag": answer.tag, "Cache-Control": CACHE_CONTROL, "Vary": "Accept-Encoding"}
        known = [part.strip() for part in request.headers.get("if-none-match", "").split(",")]
        if answer.tag in known or answer.tag.removeprefix("W/") in known:
            return Response(status_code=304, headers=headers)
        body = answer.body
        if answer.compressed is not None and "gzip" in request.headers.get("accept-encoding", ""):
            body, headers["Content-Encoding"] = answer.compressed, "gzip"
        return Response(body, media_type="application/json", headers=headers)

    def _reason(self, error: StoreError) -> str:
        return sanitize(str(error))


def create_app(open_reader: Callable[[], Reader]) -> FastAPI:
    """Return the application. It is read-only, and its only state is a cache of documents.

    ``open_reader`` is called once per request, so that a document never mixes two days around midnight UTC.
    """
    app = FastAPI(
        title="cmetrics",
        version=__version__,
        description="SDK downloads and GitHub stars as stored, with the same numbers as the published page.",
        # FastAPI's own pages load scripts from another host.
        docs_url=None,
        redoc_url=None,
    )
    app.add_middleware(CORSMiddleware, allow_origins=["*"], allow_methods=["GET", "HEAD"], expose_headers=["ETag"])
    endpoints = _Endpoints(open_reader)

    def add(path: str, endpoint: Callable[..., Any], model: Any, **options: Any) -> None:
        app.add_api_route(f"/api/v1/{path}", endpoint, response_model=model, **options)
        # HEAD returns the headers of GET (RFC 9110, 9.1); uptime monitors use it.
        app.add_api_route(f"/api/v1/{path}", endpoint, response_model=None, methods=["HEAD"], include_in_schema=False)

    add("health", endpoints.health, documents.Health, response_model_exclude_none=True)
    add(
        "definitions",
        endpoints.definitions,
        list[documents.MetricDefinition],
        responses=UNAVAILABLE | FIRST_SERIES,
    )
    add(
        "series/{metric_id}",
        endpoints.series,
        documents.Series,
        operation_id="series",
        responses=UNAVAILABLE | MISSING,
    )
    add("dashboard/daily", endpoints.daily, documents.DailyDashboard, responses=UNAVAILABLE)
    add("rollups", endpoints.rollups, insight_documents.Rollups, responses=UNAVAILABLE)
    add("signals", endpoints.signals, insight_documents.Signals, responses=UNAVAILABLE)
    add("events", endpoints.events, insight_documents.Events, responses=UNAVAILABLE)
    add("projections", endpoints.projections, insight_documents.Projections, responses=UNAVAILABLE)
    add("insights", endpoints.insights, insight_documents.InsightList, responses=UNAVAILABLE)
    add("reports", endpoints.reports, report_documents.ReportList, responses=UNAVAILABLE | FIRST_REPORT)
    add(
        "reports/{month}",
        endpoints.report,
        report_documents.Report,
        operation_id="report",
        responses=UNAVAILABLE | NO_REPORT,
    )
    add(
        "history/refresh-errors",
        endpoints.refresh_errors,
        documents.RefreshErrors,
        responses=UNAVAILABLE | WRONG_DATES,
    )
    page = HTMLResponse(render_reference(app.openapi()))
    app.add_api_route("/docs", lambda: page, methods=["GET", "HEAD"], include_in_schema=False)
    app.add_api_route("/", lambda: RedirectResponse("docs"), methods=["GET", "HEAD"], include_in_schema=False)
    return app


def _day(name: str, text: str | None) -> date | None:
    if text is None:
        return None
    try:
        return parse_day(text)
    except ValueError:
        raise HTTPException(400, f"{name} is not a valid date; use YYYY-MM-DD") from None
