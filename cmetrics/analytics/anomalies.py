"""Values that cannot be believed at once. Pure: a flag is computed from the rows, never stored.

A flagged value stays stored: it is what the source said. It is asked for again, and people are told.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from statistics import median

from cmetrics.domain.days import DAY, window
from cmetrics.domain.metric import Metric
from cmetrics.domain.observation import Observation

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
    metrics: Iterable[Metric], rows: Iterable[Observation], as_of: date
) -> tuple[tuple[Outlier, ...], tuple[RegistryDip, ...]]:
    """The doubtful values of the last :data:`JUDGED_DAYS` days, by day, and the dips of whole sources.

    Rows of :data:`READ_DAYS` days are needed, more do no harm. A low value that is part of a dip is
    the registry's and no flag of its metric.
    """
    by_metric: dict[str, dict[date, Observation]] = {}
    first = window(as_of, READ_DAYS)
    for row in rows:
        if first <= row.period_end <= as_of and not row.is_seed:
            by_metric.setdefault(row.metric_id, {})[row.period_end] = row
    by_source: dict[str, list[str]] = {}
    for metric in metrics:
        by_source.setdefault(metric.source, []).append(metric.metric_id)
    outliers: list[Outlier] = []
    registry_dips: list[RegistryDip] = []
    for source, metric_ids in by_source.items():
        judged = [_judged(by_metric.get(metric_id, {}), as_of) for metric_id in metric_ids]
        found = _registry_dips(source, judged)
        registry_dips += found
        dipped = {registry_dip.day for registry_dip in found}
        outliers += [
            _outlier(row, expected)
            for values in judged
            for row, expected in values.values()
            if _is_far(row.value, expected) and (row.value > expected or row.period_end not in dipped)
        ]
    outliers.sort(key=lambda outlier: (outlier.day, outlier.metric_id))
    return tuple(outliers), tuple(
        sorted(registry_dips, key=lambda registry_dip: (registry_dip.day, registry_dip.source))
    )


#: A day's row and what is usual around it.
_Judged = Mapping[date, tuple[Observation, float]]


def _judged(rows: Mapping[date, Observation], as_of: date) -> _Judged:
    """The rows of the judged days that have a neighbourhood, with its median."""
    found: dict[date, tuple[Observation, float]] = {}
    for day, row in rows.items():
        if day < window(as_of, JUDGED_DAYS):
            continue
        weeks = (day + 7 * n * DAY for n in range(-WEEKS, WEEKS + 1) if n)
        near = [rows[other].value for other in weeks if other in rows]
        if len(near) >= FEWEST_NEIGHBOURS:
            found[day] = (row, median(near))
    return found


def _is_far(value: int, expected: float) -> bool:
    if value > FAR * max(expected, SMALL):
        return True
    return expected >= LARGE and value * FAR < expected


def _outlier(row: Observation, expected: float) -> Outlier:
    return Outlier(row.metric_id, row.period_end, row.value, round(expected), row.ingestion_run_id)


def _registry_dips(source: str, judged: Sequence[_Judged]) -> list[RegistryDip]:
    """Days on which every metric that is large enough to tell lies below :data:`DIP`."""
    found: list[RegistryDip] = []
    for day in sorted({day for values in judged for day in values}):
        told = [values[day] for values in judged if day in values and values[day][1] >= LARGE]
        if len(told) < FEWEST_IN_A_DIP or any(row.value >= DIP * expected for row, expected in told):
            continue
        percent = round(100 * sum(row.value for row, _ in told) / sum(expected for _, expected in told))
        rows = [row for row, _ in told]
        ids = tuple(row.metric_id for row in rows)
        found.append(RegistryDip(source, day, ids, percent, frozenset(row.ingestion_run_id for row in rows)))
    return found
