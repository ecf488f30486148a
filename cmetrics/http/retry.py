"""Classify failed responses: which error to raise, and whether and when to retry. Pure.

The order of the waits is GitHub's (docs.github.com, "Rate limits for the REST API"): ``Retry-After``
first, then the reset time of an exhausted quota, then the service's policy.
"""

from __future__ import annotations

import random
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

from cmetrics.domain.errors import AccessRefused, NotFound, RateLimited, ServiceFailed, SourceError, TokenRefused
from cmetrics.domain.sanitize import sanitize
from cmetrics.http.service import Policy

#: The longest wait in seconds that a service may request. For a longer one, the run skips the service.
LONGEST_WAIT = 60.0
#: Pauses before the second, third and fourth attempt after a 5xx or a broken connection.
FAULT_WAITS = (1.0, 2.0, 4.0)
#: A timeout has already taken half a minute, so there is only one more attempt.
HANG_WAITS = (1.0,)

_NOT_FOUND, _UNAUTHORIZED, _FORBIDDEN, _TOO_MANY = 404, 401, 403, 429
_SERVER_ERRORS = range(500, 600)
_EXHAUSTED = re.compile(r'"[^"]{1,40}";\s*r=0;\s*t=(?P<seconds>[0-9]{1,9})')


@dataclass(frozen=True, slots=True)
class Failure:
    """A failed attempt."""

    error: SourceError
    #: Pauses before the next attempts; with none left, ``error`` is final.
    waits: tuple[float, ...] = ()
    #: Whether the pauses are minimums, set by the service or its documentation.
    at_least: bool = False
    #: Whether every further request in this run would fail in the same way.
    ends_service: bool = False

    def pause(self, attempt: int) -> float | None:
        """Return the seconds to wait after attempt number ``attempt`` (from 0); None when it was the last.

        Jitter keeps the clients of a service from retrying at the same moment.
        """
        if attempt >= len(self.waits):
            return None
        wait = self.waits[attempt]
        if self.at_least:
            return wait + random.uniform(0.1, 1.0)  # noqa: S311
        return wait * random.uniform(0.75, 1.25)  # noqa: S311


def classify(
    status: int, headers: Mapping[str, str], body: bytes, *, policy: Policy, where: str, anonymous: bool, now: datetime
) -> Failure:
    """Return the failure for a response with ``status``, which is neither a success nor a redirect.

    ``where`` names service and path for messages. ``anonymous`` means that no Authorization header was
    sent. Names in ``headers`` are lower-case, or the mapping ignores case.
    """
    excerpt = "" if policy.is_private else _excerpt(body)
    title, requested = policy.title, requested_wait(headers, now)
    if status == _TOO_MANY or (status == _FORBIDDEN and is_rate_limit(headers, body)):
        hint = (policy.anonymous_hint if anonymous else None) or "run again later"
        text = f"{where}: rate limit reached ({status}{_quota(headers)})"
        text += excerpt if requested is None or requested <= LONGEST_WAIT else f"; {_available_again(requested, now)}"
        limited = RateLimited(text, service=title, status=status, hint=hint)
        return _failure_with_wait(limited, requested, policy.limit_waits, ends_service=True)
    if status in _SERVER_ERRORS:
        text = f"{where}: answered {status}{excerpt}"
        if requested is not None and requested > LONGEST_WAIT:
            text = f"{where}: unavailable ({status}); {_available_again(requested, now)}"
        return _failure_with_wait(
            ServiceFailed(text, service=title, status=status), requested, None, ends_service=False
        )
    if status in (_UNAUTHORIZED, _FORBIDDEN):
        is_token = not anonymous and policy.refuses_token is not None and policy.refuses_token(status, headers, body)
        refusal = TokenRefused if is_token else AccessRefused
        refused = refusal(f"{where}: refused ({status}){excerpt}", service=title, status=status)
        return Failure(refused, ends_service=policy.refusal_ends)
    if status == _NOT_FOUND:
        return Failure(NotFound(f"{where}: not found (404){excerpt}", service=title, status=status))
    return Failure(ServiceFailed(f"{where}: answered {status}{excerpt}", service=title, status=status))


def _failure_with_wait(
    error: SourceError, requested: float | None, own_waits: tuple[float, ...] | None, *, ends_service: bool
) -> Failure:
    """Return a failure with the wait that the service requests, else with ``own_waits`` (None: FAULT_WAITS).

    A requested wait above LONGEST_WAIT ends the work of the service.
    """
    if requested is None:
        if own_waits is None:
            return Failure(error, FAULT_WAITS, ends_service=ends_service)
        return Failure(error, own_waits, at_least=True, ends_service=ends_service)
    if requested > LONGEST_WAIT:
        return Failure(error, ends_service=True)
    return Failure(error, (requested,) * len(FAULT_WAITS), at_least=True, ends_service=ends_service)


def requested_wait(headers: Mapping[str, str], now: datetime) -> float | None:
    """Return the wait in seconds that the service requests; None if it states none."""
    retry_after = headers.get("retry-after", "").strip()
    if retry_after:
        if retry_after.isascii() and retry_after.isdigit():
            return float(retry_after[:9])
        try:
            return max(0.0, (parsedate_to_datetime(retry_after) - now).total_seconds())
        except (ValueError, TypeError):
            return None
    reset = headers.get("x-ratelimit-reset", "")
    if headers.get("x-ratelimit-remaining") == "0" and reset.isascii() and reset.isdigit():
        return max(1.0, float(reset[:12]) - now.timestamp())
    # The IETF's draft "RateLimit header fields for HTTP", which huggingface.co follows: "api";r=0;t=55.
    exhausted = _EXHAUSTED.fullmatch(headers.get("ratelimit", "").strip())
    return max(1.0, float(exhausted["seconds"])) if exhausted else None


def is_rate_limit(headers: Mapping[str, str], body: bytes) -> bool:
    """Return whether a 403 is a rate limit and not a missing permission; GitHub uses it for both.

    Its secondary limit may come without any header. Only the documented phrases identify it then.
    """
    if "retry-after" in headers or headers.get("x-ratelimit-remaining") == "0":
        return True
    text = body[:2000].lower()
    return b"rate limit" in text or b"abuse detection" in text


def _quota(headers: Mapping[str, str]) -> str:
    limit = headers.get("x-ratelimit-limit", "")
    if headers.get("x-ratelimit-remaining") == "0" and limit.isascii() and limit.isdigit():
        return f", all {int(limit[:9]):,} requests per hour used"
    return ""


def _available_again(seconds: float, now: datetime) -> str:
    """Return the end of a wait in UTC, and the minutes until then."""
    try:
        at = now.astimezone(UTC) + timedelta(seconds=seconds)
    except OverflowError:
        return "available again in the far future"
    day = "" if at.date() == now.astimezone(UTC).date() else f"{at:%Y-%m-%d} "
    return f"available again at {day}{at:%H:%M} UTC, in {seconds / 60:.0f} min"


def _excerpt(body: bytes) -> str:
    """Return the beginning of an error body for a message; empty for HTML pages."""
    text = sanitize(body[:400].decode("utf-8", "replace"), limit=200)
    return "" if not text or text.startswith("<") else f", response: {text!r}"
