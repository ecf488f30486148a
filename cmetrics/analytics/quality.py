"""Find missing days and implausible values in the store, for `status` and the page."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date

import numpy as np

from cmetrics.analytics.anomalies import JUDGED_DAYS, Outlier, RegistryDip, find_anomalies
from cmetrics.analytics.columns import SeriesTable, to_dates
from cmetrics.analytics.gaps import Gap, count_missing_days, find_gaps
from cmetrics.analytics.gaps import Reason as GapReason
from cmetrics.analytics.intervals import Interval, Intervals, Reason
from cmetrics.domain.day_set import NO_DAYS, DaySet, build_day_sets
from cmetrics.domain.days import Span, window
from cmetrics.domain.metric import Metric, SourceSpec
from cmetrics.domain.observation import is_stand_in_ref, parse_star_ref
from cmetrics.domain.outcome import OutcomeLog
from cmetrics.domain.plural import plural
from cmetrics.domain.revision import Revision
from cmetrics.domain.state import MetricState, build_state


@dataclass(frozen=True, slots=True)
class DamagedDays:
    """Stored days of one metric whose values are too low for one known reason."""

    metric_id: str
    #: Ascending.
    days: tuple[date, ...]
    reason: str

    @property
    def text(self) -> str:
        """The finding as one sentence, with the metric's id."""
        return self.describe(self.metric_id, str)

    def describe(self, name: str, day: Callable[[date], str]) -> str:
        """Return the finding as one sentence, with that name of the metric and days as ``day`` writes them."""
        first, last = self.days[0], self.days[-1]
        count = plural(len(self.days), "day")
        where = day(first) if first == last else f"{count} from {day(first)} to {day(last)}"
        return f"{name}, {where}: {self.reason}; `cmetrics backfill --full` may replace the value"


@dataclass(frozen=True, slots=True)
class CounterBreak:
    """An interval of a counter whose flow is unknown. A fall is normal for a stock, and a correction for a counter."""

    metric_id: str
    interval: Interval

    @property
    def text(self) -> str:
        """The finding as one sentence, with the metric's id."""
        return self.describe(self.metric_id, str)

    def describe(self, name: str, day: Callable[[date], str]) -> str:
        """Return the finding as one sentence, with that name of the metric and days as ``day`` writes them."""
        interval = self.interval
        if interval.reason is Reason.STANDS_STILL:
            return f"standstill: {name} has not changed since {day(interval.start_day)}; it normally changes daily"
        what = "fell" if interval.reason is Reason.FELL else "belongs to another subject"
        reset = f"reset: the count of {name} {what} ({day(interval.end_day)})"
        return f"{reset}; the increase in that interval is unknown"


@dataclass(frozen=True, slots=True)
class DataQuality:
    """The gaps and anomalies of all metrics on one day."""

    #: By metric id, ascending; every missing day of every metric, with its reason.
    gaps: Mapping[str, tuple[Gap, ...]] = field(default_factory=dict)
    #: Stored values far outside their neighbourhood, by day.
    outliers: tuple[Outlier, ...] = ()
    #: Days on which all metrics of a source fell together.
    registry_dips: tuple[RegistryDip, ...] = ()
    #: Settled days of downloads that changed by more than half, newest run first.
    unusual_revisions: tuple[Revision, ...] = ()
    #: The current name of each repository that the catalogue lists under an old name, by metric id.
    renamed: Mapping[str, str] = field(default_factory=dict)
    #: Stored days that have not ended, ascending, by metric id. They are not shown elsewhere.
    future_days: Mapping[str, tuple[date, ...]] = field(default_factory=dict)
    #: Stored days that the source is known to have counted only in part, ascending by metric.
    damaged: tuple[DamagedDays, ...] = ()
    #: Counters that were corrected or not updated in the last weeks.
    counter_breaks: tuple[CounterBreak, ...] = ()

    def missing_days(self, metric_id: str) -> int:
        """Return the number of missing days of the metric, without those before its first publication."""
        return count_missing_days(self.gaps.get(metric_id, ()))

    def has_lost_days(self, metric_id: str) -> bool:
        """Return whether days of the metric are missing that its source has published, or will not publish."""
        gaps = self.gaps.get(metric_id, ())
        return any(gap.is_missing and gap.reason is not GapReason.NOT_PUBLISHED for gap in gaps)

    @property
    def anomalies(self) -> tuple[str, ...]:
        """All findings except gaps, each as a sentence."""
        future = (_future_text(metric_id, days) for metric_id, days in self.future_days.items())
        return (*self.published_anomalies, *future)

    @property
    def published_anomalies(self) -> tuple[str, ...]:
        """The findings without those about unpublished values, with ids."""
        return self.describe_published(lambda identifier: identifier, str)

    def describe_published(self, name: Callable[[str], str], day: Callable[[date], str]) -> tuple[str, ...]:
        """Return :attr:`published_anomalies` with names and days for readers of the site.

        ``name`` returns the name of a metric or a source by id.
        """
        return (
            *(f"doubtful: {found.describe(name(found.metric_id), day)}" for found in self.outliers),
            *(f"dip: {found.describe(name(found.source), day)}" for found in self.registry_dips),
            *(f"unusual revision: {found.describe(name(found.metric_id), day)}" for found in self.unusual_revisions),
            *(
                f'renamed: {name(metric_id)} is now {current}; write subject = "{current}" in cmetrics.toml'
                for metric_id, current in self.renamed.items()
            ),
            *(f"damaged: {found.describe(name(found.metric_id), day)}" for found in self.damaged),
            *(found.describe(name(found.metric_id), day) for found in self.counter_breaks),
        )


