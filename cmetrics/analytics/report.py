"""The report of one calendar month: every number and sentence that its HTML, Markdown and JSON show. Pure.

The renderers only place what is here. Numbers of a final month do not change, see
:mod:`cmetrics.analytics.frozen`; releases and notes are those that are known today, and titles are today's.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date

import numpy as np

from cmetrics.analytics.daily import DailyGrid, Places, build_daily_grid
from cmetrics.analytics.effects import build_effects
from cmetrics.analytics.frozen import SETTLED_AFTER, FrozenMonth, LaterChange, final_moment, freeze_month
from cmetrics.analytics.insights import Effect, Verdict, find_changes
from cmetrics.analytics.model import PeriodPoint, PointKind
from cmetrics.analytics.phrases import change_percent, moved, name_of, number, short_date
from cmetrics.analytics.report_inputs import ReportInputs
from cmetrics.analytics.rollups import LEFT_OUT_SHARE, Compared, compare, left_out_share, why_not
from cmetrics.analytics.series import last_full_month, month_points
from cmetrics.analytics.star_grid import UNKNOWN, StarGrid, build_star_grid
from cmetrics.domain.days import DAY, Month, months
from cmetrics.domain.event import Note
from cmetrics.domain.metric import Event, Metric
from cmetrics.domain.plural import plural

#: The full months that have a report.
REPORTS = 12
#: The months of the chart, and those of a row.
HISTORY_MONTHS, ROW_MONTHS = 24, 12
#: Releases so long before the month are judged by days in it.
EFFECT_REACH = 30 * DAY

METHOD = (
    "Downloads are sums of daily counts (UTC days) as the registries publish them; automated downloads are included.",
    (
        "Two months are compared only where every day of both is counted in the same way. A total compares the metrics "
        "that are complete in both; it has no change if the others have more than a tenth of the downloads."
    ),
    "Stars are counts at the end of a day. Net is the difference of two counts.",
    (
        "After a release: mean downloads a day from the third to the thirtieth day against the 28 days before, next to "
        "the same statistic on days without a release. Correlation only."
    ),
)


@dataclass(frozen=True, slots=True)
class DownloadsRow:
    """The downloads of a month, of one metric or of several."""

    #: Of one metric.
    metric_id: str | None
    product: str | None
    sdk: str | None
    #: What it is, and where it is counted.
    name: str
    detail: str
    #: None if no day is counted.
    value: int | None
    days_observed: int
    days_expected: int
    #: The number of metrics, and of those that are compared with the month before.
    metrics: int
    compared: int
    #: Against the month before. The values are of the metrics that are compared.
    previous_value: int | None
    change: int | None
    change_percent: float | None
    is_new: bool
    #: Why there is no change, as a clause.
    reason: str | None
    #: Against the same month of the year before.
    year_compared: int
    year_value: int | None
    year_change: int | None
    year_percent: float | None
    #: Percent of all downloads.
    share: float | None
    #: Among the metrics that are compared with the month before: percent in that month, and percentage points since.
    previous_share: float | None
    share_change: float | None
    #: The months up to this one; None without any counted day.
    history: tuple[int | None, ...] = ()

    @property
    def is_complete(self) -> bool:
        """Whether every day is counted."""
        return self.days_observed == self.days_expected

    @property
    def moved(self) -> str | None:
        """The change against the month before in words; None if there is none."""
        if self.change is None or self.previous_value is None:
            return None
        return moved(self.previous_value + self.change, self.previous_value)

    @property
    def moved_in_year(self) -> str | None:
        """The change against the year before in words; None if there is none."""
        if self.year_change is None or self.year_value is None:
            return None
        return moved(self.year_value + self.year_change, self.year_value)

    @property
    def compared_with(self) -> str:
        """Which metrics the change against the month before is of; empty if it is of all."""
        return _compared(self.compared, self.metrics) if self.change is not None else ""

    @property
    def compared_in_year(self) -> str:
        """Which metrics the change against the year before is of; empty if it is of all."""
        return _compared(self.year_compared, self.metrics) if self.year_change is not None else ""


@dataclass(frozen=True, slots=True)
class StarsRow:
    """The stars at the end of a month, of one repository or of all."""

    metric_id: str | None
    product: str | None
    name: str
    #: None without a count in the month; ``day`` is that of the newest one.
    stars: int | None
    day: date | None
    #: In the month; None where not known.
    net: int | None
    gained: int | None
    lost: int | None
    previous_net: int | None
    #: Net of the months up to this one; None where not known.
    history: tuple[int | None, ...] = ()


@dataclass(frozen=True, slots=True)
class MonthBar:
    """A month of the chart of all downloads."""

    month: Month
    #: By product, in the order of `MonthReport.products`.
    parts: tuple[int, ...]
    days_observed: int
    days_expected: int
    #: Metrics whose days are not counted, but a published total of about 30 days.
    snapshots: int

    @property
    def value(self) -> int:
        """The sum of all products."""
        return sum(self.parts)

    @property
    def is_complete(self) -> bool:
        """Whether every day of the metrics that were counted then is there."""
        return self.days_observed == self.days_expected and not self.snapshots


@dataclass(frozen=True, slots=True)
class ReleaseRow:
    """A release or another event, and what the metrics of its products did."""

    event: Event
    effects: tuple[Effect, ...]


@dataclass(frozen=True, slots=True)
class MissingDays:
    """The days of the month that a metric lacks."""

    metric_id: str
    name: str
    days: int


@dataclass(frozen=True, slots=True)
class MonthReport:
    """The report of one month."""

    title: str
    month: Month
    #: The last completed day when it was built; for a final one the last day that it considers.
    as_of: date
    is_final: bool
    final_on: date
    headline: str
    total: DownloadsRow
    #: In the order of the catalogue.
    products: tuple[DownloadsRow, ...]
    #: By downloads, largest first.
    packages: tuple[DownloadsRow, ...]
    sdks: tuple[DownloadsRow, ...]
    all_stars: StarsRow
    #: By stars, most first.
    repositories: tuple[StarsRow, ...]
    #: The oldest first; the last one is this month.
    history: tuple[MonthBar, ...]
    #: "What changed" on the last day of the month.
    changes: tuple[str, ...]
    #: Of the month, oldest first.
    releases: tuple[ReleaseRow, ...]
    #: Releases before the month whose days after it are now complete.
    judged: tuple[ReleaseRow, ...]
    notes: tuple[Note, ...]
    missing: tuple[MissingDays, ...]
    #: What has changed since the report is final.
    later: tuple[LaterChange, ...]
    #: Names of metrics by id, for `later`.
    names: Mapping[str, str]
    method: tuple[str, ...] = METHOD

    @property
    def name(self) -> str:
        """The month as text."""
        return month_name(self.month)

    @property
    def has_downloads(self) -> bool:
        """Whether the catalogue counts any."""
        return bool(self.packages)

    @property
    def has_stars(self) -> bool:
        """Whether the catalogue counts any."""
        return bool(self.repositories)


def report_months(inputs: ReportInputs) -> tuple[Month, ...]:
    """Return the months that have a report, newest first: of the last 12 full ones, those with a counted day."""
    last = last_full_month(inputs.as_of)
    days = np.unique(inputs.rows.days[~inputs.rows.is_seed])
    found = [
        month
        for month in months(last.plus(1 - REPORTS), last)
        if np.searchsorted(days, month.first.toordinal()) < np.searchsorted(days, month.last.toordinal(), "right")
    ]
    return tuple(reversed(found))


def final_months(inputs: ReportInputs) -> dict[Month, date]:
    """Return the months of :func:`report_months` whose report is final, with the first day on which it is."""
    moments = {month: final_moment(inputs.rows, month) for month in report_months(inputs)}
    return {month: moment.date() for month, moment in moments.items() if moment <= inputs.now}


def build_report(inputs: ReportInputs, month: Month) -> MonthReport:
    """Return the report of one of :func:`report_months`."""
    stars = {metric.metric_id for metric in inputs.catalog.metrics if metric.measure.is_stars}
    frozen = freeze_month(inputs.rows, inputs.revisions, month, inputs.now, stars)
    as_of = min(month.last + SETTLED_AFTER, inputs.as_of)
    return _Builder(inputs, frozen, as_of).build()


def month_name(month: Month) -> str:
    """Return ``October 2026``."""
    return f"{month.first:%B %Y}"


class _Builder:
    def __init__(self, inputs: ReportInputs, frozen: FrozenMonth, as_of: date) -> None:
        self._inputs = inputs
        self._catalog = inputs.catalog
        self._frozen = frozen
        self._month = frozen.month
        self._as_of = as_of
        metrics = inputs.catalog.metrics
        self._names = {metric.metric_id: name_of(metric) for metric in metrics}
        self._titles = {product.product: product.title for product in inputs.catalog.products}
        self._grid = build_daily_grid(metrics, inputs.specs, frozen.rows, as_of)
        self._stars = build_star_grid(metrics, frozen.rows, as_of)
        self._before = self._compare(self._month.plus(-1))
        self._year = self._compare(self._month.plus(-12))
        self._points = month_points(
            [metric for metric in metrics if metric.measure.is_in_totals], frozen.rows, self._month.last
        )
        self._by_month = {metric_id: _by_month(points) for metric_id, points in self._points.items()}
        self._whole = self._sum_shares()

    def build(self) -> MonthReport:
        """Return the report."""
        grid, month = self._grid, self._month
        everything = np.arange(len(grid.metrics))
        total = self._downloads(everything, "All downloads", plural(len(everything), "metric"))
        products = tuple(
            self._downloads(rows, product.title, plural(len(rows), "metric"), product=product.product)
            for product in self._catalog.products
            if len(rows := grid.rows_of(product.product))
        )
        sdks = {metric.sdk: metric for metric in grid.metrics}
        all_stars = self._star_row(list(range(len(self._stars.metrics))), None)
        at_end = find_changes(
            build_daily_grid(self._catalog.metrics, self._inputs.specs, self._frozen.rows, month.last),
            build_star_grid(self._catalog.metrics, self._frozen.rows, month.last),
            self._catalog,
            self._inputs.events,
            month.last,
        )
        ordered = sorted(self._inputs.events, key=lambda event: (event.day, event.label, event.products))
        effects: dict[str, list[Effect]] = {}
        for effect in build_effects(grid, ordered):
            effects.setdefault(effect.event.identifier, []).append(effect)
        releases = [ReleaseRow(event, tuple(effects.get(event.identifier, ()))) for event in ordered]
        return MonthReport(
            title=self._catalog.marked_title,
            month=month,
            as_of=self._as_of,
            is_final=self._frozen.is_final,
            final_on=self._frozen.final_on,
            headline=self._headline(total, all_stars),
            total=total,
            products=products,
            packages=_by_value(
                self._downloads(np.array([row]), self._names[metric.metric_id], self._detail(metric), metric=metric)
                for row, metric in enumerate(grid.metrics)
            ),
            sdks=_by_value(
                self._downloads(self._rows_of_sdk(sdk), self._sdk_name(metric), "", sdk=sdk)
                for sdk, metric in sdks.items()
            ),
            all_stars=all_stars,
            repositories=tuple(
                sorted(
                    (self._star_row([row], metric) for row, metric in enumerate(self._stars.metrics)),
                    key=lambda row: (-(row.stars or 0), row.name),
                )
            ),
            history=tuple(self._bar(m, products) for m in months(month.plus(1 - HISTORY_MONTHS), month)),
            changes=tuple(item.text for item in at_end.items),
            releases=tuple(row for row in releases if month.first <= row.event.day <= month.last),
            judged=tuple(
                row
                for row in releases
                if month.first - EFFECT_REACH <= row.event.day < month.first
                and any(effect.verdict is not Verdict.TOO_EARLY for effect in row.effects)
            ),
            notes=tuple(note for note in self._catalog.notes if month.first <= note.day <= month.last),
            missing=self._missing(),
            later=self._frozen.later,
            names=self._names,
        )

    def _compare(self, other: Month) -> Compared:
        grid, month = self._grid, self._month
        return compare(grid, grid.column(month.last), month.days, grid.column(other.last), other.days, is_equal=False)

    def _sdk_name(self, metric: Metric) -> str:
        spec = self._inputs.specs.get(metric.source)
        if spec is not None and spec.sdk == metric.sdk:
            return replace(metric, display_name=spec.display_name).label
        return metric.sdk or "Other"

    def _rows_of_sdk(self, sdk: str | None) -> Places:
        return np.flatnonzero([metric.sdk == sdk for metric in self._grid.metrics])

    def _detail(self, metric: Metric) -> str:
        spec = self._inputs.specs.get(metric.source)
        title = spec.title if spec else metric.source
        return f"{self._titles.get(metric.product, metric.product)} · {metric.label} · {title}"

    def _downloads(
        self,
        rows: Places,
        name: str,
        detail: str,
        *,
        metric: Metric | None = None,
        product: str | None = None,
        sdk: str | None = None,
    ) -> DownloadsRow:
        grid, month, before = self._grid, self._month, self._before
        observed = int(before.observed[rows].sum())
        previous = _like_for_like(before, rows)
        year = _like_for_like(self._year, rows)
        share, previous_share, share_change = self._shares(rows)
        return DownloadsRow(
            metric_id=metric.metric_id if metric else None,
            product=metric.product if metric else product,
            sdk=metric.sdk if metric else sdk,
            name=name,
            detail=detail,
            value=int(before.value[rows].sum()) if observed else None,
            days_observed=observed,
            days_expected=month.days * len(rows),
            metrics=len(rows),
            compared=int(before.is_comparable[rows].sum()),
            previous_value=None if previous is None else previous[0],
            change=None if previous is None else previous[1] - previous[0],
            change_percent=None if previous is None else change_percent(previous[1], previous[0]),
            is_new=previous is not None and previous[0] == 0 < previous[1],
            reason=None if previous is not None or not len(rows) else self._reason(grid, before, rows),
            year_compared=int(self._year.is_comparable[rows].sum()),
            year_value=None if year is None else year[0],
            year_change=None if year is None else year[1] - year[0],
            year_percent=None if year is None else change_percent(year[1], year[0]),
            share=share,
            previous_share=previous_share,
            share_change=share_change,
            history=tuple(self._value_of(rows, m) for m in months(month.plus(1 - ROW_MONTHS), month)),
        )

    def _reason(self, grid: DailyGrid, compared: Compared, rows: Places) -> str:
        apart = rows[~compared.is_comparable[rows]]
        row = int(apart[int(np.argmax(compared.weight[apart]))])
        _, reason = why_not(grid, compared, row)
        return reason if len(rows) == 1 else f"{self._names[grid.metrics[row].metric_id]}: {reason}"

    def _shares(self, rows: Places) -> tuple[float | None, float | None, float | None]:
        """Return the percentage of all downloads in this month, that of the month before, and the change.

        The latter two are among the metrics that are compared; the change is in percentage points.
        """
        compared = self._before
        whole, later, earlier, too_few = self._whole
        share = None if whole is None else round(100 * int(compared.value[rows].sum()) / whole, 1)
        mine = rows[compared.is_comparable[rows]]
        is_unlike = too_few or not len(mine) or left_out_share(compared, rows) > LEFT_OUT_SHARE
        if is_unlike or not later or not earlier:
            return share, None, None
        now, before = 100 * int(compared.now[mine].sum()) / later, 100 * int(compared.before[mine].sum()) / earlier
        # Adding 0 turns a rounded -0.0 into 0.0.
        return share, round(before, 1), round(now - before, 1) + 0.0

    def _sum_shares(self) -> tuple[int | None, int, int, bool]:
        """Return what shares are parts of: all downloads of this month, None if too many days are missing.

        Then the downloads now and before of the metrics that are compared, and whether these are too few.
        """
        compared = self._before
        whole = int(compared.value.sum())
        lacking = int(compared.value[~compared.is_whole].sum())
        alike = compared.is_comparable
        too_few = left_out_share(compared, np.arange(len(compared.value))) > LEFT_OUT_SHARE
        is_known = whole and lacking <= LEFT_OUT_SHARE * whole
        return whole if is_known else None, int(compared.now[alike].sum()), int(compared.before[alike].sum()), too_few

    def _value_of(self, rows: Places, month: Month) -> int | None:
        points = [self._point(self._grid.metrics[row], month) for row in rows.tolist()]
        known = [point.value for point in points if point is not None]
        return sum(known) if known else None

    def _point(self, metric: Metric, month: Month) -> PeriodPoint | None:
        return self._by_month.get(metric.metric_id, {}).get(month)

    def _bar(self, month: Month, products: Sequence[DownloadsRow]) -> MonthBar:
        parts: dict[str, int] = {}
        observed = expected = snapshots = 0
        for metric in self._grid.metrics:
            point = self._point(metric, month)
            if point is None:
                begun = any(p.period_end < month.first for p in self._points.get(metric.metric_id, ()))
                expected += month.days if begun else 0
                continue
            parts[metric.product] = parts.get(metric.product, 0) + point.value
            snapshots += point.kind is PointKind.SEEDED
            observed += point.days_observed or 0
            expected += point.days_expected or 0
        return MonthBar(
            month, tuple(parts.get(row.product or "", 0) for row in products), observed, expected, snapshots
        )

    def _star_row(self, rows: list[int], metric: Metric | None) -> StarsRow:
        grid, month = self._stars, self._month
        stars, day = self._count(rows)
        gained = grid.gained[rows, max(self._column(month.first), 0) : self._column(month.last) + 1]
        has_gained = gained.shape == (len(rows), month.days) and bool((gained != UNKNOWN).all()) and bool(rows)
        net = self._net(rows, month)
        all_gained = int(gained.sum()) if has_gained and net is not None else None
        return StarsRow(
            metric_id=metric.metric_id if metric else None,
            product=metric.product if metric else None,
            name=metric.subject if metric else "All repositories",
            stars=stars,
            day=day,
            net=net,
            gained=all_gained,
            lost=None if all_gained is None or net is None else max(all_gained - net, 0),
            previous_net=self._net(rows, month.plus(-1)),
            history=tuple(self._net(rows, m) for m in months(month.plus(1 - ROW_MONTHS), month)),
        )

    def _column(self, day: date) -> int:
        return day.toordinal() - self._stars.first

    def _count(self, rows: list[int]) -> tuple[int | None, date | None]:
        """Return the counts on the newest day of the month on which all repositories have one."""
        first, last = max(self._column(self._month.first), 0), self._column(self._month.last)
        known = self._stars.known[rows, first : last + 1].all(axis=0) if rows else np.zeros(0, np.bool_)
        found = np.flatnonzero(known)
        if not len(found):
            return None, None
        column = first + int(found[-1])
        return int(self._stars.counts[rows, column].sum()), self._stars.day(column)

    def _net(self, rows: list[int], month: Month) -> int | None:
        """Return the difference of the counts at the end of two months; both taken on their day or both not."""
        grid: StarGrid = self._stars
        before, last = self._column(month.first) - 1, self._column(month.last)
        if not rows or before < 0 or last >= grid.days:
            return None
        if not grid.known[rows][:, [before, last]].all():
            return None
        if (grid.reconstructed[rows, before] != grid.reconstructed[rows, last]).any():
            return None
        return int((grid.counts[rows, last] - grid.counts[rows, before]).sum())

    def _missing(self) -> tuple[MissingDays, ...]:
        compared, days = self._before, self._month.days
        found = [
            MissingDays(metric.metric_id, self._names[metric.metric_id], days - int(compared.observed[row]))
            for row, metric in enumerate(self._grid.metrics)
            if int(compared.observed[row]) < days
        ]
        first, last = max(self._column(self._month.first), 0), self._column(self._month.last)
        for row, metric in enumerate(self._stars.metrics):
            lacking = days - int(self._stars.known[row, first : last + 1].sum())
            if lacking:
                found.append(MissingDays(metric.metric_id, self._names[metric.metric_id], lacking))
        return tuple(found)

    def _headline(self, total: DownloadsRow, stars: StarsRow) -> str:
        parts: list[str] = []
        if total.value is not None:
            days = "" if total.is_complete else f" on {total.days_observed:,} of {total.days_expected:,} metric days"
            text = f"{number(total.value)} downloads{days}"
            before, year = month_name(self._month.plus(-1)), month_name(self._month.plus(-12))
            changes = [
                (f"{total.moved} against {before}", total.compared_with) if total.moved else None,
                (f"{total.moved_in_year} against {year}", total.compared_in_year) if total.moved_in_year else None,
            ]
            text += _joined([change for change in changes if change is not None])
            parts.append(f"{text}.")
        if stars.stars is not None and stars.day is not None:
            text = f"{number(stars.stars)} GitHub stars on {short_date(stars.day)}"
            if stars.net is not None:
                text += f", {number(abs(stars.net))} {'more' if stars.net >= 0 else 'fewer'} than a month before"
            parts.append(f"{text}.")
        return " ".join(parts)


def _compared(compared: int, metrics: int) -> str:
    return "" if compared == metrics else f"{compared:,} of {plural(metrics, 'metric')} compared"


def _joined(changes: Sequence[tuple[str, str]]) -> str:
    """Return changes, each with what it is of, as the end of a sentence; what all are of is stated once."""
    if len({part for _, part in changes}) == 1:
        part = changes[0][1]
        return f", {' and '.join(text for text, _ in changes)}" + (f" ({part})" if part else "")
    shown = [f"{text} ({part})" if part else text for text, part in changes]
    return f", {' and '.join(shown)}" if shown else ""


def _by_month(points: Sequence[PeriodPoint]) -> dict[Month, PeriodPoint]:
    """Return the point of each month. A published total of about 30 days stands for the month in which it ends."""
    found: dict[Month, PeriodPoint] = {}
    seeds: dict[Month, PeriodPoint] = {}
    for point in points:
        month = Month.of(point.period_end)
        if (point.period_start, point.period_end) == (month.first, month.last):
            found.setdefault(month, point)
        if point.kind is PointKind.SEEDED:
            seeds.setdefault(month, point)
    return seeds | found


def _like_for_like(compared: Compared, rows: Places) -> tuple[int, int] | None:
    """Return the sums before and now of the metrics that are compared; None if too many are left out."""
    alike = rows[compared.is_comparable[rows]]
    if not len(alike) or left_out_share(compared, rows) > LEFT_OUT_SHARE:
        return None
    return int(compared.before[alike].sum()), int(compared.now[alike].sum())


def _by_value(rows: Iterable[DownloadsRow]) -> tuple[DownloadsRow, ...]:
    return tuple(sorted(rows, key=lambda row: (-(row.value or 0), row.name)))
