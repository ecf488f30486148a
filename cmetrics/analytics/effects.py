"""Compare downloads in the four weeks before and after an event with their usual variation.

The statistic of a day t is the change in percent from the mean of the days t−28 … t−1 to that of t+2 … t+29. Both
contain every weekday four times. The first two days are left out, because caches and scanners download a new release.
The usual variation is the range of the same statistic on all days of the same weekday in the two years before that
are at least 30 days from any event of the product. Products with frequent releases have too few such days; then all
days of the two years are used, and the effect says so.

A rise that began before the event is a ``trend``: the rise of the 28 days before is at least 60 percent of the
effect, or that of the last week before the event over the three weeks before it at least 90 percent (in logarithms).
Windows with days from 20 December to 6 January are not judged. An effect is a correlation, not a cause.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta

import numpy as np
from numpy.typing import NDArray

from cmetrics.analytics.columns import Places
from cmetrics.analytics.daily import DailyGrid
from cmetrics.analytics.insight_results import Effect, ReasonKind, Verdict
from cmetrics.analytics.phrases import name_of, names_of, percent, rounded
from cmetrics.analytics.signals import holiday_days
from cmetrics.domain import formats
from cmetrics.domain.days import Span
from cmetrics.domain.metric import Event, Metric
from cmetrics.domain.plural import plural

Numbers = NDArray[np.float64]

#: The number of days of each window, and of the days after the event that are left out.
DAYS, SKIPPED = 28, 2
#: The number of days after an event at which its window ends.
REACH = SKIPPED + DAYS - 1
#: The number of days before the event with placebo days, and their minimum distance from any event.
YEARS, DISTANCE = 730, 30
FEWEST_PLACEBOS = 30
#: The percentiles of the placebo days that limit the usual variation.
USUAL = (5, 95)
#: The factor by which the limits are widened: two years have only about a dozen windows that do not overlap, so their
#: percentiles are too close to the median.
EXTENDED = 1.05
#: The maximum number of days of a window that are filled, because registries sometimes lose a day.
FILLED = 2
#: The shares of the effect from which a rise counts as a trend: in the 28 days before the event, and in the last week.
UNDER_WAY, LAST_WEEK = 0.6, 0.9
#: The number of days between 20 December and 6 January that a window may contain.
FEW_HOLIDAYS = 3


@dataclass(frozen=True, slots=True, eq=False)
class _Sums:
    """Prefix sums of daily values, with single missing days filled."""

    total: Numbers
    #: Days with a value, and days with a value or a filled one.
    usable: NDArray[np.int64]
    filled: NDArray[np.int64]
    steps: NDArray[np.int64]

    def mean(self, first: Places | int, last: Places | int) -> Numbers:
        """Return by row and window the mean of the columns ``first`` to ``last``; NaN if there are too few days."""
        days = np.asarray(last) - np.asarray(first) + 1
        size = self.total.shape[1] - 1
        inside = (np.asarray(first) >= 0) & (np.asarray(last) < size)
        low, high = np.clip(first, 0, size), np.clip(np.asarray(last) + 1, 0, size)
        usable = self.usable[:, high] - self.usable[:, low]
        filled = self.filled[:, high] - self.filled[:, low]
        # A window shorter than four weeks may have at most one missing day.
        allowed = np.where(days >= DAYS, FILLED, FILLED // 2)
        is_sound = inside & (filled == days) & (usable >= days - allowed)
        with np.errstate(invalid="ignore", divide="ignore"):
            mean: Numbers = np.where(is_sound, (self.total[:, high] - self.total[:, low]) / days, np.nan)
        return mean


def sort_events(events: Iterable[Event]) -> list[Event]:
    """Return events in the order of their days."""
    return sorted(events, key=lambda event: (event.day, event.label, event.products))


def build_effects(
    grid: DailyGrid, events: Sequence[Event], first: date = date.min, last: date = date.max
) -> Iterator[Effect]:
    """Yield the effect of each event from ``first`` to ``last`` on the download metrics of its products, newest first.

    ``events`` are in the order of their days. Metrics without a value before an event are left out.
    """
    by_product = grid.rows_by_product()
    last = min(last, grid.day(grid.days - 1))
    chosen = [
        event for event in events if first <= event.day <= last and not by_product.keys().isdisjoint(event.products)
    ]
    if not chosen:
        return
    sums = _fill(grid)
    columns = np.arange(grid.days)
    with np.errstate(invalid="ignore", divide="ignore"):
        before = np.log(sums.mean(columns - DAYS, columns - 1))
        after = np.log(sums.mean(columns + SKIPPED, columns + REACH))
    statistic = np.where(np.isfinite(before) & np.isfinite(after), after - before, np.nan)
    low, high = np.clip(columns - DAYS + 1, 0, grid.days), np.clip(columns + REACH + 1, 0, grid.days)
    statistic[(sums.steps[:, high] - sums.steps[:, low]) > 0] = np.nan
    holidays = np.array([_holidays(grid.day(column)) > FEW_HOLIDAYS for column in columns.tolist()], np.bool_)
    statistic[:, holidays] = np.nan
    firsts = np.where(grid.known.any(axis=1), np.argmax(grid.known, axis=1), grid.days)
    for event in reversed(chosen):
        for product in sorted(by_product.keys() & event.products):
            rows = by_product[product]
            judge = _Judge(grid, sums, statistic, events, event, product, rows)
            for row in rows[firsts[rows] < grid.column(event.day)].tolist():
                yield judge.effect(row)


def _holidays(day: date) -> int:
    """Return the larger number of holidays in the two windows of a day."""
    first = holiday_days(day - timedelta(days=DAYS), day - timedelta(days=1))
    return max(first, holiday_days(day + timedelta(days=SKIPPED), day + timedelta(days=REACH)))


def _fill(grid: DailyGrid) -> _Sums:
    """Return sums in which excluded days have the mean of the same weekday a week before and after."""
    clean = grid.clean
    values = np.where(clean, grid.values, 0).astype(np.float64)
    near, count = np.zeros_like(values), np.zeros(values.shape, np.int64)
    near[:, 7:] += values[:, :-7]
    count[:, 7:] += clean[:, :-7]
    near[:, :-7] += values[:, 7:]
    count[:, :-7] += clean[:, 7:]
    is_filled = ~clean & (count > 0)
    values[is_filled] = near[is_filled] / count[is_filled]
    return _Sums(
        np.concatenate([np.zeros((len(values), 1)), np.cumsum(values, axis=1)], axis=1),
        grid.usable,
        np.concatenate([np.zeros((len(values), 1), np.int64), np.cumsum(clean | is_filled, axis=1)], axis=1),
        grid.steps,
    )


class _Judge:
    """Assesses one event for the metrics of one product."""

    def __init__(
        self,
        grid: DailyGrid,
        sums: _Sums,
        statistic: Numbers,
        events: Sequence[Event],
        event: Event,
        product: str,
        rows: Places,
    ) -> None:
        self._grid = grid
        self._event = event
        self._rows = rows
        self._column = column = grid.column(event.day)
        of_product = [other for other in events if product in other.products]
        window = Span(event.day - timedelta(days=DAYS), event.day + timedelta(days=REACH))
        self._overlaps = tuple(other for other in of_product if other is not event and other.day in window)
        days = np.arange(column - 7 * (YEARS // 7), column - DISTANCE + 1, 7)
        days = days[days >= 0]
        marks = np.array([grid.column(other.day) for other in of_product])
        is_far = (np.abs(days[:, None] - marks) >= DISTANCE).all(axis=1)
        self._far, self._all = statistic[:, days[is_far]], statistic[:, days]
        at = np.array([column])
        mean = sums.mean
        self._before, self._after = mean(at - DAYS, at - 1)[:, 0], mean(at + SKIPPED, at + REACH)[:, 0]
        self._earlier = mean(at - 2 * DAYS, at - DAYS - 1)[:, 0]
        self._last_week, self._weeks_before = mean(at - 7, at - 1)[:, 0], mean(at - DAYS, at - 8)[:, 0]

    def effect(self, row: int) -> Effect:
        """Return the effect on the metric in a row of the grid."""
        grid, column = self._grid, self._column
        metric = grid.metrics[row]
        placebos, includes_events = self._placebos(row)
        kind, reason = self._problem(row)
        is_open = kind is None and column + REACH > grid.ends[row]
        change = None if kind is not None or is_open else self._change(self._before[row], self._after[row])
        usual = _usual(placebos) if len(placebos) >= FEWEST_PLACEBOS else None
        if change is None:
            verdict = Verdict.TOO_EARLY if is_open else Verdict.NOT_COMPARABLE
            if kind is ReasonKind.HOLIDAYS:
                verdict = Verdict.NOT_JUDGED
        elif usual is None:
            verdict, kind = Verdict.NOT_COMPARABLE, ReasonKind.SHORT_HISTORY
            reason = f"only {plural(len(placebos), 'comparable day')}; {FEWEST_PLACEBOS} are needed"
        else:
            verdict = self._verdict(row, change, usual)
        prior = self._change(self._earlier[row], self._before[row])
        last = min(column + REACH, int(grid.ends[row]))
        low, high = (None, None) if usual is None or change is None else map(_percent, usual)
        effect = Effect(
            id=self._id(metric),
            event=self._event,
            metric_id=metric.metric_id,
            verdict=verdict,
            before=_rounded(self._before[row]),
            after=None if is_open else _rounded(self._after[row]),
            change_percent=None if change is None else _percent(change),
            usual_low=low,
            usual_high=high,
            usual_days=len(placebos),
            usual_includes_events=includes_events,
            prior_percent=None if prior is None else _percent(prior),
            others_percent=self._others(row) if change is not None else None,
            days_observed=int(grid.sums(grid.usable, column + SKIPPED, last, np.array([row]))[0]),
            days_expected=DAYS,
            overlaps=self._overlaps,
            reason=reason,
            reason_kind=kind,
            text="",
        )
        return replace(effect, text=self._text(effect, row))

    def _placebos(self, row: int) -> tuple[Numbers, bool]:
        far = self._far[row]
        far = far[~np.isnan(far)]
        if len(far) >= FEWEST_PLACEBOS:
            return far, False
        every = self._all[row]
        every = every[~np.isnan(every)]
        return (every, True) if len(every) > len(far) else (far, False)

    def _problem(self, row: int) -> tuple[ReasonKind | None, str | None]:
        """Return why the windows cannot be assessed, as kind and reason; None for both if they can."""
        grid, column = self._grid, self._column
        day = self._event.day
        if holiday_days(day, day) or _holidays(day) > FEW_HOLIDAYS:
            return ReasonKind.HOLIDAYS, "these weeks include 20 Dec to 6 Jan, when downloads fall everywhere"
        if step := grid.step_between(row, column - DAYS, column + REACH):
            return ReasonKind.STEP, step
        if np.isnan(self._before[row]):
            return grid.problem(row, column - DAYS, column - 1) or (ReasonKind.MISSING_DAYS, "days are missing")
        if self._before[row] <= 0:
            return ReasonKind.NO_DATA, "there were no downloads before the event"
        if column + REACH <= grid.ends[row] and np.isnan(self._after[row]):
            problem = grid.problem(row, column + SKIPPED, column + REACH)
            return problem or (ReasonKind.MISSING_DAYS, "days are missing")
        return None, None

    def _change(self, before: float, after: float) -> float | None:
        """Return the logarithm of the change; None unless both values are known."""
        if np.isnan(before) or np.isnan(after) or before <= 0 or after <= 0:
            return None
        return float(np.log(after / before))

    def _verdict(self, row: int, change: float, usual: Numbers) -> Verdict:
        low, high = usual[0], usual[1]
        if low <= change <= high:
            return Verdict.WITHIN
        prior = self._change(self._earlier[row], self._before[row])
        late = self._change(self._weeks_before[row], self._last_week[row])
        way = 1 if change > high else -1
        if way * change > 0 and (
            (prior is not None and way * prior >= UNDER_WAY * way * change)
            or (late is not None and way * late >= LAST_WEEK * way * change)
        ):
            return Verdict.TREND
        return Verdict.ABOVE if way > 0 else Verdict.BELOW

    def _others(self, row: int) -> float | None:
        others = self._rows[self._rows != row]
        sound = others[~np.isnan(self._before[others]) & ~np.isnan(self._after[others])]
        change = self._change(self._before[sound].sum(), self._after[sound].sum()) if len(sound) else None
        return None if change is None else _percent(change)

    def _id(self, metric: Metric) -> str:
        letters = self._event.identifier.lower()
        mark = "".join(letter if letter.isascii() and letter.isalnum() else "-" for letter in letters).strip("-")
        return f"effect-{mark}-{metric.slug}"

    def _text(self, effect: Effect, row: int) -> str:
        start = f"{name_of(self._grid.metrics[row])} after {names_of([effect.event])}"
        if effect.verdict is Verdict.TOO_EARLY:
            return f"{start}: too early; {effect.days_observed} of {DAYS} days have data."
        if effect.change_percent is None or effect.usual_low is None or effect.usual_high is None:
            return f"{start}: {effect.verdict.value}; {effect.reason}."
        usual = f"{percent(effect.usual_low)} to {percent(effect.usual_high)}"
        if effect.usual_includes_events:
            usual += ", days near other events included"
        verdicts = {
            Verdict.ABOVE: f"above usual variation ({usual})",
            Verdict.BELOW: f"below usual variation ({usual})",
            Verdict.TREND: f"outside usual variation ({usual}), but already under way before the event",
            Verdict.WITHIN: f"within usual variation ({usual})",
        }
        means = f"from {formats.number(self._before[row])} to {formats.number(self._after[row])} a day"
        prior, others = effect.prior_percent, effect.others_percent
        sentences = [
            f"{start}: {percent(effect.change_percent)} in 4 weeks, {means}; {verdicts[effect.verdict]}.",
            "" if prior is None else f"In the 4 weeks before: {percent(prior)}.",
            "" if others is None else f"Other packages of the product: {percent(others)}.",
            f"Other events in these weeks: {names_of(effect.overlaps)}." if effect.overlaps else "",
            "Correlation only.",
        ]
        return " ".join(filter(None, sentences))


def _usual(placebos: Numbers) -> Numbers:
    """Return the limits of the usual variation: the 5th and 95th percentile, slightly widened."""
    middle = float(np.median(placebos))
    found: Numbers = middle + EXTENDED * (np.percentile(placebos, USUAL) - middle)
    return found


def _percent(change: float) -> float:
    """Return the logarithm of a change in percent."""
    return rounded(100 * float(np.expm1(change)))


def _rounded(value: float) -> float | None:
    return None if np.isnan(value) else rounded(value)
