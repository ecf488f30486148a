"""Build dashboards, series and charts with defaults, so that a test states only what matters to it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from cmetrics.analytics.chart import Chart, ChartKind, Series
from cmetrics.analytics.dashboard import build_dashboard
from cmetrics.analytics.model import NO_POINTS, Dashboard, DayPoint, DayPoints, PeriodPoint, PointKind
from cmetrics.catalog import Catalog
from cmetrics.domain.days import DAY, Month, day_range
from cmetrics.domain.metric import Event, Metric, Product
from cmetrics.domain.observation import Observation
from cmetrics.domain.run import Run
from tests.samples import a_metric, a_row, a_table

#: A Sunday.
AS_OF = date(2026, 11, 22)
NOW = datetime(2026, 11, 23, 6, tzinfo=UTC)
TITLES = {"npm": "api.npmjs.org", "pypistats": "pypistats.org", "cratesio": "crates.io", "github": "api.github.com"}


def a_board(
    metrics: Sequence[Metric],
    rows: Iterable[Observation] = (),
    *,
    events: Iterable[Event] = (),
    runs: Sequence[Run] = (),
    as_of: date = AS_OF,
    days: int = 7300,
) -> Dashboard:
    """Return the dashboard of these metrics. Each product's title is its capitalized id."""
    products = tuple(Product(name, name.capitalize()) for name in dict.fromkeys(m.product for m in metrics))
    catalog = Catalog(
        Path("cmetrics.toml"), "Everything", "contact", products, tuple(metrics), {}, events=tuple(events)
    )
    return build_dashboard(catalog, TITLES, a_table(rows), runs, as_of=as_of, days=days, generated_at=NOW)


def a_package(name: str, product: str = "one", **changes: Any) -> Metric:
    """Return a metric of npm downloads."""
    metric_id = f"downloads:{product}:{name}"
    return a_metric("npm", metric_id=metric_id, product=product, subject=name, **({"sdk": name} | changes))


def a_repository(name: str, product: str = "one") -> Metric:
    """Return a metric of GitHub stars."""
    return a_metric("github", metric_id=f"stars:{product}:{name}", product=product, subject=f"owner/{name}")


def rows_of(metric: Metric, first: date, last: date, value: int = 10, grows: int = 0) -> list[Observation]:
    """Return a row for every day, whose value grows by ``grows`` a day."""
    return [a_row(metric, day, value + grows * n) for n, day in enumerate(day_range(first, last))]


def points_of(values: Mapping[date, int], kind: PointKind = PointKind.OBSERVED) -> DayPoints:
    """Return the values as points, in ascending order of days."""
    return DayPoints.of(DayPoint(day, value, kind, "api_daily") for day, value in sorted(values.items()))


def a_month(month: Month, value: int, missing: int = 0, **changes: Any) -> PeriodPoint:
    """Return a month in which ``missing`` days have no value."""
    observed = PointKind.OBSERVED
    point = PeriodPoint(month.first, month.last, value, observed, "api_daily", month.days - missing, month.days)
    return replace(point, **changes)


def a_seed(day: date, value: int) -> PeriodPoint:
    """Return a seeded snapshot."""
    return PeriodPoint(day, day, value, PointKind.SEEDED, "csv_seed", None, None)


def a_series(name: str = "Python (lance)", **changes: Any) -> Series:
    series = Series(
        key=name,
        metric_id=f"downloads:p:{name}",
        name=name,
        subject="lance",
        source_title="pypistats.org",
        tone="python",
        days=NO_POINTS,
        months=(),
    )
    return replace(series, **changes)


def a_chart(kind: ChartKind, *series: Series, as_of: date = AS_OF, events: Iterable[Event] = ()) -> Chart:
    return Chart("key", "Title", kind, as_of, series, tuple(events))


def an_event(day: date = AS_OF - DAY, *products: str, **changes: Any) -> Event:
    return replace(Event(day, "Release 1.0", "https://example.com/", products or ("one",)), **changes)
