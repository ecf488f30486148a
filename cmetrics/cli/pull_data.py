"""`cmetrics pull-data`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, TypedDict

import typer

from cmetrics.cli.options import DEFAULT_CLONE, AsJson, CloneFolder, Db, Quiet
from cmetrics.cli.runtime import get_runtime
from cmetrics.domain.plural import plural

if TYPE_CHECKING:
    from cmetrics.ops.run_report import RunDocument


class PullDocument(TypedDict):
    """The output of `pull-data --json`."""

    folder: str
    branch: str
    #: None if the branch does not exist yet.
    commit: str | None
    #: The run that merged the rows, in the format of `restore --json`; None if the branch has no rows.
    restored: RunDocument | None


def pull_data(
    context: typer.Context,
    folder: CloneFolder = DEFAULT_CLONE,
    remote: Annotated[
        str | None,
        typer.Option(
            "--remote",
            metavar="URL",
            help="Repository of the branch; stored in DIR without credentials.",
            show_default=False,
        ),
    ] = None,
    branch: Annotated[
        str | None,
        typer.Option("--branch", metavar="NAME", help="Branch of the data; `data` if not set.", show_default=False),
    ] = None,
    db: Db = None,
    json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Load the data branch into the store.

    Newer rows in the store are kept. A missing branch counts as empty. A replaced branch is an error.
    """
    from cmetrics.cli.configuration import read_settings, reported
    from cmetrics.cli.output import print_json, print_result, print_warning
    from cmetrics.cli.progress import make_progress
    from cmetrics.export.sync import pull
    from cmetrics.ops.run_report import build_run_document

    progress = make_progress(quiet=quiet)
    now = get_runtime(context).clock()
    with reported("pull-data", now):
        pulled = pull(read_settings(db=db), folder, remote=remote, branch=branch, now=now, progress=progress)
    for text in pulled.restored.warnings if pulled.restored else ():
        print_warning(text)
    if json:
        document: PullDocument = {
            "folder": str(folder),
            "branch": pulled.branch,
            "commit": pulled.commit,
            "restored": build_run_document(pulled.restored) if pulled.restored else None,
        }
        print_json(document)
    elif not quiet and pulled.restored is None:
        print_result(f"branch {pulled.branch} does not exist yet; `cmetrics push-data` creates it")
    elif not quiet and pulled.restored:
        counts = pulled.restored.counts
        print_result(
            f"branch {pulled.branch} at {(pulled.commit or '')[:12]}: {plural(counts.inserted, 'value')} added, "
            f"{counts.updated:,} updated, {counts.unchanged:,} unchanged"
        )
