"""Numbers, dates and names of metrics in the sentences of analytics."""

from __future__ import annotations

from collections.abc import Sequence

from cmetrics.domain import formats
from cmetrics.domain.metric import Event, Metric
from cmetrics.domain.sanitize import isolate

#: The ratio from which a change is shown as a factor instead of a percentage.
FACTOR = 2
#: The ratio from which a factor has no decimals.
MANY = 100
#: The maximum number of events that are named; further ones are counted.
NAMED = 3


def rounded(value: float, digits: int = 1) -> float:
    """Return a rounded number, with -0 as 0."""
    return round(float(value), digits) + 0.0


def percent(value: float) -> str:
    """Return a change such as ``+12.3%``."""
    return formats.signed_percent(rounded(value))


def plain_percent(value: float) -> str:
    """Return a percentage without a plus sign."""
    return formats.percent(rounded(value))


def moved(value: float, expected: float) -> str:
    """Return a change such as ``+12.3%``, or ``×3.3`` from twice on, or ``new`` from zero."""
    if expected <= 0:
        return "new"
    if value >= FACTOR * expected:
        return formats.factor(value / expected)
    return percent(100 * (value - expected) / expected)


def relative(percent_change: float) -> str:
    """Return a change in percent such as ``+12.3%``, or ``×3.3`` from twice on."""
    if percent_change < 100 * (FACTOR - 1):
        return percent(percent_change)
    factor = 1 + percent_change / 100
    return formats.factor(factor, 1 if factor < MANY else 0)


def change_percent(value: float, expected: float) -> float | None:
    """Return the change in percent, to one decimal; None if the earlier value is zero or less."""
    return rounded(100 * (value - expected) / expected) if expected > 0 else None


def name_of(metric: Metric) -> str:
    """Return a metric such as ``pylance (Python)``."""
    return f"{metric.subject} ({isolate(metric.label)})"


def names_of(events: Sequence[Event]) -> str:
    """Return events such as ``Release 1.0 (20 Nov 2026) and Release 1.1 (22 Nov 2026)``."""
    named = [f"{isolate(event.label)} ({formats.short_day(event.day)})" for event in events[:NAMED]]
    if len(events) > NAMED:
        named.append(f"{formats.number(len(events) - NAMED)} more")
    return join(named)


def round_number(value: int) -> int:
    """Return the largest number of 1, 2 or 5 with zeros that is not above ``value``; 0 for 0."""
    size = 10 ** (len(str(value)) - 1)
    return max(digit * size for digit in (1, 2, 5) if digit * size <= value) if value > 0 else 0


def large(number: int) -> str:
    """Return a round number such as ``2 billion``, ``5 million`` or ``200,000``."""
    for size, unit in ((1_000_000_000, "billion"), (1_000_000, "million")):
        if number >= size:
            return f"{number // size} {unit}"
    return formats.number(number)


def join(parts: Sequence[str]) -> str:
    """Return ``a, b and c``."""
    return " and ".join(filter(None, [", ".join(parts[:-1]), parts[-1]])) if parts else ""
