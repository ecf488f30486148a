"""What is wrong or odd in the store, for `status` and for the page. Pure, from what is stored."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date

from cmetrics.analytics.anomalies import Outlier, RegistryDip, find_anomalies
from cmetrics.analytics.gaps import Gap, Kept, build_kept, build_landed, explain
from cmetrics.domain.metric import Family, Metric, SourceSpec
from cmetrics.domain.observation import Observation, parse_star_ref
from cmetrics.domain.revision import Revision
from cmetrics.domain.run import Run


@dataclass(frozen=True, slots=True)
class Findings:
    """Everything about one day that somebody may want to look into."""

    #: By metric id, ascending; every missing day of every metric, with its reason.
    gaps: Mapping[str, tuple[Gap, ...]] = field(default_factory=dict)
    #: Stored values far outside their neighbourhood, by day.
    outliers: tuple[Outlier, ...] = ()
    #: Days on which all metrics of a source fell together.
    registry_dips: tuple[RegistryDip, ...] = ()
    #: Settled days of downloads that changed by more than half, newest run first.
    unusual_revisions: tuple[Revision, ...] = ()
    #: By metric id: the present name of a repository that the catalogue still calls by an old one.
    moved: Mapping[str, str] = field(default_factory=dict)
    #: By metric id: stored days that have not ended, ascending. Nothing else shows them.
    ahead: Mapping[str, tuple[date, ...]] = field(default_factory=dict)

    @property
    def oddities(self) -> tuple[str, ...]:
        """Everything but the gaps, each in a sentence."""
        return (
            *(f"doubtful: {outlier.text}" for outlier in self.outliers),
            *(f"dip: {registry_dip.text}" for registry_dip in self.registry_dips),
            *(f"unusual revision: {revision.text}" for revision in self.unusual_revisions),
            *(
                f'moved: {metric_id} is {name} now; write subject = "{name}" in cmetrics.toml'
                for metric_id, name in self.moved.items()
            ),
            *(
                f"ahead: {metric_id} has {_values(days)} that {'has' if len(days) == 1 else 'have'} not ended "
                f"({days[0]}{'' if len(days) == 1 else f' to {days[-1]}'}); not shown until then; "
                "check the clock of the machine that wrote it"
                for metric_id, days in self.ahead.items()
            ),
        )


def build_findings(
    metrics: Sequence[Metric],
    specs: Mapping[str, SourceSpec],
    days: Mapping[str, Iterable[tuple[date, bool]]],
    rows: Iterable[Observation],
    runs: Sequence[Run],
    revisions: Iterable[Revision],
    *,
    as_of: date,
) -> Findings:
    """The findings of ``as_of``.

    ``days`` are all stored days of each metric, each with whether it is a seeded snapshot, later ones
    than ``as_of`` too; ``rows``
    are those of at least the last :data:`cmetrics.analytics.anomalies.READ_DAYS` days. Runs and revisions
    come newest first.
    """
    rows = list(rows)
    kept = {
        m.metric_id: build_kept(m, ((day, is_seed) for day, is_seed in days.get(m.metric_id, ()) if day <= as_of))
        for m in metrics
    }
    by_source: dict[str, list[Kept]] = {}
    for metric in metrics:
        by_source.setdefault(metric.source, []).append(kept[metric.metric_id])
    landed = {source: build_landed(found) for source, found in by_source.items()}
    outliers, registry_dips = find_anomalies(metrics, rows, as_of)
    downloads = {metric.metric_id for metric in metrics if metric.family is Family.DOWNLOADS}
    return Findings(
        gaps={
            metric.metric_id: explain(kept[metric.metric_id], landed[metric.source], specs[metric.source], runs, as_of)
            for metric in metrics
        },
        outliers=outliers,
        registry_dips=registry_dips,
        unusual_revisions=tuple(r for r in revisions if r.is_unusual and r.metric_id in downloads),
        moved=_moved(metrics, rows),
        ahead={
            m.metric_id: found
            for m in metrics
            if (found := tuple(sorted(day for day, _ in days.get(m.metric_id, ()) if day > as_of)))
        },
    )


def _values(days: Sequence[date]) -> str:
    return "the value of a day" if len(days) == 1 else f"the values of {len(days)} days"


def _moved(metrics: Iterable[Metric], rows: Iterable[Observation]) -> dict[str, str]:
    names: dict[str, str] = {}
    for row in sorted(rows, key=lambda row: row.period_end):
        if (ref := parse_star_ref(row.source_ref)) is not None:
            names[row.metric_id] = ref.repository
    return {
        metric.metric_id: name
        for metric in metrics
        if (name := names.get(metric.metric_id)) and name.lower() != metric.subject.lower()
    }
