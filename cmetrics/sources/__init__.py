"""The services that metrics are read from. Adding one is a module, its tests, and a line below."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from pydantic import SecretStr

from cmetrics.domain.metric import SourceSpec
from cmetrics.http.service import Policy, Service
from cmetrics.sources import cratesio, github, npm, pypistats
from cmetrics.sources.archives import clickpy, crates
from cmetrics.sources.base import Archive, Source


@dataclass(frozen=True, slots=True)
class ArchiveRegistration:
    """Where the older days of a source are."""

    policy: Policy
    #: From the source's own lane, the archive's, and the folder for what is kept between runs.
    open: Callable[[Service, Service, Path | None], Archive]


@dataclass(frozen=True, slots=True)
class Registration:
    """A source as the rest of the program meets it."""

    spec: SourceSpec
    #: From the GitHub token (or None) to how the service wants to be treated.
    policy: Callable[[SecretStr | None], Policy]
    open: Callable[[Service], Source]
    archive: ArchiveRegistration | None = None


REGISTRY: dict[str, Registration] = {
    entry.spec.name: entry
    for entry in (
        Registration(
            pypistats.SPEC,
            lambda _: pypistats.POLICY,
            pypistats.Pypistats,
            ArchiveRegistration(clickpy.POLICY, lambda _, client, __: clickpy.ClickPy(client)),
        ),
        Registration(
            cratesio.SPEC,
            lambda _: cratesio.POLICY,
            cratesio.Cratesio,
            ArchiveRegistration(crates.POLICY, crates.CratesArchive),
        ),
        Registration(npm.SPEC, lambda _: npm.POLICY, npm.Npm),
        Registration(github.SPEC, github.policy, github.Github),
    )
}

SPECS: dict[str, SourceSpec] = {name: entry.spec for name, entry in REGISTRY.items()}
