"""What a run needs besides its plan, as one object."""

from __future__ import annotations

import asyncio
from collections import Counter
from dataclasses import dataclass, field
from datetime import date, datetime

from cmetrics.catalog import Catalog
from cmetrics.domain.days import Clock, last_completed_day, utc_now
from cmetrics.http.service import Sleep
from cmetrics.ingest.progress import NoProgress, Progress
from cmetrics.settings import Settings


@dataclass(frozen=True, slots=True)
class RunContext:
    """Settings, catalogue, time and display of one run. Created once per command."""

    settings: Settings
    catalog: Catalog
    #: The time of the run. Every day that it requests and the time of every row that it writes follow
    #: from this one reading of the clock, also when the run lasts beyond midnight UTC.
    now: datetime
    progress: Progress = field(default_factory=NoProgress)
    #: The running clock: for the HTTP client, which compares it with the clocks of the services, and
    #: for the time at which the run ended. No day of a row follows from it.
    clock: Clock = utc_now
    sleep: Sleep = asyncio.sleep
    #: HTTP requests by source and archive; `fetch` counts them.
    requests_sent: Counter[str] = field(default_factory=Counter)

    @property
    def last_day(self) -> date:
        """The last completed UTC day."""
        return last_completed_day(self.now)
