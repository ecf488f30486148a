"""The view-model. Frozen; its readers only format it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from enum import StrEnum
from typing import ClassVar, Self, TypeVar, overload

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from cmetrics.analytics.columns import Codes, Days, Mask, SeriesTable, Values, to_dates
from cmetrics.analytics.insight_results import Insights
from cmetrics.analytics.intervals import Interval
from cmetrics.analytics.quality import DataQuality
from cmetrics.analytics.report_inputs import ReportInputs
from cmetrics.domain.days import window
from cmetrics.domain.event import Note, StoredEvent
from cmetrics.domain.license import License
from cmetrics.domain.metric import Definition, Event, Metric
from cmetrics.domain.notice import mark
from cmetrics.domain.outcome import OutcomeLog
from cmetrics.domain.reading import StoredReading
from cmetrics.domain.revision import Revision
from cmetrics.domain.run import Run
from cmetrics.domain.site_theme import DEFAULT_THEME, SiteTheme

#: The default window of the API in days.
DEFAULT_DAYS = 180
#: A source is stale if its newest day is this many days before the last completed one. npm, which publishes last, is
#: usually two days behind in the morning.
STALE_DAYS = 3


class PointKind(StrEnum):
    """How a value was obtained, from the most to the least reliable kind."""

    #: A sum of daily values, or a star count observed on its day.
    OBSERVED = "observed"
    #: A star count reconstructed from the history of stars.
    RECONSTRUCTED = "reconstructed"
    #: A seeded total of about 30 days up to its date.
    SEEDED = "seeded"
    #: Interpolated between two observed days.
    ESTIMATED = "estimated"


#: The kinds by their codes in columns.
KINDS = tuple(PointKind)
OBSERVED, RECONSTRUCTED, SEEDED, ESTIMATED = range(len(KINDS))


@dataclass(frozen=True, slots=True)
class PeriodPoint:
    """Downloads of a week or a calendar month, stars at its end, or one seeded snapshot.

    A snapshot covers no counted days: ``days_observed`` and ``days_expected`` are None.
    """

    period_start: date
    period_end: date
    value: int
    kind: PointKind
    provenance: str
    days_observed: int | None
    days_expected: int | None
    #: Whether the period contains the day of the dashboard, unless that is its last day.
    is_running: bool = False

    @property
    def is_complete(self) -> bool:
        """Whether every day of the period is counted."""
        return self.days_observed is not None and self.days_observed == self.days_expected


@dataclass(frozen=True, slots=True)
class DayPoint:
    """Downloads of a day, or stars at its end."""

    day: date
    value: int
    kind: PointKind
    provenance: str = ""


P = TypeVar("P")


@dataclass(frozen=True, slots=True, eq=False)
class _ByDay(Sequence[P]):
    """Rows of one series by column, ascending by day; rows become objects when they are accessed."""

    days: Days

    def __len__(self) -> int:
        return len(self.days)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Sequence) and list(self) == list(other)

    __hash__ = None  # type: ignore[assignment]

    def since(self, day: date) -> Self:
        """Return the rows from ``day`` on."""
        rows: Self = self[int(np.searchsorted(self.days, day.toordinal())) :]  # type: ignore[assignment]
        return rows


@dataclass(frozen=True, slots=True, eq=False)
class DayPoints(_ByDay[DayPoint]):
    """Points of one series."""

    values: Values
    #: Index in :data:`KINDS` by point.
    kinds: NDArray[np.int8]
    #: Index in ``provenance_names`` by point.
    provenances: Codes
    provenance_names: tuple[str, ...]

    @classmethod
    def of(cls, points: Iterable[DayPoint]) -> DayPoints:
        """Return the columns of ``points``."""
        points = list(points)
        names = tuple(dict.fromkeys(point.provenance for point in points))
        return cls(
            np.array([point.day.toordinal() for point in points], np.int32),
            np.array([point.value for point in points], np.int64),
            np.array([KINDS.index(point.kind) for point in points], np.int8),
            np.array([names.index(point.provenance) for point in points], np.int32),
            names,
        )

    @overload
    def __getitem__(self, index: int) -> DayPoint: ...
    @overload
    def __getitem__(self, index: slice) -> DayPoints: ...
    def __getitem__(self, index: int | slice) -> DayPoint | DayPoints:
        """Return a point, or the points of a slice by column."""
        if isinstance(index, slice):
            return self._part(index)
        return DayPoint(
            date.fromordinal(int(self.days[index])),
            int(self.values[index]),
            KINDS[self.kinds[index]],
            self.provenance_names[self.provenances[index]],
        )

    def __iter__(self) -> Iterator[DayPoint]:
        kinds = (KINDS[kind] for kind in self.kinds.tolist())
        names = (self.provenance_names[code] for code in self.provenances.tolist())
        return map(DayPoint, self.dates, self.values.tolist(), kinds, names)

    @property
    def dates(self) -> list[date]:
        """The days as dates."""
        return to_dates(self.days)

    @property
    def known(self) -> DayPoints:
        """The points that are not estimates."""
        mask = self.kinds != ESTIMATED
        return self if mask.all() else self._part(mask)

    def _part(self, rows: slice | Mask) -> DayPoints:
        return DayPoints(
            self.days[rows], self.values[rows], self.kinds[rows], self.provenances[rows], self.provenance_names
        )


NO_POINTS = DayPoints.of(())


@dataclass(frozen=True, slots=True)
class Change:
    """From an earlier value to a later one; ``percent`` is None if the earlier value is zero."""

    absolute: int
    percent: float | None


@dataclass(frozen=True, slots=True)
class MonthComparison:
    """A month of several metrics, compared with another one like for like."""

    #: The change of the metrics that are complete in both months; None if the others have more than a tenth of the
    #: value.
    change: Change | None
    #: The ids of the others.
    left_out: tuple[str, ...] = ()


#: The definition shown with these numbers.
FLOWS_DEFINITION = (
    "Gained: stars that GitHub's history dated to a day when that day's count was read. "
    "Net: the count minus the count of the day before. Lost: gained minus net, at least 0, because a count is read "
    "some hours after its day has ended. None of them includes a star that is added and removed on the same day. "
    "They are unknown for days whose count was not read at their end."
)


@dataclass(frozen=True, slots=True)
class StarFlow:
    """Stars gained and lost on some days, see :data:`FLOWS_DEFINITION`; None if unknown."""

    first_day: date
    last_day: date
    gained: int | None
    lost: int | None
    net: int | None


@dataclass(frozen=True, slots=True, eq=False)
class StarFlows(_ByDay[StarFlow]):
    """Flows of single days."""

    #: The code of an unknown number.
    UNKNOWN: ClassVar[int] = np.iinfo(np.int64).min

    gained: Values
    lost: Values
    net: Values

    @overload
    def __getitem__(self, index: int) -> StarFlow: ...
    @overload
    def __getitem__(self, index: slice) -> StarFlows: ...
    def __getitem__(self, index: int | slice) -> StarFlow | StarFlows:
        """Return a flow, or the flows of a slice by column."""
        if isinstance(index, slice):
            return StarFlows(self.days[index], self.gained[index], self.lost[index], self.net[index])
        return list(self)[index]

    def __iter__(self) -> Iterator[StarFlow]:
        days = to_dates(self.days)
        known = (
            [None if number == self.UNKNOWN else number for number in column.tolist()]
            for column in (self.gained, self.lost, self.net)
        )
        return map(StarFlow, days, days, *known)


NO_FLOWS = StarFlows(*(np.zeros(0, np.int64) for _ in range(4)))  # type: ignore[arg-type]


@dataclass(frozen=True, slots=True)
class MetricFreshness:
    """The age of a metric's data on the day of the dashboard."""

    metric: Metric
    latest_day: date | None
    #: Days between the newest stored day and the day of the dashboard; None if nothing is stored.
    age_days: int | None
    #: The newest failure; None once a source has responded since.
    last_error: str | None = None
    last_error_at: datetime | None = None

    @property
    def overdue_days(self) -> int | None:
        """The age beyond the usual one of the measure: a weekly value is a week old before the next one."""
        return None if self.age_days is None else max(0, self.age_days - self.metric.measure.lag_days)


