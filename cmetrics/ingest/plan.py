"""Decide which days to request, from the stored state and the current day. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date

from cmetrics.domain.day_set import DaySet
from cmetrics.domain.days import DAY, Span, day_range, window
from cmetrics.domain.kind import Measure
from cmetrics.domain.metric import Metric, SourceSpec
from cmetrics.domain.state import MetricState
from cmetrics.sources.base import FetchRequest

#: The weekday (Monday is 0) after which lost days are requested: services are less busy at weekends.
LOST_REQUESTED_AFTER = 6
#: A day before the first count of any package registry.
LONG_AGO = date(2005, 1, 1)


@dataclass(frozen=True, slots=True)
class RefreshPlan:
    """Request missing days, days that the source still revises, and at least the last ``lookback_days``."""

    last_day: date
    lookback_days: int = 0

    def reads_from(self, spec: SourceSpec) -> date:
        """Return the first day whose stored value affects the plan."""
        return max(spec.oldest_served(self.last_day), LONG_AGO)

    def days(self, spec: SourceSpec, state: MetricState) -> Iterable[date]:
        """Return the days to request from the source.

        Gaps are filled from the oldest daily value on. As long as no daily value is older than the
        settling window, all ``first_days`` are requested again. This repairs a first run whose older
        part failed, and costs little for a young package.

        Days that the source has lost are requested once a week, all in the same night. The weekday is
        fixed because the oldest day that a source serves changes every night. Inside the settling
        window, they are requested anyway.
        """
        settling = window(self.last_day, spec.settling_days)
        start = state.oldest_day or self.last_day
        if start >= settling:
            start = min(start, window(self.last_day, spec.first_days))
        oldest = spec.oldest_served(self.last_day)
        served = DaySet.between(oldest, self.last_day)
        missing = (served & DaySet.between(start, self.last_day)) - state.daily
        lost = missing & state.lost
        # Requested without success, and known to be lost for all subjects: requesting again is useless.
        missing -= {day for day in lost if spec.known_loss(day) is not None}
        if self.last_day.weekday() != LOST_REQUESTED_AFTER:
            missing -= lost
        reread = max(spec.settling_days, self.lookback_days)
        reread_days = DaySet.between(window(self.last_day, reread), self.last_day)
        return (missing | served & (reread_days | state.doubtful)) - state.snapshots

    def reading_days(self, spec: SourceSpec, measure: Measure, state: MetricState) -> Iterable[date]:
        """Return the days to request of a measure that is read once a night rather than by day.

        The last day stands for the current value. It is not requested if a value of this night or, for a
        service that counts every few days, a recent enough one is stored. A rolling window with history
        is requested since its newest value, because one night can return several windows.
        """
        newest = state.latest_day
        if newest is not None and self.last_day < newest + measure.every_days * DAY:
            return ()
        if not measure.has_history:
            return (self.last_day,)
        first = window(self.last_day, spec.first_days)
        return day_range(first if newest is None else max(first, newest + DAY), self.last_day)

    def archive_days(self, spec: SourceSpec, state: MetricState) -> Iterable[date]:  # noqa: ARG002
        """Return no days: archives are too slow for a nightly run."""
        return ()

    def takes_current(self, metric: Metric, state: MetricState) -> bool:
        """Return whether to store the current value under the last day.

        Always for a measure that is read once a night. For stars, only if the last day alone is missing, and
        no lookback is set. Days before the oldest value do not count as missing: the repository may not
        have existed.
        """
        if metric.measure.is_read_nightly:
            return True
        if not metric.measure.is_stars or self.lookback_days or state.oldest_day is None:
            return False
        days = (self.last_day - state.oldest_day).days + 1
        return self.last_day not in state.daily and len(state.daily) == days - 1


@dataclass(frozen=True, slots=True)
class BackfillPlan:
    """Request every day of a window that the source or, with ``deep``, its archive serves."""

    last_day: date
    span: Span
    deep: bool = False

    def reads_from(self, spec: SourceSpec) -> date:
        """Return the first day whose stored value affects the plan."""
        return LONG_AGO if self.deep else max(spec.oldest_served(self.last_day), LONG_AGO)

    def days(self, spec: SourceSpec, state: MetricState) -> Iterable[date]:
        """Return the days to request from the source."""
        first = max(self.span.first, spec.oldest_served(self.last_day))
        return DaySet.between(first, min(self.span.last, self.last_day)) - state.snapshots

    def reading_days(self, spec: SourceSpec, measure: Measure, state: MetricState) -> Iterable[date]:
        """Return the days of a rolling window with history; the current value is never stored for a past day."""
        return self.days(spec, state) if measure.has_history else ()

    def archive_days(self, spec: SourceSpec, state: MetricState) -> Iterable[date]:
        """Return the days to request from the archive of the source.

        An archive that overlaps with the source is also requested for missing days that the source should
        serve. It fills those that the source has lost.
        """
        if not self.deep or spec.archive is None:
            return ()
        first, last = max(self.span.first, spec.archive.first_day), min(self.span.last, self.last_day)
        oldest = spec.oldest_served(self.last_day)
        days = DaySet.between(first, min(last, oldest - DAY))
        if spec.archive.overlaps:
            days |= DaySet.between(max(first, oldest), last) - state.daily
        return days - state.snapshots

    def takes_current(self, metric: Metric, state: MetricState) -> bool:  # noqa: ARG002
        """Return False: a backfill never stores the current count for a past day."""
        return False


Plan = RefreshPlan | BackfillPlan


def build_requests(
    plan: Plan, metrics: Iterable[Metric], specs: Mapping[str, SourceSpec], states: Mapping[str, MetricState]
) -> list[FetchRequest]:
    """Return one request per metric, without metrics that have no days to request."""
    requests: list[FetchRequest] = []
    for metric in metrics:
        state = states.get(metric.metric_id, MetricState())
        spec = specs[metric.source]
        # Values and gaps of an earlier package do not change.
        own = DaySet.between(state.continued_until + DAY if state.continued_until else date.min, date.max)
        is_reading = metric.measure.is_read_nightly
        wanted = plan.reading_days(spec, metric.measure, state) if is_reading else plan.days(spec, state)
        days = DaySet.of(wanted) & own
        archive_days = DaySet.of(plan.archive_days(spec, state)) & own
        if not days and not archive_days:
            continue
        requests.append(
            FetchRequest(
                metric=metric,
                days=tuple(days),
                missing=(days | archive_days) - state.daily,
                last_day=plan.last_day,
                known_since=(state.daily & own).first,
                take_current=plan.takes_current(metric, state),
                repository=state.repository,
                known=state.known,
                archive_days=tuple(archive_days),
            )
        )
    return requests
