"""api.github.com: downloads of the files attached to releases, one series per repository.

From docs.github.com ("List releases") and public recordings of nightly reads (4,445 responses of one repository,
53,367 readings of another):

- ``download_count`` belongs to the id of an asset and never fell. A file that is uploaded again is a new asset
  that begins at 0 (badges/shields#10130), as with every rolling ``nightly`` release.
- Releases were missing from single responses, and came back with the same ids and counts; twice, the list was empty.
  A missing asset is therefore no information, and an empty list is an error.
- Source archives (zip, tarball) are not counted. Drafts, which only people with push access see, are not
  public.
- Some of the most requested files are not downloads of the software: pictures in release notes, checksums
  and signatures, which installers fetch together with a binary.
- A release with its assets takes about 2.5 KB plus 1.6 KB per asset. Full pages of 100 releases can exceed
  the size limit of a response, so a page has 30.

Policy and terms: see :mod:`cmetrics.sources.github_api`.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from fnmatch import fnmatchcase
from typing import Annotated
from urllib.parse import unquote

from pydantic import AwareDatetime, Field, TypeAdapter

from cmetrics.domain.errors import InvalidResponse, SourceError
from cmetrics.domain.kind import counter
from cmetrics.domain.metric import Metric, SourceSpec
from cmetrics.domain.observation import Reading
from cmetrics.domain.sanitize import sanitize
from cmetrics.http.service import Service
from cmetrics.http.validation import Count, Shape, parse
from cmetrics.sources import github_api
from cmetrics.sources.base import FetchRequest, FetchResult, fetch_subjects
from cmetrics.sources.github_api import REPOSITORY_HINT, REPOSITORY_PATTERN, TITLE, GithubClient, next_page
from cmetrics.sources.registration import Registration
from cmetrics.sources.release_list import Release
from cmetrics.sources.renames import check_current_name

SPEC = SourceSpec(
    name="github-releases",
    title=f"{TITLE} (releases)",
    service_name="GitHub",
    measures={"downloads": counter("downloads")},
    sdk=None,
    display_name="GitHub Releases",
    subject_pattern=REPOSITORY_PATTERN,
    subject_hint=REPOSITORY_HINT,
    page="https://github.com/{subject}/releases",
    terms="https://docs.github.com/en/site-policy/github-terms/github-terms-of-service",
    counts="Downloads of the files attached to all releases of a repository. Checksums, signatures, SBOMs, texts and "
    "pictures are left out unless the catalogue includes them; source archives are not counted by GitHub. CI runs and "
    "package managers that install from releases count. Read once a night.",
    list_options=frozenset({"include", "exclude"}),
)

#: Case-insensitive patterns of names that are left out unless an entry includes them.
LEFT_OUT = (
    # Checksums.
    *("*.sha1", "*.sha256", "*.sha384", "*.sha512", "*.sha*sum", "*.md5", "*.md5sum", "*.b3", "*.crc", "*.digest"),
    *("*sha256sum*", "*sha512sum*", "*checksums*"),
    # Signatures, certificates, attestations.
    *("*.sig", "*.asc", "*.gpg", "*.minisig", "*.sigstore", "*.sigstore.json", "*.pem", "*.crt", "*.cert", "*.pub"),
    *("*.intoto.jsonl", "*.att", "*.attestation", "*.provenance", "*.rekor"),
    # Software bills of materials.
    *("*.sbom*", "*sbom.json", "*.spdx*", "*.cdx*", "*.cyclonedx*", "*.bom"),
    # Texts, and the indexes of updaters.
    *("*.txt", "*.md", "*.rst", "*.json", "*.yml", "*.yaml", "*.xml", "*.html", "*.zsync", "*.blockmap", "license*"),
    # Pictures and recordings in release notes.
    *("*.gif", "*.png", "*.jpg", "*.jpeg", "*.svg", "*.webp", "*.mp4", "*.mov", "*.webm"),
)

RELEASES_PER_PAGE = 30
#: GitHub lists 10,000 releases at most.
LAST_PAGE = 10_000 // RELEASES_PER_PAGE + 1
_RELEASE_PAGE = re.compile(r"https://github\.com/(?P<repository>[^/]+/[^/]+)/releases/.*")
_LONGEST_NAME = 200


class _Asset(Shape):
    id: Annotated[int, Field(ge=1, le=2**53)]
    name: Annotated[str, Field(min_length=1)]
    download_count: Count
    #: ``uploaded``, unless the upload is incomplete.
    state: str = "uploaded"
    created_at: Annotated[AwareDatetime, Field(strict=False)] | None = None


class _Release(Release):
    assets: list[_Asset]


_RELEASES = TypeAdapter(list[_Release])


@dataclass(frozen=True, slots=True)
class Asset:
    """One downloadable file of a published release."""

    #: Never reused for another file.
    number: int
    #: The file name.
    name: str
    tag: str
    downloads: int
    created_at: datetime | None


@dataclass(frozen=True, slots=True)
class ReleasePage:
    """One page of the releases of a repository."""

    #: Drafts included.
    releases: tuple[Release, ...]
    assets: tuple[Asset, ...]
    #: The current name of the repository, if the page states it.
    repository: str | None


def parse_releases(body: bytes, subject: str) -> ReleasePage:
    """Return the uploaded assets of the published releases on a page. Raises InvalidResponse for a duplicate id."""
    where = f"{TITLE}, releases of {subject}"
    rows = parse(_RELEASES, body, where)
    assets = [
        Asset(
            asset.id,
            sanitize(asset.name, limit=_LONGEST_NAME),
            sanitize(release.tag_name, limit=_LONGEST_NAME),
            asset.download_count,
            asset.created_at,
        )
        for release in rows
        if not release.draft
        for asset in release.assets
        if asset.state == "uploaded"
    ]
    if len({asset.number for asset in assets}) < len(assets):
        msg = f"{where} lists an asset twice"
        raise InvalidResponse(msg, service=TITLE)
    return ReleasePage(tuple(rows), tuple(assets), _repository(rows))


def _repository(rows: Iterable[Release]) -> str | None:
    """Return the repository in the address of a release; None if no address has the documented form."""
    for row in rows:
        match = _RELEASE_PAGE.fullmatch(row.html_url)
        if match and re.fullmatch(REPOSITORY_PATTERN, unquote(match["repository"])):
            return unquote(match["repository"])
    return None


def is_counted(name: str, include: Sequence[str], exclude: Sequence[str]) -> bool:
    """Return whether the downloads of the file ``name`` count, given the patterns of a catalogue entry.

    Patterns are case-insensitive shell globs. With ``include``, only names that match one of its patterns count,
    otherwise all except :data:`LEFT_OUT`. Names that match ``exclude`` never count.
    """
    included = _matches(name, include) if include else not _matches(name, LEFT_OUT)
    return included and not _matches(name, exclude)


def _matches(name: str, patterns: Iterable[str]) -> bool:
    return any(fnmatchcase(name.lower(), pattern.lower()) for pattern in patterns)


def select_assets(assets: Sequence[Asset], metric: Metric) -> tuple[Asset, ...]:
    """Return the assets that count for ``metric``. Raises InvalidResponse if there are none."""
    include, exclude = metric.option("include"), metric.option("exclude")
    counted = tuple(asset for asset in assets if is_counted(asset.name, include, exclude))
    if not assets:
        msg = f"{TITLE}, releases of {metric.subject}: no release has a file"
        raise InvalidResponse(msg, service=TITLE)
    if not counted:
        msg = f"{TITLE}, releases of {metric.subject}: none of {len(assets)} files counts"
        raise InvalidResponse(msg, service=TITLE, hint="set include, a list of patterns, in cmetrics.toml")
    return counted


@dataclass(frozen=True, slots=True)
class _Releases:
    """All releases of a repository as fetched once."""

    releases: tuple[Release, ...]
    assets: tuple[Asset, ...]
    repository: str


class GithubReleases:
    """See :class:`cmetrics.sources.base.Source`."""

    spec = SPEC

    def __init__(self, client: Service) -> None:
        self._client = client
        self._api = GithubClient(client)

    async def fetch(self, requests: Sequence[FetchRequest]) -> AsyncIterator[FetchResult]:
        """Yield one result per metric. Metrics of one repository, with different patterns, share its pages."""
        async for result in fetch_subjects(requests, SPEC.canonical, self._fetch):
            yield result

    async def _fetch(self, requests: Sequence[FetchRequest]) -> list[FetchResult]:
        subject = requests[0].metric.subject
        self._api.select(subject)
        found = await self._read_pages(subject)
        at, warnings = self._client.now(), self._api.take_warnings()
        return [self._build_result(request, found, at, warnings) for request in requests]

    @staticmethod
    def _build_result(request: FetchRequest, found: _Releases, at: datetime, warnings: tuple[str, ...]) -> FetchResult:
        try:
            renamed = check_current_name(request, found.repository, None)
            readings = tuple(
                Reading(str(asset.number), f"{asset.tag}/{asset.name}", asset.downloads, at, asset.created_at)
                for asset in select_assets(found.assets, request.metric)
            )
        except SourceError as error:
            return FetchResult(request, error=error, warnings=warnings)
        return FetchResult(
            request,
            readings=readings,
            subject=found.repository,
            warnings=(*warnings, *renamed),
            releases=found.releases,
        )

    async def _read_pages(self, subject: str) -> _Releases:
        """Fetch all pages. A release that is published meanwhile moves assets to the next page, where they are ignored.

        Raises InvalidResponse for an empty page that the previous page refers to, because its content is unknown.
        """
        releases: dict[int, Release] = {}
        assets: dict[int, Asset] = {}
        repository = subject
        page: int | None = 1
        while page is not None:
            if page > LAST_PAGE:
                msg = f"{TITLE}, releases of {subject}, has more pages than GitHub serves ({LAST_PAGE})"
                raise InvalidResponse(msg, service=TITLE)
            params = {"per_page": str(RELEASES_PER_PAGE), "page": str(page)}
            response = await self._api.get(f"/repos/{subject}/releases", params)
            found = parse_releases(response.body, subject)
            if not found.releases and page > 1:
                msg = f"{TITLE}, releases of {subject}, has an empty page ({page})"
                raise InvalidResponse(msg, service=TITLE)
            for release in found.releases:
                releases.setdefault(release.id, release)
            for asset in found.assets:
                assets.setdefault(asset.number, asset)
            repository = found.repository or repository
            self._client.step("pages of releases", page - 1, page)
            # A list that fits on one page has no Link header.
            page = (
                next_page(response, page, len(found.releases), RELEASES_PER_PAGE)
                if "link" in response.headers
                else None
            )
        return _Releases(tuple(releases.values()), tuple(assets.values()), repository)


REGISTRATION = Registration(SPEC, github_api.policy, GithubReleases)
