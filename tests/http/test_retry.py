"""The classification of a failed response: the error, its data, and the pauses before the next attempts."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from cmetrics.domain.errors import AccessRefused, NotFound, RateLimited, ServiceFailed, TokenRefused
from cmetrics.http.retry import FAULT_WAITS, Failure, classify
from cmetrics.http.service import Policy

NOW = datetime(2026, 11, 25, 13, 46, tzinfo=UTC)
POLICY = Policy(
    "the service",
    "https://service.example",
    limit_waits=(60.0, 120.0),
    refuses_token=lambda status, headers, body: status == 401,
    anonymous_hint="set THE_TOKEN",
)


def fail(
    status: int, headers: dict[str, str] | None = None, body: bytes = b"{}", *, anonymous: bool = False
) -> Failure:
    return classify(status, headers or {}, body, policy=POLICY, where="the service /x", anonymous=anonymous, now=NOW)


def reset(seconds: int, limit: str = "60") -> dict[str, str]:
    at = int((NOW + timedelta(seconds=seconds)).timestamp())
    return {"x-ratelimit-remaining": "0", "x-ratelimit-reset": str(at), "x-ratelimit-limit": limit}


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (404, NotFound),
        (401, TokenRefused),
        (403, AccessRefused),
        (429, RateLimited),
        (500, ServiceFailed),
        (410, ServiceFailed),
    ],
)
def test_data(status: int, kind: type):
    """Every error has service and status as attributes."""
    error = fail(status).error
    assert type(error) is kind
    assert (error.service, error.status) == ("the service", status)


@pytest.mark.parametrize("status", [429, 403, 503])
def test_retry_after(status: int):
    """The pause is at least that of Retry-After."""
    failure = fail(status, {"retry-after": "7"})
    assert failure.waits == (7.0, 7.0, 7.0)
    assert 7.0 < failure.pause(0) <= 8.0


def test_retry_after_date():
    """Retry-After may be a date."""
    assert fail(503, {"retry-after": format_datetime(NOW + timedelta(seconds=9), usegmt=True)}).waits[0] == 9.0


def test_retry_after_comes_first():
    """Retry-After has precedence over the reset of the quota."""
    assert fail(403, reset(20) | {"retry-after": "5"}).waits[0] == 5.0


def test_reset():
    """Without Retry-After, the pause ends with the reset of an exhausted quota."""
    assert fail(403, reset(20)).waits[0] == pytest.approx(20.0)


def test_secondary_limit_without_header():
    """Without a stated time, the pauses of the policy apply: at least a minute, then longer."""
    failure = fail(403, body=b'{"message":"You have exceeded a secondary rate limit."}')
    assert isinstance(failure.error, RateLimited)
    assert failure.waits == (60.0, 120.0)
    assert failure.pause(0) >= 60.0
    assert failure.pause(1) >= 120.0
    assert failure.pause(2) is None


def test_remaining_quota_is_not_a_rate_limit():
    """A 403 with remaining quota is a rejection and not retried."""
    failure = fail(403, {"x-ratelimit-remaining": "59"}, b'{"message":"Not for you"}')
    assert type(failure.error) is AccessRefused
    assert failure.pause(0) is None


@pytest.mark.parametrize("headers", [{"retry-after": "61"}, reset(2760)])
@pytest.mark.parametrize("status", [429, 403])
def test_long_wait_ends_service(status: int, headers: dict[str, str]):
    """A wait of more than a minute ends all requests to the service."""
    failure = fail(status, headers)
    assert failure.waits == ()
    assert failure.ends_service


def test_anonymous_quota():
    """Without a token, the message has the quota, the time of its reset, and how to get a larger one."""
    error = fail(403, reset(2760), anonymous=True).error
    assert error.message == (
        "the service /x: rate limit reached (403, all 60 requests per hour used); "
        "available again at 14:32 UTC, in 46 min"
    )
    assert error.hint == "set THE_TOKEN"


def test_quota_with_token():
    """With a token, the hint does not suggest setting one."""
    error = fail(403, reset(2760, "5000")).error
    assert "all 5,000 requests per hour used" in error.message
    assert error.hint == "run again later"


def test_reset_tomorrow():
    """The time of a reset on another day has its date."""
    assert "available again at 2026-11-26 13:46 UTC" in fail(403, reset(86_400)).error.message


@pytest.mark.parametrize(
    ("stated", "waits"),
    [('"api";r=0;t=55', (55.0, 55.0, 55.0)), ('"api"; r=0; t=0', (1.0, 1.0, 1.0)), ('"api";r=0;t=280', ())],
)
def test_ratelimit_field(stated: str, waits: tuple[float, ...]):
    """An exhausted quota in the IETF's RateLimit field states the seconds to its reset."""
    failure = fail(429, {"ratelimit": stated})
    assert failure.waits == waits
    assert failure.ends_service


@pytest.mark.parametrize("stated", ['"api";r=3;t=55', '"api";r=0', "55", '"api";r=0;t=-5', '"api";r=0;t=5e9', ""])
def test_ratelimit_field_without_a_wait(stated: str):
    """With remaining quota, or in another form, a RateLimit field states no wait, so the policy's pauses apply."""
    assert fail(429, {"ratelimit": stated}).waits == (60.0, 120.0)


def test_absurd_wait():
    """A wait beyond the calendar is handled without an exception."""
    assert fail(429, {"retry-after": "9" * 12}).ends_service


def test_token_refused_needs_token():
    """A 401 response to a request without a token is not about a token."""
    assert type(fail(401, anonymous=True).error) is AccessRefused


def test_server_error():
    """A 5xx response is retried with growing pauses, and alone does not end requests to the service."""
    failure = fail(502)
    assert failure.waits == FAULT_WAITS
    assert not failure.ends_service


def test_excerpt_is_harmless():
    """Error bodies are quoted in one printable line, and HTML pages are not quoted."""
    assert str(fail(500, body=b"\x1b[31m::error::x\x07\nline").error).isprintable()
    assert fail(500, body=b"<html>no").error.message == "the service /x: answered 500"
