"""`cmetrics export`."""

from __future__ import annotations

from typing import TypedDict

from cmetrics.cli.options import DEFAULT_EXPORT, AllowLoss, AsJson, Db, ExportFolder, Quiet
from cmetrics.domain.plural import plural


class ExportDocument(TypedDict):
    """The output of `export --json`."""

    folder: str
    #: Paths relative to ``folder``.
    files: list[str]


def export(
    folder: ExportFolder = DEFAULT_EXPORT,
    allow_loss: AllowLoss = False,
    db: Db = None,
    json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Write the store as CSV files.

    Writes one file per metric. The order of rows is stable, so that a daily diff shows only changed lines.
    """
    from cmetrics.cli.configuration import read_settings
    from cmetrics.cli.output import print_json, print_result
    from cmetrics.export.tables import export_store
    from cmetrics.store.lance_store import LanceStore

    store = LanceStore.open(read_settings(db=db).store)
    store.check()
    files = export_store(store, folder, allow_loss=allow_loss).files
    if json:
        document: ExportDocument = {
            "folder": str(folder),
            "files": [path.relative_to(folder).as_posix() for path in files],
        }
        print_json(document)
    elif not quiet:
        print_result(f"{folder}: {plural(len(files), 'file')} written")
