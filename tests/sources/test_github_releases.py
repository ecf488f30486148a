from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from cmetrics.domain.errors import InvalidResponse
from cmetrics.sources.github_releases import is_counted, parse_releases, select_assets
from tests.samples import a_metric
from tests.sources.responses import HTML_PAGES, INVALID_COUNTS, INVALID_RESPONSES


def asset(number: int = 7, name: str = "app-linux.tar.gz", count: int = 5, **changes) -> dict[str, Any]:
    whole = {"id": number, "name": name, "size": 1, "state": "uploaded", "download_count": count}
    return whole | {"created_at": "2026-02-28T23:59:59Z"} | changes


def release(*assets: dict[str, Any], tag: str = "v1.0", **changes) -> dict[str, Any]:
    whole = {"id": 1, "tag_name": tag, "draft": False, "prerelease": False, "assets": list(assets)}
    return whole | {"html_url": f"https://github.com/owner/name/releases/tag/{tag}"} | changes


def page(*releases: dict[str, Any]) -> bytes:
    return json.dumps(list(releases)).encode()


def rejection(body: bytes) -> str:
    with pytest.raises(InvalidResponse, match=r"^api\.github\.com, releases of owner/name\b") as caught:
        parse_releases(body, "owner/name")
    return str(caught.value)


def test_assets():
    """Every asset has its id, its release and its count."""
    found = parse_releases(page(release(asset(7), asset(8, "app.dmg", 0)), release(tag="v0.9")), "owner/name")
    assert len(found.releases) == 2
    assert [(row.number, row.name, row.tag, row.downloads) for row in found.assets] == [
        (7, "app-linux.tar.gz", "v1.0", 5),
        (8, "app.dmg", "v1.0", 0),
    ]
    assert found.assets[0].created_at == datetime(2026, 2, 28, 23, 59, 59, tzinfo=UTC)
    assert found.repository == "owner/name"


def test_empty_list():
    """An empty page has no assets and is not an error by itself."""
    assert parse_releases(b"[]", "owner/name").assets == ()


def test_drafts():
    """Drafts, which are visible only with push access, are not counted."""
    found = parse_releases(page(release(asset(7), draft=True), release(asset(8), tag="v0.9")), "owner/name")
    assert [row.number for row in found.assets] == [8]
    assert len(found.releases) == 2


def test_incomplete_upload():
    """An incompletely uploaded file is not counted."""
    assert parse_releases(page(release(asset(state="open"))), "owner/name").assets == ()


def test_asset_listed_twice():
    """A duplicate asset id on a page is rejected."""
    assert "twice" in rejection(page(release(asset(7)), release(asset(7), tag="v0.9")))


def test_renamed_repository():
    """The current name of a repository is read from the address of a release."""
    moved = release(asset(), html_url="https://github.com/new/home/releases/tag/v1.0")
    assert parse_releases(page(moved), "owner/name").repository == "new/home"


@pytest.mark.parametrize(
    "address", ["https://example.com/a/b/releases/tag/1", "https://github.com/a b/c/releases/x", ""]
)
def test_address_in_another_form(address: str):
    """No repository name is read from an address in another form."""
    assert parse_releases(page(release(asset(), html_url=address)), "owner/name").repository is None


def test_control_characters():
    """Control characters are removed from names."""
    (found,) = parse_releases(page(release(asset(name="a\x1b[31m.zip"), tag="v\n1")), "owner/name").assets
    assert "\x1b" not in found.name
    assert "\n" not in found.tag


@pytest.mark.parametrize("text", INVALID_COUNTS)
def test_invalid_count(text: str):
    """An invalid count is rejected."""
    rejection(page(release(asset(count=777))).replace(b"777", text.encode()))


@pytest.mark.parametrize("text", ["0", "-1", "true", '"7"', "null", "1.5", "99999999999999999999"])
def test_invalid_id(text: str):
    """An invalid asset id is rejected."""
    assert "id" in rejection(page(release(asset(777))).replace(b'"id": 777', f'"id": {text}'.encode()))


@pytest.mark.parametrize("body", INVALID_RESPONSES, ids=lambda body: body[:20])
def test_invalid_response(body: bytes):
    """An invalid response is rejected."""
    rejection(body)


@pytest.mark.parametrize("html", HTML_PAGES)
def test_html_page(html: bytes):
    """The error names an HTML page as such."""
    assert "HTML page instead of JSON" in rejection(html)


# -- which files are counted ---------------------------------------------------------------------


@pytest.mark.parametrize(
    "name",
    [
        "app.dmg",
        "app-linux-x86_64.tar.gz",
        "app.AppImage",
        "setup.exe",
        "app.msi",
        "app_1.0_amd64.deb",
        "app.whl",
        "app-darwin",
        "app.vsix",
        "model.safetensors",
        "app.jar",
    ],
)
def test_counted_by_default(name: str):
    """Binaries and packages are counted by default."""
    assert is_counted(name, (), ())


@pytest.mark.parametrize(
    "name",
    [
        "app.tar.gz.sha256",
        "SHA256SUMS",
        "checksums.txt",
        "app_checksums_sha512.bin",
        "app.sha256sum",
        "app.tar.gz.sig",
        "app.tar.gz.ASC",
        "app.pem",
        "multiple.intoto.jsonl",
        "app.sbom.json",
        "app.spdx",
        "latest-mac.yml",
        "app.AppImage.zsync",
        "app.exe.blockmap",
        "notes.txt",
        "screencast.GIF",
        "icon.png",
        "demo.mp4",
    ],
)
def test_excluded_by_default(name: str):
    """Checksums, signatures, SBOMs, texts and pictures are not counted by default."""
    assert not is_counted(name, (), ())
    assert is_counted(name, (name,), ())


@pytest.mark.parametrize(
    ("include", "exclude", "counted"),
    [
        (["*.dmg", "*.json"], [], ["app.dmg", "data.json"]),
        ([], ["*.dmg"], ["app.exe"]),
        (["APP.*"], ["*.exe", "*.sha256"], ["app.dmg"]),
    ],
)
def test_patterns(include: list[str], exclude: list[str], counted: list[str]):
    """``include`` replaces the default selection, and ``exclude`` is removed from any selection."""
    names = ["app.dmg", "app.exe", "app.sha256", "data.json"]
    assert [name for name in names if is_counted(name, include, exclude)] == counted


def test_no_assets():
    """A repository without files is an error, not 0 downloads."""
    with pytest.raises(InvalidResponse, match="no release has a file"):
        select_assets((), a_metric("github-releases"))


def test_no_counted_assets():
    """If no file is counted, the error names the option."""
    assets = parse_releases(page(release(asset(name="a.txt"), asset(8, "b.sig"))), "owner/name").assets
    with pytest.raises(InvalidResponse, match=r"none of 2 files counts; set include"):
        select_assets(assets, a_metric("github-releases"))
