"""The registry of metric sources. A new source needs a module, its tests, and an entry below."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from pydantic import SecretStr

from cmetrics.domain.metric import SourceSpec
from cmetrics.http.service import Policy, Service
from cmetrics.sources import (
    cran,
    cratesio,
    dockerhub,
    duckdb,
    github,
    github_api,
    github_releases,
    github_traffic,
    homebrew,
    huggingface,
    npm,
    nuget,
    openvsx,
    packagist,
    pypistats,
    rubygems,
    vscode,
)
from cmetrics.sources.archives import clickpy, crates
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
        Registration(github.SPEC, github_api.policy, github.Github),
        Registration(github_releases.SPEC, github_api.policy, github_releases.GithubReleases),
        Registration(dockerhub.SPEC, lambda _: dockerhub.POLICY, dockerhub.DockerHub),
        Registration(huggingface.SPEC, lambda _: huggingface.POLICY, huggingface.HuggingFace),
        Registration(openvsx.SPEC, lambda _: openvsx.POLICY, openvsx.OpenVsx),
        Registration(vscode.SPEC, lambda _: vscode.POLICY, vscode.VsCode),
        Registration(nuget.SPEC, lambda _: nuget.POLICY, nuget.Nuget),
        Registration(cran.SPEC, lambda _: cran.POLICY, cran.Cran),
        Registration(duckdb.SPEC, lambda _: duckdb.POLICY, duckdb.Duckdb),
        Registration(github_traffic.SPEC, github_traffic.policy, github_traffic.GithubTraffic),
        Registration(homebrew.SPEC, lambda _: homebrew.POLICY, homebrew.Homebrew),
        Registration(packagist.SPEC, lambda _: packagist.POLICY, packagist.Packagist),
        Registration(rubygems.SPEC, lambda _: rubygems.POLICY, rubygems.Rubygems),
    )
}

SPECS: dict[str, SourceSpec] = {name: entry.spec for name, entry in REGISTRY.items()}
