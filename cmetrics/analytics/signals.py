"""Find deviations from the usual variation of a metric, by the same rules for rises and falls.

========================== ======================================================================================
``spike``, ``drop``        The last 7 days against the 12 weeks before. With m and s the median and 1.4826 × the
                           median absolute deviation of the logarithms of those weeks (s at least 0.05):
                           |log w − m| ≥ 4 s, 25 percent or more, and the larger of both at least 500. Eight
                           weeks are needed. A metric falls only if it falls by 25 percent more than its source.
``growth``, ``decline``    The last 6 full months: Theil–Sen slope of the logarithms of the downloads a day of 3
                           percent a month or more, and Mann–Kendall |S| ≥ 13.
``share_shift``            The share of the product in the last full month against the median of the 3 months
                           before: 5 points or more. The product has 10,000 downloads a month.
``record``                 The last full month or the last 7 days are the best of at least a year, by 2 and by 10
                           percent.
``star_burst``,            The net gain of a day is 10 stars and 5 robust deviations from the median of the 56 days
``unstar_wave``            before. The deviation is at least the square root of the median; 42 days are needed.
========================== ======================================================================================

Days that are missing, lost, under review or not settled are not evaluated, nor are periods with a step. A tenth of
the days of a month may be missing, see :mod:`cmetrics.analytics.monthly`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta

import numpy as np
from numpy.typing import NDArray

from cmetrics.analytics.anomalies import median_of_known
from cmetrics.analytics.columns import Mask, Places, run_starts
from cmetrics.analytics.daily import LATE_DAYS, DailyGrid
from cmetrics.analytics.insight_results import Omission, ReasonKind, Signal, SignalKind
from cmetrics.analytics.monthly import MonthTable
from cmetrics.analytics.phrases import (
    change_percent,
    join,
    moved,
    name_of,
    names_of,
    percent,
    plain_percent,
    rounded,
)
from cmetrics.analytics.rollups import LEFT_OUT_SHARE, sum_groups
from cmetrics.analytics.star_grid import StarGrid
from cmetrics.domain import formats
from cmetrics.domain.days import Month, Span
from cmetrics.domain.metric import Event, Metric
from cmetrics.domain.plural import plural

Numbers = NDArray[np.float64]

#: The factor that makes a median absolute deviation comparable to a standard deviation.
MAD = 1.4826
WEEK, WEEKS, FEWEST_WEEKS = 7, 12, 8
DEVIATIONS, LEAST_DEVIATION = 4.0, 0.05
#: The minimum change: 25 percent of the usual value.
LEAST_CHANGE = 0.25
FLOOR = 500
#: The minimum number of metrics that must fall together before the fall is attributed to their source.
FEWEST_OF_A_SOURCE = 3
TREND_MONTHS, LEAST_SLOPE, LEAST_KENDALL = 6, 0.03, 13
#: The minimum number of packages, because a single one always has a share of 100%.
FEWEST_IN_A_PRODUCT = 2
SHARE_MONTHS, LEAST_SHIFT, SHARE_FLOOR = 3, 5.0, 10_000
RECORD_MONTHS, RECORD_DAYS = 12, 365
MONTH_MARGIN, WEEK_MARGIN = 1.02, 1.10
STAR_DAYS, FEWEST_STAR_DAYS, STAR_DEVIATIONS, STAR_FLOOR = 56, 42, 5.0, 10
#: The number of days for which a day with many stars is reported.
STAR_NEWS_DAYS = 7
#: The number of nights that are searched for the start of a signal, and the longest pause within a signal.
LOOK_BACK, REST = 91, 7
#: Events from this time before a signal on coincide with it.
COINCIDENCE = timedelta(days=7)
#: Holidays on which downloads fall everywhere, as (month, day).
HOLIDAYS = ((12, 20), (1, 6))
#: The maximum number of metrics that a sentence names.
NAMED = 3


@dataclass(frozen=True, slots=True, eq=False)
class Weeks:
    """The last 7 days of some windows, compared with the 12 weeks before; one value per window."""

    #: Whether the 7 days and enough weeks before them can be compared.
    is_judged: Mask
    value: Numbers
    expected: Numbers
    #: The logarithm of value / expected.
    ratio: Numbers
    #: The distance in robust deviations.
    score: Numbers
    #: +1 for a spike, −1 for a drop, 0 for neither.
    hit: NDArray[np.int64]


def holiday_days(first: date, last: date) -> int:
    """Return how many days from ``first`` to ``last`` lie between 20 December and 6 January."""
    (start_month, start_day), (end_month, end_day) = HOLIDAYS
    days = 0
    for year in range(first.year - 1, last.year + 1):
        start, end = date(year, start_month, start_day), date(year + 1, end_month, end_day)
        days += max((min(last, end) - max(first, start)).days + 1, 0)
    return days


def judge_weeks(grid: DailyGrid, rows: Places, ends: Places) -> Weeks:
    """Return the weeks ending in the columns ``ends`` of the grid's rows ``rows``."""
    lasts = ends[:, None] - 7 * np.arange(WEEKS + 1)
    owners = rows[:, None]
    sums = grid.sums(grid.total, lasts - 6, lasts, owners)
    is_usable = grid.sums(grid.usable, lasts - 6, lasts, owners) == WEEK
    # Uses only the weeks after the newest step.
    is_usable &= grid.sums(grid.steps, np.maximum(lasts - 5, 0), ends[:, None], owners) == 0
    return compare_weeks(sums, is_usable & (lasts >= WEEK - 1))


