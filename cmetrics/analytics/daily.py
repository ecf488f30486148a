"""Daily downloads of all metrics in one grid, with the days that must not be compared."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from copy import copy
from dataclasses import dataclass
from datetime import date
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from cmetrics.analytics.anomalies import JUDGED_DAYS, LARGE, ComparedDays, compare_days
from cmetrics.analytics.columns import Mask, Places, SeriesTable, Values, run_starts
from cmetrics.analytics.grid import Grid, first_columns, group_rows, newest_columns
from cmetrics.analytics.insight_results import ReasonKind
from cmetrics.domain import formats
from cmetrics.domain.metric import CountingStep, Metric, SourceSpec
from cmetrics.domain.observation import is_stand_in_ref
from cmetrics.domain.plural import plural

#: A metric is left out of a group if its newest day is this many days behind the newest day of the group.
LATE_DAYS = 3
#: The newest days may still grow: of these, a value below half of the usual one is not final.
SETTLING_DAYS = 3
#: The maximum number of consecutive days counted by another service that are replaced days instead of a step.
FEW_REPLACED = 14
#: The share of the mean of eight weeks above which a value needs no closer look, as most values are.
_SUSPECT, _SUSPECT_TOGETHER, _REACH = 0.25, 0.65, 28
#: If half of a source's metrics (three or more) are below this share of their usual value, the day is a problem of
#: the source or a holiday, and is not compared.
TOGETHER, FEWEST_TOGETHER = 0.5, 3


@dataclass(frozen=True, slots=True, eq=False)
class DailyGrid(Grid):
    """Daily downloads; :attr:`ends` are the newest settled days."""

    specs: Mapping[str, SourceSpec]
    #: 0 if there is none.
    values: Values
    #: Stored, but lost or only partly counted by the registry, or counted by another service.
    excluded: Mask
    #: Stored, but far outside its neighbourhood and not confirmed yet.
    doubtful: Mask
    #: Known values that may be compared: neither of these.
    clean: Mask
    #: The first day of a different counting method.
    step: Mask
    #: Prefix sums: the sum of all columns before each column, one column more than there are days.
    total: Values
    observed: Values
    usable: Values
    steps: Values

    def sums(self, prefix: Values, first: Places | int, last: Places | int, rows: Places | None = None) -> Values:
        """Return the sum of each row's columns from ``first`` to ``last``; columns outside count as 0."""
        rows = np.arange(len(self.metrics)) if rows is None else rows
        low = np.clip(first, 0, self.days)
        high = np.clip(np.asarray(last) + 1, low, self.days)
        found: Values = prefix[rows, high] - prefix[rows, low]
        return found

    def problem(self, row: int, first: int, last: int) -> tuple[ReasonKind, str] | None:
        """Return why the columns from ``first`` to ``last`` of a row must not be summed and compared; None if they may.

        The result is the kind, and the reason as a clause.
        """
        return self.problems(np.array([row]), np.array([first]), np.array([last]))[0]

    def problems(self, rows: Places, first: Places, last: Places) -> list[tuple[ReasonKind, str] | None]:
        """Return the same for several rows, each with its own range of columns."""
        days = last - first + 1
        found: list[tuple[ReasonKind, str] | None] = [None] * len(rows)
        places = np.flatnonzero(self.sums(self.usable, first, last, rows) < days)
        rows, first, last = rows[places], first[places], last[places]
        (excluded, first_excluded), (doubtful, first_doubtful) = (
            _marked(mask, rows, first, last) for mask in (self.excluded, self.doubtful)
        )
        columns = (
            days[places],
            self.sums(self.observed, first, last, rows),
            excluded,
            doubtful,
            np.where(excluded > 0, first_excluded, first_doubtful),
        )
        facts = list(zip(*(column.tolist() for column in columns), strict=True))
        # Many metrics have the same problem.
        problems = {fact: self._problem(*fact) for fact in set(facts)}
        for place, fact in zip(places.tolist(), facts, strict=True):
            found[place] = problems[fact]
        return found

    def _problem(self, days: int, known: int, excluded: int, doubtful: int, first: int) -> tuple[ReasonKind, str]:
        """Return the problem of ``days`` columns from the numbers of some of them, and the first unusable one."""
        if not known:
            return ReasonKind.NO_DATA, "no day has data"
        if lacking := days - known:
            verb = "is" if lacking == 1 else "are"
            return ReasonKind.MISSING_DAYS, f"{formats.number(lacking)} of {plural(days, 'day')} {verb} missing"
        count, day = excluded or doubtful, formats.short_day(self.day(first))
        subject = f"{day} and {plural(count - 1, 'more day')}" if count > 1 else day
        if excluded:
            verb = "was" if count == 1 else "were"
            return ReasonKind.EXCLUDED_DAY, f"{subject} {verb} lost or only partly counted at the source"
        verb = "is" if count == 1 else "are"
        return ReasonKind.UNDER_REVIEW, f"{subject} {verb} far outside the usual range and not confirmed yet"

    def step_between(self, row: int, first: int, last: int) -> str:
        """Return the step between the columns ``first`` and ``last`` as a clause; empty if there is none."""
        found = np.flatnonzero(self.step[row, max(first + 1, 0) : max(last + 1, 0)])
        if not len(found):
            return ""
        day = self.day(max(first + 1, 0) + int(found[-1]))
        declared = next((s.reason for s in _steps(self.metrics[row], self.specs) if s.day == day), None)
        return f"the counting method changed on {formats.short_day(day)}" + (f" ({declared})" if declared else "")


