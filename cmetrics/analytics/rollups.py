"""Sums of windows next to the periods before them: per metric, per product, and for all products."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np
from numpy.typing import NDArray

from cmetrics.analytics.columns import Mask, Places, Values
from cmetrics.analytics.daily import LATE_DAYS, DailyGrid
from cmetrics.analytics.insight_results import LeftOut, Period, ReasonKind, Rollup, Scope, Unit, Window
from cmetrics.analytics.phrases import change_percent, name_of, plain_percent, rounded
from cmetrics.analytics.star_grid import UNKNOWN, StarGrid
from cmetrics.domain import formats
from cmetrics.domain.days import last_full_month
from cmetrics.domain.plural import plural

#: Windows that end on the newest day, in days.
LENGTHS = {Window.DAYS_7: 7, Window.DAYS_30: 30, Window.DAYS_90: 90, Window.DAYS_365: 365}
#: Registries lose a day now and then. A window may lack so many of its days (in percent, rounded down), if the
#: counterparts of these days in the other period are left out too: none of 30, two of 90, ten of 365.
LACKING_PERCENT = 3
#: The month to date is compared with the same weekdays four weeks before; five, when it is longer than that.
SHIFT = 28
#: There is no change of several metrics if those left out have more than this share of the value.
LEFT_OUT_SHARE = 0.1


@dataclass(frozen=True, slots=True, eq=False)
class Compared:
    """One window of each metric of a grid, next to the period before it. All arrays have one value per metric."""

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
    #: Every day of the window can be compared with something.
    is_whole: Mask
    is_comparable: Mask

    @property
    def weight(self) -> Values:
        """The larger of both values: what a metric that cannot be compared stands for."""
        return np.maximum(self.value, self.previous_value)


def compare(
    grid: DailyGrid,
    last: Places | int,
    days: Places | int,
    previous_last: Places | int,
    previous_days: Places | int,
    *,
    is_equal: bool = True,
) -> Compared:
    """Compare the ``days`` days up to ``last`` with ``previous_days`` days up to ``previous_last``.

    ``is_equal``: a comparison of different numbers of days is none.
    """
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
    if is_equal:
        comparable &= days == previous_days
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


@dataclass(frozen=True, slots=True, eq=False)
class LikeForLike:
    """The sums of one window over groups of metrics, compared like with like. All arrays have one value per group."""

    #: The sums of all known days of all metrics.
    value: Values
    observed: Values
    previous_value: Values
    previous_observed: Values
    #: The number of metrics that can be compared, and their sums.
    compared: Values
    now: Values
    before: Values
    #: The share of the downloads, 0 to 1, that metrics have that cannot be compared.
    left_out: NDArray[np.float64]

    @property
    def is_comparable(self) -> Mask:
        """Whether any metric can be compared, and the others have at most a tenth of the downloads."""
        found: Mask = (self.compared > 0) & (self.left_out <= LEFT_OUT_SHARE)
        return found


def like_for_like(compared: Compared, groups: Sequence[Places]) -> LikeForLike:
    """Return the sums over each of ``groups``, which are rows of the grid."""

    def sums(numbers: Values | Mask) -> Values:
        return sum_groups(numbers, groups)

    alike = compared.is_comparable
    weight, lacking = sums(compared.weight), sums(np.where(alike, 0, compared.weight))
    return LikeForLike(
        value=sums(compared.value),
        observed=sums(compared.observed),
        previous_value=sums(compared.previous_value),
        previous_observed=sums(compared.previous_observed),
        compared=sums(alike),
        now=sums(np.where(alike, compared.now, 0)),
        before=sums(np.where(alike, compared.before, 0)),
        left_out=np.where(weight > 0, lacking / np.maximum(weight, 1), 0.0),
    )


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
    """Return the newest column that all metrics have, without those that are late; -1 without any."""
    if not len(ends) or ends.max() < 0:
        return -1
    return int(ends[ends >= ends.max() - LATE_DAYS].min())


@dataclass(frozen=True, slots=True, eq=False)
class Windows:
    """The windows of all metrics, each ending where its row says."""

    #: Ending on the newest day of the metric, of its product, and of all.
    own: dict[Window, Compared]
    of_product: dict[Window, Compared]
    of_all: dict[Window, Compared]


def build_windows(grid: DailyGrid) -> Windows:
    """Return all windows of all metrics. Calendar months are the same for all: those of the newest common day."""
    end = common_end(grid.ends)
    product_ends = np.full(len(grid.metrics), -1)
    for rows in grid.rows_by_product().values():
        product_ends[rows] = common_end(grid.ends[rows])
    months = _months(grid, end)

    def ending(ends: Places | int) -> dict[Window, Compared]:
        found = {window: compare(grid, ends, days, np.asarray(ends) - days, days) for window, days in LENGTHS.items()}
        return found | months

    return Windows(ending(grid.ends), ending(product_ends), ending(end))


def shift_of(day: date) -> int:
    """Return how many days before the running month up to ``day`` the period lies that it is compared with.

    Whole weeks: the same days of the month before have other weekdays, which is a fall of a fifth on the second
    of a month that begins on a weekend.
    """
    return SHIFT if day.day <= SHIFT else SHIFT + 7


def _months(grid: DailyGrid, end: int) -> dict[Window, Compared]:
    if end < 0:
        return {window: compare(grid, -1, 1, -2, 1) for window in (Window.MONTH, Window.MONTH_TO_DATE)}
    day = grid.day(end)
    full = last_full_month(day)
    before = full.plus(-1)
    return {
        Window.MONTH: compare(
            grid, grid.column(full.last), full.days, grid.column(before.last), before.days, is_equal=False
        ),
        Window.MONTH_TO_DATE: compare(grid, end, day.day, end - shift_of(day), day.day),
    }


def why_not(grid: DailyGrid, compared: Compared, rows: Places) -> list[tuple[ReasonKind, str]]:
    """Return why the window of each of these metrics is not compared: the kind, and the reason as a clause."""
    first, last = compared.first[rows], compared.last[rows]
    before, until = compared.previous_first[rows], compared.previous_last[rows]
    found: list[tuple[ReasonKind, str]] = []
    problems = zip(grid.problems(rows, first, last), grid.problems(rows, before, until), strict=True)
    for place, (now, earlier) in enumerate(problems):
        if now is not None:
            found.append(now)
        elif earlier is not None:
            found.append((earlier[0], f"in the previous period, {earlier[1]}"))
        elif (step := grid.step_between(int(rows[place]), int(before[place]), int(last[place]))) is not None:
            found.append((ReasonKind.STEP, step))
        else:
            days, previous = int(last[place] - first[place]) + 1, int(until[place] - before[place]) + 1
            found.append(
                (ReasonKind.UNEQUAL, f"the periods have different lengths ({days} and {plural(previous, 'day')})")
            )
    return found


def build_rollups(grid: DailyGrid, windows: Windows) -> Iterator[Rollup]:
    """Yield the roll-ups of downloads of metrics and of products; those of all are `build_totals`."""
    products = grid.rows_by_product()
    shares: dict[Window, list[Shares]] = {}
    for window, compared in windows.of_product.items():
        of_window = shares[window] = [NO_SHARES] * len(grid.metrics)
        for rows in products.values():
            for row, of_row in zip(rows.tolist(), _shares(compared, rows), strict=True):
                of_window[row] = of_row
    each = each_row(np.arange(len(grid.metrics)))
    own = [_rollups(grid, windows.own[window], each, window, Scope.METRIC, shares[window]) for window in Window]
    for of_metric in zip(*own, strict=True):
        yield from of_metric
    groups = list(products.values())
    together = [
        _rollups(
            grid,
            windows.of_product[window],
            groups,
            window,
            Scope.PRODUCT,
            _shares_of_groups(windows.of_all[window], groups),
        )
        for window in Window
    ]
    for of_product in zip(*together, strict=True):
        yield from of_product


def build_totals(grid: DailyGrid, windows: Windows, chosen: Iterable[Window] = Window) -> Iterator[Rollup]:
    """Yield the roll-ups of the downloads of all metrics together."""
    if len(grid.metrics):
        everything = [np.arange(len(grid.metrics))]
        for window in chosen:
            yield from _rollups(grid, windows.of_all[window], everything, window, Scope.ALL, [NO_SHARES])


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
    sums = like_for_like(compared, groups)
    reasons = _reasons(grid, compared, groups)
    columns = (
        sums.value,
        sums.observed,
        sums.previous_value,
        sums.previous_observed,
        sums.now,
        sums.before,
        sums.left_out,
        sums.is_comparable,
    )
    found: list[Rollup] = []
    for rows, of_group, share, row in zip(
        groups, reasons, shares, zip(*(c.tolist() for c in columns), strict=True), strict=True
    ):
        value, observed, previous, previous_observed, now, before, left_out, comparable = row
        place = int(rows[0])
        first, last = int(compared.first[place]), int(compared.last[place])
        kind, reason = (None, None) if comparable else _main_reason(grid, compared, rows, of_group, left_out, observed)
        if not comparable:
            before = previous if previous_observed else None
        metric = grid.metrics[place]
        found.append(
            Rollup(
                scope=scope,
                unit=Unit.DOWNLOADS,
                metric_id=metric.metric_id if scope is Scope.METRIC else None,
                product=None if scope is Scope.ALL else metric.product,
                window=window,
                start=grid.day(first) if observed else None,
                end=grid.day(last) if observed else None,
                value=value if observed else None,
                days_observed=observed,
                days_expected=(last - first + 1) * len(rows),
                compared_value=now if comparable else None,
                previous=_period(grid, compared, place, before) if observed else None,
                change=now - before if comparable else None,
                change_percent=change_percent(now, before) if comparable else None,
                share=share[0],
                previous_share=share[1],
                share_change=share[2],
                comparable=comparable,
                reason=reason,
                reason_kind=kind,
                is_new=comparable and before == 0 < now,
                left_out=()
                if scope is Scope.METRIC
                else tuple(LeftOut(grid.metrics[row].metric_id, *why) for row, why in of_group.items()),
            )
        )
    return found


Reasons = dict[int, tuple[ReasonKind, str]]


def _reasons(grid: DailyGrid, compared: Compared, groups: Sequence[Places]) -> list[Reasons]:
    """Return for each group the reasons of the rows that are not compared."""
    rows = np.concatenate([np.zeros(0, np.intp), *groups])
    apart = rows[~compared.is_comparable[rows]]
    by_row = dict(zip(apart.tolist(), why_not(grid, compared, apart), strict=True))
    return [{row: by_row[row] for row in group.tolist() if row in by_row} for group in groups]


def _main_reason(
    grid: DailyGrid, compared: Compared, rows: Places, reasons: Reasons, left_out: float, observed: int
) -> tuple[ReasonKind, str]:
    """Return why a group is not compared: the reason of the first of those with most downloads."""
    apart = np.array(list(reasons), np.intp)
    row = int(apart[int(np.argmax(compared.weight[apart]))])
    kind, reason = reasons[row]
    if len(rows) == 1:
        return kind, reason
    name, percent = name_of(grid.metrics[row]), plain_percent(100 * left_out)
    return (
        ReasonKind.LEFT_OUT if observed else ReasonKind.NO_DATA,
        f"{plural(len(apart), 'metric')} with {percent} of the downloads cannot be compared; {name}: {reason}",
    )


def _period(grid: DailyGrid, compared: Compared, row: int, value: int | None) -> Period | None:
    """Return the period before; None before the first day there is."""
    first, last = int(compared.previous_first[row]), int(compared.previous_last[row])
    return Period(grid.day(first), grid.day(last), value) if grid.first + first >= 1 else None


def _shares(compared: Compared, rows: Places) -> list[Shares]:
    """Return by metric its percentage of the sum of ``rows``, that of the period before, and the difference.

    Like for like: of the metrics that are compared, if those left out have a tenth of the value or less.
    """
    nothing = [NO_SHARES] * len(rows)
    alike = compared.is_comparable[rows]
    sums = like_for_like(compared, [rows])
    if sums.is_comparable[0]:
        later, earlier = int(sums.now[0]), int(sums.before[0])
        if not later or not earlier:
            return nothing
        now, before = 100 * compared.now[rows] / later, 100 * compared.before[rows] / earlier
        return [
            (rounded(share), rounded(previous), rounded(share - previous)) if is_alike else NO_SHARES
            for share, previous, is_alike in zip(now.tolist(), before.tolist(), alike.tolist(), strict=True)
        ]
    value = compared.value[rows]
    if compared.is_whole[rows].all() and value.sum():
        return [(rounded(share), None, None) for share in (100 * value / value.sum()).tolist()]
    return nothing


def _shares_of_groups(compared: Compared, groups: Sequence[Places]) -> list[Shares]:
    """Return the percentage that each group has of all metrics, that of the period before, and the difference."""
    whole, sums = like_for_like(compared, [np.arange(len(compared.value))]), like_for_like(compared, groups)
    later, earlier = int(whole.now[0]), int(whole.before[0])
    if not (whole.is_comparable[0] and later and earlier):
        return [NO_SHARES] * len(groups)
    found: list[Shares] = []
    rows = zip(sums.now.tolist(), sums.before.tolist(), sums.is_comparable.tolist(), strict=True)
    for now, before, is_comparable in rows:
        share, previous = 100 * now / later, 100 * before / earlier
        found.append((rounded(share), rounded(previous), rounded(share - previous)) if is_comparable else NO_SHARES)
    return found


# -- stars ---------------------------------------------------------------------------------------


def build_star_rollups(grid: StarGrid) -> Iterator[Rollup]:
    """Yield the net change of stars: metrics, products, all."""
    ends = {row: int(grid.ends[row]) for row in range(len(grid.metrics))}
    products: dict[str, list[int]] = {}
    for row, metric in enumerate(grid.metrics):
        products.setdefault(metric.product, []).append(row)
    reference = common_end(grid.ends)
    for row, metric in enumerate(grid.metrics):
        for window in Window:
            yield _star_rollup(grid, [row], ends[row], reference, window, metric.product, metric.metric_id)
    for product in sorted(products):
        rows = products[product]
        for window in Window:
            yield _star_rollup(grid, rows, common_end(grid.ends[rows]), reference, window, product, None)
    if ends:
        for window in Window:
            yield _star_rollup(grid, list(ends), reference, reference, window, None, None)


def net_stars(grid: StarGrid, window: Window) -> Values:
    """Return by metric the net change in a window that ends on its newest day; 0 where not known."""
    days = LENGTHS[window]
    rows = np.arange(len(grid.metrics))
    first, last = np.maximum(grid.ends - days, -1), grid.ends
    is_known = (first >= 0) & grid.known[rows, first] & grid.known[rows, last]
    return np.where(is_known, grid.counts[rows, last] - grid.counts[rows, first], 0)


def _star_spans(grid: StarGrid, end: int, reference: int, window: Window) -> tuple[int, int, int, int]:
    """Return first and last column of the window and of the period before it."""
    if window in LENGTHS:
        days = LENGTHS[window]
        return end - days + 1, end, end - 2 * days + 1, end - days
    day = grid.day(reference)
    if window is Window.MONTH:
        full = last_full_month(day)
        before = full.plus(-1)
        return grid.column(full.first), grid.column(full.last), grid.column(before.first), grid.column(before.last)
    first, shift = reference - day.day + 1, shift_of(day)
    return first, reference, first - shift, reference - shift


def _star_rollup(
    grid: StarGrid,
    rows: list[int],
    end: int,
    reference: int,
    window: Window,
    product: str | None,
    metric_id: str | None,
) -> Rollup:
    first, last, before, until = _star_spans(grid, end, reference, window) if end >= 0 else (0, -1, 0, -1)
    marks = (last, first - 1, until, before - 1)
    is_known = np.array([[0 <= mark < grid.days and grid.known[row, mark] for mark in marks] for row in rows])
    counts = np.array([[grid.counts[row, mark] if 0 <= mark < grid.days else 0 for mark in marks] for row in rows])
    kinds = np.array([[0 <= mark < grid.days and grid.reconstructed[row, mark] for mark in marks] for row in rows])
    nets, previous = counts[:, 0] - counts[:, 1], counts[:, 2] - counts[:, 3]
    has_net = end >= 0 and bool(is_known[:, :2].all())
    has_previous = bool(is_known[:, 2:].all())
    is_alike = bool((kinds == kinds[:, :1]).all())
    comparable = (
        has_net and has_previous and is_alike and (window is not Window.MONTH_TO_DATE or last - first == until - before)
    )
    kind: ReasonKind | None = None
    reason: str | None = None
    if not comparable:
        kind, reason = _star_reason(grid, marks, is_known, is_alike=is_alike, has_end=end >= 0)
    gained = grid.gained[rows, max(first, 0) : last + 1] if end >= 0 and first >= 0 else np.full((1, 1), UNKNOWN)
    all_gained = int(gained.sum()) if gained.size and bool((gained != UNKNOWN).all()) else None
    value = int(nets.sum()) if has_net else None
    earlier_value = int(previous.sum()) if has_previous else None
    return Rollup(
        scope=Scope.METRIC if metric_id else Scope.PRODUCT if product else Scope.ALL,
        unit=Unit.STARS,
        metric_id=metric_id,
        product=product,
        window=window,
        start=grid.day(first) if end >= 0 and grid.first + first > 0 else None,
        end=grid.day(last) if end >= 0 else None,
        value=value,
        days_observed=int(grid.known[rows, max(first, 0) : last + 1].sum()) if end >= 0 else 0,
        days_expected=max(last - first + 1, 0) * len(rows),
        compared_value=value if comparable else None,
        previous=Period(grid.day(before), grid.day(until), earlier_value)
        if end >= 0 and grid.first + before > 0
        else None,
        change=None if not comparable or value is None or earlier_value is None else value - earlier_value,
        change_percent=None,
        share=None,
        previous_share=None,
        share_change=None,
        comparable=comparable,
        reason=reason,
        reason_kind=kind,
        gained=all_gained,
        lost=None if all_gained is None or value is None else max(all_gained - value, 0),
    )


def _star_reason(
    grid: StarGrid, marks: tuple[int, ...], is_known: Mask, *, is_alike: bool, has_end: bool
) -> tuple[ReasonKind, str]:
    if not has_end:
        return ReasonKind.NO_DATA, "no count is stored yet"
    missing = [mark for number, mark in enumerate(marks) if not is_known[:, number].all()]
    if missing:
        return ReasonKind.MISSING_DAYS, f"there is no count for {formats.short_day(grid.day(max(missing)))}"
    if not is_alike:
        return ReasonKind.RECONSTRUCTED, "some counts are reconstructed and do not include removed stars"
    return ReasonKind.UNEQUAL, "the periods have different numbers of days"