def build_quality(
    metrics: Sequence[Metric],
    specs: Mapping[str, SourceSpec],
    stored: SeriesTable,
    recent: SeriesTable,
    log: OutcomeLog,
    revisions: Iterable[Revision],
    *,
    as_of: date,
    damaged: SeriesTable | None = None,
    intervals: Intervals | None = None,
) -> DataQuality:
    """Return the data quality on ``as_of``.

    ``stored`` has all stored days of each metric, including those after ``as_of``; ``recent`` has all columns of at
    least the last :data:`cmetrics.analytics.anomalies.READ_DAYS` days. Revisions are newest run first. ``damaged``
    has all columns of at least the days for which sources are known to report values that are too low, and is
    ``recent`` by default. ``intervals`` are those of all counters.
    """
    states = build_states(metrics, stored, as_of)
    future = stored.where(stored.days > as_of.toordinal())
    future_days = {metric_id: tuple(to_dates(future.days[rows])) for metric_id, rows in future.slices.items()}
    by_source: dict[str, list[MetricState]] = {}
    for metric in metrics:
        by_source.setdefault(metric.source, []).append(states[metric.metric_id])
    published = {source: DaySet.union(s.daily for s in of_source) for source, of_source in by_source.items()}
    outliers, registry_dips = find_anomalies(metrics, recent, as_of)
    downloads = {metric.metric_id for metric in metrics if metric.measure.is_flow}
    return DataQuality(
        gaps={
            m.metric_id: find_gaps(m, states[m.metric_id], published[m.source], specs[m.source], log, as_of)
            for m in metrics
        },
        outliers=outliers,
        registry_dips=registry_dips,
        unusual_revisions=tuple(r for r in revisions if r.is_unusual and r.metric_id in downloads),
        renamed=_renamed(metrics, recent),
        future_days={m.metric_id: future_days[m.metric_id] for m in metrics if m.metric_id in future_days},
        damaged=tuple(_damaged(metrics, specs, recent if damaged is None else damaged)),
        counter_breaks=tuple(_counter_breaks(metrics, intervals, as_of)) if intervals is not None else (),
    )


def _counter_breaks(metrics: Iterable[Metric], intervals: Intervals, as_of: date) -> Iterator[CounterBreak]:
    """Yield the unknown intervals of counters that ended in the last :data:`JUDGED_DAYS` days."""
    first = window(as_of, JUDGED_DAYS)
    for metric in (metric for metric in metrics if metric.measure.is_counter):
        for interval in intervals.of(metric.metric_id):
            if interval.flow is None and first <= interval.end_day <= as_of:
                yield CounterBreak(metric.metric_id, interval)


def _damaged(metrics: Iterable[Metric], specs: Mapping[str, SourceSpec], table: SeriesTable) -> Iterator[DamagedDays]:
    """Yield the values that were counted only in part, unless those of another service have replaced them."""
    for metric in metrics:
        for loss in specs[metric.source].damaged_days:
            within = table.within(Span(loss.first, loss.last)) & table.owned_by({metric.metric_id}) & ~table.is_seed
            rows = np.flatnonzero(within)
            refs = table.texts("source_ref", rows) if len(rows) else []
            dates = to_dates(table.days[rows])
            days = [day for day, ref in zip(dates, refs, strict=True) if not is_stand_in_ref(ref)]
            if days:
                yield DamagedDays(metric.metric_id, tuple(days), loss.reason)


def build_states(metrics: Iterable[Metric], stored: SeriesTable, as_of: date) -> dict[str, MetricState]:
    """Return the states of ``metrics`` by id, from their stored days up to ``as_of``."""
    published = stored.where(stored.days <= as_of.toordinal())
    ids = published.metric_ids
    daily, seeds = (
        dict(zip(ids, build_day_sets(published.owners[rows], published.days[rows], len(ids)), strict=True))
        for rows in (~published.is_seed, published.is_seed)
    )
    return {
        m.metric_id: build_state(m, daily.get(m.metric_id, NO_DAYS), seeds.get(m.metric_id, NO_DAYS)) for m in metrics
    }


def _future_text(metric_id: str, days: Sequence[date]) -> str:
    if len(days) == 1:
        what = f"the value of a day that has not ended ({days[0]})"
    else:
        what = f"the values of {len(days)} days that have not ended ({days[0]} to {days[-1]})"
    return f"ahead: {metric_id} has {what}; not shown until then; check the clock of the machine that wrote it"


def _renamed(metrics: Sequence[Metric], recent: SeriesTable) -> dict[str, str]:
    names: dict[str, str] = {}
    stars = recent.where(recent.owned_by({metric.metric_id for metric in metrics if metric.measure.is_stars}))
    for metric_id, rows in stars.slices.items():
        for number in range(rows.stop - 1, rows.start - 1, -1):
            (text,) = stars.texts("source_ref", np.array([number]))
            if (ref := parse_star_ref(text)) is not None:
                names[metric_id] = ref.repository
                break
    return {
        metric.metric_id: name
        for metric in metrics
        if (name := names.get(metric.metric_id)) and name.lower() != metric.subject.lower()
    }
