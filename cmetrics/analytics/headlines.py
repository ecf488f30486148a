"""Write headlines for the items of "What changed", with one or two sentences. Pure.

The sentences are those of the signal, mover or effect without its name, which is in the headline.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from datetime import date

from cmetrics.analytics.insight_results import Effect, Mover, Signal, SignalKind
from cmetrics.analytics.phrases import FACTOR, MANY, name_of, percent
from cmetrics.domain import formats
from cmetrics.domain.metric import Metric
from cmetrics.domain.plural import plural
from cmetrics.domain.sanitize import isolate

WEEK = 7
#: The part of a trend's text that its headline repeats.
_REPEATED = re.compile(r"^(growing|declining) by [^,]*% a month over [^,]*, ")


def short_names(metrics: Iterable[Metric]) -> dict[str, str]:
    """Return the subject of each metric by id, with the SDK if two metrics have the same subject."""
    metrics = list(metrics)
    subjects = Counter(metric.subject for metric in metrics)
    return {m.metric_id: m.subject if subjects[m.subject] == 1 else name_of(m) for m in metrics}


def signal_headline(signal: Signal, name: str) -> str:
    """Return the headline of a signal, such as ``lancedb grows 7.4% a month``."""
    change = signal.change_percent
    days = (signal.end - signal.start).days + 1
    if signal.kind in (SignalKind.GROWTH, SignalKind.DECLINE):
        return f"{name} {'grows' if signal.kind is SignalKind.GROWTH else 'declines'} {_size(change)} a month"
    if signal.kind is SignalKind.SHARE_SHIFT:
        points = signal.value - signal.expected
        return f"{name}: share {'up' if points > 0 else 'down'} {formats.decimal(abs(points))} points"
    if signal.kind is SignalKind.RECORD:
        return f"{name}: best {'7 days' if days <= WEEK else 'month'} on record"
    if signal.kind in (SignalKind.STAR_BURST, SignalKind.UNSTAR_WAVE):
        verb = "gained" if signal.value >= 0 else "lost"
        return f"{name} {verb} {plural(abs(round(signal.value)), 'star')} in {plural(days, 'day')}"
    return f"{moved_headline(name, change, is_rise=signal.is_rise)} in 7 days"


def mover_headline(mover: Mover, name: str) -> str:
    """Return a headline such as ``lancedb rose 21% in 30 days``."""
    rise = mover.value >= mover.previous_value
    return f"{moved_headline(name, mover.change_percent, is_rise=rise)} in 30 days"


def effect_headline(effect: Effect, name: str) -> str:
    """Return a headline such as ``lancedb rose 38% after LanceDB 1.0``."""
    rise = (effect.after or 0) >= (effect.before or 0)
    return f"{moved_headline(name, effect.change_percent, is_rise=rise)} after {isolate(effect.event.label)}"


def total_headline(change: float, start: date, *, is_running: bool) -> str:
    """Return a headline such as ``All downloads rose 18% in October``."""
    when = f"{formats.month_name(start)} so far" if is_running else formats.month_name(start)
    return f"{moved_headline('All downloads', change, is_rise=change >= 0)} in {when}"


def moved_headline(name: str, change: float | None, *, is_rise: bool) -> str:
    """Return a headline such as ``lancedb rose 21%``, or ``lancedb rose to 3.3 times`` from twice on."""
    if change is None:
        return f"{name} rose from zero" if is_rise else f"{name} fell"
    if change >= 100 * (FACTOR - 1):
        return f"{name} rose to {_times(change)} times"
    return f"{name} {'rose' if is_rise else 'fell'} {_size(change)}"


def sentence_of(text: str, metric: Metric) -> str:
    """Return the text of a signal or a mover without the name that it begins with."""
    for name in (name_of(metric), metric.subject):
        if text.startswith(f"{name}: "):
            rest = _REPEATED.sub("", text[len(name) + 2 :])
            return rest[:1].upper() + rest[1:]
    return text


def effect_sentence(effect: Effect, name: str) -> str:
    """Return the change of a metric around an event next to the change before it."""
    if effect.change_percent is None:
        return effect.text
    before = "" if effect.prior_percent is None else f", {percent(effect.prior_percent)} in the 28 days before"
    return f"{name}: {percent(effect.change_percent)} in 28 days{before}. Correlation only."


def _size(change: float | None) -> str:
    """Return a percentage such as ``21%``; below ten with one decimal."""
    size = abs(change or 0.0)
    return formats.percent(size, 0 if size >= 10 else 1)  # noqa: PLR2004


def _times(change: float) -> str:
    factor = 1 + change / 100
    return formats.decimal(factor, 1 if factor < MANY else 0)