def compare_weeks(sums: NDArray[np.int64], is_usable: Mask) -> Weeks:
    """Return the judgement of weekly sums: the judged week in the first column, the weeks before it in the others."""
    logs = np.where(is_usable, np.log(np.maximum(sums, 1)), np.nan)
    middle = median_of_known(logs[:, 1:].copy())
    spread = MAD * median_of_known(np.abs(logs[:, 1:] - middle[:, None]))
    is_judged = is_usable[:, 0] & (is_usable[:, 1:].sum(axis=1) >= FEWEST_WEEKS)
    with np.errstate(invalid="ignore"):
        ratio = logs[:, 0] - middle
        score = np.abs(ratio) / np.maximum(spread, LEAST_DEVIATION)
        expected = np.exp(middle)
        value = sums[:, 0].astype(np.float64)
        is_hit = (
            is_judged
            & (score >= DEVIATIONS)
            & (np.abs(value - expected) >= LEAST_CHANGE * expected)
            & (np.maximum(value, expected) >= FLOOR)
        )
        hit = np.where(is_hit, np.sign(value - expected), 0).astype(np.int64)
    return Weeks(is_judged, value, expected, ratio, score, hit)


@dataclass(frozen=True, slots=True, eq=False)
class SignalFinder:
    """Finds the signals of one day."""

    grid: DailyGrid
    months: MonthTable
    stars: StarGrid
    #: By day.
    events: Sequence[Event]
    #: The titles of the products by id.
    titles: Mapping[str, str]
    _omissions: list[Omission] = field(default_factory=list, init=False)

    def find(self) -> tuple[tuple[Signal, ...], tuple[Omission, ...]]:
        """Return all signals, strongest of a kind first, and the omissions."""
        self._late()
        signals = [
            *self._weeks(),
            *self._trends(),
            *self._shares(),
            *self._month_records(),
            *self._week_records(),
            *self._star_days(),
        ]
        order = list(SignalKind)
        signals.sort(key=lambda signal: (order.index(signal.kind), -signal.score, signal.metric_id, signal.id))
        return tuple(signals), tuple(self._omissions)

    # -- 7 days against 12 weeks -----------------------------------------------------------------

    def _late(self) -> None:
        late = np.flatnonzero(~self._is_fresh & (self.grid.ends >= 0))
        if len(late):
            ids = self._ids(late)
            text = f"{self._named(late)}: no value in the last {LATE_DAYS} days, so recent days are not judged."
            self._omissions.append(Omission(ReasonKind.MISSING_DAYS, ids, text))

    def _weeks(self) -> Iterator[Signal]:
        grid = self.grid
        rows = np.flatnonzero(self._is_fresh & (grid.ends >= 7 * FEWEST_WEEKS))
        ends = grid.ends[rows]
        weeks = judge_weeks(grid, rows, ends)
        self._unjudged(rows, ends)
        usual = self._source_changes(rows, weeks)
        for place in np.flatnonzero(weeks.hit).tolist():
            row, end, way = int(rows[place]), int(ends[place]), int(weeks.hit[place])
            first, last = grid.day(end - 6), grid.day(end)
            apart = float(weeks.ratio[place]) - usual.get(grid.metrics[row].source, 0.0)
            if way < 0 and (apart > np.log(1 - LEAST_CHANGE) or holiday_days(first, last)):
                continue
            metric = grid.metrics[row]
            value, expected = int(weeks.value[place]), float(weeks.expected[place])
            start = grid.day(self._begin(row, end, way) - 6)
            kind = SignalKind.SPIKE if way > 0 else SignalKind.DROP
            text = (
                f"{name_of(metric)}: {formats.number(value)} downloads from {formats.period(first, last)}, "
                f"{moved(value, expected)} against {formats.number(expected)} in a usual week "
                f"(median of the {WEEKS} weeks before)."
            )
            yield self._signal(kind, metric, start, last, value, expected, float(weeks.score[place]), text)

    def _unjudged(self, rows: Places, ends: Places) -> None:
        """Add an omission for metrics whose last 7 days cannot be evaluated, by source and reason."""
        grid = self.grid
        groups: dict[tuple[str, ReasonKind], list[tuple[int, str]]] = {}
        for row, problem in zip(rows.tolist(), grid.problems(rows, ends - 6, ends), strict=True):
            if problem is not None:
                groups.setdefault((grid.metrics[row].source, problem[0]), []).append((row, problem[1]))
        for (_, kind), found in sorted(groups.items()):
            members = np.array([row for row, _ in found])
            text = f"{self._named(members)}: the last 7 days are not judged; {found[0][1]}."
            self._omissions.append(Omission(kind, self._ids(members), text))

    def _source_changes(self, rows: Places, weeks: Weeks) -> dict[str, float]:
        """Return the median change of sources that fell as a whole, as a logarithm.

        A metric has fallen only if it fell that much more than its source.
        """
        grid = self.grid
        changes: dict[str, float] = {}
        is_telling = weeks.is_judged & (weeks.expected >= FLOOR)
        sources = np.array([grid.metrics[row].source for row in rows.tolist()])
        for source in sorted(set(sources.tolist())):
            of_source = np.flatnonzero(is_telling & (sources == source))
            if len(of_source) < FEWEST_OF_A_SOURCE:
                continue
            change = float(np.median(weeks.ratio[of_source]))
            if change >= 0:
                continue
            changes[source] = change
            with_it = of_source[
                (weeks.hit[of_source] < 0) & (weeks.ratio[of_source] > change + np.log(1 - LEAST_CHANGE))
            ]
            if len(with_it):
                title = grid.specs[source].title if source in grid.specs else source
                text = (
                    f"{self._named(rows[with_it])} fell in the last 7 days, in line with {title} as a whole "
                    f"({percent(100 * float(np.expm1(change)))}, median of {plural(len(of_source), 'metric')}), "
                    "so no drop is reported."
                )
                self._omissions.append(Omission(ReasonKind.SOURCE_MOVED, self._ids(rows[with_it]), text))
        return changes

    def _begin(self, row: int, end: int, way: int) -> int:
        """Return the column of the first night of a signal that is active on ``end``."""
        nights = np.arange(end, max(end - LOOK_BACK, -1), -1)
        weeks = judge_weeks(self.grid, np.full(len(nights), row), nights)
        return end - _first_of_chain(weeks.hit == way, weeks.is_judged)

    @property
    def _is_fresh(self) -> Mask:
        """Return which metrics have a recent value."""
        return self.grid.ends >= self.grid.days - 1 - LATE_DAYS

    # -- months ----------------------------------------------------------------------------------

    def _recent_months(self, count: int) -> bool:
        """Return whether there are this many full months up to the last one of the calendar."""
        months = self.months.months
        if len(months) < count:
            return False
        today = self.grid.day(self.grid.days - 1 - LATE_DAYS)
        return months[-1] >= Month.of(today).plus(-1)

    def _is_steady(self, months: int) -> Mask:
        """Return which metrics have complete enough last months, counted with one method."""
        table = self.months
        steps = table.steps[:, -1] - table.steps[:, -months]
        # Includes a step within the first month, except on its first day.
        first = self.grid.column(table.months[-months].first)
        last = self.grid.column(table.months[-months].last)
        rows = np.arange(len(self.grid.metrics))
        steps = steps + self.grid.sums(self.grid.steps, max(first + 1, 0), last, rows)
        found: Mask = table.is_sound[:, -months:].all(axis=1) & (steps == 0) & self._is_fresh
        return found

    def _trends(self) -> Iterator[Signal]:
        if not self._recent_months(TREND_MONTHS):
            return
        table = self.months
        rates, totals = table.rate[:, -TREND_MONTHS:], table.estimate[:, -TREND_MONTHS:]
        slopes, ways = _trends(rates)
        is_found = self._is_steady(TREND_MONTHS) & (ways != 0)
        is_found &= (totals.max(axis=1) >= FLOOR) & (rates.min(axis=1) > 0)
        for row in np.flatnonzero(is_found).tolist():
            metric, slope = self.grid.metrics[row], float(slopes[row])
            first, last = table.months[-TREND_MONTHS], table.months[-1]
            kind = SignalKind.GROWTH if slope > 0 else SignalKind.DECLINE
            verb = "growing" if slope > 0 else "declining"
            value, before = float(totals[row, -1]), float(totals[row, 0])
            text = (
                f"{name_of(metric)}: {verb} by {plain_percent(100 * abs(slope))} a month over {TREND_MONTHS} months, "
                f"from {formats.number(before)} downloads in {_month(first)} "
                f"to {formats.number(value)} in {_month(last)}{self._lacking(row, TREND_MONTHS)}."
            )
            score, change = abs(100 * slope), rounded(100 * slope)
            since = self._since(row)
            yield self._signal(
                kind, metric, first.first, last.last, round(value), before, score, text, since=since, change=change
            )

    def _since(self, row: int) -> date:
        """Return the first day of the consecutive months for which the trend rule held in the same direction."""
        windows = np.lib.stride_tricks.sliding_window_view
        _, ways = _trends(windows(np.maximum(self.months.rate[row], 1e-9), TREND_MONTHS))
        ways = np.where(windows(self.months.is_sound[row], TREND_MONTHS).all(axis=1), ways, 0)
        first = len(ways) - 1
        while first > 0 and ways[first - 1] == ways[-1] != 0:
            first -= 1
        return self.months.months[first].first

    def _lacking(self, row: int, months: int) -> str:
        table = self.months
        missing = int(table.days[-months:].sum() - table.usable[row, -months:].sum())
        return f" (adjusted for {plural(missing, 'missing day')})" if missing else ""

    def _shares(self) -> Iterator[Signal]:
        count = SHARE_MONTHS + 1
        if not self._recent_months(count):
            return
        table, grid = self.months, self.grid
        is_steady = self._is_steady(count)
        estimates = table.estimate[:, -count:]
        # A metric that cannot be compared counts with its sum.
        weight = table.value[:, -count:].max(axis=1)
        products = grid.rows_by_product()
        owners = np.zeros(len(grid.metrics), np.intp)
        for number, rows in enumerate(products.values()):
            owners[rows] = number
        totals = np.zeros((len(products), count))
        np.add.at(totals, owners[is_steady], estimates[is_steady])
        groups = list(products.values())
        alike, whole = sum_groups(is_steady, groups), sum_groups(weight, groups)
        lost = sum_groups(np.where(is_steady, 0, weight), groups)
        is_large = (alike >= FEWEST_IN_A_PRODUCT) & (totals[:, -1] >= SHARE_FLOOR) & (totals > 0).all(axis=1)
        is_large &= lost <= LEFT_OUT_SHARE * whole
        with np.errstate(invalid="ignore", divide="ignore"):
            shares = 100 * estimates / totals[owners]
            usual = np.median(shares[:, :-1], axis=1)
            is_found = is_steady & is_large[owners] & (np.abs(shares[:, -1] - usual) >= LEAST_SHIFT)
        last = table.months[-1]
        for row in np.flatnonzero(is_found).tolist():
            metric, value, expected = grid.metrics[row], float(shares[row, -1]), float(usual[row])
            title = self.titles.get(metric.product, metric.product)
            text = (
                f"{name_of(metric)}: {plain_percent(value)} of {title} downloads in {_month(last)}, against a "
                f"median of {plain_percent(expected)} in the {SHARE_MONTHS} months before"
                f"{self._lacking(row, count)}."
            )
            shift, kind = rounded(value - expected), SignalKind.SHARE_SHIFT
            yield self._signal(kind, metric, last.first, last.last, value, expected, abs(shift), text, change=shift)

    def _month_records(self) -> Iterator[Signal]:
        if not self._recent_months(RECORD_MONTHS + 1):
            return
        table, grid = self.months, self.grid
        is_after = table.steps == table.steps[:, -1:]
        with np.errstate(invalid="ignore"):
            # Earlier months with missing days are estimated, because they may have been higher.
            known = ~np.isnan(table.rate) & (2 * table.usable >= table.days) & is_after
            earlier = np.where(known, np.maximum(table.estimate, table.value), -1.0)[:, :-1]
        values = table.value[:, -1]
        is_whole = (table.usable[:, -1] == table.days[-1]) & self._is_fresh
        best = earlier.max(axis=1)
        is_found = is_whole & (known[:, :-1].sum(axis=1) >= RECORD_MONTHS) & (values >= FLOOR)
        is_found &= values >= MONTH_MARGIN * best
        for row in np.flatnonzero(is_found).tolist():
            metric, last = grid.metrics[row], table.months[-1]
            place = int(np.argmax(earlier[row]))
            was, missing = table.months[place], int(table.days[place] - table.usable[row, place])
            value, before = int(values[row]), float(best[row])
            allowed = f" (adjusted for {plural(missing, 'missing day')})" if missing else ""
            text = (
                f"{name_of(metric)}: {formats.number(value)} downloads in {_month(last)}, the best month on record; "
                f"the previous best was {'about ' if missing else ''}{formats.number(before)} in "
                f"{_month(was)}{allowed}."
            )
            score = 100 * (value / before - 1) if before > 0 else 0.0
            yield self._signal(
                SignalKind.RECORD, metric, last.first, last.last, value, before, score, text, name="month"
            )

    def _week_records(self) -> Iterator[Signal]:
        grid = self.grid
        if grid.days < RECORD_DAYS:
            return
        rows = np.flatnonzero(self._is_fresh & (grid.ends >= RECORD_DAYS - 1))
        rows = rows[grid.steps[rows, grid.ends[rows] + 1] == 0]
        # Few weeks are above those of the quarter before; only these are compared with all others.
        ends, owners = grid.ends[rows], rows[:, None]
        lasts = ends[:, None] - WEEK * np.arange(1, WEEKS + 1)
        earlier = grid.sums(grid.total, lasts - 6, lasts, owners)
        earlier[grid.sums(grid.usable, lasts - 6, lasts, owners) < WEEK] = 0
        is_high = grid.sums(grid.total, ends - 6, ends, rows) >= WEEK_MARGIN * earlier.max(axis=1)
        for row, end in zip(rows[is_high].tolist(), ends[is_high].tolist(), strict=True):
            # Column i is the window that ends in column i + 6 of the grid.
            total, usable = grid.total[row], grid.usable[row]
            is_whole = usable[WEEK:] - usable[:-WEEK] == WEEK
            sums = np.where(is_whole, total[WEEK:] - total[:-WEEK], -1)
            place = end - 6
            value, best = int(sums[place]), int(sums[: place - 6].max())
            if value < FLOOR or value < WEEK_MARGIN * best or is_whole[: place - 6].sum() < RECORD_DAYS - 14:
                continue
            metric = grid.metrics[row]
            peaks = np.maximum.accumulate(sums[: place + 1])
            nights = np.arange(place, max(place - LOOK_BACK, 7), -1)
            hits = (sums[nights] >= WEEK_MARGIN * peaks[nights - 7]) & (sums[nights] >= FLOOR)
            begin = place - _first_of_chain(hits, is_whole[nights])
            was = int(np.argmax(sums[: place - 6]))
            best_days = formats.period(grid.day(was), grid.day(was + 6))
            text = (
                f"{name_of(metric)}: {formats.number(value)} downloads "
                f"from {formats.period(grid.day(place), grid.day(end))}, "
                f"the best 7 days on record; the previous best was {formats.number(best)} from {best_days}."
            )
            score = 100 * (value / best - 1) if best > 0 else 0.0
            yield self._signal(
                SignalKind.RECORD, metric, grid.day(begin), grid.day(end), value, float(best), score, text, name="week"
            )

    # -- stars -----------------------------------------------------------------------------------

    def _star_days(self) -> Iterator[Signal]:
        """Yield one signal for each run of consecutive days in the same direction that ended within the last week."""
        stars = self.stars
        nets, is_known = stars.nets()
        gains = np.where(is_known, nets, np.nan)
        for row in np.flatnonzero(stars.ends >= max(stars.days - 1 - LATE_DAYS, FEWEST_STAR_DAYS)).tolist():
            end = int(stars.ends[row])
            columns = np.arange(max(end - 4 * STAR_NEWS_DAYS, 1), end + 1)
            # The gain of the first column is never known, because it would include earlier days.
            before = gains[row, np.maximum(columns[:, None] - np.arange(1, STAR_DAYS + 1), 0)]
            usual = median_of_known(before.copy(), FEWEST_STAR_DAYS)
            spread = MAD * median_of_known(np.abs(before - usual[:, None]))
            spread = np.maximum(spread, np.sqrt(np.maximum(usual, 0.0)))
            difference = gains[row, columns] - usual
            is_hit = np.abs(difference) >= np.maximum(STAR_FLOOR, STAR_DEVIATIONS * spread)
            ways = np.where(is_hit, np.sign(difference), 0.0)
            starts = run_starts(ways)
            for start, stop in zip(starts.tolist(), [*starts[1:].tolist(), len(ways)], strict=True):
                first, last = int(columns[start]), int(columns[stop - 1])
                if ways[start] and last > end - STAR_NEWS_DAYS:
                    scores = np.abs(difference[start:stop]) / np.maximum(spread[start:stop], 1.0)
                    kind = SignalKind.STAR_BURST if ways[start] > 0 else SignalKind.UNSTAR_WAVE
                    yield self._star_signal(kind, row, first, last, float(usual[start]), float(scores.max()))

    def _star_signal(self, kind: SignalKind, row: int, first: int, last: int, usual: float, score: float) -> Signal:
        stars, days = self.stars, last - first + 1
        value, metric = int(stars.counts[row, last] - stars.counts[row, first - 1]), stars.metrics[row]
        start, end = stars.day(first), stars.day(last)
        when = f"from {formats.period(start, end)}" if days > 1 else f"on {formats.short_day(end)}"
        a_day = f"{formats.number(usual)}{' a day' if days > 1 else ''}"
        text = f"{metric.subject}: {formats.signed(value)} stars {when} (usual: {a_day})."
        return self._signal(kind, metric, start, end, value, usual * days, score, text)

    # -- words -----------------------------------------------------------------------------------

    def _signal(
        self,
        kind: SignalKind,
        metric: Metric,
        start: date,
        end: date,
        value: float,
        expected: float,
        score: float,
        text: str,
        *,
        name: str = "",
        since: date | None = None,
        change: float | None = None,
    ) -> Signal:
        """Return a signal; ``change`` in percent is that from ``expected`` to ``value`` if it is not given."""
        span = Span(start - COINCIDENCE, end)
        events = tuple(e for e in self.events if e.day in span and metric.product in e.products)
        # Within half a year, something always coincides.
        if events and kind not in (SignalKind.GROWTH, SignalKind.DECLINE):
            text = f"{text} Coincides with {names_of(events)}."
        marks = [kind.value.replace("_", "-"), name, metric.slug, (since or start).isoformat()]
        return Signal(
            id="-".join(filter(None, marks)),
            kind=kind,
            metric_id=metric.metric_id,
            start=start,
            end=end,
            value=rounded(value),
            expected=rounded(expected),
            change_percent=change_percent(value, expected) if change is None else change,
            score=rounded(score, 2),
            coincides_with=events,
            text=text,
        )

    def _ids(self, rows: Places) -> tuple[str, ...]:
        return tuple(self.grid.metrics[row].metric_id for row in rows.tolist())

    def _named(self, rows: Places) -> str:
        names = [name_of(self.grid.metrics[row]) for row in rows.tolist()]
        if len(names) > NAMED:
            names = [*names[:NAMED], plural(len(names) - NAMED, "more metric")]
        return join(names)


