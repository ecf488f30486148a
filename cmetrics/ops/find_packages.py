"""Find the packages of repositories in their manifests on GitHub, for `init`.

``GET /repos/{owner}/{repo}/contents/{path}``, docs.github.com/rest/repos/contents: with the raw media type, a file is
sent unchanged, and a folder as a JSON array of its entries.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from urllib.parse import quote

from pydantic import SecretStr, TypeAdapter

from cmetrics.domain.errors import NotFound, RateLimited, SourceError
from cmetrics.http.client import ServiceClient, open_http
from cmetrics.http.service import Policy
from cmetrics.http.validation import Shape, parse
from cmetrics.manifests import Manifest, parse_manifest
from cmetrics.ops.repository_settings import QUICK
from cmetrics.settings import NetworkSettings
from cmetrics.sources.github_api import policy

#: The maximum number of requests for one repository: its root, the manifests there, and the members of its workspaces.
MOST_REQUESTS = 25
#: The number of requests to leave for the check of names and the first refresh.
RESERVE = 10
#: Manifest → source of the metric. If a folder has several manifests of one source, the first is used.
SOURCES = {"pyproject.toml": "pypistats", "setup.cfg": "pypistats", "package.json": "npm", "Cargo.toml": "cratesio"}
#: Folders that often contain the package of one language → its manifest.
LANGUAGE_FOLDERS = {
    "python": "pyproject.toml",
    "py": "pyproject.toml",
    "nodejs": "package.json",
    "node": "package.json",
    "js": "package.json",
    "javascript": "package.json",
    "typescript": "package.json",
    "rust": "Cargo.toml",
}


@dataclass(frozen=True, slots=True)
class FoundPackage:
    """A package that a manifest names."""

    source: str
    name: str
    repository: str
    #: Path of the manifest in the repository.
    path: str


@dataclass(frozen=True, slots=True)
class PackageSearch:
    """The packages found, and notes on repositories that were not searched completely."""

    packages: tuple[FoundPackage, ...] = ()
    #: Notes on repositories that were searched only in part or not at all.
    notes: tuple[str, ...] = ()


class _Item(Shape):
    name: str
    type: str


_FOLDER = TypeAdapter(list[_Item])


def find_packages(
    repositories: Sequence[str], *, token: SecretStr | None, contact: str, network: NetworkSettings
) -> PackageSearch:
    """Return the packages that the manifests of ``repositories`` name, without private ones. Blocks."""
    return asyncio.run(_find(repositories, token, contact, network))


async def _find(
    repositories: Sequence[str], token: SecretStr | None, contact: str, network: NetworkSettings
) -> PackageSearch:
    packages: dict[tuple[str, str], FoundPackage] = {}
    notes: list[str] = []
    async with open_http(contact, QUICK, network) as http:
        client = ServiceClient(http, _raw(policy(token)), timeouts=QUICK)
        for number, repository in enumerate(repositories):
            search = _Search(client, repository)
            try:
                await search.run()
            except RateLimited as error:
                notes.append(_left("GitHub's rate limit is used up", repositories[number:], error.hint))
                break
            except SourceError as error:
                notes.append(_left(f"{error.message}", [repository], None))
            finally:
                for package in search.packages:
                    packages.setdefault((package.source, package.name), package)
            if search.is_cut:
                notes.append(f"{repository}: stopped after {MOST_REQUESTS} requests; it may have more packages")
    return PackageSearch(tuple(packages.values()), tuple(notes))


def _raw(plain: Policy) -> Policy:
    headers = {**plain.headers, "Accept": "application/vnd.github.raw+json"}
    return replace(plain.without_waits(), headers=headers)


def _left(reason: str, repositories: Sequence[str], hint: str | None) -> str:
    text = f"{reason}; not searched for packages: {', '.join(repositories)}"
    return f"{text}; {hint}" if hint else text


class _Search:
    """The manifests of one repository."""

    def __init__(self, client: ServiceClient, repository: str) -> None:
        self._client = client
        self._repository = repository
        self._requests = 0
        self.packages: list[FoundPackage] = []
        self.is_cut = False

    async def run(self) -> None:
        """Read the manifests at the root, of the members of workspaces, and of folders named after a language."""
        root = await self._folder("")
        names = {item.name for item in root if item.type != "dir"}
        folders = {item.name for item in root if item.type == "dir"}
        seen: set[str] = set()
        for file in SOURCES:
            if file == "setup.cfg" and "pyproject.toml" in names and self.packages:
                continue
            if file in names:
                await self._manifest("", file, seen)
        for folder, file in LANGUAGE_FOLDERS.items():
            if folder in folders:
                await self._manifest(folder, file, seen)

    async def _manifest(self, folder: str, file: str, seen: set[str]) -> None:
        path = f"{folder}/{file}" if folder else file
        if path in seen:
            return
        seen.add(path)
        body = await self._get(path)
        if body is None:
            return
        manifest = parse_manifest(file, body.decode("utf-8-sig", "replace"))
        if manifest.name and not manifest.is_private:
            self.packages.append(FoundPackage(SOURCES[file], manifest.name, self._repository, path))
        if not folder:
            for member in await self._members(manifest):
                await self._manifest(member, file, seen)

    async def _members(self, manifest: Manifest) -> list[str]:
        """Return the folders of a workspace; a last part with wildcards is looked up."""
        found: list[str] = []
        for pattern in (member.removeprefix("./").strip("/") for member in manifest.members):
            parent, _, last = pattern.rpartition("/")
            if ".." in pattern.split("/") or "*" in parent:
                continue
            if "*" not in last and "?" not in last:
                found.append(pattern)
                continue
            entries = await self._folder(parent)
            last = last.replace("**", "*")
            names = [item.name for item in entries if item.type == "dir" and fnmatchcase(item.name, last)]
            found += [f"{parent}/{name}" if parent else name for name in names]
        excluded = {folder.removeprefix("./").strip("/") for folder in manifest.excluded}
        return [folder for folder in dict.fromkeys(found) if folder and folder not in excluded]

    async def _folder(self, path: str) -> list[_Item]:
        body = await self._get(path)
        if body is None:
            return []
        return parse(_FOLDER, body, f"api.github.com, folder {path or '/'} of {self._repository}")

    async def _get(self, path: str) -> bytes | None:
        """Return a file or folder; None if it does not exist, or no more requests are allowed.

        Raises RateLimited before the quota is used up, and other SourceErrors.
        """
        if self._requests == MOST_REQUESTS:
            self.is_cut = True
            return None
        self._requests += 1
        try:
            response = await self._client.get(f"/repos/{self._repository}/contents/{quote(path)}".rstrip("/"))
        except NotFound:
            return None
        remaining = response.headers.get("x-ratelimit-remaining", "")
        if remaining.isdecimal() and int(remaining) < RESERVE:
            msg = "GitHub's rate limit is nearly used up"
            raise RateLimited(msg, service=self._client.policy.title, hint=self._client.policy.anonymous_hint)
        return response.body
