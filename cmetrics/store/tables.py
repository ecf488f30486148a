"""Open, create, query, merge and maintain the tables of a store. The meaning of rows is in `lance_store`."""

from __future__ import annotations

import os
from collections.abc import Callable, Coroutine, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, Final, Self, TypeVar

import lancedb
import pyarrow as pa
from lancedb.background_loop import LOOP

from cmetrics.domain.errors import StoreError, StoreMissing, StoreUnreachable
from cmetrics.settings import StoreKind, StoreTarget, is_folder
from cmetrics.store import schema
from cmetrics.store.connect import connect
from cmetrics.store.failures import missing, translated
from cmetrics.store.maintenance import indexed_columns, optimize
from cmetrics.store.schema import (
    OPTIONAL_TABLES,
    STATS,
    TABLES,
    R,
    Table,
)

#: The bound of queries for definitions and runs, far more than any store has.
MANY_ROWS: Final = 1_000_000
#: The bound of queries for an export: ten years of ten thousand metrics.
EXPORT_ROWS: Final = 40_000_000
#: Rows per batch of a query.
READ_ROWS: Final = 65_536
#: Batches that are fetched in one step. With two, the first step of a read of few rows finds its end, too.
STEP: Final = 2

T = TypeVar("T")


class StoreTables:
    """The tables of an open store. Reading never creates a folder or a table."""

    def __init__(self, connection: lancedb.DBConnection, target: StoreTarget) -> None:
        self.target = target
        self._connection = connection
        self._remote: dict[str, Any] = {}
        #: Tables in a folder that are open to be read, with the listing of their versions when they were opened.
        self._opened: dict[str, tuple[object, lancedb.AsyncTable]] = {}

    @classmethod
    def open(cls, target: StoreTarget) -> Self:
        """Open the store at ``target``. Raises StoreMissing if its folder does not exist."""
        if target.kind is StoreKind.EMBEDDED and not is_folder(Path(target.uri)):
            msg = f"there is no store at {target.label}; `cmetrics refresh` creates one, or name another with --db"
            raise StoreMissing(msg)
        with translated(target):
            return cls(connect(target), target)

    def create_tables(self) -> list[str]:
        """Create the missing tables. Return their names."""
        created = []
        for table in TABLES:
            try:
                self._open(table)
            except StoreMissing:
                with translated(self.target):
                    self._connection.create_table(table.name, schema=table.schema, exist_ok=True)
                created.append(table.name)
        return created

    def drop_tables(self) -> None:
        """Remove all tables. Missing tables are not an error."""
        for table in (*TABLES, *OPTIONAL_TABLES):
            self._remote.pop(table.name, None)
            with suppress(StoreMissing), translated(self.target):
                try:
                    self._connection.drop_table(table.name)
                except ValueError as error:
                    raise missing(self.target) from error

    def check(self) -> None:
        """Raise StoreMissing or StoreError unless all three tables exist with the expected columns."""
        if self.target.kind is StoreKind.ENTERPRISE:
            for table in TABLES:
                self._open(table)
            return

        async def open_all() -> None:
            for table in TABLES:
                await self._open_to_read(table)

        with translated(self.target):
            _run(open_all())

    async def _open_to_read(self, table: Table[Any]) -> lancedb.AsyncTable:
        """Return a table in a folder or bucket at its newest version, to be read on lancedb's event loop.

        One in a folder stays open until its versions change: to open it is a tenth of the time to read one metric.
        """
        listing = self._listing(table) if self.target.kind is StoreKind.EMBEDDED else None
        known, opened = self._opened.get(table.name, (None, None))
        if opened is None or known != listing:
            try:
                # A private attribute: `connect_async` would connect a second time, which takes a bucket seconds.
                opened = await self._connection._conn.open_table(table.name)  # type: ignore[attr-defined]  # noqa: SLF001
            except ValueError as error:
                raise missing(self.target) from error
            self._check_columns(table, await opened.schema())
            if listing is not None:
                self._opened[table.name] = listing, opened
        return opened

    def _listing(self, table: Table[Any]) -> object:
        """Return the identity and the content of a table's folder of versions. Every commit adds a file to it."""
        folder = f"{self.target.uri}/{table.name}.lance/_versions"
        try:
            # Every request lists all folders of versions; as `Path` that takes twice as long.
            status = os.stat(folder)  # noqa: PTH116
            # A new table may have the inode and the versions of a dropped one.
            return status.st_ino, status.st_mtime_ns, frozenset(os.listdir(folder))  # noqa: PTH208
        except FileNotFoundError:
            return None

    def _open(self, table: Table[Any]) -> Any:
        """Return the table at its newest version.

        A table in a folder or bucket is opened for every call, because an open handle would refer to the dropped
        table after a bootstrap. On a cluster, a handle is only a name, and is reused.
        """
        opened = self._remote.get(table.name)
        if opened is not None:
            return opened
        with translated(self.target):
            try:
                opened = self._connection.open_table(table.name)
            except ValueError as error:
                raise missing(self.target) from error
            self._check_columns(table, opened.schema)
        if self.target.kind is StoreKind.ENTERPRISE:
            self._remote[table.name] = opened
        return opened

    def columns(self, table: Table[Any]) -> dict[str, str]:
        """Return the stored columns of a table with their types. Raises StoreMissing if it does not exist."""
        with translated(self.target):
            try:
                found = self._connection.open_table(table.name).schema
            except ValueError as error:
                raise missing(self.target) from error
        return {field.name: str(field.type) for field in found}

    def _check_columns(self, table: Table[Any], found: pa.Schema) -> None:
        for field in table.schema:
            if field.name not in found.names:
                what = f"has no column {field.name!r}"
            elif not found.field(field.name).type.equals(field.type):
                what = f"has {field.name!r} as {found.field(field.name).type} instead of {field.type}"
            else:
                continue
            msg = (
                f"table {table.name!r} in {self.target.label} {what}; another program or version created "
                "it: update cmetrics, or restore an export into another folder with `cmetrics restore --db`"
            )
            raise StoreError(msg)

    def is_empty(self) -> bool:
        """Return whether no table has a row. Missing tables count as empty."""
        for table in (*TABLES, *OPTIONAL_TABLES):
            try:
                if self._query(table, None, [table.key[0]], limit=1).num_rows:
                    return False
            except StoreMissing:
                continue
        return True

    def versions(self) -> tuple[object, ...] | None:
        """Return a token that changes with every write; None if getting it costs as much as reading the rows."""
        if self.target.kind is StoreKind.ENTERPRISE:
            return None
        if self.target.kind is StoreKind.EMBEDDED:
            # Far faster than to open the tables.
            return tuple(map(self._listing, (*TABLES, *OPTIONAL_TABLES)))
        with translated(self.target):
            return tuple(int(self._open(table).version) for table in TABLES)

    def optimize(self) -> None:
        """Merge the small files of nightly commits, and remove old versions.

        LanceDB Enterprise does this by itself.
        """
        if self.target.kind is StoreKind.ENTERPRISE:
            return
        for table in (*TABLES, *OPTIONAL_TABLES):
            try:
                opened = self._open(table)
            except StoreMissing:
                continue
            with translated(self.target):
                optimize(opened, is_indexed=table is STATS)

    def _query(
        self,
        table: Table[Any],
        where: str | None,
        columns: list[str],
        limit: int,
        convert: Callable[[pa.Table], pa.Table] = lambda rows: rows,
    ) -> pa.Table:
        """Return rows of a table. Batches are converted before the next ones are read.

        LanceDB's synchronous API waits for its event loop eight times in one read; this, once for a read of few rows,
        which takes a fifth less processor time.
        """

        async def start(opened: lancedb.AsyncTable | None) -> tuple[Any, list[pa.RecordBatch]]:
            query = (opened or await self._open_to_read(table)).query().select(columns).limit(limit)
            # In batches as small as LanceDB's own, rows are fetched one by one if there is a filter: 2 s instead of
            # 0.2 s for 730,000 rows.
            batches = await (query.where(where) if where else query).to_batches(max_batch_length=READ_ROWS)
            return batches, await _next_batches(batches)

        def read() -> pa.Table:
            is_remote = self.target.kind is StoreKind.ENTERPRISE
            batches, step = _run(start(self._open(table)._table if is_remote else None))  # noqa: SLF001  # no public way
            found = []
            while step:
                found += [convert(pa.Table.from_batches([batch])) for batch in step]
                step = _run(_next_batches(batches)) if len(step) == STEP else []
            return pa.concat_tables(found or [batches.schema.empty_table()])

        try:
            with translated(self.target):
                return read()
        except (StoreMissing, StoreUnreachable):
            raise
        except StoreError:
            if self.target.kind is StoreKind.ENTERPRISE:
                raise
            # Maintenance by another process may have removed the version that this query was reading.
            with translated(self.target):
                return read()

    def _read_optional(self, table: Table[R], where: str | None) -> list[R]:
        try:
            return schema.decode(self._query(table, where, table.schema.names, limit=EXPORT_ROWS), table)
        except StoreMissing:
            return []

    def _save_optional(self, table: Table[R], rows: pa.Table | Sequence[R]) -> None:
        if not len(rows):
            return
        data = rows if isinstance(rows, pa.Table) else schema.encode(rows, table)
        try:
            self._merge_columns(table, data)
        except StoreMissing:
            # Created together with its first rows, because a new table may not be visible on a cluster at once.
            with translated(self.target):
                self._connection.create_table(table.name, data.cast(table.schema))

    def _delete(self, table: Table[Any], where: str) -> None:
        """Delete rows in one commit. Commits nothing if there are no such rows, or no such optional table."""
        try:
            if self._query(table, where, [table.key[0]], limit=1).num_rows:
                with translated(self.target):
                    self._open(table).delete(where)
        except StoreMissing:
            if table in TABLES:
                raise

    def _merge(self, table: Table[R], rows: Sequence[R]) -> None:
        self._merge_columns(table, schema.encode(rows, table))

    def _merge_columns(self, table: Table[Any], data: pa.Table) -> None:
        """Insert rows with new keys and replace rows with stored keys, in one commit.

        Safe to repeat if the response was lost.
        """
        opened = self._open(table)
        for field in opened.schema:
            if field.name not in table.schema.names and not field.nullable:
                msg = (
                    f"table {table.name!r} in {self.target.label} needs a value in {field.name!r}, a column unknown "
                    "to this version; a newer cmetrics has added it: update cmetrics"
                )
                raise StoreError(msg)
        with translated(self.target):
            merge = opened.merge_insert(list(table.key))
            merge.when_matched_update_all().when_not_matched_insert_all().execute(
                data.cast(_as_stored(table, opened.schema))
            )

    def _has_unique_keys(self, table: Table[Any]) -> bool:
        """Return whether lance keeps the keys unique among concurrent writers.

        It does so for a key that the table declares, unless it finds the keys of a merge in indices: four concurrent
        merges of the same new rows then insert each of them four times. Remote tables state neither.
        """
        opened = self._open(table)
        is_declared = all(opened.schema.field(name).metadata for name in table.key)
        return is_declared and not indexed_columns(opened).issuperset(table.key)


async def _next_batches(batches: Any) -> list[pa.RecordBatch]:
    """Return the next :data:`STEP` batches; fewer at the end."""
    return [batch for _ in range(STEP) if (batch := await anext(batches, None)) is not None]


def _run(work: Coroutine[Any, Any, T]) -> T:
    """Return the result of a coroutine that runs on lancedb's event loop."""
    result: T = LOOP.run(work)  # type: ignore[no-untyped-call]
    return result


def _as_stored(table: Table[Any], found: pa.Schema) -> pa.Schema:
    """Return the schema of ``table`` with the nullability and metadata of the stored table."""
    return pa.schema([found.field(name) for name in table.schema.names])
