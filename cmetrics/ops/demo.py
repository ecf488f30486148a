"""The folder of the sample data: a store and its catalogue, separate from any other store."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from cmetrics.catalog import Catalog, parse_catalog
from cmetrics.domain.errors import UsageError
from cmetrics.domain.sanitize import sanitize
from cmetrics.ops.sample_data import fill_sample_store, sample_catalog
from cmetrics.settings import StoreKind, StoreTarget
from cmetrics.sources import SPECS

CATALOG, STORE = "cmetrics.toml", "lancedb"
#: Identifies a folder that this module wrote and may therefore replace.
MARKER = ".cmetrics-demo"


@dataclass(frozen=True, slots=True)
class Demo:
    """A filled store with its catalogue."""

    store: StoreTarget
    catalog: Catalog
    #: The number of stored values.
    rows: int


@contextmanager
def sample_store(folder: Path | None, now: datetime) -> Iterator[Demo]:
    """Provide a store with the sample data of the day of ``now``.

    It is in ``folder``, which is not removed, or in a temporary folder, which is removed afterwards. Raises
    UsageError if the folder has other files or cannot be written, and StoreError.
    """
    if folder is not None:
        _prepare(folder)
        yield _fill(folder, now)
        return
    with tempfile.TemporaryDirectory(prefix="cmetrics-demo-", ignore_cleanup_errors=True) as temporary:
        yield _fill(Path(temporary), now)


def _prepare(folder: Path) -> None:
    """Create the folder, or remove the sample data of an earlier call."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        names = {path.name for path in folder.iterdir()}
        if names and (MARKER not in names or names - {MARKER, CATALOG, STORE}):
            msg = f"--store {sanitize(str(folder))} has other files; choose another folder"
            raise UsageError(msg)
        (folder / MARKER).touch()
        shutil.rmtree(folder / STORE, ignore_errors=True)
    except OSError as error:
        msg = f"--store {sanitize(str(folder))} cannot be written: {sanitize(error.strerror or str(error))}"
        raise UsageError(msg, hint="choose another folder") from error


def _fill(folder: Path, now: datetime) -> Demo:
    path, store = folder / CATALOG, folder / STORE
    text = sample_catalog(now)
    path.write_text(text, encoding="utf-8")
    store.mkdir()
    catalog = parse_catalog(path, text.encode(), SPECS)
    target = StoreTarget(StoreKind.EMBEDDED, str(store))
    return Demo(target, catalog, fill_sample_store(target, catalog, now))
