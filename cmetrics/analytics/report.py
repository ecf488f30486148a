"""Build the report of a calendar month: every number and sentence of its HTML, Markdown and JSON. Pure.

Numbers of a final month do not change, see :mod:`cmetrics.analytics.frozen`. Titles, releases and notes are the
current ones.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from cmetrics.analytics.changes import TOTAL_WINDOWS
from cmetrics.analytics.chart import SERIES_SHOWN
from cmetrics.analytics.columns import Mask, Places, SeriesTable, Values
from cmetrics.analytics.daily import DailyHistory
from cmetrics.analytics.dashboard import build_tones
from cmetrics.analytics.effects import build_effects, sort_events
from cmetrics.analytics.frozen import FrozenMonth, LaterChange, final_moment, freeze_month, last_day, observed_times
from cmetrics.analytics.grid import group_rows
from cmetrics.analytics.insight_results import Effect, Verdict
from cmetrics.analytics.insights import find_changes
from cmetrics.analytics.periods import sum_runs
from cmetrics.analytics.phrases import name_of
from cmetrics.analytics.report_inputs import ReportInputs
from cmetrics.analytics.rollups import (
    LEFT_OUT_SHARE,
    Compared,
    LikeForLike,
    compare,
    each_row,
    like_for_like,
    main_row,
    share_of,
    sum_groups,
    why_not,
)
from cmetrics.analytics.star_grid import StarGrid, build_star_grid
from cmetrics.domain import formats
from cmetrics.domain.days import DAY, Month, last_full_month, months
from cmetrics.domain.event import Note
from cmetrics.domain.metric import Event, Metric
from cmetrics.domain.plural import plural
from cmetrics.domain.sanitize import isolate

#: The number of full months with a report.
REPORTS = 12
#: The number of months of the chart, and of a row.
HISTORY_MONTHS, ROW_MONTHS = 24, 12
#: The number of days before the month whose releases are evaluated by days in the month.
EFFECT_REACH = 30 * DAY

METHOD = (
    "Downloads are sums of daily counts (UTC days) as the registries publish them; automated downloads are included.",
    (
        "Two months are compared only if every day of both was counted in the same way. A total compares the metrics "
        "that are complete in both; no change is stated if the others have more than a tenth of the downloads."
    ),
    "Stars are counts at the end of a day. Net is the difference between two counts.",
    (
        "After a release: mean daily downloads from day 3 to day 30, compared with the 28 days before and with the "
        "same comparison on days without a release. Correlation only."
    ),
)


@dataclass(frozen=True, slots=True)
class RowTitle:
    """The title of a row of downloads."""

    #: What it is, and where it is counted.
    name: str
    detail: str
    #: Of one metric.
    metric_id: str | None = None
    product: str | None = None
    sdk: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DownloadsRow(RowTitle):
    """The downloads of a month, of one metric or of several."""

    days_expected: int
    #: The changes from the month before, and from the same month of the year before.
    before: LikeForLike
    year: LikeForLike
    #: The reason why there is no change from the month before, as a clause.
    reason: str | None
    #: Percent of all downloads.
    share: float | None
    #: The share of the compared metrics in the month before in percent, and the change in percentage points.
    previous_share: float | None
    share_change: float | None
    #: The months up to this one; None for a month without any counted day.
    history: tuple[int | None, ...] = ()

    @property
    def value(self) -> int | None:
        """The downloads; None if no day is counted."""
        return self.before.value if self.before.observed else None

    @property
    def is_complete(self) -> bool:
        """Whether every day is counted."""
        return self.before.observed == self.days_expected


@dataclass(frozen=True, slots=True)
class StarsRow:
    """The stars at the end of a month, of one repository or of all."""

    metric_id: str | None
    product: str | None
    name: str
    #: None if there is no count in the month; ``day`` is that of the newest one.
    stars: int | None
    day: date | None
    #: In the month; None if unknown.
    net: int | None
    gained: int | None
    lost: int | None
    previous_net: int | None
    #: The net change of the months up to this one; None if unknown.
    history: tuple[int | None, ...] = ()


@dataclass(frozen=True, slots=True)
class MonthBar:
    """A month of the chart of all downloads."""

    month: Month
    #: By product, in the order of `MonthReport.products`; None for a product without data.
    parts: tuple[int | None, ...]
    days_observed: int
    days_expected: int
    #: Metrics with a published total of about 30 days instead of daily data.
    snapshots: int

    @property
    def value(self) -> int:
        """The sum of all products."""
        return sum(part or 0 for part in self.parts)

    @property
    def is_complete(self) -> bool:
        """Whether every day of the metrics that were collected then has a value."""
        return self.days_observed == self.days_expected and not self.snapshots


@dataclass(frozen=True, slots=True)
class ReleaseRow:
    """A release or another event, and the change of its products' metrics."""

    event: Event
    effects: tuple[Effect, ...]


