"""The stored state of a metric: the input of the plan, of the gaps and of `status`."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from cmetrics.domain.day_set import NO_DAYS, DaySet
from cmetrics.domain.days import DAY
from cmetrics.domain.metric import Metric
from cmetrics.domain.observation import SourceRef, StarRef


@dataclass(frozen=True, slots=True)
class MetricState:
    """The stored state of one metric."""

    #: Days with a daily value.
    daily: DaySet = NO_DAYS
    #: Days with a seeded snapshot that no daily value may replace.
    snapshots: DaySet = NO_DAYS
    #: Missing days that the source still did not return two weeks after their end.
    lost: DaySet = NO_DAYS
    #: Days whose value is far from its neighbours.
    doubtful: DaySet = NO_DAYS
    #: Stars: the repository of the newest stored count, with its number if known.
    repository: StarRef | None = None
    #: Measures that are read once a night: the subject in the newest row, with the newest identity in any row.
    known: SourceRef | None = None
    #: Downloads: the last stored day of a package that the metric continues.
    continued_until: date | None = None

    def __post_init__(self) -> None:
        # Any sets of days are accepted.
        for name in ("daily", "snapshots", "lost", "doubtful"):
            object.__setattr__(self, name, DaySet.of(getattr(self, name)))

    @property
    def oldest_day(self) -> date | None:
        """The first day with a daily value."""
        return self.daily.first

    @property
    def latest_day(self) -> date | None:
        """The last day with a daily value."""
        return self.daily.last


def build_state(metric: Metric, daily: DaySet, seeds: DaySet) -> MetricState:
    """Return the state of ``metric`` from its days with a daily value and those with a seeded snapshot."""
    if metric.daily_from is None or not seeds:
        return MetricState(daily)
    return MetricState(daily, seeds & DaySet.between(date.min, metric.daily_from - DAY))
