"""Inspect a store for `doctor`, without creating or changing anything."""

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
    """The stored columns of a table, compared with those of this version."""

    name: str
    exists: bool
    missing: tuple[str, ...] = ()
    #: Columns with another type, such as ``value is double instead of int64``.
    different: tuple[str, ...] = ()
    #: Columns unknown to this version.
    unknown: tuple[str, ...] = ()
    #: Whether the table is created only when a row is written to it.
    is_optional: bool = False


@dataclass(frozen=True, slots=True)
class FolderFacts:
    """The folder of an embedded store, or its nearest parent that exists."""

    folder: Path
    exists: bool
    #: Why no file can be created there; None if one could.
    refusal: str | None
    free_bytes: int | None


def inspect_tables(target: StoreTarget) -> tuple[TableFacts, ...]:
    """Return the state of every table of cmetrics. Raises StoreError if the store cannot be read at all."""
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
    """Return whether an embedded store at ``path`` is writable. Creates a file next to its tables, and removes it."""
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