@dataclass(frozen=True, slots=True)
class MissingDays:
    """The missing days of a metric in the month."""

    metric_id: str
    name: str
    days: int


@dataclass(frozen=True, slots=True)
class MonthReport:
    """The report of one month."""

    title: str
    month: Month
    #: The last completed day at the time of the build; for a final report, the last day that it includes.
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
    #: Changes since the report became final.
    later: tuple[LaterChange, ...]
    #: Names of metrics by id, for `later`.
    names: Mapping[str, str]
    #: Colours of metrics by id, as on the site.
    tones: Mapping[str, str]
    method: tuple[str, ...] = METHOD

    @property
    def name(self) -> str:
        """The month as text."""
        return month_name(self.month)

    @property
    def has_downloads(self) -> bool:
        """Whether the catalogue has any."""
        return bool(self.packages)

    @property
    def has_stars(self) -> bool:
        """Whether the catalogue has any."""
        return bool(self.repositories)


def report_months(inputs: ReportInputs) -> tuple[Month, ...]:
    """Return the months that have a report, newest first: those of the last 12 full months that have data."""
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
    observed = observed_times(inputs.rows)
    moments = {month: final_moment(inputs.rows, observed, month) for month in report_months(inputs)}
    return {month: moment.date() for month, moment in moments.items() if moment <= inputs.now}


def build_report(inputs: ReportInputs, month: Month) -> MonthReport:
    """Return the report of one of :func:`report_months`."""
    return ReportBuilder(inputs).build(month)


def build_reports(inputs: ReportInputs) -> Iterator[MonthReport]:
    """Yield the reports of all of :func:`report_months`; only one is in memory at a time."""
    builder = ReportBuilder(inputs)
    yield from map(builder.build, report_months(inputs))


def _drawn(packages: Sequence[DownloadsRow]) -> set[str]:
    """Return the ids of the packages in the charts of products: the largest of each. ``packages`` begin with it."""
    count = Counter[str | None]()
    drawn = set[str]()
    for row in packages:
        count[row.product] += 1
        if row.metric_id is not None and count[row.product] <= SERIES_SHOWN:
            drawn.add(row.metric_id)
    return drawn


def month_name(month: Month) -> str:
    """Return ``October 2026``."""
    return formats.month(month.first)


