"""Find implausible values. Pure: anomalies are computed from the rows and never stored.

An implausible value stays stored, because it is what the source returned. It is requested again and reported.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np
from numpy.typing import NDArray

from cmetrics.analytics.columns import SeriesTable
from cmetrics.domain import formats
from cmetrics.domain.days import Span, day_range, window
from cmetrics.domain.metric import Metric

#: Only the newest days are checked: a value that has not changed for four weeks is final.
JUDGED_DAYS = 28
#: The number of weeks before and after a day whose same weekday it is compared with: at weekends, package registries
#: have half or a third of the downloads of working days.
WEEKS = 4
#: The minimum number of values for a median; younger packages are not checked.
FEWEST_NEIGHBOURS = 3
#: A day this many times above or below the median is an outlier. Christmas (a third) and the day of a
#: release (ten times) are not.
FAR = 20
#: Smaller medians are raised to this value: a small package has a burst when a mirror or a scanner downloads all its
#: versions, and may have days without any download.
SMALL = 50
#: A value near 0 is an outlier only if the median is at least this: by chance alone, a hundred does not become 0.
LARGE = 100
#: A registry dips if all its metrics are below this share of their medians. Below the same share, the total of a
#: registry counts as incomplete. Holidays stay above 0.3.
DIP = 0.2
#: A single metric is not enough evidence of a dip.
FEWEST_IN_A_DIP = 2
#: The number of metrics whose neighbourhoods are in memory together.
_AT_A_TIME = 64
#: The number of days of rows that are needed, up to the day of the dashboard.
READ_DAYS = JUDGED_DAYS + 7 * WEEKS


@dataclass(frozen=True, slots=True)
class Outlier:
    """A stored value far from the median of its neighbours."""

    metric_id: str
    day: date
    value: int
    #: The median of the same weekdays around it.
    expected: int
    #: The run that wrote the value.
    ingestion_run_id: str

    @property
    def text(self) -> str:
        """The anomaly as one sentence, with the metric's id."""
        return self.describe(self.metric_id, str)

    def describe(self, name: str, day: Callable[[date], str]) -> str:
        """Return the anomaly as one sentence, with that name of the metric and days as ``day`` writes them."""
        expected = formats.number(self.expected)
        return f"{name} has {formats.number(self.value)} on {day(self.day)} (usual: about {expected})"


@dataclass(frozen=True, slots=True)
class RegistryDip:
    """A day on which all metrics of a source fell together."""

    source: str
    day: date
    metric_ids: tuple[str, ...]
    #: The sum of that day in percent of the usual sum.
    percent: int
    #: The runs that wrote the values.
    ingestion_run_ids: frozenset[str]

    @property
    def text(self) -> str:
        """The anomaly as one sentence, with the source's id."""
        return self.describe(self.source, str)

    def describe(self, name: str, day: Callable[[date], str]) -> str:
        """Return the anomaly as one sentence, with that name of the source and days as ``day`` writes them."""
        together = f"all {len(self.metric_ids)} metrics together at {self.percent}% of the usual"
        return f"{name} dipped on {day(self.day)}: {together}"


def find_anomalies(
    metrics: Iterable[Metric], table: SeriesTable, as_of: date
) -> tuple[tuple[Outlier, ...], tuple[RegistryDip, ...]]:
    """Return the outliers of the last :data:`JUDGED_DAYS` days, by day, and the dips of whole registries.

    Rows of :data:`READ_DAYS` days are needed; more are ignored. A low value that is part of a dip is
    not an outlier of its metric.
    """
    first = window(as_of, READ_DAYS)
    metrics = tuple(metrics)
    # Readings of the current value cannot be requested again, and a rolling window is not the value of its last day.
    judged_ids = {metric.metric_id for metric in metrics if not metric.measure.is_read_nightly}
    table = table.where(table.within(Span(first, as_of)) & ~table.is_seed & table.owned_by(judged_ids))
    places = (table.owners, table.days - first.toordinal())
    rows = np.full((len(table.metric_ids), READ_DAYS), -1)
    rows[places] = np.arange(len(table))
    known = np.full((len(table.metric_ids), READ_DAYS), np.nan)
    known[places] = table.values
    judged = known[:, READ_DAYS - JUDGED_DAYS :]
    rows = rows[:, READ_DAYS - JUDGED_DAYS :]
    found = compare_days(known, np.arange(READ_DAYS - JUDGED_DAYS, READ_DAYS))
    expected = found.expected
    by_source: dict[str, list[int]] = {}
    numbers = {metric_id: number for number, metric_id in enumerate(table.metric_ids)}
    for metric in metrics:
        members = by_source.setdefault(metric.source, [])
        if metric.metric_id in numbers:
            members.append(numbers[metric.metric_id])
    outliers: list[tuple[date, str, int, int]] = []
    registry_dips: list[RegistryDip] = []
    days = list(day_range(window(as_of, JUDGED_DAYS), as_of))
    for source, of_source in by_source.items():
        dipped = found.dipped(of_source)
        for n in np.flatnonzero(dipped).tolist():
            parts = [number for number in of_source if found.is_dip[number, n]]
            percent = round(100 * judged[parts, n].sum().item() / expected[parts, n].sum().item())
            ids = tuple(table.metric_ids[number] for number in parts)
            runs = frozenset(table.texts("ingestion_run_id", rows[parts, n]))
            registry_dips.append(RegistryDip(source, days[n], ids, percent, runs))
        is_far = found.is_high[of_source] | (found.is_low[of_source] & ~dipped)
        for place, n in np.argwhere(is_far).tolist():
            number = of_source[place]
            usual = round(expected[number, n].item())
            outliers.append((days[n], table.metric_ids[number], int(rows[number, n]), usual))
    outliers.sort()
    run_ids = table.texts("ingestion_run_id", np.array([row for _, _, row, _ in outliers], np.intp))
    return tuple(
        Outlier(metric_id, day, int(table.values[row]), usual, run_id)
        for (day, metric_id, row, usual), run_id in zip(outliers, run_ids, strict=True)
    ), tuple(sorted(registry_dips, key=lambda registry_dip: (registry_dip.day, registry_dip.source)))


