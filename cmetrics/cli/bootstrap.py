"""`cmetrics bootstrap`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from cmetrics.cli.options import AsJson, Config, Db, Quiet
from cmetrics.cli.runtime import get_runtime
from cmetrics.domain.errors import UsageError


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
    from cmetrics.cli.output import print_progress
    from cmetrics.cli.run_job import run_job
    from cmetrics.export.backup import back_up
    from cmetrics.ingest.bootstrap import bootstrap as run
    from cmetrics.ingest.context import RunContext

    now = get_runtime(context).clock()
    settings, catalog = load_configuration(db, config)
    backup = back_up(settings, Path("data") / "backups" / f"{now:%Y%m%dT%H%M%SZ}")
    if backup.folder is not None:
        print_progress(f"{settings.store.label} has rows; exported to {backup.folder}")
        if not yes:
            _confirm()
    run_job(
        lambda progress: run(RunContext(settings, catalog, now, progress), backup),
        catalog,
        json=json,
        quiet=quiet,
    )


def _confirm() -> None:
    """Ask on the terminal; raise UsageError unless the answer is yes."""
    if not sys.stdin.isatty():
        msg = "bootstrap drops all rows and cannot ask without a terminal; nothing was dropped"
        raise UsageError(msg, hint="use --yes to drop them")
    try:
        confirmed = typer.confirm("Drop all rows?", err=True)
    except typer.Abort:
        # End of input is not a yes.
        confirmed = False
    if not confirmed:
        msg = "not confirmed; nothing was dropped"
        raise UsageError(msg)
