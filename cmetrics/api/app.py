"""The endpoints of contract §5."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable, Hashable, Sequence
from datetime import date
from typing import Annotated, Any, Protocol

from fastapi import FastAPI, HTTPException, Path, Query, Request, Response
from fastapi.middleware.cors import CORSMiddleware
from fastapi.middleware.gzip import GZipMiddleware

from cmetrics import __version__, documents
from cmetrics.analytics.model import DEFAULT_DAYS, Dashboard
from cmetrics.api import models
from cmetrics.domain.days import DAY, parse_day
from cmetrics.domain.errors import StoreError
from cmetrics.domain.metric import Definition
from cmetrics.domain.observation import Observation
from cmetrics.domain.run import Run
from cmetrics.domain.sanitize import sanitize

#: A client may reuse an answer for so long without asking; nothing changes faster than nightly.
CACHE_CONTROL = "public, max-age=60"
#: Answers kept for repeated questions while the store does not change.
KEPT_ANSWERS = 256
MOST_DAYS = 730
DEFAULT_ERROR_DAYS = 30

Days = Annotated[
    int,
    Query(ge=1, le=MOST_DAYS, description="Days counted back from the last completed UTC day.", examples=[180]),
]
UNAVAILABLE: dict[int | str, dict[str, Any]] = {
    503: {"model": models.Problem, "description": "The store cannot be read; the reason says what to do."}
}
MISSING: dict[int | str, dict[str, Any]] = {404: {"model": models.Problem, "description": "No such metric."}}
WRONG_DATES: dict[int | str, dict[str, Any]] = {
    400: {"model": models.Problem, "description": "A date that is none, or a range that ends before it starts."}
}
#: Where to go on from the list of metrics; also how schemathesis finds a metric that is there.
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

#: Going back from an earlier day would leave the calendar.
EARLIEST = date(1970, 1, 31)


class Reader(Protocol):
    """What the API asks; raises StoreError."""

    @property
    def as_of(self) -> date:
        """The last completed UTC day."""
        ...

    def token(self) -> Hashable:
        """Changes whenever an answer may; None when only reading can tell."""
        ...

    def check(self) -> None:
        """Raise unless the store can answer."""

    def definitions(self) -> list[Definition]:
        """All metrics."""
        ...

    def series(self, metric_id: str, days: int) -> list[Observation] | None:
        """The values of a metric, None for an unknown one."""
        ...

    def dashboard(self, days: int) -> Dashboard:
        """The view-model."""
        ...

    def errors(self, first: date, last: date) -> Sequence[Run]:
        """Runs with errors, newest first."""
        ...


class _Answers:
    """Answers as bytes, kept while the store does not change."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader
        self._kept: dict[Hashable, tuple[bytes, str]] = {}
        self._token: Hashable = None
        self._making = threading.Lock()

    def get(self, question: Hashable, make: Callable[[], Any]) -> tuple[bytes, str]:
        """The document of ``make`` as bytes, and its tag."""
        token = self._reader.token()
        if token is None:
            return self._made(make())
        # One at a time: after a write, everybody asks the same again.
        with self._making:
            if token != self._token:
                # Who has waited here may know an older state than the one that was answered from meanwhile.
                token = self._reader.token()
            if token != self._token or len(self._kept) >= KEPT_ANSWERS:
                self._kept, self._token = {}, token
            if question not in self._kept:
                self._kept[question] = self._made(make())
            return self._kept[question]

    @staticmethod
    def _made(document: Any) -> tuple[bytes, str]:
        # When an answer was made is no difference in what it says.
        told = {k: v for k, v in document.items() if k != "generated_at"} if isinstance(document, dict) else document
        # Weak, because the same answer is also sent compressed.
        return documents.encode(document), f'W/"{hashlib.sha256(documents.encode(told)).hexdigest()[:32]}"'


