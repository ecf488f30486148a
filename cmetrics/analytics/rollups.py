"""Sums of windows next to the periods before them: per metric, per product, and for all products."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

import numpy as np
from numpy.typing import NDArray

from cmetrics.analytics.columns import Mask, Values
from cmetrics.analytics.daily import LATE_DAYS, DailyGrid, Places
from cmetrics.analytics.insight_results import LeftOut, Period, ReasonKind, Rollup, Scope, Unit, Window
from cmetrics.analytics.phrases import change_percent, name_of, plain_percent, rounded, short_date
from cmetrics.analytics.star_grid import UNKNOWN, StarGrid
from cmetrics.domain.days import Month
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
        now=now,
        before=before,
        is_whole=is_whole,
        is_comparable=comparable,
    )


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
    products = sorted({metric.product for metric in grid.metrics})
    product_ends = np.full(len(grid.metrics), -1)
    for product in products:
        rows = grid.rows_of(product)
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
    running = Month.of(day)
    full = running if day == running.last else running.plus(-1)
    before = full.plus(-1)
    return {
        Window.MONTH: compare(
            grid, grid.column(full.last), full.days, grid.column(before.last), before.days, is_equal=False
        ),
        Window.MONTH_TO_DATE: compare(grid, end, day.day, end - shift_of(day), day.day),
    }


def why_not(grid: DailyGrid, compared: Compared, row: int) -> tuple[ReasonKind, str]:
    """Return why a window of a metric is not compared: the kind, and the reason as a clause."""
    first, last = int(compared.first[row]), int(compared.last[row])
    before, until = int(compared.previous_first[row]), int(compared.previous_last[row])
    problem = grid.problem(row, first, last)
    if problem is not None:
        return problem
    problem = grid.problem(row, before, until)
    if problem is not None:
        kind, reason = problem
        return kind, f"in the period before, {reason}"
    step = grid.step_between(row, before, last)
    if step is not None:
        return ReasonKind.STEP, step
    days, previous = last - first + 1, until - before + 1
    return ReasonKind.UNEQUAL, f"the periods have {days} and {plural(previous, 'day')}"


def build_rollups(grid: DailyGrid, windows: Windows) -> Iterator[Rollup]:
    """Yield the roll-ups of downloads: metrics, products, all."""
    everything = np.arange(len(grid.metrics))
    products = {product: grid.rows_of(product) for product in sorted({m.product for m in grid.metrics})}
    rows_by_metric: dict[tuple[int, Window], Shares] = {}
    for rows in products.values():
        for window, compared in windows.of_product.items():
            for row, *shares in zip(rows.tolist(), *_shares(compared, rows), strict=True):
                rows_by_metric[row, window] = (shares[0], shares[1], shares[2])
    for row in everything.tolist():
        for window in Window:
            yield _metric_rollup(grid, windows.own[window], row, window, rows_by_metric[row, window])
    for product, rows in products.items():
        for window in Window:
            whole = windows.of_all[window]
            yield _total(grid, windows.of_product[window], rows, window, product, _share_of_rows(whole, rows))
    if len(grid.metrics):
        for window in Window:
            yield _total(grid, windows.of_all[window], everything, window, None, (None, None, None))


Shares = tuple[float | None, float | None, float | None]


def _metric_rollup(grid: DailyGrid, compared: Compared, row: int, window: Window, shares: Shares) -> Rollup:
    metric = grid.metrics[row]
    observed = int(compared.observed[row])
    comparable = bool(compared.is_comparable[row])
    kind, reason = (None, None) if comparable else why_not(grid, compared, row)
    now, before = int(compared.now[row]), int(compared.before[row])
    return Rollup(
        scope=Scope.METRIC,
        unit=Unit.DOWNLOADS,
        metric_id=metric.metric_id,
        product=metric.product,
        window=window,
        start=grid.day(int(compared.first[row])) if observed else None,
        end=grid.day(int(compared.last[row])) if observed else None,
        value=int(compared.value[row]) if observed else None,
        days_observed=observed,
        days_expected=int(compared.last[row] - compared.first[row]) + 1,
        compared_value=now if comparable else None,
        previous=_previous(grid, compared, row, before if comparable else None) if observed else None,
        change=now - before if comparable else None,
        change_percent=change_percent(now, before) if comparable else None,
        share=shares[0],
        previous_share=shares[1],
        share_change=shares[2],
        comparable=comparable,
        reason=reason,
        reason_kind=kind,
        is_new=comparable and before == 0 < now,
    )


def _previous(grid: DailyGrid, compared: Compared, row: int, value: int | None) -> Period | None:
    """Return the period before; a value that is not compared is that of the days that are known."""
    first, last = int(compared.previous_first[row]), int(compared.previous_last[row])
    if value is None and grid.known[row, max(first, 0) : max(last + 1, 0)].any():
        value = int(compared.previous_value[row])
    if grid.first + first < 1:
        return None
    return Period(grid.day(first), grid.day(last), value)


def _total(
    grid: DailyGrid, compared: Compared, rows: Places, window: Window, product: str | None, shares: Shares
) -> Rollup:
    """Return the roll-up of several metrics, like for like."""
    observed = int(compared.observed[rows].sum())
    alike, apart = rows[compared.is_comparable[rows]], rows[~compared.is_comparable[rows]]
    reasons = [why_not(grid, compared, row) for row in apart.tolist()]
    share = left_out_share(compared, rows)
    comparable = len(alike) > 0 and share <= LEFT_OUT_SHARE
    kind: ReasonKind | None = None
    reason: str | None = None
    if not comparable:
        # The first of those with most downloads.
        place = int(np.argmax(compared.weight[apart]))
        kind, reason = reasons[place]
        if len(rows) > 1:
            name, percent = name_of(grid.metrics[int(apart[place])]), plain_percent(100 * share)
            reason = (
                f"{plural(len(apart), 'metric')} with {percent} of the downloads cannot be compared; {name}: {reason}"
            )
            kind = ReasonKind.LEFT_OUT if observed else ReasonKind.NO_DATA
    now, before = int(compared.now[alike].sum()), int(compared.before[alike].sum())
    row = int(rows[0])
    known_before = int(compared.previous_value[rows].sum())
    first, last = int(compared.first[row]), int(compared.last[row])
    return Rollup(
        scope=Scope.ALL if product is None else Scope.PRODUCT,
        unit=Unit.DOWNLOADS,
        metric_id=None,
        product=product,
        window=window,
        start=grid.day(first) if observed else None,
        end=grid.day(last) if observed else None,
        value=int(compared.value[rows].sum()) if observed else None,
        days_observed=observed,
        days_expected=(last - first + 1) * len(rows),
        compared_value=now if comparable else None,
        previous=_previous(grid, compared, row, before if comparable else known_before or None) if observed else None,
        change=now - before if comparable else None,
        change_percent=change_percent(now, before) if comparable else None,
        share=shares[0],
        previous_share=shares[1],
        share_change=shares[2],
        comparable=comparable,
        reason=reason,
        reason_kind=kind,
        is_new=comparable and before == 0 < now,
        left_out=tuple(
            LeftOut(grid.metrics[number].metric_id, kind, text)
            for number, (kind, text) in zip(apart.tolist(), reasons, strict=True)
        ),
    )


def left_out_share(compared: Compared, rows: Places) -> float:
    """Return the share of the value that metrics without a comparison have, 0 to 1."""
    weight = compared.weight[rows]
    whole = int(weight.sum())
    return int(weight[~compared.is_comparable[rows]].sum()) / whole if whole else 0.0


def _shares(compared: Compared, rows: Places) -> tuple[list[float | None], list[float | None], list[float | None]]:
    """Return by metric its percentage of the sum of ``rows``, that of the period before, and the difference.

    Like for like: of the metrics that are compared, if those left out have a tenth of the value or less.
    """
    nothing: list[float | None] = [None] * len(rows)
    alike = compared.is_comparable[rows]
    now, before = compared.now[rows], compared.before[rows]
    if alike.any() and left_out_share(compared, rows) <= LEFT_OUT_SHARE:
        later, earlier = int(now[alike].sum()), int(before[alike].sum())
        if not later or not earlier:
            return nothing, nothing, nothing
        shares, previous = 100 * now / later, 100 * before / earlier
        return (
            _rounded(shares, alike),
            _rounded(previous, alike),
            _rounded(shares - previous, alike),
        )
    value = compared.value[rows]
    if compared.is_whole[rows].all() and value.sum():
        return _rounded(100 * value / value.sum(), compared.is_whole[rows]), nothing, nothing
    return nothing, nothing, nothing


def _share_of_rows(compared: Compared, rows: Places) -> Shares:
    """Return the percentage that ``rows`` have of all metrics, that of the period before, and the difference."""
    everything = np.arange(len(compared.value))
    alike = compared.is_comparable
    if (
        not alike[rows].any()
        or max(left_out_share(compared, everything), left_out_share(compared, rows)) > LEFT_OUT_SHARE
    ):
        return None, None, None
    later, earlier = int(compared.now[alike].sum()), int(compared.before[alike].sum())
    if not later or not earlier:
        return None, None, None
    mine = rows[alike[rows]]
    share, previous = 100 * int(compared.now[mine].sum()) / later, 100 * int(compared.before[mine].sum()) / earlier
    return rounded(share), rounded(previous), rounded(share - previous)


def _rounded(numbers: NDArray[np.float64], known: Mask) -> list[float | None]:
    return [
        rounded(value) if is_known else None for value, is_known in zip(numbers.tolist(), known.tolist(), strict=True)
    ]


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


def _star_spans(grid: StarGrid, end: int, reference: int, window: Window) -> tuple[int, int, int, int]:
    """Return first and last column of the window and of the period before it."""
    if window in LENGTHS:
        days = LENGTHS[window]
        return end - days + 1, end, end - 2 * days + 1, end - days
    day = grid.day(reference)
    running = Month.of(day)

    def column(of: date) -> int:
        return of.toordinal() - grid.first

    if window is Window.MONTH:
        full = running if day == running.last else running.plus(-1)
        before = full.plus(-1)
        return column(full.first), column(full.last), column(before.first), column(before.last)
    first, shift = column(running.first), shift_of(day)
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
        return ReasonKind.NO_DATA, "no count is stored"
    missing = [mark for number, mark in enumerate(marks) if not is_known[:, number].all()]
    if missing:
        return ReasonKind.MISSING_DAYS, f"there is no count of {short_date(grid.day(max(missing)))}"
    if not is_alike:
        return ReasonKind.RECONSTRUCTED, "some of the counts are reconstructed, without the stars that were removed"
    return ReasonKind.UNEQUAL, "the periods have different numbers of days"
