"""`cmetrics restore`."""

from __future__ import annotations

import typer

from cmetrics.cli.options import DEFAULT_EXPORT, AsJson, Config, Db, ExportFolder, Quiet
from cmetrics.cli.runtime import get_runtime


def restore(
    context: typer.Context,
    folder: ExportFolder = DEFAULT_EXPORT,
    db: Db = None,
    config: Config = None,
    json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Read an export back into the store.

    Rows are added and updated, never removed.
    """
    from cmetrics.cli.configuration import load_configuration
    from cmetrics.cli.run_job import run_job
    from cmetrics.export.restore import restore as run

    now = get_runtime(context).clock()
    settings, _ = load_configuration(db, config)
    run_job(lambda progress: run(settings, folder, now=now, progress=progress), json=json, quiet=quiet)
