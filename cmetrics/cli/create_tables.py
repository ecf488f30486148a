"""`cmetrics create-tables`."""

from __future__ import annotations

from typing import TypedDict

import typer

from cmetrics.cli.options import AsJson, Config, Db, Quiet
from cmetrics.cli.runtime import get_runtime


class TablesDocument(TypedDict):
    """The output of `create-tables --json`."""

    store: str
    #: Names of the tables that were missing.
    created: list[str]


def create_tables(
    context: typer.Context,
    db: Db = None,
    config: Config = None,
    json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Create missing tables.

    Needed once for a bucket or a cluster; in a folder, tables are created when they are needed. Also writes the
    definitions of the catalogue. Drops nothing, and can be repeated.
    """
    from cmetrics.cli.configuration import load_configuration
    from cmetrics.cli.output import print_json, print_result, print_warning
    from cmetrics.cli.progress import make_progress
    from cmetrics.ingest.context import RunContext
    from cmetrics.ingest.tables import create_tables as run

    settings, catalog = load_configuration(db, config)
    created, warnings = run(RunContext(settings, catalog, get_runtime(context).clock(), make_progress(quiet=quiet)))
    for text in warnings:
        print_warning(text)
    if json:
        document: TablesDocument = {"store": settings.store.label, "created": created}
        print_json(document)
    elif not quiet:
        what = f"created {', '.join(created)}" if created else "all tables exist; nothing was created"
        print_result(f"{settings.store.label}: {what}")
