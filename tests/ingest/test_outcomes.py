from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime

from cmetrics.domain.days import DAY
from cmetrics.domain.outcome import Outcome
from cmetrics.domain.run import MetricOutcome, MetricStatus
from cmetrics.ingest.outcomes import build_outcomes
from tests.samples import a_metric, a_request

AT = datetime(2026, 11, 23, 4, tzinfo=UTC)
LAST = date(2026, 11, 22)
NPM, CRATE = a_metric("npm"), a_metric("cratesio")


def test_one_row_per_metric_with_its_window():
    """The window spans the days of the source and of its archive; without a request, there is none."""
    request = replace(a_request(NPM, LAST - 9 * DAY, LAST), archive_days=(LAST - 900 * DAY, LAST - 899 * DAY))
    metrics = [
        MetricOutcome(NPM.metric_id, MetricStatus.PENDING, days_stored=9, pending_days=1),
        MetricOutcome(CRATE.metric_id, MetricStatus.SKIPPED),
    ]
    assert build_outcomes("r", metrics, [request], AT) == [
        Outcome("r", NPM.metric_id, MetricStatus.PENDING, LAST - 900 * DAY, LAST, 9, 1, None, AT),
        Outcome("r", CRATE.metric_id, MetricStatus.SKIPPED, None, None, 0, 0, None, AT),
    ]


def test_a_failed_metric_keeps_its_error():
    """The error of a metric is stored completely."""
    failed = MetricOutcome(NPM.metric_id, MetricStatus.FAILED, error="npm | is: down")
    (row,) = build_outcomes("r", [failed], [a_request(NPM, LAST, LAST)], AT)
    assert (row.status, row.error) == (MetricStatus.FAILED, "npm | is: down")
