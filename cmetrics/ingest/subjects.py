"""Does a service know a package? Asked as a refresh would ask, without a store."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from cmetrics.domain.days import Clock, last_completed_day
from cmetrics.domain.errors import SourceError
from cmetrics.domain.metric import Family, Metric
from cmetrics.domain.observation import parse_star_ref
from cmetrics.http.service import Sleep
from cmetrics.ingest.fetch import fetch
from cmetrics.settings import Settings
from cmetrics.sources.base import FetchRequest, FetchResult


def check_subjects(
    metrics: Sequence[Metric], *, contact: str, settings: Settings, clock: Clock, sleep: Sleep = asyncio.sleep
) -> dict[str, str | SourceError]:
    """By metric id: the name that the service uses for the subject now, or why it gave no answer.

    NotFound means that the service does not know it; every other error, that it could not be asked.
    """
    last = last_completed_day(clock())
    requests = [
        FetchRequest(metric, (last,), frozenset({last}), last, take_current=metric.family is Family.STARS)
        for metric in metrics
    ]
    harvest = fetch(
        requests,
        contact=contact,
        github_token=settings.github_token,
        network=settings.network,
        cache=None,
        clock=clock,
        on_result=lambda _result: None,
        on_progress=lambda _source, _step: None,
        sleep=sleep,
    )
    return {result.request.metric.metric_id: result.error or _present_name(result) for result in harvest.results}


def _present_name(result: FetchResult) -> str:
    """A repository may have moved; its count says under which name it was found."""
    refs = (parse_star_ref(value.source_ref) for value in result.values)
    return next((ref.repository for ref in refs if ref is not None), result.request.metric.subject)
