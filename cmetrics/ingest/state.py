"""What earlier runs have left for the plan: days lost, values doubted, repositories known."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import date

from cmetrics.analytics.anomalies import READ_DAYS, find_anomalies
from cmetrics.domain.days import Span, day_range, window
from cmetrics.domain.metric import PUBLISHED_WITHIN, Family, Metric
from cmetrics.domain.observation import StarRef, parse_star_ref
from cmetrics.domain.run import Run
from cmetrics.ingest.plan import MetricState
from cmetrics.store.lance_store import LanceStore

#: Where a repository's number is looked for first: it stands in every count that was taken on its day.
RECENT_DAYS = 60
#: A repository may have failed for years; its number must not be forgotten.
ALL_DAYS = 365 * 50


def remember(
    store: LanceStore, metrics: Sequence[Metric], held: Mapping[str, MetricState], runs: Sequence[Run], last_day: date
) -> dict[str, MetricState]:
    """``held`` with what the rows and the runs of the last months tell besides.

    Bounded reads: the values of the last weeks, and the origins of star counts, old ones only of
    repositories whose newest do not tell the number.
    """
    ids = [metric.metric_id for metric in metrics]
    outliers, _ = find_anomalies(
        metrics, store.observations(ids, Span(window(last_day, READ_DAYS), last_day)), last_day
    )
    doubtful: dict[str, set[date]] = {}
    for outlier in outliers:
        doubtful.setdefault(outlier.metric_id, set()).add(outlier.day)
    stars = [metric.metric_id for metric in metrics if metric.family is Family.STARS]
    repositories: dict[str, StarRef] = {}
    for days in (RECENT_DAYS, ALL_DAYS):
        unknown = [i for i in stars if (found := repositories.get(i)) is None or found.number is None]
        repositories |= newest_repositories(store.source_refs(unknown, Span(window(last_day, days), last_day)))
    return {
        metric_id: replace(
            known,
            lost=lost_days(known, metric_id, runs, last_day),
            doubtful=frozenset(doubtful.get(metric_id, ())),
            repository=repositories.get(metric_id),
        )
        for metric_id, known in held.items()
    }


def lost_days(held: MetricState, metric_id: str, runs: Iterable[Run], last_day: date) -> frozenset[date]:
    """Days behind the oldest one that the source was asked for two weeks ago or longer, in vain."""
    asked = [
        day
        for run in runs
        if run.has_asked(metric_id) and (day := run.started_at.date()) <= last_day - PUBLISHED_WITHIN
    ]
    if not asked or not held.daily:
        return frozenset()
    return frozenset(day_range(min(held.daily), max(asked))) - held.daily - held.snapshots - {max(asked)}


def newest_repositories(refs: Iterable[tuple[str, date, str]]) -> dict[str, StarRef]:
    """The repository of each metric as its newest row names it, with the newest number of any row."""
    found: dict[str, StarRef] = {}
    for metric_id, _, source_ref in sorted(refs):
        if (ref := parse_star_ref(source_ref)) is not None:
            earlier = found.get(metric_id)
            number = ref.number if ref.number is not None or earlier is None else earlier.number
            found[metric_id] = StarRef(ref.repository, number)
    return found
