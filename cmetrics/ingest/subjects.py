"""Check that the subjects of a new catalogue exist, with the requests of a refresh and without a store."""

from __future__ import annotations

from contextlib import closing

from cmetrics.domain.errors import SourceError
from cmetrics.domain.observation import parse_star_ref
from cmetrics.ingest.context import RunContext
from cmetrics.ingest.fetch import fetch
from cmetrics.sources.base import FetchRequest, FetchResult


def check_subjects(context: RunContext) -> dict[str, str | SourceError]:
    """Return the current name of each subject by metric id, or the error of the service.

    NotFound means that the service does not know the subject. With any other error, it is unknown
    whether the subject exists.
    """
    last = context.last_day
    requests = [
        FetchRequest(metric, (last,), frozenset({last}), last, take_current=not metric.measure.is_flow)
        for metric in context.catalog.metrics
    ]
    with closing(fetch(requests, context)) as results:
        return {result.request.metric.metric_id: result.error or _current_name(result) for result in results}


def _current_name(result: FetchResult) -> str:
    """Return the subject, or the new name of a renamed repository."""
    refs = (parse_star_ref(value.source_ref) for value in result.values)
    return next((ref.repository for ref in refs if ref is not None), result.request.metric.subject)
