"""Services that publish only a current count: the true history, and what they show of it.

Each subject has a number of events per day. A service shows their sum, with its peculiarities: it shows an old count
for some days and then jumps, restarts at zero, omits a subject, or corrects its count downwards.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any
from zlib import crc32

if TYPE_CHECKING:
    from tests.world.services import Reply, Request

DAY = timedelta(days=1)
DOCKER, OPENVSX, VSCODE = "hub.docker.com", "open-vsx.org", "marketplace.visualstudio.com"
NUGET, HUGGING_FACE = "azuresearch-usnc.nuget.org", "huggingface.co"
#: The host of the source in `tests/plugin`.
EXAMPLE = "counts.example.com"
COUNTER_HOSTS = (DOCKER, OPENVSX, VSCODE, NUGET, HUGGING_FACE, EXAMPLE)


@dataclass
class Count:
    """A cumulative count: its initial value, and the increase of each day."""

    base: int
    days: dict[date, int]
    #: If set, the service shows the count of that day.
    frozen_on: date | None = None
    #: What the service has subtracted from its count.
    correction: int = 0

    def at(self, today: date) -> int:
        """Return the count that the service shows on the morning of ``today``."""
        until = min(today, self.frozen_on) if self.frozen_on else today
        return self.base + sum(n for day, n in self.days.items() if day < until) - self.correction

    def within(self, days: int, today: date) -> int:
        """Return the increase over the last ``days`` days before ``today``."""
        return sum(n for day, n in self.days.items() if today - days * DAY <= day < today)


@dataclass
class Asset:
    """A file of a release."""

    number: int
    name: str
    count: Count
    created: date
    #: Omitted from responses, as happens to some assets for a night.
    is_hidden: bool = False


@dataclass
class Release:
    """A release with its files. A draft is visible only with push access."""

    tag: str
    published: date
    assets: list[Asset] = field(default_factory=list)
    is_draft: bool = False
    is_hidden: bool = False


@dataclass
class HubRepository:
    """A model, dataset or space at Hugging Face."""

    number: str
    name: str
    downloads: Count
    likes: Count


@dataclass
class Counters:
    """The counts of all subjects of these services."""

    #: namespace/name → pulls.
    images: dict[str, Count] = field(default_factory=dict)
    #: publisher.name → downloads at Open VSX, and installs at the VS Code Marketplace.
    openvsx: dict[str, Count] = field(default_factory=dict)
    vscode: dict[str, Count] = field(default_factory=dict)
    packages: dict[str, Count] = field(default_factory=dict)
    #: kind/owner/name → repository.
    hub: dict[str, HubRepository] = field(default_factory=dict)
    #: Old name at Hugging Face → new one.
    hub_renamed: dict[str, str] = field(default_factory=dict)
    #: owner/name → releases, newest first.
    releases: dict[str, list[Release]] = field(default_factory=dict)
    #: The number of the next asset.
    next_asset: int = 500_000

    @classmethod
    def default(cls, first: date, last: date) -> Counters:
        """Return one subject of each service, counted since before ``first``; days until ``last`` are known."""
        return cls(
            images={"lance/db": make_count(70_000, 13, 3, first, last)},
            openvsx={"Lance.viewer": make_count(1_500, 29, 5, first, last)},
            vscode={"Lance.viewer": make_count(11_966, 44, 6, first, last)},
            packages={"Lance.Net": make_count(821_000, 330, 7, first, last)},
            hub={
                "models/lance/embed": HubRepository(
                    "65f0a1", "lance/embed", make_count(98_000, 90, 8, first, last), make_count(12, 1, 9, first, last)
                ),
                "datasets/lance/laion": HubRepository(
                    "65f0a2", "lance/laion", make_count(5_000, 20, 10, first, last), make_count(40, 1, 11, first, last)
                ),
                "spaces/lance/demo": HubRepository(
                    "65f0a3", "lance/demo", make_count(0, 0, 12, first, last), make_count(7, 1, 13, first, last)
                ),
            },
        )

    def release(self, repository: str, first: date, last: date) -> list[Release]:
        """Publish three releases on ``first``, each with a file per system, and additional files in the newest."""
        listed = self.releases[repository] = [
            Release(tag, first, [self.asset(f"db-{system}.tar.gz", first, last, 60 * n + 1) for system in SYSTEMS])
            for n, tag in enumerate(("v0.3.0", "v0.2.0", "v0.1.0"), 1)
        ]
        # Checksums that installers fetch with each binary, and files shown in the release notes.
        for name in ("db-linux.tar.gz.sha256", "demo.gif", "sbom.json"):
            listed[0].assets.append(self.asset(name, first, last, 900))
        return listed

    def asset(self, name: str, first: date, last: date, base: int = 0) -> Asset:
        """Return a new asset that was uploaded on ``first``. Its number is never reused."""
        self.next_asset += 1
        return Asset(self.next_asset, name, make_count(base, 7, self.next_asset, first, last), first)

    def upload_again(self, repository: str, tag: str, name: str, today: date, last: date) -> Asset:
        """Replace a file by one with the same name, whose count starts at 0."""
        (release,) = (release for release in self.releases[repository] if release.tag == tag)
        (old,) = (asset for asset in release.assets if asset.name == name)
        release.assets[release.assets.index(old)] = new = self.asset(name, today, last)
        return new

    # -- responses ---------------------------------------------------------------------------------

    def answer(self, request: Request, today: date) -> Reply:
        """Return the response of one of :data:`COUNTER_HOSTS`."""
        return {
            DOCKER: self._docker,
            OPENVSX: self._openvsx,
            VSCODE: self._vscode,
            NUGET: self._nuget,
            HUGGING_FACE: self._hugging_face,
            EXAMPLE: self._example,
        }[request.host](request, today)

    def _docker(self, request: Request, today: date) -> Reply:
        from tests.world.services import Reply, as_json

        match = re.fullmatch(r"/v2/repositories/([^/]+)/([^/]+)(/?)", request.path)
        if match is None:
            return as_json({"message": "page not found"}, 404)
        namespace, name, slash = match.groups()
        if not slash:
            return Reply(301, b"", {"Location": f"{request.path}/"})
        if not any(image.startswith(f"{namespace}/") for image in self.images):
            return as_json({"count": 0, "next": None, "previous": None, "results": []})
        if (image := self.images.get(f"{namespace}/{name}")) is None:
            return as_json({"message": "object not found", "errinfo": {}}, 404)
        return as_json(
            {
                "user": namespace,
                "name": name,
                "namespace": namespace,
                "repository_type": "image",
                "status": 1,
                "star_count": 7,
                "pull_count": image.at(today),
            }
        )

    def _openvsx(self, request: Request, today: date) -> Reply:
        from tests.world.services import as_json

        match = re.fullmatch(r"/api/([^/]+)/([^/]+)", request.path)
        requested = f"{match[1]}.{match[2]}".lower() if match else ""
        found = next((name for name in self.openvsx if name.lower() == requested), None)
        if found is None:
            return as_json({"error": f"Extension not found: {requested}"}, 404)
        namespace, _, name = found.partition(".")
        return as_json({"namespace": namespace, "name": name, "downloadCount": self.openvsx[found].at(today)})

    def _vscode(self, request: Request, today: date) -> Reply:
        from tests.world.services import as_json, as_text

        accepted = request.headers.get("accept", "").startswith("application/json;api-version=")
        if request.method != "POST" or request.path != "/_apis/public/gallery/extensionquery" or not accepted:
            return as_text("The requested resource does not support this request.", 405, "text/plain")
        assert request.headers["content-type"] == "application/json"
        (query,) = json.loads(request.body)["filters"]
        names = [row["value"].lower() for row in query["criteria"] if row["filterType"] == 7]
        extensions = [
            self._extension(number, name, count.at(today))
            for number, (name, count) in enumerate(self.vscode.items())
            if name.lower() in names
        ]
        return as_json({"results": [{"extensions": extensions[: query["pageSize"]], "pagingToken": None}]})

    @staticmethod
    def _extension(number: int, name: str, installs: int) -> dict[str, Any]:
        publisher, _, short = name.partition(".")
        return {
            "publisher": {"publisherName": publisher},
            "extensionId": f"0000-{number}",
            "extensionName": short,
            "statistics": [
                {"statisticName": "averagerating", "value": 4.25},
                {"statisticName": "install", "value": float(installs)},
                {"statisticName": "updateCount", "value": float(3 * installs)},
            ],
        }

    def _nuget(self, request: Request, today: date) -> Reply:
        from tests.world.services import as_json

        assert request.path == "/query"
        requested = request.query["q"].removeprefix("packageid:").lower()
        data = [
            {"id": name, "version": "1.0.0", "totalDownloads": count.at(today), "versions": []}
            for name, count in self.packages.items()
            if name.lower() == requested
        ]
        return as_json({"totalHits": len(data), "data": data})

    def _hugging_face(self, request: Request, today: date) -> Reply:
        from tests.world.services import as_json

        subject = request.path.removeprefix("/api/")
        if target := self.hub_renamed.get(subject):
            return as_json({}, 307, Location=f"/api/{target}?{'&'.join(f'expand[]={f}' for f in request.fields)}")
        repository = self.hub.get(subject)
        if repository is None:
            return as_json({"error": "Invalid username or password."}, 401)
        counts = {
            "downloads": repository.downloads.within(30, today),
            "downloadsAllTime": repository.downloads.at(today),
            "likes": repository.likes.at(today),
        }
        shown = {name: counts[name] for name in request.fields}
        return as_json({"_id": repository.number, "id": repository.name, **shown})

    @staticmethod
    def _example(request: Request, today: date) -> Reply:
        from tests.world.services import as_json

        app = request.path.removeprefix("/v1/apps/")
        return as_json({"installs": today.toordinal() if app == "lens" else None}, 200 if app == "lens" else 404)

    def release_rows(self, repository: str, today: date, *, may_push: bool) -> list[dict[str, Any]]:
        """Return the releases of a repository with their files, newest first; drafts only with push access."""
        return [
            {
                "id": crc32(release.tag.encode()) + 1,
                "tag_name": release.tag,
                "name": release.tag,
                "draft": release.is_draft,
                "prerelease": False,
                "published_at": None if release.is_draft else f"{release.published}T06:00:00Z",
                "assets": [
                    {
                        "id": asset.number,
                        "name": asset.name,
                        "state": "uploaded",
                        "size": 1,
                        "download_count": asset.count.at(today),
                        "created_at": f"{asset.created}T12:00:00Z",
                    }
                    for asset in release.assets
                    if not asset.is_hidden
                ],
            }
            for release in self.releases.get(repository, [])
            if not release.is_hidden and (may_push or not release.is_draft)
        ]


SYSTEMS = ("linux", "macos", "windows")


def make_count(base: int, per_day: int, seed: int, first: date, last: date) -> Count:
    """Return a count that was ``base`` on ``first`` and grows by about ``per_day`` a day, less at weekends."""
    days: Iterable[date] = (first + n * DAY for n in range((last - first).days + 1))
    return Count(base, {day: _flow(per_day, seed, day) for day in days})


def _flow(per_day: int, seed: int, day: date) -> int:
    weekday = per_day * (2 if day.weekday() < 5 else 1) // 2
    return weekday + (seed * 7 + day.toordinal() * 13) % max(1, per_day // 2 + 1)