class ReportBuilder:
    """Builds the reports of one store. They share data, so that twelve reports take little longer than one."""

    def __init__(self, inputs: ReportInputs) -> None:
        self.inputs = inputs
        self.names = {metric.metric_id: name_of(metric) for metric in inputs.catalog.metrics}
        self._observed = observed_times(inputs.rows)
        self._stars = [metric.metric_id for metric in inputs.catalog.metrics if metric.measure.is_stars]

    def build(self, month: Month) -> MonthReport:
        """Return the report of one of :func:`report_months`."""
        inputs = self.inputs
        frozen = freeze_month(inputs.rows, self._observed, inputs.revisions, month, inputs.now, self._stars)
        as_of = min(last_day(month), inputs.as_of)
        history = self._stored if frozen.changed_from is None else self._changed(frozen, frozen.changed_from)
        return _MonthBuilder(self, frozen, history, as_of).build()

    @cached_property
    def everything(self) -> _Groups:
        """All metrics together."""
        rows = np.arange(len(self._metrics))
        return _Groups([rows], [RowTitle("All downloads", plural(len(rows), "metric"))])

    @cached_property
    def products(self) -> _Groups:
        """The metrics of each product, in the order of the catalogue."""
        by_product = group_rows(metric.product for metric in self._metrics)
        counted = [product for product in self.inputs.catalog.products if product.product in by_product]
        rows = [by_product[product.product] for product in counted]
        titles = [
            RowTitle(product.title, plural(len(of_product), "metric"), product=product.product)
            for product, of_product in zip(counted, rows, strict=True)
        ]
        return _Groups(rows, titles)

    @cached_property
    def packages(self) -> _Groups:
        """Each metric."""
        products = {product.product: product.title for product in self.inputs.catalog.products}
        titles = []
        for metric in self._metrics:
            spec = self.inputs.specs.get(metric.source)
            source = spec.public_name if spec else metric.source
            detail = f"{isolate(products.get(metric.product, metric.product))} · {isolate(metric.label)} · {source}"
            titles.append(RowTitle(self.names[metric.metric_id], detail, metric.metric_id, metric.product, metric.sdk))
        return _Groups(each_row(np.arange(len(self._metrics))), titles)

    @cached_property
    def sdks(self) -> _Groups:
        """The metrics of each SDK. The last one determines its name."""
        by_sdk = group_rows(metric.sdk for metric in self._metrics)
        titles = [RowTitle(self._sdk_name(self._metrics[rows[-1]]), "", sdk=sdk) for sdk, rows in by_sdk.items()]
        return _Groups(list(by_sdk.values()), titles)

    def _sdk_name(self, metric: Metric) -> str:
        spec = self.inputs.specs.get(metric.source)
        if spec is not None and spec.sdk == metric.sdk:
            return replace(metric, display_name=spec.display_name).label
        return metric.sdk or "Other"

    @property
    def _metrics(self) -> tuple[Metric, ...]:
        return self._stored.days.metrics

    @cached_property
    def _stored(self) -> _History:
        inputs, metrics = self.inputs, self.inputs.catalog.metrics
        days = DailyHistory(metrics, inputs.specs, inputs.rows, inputs.as_of)
        stars = build_star_grid(metrics, inputs.rows, inputs.as_of)
        return _History(days, stars, build_month_grid(days.metrics, inputs.rows, inputs.as_of))

    def _changed(self, frozen: FrozenMonth, first: date) -> _History:
        """Return the current data, without changes since the report became final."""
        stored, rows, last = self._stored, frozen.rows_from(first), last_day(frozen.month)
        days = stored.days.replaced(rows, first, last)
        stars = stored.stars.replaced(rows, first, last)
        months = stored.months
        if first <= frozen.month.last:
            months = build_month_grid(stored.days.metrics, frozen.rows, frozen.month.last)
        return _History(days, stars, months)


@dataclass(frozen=True, slots=True, eq=False)
class _Groups:
    """Groups of the rows of a grid, each with its title."""

    rows: Sequence[Places]
    titles: Sequence[RowTitle]


@dataclass(frozen=True, slots=True, eq=False)
class _History:
    """The rows of the store in the forms that reports are built from."""

    days: DailyHistory
    stars: StarGrid
    months: MonthGrid


@dataclass(frozen=True, slots=True, eq=False)
class MonthGrid:
    """Downloads by calendar month: one row per metric as in `DailyGrid`, one column per month."""

    first: Month
    #: 0 if unknown.
    value: Values
    known: Mask
    #: A published total of about 30 days counts for the month in which it ends.
    is_snapshot: Mask
    observed: Values
    expected: Values
    #: Whether there is a value from before the month.
    has_begun: Mask

    def columns(self, last: Month, count: int) -> slice:
        """Return the columns of the ``count`` months up to ``last``."""
        end = (last.first.year - self.first.first.year) * 12 + last.first.month - self.first.first.month + 1
        return slice(end - count, end)