@dataclass(frozen=True, slots=True)
class DownloadItem:
    """One SDK."""

    metric: Metric
    source_title: str
    #: Its colour on all pages.
    tone: str
    #: The total of the last full calendar month; None if no day of it is stored.
    month: PeriodPoint | None
    month_end: date
    month_on_month: Change | None
    year_on_year: Change | None
    #: Percent of the product's downloads in that month; None unless all its SDKs are complete.
    share: float | None
    #: The total of the last 30 days (None if none is stored), and the number of stored days.
    last_30_days: int | None
    last_30_days_observed: int
    #: The changes of the 7, 30 and 90 days up to the newest stored one from as many days before; None unless all of
    #: these days are stored.
    change_7: Change | None
    change_30: Change | None
    change_90: Change | None
    #: By month.
    points: tuple[PeriodPoint, ...]
    #: By day, without the seeded snapshots.
    days: DayPoints
    freshness: MetricFreshness


@dataclass(frozen=True, slots=True)
class StarItem:
    """One repository."""

    metric: Metric
    source_title: str
    #: Its colour on all pages.
    tone: str
    latest: DayPoint | None
    change_7: Change | None
    change_30: Change | None
    change_90: Change | None
    #: By day.
    points: DayPoints
    freshness: MetricFreshness
    #: The flows of each day for which any is known, ascending, and of the 30 days up to the newest count.
    flows: StarFlows = field(default_factory=lambda: NO_FLOWS)
    flow_30: StarFlow | None = None


