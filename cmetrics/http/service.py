"""The interface between sources and the network: a service's policy, and the protocol to send requests to it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Protocol, TypeVar

from cmetrics.http.rate_limit import Rate

#: How a pause is made, in seconds; passed in like the clock.
Sleep = Callable[[float], Awaitable[None]]

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)


@dataclass(frozen=True, slots=True)
class ProgressStep:
    """How far a long fetch has come."""

    #: What is counted, in the plural: ``archive files``.
    what: str
    done: int
    #: An upper bound: a package may be younger than the days that were requested.
    total: int


#: Receives the progress of a source: a step, or a sentence about a choice that it made.
ProgressListener = Callable[[ProgressStep | str], None]


@dataclass(frozen=True, slots=True)
class Policy:
    """How one service wants to be treated; the origin of each figure stands beside its constant."""

    title: str
    base: str
    #: How many requests the service allows in which time; all of them hold at once.
    rates: tuple[Rate, ...] = ()
    #: Pauses, in seconds, after rate limits that name no time. With none left, the service's work ends.
    limit_waits: tuple[float, ...] = ()
    #: A 401 or 403 is about us and not about one package: the service's work ends.
    refusal_ends: bool = True
    headers: Mapping[str, str] = field(default_factory=dict)
    #: From status, headers and body of a 401 or 403: whether the token is refused, and not the request.
    refuses_token: Callable[[int, Mapping[str, str], bytes], bool] | None = None
    #: Next step after a rate limit that was met without an Authorization header.
    anonymous_hint: str | None = None
    #: The address is a secret: no message names its path or repeats what is answered there.
    is_private: bool = False

    @property
    def seconds_per_request(self) -> float:
        """The pace of a long series of requests, for estimates."""
        return max((rate.seconds / rate.count for rate in self.rates), default=0.0)

    def without_waits(self) -> Policy:
        """Return the policy for a request that must be answered, or fail, within seconds."""
        return replace(self, limit_waits=())


@dataclass(frozen=True, slots=True)
class Response:
    """A successful response: its body, and its headers under lower-case or any-case names."""

    body: bytes
    headers: Mapping[str, str]


class Reader(Protocol[T_co]):
    """Parses a body chunk by chunk; made anew for every attempt."""

    def feed(self, chunk: bytes) -> None:
        """Take the next bytes, decompressed."""

    def close(self) -> T_co:
        """Return the result after the last byte; may raise InvalidResponse."""
        ...


class Service(Protocol):
    """One service in its own paced lane. Every request raises a SourceError on failure.

    NotFound for 404, AccessRefused for 401 and 403 (TokenRefused where it is the token), RateLimited,
    ServiceFailed, ServiceUnreachable; InvalidResponse for redirects elsewhere and for bodies that are
    too large.
    """

    policy: Policy

    @property
    def has_ended(self) -> bool:
        """Whether every further request would only raise the error of an earlier one."""

    def step(self, what: str, done: int, total: int) -> None:
        """Report to the listener how far a long fetch has come."""

    def log(self, text: str) -> None:
        """Report a choice to the listener."""

    def now(self) -> datetime:
        """Return the time of the run."""

    def drop_header(self, name: str) -> bool:
        """Stop sending a header; False when it was not sent anyway."""

    def restore_header(self, name: str) -> None:
        """Send a header of the policy again that was dropped."""

    async def get(self, path: str, params: Mapping[str, str] | None = None) -> Response:
        """Send a GET of ``path`` (percent-encoded)."""

    async def post(self, path: str, params: Mapping[str, str], content: bytes) -> Response:
        """Send a POST of ``content``, which must be safe to send twice."""

    async def read(self, path: str, reader: Callable[[], Reader[T]], *, max_bytes: int, total: float) -> T:
        """Stream a large file through a ``reader``, which never holds it as a whole.

        ``total`` seconds bound one attempt, ``max_bytes`` its decompressed size. Raises also what the
        reader raises.
        """
