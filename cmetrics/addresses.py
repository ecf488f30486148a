"""Parse web addresses of packages and repositories into the names that their services use. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from urllib.parse import unquote

from cmetrics.domain.errors import UsageError
from cmetrics.domain.sanitize import sanitize


class NameKind(StrEnum):
    """The kind of a name; the value is its option of `init`."""

    OWNER = "--org"
    PYPI = "--pypi"
    NPM = "--npm"
    CRATE = "--crate"
    GEM = "--gem"
    PACKAGIST = "--packagist"
    CRAN = "--cran"
    NUGET = "--nuget"
    HOMEBREW = "--brew"
    DOCKER = "--docker"
    HUGGING_FACE = "--hf"
    DUCKDB = "--duckdb"
    OPENVSX = "--openvsx"
    VSCODE = "--vscode"
    RELEASES = "--releases"
    TRAFFIC = "--traffic"
    REPOSITORY = "--repo"

    @property
    def source(self) -> str:
        """The ``source`` of a metric in cmetrics.toml; empty for an owner."""
        return _SOURCES.get(self, "")


_SOURCES = {
    NameKind.PYPI: "pypistats",
    NameKind.NPM: "npm",
    NameKind.CRATE: "cratesio",
    NameKind.GEM: "rubygems",
    NameKind.PACKAGIST: "packagist",
    NameKind.CRAN: "cran",
    NameKind.NUGET: "nuget",
    NameKind.HOMEBREW: "homebrew",
    NameKind.DOCKER: "dockerhub",
    NameKind.HUGGING_FACE: "huggingface",
    NameKind.DUCKDB: "duckdb",
    NameKind.OPENVSX: "openvsx",
    NameKind.VSCODE: "vscode",
    NameKind.RELEASES: "github-releases",
    NameKind.TRAFFIC: "github-traffic",
    NameKind.REPOSITORY: "github",
}


@dataclass(frozen=True, slots=True)
class Address:
    """The package, repository or owner that an address refers to."""

    kind: NameKind
    name: str


_END = r"(?:[/?#].*)?"
_NAME = r"[^/?#\s]+"
_SCHEME = re.compile(r"(?:git\+)?(?:https?|ssh|git)://(?:[^/@\s]*@)?(?:www\.)?", re.IGNORECASE)
_SCP = re.compile(r"(?:git\+)?(?:[\w.-]+@)(github\.com):(?!/)", re.IGNORECASE)
_HOSTS = re.compile(
    r"(?:github\.com|pypi\.org|pypistats\.org|npmjs\.com|crates\.io|lib\.rs|rubygems\.org|packagist\.org|"
    r"cran\.r-project\.org|nuget\.org|formulae\.brew\.sh|hub\.docker\.com|huggingface\.co|duckdb\.org|"
    r"open-vsx\.org|marketplace\.visualstudio\.com)(?:[:/]|$)",
    re.IGNORECASE,
)
#: Reserved first parts of paths at github.com, which are not owners.
_NO_OWNERS = frozenset({"apps", "collections", "features", "marketplace", "orgs", "settings", "sponsors", "topics"})
_FORMS = (
    (NameKind.OWNER, re.compile(rf"github\.com/orgs/({_NAME}){_END}")),
    (NameKind.REPOSITORY, re.compile(rf"github\.com/({_NAME}/{_NAME}){_END}")),
    (NameKind.OWNER, re.compile(rf"github\.com/({_NAME})/?")),
    (NameKind.PYPI, re.compile(rf"(?:pypi\.org/project|pypistats\.org/packages)/({_NAME}){_END}")),
    (NameKind.NPM, re.compile(rf"npmjs\.com/package/(@{_NAME}/{_NAME}|{_NAME}){_END}")),
    (NameKind.CRATE, re.compile(rf"(?:crates\.io|lib\.rs)/crates/({_NAME}){_END}")),
    (NameKind.GEM, re.compile(rf"rubygems\.org/gems/({_NAME}){_END}")),
    (NameKind.PACKAGIST, re.compile(rf"packagist\.org/packages/({_NAME}/{_NAME}){_END}")),
    (NameKind.CRAN, re.compile(rf"cran\.r-project\.org/(?:package=|web/packages/)({_NAME}){_END}")),
    (NameKind.NUGET, re.compile(rf"nuget\.org/packages/({_NAME}){_END}")),
    (NameKind.HOMEBREW, re.compile(rf"formulae\.brew\.sh/(?:formula/({_NAME})|(cask/{_NAME})){_END}")),
    (NameKind.DOCKER, re.compile(rf"hub\.docker\.com/(?:r/({_NAME}/{_NAME})|_/({_NAME})){_END}")),
    (NameKind.HUGGING_FACE, re.compile(rf"huggingface\.co/((?:datasets|spaces)/{_NAME}/{_NAME}){_END}")),
    (NameKind.HUGGING_FACE, re.compile(rf"huggingface\.co/({_NAME}/{_NAME}){_END}")),
    (NameKind.DUCKDB, re.compile(rf"duckdb\.org/community_extensions/extensions/({_NAME}?)(?:\.html)?{_END}")),
    (NameKind.OPENVSX, re.compile(rf"open-vsx\.org/extension/({_NAME}/{_NAME}){_END}")),
    (NameKind.VSCODE, re.compile(r"marketplace\.visualstudio\.com/items\?itemName=([^&#\s]+).*")),
)


def recognize(text: str) -> Address | None:
    """Return what the address ``text`` refers to; None if it is not that of a known kind of repository or package."""
    bare = _bare(text)
    if bare is None:
        return None
    for kind, form in _FORMS:
        match = form.fullmatch(unquote(bare))
        if match:
            name = _subject(kind, next(group for group in match.groups() if group))
            if kind in {NameKind.REPOSITORY, NameKind.OWNER} and name.split("/")[0].lower() in _NO_OWNERS:
                return None
            return Address(kind, name)
    return None


def _subject(kind: NameKind, name: str) -> str:
    """Return the name in an address as the subject of a metric."""
    if kind is NameKind.REPOSITORY:
        return name.removesuffix(".git")
    if kind is NameKind.HUGGING_FACE and name.count("/") == 1:
        return f"models/{name}"
    if kind is NameKind.DOCKER and "/" not in name:
        return f"library/{name}"
    return name.replace("/", ".") if kind is NameKind.OPENVSX else name


def parse_name(kind: NameKind, text: str) -> str:
    """Return the name in ``text``, the value of the option ``kind``: a plain name, or an address of that kind.

    Raises UsageError for any other address.
    """
    address = recognize(text)
    if address is None:
        if _bare(text) is None:
            return text
        msg = f"{kind} {sanitize(text, limit=80)!r} is not an address of a repository or package"
        raise UsageError(msg, hint="use the address of its page at the service, or the name alone")
    if address.kind is not kind:
        msg = f"{kind} {sanitize(text, limit=80)!r} is an address for {address.kind}"
        raise UsageError(msg, hint=f"use {address.kind} {sanitize(address.name, limit=80)}")
    return address.name


def _bare(text: str) -> str | None:
    """Return an address without scheme, user and ``www.``, its host in lower case; None for anything else."""
    scp = _SCP.match(text)
    if scp:
        return f"github.com/{text[scp.end() :]}"
    scheme = _SCHEME.match(text)
    rest = text[scheme.end() :] if scheme else text
    if not scheme and not _HOSTS.match(rest):
        return None
    host, separator, path = rest.partition("/")
    return f"{host.lower().removesuffix(':443').removesuffix(':22')}{separator}{path}"
