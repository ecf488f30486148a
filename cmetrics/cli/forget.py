"""`cmetrics forget`."""

from __future__ import annotations

from typing import Annotated

import typer

from cmetrics.cli.options import AsJson, Config, Db, MetricId, Quiet, Yes
from cmetrics.cli.runtime import get_runtime


def forget(
    context: typer.Context,
    metric: Annotated[
        MetricId, typer.Argument(metavar="ID", help="Id in the store.", parser=MetricId, show_default=False)
    ],
    yes: Yes = False,
    db: Db = None,
    config: Config = None,
    json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Remove a metric and all its rows.

    The store is exported to data/backups first. To stop publishing a metric, remove it from the catalogue instead.
    """
    from cmetrics.cli.configuration import load_configuration
    from cmetrics.cli.confirm import confirm
    from cmetrics.cli.output import print_progress
    from cmetrics.cli.run_job import run_job
    from cmetrics.export.backup import back_up, backup_folder
    from cmetrics.ingest.context import RunContext
    from cmetrics.ingest.rename import check_forget
    from cmetrics.ingest.rename import forget as run
    from cmetrics.store.lance_store import LanceStore

    now = get_runtime(context).clock()
    settings, catalog = load_configuration(db, config)
    check_forget(LanceStore.open(settings.store), metric)
    backup = back_up(settings, backup_folder(now))
    print_progress(f"exported to {backup.folder}")
    if not yes:
        confirm(
            f"Remove {metric} and all its rows?",
            "forget removes rows and needs a terminal to ask for confirmation; nothing was changed",
            hint="use --yes to remove them",
        )
    run_job(lambda progress: run(RunContext(settings, catalog, now, progress), metric, backup), json=json, quiet=quiet)