def build_month_grid(metrics: Sequence[Metric], table: SeriesTable, as_of: date) -> MonthGrid:
    """Return the months of all reports, with those of their charts. Their values are those of `month_points`."""
    last = last_full_month(as_of)
    first = last.plus(2 - REPORTS - HISTORY_MONTHS)
    bounds = np.array([month.first.toordinal() for month in months(first.plus(-1), last.plus(2))])
    numbers = {metric.metric_id: row for row, metric in enumerate(metrics)}
    table = table.where(table.owned_by(numbers))
    rows = np.array([numbers[metric_id] for metric_id in table.metric_ids], np.intp)[table.owners]
    # The first and the last column are for all months before and after, and dropped at the end.
    columns = np.searchsorted(bounds[1:-1], table.days, "right")
    shape = (len(metrics), len(bounds) - 1)
    value, observed, expected = (np.zeros(shape, np.int64) for _ in range(3))
    known, is_snapshot = np.zeros(shape, np.bool_), np.zeros(shape, np.bool_)
    daily_from = np.array([m.daily_from.toordinal() if m.daily_from else 0 for m in metrics], np.int64)
    # Of several published totals in a month, the one of exactly this month, else the first one.
    seeds = np.flatnonzero(table.is_seed & (table.days < daily_from[rows]))[::-1]
    is_exact = (table.starts[seeds] == bounds[columns[seeds]]) & (table.days[seeds] == bounds[columns[seeds] + 1] - 1)
    for found in (seeds, seeds[is_exact]):
        places = rows[found], columns[found]
        value[places], known[places], is_snapshot[places] = table.values[found], True, True
    daily = np.flatnonzero(~table.is_seed)
    sums = sum_runs(rows[daily] * shape[1] + columns[daily], table.values[daily], table.provenances[daily])
    places = rows[daily[sums.firsts]], columns[daily[sums.firsts]]
    # Published totals replace the sums of months before daily data.
    is_sum = ~known[places] | (daily_from[places[0]] < bounds[places[1] + 1])
    places = places[0][is_sum], places[1][is_sum]
    value[places], observed[places], expected[places] = (
        sums.values[is_sum],
        sums.counts[is_sum],
        np.diff(bounds)[places[1]],
    )
    known[places], is_snapshot[places] = True, False
    inner = np.s_[:, 1:-1]
    return MonthGrid(
        first,
        value[inner],
        known[inner],
        is_snapshot[inner],
        observed[inner],
        expected[inner],
        has_begun=np.logical_or.accumulate(known, axis=1)[:, :-2],
    )


