"""The error tree. An error carries its data (status code, service, metric, hint) as attributes.

A message has the form "what failed: why". The next step is the ``hint``; ``str(error)`` includes it.

CmetricsError
├── UsageError               wrong option or environment
│   └── ConfigError          a mistake in cmetrics.toml or a seed file
├── StoreError               the store returned an error
│   ├── StoreMissing         there is no store, or it has no tables yet
│   ├── StoreUnreachable     no answer, or the key was refused
│   └── StoreBusy            another run has locked the store
├── SourceError              a service failed for one metric
│   ├── ServiceUnreachable   no connection, or no answer in time
│   ├── ServiceFailed        5xx, or an undocumented status
│   ├── AccessRefused        401 or 403 that is not a rate limit
│   │   └── TokenRefused     the token is the reason; the service may answer without one
│   ├── RateLimited          a rate limit lasts longer than a run waits
│   ├── NotFound             the service does not know the package or repository
│   └── InvalidResponse      a success status with an unexpected body
│       └── WrongClock       a clock on another day than this machine's
├── ExportError              an export cannot be read back, or would lose rows
├── GitError                 git failed, or the data branch is in an unexpected state
└── SiteError                the site cannot be written to its folder

Only ``cmetrics.cli`` maps errors to exit codes.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


class CmetricsError(Exception):
    """Base of every expected failure.

    ``message`` has what failed and why, ``hint`` the next step (None if there is none).
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
    """One mistake in a file written by the user."""

    file: Path
    #: ``top level``, or section and number from 1, such as ``metrics[2] (npm)``; None for the file as a whole.
    entry: str | None
    field: str | None
    #: The problem, and the next step if it is not obvious.
    reason: str

    def __str__(self) -> str:
        where = ", ".join(part for part in (self.entry, f"field {self.field!r}" if self.field else None) if part)
        return f"{self.file}: {where}: {self.reason}" if where else f"{self.file}: {self.reason}"


class ConfigError(UsageError):
    """Mistakes in the catalogue, or one mistake in a seed file; each with file, entry and field.

    ``mistakes`` is in the order of the file; the message joins their texts.
    """

    def __init__(self, message: str = "", *, hint: str | None = None, mistakes: tuple[Mistake, ...] = ()) -> None:
        super().__init__(message or "; ".join(map(str, mistakes)), hint=hint)
        self.mistakes = mistakes


class StoreError(CmetricsError):
    """The store returned an error."""


class StoreMissing(StoreError):
    """The store does not exist, or its tables have not been created."""


class StoreUnreachable(StoreError):
    """The store did not answer, or refused the key."""


class StoreBusy(StoreError):
    """Another run has locked the store."""


class SourceError(CmetricsError):
    """A service failed for one metric. Nothing of that metric is written.

    ``service`` is the title of the service, ``status`` the HTTP status of the response, ``metric_id``
    the requested metric; each is None if it does not apply or is unknown.
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
    """The service answered with a 5xx or an undocumented status."""


class AccessRefused(SourceError):
    """The service answered 401, or a 403 that is not a rate limit."""


class TokenRefused(AccessRefused):
    """The service refused the token that was sent. The same request may succeed without one."""


class RateLimited(SourceError):
    """A rate limit lasts longer than a run waits."""


class NotFound(SourceError):
    """The service does not know the package or the repository."""


class InvalidResponse(SourceError):
    """The service answered with a success status and an unexpected body. Nothing of it is stored."""


class WrongClock(InvalidResponse):
    """The clock of the service is on another day than the local clock.

    ``ahead`` is the difference (service minus local) in seconds.
    """

    def __init__(self, message: str, *, ahead: float, service: str | None = None, hint: str | None = None) -> None:
        super().__init__(message, service=service, hint=hint)
        self.ahead = ahead


class ExportError(CmetricsError):
    """An export cannot be read (the message has file and line), or would lose rows.

    ``damaged`` is the file whose content cannot be read; None if no file is damaged.
    """

    def __init__(self, message: str = "", *, hint: str | None = None, damaged: Path | None = None) -> None:
        super().__init__(message, hint=hint)
        self.damaged = damaged


class GitError(CmetricsError):
    """Git failed, the remote cannot be reached, or the data branch is in an unexpected state.

    ``is_final`` means that an immediate retry cannot help: a rule refused the push, or the remote did not answer.
    """

    def __init__(self, message: str = "", *, hint: str | None = None, is_final: bool = False) -> None:
        super().__init__(message, hint=hint)
        self.is_final = is_final


class SiteError(CmetricsError):
    """The site cannot be written to its folder."""
