"""The HTTP client for all services: rate limits, retries, and bounds on time and size."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from itertools import count
from typing import NoReturn, TypeVar

import httpx

from cmetrics.domain.days import Clock, utc_now
from cmetrics.domain.errors import (
    InvalidResponse,
    RateLimited,
    ServiceFailed,
    ServiceUnreachable,
    SourceError,
)
from cmetrics.domain.sanitize import sanitize
from cmetrics.http.clock_check import check_clock
from cmetrics.http.network import proxy_mounts, tls_context
from cmetrics.http.rate_limit import RateLimiter
from cmetrics.http.redirects import MAX_REDIRECTS, REDIRECTS, redirect_target
from cmetrics.http.retry import FAULT_WAITS, HANG_WAITS, Failure, classify
from cmetrics.http.service import Policy, ProgressListener, ProgressStep, Reader, Response, Sleep
from cmetrics.settings import NetworkSettings
from cmetrics.version import __version__

#: The largest real response is 90 KB; a year of five categories is below 1 MB.
MAX_BYTES = 8 * 1024 * 1024
#: After this many consecutive failed requests (retries included), no more are sent to the service.
FAILURES_IN_A_ROW = 3

_OK = 200
_SUCCESSES = range(200, 300)

#: The connection pool. Modules that only pass it on need not import httpx.
Http = httpx.AsyncClient

T = TypeVar("T")
R = TypeVar("R")


@dataclass(frozen=True, slots=True)
class Timeouts:
    """Timeouts in seconds. ``total`` bounds one attempt, from the first byte sent to the last byte read."""

    connect: float = 10.0
    read: float = 20.0
    total: float = 30.0


class _Body:
    """A Reader that returns the body unchanged."""

    def __init__(self) -> None:
        self._chunks: list[bytes] = []

    def feed(self, chunk: bytes) -> None:
        self._chunks.append(chunk)

    def close(self) -> bytes:
        return b"".join(self._chunks)


@dataclass(frozen=True, slots=True)
class _Request:
    method: str
    path: str
    params: Mapping[str, str]
    content: bytes | None = None
    max_bytes: int = MAX_BYTES
    #: Time limit in seconds for one attempt; None uses the client's.
    total: float | None = None
    #: Maximum number of attempts, set for requests that change something. For those, every 2xx is a success.
    attempts: int | None = None

    def is_success(self, status: int) -> bool:
        return status == _OK if self.attempts is None else status in _SUCCESSES


class _AttemptFailed(Exception):
    def __init__(self, failure: Failure) -> None:
        super().__init__(str(failure.error))
        self.failure = failure


def user_agent(contact: str) -> str:
    """Return the User-Agent, which names a contact; crates.io and GitHub refuse requests without one."""
    return f"cmetrics/{__version__} (+{contact})"


def open_http(contact: str, timeouts: Timeouts, network: NetworkSettings) -> httpx.AsyncClient:
    """Open the connection pool that all services share.

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
        # The settings have already read the proxy variables, from the environment and from `.env`.
        trust_env=False,
    )


