"""The registry of metric sources. A new source needs a module, its tests, and an entry below.

Other packages add sources by entry points; see `cmetrics.sources.plugins`.
"""

from __future__ import annotations

from collections.abc import Mapping

from cmetrics.domain.metric import SourceSpec
from cmetrics.sources.plugins import Registry, Specs
from cmetrics.sources.registration import ArchiveRegistration, Registration

__all__ = ["REGISTRY", "SPECS", "ArchiveRegistration", "Registration"]

#: The module of each source, which has its `Registration` under the name ``REGISTRATION``. Imported when the source
#: is looked up, because most catalogues use a few sources, and importing all of them would double the time of
#: `status`.
MODULES = {
    "pypistats": "pypistats",
    "cratesio": "cratesio",
    "npm": "npm",
    "github": "github",
    "github-releases": "github_releases",
    "dockerhub": "dockerhub",
    "huggingface": "huggingface",
    "openvsx": "openvsx",
    "vscode": "vscode",
    "nuget": "nuget",
    "cran": "cran",
    "duckdb": "duckdb",
    "github-traffic": "github_traffic",
    "homebrew": "homebrew",
    "packagist": "packagist",
    "rubygems": "rubygems",
}

REGISTRY = Registry({name: f"{__name__}.{module}" for name, module in MODULES.items()})

SPECS: Mapping[str, SourceSpec] = Specs(REGISTRY)
