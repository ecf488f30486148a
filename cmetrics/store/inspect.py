"""A look at a store from outside, for `doctor`: what is there, without making or changing anything."""

from __future__ import annotations

import os
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path

from cmetrics.domain.errors import StoreMissing
from cmetrics.settings import StoreTarget, is_folder
from cmetrics.store.lance_store import LanceStore
from cmetrics.store.schema import OPTIONAL_TABLES, TABLES


@dataclass(frozen=True, slots=True)
class TableFacts:
    """One of our tables as it is kept."""

    name: str
    exists: bool
    missing: tuple[str, ...] = ()
    #: ``column is kept as X instead of Y``.
    different: tuple[str, ...] = ()
    #: Columns that this version does not know.
    unknown: tuple[str, ...] = ()
    #: Whether the table is created only when there is a row for it.
    is_optional: bool = False


@dataclass(frozen=True, slots=True)
class FolderFacts:
    """The folder of an embedded store, or the nearest one above that exists."""

    folder: Path
    exists: bool
    #: Why nothing can be written there; None when a file could be made and removed.
    refusal: str | None
    free_bytes: int | None


def inspect_tables(target: StoreTarget) -> tuple[TableFacts, ...]:
    """Our tables in the store; raises StoreError when it cannot be read at all."""
    store = LanceStore.open(target)
    facts = []
    for table in (*TABLES, *OPTIONAL_TABLES):
        is_optional = table in OPTIONAL_TABLES
        try:
            found = store.columns(table)
        except StoreMissing:
            facts.append(TableFacts(table.name, exists=False, is_optional=is_optional))
            continue
        wanted = {field.name: str(field.type) for field in table.schema}
        facts.append(
            TableFacts(
                table.name,
                exists=True,
                missing=tuple(name for name in wanted if name not in found),
                different=tuple(
                    f"{name} is {found[name]} instead of {kind}"
                    for name, kind in wanted.items()
                    if name in found and found[name] != kind
                ),
                unknown=tuple(name for name in found if name not in wanted),
                is_optional=is_optional,
            )
        )
    return tuple(facts)


def inspect_folder(path: Path) -> FolderFacts:
    """Return whether an embedded store at ``path`` can be written: create and remove a file beside its tables."""
    folder = path
    while not is_folder(folder) and folder != folder.parent and not folder.exists():
        folder = folder.parent
    refusal: str | None = None
    try:
        handle, name = tempfile.mkstemp(prefix=".cmetrics-doctor-", dir=folder)
        os.close(handle)
        Path(name).unlink()
    except OSError as error:
        refusal = error.strerror or type(error).__name__
    try:
        free = shutil.disk_usage(folder).free
    except OSError:
        free = None
    return FolderFacts(folder, folder == path, refusal, free)
