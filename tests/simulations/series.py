"""Download series with known truth: level, weekdays, noise and planted changes, from a fixed seed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from cmetrics.analytics.columns import SeriesTable
from cmetrics.catalog import Catalog
from cmetrics.domain.days import DAY
from cmetrics.domain.metric import Event, Metric, Product
from tests.samples import a_metric

Numbers = NDArray[np.float64]
Counts = NDArray[np.int64]

#: The last day of all simulated series, a Sunday.
AS_OF = date(2026, 11, 22)
#: Monday to Sunday: the typical share of a mean day for a package of developers.
WEEKDAYS = np.array([1.12, 1.2, 1.2, 1.17, 1.08, 0.6, 0.63])


def weekday_pattern(last: date, days: int) -> Numbers:
    """Return the factor of each of the ``days`` days up to ``last``."""
    first = last.toordinal() - days + 1
    return WEEKDAYS[(np.arange(first, first + days) - 1) % 7]


def stationary_means(
    numbers: np.random.Generator, count: int, days: int, *, low: float = 20, high: float = 200_000, last: date = AS_OF
) -> Numbers:
    """Return means of ``count`` constant series, log-uniform between ``low`` and ``high`` a day."""
    levels = np.exp(numbers.uniform(np.log(low), np.log(high), count))
    return levels[:, None] * weekday_pattern(last, days)


def draw(numbers: np.random.Generator, means: Numbers, dispersion: float = 0.012, drift: float = 0.03) -> Counts:
    """Return counts around ``means``: negative binomial, with a common disturbance of each week.

    ``dispersion`` is the variance of a day's level (0.012: 11 percent), ``drift`` the deviation of a slow wave
    (a first-order autoregression with a half-life of about two weeks), as CI fleets come and go.
    """
    count, days = means.shape
    wave = np.zeros((count, days))
    memory = 0.95
    shocks = numbers.normal(0, drift * np.sqrt(1 - memory**2), (count, days))
    wave[:, 0] = numbers.normal(0, drift, count)
    for day in range(1, days):
        wave[:, day] = memory * wave[:, day - 1] + shocks[:, day]
    rates = numbers.gamma(1 / dispersion, dispersion, means.shape) * means * np.exp(wave)
    counts: Counts = numbers.poisson(rates)
    return counts


@lru_cache(maxsize=8)
def metrics_of(
    count: int, products: int = 1, sources: tuple[str, ...] = ("npm",), stars: int = 0
) -> tuple[Metric, ...]:
    """Return ``count`` download metrics and ``stars`` repositories, spread over products and sources."""
    packages = [
        a_metric(
            sources[number % len(sources)],
            metric_id=f"downloads:p{number % products}:s{number:04}",
            product=f"p{number % products}",
            subject=f"package-{number:04}",
        )
        for number in range(count)
    ]
    repositories = [
        a_metric(
            "github",
            metric_id=f"stars:p{number % products}:s{number:04}",
            product=f"p{number % products}",
            subject=f"owner/name-{number:04}",
        )
        for number in range(stars)
    ]
    return (*packages, *repositories)


def a_catalog(metrics: Sequence[Metric], events: Sequence[Event] = ()) -> Catalog:
    """Return a catalogue of these metrics."""
    products = tuple(Product(name, name.upper()) for name in dict.fromkeys(m.product for m in metrics))
    return Catalog(Path("cmetrics.toml"), "Title", "contact", products, tuple(metrics), {}, events=tuple(events))


def table_of(
    metrics: Sequence[Metric],
    counts: NDArray[Any],
    *,
    last: date = AS_OF,
    known: NDArray[np.bool_] | None = None,
    refs: Mapping[tuple[int, int], str] | None = None,
) -> SeriesTable:
    """Return the rows of ``counts``: one row per metric, one column per day up to ``last``."""
    days = counts.shape[1]
    known = np.ones(counts.shape, bool) if known is None else known
    order = np.array(sorted(range(len(metrics)), key=lambda number: metrics[number].metric_id), np.intp)
    owners, columns = np.nonzero(known[order])
    dates = [(last - (days - 1 - number) * DAY).isoformat() for number in range(days)]
    texts = [f"{m.source}:{m.subject}" for m in metrics]
    codes = order[owners].astype(np.int32)
    if refs:
        texts += list(refs.values())
        places = np.full(counts.shape, -1, np.int32)
        for number, key in enumerate(refs):
            places[key] = len(metrics) + number
        chosen = places[order[owners], columns]
        ref_codes = np.where(chosen >= 0, chosen, codes)
    else:
        ref_codes = codes

    def dictionary(indices: NDArray[Any], values: Sequence[str]) -> pa.DictionaryArray[Any, Any]:
        return pa.DictionaryArray.from_arrays(pa.array(indices.astype(np.int32)), pa.array(list(values), pa.string()))

    is_stock = np.array([metric.source == "github" for metric in metrics])
    day_column = dictionary(columns, dates)
    # Metric ids in ascending order, as the store returns them.
    data = pa.table(
        {
            "metric_id": dictionary(owners, [metrics[number].metric_id for number in order]),
            "period_start": day_column,
            "period_end": day_column,
            "value": pa.array(counts[order[owners], columns].astype(np.int64)),
            "provenance": dictionary(np.zeros(len(owners)), ["api_daily"]),
            "source_window": dictionary(is_stock[codes].astype(int), ["1d", "cumulative_snapshot"]),
            "source_ref": dictionary(ref_codes, texts),
            "ingestion_run_id": dictionary(np.zeros(len(owners)), ["refresh-1"]),
        }
    )
    return SeriesTable.from_arrow(data)
