"""Find what a refresh announces: new signals and final reports, each once, and the figures of the night."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from cmetrics.analytics.columns import SeriesTable
from cmetrics.analytics.daily import build_daily_grid
from cmetrics.analytics.insight_results import Signal, Window
from cmetrics.analytics.insights import Changes, find_changes
from cmetrics.analytics.report import final_months, month_name
from cmetrics.analytics.report_inputs import ReportInputs
from cmetrics.analytics.rollups import common_end
from cmetrics.analytics.star_grid import UNKNOWN, StarGrid, build_star_grid
from cmetrics.catalog import Catalog
from cmetrics.domain.days import DAY, Month, Span
from cmetrics.domain.errors import StoreError
from cmetrics.domain.event import REPORT, SIGNAL, StoredEvent, merge_events
from cmetrics.domain.run import Highlights
from cmetrics.ingest.context import RunContext
from cmetrics.sources import SPECS
from cmetrics.store.lance_store import LanceStore

#: Older signals are not announced by the first run that announces any.
RECENT = 7 * DAY
#: Reports of months that ended earlier are not announced.
REPORTED_WITHIN = 40 * DAY
_FIRST_DAY = date(2000, 1, 1)
#: The columns for grids and for the time at which a report became final.
READ_COLUMNS = ("metric_id", "period_end", "provenance", "source_window", "source_ref", "observed_at", "value")


def find_highlights(store: LanceStore, catalog: Catalog, context: RunContext) -> tuple[Highlights | None, list[str]]:
    """Return the highlights of the store as of the last completed day, and warnings.

    Announcements are stored, so that no later run repeats them. If that fails, nothing is announced.
    """
    try:
        ids = [metric.metric_id for metric in catalog.metrics]
        # Records cover the whole history, so all days are read, but only the required columns.
        rows = SeriesTable.from_arrow(store.read_encoded(ids, Span(_FIRST_DAY, context.last_day), READ_COLUMNS))
        stored = store.events()
        inputs = ReportInputs(
            rows=rows,
            revisions=tuple(store.revisions()),
            catalog=catalog,
            specs=SPECS,
            events=tuple(
                event
                for event in merge_events(catalog.events, stored, catalog.release_rules)
                if event.day <= context.last_day
            ),
            now=context.now,
            as_of=context.last_day,
        )
    except StoreError as error:
        return None, [f"the signals could not be computed: {error}"]
    grid = build_daily_grid(catalog.metrics, SPECS, rows, context.last_day)
    stars = build_star_grid(catalog.metrics, rows, context.last_day)
    changes = find_changes(grid, stars, catalog, inputs.events)
    announced, unannounced = _build_announcements(changes, inputs, stored, catalog)
    warnings: list[str] = []
    try:
        store.save_events([*announced, *unannounced])
    except StoreError as error:
        warnings.append(f"{len(announced)} signals and reports were not announced: {error}")
        announced = []
    total, gained, lost = _count_stars(stars)
    return (
        Highlights(
            signals=len(changes.signals),
            announced=tuple(announced),
            downloads_30d=_downloads_30d(changes),
            stars=total,
            new_stars=gained,
            lost_stars=lost,
        ),
        warnings,
    )


def _build_announcements(
    changes: Changes, inputs: ReportInputs, stored: Sequence[StoredEvent], catalog: Catalog
) -> tuple[list[StoredEvent], list[StoredEvent]]:
    """Return the rows to announce, and those that are only stored, because they were old at the first announcement."""
    known = {row.event_id for row in stored}
    is_first = not any(row.source in (SIGNAL, REPORT) for row in stored)
    products = {metric.metric_id: metric.product for metric in catalog.metrics}
    recent = inputs.as_of - RECENT
    announced: list[StoredEvent] = []
    unannounced: list[StoredEvent] = []
    for signal in changes.signals:
        row = _signal_row(signal, products[signal.metric_id], inputs, is_first=is_first)
        if row.event_id not in known:
            (unannounced if is_first and signal.start < recent else announced).append(row)
    for month, final_on in final_months(inputs).items():
        row = _report_row(month, final_on, inputs)
        if row.event_id not in known:
            # Months that were collected together become final together.
            is_old = final_on < recent or month.last < inputs.as_of - REPORTED_WITHIN
            (unannounced if is_old else announced).append(row)
    return announced, unannounced


def _signal_row(signal: Signal, product: str, inputs: ReportInputs, *, is_first: bool) -> StoredEvent:
    return StoredEvent(
        event_id=f"{SIGNAL}:{signal.id}",
        product=product,
        day=signal.start if is_first else inputs.as_of,
        label=signal.text,
        url="",
        source=SIGNAL,
        tag=f"{signal.kind.value} {signal.metric_id}",
        prerelease=False,
        observed_at=inputs.now,
    )


def _report_row(month: Month, final_on: date, inputs: ReportInputs) -> StoredEvent:
    return StoredEvent(
        event_id=f"{REPORT}:{month}",
        product="",
        day=final_on,
        label=f"The report of {month_name(month)} is final.",
        url="",
        source=REPORT,
        tag=str(month),
        prerelease=False,
        observed_at=inputs.now,
    )


def _downloads_30d(changes: Changes) -> int | None:
    for row in changes.totals:
        if row.window is Window.DAYS_30:
            return row.value if row.days_observed == row.days_expected else None
    return None


def _count_stars(grid: StarGrid) -> tuple[int | None, int | None, int | None]:
    """Return the stars of all repositories on the newest common day, and those gained and lost on it."""
    column = common_end(grid.ends) if len(grid.metrics) else -1
    if column < 1 or not grid.known[:, column].all():
        return None, None, None
    total = int(grid.counts[:, column].sum())
    gained = grid.gained[:, column]
    if (gained == UNKNOWN).any() or not grid.known[:, column - 1].all():
        return total, None, None
    net = int((grid.counts[:, column] - grid.counts[:, column - 1]).sum())
    return total, int(gained.sum()), max(int(gained.sum()) - net, 0)
