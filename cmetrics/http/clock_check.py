"""Compare the local clock with a service's: a wrong date would store values under the wrong days."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

from cmetrics.domain.errors import WrongClock

#: How far the local clock may be behind a service's, and ahead of it: a cached response may lack its age.
CLOCK_BEHIND, CLOCK_AHEAD = timedelta(minutes=10), timedelta(hours=6)


def check_clock(headers: Mapping[str, str], now: datetime, service: str) -> None:
    """Raise WrongClock if the ``Date`` of a response is on another UTC day than ``now``.

    A cache sends the original ``Date`` and the age of the response (RFC 9111). Responses without a
    usable ``Date`` are ignored.
    """
    age = headers.get("age", "")
    try:
        sent = parsedate_to_datetime(headers.get("date", ""))
        there = sent.astimezone(UTC) + timedelta(seconds=int(age) if age.isascii() and age.isdigit() else 0)
    except (ValueError, TypeError, OverflowError):
        return
    if there.date() != now.astimezone(UTC).date() and not -CLOCK_AHEAD <= there - now <= CLOCK_BEHIND:
        msg = (
            f"the clock of {service} shows {there:%Y-%m-%d %H:%M} UTC and this machine's {now:%Y-%m-%d %H:%M}; "
            "set this machine's clock and run again"
        )
        raise WrongClock(msg, ahead=(there - now).total_seconds(), service=service)
