"""One HTTP client for all services: paced, bounded, patient up to a point, and never silent."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import NoReturn, TypeVar
from urllib.parse import urlsplit

import httpx
import tenacity

from cmetrics import __version__
from cmetrics.domain.days import Clock, utc_now
from cmetrics.domain.errors import (
    AccessRefused,
    InvalidResponse,
    NotFound,
    RateLimited,
    ServiceFailed,
    ServiceUnreachable,
    SourceError,
)
from cmetrics.domain.sanitize import sanitize
from cmetrics.http.network import proxy_mounts, tls_context
from cmetrics.http.service import Policy, ProgressListener, ProgressStep, Reader, Response, Sleep
from cmetrics.settings import NetworkSettings

#: A wait that a service asks for and that is longer ends its work for the run.
LONGEST_WAIT = 60.0
#: The largest real answer is 90 KB; a year of five categories is below 1 MB.
MAX_BYTES = 8 * 1024 * 1024
MAX_REDIRECTS = 3
#: How far a service's clock may be ahead of this machine's, and behind: a cache may not tell an answer's age.
CLOCK_BEHIND, CLOCK_AHEAD = timedelta(minutes=10), timedelta(hours=6)
#: Waits before the second, third and fourth try after a 5xx or a broken connection.
FAULT_WAITS = (1.0, 2.0, 4.0)
#: A service that hangs has cost half a minute already; it gets one more chance.
HANG_WAITS = (1.0,)
#: So many questions in a row that a service fails to answer, tries and all, end its work for the run.
FAILURES_IN_A_ROW = 3

_OK, _NOT_FOUND, _UNAUTHORIZED, _FORBIDDEN, _TOO_MANY = 200, 404, 401, 403, 429
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_SUCCESSES = range(200, 300)
_SERVER_ERRORS = range(500, 600)


@dataclass(frozen=True, slots=True)
class Timeouts:
    """Seconds. ``total`` bounds one request from the first byte sent to the last one read."""

    connect: float = 10.0
    read: float = 20.0
    total: float = 30.0


T = TypeVar("T")
R = TypeVar("R")


class _Whole:
    """The body as it is."""

    def __init__(self) -> None:
        self._chunks: list[bytes] = []

    def feed(self, chunk: bytes) -> None:
        self._chunks.append(chunk)

    def close(self) -> bytes:
        return b"".join(self._chunks)


@dataclass(frozen=True, slots=True)
class _Question:
    method: str
    path: str
    params: Mapping[str, str]
    content: bytes | None = None
    max_bytes: int = MAX_BYTES
    #: Seconds for the whole answer; None is what the client allows.
    total: float | None = None
    #: It changes something there: every 2xx is a success, and it is sent at most so many times.
    tries: int | None = None

    def is_answered_by(self, status: int) -> bool:
        """Whether that status carries what was asked for."""
        return status == _OK if self.tries is None else status in _SUCCESSES


class _RetryableError(Exception):
    """A failed try, worth another one after ``waits[n]`` seconds or after what the service asked for."""

    def __init__(self, error: SourceError, waits: tuple[float, ...], after: float | None = None) -> None:
        super().__init__(str(error))
        self.error = error
        self.waits = waits
        self.after = after


#: The connection pool, for those who only hand it on.
Http = httpx.AsyncClient


def user_agent(contact: str) -> str:
    """Who we are and how to reach us; crates.io and GitHub refuse requests without it."""
    return f"cmetrics/{__version__} (+{contact})"


def open_http(contact: str, timeouts: Timeouts, network: NetworkSettings) -> httpx.AsyncClient:
    """Return the connection pool that all services share.

    Raises UsageError when the variables for proxies or certificates cannot be used.
    """
    limits = httpx.Limits(max_connections=16)
    context = tls_context(network)
    return httpx.AsyncClient(
        headers={"User-Agent": user_agent(contact), "Accept": "application/json"},
        timeout=httpx.Timeout(timeouts.read, connect=timeouts.connect),
        follow_redirects=False,
        limits=limits,
        verify=context,
        mounts=proxy_mounts(network, context, limits),
        # Settings have read the environment, and `.env` besides.
        trust_env=False,
    )


class ServiceClient:
    """Requests to one service, in that service's own paced lane; a :class:`cmetrics.http.service.Service`.

    After a failure that the next request would meet as well (no connection, a long rate limit)
    every further call raises the same error without sending anything.
    """

    def __init__(
        self,
        http: httpx.AsyncClient,
        policy: Policy,
        *,
        timeouts: Timeouts | None = None,
        clock: Clock = utc_now,
        sleep: Sleep = asyncio.sleep,
        listener: ProgressListener | None = None,
    ) -> None:
        self.policy = policy
        self.requests = 0
        self._http = http
        self._timeouts = timeouts or Timeouts()
        self._clock = clock
        self._sleep = sleep
        self._headers = dict(policy.headers)
        self._next_start = 0.0
        self._ended: SourceError | None = None
        self._failures = 0
        self._listener = listener

    @property
    def has_ended(self) -> bool:
        """Whether every further request would only raise the error of an earlier one."""
        return self._ended is not None

    def step(self, what: str, done: int, total: int) -> None:
        """Tell who listens how far a long answer has come."""
        if self._listener is not None:
            self._listener(ProgressStep(what, done, max(done, total)))

    def log(self, text: str) -> None:
        """Tell who listens about a choice that was made."""
        if self._listener is not None:
            self._listener(text)

    def now(self) -> datetime:
        """The time of the run."""
        return self._clock()

    def drop_header(self, name: str) -> bool:
        """Stop sending a header; False when it was not sent anyway."""
        return self._headers.pop(name, None) is not None

    async def get(self, path: str, params: Mapping[str, str] | None = None) -> Response:
        """The answer to a GET of ``path`` (percent-encoded) at this service.

        Raises a SourceError: NotFound for 404, AccessRefused for 401 and 403, RateLimited,
        ServiceFailed, ServiceUnreachable, UnexpectedAnswer for redirects elsewhere and for bodies
        beyond :data:`MAX_BYTES`.
        """
        return await self._ask(_Question("GET", path, params or {}), _Whole, Response)

    async def post(self, path: str, params: Mapping[str, str], content: bytes) -> Response:
        """The answer to a POST of ``content``, which must be safe to send twice. Raises as :meth:`get`."""
        return await self._ask(_Question("POST", path, params, content), _Whole, Response)

    async def send(self, method: str, path: str, content: bytes, *, tries: int = 1) -> Response:
        """The answer to a request that changes something, sent ``tries`` times at most. Raises as :meth:`get`."""
        return await self._ask(_Question(method, path, {}, content, tries=tries), _Whole, Response)

    async def read(self, path: str, reader: Callable[[], Reader[T]], *, max_bytes: int, total: float) -> T:
        """What a ``reader`` makes of a large file, which is never held as a whole.

        ``total`` seconds bound one try, ``max_bytes`` its decompressed size. Raises as :meth:`get`,
        and whatever the reader raises.
        """
        question = _Question("GET", path, {}, max_bytes=max_bytes, total=total)
        return await self._ask(question, reader, lambda found, _: found)

    async def _ask(
        self, question: _Question, reader: Callable[[], Reader[T]], result: Callable[[T, Mapping[str, str]], R]
    ) -> R:
        if self._ended is not None:
            raise self._ended
        retrying = tenacity.AsyncRetrying(
            retry=tenacity.retry_if_exception_type(_RetryableError),
            stop=lambda state: _out_of_tries(state) or state.attempt_number == question.tries,
            wait=_wait,
            sleep=self._sleep,
            reraise=True,
        )
        answered: tuple[httpx.Response, T]
        try:
            answered = await retrying(self._try, question, reader)
        except _RetryableError as again:
            self._give_up(again.error)
        except AccessRefused as error:
            if self.policy.refusal_ends:
                self._ended = error
            raise
        self._failures = 0
        if question.max_bytes == MAX_BYTES:
            self._check_clock(answered[0])
        return result(answered[1], answered[0].headers)

    def _check_clock(self, response: httpx.Response) -> None:
        """Raises UnexpectedAnswer when the service lives on another day than this machine.

        A cache sends the time at which it got the answer, and the answer's age beside it (RFC 9111).
        """
        age = response.headers.get("age", "")
        try:
            sent = parsedate_to_datetime(response.headers.get("date", ""))
            there = sent.astimezone(UTC) + timedelta(seconds=int(age) if age.isascii() and age.isdigit() else 0)
        except (ValueError, TypeError, OverflowError):
            return
        here = self._clock()
        if there.date() != here.astimezone(UTC).date() and not -CLOCK_AHEAD <= there - here <= CLOCK_BEHIND:
            self._ended = InvalidResponse(
                f"the clock of {self.policy.title} says {there:%Y-%m-%d %H:%M} UTC and this machine's says "
                f"{here:%Y-%m-%d %H:%M}; set this machine's and run again"
            )
            raise self._ended

    def _give_up(self, error: SourceError) -> NoReturn:
        self._failures += 1
        if isinstance(error, ServiceUnreachable | RateLimited) or self._failures >= FAILURES_IN_A_ROW:
            self._ended = error
        raise error

    async def _try(self, question: _Question, reader: Callable[[], Reader[T]]) -> tuple[httpx.Response, T]:
        url = httpx.URL(self.policy.base + question.path)
        if question.params:
            url = url.copy_merge_params(dict(question.params))
        for _ in range(MAX_REDIRECTS + 1):
            response, found, said = await self._send(url, question, reader())
            if found is not None:
                return response, found.close()
            if response.status_code not in _REDIRECTS:
                self._refuse(response, said)
            url = self._same_host(response)
        msg = f"{self._at(question.path)} redirects more than {MAX_REDIRECTS} times"
        raise InvalidResponse(msg)

    async def _send(
        self, url: httpx.URL, question: _Question, reader: Reader[T]
    ) -> tuple[httpx.Response, Reader[T] | None, bytes]:
        await self._sleep(max(0.0, self._next_start - time.monotonic()))
        self.requests += 1
        try:
            return await self._receive(url, question, reader)
        finally:
            self._next_start = time.monotonic() + self.policy.gap

    async def _receive(
        self, url: httpx.URL, question: _Question, reader: Reader[T]
    ) -> tuple[httpx.Response, Reader[T] | None, bytes]:
        """The response, and either the fed reader (200) or what else was said."""
        total = question.total or self._timeouts.total
        try:
            async with (
                asyncio.timeout(total),
                self._http.stream(question.method, url, headers=self._headers, content=question.content) as response,
            ):
                is_ok = question.is_answered_by(response.status_code)
                said = _Whole()
                limit = question.max_bytes if is_ok else MAX_BYTES
                size = 0
                async for chunk in response.aiter_bytes():
                    size += len(chunk)
                    if size > limit:
                        msg = f"{self._at(url.path)} sent more than {limit // 2**20} MiB"
                        raise InvalidResponse(msg)
                    (reader if is_ok else said).feed(chunk)
                return response, reader if is_ok else None, said.close()
        except (TimeoutError, httpx.TimeoutException) as error:
            msg = f"{self._at(url.path)} did not answer within {total:.0f} s"
            raise _RetryableError(ServiceUnreachable(msg), HANG_WAITS) from error
        except httpx.DecodingError as error:
            msg = f"{self._at(url.path)} sent a body that cannot be decompressed"
            raise InvalidResponse(msg) from error
        except (httpx.ConnectError, httpx.ProxyError) as error:
            msg = f"cannot connect to {self.policy.title} ({sanitize(str(error), limit=120)}); check the network"
            raise _RetryableError(ServiceUnreachable(msg), FAULT_WAITS[:2]) from error
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            why = sanitize(str(error), limit=120) or type(error).__name__
            msg = f"{self._at(url.path)} broke off its answer ({why})"
            raise _RetryableError(ServiceFailed(msg), FAULT_WAITS) from error

    def _refuse(self, response: httpx.Response, body: bytes) -> NoReturn:
        status, at, title = response.status_code, self._at(response.url.path), self.policy.title
        said = "" if self.policy.is_private else _said(body)
        if status == _NOT_FOUND:
            msg = f"{at}: not found (404){said}"
            raise NotFound(msg, service=title, status=status)
        if status == _TOO_MANY or (status == _FORBIDDEN and _is_rate_limit(response, body)):
            after = self._asked_wait(response)
            if after is not None and after > LONGEST_WAIT:
                self._ended = RateLimited(
                    f"{at}: rate limit reached ({status}), free again in {after / 60:.0f} min; run again then",
                    service=title,
                    status=status,
                )
                raise self._ended
            error: SourceError = RateLimited(
                f"{at}: rate limit reached ({status}){said}; run again later", service=title, status=status
            )
            raise _RetryableError(error, FAULT_WAITS if after is not None else self.policy.limit_waits, after)
        if status in _SERVER_ERRORS:
            after = self._asked_wait(response)
            if after is not None and after > LONGEST_WAIT:
                self._ended = ServiceFailed(
                    f"{at}: out of service ({status}) for another {after / 60:.0f} min", service=title, status=status
                )
                raise self._ended
            error = ServiceFailed(f"{at}: answered {status}{said}", service=title, status=status)
            raise _RetryableError(error, FAULT_WAITS, after)
        if status in (_UNAUTHORIZED, _FORBIDDEN):
            msg = f"{at}: refused ({status}){said}"
            raise AccessRefused(msg, service=title, status=status)
        msg = f"{at}: answered {status}{said}"
        raise ServiceFailed(msg, service=title, status=status)

    def _asked_wait(self, response: httpx.Response) -> float | None:
        """Seconds that the service asks us to wait; None when it does not say.

        The order is GitHub's: Retry-After first, then the time at which an empty quota is refilled.
        """
        headers = response.headers
        if (asked := headers.get("retry-after", "").strip()) != "":
            if asked.isascii() and asked.isdigit():
                return float(asked[:9])
            try:
                return max(0.0, (parsedate_to_datetime(asked) - self._clock()).total_seconds())
            except (ValueError, TypeError):
                return None
        reset = headers.get("x-ratelimit-reset", "")
        if headers.get("x-ratelimit-remaining") == "0" and reset.isascii() and reset.isdigit():
            return max(1.0, float(reset[:12]) - self._clock().timestamp())
        return None

    def _same_host(self, response: httpx.Response) -> httpx.URL:
        try:
            target = response.url.join(response.headers.get("location", ""))
        except httpx.InvalidURL:
            msg = f"{self._at(response.url.path)} redirects to something that is no URL"
            raise InvalidResponse(msg) from None
        ours = urlsplit(self.policy.base)
        if (target.scheme, target.host, target.port) != (ours.scheme, ours.hostname, ours.port):
            msg = f"{self._at(response.url.path)} redirects to another host, which is not followed"
            raise InvalidResponse(msg)
        return target

    def _at(self, path: str) -> str:
        return self.policy.title if self.policy.is_private else f"{self.policy.title} {sanitize(path, limit=100)}"


def _said(body: bytes) -> str:
    """The beginning of an error body, for a message; pages of HTML say nothing worth repeating."""
    text = sanitize(body[:400].decode("utf-8", "replace"), limit=120)
    return "" if not text or text.startswith("<") else f", it says {text!r}"


def _is_rate_limit(response: httpx.Response, body: bytes) -> bool:
    """Whether a 403 means "slow down" and not "you may not" (GitHub uses it for both)."""
    if "retry-after" in response.headers or response.headers.get("x-ratelimit-remaining") == "0":
        return True
    text = body[:2000].lower()
    return b"rate limit" in text or b"abuse detection" in text


def _fault(state: tenacity.RetryCallState) -> _RetryableError:
    error = state.outcome.exception() if state.outcome else None
    assert isinstance(error, _RetryableError)  # nothing else is retried
    return error


def _out_of_tries(state: tenacity.RetryCallState) -> bool:
    return state.attempt_number > len(_fault(state).waits)


def _wait(state: tenacity.RetryCallState) -> float:
    fault = _fault(state)
    if fault.after is not None:
        # Never earlier than asked; a little later, so that not every client returns at once.
        return fault.after + random.uniform(0.1, 1.0)  # noqa: S311
    # tenacity asks for the wait also after the last try, before it asks whether to stop.
    wait = fault.waits[state.attempt_number - 1] if state.attempt_number <= len(fault.waits) else 0.0
    return wait * random.uniform(0.75, 1.25)  # noqa: S311
