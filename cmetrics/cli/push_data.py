"""`cmetrics push-data`."""

from __future__ import annotations

import time
from typing import Annotated, TypedDict

import typer

from cmetrics.cli.options import DEFAULT_CLONE, AllowLoss, AsJson, CloneFolder, Db, Quiet
from cmetrics.cli.runtime import get_runtime
from cmetrics.domain.plural import plural


class PushDocument(TypedDict):
    """The output of `push-data --json`."""

    folder: str
    branch: str
    commit: str
    #: The number of values that the last export added.
    new: int
    #: The number of values that it changed.
    revised: int
    #: The number of merges with other commits before the push.
    merges: int


def push_data(
    context: typer.Context,
    folder: CloneFolder = DEFAULT_CLONE,
    allow_loss: AllowLoss = False,
    remote: Annotated[
        str | None,
        typer.Option("--remote", metavar="URL", help="Address with credentials; not stored.", show_default=False),
    ] = None,
    db: Db = None,
    json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Export the store to the data branch.

    Commits and pushes. If others have pushed in the meantime, merges their commits first.
    """
    from cmetrics.cli.configuration import read_settings, reported
    from cmetrics.cli.output import print_json, print_result
    from cmetrics.cli.progress import make_progress
    from cmetrics.export.sync import push

    progress = make_progress(quiet=quiet)
    now = get_runtime(context).clock()
    with reported("push-data", now):
        pushed = push(
            read_settings(db=db),
            folder,
            allow_loss=allow_loss,
            now=now,
            progress=progress,
            sleep=time.sleep,
            remote=remote,
        )
    new, revised = pushed.exported.new, pushed.exported.revised
    if json:
        document: PushDocument = {
            "folder": str(folder),
            "branch": pushed.branch,
            "commit": pushed.commit,
            "new": new,
            "revised": revised,
            "merges": pushed.merges,
        }
        print_json(document)
    elif not quiet:
        merged = f", after {plural(pushed.merges, 'merge')} of other commits" if pushed.merges else ""
        print_result(
            f"branch {pushed.branch} at {pushed.commit[:12]}: {new} new, {plural(revised, 'revised value')}{merged}"
        )