class _MonthBuilder:
    def __init__(self, shared: ReportBuilder, frozen: FrozenMonth, history: _History, as_of: date) -> None:
        self._shared = shared
        self._catalog = shared.inputs.catalog
        self._events = sort_events(shared.inputs.events)
        self._names = shared.names
        self._frozen = frozen
        self._history = history
        self._month = frozen.month
        self._as_of = as_of
        self._grid = history.days.grid(as_of)
        self._stars = history.stars.until(as_of)
        self._before = self._compare(self._month.plus(-1))
        self._year = self._compare(self._month.plus(-12))
        self._reasons = why_not(self._grid, self._before)
        (self._total,) = like_for_like(self._before, shared.everything.rows)
        lacking = int(self._before.value[~self._before.is_whole].sum())
        #: All downloads of the month; 0 if too many days are missing for shares.
        self._whole = self._total.value if lacking <= LEFT_OUT_SHARE * self._total.value else 0

    def build(self) -> MonthReport:
        """Return the report."""
        month, shared = self._month, self._shared
        (total,) = self._downloads(shared.everything)
        all_stars = self._star_row(np.arange(len(self._stars.metrics)), None)
        at_end = find_changes(
            self._history.days.grid(month.last),
            self._history.stars.until(month.last),
            self._catalog,
            self._events,
            of_all=TOTAL_WINDOWS,
        )
        releases = self._releases()
        packages = _by_value(self._downloads(shared.packages))
        return MonthReport(
            title=self._catalog.marked_title,
            month=month,
            as_of=self._as_of,
            is_final=self._frozen.is_final,
            final_on=self._frozen.final_on,
            headline=self._headline(total, all_stars),
            total=total,
            products=tuple(self._downloads(shared.products)),
            packages=packages,
            sdks=_by_value(self._downloads(shared.sdks)),
            all_stars=all_stars,
            repositories=tuple(
                sorted(
                    (self._star_row(np.array([row]), metric) for row, metric in enumerate(self._stars.metrics)),
                    key=lambda row: (-(row.stars or 0), row.name),
                )
            ),
            history=self._bars(shared.products.rows),
            changes=tuple(item.text for item in at_end.items),
            releases=tuple(row for row in releases if month.first <= row.event.day),
            judged=tuple(
                row
                for row in releases
                if row.event.day < month.first
                and any(effect.verdict is not Verdict.TOO_EARLY for effect in row.effects)
            ),
            notes=tuple(note for note in self._catalog.notes if month.first <= note.day <= month.last),
            missing=self._missing(),
            later=self._frozen.later,
            names=self._names,
            tones=build_tones(self._catalog.metrics, _drawn(packages)),
        )

    def _compare(self, other: Month) -> Compared:
        grid, month = self._grid, self._month
        return compare(grid, grid.column(month.last), month.days, grid.column(other.last), other.days)

    def _releases(self) -> list[ReleaseRow]:
        """Return the events of the month, and earlier ones that are evaluated by its days."""
        first, last = self._month.first - EFFECT_REACH, self._month.last
        effects: dict[str, list[Effect]] = {}
        for effect in build_effects(self._grid, self._events, first, last):
            effects.setdefault(effect.event.identifier, []).append(effect)
        chosen = [event for event in self._events if first <= event.day <= last]
        return [ReleaseRow(event, tuple(effects.get(event.identifier, ()))) for event in chosen]

    def _downloads(self, groups: _Groups) -> list[DownloadsRow]:
        """Return a row for each group of metrics."""
        columns = (
            groups.rows,
            groups.titles,
            map(tuple, self._values_of(groups.rows, ROW_MONTHS).tolist()),
            *(like_for_like(compared, groups.rows) for compared in (self._before, self._year)),
        )
        found: list[DownloadsRow] = []
        for rows, title, history, before, year in zip(*columns, strict=True):
            _, previous_share, share_change = share_of(before, self._total)
            found.append(
                DownloadsRow(
                    title.name,
                    title.detail,
                    title.metric_id,
                    title.product,
                    title.sdk,
                    days_expected=self._month.days * len(rows),
                    before=before,
                    year=year,
                    reason=None if before.is_comparable else self._reason(rows),
                    share=round(100 * before.value / self._whole, 1) if self._whole and before.observed else None,
                    previous_share=previous_share,
                    share_change=share_change,
                    history=history,
                )
            )
        return found

    def _reason(self, rows: Places) -> str | None:
        """Return why a group is not compared."""
        if not len(rows):
            return None
        row = main_row(self._before, rows)
        _, reason = self._reasons[row]
        return reason if len(rows) == 1 else f"{self._names[self._grid.metrics[row].metric_id]}: {reason}"

    def _values_of(self, groups: Sequence[Places], count: int) -> NDArray[np.object_]:
        """Return the values of the ``count`` months up to this one for each group; None if unknown."""
        grid = self._history.months
        columns = grid.columns(self._month, count)
        values = sum_groups(grid.value[:, columns], groups).astype(object)
        values[sum_groups(grid.known[:, columns], groups) == 0] = None
        return values

    def _bars(self, products: Sequence[Places]) -> tuple[MonthBar, ...]:
        """Return the months of the chart; ``products`` are the rows of each product."""
        grid = self._history.months
        columns = grid.columns(self._month, HISTORY_MONTHS)
        chosen = list(months(self._month.plus(1 - HISTORY_MONTHS), self._month))
        # A metric is expected from its first value on.
        lost = (grid.has_begun[:, columns] & ~grid.known[:, columns]) * np.array([month.days for month in chosen])
        sums = (grid.observed[:, columns], grid.expected[:, columns] + lost, grid.is_snapshot[:, columns])
        parts = map(tuple, self._values_of(products, HISTORY_MONTHS).T.tolist())
        return tuple(map(MonthBar, chosen, parts, *(cells.sum(axis=0).tolist() for cells in sums)))

    def _star_row(self, rows: Places, metric: Metric | None) -> StarsRow:
        grid, month = self._stars, self._month
        stars, day = self._count(rows)
        net = self._net(rows, month)
        gained = None if net is None else grid.gained_between(rows, grid.column(month.first), grid.column(month.last))
        return StarsRow(
            metric_id=metric.metric_id if metric else None,
            product=metric.product if metric else None,
            name=metric.subject if metric else "All repositories",
            stars=stars,
            day=day,
            net=net,
            gained=gained,
            lost=None if gained is None or net is None else max(gained - net, 0),
            previous_net=self._net(rows, month.plus(-1)),
            history=tuple(self._net(rows, m) for m in months(month.plus(1 - ROW_MONTHS), month)),
        )

    def _count(self, rows: Places) -> tuple[int | None, date | None]:
        """Return the counts on the newest day of the month on which all repositories have one."""
        first, last = max(self._stars.column(self._month.first), 0), self._stars.column(self._month.last)
        found = np.flatnonzero(self._stars.known[rows, first : last + 1].all(axis=0)) if len(rows) else rows
        if not len(found):
            return None, None
        column = first + int(found[-1])
        return int(self._stars.counts[rows, column].sum()), self._stars.day(column)

    def _net(self, rows: Places, month: Month) -> int | None:
        """Return the difference of the counts at the end of two months; both observed or both reconstructed."""
        columns = self._stars.column(month.first) - 1, self._stars.column(month.last)
        is_known, counts, kinds = self._stars.at(rows, columns)
        if not len(rows) or not is_known.all() or (kinds[:, 0] != kinds[:, 1]).any():
            return None
        return int((counts[:, 1] - counts[:, 0]).sum())

    def _missing(self) -> tuple[MissingDays, ...]:
        compared, days = self._before, self._month.days
        found = [
            MissingDays(metric.metric_id, self._names[metric.metric_id], days - int(compared.observed[row]))
            for row, metric in enumerate(self._grid.metrics)
            if int(compared.observed[row]) < days
        ]
        first, last = max(self._stars.column(self._month.first), 0), self._stars.column(self._month.last)
        for row, metric in enumerate(self._stars.metrics):
            lacking = days - int(self._stars.known[row, first : last + 1].sum())
            if lacking:
                found.append(MissingDays(metric.metric_id, self._names[metric.metric_id], lacking))
        return tuple(found)

    def _headline(self, total: DownloadsRow, stars: StarsRow) -> str:
        parts: list[str] = []
        if total.value is not None:
            text = f"{formats.number(total.value)} downloads"
            if not total.is_complete:
                observed, expected = formats.number(total.before.observed), formats.number(total.days_expected)
                text += f" on {observed} of {expected} package-days"
            changes = [(total.before, self._month.plus(-1)), (total.year, self._month.plus(-12))]
            text += _joined([(f"{c.moved} vs {month_name(month)}", c.note) for c, month in changes if c.moved])
            parts.append(f"{text}.")
        if stars.stars is not None and stars.day is not None:
            text = f"{formats.number(stars.stars)} GitHub stars on {formats.short_day(stars.day)}"
            if stars.net is not None:
                text += f", {'up' if stars.net >= 0 else 'down'} {formats.number(abs(stars.net))} in a month"
            parts.append(f"{text}.")
        return " ".join(parts)


def _joined(changes: Sequence[tuple[str, str]]) -> str:
    """Return changes with their scope as the end of a sentence. A common scope is stated once."""
    if len({part for _, part in changes}) == 1:
        part = changes[0][1]
        return f", {' and '.join(text for text, _ in changes)}" + (f" ({part})" if part else "")
    shown = [f"{text} ({part})" if part else text for text, part in changes]
    return f", {' and '.join(shown)}" if shown else ""


def _by_value(rows: Iterable[DownloadsRow]) -> tuple[DownloadsRow, ...]:
    return tuple(sorted(rows, key=lambda row: (-(row.value or 0), row.name)))
