"""Addresses that people copy from a browser or from `git remote -v`, as names at their service. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from urllib.parse import unquote

from cmetrics.domain.errors import UsageError
from cmetrics.domain.sanitize import sanitize


class NameKind(StrEnum):
    """What a name belongs to; the value is the option of `init` that takes it."""

    OWNER = "--org"
    PYPI = "--pypi"
    NPM = "--npm"
    CRATE = "--crate"
    REPOSITORY = "--repo"


@dataclass(frozen=True, slots=True)
class Address:
    """What an address leads to."""

    kind: NameKind
    name: str


_END = r"(?:[/?#].*)?"
_NAME = r"[^/?#\s]+"
_SCHEME = re.compile(r"(?:git\+)?(?:https?|ssh|git)://(?:[^/@\s]*@)?(?:www\.)?", re.IGNORECASE)
_SCP = re.compile(r"(?:git\+)?(?:[\w.-]+@)(github\.com):(?!/)", re.IGNORECASE)
_HOSTS = re.compile(r"(?:github\.com|pypi\.org|pypistats\.org|npmjs\.com|crates\.io|lib\.rs)(?:[:/]|$)", re.IGNORECASE)
#: First parts of paths at github.com that are no owners.
_NO_OWNERS = frozenset({"apps", "collections", "features", "marketplace", "orgs", "settings", "sponsors", "topics"})
_FORMS = (
    (NameKind.OWNER, re.compile(rf"github\.com/orgs/({_NAME}){_END}")),
    (NameKind.REPOSITORY, re.compile(rf"github\.com/({_NAME}/{_NAME}){_END}")),
    (NameKind.OWNER, re.compile(rf"github\.com/({_NAME})/?")),
    (NameKind.PYPI, re.compile(rf"(?:pypi\.org/project|pypistats\.org/packages)/({_NAME}){_END}")),
    (NameKind.NPM, re.compile(rf"npmjs\.com/package/(@{_NAME}/{_NAME}|{_NAME}){_END}")),
    (NameKind.CRATE, re.compile(rf"(?:crates\.io|lib\.rs)/crates/({_NAME}){_END}")),
)


def recognize(text: str) -> Address | None:
    """Return what ``text`` leads to; None if it is not an address of a repository or package that we know."""
    bare = _bare(text)
    if bare is None:
        return None
    for kind, form in _FORMS:
        match = form.fullmatch(unquote(bare))
        if match:
            name = match[1]
            if kind in {NameKind.REPOSITORY, NameKind.OWNER} and name.split("/")[0].lower() in _NO_OWNERS:
                return None
            return Address(kind, name.removesuffix(".git") if kind is NameKind.REPOSITORY else name)
    return None


def parse_name(kind: NameKind, text: str) -> str:
    """Return the name in ``text``, the value of the option ``kind``: a name as it is, or an address of that kind.

    Raises UsageError for an address of another kind and for one that leads to none.
    """
    address = recognize(text)
    if address is None:
        if _bare(text) is None:
            return text
        msg = f"{kind} {sanitize(text, limit=80)!r} is not an address of a repository or package"
        raise UsageError(msg, hint="use an address of GitHub, PyPI, npm or crates.io, or the name alone")
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
