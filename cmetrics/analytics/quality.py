"""What is missing or implausible in the store, for `status` and for the page."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date

from cmetrics.analytics.anomalies import Outlier, RegistryDip, find_anomalies
from cmetrics.analytics.gaps import Gap, build_published_days, count_missing_days, find_gaps
from cmetrics.domain.metric import Family, Metric, SourceSpec
from cmetrics.domain.observation import Observation, parse_star_ref
from cmetrics.domain.outcome import OutcomeLog
from cmetrics.domain.revision import Revision
from cmetrics.domain.state import MetricState, StoredDay, build_states


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
    #: By metric id: the current name of a repository that the catalogue still calls by an old one.
    renamed: Mapping[str, str] = field(default_factory=dict)
    #: By metric id: stored days that have not ended, ascending. Nothing else shows them.
    future_days: Mapping[str, tuple[date, ...]] = field(default_factory=dict)

    def missing_days(self, metric_id: str) -> int:
        """Return how many days of the metric are missing, without those before its first publication."""
        return count_missing_days(self.gaps.get(metric_id, ()))

    @property
    def anomalies(self) -> tuple[str, ...]:
        """Everything but the gaps, each as a sentence."""
        return (
            *(f"doubtful: {outlier.text}" for outlier in self.outliers),
            *(f"dip: {registry_dip.text}" for registry_dip in self.registry_dips),
            *(f"unusual revision: {revision.text}" for revision in self.unusual_revisions),
            *(
                f'renamed: {metric_id} is now {name}; write subject = "{name}" in cmetrics.toml'
                for metric_id, name in self.renamed.items()
            ),
            *(_future_text(metric_id, days) for metric_id, days in self.future_days.items()),
        )


def build_quality(
    metrics: Sequence[Metric],
    specs: Mapping[str, SourceSpec],
    stored: Mapping[str, Sequence[StoredDay]],
    rows: Iterable[Observation],
    log: OutcomeLog,
    revisions: Iterable[Revision],
    *,
    as_of: date,
) -> DataQuality:
    """Return the data quality on ``as_of``.

    ``stored`` holds all stored days of each metric, also those after ``as_of``; ``rows`` are those of at
    least the last :data:`cmetrics.analytics.anomalies.READ_DAYS` days. Revisions come newest run first.
    """
    rows = list(rows)
    states = build_states(metrics, stored, as_of)
    by_source: dict[str, list[MetricState]] = {}
    for metric in metrics:
        by_source.setdefault(metric.source, []).append(states[metric.metric_id])
    published = {source: build_published_days(of_source) for source, of_source in by_source.items()}
    outliers, registry_dips = find_anomalies(metrics, rows, as_of)
    downloads = {metric.metric_id for metric in metrics if metric.family is Family.DOWNLOADS}
    return DataQuality(
        gaps={
            m.metric_id: find_gaps(m, states[m.metric_id], published[m.source], specs[m.source], log, as_of)
            for m in metrics
        },
        outliers=outliers,
        registry_dips=registry_dips,
        unusual_revisions=tuple(r for r in revisions if r.is_unusual and r.metric_id in downloads),
        renamed=_renamed(metrics, rows),
        future_days={
            m.metric_id: days
            for m in metrics
            if (days := tuple(sorted(day for day, _ in stored.get(m.metric_id, ()) if day > as_of)))
        },
    )


def _future_text(metric_id: str, days: Sequence[date]) -> str:
    if len(days) == 1:
        what = f"the value of a day that has not ended ({days[0]})"
    else:
        what = f"the values of {len(days)} days that have not ended ({days[0]} to {days[-1]})"
    return f"ahead: {metric_id} has {what}; not shown until then; check the clock of the machine that wrote it"


def _renamed(metrics: Iterable[Metric], rows: Iterable[Observation]) -> dict[str, str]:
    names: dict[str, str] = {}
    for row in sorted(rows, key=lambda row: row.period_end):
        if (ref := parse_star_ref(row.source_ref)) is not None:
            names[row.metric_id] = ref.repository
    return {
        metric.metric_id: name
        for metric in metrics
        if (name := names.get(metric.metric_id)) and name.lower() != metric.subject.lower()
    }