class DailyHistory:
    """The daily downloads of all metrics, from which the grids of several days are built.

    The assessment of a day depends only on four weeks around it, so all days except the newest ones of each grid are
    assessed once.
    """

    def __init__(
        self, metrics: Iterable[Metric], specs: Mapping[str, SourceSpec], table: SeriesTable, as_of: date
    ) -> None:
        """Read the rows of ``metrics`` up to ``as_of``. Metrics without rows have no value."""
        # Only downloads of single days are compared and summed.
        downloads = (metric for metric in metrics if metric.measure.is_in_totals)
        self._metrics = tuple(sorted(downloads, key=lambda metric: metric.metric_id))
        self._specs = specs
        self._numbers = {metric.metric_id: number for number, metric in enumerate(self._metrics)}
        self._sources = tuple(group_rows(metric.source for metric in self._metrics).values())
        last = as_of.toordinal()
        table = self._rows(table, as_of)
        self._first = min(int(table.days.min()) if len(table) else last, last)
        shape = (len(self._metrics), last - self._first + 1)
        self._values, self._known = np.zeros(shape, np.int64), np.zeros(shape, np.bool_)
        #: Counted by another service.
        self._replaced = np.zeros(shape, np.bool_)
        self._write(table)
        self._declared_steps, self._damaged = np.zeros(shape, np.bool_), np.zeros(shape, np.bool_)
        for row, metric in enumerate(self._metrics):
            for declared in _steps(metric, specs):
                column = declared.day.toordinal() - self._first
                if 0 <= column < shape[1]:
                    self._declared_steps[row, column] = True
            spec = specs.get(metric.source)
            for loss in spec.damaged_days if spec else ():
                low, high = loss.first.toordinal() - self._first, loss.last.toordinal() - self._first
                self._damaged[row, max(low, 0) : max(high + 1, 0)] = True
        #: The number of columns that are equal in the history from which this one was built.
        self._unchanged = shape[1]

    def _rows(self, table: SeriesTable, as_of: date) -> SeriesTable:
        return table.where((table.days <= as_of.toordinal()) & ~table.is_seed & table.owned_by(self._numbers))

    def _write(self, table: SeriesTable) -> None:
        owners = np.array([self._numbers[metric_id] for metric_id in table.metric_ids], np.intp)[table.owners]
        columns = table.days - self._first
        self._values[owners, columns] = table.values
        self._known[owners, columns] = True
        if "source_ref" in table.data.column_names and len(table):
            codes, names = table.encoded("source_ref")
            self._replaced[owners, columns] = np.array([is_stand_in_ref(name) for name in names], np.bool_)[codes]

    def replaced(self, table: SeriesTable, first: date, last: date) -> DailyHistory:
        """Return a history up to ``last``, no later than this one, with the rows of ``table`` from ``first``."""
        column, days = first.toordinal() - self._first, last.toordinal() - self._first + 1
        table = self._rows(table.where(table.days >= first.toordinal()), last)
        if column <= 0:
            return DailyHistory(self._metrics, self._specs, table, last)
        # Assessed before the copy, so that all copies share it.
        _ = self._judged
        history = copy(self)
        history._overwrite(table, column, days)  # noqa: SLF001  # of its own class
        return history

    def _overwrite(self, table: SeriesTable, column: int, days: int) -> None:
        """Keep ``days`` columns, and write the rows of ``table`` into those from ``column``."""
        self._values, self._known, self._replaced, self._declared_steps, self._damaged = (
            first_columns(numbers, days)
            for numbers in (self._values, self._known, self._replaced, self._declared_steps, self._damaged)
        )
        for numbers in (self._values, self._known, self._replaced):
            numbers[:, column:] = 0
        self._write(table)
        self._unchanged = column

    @property
    def metrics(self) -> tuple[Metric, ...]:
        """The rows of all grids."""
        return self._metrics

    def grid(self, as_of: date) -> DailyGrid:
        """Return the grid of a day, which is not later than that of the history."""
        days = as_of.toordinal() - self._first + 1
        values, known, replaced, damaged, declared = (
            first_columns(numbers, days)
            for numbers in (self._values, self._known, self._replaced, self._damaged, self._declared_steps)
        )
        step, single = _replaced_days(replaced, known)
        step |= declared
        dipped, doubtful = self._judge(values, known, days)
        _drop_beside_steps(step, dipped, doubtful)
        excluded = known & ((damaged & ~replaced) | single | dipped)
        known &= ~_unsettled(values, known)
        ends = newest_columns(known)
        values[~known] = 0
        clean = known & ~excluded & ~doubtful
        return DailyGrid(
            metrics=self._metrics,
            specs=self._specs,
            first=min(self._first, as_of.toordinal()),
            values=values,
            known=known,
            excluded=excluded & known,
            doubtful=doubtful & known & ~excluded,
            clean=clean,
            step=step,
            ends=ends,
            total=_prefix(values),
            observed=_prefix(known),
            usable=_prefix(clean),
            steps=_prefix(step),
        )

    def _judge(self, values: Values, known: Mask, days: int) -> tuple[Mask, Mask]:
        """Return what `_judge` returns for the first ``days`` columns."""
        if days == self._unchanged == self._values.shape[1]:
            dipped, doubtful = self._judged
            return dipped.copy(), doubtful.copy()
        settled = min(days, self._unchanged) - JUDGED_DAYS
        if settled <= 0:
            return _judge(self._sources, values, known)
        dipped, doubtful = first_columns(self._judged[0], days), np.zeros_like(known)
        # The newest days have fewer neighbours after them in this grid; the oldest assessed ones have all neighbours
        # before them.
        start = max(settled - _REACH, 0)
        dipped[:, settled:], doubtful[:, settled:] = (
            judged[:, settled - start :]
            for judged in _judge(self._sources, values[:, start:], known[:, start:], since=settled - start)
        )
        return dipped, doubtful

    @cached_property
    def _judged(self) -> tuple[Mask, Mask]:
        """The assessment of all days."""
        return _judge(self._sources, self._values, self._known)


