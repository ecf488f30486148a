"""Register a source: its description, its request policy, its constructor."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from pydantic import SecretStr

from cmetrics.domain.metric import SourceSpec
from cmetrics.http.service import Policy, Service
from cmetrics.sources.base import Archive, Source


@dataclass(frozen=True, slots=True)
class ArchiveRegistration:
    """The archive of a source, with days that the source no longer serves."""

    policy: Policy
    #: Creates the archive from the client of the source, the client of the archive, and the cache folder.
    open: Callable[[Service, Service, Path | None], Archive]


@dataclass(frozen=True, slots=True)
class Registration:
    """A source with its description, its request policy, and its constructor."""

    spec: SourceSpec
    #: Returns the request policy for a GitHub token, which may be None.
    policy: Callable[[SecretStr | None], Policy]
    open: Callable[[Service], Source]
    #: Imports the archive.
    archive: Callable[[], ArchiveRegistration] | None = None
