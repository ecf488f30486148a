"""`cmetrics rename`."""

from __future__ import annotations

from typing import Annotated

import typer

from cmetrics.cli.options import AsJson, Config, Db, MetricId, Quiet, Yes
from cmetrics.cli.runtime import get_runtime


def rename(
    context: typer.Context,
    old: Annotated[
        MetricId, typer.Argument(metavar="OLD", help="Id in the store.", parser=MetricId, show_default=False)
    ],
    new: Annotated[
        MetricId, typer.Argument(metavar="NEW", help="New id of the rows.", parser=MetricId, show_default=False)
    ],
    yes: Yes = False,
    db: Db = None,
    config: Config = None,
    json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Change the id of a metric.

    All rows of OLD become rows of NEW. If NEW has a value for the same day, the newer value is used. The store is
    exported to data/backups first. Links to OLD stop working. Not needed for a renamed product, which keeps its ids.
    """
    from cmetrics.cli.configuration import load_configuration
    from cmetrics.cli.confirm import confirm
    from cmetrics.cli.output import print_progress
    from cmetrics.cli.run_job import run_job
    from cmetrics.export.backup import back_up, backup_folder
    from cmetrics.ingest.context import RunContext
    from cmetrics.ingest.rename import check_rename
    from cmetrics.ingest.rename import rename as run
    from cmetrics.store.lance_store import LanceStore

    now = get_runtime(context).clock()
    settings, catalog = load_configuration(db, config)
    check_rename(LanceStore.open(settings.store), RunContext(settings, catalog, now), old, new)
    backup = back_up(settings, backup_folder(now))
    print_progress(f"exported to {backup.folder}")
    if not yes:
        confirm(
            f"Rename {old} to {new}?",
            "rename needs a terminal to ask for confirmation; nothing was changed",
            hint="use --yes to rename",
        )
    run_job(
        lambda progress: run(RunContext(settings, catalog, now, progress), old, new, backup), json=json, quiet=quiet
    )
