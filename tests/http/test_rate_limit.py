"""Pacing, with a clock that only moves when the limiter asks for a pause."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cmetrics.http.rate_limit import Rate, RateLimiter


def starts(rates: tuple[Rate, ...], durations: list[float]) -> list[tuple[float, float]]:
    """Return start and end of each request, for requests with these durations."""
    limiter, now, requests = RateLimiter(rates), 0.0, []
    for duration in durations:
        now += limiter.delay(now)
        requests.append((now, now + duration))
        now += duration
        limiter.record(now)
    return requests


def test_burst_is_allowed():
    """Three requests in one second are allowed by five per second and thirty per minute."""
    assert [start for start, _ in starts((Rate(5, 1.0), Rate(30, 60.0)), [0.0] * 3)] == [0.0, 0.0, 0.0]


def test_two_limits():
    """The sixth request waits for a second, the thirty-first for the minute."""
    times = [start for start, _ in starts((Rate(5, 1.0), Rate(30, 60.0)), [0.0] * 31)]
    assert times[4:6] == [0.0, 1.0]
    assert times[29:31] == [5.0, 60.0]


def test_gap_from_end():
    """One request per second means a second from the end of one to the start of the next."""
    (_, first_end), (second_start, _) = starts((Rate(1, 1.0),), [0.7, 0.7])
    assert second_start == pytest.approx(first_end + 1.0)


def test_no_limit():
    """There are no pauses for a service without rates."""
    assert [start for start, _ in starts((), [0.0] * 100)] == [0.0] * 100


@given(
    st.lists(st.floats(0, 3), min_size=1, max_size=80),
    st.integers(1, 5),
    st.floats(0.1, 5),
    st.integers(5, 20),
    st.floats(5, 60),
)
def test_no_window_exceeds_its_limit(durations, few, short, many, long):
    """No window of a rate contains too many requests, whenever in its exchange a request reaches the service."""
    rates = (Rate(few, short), Rate(many, long))
    requests = starts(rates, durations)
    for rate in rates:
        for (_, end), (start, _) in zip(requests, requests[rate.count :], strict=False):
            assert start - end >= rate.seconds - 1e-6
