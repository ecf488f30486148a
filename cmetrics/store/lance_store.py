"""Read and write the rows of each table. Every read is bounded, and every write is atomic."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from cmetrics.domain.days import Span
from cmetrics.domain.errors import StoreMissing
from cmetrics.domain.event import StoredEvent
from cmetrics.domain.metric import Definition
from cmetrics.domain.observation import Observation
from cmetrics.domain.outcome import Outcome
from cmetrics.domain.reading import StoredReading
from cmetrics.domain.redaction import redact
from cmetrics.domain.revision import Revision
from cmetrics.domain.run import Counts, Job, Run, RunStatus
from cmetrics.memory import release_memory
from cmetrics.settings import StoreKind
from cmetrics.store import schema, sql
from cmetrics.store.columns import (
    NEWEST_LAST,
    Comparison,
    NewRows,
    Overwrite,
    Part,
    StoredDays,
    complete,
    encode_texts,
    in_row_order,
    of_metrics,
    repeated_keys,
    select_schema,
    sort_rows,
    sort_unique,
    split_days,
    take,
)
from cmetrics.store.failures import translated
from cmetrics.store.schema import (
    EVENTS,
    HISTORY,
    METRICS,
    OUTCOMES,
    READINGS,
    REVISIONS,
    STATS,
)
from cmetrics.store.tables import EXPORT_ROWS, MANY_ROWS, StoreTables

#: The number of values in one IN list, which limits the size of filters and of requests to remote stores.
BATCH: Final = 500
#: Rows after which free memory is returned to the system, which is a fifth of the time to read one metric.
LARGE_READ: Final = 50_000
#: The most rows with the same key. Concurrent writers create such copies in tables without a declared key.
COPIES: Final = 4


class LanceStore(StoreTables):
    """An open store. Reading never creates a folder or a table."""

    # -- reading -----------------------------------------------------------------------------------

    def days(self, metric_ids: Iterable[str], span: Span) -> dict[str, StoredDays]:
        """Return the stored days of each of these metrics in ``span``."""
        columns = ["metric_id", "period_end", "provenance", "source_window"]
        found: dict[str, StoredDays] = {}
        for part in _parts(metric_ids):
            found |= split_days(self._read_columns(part, span, columns), part)
        return found

    def observations(self, metric_ids: Sequence[str], span: Span) -> list[Observation]:
        """Return the rows of `read_observations` as objects, for callers that need few rows."""
        return schema.decode_observations(self.read_observations(metric_ids, span))

    def read_observations(
        self, metric_ids: Iterable[str], span: Span, columns: Sequence[str] = STATS.schema.names
    ) -> pa.Table:
        """Return the rows of these metrics in ``span``, each key once, sorted by metric and day.

        The schema is that of `STATS` restricted to ``columns``; days are ISO text. No cell is null: rows without a
        value are left out, and other empty cells get default values.
        """
        return self.read_encoded(metric_ids, span, columns).cast(select_schema(columns))

    def observation_tables(self, metric_ids: Iterable[str], span: Span) -> Iterator[pa.Table]:
        """Yield the rows of `read_observations` in parts of some metrics each."""
        for part in _parts(metric_ids):
            yield self.read_observations(part, span)

    def read_encoded(
        self, metric_ids: Iterable[str], span: Span, columns: Sequence[str] = STATS.schema.names
    ) -> pa.Table:
        """Return the same rows with each distinct text stored once in a dictionary in the order of the rows."""
        ids = sorted(set(metric_ids))
        if not ids:
            return encode_texts(select_schema(columns).empty_table())
        names = list(dict.fromkeys([*STATS.key, *columns]))
        data = self._read_columns(ids, span, names)
        found = sort_rows(data, ids)
        if found is None:
            # The age of rows matters only if there are copies; tables written by cmetrics alone have none.
            data = self._read_columns(ids, span, list(dict.fromkeys([*names, *NEWEST_LAST])))
            found = sort_unique(data, ids)
        found = in_row_order(found).select(select_schema(columns).names)
        del data
        if len(found) >= LARGE_READ:
            release_memory()
        return found

    def _read_columns(self, metric_ids: list[str], span: Span, columns: list[str]) -> pa.Table:
        """Return the rows of these metrics as stored, including copies; see `complete`. The ids are sorted."""
        # Only other programs write rows without a value; they contain no information.
        where = f"{sql.within('period_end', span)} AND value IS NOT NULL"
        if self._are_most(metric_ids):
            # To read all rows takes two thirds of the time to find those of long lists of ids.
            return complete(of_metrics(self._query(STATS, where, columns, EXPORT_ROWS, encode_texts), metric_ids))
        # A clock that is wrong by years gives a span that ends before it begins.
        rows = max(0, span.days) * COPIES
        parts = [
            self._query(
                STATS,
                f"{sql.among('metric_id', part)} AND {where}",
                columns,
                len(part) * rows + COPIES,
                encode_texts,
            )
            for part in _parts(metric_ids)
        ]
        return complete(pa.concat_tables(parts))

    def _are_most(self, metric_ids: Sequence[str]) -> bool:
        """Return whether these are most of the defined metrics, and more than `BATCH`; always False if remote.

        Catalogues of a few metrics may share a store with thousands of others.
        """
        if len(metric_ids) <= BATCH or self.target.kind is StoreKind.ENTERPRISE:
            return False
        return bool(len(metric_ids) <= self._open(METRICS).count_rows() <= 2 * len(metric_ids))

    def runs(
        self, since: datetime | None = None, status: RunStatus | None = None, *, until: datetime | None = None
    ) -> list[Run]:
        """Return the runs started at or after ``since`` and before ``until``, newest first."""
        bounds = [f"started_at >= {sql.moment(since)}"] if since is not None else []
        if until is not None:
            bounds.append(f"started_at < {sql.moment(until)}")
        if status is not None:
            bounds.append(f"status = {sql.text(status)}")
        where = " AND ".join(bounds) or None
        found = schema.decode(self._query(HISTORY, where, HISTORY.schema.names, limit=MANY_ROWS), HISTORY)
        # An earlier version may have stored a secret.
        found = [replace(run, error_summary=run.error_summary and redact(run.error_summary)) for run in found]
        newest = {run.ingestion_run_id: run for run in sorted(found, key=_finished)}
        return sorted(newest.values(), key=lambda run: (run.started_at, run.ingestion_run_id), reverse=True)

    def definitions(self, metric_id: str | None = None) -> list[Definition]:
        """Return the rows of ``metrics`` by id, or only the one of ``metric_id``."""
        where = f"metric_id = {sql.text(metric_id)}" if metric_id is not None else None
        rows = schema.decode(self._query(METRICS, where, METRICS.schema.names, limit=MANY_ROWS), METRICS)
        newest = {row.metric_id: row for row in sorted(rows, key=lambda row: row.created_at)}
        return [newest[metric_id] for metric_id in sorted(newest)]

    def metric_ids(self) -> set[str]:
        """Return the ids that have a definition or a value."""
        ids = {row.metric_id for row in self.definitions()}
        found = self._query(STATS, "metric_id IS NOT NULL", ["metric_id"], limit=EXPORT_ROWS)
        return ids | {str(metric_id) for metric_id in found["metric_id"].unique().to_pylist()}

    def source_refs(self, metric_ids: Sequence[str], span: Span) -> Iterator[tuple[str, date, str]]:
        """Iterate over the ``source_ref`` of every stored day in ``span`` of these metrics."""
        for part in _parts(metric_ids):
            data = self._read_columns(part, span, ["metric_id", "period_end", "source_ref"])
            yield from schema.decode_source_refs(data)

    def run_ids(self, metric_ids: Sequence[str]) -> set[tuple[str, str]]:
        """Return ``(metric_id, ingestion_run_id)`` of the runs that wrote the values of these metrics."""
        pairs: set[tuple[str, str]] = set()
        for part in _parts(metric_ids):
            where = f"{sql.among('metric_id', part)} AND ingestion_run_id IS NOT NULL"
            found = self._query(STATS, where, ["metric_id", "ingestion_run_id"], limit=EXPORT_ROWS)
            unique = found.group_by(["metric_id", "ingestion_run_id"]).aggregate([]).to_pylist()
            pairs |= {(row["metric_id"], row["ingestion_run_id"]) for row in unique}
        return pairs

    def revisions(self, since: datetime | None = None) -> list[Revision]:
        """Return the revisions of runs at or after ``since``, newest run first; none if the table does not exist."""
        where = f"observed_at >= {sql.moment(since)}" if since is not None else None
        rows = self._read_optional(REVISIONS, where)
        rows.sort(key=lambda row: (row.metric_id, row.last_day))
        return sorted(rows, key=lambda row: (row.observed_at, row.ingestion_run_id), reverse=True)

    def outcomes(
        self, since: datetime | None = None, metric_ids: Sequence[str] | None = None, *, jobs: Sequence[Job] = ()
    ) -> list[Outcome]:
        """Return the rows of `read_outcomes` as objects, newest run first, for callers that need few rows."""
        rows = schema.decode(self.read_outcomes(since, metric_ids, jobs=jobs), OUTCOMES)
        rows.sort(key=lambda row: row.metric_id)
        return sorted(rows, key=lambda row: (row.observed_at, row.ingestion_run_id), reverse=True)

    def read_outcomes(
        self, since: datetime | None = None, metric_ids: Sequence[str] | None = None, *, jobs: Sequence[Job] = ()
    ) -> pa.Table:
        """Return the outcome of each metric in the runs since ``since``, unordered; none if the table does not exist.

        ``metric_ids`` limits the rows to these metrics, ``jobs`` to runs of these commands.
        """
        bounds = [f"observed_at >= {sql.moment(since)}"] if since is not None else []
        if jobs:
            of_jobs = (f"ingestion_run_id LIKE '{job}-%'" for job in jobs)
            bounds.append(f"({' OR '.join(of_jobs)})")
        is_filtered = metric_ids is not None and 0 < len(metric_ids) <= BATCH
        if is_filtered and metric_ids is not None:
            bounds.append(sql.among("metric_id", metric_ids))
        try:
            found = self._query(OUTCOMES, " AND ".join(bounds) or None, OUTCOMES.schema.names, limit=EXPORT_ROWS)
        except StoreMissing:
            return OUTCOMES.schema.empty_table()
        if metric_ids is not None and not is_filtered:
            found = found.filter(pc.is_in(found["metric_id"], pa.array(metric_ids, pa.string())))
        # An earlier version may have stored a secret.
        return schema.map_texts(schema.fill(found, OUTCOMES), "error", redact)

    def events(self) -> list[StoredEvent]:
        """Return all events by day, product and id; none if the table does not exist."""
        newest: dict[tuple[str, str], StoredEvent] = {}
        for row in sorted(self._read_optional(EVENTS, None), key=lambda row: row.observed_at):
            newest[row.event_id, row.product] = row
        return sorted(newest.values(), key=lambda row: (row.day, row.product, row.event_id))

    def readings(self, metric_ids: Sequence[str] | None = None) -> list[StoredReading]:
        """Return the readings, of ``metric_ids`` only if given, by metric, day and identity.

        None if the table does not exist.
        """
        parts = [None] if metric_ids is None else [sql.among("metric_id", part) for part in _parts(metric_ids)]
        rows = [row for part in parts for row in self._read_optional(READINGS, part)]
        return sorted(rows, key=lambda row: (row.metric_id, row.period_end, row.identity, row.observed_at))

    # -- writing -----------------------------------------------------------------------------------

    def upsert_observations(
        self,
        rows: pa.Table | Sequence[Observation],
        overwrites: Overwrite,
        on_replaced: Callable[[pa.Table, pa.Table], None] | None = None,
    ) -> Counts:
        """Merge rows (a table or, for a few rows, objects) into ``stats`` in one atomic commit.

        If a key is stored already or occurs twice, the later row is written only if ``overwrites(old, new)``. Other
        keys are not changed, except that copies of a key in the same span are removed. After the commit,
        ``on_replaced(old, new)`` is called with the replaced rows and their replacements.
        """
        new = NewRows(_in_columns(rows), overwrites)
        # Stored rows are read for some metrics at a time: a night requests half a year of all metrics again.
        compared = [(part, self._compare(new, part)) for part in new.parts(BATCH)]
        written = np.concatenate([np.empty(0, np.int64), *(found.written for _, found in compared)])
        if len(written):
            merged = take(new.rows, written)
            self._merge_columns(STATS, merged)
            if not self._has_unique_keys(STATS):
                for part in NewRows(merged, overwrites).parts(BATCH):
                    keys = self._read_columns(part.metric_ids, part.span, list(STATS.key))
                    self._remove_copies(repeated_keys(keys, part.metric_ids))
        count, updated = 0, 0
        for part, found in compared:
            count += len(part.keys)
            updated += found.replaced.num_rows
            if on_replaced is not None and found.replaced.num_rows:
                on_replaced(found.replaced, found.replacing)
        return Counts(len(written) - updated, updated, count - len(written))

    def would_write(self, rows: pa.Table | Sequence[Observation], overwrites: Overwrite) -> bool:
        """Return whether `upsert_observations` would write any of these rows."""
        new = NewRows(_in_columns(rows), overwrites)
        return any(len(self._compare(new, part).written) for part in new.parts(BATCH))

    def _compare(self, new: NewRows, part: Part) -> Comparison:
        stored = self._read_columns(part.metric_ids, part.span, STATS.schema.names)
        self._remove_copies(repeated_keys(stored, part.metric_ids))
        return new.compare(part, stored)

    def save_run(self, run: Run) -> None:
        """Write one row of ``history``; a second call for the same run replaces it."""
        self._merge(HISTORY, [run])

    def save_runs(self, runs: Sequence[Run]) -> None:
        """Write several rows of ``history``."""
        if runs:
            self._merge(HISTORY, runs)

    def save_revisions(self, rows: Sequence[Revision]) -> None:
        """Write rows of ``revisions``; the first ones create the table."""
        self._save_optional(REVISIONS, rows)

    def save_outcomes(self, rows: pa.Table | Sequence[Outcome]) -> None:
        """Write rows of ``outcomes``; the first ones create the table."""
        self._save_optional(OUTCOMES, rows)

    def save_events(self, rows: Sequence[StoredEvent]) -> None:
        """Write rows of ``events``; the first ones create the table."""
        self._save_optional(EVENTS, rows)

    def save_readings(self, rows: Sequence[StoredReading]) -> None:
        """Write rows of ``readings``; the first ones create the table."""
        self._save_optional(READINGS, rows)

    def save_definitions(self, rows: Sequence[Definition]) -> None:
        """Write the definitions that are new or have changed. ``created_at`` does not change."""
        stored = {row.metric_id: row for row in self.definitions()}
        changed = []
        for row in rows:
            old = stored.get(row.metric_id)
            if old is None:
                changed.append(row)
                continue
            kept = replace(row, created_at=old.created_at)
            if kept != old:
                changed.append(kept)
        if changed:
            self._merge(METRICS, changed)

    def remove_metric(self, metric_id: str, *, until: datetime | None = None, is_whole: bool = True) -> None:
        """Remove the rows of an id up to ``until`` from all tables, its definition last.

        The definition is removed only if ``is_whole``. The outcomes of renames and forgets are not removed, because
        they record that the id was removed on purpose.
        """
        mine = f"metric_id = {sql.text(metric_id)}"
        older = f"{mine} AND observed_at <= {sql.moment(until)}" if until is not None else mine
        self._delete(STATS, older)
        self._delete(REVISIONS, older)
        self._delete(READINGS, older)
        spared = " AND ".join(f"ingestion_run_id NOT LIKE '{job}-%'" for job in (Job.RENAME, Job.FORGET))
        self._delete(OUTCOMES, f"{older} AND {spared}")
        if is_whole:
            self._delete(METRICS, mine)

    def _remove_copies(self, keys: Sequence[tuple[str, date]]) -> None:
        """Remove all rows of each of these keys except the one observed last.

        Rows are identified by key and row id, so that a concurrent write can never cause a row of another key to be
        removed. Two concurrent repairs keep the same row.
        """
        for start in range(0, len(keys), BATCH):
            part = keys[start : start + BATCH]
            spots = " OR ".join(f"({sql.is_key(key)})" for key in part)
            columns = [*STATS.key, "observed_at", "_rowid"]
            found = self._query(STATS, spots, columns, limit=len(part) * COPIES * COPIES)
            rows: dict[tuple[str, str], list[tuple[datetime, int]]] = {}
            for row in found.to_pylist():
                rows.setdefault((row["metric_id"], row["period_end"]), []).append(
                    (row["observed_at"] or schema.UNKNOWN_TIME, row["_rowid"])
                )
            losers = [
                f"({sql.is_key((metric_id, date.fromisoformat(day)))} AND _rowid = {row_id})"
                for (metric_id, day), copies in rows.items()
                for _, row_id in sorted(copies)[:-1]
            ]
            if losers:
                with translated(self.target):
                    self._open(STATS).delete(" OR ".join(losers))


def _in_columns(rows: pa.Table | Sequence[Observation]) -> pa.Table:
    return rows if isinstance(rows, pa.Table) else schema.encode(rows, STATS)


def _parts(metric_ids: Iterable[str]) -> Iterator[list[str]]:
    """Return the distinct ids in order, at most :data:`BATCH` at a time."""
    ids = sorted(set(metric_ids))
    return (ids[start : start + BATCH] for start in range(0, len(ids), BATCH))


def _finished(run: Run) -> datetime:
    return run.finished_at or datetime.min.replace(tzinfo=UTC)
