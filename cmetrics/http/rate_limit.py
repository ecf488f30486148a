"""Rate limiting: how long to wait before the next request."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Rate:
    """At most ``count`` requests in any ``seconds``."""

    count: int
    seconds: float


class RateLimiter:
    """Apply several rate limits at once. Times are seconds of any monotonic clock; it never sleeps itself.

    Each rate is a sliding window. A request counts from its *end*: measured from their starts, two
    requests could reach the service closer together than they were sent, because only the first one
    has to connect.
    """

    def __init__(self, rates: Sequence[Rate]) -> None:
        self._rates = tuple(rates)
        self._ends: deque[float] = deque(maxlen=max((rate.count for rate in rates), default=0))

    def delay(self, now: float) -> float:
        """Return the seconds to wait at ``now`` before a request may start."""
        waits = (self._ends[-rate.count] + rate.seconds - now for rate in self._rates if len(self._ends) >= rate.count)
        return max(waits, default=0.0) if self._ends else 0.0

    def record(self, end: float) -> None:
        """Count a request that has just ended."""
        self._ends.append(end)
