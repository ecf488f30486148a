"""The context of a run: everything it needs besides its plan."""

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
    """Settings, catalogue, time and progress display of one run. Created once per command."""

    settings: Settings
    catalog: Catalog
    #: The time of the run, read once. It determines every requested day and the time of every written
    #: row, even if the run lasts past midnight UTC.
    now: datetime
    progress: Progress = field(default_factory=NoProgress)
    #: The current time, for comparison with the clocks of the services and for the end time of the run.
    #: Never used to determine a day.
    clock: Clock = utc_now
    sleep: Sleep = asyncio.sleep
    #: HTTP requests by source and archive; `fetch` counts them.
    requests_sent: Counter[str] = field(default_factory=Counter)

    @property
    def last_day(self) -> date:
        """The last completed UTC day."""
        return last_completed_day(self.now)