def build_daily_grid(
    metrics: Iterable[Metric], specs: Mapping[str, SourceSpec], table: SeriesTable, as_of: date
) -> DailyGrid:
    """Return the daily downloads of ``metrics`` up to ``as_of``. Metrics without rows have no value."""
    return DailyHistory(metrics, specs, table, as_of).grid(as_of)


def _steps(metric: Metric, specs: Mapping[str, SourceSpec]) -> tuple[CountingStep, ...]:
    spec = specs.get(metric.source)
    return spec.steps if spec else ()


def _replaced_days(replaced: Mask, known: Mask) -> tuple[Mask, Mask]:
    """Return the steps between two services that count a metric, and single days that another service counted."""
    step, single = np.zeros_like(replaced), np.zeros_like(replaced)
    for row in np.flatnonzero(replaced.any(axis=1)).tolist():
        columns = np.flatnonzero(known[row])
        flags = replaced[row, columns]
        starts = run_starts(flags)
        for start, end in zip(starts, [*starts[1:], len(columns)], strict=True):
            if flags[start] and end - start <= FEW_REPLACED:
                single[row, columns[start:end]] = True
        kept = columns[~single[row, columns]]
        changes = replaced[row, kept]
        step[row, kept[1:][changes[1:] != changes[:-1]]] = True
    return step, single