@dataclass(frozen=True, slots=True)
class CountItem:
    """One metric that is not part of a total: a counter, a stock without history, a rolling window, or another flow."""

    metric: Metric
    source_title: str
    #: Its colour on all pages.
    tone: str
    latest: DayPoint | None
    #: The first day of the newest rolling window; None for other kinds.
    window_start: date | None
    #: Stocks: the changes in 7, 30 and 90 days up to the newest value.
    change_7: Change | None
    change_30: Change | None
    change_90: Change | None
    #: Counters and daily counts: the count of the last 30 days, and the number of days for which it is known.
    last_30_days: int | None
    last_30_days_observed: int
    #: By day.
    points: DayPoints
    freshness: MetricFreshness
    #: Counters: the intervals between readings, ascending.
    intervals: tuple[Interval, ...] = ()
    #: Rolling windows: the first day of each of the ``points``.
    starts: Days = field(default_factory=lambda: np.zeros(0, np.int32))

    def since(self, day: date) -> CountItem:
        """Return the item with the points from ``day`` on, and the intervals that end from ``day`` on."""
        points = self.points.since(day)
        return replace(
            self,
            points=points,
            starts=self.starts[len(self.starts) - len(points) :] if len(self.starts) else self.starts,
            intervals=tuple(interval for interval in self.intervals if interval.end_day >= day),
        )

    @property
    def latest_start(self) -> date | None:
        """The first day of the period of the newest value."""
        if self.window_start is not None:
            return self.window_start
        return self.latest.day if self.latest else None

    @property
    def periods(self) -> list[tuple[date, date, int]]:
        """First day, last day and value of each point."""
        ends = self.points.dates
        starts = to_dates(self.starts) if len(self.starts) else ends
        return list(zip(starts, ends, self.points.values.tolist(), strict=True))


Item = DownloadItem | StarItem | CountItem


def points_by_day(item: Item) -> DayPoints:
    """Return the values of an item by day."""
    return item.days if isinstance(item, DownloadItem) else item.points


