"""The error tree. An error carries its data (status code, service, metric, hint) as attributes.

Messages read: what failed: why. The next step is the ``hint``, which is part of ``str(error)`` too.

CmetricsError
├── UsageError               wrong option or environment
│   └── ConfigError          a mistake in cmetrics.toml or a seed file
├── StoreError               the store answered with a failure
│   ├── StoreMissing         there is no store, or it has no tables yet
│   ├── StoreUnreachable     no answer, or the key was refused
│   └── StoreBusy            another run holds the store
├── SourceError              a service failed for one metric
│   ├── ServiceUnreachable   no connection, or no answer in time
│   ├── ServiceFailed        5xx, or an undocumented status
│   ├── AccessRefused        401 or 403 that is not a rate limit
│   │   └── TokenRefused     it is the token that is refused: without one the service may answer
│   ├── RateLimited          a rate limit lasts longer than a run waits
│   ├── NotFound             the service does not know the package or repository
│   └── InvalidResponse      a success status with a body of another shape or content
│       └── WrongClock       a clock on another day than this machine's
├── ExportError              an export cannot be read back, or would lose rows
├── GitError                 git failed, or the data branch is in an unexpected state
└── SiteError                the site cannot be written to its folder

``cmetrics.cli`` alone maps errors to exit codes.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


class CmetricsError(Exception):
    """Base of every expected failure.

    ``message`` says what failed and why, ``hint`` what to do next (None if there is nothing to do).
    """

    def __init__(self, message: str = "", *, hint: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message}; {self.hint}" if self.hint else self.message


class UsageError(CmetricsError):
    """Wrong option or environment."""


@dataclass(frozen=True, slots=True)
class Mistake:
    """One mistake in a file that people write."""

    file: Path
    #: ``top level``, or section and number from 1, such as ``metrics[2] (npm)``; None: the file as a whole.
    entry: str | None
    field: str | None
    #: What is wrong, and the next step where it does not follow.
    reason: str

    def __str__(self) -> str:
        where = ", ".join(part for part in (self.entry, f"field {self.field!r}" if self.field else None) if part)
        return f"{self.file}: {where}: {self.reason}" if where else f"{self.file}: {self.reason}"


class ConfigError(UsageError):
    """Mistakes in the catalogue, or one in a seed file; each names file, entry and field.

    ``mistakes`` has all of them in the order of the file; the message is their texts.
    """

    def __init__(self, message: str = "", *, hint: str | None = None, mistakes: tuple[Mistake, ...] = ()) -> None:
        super().__init__(message or "; ".join(map(str, mistakes)), hint=hint)
        self.mistakes = mistakes


class StoreError(CmetricsError):
    """The store answered with a failure."""


class StoreMissing(StoreError):
    """There is no store at the given place, or its tables have not been created."""


class StoreUnreachable(StoreError):
    """The store did not answer, or refused the key."""


class StoreBusy(StoreError):
    """Another run holds the store."""


class SourceError(CmetricsError):
    """A service failed for one metric. Nothing of that metric is written.

    ``service`` is the title of the service, ``status`` the HTTP status of its answer,
    ``metric_id`` the metric that was asked for; each is None when it does not apply or is unknown.
    """

    def __init__(
        self,
        message: str = "",
        *,
        service: str | None = None,
        status: int | None = None,
        metric_id: str | None = None,
        hint: str | None = None,
    ) -> None:
        super().__init__(message, hint=hint)
        self.service = service
        self.status = status
        self.metric_id = metric_id


class ServiceUnreachable(SourceError):
    """No connection, or no answer in time."""


class ServiceFailed(SourceError):
    """The service answered with a 5xx, or with a status that it is not documented to send."""


class AccessRefused(SourceError):
    """The service answered 401, or a 403 that is not a rate limit."""


class TokenRefused(AccessRefused):
    """The service refused the token that was sent. The same request may succeed without one."""


class RateLimited(SourceError):
    """A rate limit lasts longer than a run is willing to wait."""


class NotFound(SourceError):
    """The service does not know the package or the repository."""


class InvalidResponse(SourceError):
    """The service answered with a success status and an undocumented body. Nothing of it is stored."""


class WrongClock(InvalidResponse):
    """The service answered, and its clock is on another day than this machine's.

    ``ahead`` is its clock less ours, in seconds.
    """

    def __init__(self, message: str, *, ahead: float, service: str | None = None, hint: str | None = None) -> None:
        super().__init__(message, service=service, hint=hint)
        self.ahead = ahead


class ExportError(CmetricsError):
    """An export cannot be read back (named with file and line), or would lose rows.

    ``damaged`` is the file whose content cannot be read; None when no file is damaged.
    """

    def __init__(self, message: str = "", *, hint: str | None = None, damaged: Path | None = None) -> None:
        super().__init__(message, hint=hint)
        self.damaged = damaged


class GitError(CmetricsError):
    """Git failed, the remote cannot be reached, or the data branch is in an unexpected state.

    ``is_final`` means that trying again at once cannot help: a rule refused, or nothing answered.
    """

    def __init__(self, message: str = "", *, hint: str | None = None, is_final: bool = False) -> None:
        super().__init__(message, hint=hint)
        self.is_final = is_final


class SiteError(CmetricsError):
    """The site cannot be written to its folder."""