def _judge(sources: Sequence[Places], values: Values, known: Mask, since: int = 0) -> tuple[Mask, Mask]:
    """Return the days of registry dips and of values close to zero, and the values under review.

    A high value is under review for :data:`JUDGED_DAYS` days; after that, it is accepted. A value close to zero,
    where hundreds are usual, is never compared. ``sources`` are the rows of each source; columns before ``since`` are
    not assessed.
    """
    dipped, doubtful = np.zeros_like(known), np.zeros_like(known)
    if not sources:
        return dipped, doubtful
    days = known.shape[1]
    # Almost all days are far above, so only the others are examined closely.
    low, high = _surroundings(days)
    sums, counts = _prefix(values), _prefix(known)
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = (sums[:, high] - sums[:, low]) / (counts[:, high] - counts[:, low])
        suspect = known & (values < _SUSPECT * mean) & (mean >= LARGE / 2)
    is_near = np.arange(days) >= days - JUDGED_DAYS
    together = np.stack([np.where(known[rows].any(axis=0), values[rows].sum(axis=0), np.nan) for rows in sources])
    with np.errstate(invalid="ignore"):
        is_low = together < _SUSPECT_TOGETHER * compare_days(together, np.arange(days)).expected
    columns = np.flatnonzero((suspect.any(axis=0) | is_near | is_low.any(axis=0)) & (np.arange(days) >= since))
    compared = compare_days(np.where(known, values, np.nan), columns)
    in_dip = np.zeros_like(compared.is_dip)
    for rows in sources:
        in_dip[rows] = compared.dipped(rows) | _fell_together(compared, values[np.ix_(rows, columns)], rows)
    dipped[:, columns] = in_dip & known[:, columns] | compared.is_low
    doubtful[:, columns] = compared.is_high & is_near[columns]
    return dipped, doubtful


def _surroundings(days: int) -> tuple[Places, Places]:
    """Return by column the start and the end of the days around it."""
    return np.clip(np.arange(days) - _REACH, 0, days), np.clip(np.arange(days) + _REACH + 1, 0, days)


def _drop_beside_steps(step: Mask, *judged: Mask) -> None:
    """Discard assessments next to a step, because the neighbourhood was counted with another method."""
    rows = np.flatnonzero(step.any(axis=1))
    low, high = _surroundings(step.shape[1])
    steps = _prefix(step[rows])
    is_alike = steps[:, high] == steps[:, low]
    for mask in judged:
        mask[rows] &= is_alike


def _fell_together(compared: ComparedDays, values: Values, rows: Places) -> Mask:
    """Return by day whether half of the metrics in these rows of one source are far below their usual values."""
    is_telling = compared.is_telling[rows]
    ratios = np.where(is_telling, values / np.maximum(np.nan_to_num(compared.expected[rows], nan=1.0), 1.0), np.inf)
    count = is_telling.sum(axis=0)
    middle = np.take_along_axis(np.sort(ratios, axis=0), np.maximum(count - 1, 0)[None] // 2, axis=0)[0]
    fell: Mask = (count >= FEWEST_TOGETHER) & (middle < TOGETHER)
    return fell


def _unsettled(values: Values, known: Mask) -> Mask:
    """Return the newest days that are probably not final.

    The newest value, and then the one before it, is not final if it is below half of the median of the previous four
    same weekdays, and also below half of the level of the three days before it. The second condition accepts a
    lasting decrease.
    """
    found = np.zeros_like(known)
    days = known.shape[1]
    is_newest = np.ones(len(known), np.bool_)
    for column in range(days - 1, max(days - 1 - SETTLING_DAYS, 7 * 4 + SETTLING_DAYS), -1):
        usual = _same_weekdays(values, column)
        before = range(column - SETTLING_DAYS, column)
        is_whole = known[:, [day - 7 * n for day in (*before, column) for n in range(1, 5)]].all(axis=1)
        is_whole &= known[:, column - SETTLING_DAYS : column].all(axis=1)
        expected = np.sum([_same_weekdays(values, day) for day in before], axis=0)
        with np.errstate(invalid="ignore", divide="ignore"):
            level = np.minimum(values[:, column - SETTLING_DAYS : column].sum(axis=1) / expected, 1.0)
        is_low = is_whole & (usual >= LARGE) & (2 * values[:, column] < usual * level)
        found[:, column] = is_newest & known[:, column] & is_low
        is_newest &= found[:, column] | ~known[:, column]
    return found


def _same_weekdays(values: Values, column: int) -> NDArray[np.float64]:
    median: NDArray[np.float64] = np.median(values[:, [column - 7 * n for n in range(1, 5)]], axis=1)
    return median


def _prefix(numbers: NDArray[np.int64] | Mask) -> Values:
    found = np.zeros((numbers.shape[0], numbers.shape[1] + 1), np.int64)
    # Most grids have no step.
    if numbers.any():
        np.cumsum(numbers, axis=1, out=found[:, 1:])
    return found


def _marked(mask: Mask, rows: Places, first: Places, last: Places) -> tuple[Places, Places]:
    """Return for each range of columns the number of columns that are marked in its row, and the first of them."""
    days = mask.shape[1]
    marked = np.flatnonzero(mask)
    low, high = (np.searchsorted(marked, rows * days + np.clip(column, 0, days)) for column in (first, last + 1))
    return high - low, np.where(high > low, np.append(marked, 0)[low] - rows * days, 0)
