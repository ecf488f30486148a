"""Values that cannot be believed at once. Pure: a flag is computed from the rows, never stored.

A flagged value stays stored: it is what the source said. It is asked for again, and people are told.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

import numpy as np
from numpy.typing import NDArray

from cmetrics.analytics.columns import SeriesTable
from cmetrics.domain.days import Span, day_range, window
from cmetrics.domain.metric import Metric

#: Only days that have landed lately are judged: what has stood for four weeks is the truth of its source.
JUDGED_DAYS = 28
#: A day is compared with the same weekday of so many weeks before and after it: weekends at package
#: registries are half or a third of a working day, and every weekday carries its own habits.
WEEKS = 4
#: The median of fewer values than these is no neighbourhood: young packages are not judged.
FEWEST_NEIGHBOURS = 3
#: So many times above or below its neighbourhood a day is far outside. Christmas (a third) and the
#: day of a release (ten times) are not.
FAR = 20
#: A neighbourhood below this many is taken for this many: a small package has a burst when a mirror
#: or a scanner takes all its versions, and a day without any download is nothing.
SMALL = 50
#: A value of 0 or nearly so is doubted from this neighbourhood on: chance makes no zero of a hundred.
LARGE = 100
#: Below this share of their neighbourhood all metrics of a registry are in its dip together. It is
#: the share under which a registry's own total is taken for a part of a day; holidays stay above 0.3.
DIP = 0.2
#: One metric alone says nothing of a registry.
FEWEST_IN_A_DIP = 2
#: How many days of rows before the described day all this needs.
READ_DAYS = JUDGED_DAYS + 7 * WEEKS


@dataclass(frozen=True, slots=True)
class Outlier:
    """A stored value far outside its neighbourhood."""

    metric_id: str
    day: date
    value: int
    #: The median of the same weekdays around it.
    expected: int
    #: Of the run that wrote the value.
    ingestion_run_id: str

    @property
    def text(self) -> str:
        """The flag in words."""
        return f"{self.metric_id} has {self.value:,} on {self.day}, where about {self.expected:,} are usual"


@dataclass(frozen=True, slots=True)
class RegistryDip:
    """A day on which all metrics of a source fell together."""

    source: str
    day: date
    metric_ids: tuple[str, ...]
    #: The values of that day together, in percent of what is usual.
    percent: int
    #: Of the runs that wrote the values.
    ingestion_run_ids: frozenset[str]

    @property
    def text(self) -> str:
        """The dip in words."""
        return f"{self.source} dipped on {self.day}: all {len(self.metric_ids)} metrics together at {self.percent} %"


def find_anomalies(
    metrics: Iterable[Metric], table: SeriesTable, as_of: date
) -> tuple[tuple[Outlier, ...], tuple[RegistryDip, ...]]:
    """Return the outliers of the last :data:`JUDGED_DAYS` days, by day, and the dips of whole registries.

    Rows of :data:`READ_DAYS` days are needed, more do no harm. A low value that is part of a dip is
    the registry's and no flag of its metric.
    """
    first = window(as_of, READ_DAYS)
    metrics = tuple(metrics)
    # A reading of the current value is not requested again, and a window is not the value of its last day.
    judged_ids = {metric.metric_id for metric in metrics if not metric.measure.is_read_nightly}
    table = table.where(table.within(Span(first, as_of)) & ~table.is_seed & table.owned_by(judged_ids))
    places = (table.owners, table.days - first.toordinal())
    rows = np.full((len(table.metric_ids), READ_DAYS), -1)
    rows[places] = np.arange(len(table))
    # Days to come have no value.
    known = np.full((len(table.metric_ids), READ_DAYS + 7 * WEEKS), np.nan)
    known[places] = table.values
    judged = known[:, READ_DAYS - JUDGED_DAYS : READ_DAYS]
    rows = rows[:, READ_DAYS - JUDGED_DAYS :]
    expected = _neighbourhood(known)
    with np.errstate(invalid="ignore"):
        is_high = judged > FAR * np.maximum(expected, SMALL)
        is_low = (expected >= LARGE) & (judged * FAR < expected)
        is_telling = ~np.isnan(judged) & (expected >= LARGE)
        is_dip = is_telling & (judged < DIP * expected)
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
        telling = is_telling[of_source].sum(axis=0)
        dipped = (telling >= FEWEST_IN_A_DIP) & (telling == is_dip[of_source].sum(axis=0))
        for n in np.flatnonzero(dipped).tolist():
            parts = [number for number in of_source if is_dip[number, n]]
            percent = round(100 * judged[parts, n].sum().item() / expected[parts, n].sum().item())
            ids = tuple(table.metric_ids[number] for number in parts)
            runs = frozenset(table.texts("ingestion_run_id", rows[parts, n]))
            registry_dips.append(RegistryDip(source, days[n], ids, percent, runs))
        is_far = is_high[of_source] | (is_low[of_source] & ~dipped)
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


def _neighbourhood(known: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the median of the same weekdays around each of the last days; NaN where there are too few."""
    first, last = READ_DAYS - JUDGED_DAYS, READ_DAYS
    near = np.sort([known[:, first + 7 * n : last + 7 * n] for n in range(-WEEKS, WEEKS + 1) if n], axis=0)
    # NaN sorts last.
    count = np.sum(~np.isnan(near), axis=0)
    low, high = np.maximum(count - 1, 0) // 2, np.minimum(count // 2, len(near) - 1)
    middle = np.take_along_axis(near, np.stack([low, high]), axis=0).mean(axis=0)
    return np.where(count >= FEWEST_NEIGHBOURS, middle, np.nan)