def _trends(rates: Numbers) -> tuple[Numbers, NDArray[np.int64]]:
    """Return the monthly growth of each row of months, and its direction if the trend rule holds, else 0."""
    later, earlier = np.triu_indices(rates.shape[-1], 1)[::-1]
    with np.errstate(invalid="ignore", divide="ignore"):
        logs = np.log(rates)
        differences = logs[:, later] - logs[:, earlier]
        slopes = np.expm1(np.median(differences / (later - earlier), axis=1))
        kendall = np.sign(differences).sum(axis=1)
        holds = (np.abs(kendall) >= LEAST_KENDALL) & (np.abs(slopes) >= LEAST_SLOPE)
    return slopes, np.where(holds, np.sign(slopes), 0).astype(np.int64)


def _first_of_chain(hits: Mask, is_judged: Mask) -> int:
    """Return how many nights ago a chain of hits began. Both arrays go back in time.

    A pause of more than a week ends it. Nights that cannot be evaluated are not pauses.
    """
    first = rest = 0
    for night, (is_hit, was_judged) in enumerate(zip(hits.tolist(), is_judged.tolist(), strict=True)):
        rest = 0 if is_hit else rest + was_judged
        if rest > REST:
            break
        first = night if is_hit else first
    return first


def _month(month: Month) -> str:
    return formats.short_month(month.first)
