"""What came of each metric of each run: the rows of ``outcomes``."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

from cmetrics.domain.run import MetricStatus


@dataclass(frozen=True, slots=True)
class Outcome:
    """One row of ``outcomes``; its key is ``(ingestion_run_id, metric_id)``."""

    ingestion_run_id: str
    metric_id: str
    status: MetricStatus
    #: The oldest and the newest day that the source was asked for; None when it was asked for none.
    requested_from: date | None
    requested_to: date | None
    #: Days that the source stated and that the store now holds.
    days_stored: int
    #: Days that have ended and that the source had not published yet.
    pending_days: int
    #: Why the metric failed; None unless it did.
    error: str | None
    observed_at: datetime

    @property
    def is_answer(self) -> bool:
        """Whether the source answered for the whole requested window."""
        return self.status in (MetricStatus.OK, MetricStatus.PENDING) and self.requested_from is not None

    def requested(self, day: date) -> bool:
        """Whether ``day`` lies in the requested window."""
        return (
            self.requested_from is not None
            and self.requested_to is not None
            and self.requested_from <= day <= self.requested_to
        )
