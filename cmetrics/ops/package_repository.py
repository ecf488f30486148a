"""Find the repository that a registry names for a package, for `init`: its name may belong to someone else.

Only crates.io is asked (``GET /crates/{crate}``). The services that count downloads from PyPI and npm do not state a
repository.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from urllib.parse import quote

from pydantic import TypeAdapter

from cmetrics.addresses import NameKind, recognize
from cmetrics.domain.errors import SourceError
from cmetrics.http.client import ServiceClient, open_http
from cmetrics.http.service import Sleep
from cmetrics.http.validation import Shape, parse
from cmetrics.ops.find_packages import FoundPackage
from cmetrics.ops.repository_settings import QUICK
from cmetrics.settings import NetworkSettings
from cmetrics.sources import cratesio


class _Crate(Shape):
    repository: str | None = None


class _Document(Shape):
    crate: _Crate


_DOCUMENT = TypeAdapter(_Document)


def find_foreign(
    packages: Sequence[FoundPackage], *, contact: str, network: NetworkSettings, sleep: Sleep
) -> dict[FoundPackage, str]:
    """Return the crates whose registry names a repository of another owner, with that repository. Blocks.

    Crates without a repository, and those for which the request fails, are left out.
    """
    crates = [package for package in packages if package.source == cratesio.SPEC.name]
    return asyncio.run(_find(crates, contact, network, sleep)) if crates else {}


async def _find(
    crates: Sequence[FoundPackage], contact: str, network: NetworkSettings, sleep: Sleep
) -> dict[FoundPackage, str]:
    foreign: dict[FoundPackage, str] = {}
    async with open_http(contact, QUICK, network) as http:
        client = ServiceClient(http, replace(cratesio.POLICY, limit_waits=()), timeouts=QUICK, sleep=sleep)
        for package in crates:
            try:
                response = await client.get(f"/crates/{quote(package.name, safe='')}", {"include": "downloads"})
                crate = parse(_DOCUMENT, response.body, f"crates.io, crate {package.name}").crate
            except SourceError:
                continue
            address = recognize(crate.repository or "")
            if address is None or address.kind is not NameKind.REPOSITORY:
                continue
            if address.name.split("/")[0].lower() != package.repository.split("/")[0].lower():
                foreign[package] = address.name
    return foreign