class _Endpoints:
    """The five questions. Their docstrings and signatures are the OpenAPI description."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader
        self._answers = _Answers(reader)

    def health(self) -> dict[str, str]:
        """Whether the store can be read. Always 200: the service itself is there."""
        try:
            self._reader.check()
        except StoreError as error:
            return {"status": "degraded", "reason": self._reason(error)}
        return {"status": "ok"}

    def definitions(self, request: Request) -> Response:
        """All metrics, by product, family and display name."""
        return self._answer(request, "definitions", lambda: documents.definitions_document(self._reader.definitions()))

    def series(
        self,
        request: Request,
        metric_id: Annotated[
            str, Path(description="As in /definitions.", examples=["downloads:lance:python"], max_length=500)
        ],
        days: Days = DEFAULT_DAYS,
    ) -> Response:
        """The stored values of one metric, ascending."""

        def make() -> documents.Document:
            rows = self._reader.series(metric_id, days)
            if rows is None:
                shown = sanitize(metric_id, limit=80)
                raise HTTPException(404, f"there is no metric {shown!r}; see /api/v1/definitions")
            return documents.series_document(metric_id, days, rows)

        return self._answer(request, ("series", metric_id, days), make)

    def daily(self, request: Request, days: Days = DEFAULT_DAYS) -> Response:
        """The dashboard: what the page shows, over another window if asked."""
        return self._answer(request, ("daily", days), lambda: documents.daily_document(self._reader.dashboard(days)))

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
        limit: Annotated[int, Query(ge=1, le=5000, description="At most so many runs.")] = 500,
    ) -> Response:
        """Runs that had errors, newest first."""
        last = _day("end_date", end_date) or self._reader.as_of + DAY
        first = _day("start_date", start_date) or (last - DEFAULT_ERROR_DAYS * DAY if last > EARLIEST else last)
        if first > last:
            raise HTTPException(400, f"start_date {first} is after end_date {last}")
        return self._answer(
            request,
            ("errors", first, last, limit),
            lambda: documents.errors_document(first, last, self._reader.errors(first, last)[:limit]),
        )

    def _answer(self, request: Request, question: Hashable, make: Callable[[], Any]) -> Response:
        try:
            body, tag = self._answers.get(question, make)
        except StoreError as error:
            raise HTTPException(503, self._reason(error)) from error
        headers = {"ETag": tag, "Cache-Control": CACHE_CONTROL}
        known = [part.strip() for part in request.headers.get("if-none-match", "").split(",")]
        if tag in known or tag.removeprefix("W/") in known:
            return Response(status_code=304, headers=headers)
        return Response(body, media_type="application/json", headers=headers)

    def _reason(self, error: StoreError) -> str:
        return sanitize(str(error))


def create_app(reader: Reader) -> FastAPI:
    """The application; it writes nothing and keeps no state but its documents."""
    app = FastAPI(
        title="cmetrics",
        version=__version__,
        description="SDK downloads and GitHub stars as stored; the same numbers as the published page.",
    )
    app.add_middleware(GZipMiddleware, minimum_size=1000)
    app.add_middleware(CORSMiddleware, allow_origins=["*"], allow_methods=["GET"], expose_headers=["ETag"])
    ask = _Endpoints(reader)
    app.add_api_route("/api/v1/health", ask.health, response_model=models.Health, response_model_exclude_none=True)
    app.add_api_route(
        "/api/v1/definitions",
        ask.definitions,
        response_model=list[models.DefinitionModel],
        responses=UNAVAILABLE | FIRST_SERIES,
    )
    app.add_api_route(
        "/api/v1/series/{metric_id}",
        ask.series,
        operation_id="series",
        response_model=models.Series,
        responses=UNAVAILABLE | MISSING,
    )
    app.add_api_route("/api/v1/dashboard/daily", ask.daily, response_model=models.Daily, responses=UNAVAILABLE)
    app.add_api_route(
        "/api/v1/history/refresh-errors",
        ask.refresh_errors,
        response_model=models.RefreshErrors,
        responses=UNAVAILABLE | WRONG_DATES,
    )
    return app


def _day(name: str, text: str | None) -> date | None:
    if text is None:
        return None
    try:
        return parse_day(text)
    except ValueError:
        raise HTTPException(400, f"{name} is no ISO date (YYYY-MM-DD)") from None
