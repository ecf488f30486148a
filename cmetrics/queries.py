"""Read the store for everything that is shown: page, API, files, `status`."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from copy import copy
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta

import pyarrow as pa

from cmetrics.analytics.anomalies import READ_DAYS
from cmetrics.analytics.columns import COLUMNS, DAY_COLUMNS, POINT_COLUMNS, SeriesTable
from cmetrics.analytics.dashboard import build_dashboard, narrow
from cmetrics.analytics.insights import build_insights
from cmetrics.analytics.intervals import Intervals, build_intervals
from cmetrics.analytics.model import DEFAULT_DAYS, Contents, Dashboard, Findings, Publication, Records
from cmetrics.analytics.quality import DataQuality, build_quality, build_states
from cmetrics.analytics.report_inputs import ReportInputs
from cmetrics.analytics.status import StoreStatus, build_status
from cmetrics.catalog import Catalog
from cmetrics.domain.days import DAY, Month, Span, last_completed_day, last_full_month, window
from cmetrics.domain.event import REPORT, SIGNAL, merge_events
from cmetrics.domain.metric import Definition, Event, Metric, SourceSpec
from cmetrics.domain.outcome import OutcomeLog
from cmetrics.domain.revision import Revision
from cmetrics.domain.run import Run
from cmetrics.identity import match_ids
from cmetrics.read_batch import ReadBatch
from cmetrics.settings import StoreKind
from cmetrics.store.columns import select_schema
from cmetrics.store.lance_store import LanceStore
from cmetrics.store.schema import STATS
from cmetrics.version_cache import VersionCache

#: Runs older than this are not shown, and do not explain a missing day.
RUNS_WITHIN = timedelta(days=90)
#: The window of the page in days: everything that was ever collected.
ALL_DAYS = 365 * 20
#: The bounds for runs; later and earlier timestamps would be out of range.
EARLIEST, LATEST = date(1970, 1, 1), date(2199, 12, 31)
#: The number of dashboards kept in memory while the store does not change: that of a year, and the last longer one.
DASHBOARDS_SHARED = 2


class Queries:
    """Queries to one store, each bounded by the requested window. All raise StoreError."""

    def __init__(self, store: LanceStore, catalog: Catalog, specs: Mapping[str, SourceSpec], *, now: datetime) -> None:
        self._store = store
        self._catalog = catalog
        self._specs = specs
        self._titles = {metric.source: specs[metric.source].public_name for metric in catalog.metrics}
        self._now = now
        self._ids = [metric.metric_id for metric in catalog.metrics]
        #: Cached results, shared by all requests of a server.
        self._dashboards: VersionCache[Dashboard] = VersionCache(DASHBOARDS_SHARED)
        self._series: ReadBatch[tuple[str, Span], SeriesTable] = ReadBatch()
        self._known_ids: VersionCache[frozenset[str]] = VersionCache(1)
        self._reports_cache: VersionCache[ReportInputs] = VersionCache(1)
        self._findings_cache: VersionCache[Findings] = VersionCache(1)
        self._intervals_cache: VersionCache[Intervals | None] = VersionCache(1)
        #: The catalogue with the ids of the store.
        self._catalogs: VersionCache[Catalog] = VersionCache(1)

    def at(self, now: datetime) -> Queries:
        """Return the same queries at another time, for a process that serves more than one day."""
        queries = copy(self)
        queries._now = now  # noqa: SLF001  # of its own class
        return queries

    @property
    def as_of(self) -> date:
        """The last completed day."""
        return last_completed_day(self._now)

    def token(self) -> tuple[object, ...] | None:
        """Return a token that changes whenever a result may change; None if that is unknown without reading."""
        versions = self._store.versions()
        return None if versions is None else (self.as_of, *versions)

    def check(self) -> None:
        """Raise StoreError unless the store can be read."""
        self._store.check()

    def dashboard(self, days: int = DEFAULT_DAYS) -> Dashboard:
        """Return the dashboard over the last ``days`` days."""
        self._store.check()
        return self._matched().read_dashboard(days)

    def contents(self) -> Contents:
        """Return the rows of a publication, from one read of each table.

        They are only of metrics of the catalogue. Removed ones stay in the store and in exports.
        """
        self._store.check()
        definitions = self._store.definitions()
        return self._matched(definitions).read_contents(definitions)

    def publication(self, contents: Contents | None = None, url: str | None = None) -> Publication:
        """Return everything for a build of the site at ``url``, computed from ``contents`` or the store."""
        contents = contents or self.contents()
        return self._matched(contents.definitions).build_publication(contents, url)

    def definitions(self) -> list[Definition]:
        """Return the active definitions of the catalogue's metrics by product, family and display name."""
        rows = self._store.definitions()
        return self._matched(rows).active(rows)

    def series(self, metric_id: str, days: int) -> SeriesTable | None:
        """Return the stored values of the last ``days`` days, ascending, or None for an unknown metric."""
        if not metric_id.isprintable() or not self._is_known(metric_id):
            return None
        asked = metric_id, Span(window(self.as_of, days), self.as_of)
        if self._store.target.kind is StoreKind.EMBEDDED:
            return self._series.get(asked, self._read_series)
        # Elsewhere, a request would wait for the network in the read before its own.
        return self._read_series([asked])[asked]

    def findings(self) -> Findings:
        """Return the insights with their events. Reads the whole history once per change of the store."""
        self._store.check()
        return self._findings_cache.get(self.token, "findings", lambda: self._matched().read_findings())

    def report_inputs(self) -> ReportInputs:
        """Return the input of the monthly reports. Reads the whole history once per change of the store."""
        self._store.check()
        return self._reports_cache.get(self.token, "reports", lambda: self._matched().read_report_inputs())

    def errors(self, first: date, last: date) -> list[Run]:
        """Return the runs with errors that were started from ``first`` to ``last``, newest first."""
        first, last = (min(max(day, EARLIEST), LATEST) for day in (first, last))
        runs = self._store.runs(_midnight(first), until=_midnight(last + DAY))
        return [run for run in runs if run.error_summary]

    def runs(self) -> list[Run]:
        """Return the runs of the last 90 days, newest first."""
        return self._store.runs(self._now - RUNS_WITHIN)

    def status(self) -> StoreStatus:
        """Return the freshness of each metric, missing days, implausible values, and the last runs.

        Reads all stored days, but only the values of some weeks.
        """
        self._store.check()
        return self._matched().read_status()

    def revisions(self) -> list[Revision]:
        """Return the values replaced by runs of the last 90 days, newest run first."""
        return self._store.revisions(self._now - RUNS_WITHIN)

    def _log(self, runs: Sequence[Run]) -> OutcomeLog:
        return OutcomeLog(runs, self._store.read_outcomes(self._now - RUNS_WITHIN, self._ids))

    @property
    def _all_days(self) -> Span:
        return Span(window(self.as_of, ALL_DAYS), LATEST)

    @property
    def _until_now(self) -> Span:
        return Span(window(self.as_of, ALL_DAYS), self.as_of)

    def _read(self, metric_ids: Sequence[str], span: Span, columns: Sequence[str] = COLUMNS) -> SeriesTable:
        return SeriesTable.from_arrow(self._store.read_encoded(metric_ids, span, columns))

    def _read_series(self, asked: Collection[tuple[str, Span]]) -> dict[tuple[str, Span], SeriesTable]:
        """Return the values of each of these metrics in its span, from one read."""
        whole = Span(min(span.first for _, span in asked), max(span.last for _, span in asked))
        table = self._read([metric_id for metric_id, _ in asked], whole, POINT_COLUMNS)
        return {(name, span): table.where(table.owned_by({name}) & table.within(span)) for name, span in asked}

    def _is_known(self, metric_id: str) -> bool:
        if self.token() is None:
            return bool(self._store.definitions(metric_id))
        known = self._known_ids.get(
            self.token, "ids", lambda: frozenset(d.metric_id for d in self._store.definitions())
        )
        return metric_id in known

    def failed_metrics(self) -> tuple[Metric, ...]:
        """Return the metrics that could not be fetched when they were last requested."""
        return self._matched().read_failed_metrics()

    def _matched(self, definitions: Sequence[Definition] | None = None) -> _MatchedQueries:
        def match() -> Catalog:
            rows = self._store.definitions() if definitions is None else definitions
            return match_ids(self._catalog, rows, self._specs).catalog

        matched = match() if definitions is not None else self._catalogs.get(self.token, "catalog", match)
        queries = _MatchedQueries(self._store, matched, self._specs, now=self._now)
        queries._dashboards = self._dashboards  # noqa: SLF001  # of its own class
        queries._intervals_cache = self._intervals_cache  # noqa: SLF001  # of its own class
        return queries


