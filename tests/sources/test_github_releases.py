from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from cmetrics.domain.errors import InvalidResponse
from cmetrics.sources.github_releases import is_counted, parse_releases, select_assets
from tests.samples import a_metric
from tests.sources.responses import HTML_PAGES, NO_ANSWERS, NO_COUNTS


def asset(number: int = 7, name: str = "app-linux.tar.gz", count: int = 5, **changes) -> dict[str, Any]:
    whole = {"id": number, "name": name, "size": 1, "state": "uploaded", "download_count": count}
    return whole | {"created_at": "2026-02-28T23:59:59Z"} | changes


def release(*assets: dict[str, Any], tag: str = "v1.0", **changes) -> dict[str, Any]:
    whole = {"id": 1, "tag_name": tag, "draft": False, "prerelease": False, "assets": list(assets)}
    return whole | {"html_url": f"https://github.com/owner/name/releases/tag/{tag}"} | changes


def page(*releases: dict[str, Any]) -> bytes:
    return json.dumps(list(releases)).encode()


def refused(body: bytes) -> str:
    with pytest.raises(InvalidResponse, match=r"^api\.github\.com, releases of owner/name\b") as caught:
        parse_releases(body, "owner/name")
    return str(caught.value)


def test_assets():
    """Every asset is returned with its id, its release and its count."""
    found = parse_releases(page(release(asset(7), asset(8, "app.dmg", 0)), release(tag="v0.9")), "owner/name")
    assert len(found.releases) == 2
    assert [(row.number, row.name, row.tag, row.downloads) for row in found.assets] == [
        (7, "app-linux.tar.gz", "v1.0", 5),
        (8, "app.dmg", "v1.0", 0),
    ]
    assert found.assets[0].created_at == datetime(2026, 2, 28, 23, 59, 59, tzinfo=UTC)
    assert found.repository == "owner/name"


def test_empty_list():
    """An empty list has no assets; what that means is decided for all pages together."""
    assert parse_releases(b"[]", "owner/name").assets == ()


def test_drafts():
    """Drafts, which only people with push access see, do not count."""
    found = parse_releases(page(release(asset(7), draft=True), release(asset(8), tag="v0.9")), "owner/name")
    assert [row.number for row in found.assets] == [8]
    assert len(found.releases) == 2


def test_file_that_is_being_uploaded():
    """A file that has not arrived in full does not count."""
    assert parse_releases(page(release(asset(state="open"))), "owner/name").assets == ()


def test_asset_listed_twice():
    """An id is listed once on a page."""
    assert "twice" in refused(page(release(asset(7)), release(asset(7), tag="v0.9")))


def test_renamed_repository():
    """The current name of the repository is in the address of a release."""
    moved = release(asset(), html_url="https://github.com/new/home/releases/tag/v1.0")
    assert parse_releases(page(moved), "owner/name").repository == "new/home"


@pytest.mark.parametrize(
    "address", ["https://example.com/a/b/releases/tag/1", "https://github.com/a b/c/releases/x", ""]
)
def test_address_in_another_form(address: str):
    """An address in another form does not name a repository."""
    assert parse_releases(page(release(asset(), html_url=address)), "owner/name").repository is None


def test_control_characters():
    """Names are shown to people, so control characters are removed."""
    (found,) = parse_releases(page(release(asset(name="a\x1b[31m.zip"), tag="v\n1")), "owner/name").assets
    assert "\x1b" not in found.name
    assert "\n" not in found.tag


@pytest.mark.parametrize("text", NO_COUNTS)
def test_what_is_no_count(text: str):
    """What is not a count is refused."""
    refused(page(release(asset(count=777))).replace(b"777", text.encode()))


@pytest.mark.parametrize("text", ["0", "-1", "true", '"7"', "null", "1.5", "99999999999999999999"])
def test_what_is_no_id(text: str):
    """What is not the id of an asset is refused."""
    assert "id" in refused(page(release(asset(777))).replace(b'"id": 777', f'"id": {text}'.encode()))


@pytest.mark.parametrize("body", NO_ANSWERS, ids=lambda body: body[:20])
def test_what_is_no_answer(body: bytes):
    """What is not an answer is refused."""
    refused(body)


@pytest.mark.parametrize("html", HTML_PAGES)
def test_html_page(html: bytes):
    """An HTML page is called one."""
    assert "HTML page instead of JSON" in refused(html)


# -- which files count ---------------------------------------------------------------------------


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
    """Binaries and packages count."""
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
def test_left_out_by_default(name: str):
    """Checksums, signatures, SBOMs, texts and pictures do not count unless they are included."""
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
    """``include`` replaces the default selection, ``exclude`` is taken off any selection."""
    names = ["app.dmg", "app.exe", "app.sha256", "data.json"]
    assert [name for name in names if is_counted(name, include, exclude)] == counted


def test_no_asset_at_all():
    """A repository without files is a failure, and never 0 downloads."""
    with pytest.raises(InvalidResponse, match="no release has a file"):
        select_assets((), a_metric("github-releases"))


def test_no_asset_that_counts():
    """Files of which none counts are a failure that names the option."""
    assets = parse_releases(page(release(asset(name="a.txt"), asset(8, "b.sig"))), "owner/name").assets
    with pytest.raises(InvalidResponse, match=r"none of 2 files counts; set include"):
        select_assets(assets, a_metric("github-releases"))
