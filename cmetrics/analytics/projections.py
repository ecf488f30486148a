"""Project the total of the current month from the counted days and the usual values of weekdays.

Each remaining or missing day is estimated by the mean of its weekday over the last 28 counted days. The same
projection is made at the same point of each of the last 24 full months. The median of the ratios actual / projected
corrects for growth within a month, and their 10th and 90th percentile are the interval. The back-test computes the
interval of each of these months from the others, and counts the months that ended inside.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from statistics import median

import numpy as np
from numpy.typing import NDArray

from cmetrics.analytics.columns import Places
from cmetrics.analytics.daily import LATE_DAYS, DailyGrid
from cmetrics.analytics.insight_results import Projection, ReasonKind, Scope
from cmetrics.analytics.phrases import name_of
from cmetrics.domain import formats
from cmetrics.domain.days import Month
from cmetrics.domain.plural import plural

Numbers = NDArray[np.float64]
Counts = NDArray[np.int64]

#: The minimum number of observed days for a projection.
FEWEST_DAYS = 5
#: The number of counted days for the means of weekdays, and the number of days searched for them.
PATTERN_DAYS, PATTERN_REACH = 28, 42
WEEK = 7
MONTHS, FEWEST_MONTHS = 24, 6
INNER = (0.1, 0.9)
NEW_SHARE = 0.1


def build_projections(grid: DailyGrid, titles: dict[str, str]) -> Iterator[Projection]:
    """Yield the projections of metrics, products, and all; ``titles`` are those of the products."""
    if not len(grid.metrics):
        return
    groups: list[tuple[Places, Scope, str | None, str | None, str]] = [
        *((np.array([row]), Scope.METRIC, m.metric_id, m.product, name_of(m)) for row, m in enumerate(grid.metrics)),
        *((of, Scope.PRODUCT, None, name, titles.get(name, name)) for name, of in grid.rows_by_product().items()),
        (np.arange(len(grid.metrics)), Scope.ALL, None, None, "All downloads"),
    ]
    projector = _Projector(grid, [group[0] for group in groups])
    for place, group in enumerate(groups):
        yield projector.project(place, *group)


class _Projector:
    """Projects the current month of each group of rows: of a metric, of a product, or of all."""

    def __init__(self, grid: DailyGrid, groups: list[Places]) -> None:
        self._grid = grid
        self._add(groups)
        self._month = Month.of(grid.day(grid.days - 1))
        self._first = grid.column(self._month.first)
        self._ends = ends = np.array([int(grid.ends[rows].min()) for rows in groups])
        #: The ratios actual / projected, one column per month; NaN if a month cannot be used.
        self._ratios = np.full((len(groups), MONTHS), np.nan)
        self._means = np.full((len(groups), WEEK), np.nan)
        for day in np.unique(ends).tolist():
            chosen = np.flatnonzero(ends == day)
            so_far = day - self._first + 1
            if so_far < FEWEST_DAYS:
                continue
            self._means[chosen] = self._weekday_means(chosen, day)
            for place in range(MONTHS):
                month = self._month.plus(-1 - place)
                self._ratios[chosen, place] = self._replay(chosen, month, min(so_far, month.days))

    def _add(self, groups: list[Places]) -> None:
        """Set the daily values of each group, known on days on which all its metrics are known, and its steps.

        A metric counts as 0 before its first value. This is a step of the sum if it has more than a tenth of its group.
        """
        grid, days = self._grid, np.arange(self._grid.days)
        rows, sizes = np.concatenate(groups), np.array(list(map(len, groups)))
        starts, owners = np.cumsum(sizes) - sizes, np.repeat(np.arange(len(groups)), sizes)
        firsts = np.where(grid.known.any(axis=1), np.argmax(grid.known, axis=1), grid.days)
        is_ready = grid.clean | (days < firsts[:, None])
        begun = np.minimum.reduceat(firsts[rows], starts)
        self._known = np.logical_and.reduceat(is_ready[rows], starts, axis=0) & (days >= begun[:, None])
        self._values = np.where(self._known, np.add.reduceat(grid.values[rows], starts, axis=0), 0)
        self._steps = np.add.reduceat(grid.steps[rows], starts, axis=0)
        recent = grid.values[:, -PATTERN_DAYS:].sum(axis=1)[rows]
        is_new = (recent > NEW_SHARE * np.add.reduceat(recent, starts)[owners]) & (firsts[rows] > begun[owners])
        for group, first in zip(owners[is_new].tolist(), firsts[rows[is_new]].tolist(), strict=True):
            self._steps[group, min(first, grid.days - 1) + 1 :] += 1

    def _replay(self, rows: Places, month: Month, so_far: int) -> Numbers:
        """Return the ratios actual / projected of a full month, projected after ``so_far`` of its days."""
        grid = self._grid
        first, last = grid.column(month.first), grid.column(month.last)
        end = first + so_far - 1
        if first - PATTERN_DAYS < 0 or last >= grid.days or end - PATTERN_DAYS + 1 < 0:
            return np.full(len(rows), np.nan)
        start = min(first, end - PATTERN_DAYS + 1)
        is_whole = self._known[rows, start : last + 1].all(axis=1)
        is_whole &= self._steps[rows, last + 1] == self._steps[rows, start + 1]
        actual = self._values[rows, first : last + 1].sum(axis=1).astype(np.float64)
        means = self._weekday_means(rows, end)
        left = np.bincount((grid.first + np.arange(end + 1, last + 1) - 1) % WEEK, minlength=WEEK)
        projected = self._values[rows, first : end + 1].sum(axis=1) + means @ left
        with np.errstate(invalid="ignore", divide="ignore"):
            return np.where(is_whole & (projected > 0), actual / projected, np.nan)

    def _weekday_means(self, rows: Places, end: int) -> Numbers:
        """Return by row and weekday (Monday first) the mean of the last 28 counted days; NaN if a weekday has none."""
        grid = self._grid
        columns = np.arange(max(end - PATTERN_REACH + 1, 0), end + 1)
        known = self._known[np.ix_(rows, columns)]
        # The newest 28 of the counted days.
        known &= known[:, ::-1].cumsum(axis=1)[:, ::-1] <= PATTERN_DAYS
        weekdays = np.eye(WEEK)[(grid.first + columns - 1) % WEEK]
        with np.errstate(invalid="ignore", divide="ignore"):
            means: Numbers = (np.where(known, self._values[np.ix_(rows, columns)], 0) @ weekdays) / (known @ weekdays)
        return means

    def project(
        self, place: int, rows: Places, scope: Scope, metric_id: str | None, product: str | None, name: str
    ) -> Projection:
        """Return the projection of one row."""
        grid, month = self._grid, self._month
        end = int(self._ends[place])
        first = max(self._first, 0)
        counted = int(grid.values[rows, first:].sum())
        observed = int(grid.known[rows, first:].sum())
        ratios = self._ratios[place][~np.isnan(self._ratios[place])]
        kind, reason = self._refusal(place, end, ratios)
        value = low = high = None
        inside = 0
        base = np.nan
        if kind is None:
            is_open = np.ones(month.days, np.bool_)
            so_far = end - self._first + 1
            is_open[:so_far] = ~self._known[place, self._first : end + 1]
            ordinals = grid.first + self._first + np.arange(month.days)
            sure = int(self._values[place, self._first : end + 1].sum())
            base = sure + float(self._means[place, (ordinals[is_open] - 1) % WEEK].sum())
            if np.isnan(base):
                kind, reason = ReasonKind.MISSING_DAYS, "one of the weekdays has no data"
        if kind is None:
            ordered = sorted(ratios.tolist())
            middle, (lower, upper) = median(ordered), interval(ordered)
            # The total cannot be less than the count so far.
            value, low, high = (max(round(base * ratio), sure) for ratio in (middle, lower, upper))
            inside = sum(
                lower <= ratio <= upper
                for place, ratio in enumerate(ordered)
                for lower, upper in [interval([*ordered[:place], *ordered[place + 1 :]])]
            )
        when = formats.short_month(month.first)
        text = (
            f"{name}: projected {formats.number(value)} downloads in {when} "
            f"({formats.number(low)} to {formats.number(high)}); "
            f"in back-tests, {inside} of {plural(len(ratios), 'full month')} ended within this range."
            if value is not None and low is not None and high is not None
            else f"{name}: {when} is not projected; {reason}."
        )
        return Projection(
            scope=scope,
            metric_id=metric_id,
            product=product,
            month=month,
            end=grid.day(end) if end >= self._first else None,
            counted=counted,
            days_observed=observed,
            days_expected=month.days * len(rows),
            value=value,
            low=low,
            high=high,
            months_tested=len(ratios),
            months_inside=inside,
            reason=reason,
            reason_kind=kind,
            text=text,
        )

    def _refusal(self, place: int, end: int, ratios: Numbers) -> tuple[ReasonKind | None, str | None]:
        grid = self._grid
        so_far = int(self._known[place, max(self._first, 0) : end + 1].sum()) if end >= self._first else 0
        start = max(min(self._first, end - PATTERN_REACH + 1), 0)
        refusals = (
            (end < 0, ReasonKind.NO_DATA, "not every metric has a value"),
            (end < grid.days - 2 - LATE_DAYS, ReasonKind.MISSING_DAYS, "the newest value is too old"),
            (
                grid.days - self._first == self._month.days and end == grid.days - 1,
                ReasonKind.UNEQUAL,
                "the month has ended",
            ),
            (so_far < FEWEST_DAYS, ReasonKind.MISSING_DAYS, f"{so_far} of the first {FEWEST_DAYS} days have data"),
            (
                self._steps[place, end + 1] > self._steps[place, start + 1],
                ReasonKind.STEP,
                "the counting method changed in the last weeks",
            ),
            (
                len(ratios) < FEWEST_MONTHS,
                ReasonKind.SHORT_HISTORY,
                f"{plural(len(ratios), 'full month')} to test it with; {FEWEST_MONTHS} are needed",
            ),
        )
        return next(((kind, reason) for refused, kind, reason in refusals if refused), (None, None))


def interval(ordered: Sequence[float]) -> tuple[float, float]:
    """Return the 10th and 90th percentile of ascending numbers.

    Uses Weibull's plotting positions: the next number of the same distribution is outside in a fifth of the cases.
    For few numbers, these are the smallest and the largest.
    """
    last = len(ordered) - 1
    found = []
    for part in INNER:
        position = min(max(part * (len(ordered) + 1) - 1, 0.0), float(last))
        low = int(position)
        high = min(low + 1, last)
        found.append(ordered[low] + (position - low) * (ordered[high] - ordered[low]))
    return found[0], found[1]
