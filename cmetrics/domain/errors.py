"""The one error tree. Every message says what, where, and what to do next.

CmetricsError
├── UsageError               wrong option or environment
│   └── ConfigError          a mistake in cmetrics.toml or a seed file
├── StoreError               the store answered, and the answer is no
│   ├── StoreMissing         there is no store, or it has no tables yet
│   ├── StoreUnreachable     nothing answered, or the key was refused
│   └── StoreBusy            another run holds the store
├── SourceError              a service could not answer for one metric
│   ├── ServiceUnreachable   no connection, or no answer in time
│   ├── ServiceFailed        5xx, or a status that the service should not send
│   ├── AccessRefused        401 or 403 that is no rate limit
│   ├── RateLimited          told to slow down for longer than a run waits
│   ├── NotFound             the service does not know the package or repository
│   └── UnexpectedAnswer     status 200, but not what the service is documented to say
├── LedgerError              an export that cannot be read back, or would lose rows
├── GitError                 git refused, or the data branch is not what was left there
└── SiteError                the site cannot be written where it was asked for

Which of them ends the process with which exit code is decided in ``cmetrics.cli`` alone.
"""

from __future__ import annotations


class CmetricsError(Exception):
    """Every expected failure."""


class UsageError(CmetricsError):
    """Wrong option or environment."""


class ConfigError(UsageError):
    """A mistake in the catalogue or in a seed file; names file, entry and field."""


class StoreError(CmetricsError):
    """The store answered, and the answer is no."""


class StoreMissing(StoreError):
    """There is no store at the place named, or its tables have not been created."""


class StoreUnreachable(StoreError):
    """Nothing answered, or the key was refused."""


class StoreBusy(StoreError):
    """Another run holds the store."""


class SourceError(CmetricsError):
    """A service could not answer for one metric. Nothing of that metric is written."""


class ServiceUnreachable(SourceError):
    """No connection, or no answer in time."""


class ServiceFailed(SourceError):
    """A 5xx, or a status that the service is not documented to send."""


class AccessRefused(SourceError):
    """A 401, or a 403 that is no rate limit."""


class RateLimited(SourceError):
    """Told to slow down for longer than a run is willing to wait."""


class NotFound(SourceError):
    """The service does not know the package or the repository."""


class InvalidResponse(SourceError):
    """Status 200, but not what the service is documented to say. Nothing of it is stored."""


class ExportError(CmetricsError):
    """An export that cannot be read back, named with file and line, or one that would lose rows."""


class GitError(CmetricsError):
    """Git refused, could not reach the remote, or the data branch is not what was left there."""


class SiteError(CmetricsError):
    """The site cannot be written where it was asked for."""
