"""`cmetrics refresh`."""

from __future__ import annotations

from typing import Annotated

import typer

from cmetrics.cli.options import AsJson, Config, Db, MetricIds, Only, Quiet, whole_number
from cmetrics.cli.runtime import get_runtime

LOOKBACK = "--lookback-days"


def refresh(
    context: typer.Context,
    lookback_days: Annotated[
        int,
        typer.Option(
            LOOKBACK,
            metavar="DAYS",
            parser=whole_number(LOOKBACK, "days", most=3650),
            help="Request at least the last DAYS days again.",
        ),
    ] = 0,
    only: Only = None,
    metric: MetricIds = None,
    db: Db = None,
    config: Config = None,
    json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Collect new days and fill gaps.

    This is the nightly job. For each metric, it requests the days since the last stored one, the days that the source
    still revises, and every gap that the source can fill.
    """
    from cmetrics.cli.configuration import announce_default_catalog, load_job
    from cmetrics.cli.progress import Announced
    from cmetrics.cli.run_job import run_job
    from cmetrics.domain.run import Job
    from cmetrics.ingest.context import RunContext
    from cmetrics.ingest.run import Selection
    from cmetrics.ingest.run import refresh as run

    runtime = get_runtime(context)
    now = runtime.clock()
    settings, catalog, report = load_job(Job.REFRESH, db, config, now)
    announce = announce_default_catalog(settings, catalog, quiet=quiet)
    selection = Selection(only, tuple(metric or ()))
    run_job(
        lambda progress: run(
            RunContext(settings, catalog, now, Announced(progress, announce), runtime.clock, runtime.sleep),
            lookback_days=lookback_days,
            selection=selection,
        ),
        report=report,
        json=json,
        quiet=quiet,
    )