@dataclass(frozen=True, slots=True)
class Group:
    """One product."""

    product: str
    title: str
    downloads: tuple[DownloadItem, ...]
    stars: tuple[StarItem, ...]
    #: Downloads of the last 30 days, all SDKs together; None if none of these days is stored.
    last_30_days: int | None
    #: Metrics that are not part of a total.
    counts: tuple[CountItem, ...] = ()

    @property
    def items(self) -> tuple[Item, ...]:
        """Downloads first, then stars."""
        return (*self.downloads, *self.stars, *self.counts)


@dataclass(frozen=True, slots=True)
class SourceState:
    """The freshness of one service."""

    title: str
    #: The newest day that all its metrics have; None if one of them has no value.
    latest_day: date | None
    #: The largest overdue age of its metrics; None if one of them has no value.
    age_days: int | None
    #: The newest day of any of its metrics, and its overdue age; None if none has a value.
    newest_day: date | None = None
    newest_age_days: int | None = None

    @property
    def is_late(self) -> bool:
        """Whether one of its metrics is stale, or has no value yet."""
        return self.age_days is None or self.age_days >= STALE_DAYS

    @property
    def is_stale(self) -> bool:
        """Whether all of its metrics are stale: the source as a whole has no recent value."""
        return self.newest_age_days is not None and self.newest_age_days >= STALE_DAYS


@dataclass(frozen=True, slots=True)
class RunNote:
    """A run with its errors."""

    run_id: str
    job_name: str
    status: str
    started_at: datetime
    finished_at: datetime | None
    errors: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Health:
    """The state of the collection."""

    last_run: RunNote | None
    last_success_at: datetime | None
    #: Newest first.
    failures: tuple[RunNote, ...]


@dataclass(frozen=True, slots=True)
class Findings:
    """The insights of a day, with the events and notes up to it."""

    insights: Insights
    #: Releases and events of the catalogue, by day.
    events: tuple[Event, ...] = ()
    #: By day.
    notes: tuple[Note, ...] = ()
    #: Signals and reports that runs have announced.
    announced: tuple[StoredEvent, ...] = ()