class ServiceClient:
    """A rate-limited client for one service; implements :class:`cmetrics.http.service.Service`.

    After a failure that would repeat for the next request (no connection, a long rate limit), every
    further call raises the same error without sending anything. ``monotonic`` is the clock of the rate
    limiter; by default, the time of the event loop.
    """

    def __init__(
        self,
        http: httpx.AsyncClient,
        policy: Policy,
        *,
        timeouts: Timeouts | None = None,
        clock: Clock = utc_now,
        sleep: Sleep = asyncio.sleep,
        monotonic: Callable[[], float] | None = None,
        listener: ProgressListener | None = None,
    ) -> None:
        self.policy = policy
        self.requests = 0
        self._http = http
        self._timeouts = timeouts or Timeouts()
        self._clock = clock
        self._sleep = sleep
        self._monotonic = monotonic or (lambda: asyncio.get_running_loop().time())
        self._headers = dict(policy.headers)
        self._limiter = RateLimiter(policy.rates)
        self._ended: SourceError | None = None
        self._failures = 0
        self._listener = listener

    @property
    def has_ended(self) -> bool:
        """Whether an earlier error ended the work of this service; further requests raise it again."""
        return self._ended is not None

    def step(self, what: str, done: int, total: int) -> None:
        """Report the progress of a long fetch to the listener."""
        if self._listener is not None:
            self._listener(ProgressStep(what, done, max(done, total)))

    def log(self, text: str) -> None:
        """Report a decision of the source to the listener."""
        if self._listener is not None:
            self._listener(text)

    def now(self) -> datetime:
        """Return the current time."""
        return self._clock()

    def drop_header(self, name: str) -> bool:
        """Stop sending a header. Return False if it was not being sent."""
        return self._headers.pop(name, None) is not None

    def restore_header(self, name: str) -> None:
        """Send a dropped header of the policy again."""
        if name in self.policy.headers:
            self._headers[name] = self.policy.headers[name]

    async def get(self, path: str, params: Mapping[str, str] | None = None) -> Response:
        """Send a GET of ``path`` (percent-encoded). Raises as described for Service."""
        return await self._request(_Request("GET", path, params or {}), _Body, Response)

    async def post(self, path: str, params: Mapping[str, str], content: bytes) -> Response:
        """Send a POST of ``content``, which must be safe to send twice. Raises as :meth:`get`."""
        return await self._request(_Request("POST", path, params, content), _Body, Response)

    async def send(self, method: str, path: str, content: bytes, *, tries: int = 1) -> Response:
        """Send a request that changes something, ``tries`` times at most. Raises as :meth:`get`."""
        return await self._request(_Request(method, path, {}, content, attempts=tries), _Body, Response)

    async def read(self, path: str, reader: Callable[[], Reader[T]], *, max_bytes: int, total: float) -> T:
        """Stream a large file through a ``reader``, never loading it as a whole.

        ``total`` seconds bound one attempt, ``max_bytes`` its decompressed size. Raises as
        :meth:`get`, and whatever the reader raises.
        """
        request = _Request("GET", path, {}, max_bytes=max_bytes, total=total)
        return await self._request(request, reader, lambda parsed, _: parsed)

    async def _request(
        self, request: _Request, reader: Callable[[], Reader[T]], result: Callable[[T, Mapping[str, str]], R]
    ) -> R:
        """Send a request until it succeeds or its failure is final, pausing between attempts."""
        if self._ended is not None:
            raise self._ended
        for attempt in count():
            try:
                response, parsed = await self._attempt(request, reader)
            except _AttemptFailed as failed:
                pause = failed.failure.pause(attempt)
                if pause is None or attempt + 1 == request.attempts:
                    self._give_up(failed.failure)
                await self._sleep(pause)
            else:
                break
        self._failures = 0
        # A request that changes something has already taken effect; a large file may be cached for long.
        if request.max_bytes == MAX_BYTES and request.attempts is None:
            self._check_clock(response.headers)
        return result(parsed, response.headers)

    def _give_up(self, failure: Failure) -> NoReturn:
        """Raise the error of a final failure. Store it if it would repeat for the next request."""
        if isinstance(failure.error, ServiceFailed | ServiceUnreachable | RateLimited):
            self._failures += 1
        if failure.ends_service or self._failures >= FAILURES_IN_A_ROW:
            self._ended = failure.error
        raise failure.error

    def _check_clock(self, headers: Mapping[str, str]) -> None:
        try:
            check_clock(headers, self._clock(), self.policy.title)
        except InvalidResponse as error:
            self._ended = error
            raise

    async def _attempt(self, request: _Request, reader: Callable[[], Reader[T]]) -> tuple[httpx.Response, T]:
        """Send a request once and follow its redirects. Raises _AttemptFailed, or InvalidResponse."""
        base = self.policy.base_of(request.path)
        url = httpx.URL(base + request.path.removeprefix(base))
        if request.params:
            url = url.copy_merge_params(dict(request.params))
        for _ in range(MAX_REDIRECTS + 1):
            response, fed, error_body = await self._send_paced(url, request, reader())
            if fed is not None:
                return response, fed.close()
            where = self._where(response.url.path)
            if response.status_code not in REDIRECTS:
                failure = classify(
                    response.status_code,
                    response.headers,
                    error_body,
                    policy=self.policy,
                    where=where,
                    anonymous="Authorization" not in self._headers,
                    now=self._clock(),
                )
                raise _AttemptFailed(failure)
            url = redirect_target(response, base, where=where, service=self.policy.title)
        msg = f"{self._where(request.path)} redirects more than {MAX_REDIRECTS} times"
        raise InvalidResponse(msg, service=self.policy.title)

    async def _send_paced(
        self, url: httpx.URL, request: _Request, reader: Reader[T]
    ) -> tuple[httpx.Response, Reader[T] | None, bytes]:
        # Sleep even if the delay is 0, so that other services get their turn.
        await self._sleep(max(0.0, self._limiter.delay(self._monotonic())))
        self.requests += 1
        try:
            return await self._exchange(url, request, reader)
        finally:
            self._limiter.record(self._monotonic())

    async def _exchange(
        self, url: httpx.URL, request: _Request, reader: Reader[T]
    ) -> tuple[httpx.Response, Reader[T] | None, bytes]:
        """Return the response, with the filled reader on success and the error body otherwise."""
        total = request.total or self._timeouts.total
        service, where = self.policy.title, self._where(url.path)
        try:
            async with (
                asyncio.timeout(total),
                self._http.stream(request.method, url, headers=self._headers, content=request.content) as response,
            ):
                is_success = request.is_success(response.status_code)
                error_body = _Body()
                limit = request.max_bytes if is_success else MAX_BYTES
                size = 0
                async for chunk in response.aiter_bytes():
                    size += len(chunk)
                    if size > limit:
                        msg = f"{where} sent more than {limit // 2**20} MiB"
                        raise InvalidResponse(msg, service=service, status=response.status_code)
                    (reader if is_success else error_body).feed(chunk)
                return response, reader if is_success else None, error_body.close()
        except (TimeoutError, httpx.TimeoutException) as error:
            hung = ServiceUnreachable(f"{where} did not answer within {total:.0f} s", service=service)
            raise _AttemptFailed(Failure(hung, HANG_WAITS, ends_service=True)) from error
        except httpx.DecodingError as error:
            msg = f"{where} sent a body that cannot be decompressed"
            raise InvalidResponse(msg, service=service) from error
        except (httpx.ConnectError, httpx.ProxyError) as error:
            reason = sanitize(str(error), limit=120)
            unreachable = ServiceUnreachable(
                f"cannot connect to {service} ({reason})", service=service, hint="check the network"
            )
            raise _AttemptFailed(Failure(unreachable, FAULT_WAITS[:2], ends_service=True)) from error
        except (httpx.LocalProtocolError, UnicodeError) as error:
            # The library's message contains the invalid header, which may be a secret.
            msg = f"{where}: the request has a header that HTTP does not allow"
            raise InvalidResponse(msg, service=service) from error
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            reason = sanitize(str(error), limit=120) or type(error).__name__
            broken = ServiceFailed(f"{where} ended its response early ({reason})", service=service)
            raise _AttemptFailed(Failure(broken, FAULT_WAITS)) from error

    def _where(self, path: str) -> str:
        return self.policy.title if self.policy.is_private else f"{self.policy.title} {sanitize(path, limit=100)}"
