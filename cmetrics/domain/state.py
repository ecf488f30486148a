"""The stored state of a metric: the input of the plan, of the gaps and of `status`."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

from cmetrics.domain.metric import Metric
from cmetrics.domain.observation import SourceRef, StarRef

#: A stored day, and whether its row is a seeded snapshot.
StoredDay = tuple[date, bool]


@dataclass(frozen=True, slots=True)
class MetricState:
    """The stored state of one metric."""

    #: Days with a daily value.
    daily: frozenset[date] = frozenset()
    #: Days with a seeded snapshot that no daily value may replace.
    snapshots: frozenset[date] = frozenset()
    #: Missing days that the source still did not return two weeks after their end.
    lost: frozenset[date] = frozenset()
    #: Days whose value is far from its neighbours.
    doubtful: frozenset[date] = frozenset()
    #: Stars: the repository of the newest stored count, with its number if any row has it.
    repository: StarRef | None = None
    #: Measures that are read once a night: what the newest row names, with the newest identity in any row.
    known: SourceRef | None = None
    #: Downloads: the last stored day of a package that the metric continues.
    continued_until: date | None = None

    @property
    def oldest_day(self) -> date | None:
        """The first day with a daily value."""
        return min(self.daily, default=None)

    @property
    def latest_day(self) -> date | None:
        """The last day with a daily value."""
        return max(self.daily, default=None)


def build_state(metric: Metric, stored: Iterable[StoredDay]) -> MetricState:
    """Return the state of ``metric`` from its stored days."""
    daily: set[date] = set()
    snapshots: set[date] = set()
    for day, is_seed in stored:
        if not is_seed:
            daily.add(day)
        elif metric.daily_from is not None and day < metric.daily_from:
            snapshots.add(day)
    return MetricState(frozenset(daily), frozenset(snapshots))
