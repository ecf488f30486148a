"""The items of "What changed": one ranked list for page, feed, report and terminal."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import date, timedelta
from math import log

import numpy as np

from cmetrics.analytics.columns import Values
from cmetrics.analytics.daily import DailyGrid
from cmetrics.analytics.effects import REACH
from cmetrics.analytics.headlines import (
    effect_headline,
    effect_sentence,
    mover_headline,
    sentence_of,
    short_names,
    signal_headline,
    total_headline,
)
from cmetrics.analytics.insight_results import (
    Direction,
    Effect,
    Item,
    ItemKind,
    Mover,
    Omission,
    ReasonKind,
    Rollup,
    Signal,
    SignalKind,
    Verdict,
    Window,
)
from cmetrics.analytics.phrases import moved
from cmetrics.analytics.rollups import Windows, net_stars
from cmetrics.analytics.star_grid import StarGrid
from cmetrics.domain import formats
from cmetrics.domain.metric import Metric
from cmetrics.domain.plural import plural

#: The minimum change of all downloads for an item, in percent.
LEAST_CHANGE = 15.0
#: The minimum change in percent, and the minimum share of all downloads, of movers that become items.
LEAST_MOVE, LEAST_SHARE = 15.0, 0.01
#: The minimum score of such movers, in robust deviations from the usual changes of the metric.
LEAST_SCORE = 3.0
#: The maximum size of a change, that of a factor of e, so that a rise from almost nothing does not outweigh all others.
LARGEST = 1.0
#: The number of days after the end of their windows for which effects of events are items.
EFFECT_DAYS = 60
#: A day before any download. Earlier days could leave the range of `date`.
EPOCH = date(1970, 1, 1)
#: The windows of all downloads that may be items.
TOTAL_WINDOWS = (Window.MONTH, Window.MONTH_TO_DATE)
RULES = {
    SignalKind.SPIKE: "7 days against the 12 weeks before",
    SignalKind.DROP: "7 days against the 12 weeks before",
    SignalKind.GROWTH: "trend of 6 full months",
    SignalKind.DECLINE: "trend of 6 full months",
    SignalKind.SHARE_SHIFT: "share of the product against the 3 months before",
    SignalKind.RECORD: "best of at least a year",
    SignalKind.STAR_BURST: "net gain of a day against the 56 days before",
    SignalKind.UNSTAR_WAVE: "net gain of a day against the 56 days before",
}
EFFECT_RULE = "28 days after against 28 days before, compared with the usual variation"


#: The order of items with the same weight: the more specific one first.
_ORDER = (*SignalKind, None)


class ItemBuilder:
    """Builds the items from the other results of a day."""

    def __init__(self, grid: DailyGrid, stars: StarGrid, windows: Windows, metrics: Iterable[Metric]) -> None:
        self._metrics = {metric.metric_id: metric for metric in metrics}
        self._names = short_names(self._metrics.values())
        #: The share (0 to 1) of each metric in all downloads of 30 days, and of each repository in all stars gained.
        self._shares = _parts(grid.metrics, windows.own[Window.DAYS_30].value) | _parts(
            stars.metrics, np.abs(net_stars(stars, Window.DAYS_30))
        )
        self._packages = tuple(metric.metric_id for metric in grid.metrics)
        newest = [of.day(int(of.ends.max())) for of in (grid, stars) if len(of.ends) and of.ends.max() >= 0]
        self._newest = max(newest, default=date.min)

    @property
    def first_event_day(self) -> date:
        """The first day whose events can be items."""
        return max(self._newest, EPOCH) - timedelta(days=EFFECT_DAYS + REACH)

    def build(
        self,
        totals: Iterable[Rollup],
        movers: Iterable[Mover],
        signals: Iterable[Signal],
        effects: Iterable[Effect],
    ) -> tuple[tuple[Item, ...], tuple[Omission, ...]]:
        """Return the items by weight, at most one per metric, and the omissions."""
        omissions: list[Omission] = []
        found = [*_totals(totals, omissions)]
        found += [self._signal(signal) for signal in signals]
        found += [item for effect in effects for item in self._effect(effect)]
        found += [item for mover in movers for item in self._mover(mover)]
        found.sort(key=lambda item: (-item.weight, _ORDER.index(item.signal_kind), item.id))
        items: list[Item] = []
        told: set[str] = set()
        shifted: set[str | None] = set()
        for item in found:
            if item.signal_kind is SignalKind.SHARE_SHIFT:
                # One package gains what another one loses.
                if item.product in shifted:
                    continue
                shifted.add(item.product)
            if told & set(item.metric_ids):
                continue
            told |= set(item.metric_ids)
            items.append(item)
        return tuple(items), tuple(omissions)

    def _signal(self, signal: Signal) -> Item:
        if signal.kind is SignalKind.SHARE_SHIFT:
            size = abs(signal.value - signal.expected) / 100
            # Of the product, not of the metric.
            product = self._metrics[signal.metric_id].product
            share = sum(self._share(name) for name in self._packages if self._metrics[name].product == product)
        elif signal.kind in (SignalKind.STAR_BURST, SignalKind.UNSTAR_WAVE):
            size, share = _size(abs(signal.value) + 10, abs(signal.expected) + 10), self._share(signal.metric_id)
        else:
            size, share = _size(signal.value, signal.expected), self._share(signal.metric_id)
        return Item(
            id=signal.id,
            kind=ItemKind.SIGNAL,
            signal_kind=signal.kind,
            direction=Direction.RISING if signal.is_rise else Direction.FALLING,
            start=signal.start,
            end=signal.end,
            metric_ids=(signal.metric_id,),
            product=self._metrics[signal.metric_id].product,
            value=signal.value,
            expected=signal.expected,
            change_percent=signal.change_percent,
            rule=RULES[signal.kind],
            weight=round(size * share, 6),
            headline=signal_headline(signal, self._names[signal.metric_id]),
            sentence=sentence_of(signal.text, self._metrics[signal.metric_id]),
            text=signal.text,
        )

    def _effect(self, effect: Effect) -> Iterator[Item]:
        if effect.verdict not in (Verdict.ABOVE, Verdict.BELOW) or effect.change_percent is None:
            return
        end = effect.event.day + timedelta(days=REACH)
        if (self._newest - end).days > EFFECT_DAYS or effect.before is None or effect.after is None:
            return
        yield Item(
            id=effect.id,
            kind=ItemKind.RELEASE,
            direction=_direction(effect.after, effect.before),
            start=effect.event.day,
            end=end,
            metric_ids=(effect.metric_id,),
            product=self._metrics[effect.metric_id].product,
            value=effect.after,
            expected=effect.before,
            change_percent=effect.change_percent,
            rule=EFFECT_RULE,
            weight=round(_size(effect.after, effect.before) * self._share(effect.metric_id), 6),
            headline=effect_headline(effect, self._names[effect.metric_id]),
            sentence=effect_sentence(effect, self._names[effect.metric_id]),
            text=effect.text,
        )

    def _mover(self, mover: Mover) -> Iterator[Item]:
        share = self._share(mover.metric_id)
        if mover.window is not Window.DAYS_30 or share < LEAST_SHARE:
            return
        if mover.change_percent is not None and abs(mover.change_percent) < LEAST_MOVE:
            return
        if mover.score is None or mover.score < LEAST_SCORE:
            return
        metric = self._metrics[mover.metric_id]
        yield Item(
            id=f"mover-{metric.slug}",
            kind=ItemKind.MOVER,
            direction=mover.direction,
            start=mover.start,
            end=mover.end,
            metric_ids=(mover.metric_id,),
            product=metric.product,
            value=mover.value,
            expected=mover.previous_value,
            change_percent=mover.change_percent,
            rule="30 days against the 30 days before",
            weight=round(_size(mover.value, mover.previous_value) * share, 6),
            headline=mover_headline(mover, self._names[mover.metric_id]),
            sentence=sentence_of(mover.text, metric),
            text=mover.text,
        )

    def _share(self, metric_id: str) -> float:
        return self._shares.get(metric_id, 0.0)


def _totals(totals: Iterable[Rollup], omissions: list[Omission]) -> Iterator[Item]:
    for rollup in totals:
        kind = {Window.MONTH: ItemKind.MONTH, Window.MONTH_TO_DATE: ItemKind.MONTH_TO_DATE}.get(rollup.window)
        if kind is None or rollup.start is None or rollup.end is None:
            continue
        if not rollup.comparable:
            text = f"All downloads, {formats.period(rollup.start, rollup.end)}: not compared; {rollup.reason}."
            omissions.append(Omission(rollup.reason_kind or ReasonKind.MISSING_DAYS, (), text))
            continue
        now, before = rollup.compared_value or 0, (rollup.previous.value if rollup.previous else None) or 0
        if rollup.previous is None or rollup.change_percent is None or abs(rollup.change_percent) < LEAST_CHANGE:
            continue
        left_out = len(rollup.left_out)
        note = f" Excludes {plural(left_out, 'metric')} that cannot be compared." if left_out else ""
        text = (
            f"All downloads: {formats.number(now)} from {formats.period(rollup.start, rollup.end)}, "
            f"{moved(now, before)} against {formats.number(before)} "
            f"from {formats.period(rollup.previous.start, rollup.previous.end)}.{note}"
        )
        yield Item(
            id=f"{kind.value.replace('_', '-')}-{rollup.start.isoformat()}",
            kind=kind,
            direction=_direction(now, before),
            start=rollup.start,
            end=rollup.end,
            value=now,
            expected=before,
            change_percent=rollup.change_percent,
            rule="full month against the month before"
            if kind is ItemKind.MONTH
            else "the same weekdays four weeks before",
            weight=round(_size(now, before), 4),
            headline=total_headline(rollup.change_percent, rollup.start, is_running=kind is ItemKind.MONTH_TO_DATE),
            sentence=text.removeprefix("All downloads: "),
            text=text,
        )


def _parts(metrics: Sequence[Metric], values: Values) -> dict[str, float]:
    total = int(values.sum())
    return {m.metric_id: value / total for m, value in zip(metrics, values.tolist(), strict=True)} if total else {}


def _size(value: float, expected: float) -> float:
    """Return the size of a change. Halving and doubling have the same size."""
    return min(abs(log(max(value, 1.0) / max(expected, 1.0))), LARGEST)


def _direction(value: float, expected: float) -> Direction:
    return Direction.RISING if value >= expected else Direction.FALLING
