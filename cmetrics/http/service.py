"""The interface between sources and the network: a service's policy, and the protocol to send requests to it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Protocol, TypeVar

from cmetrics.http.rate_limit import Rate

#: Waits for a number of seconds. Passed as an argument, like the clock.
Sleep = Callable[[float], Awaitable[None]]

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)


@dataclass(frozen=True, slots=True)
class ProgressStep:
    """The progress of a long fetch."""

    #: The unit of the counts, in the plural: ``archive files``.
    what: str
    done: int
    #: An upper bound: a package may be younger than the days that were requested.
    total: int


#: Receives the progress of a source: a step, or a sentence about a decision.
ProgressListener = Callable[[ProgressStep | str], None]


@dataclass(frozen=True, slots=True)
class Policy:
    """The request policy of one service. Each source documents where its figures come from."""

    title: str
    base: str
    #: Further hosts of the same service, for paths that are whole URLs below one of them. No secret is sent there.
    further_bases: tuple[str, ...] = ()
    #: The rate limits of the service. All apply at once.
    rates: tuple[Rate, ...] = ()
    #: Pauses in seconds after a rate-limit response without a time. After the last one, no more requests
    #: are sent in this run.
    limit_waits: tuple[float, ...] = ()
    #: Whether a 401 or 403 applies to this client rather than to one package, so that no more requests are sent.
    refusal_ends: bool = True
    headers: Mapping[str, str] = field(default_factory=dict)
    #: Given status, headers and body of a 401 or 403, returns whether the token is the reason.
    refuses_token: Callable[[int, Mapping[str, str], bytes], bool] | None = None
    #: Hint for a rate limit that was reached without an Authorization header.
    anonymous_hint: str | None = None
    #: The URL is a secret: messages contain neither its path nor the response body.
    is_private: bool = False

    @property
    def seconds_per_request(self) -> float:
        """The average interval between requests, for time estimates."""
        return max((rate.seconds / rate.count for rate in self.rates), default=0.0)

    def base_of(self, path: str) -> str:
        """Return the base URL of a request for ``path``, which may be a whole URL below a further one."""
        return next((base for base in self.further_bases if path.startswith(f"{base}/")), self.base)

    def without_waits(self) -> Policy:
        """Return the policy without pauses after rate limits, for requests that must end within seconds."""
        return replace(self, limit_waits=())


@dataclass(frozen=True, slots=True)
class Response:
    """A successful response. Header names are lower-case, or the mapping ignores case."""

    body: bytes
    headers: Mapping[str, str]


class Reader(Protocol[T_co]):
    """Parses a body chunk by chunk. Each attempt gets a new reader."""

    def feed(self, chunk: bytes) -> None:
        """Process the next bytes, decompressed."""

    def close(self) -> T_co:
        """Return the result after the last byte; may raise InvalidResponse."""
        ...


class Service(Protocol):
    """A rate-limited connection to one service. Every request raises a SourceError if it fails.

    NotFound for 404, AccessRefused for 401 and 403 (TokenRefused if the token is the reason), RateLimited,
    ServiceFailed, ServiceUnreachable; InvalidResponse for redirects to another host and for bodies that
    are too large.
    """

    policy: Policy

    @property
    def has_ended(self) -> bool:
        """Whether an earlier error ended the work of this service; further requests raise it again."""

    def step(self, what: str, done: int, total: int) -> None:
        """Report the progress of a long fetch to the listener."""

    def log(self, text: str) -> None:
        """Report a decision of the source to the listener."""

    def now(self) -> datetime:
        """Return the current time."""

    def drop_header(self, name: str) -> bool:
        """Stop sending a header. Return False if it was not being sent."""

    def restore_header(self, name: str) -> None:
        """Send a dropped header of the policy again."""

    async def get(self, path: str, params: Mapping[str, str] | None = None) -> Response:
        """Send a GET of ``path`` (percent-encoded)."""

    async def post(self, path: str, params: Mapping[str, str], content: bytes) -> Response:
        """Send a POST of ``content``, which must be safe to send twice."""

    async def read(self, path: str, reader: Callable[[], Reader[T]], *, max_bytes: int, total: float) -> T:
        """Stream a large file through a ``reader``, never loading it as a whole.

        ``total`` seconds bound one attempt, ``max_bytes`` its decompressed size. Raises also what the
        reader raises.
        """
