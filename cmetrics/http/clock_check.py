"""Compare this machine's clock with a service's: a wrong date would store values under wrong days."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

from cmetrics.domain.errors import WrongClock

#: How far a service's clock may be ahead of this machine's, and behind: a cache may not send an age.
CLOCK_BEHIND, CLOCK_AHEAD = timedelta(minutes=10), timedelta(hours=6)


def check_clock(headers: Mapping[str, str], now: datetime, service: str) -> None:
    """Raise WrongClock when the ``Date`` of a response is another UTC day than ``now``.

    A cache sends the time at which it got the response, and its age beside it (RFC 9111).
    Responses without a usable ``Date`` prove nothing.
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
