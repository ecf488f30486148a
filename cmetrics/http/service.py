"""What a source needs of whoever asks for it: a service's policy, and its questions and answers."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol, TypeVar

#: How a pause is made, in seconds; passed in like the clock.
Sleep = Callable[[float], Awaitable[None]]

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)


@dataclass(frozen=True, slots=True)
class ProgressStep:
    """How far a long answer has come."""

    #: What is counted, in the plural: ``archive files``.
    what: str
    done: int
    #: An upper bound: a package may be younger than the days asked for.
    total: int


#: Who hears how a source is getting on: a step, or a sentence about a choice it made.
ProgressListener = Callable[[ProgressStep | str], None]


@dataclass(frozen=True, slots=True)
class Policy:
    """How one service wants to be treated; the source of each figure stands with the service."""

    title: str
    base: str
    #: Seconds from the end of a request to the start of the next. Measured from its start, two
    #: requests could reach the service closer together: only the first has to connect.
    gap: float
    #: Waits after a 429 that does not say how long. None left: the service is left alone.
    limit_waits: tuple[float, ...] = ()
    #: A 401 or 403 is about us and not about one package: the service is left alone.
    refusal_ends: bool = True
    headers: Mapping[str, str] = field(default_factory=dict)
    #: The address is a secret: no message names its path or repeats what is answered there.
    is_private: bool = False


@dataclass(frozen=True, slots=True)
class Response:
    """A 200: its body, and what else a source may need of it."""

    body: bytes
    headers: Mapping[str, str]


class Reader(Protocol[T_co]):
    """What becomes of a body while it comes in; made anew for every try."""

    def feed(self, chunk: bytes) -> None:
        """The next bytes, decompressed."""

    def close(self) -> T_co:
        """What was read, after the last byte; may raise UnexpectedAnswer."""
        ...


class Service(Protocol):
    """One service in its own paced lane. Every question raises a SourceError.

    NotFound for 404, AccessRefused for 401 and 403, RateLimited, ServiceFailed, ServiceUnreachable;
    UnexpectedAnswer for redirects elsewhere and for bodies that are too large.
    """

    policy: Policy

    @property
    def has_ended(self) -> bool:
        """Whether every further request would only raise the error of an earlier one."""

    def step(self, what: str, done: int, total: int) -> None:
        """Tell who listens how far a long answer has come."""

    def log(self, text: str) -> None:
        """Tell who listens about a choice that was made."""

    def now(self) -> datetime:
        """The time of the run."""

    def drop_header(self, name: str) -> bool:
        """Stop sending a header; False when it was not sent anyway."""

    async def get(self, path: str, params: Mapping[str, str] | None = None) -> Response:
        """The answer to a GET of ``path`` (percent-encoded) at this service."""

    async def post(self, path: str, params: Mapping[str, str], content: bytes) -> Response:
        """The answer to a POST of ``content``, which must be safe to send twice."""

    async def read(self, path: str, reader: Callable[[], Reader[T]], *, max_bytes: int, total: float) -> T:
        """What a ``reader`` makes of a large file, which is never held as a whole.

        ``total`` seconds bound one try, ``max_bytes`` its decompressed size. Raises also what the
        reader raises.
        """