@dataclass(frozen=True, slots=True)
class Records:
    """Records of the runs about the catalogue's metrics, besides values."""

    #: All runs, oldest first.
    runs: tuple[Run, ...] = ()
    #: Oldest first.
    revisions: tuple[Revision, ...] = ()
    #: Outcomes of the last runs, by column, unordered.
    outcomes: pa.Table | None = None
    #: By metric and day.
    readings: tuple[StoredReading, ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class Contents:
    """The rows of a store that a publication is computed from."""

    definitions: tuple[Definition, ...]
    #: Every stored value of the catalogue's metrics, by metric and day.
    rows: SeriesTable
    #: The input of the monthly reports, with the values up to the last completed day.
    reports: ReportInputs


@dataclass(frozen=True, slots=True)
class Publication:
    """The data that a build of the site publishes."""

    #: The whole history, for the page.
    dashboard: Dashboard
    #: The default window, as in the API.
    daily: Dashboard
    definitions: tuple[Definition, ...]
    #: Every stored value of the catalogue's metrics up to the day of the dashboard, by metric and day.
    rows: SeriesTable
    #: The last runs, newest first.
    runs: tuple[Run, ...]
    #: The published address of the site; None if unknown.
    url: str | None
    #: The outcome of each metric in the last runs.
    log: OutcomeLog = field(default_factory=lambda: OutcomeLog((), ()))
    #: Missing days with their reasons, and anomalies.
    quality: DataQuality = field(default_factory=DataQuality)
    #: The insights, with events and notes.
    findings: Findings | None = None
    #: The input of the monthly reports.
    reports: ReportInputs | None = None
    #: Records of the runs besides values, for the data files.
    records: Records | None = None


@dataclass(frozen=True, slots=True)
class Dashboard:
    """Everything that is shown for one day."""

    title: str
    #: The day of the dashboard, a completed UTC day.
    as_of: date
    generated_at: datetime
    #: The number of days of the window, which ends on ``as_of``.
    days: int
    groups: tuple[Group, ...]
    #: The last full month over all SDKs; complete only if every part is.
    month_total: PeriodPoint | None
    #: The month before it.
    month_before: PeriodPoint | None
    #: The comparisons with the month before, and with the same month of the year before.
    month_comparison: MonthComparison
    year_comparison: MonthComparison
    #: The total on the newest day on which every repository has a count.
    total_stars: DayPoint | None
    total_stars_change_30: Change | None
    total_stars_points: DayPoints
    sources: tuple[SourceState, ...]
    #: By day.
    events: tuple[Event, ...]
    health: Health
    #: The notes of the catalogue, by day.
    notes: tuple[Note, ...] = ()
    #: Marks every page and picture, such as "Sample data"; empty if the catalogue sets none.
    notice: str = ""
    #: The licence of the published data; None if the catalogue states none.
    license: License | None = None
    #: The language of numbers and dates.
    lang: str = "en"
    #: The appearance of the site.
    theme: SiteTheme = DEFAULT_THEME

    @property
    def marked_title(self) -> str:
        """The title, after the notice if there is one."""
        return mark(self.title, self.notice)

    @property
    def items(self) -> tuple[Item, ...]:
        """All items in catalogue order."""
        return tuple(item for group in self.groups for item in group.items)

    @property
    def month_total_change(self) -> Change | None:
        """The change of :attr:`month_total` on the month before, like for like."""
        return self.month_comparison.change

    @property
    def month_total_year_change(self) -> Change | None:
        """The change of :attr:`month_total` on the same month of the year before, like for like."""
        return self.year_comparison.change

    @property
    def month_left_out(self) -> tuple[Metric, ...]:
        """The metrics that the change on the month before leaves out, in the order of the catalogue."""
        left_out = set(self.month_comparison.left_out)
        return tuple(item.metric for item in self.items if item.metric.metric_id in left_out)

    @property
    def families(self) -> tuple[str, ...]:
        """The counted families, in catalogue order."""
        return tuple(dict.fromkeys(item.metric.family for item in self.items))

    @property
    def data_through(self) -> date | None:
        """The newest day with a value of any metric; None if nothing is stored."""
        return max((source.newest_day for source in self.sources if source.newest_day), default=None)

    @property
    def data_since(self) -> date | None:
        """The oldest day with a value by day of any download or repository; None if nothing is stored."""
        series = map(points_by_day, self.items)
        return min((days[0].day for days in series if days), default=None)

    @property
    def age_days(self) -> int | None:
        """The number of days from :attr:`data_through` to :attr:`as_of`."""
        return None if self.data_through is None else (self.as_of - self.data_through).days

    @property
    def is_stale(self) -> bool:
        """Whether no source has a recent value."""
        return self.age_days is not None and self.age_days >= STALE_DAYS

    @property
    def stale_sources(self) -> tuple[SourceState, ...]:
        """The sources without a recent value."""
        return tuple(source for source in self.sources if source.is_stale)

    @property
    def last_30_days(self) -> dict[str, date | int | None]:
        """The window of the last 30 days, and the downloads of each product in it."""
        span = {"window_start": window(self.as_of, 30), "window_end": self.as_of}
        return span | {group.product: group.last_30_days for group in self.groups if group.product not in span}

    @property
    def has_downloads(self) -> bool:
        """Whether the catalogue has any."""
        return any(group.downloads for group in self.groups)

    @property
    def has_stars(self) -> bool:
        """Whether the catalogue has any."""
        return any(group.stars for group in self.groups)

    @property
    def has_snapshots(self) -> bool:
        """Whether totals from before daily counting are shown."""
        return any(p.kind is PointKind.SEEDED for group in self.groups for item in group.downloads for p in item.points)
