"""Which days to ask for. Pure: what is stored and what day it is go in, days come out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date

from cmetrics.domain.days import DAY, Span, day_range, window
from cmetrics.domain.metric import Family, Metric, SourceSpec
from cmetrics.domain.observation import StarRef
from cmetrics.sources.base import FetchRequest

#: The weekday, counted from Monday, after which lost days are asked for: weekends are quiet.
LOST_ASKED_AFTER = 6


@dataclass(frozen=True, slots=True)
class MetricState:
    """What the store holds of one metric."""

    #: Days with a daily value.
    daily: frozenset[date] = frozenset()
    #: Days whose key belongs to a seeded snapshot that no daily value may replace.
    snapshots: frozenset[date] = frozenset()
    #: Missing days that the source was asked for over two weeks, in vain.
    lost: frozenset[date] = frozenset()
    #: Days whose value is far from its neighbourhood.
    doubtful: frozenset[date] = frozenset()
    #: Stars: the repository that was counted last, with its number if any row tells it.
    repository: StarRef | None = None


def build_state(metric: Metric, stored: Iterable[tuple[date, bool]]) -> MetricState:
    """From the stored days of a metric, each with whether it is a seeded snapshot."""
    daily: set[date] = set()
    snapshots: set[date] = set()
    for day, is_seed in stored:
        if not is_seed:
            daily.add(day)
        elif metric.daily_from is not None and day < metric.daily_from:
            snapshots.add(day)
    return MetricState(frozenset(daily), frozenset(snapshots))


@dataclass(frozen=True, slots=True)
class RefreshPlan:
    """Nightly: what is missing, what still settles, and at least the last ``lookback_days``."""

    last_day: date
    lookback_days: int = 0

    def days(self, spec: SourceSpec, held: MetricState) -> Iterable[date]:
        """The days to ask for.

        Holes are looked for from the oldest daily value on. While nothing daily is stored from
        before the settling window, the whole first reach is asked for again: a first run whose
        deeper question failed heals like that, and a young package costs little.

        Days that the source has lost are asked for once a week, all in the same night. Which one must
        not depend on them: the oldest that a source still holds moves on every night. In the settling
        window they come with what is read anyway.
        """
        settling = window(self.last_day, spec.settling_days)
        start = min(held.daily, default=self.last_day)
        if start >= settling:
            start = min(start, window(self.last_day, spec.first_days))
        oldest = oldest_held(spec, self.last_day)
        missing = {day for day in day_range(max(start, oldest), self.last_day) if day not in held.daily}
        lost = missing & held.lost
        if self.last_day.weekday() != LOST_ASKED_AFTER:
            missing -= lost
        reread = max(spec.settling_days, self.lookback_days)
        again = day_range(max(window(self.last_day, reread), oldest), self.last_day) if reread else ()
        doubtful = (day for day in held.doubtful if oldest <= day <= self.last_day)
        return {*missing, *again, *doubtful} - held.snapshots

    def archive_days(self, spec: SourceSpec, held: MetricState) -> Iterable[date]:  # noqa: ARG002
        """None: a night has no time for archives."""
        return ()

    def takes_current(self, metric: Metric, held: MetricState) -> bool:
        """Contract: with one missing day and no lookback the present star count is stored for it.

        Days before the oldest value do not count: a young repository has none there.
        """
        if metric.family is not Family.STARS or self.lookback_days or not held.daily:
            return False
        days = (self.last_day - min(held.daily)).days + 1
        return self.last_day not in held.daily and len(held.daily) == days - 1


@dataclass(frozen=True, slots=True)
class BackfillPlan:
    """By hand: every day of a window that the source, or with ``deep`` its archive, answers for."""

    last_day: date
    span: Span
    deep: bool = False

    def days(self, spec: SourceSpec, held: MetricState) -> Iterable[date]:
        """The days to ask for."""
        first = max(self.span.first, oldest_held(spec, self.last_day))
        return set(day_range(first, min(self.span.last, self.last_day))) - held.snapshots

    def archive_days(self, spec: SourceSpec, held: MetricState) -> Iterable[date]:
        """The days to ask the source's archive for."""
        if not self.deep or spec.archive is None:
            return ()
        last = min(self.span.last, oldest_held(spec, self.last_day) - DAY)
        return set(day_range(max(self.span.first, spec.archive.first_day), last)) - held.snapshots

    def takes_current(self, metric: Metric, held: MetricState) -> bool:  # noqa: ARG002
        """A recomputation never passes a present count off as a past one."""
        return False


Plan = RefreshPlan | BackfillPlan


def oldest_held(spec: SourceSpec, last_day: date) -> date:
    """The oldest day that the source may still answer for."""
    return spec.oldest_held(last_day)


def build_requests(
    plan: Plan, metrics: Iterable[Metric], specs: Mapping[str, SourceSpec], held: Mapping[str, MetricState]
) -> list[FetchRequest]:
    """Return one request per metric; metrics without a day to request are left out."""
    requests: list[FetchRequest] = []
    for metric in metrics:
        stored = held.get(metric.metric_id, MetricState())
        spec = specs[metric.source]
        days = tuple(sorted(plan.days(spec, stored)))
        archive_days = tuple(sorted(plan.archive_days(spec, stored)))
        if not days and not archive_days:
            continue
        missing = frozenset(days + archive_days) - stored.daily
        requests.append(
            FetchRequest(
                metric=metric,
                days=days,
                missing=missing,
                last_day=plan.last_day,
                known_since=min(stored.daily, default=None),
                take_current=plan.takes_current(metric, stored),
                repository=stored.repository,
                archive_days=archive_days,
            )
        )
    return requests
