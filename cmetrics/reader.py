"""The Python API: read the tables of a store as Arrow.

Importing this module loads nothing else; the first read imports LanceDB.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from datetime import date, datetime

TYPE_CHECKING = False
if TYPE_CHECKING:
    import pyarrow as pa

    from cmetrics.settings import StoreTarget
    from cmetrics.store.lance_store import LanceStore
    from cmetrics.store.schema import R, Table


class Reader:
    """A store, opened for reading. Each method reads the table as it is at that moment.

    Days are ``date32``, times are UTC. All methods raise `cmetrics.domain.errors.StoreError` if the store cannot be
    read.
    """

    def __init__(self, target: StoreTarget) -> None:
        """Open the store at ``target``. Use `cmetrics.open`, which takes a path."""
        from cmetrics.store.lance_store import LanceStore

        self._store: LanceStore = LanceStore.open(target)
        self._store.check()

    def metrics(self) -> pa.Table:
        """Return the definitions of all metrics, by id."""
        from cmetrics.store.schema import METRICS

        return _to_arrow(self._store.definitions(), METRICS)

    def stats(
        self, metric_ids: str | Iterable[str] | None = None, *, start: date | None = None, end: date | None = None
    ) -> pa.Table:
        """Return the values of these metrics, or of all, by metric and day.

        ``start`` and ``end`` bound ``period_end``; both days are included. ``source_window`` distinguishes daily
        values, totals and snapshots.
        """
        from cmetrics.domain.days import Span

        wanted = [metric_ids] if isinstance(metric_ids, str) else metric_ids
        ids = self._store.metric_ids() if wanted is None else wanted
        return _with_dates(self._store.read_observations(sorted(ids), Span(start or date.min, end or date.max)))

    def daily(
        self, metric_ids: str | Iterable[str] | None = None, *, start: date | None = None, end: date | None = None
    ) -> pa.Table:
        """Return the daily values only, which can be summed. The columns are ``metric_id``, ``day`` and ``value``."""
        import pyarrow as pa
        import pyarrow.compute as pc

        from cmetrics.domain.observation import SourceWindow

        rows = self.stats(metric_ids, start=start, end=end)
        rows = rows.filter(pc.equal(rows["source_window"], pa.scalar(SourceWindow.DAY.value)))
        return rows.select(["metric_id", "period_end", "value"]).rename_columns(["metric_id", "day", "value"])

    def runs(self, since: datetime | None = None) -> pa.Table:
        """Return the table ``history``, newest run first: the runs started at or after ``since``."""
        from cmetrics.store.schema import HISTORY

        return _to_arrow(self._store.runs(since), HISTORY)

    def outcomes(self, since: datetime | None = None) -> pa.Table:
        """Return the outcome of each metric in each run, newest run first."""
        from cmetrics.store.schema import OUTCOMES

        return _to_arrow(self._store.outcomes(since), OUTCOMES)

    def revisions(self, since: datetime | None = None) -> pa.Table:
        """Return the replaced values, newest run first."""
        from cmetrics.store.schema import REVISIONS

        return _to_arrow(self._store.revisions(since), REVISIONS)

    def events(self) -> pa.Table:
        """Return the releases, by day. Events of the catalogue are not stored."""
        from cmetrics.store.schema import EVENTS

        return _to_arrow(self._store.events(), EVENTS)

    def readings(self) -> pa.Table:
        """Return the counts of the files of releases, by metric and day."""
        from cmetrics.store.schema import READINGS

        return _to_arrow(self._store.readings(), READINGS)


def open(path: str | os.PathLike[str] = "data/lancedb") -> Reader:  # noqa: A001  # See `cmetrics.open`.
    """Return the store at ``path``: a folder or a LanceDB URI (``s3://``, ``gs://``, ``az://``, ``db://``).

    For a URI, the environment and ``.env`` are read as by the commands. Raises `cmetrics.domain.errors.StoreMissing` if
    there is no store, StoreError if it cannot be read.
    """
    from pathlib import Path

    from cmetrics.settings import StoreKind, StoreTarget, load_settings

    text = os.fspath(path)
    if "://" in text:
        return Reader(load_settings(db=text).store)
    return Reader(StoreTarget(StoreKind.EMBEDDED, str(Path(text).expanduser())))


def _to_arrow(rows: Sequence[R], table: Table[R]) -> pa.Table:
    from cmetrics.store.schema import encode

    return _with_dates(encode(rows, table), *(column.name for column in table.columns if column.type is date))


def _with_dates(data: pa.Table, *days: str) -> pa.Table:
    """Return the table with days as dates, and without the metadata of the store."""
    import pyarrow as pa

    names = days or ("period_start", "period_end")
    fields = [
        pa.field(field.name, pa.date32() if field.name in names else field.type, nullable=field.nullable)
        for field in data.schema
    ]
    return data.cast(pa.schema(fields))
