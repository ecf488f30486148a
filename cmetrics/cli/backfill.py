"""`cmetrics backfill`."""

from __future__ import annotations

from datetime import date
from typing import Annotated

import typer

from cmetrics.cli.options import AsJson, Config, Db, MetricIds, Only, Quiet, iso_day, whole_number
from cmetrics.cli.runtime import get_runtime

LOOKBACK = "--lookback-days"


def backfill(
    context: typer.Context,
    lookback_days: Annotated[
        int | None,
        typer.Option(
            LOOKBACK,
            metavar="DAYS",
            parser=whole_number(LOOKBACK, "days", least=1, most=3650),
            help="Recompute the last DAYS days; 90 if no window is given.",
            show_default=False,
        ),
    ] = None,
    start: Annotated[
        date | None,
        typer.Option(
            "--start",
            metavar="DATE",
            parser=iso_day("--start"),
            help="First day (YYYY-MM-DD); archives provide older days.",
            show_default=False,
        ),
    ] = None,
    end: Annotated[
        date | None,
        typer.Option(
            "--end",
            metavar="DATE",
            parser=iso_day("--end"),
            help="Last day (YYYY-MM-DD); the last completed UTC day if not set.",
            show_default=False,
        ),
    ] = None,
    full: Annotated[bool, typer.Option("--full", help="Recompute every day since the first release.")] = False,
    only: Only = None,
    metric: MetricIds = None,
    db: Db = None,
    config: Config = None,
    json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Recompute a window of days.

    With --start or --full, archives provide the days that the sources no longer serve. Results are stored as
    they arrive, so an interrupted backfill can be started again.
    """
    from cmetrics.cli.configuration import announce_default_catalog, load_job
    from cmetrics.cli.progress import Announced
    from cmetrics.cli.run_job import run_job
    from cmetrics.domain.days import last_completed_day
    from cmetrics.domain.run import Job
    from cmetrics.ingest.context import RunContext
    from cmetrics.ingest.run import Selection
    from cmetrics.ingest.run import backfill as run
    from cmetrics.ingest.window import choose_window

    runtime = get_runtime(context)
    now = runtime.clock()
    span, deep = choose_window(last_completed_day(now), lookback_days=lookback_days, start=start, end=end, full=full)
    settings, catalog, report = load_job(Job.BACKFILL, db, config, now)
    announce = announce_default_catalog(settings, catalog, quiet=quiet)
    selection = Selection(only, tuple(metric or ()))
    run_job(
        lambda progress: run(
            RunContext(settings, catalog, now, Announced(progress, announce), runtime.clock, runtime.sleep),
            span,
            selection=selection,
            deep=deep,
        ),
        report=report,
        json=json,
        quiet=quiet,
    )
