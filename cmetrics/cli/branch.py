"""The commands for a ledger that lives on a branch of a git repository."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Annotated

import typer

from cmetrics.cli.app import AsJson, Db, Quiet, app

Folder = Annotated[Path, typer.Argument(metavar="[DIR]", help="The clone of the data branch.", show_default=True)]
CLONE = Path("data/ledger")


@app.command("pull-data")
def pull_data(
    folder: Folder = CLONE,
    remote: Annotated[
        str | None,
        typer.Option("--remote", help="Repository that keeps the branch; DIR remembers it.", show_default=False),
    ] = None,
    branch: Annotated[
        str | None, typer.Option("--branch", help="Its branch for data; `data` if left out.", show_default=False)
    ] = None,
    db: Db = None,
    json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Bring the data branch: its rows go into the store, newer ones that the store has stay.

    A branch that is not there yet is an empty beginning; one that was replaced is refused.
    """
    from cmetrics.cli.configuration import read_settings
    from cmetrics.cli.output import print_json, print_result
    from cmetrics.cli.progress import make_progress
    from cmetrics.cli.summary import summary_json
    from cmetrics.domain.days import utc_now
    from cmetrics.export.sync import pull

    settings = read_settings(db=db)
    progress = make_progress(quiet=quiet)
    done = pull(settings, folder, remote=remote, branch=branch, now=utc_now(), progress=progress)
    if json:
        restored = summary_json(done.restored) if done.restored else None
        print_json({"folder": str(folder), "branch": done.branch, "commit": done.commit, "restored": restored})
    elif not quiet and done.restored is None:
        print_result(f"the branch {done.branch} does not exist yet; push-data makes it")
    elif not quiet and done.restored:
        counts = done.restored.counts
        print_result(
            f"branch {done.branch} at {(done.commit or '')[:12]}: "
            f"{counts.inserted} values added, {counts.updated} updated, {counts.unchanged} as they were"
        )


@app.command("push-data")
def push_data(
    folder: Folder = CLONE,
    allow_loss: Annotated[
        bool, typer.Option("--allow-loss", help="Drop rows of the branch that the store does not have.")
    ] = False,
    db: Db = None,
    json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Export the store to the data branch, commit and push it; what others pushed meanwhile is merged."""
    from cmetrics.cli.configuration import read_settings
    from cmetrics.cli.output import print_json, print_result
    from cmetrics.cli.progress import make_progress
    from cmetrics.domain.days import utc_now
    from cmetrics.export.sync import push

    settings = read_settings(db=db)
    progress = make_progress(quiet=quiet)
    done = push(settings, folder, allow_loss=allow_loss, now=utc_now(), progress=progress, sleep=time.sleep)
    new, revised = done.exported.new, done.exported.revised
    if json:
        print_json(
            {
                "folder": str(folder),
                "branch": done.branch,
                "commit": done.commit,
                "new": new,
                "revised": revised,
                "merges": done.merges,
            }
        )
    elif not quiet:
        merged = ", merged with what others pushed meanwhile" if done.merges else ""
        print_result(f"branch {done.branch} at {done.commit[:12]}: {new} new, {revised} revised values{merged}")