class _MatchedQueries(Queries):
    """Queries that depend on ids, with the ids of the store for the metrics of the catalogue."""

    def read_dashboard(self, days: int) -> Dashboard:
        """Return the dashboard over the last ``days`` days."""
        span = reading(self.as_of, days)

        def build() -> Dashboard:
            table = self._read(self._ids, span)
            runs = self.runs()
            return self._dashboard(table, runs, self._log(runs), self._events(), span.days)

        board = self._dashboards.get(self.token, span, build)
        return replace(narrow(board, days), generated_at=self._now.replace(microsecond=0))

    def read_contents(self, definitions: Iterable[Definition]) -> Contents:
        """Return the rows of a publication."""
        rows = self._read(self._ids, self._all_days, STATS.schema.names)
        published = rows.where(rows.days <= self.as_of.toordinal())
        return Contents(tuple(definitions), rows, self._report_inputs(published))

    def build_publication(self, contents: Contents, url: str | None) -> Publication:
        """Return everything for a build of the site at ``url``."""
        published, events = contents.reports.rows, contents.reports.events
        runs = self.runs()
        outcomes = self._store.read_outcomes(self._now - RUNS_WITHIN, self._ids)
        log = OutcomeLog(runs, outcomes)
        recent = published.where(published.within(reading(self.as_of, DEFAULT_DAYS)))
        return Publication(
            dashboard=self._dashboard(published, runs, log, events, ALL_DAYS),
            daily=self._dashboard(recent, runs, log, events, DEFAULT_DAYS),
            definitions=tuple(self.active(contents.definitions)),
            rows=published,
            runs=tuple(runs),
            log=log,
            url=url or self._catalog.url,
            quality=self._quality(contents.rows, published, log),
            findings=self._findings(published, events),
            reports=contents.reports,
            records=self._records(outcomes, contents.reports.revisions),
        )

    def _records(self, outcomes: pa.Table, revisions: Iterable[Revision]) -> Records:
        """Return the recorded outcomes and events of the metrics of the catalogue."""
        known = set(self._ids)
        return Records(
            runs=tuple(reversed(self._store.runs())),
            revisions=tuple(row for row in reversed(tuple(revisions)) if row.metric_id in known),
            outcomes=outcomes,
            readings=tuple(self._store.readings(self._ids)),
        )

    def read_report_inputs(self) -> ReportInputs:
        """Return the input of the monthly reports."""
        return self._report_inputs(self._read(self._ids, self._until_now, (*COLUMNS, "observed_at")))

    def _report_inputs(self, rows: SeriesTable) -> ReportInputs:
        return ReportInputs(
            rows=rows,
            revisions=tuple(self._store.revisions()),
            catalog=self._catalog,
            specs=self._specs,
            events=self._events(),
            now=self._now,
            as_of=self.as_of,
        )

    def read_findings(self) -> Findings:
        """Return the insights."""
        return self._findings(self._read(self._ids, self._until_now))

    def _findings(self, rows: SeriesTable, events: Sequence[Event] | None = None) -> Findings:
        events = self._events() if events is None else events
        insights = build_insights(rows, self._catalog, events, self.as_of, specs=self._specs)
        notes = tuple(note for note in self._catalog.notes if note.day <= self.as_of)
        announced = tuple(row for row in self._store.events() if row.source in (SIGNAL, REPORT))
        return Findings(insights, tuple(events), notes, announced)

    def _events(self) -> tuple[Event, ...]:
        """Return the events of the catalogue and the shown releases up to the last completed day."""
        merged = merge_events(self._catalog.events, self._store.events(), self._catalog.release_rules)
        return tuple(event for event in merged if event.day <= self.as_of)

    def active(self, definitions: Iterable[Definition]) -> list[Definition]:
        """Return the active definitions of the catalogue, sorted."""
        known = set(self._ids)
        return sorted((row for row in definitions if row.is_active and row.metric_id in known), key=_definition_order)

    def read_status(self) -> StoreStatus:
        """Return the status of the store."""
        runs, as_of = self.runs(), self.as_of
        log = self._log(runs)
        stored = self._read(self._ids, self._all_days, DAY_COLUMNS)
        recent = self._read(self._ids, Span(window(as_of, READ_DAYS), as_of), (*COLUMNS, "ingestion_run_id"))
        metrics = self._catalog.metrics
        states = build_states(metrics, stored, as_of)
        return build_status(metrics, states, runs, log, self._quality(stored, recent, log), as_of=as_of)

    def _quality(self, stored: SeriesTable, recent: SeriesTable, log: OutcomeLog) -> DataQuality:
        return build_quality(
            self._catalog.metrics,
            self._specs,
            stored,
            recent,
            log,
            self.revisions(),
            as_of=self.as_of,
            damaged=self._read_damaged(),
            intervals=self._intervals(),
        )

    def _read_damaged(self) -> SeriesTable:
        """Return the stored days for which a source is known to report values that are too low."""
        metric_ids: dict[str, list[str]] = {}
        for metric in self._catalog.metrics:
            metric_ids.setdefault(metric.source, []).append(metric.metric_id)
        tables = [
            self._store.read_observations(ids, Span(loss.first, loss.last), COLUMNS)
            for source, ids in metric_ids.items()
            for loss in self._specs[source].damaged_days
        ]
        data = pa.concat_tables(tables) if tables else select_schema(COLUMNS).empty_table()
        return SeriesTable.from_arrow(data.sort_by([(name, "ascending") for name in STATS.key]))

    def read_failed_metrics(self) -> tuple[Metric, ...]:
        """Return the metrics that could not be fetched when they were last requested."""
        log = self._log(self.runs())
        return tuple(metric for metric in self._catalog.metrics if log.last_error(metric.metric_id) is not None)

    def _dashboard(
        self, table: SeriesTable, runs: Sequence[Run], log: OutcomeLog, events: Sequence[Event], days: int
    ) -> Dashboard:
        return build_dashboard(
            self._catalog,
            self._titles,
            table,
            runs,
            as_of=self.as_of,
            days=days,
            generated_at=self._now.replace(microsecond=0),
            log=log,
            events=events,
            intervals=self._intervals(),
        )

    def _intervals(self) -> Intervals | None:
        return self._intervals_cache.get(self.token, "intervals", self._read_intervals)

    def _read_intervals(self) -> Intervals | None:
        """Return the intervals between the readings of all counters; None without a counter."""
        counters = [metric.metric_id for metric in self._catalog.metrics if metric.measure.is_counter]
        if not counters:
            return None
        rows = self._read(counters, self._until_now, (*COLUMNS, "observed_at"))
        return build_intervals(rows, self._store.readings(counters))


def reading(as_of: date, days: int) -> Span:
    """Return the days to read for a dashboard of ``days`` days.

    They begin with a whole month, at least a year before the last full month. So all windows of up to a year share
    one read, and include the days that changes are measured from.
    """
    year_ago = last_full_month(as_of).plus(-12).first
    return Span(min(Month.of(window(as_of, days)).first, year_ago), as_of)


def _definition_order(row: Definition) -> tuple[str, ...]:
    return row.product, row.metric_family, row.display_name, row.metric_id


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), UTC)