@dataclass(frozen=True, slots=True, eq=False)
class ComparedDays:
    """Some days of some metrics next to their neighbourhoods; one row per metric, one column per day."""

    #: The median of the same weekdays around each day; NaN if there are too few.
    expected: NDArray[np.float64]
    #: Whether the value is far above or below it.
    is_high: NDArray[np.bool_]
    is_low: NDArray[np.bool_]
    #: Whether the median is large enough to judge the registry, and whether the value is low enough for a dip.
    is_telling: NDArray[np.bool_]
    is_dip: NDArray[np.bool_]

    def dipped(self, of_source: Sequence[int] | NDArray[np.intp]) -> NDArray[np.bool_]:
        """Return by day whether the metrics in these rows, which are all of one source, fell together."""
        telling = self.is_telling[of_source].sum(axis=0)
        dipped: NDArray[np.bool_] = (telling >= FEWEST_IN_A_DIP) & (telling == self.is_dip[of_source].sum(axis=0))
        return dipped


def compare_days(known: NDArray[np.float64], columns: NDArray[np.intp]) -> ComparedDays:
    """Compare the days in ``columns`` with the same weekdays around them.

    ``known`` has one row per metric and one column per day, NaN if there is no value.
    """
    judged, expected = known[:, columns], _neighbourhood(known, columns)
    with np.errstate(invalid="ignore"):
        is_telling = ~np.isnan(judged) & (expected >= LARGE)
        return ComparedDays(
            expected=expected,
            is_high=judged > FAR * np.maximum(expected, SMALL),
            is_low=(expected >= LARGE) & (judged * FAR < expected),
            is_telling=is_telling,
            is_dip=is_telling & (judged < DIP * expected),
        )


def _neighbourhood(known: NDArray[np.float64], columns: NDArray[np.intp]) -> NDArray[np.float64]:
    """Return the median of the same weekdays around each day; NaN if there are too few."""
    # Days before the first and after the last have no value.
    places = columns[:, None] + 7 * np.array([n for n in range(-WEEKS, WEEKS + 1) if n])
    outside = (places < 0) | (places >= known.shape[1])
    places = np.where(outside, known.shape[1], places)
    medians = np.empty((len(known), len(columns)))
    # Some metrics at a time, because eight neighbours of every day would be by far the largest array.
    for start in range(0, len(known), _AT_A_TIME):
        rows = slice(start, start + _AT_A_TIME)
        padded = np.pad(known[rows], ((0, 0), (0, 1)), constant_values=np.nan)
        medians[rows] = median_of_known(padded.take(places, axis=1), FEWEST_NEIGHBOURS)
    return medians


def median_of_known(values: NDArray[np.float64], fewest: int = 1) -> NDArray[np.float64]:
    """Return the median along the last axis, which is sorted in place; NaN with less than ``fewest`` values."""
    values.sort(axis=-1)
    # NaN sorts last.
    count = np.sum(~np.isnan(values), axis=-1)
    low, high = (
        np.take_along_axis(values, place[..., None], axis=-1)[..., 0]
        for place in (np.maximum(count - 1, 0) // 2, np.minimum(count // 2, values.shape[-1] - 1))
    )
    return np.where(count >= fewest, (low + high) / 2, np.nan)
