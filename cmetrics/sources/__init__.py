"""The registry of metric sources. A new source needs a module, its tests, and an entry below.

Other packages add sources by entry points; see `cmetrics.sources.plugins`.
"""

from __future__ import annotations

from collections.abc import Mapping

from cmetrics.domain.metric import SourceSpec
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
from cmetrics.sources.plugins import Registry, Specs
from cmetrics.sources.registration import ArchiveRegistration, Registration

__all__ = ["REGISTRY", "SPECS", "ArchiveRegistration", "Registration"]


REGISTRY = Registry(
    (
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
)

SPECS: Mapping[str, SourceSpec] = Specs(REGISTRY)
