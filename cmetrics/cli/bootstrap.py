"""`cmetrics bootstrap`."""

from __future__ import annotations

from typing import Annotated

import typer

from cmetrics.cli.options import AsJson, Config, Db, Quiet
from cmetrics.cli.runtime import get_runtime


def bootstrap(
    context: typer.Context,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Drop existing rows without asking.")] = False,
    db: Db = None,
    config: Config = None,
    json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Drop and recreate all tables.

    Existing rows are exported to data/backups first. Then the definitions and the seeded snapshots of the
    catalogue are loaded.
    """
    from cmetrics.cli.configuration import load_configuration
    from cmetrics.cli.confirm import confirm
    from cmetrics.cli.output import print_progress
    from cmetrics.cli.run_job import run_job
    from cmetrics.export.backup import back_up, backup_folder
    from cmetrics.ingest.bootstrap import bootstrap as run
    from cmetrics.ingest.context import RunContext

    now = get_runtime(context).clock()
    settings, catalog = load_configuration(db, config)
    backup = back_up(settings, backup_folder(now))
    if backup.folder is not None:
        print_progress(f"{settings.store.label} has rows; exported to {backup.folder}")
        if not yes:
            confirm(
                "Drop all rows?",
                "bootstrap drops all rows and needs a terminal to ask for confirmation; nothing was dropped",
                hint="use --yes to skip the confirmation",
            )
    run_job(
        lambda progress: run(RunContext(settings, catalog, now, progress), backup),
        json=json,
        quiet=quiet,
    )
