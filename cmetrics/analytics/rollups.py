"""Compare sums of windows with the preceding periods: per metric, per product, and for all products."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from typing import NamedTuple

import numpy as np

from cmetrics.analytics.columns import Mask, Places, Values
from cmetrics.analytics.daily import LATE_DAYS, DailyGrid
from cmetrics.analytics.grid import Grid
from cmetrics.analytics.insight_results import LeftOut, Period, ReasonKind, Rollup, Scope, Unit, Window
from cmetrics.analytics.phrases import change_percent, moved, name_of, plain_percent, rounded
from cmetrics.analytics.star_grid import StarGrid
from cmetrics.domain import formats
from cmetrics.domain.days import last_full_month
from cmetrics.domain.plural import plural

#: Windows that end on the newest day, in days.
LENGTHS = {Window.DAYS_7: 7, Window.DAYS_30: 30, Window.DAYS_90: 90, Window.DAYS_365: 365}
#: The share of a window's days that may be missing, in percent and rounded down (none of 30, two of 90, ten of 365),
#: because registries lose a day now and then. Their counterparts in the other period are left out too.
LACKING_PERCENT = 3
#: The month to date is compared with the same weekdays four weeks before, or five if it is longer than that.
SHIFT = 28
#: No change is stated for several metrics if those left out have more than this share of the value.
LEFT_OUT_SHARE = 0.1


@dataclass(frozen=True, slots=True, eq=False)
class Compared:
    """One window of each metric of a grid, compared with the preceding period. All arrays have one value per metric."""

    #: Columns, both ends included.
    first: Places
    last: Places
    previous_first: Places
    previous_last: Places
    #: The sums and numbers of all known days.
    value: Values
    observed: Values
    previous_value: Values
    previous_observed: Values
    #: The sums of the days that are compared.
    now: Values
    before: Values
    #: Whether the window can be compared.
    is_whole: Mask
    is_comparable: Mask

    @property
    def weight(self) -> Values:
        """The larger of both values: the weight of a metric that cannot be compared."""
        return np.maximum(self.value, self.previous_value)


def compare(
    grid: DailyGrid,
    last: Places | int,
    days: Places | int,
    previous_last: Places | int,
    previous_days: Places | int,
) -> Compared:
    """Compare the ``days`` days up to ``last`` with ``previous_days`` days up to ``previous_last``."""
    count = len(grid.metrics)
    last, days = np.broadcast_to(last, count), np.broadcast_to(days, count)
    previous_last, previous_days = np.broadcast_to(previous_last, count), np.broadcast_to(previous_days, count)
    first, previous_first = last - days + 1, previous_last - previous_days + 1
    value, previous = grid.sums(grid.total, first, last), grid.sums(grid.total, previous_first, previous_last)
    usable = grid.sums(grid.usable, first, last)
    previous_usable = grid.sums(grid.usable, previous_first, previous_last)
    has_step = grid.sums(grid.steps, np.maximum(previous_first + 1, 0), last) > 0
    is_whole = usable == days
    comparable = is_whole & (previous_usable == previous_days)
    now, before = value.copy(), previous.copy()
    lacking = np.where(days == previous_days, days * LACKING_PERCENT // 100, 0)
    close = ~comparable & (days - usable <= lacking) & (previous_days - previous_usable <= lacking)
    close &= (previous_last >= 0) & (last < grid.days)
    for row in np.flatnonzero(close).tolist():
        # Days before the first column have no value.
        outside = max(-int(previous_first[row]), 0)
        later = slice(int(first[row]) + outside, int(last[row]) + 1)
        earlier = slice(int(previous_first[row]) + outside, int(previous_last[row]) + 1)
        both = grid.clean[row, later] & grid.clean[row, earlier]
        if int(days[row]) - int(both.sum()) <= lacking[row]:
            comparable[row] = True
            now[row] = grid.values[row, later][both].sum()
            before[row] = grid.values[row, earlier][both].sum()
    comparable &= ~has_step
    return Compared(
        first=first,
        last=last,
        previous_first=previous_first,
        previous_last=previous_last,
        value=value,
        observed=grid.sums(grid.observed, first, last),
        previous_value=previous,
        previous_observed=grid.sums(grid.observed, previous_first, previous_last),
        now=now,
        before=before,
        is_whole=is_whole,
        is_comparable=comparable,
    )


class LikeForLike(NamedTuple):
    """The sums of one window over a group of metrics, compared like with like."""

    #: The sums of all known days of all metrics.
    value: int
    observed: int
    previous_value: int
    previous_observed: int
    #: The number of metrics that can be compared, and their sums.
    compared: int
    now: int
    before: int
    #: The share of the downloads (0 to 1) of metrics that cannot be compared.
    left_out: float
    #: The number of all metrics.
    metrics: int

    @property
    def is_comparable(self) -> bool:
        """Whether any metric can be compared, and the others have at most a tenth of the downloads."""
        return self.compared > 0 and self.left_out <= LEFT_OUT_SHARE

    @property
    def compared_before(self) -> int | None:
        """The earlier sum; None unless comparable."""
        return self.before if self.is_comparable else None

    @property
    def change(self) -> int | None:
        """The change; None unless comparable."""
        return self.now - self.before if self.is_comparable else None

    @property
    def change_percent(self) -> float | None:
        """The change in percent; None unless comparable, or if the earlier value is zero."""
        return change_percent(self.now, self.before) if self.is_comparable else None

    @property
    def is_new(self) -> bool:
        """Whether the value rose from zero."""
        return self.is_comparable and self.before == 0 < self.now

    @property
    def moved(self) -> str | None:
        """The change as text; None unless comparable."""
        return moved(self.now, self.before) if self.is_comparable else None

    @property
    def note(self) -> str:
        """The number of compared metrics, as text; empty if all are compared."""
        if not self.is_comparable or self.compared == self.metrics:
            return ""
        return f"{formats.number(self.compared)} of {plural(self.metrics, 'metric')} compared"


def like_for_like(compared: Compared, groups: Sequence[Places]) -> list[LikeForLike]:
    """Return the sums over each of ``groups``, which are rows of the grid."""
    alike, weight = compared.is_comparable, compared.weight
    columns = (
        compared.value,
        compared.observed,
        compared.previous_value,
        compared.previous_observed,
        alike,
        np.where(alike, compared.now, 0),
        np.where(alike, compared.before, 0),
        np.where(alike, 0, weight),
        weight,
    )
    sums = zip(sum_groups(np.stack(columns, axis=1), groups).tolist(), map(len, groups), strict=True)
    return [
        LikeForLike._make([*row, left_out / whole if whole else 0.0, metrics])
        for (*row, left_out, whole), metrics in sums
    ]


def sum_groups(numbers: Values | Mask, groups: Sequence[Places]) -> Values:
    """Return the sum over each of ``groups`` of rows; of a table, by column."""
    order = np.concatenate([np.zeros(0, np.intp), *groups])
    bounds = np.cumsum([0, *map(len, groups)])
    sums = np.zeros((len(order) + 1, *numbers.shape[1:]), np.int64)
    np.cumsum(numbers[order], axis=0, out=sums[1:])
    found: Values = np.diff(sums[bounds], axis=0)
    return found


def each_row(rows: Places) -> list[Places]:
    """Return a group for each row."""
    return list(rows.reshape(-1, 1))


def common_end(ends: Places) -> int:
    """Return the newest column that all metrics have, ignoring late ones; -1 if there is none."""
    if not len(ends) or ends.max() < 0:
        return -1
    return int(ends[ends >= ends.max() - LATE_DAYS].min())


class Ending(dict[Window, Compared]):
    """The windows of all metrics that end in some columns, each compared when it is first used."""

    def __init__(self, grid: DailyGrid, ends: Places | int, months: dict[Window, Compared]) -> None:
        super().__init__(months)
        self._grid = grid
        self._ends = ends

    def __missing__(self, window: Window) -> Compared:
        days = LENGTHS[window]
        found = self[window] = compare(self._grid, self._ends, days, self._ends - days, days)
        return found


@dataclass(frozen=True, slots=True, eq=False)
class Windows:
    """The windows of all metrics, with different ends."""

    #: Windows that end on the newest day of the metric, of its product, and of all metrics.
    own: Ending
    of_product: Ending
    of_all: Ending


def build_windows(grid: DailyGrid) -> Windows:
    """Return all windows of all metrics. Calendar months are the same for all: those of the newest common day."""
    end = common_end(grid.ends)
    product_ends = np.full(len(grid.metrics), -1)
    for rows in grid.rows_by_product().values():
        product_ends[rows] = common_end(grid.ends[rows])
    spans = _months(grid, end) if end >= 0 else dict.fromkeys((Window.MONTH, Window.MONTH_TO_DATE), (-1, 1, -2, 1))
    months = {window: compare(grid, *span) for window, span in spans.items()}
    return Windows(*(Ending(grid, ends, months) for ends in (grid.ends, product_ends, end)))


def shift_of(day: date) -> int:
    """Return the distance in days from the current month up to ``day`` to the period that it is compared with.

    Whole weeks, because the same dates of the month before have other weekdays: a month that begins on a weekend
    would be a fifth lower on its second day.
    """
    return SHIFT if day.day <= SHIFT else SHIFT + 7


def _months(grid: Grid, end: int) -> dict[Window, tuple[int, int, int, int]]:
    """Return the windows of calendar months: last column and number of days of each, and those of the period before."""
    day = grid.day(end)
    full = last_full_month(day)
    before = full.plus(-1)
    return {
        Window.MONTH: (grid.column(full.last), full.days, grid.column(before.last), before.days),
        Window.MONTH_TO_DATE: (end, day.day, end - shift_of(day), day.day),
    }


#: The kind and the reason (a clause) by row of the grid.
Reasons = dict[int, tuple[ReasonKind, str]]


def why_not(grid: DailyGrid, compared: Compared) -> Reasons:
    """Return the reasons of the metrics whose windows are not compared."""
    rows = np.flatnonzero(~compared.is_comparable)
    first, last, before, until = (
        columns[rows] for columns in (compared.first, compared.last, compared.previous_first, compared.previous_last)
    )
    problems = zip(grid.problems(rows, first, last), grid.problems(rows, before, until), strict=True)
    reasons: Reasons = {}
    for place, (row, (now, earlier)) in enumerate(zip(rows.tolist(), problems, strict=True)):
        if now is not None:
            reasons[row] = now
        elif earlier is not None:
            reasons[row] = earlier[0], f"in the previous period, {earlier[1]}"
        else:
            reasons[row] = ReasonKind.STEP, grid.step_between(row, int(before[place]), int(last[place]))
    return reasons


def main_row(compared: Compared, rows: Places) -> int:
    """Return the row with most downloads among those that are not compared."""
    if len(rows) > 1:
        rows = rows[~compared.is_comparable[rows]]
        rows = rows[[np.argmax(np.maximum(compared.value[rows], compared.previous_value[rows]))]]
    return int(rows[0])


def build_rollups(grid: DailyGrid, windows: Windows) -> Iterator[Rollup]:
    """Yield the roll-ups of downloads of metrics and of products; `build_totals` yields those of all metrics."""
    each, products = each_row(np.arange(len(grid.metrics))), list(grid.rows_by_product().values())
    of_metrics = [
        _rollups(
            grid,
            windows.own[window],
            each,
            window,
            Scope.METRIC,
            _shares_of_metrics(windows.of_product[window], products),
        )
        for window in Window
    ]
    of_products = [
        _rollups(
            grid, windows.of_product[window], products, window, Scope.PRODUCT, _shares(windows.of_all[window], products)
        )
        for window in Window
    ]
    for by_window in (of_metrics, of_products):
        for of_group in zip(*by_window, strict=True):
            yield from of_group


def build_totals(grid: DailyGrid, windows: Windows, chosen: Iterable[Window] = Window) -> Iterator[Rollup]:
    """Yield the roll-ups of the downloads of all metrics together."""
    if len(grid.metrics):
        everything = [np.arange(len(grid.metrics))]
        for window in chosen:
            yield from _rollups(grid, windows.of_all[window], everything, window, Scope.ALL, [NO_SHARES])


#: The share in percent, the share in the period before, and the difference in percentage points.
Shares = tuple[float | None, float | None, float | None]
NO_SHARES: Shares = (None, None, None)


def _rollups(
    grid: DailyGrid,
    compared: Compared,
    groups: Sequence[Places],
    window: Window,
    scope: Scope,
    shares: Sequence[Shares],
) -> list[Rollup]:
    """Return the roll-up of each group of rows, like for like. A group has at least one row, and one window."""
    reasons = why_not(grid, compared)
    found: list[Rollup] = []
    for rows, sums, share in zip(groups, like_for_like(compared, groups), shares, strict=True):
        place, comparable = int(rows[0]), sums.is_comparable
        first, last = int(compared.first[place]), int(compared.last[place])
        before = sums.before if comparable else sums.previous_value if sums.previous_observed else None
        kind, reason = (None, None) if comparable else _main_reason(grid, compared, rows, reasons, sums)
        metric, left_out = grid.metrics[place], [] if scope is Scope.METRIC else rows.tolist()
        found.append(
            Rollup(
                scope=scope,
                unit=Unit.DOWNLOADS,
                metric_id=metric.metric_id if scope is Scope.METRIC else None,
                product=None if scope is Scope.ALL else metric.product,
                window=window,
                start=grid.day(first) if sums.observed else None,
                end=grid.day(last) if sums.observed else None,
                value=sums.value if sums.observed else None,
                days_observed=sums.observed,
                days_expected=(last - first + 1) * len(rows),
                compared_value=sums.now if comparable else None,
                previous=_period(grid, compared, place, before) if sums.observed else None,
                change=sums.change,
                change_percent=sums.change_percent,
                share=share[0],
                previous_share=share[1],
                share_change=share[2],
                comparable=comparable,
                reason=reason,
                reason_kind=kind,
                is_new=sums.is_new,
                left_out=tuple(
                    LeftOut(grid.metrics[row].metric_id, *reasons[row]) for row in left_out if row in reasons
                ),
            )
        )
    return found


def _main_reason(
    grid: DailyGrid, compared: Compared, rows: Places, reasons: Reasons, sums: LikeForLike
) -> tuple[ReasonKind, str]:
    """Return why a group is not compared."""
    row = main_row(compared, rows)
    kind, reason = reasons[row]
    if len(rows) == 1:
        return kind, reason
    left_out = f"{plural(sums.metrics - sums.compared, 'metric')} with {plain_percent(100 * sums.left_out)}"
    text = f"{left_out} of the downloads cannot be compared; {name_of(grid.metrics[row])}: {reason}"
    return ReasonKind.LEFT_OUT if sums.observed else ReasonKind.NO_DATA, text


def _period(grid: DailyGrid, compared: Compared, row: int, value: int | None) -> Period | None:
    """Return the period before; None if it is before the first day."""
    first, last = int(compared.previous_first[row]), int(compared.previous_last[row])
    return Period(grid.day(first), grid.day(last), value) if grid.first + first >= 1 else None


def share_of(part: LikeForLike, whole: LikeForLike) -> Shares:
    """Return the share of ``part`` in ``whole`` among the compared metrics."""
    if not (part.is_comparable and whole.is_comparable and whole.now and whole.before):
        return NO_SHARES
    share, previous = 100 * part.now / whole.now, 100 * part.before / whole.before
    return rounded(share), rounded(previous), rounded(share - previous)


def _shares(compared: Compared, groups: Sequence[Places]) -> list[Shares]:
    """Return the share of each group in all of them."""
    (whole,) = like_for_like(compared, [np.concatenate([np.zeros(0, np.intp), *groups])])
    return [share_of(part, whole) for part in like_for_like(compared, groups)]


def _shares_of_metrics(compared: Compared, products: Sequence[Places]) -> list[Shares]:
    """Return the share of each metric in its product; only the current share if the change is not comparable."""
    parts = like_for_like(compared, each_row(np.arange(len(compared.value))))
    shares = [NO_SHARES] * len(parts)
    for rows, whole in zip(products, like_for_like(compared, products), strict=True):
        is_current = not whole.is_comparable and whole.value > 0 and compared.is_whole[rows].all()
        for row in rows.tolist():
            current = (rounded(100 * parts[row].value / whole.value), None, None) if is_current else None
            shares[row] = current or share_of(parts[row], whole)
    return shares


# -- stars ---------------------------------------------------------------------------------------


def build_star_rollups(grid: StarGrid) -> Iterator[Rollup]:
    """Yield the net change of stars: metrics, products, all."""
    if not grid.metrics:
        return
    everything = np.arange(len(grid.metrics))
    groups: list[tuple[Places, str | None, str | None]] = [
        *((rows, m.product, m.metric_id) for rows, m in zip(each_row(everything), grid.metrics, strict=True)),
        *((rows, product, None) for product, rows in grid.rows_by_product().items()),
        (everything, None, None),
    ]
    reference = common_end(grid.ends)
    months = _months(grid, reference) if reference >= 0 else {}
    for rows, product, metric_id in groups:
        end = common_end(grid.ends[rows])
        for window in Window:
            days = LENGTHS.get(window, 0)
            span = (months[window] if window in months else (end, days, end - days, days)) if end >= 0 else None
            yield _star_rollup(grid, rows, span, window, product, metric_id)


def net_stars(grid: StarGrid, window: Window) -> Values:
    """Return by metric the net change in a window that ends on its newest day; 0 if unknown."""
    days = LENGTHS[window]
    rows = np.arange(len(grid.metrics))
    first, last = np.maximum(grid.ends - days, -1), grid.ends
    is_known = (first >= 0) & grid.known[rows, first] & grid.known[rows, last]
    return np.where(is_known, grid.counts[rows, last] - grid.counts[rows, first], 0)


def _star_rollup(
    grid: StarGrid,
    rows: Places,
    span: tuple[int, int, int, int] | None,
    window: Window,
    product: str | None,
    metric_id: str | None,
) -> Rollup:
    """Return the roll-up of a group of rows; ``span`` is that of `_months`, None if there is no count."""
    last, days, until, days_before = span or (-1, 0, -1, 0)
    first, before = last - days + 1, until - days_before + 1
    marks = (last, first - 1, until, before - 1)
    is_known, counts, kinds = grid.at(rows, marks)
    nets = counts[:, [0, 2]] - counts[:, [1, 3]]
    value = int(nets[:, 0].sum()) if is_known[:, :2].all() else None
    previous = int(nets[:, 1].sum()) if is_known[:, 2:].all() else None
    is_alike = bool((kinds == kinds[:, :1]).all())
    kind, reason = None, None
    if span is None:
        kind, reason = ReasonKind.NO_DATA, "no count is stored yet"
    elif not is_known.all():
        newest = int(np.array(marks)[~is_known.all(axis=0)].max())
        kind, reason = ReasonKind.MISSING_DAYS, f"there is no count for {formats.short_day(grid.day(newest))}"
    elif not is_alike:
        kind, reason = ReasonKind.RECONSTRUCTED, "some counts are reconstructed and do not include removed stars"
    gained = grid.gained_between(rows, first, last)
    return Rollup(
        scope=Scope.METRIC if metric_id else Scope.PRODUCT if product else Scope.ALL,
        unit=Unit.STARS,
        metric_id=metric_id,
        product=product,
        window=window,
        start=grid.day(first) if span and grid.first + first > 0 else None,
        end=grid.day(last) if span else None,
        value=value,
        days_observed=int(grid.known[rows, max(first, 0) : last + 1].sum()),
        days_expected=days * len(rows),
        compared_value=value if kind is None else None,
        previous=Period(grid.day(before), grid.day(until), previous) if span and grid.first + before > 0 else None,
        change=None if kind or value is None or previous is None else value - previous,
        comparable=kind is None,
        reason=reason,
        reason_kind=kind,
        gained=gained,
        lost=None if gained is None or value is None else max(gained - value, 0),
    )
