"""A full backfill that waits for nobody and stores after every answer.

The same services, store and code as for the installed command; only each service's pace is left
out, so that a run may be interrupted often. `Workspace.runtime = {"hasty": True}` makes it what commands do.
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

#: The longest pause that any service's pace asks for.
LONGEST_GAP = 2.0


async def without_pace(seconds: float) -> None:
    """No pause between two requests; a service that said no is still waited for."""
    await asyncio.sleep(0 if seconds <= LONGEST_GAP else seconds)


def run(settings: Settings, first: date = LONG_AGO, last: date | None = None) -> RunSummary:
    context = RunContext(settings, load_catalog(settings.catalog, SPECS), utc_now(), sleep=without_pace)
    return backfill(context, Span(first, last or context.last_day), deep=True, store_interval=0.0)


def main() -> int:
    """Return the exit code of a run with the settings of this folder and environment."""
    return 0 if run(load_settings()).status == "success" else 1
