"""A build takes the folder's place at once, or leaves it as it was."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from cmetrics.domain.errors import SiteError
from cmetrics.site.write import write_site
from tests.conftest import Home

FILES = {"index.html": b"one", "assets/a.css": b"x"}


def names(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


def test_a_second_build_replaces_the_first_and_leaves_nothing_of_it(tmp_path):
    out = tmp_path / "site"
    write_site(FILES.items(), out)
    write_site({"index.html": b"two"}.items(), out)
    assert (out / "index.html").read_bytes() == b"two"
    assert names(out) == {"index.html", ".nojekyll", ".cmetrics-site.json"}
    assert [path.name for path in tmp_path.iterdir()] == ["site"]


@pytest.mark.parametrize("foreign", ["notes.txt", "assets/mine.css", "api/x/y.json"])
def test_a_folder_with_something_else_in_it_is_refused_untouched(tmp_path, foreign):
    out = tmp_path / "site"
    write_site(FILES.items(), out)
    (out / foreign).parent.mkdir(parents=True, exist_ok=True)
    (out / foreign).write_text("mine")
    with pytest.raises(SiteError, match=re.escape(foreign)):
        write_site({"index.html": b"two"}.items(), out)
    assert (out / foreign).read_text() == "mine"
    assert (out / "index.html").read_bytes() == b"one"


def test_a_folder_that_only_looks_like_a_site_is_refused(tmp_path):
    out = tmp_path / "site"
    out.mkdir()
    (out / "index.html").write_text("somebody's home page")
    with pytest.raises(SiteError):
        write_site(FILES.items(), out)
    (out / ".cmetrics-site.json").write_text('{"files": 3}')
    with pytest.raises(SiteError):
        write_site(FILES.items(), out)


def test_a_link_in_place_of_the_folder_is_not_followed_into_somebody_s_files(tmp_path):
    home = tmp_path / "home"
    home.mkdir()
    (home / "diary.txt").write_text("mine")
    (tmp_path / "site").symlink_to(home)
    with pytest.raises(SiteError):
        write_site(FILES.items(), tmp_path / "site")
    assert (home / "diary.txt").read_text() == "mine"


def test_a_file_in_place_of_the_folder_is_refused(tmp_path):
    (tmp_path / "site").write_text("mine")
    with pytest.raises(SiteError):
        write_site(FILES.items(), tmp_path / "site")


def test_two_builds_of_one_moment_are_the_same_bytes(offline: Home):
    offline.run("bootstrap")
    offline.env["SOURCE_DATE_EPOCH"] = "1800000000"
    contents = []
    for out in ("one", "two"):
        offline.run("build-site", "--out", out)
        folder = offline.folder / out
        contents.append({name: (folder / name).read_bytes() for name in sorted(names(folder))})
    assert contents[0] == contents[1]
    assert b"14 January 2027" in contents[0]["index.html"]


def test_a_failed_build_keeps_the_site_that_is_there(offline: Home):
    offline.run("bootstrap")
    offline.run("build-site")
    before = (offline.folder / "site" / "index.html").read_bytes()
    offline.run("build-site", "--db", "nowhere", code=1)
    (offline.folder / "site" / "CNAME").write_text("metrics.example.com")
    done = offline.run("build-site", code=2)
    assert "CNAME" in done.stderr
    assert (offline.folder / "site" / "index.html").read_bytes() == before
    assert (offline.folder / "site" / "assets" / "site.css").is_file()
