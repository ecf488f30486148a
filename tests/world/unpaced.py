"""A full backfill that makes no pauses and stores after every response.

Services, store and code are those of the installed command; only the pace of requests is skipped, so that a run can be
interrupted at many points. `Workspace.runtime = {"unpaced": True}` selects it.
"""

from __future__ import annotations

import asyncio
from datetime import date

from cmetrics.catalog import load_catalog
from cmetrics.domain.days import Span, utc_now
from cmetrics.domain.run import RunSummary
from cmetrics.ingest.context import RunContext
from cmetrics.ingest.plan import LONG_AGO
from cmetrics.ingest.run import backfill
from cmetrics.settings import Settings, load_settings
from cmetrics.sources import SPECS

#: The longest pause between requests of any service.
LONGEST_GAP = 2.0


async def skip_pace(seconds: float) -> None:
    """Skip pauses between requests, but not those that a service asks for."""
    await asyncio.sleep(0 if seconds <= LONGEST_GAP else seconds)


def run(settings: Settings, first: date = LONG_AGO, last: date | None = None) -> RunSummary:
    context = RunContext(settings, load_catalog(settings.catalog, SPECS), utc_now(), sleep=skip_pace)
    return backfill(context, Span(first, last or context.last_day), deep=True, store_interval=0.0)


def main() -> int:
    """Return the exit code of a run with the settings of this folder and environment."""
    return 0 if run(load_settings()).status == "success" else 1
